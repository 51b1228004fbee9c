"""What may be given to fit, evaluate and predict as data."""

import numpy as np
import pytest

import sheer
from sheer import layers, ops
from sheer.training.data import Data
from small import classifier, data, equal


class TwoInputs(sheer.Model):
    """Takes (a, b), as a list or tuple; or a dictionary with the keys a and b."""

    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(4, activation="tanh")
        self.out = layers.Dense(1)

    def call(self, inputs):
        a, b = inputs.values() if isinstance(inputs, dict) else inputs
        return self.out(self.hidden(ops.concatenate([a, b], axis=-1)))


X, Y = data(20)
TARGET = X.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint8", "int64", "bool"])
def test_inputs_of_other_dtypes_count_as_floats(dtype):
    x = (X * 10).astype(dtype)
    model, same = classifier(), classifier()
    same.set_weights(model.get_weights())
    history = model.fit(x, Y, shuffle=False, verbose=0).history
    wanted = same.fit(x.astype("float32"), Y, shuffle=False, verbose=0).history
    assert history["loss"] == pytest.approx(wanted["loss"], rel=1e-6)
    predicted = model.predict(x, verbose=0)
    assert predicted.dtype == np.float32
    np.testing.assert_allclose(predicted, same.predict(x.astype("float32"), verbose=0), rtol=1e-5)


@pytest.mark.parametrize("labels", [
    Y.astype("uint8"), Y.astype("int32"), Y.astype("float32"), Y[:, None],
    Y[:, None].astype("float64"),
], ids=lambda y: f"{y.shape} {y.dtype}")  # fmt: skip
def test_labels_of_other_forms(labels):
    model, same = classifier(), classifier()
    same.set_weights(model.get_weights())
    assert (
        model.fit(X, labels, shuffle=False, verbose=0).history
        == same.fit(X, Y, shuffle=False, verbose=0).history
    )
    assert model.evaluate(X, labels, verbose=0) == same.evaluate(X, Y, verbose=0)


def test_targets_with_and_without_the_last_axis():
    results = []
    for y in (TARGET, TARGET[:, 0], TARGET[:, 0].astype("float64")):
        sheer.utils.set_random_seed(1)
        model = sheer.Sequential([layers.Dense(1)])
        model.compile("sgd", "mse", metrics=["mae"])
        results.append(model.fit(X, y, verbose=0).history)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("form", [list, tuple, lambda pair: dict(zip("ab", pair, strict=True))])
@pytest.mark.parametrize("run_eagerly", [False, True])
def test_two_inputs(form, run_eagerly):
    model = TwoInputs()
    model.compile("sgd", "mse", run_eagerly=run_eagerly)
    x = form([X[:, :1], X[:, 1:]])
    history = model.fit(x, TARGET, epochs=3, batch_size=8, verbose=0, validation_split=0.2)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert model.hidden.kernel.shape == (4, 4)
    predicted = model.predict(x, batch_size=8, verbose=0)
    assert predicted.shape == (20, 1)
    np.testing.assert_allclose(predicted, model(x).numpy(), rtol=1e-5, atol=1e-6)
    # By hand: the loss is that of the concatenated inputs.
    error = predicted - TARGET
    assert model.evaluate(x, TARGET, verbose=0) == pytest.approx((error**2).mean(), rel=1e-5)


def test_the_names_of_inputs_in_the_program():
    model = TwoInputs()
    model.compile("sgd", "mse")
    pair = [X[:, :1], X[:, 1:]]
    assert model.train_program(pair, TARGET).parameters[:3] == ["x_1", "x_2", "y"]
    named = {"sepal length": pair[0], "class": pair[1]}
    assert model.train_program(named, TARGET).parameters[:3] == ["sepal_length", "class_", "y"]
    model.fit(named, TARGET, verbose=0)
    # Names that the program, the targets or a layer have already.
    for names in (("np", "y"), ("dense", "sgd"), ("x", "metrics")):
        model = TwoInputs()
        model.compile("sgd", "mse")
        model.fit(dict(zip(names, pair, strict=True)), TARGET, verbose=0)
        assert len(set(model.train_program().parameters)) == len(model.train_program().parameters)


def test_tensors_and_things_with_an_array_inside():
    class Frame:
        def __array__(self, dtype=None, copy=None):
            return X.astype("float64")

    model = classifier()
    wanted = model.predict(X, verbose=0)
    assert equal([model.predict(Frame(), verbose=0)], [wanted])
    assert equal([model.predict(ops.convert_to_tensor(X), verbose=0)], [wanted])
    variable = sheer.Variable(X)
    assert equal([model.predict(variable, verbose=0)], [wanted])


def test_the_data_are_not_changed():
    x, y, weights = X.copy(), Y.copy(), np.linspace(0, 1, 20)
    before = [x.copy(), y.copy(), weights.copy()]
    classifier().fit(x, y, sample_weight=weights, epochs=2, verbose=0)
    assert equal([x, y, weights], before)


@pytest.mark.usefixtures("numpy_engine")
def test_batches_are_32_by_default_and_the_last_is_smaller():
    x, y = data(70)
    model = classifier()
    sizes = []
    model.train_program(x, y).function = spied(model.train_program(x, y).function, sizes)
    model.fit(x, y, verbose=0)
    assert sizes == [32, 32, 6]
    assert int(model.optimizer.iterations.numpy()) == 3
    model.fit(x, y, batch_size=70, epochs=2, verbose=0)
    model.fit(x, y, batch_size=1000, verbose=0)
    assert sizes[3:] == [70, 70, 70]


def spied(function, sizes):
    return lambda *args: sizes.append(len(args[0])) or function(*args)


def test_rows_and_targets_stay_together():
    """The weights of a linear model on one-hot rows tell which row met which target."""
    x, y = np.eye(6, dtype=np.float32), np.arange(6, dtype=np.float32)
    for batch_size in (1, 4, 6):
        model = sheer.Sequential([sheer.Input((6,)), layers.Dense(1, use_bias=False)])
        model.compile(sheer.optimizers.SGD(0.5), loss=lambda t, p: (t - p) ** 2 * 0.5)
        model.fit(x, y, epochs=60, batch_size=batch_size, verbose=0)
        np.testing.assert_allclose(model.predict(x, verbose=0)[:, 0], y, atol=0.05)


def test_split_takes_the_last_rows_as_they_are():
    first, last = Data(X, {"a": Y}, np.arange(20.0)).split(0.25)
    assert (first.rows, last.rows) == (15, 5)
    assert equal(first.arrays, [X[:15], Y[:15], np.arange(15.0)])
    assert equal(last.arrays, [X[15:], Y[15:], np.arange(15.0, 20)])
    assert np.shares_memory(first.arrays[0], X)


def test_batches_in_an_order():
    order = np.array([3, 1, 2, 0, 4])
    data = Data(X[:5], Y[:5])
    batches = [data.batch(first, 2, order) for first in (0, 2, 4)]
    assert [list(y) for _, y in batches] == [list(Y[[3, 1]]), list(Y[[2, 0]]), [Y[4]]]
    assert equal([np.concatenate([x for x, _ in batches])], [X[order]])


@pytest.mark.parametrize("y", [
    np.array([0, 2, 1, 0]), np.array([[0], [2], [1], [0]]), np.eye(3)[[0, 2, 1, 0]],
    np.array([0.0, 2.0, 1.0, 0.0]),
])  # fmt: skip
def test_class_weights(y):
    weighted = Data(X[:4], y).weighted({0: 0.5, 2: 3})
    assert weighted.parts["sample_weight"].tolist() == [0.5, 3.0, 1.0, 0.5]
    both = Data(X[:4], y, np.array([1.0, 2.0, 3.0, 4.0])).weighted({0: 0.5, 2: 3})
    assert both.parts["sample_weight"].tolist() == [0.5, 6.0, 3.0, 2.0]


@pytest.mark.parametrize(
    ("x", "y", "weight", "wanted"),
    [
        (X, None, None, X),
        (X, Y, None, (X, Y)),
        (X, Y, Y, (X, Y, Y)),
        (X, None, Y, (X, None, Y)),
        ([X, X], None, None, ([X, X],)),
        ({"a": X}, None, None, {"a": X}),
    ],
)
def test_what_a_step_gets(x, y, weight, wanted):
    """As Keras packs it: users' own train_step takes it apart."""
    structure = Data(x, y, weight).structure()
    assert repr(structure) == repr(wanted)


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_weights_without_targets_reach_a_train_step(run_eagerly):
    class Weighted(sheer.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y, weight = data
            assert y is None
            with sheer.GradientTape() as tape:
                loss = ops.mean(self(x)[:, 0] ** 2 * weight)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss}

    model = Weighted()
    model.compile("sgd", run_eagerly=run_eagerly)
    weight = np.linspace(0, 1, 20).astype("float32")
    model.build((None, 4))
    outputs = model.predict(X, verbose=0)[:, 0]
    history = model.fit(X, sample_weight=weight, verbose=0, batch_size=20)
    assert history.history["loss"] == [pytest.approx((outputs**2 * weight).mean(), rel=1e-5)]


# --- several targets ------------------------------------------------------------------------


class TwoHeads(sheer.Model):
    """Outputs a and b; the loss is the weighted error of both."""

    def __init__(self):
        super().__init__()
        self.a, self.b = layers.Dense(1), layers.Dense(1)

    def call(self, x):
        return {"a": self.a(x), "b": self.b(x)}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        weight = sample_weight if isinstance(sample_weight, dict) else dict.fromkeys(y, 1.0)
        errors = [
            (y_pred[key][:, 0] - y[key]) ** 2 * weight[key] for key in y if y[key] is not None
        ]
        return ops.mean(sum(errors[1:], errors[0]))


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_targets_and_weights_by_name(run_eagerly):
    model = TwoHeads()
    model.compile("sgd", run_eagerly=run_eagerly)
    y = {"b": X[:, 0], "a": X[:, 1]}
    weight = {"a": np.linspace(0, 1, 20, dtype="float32"), "b": np.linspace(2, 0, 20)}
    p = model.predict(X, verbose=0)
    wanted = sum(((p[k][:, 0] - y[k]) ** 2 * weight[k]).mean() for k in y)
    loss = model.fit(X, y, batch_size=20, sample_weight=weight, verbose=0).history["loss"]
    assert loss == [pytest.approx(wanted, rel=1e-5)]
    model = TwoHeads()
    model.compile("sgd", run_eagerly=run_eagerly)
    p = model.predict(X, verbose=0)
    loss = model.evaluate(X, {"a": None, "b": X[:, 0]}, batch_size=20, verbose=0)
    assert loss == pytest.approx(((p["b"][:, 0] - X[:, 0]) ** 2).mean(), rel=1e-5)


def test_the_names_of_targets_and_weights_in_the_program():
    model = TwoHeads()
    model.compile("sgd")
    y = {"a": X[:, 1], "b": X[:, 0]}
    program = model.train_program(X, y, {"a": Y, "b": Y})
    assert program.parameters[:5] == ["x", "y_a", "y_b", "sample_weight_a", "sample_weight_b"]


def test_weights_in_another_form_than_the_targets():
    with pytest.raises(TypeError) as error:
        Data(X, {"a": Y, "b": Y}, {"a": Y, "c": Y})
    assert str(error.value) == (
        "fit: sample_weight must be one array, with a number per example; or one for each target, "
        "in the form of y.\n"
        "  y             a dictionary of 'a', 'b'\n  sample_weight a dictionary of 'a', 'c'"
    )
    assert len(Data(X, [Y, Y], (Y, None)).arrays) == 4
    assert Data(X, [Y, Y], Y).structure()[2] is Y  # one for all of them
