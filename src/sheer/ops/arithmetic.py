"""Ops element by element: arithmetic, comparison, logic, choice, and the change of dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheer.core import config
from sheer.core.dtypes import is_float, standardize_dtype
from sheer.ops.declare import Array, Sample, op, operand
from sheer.ops.recording import Call
from sheer.ops.rules import normal, positive, same, together, unsmooth

__all__ = [
    "abs",
    "add",
    "cast",
    "ceil",
    "clip",
    "cos",
    "divide",
    "divide_no_nan",
    "equal",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logical_and",
    "logical_not",
    "logical_or",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "not_equal",
    "power",
    "reciprocal",
    "round",
    "rsqrt",
    "sign",
    "sin",
    "sqrt",
    "square",
    "stop_gradient",
    "subtract",
    "where",
]

PAIR = normal((3, 4), (4,))


def _cast_text(call: Call) -> str:
    dtype = "np.bool_" if call.attrs["dtype"] == "bool" else f"np.{call.attrs['dtype']}"
    source = call.inputs[0]
    return f"{dtype}({{x}})" if getattr(source, "number", False) else f"{{x}}.astype({dtype})"


@op(
    shape=same,
    dtype=lambda *_, dtype: standardize_dtype(dtype),
    sample=[normal((2, 3), dtype="float64"), unsmooth((4,), dtype="bool")],
    text=_cast_text,
    inline=True,
    operator="cast",
)
def cast(xp: Any, x: Array, dtype: Any) -> Array:
    """The same values in another dtype. The slope passes back, cast to the dtype it came from.

    >>> from sheer import ops
    >>> ops.cast([1.7, -1.7], "int32").numpy()
    array([ 1, -1], dtype=int32)
    """
    return xp.asarray(x).astype(dtype)


cast.slope(x=lambda g, y, x, dtype: cast(g, x.dtype))


def as_float(x: Any, dtype: str | None = None) -> Any:
    """x in this dtype; by default in its own, or in `config.floatx()` where that is no float."""
    x = operand(x)
    known = getattr(x, "dtype", "")
    wanted = dtype or (known if is_float(known) else config.floatx())
    return x if known == wanted else cast(x, wanted)


@op(shape=same, sample=unsmooth((3,)), text="{variable}", inline="always")
def stop_gradient(xp: Any, variable: Array) -> Array:
    """The value itself; gradients do not pass."""
    return variable


# --- comparison, logic, choice ----------------------------------------------------------------

TIES = unsmooth((3, 4), (4,))


@op(
    shape=together,
    dtype="bool",
    sample=TIES,
    text="{x1} == {x2}",
    inline=True,
    operator="equal",
)
def equal(xp: Any, x1: Array, x2: Array) -> Array:
    """Whether x1 is x2."""
    return xp.equal(x1, x2)


@op(
    shape=together,
    dtype="bool",
    sample=TIES,
    text="{x1} != {x2}",
    inline=True,
    operator="not_equal",
)
def not_equal(xp: Any, x1: Array, x2: Array) -> Array:
    """Whether x1 is not x2."""
    return xp.not_equal(x1, x2)


@op(
    shape=together,
    dtype="bool",
    sample=TIES,
    text="{x1} > {x2}",
    inline=True,
    operator="greater",
)
def greater(xp: Any, x1: Array, x2: Array) -> Array:
    """Whether x1 is larger than x2."""
    return xp.greater(x1, x2)


@op(
    shape=together,
    dtype="bool",
    sample=TIES,
    text="{x1} >= {x2}",
    inline=True,
    operator="greater_equal",
)
def greater_equal(xp: Any, x1: Array, x2: Array) -> Array:
    """Whether x1 is x2 or larger."""
    return xp.greater_equal(x1, x2)


@op(
    shape=together,
    dtype="bool",
    sample=TIES,
    text="{x1} < {x2}",
    inline=True,
    operator="less",
)
def less(xp: Any, x1: Array, x2: Array) -> Array:
    """Whether x1 is smaller than x2."""
    return xp.less(x1, x2)


@op(
    shape=together,
    dtype="bool",
    sample=TIES,
    text="{x1} <= {x2}",
    inline=True,
    operator="less_equal",
)
def less_equal(xp: Any, x1: Array, x2: Array) -> Array:
    """Whether x1 is x2 or smaller."""
    return xp.less_equal(x1, x2)


@op(shape=together, dtype="bool", sample=TIES, text="np.logical_and", inline=True,
    operator="logical_and")  # fmt: skip
def logical_and(xp: Any, x1: Array, x2: Array) -> Array:
    """Whether both are true (not 0)."""
    return xp.logical_and(x1, x2)


@op(shape=together, dtype="bool", sample=TIES, text="np.logical_or", inline=True,
    operator="logical_or")  # fmt: skip
def logical_or(xp: Any, x1: Array, x2: Array) -> Array:
    """Whether one is true (not 0)."""
    return xp.logical_or(x1, x2)


@op(shape=same, dtype="bool", sample=unsmooth((4,)), text="np.logical_not", inline=True,
    operator="logical_not")  # fmt: skip
def logical_not(xp: Any, x: Array) -> Array:
    """Whether it is false (0)."""
    return xp.logical_not(x)


@op(shape=same, dtype="bool", sample=unsmooth((4,)), text="np.isnan")
def isnan(xp: Any, x: Array) -> Array:
    """Whether it is not a number."""
    return xp.isnan(x)


@op(shape=same, dtype="bool", sample=unsmooth((4,)), text="np.isinf")
def isinf(xp: Any, x: Array) -> Array:
    """Whether it is infinite."""
    return xp.isinf(x)


@op(shape=same, dtype="bool", sample=unsmooth((4,)), text="np.isfinite")
def isfinite(xp: Any, x: Array) -> Array:
    """Whether it is a finite number."""
    return xp.isfinite(x)


@op(
    shape=together,
    sample=Sample(lambda rng: [rng.normal(size=(3, 4)), rng.normal(size=(3, 4)) > 0]),
    text="{x} * {condition}",
    inline=True,
)
def keep_where(xp: Any, x: Array, condition: Array) -> Array:
    """x where the condition (bool) holds, else 0: the slope of every choice."""
    return x * condition


keep_where.slope(x=lambda g, y, x, condition: keep_where(g, condition))


@op(
    shape=together,
    promote="choices",
    dtype=lambda condition, *choices: next(c for c in choices if c),
    sample=Sample(
        lambda rng: [rng.normal(size=(3, 4)) > 0, rng.normal(size=(3, 4)), rng.normal(size=4)]
    ),
    text="np.where",
    inline=True,
)
def where(xp: Any, condition: Array, x1: Array, x2: Array) -> Array:
    """x1 where the condition holds, else x2.

    >>> from sheer import ops
    >>> ops.where([True, False], 1.0, [5.0, 6.0]).numpy()
    array([1., 6.], dtype=float32)
    """
    return xp.where(condition, x1, x2)


where.slope(
    x1=lambda g, y, condition, x1, x2: keep_where(g, cast(condition, "bool")),
    x2=lambda g, y, condition, x1, x2: keep_where(g, logical_not(condition)),
)


# --- functions of one -------------------------------------------------------------------------


@op(shape=same, sample=normal((3,)), text="-{x}", inline=True, operator="negative")
def negative(xp: Any, x: Array) -> Array:
    """-x."""
    return xp.negative(x)


negative.slope(x=lambda g, y, x: negative(g))


@op(shape=same, sample=[normal((3, 2)), unsmooth((5,))], text="np.sign", inline=True)
def sign(xp: Any, x: Array) -> Array:
    """-1, 0 or 1. Its slope is 0."""
    return xp.sign(x)


@op(
    shape=same,
    sample=[normal((3, 2)), unsmooth((5,))],
    text="np.abs",
    inline=True,
    operator="abs",
)
def abs(xp: Any, x: Array) -> Array:
    """|x|. The slope at 0 is 0."""
    return xp.abs(x)


abs.slope(x=lambda g, y, x: g * sign(x))


@op(shape=same, promote="number", sample=normal((3, 2)), text="{x} ** 2", inline=True)
def square(xp: Any, x: Array) -> Array:
    """x²."""
    return xp.square(x)


square.slope(x=lambda g, y, x: 2 * x * g)


@op(shape=same, promote="float", sample=positive((3, 2)), text="np.sqrt", inline=True)
def sqrt(xp: Any, x: Array) -> Array:
    """The square root; NaN below 0. The slope is 1 / (2 sqrt(x))."""
    return xp.sqrt(x)


sqrt.slope(x=lambda g, y, x: g / (2 * y))


@op(shape=same, promote="float", sample=positive((3, 2)), text="1 / np.sqrt({x})", inline=True)
def rsqrt(xp: Any, x: Array) -> Array:
    """1 / sqrt(x)."""
    return 1 / xp.sqrt(x)


rsqrt.slope(x=lambda g, y, x: g * y / (-2 * x))


@op(shape=same, promote="float", sample=positive((3, 2)), text="1 / {x}", inline=True)
def reciprocal(xp: Any, x: Array) -> Array:
    """1 / x."""
    return 1 / x


reciprocal.slope(x=lambda g, y, x: -g * square(y))


@op(shape=same, promote="float", sample=normal((3, 2)), text="np.exp", inline=True)
def exp(xp: Any, x: Array) -> Array:
    """e to the power x. The slope is exp(x)."""
    return xp.exp(x)


exp.slope(x=lambda g, y, x: g * y)


@op(shape=same, promote="float", sample=normal((3, 2)), text="np.expm1", inline=True)
def expm1(xp: Any, x: Array) -> Array:
    """exp(x) - 1, exact near 0."""
    return xp.expm1(x)


expm1.slope(x=lambda g, y, x: g * (y + 1))


@op(shape=same, promote="float", sample=positive((3, 2)), text="np.log", inline=True)
def log(xp: Any, x: Array) -> Array:
    """The natural logarithm: -inf at 0, NaN below. The slope is 1 / x."""
    return xp.log(x)


log.slope(x=lambda g, y, x: g / x)


@op(shape=same, promote="float", sample=positive((3, 2)), text="np.log1p", inline=True)
def log1p(xp: Any, x: Array) -> Array:
    """log(1 + x), exact near 0."""
    return xp.log1p(x)


log1p.slope(x=lambda g, y, x: g / (1 + x))


@op(shape=same, promote="float", sample=positive((3, 2)), text="np.log2", inline=True)
def log2(xp: Any, x: Array) -> Array:
    """The logarithm to base 2."""
    return xp.log2(x)


log2.slope(x=lambda g, y, x: g / (x * float(np.log(2))))


@op(shape=same, promote="float", sample=positive((3, 2)), text="np.log10", inline=True)
def log10(xp: Any, x: Array) -> Array:
    """The logarithm to base 10."""
    return xp.log10(x)


log10.slope(x=lambda g, y, x: g / (x * float(np.log(10))))


@op(shape=same, promote="float", sample=normal((3, 2)), text="np.sin", inline=True)
def sin(xp: Any, x: Array) -> Array:
    """The sine of x, in radians."""
    return xp.sin(x)


@op(shape=same, promote="float", sample=normal((3, 2)), text="np.cos", inline=True)
def cos(xp: Any, x: Array) -> Array:
    """The cosine of x, in radians."""
    return xp.cos(x)


sin.slope(x=lambda g, y, x: g * cos(x))
cos.slope(x=lambda g, y, x: -g * sin(x))


@op(shape=same, sample=[normal((3, 2)), unsmooth((4,))], text="np.floor", promote="float")
def floor(xp: Any, x: Array) -> Array:
    """The largest whole number not above x. Its slope is 0."""
    return xp.floor(x)


@op(shape=same, sample=[normal((3, 2)), unsmooth((4,))], text="np.ceil", promote="float")
def ceil(xp: Any, x: Array) -> Array:
    """The smallest whole number not below x. Its slope is 0."""
    return xp.ceil(x)


@op(shape=same, promote="number", sample=normal((3, 2), decimals=1), text="np.round")
def round(xp: Any, x: Array, decimals: int = 0) -> Array:
    """The nearest number with so many decimals, halves to even. Its slope is 0."""
    return xp.round(x, decimals)


@op(
    shape=together,
    promote="common",
    sample=[
        Sample(lambda rng: [rng.normal(size=(3, 4)), -0.5, 0.7]),
        Sample(lambda rng: [np.array([-1.0, 0.0, 1.0]), -1.0, 0.0], {}, False),
    ],
    text="np.clip",
    inline=True,
)
def clip(xp: Any, x: Array, x_min: Array, x_max: Array) -> Array:
    """x, but not below x_min nor above x_max. The slope is 1 inside and at the ends, 0 outside.

    >>> from sheer import ops
    >>> ops.clip([-1.0, 0.5, 3.0], 0, 1).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    return xp.minimum(xp.maximum(x, x_min), x_max)


clip.slope(
    x=lambda g, y, x, x_min, x_max: keep_where(g, logical_and(x >= x_min, x <= x_max)),
    x_min=lambda g, y, x, x_min, x_max: keep_where(g, less(x, x_min)),
    x_max=lambda g, y, x, x_min, x_max: keep_where(g, greater(x, x_max)),
)


# --- arithmetic of two ------------------------------------------------------------------------


@op(shape=together, promote="common", sample=PAIR, text="{x1} + {x2}", inline=True, operator="add")
def add(xp: Any, x1: Array, x2: Array) -> Array:
    """x1 + x2, with broadcasting."""
    return xp.add(x1, x2)


add.slope(x1=lambda g, y, x1, x2: g, x2=lambda g, y, x1, x2: g)


@op(
    shape=together,
    promote="common",
    sample=PAIR,
    text="{x1} - {x2}",
    inline=True,
    operator="subtract",
)
def subtract(xp: Any, x1: Array, x2: Array) -> Array:
    """x1 - x2, with broadcasting."""
    return xp.subtract(x1, x2)


subtract.slope(x1=lambda g, y, x1, x2: g, x2=lambda g, y, x1, x2: negative(g))


@op(
    shape=together,
    promote="common",
    sample=PAIR,
    text="{x1} * {x2}",
    inline=True,
    operator="multiply",
)
def multiply(xp: Any, x1: Array, x2: Array) -> Array:
    """x1 * x2, with broadcasting."""
    return xp.multiply(x1, x2)


multiply.slope(x1=lambda g, y, x1, x2: g * x2, x2=lambda g, y, x1, x2: g * x1)


@op(
    shape=together,
    promote="float",
    sample=positive((3, 4), (4,)),
    text="{x1} / {x2}",
    inline=True,
    operator="divide",
)
def divide(xp: Any, x1: Array, x2: Array) -> Array:
    """x1 / x2, with broadcasting; integers are divided as floats."""
    return xp.divide(x1, x2)


divide.slope(x1=lambda g, y, x1, x2: g / x2, x2=lambda g, y, x1, x2: -g * y / x2)


@op(shape=together, promote="float", sample=positive((3, 4), (4,)), inline=True)
def divide_no_nan(xp: Any, x1: Array, x2: Array) -> Array:
    """x1 / x2, and 0 where x2 is 0."""
    is_zero = x2 == 0
    return xp.where(is_zero, 0, x1 / xp.where(is_zero, 1, x2))


divide_no_nan.slope(
    x1=lambda g, y, x1, x2: divide_no_nan(g, x2),
    x2=lambda g, y, x1, x2: divide_no_nan(-g * y, x2),
)


@op(
    shape=together,
    promote="number",
    sample=[positive((3, 4), (4,)), unsmooth((5,), (5,))],
    text="np.floor_divide",
    operator="floor_divide",
)
def floor_divide(xp: Any, x1: Array, x2: Array) -> Array:
    """The largest whole number not above x1 / x2. Its slope is 0."""
    return xp.floor_divide(x1, x2)


@op(
    shape=together,
    promote="number",
    sample=positive((3, 4), (4,)),
    text="np.mod",
    operator="mod",
)
def mod(xp: Any, x1: Array, x2: Array) -> Array:
    """x1 - x2 * floor(x1 / x2): it has the sign of x2."""
    return xp.mod(x1, x2)


mod.slope(x1=lambda g, y, x1, x2: g, x2=lambda g, y, x1, x2: -g * floor_divide(x1, x2))


@op(
    shape=together,
    promote="number",
    sample=positive((3, 4), (4,)),
    text="{x1} ** {x2}",
    inline=True,
    operator="power",
)
def power(xp: Any, x1: Array, x2: Array) -> Array:
    """x1 to the power x2. The slope by x2 is 0 where x1 is not positive; by x1, where x2 is 0."""
    return xp.power(x1, x2)


def _power_slope(g: Any, y: Any, x1: Any, x2: Any) -> Any:
    if not isinstance(x2, (int, float)):
        # 0 times 0 to the power -1 would be NaN.
        return g * x2 * power(x1, where(x2 == 0, 1, x2 - 1))
    return g * x2 * power(x1, x2 - 1) if x2 else g * 0


power.slope(
    x1=_power_slope,
    x2=lambda g, y, x1, x2: g * y * where(x1 > 0, log(where(x1 > 0, x1, 1)), 0),
)


@op(
    shape=together,
    promote="common",
    sample=[PAIR, unsmooth((3, 4), (4,))],
    text="np.maximum",
    inline=True,
)
def maximum(xp: Any, x1: Array, x2: Array) -> Array:
    """The larger of the two. At ties the slope goes to x1."""
    return xp.maximum(x1, x2)


maximum.slope(
    x1=lambda g, y, x1, x2: keep_where(g, greater_equal(x1, x2)),
    x2=lambda g, y, x1, x2: keep_where(g, less(x1, x2)),
)


@op(
    shape=together,
    promote="common",
    sample=[PAIR, unsmooth((3, 4), (4,))],
    text="np.minimum",
    inline=True,
)
def minimum(xp: Any, x1: Array, x2: Array) -> Array:
    """The smaller of the two. At ties the slope goes to x1."""
    return xp.minimum(x1, x2)


minimum.slope(
    x1=lambda g, y, x1, x2: keep_where(g, less_equal(x1, x2)),
    x2=lambda g, y, x1, x2: keep_where(g, greater(x1, x2)),
)
