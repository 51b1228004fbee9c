"""Layers: those that sheer has, and those that users write."""

import numpy as np
import pytest

import sheer
from sheer import layers, ops

RNG = np.random.default_rng(0)


def tensor(*shape):
    return sheer.Tensor(RNG.normal(size=shape), "float32")


def paths(layer):
    return [weight.path for weight in layer.weights]


# --- Dense ------------------------------------------------------------------------------------


def test_dense_by_hand():
    layer = layers.Dense(2, activation="relu")
    layer.build((None, 3))
    layer.set_weights([np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]]), np.array([0.5, -0.5])])
    x = sheer.Tensor([[1.0, 2.0, 3.0]], "float32")
    # (1 + 3 + 0.5, 2 - 3 - 0.5), and what is below 0 is 0
    assert layer(x).numpy().tolist() == [[4.5, 0.0]]


def test_build_makes_the_weights_once():
    layer = layers.Dense(2)
    layer.build((None, 3))
    weights = layer.weights
    layer.build((None, 3))
    layer(tensor(4, 3))
    assert [id(w) for w in layer.weights] == [id(w) for w in weights]

    class More(layers.Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.scale = self.add_weight((self.units,), "ones")

        def call(self, inputs):
            return super().call(inputs) * self.scale

    layer = More(2)
    layer(tensor(4, 3))
    assert paths(layer) == ["more/kernel", "more/bias", "more/scale"]


def test_dense_without_bias():
    layer = layers.Dense(2, use_bias=False)
    x = tensor(4, 3)
    np.testing.assert_allclose(layer(x).numpy(), x.numpy() @ layer.kernel.numpy(), rtol=1e-6)
    assert paths(layer) == ["dense/kernel"]
    assert layer.bias is None


@pytest.mark.parametrize("use_bias", [True, False])
def test_dense_on_three_axes(use_bias):
    """(n, steps, features): the same for each step; as a program too."""
    x = tensor(4, 5, 3).numpy()
    model = sheer.Sequential([sheer.Input((5, 3)), layers.Dense(2, "tanh", use_bias=use_bias)])
    kernel, *bias = model.get_weights()
    wanted = np.tanh(np.einsum("nsf,fu->nsu", x, kernel) + (bias[0] if bias else 0))
    np.testing.assert_allclose(model.predict(x, verbose=0), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model(x).numpy(), wanted, rtol=1e-5, atol=1e-6)
    model.compile(sheer.optimizers.SGD(0.1), "mse")
    before = model.evaluate(x, x[..., :2], verbose=0)
    model.fit(x, x[..., :2], epochs=3, verbose=0)
    assert model.evaluate(x, x[..., :2], verbose=0) < before


def test_regularizers_add_to_the_loss():
    layer = layers.Dense(
        2, kernel_regularizer=sheer.regularizers.l2(0.5), bias_regularizer=sheer.regularizers.l1(2)
    )
    model = sheer.Sequential([sheer.Input((2,)), layer])
    model.compile("sgd", "mse")
    model.set_weights([np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, -3.0])])
    assert [float(v) for v in layer.losses] == [0.5 * 5, 2.0 * 4]
    x = np.array([[1.0, 1.0]])
    # predictions (2, -1), targets 0: (4 + 1) / 2, and both penalties
    assert model.evaluate(x, np.zeros((1, 2)), verbose=0) == pytest.approx(2.5 + 2.5 + 8)


def test_activity_regularizer_is_divided_by_the_batch():
    layer = layers.Dense(1, use_bias=False, kernel_initializer="ones", activity_regularizer="l2")
    outputs = layer(np.array([[1.0], [2.0], [3.0], [4.0]]))
    assert outputs.shape == (4, 1)
    # 0.01 times the squares of 1 to 4, for each of four examples
    assert [float(v) for v in layer.losses] == pytest.approx([0.01 * 30 / 4])
    layer(np.array([[1.0]]))
    assert [float(v) for v in layer.losses] == pytest.approx([0.01]), "of the last call only"


def test_constraints_apply_after_each_update():
    layer = layers.Dense(
        2,
        kernel_constraint=sheer.constraints.MaxNorm(0.5),
        bias_constraint="non_neg",
        bias_initializer="ones",
    )
    model = sheer.Sequential([sheer.Input((3,)), layer])
    model.compile(sheer.optimizers.SGD(1.0), "mse")
    x = tensor(8, 3).numpy()
    model.train_on_batch(x, np.full((8, 2), -10.0))
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(np.linalg.norm(kernel, axis=0), [0.5, 0.5], rtol=1e-5)
    assert bias.tolist() == [0.0, 0.0]


def test_constraints_by_hand():
    w = np.array([[3.0, 0.3], [4.0, -0.4]])  # norms 5 and 0.5
    for constraint, wanted in [
        (sheer.constraints.NonNeg(), [[3, 0.3], [4, 0]]),
        (sheer.constraints.MaxNorm(1), [[0.6, 0.3], [0.8, -0.4]]),
        (sheer.constraints.UnitNorm(), [[0.6, 0.6], [0.8, -0.8]]),
        (sheer.constraints.MinMaxNorm(1, 2, rate=0.5), [[2.1, 0.45], [2.8, -0.6]]),
    ]:
        np.testing.assert_allclose(constraint(w).numpy(), wanted, rtol=1e-6, atol=1e-7)


def test_dense_wants_features():
    for shape in ((None,), (None, None)):
        with pytest.raises(ValueError) as error:
            layers.Dense(2, name="head").build(shape)
        assert str(error.value) == (
            "Dense layer 'head' needs an input (n, features), with at least two axes and a known "
            f"number of features. Got shape {shape}.\n"
            "For one feature, give x[:, None]."
        )


def test_dense_refuses_another_number_of_features():
    layer = layers.Dense(2, name="head")
    layer(tensor(4, 3))
    with pytest.raises(ValueError) as error:
        layer(tensor(4, 5))
    assert str(error.value) == (
        "affine in layer 'head': x has 5 features, kernel expects 3.\n"
        "  x      (4, 5) float32\n"
        "  kernel (3, 2) float32\n"
        "  bias   (2,) float32"
    )


# --- the other ones -----------------------------------------------------------------------------


def test_flatten():
    layer = layers.Flatten()
    assert layer(tensor(2, 3, 4)).shape == (2, 12)
    assert layer(tensor(2)).shape == (2, 1)
    assert layer.compute_output_shape((None, 3, 4)) == (None, 12)
    x = tensor(2, 3, 4).numpy()
    model = sheer.Sequential([sheer.Input((3, 4)), layers.Flatten(), layers.Dense(1)])
    assert model.predict(x, verbose=0).shape == (2, 1)
    assert (layer(x).numpy() == x.reshape(2, 12)).all()


def test_activation():
    x = sheer.Tensor([[-1.0, 2.0]], "float32")
    assert layers.Activation("relu")(x).numpy().tolist() == [[0.0, 2.0]]
    assert layers.Activation(lambda v: v * 2)(x).numpy().tolist() == [[-2.0, 4.0]]

    class Twice:
        def __call__(self, v):
            return v * 2

    layer = layers.Activation(Twice())
    assert layer(x).numpy().tolist() == [[-2.0, 4.0]]
    assert layer.formula() == "Twice(x)"
    assert layer.get_config()["activation"].__class__ is Twice


def test_input():
    for symbol in (sheer.Input((3,)), sheer.Input(3), sheer.Input(batch_shape=(None, 3))):
        assert (str(symbol.shape), symbol.dtype) == ("(n, 3)", "float32")
    assert sheer.Input((3,), dtype="int32").dtype == "int32"
    assert sheer.Input((3,), batch_size=8).shape == (8, 3)
    assert layers.InputLayer((3,)).batch_shape == (None, 3)
    for shape, batch_shape in [(None, None), ((3,), (None, 3))]:
        with pytest.raises(ValueError) as error:
            sheer.Input(shape, batch_shape=batch_shape)
        assert str(error.value) == (
            "Input: give the shape of one example, such as Input((784,)), or else batch_shape. "
            f"Got shape={shape} and batch_shape={batch_shape}."
        )


@pytest.mark.parametrize(
    "first",
    [lambda: sheer.Input((3,)), lambda: sheer.Input((3,), batch_size=8),
     lambda: layers.InputLayer((3,)), lambda: layers.InputLayer(batch_shape=(8, 3))],
)  # fmt: skip
def test_input_builds_a_model_for_any_batch(first):
    model = sheer.Sequential([first(), layers.Dense(2)])
    assert model.built
    assert model.count_params() == 8
    for rows in (1, 5, 8):
        assert model.predict(np.ones((rows, 3)), verbose=0).shape == (rows, 2)


# --- weights ------------------------------------------------------------------------------------


def test_get_and_set_weights():
    layer = layers.Dense(2)
    layer.build((None, 3))
    kernel, bias = layer.get_weights()
    kernel[:] = 7
    assert (layer.get_weights()[0] != 7).all(), "they are copies"
    layer.set_weights([kernel, bias + 1])
    assert (layer.kernel.numpy() == 7).all() and (layer.bias.numpy() == 1).all()


def test_set_weights_errors():
    layer = layers.Dense(2, name="head")
    with pytest.raises(ValueError) as error:
        layer.set_weights([np.ones((3, 2))])
    assert str(error.value) == (
        "head.set_weights: 1 arrays for 0 weights (the layer is not built yet)."
    )
    layer.build((None, 3))
    before = layer.get_weights()
    with pytest.raises(ValueError) as error:
        layer.set_weights([np.ones((3, 2))])
    assert str(error.value) == (
        "head.set_weights: 1 arrays for 2 weights (head/kernel, head/bias)."
    )
    with pytest.raises(ValueError) as error:
        layer.set_weights([np.ones((3, 2)), np.ones((5,))])
    assert str(error.value) == ("head.set_weights: shapes differ.\n  head/bias (2,), given (5,)")
    with pytest.raises(ValueError) as error:
        layer.set_weights([np.ones((2, 3)), np.ones((5,))])
    assert str(error.value) == (
        "head.set_weights: shapes differ.\n"
        "  head/kernel (3, 2), given (2, 3)\n"
        "  head/bias (2,), given (5,)"
    )
    assert all((a == b).all() for a, b in zip(layer.get_weights(), before, strict=True))


def test_names_and_paths():
    a, b, c = layers.Dense(1), layers.Dense(1), layers.Dense(1, name="head")
    assert [a.name, b.name, c.name] == ["dense", "dense_1", "head"]
    sheer.Sequential([sheer.Input((2,)), a, b, c])
    assert paths(a) + paths(c) == ["dense/kernel", "dense/bias", "head/kernel", "head/bias"]
    assert repr(c) == "<Dense name=head, built=True>"
    sheer.utils.clear_session()
    assert layers.Dense(1).name == "dense"
    with pytest.raises(TypeError) as error:
        layers.Dense(1, name=3)
    assert str(error.value) == "Dense: name must be a string. Got 3."


def test_freezing():
    model = sheer.Sequential([sheer.Input((2,)), layers.Dense(3), layers.Dense(1)])
    model.compile(sheer.optimizers.SGD(0.1), "mse")
    x, y = tensor(4, 2).numpy(), tensor(4, 1).numpy()
    first, last = model.layers
    first.trainable = False
    assert [len(model.trainable_weights), len(model.non_trainable_weights)] == [2, 2]
    before = model.get_weights()
    model.train_on_batch(x, y)
    moved = [(a != b).any() for a, b in zip(model.get_weights(), before, strict=True)]
    assert moved == [False, False, True, True]
    # Thawed again, without another compile: the step is traced anew.
    first.trainable = True
    model.train_on_batch(x, y)
    assert (model.get_weights()[0] != before[0]).any()
    model.trainable = False
    assert last.trainable is False and model.trainable_weights == []


def test_what_is_never_trained_stays_so():
    class Scale(layers.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight((), initializer="ones")
            self.calls = self.add_weight((), initializer="zeros", trainable=False)

        def call(self, inputs):
            return inputs * self.factor

    layer = Scale()
    layer(tensor(2, 2))
    for trainable in (False, True):
        layer.trainable = trainable
        assert layer.factor.trainable is trainable
        assert layer.calls.trainable is False
    frozen = Scale(trainable=False)
    frozen(tensor(2, 2))
    assert frozen.trainable_weights == []
    frozen.trainable = True
    assert frozen.trainable_weights == [frozen.factor]


# --- layers of users' own -----------------------------------------------------------------------


class Affine(layers.Layer):
    """As in the guides: weights in build, with and without names."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", name="offset")

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b


def trains(model, x, y):
    """Both ways of running a step give the same weights, and all of them move."""
    results = []
    for run_eagerly in (False, True):
        model.compile(sheer.optimizers.SGD(0.1), "mse", run_eagerly=run_eagerly)
        model.train_on_batch(x, y)  # builds what is not built yet
        if not results:
            start = model.get_weights()
        model.set_weights(start)
        model.train_on_batch(x, y)
        results.append(model.get_weights())
    for a, b, before in zip(*results, start, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
        assert (a != before).any()


X, Y = RNG.normal(size=(8, 3)), RNG.normal(size=(8, 2))


def test_weights_in_build():
    layer = Affine(2)
    model = sheer.Sequential([layer])
    trains(model, X, Y)
    # A weight without a name has that of its attribute.
    assert paths(layer) == ["affine/w", "affine/offset"]
    assert "x @ affine.w" in str(model.train_program())
    assert layer.get_config()["units"] == 2
    assert Affine.from_config(layer.get_config()).units == 2


def test_weights_in_init():
    class Fixed(layers.Layer):
        def __init__(self):
            super().__init__()
            self.w = self.add_weight((3, 2))
            self.own = sheer.Variable(np.zeros(2), dtype="float32", name="own")

        def call(self, inputs):
            return inputs @ self.w + self.own

    layer = Fixed()
    assert [tuple(w.shape) for w in layer.weights] == [(3, 2), (2,)]
    trains(sheer.Sequential([layer]), X, Y)
    assert paths(layer)[0] == "fixed/w"


def test_names_of_weights_in_lists_and_dicts():
    class Several(layers.Layer):
        def build(self, input_shape):
            self.steps = [self.add_weight((3,), "ones") for _ in range(2)]
            self.ends = {"last": self.add_weight((3,), "ones")}

        def call(self, inputs):
            return inputs * self.steps[0] * self.steps[1] * self.ends["last"]

    layer = Several(name="s")
    trains(sheer.Sequential([layer]), X, 2 * X)
    assert paths(layer) == ["s/steps_0", "s/steps_1", "s/ends_last"]


def test_layers_in_lists_and_dicts():
    class Net(layers.Layer):
        def __init__(self):
            super().__init__()
            self.stack = [layers.Dense(4, "tanh"), layers.Dense(4, "tanh")]
            self.heads = {"left": layers.Dense(2), "right": Affine(2)}

        def call(self, inputs):
            for layer in self.stack:
                inputs = layer(inputs)
            return self.heads["left"](inputs) + self.heads["right"](inputs)

    net = Net()
    trains(sheer.Sequential([net]), X, Y)
    assert paths(net) == [
        "net/dense/kernel",
        "net/dense/bias",
        "net/dense_1/kernel",
        "net/dense_1/bias",
        "net/dense_2/kernel",
        "net/dense_2/bias",
        "net/affine/w",
        "net/affine/offset",
    ]


def test_a_shared_layer_counts_once():
    class Twice(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(3)
            self.again = self.inner

        def call(self, inputs):
            return self.again(self.inner(inputs))

    layer = Twice()
    trains(sheer.Sequential([layer, layers.Dense(2)]), X, Y)
    assert len(layer.weights) == 2


def test_training_argument():
    """It is True in train_step, False elsewhere, also for layers inside that are not told."""

    class Noisy(layers.Layer):
        def call(self, inputs, training=False):
            return inputs + 1 if training else inputs

    class Around(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Noisy()

        def call(self, inputs):
            return self.inner(inputs)

    x = np.zeros((4, 1), "float32")
    for layer in (Noisy(), Around()):
        model = sheer.Sequential([layer])
        model.compile("sgd", "mse")
        assert model.evaluate(x, x, verbose=0) == 0
        assert model.predict(x, verbose=0).sum() == 0
        assert layer(x).numpy().sum() == 0
        assert layer(x, training=True).numpy().sum() == 4
        assert model(x, training=True).numpy().sum() == 4
        assert "x + 1" in str(sheer.function(lambda x, m=model: m(x, training=True)).program(x))


def test_add_loss():
    class Sparse(layers.Layer):
        def call(self, inputs):
            self.add_loss(0.5 * ops.sum(ops.abs(inputs)))
            self.add_loss([ops.sum(inputs)])
            return inputs

    layer = Sparse()
    x = np.array([[1.0, -3.0]])
    layer(x)
    assert [float(v) for v in layer.losses] == [2.0, -2.0]
    model = sheer.Sequential([layer])
    model.compile("sgd", "mse")
    for run_eagerly in (False, True):
        model.run_eagerly = run_eagerly
        assert model.evaluate(x, x, verbose=0) == pytest.approx(0.0)
        assert model.evaluate(-x, x, verbose=0) == pytest.approx(20 + 2 + 2)


def test_weights_with_regularizer_and_constraint_by_name():
    class Positive(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(
                (input_shape[-1],), "ones", regularizer="l2", constraint="non_neg"
            )

        def call(self, inputs):
            return inputs * self.w

    layer = Positive()
    model = sheer.Sequential([layer])
    model.compile(sheer.optimizers.SGD(10.0), "mse")
    assert model.evaluate(X[:, :2], X[:, :2], verbose=0) == pytest.approx(0.02)
    model.train_on_batch(X[:, :2], -X[:, :2])
    assert layer.w.numpy().tolist() == [0.0, 0.0]


def test_dtypes_of_weights_and_inputs():
    class Count(layers.Layer):
        def build(self, input_shape):
            self.seen = self.add_weight(dtype="int32", trainable=False)
            self.w = self.add_weight(3)

        def call(self, inputs):
            self.seen.assign_add(1)
            return inputs * self.w

    layer = Count(dtype="float64")
    assert layer(np.ones((2, 3), "float32")).dtype == "float64"
    layer(np.ones((2, 3)))
    assert [layer.seen.dtype, int(layer.seen.numpy()), layer.w.shape] == ["int32", 2, (3,)]
    # whole numbers stay what they are: they may be indices
    assert layers.Activation("linear")(np.array([[1, 2]])).dtype.startswith("int")


def test_forgetting_super_init():
    class Forgetful(layers.Layer):
        def __init__(self):
            self.units = 3

        def call(self, inputs):
            return inputs

    class Early(layers.Layer):
        def __init__(self):
            self.w = self.add_weight((2,))

    text = "call super().__init__() at the start of __init__()."
    for name, use in [
        ("Forgetful", lambda: Forgetful()(np.ones((2, 2)))),
        ("Forgetful", lambda: sheer.Sequential([Forgetful()])(np.ones((2, 2)))),
        ("Early", Early),
    ]:
        with pytest.raises(RuntimeError) as error:
            use()
        assert str(error.value) == f"{name}: {text}"
    with pytest.raises(AttributeError) as error:
        layers.Dense(1).kernal  # noqa: B018
    assert str(error.value) == "'Dense' object has no attribute 'kernal'"


def test_a_layer_without_call():
    class Empty(layers.Layer):
        pass

    with pytest.raises(NotImplementedError) as error:
        Empty()(np.ones((2, 2)))
    assert str(error.value) == "Empty needs a method call(inputs)."


def test_several_inputs():
    """A list, positional arguments, keywords: build gets the shapes of the first."""
    shapes = []

    class Join(layers.Layer):
        def build(self, input_shape):
            shapes.append(input_shape)

        def call(self, a, b=None):
            return ops.concatenate(a if b is None else [a, b], axis=-1)

    a, b = np.ones((2, 3)), np.ones((2, 1))
    for outputs in (Join()([a, b]), Join()(a, b), Join()(a, b=b), Join()(a=a, b=b)):
        assert outputs.shape == (2, 4)
    assert shapes == [[(2, 3), (2, 1)], (2, 3), (2, 3), (2, 3)]


def test_output_shapes():
    assert layers.Dense(5).compute_output_shape((None, 3)) == (None, 5)
    assert layers.Activation("relu").compute_output_shape((None, 3)) == (None, 3)
    assert Affine(4).compute_output_shape((None, 3)) == (None, 4)
    layer = layers.Dense(5)
    assert layer.output_shape is None
    layer(np.ones((2, 3)))
    assert layer.output_shape == (None, 5)
