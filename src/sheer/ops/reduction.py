"""Ops that make few values of many: sums, means, extremes, and running sums."""

from __future__ import annotations

from typing import Any

from sheer.core.dtypes import is_float
from sheer.core.shapes import normalize_axes, show, size_of
from sheer.ops.arithmetic import cast, equal, exp, maximum, sqrt, square, stop_gradient
from sheer.ops.declare import Array, op, operand
from sheer.ops.picking import take_along_axis
from sheer.ops.rules import normal, positive, reduced, same, unsmooth, with_dtype_if
from sheer.ops.shaping import broadcast_to, expand_dims, flip, ravel

__all__ = [
    "all",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "cumsum",
    "in_top_k",
    "logsumexp",
    "max",
    "mean",
    "min",
    "norm",
    "prod",
    "std",
    "sum",
    "var",
]

OVER = [
    normal((3, 4)),
    normal((3, 4), axis=0),
    normal((3, 4), axis=-1, keepdims=True),
    normal((2, 3, 4), axis=(0, 2)),
]
WHOLE = unsmooth((3, 4), axis=0)


def spread(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """The gradient of a reduction given back to each element that was reduced."""
    axes = normalize_axes(axis, x.ndim)
    if not keepdims and len(axes) < x.ndim:
        for a in sorted(axes):
            g = expand_dims(g, a)
    return g if g.shape == x.shape else broadcast_to(g, x.shape)


def count(x: Any, axis: Any = None) -> Any:
    """How many elements are reduced to one; it may depend on `n`."""
    return size_of(x.shape[a] for a in normalize_axes(axis, x.ndim))


def _sum_dtype(dtype: str, **_: Any) -> str:
    if dtype == "bool" or dtype in ("int8", "int16"):
        return "int32"
    return "uint32" if dtype in ("uint8", "uint16") else dtype


_whole_text = with_dtype_if("np.sum", lambda dtype: not is_float(dtype))


@op(
    shape=reduced,
    dtype=_sum_dtype,
    sample=[*OVER, WHOLE],
    text=_whole_text,
    label="total",
    inline=True,
)
def sum(xp: Any, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """The sum along an axis, several axes, or over all.

    >>> from sheer import ops
    >>> ops.sum([[1.0, 2.0], [3.0, 4.0]], axis=0).numpy()
    array([4., 6.], dtype=float32)
    """
    return xp.sum(x, axis, keepdims=keepdims)


sum.slope(x=lambda g, y, x, axis, keepdims: spread(g, x, axis, keepdims))


@op(shape=reduced, promote="float", sample=[*OVER, WHOLE], text="np.mean", inline=True)
def mean(xp: Any, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """The mean along an axis, several axes, or over all; of integers, a float."""
    return xp.mean(x, axis, keepdims=keepdims)


mean.slope(x=lambda g, y, x, axis, keepdims: spread(g / count(x, axis), x, axis, keepdims))


@op(
    shape=reduced,
    dtype=_sum_dtype,
    sample=[positive((3, 4)), positive((3, 4), axis=0), WHOLE],
    text=with_dtype_if("np.prod", lambda dtype: not is_float(dtype)),
)
def _prod(xp: Any, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    return xp.prod(x, axis, keepdims=keepdims)


_prod.slope(x=lambda g, y, x, axis, keepdims: spread(g * y, x, axis, keepdims) / x)


def prod(x: Array, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Array:
    """The product along an axis, several axes, or over all. The slope at an element that is 0 is
    NaN.

    >>> from sheer import ops
    >>> ops.prod([2, 3, 4]).numpy()
    array(24, dtype=int32)
    """
    return _prod(x if dtype is None else cast(x, dtype), axis, keepdims)


def _extreme_slope(g: Any, y: Any, x: Any, axis: Any, keepdims: bool, initial: Any) -> Any:
    winners = cast(equal(x, stop_gradient(spread(y, x, axis, keepdims))), x.dtype)
    ties = sum(winners, axis, keepdims=True)
    # With an initial value it may be that no element wins.
    ties = ties if initial is None else maximum(ties, 1)
    return spread(g, x, axis, keepdims) * winners / ties


@op(shape=reduced, sample=[*OVER, WHOLE], text="np.max", label="largest")
def max(
    xp: Any, x: Array, axis: Any = None, keepdims: bool = False, initial: float | None = None
) -> Array:
    """The largest along an axis, several axes, or of all; `initial` at least. Ties share the slope
    equally."""
    return xp.max(x, axis, keepdims=keepdims, initial=initial)


@op(shape=reduced, sample=[*OVER, WHOLE], text="np.min", label="smallest")
def min(
    xp: Any, x: Array, axis: Any = None, keepdims: bool = False, initial: float | None = None
) -> Array:
    """The smallest along an axis, several axes, or of all; `initial` at most. Ties share the slope
    equally."""
    return xp.min(x, axis, keepdims=keepdims, initial=initial)


max.slope(x=_extreme_slope)
min.slope(x=_extreme_slope)


@op(shape=reduced, dtype="int32", sample=[*OVER[:3], WHOLE], text="np.argmax", inline=True)
def argmax(xp: Any, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """The index of the largest element, the first one at ties; int32."""
    return xp.argmax(x, axis, keepdims=keepdims)


@op(shape=reduced, dtype="int32", sample=[*OVER[:3], WHOLE], text="np.argmin", inline=True)
def argmin(xp: Any, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """The index of the smallest element, the first one at ties; int32."""
    return xp.argmin(x, axis, keepdims=keepdims)


@op(
    shape=lambda x, axis: (size_of(x),) if axis is None else x,
    dtype="int32",
    sample=[normal((3, 4)), normal((3, 4), axis=None), WHOLE],
    text="np.argsort({x}, axis={axis}, kind='stable')",
)
def argsort(xp: Any, x: Array, axis: int | None = -1) -> Array:
    """The indices that put the elements in order, along an axis or of the raveled array; equal ones
    keep their order."""
    return xp.argsort(x, axis, kind="stable")


@op(shape=reduced, dtype="bool", sample=[WHOLE], text="np.any")
def any(xp: Any, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """Whether one element is true (not 0)."""
    return xp.any(x, axis, keepdims=keepdims)


@op(shape=reduced, dtype="bool", sample=[WHOLE], text="np.all")
def all(xp: Any, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """Whether all elements are true (not 0)."""
    return xp.all(x, axis, keepdims=keepdims)


def var(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """The mean squared distance from the mean."""
    x = operand(x)
    return mean(square(x - mean(x, axis, keepdims=True)), axis, keepdims)


def std(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """The square root of the variance."""
    return sqrt(var(x, axis, keepdims))


@op(shape=reduced, promote="float", sample=OVER)
def logsumexp(xp: Any, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """log(sum(exp(x))), without overflow. The slope is exp(x - y): softmax."""
    top = xp.max(x, axis, keepdims=True)
    top = xp.where(xp.isfinite(top), top, 0)
    total = xp.log(xp.sum(xp.exp(x - top), axis, keepdims=True)) + top
    return total if keepdims else xp.squeeze(total, axis)


logsumexp.slope(
    x=lambda g, y, x, axis, keepdims: (
        spread(g, x, axis, keepdims) * exp(x - spread(y, x, axis, keepdims))
    )
)


def cumsum(x: Array, axis: int | None = None, dtype: Any = None) -> Array:
    """Running sums along an axis, or of the raveled array.

    >>> from sheer import ops
    >>> ops.cumsum([1.0, 2.0, 3.0]).numpy()
    array([1., 3., 6.], dtype=float32)
    """
    x = operand(x)
    x = ravel(x) if axis is None else x
    dtype = dtype or ("int32" if x.dtype == "bool" else x.dtype)
    return _cumsum(cast(x, dtype), 0 if axis is None else axis)


@op(shape=same, sample=[normal((3, 4), axis=0), normal((3, 4), axis=-1)], text="np.cumsum")
def _cumsum(xp: Any, x: Array, axis: int) -> Array:
    return xp.cumsum(x, axis, dtype=x.dtype)


_cumsum.slope(x=lambda g, y, x, axis: flip(_cumsum(flip(g, axis), axis), axis))


def norm(x: Array, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:
    """The Euclidean norm: the square root of the sum of squares, along axes or over all.

    >>> from sheer import ops
    >>> ops.norm([3.0, 4.0]).numpy()
    array(5., dtype=float32)
    """
    x = operand(x)
    # Of a matrix, ord=2 is the largest singular value, which is another figure.
    is_vector = isinstance(axis, int) or (axis is None and x.ndim == 1)
    if ord is not None and not (ord == 2 and is_vector):
        raise ValueError(
            "norm: sheer has the Euclidean norm (ord=None, or 2 of vectors). "
            f"Got ord={ord!r}, axis={axis!r} for the shape {show(x.shape)}."
        )
    return sqrt(sum(square(x), axis, keepdims))


def in_top_k(targets: Array, predictions: Array, k: int) -> Array:
    """Whether fewer than k predictions of the row are larger than that of the target class."""
    chosen = take_along_axis(predictions, expand_dims(targets, -1), -1)
    return sum(operand(predictions) > chosen, axis=-1) < k
