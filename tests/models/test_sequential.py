"""Sequential: layers put together, built, taken apart, described and made again."""

import numpy as np
import pytest

import sheer
from sheer import layers, ops
from small import classifier, data, equal

X, Y = data(20)


def test_built_at_once_from_an_input():
    for first in (sheer.Input((4,)), sheer.layers.InputLayer((4,)), sheer.Input((4,), 20)):
        model = sheer.Sequential([first, layers.Dense(3), layers.Dense(2)])
        assert model.built
        assert [w.shape for w in model.weights] == [(4, 3), (3,), (3, 2), (2,)]
        assert model.output_shape[1:] == (2,)
        assert len(model.layers) == 2


def test_built_on_the_first_call():
    model = sheer.Sequential([layers.Dense(3), layers.Dense(2)])
    assert (model.built, model.weights, model.get_weights()) == (False, [], [])
    assert model.count_params() == 0
    assert model(X).shape == (20, 2)
    assert model.built and model.count_params() == 4 * 3 + 3 + 3 * 2 + 2
    assert model.output_shape == (None, 2)
    # What it was called with is what its programs take.
    assert '"""The predictions for one batch: x (n, 4) float32."""' in str(model.predict_program())


@pytest.mark.parametrize("shape", [(None, 4), [None, 4], (20, 4)])
def test_built_by_build(shape):
    model = sheer.Sequential([layers.Dense(3), layers.Dense(2)])
    model.build(shape)
    assert model.layers[0].kernel.shape == (4, 3)
    kernel = model.layers[0].kernel
    model.build((None, 9))  # built already: nothing happens
    assert model.layers[0].kernel is kernel
    with pytest.raises(TypeError) as caught:
        sheer.Sequential([layers.Dense(1)]).build(4)
    assert str(caught.value) == "build: give a shape, such as (None, 784). Got 4."


def test_the_same_weights_however_it_is_built():
    weights = []
    for first, build in [
        ([sheer.Input((4,))], lambda model: None),
        ([], lambda model: model.build((None, 4))),
        ([], lambda model: model(X)),
        ([], lambda model: model.predict(X, verbose=0)),
    ]:
        sheer.utils.set_random_seed(3)
        model = sheer.Sequential([*first, layers.Dense(3), layers.Dense(2)])
        build(model)
        weights.append(model.get_weights())
    assert all(equal(w, weights[0]) for w in weights)


def test_add_and_pop():
    model = sheer.Sequential()
    model.add(sheer.Input((4,)))
    assert not model.built
    model.add(layers.Dense(3, name="first"))
    assert model.built and model.output_shape == (None, 3)
    model.add(layers.Dense(2, name="second"))
    assert model.output_shape == (None, 2)
    last = model.pop()
    assert last.name == "second"
    assert [layer.name for layer in model.layers] == ["first"]
    assert model(X).shape == (20, 3)
    model.pop()
    with pytest.raises(ValueError) as caught:
        model.pop()
    assert str(caught.value) == "Sequential 'sequential' has no layer to take off."


def test_adding_and_taking_off_after_a_fit():
    model = classifier()
    model.fit(X, Y, verbose=0)
    kept = model.layers[0].get_weights()
    model.pop()
    model.add(layers.Dense(7, activation="relu"))
    model.add(layers.Dense(3, activation="softmax"))
    assert equal(model.layers[0].get_weights(), kept)
    before = model.evaluate(X, Y, verbose=0)[0]
    history = model.fit(X, Y, epochs=20, verbose=0)
    assert history.history["loss"][-1] < before
    assert int(model.optimizer.iterations.value) == 21
    assert model.predict(X, verbose=0).shape == (20, 3)


def test_what_cannot_be_added():
    model = sheer.Sequential([layers.Dense(2, name="one")], name="net")

    def message(kind, thing):
        with pytest.raises(kind) as caught:
            model.add(thing)
        return str(caught.value)

    assert message(ValueError, layers.Dense(3, name="one")) == (
        "Sequential 'net' has a layer named 'one' already; names must be unique within a model."
    )
    assert message(ValueError, sheer.Input((4,))) == (
        "Sequential 'net': an Input can only come first."
    )
    assert message(TypeError, "relu") == "Sequential 'net': only layers can be added. Got 'relu'."
    assert message(TypeError, layers.Dense) == (
        "Sequential 'net': only layers can be added. Got <class 'sheer.layers.dense.Dense'> "
        "(a class: write () behind it)."
    )
    with pytest.raises(TypeError) as caught:
        sheer.Sequential(layers.Dense(2))
    assert str(caught.value).startswith("Sequential: layers must be a list of layers. Got <Dense")
    assert [layer.name for layer in model.layers] == ["one"]


def test_without_layers():
    with pytest.raises(ValueError) as caught:
        sheer.Sequential(name="net")(X)
    assert str(caught.value) == ("Sequential 'net' has no layers: add some before it is called.")


def test_get_layer():
    model = classifier()
    assert model.get_layer("dense_1") is model.layers[1]
    assert model.get_layer(index=0) is model.layers[0]
    with pytest.raises(ValueError) as caught:
        model.get_layer("dense_7")
    assert str(caught.value) == "No layer 'dense_7'. The model has ['dense', 'dense_1']."


def test_layers_is_a_copy():
    model = classifier()
    model.layers.clear()
    assert len(model.layers) == 2


def test_sequentials_inside():
    inner = sheer.Sequential([layers.Dense(3, name="a"), layers.Dense(4, name="b")], name="inner")
    model = sheer.Sequential([inner, layers.Dense(2, name="c")], name="outer")
    assert model(X).shape == (20, 2)
    assert [w.path for w in model.weights] == [
        "inner/a/kernel", "inner/a/bias", "inner/b/kernel", "inner/b/bias", "c/kernel", "c/bias",
    ]  # fmt: skip
    wanted = model.layers[1](inner(X)).numpy()
    np.testing.assert_allclose(model.predict(X, verbose=0), wanted, rtol=1e-5, atol=1e-6)
    assert "# inner/a: x · kernel + bias" in str(model.predict_program())
    # Where the first one is built, the shape of the input is known.
    built = sheer.Sequential([sheer.Input((4,)), layers.Dense(3)])
    assert sheer.Sequential([built, layers.Dense(2)]).output_shape == (None, 2)


def test_a_layer_used_twice_is_trained_once():
    shared = layers.Dense(4)

    class Twice(sheer.Model):
        def __init__(self):
            super().__init__()
            self.parts_ = {"a": [shared], "b": sheer.Sequential([shared])}

        def call(self, x):
            return self.parts_["b"](ops.relu(self.parts_["a"][0](x)))

    model = Twice()
    model.compile("sgd", "mse")
    history = model.fit(X, X, epochs=5, verbose=0).history["loss"]
    assert len(model.weights) == 2 and history[-1] < history[0]


def test_config():
    model = sheer.Sequential(
        [
            sheer.Input((4,), name="numbers"),
            layers.Dense(3, activation="relu", kernel_regularizer="l2", name="hidden"),
            sheer.Sequential([layers.Dense(2, use_bias=False)], name="inside"),
            layers.Activation("softmax"),
        ],
        name="net",
    )
    config = model.get_config()
    again = sheer.Sequential.from_config(config)
    assert again.get_config() == config
    assert again.name == "net"
    assert [layer.name for layer in again.layers] == ["hidden", "inside", "activation"]
    assert again.built and [w.shape for w in again.weights] == [w.shape for w in model.weights]
    again.set_weights(model.get_weights())
    assert equal([again.predict(X, verbose=0)], [model.predict(X, verbose=0)])


def test_config_with_layers_of_ones_own():
    class Double(layers.Layer):
        def call(self, x):
            return 2 * x

    model = sheer.Sequential([Double(name="twice"), layers.Dense(2)])
    config = model.get_config()
    again = sheer.Sequential.from_config(config, custom_objects={"Double": Double})
    assert [type(layer).__name__ for layer in again.layers] == ["Double", "Dense"]
    with pytest.raises(ValueError, match=r"The layer 'Double' of .* is not sheer's"):
        sheer.Sequential.from_config(config)


def test_everything_from_strings():
    model = sheer.Sequential([
        layers.Dense(5, activation="tanh", kernel_initializer="he_uniform", bias_initializer="ones",
                     kernel_regularizer="l1", bias_regularizer="l2", kernel_constraint="non_neg"),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip
    model.compile("Adam", "SparseCategoricalCrossentropy", metrics=["acc", "ce"])
    history = model.fit(X, Y, epochs=2, verbose=0).history
    assert list(history) == ["acc", "ce", "loss"]
    assert model.layers[0].kernel.numpy().min() >= 0


# --- a failed build leaves no trace ---------------------------------------------------------


def test_a_build_that_fails_is_undone():
    class Picky(layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight((input_shape[-1],), name="scale")
            if input_shape[-1] != 3:
                raise ValueError("3, please")

        def call(self, x):
            return x * self.scale

    model = sheer.Sequential([layers.Dense(3), layers.Dense(5), Picky()])
    key = sheer.core.random.peek_key()
    for attempt in (
        lambda: model.build((None, 4)),
        lambda: model(X),
        lambda: model.predict(X, verbose=0),
    ):
        with pytest.raises(ValueError, match="3, please"):
            attempt()
        assert not model.built and model.weights == []
        assert not any(layer.built for layer in model.layers)
        assert sheer.core.random.peek_key() == key
    # Taken out, the others can still be built for other data.
    model.pop()
    assert model(np.ones((2, 9))).shape == (2, 5)


def test_a_failed_build_from_an_input_raises_at_once():
    with pytest.raises(ValueError, match="Dense layer 'dense' needs an input"):
        sheer.Sequential([sheer.Input(()), layers.Dense(2)])


def test_its_one_input_in_a_list():
    model = sheer.Sequential([sheer.Input((3,), name="x"), layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 3), "float32")
    expected = model.predict(x, verbose=0)
    for given in ([x], (x,), {"x": x}):
        np.testing.assert_array_equal(model.predict(given, verbose=0), expected)
    with pytest.raises(ValueError, match="has 1 input, x; 2 were given"):
        model.predict([x, x], verbose=0)
