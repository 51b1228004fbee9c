"""Ops of neural networks: activations and cross-entropies.

The slope of a coarse op is written with ops, so second derivatives work too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sheer.core import config
from sheer.core.dtypes import INTEGERS
from sheer.core.errors import ShapeError
from sheer.core.shapes import Shape, normalize_axis
from sheer.ops.arithmetic import as_float, cast, clip, exp, keep_where, log, minimum, square, where
from sheer.ops.declare import Array, Sample, op, operand
from sheer.ops.picking import one_hot
from sheer.ops.reduction import sum
from sheer.ops.rules import normal, same, together, unsmooth
from sheer.ops.shaping import expand_dims, moveaxis
from sheer.ops.symbol import named

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "elu",
    "erf",
    "gelu",
    "hard_sigmoid",
    "hard_silu",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "sigmoid_cross_entropy",
    "silu",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "softsign",
    "sparse_categorical_crossentropy",
    "sparse_softmax_cross_entropy",
    "sparsemax",
    "take_label",
    "tanh",
]

GRID = [normal((3, 4)), unsmooth((5,))]


@op(shape=same, promote="number", sample=GRID, text="np.maximum({x}, 0)", label="h")
def relu(xp: Any, x: Array) -> Array:
    """max(x, 0). The slope is 1 above 0, and 0 at 0 and below.

    >>> from sheer import ops
    >>> ops.relu([-1.0, 0.0, 2.0]).numpy()
    array([0., 0., 2.], dtype=float32)
    """
    return xp.maximum(x, 0)


relu.slope(x=lambda g, y, x: keep_where(g, x > 0))


def relu6(x: Array) -> Array:
    """min(max(x, 0), 6)."""
    return minimum(relu(x), 6)


@op(shape=same, promote="float", sample=normal((3, 4)), text="1 / (1 + np.exp(-{x}))", label="h")
def sigmoid(xp: Any, x: Array) -> Array:
    """1 / (1 + exp(-x)). The slope is y (1 - y).

    >>> from sheer import ops
    >>> ops.sigmoid([0.0]).numpy()
    array([0.5], dtype=float32)
    """
    return 1 / (1 + xp.exp(-x))


sigmoid.slope(x=lambda g, y, x: g * (y * (1 - y)))


@op(shape=same, promote="float", sample=normal((3, 4)), text="np.tanh", label="h")
def tanh(xp: Any, x: Array) -> Array:
    """The hyperbolic tangent. The slope is 1 - y²."""
    return xp.tanh(x)


tanh.slope(x=lambda g, y, x: g * (1 - square(y)))


@op(shape=same, promote="float", sample=normal((3, 4)), text="np.logaddexp({x}, 0)", label="h")
def softplus(xp: Any, x: Array) -> Array:
    """log(1 + exp(x)), without overflow. The slope is sigmoid(x)."""
    return xp.logaddexp(x, 0)


softplus.slope(x=lambda g, y, x: g * sigmoid(x))


@op(shape=same, promote="float", sample=normal((3, 4)), label="h")
def softsign(xp: Any, x: Array) -> Array:
    """x / (1 + |x|)."""
    return x / (1 + xp.abs(x))


softsign.slope(x=lambda g, y, x: g * square(1 - abs(y)))


@op(
    shape=same,
    promote="float",
    sample=[*GRID, normal((3, 4), alpha=0.3)],
    label="h",
)
def elu(xp: Any, x: Array, alpha: float = 1.0) -> Array:
    """x above 0, alpha (exp(x) - 1) from 0 down (Clevert et al. 2015)."""
    return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0)))


elu.slope(x=lambda g, y, x, alpha: g * where(x > 0, 1, alpha * exp(minimum(x, 0))))


SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


def selu(x: Array) -> Array:
    """elu scaled so that a deep network keeps mean 0 and variance 1 (Klambauer et al. 2017)."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


@op(
    shape=same,
    promote="float",
    sample=[*GRID, normal((3, 4), negative_slope=0.01)],
    label="h",
)
def leaky_relu(xp: Any, x: Array, negative_slope: float = 0.2) -> Array:
    """x above 0, negative_slope * x below. The slope at 0 is negative_slope."""
    return xp.where(x > 0, x, negative_slope * x)


leaky_relu.slope(
    x=lambda g, y, x, negative_slope: g * cast(where(x > 0, 1.0, negative_slope), x.dtype)
)


def silu(x: Array) -> Array:
    """x · sigmoid(x), also called swish."""
    x = operand(x)
    return x * sigmoid(x)


# erfc(x) = t exp(P(2t - 1) - x²) with t = 1 / (1 + |x| / 2): P in Chebyshev polynomials, fitted
# with 40 digits at 40 nodes; the error is below 3e-16 of 1.
_ERF = [
    -0.6513268598908547, 0.6419697923564902, 0.019476473204185836, -0.009561514786808632,
    -0.0009465953444820369, 0.0003668394978527615, 4.2523324806907735e-05, -2.0278578112534225e-05,
    -1.6242900046470256e-06, 1.3036558355805035e-06, 1.562644172210459e-08, -8.523809591498237e-08,
    6.5290544391699055e-09, 5.059343495467914e-09, -9.913641564001885e-10, -2.2736512239175005e-10,
    9.646791112065579e-11, 2.394037984466508e-12, -6.886027433640673e-12, 8.944878437360049e-13,
    3.130922110123022e-13, -1.1270827946560616e-13, 3.8112900555057657e-16, 7.106077983671012e-15,
    -1.5230281753678243e-15, -9.455536759156854e-17, 1.2098528962763587e-16, -2.811082789730045e-17,
]  # fmt: skip


def error_function(xp: Any, x: Any) -> Any:
    """2 / sqrt(pi) times the integral of exp(-t²) from 0 to x."""
    t = 1 / (1 + xp.abs(x) / 2)
    u = 2 * t - 1
    # Clenshaw's sum of the Chebyshev series.
    p, before = xp.zeros_like(x), xp.zeros_like(x)
    for c in _ERF[:0:-1]:
        p, before = 2 * u * p - before + c, p
    tail = t * xp.exp(u * p - before + _ERF[0] - x * x)
    return xp.sign(x) * (1 - tail)


@op(shape=same, promote="float", sample=normal((3, 4)))
def erf(xp: Any, x: Array) -> Array:
    """The error function. Its slope is 2 exp(-x²) / sqrt(pi)."""
    return error_function(xp, x)


erf.slope(x=lambda g, y, x: g * (2 / math.sqrt(math.pi)) * exp(-square(x)))


@op(
    shape=same,
    promote="float",
    sample=[normal((3, 4)), normal((3, 4), approximate=False)],
    label="h",
)
def gelu(xp: Any, x: Array, approximate: bool = True) -> Array:
    """x times the normal distribution's probability of being below x (Hendrycks, Gimpel 2016).

    By default with tanh in place of the error function, as in Keras.
    """
    if approximate:
        return 0.5 * x * (1 + xp.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1 + error_function(xp, x / 1.4142135623730951))


def _gelu_slope(g: Any, y: Any, x: Any, approximate: bool) -> Any:
    if approximate:
        scale = math.sqrt(2 / math.pi)
        t = tanh(scale * (x + 0.044715 * x * x * x))
        inner = scale * (1 + 3 * 0.044715 * x * x)
        return named("slope", 0.5 * (1 + t) + 0.5 * x * (1 - square(t)) * inner) * g
    below = 0.5 * (1 + erf(x / math.sqrt(2)))
    return named("slope", below + x * exp(-0.5 * square(x)) / math.sqrt(2 * math.pi)) * g


gelu.slope(x=_gelu_slope)


def log_sigmoid(x: Array) -> Array:
    """log(sigmoid(x)), without underflow."""
    return -softplus(-operand(x))


def hard_sigmoid(x: Array) -> Array:
    """min(max(x / 6 + 1/2, 0), 1)."""
    return relu6(operand(x) + 3) / 6


def hard_silu(x: Array) -> Array:
    """x · hard_sigmoid(x)."""
    x = operand(x)
    return x * hard_sigmoid(x)


ROWS = [normal((3, 4)), normal((2, 3, 4), axis=1)]


@op(shape=same, promote="float", sample=ROWS, label="p")
def softmax(xp: Any, x: Array, axis: int = -1) -> Array:
    """exp(x) divided by its sum along an axis: positive, and 1 together.

    >>> from sheer import ops
    >>> ops.softmax([0.0, 0.0]).numpy()
    array([0.5, 0.5], dtype=float32)
    """
    e = xp.exp(x - xp.max(x, axis, keepdims=True))
    return e / xp.sum(e, axis, keepdims=True)


softmax.slope(x=lambda g, y, x, axis: y * (g - sum(g * y, axis, keepdims=True)))


@op(shape=same, promote="float", sample=ROWS)
def log_softmax(xp: Any, x: Array, axis: int = -1) -> Array:
    """log(softmax(x)), without underflow."""
    shifted = x - xp.max(x, axis, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis, keepdims=True))


log_softmax.slope(x=lambda g, y, x, axis: g - exp(y) * sum(g, axis, keepdims=True))


@op(shape=same, promote="float", sample=ROWS, label="p")
def sparsemax(xp: Any, x: Array, axis: int = -1) -> Array:
    """The nearest point to x that is positive or 0, and 1 together (Martins and Astudillo 2016).

    Softmax with exact zeros. The slope is that of x - mean(x) among the elements above 0. (Keras
    3.15 gives less where several elements are above 0: its threshold adds up running sums of them,
    and its rows are no longer 1 together.)

    >>> from sheer import ops
    >>> ops.sparsemax([1.0, 0.5, -1.0]).numpy()
    array([0.75, 0.25, 0.  ], dtype=float32)
    """
    # The largest k belong to it, whose k-th is above (their sum - 1) / k.
    z = -xp.sort(-x, axis)
    k = xp.cumsum(xp.ones_like(z), axis)
    belongs = 1 + k * z > xp.cumsum(z, axis)
    excess = xp.sum(xp.where(belongs, z, 0), axis, keepdims=True) - 1
    return xp.maximum(x - excess / xp.sum(belongs, axis, keepdims=True).astype(x.dtype), 0)


def _sparsemax_slope(g: Any, y: Any, x: Any, axis: int) -> Any:
    belongs = cast(y > 0, x.dtype)
    mean = sum(g * belongs, axis, keepdims=True) / sum(belongs, axis, keepdims=True)
    return belongs * (g - mean)


sparsemax.slope(x=_sparsemax_slope)


# --- cross-entropies, one number per row ------------------------------------------------------


def _label_shape(target: Shape, x: Shape, **_: Any) -> Shape:
    if target != x[:-1]:
        raise ShapeError("the labels need one whole number for each row of the predictions")
    return target


def _row_shape(target: Shape, x: Shape, **_: Any) -> Shape:
    if target != x:
        raise ShapeError("target and output need the same shape")
    return x[:-1]


def _labelled(rng: np.random.Generator) -> list[Any]:
    return [rng.integers(0, 4, 5), rng.normal(size=(5, 4))]


@op(
    shape=lambda x, labels: _label_shape(labels, x),
    strict=True,
    sample=Sample(lambda rng: _labelled(rng)[::-1]),
)
def take_label(xp: Any, log_p: Array, labels: Array) -> Array:
    """Of each row, the element at its label."""
    return xp.take_along_axis(log_p, labels[..., None], -1)[..., 0]


take_label.slope(
    log_p=lambda g, y, log_p, labels: (
        one_hot(labels, log_p.shape[-1], dtype=log_p.dtype) * expand_dims(g, -1)
    )
)


@op(
    shape=_label_shape,
    strict=True,
    dtype=lambda target, logits, **_: logits,
    sample=Sample(_labelled),
    text="-take_label(log_softmax({logits}), {target})",
    label="losses",
)
def sparse_softmax_cross_entropy(xp: Any, target: Array, logits: Array) -> Array:
    """-log softmax(logits)[target]: softmax and cross-entropy together.

    The slope is (softmax(logits) - one_hot(target)), times g.
    """
    shifted = logits - xp.max(logits, -1, keepdims=True)
    log_p = shifted - xp.log(xp.sum(xp.exp(shifted), -1, keepdims=True))
    return -xp.take_along_axis(log_p, target[..., None], -1)[..., 0]


sparse_softmax_cross_entropy.slope(
    logits=lambda g, y, target, logits: (
        (softmax(logits) - one_hot(target, logits.shape[-1], dtype=logits.dtype))
        * expand_dims(g, -1)
    )
)


@op(
    shape=_row_shape,
    strict=True,
    promote="float",
    sample=Sample(lambda rng: [rng.dirichlet(np.ones(4), 5), rng.normal(size=(5, 4))]),
    text="-np.sum({target} * log_softmax({logits}), axis=-1)",
    label="losses",
)
def softmax_cross_entropy(xp: Any, target: Array, logits: Array) -> Array:
    """-sum(target · log softmax(logits)) of each row: softmax and cross-entropy together."""
    shifted = logits - xp.max(logits, -1, keepdims=True)
    log_p = shifted - xp.log(xp.sum(xp.exp(shifted), -1, keepdims=True))
    return -xp.sum(target * log_p, -1)


softmax_cross_entropy.slope(
    target=lambda g, y, target, logits: -log_softmax(logits) * expand_dims(g, -1),
    # sum(target) is 1 for probabilities, but nothing holds a user to that
    logits=lambda g, y, target, logits: (
        (softmax(logits) * sum(target, -1, keepdims=True) - target) * expand_dims(g, -1)
    ),
)


@op(
    shape=together,
    promote="float",
    sample=Sample(lambda rng: [rng.uniform(size=(3, 4)), rng.normal(size=(3, 4))]),
    text="np.logaddexp({logits}, 0) - {target} * {logits}",
    label="losses",
)
def sigmoid_cross_entropy(xp: Any, target: Array, logits: Array) -> Array:
    """-(t log p + (1 - t) log(1 - p)) with p = sigmoid(logits): log(1 + exp(x)) - t x.

    The slope is (sigmoid(logits) - target), times g.
    """
    return xp.logaddexp(logits, 0) - target * logits


sigmoid_cross_entropy.slope(
    target=lambda g, y, target, logits: -g * logits,
    logits=lambda g, y, target, logits: g * (sigmoid(logits) - target),
)


def _near(output: Array, epsilon: float) -> Array:
    """Probabilities kept away from 0 and 1, as Keras does before it takes their logarithm."""
    return clip(output, epsilon, 1 - epsilon)


# Cross-entropies of probabilities are ops of their own, so that `trace.rewrites` can see a
# softmax or sigmoid in front of them.
@op(
    shape=_label_shape,
    strict=True,
    dtype=lambda target, output, **_: output,
    sample=Sample(lambda rng: [rng.integers(0, 4, 5), rng.uniform(0.1, 0.9, (5, 4))]),
    label="losses",
)
def sparse_cross_entropy(xp: Any, target: Array, output: Array, epsilon: float = 1e-7) -> Array:
    """-log(output[target]), each row of the output first made to sum to 1."""
    p = output / xp.sum(output, -1, keepdims=True)
    log_p = xp.log(xp.clip(p, epsilon, 1 - epsilon))
    return -xp.take_along_axis(log_p, target[..., None], -1)[..., 0]


sparse_cross_entropy.slope(
    output=lambda g, y, target, output, epsilon: (
        -_log_slope(
            one_hot(target, output.shape[-1], dtype=output.dtype) * expand_dims(g, -1),
            output,
            epsilon,
        )
    )
)


def _log_slope(g: Any, output: Any, epsilon: float) -> Any:
    """g passed back through log(clip(output / sum(output)))."""
    total = sum(output, -1, keepdims=True)
    p = output / total
    inside = (p >= epsilon) & (p <= 1 - epsilon)
    d_p = keep_where(g / clip(p, epsilon, 1 - epsilon), inside)
    return (d_p - sum(d_p * p, -1, keepdims=True)) / total


@op(
    shape=_row_shape,
    strict=True,
    promote="float",
    sample=Sample(lambda rng: [rng.dirichlet(np.ones(4), 5), rng.uniform(0.1, 0.9, (5, 4))]),
    label="losses",
)
def cross_entropy(xp: Any, target: Array, output: Array, epsilon: float = 1e-7) -> Array:
    """-sum(target · log(output)) of each row, the output first made to sum to 1."""
    p = output / xp.sum(output, -1, keepdims=True)
    return -xp.sum(target * xp.log(xp.clip(p, epsilon, 1 - epsilon)), -1)


cross_entropy.slope(
    target=lambda g, y, target, output, epsilon: (
        -expand_dims(g, -1)
        * log(clip(output / sum(output, -1, keepdims=True), epsilon, 1 - epsilon))
    ),
    output=lambda g, y, target, output, epsilon: (
        -_log_slope(target * expand_dims(g, -1), output, epsilon)
    ),
)


@op(
    shape=together,
    promote="float",
    sample=Sample(lambda rng: [rng.uniform(size=(3, 4)), rng.uniform(0.1, 0.9, (3, 4))]),
    label="losses",
)
def probability_cross_entropy(
    xp: Any, target: Array, output: Array, epsilon: float = 1e-7
) -> Array:
    """-(t log p + (1 - t) log(1 - p)), element by element."""
    p = xp.clip(output, epsilon, 1 - epsilon)
    return -(target * xp.log(p) + (1 - target) * xp.log(1 - p))


def _probability_slope(g: Any, y: Any, target: Any, output: Any, epsilon: float) -> Any:
    p = _near(output, epsilon)
    inside = (output >= epsilon) & (output <= 1 - epsilon)
    return keep_where(g * (p - target) / (p * (1 - p)), inside)


probability_cross_entropy.slope(
    target=lambda g, y, target, output, epsilon: (
        g * (log(1 - _near(output, epsilon)) - log(_near(output, epsilon)))
    ),
    output=_probability_slope,
)


def labels(target: Array, output: Array) -> Array:
    """Class indices for rows of outputs: whole numbers, without a last axis of 1."""
    target, output = operand(target), operand(output)
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = named("labels", target[..., 0])
    return target if target.dtype in INTEGERS else cast(target, "int64")


def sparse_categorical_crossentropy(
    target: Array, output: Array, from_logits: bool = False, axis: int = -1
) -> Array:
    """-log of the probability that the output gives to the target class.

    target: whole numbers, one for each row of output: (n,), or (n, 1). output: (n, classes),
    probabilities, or logits with `from_logits`. The result is (n,).

    >>> from sheer import ops
    >>> ops.sparse_categorical_crossentropy([1], [[0.5, 0.5]]).numpy()
    array([0.6931472], dtype=float32)
    """
    output = as_float(output)
    if normalize_axis(axis, output.ndim) != output.ndim - 1:
        output = moveaxis(output, axis, -1)
    target = labels(target, output)
    if from_logits:
        return sparse_softmax_cross_entropy(target, output)
    return sparse_cross_entropy(target, output, config.epsilon())


def categorical_crossentropy(
    target: Array, output: Array, from_logits: bool = False, axis: int = -1
) -> Array:
    """-sum(target · log(output)) of each row; target and output are (n, classes), the result (n,).

    >>> from sheer import ops
    >>> ops.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy()
    array([0.6931472], dtype=float32)
    """
    target, output = operand(target), as_float(output)
    if normalize_axis(axis, output.ndim) != output.ndim - 1:
        target, output = moveaxis(target, axis, -1), moveaxis(output, axis, -1)
    if from_logits:
        return softmax_cross_entropy(target, output)
    return cross_entropy(target, output, config.epsilon())


def binary_crossentropy(target: Array, output: Array, from_logits: bool = False) -> Array:
    """-(t log p + (1 - t) log(1 - p)), element by element.

    >>> from sheer import ops
    >>> ops.binary_crossentropy([1.0], [0.5]).numpy()
    array([0.6931472], dtype=float32)
    """
    if from_logits:
        return sigmoid_cross_entropy(target, output)
    return probability_cross_entropy(target, output, config.epsilon())
