"""Callbacks: which hooks are called when, and with which logs. The order is Keras's, as Keras 3.15
printed it for the same calls."""

import numpy as np
import pytest

import sheer
from sheer import layers
from sheer.callbacks import Callback, History, LambdaCallback
from sheer.callbacks.base import HOOKS
from small import classifier, data, equal

X = np.arange(10, dtype=np.float32).reshape(5, 2)
Y = X.sum(axis=1, keepdims=True)


def model():
    made = sheer.Sequential([layers.Dense(1)])
    made.compile("sgd", "mse", metrics=["mae"])
    return made


def spy(calls):
    """A callback that notes each hook with its number and the keys of its logs."""

    def noting(name):
        def hook(self, *args):
            *numbers, logs = args
            assert all(type(v) is float for k, v in logs.items() if k != "outputs")
            calls.append((name.removeprefix("on_"), *numbers, " ".join(logs)))

        return hook

    return type("Spy", (Callback,), {name: noting(name) for name in HOOKS})()


TRAIN_BATCHES = [
    ("train_batch_begin", 0, ""),
    ("train_batch_end", 0, "loss mae"),
    ("train_batch_begin", 1, ""),
    ("train_batch_end", 1, "loss mae"),
]
EVALUATION = [
    ("test_begin", ""),
    ("test_batch_begin", 0, ""),
    ("test_batch_end", 0, "loss mae"),
    ("test_batch_begin", 1, ""),
    ("test_batch_end", 1, "loss mae"),
    ("test_end", "loss mae"),
]
ALL = "loss mae val_loss val_mae"


def test_fit_with_validation():
    calls = []
    model().fit(X, Y, batch_size=4, epochs=2, validation_data=(X, Y), verbose=0,
                callbacks=[spy(calls)])  # fmt: skip
    assert calls == [
        ("train_begin", ""),
        ("epoch_begin", 0, ""),
        *TRAIN_BATCHES,
        *EVALUATION,
        ("epoch_end", 0, ALL),
        ("epoch_begin", 1, ""),
        *TRAIN_BATCHES,
        *EVALUATION,
        ("epoch_end", 1, ALL),
        ("train_end", ALL),
    ]


def test_fit_without_epochs():
    calls = []
    model().fit(X, Y, epochs=0, verbose=0, callbacks=spy(calls))
    assert calls == [("train_begin", ""), ("train_end", "")]


def test_evaluate():
    calls = []
    model().evaluate(X, Y, batch_size=4, verbose=0, callbacks=[spy(calls)])
    assert calls == EVALUATION


def test_predict():
    calls = []
    outputs = []
    made = model()
    note = LambdaCallback(on_predict_batch_end=lambda batch, logs: outputs.append(logs["outputs"]))
    predicted = made.predict(X, batch_size=4, verbose=0, callbacks=[spy(calls), note])
    assert calls == [
        ("predict_begin", ""),
        ("predict_batch_begin", 0, ""),
        ("predict_batch_end", 0, "outputs"),
        ("predict_batch_begin", 1, ""),
        ("predict_batch_end", 1, "outputs"),
        ("predict_end", ""),
    ]
    assert equal([np.concatenate(outputs)], [predicted])


def test_stopping_in_the_first_batch():
    calls = []

    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    model().fit(X, Y, batch_size=4, epochs=3, verbose=0, validation_data=(X, Y),
                callbacks=[spy(calls), Stop()])  # fmt: skip
    assert calls == [
        ("train_begin", ""),
        ("epoch_begin", 0, ""),
        *TRAIN_BATCHES[:2],
        *EVALUATION,
        ("epoch_end", 0, ALL),
        ("train_end", ALL),
    ]


def test_the_figures_in_the_logs():
    """After each batch those of all batches of the epoch so far; at its end the epoch's."""
    seen = []
    made = model()
    made.optimizer.learning_rate = 0.0
    made.build((None, 2))
    error = made.predict(X, verbose=0) - Y
    history = made.fit(X, Y, batch_size=2, shuffle=False, verbose=0, callbacks=[
        LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"])),
    ])  # fmt: skip
    assert seen == pytest.approx([(error[:n] ** 2).mean() for n in (2, 4, 5)], rel=1e-5)
    assert history.history["loss"] == [seen[-1]]


def test_model_and_params():
    seen = []

    class Look(Callback):
        def on_train_begin(self, logs=None):
            seen.append((self.model, self.params))

        on_test_begin = on_predict_begin = on_train_begin

    made = model()
    look = Look()
    made.fit(X, Y, batch_size=2, epochs=4, verbose=0, callbacks=[look])
    made.evaluate(X, Y, batch_size=1, verbose=0, callbacks=[look])
    made.predict(X, verbose=0, callbacks=[look])
    assert all(seen_model is made for seen_model, _ in seen)
    assert [params for _, params in seen] == [
        {"epochs": 4, "steps": 3, "verbose": 0},
        {"epochs": 1, "steps": 5, "verbose": 0},
        {"epochs": 1, "steps": 1, "verbose": 0},
    ]


def test_the_older_names_of_the_batch_hooks():
    class Older(Callback):
        def on_batch_begin(self, batch, logs=None):
            calls.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            calls.append(("end", batch, *logs))

    class Both(Older):
        def on_train_batch_end(self, batch, logs=None):
            calls.append(("train end", batch))

    calls = []
    model().fit(X, Y, batch_size=4, verbose=0, callbacks=[Older()])
    assert calls == [
        ("begin", 0), ("end", 0, "loss", "mae"), ("begin", 1), ("end", 1, "loss", "mae"),
    ]  # fmt: skip
    calls = []
    model().fit(X, Y, batch_size=4, verbose=0, callbacks=[Both()])
    assert calls == [("begin", 0), ("train end", 0), ("begin", 1), ("train end", 1)]


def test_callbacks_run_in_turn_and_may_add_to_the_logs():
    order = []

    def note(name):
        return LambdaCallback(on_epoch_end=lambda epoch, logs: order.append((name, sorted(logs))))

    add = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(rate=0.5))
    history = model().fit(X, Y, verbose=0, callbacks=[note("a"), add, note("b")])
    assert order == [("a", ["loss", "mae"]), ("b", ["loss", "mae", "rate"])]
    assert history.history["rate"] == [0.5]


def test_a_callback_may_change_the_weights_and_the_learning_rate():
    class Halve(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.1 / 2**epoch
            rates.append(float(self.model.optimizer.learning_rate))

        def on_train_end(self, logs=None):
            self.model.set_weights([w * 0 for w in self.model.get_weights()])

    rates = []
    made = model()
    made.fit(X, Y, epochs=3, verbose=0, callbacks=[Halve()])
    assert rates == pytest.approx([0.1, 0.05, 0.025])
    assert not any(w.any() for w in made.get_weights())


def test_a_callback_may_evaluate():
    losses = []
    made = model()
    check = LambdaCallback(
        on_epoch_end=lambda e, logs: losses.append(made.evaluate(X, Y, verbose=0)[0])
    )
    history = made.fit(X, Y, epochs=3, verbose=0, validation_data=(X, Y), callbacks=[check])
    assert losses == pytest.approx(history.history["val_loss"])


def test_a_callback_that_raises_leaves_a_usable_model():
    class Raise(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise KeyboardInterrupt

    x, y = data(20)
    made, same = classifier(optimizer="adam"), classifier(optimizer="adam")
    same.set_weights(made.get_weights())
    with pytest.raises(KeyboardInterrupt):
        made.fit(x, y, batch_size=4, shuffle=False, verbose=0, callbacks=[Raise()])
    # Two whole steps were made, and not half of one.
    same.fit(x, y, batch_size=4, steps_per_epoch=2, shuffle=False, verbose=0)
    assert equal(made.get_weights(), same.get_weights())
    assert int(made.optimizer.iterations.value) == 2
    assert (
        made.fit(x, y, shuffle=False, verbose=0).history
        == same.fit(x, y, shuffle=False, verbose=0).history
    )


def test_lambda_callback():
    calls = []
    callback = LambdaCallback(
        on_epoch_end=lambda epoch, logs: calls.append(("epoch", epoch)),
        on_train_begin=lambda logs: calls.append("begin"),
        on_train_end=lambda logs: calls.append("end"),
        on_test_begin=lambda logs: calls.append("test"),
        on_train_batch_begin=None,
    )
    model().fit(X, Y, verbose=0, callbacks=[callback], validation_data=(X, Y))
    assert calls == ["begin", "test", ("epoch", 0), "end"]
    with pytest.raises(TypeError) as caught:
        LambdaCallback(on_epoch_finish=print)
    assert str(caught.value) == "LambdaCallback: Callback has no hook 'on_epoch_finish'."


def test_what_is_no_callback():
    for wrong, text in [(3, "3."), (History, "<class 'sheer.callbacks.history.History'>: write () "
                                             "behind the class.")]:  # fmt: skip
        made = model()
        with pytest.raises(TypeError) as caught:
            made.fit(X, Y, verbose=0, callbacks=[wrong])
        assert str(caught.value) == (
            f"callbacks must be instances of sheer.callbacks.Callback. Got {text}"
        )
        assert not made.built


def test_hooks_that_nobody_has_cost_nothing():
    """A batch's logs become floats only for callbacks that ask for them."""
    callbacks = sheer.callbacks.CallbackList([History()])
    assert [hook for hook in HOOKS if callbacks.wants(hook)] == ["on_train_begin", "on_epoch_end"]
