"""The loops of fit, evaluate and predict: how often, in which order, with which figures."""

import re

import numpy as np
import pytest

import sheer
from sheer import layers
from sheer.callbacks import Callback, History, LambdaCallback
from small import classifier, data, equal

X, Y = data(20)


def seen_batches(**settings):
    """The first column of x in each batch that fit runs on, by epoch."""
    x = np.arange(10, dtype=np.float32)[:, None]
    model = sheer.Sequential([sheer.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    epochs = []
    program = model.train_program(x, x)
    function = program.function
    program.function = lambda *a: epochs[-1].append(a[0][:, 0].tolist()) or function(*a)
    begin = LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append([]))
    model.fit(x, x, verbose=0, callbacks=[begin], **settings)
    return epochs


@pytest.mark.usefixtures("numpy_engine")
def test_without_shuffling_the_rows_come_in_order():
    assert (
        seen_batches(batch_size=4, shuffle=False, epochs=2)
        == [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]] * 2
    )


@pytest.mark.usefixtures("numpy_engine")
def test_shuffling_gives_each_row_once_in_a_new_order_each_epoch():
    first, second = seen_batches(batch_size=4, epochs=2)
    for epoch in (first, second):
        assert [len(batch) for batch in epoch] == [4, 4, 2]
        assert sorted(row for batch in epoch for row in batch) == list(range(10))
    assert len({str(first), str(second), str(seen_batches(batch_size=4)[0])}) == 3


@pytest.mark.usefixtures("numpy_engine")
def test_validation_is_never_shuffled():
    x = np.arange(10, dtype=np.float32)[:, None]
    model = sheer.Sequential([sheer.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    seen = []
    program = model.test_program(x, x)
    function = program.function
    program.function = lambda *a: seen.append(a[0][:, 0].tolist()) or function(*a)
    model.fit(x, x, verbose=0, validation_split=0.5, batch_size=2)
    assert seen == [[5, 6], [7, 8], [9]]
    seen.clear()
    model.fit(x, x, verbose=0, validation_split=0.5, batch_size=2, validation_batch_size=4)
    model.fit(x, x, verbose=0, validation_data=(x, x), batch_size=2, validation_steps=2)
    assert seen == [[5, 6, 7, 8], [9], [0, 1], [2, 3]]


@pytest.mark.usefixtures("numpy_engine")
@pytest.mark.parametrize(
    ("batch_size", "steps", "wanted"),
    # As real Keras does it: the next epoch goes on where the last one ended.
    [
        (2, 2, [[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[8, 9]], [[0, 1], [2, 3]]]),
        (3, 3, [[[0, 1, 2], [3, 4, 5], [6, 7, 8]], [[9]], [[0, 1, 2], [3, 4, 5], [6, 7, 8]],
                [[9]]]),
    ],
)  # fmt: skip
def test_steps_per_epoch(batch_size, steps, wanted):
    epochs = seen_batches(batch_size=batch_size, steps_per_epoch=steps, epochs=4, shuffle=False)
    assert epochs == wanted


@pytest.mark.usefixtures("numpy_engine")
def test_steps_per_epoch_shuffled_still_gives_each_row_once_in_a_pass():
    epochs = seen_batches(batch_size=2, steps_per_epoch=2, epochs=6)
    rows = [[row for batch in epoch for row in batch] for epoch in epochs]
    assert sorted(rows[0] + rows[1] + rows[2]) == list(range(10))
    assert sorted(rows[3] + rows[4] + rows[5]) == list(range(10))
    assert rows[0] + rows[1] + rows[2] != rows[3] + rows[4] + rows[5]


def test_more_steps_than_batches_are_told():
    text = "100 steps are asked for, and the data give 2 batches: there will be that many steps."
    with pytest.warns(UserWarning, match=text):
        classifier().fit(X, Y, batch_size=10, steps_per_epoch=100, verbose=0)


def test_evaluate_and_predict_of_some_steps():
    model = classifier()
    assert equal([model.predict(X, batch_size=4, steps=2, verbose=0)],
                 [model.predict(X[:8], batch_size=4, verbose=0)])  # fmt: skip
    assert model.evaluate(X, Y, batch_size=4, steps=2, verbose=0) == model.evaluate(
        X[:8], Y[:8], batch_size=4, verbose=0
    )


def test_epochs_and_initial_epoch():
    model = classifier()
    history = model.fit(X, Y, epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [3, 4]
    assert len(history.history["loss"]) == 2
    assert int(model.optimizer.iterations.numpy()) == 2
    nothing = model.fit(X, Y, epochs=2, initial_epoch=2, verbose=0)
    assert (nothing.epoch, nothing.history) == ([], {})


@pytest.mark.parametrize(
    ("every", "wanted"), [(1, [0, 1, 2, 3]), (2, [1, 3]), ([1, 4], [0, 3]), (9, [])]
)
def test_validation_freq(every, wanted):
    seen = []
    note = LambdaCallback(on_epoch_end=lambda e, logs: "val_loss" in logs and seen.append(e))
    history = classifier().fit(
        X, Y, epochs=4, validation_data=(X, Y), validation_freq=every, verbose=0, callbacks=[note]
    )
    assert seen == wanted
    assert len(history.history.get("val_loss", [])) == len(wanted)


def test_validation_data_with_weights():
    model = classifier(optimizer=sheer.optimizers.SGD(0.0))
    weights = np.linspace(0, 2, 20)
    history = model.fit(X, Y, validation_data=(X, Y, weights), verbose=0).history
    p = model.predict(X, verbose=0)
    losses = -np.log(p[np.arange(20), Y])
    assert history["val_loss"] == [pytest.approx((losses * weights).mean(), rel=1e-5)]
    assert history["loss"] == [pytest.approx(losses.mean(), rel=1e-5)]
    # The same by evaluate.
    assert model.evaluate(X, Y, sample_weight=weights, verbose=0)[0] == pytest.approx(
        history["val_loss"][0]
    )


def test_sample_weight_and_class_weight_in_training():
    def trained(**weights):
        model = classifier()
        model.set_weights(start)
        return model.fit(X, Y, shuffle=False, verbose=0, **weights).history["loss"], model

    start = classifier().get_weights()
    by_class = {0: 0.5, 1: 2.0}
    weights = np.array([by_class.get(int(y), 1.0) for y in Y])
    loss, model = trained(class_weight=by_class)
    same_loss, same = trained(sample_weight=weights)
    assert loss == pytest.approx(same_loss, rel=1e-6)
    for a, b in zip(model.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    # A weight of 0 is as if the row were not there, but for the number of rows.
    some = (np.arange(20) % 2).astype(float)
    loss, _ = trained(sample_weight=some)
    model = classifier()
    model.set_weights(start)
    assert loss[0] == pytest.approx(model.evaluate(X[1::2], Y[1::2], verbose=0)[0] / 2, rel=1e-5)


def test_weighted_metrics_next_to_plain_ones():
    model = classifier(weighted_metrics=["accuracy"])
    weights = np.linspace(0, 2, 20)
    figures = model.evaluate(X, Y, sample_weight=weights, verbose=0, return_dict=True)
    right = model.predict(X, verbose=0).argmax(-1) == Y
    assert figures["accuracy"] == pytest.approx(right.mean())
    assert figures["weighted_accuracy"] == pytest.approx((right * weights).sum() / weights.sum())


def test_the_loss_of_an_epoch_is_the_mean_over_its_examples():
    """Also where the last batch is smaller: not the mean over the batches."""
    model = classifier(optimizer=sheer.optimizers.SGD(0.0))
    p = model.predict(X, verbose=0)
    losses = -np.log(p[np.arange(20), Y])
    history = model.fit(X, Y, batch_size=16, verbose=0)
    assert history.history["loss"] == [pytest.approx(losses.mean(), rel=1e-5)]


def test_what_evaluate_returns():
    model = classifier(metrics=["accuracy", "sparse_categorical_crossentropy"])
    dictionary = model.evaluate(X, Y, verbose=0, return_dict=True)
    # Keras: a dictionary by name, a list in the order of compile, the loss first.
    assert list(dictionary) == ["accuracy", "loss", "sparse_categorical_crossentropy"]
    assert all(type(value) is float for value in dictionary.values())
    assert model.evaluate(X, Y, verbose=0) == [
        dictionary[name] for name in ("loss", "accuracy", "sparse_categorical_crossentropy")
    ]
    assert model.metrics_names == ["loss", "accuracy", "sparse_categorical_crossentropy"]
    alone = classifier(metrics=[])
    assert type(alone.evaluate(X, Y, verbose=0)) is float
    assert alone.evaluate(X, Y, verbose=0, return_dict=True).keys() == {"loss"}


def test_predict_on_one_row_and_on_many():
    model = classifier()
    whole = model.predict(X, verbose=0)
    assert type(whole) is np.ndarray and whole.shape == (20, 3)
    np.testing.assert_allclose(model.predict(X, batch_size=3, verbose=0), whole, rtol=1e-6)
    np.testing.assert_allclose(model.predict(X[:1], verbose=0), whole[:1], rtol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(X), whole, rtol=1e-6)
    np.testing.assert_allclose(model(X).numpy(), whole, rtol=1e-6)
    np.testing.assert_allclose(whole.sum(axis=1), 1, rtol=1e-6)


def test_predict_needs_no_compile():
    model = sheer.Sequential([layers.Dense(2, use_bias=False)])
    assert model.predict(X, verbose=0).shape == (20, 2)


def test_on_batch_methods():
    model = classifier()
    p = model.predict(X, verbose=0)
    loss = -np.log(p[np.arange(20), Y]).mean()
    accuracy = (p.argmax(-1) == Y).mean()
    figures = model.test_on_batch(X, Y)
    assert figures == [pytest.approx(loss, rel=1e-5), pytest.approx(accuracy)]
    # They are of this batch alone, as Keras's are, whose trainers reset the metrics.
    part = model.test_on_batch(X[:5], Y[:5], return_dict=True)
    assert part["loss"] == pytest.approx(-np.log(p[np.arange(5), Y[:5]]).mean(), rel=1e-5)
    assert part["accuracy"] == pytest.approx((p.argmax(-1) == Y)[:5].mean())
    assert model.test_on_batch(X, Y) == pytest.approx(figures, rel=1e-6)
    assert model.train_on_batch(X, Y) == pytest.approx(figures, rel=1e-6)
    assert int(model.optimizer.iterations.numpy()) == 1
    assert model.test_on_batch(X, Y)[0] < figures[0]


def test_on_batch_equals_fit():
    model, same = classifier(optimizer="adam"), classifier(optimizer="adam")
    same.set_weights(model.get_weights())
    model.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    weights = np.linspace(0, 2, 20)
    for start in (0, 8, 16):
        same.train_on_batch(X[start : start + 8], Y[start : start + 8])
    assert equal(model.get_weights(), same.get_weights())
    model.fit(X, Y, batch_size=20, shuffle=False, verbose=0, sample_weight=weights)
    same.train_on_batch(X, Y, sample_weight=weights)
    model.fit(X, Y, batch_size=20, shuffle=False, verbose=0, class_weight={1: 3.0})
    same.train_on_batch(X, Y, class_weight={1: 3.0})
    assert equal(model.get_weights(), same.get_weights())


def test_a_second_fit_goes_on():
    model, same = classifier(optimizer="adam"), classifier(optimizer="adam")
    same.set_weights(model.get_weights())
    model.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    for _ in range(2):
        same.fit(X, Y, shuffle=False, verbose=0)
    assert equal(model.get_weights(), same.get_weights())


def test_other_data_and_another_compile():
    model = classifier()
    model.fit(X, Y, verbose=0)
    model.fit(X.astype("float64"), Y.astype("uint8"), verbose=0)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, np.eye(3)[Y], verbose=0)
    assert set(history.history) == {"loss", "accuracy"}
    assert int(model.optimizer.iterations.numpy()) == 1
    model.compile("sgd", lambda true, pred: (true - pred) ** 2)
    assert set(model.fit(X, np.eye(3)[Y], verbose=0).history) == {"loss"}


@pytest.mark.parametrize("which", ["batch", "epoch"])
def test_stop_training(which):
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if which == "batch" and batch == 1:
                self.model.stop_training = True

        def on_epoch_end(self, epoch, logs=None):
            if which == "epoch" and epoch == 1:
                self.model.stop_training = True

    model = classifier()
    history = model.fit(X, Y, batch_size=4, epochs=5, verbose=0, callbacks=[Stop()],
                        validation_data=(X, Y))  # fmt: skip
    assert int(model.optimizer.iterations.numpy()) == (2 if which == "batch" else 10)
    # The epoch is ended properly, with its validation.
    assert history.epoch == ([0] if which == "batch" else [0, 1])
    assert len(history.history["val_loss"]) == len(history.epoch)
    # It is forgotten by the next fit.
    assert model.fit(X, Y, verbose=0).epoch == [0]


def test_history():
    model = classifier()
    history = model.fit(X, Y, epochs=2, verbose=0, validation_split=0.2)
    assert isinstance(history, History) and model.history is history
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert all(type(v) is float for values in history.history.values() for v in values)
    assert history.epoch == [0, 1]
    assert history.params == {"epochs": 2, "steps": 1, "verbose": 0}
    assert repr(history) == "<History of 2 epochs: accuracy, loss, val_accuracy, val_loss>"
    own = History()
    assert model.fit(X, Y, verbose=0, callbacks=[own]) is own


def test_a_loss_weight():
    model = classifier(loss_weights=0.5)
    whole = classifier()
    whole.set_weights(model.get_weights())
    half = model.evaluate(X, Y, verbose=0)
    full = whole.evaluate(X, Y, verbose=0)
    assert half == [pytest.approx(full[0] / 2), full[1]]


def test_a_loss_added_by_a_layer_alone():
    class Small(layers.Layer):
        def call(self, x):
            self.add_loss(sheer.ops.mean(x**2))
            return x

    model = sheer.Sequential([sheer.Input((4,)), layers.Dense(2), Small()])
    model.compile("sgd")
    p = model.predict(X, verbose=0)
    history = model.fit(X, batch_size=20, epochs=3, verbose=0).history["loss"]
    assert history[0] == pytest.approx((p**2).mean(), rel=1e-5)
    assert history[2] < history[1] < history[0]


# --- what is printed ------------------------------------------------------------------------

TIME = r"\d+(us|ms|s|m\d\ds)"


def masked(text):
    return re.sub(rf"\b{TIME}\b", "TIME", text)


@pytest.mark.parametrize("verbose", ["auto", 2])
def test_lines_where_there_is_no_terminal(capsys, verbose):
    model = classifier()
    history = model.fit(X, Y, epochs=2, batch_size=8, verbose=verbose, validation_split=0.2)
    figures = [
        " - ".join(f"{name}: {values[epoch]:.4f}" for name, values in history.history.items())
        for epoch in (0, 1)
    ]
    assert masked(capsys.readouterr().out) == (
        f"Epoch 1/2 - 2/2 - TIME - TIME/step - {figures[0]}\n"
        f"Epoch 2/2 - 2/2 - TIME - TIME/step - {figures[1]}\n"
    )
    loss, accuracy = model.evaluate(X, Y, verbose=verbose)
    model.predict(X, batch_size=5, verbose=verbose)
    assert masked(capsys.readouterr().out) == (
        f"1/1 - TIME - TIME/step - accuracy: {accuracy:.4f} - loss: {loss:.4f}\n"
        "4/4 - TIME - TIME/step\n"
    )


def test_verbose_0_prints_nothing(capsys):
    model = classifier()
    model.fit(X, Y, verbose=0, validation_split=0.2)
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_the_bar(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("sheer.callbacks.progress.INTERVAL", 60.0)  # only finished bars are drawn
    model = classifier()
    history = model.fit(X, Y, epochs=2, batch_size=8, verbose=1)
    figures = [
        f"accuracy: {a:.4f} - loss: {b:.4f}"
        for a, b in zip(history.history["accuracy"], history.history["loss"], strict=True)
    ]
    assert masked(capsys.readouterr().out) == (
        f"Epoch 1/2\n\r3/3 ━━━━━━━━━━━━━━━━━━━━ TIME TIME/step - {figures[0]}\n"
        f"Epoch 2/2\n\r3/3 ━━━━━━━━━━━━━━━━━━━━ TIME TIME/step - {figures[1]}\n"
    )
    model.predict(X, verbose=1)
    assert masked(capsys.readouterr().out) == "\r1/1 ━━━━━━━━━━━━━━━━━━━━ TIME TIME/step\n"


def test_an_epoch_that_was_stopped_shows_the_steps_it_had(capsys):
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    classifier().fit(X, Y, batch_size=4, epochs=3, verbose=2, callbacks=Stop())
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Epoch 1/3 - 2/5 - ")


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_one_weight_for_several_losses(run_eagerly):
    model = sheer.Sequential([sheer.Input((2, 3)), layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=run_eagerly)
    x, y, weights = np.ones((2, 2, 3)), np.ones((2, 2, 1)), np.array([1.0, 2.0])
    with pytest.raises(sheer.ShapeError, match="an example has more than one loss"):
        model.fit(x, y, sample_weight=weights, verbose=0)
    each = np.broadcast_to(weights[:, None], (2, 2))
    model.fit(x, y, sample_weight=each, verbose=0)
