"""Data that come batch by batch: generators, loaders, whatever can be iterated over."""

import re
import traceback

import numpy as np
import pytest

import sheer
from sheer import layers
from sheer.callbacks import Callback
from small import classifier, data, equal, state

X, Y = data(20)
W = np.linspace(0.5, 2, 20)
# Batches of several sizes, the first rows first.
SIZES = [5, 1, 8, 6]


def batches(*arrays, sizes=SIZES):
    """The arrays in batches of these sizes."""
    first = 0
    for n in sizes:
        yield tuple(array[first : first + n] for array in arrays)
        first += n


class Loader:
    """As loaders of other libraries are: it can be had again; `len` may be unknown."""

    def __init__(self, batches, length=None):
        self.batches, self.length = list(batches), length

    def __iter__(self):
        return iter(self.batches)

    def __len__(self):
        if self.length is None:
            raise TypeError("the length is not known")
        return self.length


class Foreign:
    """A tensor of another library."""

    def __init__(self, array, how):
        self.array, self.how = array, how

    def __getattr__(self, name):
        if name == "__array__" and self.how == "array":
            return lambda dtype=None, copy=None: self.array
        if name in ("__dlpack__", "__dlpack_device__") and self.how == "dlpack":
            return getattr(self.array, name)
        raise AttributeError(name)


def trained_on(pieces, model=None, **options):
    """A model trained on each of the batches in turn, and its figures over all of them."""
    model = model or classifier(optimizer="adam")
    rows, totals = 0, {}
    for piece in pieces:
        x, y, weight = (*piece, None)[:3]
        logs = model.train_on_batch(x, y, weight, return_dict=True, **options)
        rows += len(x)
        totals = {name: totals.get(name, 0) + len(x) * logs[name] for name in logs}
    return model, {name: total / rows for name, total in totals.items()}


def pair():
    """Two models with the same weights."""
    model, same = classifier(optimizer="adam"), classifier(optimizer="adam")
    same.set_weights(model.get_weights())
    return model, same


# --- what a batch may be ----------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["numpy", "native"])
@pytest.mark.parametrize("arrays", [(X, Y), (X, Y, W)], ids=["xy", "xyw"])
@pytest.mark.parametrize("make", [iter, Loader, lambda b: Loader(b, 4), lambda b: map(list, b)],
                         ids=["generator", "loader", "loader with len", "lists"])  # fmt: skip
def test_fit_is_train_on_batch_for_each(make, arrays, engine, monkeypatch):
    before = sheer.config.engine()
    if engine == "numpy":
        sheer.config.set_engine("numpy")
    try:
        model, same = pair()
        history = model.fit(make(batches(*arrays)), verbose=0)
        _, logs = trained_on(batches(*arrays), same)
    finally:
        sheer.config.set_engine(before)
    figures = {name: values[-1] for name, values in history.history.items()}
    assert figures == pytest.approx(logs, rel=1e-6)
    assert equal(model.get_weights(), same.get_weights())


@pytest.mark.parametrize("form", [
    lambda x: x, lambda x: (x,), lambda x: [x], lambda x: Foreign(x, "array"),
    lambda x: (Foreign(x, "dlpack"),), lambda x: (x, Y[: len(x)]),
], ids=["x", "(x,)", "[x]", "__array__", "DLPack", "(x, y)"])  # fmt: skip
def test_predict(form):
    model = classifier()
    pieces = (form(x) for (x,) in batches(X))
    np.testing.assert_allclose(model.predict(pieces, verbose=0), model.predict(X, verbose=0), 1e-6)


def test_lists_of_numbers_are_no_batches():
    with pytest.raises(TypeError, match="predict, batch 1: x must be an array"):
        classifier().predict(((x.tolist(),) for (x,) in batches(X)), verbose=0)


def test_dictionaries():
    class Two(sheer.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3, activation="softmax")

        def call(self, x):
            return self.dense(x["a"]) + self.dense(x["b"])

    model = Two()
    model.compile("sgd", "sparse_categorical_crossentropy")
    pieces = [({"a": x, "b": x}, y) for x, y in batches(X, Y)]
    model.fit(Loader(pieces), epochs=2, verbose=0)
    whole = model.predict({"a": X, "b": X}, verbose=0)
    assert np.allclose(model.predict((x for x, _ in pieces), verbose=0), whole, rtol=1e-6)


def test_batches_of_several_dtypes_have_a_step_each():
    model, same = pair()
    kinds = [("float32", "int64"), ("float64", "uint8"), ("uint8", "int32"), ("float32", "int64")]
    pieces = [
        ((x * 50).astype(x_kind), y.astype(y_kind))
        for (x, y), (x_kind, y_kind) in zip(batches(X, Y), kinds, strict=True)
    ]
    model.fit(iter(pieces), verbose=0)
    trained_on(pieces, same)
    assert equal(model.get_weights(), same.get_weights())


def test_class_weights():
    by_class = {0: 0.5, 2: 3.0}
    for arrays in ((X, Y), (X, Y, W)):
        model, same = pair()
        model.fit(batches(*arrays), class_weight=by_class, verbose=0)
        trained_on(batches(*arrays), same, class_weight=by_class)
        assert equal(model.get_weights(), same.get_weights())


def test_evaluate_and_validation_data():
    model = classifier()
    wanted = model.evaluate(X, Y, sample_weight=W, verbose=0)
    for source in (batches(X, Y, W), Loader(batches(X, Y, W))):
        assert model.evaluate(source, verbose=0) == pytest.approx(wanted, rel=1e-6)
    loader = Loader(batches(X, Y))
    history = model.fit(X, Y, validation_data=loader, epochs=2, verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert history.history["val_loss"][-1] == pytest.approx(
        model.evaluate(X, Y, verbose=0)[0], 1e-6
    )


def test_a_buffer_that_is_filled_again_for_each_batch():
    def reused():
        x, y = np.empty((5, 4), "float32"), np.empty(5, "int64")
        for first in range(0, 20, 5):
            x[:], y[:] = X[first : first + 5], Y[first : first + 5]
            yield x, y

    model, same = pair()
    model.fit(reused(), verbose=0)
    same.fit(X, Y, batch_size=5, shuffle=False, verbose=0)
    assert equal(model.get_weights(), same.get_weights())
    assert np.allclose(model.predict((x for x, _ in reused()), verbose=0),
                       model.predict(X, verbose=0), rtol=1e-6)  # fmt: skip


# --- ends ---------------------------------------------------------------------------------------


def test_a_generator_is_over_after_one_epoch():
    model = classifier()
    text = "fit: the generator gives no more batches after 1 epochs."
    with pytest.warns(UserWarning, match=f"^{re.escape(text)}$"):
        history = model.fit(batches(X, Y), epochs=3, verbose=0)
    assert history.epoch == [0]
    assert int(model.optimizer.iterations.numpy()) == 4


def test_a_generator_that_ends_within_an_epoch():
    model = classifier()
    with pytest.warns(UserWarning) as caught:
        history = model.fit(batches(X, Y), epochs=4, steps_per_epoch=3, verbose=0)
    assert [str(w.message) for w in caught] == [
        "fit: the generator ended after 1 of 3 steps.",
        "fit: the generator gives no more batches after 2 epochs.",
    ]
    assert history.epoch == [0, 1]
    assert len(history.history["loss"]) == 2
    with pytest.warns(UserWarning, match=r"^evaluate: the generator ended after 4 of 9 steps\.$"):
        model.evaluate(batches(X, Y), steps=9, verbose=0)


def test_validation_batches_that_are_over():
    model = classifier()
    text = "fit, validation_data: the generator gives no more batches after 1 epochs."
    with pytest.warns(UserWarning, match=f"^{re.escape(text)}$"):
        history = model.fit(X, Y, validation_data=batches(X, Y), epochs=2, verbose=0)
    assert len(history.history["val_loss"]) == 1 and len(history.history["loss"]) == 2


def test_steps_of_a_generator_without_end_go_on_behind():
    def endless():
        number = 0
        while True:
            drawn.append(number)
            yield X, Y
            number += 1

    drawn = []
    model = classifier()
    source = endless()
    model.fit(source, steps_per_epoch=3, epochs=2, verbose=0)
    # Nothing is drawn ahead: what comes next is there for the caller.
    assert drawn == list(range(6))
    model.fit(source, steps_per_epoch=2, verbose=0)
    assert drawn == list(range(8))


def test_stop_training_within_an_epoch():
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    model = classifier()
    history = model.fit(batches(X, Y), epochs=5, verbose=0, callbacks=[Stop()])
    assert history.epoch == [0]
    assert int(model.optimizer.iterations.numpy()) == 2


# --- what goes wrong ----------------------------------------------------------------------------


def failing(after, error):
    for number, batch in enumerate(batches(X, Y)):
        if number == after:
            raise error
        yield batch


@pytest.mark.parametrize("error", [ValueError("no such file"), KeyError("x"), IndexError(3)])
def test_a_generator_that_raises(error):
    model, same = pair()
    with pytest.raises(type(error)) as caught:
        model.fit(failing(2, error), verbose=0)
    assert caught.value is error
    assert error.__notes__ == [
        "fit, epoch 1, batch 3: the generator raised this. The model is as the batch before left "
        "it."
    ]
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert frames[-1] == "failing"
    # The batches before count, and the model goes on.
    trained_on(list(batches(X, Y))[:2], same)
    assert equal(model.get_weights(), same.get_weights())
    model.fit(batches(X, Y), verbose=0)
    trained_on(batches(X, Y), same)
    assert equal(model.get_weights(), same.get_weights())


def test_a_generator_that_raises_at_once_changes_nothing():
    model = classifier(features=None, optimizer="adam")
    before = state(model)
    with pytest.raises(OSError, match="gone"):
        model.fit(failing(0, OSError("gone")), verbose=0)
    assert state(model) == before


def wrong(position, replacement):
    """Batches of which one is another."""
    pieces = list(batches(X, Y))
    pieces[position] = replacement
    return pieces


NAN = np.where(np.arange(12).reshape(3, 4) == 6, np.nan, 1.0)


@pytest.mark.parametrize(("batch", "text"), [
    ((NAN, Y[:3]), "x contains NaN: 1 of 12 values, the first in row 1, at (1, 2).\n"
     "Fill or drop these rows first, for example with np.nan_to_num."),
    ((X, Y[:3]), "the numbers of rows differ.\n  x             (20, 4)\n  y             (3,)\n"
     "Each array needs one row per example."),
    ((X, Y + 2), "sparse_categorical_crossentropy: labels must be 0 to 2, as the model has 3 "
     f"outputs. Got values from 2 to 4; label {Y[Y > 0][0] + 2} stands in row {np.argmax(Y > 0)}.\n"
     "Number the classes from 0, or give the last layer more units."),
    ((X,), "y is missing: the loss sparse_categorical_crossentropy compares the outputs with it. "
     "Give x and y."),
    ((X, Y, Y, Y), "a batch must be x, (x,), (x, y) or (x, y, sample_weight). Got a tuple of 4."),
    ((), "a batch must be x, (x,), (x, y) or (x, y, sample_weight). Got a tuple of 0."),
    (None, "x is missing. Got None. Give an array of examples."),
    ((X[:0], Y[:0]), "the data are empty: x has the shape (0, 4). Give at least one row."),
    (("a", Y), "x must be an array, or a list of arrays, each with one row per example. Got 'a'.\n"
     "Make lists of numbers an array first: np.array(x)."),
])  # fmt: skip
@pytest.mark.parametrize("position", [0, 2])
def test_a_wrong_batch(batch, text, position):
    model, same = pair()
    with pytest.raises((ValueError, TypeError)) as error:
        model.fit(iter(wrong(position, batch)), verbose=0)
    assert str(error.value) == f"fit, epoch 1, batch {position + 1}: {text}"
    if position:
        trained_on(list(batches(X, Y))[:position], same)
    assert equal(model.get_weights(), same.get_weights())


def test_a_batch_with_other_features():
    model, same = pair()
    with pytest.raises(ValueError, match="fit, epoch 1, batch 3: ") as error:
        model.fit(iter(wrong(2, (X[:, :3], Y))), verbose=0)
    assert "built for x of the shape (n, 4); here it is (n, 3)" in str(error.value)
    trained_on(list(batches(X, Y))[:2], same)
    assert equal(model.get_weights(), same.get_weights())


GENERATOR = "generator: its batches hold all three, as (x, y, sample_weight). Got ndarray."


@pytest.mark.parametrize(("call", "text"), [
    (lambda m: m.fit(batches(X, Y), Y), f"fit: y cannot be given beside {GENERATOR}"),
    (lambda m: m.fit(batches(X, Y), sample_weight=W),
     f"fit: sample_weight cannot be given beside {GENERATOR}"),
    (lambda m: m.evaluate(batches(X, Y), Y), f"evaluate: y cannot be given beside {GENERATOR}"),
    (lambda m: m.fit(batches(X, Y), validation_split=0.5),
     "fit: validation_split is for arrays. Got 0.5, and x is a generator: give validation_data."),
    (lambda m: m.fit(batches(X, Y, sizes=[])),
     "fit: the data are empty: the generator gives no batch."),
    (lambda m: m.predict(Loader([], 0)),
     "predict: the data are empty: the Loader gives no batch."),
    (lambda m: m.fit(X, Y, validation_data=batches(X, Y, sizes=[])),
     "fit, validation_data: the data are empty: the generator gives no batch."),
    (lambda m: m.fit(X, Y, validation_data=iter([(X, Y + 1)])),
     "fit, validation_data, batch 1: sparse_categorical_crossentropy: labels must be 0 to 2, as "
     "the model has 3 outputs. Got values from 1 to 3; label 3 stands in row "
     f"{np.argmax(Y == 2)}.\nNumber the classes from 0, or give the last layer more units."),
])  # fmt: skip
def test_refused(call, text):
    model = classifier(features=None, optimizer="adam")
    before = state(model)
    if "evaluate" in text:
        model.build((None, 4))
        before = state(model)
    with pytest.raises(ValueError) as error:
        call(model)
    assert str(error.value) == text
    assert state(model) == before


def test_a_function_that_gives_batches():
    text = (
        "fit: x must be an array, a list of arrays, or an iterable of batches, such as a generator "
        "or a PyDataset. Got function.\nIs it a function that gives batches? Call it: x()."
    )
    with pytest.raises(TypeError) as error:
        classifier().fit(lambda: batches(X, Y), verbose=0)
    assert str(error.value) == text


# --- progress -----------------------------------------------------------------------------------


def test_the_progress_learns_the_length(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    seen = []

    class Watch(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(self.params["steps"])

    monkeypatch.setattr("sheer.callbacks.progress.INTERVAL", 0.0)
    model = classifier(metrics=())
    model.fit(Loader(batches(X, Y)), epochs=2, verbose=1, callbacks=[Watch()])
    text = re.sub(r"\b\d+(us|ms|s)\b", "T", capsys.readouterr().out)
    drawn = [re.sub(r" - loss.*", "", line) for line in re.split(r"[\r\n]+", text)]
    assert drawn[:6] == ["Epoch 1/2", *(f"{n}/Unknown T" for n in (1, 2, 3, 4)),
                         f"4/4 {'━' * 20} T T/step"]  # fmt: skip
    assert drawn[6] == "Epoch 2/2" and drawn[7].startswith("1/4 ━━━━━───")
    assert seen == [None, None]


def test_lines_of_unknown_length(capsys):
    classifier().evaluate(batches(X, Y), verbose=2)
    assert capsys.readouterr().out.startswith("4/4 - ")
