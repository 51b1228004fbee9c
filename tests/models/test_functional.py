"""Models made of inputs and outputs: the graph, its order, its names, its programs, its config."""

import json

import numpy as np
import pytest

import sheer
from sheer import layers, ops
from sheer.core import tree

ROWS = np.random.default_rng(0)
A, B = ROWS.normal(size=(12, 3)).astype("float32"), ROWS.normal(size=(12, 4)).astype("float32")


def two_towers():
    """Two inputs, a shared layer, ops between layers, two outputs."""
    a, b = sheer.Input((3,), name="a"), sheer.Input((4,), name="b")
    shared = layers.Dense(5, activation="relu", name="shared")
    first, second = shared(a), shared(b[:, :3])
    joined = ops.concatenate([first, second * 2.0], axis=-1)
    price = layers.Dense(1, name="price")(joined)
    kind = layers.Dense(3, activation="softmax", name="kind")(joined)
    return sheer.Model([a, b], [price, kind], name="towers")


def by_hand(model, a, b):
    """What `two_towers` computes, in NumPy."""
    kernel, bias, to_price, price, to_kind, kind = model.get_weights()
    one, two = (np.maximum(x @ kernel + bias, 0) for x in (a, b[:, :3]))
    joined = np.concatenate([one, 2 * two], axis=-1)
    z = joined @ to_kind + kind
    p = np.exp(z - z.max(-1, keepdims=True))
    return joined @ to_price + price, p / p.sum(-1, keepdims=True)


def test_it_computes_what_its_calls_say():
    model = two_towers()
    assert type(model) is sheer.models.Functional and model.built
    wanted = by_hand(model, A, B)
    for found in (model.predict([A, B], verbose=0), model([A, B]), model.predict_on_batch([A, B])):
        for value, right in zip(found, wanted, strict=True):
            np.testing.assert_allclose(np.asarray(value), right, rtol=1e-5, atol=1e-6)


def test_its_parts_and_names_are_in_the_order_of_keras():
    model = two_towers()
    # As keras.Model gives them.
    assert [layer.name for layer in model.layers] == ["b", "a", "shared", "price", "kind"]
    assert model.input_names == ["a", "b"] and model.output_names == ["price", "kind"]
    assert model.input_shape == [(None, 3), (None, 4)]
    assert model.output_shape == [(None, 1), (None, 3)]
    assert [w.path for w in model.weights][:2] == ["shared/kernel", "shared/bias"]
    assert [x.shape[1:] for x in model.inputs] == [(3,), (4,)] and model.output is not None
    assert model.get_layer("shared").output.shape[1:] == (5,)
    assert model.count_params() == 20 + 11 + 33


def test_its_program_reads_as_a_sequential_s():
    text = two_towers().predict_program().text
    assert text[text.index("    # forward") : text.index("\n\n\ndef softmax")] == (
        """\
    # forward
    # shared: relu(x · kernel + bias)
    z1 = a @ shared.kernel + shared.bias                    # (n, 5)
    h1 = np.maximum(z1, 0)                                  # (n, 5)

    getitem = b[:, :3]                                      # (n, 3)
    # shared: relu(x · kernel + bias)
    z1_2 = getitem @ shared.kernel + shared.bias            # (n, 5)
    h1_2 = np.maximum(z1_2, 0)                              # (n, 5)

    concatenate = np.concatenate([h1, h1_2 * 2.0], axis=-1)  # (n, 10)
    # price: x · kernel + bias
    y_pred_price = concatenate @ price.kernel + price.bias  # (n, 1)
    # kind: softmax(x · kernel + bias)
    z2 = concatenate @ kind.kernel + kind.bias              # (n, 3)
    y_pred_kind = softmax(z2)                               # (n, 3)

    return [y_pred_price, y_pred_kind]"""
    )


def test_inputs_by_name_by_place_and_as_one_column():
    x, y = sheer.Input((1,), name="x"), sheer.Input((2,), name="y")
    outputs = ops.concatenate([x, y], axis=-1)
    column, pair = np.ones((3, 1), "float32"), np.zeros((3, 2), "float32")
    wanted = np.concatenate([column, pair], -1)
    for inputs in ([x, y], (x, y), {"x": x, "y": y}, {"y": y, "x": x}):
        model = sheer.Model(inputs, outputs)
        assert np.array_equal(model.predict({"y": pair, "x": column}, verbose=0), wanted)
        assert np.array_equal(model.predict([column, pair], verbose=0), wanted)
        assert np.array_equal(model({"x": column[:, 0], "y": pair, "more": 1}), wanted)
    with pytest.raises(ValueError) as caught:
        model({"x": column})
    assert str(caught.value) == (
        f"Model {model.name!r}: no data for the input 'y'. Its inputs are 'x', 'y'; given are 'x'."
    )
    with pytest.raises(ValueError, match=r"has 2 inputs, x, y; 1 was given\.$"):
        model([column])
    with pytest.raises(ValueError) as caught:
        model([column, np.ones((3, 5))])
    assert str(caught.value) == (
        f"Model {model.name!r}: the input 'y' does not fit.\n  expected (n, 2)\n  given    (3, 5)"
    )


def test_inputs_take_the_dtype_that_was_said():
    x = sheer.Input((2,), dtype="float64")
    model = sheer.Model(x, layers.Dense(1, dtype="float64")(x * 2))
    assert model(np.ones((1, 2), "int32")).dtype == "float64"
    assert model.predict(np.ones((1, 2)), verbose=0).dtype == "float64"
    whole = sheer.Input((2,), dtype="int32")
    assert sheer.Model(whole, whole + 1)(np.array([[1.7, 2.2]])).numpy().tolist() == [[2, 3]]


def test_outputs_in_any_structure():
    x = sheer.Input((3,))
    h = layers.Dense(2, name="h")(x)
    model = sheer.Model(x, {"last": {"one": h + 1, "two": (h * 2, x)}, "h": h})
    found = model.predict(A, verbose=0)
    assert list(found) == ["last", "h"] and isinstance(found["last"]["two"], tuple)
    np.testing.assert_array_equal(found["last"]["two"][1], A)
    np.testing.assert_allclose(found["last"]["one"], found["h"] + 1, rtol=1e-6)
    assert model.output_names == ["h", "add", "multiply", model.input_names[0]]
    assert sheer.Model(x, [h]).predict(A, verbose=0).shape == (12, 2)


def test_models_of_what_lies_between():
    model = two_towers()
    shared = model.get_layer("shared")
    features = sheer.Model(model.input, shared.output)
    kernel, bias = shared.get_weights()
    np.testing.assert_allclose(features([A, B]), np.maximum(A @ kernel + bias, 0), rtol=1e-5)
    # From a value inside to the end: with inputs of its own.
    joined = model.get_layer("kind").input
    head = sheer.Model(joined, model.get_layer("kind").output)
    assert head.input_shape == (None, 10) and len(head.weights) == 2
    assert head.weights[0] is model.get_layer("kind").kernel
    np.testing.assert_allclose(np.asarray(head(np.ones((2, 10)))).sum(-1), 1, rtol=1e-6)


def test_a_sequential_has_inputs_and_outputs_too():
    model = sheer.Sequential([sheer.Input((3,)), layers.Dense(4, name="h"), layers.Dense(2)])
    both = sheer.Model(model.inputs, [model.get_layer("h").output, model.output])
    h, y = both.predict(A, verbose=0)
    np.testing.assert_allclose(y, model.predict(A, verbose=0), rtol=1e-6)
    assert h.shape == (12, 4)
    later = sheer.Sequential([layers.Dense(4)])
    with pytest.raises(AttributeError) as caught:
        _ = later.output
    assert str(caught.value) == (
        f"Model {later.name!r} has no output: only models made of inputs and outputs have, and a "
        "Sequential whose input shape is known."
    )
    later(A)
    assert later.output.shape[1:] == (4,)
    x = sheer.Input((3,))
    assert sheer.Model(x, model(x)).predict(A, verbose=0).shape == (12, 2)


def test_models_in_models():
    inner = two_towers()
    x = sheer.Input((3,), name="x")
    price, kind = inner([x, layers.Dense(4, name="widen")(x)])
    outer = sheer.Model(x, ops.concatenate([price, kind], -1))
    assert [layer.name for layer in outer.layers] == ["x", "widen", "towers"]
    assert len(outer.weights) == 8 and "# towers/shared: relu" in str(outer.predict_program())
    widened = outer.get_layer("widen")(A)
    wanted = np.concatenate(by_hand(inner, A, widened.numpy()), -1)
    np.testing.assert_allclose(outer.predict(A, verbose=0), wanted, rtol=1e-5, atol=1e-6)
    outer.compile("sgd", "mse")
    before = inner.get_weights()
    outer.fit(A, np.ones((12, 4)), verbose=0)
    assert all((x != y).any() for x, y in zip(inner.get_weights(), before, strict=True))


def test_a_subclass_of_model_with_inputs_and_outputs():
    class Doubling(sheer.Model):
        def train_step(self, data):
            return {**super().train_step(data), "two": 2.0}

    x = sheer.Input((3,))
    model = Doubling(x, layers.Dense(1)(x))
    assert type(model) is Doubling and model.layers[-1].name.startswith("dense")
    model.compile("sgd", "mse")
    assert model.fit(A, A[:, 0], verbose=0).history["two"] == [2.0]
    again = Doubling.from_config(model.get_config())
    assert type(again) is Doubling and again.get_config() == model.get_config()

    class Wide(sheer.Model):
        def __init__(self, units):
            x = sheer.Input((3,))
            super().__init__(inputs=x, outputs=layers.Dense(units)(x), name="wide")
            self.units = units

    assert Wide(7)(A).shape == (12, 7)


def test_what_is_not_connected():
    a, b = sheer.Input((3,), name="a"), sheer.Input((3,), name="b")
    y = layers.Dense(1, name="y")(a + b)
    with pytest.raises(ValueError) as caught:
        sheer.Model(a, y, name="m")
    assert str(caught.value) == (
        "Model 'm' is disconnected: the input 'b' (n, 3), which 'add' needs, cannot be computed "
        "from the inputs of the model, 'a'.\nGive it as one of the inputs."
    ).replace("'add'", repr(y.node.inputs[0].node.operation.name))
    # An input that nothing needs is no error: the loss may need it.
    assert [v.name for v in sheer.Model([a, b], layers.Dense(1, name="y")(a)).layers] == [
        "a", "b", "y"
    ]  # fmt: skip
    for arguments, text in [
        ((A, y), "Model 'm': inputs must be symbols, such as Input gives, or layers called on it. "
         f"Got {A!r}."),
        ((a, []), "Model 'm': outputs must hold symbols. Got []."),
    ]:  # fmt: skip
        with pytest.raises(ValueError) as caught:
            sheer.Model(*arguments, name="m")
        assert str(caught.value) == text
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'outputs'"):
        sheer.Model(inputs=a)


def test_names_are_unique_within_a_model():
    x = sheer.Input((3,))
    y = layers.Dense(3, name="same")(layers.Dense(3, name="same")(x))
    with pytest.raises(ValueError, match=r"2 layers are named 'same'; names must be unique"):
        sheer.Model(x, y)


def test_the_batch_size_stays_open():
    x = sheer.Input((2, 3))
    model = sheer.Model(x, ops.reshape(x, (ops.shape(x)[0], 6)) + 0.0)
    for rows in (1, 5):
        data = np.ones((rows, 2, 3), "float32")
        assert model(data).shape == model.predict(data, verbose=0).shape == (rows, 6)
    with pytest.raises(ValueError) as caught:
        sheer.Input((None, 3))
    assert str(caught.value) == (
        "Input: only the batch size may be left open, all other sizes must be numbers. Got "
        "the shape (None, None, 3)."
    )


def test_training_counts_as_in_keras():
    class Doubling(layers.Layer):
        def call(self, x, training=False):
            return 2 * x if training else x

    x = sheer.Input((3,))
    model = sheer.Model(x, Doubling()(x, training=True))
    # Said by the outer call, it overrides what was said on the symbols.
    assert np.array_equal(model(A), 2 * A)
    assert np.array_equal(model(A, training=False), A)
    assert np.array_equal(model.predict(A, verbose=0), A)


def test_layers_with_several_arguments():
    class Blend(layers.Layer):
        def call(self, x, other, share=0.5, more=None):
            return x * share + other * (1 - share) + (0 if more is None else more["z"])

    a, b = sheer.Input((3,)), sheer.Input((3,))
    model = sheer.Model([a, b], Blend()(a, b, share=0.25, more={"z": a}))
    np.testing.assert_allclose(model([A, 2 * A]), 0.25 * A + 1.5 * A + A, rtol=1e-6)
    assert model.get_config()["layers"][-1]["inbound_nodes"][0]["kwargs"]["share"] == 0.25


# --- configs ----------------------------------------------------------------------------------


def test_config_round_trip():
    model = two_towers()
    config = json.loads(json.dumps(model.get_config()))
    again = sheer.Model.from_config(config)
    assert type(again) is sheer.models.Functional
    assert json.loads(json.dumps(again.get_config())) == config
    assert sheer.models.model_from_json(model.to_json()).to_json() == model.to_json()
    again.set_weights(model.get_weights())
    for one, two in zip(model([A, B]), again([A, B]), strict=True):
        assert np.array_equal(one, two)


def test_config_of_shared_and_nested_models():
    inner = two_towers()
    x = sheer.Input((3,), name="x")
    widen = layers.Dense(4, name="widen")
    one = inner([x, widen(x)])
    two = inner([x + 1, widen(ops.clip(x, -1.0, 1.0))])
    model = sheer.Model({"x": x}, {"one": one, "two": two[0]}, name="outer")
    config = json.loads(json.dumps(model.get_config()))
    # Keras counts a call of a model inside from 1 in these two places.
    assert config["output_layers"]["one"] == [["towers", 1, 0], ["towers", 1, 1]]
    assert config["output_layers"]["two"] == ["towers", 2, 0]
    again = sheer.Model.from_config(config)
    assert json.loads(json.dumps(again.get_config())) == config
    again.set_weights(model.get_weights())
    found, wanted = (tree.leaves(m.predict(A, verbose=0)) for m in (again, model))
    assert all(map(np.array_equal, found, wanted))


def test_config_with_layers_of_ones_own():
    class Twice(layers.Layer):
        def call(self, x):
            return x * 2

    x = sheer.Input((3,))
    model = sheer.Model(x, Twice()(x))
    config = model.get_config()
    again = sheer.Model.from_config(config, custom_objects={"Twice": Twice})
    assert np.array_equal(again(A), 2 * A)
    with pytest.raises(ValueError, match=r"^The layer 'Twice' of '.*' is not sheer's\. Register"):
        sheer.Model.from_config(config)
    config["layers"].pop(0)
    with pytest.raises(ValueError, match=r"the calls of 'twice.*' wait for each other, or for"):
        sheer.Model.from_config(config, custom_objects={"Twice": Twice})


def test_ops_that_have_no_name_in_a_config():
    x = sheer.Input((3,))
    size = ops.reshape(x, (ops.shape(x)[0], 3, 1))
    with pytest.raises(ValueError, match=r"^get_config: a size that depends on the batch, n, can"):
        sheer.Model(x, size).get_config()


def test_clones():
    model = two_towers()
    clone = sheer.models.clone_model(model)
    assert clone.get_config() == model.get_config() and clone is not model
    assert not {id(w) for w in clone.weights} & {id(w) for w in model.weights}
    wide = sheer.models.clone_model(
        model,
        input_tensors=[sheer.Input((3,)), sheer.Input((4,))],
        clone_function=lambda layer: layer,
        call_function=lambda layer, *args, **kwargs: layer(*args, **kwargs) * 2,
    )
    assert wide.weights[0] is model.weights[0]
    assert float(ops.sum(wide([A, B])[1])) == pytest.approx(24, rel=1e-5)
    model.compile("adam", ["mse", "mae"], metrics=[[sheer.metrics.MeanSquaredError()], ["mae"]])
    twin = sheer.models.clone_model(model)
    twin.set_weights(model.get_weights())
    targets = [np.ones((12, 1)), np.ones((12, 3))]
    logs = [m.evaluate([A, B], targets, verbose=0, return_dict=True) for m in (model, twin)]
    assert logs[0] == logs[1] and len(logs[0]) == 5
    assert twin.optimizer is not model.optimizer and twin.metrics[-1] is not model.metrics[-1]
    sequential = sheer.Sequential([sheer.Input((3,)), layers.Dense(2, name="d")], name="s")
    clone = sheer.models.clone_model(sequential)
    assert clone.get_config() == sequential.get_config()
    assert clone.weights[0] is not sequential.weights[0]
    outer = sheer.Sequential([sheer.Input((3,)), sequential])
    seen = []
    sheer.models.clone_model(
        outer, clone_function=lambda v: seen.append(v.name) or v, recursive=True
    )
    assert seen == ["d"]
    with pytest.raises(ValueError, match="call_function is for models made of inputs and outputs"):
        sheer.models.clone_model(sequential, call_function=lambda layer, x: x)
