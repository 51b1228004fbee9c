"""Ops that bring values to mean 0 and variance 1, or to length 1."""

from __future__ import annotations

from typing import Any

from sheer.core import config
from sheer.core.errors import ShapeError
from sheer.core.shapes import Shape, normalize_axes, normalize_axis
from sheer.ops.arithmetic import (
    abs,
    as_float,
    divide,
    keep_where,
    maximum,
    power,
    sqrt,
    square,
)
from sheer.ops.declare import Array, is_number, op, operand
from sheer.ops.reduction import count, mean, sum, var
from sheer.ops.rules import normal, reduced, same
from sheer.ops.shaping import expand_dims, reshape
from sheer.ops.symbol import named

__all__ = [
    "batch_normalization",
    "layer_normalization",
    "moments",
    "normalize",
    "rms_normalization",
]


def _standardized_shape(x: Shape, axis: Any, epsilon: float, keepdims: bool) -> list[Shape]:
    axes = sorted(normalize_axes(axis, len(x)))
    if not keepdims and axes != list(range(len(axes))):
        raise ShapeError(f"without axes {axis} the mean does not broadcast to x; keep them")
    return [x, *[reduced(x, axis, keepdims)] * 2]


@op(
    shape=_standardized_shape,
    promote="float",
    sample=[
        normal((4, 3), axis=0, epsilon=0.1, keepdims=False),
        normal((4, 3), axis=-1, epsilon=0.1),
        normal((2, 3, 4), axis=(0, 2), epsilon=0.1),
    ],
)
def _standardize(xp: Any, x: Array, axis: Any, epsilon: float, keepdims: bool = True) -> Array:
    """x at mean 0 and variance 1 along axes, but for epsilon; its mean and its variance there.

    The slope of the first is (g - mean(g) - x̂ · mean(g · x̂)) / sqrt(variance + epsilon)
    (Ioffe, Szegedy 2015).
    """
    mean = xp.mean(x, axis, keepdims=keepdims)
    variance = xp.mean(xp.square(x - mean), axis, keepdims=keepdims)
    return (x - mean) / xp.sqrt(variance + epsilon), mean, variance


def _standardize_slope(g: Any, y: Any, x: Any, axis: Any, epsilon: float, keepdims: bool) -> Any:
    (g_hat, g_mean, g_variance), (x_hat, _, variance) = g, y
    deviation = sqrt(variance + epsilon)
    slopes = []
    if not is_number(g_hat):
        # What is left of g when nothing may change the mean and the variance.
        along = x_hat * mean(g_hat * x_hat, axis, keepdims)
        projected = named("projected", g_hat - mean(g_hat, axis, keepdims) - along)
        slopes.append(projected / deviation)
    if not is_number(g_mean):
        slopes.append(g_mean / count(x, axis))
    if not is_number(g_variance):
        slopes.append(x_hat * deviation * (2 * g_variance / count(x, axis)))
    total = slopes[0]
    for slope in slopes[1:]:
        total = total + slope
    return total


_standardize.slope(x=_standardize_slope)


def standardize(x: Array, axis: Any, epsilon: float, keepdims: bool = True) -> Any:
    """x at mean 0 and variance 1 along axes, its mean, its variance; named so in programs."""
    values = _standardize(x, axis, epsilon, keepdims)
    return tuple(map(named, ("x_hat", "mean", "variance"), values))


@op(
    shape=same,
    sample=normal((3,), (3,), momentum=0.9),
    text="{average} * {momentum} + {value} * (1 - {momentum})",
    inline=True,
)
def moving_average(xp: Any, average: Array, value: Array, momentum: float = 0.99) -> Array:
    """An average that forgets: momentum · average + (1 - momentum) · value."""
    return average * momentum + value * (1 - momentum)


moving_average.slope(
    average=lambda g, y, average, value, momentum: g * momentum,
    value=lambda g, y, average, value, momentum: g * (1 - momentum),
)


def moments(x: Array, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    """The mean and the variance along axes.

    >>> from sheer import ops
    >>> [float(v) for v in ops.moments([1.0, 3.0], axes=0)]
    [2.0, 1.0]
    """
    if synchronized:
        raise NotImplementedError("moments: sheer has no replicas; leave synchronized=False.")
    x = as_float(x)
    return mean(x, axes, keepdims), var(x, axes, keepdims)


def scaled(x: Array, gamma: Any, beta: Any, axis: Any) -> Array:
    """x · gamma + beta, where these have the axes `axis` of x; None is left out."""
    x = operand(x)
    axes = sorted(normalize_axes(axis, x.ndim))
    is_last = axes == list(range(x.ndim - len(axes), x.ndim))
    shape = tuple(size if i in axes else 1 for i, size in enumerate(x.shape))
    gamma, beta = (v if v is None or is_last else reshape(operand(v), shape) for v in (gamma, beta))
    x = x if gamma is None else x * gamma
    return x if beta is None else x + beta


def batch_normalization(
    x: Array,
    mean: Array,
    variance: Array,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Array:
    """(x - mean) / sqrt(variance + epsilon) · scale + offset; all four are (features,), one for
    each place on the axis.

    >>> from sheer import ops
    >>> ops.batch_normalization([[1.0, 4.0]], [0.0, 2.0], [1.0, 4.0], axis=-1, epsilon=0).numpy()
    array([[1., 1.]], dtype=float32)
    """
    x = as_float(x)
    rank = x.ndim
    axis = normalize_axis(axis, rank)
    if axis < rank - 1:
        shape = tuple(size if i == axis else 1 for i, size in enumerate(x.shape))
        mean, variance = reshape(mean, shape), reshape(variance, shape)
    deviation = named("deviation", sqrt(operand(variance) + epsilon))
    x_hat = named("x_hat", (x - mean) / deviation)
    return scaled(x_hat, scale, offset, axis)


def layer_normalization(
    x: Array, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float | None = None
) -> Array:
    """x at mean 0 and variance 1 along the axes, in each example; then x · gamma + beta.

    >>> from sheer import ops
    >>> ops.layer_normalization([[1.0, 3.0]], epsilon=0).numpy()
    array([[-1.,  1.]], dtype=float32)
    """
    epsilon = config.epsilon() if epsilon is None else epsilon
    return scaled(standardize(x, axis, epsilon)[0], gamma, beta, axis)


def _root_mean_square(x: Any, axis: Any, epsilon: float) -> Any:
    return named("rms", sqrt(mean(square(x), axis, keepdims=True) + epsilon))


@op(
    shape=same,
    promote="float",
    sample=[normal((4, 3), axis=-1, epsilon=0.1), normal((2, 3, 4), axis=(1, 2), epsilon=0.1)],
)
def _rms_normalize(xp: Any, x: Array, axis: Any, epsilon: float) -> Array:
    """x divided by its root mean square along axes (Zhang, Sennrich 2019).

    The slope is (g - y · mean(g · y)) / rms.
    """
    return x / xp.sqrt(xp.mean(xp.square(x), axis, keepdims=True) + epsilon)


_rms_normalize.slope(
    x=lambda g, y, x, axis, epsilon: (
        (g - y * mean(g * y, axis, keepdims=True)) / _root_mean_square(x, axis, epsilon)
    )
)


def rms_normalization(
    x: Array, scale: Any = None, axis: Any = -1, epsilon: float | None = None
) -> Array:
    """x divided by its root mean square along the axes, times scale.

    >>> from sheer import ops
    >>> ops.rms_normalization([[3.0, 3.0]], epsilon=0).numpy()
    array([[1., 1.]], dtype=float32)
    """
    epsilon = config.epsilon() if epsilon is None else epsilon
    return scaled(named("x_hat", _rms_normalize(x, axis, epsilon)), scale, None, axis)


@op(
    shape=same,
    promote="float",
    sample=[normal((4, 3), axis=-1), normal((2, 3, 4), axis=(1, 2))],
)
def _unit(xp: Any, x: Array, axis: Any, epsilon: float = 1e-12) -> Array:
    """x divided by its length along axes, or by epsilon where that is longer.

    The slope is (g - y · sum(g · y)) / length.
    """
    length = xp.sqrt(xp.sum(xp.square(x), axis, keepdims=True))
    return x / xp.maximum(length, epsilon)


def _unit_slope(g: Any, y: Any, x: Any, axis: Any, epsilon: float) -> Any:
    length = named("length", sqrt(sum(square(x), axis, keepdims=True)))
    along = named("along", keep_where(sum(g * y, axis, keepdims=True), length > epsilon))
    return (g - y * along) / maximum(length, epsilon)


_unit.slope(x=_unit_slope)


def normalize(x: Array, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Array:
    """x divided by its norm along the axes, (sum |x|^order)^(1/order), or by epsilon where that is
    larger.

    >>> from sheer import ops
    >>> ops.normalize([[3.0, 4.0]]).numpy()
    array([[0.6, 0.8]], dtype=float32)
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"normalize: order must be a whole number of 1 or more. Got {order!r}.")
    x = as_float(x)
    x = x if x.ndim else expand_dims(x, 0)
    epsilon = config.epsilon() if epsilon is None else epsilon
    if order == 2:
        return _unit(x, axis, epsilon)
    norm = sum(power(abs(x), order), axis, keepdims=True)
    return divide(x, maximum(norm if order == 1 else power(norm, 1 / order), epsilon))
