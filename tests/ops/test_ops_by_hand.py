"""A case worked out by hand for the ops of each family, ties among them."""

import math

import numpy as np
import pytest

from sheer import GradientTape, ops
from sheer.ops import OPS

E = math.e
LN2 = math.log(2)


def close(found, expected):
    found = np.asarray(found)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        # arithmetic
        (lambda: ops.add([1, 2], [[10], [20]]), [[11, 12], [21, 22]]),
        (lambda: ops.subtract([1.0, 2.0], 0.5), [0.5, 1.5]),
        (lambda: ops.multiply([1.0, -2.0], [3.0, 4.0]), [3, -8]),
        (lambda: ops.divide([1, 3], 2), [0.5, 1.5]),
        (lambda: ops.true_divide([1.0, 3.0], 2.0), [0.5, 1.5]),
        (lambda: ops.divide_no_nan([1.0, 0.0, 3.0], [0.0, 0.0, 2.0]), [0, 0, 1.5]),
        (lambda: ops.floor_divide([-7, 7], 2), [-4, 3]),
        (lambda: ops.mod([-7.0, 7.0], 3.0), [2, 1]),
        (lambda: ops.mod([7.0], [-3.0]), [-2]),
        (lambda: ops.power([2.0, 3.0], [3.0, 2.0]), [8, 9]),
        (lambda: ops.square([-3.0, 2.0]), [9, 4]),
        (lambda: ops.sqrt([4.0, 2.25]), [2, 1.5]),
        (lambda: ops.rsqrt([4.0, 0.25]), [0.5, 2]),
        (lambda: ops.reciprocal([4.0, -0.5]), [0.25, -2]),
        (lambda: ops.negative([1.0, -2.0]), [-1, 2]),
        (lambda: ops.abs([1.0, -2.0, 0.0]), [1, 2, 0]),
        (lambda: ops.sign([-3.0, 0.0, 2.0]), [-1, 0, 1]),
        (lambda: ops.exp([0.0, 1.0]), [1, E]),
        (lambda: ops.expm1([0.0, 1e-10]), [0, 1e-10]),
        (lambda: ops.log([1.0, E]), [0, 1]),
        (lambda: ops.log1p([0.0, E - 1]), [0, 1]),
        (lambda: ops.log2([8.0]), [3]),
        (lambda: ops.log10([0.01]), [-2]),
        (lambda: ops.sin([0.0, math.pi / 6]), [0, 0.5]),
        (lambda: ops.cos([0.0, math.pi / 3]), [1, 0.5]),
        (lambda: ops.floor([-1.5, 1.5]), [-2, 1]),
        (lambda: ops.ceil([-1.5, 1.5]), [-1, 2]),
        (lambda: ops.round([0.5, 1.5, -0.5, 2.4]), [0, 2, 0, 2]),
        (lambda: ops.round([0.125, -2.346], decimals=2), [0.12, -2.35]),
        (lambda: ops.clip([-2.0, -1.0, 0.3, 1.0, 2.0], -1, 1), [-1, -1, 0.3, 1, 1]),
        (lambda: ops.maximum([1.0, 5.0], [3.0, 5.0]), [3, 5]),
        (lambda: ops.minimum([1.0, 5.0], [3.0, 5.0]), [1, 5]),
        (lambda: ops.where([True, False], [1.0, 2.0], [3.0, 4.0]), [1, 4]),
        (lambda: ops.where([[1], [0]], 7, [1, 2]), [[7, 7], [1, 2]]),
        # comparison and logic
        (lambda: ops.equal([1, 2], [1, 3]), [True, False]),
        (lambda: ops.not_equal([1, 2], [1, 3]), [False, True]),
        (lambda: ops.greater([1, 2, 3], 2), [False, False, True]),
        (lambda: ops.greater_equal([1, 2, 3], 2), [False, True, True]),
        (lambda: ops.less([1, 2, 3], 2), [True, False, False]),
        (lambda: ops.less_equal([1, 2, 3], 2), [True, True, False]),
        (lambda: ops.logical_and([1, 1, 0], [2, 0, 0]), [True, False, False]),
        (lambda: ops.logical_or([1, 1, 0], [2, 0, 0]), [True, True, False]),
        (lambda: ops.logical_not([0.0, 0.5]), [True, False]),
        (lambda: ops.isnan([np.nan, np.inf, 0.0]), [True, False, False]),
        (lambda: ops.isinf([np.nan, -np.inf, 0.0]), [False, True, False]),
        (lambda: ops.isfinite([np.nan, np.inf, 0.0]), [False, False, True]),
        # reduction
        (lambda: ops.sum([[1, 2], [3, 4]], axis=1), [3, 7]),
        (lambda: ops.sum([True, True, False]), 2),
        (lambda: ops.mean([[1, 2], [3, 5]], axis=0), [2, 3.5]),
        (lambda: ops.max([[1.0, 4.0], [3.0, 2.0]], axis=1), [4, 3]),
        (lambda: ops.min([[1.0, 4.0], [3.0, 2.0]], axis=0, keepdims=True), [[1, 2]]),
        (lambda: ops.max([1.0, 2.0], initial=5.0), 5),
        (lambda: ops.min([1.0, 2.0], initial=-5.0), -5),
        (lambda: ops.prod([2.0, 3.0, 4.0]), 24),
        (lambda: ops.prod([2, 3], dtype="float64"), 6.0),
        (lambda: ops.argmax([[1, 7, 7], [9, 3, 9]], axis=1), [1, 0]),
        (lambda: ops.argmin([[1, 1, 7], [9, 3, 3]], axis=1, keepdims=True), [[0], [1]]),
        (lambda: ops.argsort([3, 1, 3, 2]), [1, 3, 0, 2]),
        (lambda: ops.argsort([[3, 1], [0, 2]], axis=None), [2, 1, 3, 0]),
        (lambda: ops.any([[0, 1], [0, 0]], axis=1), [True, False]),
        (lambda: ops.all([[1, 1], [0, 1]], axis=1), [True, False]),
        (lambda: ops.var([1.0, 3.0, 5.0]), 8 / 3),
        (lambda: ops.std([[1.0, 3.0], [2.0, 2.0]], axis=1, keepdims=True), [[1], [0]]),
        (lambda: ops.logsumexp([0.0, math.log(3)]), math.log(4)),
        (lambda: ops.logsumexp([1000.0, 1000.0]), 1000 + LN2),
        (lambda: ops.logsumexp([-np.inf, -np.inf]), -np.inf),
        (lambda: ops.logsumexp([-np.inf, 1.0]), 1),
        (lambda: ops.cumsum([[1, 2], [3, 4]], axis=0), [[1, 2], [4, 6]]),
        (lambda: ops.cumsum([[1, 2], [3, 4]]), [1, 3, 6, 10]),
        (lambda: ops.norm([[3.0, 4.0], [6.0, 8.0]], axis=1), [5, 10]),
        (lambda: ops.norm([[3.0, 4.0], [0.0, 12.0]]), 13),
        (lambda: ops.norm([3.0, 4.0], ord=2, keepdims=True), [5]),
        (
            lambda: ops.in_top_k([0, 1, 2], [[3.0, 2, 1], [3, 2, 1], [3, 2, 1]], 2),
            [True, True, False],
        ),
        # products
        (lambda: ops.matmul([[1, 2], [3, 4]], [[0, 1], [1, 0]]), [[2, 1], [4, 3]]),
        (lambda: ops.affine([[1.0, 2.0]], [[1.0], [10.0]], [0.5]), [[21.5]]),
        (lambda: ops.dot([1.0, 2.0], [3.0, 4.0]), 11),
        (lambda: ops.dot(2.0, [3.0, 4.0]), [6, 8]),
        # shape
        (lambda: ops.reshape([[1, 2], [3, 4]], (-1,)), [1, 2, 3, 4]),
        (lambda: ops.reshape([1, 2, 3, 4], [2, -1]), [[1, 2], [3, 4]]),
        (lambda: ops.reshape([1, 2], 2), [1, 2]),
        (lambda: ops.transpose([[1, 2], [3, 4]]), [[1, 3], [2, 4]]),
        (lambda: ops.expand_dims([1, 2], -1), [[1], [2]]),
        (lambda: ops.squeeze([[1], [2]]), [1, 2]),
        (lambda: ops.broadcast_to([[1], [2]], (2, 2)), [[1, 1], [2, 2]]),
        (lambda: ops.concatenate([[[1]], [[2]]], axis=1), [[1, 2]]),
        (lambda: ops.flip([[1, 2], [3, 4]], axis=0), [[3, 4], [1, 2]]),
        (lambda: ops.pad([1, 2], 1), [0, 1, 2, 0]),
        (lambda: ops.pad([[1]], ((0, 1), (1, 0)), constant_values=9), [[9, 1], [9, 9]]),
        (lambda: ops.pad([1, 2, 3], (1, 1), mode="reflect"), [2, 1, 2, 3, 2]),
        (lambda: ops.take([5, 6, 7], [2, 0, -1]), [7, 5, 7]),
        (lambda: ops.take_along_axis([[5, 6], [7, 8]], [[1], [0]], 1), [[6], [7]]),
        (lambda: ops.one_hot([1, -1, 3, 0], 3), [[0, 1, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0]]),
        (lambda: ops.one_hot([1, 0], 3, axis=0), [[0, 1], [1, 0], [0, 0]]),
        # activations
        (lambda: ops.relu([-1.0, 0.0, 2.0]), [0, 0, 2]),
        (lambda: ops.relu6([-1.0, 3.0, 7.0]), [0, 3, 6]),
        (lambda: ops.leaky_relu([-1.0, 0.0, 2.0]), [-0.2, 0, 2]),
        (lambda: ops.elu([-1.0, 0.0, 2.0]), [1 / E - 1, 0, 2]),
        (
            lambda: ops.selu([-1.0, 2.0]),
            [1.0507009873554805 * 1.6732632423543772 * (1 / E - 1), 2.101402],
        ),
        (lambda: ops.sigmoid([0.0, math.log(3)]), [0.5, 0.75]),
        (lambda: ops.tanh([0.0, LN2]), [0, 0.6]),
        (lambda: ops.softplus([0.0, 1000.0, -1000.0]), [LN2, 1000, 0]),
        (lambda: ops.softsign([-1.0, 3.0]), [-0.5, 0.75]),
        (lambda: ops.silu([0.0, math.log(3)]), [0, 0.75 * math.log(3)]),
        (lambda: ops.gelu([0.0, 1.0], approximate=False), [0, 0.8413447]),
        (lambda: ops.gelu([1.0]), [0.841192]),
        (lambda: ops.erf([0.0, 1.0, -1.0]), [0, 0.8427007929, -0.8427007929]),
        (lambda: ops.hard_sigmoid([-4.0, 0.0, 1.5, 4.0]), [0, 0.5, 0.75, 1]),
        (lambda: ops.hard_silu([-4.0, 1.5]), [0, 1.125]),
        (lambda: ops.log_sigmoid([0.0, -1000.0]), [-LN2, -1000]),
        (lambda: ops.softmax([0.0, math.log(3)]), [0.25, 0.75]),
        (lambda: ops.softmax([[1000.0, 1000.0], [0.0, 0.0]], axis=0), [[1, 1], [0, 0]]),
        (lambda: ops.log_softmax([0.0, 1000.0]), [-1000, 0]),
        # cross-entropies
        (
            lambda: ops.sparse_categorical_crossentropy([1, 0], [[0.5, 0.5], [1.0, 3.0]]),
            [LN2, 2 * LN2],
        ),
        (
            lambda: ops.sparse_categorical_crossentropy([[1]], [[0.0, 0.0]], from_logits=True),
            [LN2],
        ),
        (lambda: ops.sparse_categorical_crossentropy([0], [[0.0, 1.0]]), [-math.log(1e-7)]),
        (
            lambda: ops.sparse_categorical_crossentropy([1, 1], [[0.2, 0.5], [0.8, 0.5]], axis=0),
            [-math.log(0.8), LN2],
        ),
        (lambda: ops.categorical_crossentropy([[0.5, 0.5]], [[0.2, 0.8]]), [-0.5 * math.log(0.16)]),
        (
            lambda: ops.categorical_crossentropy([[0.0, 2.0]], [[5.0, 5.0]], from_logits=True),
            [2 * LN2],
        ),
        (lambda: ops.binary_crossentropy([1.0, 0.0], [0.25, 0.25]), [2 * LN2, math.log(4 / 3)]),
        (lambda: ops.binary_crossentropy([1.0, 0.0], [0.0, 0.0], from_logits=True), [LN2, LN2]),
        (lambda: ops.take_label([[1.0, 2.0], [3.0, 4.0]], np.array([1, 0])), [2, 3]),
    ],
)
def test_value(found, expected):
    close(found().numpy(), expected)


def slopes(function, *values):
    tensors = [ops.convert_to_tensor(np.array(v, np.float64)) for v in values]
    with GradientTape() as tape:
        tape.watch(tensors)
        y = function(*tensors)
    return [g.numpy().tolist() for g in tape.gradient(y, tensors, unconnected_gradients="zero")]


@pytest.mark.parametrize(
    ("function", "values", "expected"),
    [
        # The slope at ties, as each op's docstring states it.
        (ops.relu, [[-1, 0, 2]], [[0, 0, 1]]),
        (ops.relu6, [[-1, 0, 3, 6, 7]], [[0, 0, 1, 1, 0]]),
        (ops.abs, [[-2, 0, 3]], [[-1, 0, 1]]),
        (ops.leaky_relu, [[-2, 0, 3]], [[0.2, 0.2, 1]]),
        (ops.elu, [[0, 1]], [[1, 1]]),
        (ops.maximum, [[1, 2, 3], [3, 2, 1]], [[0, 1, 1], [1, 0, 0]]),
        (ops.minimum, [[1, 2, 3], [3, 2, 1]], [[1, 1, 0], [0, 0, 1]]),
        (lambda x: ops.clip(x, -1, 1), [[-2, -1, 0, 1, 2]], [[0, 1, 1, 1, 0]]),
        (lambda x: ops.clip(0.5, x, 1), [0.5], [0.0]),
        (lambda x: ops.clip(0.5, x, 1), [0.7], [1.0]),
        (lambda x: ops.clip(0.5, 0, x), [0.3], [1.0]),
        (ops.max, [[1, 3, 3]], [[0, 0.5, 0.5]]),
        (ops.min, [[[1, 1], [1, 5]]], [[[1 / 3, 1 / 3], [1 / 3, 0]]]),
        (lambda x: ops.max(x, initial=5), [[1, 3]], [[0, 0]]),
        (lambda x: ops.max(x, initial=2), [[1, 3]], [[0, 1]]),
        (lambda x: x**2, [[0, 3]], [[0, 6]]),
        (lambda x: x**1, [[0, 3]], [[1, 1]]),
        (lambda x: x**0, [[0, 3]], [[0, 0]]),
        (ops.power, [[0, 0, 0, 2], [0, 1, 2, 3]], [[0, 1, 0, 12], [0, 0, 0, 8 * LN2]]),
        (lambda x: 2.0**x, [[0, 1]], [[LN2, 2 * LN2]]),
        (ops.divide_no_nan, [[1, 1], [0, 2]], [[0, 0.5], [0, -0.25]]),
        (lambda x: ops.where([True, False], x, 0), [[1, 1]], [[1, 0]]),
        # Infinity times 0 is NaN; no slope may come to that.
        (ops.relu, [[-math.inf, math.inf]], [[0, 1]]),
        (ops.sigmoid, [[-math.inf, math.inf]], [[0, 0]]),
        (ops.tanh, [[-math.inf, math.inf]], [[0, 0]]),
        (ops.softplus, [[-math.inf, math.inf]], [[0, 1]]),
        (ops.elu, [[-math.inf, math.inf]], [[0, 1]]),
        (ops.leaky_relu, [[-math.inf, math.inf]], [[0.2, 1]]),
        (ops.abs, [[-math.inf, math.inf]], [[-1, 1]]),
        (ops.exp, [[-math.inf]], [[0]]),
        (ops.erf, [[-math.inf, math.inf]], [[0, 0]]),
        # Cross-entropy with softmax: p - one_hot(y).
        (
            lambda z: ops.sparse_categorical_crossentropy([1], z, from_logits=True),
            [[[0, math.log(3)]]],
            [[[0.25, -0.25]]],
        ),
        (
            lambda z: ops.binary_crossentropy([1.0], z, from_logits=True),
            [[math.log(3)]],
            [[-0.25]],
        ),
        # Beyond the clip of a probability nothing passes.
        (lambda p: ops.binary_crossentropy([1.0, 0.0], p), [[0, 0.5]], [[0, 2]]),
    ],
)
def test_slope_at_ties_and_ends(function, values, expected):
    for found, one in zip(slopes(function, *values), expected, strict=True):
        close(found, one)


def test_a_label_out_of_range_is_an_error():
    with pytest.raises(IndexError) as caught:
        ops.sparse_categorical_crossentropy([0, 5], [[0.5, 0.5], [0.5, 0.5]])
    assert str(caught.value) == (
        "sparse_cross_entropy: index 5 is out of bounds for axis 1 with size 2.\n"
        "  target (2,) int32\n"
        "  output (2, 2) float32"
    )


def test_erf_is_exact_to_the_last_digits():
    x = np.linspace(-6, 6, 241)
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(ops.erf(x).numpy(), expected, rtol=0, atol=5e-16)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: ops.matmul(np.ones((2, 3)), np.ones((2, 3))),
            "matmul: the rows of x1 have 3 elements, the columns of x2 2.\n"
            "  x1 (2, 3) float64\n"
            "  x2 (2, 3) float64",
        ),
        (
            lambda: ops.affine(np.ones((2, 3)), np.ones((4, 5)), np.ones(6)),
            "affine: x has 3 features, kernel expects 4; bias has shape (6,), kernel gives 5 "
            "features.\n"
            "  x      (2, 3) float64\n"
            "  kernel (4, 5) float64\n"
            "  bias   (6,) float64",
        ),
        (
            lambda: ops.add(np.ones((2, 3)), np.ones((2, 4))),
            "add: the sizes 3 and 4 of axis -1 do not broadcast.\n"
            "  x1 (2, 3) float64\n"
            "  x2 (2, 4) float64",
        ),
        (
            lambda: ops.reshape(np.ones((2, 3)), (4, -1)),
            "reshape: 6 elements do not fit into (4, -1).\n  x (2, 3) float64",
        ),
        (
            lambda: ops.reshape(np.ones((2, 3)), (5,)),
            "reshape: 6 elements do not fit into (5,), which has 5.\n  x (2, 3) float64",
        ),
        (
            lambda: ops.sum(np.ones((2, 3)), axis=2),
            "sum: axis 2 does not exist in 2 dimensions.\n  x (2, 3) float64",
        ),
        (
            lambda: ops.transpose(np.ones((2, 3)), (0, 0)),
            "transpose: axes (0, 0) are no order of the 2 axes.\n  x (2, 3) float64",
        ),
        (
            lambda: ops.squeeze(np.ones((2, 3)), 1),
            "squeeze: axis 1 has size 3, and only size 1 can be dropped.\n  x (2, 3) float64",
        ),
        (
            lambda: ops.concatenate([np.ones((2, 3)), np.ones((2, 4))]),
            "concatenate: the shapes differ elsewhere than on axis 0.\n"
            "  xs (2, 3) float64\n"
            "  xs (2, 4) float64",
        ),
        (
            lambda: ops.sparse_categorical_crossentropy([0], np.ones((2, 3))),
            "sparse_cross_entropy: the labels need one whole number for each row of the "
            "predictions.\n"
            "  target (1,) int32\n"
            "  output (2, 3) float64",
        ),
        (
            lambda: ops.categorical_crossentropy(np.ones((2, 3)), np.ones((2, 4))),
            "cross_entropy: target and output need the same shape.\n"
            "  target (2, 3) float64\n"
            "  output (2, 4) float64",
        ),
        (
            lambda: ops.einsum("ij,jk->ik", np.ones((2, 3)), np.ones((4, 5))),
            "einsum: index 'j' has the sizes 3 and 4.\n"
            "  operands (2, 3) float64\n"
            "  operands (4, 5) float64",
        ),
        (
            lambda: ops.broadcast_to(np.ones(3), (2, 4)),
            "broadcast_to: the sizes 3 and 4 of axis -1 do not broadcast.\n  x (3,) float64",
        ),
        (
            lambda: ops.take(np.ones(3), [3]),
            "take: index 3 is out of bounds for axis 0 with size 3.\n"
            "  x       (3,) float64\n"
            "  indices (1,) int32",
        ),
        (
            lambda: ops.sign(np.array([True])),
            "sign: ufunc 'sign' did not contain a loop with signature matching types "
            "<class 'numpy.dtypes.BoolDType'> -> None.\n  x (1,) bool",
        ),
    ],
)
def test_errors_say_what_disagrees(call, text):
    with pytest.raises((ValueError, IndexError, TypeError)) as caught:
        call()
    assert str(caught.value) == text


def test_wrong_arguments_get_pythons_words():
    with pytest.raises(TypeError, match=r"^missing a required argument: 'x2'$"):
        ops.add(1.0)
    with pytest.raises(TypeError, match=r"^too many positional arguments$"):
        ops.exp(1.0, 2.0, 3.0)
    with pytest.raises(TypeError, match=r"^got an unexpected keyword argument 'axes'$"):
        ops.sum([1.0], axes=0)


def test_an_attribute_is_no_tensor():
    with pytest.raises(TypeError) as caught:
        ops.elu([1.0], alpha=ops.convert_to_tensor(0.5))
    assert str(caught.value) == (
        "elu: alpha is part of the computation itself, so it is a Python value, not a tensor. "
        "Got <Tensor shape=() dtype=float32 0.5>."
    )


def test_every_public_op_has_a_docstring():
    assert [name for name, op in OPS.items() if name[0] != "_" and not op.__doc__] == []
