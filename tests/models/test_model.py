"""Model: subclasses, compile, building, programs."""

import numpy as np
import pytest

import sheer
from sheer import layers, ops
from small import classifier, data, equal

X, Y = data(20)


class Net(sheer.Model):
    def __init__(self, units=3):
        super().__init__()
        self.hidden = [layers.Dense(5, activation="tanh") for _ in range(2)]
        self.out = layers.Dense(units, activation="softmax")

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.out(x)


def test_parts_in_lists_are_found():
    net = Net()
    assert len(net.layers) == 3 and net.weights == []
    net.build((None, 4))
    assert [w.path for w in net.weights] == [
        "dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias", "dense_2/kernel",
        "dense_2/bias",
    ]  # fmt: skip


def test_a_subclass_trains():
    net = Net()
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    net.optimizer.learning_rate = 0.05
    history = net.fit(X, Y, epochs=30, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert history["accuracy"][-1] > 0.9
    assert net.predict(X, verbose=0).shape == (20, 3)


def test_build_with_several_shapes():
    class Two(sheer.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(2), layers.Dense(2)

        def call(self, inputs):
            a, b = inputs.values() if isinstance(inputs, dict) else inputs
            return self.a(a) + self.b(b)

    for shapes in ([(None, 3), (None, 4)], {"one": (None, 3), "two": (None, 4)}):
        model = Two()
        model.build(shapes)
        assert [w.shape for w in model.weights] == [(3, 2), (2,), (4, 2), (2,)]
        assert len(model.predict_program().parameters) == 4


def test_a_build_of_ones_own():
    class Own(sheer.Model):
        def build(self, input_shape):
            self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")
            self.out = layers.Dense(input_shape[-1])

        def call(self, x):
            return self.out(x * self.scale)

    for use in (lambda m: m(X), lambda m: m.predict(X, verbose=0)):
        model = Own()
        assert use(model).shape == (20, 4)
        assert len(model.weights) == 3


def test_training_is_passed_on():
    class Doubling(layers.Layer):
        def call(self, x, training=False):
            return 2 * x if training else x

    model = sheer.Sequential([Doubling()])
    assert np.array_equal(model(X).numpy(), X)
    assert np.array_equal(model(X, training=True).numpy(), 2 * X)
    model.compile("sgd", "mse")
    loss = model.fit(X, X, verbose=0).history["loss"]
    assert loss == pytest.approx([np.mean(X**2)], rel=1e-6)
    assert np.array_equal(model.predict(X, verbose=0), X)
    assert model.evaluate(X, X, verbose=0) == 0


def test_compile_forgets_the_optimizer_but_not_the_weights():
    model = classifier(optimizer="adam")
    model.fit(X, Y, verbose=0)
    weights = model.get_weights()
    model.compile("adam", "sparse_categorical_crossentropy")
    assert equal(model.get_weights(), weights)
    assert int(model.optimizer.iterations.value) == 0
    assert len(model.optimizer.variables) == 2


def test_the_learning_rate_can_be_set_between_steps():
    model = classifier()
    weights = model.get_weights()
    model.optimizer.learning_rate = 0.0
    model.fit(X, Y, verbose=0)
    assert equal(model.get_weights(), weights)
    model.optimizer.learning_rate = 0.1
    model.fit(X, Y, verbose=0)
    assert not equal(model.get_weights(), weights)


def test_frozen_layers_stay_as_they_are():
    model = classifier()
    model.fit(X, Y, verbose=0)
    model.layers[0].trainable = False
    kernel = model.layers[0].kernel.numpy().copy()
    last = model.layers[1].kernel.numpy().copy()
    model.fit(X, Y, verbose=0)
    assert equal([model.layers[0].kernel.numpy()], [kernel])
    assert not equal([model.layers[1].kernel.numpy()], [last])
    assert "d_kernel_1" not in str(model.train_program())
    model.layers[0].trainable = True
    model.fit(X, Y, verbose=0)
    assert not equal([model.layers[0].kernel.numpy()], [kernel])


def test_set_weights_between_fits():
    model = classifier()
    start = model.get_weights()
    first = model.fit(X, Y, shuffle=False, verbose=0).history
    model.set_weights(start)
    assert model.fit(X, Y, shuffle=False, verbose=0).history == first


def test_a_model_as_a_layer_of_another():
    inner = Net()
    model = sheer.Sequential([inner, layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(X, X[:, 0], epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert inner.weights[0].path == "net/dense/kernel"
    # By itself it is a model too.
    inner.compile("sgd", "sparse_categorical_crossentropy")
    assert inner.evaluate(X, Y, verbose=0) > 0


def test_programs_before_any_data():
    model = classifier()
    assert "x (n, 4) float32, y (n,) int64" in str(model.train_program())
    assert "x (n, 4) float32, y (n,) int64" in str(model.test_program())
    assert model.train_program().parameters[:2] == ["x", "y"]
    # They change nothing.
    assert int(model.optimizer.iterations.value) == 0
    regression = sheer.Sequential([sheer.Input((4,)), layers.Dense(2)])
    regression.compile("sgd", "mse")
    assert "y (n, 2) float32" in str(regression.train_program())


def test_a_model_without_a_call():
    class Nothing(sheer.Model):
        pass

    with pytest.raises(NotImplementedError) as caught:
        Nothing()(X)
    assert str(caught.value) == "Nothing needs a method call(inputs)."


def test_super_init_was_forgotten():
    class Forgetful(sheer.Model):
        def __init__(self):
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    message = "Forgetful: call super().__init__() at the start of __init__()."
    for use in (
        lambda model: model(X),
        lambda model: model.compile("sgd", "mse"),
        lambda model: model.fit(X, Y),
        lambda model: model.predict(X),
        lambda model: model.summary(),
    ):
        with pytest.raises(RuntimeError) as caught:
            use(Forgetful())
        assert str(caught.value) == message


def test_call_with_several_arguments():
    class Scaled(sheer.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x, factor=1.0, training=False):
            return self.dense(x) * factor

    model = Scaled()
    np.testing.assert_allclose(model(X, factor=2.0).numpy(), 2 * model(X).numpy(), rtol=1e-6)
    assert ops.shape(model(X, 3.0)) == (20, 2)


def test_fit_of_a_model_without_weights():
    """Keras's guide to layers of one's own trains such a model: its figures count, nothing else."""

    class Penalty(layers.Layer):
        def call(self, x):
            self.add_loss(0.5 * ops.mean(x))
            return x

    model = sheer.Sequential([sheer.Input((3,)), Penalty()])
    model.compile("adam", "mse")
    history = model.fit(np.ones((2, 3)), np.zeros((2, 3)), verbose=0)
    assert history.history == {"loss": [1.5]}


def test_the_learning_rate_can_be_set_to_what_it_was_read_as():
    """As callbacks do: `optimizer.learning_rate = schedule(epoch, optimizer.learning_rate)`."""
    optimizer = sheer.optimizers.SGD(0.5)
    optimizer.learning_rate = optimizer.learning_rate
    assert float(optimizer.learning_rate) == 0.5
    optimizer.learning_rate = optimizer.learning_rate * 0.5
    assert float(optimizer.learning_rate) == 0.25
    with pytest.raises(ValueError, match=r"must be a number of 0 or more.* Got -0\.25\."):
        optimizer.learning_rate = -optimizer.learning_rate


def test_weights_made_in_call():
    class Scaled(layers.Layer):
        def call(self, x):
            self.scale = self.add_weight((3,))
            return x * self.scale

    with pytest.raises(ValueError) as caught:
        Scaled(name="scaled")(np.ones((2, 3), "float32"))
    assert str(caught.value) == (
        "scaled.add_weight: not in call(), where each call would make another weight. "
        "Make weights in __init__() or build()."
    )


def test_one_input_is_one():
    x = sheer.Input((3,), name="x")
    model = sheer.Model(x, layers.Dense(1)(x), name="net")
    one = np.ones((2, 3), "float32")
    with pytest.raises(ValueError, match=r"^Model 'net' has 1 input, x; 2 were given\.$"):
        model([one, one])


def test_a_layer_that_is_not_there():
    model = sheer.Sequential([sheer.Input((3,)), layers.Dense(2), layers.Dense(1)])
    assert model.get_layer(index=-1) is model.layers[1]
    with pytest.raises(ValueError, match=r"No layer 2. The model has 2 layers, from 0 on."):
        model.get_layer(index=2)


@pytest.mark.parametrize("steps", [0, -1, 1.5, "2"])
def test_steps_per_execution_that_cannot_be(steps):
    model = sheer.Sequential([sheer.Input((3,)), layers.Dense(1)])
    with pytest.raises(ValueError, match="steps_per_execution must be a whole number of 1 or more"):
        model.compile("sgd", "mse", steps_per_execution=steps)
    assert model.optimizer is None


@pytest.mark.parametrize("form", [list, tuple, lambda xs: dict(zip("ab", xs, strict=True))])
def test_several_inputs_for_one(form):
    """Sequential passes them on to its first layer, which takes them or says what it needs."""
    x = np.ones((4, 3), "float32")
    model = sheer.Sequential([layers.Dense(1)])
    with pytest.raises(ValueError, match=r"Dense layer 'dense.*' needs an input"):
        model.predict(form([x, x]), verbose=0)
    if form is list:
        added = sheer.Sequential([layers.Add()])
        np.testing.assert_array_equal(added.predict([x, x], verbose=0), 2 * x)
