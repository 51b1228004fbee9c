"""What users find at every layer: shapes that need nothing from its author, input_spec, nodes."""

import numpy as np
import pytest

import sheer
from sheer import layers, ops

X = np.ones((2, 3), "float32")


class Two(layers.Layer):
    """Two inputs, two outputs."""

    def build(self, shapes):
        self.shapes = shapes
        self.scale = self.add_weight((shapes["a"][-1],), name="scale")

    def call(self, inputs):
        a, b = inputs["a"] * self.scale, inputs["b"]
        return {"both": ops.concatenate([a, b], -1), "sums": (ops.sum(a, -1), ops.sum(b))}


def test_compute_output_shape_of_any_layer():
    shapes = {"a": (None, 3), "b": (None, 4)}
    layer = Two()
    found = layer.compute_output_shape(shapes)
    assert found == {"both": (None, 7), "sums": ((None,), ())}
    assert layer.built and layer.shapes == shapes and layer._inbound_nodes == []
    assert Two().compute_output_shape({"a": (5, 3), "b": (5, 4)})["both"] == (5, 7)
    spec = layers.Dense(4).compute_output_spec(sheer.Input((3,)))
    assert repr(spec).endswith("shape=(n, 4) dtype=float32>")
    model = sheer.Sequential([layers.Dense(4), Dropped()])
    assert model.compute_output_shape((None, 3)) == (None, 4)
    x = sheer.Input((3,))
    model = sheer.Model(x, [layers.Dense(2)(x), x + 1])
    assert model.compute_output_shape((None, 3)) == [(None, 2), (None, 3)]


class Dropped(layers.Layer):
    def call(self, x, training=None):
        assert training is None
        return ops.random.dropout(x, 0.5) if training else x


def test_build_configs():
    layer = layers.Dense(4)
    assert layer.get_build_config() is None
    layer(X)
    assert layer.get_build_config() == {"input_shape": (2, 3)}
    again = layers.Dense(4)
    again.build_from_config({"input_shape": [None, 3]})
    assert again.kernel.shape == (3, 4) and again.get_build_config() == {"input_shape": (None, 3)}
    two = Two()
    two.build_from_config({"input_shape": {"a": [None, 3], "b": [None, 4]}})
    assert two.shapes == {"a": (None, 3), "b": (None, 4)}
    layers.Activation("relu").build_from_config({})


def test_input_spec():
    class Strict(layers.Layer):
        def __init__(self, **spec):
            super().__init__(name="strict")
            self.input_spec = sheer.InputSpec(**spec)

        def call(self, x):
            return x

    for spec, text in [
        ({"ndim": 3}, "3 axes"),
        ({"min_ndim": 3}, "at least 3 axes"),
        ({"max_ndim": 1}, "at most 1 axes"),
        ({"axes": {-1: 4, 0: 2}}, "size 4 on axis -1"),
        ({"shape": (None, 4)}, "shape (None, 4)"),
        ({"dtype": "int32", "min_ndim": 3}, "at least 3 axes, dtype int32"),
        ({"shape": (None, 4, 1), "allow_last_axis_squeeze": True}, "shape (None, 4, 1)"),
    ]:
        with pytest.raises(ValueError) as caught:
            Strict(**spec)(X)
        assert str(caught.value) == (
            f"Layer 'strict': input 0 must have {text}. Got (2, 3) float32."
        )
    for spec in (
        {"ndim": 2, "dtype": "float32"},
        {"shape": (None, 3)},
        {"axes": {1: 3}},
        {"shape": (None, 3, 1), "allow_last_axis_squeeze": True},
    ):
        assert Strict(**spec)(X).shape == (2, 3)
        assert Strict(**spec)(sheer.Input((3,))).shape[1:] == (3,)
        again = sheer.InputSpec.from_config(sheer.InputSpec(**spec).get_config())
        assert again.shape == sheer.InputSpec(**spec).shape
    with pytest.raises(ValueError, match="axis 2 does not exist in 2 dimensions"):
        sheer.InputSpec(ndim=2, axes={2: 3})


def test_several_input_specs():
    class Pair(layers.Layer):
        def __init__(self):
            super().__init__(name="pair")
            self.input_spec = [sheer.InputSpec(ndim=2), sheer.InputSpec(ndim=1, optional=True)]

        def call(self, inputs):
            return inputs[0]

    assert Pair()([X, X[0]]).shape == Pair()([X, None]).shape == (2, 3)
    with pytest.raises(ValueError, match=r"'pair': input 1 must have 1 axes\. Got \(2, 3\)"):
        Pair()([X, X])
    with pytest.raises(ValueError, match="'pair' takes 2 inputs; 1 were given"):
        Pair()([X])


def test_input_and_output_of_a_layer():
    layer = layers.Dense(4, name="d")
    with pytest.raises(AttributeError) as caught:
        _ = layer.output
    assert str(caught.value) == (
        "Layer 'd' has no output yet: it was never called on a symbol, such as Input gives, nor is "
        "it part of a model whose input shape is known."
    )
    assert not hasattr(layer, "input")
    x = sheer.Input((3,))
    y = layer(x)
    assert layer.input is x and layer.output is y
    layer(x + 1)
    assert layer.output is y


def test_what_keras_has_no_more_or_sheer_not():
    layer = layers.Dense(4, name="d")
    with pytest.raises(AttributeError) as caught:
        layer.add_metric(1.0, name="m")
    assert str(caught.value) == (
        "Dense.add_metric is not in Keras 3: keep a metric in an attribute, and call its "
        "update_state in call."
    )
    with pytest.raises(NotImplementedError, match=r"^d\.quantize is in Keras, but not in sheer"):
        layer.quantize("int8")
    assert layer.compute_dtype == layer.variable_dtype == layer.dtype_policy == "float32"


@pytest.mark.parametrize("regularizer", ["l1_l2", sheer.regularizers.L1L2(l1=0.5)])
def test_activity_regularizers(regularizer):
    model = sheer.Sequential([layers.Dense(2, activity_regularizer=regularizer)])
    model.compile("sgd", "mse")
    y = model(X).numpy()
    found = model.evaluate(X, np.zeros((2, 2)), verbose=0)
    share = 0 if regularizer == "l1_l2" else 0.5
    assert found == pytest.approx((y**2).mean() + share * abs(y).sum() / 2, rel=1e-5)
    model.fit(X, np.zeros((2, 2)), verbose=0)


def test_layers_of_a_sequential_without_building():
    model = sheer.Sequential([sheer.Input((3,)), layers.Dense(4)])
    model.add(layers.Dense(2), rebuild=False)
    assert not model.built and model.layers[1].built is False
    model.build((None, 3))
    assert model.pop(rebuild=False).name.startswith("dense") and not model.built
    assert model(X).shape == (2, 4)


def test_on_batch_with_several_outputs():
    x = sheer.Input((3,))
    model = sheer.Model(x, {"a": layers.Dense(1)(x), "b": layers.Dense(2)(x)})
    model.compile("sgd", {"a": "mse", "b": "mae"}, metrics={"b": ["mse"]})
    y = {"a": np.zeros((2, 1)), "b": np.ones((2, 2))}
    logs = model.train_on_batch(X, y, return_dict=True)
    assert list(logs) == ["a_loss", "b_loss", "b_mse", "loss"]
    assert logs["loss"] == pytest.approx(logs["a_loss"] + logs["b_loss"])
    assert len(model.test_on_batch(X, y, sample_weight={"a": np.ones(2), "b": np.zeros(2)})) == 4
    assert {k: v.shape for k, v in model.predict_on_batch(X).items()} == {"a": (2, 1), "b": (2, 2)}


def test_a_step_of_ones_own_with_several_outputs():
    class Own(sheer.Model):
        def train_step(self, data):
            x, y = data
            with sheer.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return self.compute_metrics(x, y, y_pred)

    x = sheer.Input((3,))
    model = Own(x, [layers.Dense(1, name="a")(x), layers.Dense(2, name="b")(x)])
    model.compile("sgd", ["mse", "mae"], metrics=[["mae"], ["mse"]])
    history = model.fit(X, [np.zeros((2, 1)), np.ones((2, 2))], verbose=0).history
    assert history["a_loss"][0] > 0 and history["b_loss"][0] > 0
    assert set(history) == {"a_loss", "a_mae", "b_loss", "b_mse", "loss"}


def test_what_is_said_for_outputs_that_there_are_not():
    x = sheer.Input((3,))
    model = sheer.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(2, name="b")(x)])
    y = [np.zeros((2, 1)), np.ones((2, 2))]
    for arguments, text in [
        ({"loss": {"a": "mse", "c": "mse"}}, "loss names 'c', which is none of the model's "
         "outputs, 'a', 'b'."),
        ({"loss": ["mse"] * 3}, "loss has 3 entries, and the model has 2 outputs."),
        ({"loss": "mse", "loss_weights": 2.0}, "loss_weights must be a list or a dictionary with "
         "an entry for each of the 2 outputs. Got float."),
        ({"loss": "mse", "metrics": ["mae"]}, "metrics has 1 entry, and the model has 2 outputs."),
    ]:  # fmt: skip
        model.compile("sgd", **arguments)
        with pytest.raises(ValueError) as caught:
            model.fit(X, y, verbose=0)
        assert str(caught.value).removeprefix("fit: ") == text
    model.compile("sgd", "mse")
    with pytest.raises(ValueError) as caught:
        model.fit(X, [y[0], np.ones((2, 5))], verbose=0)
    assert str(caught.value).startswith(
        "fit: output 'b': mean_squared_error: targets and outputs need the same shape."
    )
    with pytest.raises(ValueError, match=r"^fit: y has 3 entries, and the model has 2 outputs\.$"):
        model.fit(X, [*y, y[0]], verbose=0)


def test_summary_of_a_range():
    x = sheer.Input((3,), name="x")
    h = layers.Dense(4, name="first")(x)
    model = sheer.Model(x, layers.Dense(2, name="last")(layers.Dense(4, name="second")(h)))
    texts = []
    model.summary(print_fn=texts.append, layer_range=("first", "sec.*"))
    names = [name for name in ("x (", "first", "second", "last") if name in texts[0]]
    assert names == ["first", "second"]
    with pytest.raises(ValueError, match=r"no layer matches 'third'\. Known: x, first, second"):
        model.summary(layer_range=("first", "third"))
