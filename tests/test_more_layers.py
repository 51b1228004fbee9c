"""Noise, normalizations, Embedding, merging, Lambda, wrappers: what no figures of Keras hold."""

import numpy as np
import pytest

import sheer
import written
from planned import needs_native, on_engine
from sheer import layers, ops
from sheer.ops import random

RNG = np.random.default_rng(0)


def array(*shape, dtype="float32"):
    return RNG.normal(size=shape).astype(dtype)


def message(call, kind=ValueError):
    with pytest.raises(kind) as error:
        call()
    return str(error.value)


def model_of(*parts, shape=(4,), dtype="float32"):
    sheer.utils.clear_session()
    sheer.utils.set_random_seed(1)
    rest = [layers.Flatten(name="rows"), layers.Dense(1, name="out")]
    model = sheer.Sequential([sheer.Input(shape, dtype=dtype), *parts, *rest])
    model.compile(sheer.optimizers.SGD(0.1), "mse")
    return model


# --- noise ------------------------------------------------------------------------------------


def test_dropout_drops_and_scales():
    layer = layers.Dropout(0.25, seed=1)
    x = np.ones((1000, 100), "float32")
    y = layer(x, training=True).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.01)
    assert (layer(x, training=True).numpy() != y).any(), "another draw at each call"
    assert layer(x).numpy() is not y and (layer(x).numpy() == x).all()
    again = layers.Dropout(0.25, seed=1)
    assert (again(x, training=True).numpy() == y).all(), "the same from the same seed"


def test_dropout_of_infinity_is_0():
    x = np.full((1, 64), np.inf, "float32")
    assert set(layers.Dropout(0.5, seed=1)(x, training=True).numpy().ravel()) == {0, np.inf}


def test_rates_of_0_and_1():
    x = array(4, 3)
    layer = layers.Dropout(0.0)
    assert (layer(x, training=True).numpy() == x).all()
    assert layer.variables == []
    with sheer.GradientTape() as tape:
        tensor = sheer.Tensor(x)
        tape.watch(tensor)
        y = layers.Dropout(1)(tensor, training=True)
    assert not y.numpy().any()
    slope = tape.gradient(y, tensor, unconnected_gradients="zero")
    assert not slope.numpy().any()
    assert message(lambda: layers.AlphaDropout(1)) == (
        "AlphaDropout: rate must be a number in [0, 1). Got 1."
    )


def test_noise_shape_drops_together():
    layer = layers.Dropout(0.5, noise_shape=(None, 1, 3), seed=1)
    y = layer(np.ones((200, 4, 3), "float32"), training=True).numpy()
    assert (y == y[:, :1]).all(), "the same for all of axis 1"
    assert (y[:, 0] == 0).mean() == pytest.approx(0.5, abs=0.1)
    model = model_of(layer, shape=(4, 3))
    assert "(len(x), 1, 3)" in str(model.train_program())
    model.train_on_batch(np.ones((5, 4, 3)), np.ones((5, 1)))


def test_gaussian_layers_and_alpha_dropout_keep_mean_and_variance():
    x = np.random.default_rng(1).normal(size=(2000, 100)).astype("float32")
    noise = layers.GaussianNoise(0.5, seed=1)(x, training=True).numpy() - x
    assert (noise.mean(), noise.std()) == pytest.approx((0, 0.5), abs=0.01)
    factors = layers.GaussianDropout(0.2, seed=1)(np.ones_like(x), training=True).numpy()
    # variance rate / (1 - rate) = 0.25
    assert (factors.mean(), factors.std()) == pytest.approx((1, 0.5), abs=0.01)
    y = layers.AlphaDropout(0.3, seed=1)(x, training=True).numpy()
    assert (y.mean(), y.std()) == pytest.approx((0, 1), abs=0.02)
    # a (-1.7581) + b with a = (0.7 (1 + 0.3 · 1.7581²)) ** -0.5 and b = a · 1.7581 · 0.3
    low = -1.7580993 * 0.7 * (0.7 * (1 + 0.3 * 1.7580993**2)) ** -0.5
    assert (abs(y - low) < 1e-5).mean() == pytest.approx(0.3, abs=0.01)


def test_seeds_are_variables_and_no_weights():
    layer = layers.Dropout(0.5, seed=3)
    model = model_of(layers.Dense(2, name="first"), layer)
    assert layer.weights == [] and layer.count_params() == 0
    assert [v.path for v in layer.variables] == ["dropout/seed"]
    assert layer.seed_generator.state.numpy().tolist() == [3, 0]
    assert layer.seed_generator.state in model.variables
    assert layer.seed_generator.state not in model.weights
    model.fit(array(8, 4), array(8, 1), epochs=2, batch_size=4, verbose=0)
    assert layer.seed_generator.state.numpy().tolist() == [3, 4], "one draw a step"


def test_a_users_layer_with_seeds_of_its_own():
    class Shaken(layers.Layer):
        def __init__(self):
            super().__init__()
            self.noise = random.SeedGenerator(1)
            self.inner = layers.GaussianNoise(0.5, seed=2)

        def call(self, inputs, training=False):
            x = self.inner(inputs)
            return x + random.normal(x.shape, seed=self.noise) if training else x

    layer = Shaken()
    model = model_of(layer)
    assert [v.path for v in layer.variables] == ["shaken/noise", "shaken/gaussian_noise/seed"]
    text = str(model.train_program())
    assert "shaken.noise" in text and "shaken_gaussian_noise.seed" in text


@needs_native
@pytest.mark.parametrize(
    "layer",
    [layers.Dropout(0.5, seed=1), layers.AlphaDropout(0.5, seed=1),
     layers.GaussianDropout(0.5, seed=1), layers.GaussianNoise(0.5, seed=1)],
    ids=lambda layer: layer.name,
)  # fmt: skip
def test_both_engines_draw_the_same(layer):
    x, y = array(16, 4), array(16, 1)
    results = []
    for engine in ("numpy", "native"):
        with on_engine(engine):
            model = model_of(type(layer).from_config(layer.get_config()))
            model.fit(x, y, epochs=3, batch_size=5, verbose=0, shuffle=False)
            results.append(model.get_weights())
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_script_draws_and_averages_as_fit_did(tmp_path):
    noise = [layers.Dropout(0.3), layers.GaussianNoise(0.1), layers.AlphaDropout(0.1)]
    model = model_of(layers.BatchNormalization(), *noise, layers.GaussianDropout(0.2))
    x, y = array(20, 4), array(20, 1)
    history = model.fit(x, y, epochs=2, batch_size=8, validation_data=(x, y), verbose=0).history
    model.write_program(tmp_path / "train.py")
    written.same(written.run(tmp_path / "train.py"), history, validated=True)


# --- normalizations -----------------------------------------------------------------------------


def test_batch_normalization_by_hand():
    layer = layers.BatchNormalization(momentum=0.5, epsilon=1.0)
    y = layer(np.array([[0.0], [2.0]], "float32"), training=True).numpy()
    # mean 1, variance 1: ±1 / sqrt(1 + 1)
    np.testing.assert_allclose(y, [[-(0.5**0.5)], [0.5**0.5]], rtol=1e-6)
    assert layer.moving_mean.numpy().tolist() == [0.5]
    assert layer.moving_variance.numpy().tolist() == [1.0]
    # With the averages: (2.5 - 0.5) / sqrt(1 + 1)
    np.testing.assert_allclose(layer(np.array([[2.5]], "float32")).numpy(), [[2**0.5]], rtol=1e-6)
    assert [w.name for w in layer.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [w.name for w in layer.trainable_weights] == ["gamma", "beta"]


def test_batch_normalization_of_one_row_and_of_none():
    layer = layers.BatchNormalization(beta_initializer="ones")
    one = layer(np.array([[3.0, -7.0]], "float32"), training=True).numpy()
    assert one.tolist() == [[1.0, 1.0]], "variance 0: beta alone"
    empty = np.zeros((0, 2), "float32")
    assert layer(empty).shape == (0, 2)
    before = layer.get_weights()
    assert layer(empty, training=False).shape == (0, 2)
    assert all((a == b).all() for a, b in zip(layer.get_weights(), before, strict=True))


def test_frozen_batch_normalization():
    """It uses its averages and leaves them alone, also where it has no weights to train."""
    for options in ({}, {"center": False, "scale": False}):
        layer = layers.BatchNormalization(**options)
        model = model_of(layer)
        x, y = 5 + array(8, 4), array(8, 1)
        model.train_on_batch(x, y)
        moved = layer.moving_mean.numpy().copy()
        assert (moved != 0).all()
        layer.trainable = False
        model.train_on_batch(x, y)
        assert (layer.moving_mean.numpy() == moved).all()
        layer.trainable = True
        model.train_on_batch(x, y)
        assert (layer.moving_mean.numpy() != moved).all()


def test_batch_normalization_learns_the_mean_and_variance():
    layer = layers.BatchNormalization(momentum=0.9)
    model = model_of(layer)
    x = (3 + 2 * np.random.default_rng(3).normal(size=(512, 4))).astype("float32")
    model.fit(x, array(512, 1), epochs=10, batch_size=64, verbose=0)
    np.testing.assert_allclose(layer.moving_mean.numpy(), x.mean(0), atol=0.15)
    np.testing.assert_allclose(layer.moving_variance.numpy(), x.var(0), rtol=0.15)


def test_normalizations_of_wrong_inputs():
    bad = "needs an input with examples along its first axis and a known size of axis"
    assert message(lambda: layers.BatchNormalization(axis=2, name="b").build((None, 3))) == (
        f"BatchNormalization layer 'b' {bad} 2. Got shape (None, 3)."
    )
    assert message(lambda: layers.LayerNormalization(0, name="n").build((None, 3))) == (
        f"LayerNormalization layer 'n' {bad} 0. Got shape (None, 3)."
    )
    assert message(lambda: layers.GroupNormalization(3, name="g").build((None, 4))) == (
        "GroupNormalization 'g': 4 features are no 3 groups of equally many. "
        "Got the input shape (None, 4)."
    )
    layer = layers.BatchNormalization(name="b")
    mask = np.ones((2, 3), bool)
    assert message(lambda: layer(array(2, 3), training=True, mask=mask)) == (
        "BatchNormalization 'b': the mask has 2 axes, and needs one less than the input, which has "
        "2."
    )


def test_unit_normalization_of_0_is_0():
    assert layers.UnitNormalization()(np.zeros((1, 3), "float32")).numpy().tolist() == [[0, 0, 0]]


# --- ops of normalization -----------------------------------------------------------------------


def test_normalize_by_hand():
    x = np.array([[3.0, -4.0]])
    for order, wanted in [(1, [3 / 7, -4 / 7]), (2, [0.6, -0.8]), (3, [3 / 91 ** (1 / 3), None])]:
        found = ops.normalize(x, order=order).numpy()[0]
        assert found[0] == pytest.approx(wanted[0])
        assert wanted[1] is None or found[1] == pytest.approx(wanted[1])
    assert message(lambda: ops.normalize(x, order=0)) == (
        "normalize: order must be a whole number of 1 or more. Got 0."
    )


def test_moments_by_hand():
    x = np.array([[1.0, 2.0], [3.0, 6.0]])
    mean, variance = ops.moments(x, axes=0)
    assert (mean.numpy().tolist(), variance.numpy().tolist()) == ([2, 4], [1, 4])
    mean, variance = ops.moments(x, axes=[0, 1], keepdims=True)
    assert (mean.numpy().tolist(), variance.numpy().tolist()) == ([[3]], [[3.5]])
    with pytest.raises(NotImplementedError, match="sheer has no replicas"):
        ops.moments(x, 0, synchronized=True)


def test_ops_of_normalization_on_other_axes():
    x = array(3, 2, 4, dtype="float64")
    found = ops.batch_normalization(
        x, np.array([1.0, 2.0]), np.array([4.0, 9.0]), 1, np.array([5.0, 6.0]), epsilon=0.0
    )
    scale = (np.array([1.0, 2.0])[:, None], np.array([2.0, 3.0])[:, None], [[5.0], [6.0]])
    np.testing.assert_allclose(found.numpy(), (x - scale[0]) / scale[1] + scale[2])
    gamma = np.array([2.0, 3.0])
    centred = x - x.mean(1, keepdims=True)
    wanted = centred / np.sqrt(x.var(1, keepdims=True) + 0.1) * gamma[:, None]
    found = ops.layer_normalization(x, gamma, axis=1, epsilon=0.1)
    np.testing.assert_allclose(found.numpy(), wanted)


# --- Embedding ----------------------------------------------------------------------------------


def test_embedding_by_hand():
    layer = layers.Embedding(3, 2, weights=[np.array([[0, 1], [2, 3], [4, 5]])], mask_zero=True)
    assert layer(np.array([[2.0, 0.0]], "float32")).numpy().tolist() == [[[4, 5], [0, 1]]]
    mask = layer.compute_mask(sheer.Tensor(np.array([[2, 0]])))
    assert mask.numpy().tolist() == [[True, False]]
    assert layers.Embedding(3, 2).compute_mask(sheer.Tensor(np.array([[2, 0]]))) is None
    assert "weights" not in layer.get_config()
    assert layer.compute_output_shape((None, 7)) == (None, 7, 2)


def test_embedding_trains_the_rows_it_saw():
    layer = layers.Embedding(5, 3)
    model = model_of(layer, shape=(2,), dtype="int32")
    before = layer.embeddings.numpy().copy()
    model.train_on_batch(np.array([[1, 3], [3, 1]], "int32"), np.ones((2, 1)))
    moved = (layer.embeddings.numpy() != before).any(axis=1)
    assert moved.tolist() == [False, True, False, True, False]


@pytest.mark.parametrize("engine", ["numpy", pytest.param("native", marks=needs_native)])
def test_embedding_out_of_range(engine):
    model = model_of(layers.Embedding(5, 3), shape=(2,), dtype="int32")
    with on_engine(engine), pytest.raises(IndexError, match="out of bounds"):
        model.predict(np.array([[1, 5]], "int32"), verbose=0)


# --- reshaping ----------------------------------------------------------------------------------


def test_reshaping_of_wrong_inputs():
    assert message(lambda: layers.Reshape((3, -1), name="r")(array(2, 4))) == (
        "Reshape 'r': 4 elements do not fit into the target_shape (3, -1). "
        "Got an input of shape (2, 4)."
    )
    assert message(lambda: layers.Permute((2, 1), name="p")(array(2, 4))) == (
        "Permute 'p': dims (2, 1) are for an input with 3 axes. Got shape (2, 4)."
    )
    assert message(lambda: layers.RepeatVector(2, name="v")(array(2, 4, 3))) == (
        "RepeatVector 'v' needs an input (batch, features). Got shape (2, 4, 3)."
    )
    assert message(lambda: layers.Permute((1, 3))) == (
        "Permute: dims must be the numbers 1, 2, ... in some order. Got (1, 3)."
    )


def test_reshape_of_any_batch():
    layer = layers.Reshape((2, -1))
    assert layer.compute_output_shape((None, 6)) == (None, 2, 3)
    for rows in (0, 1, 5):
        assert layer(np.ones((rows, 6), "float32")).shape == (rows, 2, 3)


# --- merging ------------------------------------------------------------------------------------

PAIR = [np.array([[1.0, 5.0]]), np.array([[3.0, 4.0]])]


@pytest.mark.parametrize(
    ("function", "wanted"),
    [("add", [[4, 9]]), ("subtract", [[-2, 1]]), ("multiply", [[3, 20]]), ("average", [[2, 4.5]]),
     ("maximum", [[3, 5]]), ("minimum", [[1, 4]]), ("concatenate", [[1, 5, 3, 4]]),
     ("dot", [[23]])],
)  # fmt: skip
def test_functions_of_merging(function, wanted):
    assert getattr(layers, function)(PAIR).numpy().tolist() == wanted
    assert getattr(layers, function)(PAIR, name="own").numpy().tolist() == wanted


def test_merging_in_a_functional_model(tmp_path):
    sheer.utils.clear_session()
    a, b = sheer.Input((4,), name="a"), sheer.Input((4,), name="b")
    merged = [layers.Add(), layers.Subtract(), layers.Multiply(), layers.Average()]
    merged += [layers.Maximum(), layers.Minimum(), layers.Dot(axes=1), layers.Concatenate()]
    joined = layers.concatenate([layer([a, b]) for layer in merged])
    model = sheer.Model([a, b], layers.Dense(1)(joined))
    assert joined.shape[1] == 6 * 4 + 1 + 8
    model.compile("sgd", "mse")
    x = [array(6, 4), array(6, 4)]
    model.fit(x, array(6, 1), verbose=0)
    model.save(tmp_path / "m.safetensors")
    same = sheer.models.load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(same.predict(x, verbose=0), model.predict(x, verbose=0))


def test_merging_of_wrong_inputs():
    assert message(lambda: layers.Add(name="a")(array(2, 3))).startswith(
        "Add 'a' needs a list of one or more inputs. Got <Tensor"
    )
    assert message(lambda: layers.Subtract(name="s")([array(2, 3)] * 3)) == (
        "Subtract 's' needs a list of 2 inputs. Got 3 inputs."
    )
    assert message(lambda: layers.Add(name="a")([array(2, 3), array(4, 3)])) == (
        "Add 'a': inputs need equally many examples. Got the shapes (2, 3), (4, 3)."
    )
    assert message(lambda: layers.Concatenate()([array(2, 3, 1), array(2, 4, 1)])).startswith(
        "concatenate in layer 'concatenate"
    )
    assert message(lambda: layers.Dot(1, name="d")([array(2, 3), array(2, 4)])) == (
        "Dot 'd': axes 1 must be of equal size, and not those of the examples. "
        "Got the shapes (2, 3) and (2, 4)."
    )
    assert message(lambda: layers.Dot((1, 2, 3))) == (
        "Dot: axes must be one axis, or one for each input. Got (1, 2, 3)."
    )


def test_maximum_where_a_mask_says_nothing():
    a, b = np.array([[[9.0], [1.0]]]), np.array([[[2.0], [3.0]]])
    masks = [sheer.Tensor(np.array([[False, True]])), sheer.Tensor(np.array([[True, True]]))]
    assert layers.Maximum()([a, b], mask=masks).numpy().tolist() == [[[2.0], [3.0]]]
    assert layers.Minimum()([a, b], mask=[None, masks[0]]).numpy().tolist() == [[[9.0], [1.0]]]


# --- Lambda -------------------------------------------------------------------------------------


def shifted(x, by=1.0, training=None, mask=None):
    return x + by if training else x


def test_lambda():
    x = np.array([[1.0]], "float32")
    layer = layers.Lambda(shifted, arguments={"by": 2.0}, output_shape=(7,), name="s")
    assert layer(x, training=True).numpy() == 3 and layer(x).numpy() == 1
    assert layer.compute_output_shape((None, 1)) == (None, 7)
    assert layer.formula() == "shifted(x)"
    again = layers.Lambda.from_config(layer.get_config())
    assert again(x, training=True).numpy() == 3
    assert message(lambda: layers.Lambda("x ** 2"), TypeError) == (
        "Lambda: function must be a function of the inputs. Got 'x ** 2'."
    )
    mask = sheer.Tensor(np.array([True]))
    assert layers.Lambda(abs, mask=mask).compute_mask(x) is mask
    assert layers.Lambda(abs, mask=lambda inputs, m: m).compute_mask(x, mask) is mask


def test_lambda_from_a_file_needs_its_function():
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAAA", "defaults": None}}
    named = {"class_name": "function", "config": "shifted", "registered_name": "shifted"}
    for function, key in ((code, "s"), (named, "shifted")):
        config = {"name": "s", "function": function}
        text = message(lambda config=config: layers.Lambda.from_config(config))
        assert f"custom_objects={{{key!r}: ...}}" in text
        layer = layers.Lambda.from_config(config, custom_objects={key: shifted})
        assert layer.function is shifted and layer.name == "s"


def test_lambda_runs_again_at_each_call():
    seen = []
    model = model_of(layers.Lambda(lambda x: seen.append(1) or x))
    before = len(seen)
    for _ in range(3):
        model(array(2, 4))
    assert len(seen) == before + 3


# --- EinsumDense --------------------------------------------------------------------------------


def test_einsum_dense_begins_as_dense_does():
    """Inputs and outputs of the kernel are counted by the equation, not by its last two axes."""
    layer = layers.EinsumDense("abc,cde->abde", (None, 20, 30))
    layer.build((None, 3, 50))
    kernel = layer.kernel.numpy()
    assert kernel.shape == (50, 20, 30)
    # glorot_uniform: ±sqrt(6 / (50 + 600))
    assert abs(kernel).max() == pytest.approx((6 / 650) ** 0.5, rel=1e-3)


def test_einsum_dense_of_wrong_shapes():
    layer = layers.EinsumDense("ab,bc->ac", 3, name="e")
    assert message(lambda: layer.build((None, 3, 4))) == (
        "EinsumDense 'e', 'ab,bc->ac': 'ab' are not 3 indices.\n"
        "  input shape  (None, 3, 4)\n"
        "  output_shape (3,)"
    )
    layer = layers.EinsumDense("abc,cd->abd", (5, 3), name="e")
    assert "index 'b' is 4 and 5." in message(lambda: layer.build((None, 4, 2)))
    layer = layers.EinsumDense("abc,cd->abd", (4, None), name="e")
    assert "the size of index 'd' is not known." in message(lambda: layer.build((None, 4, 2)))
    layer = layers.EinsumDense("abc,cd->abd", 3, name="e")
    assert "'abd' are not the indices of (None, 3)." in message(lambda: layer.build((None, 4, 2)))


def test_einsum_dense_output_shapes():
    for equation, shape, given, wanted in [
        ("ab,bc->ac", 3, (None, 4), (None, 3)),
        ("abc,cde->abde", (None, 3, 2), (None, 5, 4), (None, 5, 3, 2)),
        ("...a,ab->...b", 3, (None, 5, 4), (None, 5, 3)),
        ("ab...,bc->ac...", 3, (None, 4, 5), (None, 3, 5)),
    ]:
        assert layers.EinsumDense(equation, shape).compute_output_shape(given) == wanted


# --- wrappers -----------------------------------------------------------------------------------


def test_wrapper_keeps_its_layer():
    class Twice(layers.Wrapper):
        def call(self, inputs):
            return self.layer(self.layer(inputs))

    layer = Twice(layers.Dense(4, name="inner"), name="twice")
    model = model_of(layer)
    assert [w.path for w in layer.weights] == ["twice/inner/kernel", "twice/inner/bias"]
    model.train_on_batch(array(2, 4), array(2, 1))
    again = Twice.from_config(layer.get_config() | {"name": "again"})
    assert again.layer.units == 4 and again.layer is not layer.layer
    assert message(lambda: layers.Wrapper(3), TypeError) == "Wrapper: layer must be a layer. Got 3."


def test_time_distributed_is_one_product():
    layer = layers.TimeDistributed(layers.Dense(3, name="step"))
    model = model_of(layer, shape=(5, 4))
    assert str(model.predict_program()).count("step.kernel") == 1
    x = array(2, 5, 4)
    wanted = np.stack([layer.layer(x[:, i]).numpy() for i in range(5)], axis=1)
    np.testing.assert_allclose(layer(x).numpy(), wanted, rtol=1e-5)
    assert layer.compute_output_shape((None, 5, 4)) == (None, 5, 3)
    assert message(lambda: layers.TimeDistributed(layers.Dense(3), name="t")(array(2, 4))) == (
        "TimeDistributed 't' needs an input (n, steps, ...), and a mask of as many examples and "
        "steps. Got (2, 4)."
    )


def test_time_distributed_of_a_users_layer_keeps_steps_apart():
    class Centred(layers.Layer):
        def call(self, inputs):
            return inputs - ops.mean(inputs, axis=0)

    x = array(6, 3, 2)
    found = layers.TimeDistributed(Centred())(x).numpy()
    np.testing.assert_allclose(found, x - x.mean(0), rtol=1e-5, atol=1e-6)


# --- the native engine --------------------------------------------------------------------------

NATIVE = {
    "Dropout": [layers.Dropout(0.5)],
    "AlphaDropout": [layers.AlphaDropout(0.5)],
    "GaussianNoise": [layers.GaussianNoise(0.5)],
    "GaussianDropout": [layers.GaussianDropout(0.5)],
    "BatchNormalization": [layers.BatchNormalization()],
    "LayerNormalization": [layers.LayerNormalization()],
    "GroupNormalization": [layers.GroupNormalization(2)],
    "RMSNormalization": [layers.RMSNormalization()],
    "UnitNormalization": [layers.UnitNormalization()],
    "PReLU": [layers.PReLU()],
    "Softmax": [layers.Softmax()],
    "Reshape": [layers.Reshape((2, -1)), layers.Permute((2, 1))],
    "TimeDistributed": [layers.RepeatVector(2), layers.TimeDistributed(layers.Dense(2))],
    "EinsumDense": [layers.EinsumDense("ab,bcd->acd", (2, 3), bias_axes="d")],
}


class Merged(layers.Layer):
    """A merging layer of two Dense."""

    def __init__(self, merging):
        super().__init__()
        self.left, self.right, self.merging = layers.Dense(4), layers.Dense(4), merging

    def call(self, inputs):
        return self.merging([self.left(inputs), self.right(inputs)])


NATIVE |= {
    type(one).__name__: [Merged(one)]
    for one in (
        layers.Add(), layers.Subtract(), layers.Multiply(), layers.Average(), layers.Maximum(),
        layers.Minimum(), layers.Concatenate(), layers.Dot(1, normalize=True),
    )
}  # fmt: skip


@needs_native
@pytest.mark.parametrize("name", NATIVE)
def test_kernels_run_every_line(name):
    model = model_of(layers.Dense(4, name="first"), *NATIVE[name])
    with on_engine("native"):
        table = model.train_program().explain(32)
    assert table.rstrip().endswith("no lines left to NumPy"), table


@needs_native
def test_kernels_run_an_embedding():
    model = model_of(layers.Embedding(9, 3), shape=(5,), dtype="int32")
    with on_engine("native"):
        table = model.train_program().explain(32)
    assert table.rstrip().endswith("no lines left to NumPy"), table
