"""Masks: from layer to layer, into losses and metrics."""

import warnings

import numpy as np
import pytest

import sheer
from planned import needs_native, on_engine
from sheer import layers, ops

X = np.random.default_rng(0).normal(size=(3, 4, 2)).astype("float32")
X[0, 2:] = X[2, 0] = 0
KEPT = (X != 0).any(-1)


def mask_of(value):
    return None if value._keras_mask is None else value._keras_mask.numpy()


def test_masking_masks_and_sets_to_zero():
    found = layers.Masking()(X)
    assert np.array_equal(mask_of(found), KEPT) and np.array_equal(found, X)
    nines = np.where(KEPT[..., None], X, 9)
    found = layers.Masking(mask_value=9)(nines)
    assert np.array_equal(mask_of(found), KEPT) and np.array_equal(found, X)


def test_masks_are_carried_on():
    chain = [layers.Masking(), layers.Dense(3), layers.Activation("relu"), layers.Dropout(0.5)]
    x = ops.convert_to_tensor(X)
    for layer in chain:
        x = layer(x)
        assert np.array_equal(mask_of(x), KEPT), layer.name
    # A cast to the layer's dtype keeps them.
    assert np.array_equal(mask_of(layers.Activation("relu", dtype="float64")(x)), KEPT)
    assert np.array_equal(mask_of(sheer.Sequential(chain)(X)), KEPT)
    # Given by hand, to a Sequential and to a model of inputs and outputs.
    model = sheer.Sequential([sheer.Input((4, 2)), layers.Dense(1)])
    given = ops.convert_to_tensor(KEPT)
    assert np.array_equal(mask_of(model(X, mask=given)), KEPT)
    assert np.array_equal(mask_of(sheer.Model(model.input, model.output)(X, mask=given)), KEPT)
    i = sheer.Input((4, 2))
    model = sheer.Model(i, layers.Dense(1)(layers.Masking()(i)))
    assert np.array_equal(mask_of(model(X)), KEPT)
    assert model.output._keras_mask.shape[1:] == (4,)
    assert np.array_equal(mask_of(sheer.Model(i, model(i) + 1)(X)), None)


def test_a_layer_that_does_not_know_masks_says_so():
    class Own(layers.Layer):
        def call(self, x):
            return x * 2

    masked = layers.Masking()(X)
    with pytest.warns(UserWarning, match="'own.*' was called on a value with a mask, and does not"):
        assert mask_of(Own()(masked)) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Own()(X)
        knowing = Own()
        knowing.supports_masking = True
        assert np.array_equal(mask_of(knowing(masked)), KEPT)


def test_call_gets_the_masks_that_it_takes():
    class Total(layers.Layer):
        """The sum over the steps that count."""

        supports_masking = True

        def call(self, x, mask=None):
            return ops.sum(x if mask is None else ops.where(mask[..., None], x, 0), axis=1)

        def compute_mask(self, inputs, previous_mask):
            return None

    ones = np.ones_like(X)
    masked = layers.Masking()(X) * 0 + 1
    assert masked._keras_mask is None  # an op knows no masks
    found = Total()(ones, mask=ops.convert_to_tensor(KEPT))
    assert np.array_equal(found, np.repeat(KEPT.sum(1)[:, None], 2, 1)) and mask_of(found) is None
    assert np.array_equal(Total()(ones), np.full((3, 2), 4))
    model = sheer.Sequential([layers.Masking(), layers.Activation("exponential"), Total()])
    wanted = (np.exp(X) * KEPT[..., None]).sum(1)
    np.testing.assert_allclose(model(X), wanted, rtol=1e-6)
    np.testing.assert_allclose(model.predict(X, verbose=0), wanted, rtol=1e-6)

    class Pair(layers.Layer):
        def call(self, query, value, query_mask=None, value_mask=None):
            return [ops.cast(m, "float32") for m in (query_mask, value_mask) if m is not None]

    (found,) = Pair()(ones, layers.Masking()(X))
    assert np.array_equal(found, KEPT)


def test_masks_that_a_layer_makes_itself():
    class Words(layers.Layer):
        def call(self, x):
            return ops.one_hot(x, 3)

        def compute_mask(self, inputs, previous_mask=None):
            return inputs != 0

    assert Words.supports_masking and not layers.Layer.supports_masking
    words = np.array([[1, 2, 0], [0, 0, 1]])
    assert np.array_equal(mask_of(Words()(words)), words != 0)


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_losses_and_metrics_count_what_the_mask_leaves(run_eagerly):
    """By hand: means over the steps that count alone."""
    model = sheer.Sequential([layers.Masking(), layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"], run_eagerly=run_eagerly)
    y = np.random.default_rng(1).normal(size=(3, 4, 2))
    weights = np.random.default_rng(2).uniform(1, 2, (3, 4))
    error = model(X).numpy() - y
    squares, absolute = (error**2).mean(-1), abs(error).mean(-1)
    loss, mae, mse = model.evaluate(X, y, sample_weight=weights, verbose=0)
    np.testing.assert_allclose(loss, (squares * weights * KEPT).sum() / KEPT.sum(), rtol=1e-5)
    np.testing.assert_allclose(mae, (absolute * KEPT).sum() / KEPT.sum(), rtol=1e-5)
    np.testing.assert_allclose(
        mse, (squares * weights * KEPT).sum() / (weights * KEPT).sum(), rtol=1e-5
    )
    before = model.get_weights()
    model.fit(X, y, verbose=0)
    assert all((a != b).any() for a, b in zip(model.get_weights(), before, strict=True))


@needs_native
def test_the_program_says_what_is_masked():
    model = sheer.Sequential([sheer.Input((4, 2)), layers.Masking(), layers.Dense(1)])
    model.compile("sgd", "mse")
    text = str(model.train_program())
    for line in (
        "# masking: 0 where all features are 0.0\n",
        "mask = np.any(x != 0.0, axis=-1)",
        "share = cast * divide_no_nan(len(x) * 4, np.sum(cast))",
    ):
        assert line in text.replace("masking_", "masking")
    with on_engine("native"):
        assert "NumPy" not in model.train_program().explain(32).replace("left to NumPy", "")
