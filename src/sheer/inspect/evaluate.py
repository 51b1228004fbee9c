"""A recipe's value, by NumPy, on the arrays of a step. Nothing of a program's text runs."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from sheer.inspect.recipes import ELEMENTWISE, OVER_AXES, Recipe
from sheer.program.helpers import op_called

Array = np.ndarray[Any, Any]

MOST_ELEMENTS = 1 << 28
SIGNS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": np.true_divide,
    "//": np.floor_divide,
    "%": np.mod,
    "**": np.power,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "negative": operator.neg,
    "len": len,
    "@": np.matmul,
    "T": np.transpose,
}
FUNCTIONS = {name for names in ELEMENTWISE.values() for name in names.split()}
FUNCTIONS |= {*OVER_AXES, "flip", "cumsum", "expand_dims", "squeeze", "transpose", "take"}
FUNCTIONS |= {"take_along_axis", "broadcast_to"}


def evaluate(recipe: Recipe, value_of: Callable[[str], Any]) -> Any:
    """The value of a recipe.

    Args:
        recipe: see `recipes`.
        value_of: the array of a name.

    Raises:
        ValueError: the recipe does not fit the arrays, or is none.

    >>> evaluate({"op": "+", "of": [{"name": "x"}, {"number": 1}]}, {"x": np.arange(3)}.get)
    array([1, 2, 3])
    """
    try:
        with np.errstate(all="ignore"):
            return _value(recipe, value_of)
    except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError) as error:
        raise ValueError(f"{error!r} in the recipe {str(recipe)[:80]}") from error


def function(name: str) -> Callable[..., Any]:
    """NumPy's function; the mean of nothing is NaN without a warning."""
    found: Callable[..., Any] = getattr(np, name)
    if name != "mean":
        return found

    def mean(x: Any, **attributes: Any) -> Any:
        return found(x, **attributes) if np.size(x) else np.sum(x, **attributes) * math.nan

    return mean


def number(value: Any) -> float:
    """A number of a recipe, which JSON cannot always hold.

    >>> number("-inf"), number(2)
    (-inf, 2)
    """
    return float(value) if isinstance(value, str) else value


def _value(recipe: Recipe, value_of: Callable[[str], Any]) -> Any:
    if "name" in recipe:
        return value_of(recipe["name"])
    if "number" in recipe:
        return number(recipe["number"])
    name, attributes = recipe["op"], recipe.get("attributes", {})
    if name == "output":
        return _value(recipe["of"][0], value_of)[attributes["number"]]
    of = [_value(operand, value_of) for operand in recipe["of"]]
    attributes = {k: _attribute(v, value_of) for k, v in attributes.items()}
    if name in SIGNS:
        return SIGNS[name](*_floats(name, of))
    if name in FORMS:
        return FORMS[name](*of, **attributes)
    if name in FUNCTIONS:
        _check_size(attributes.get("shape", ()))
        return function(name)(*of, **attributes)
    return _of_op(name, of, attributes)


def _floats(name: str, of: list[Any]) -> list[Any]:
    """The operands; whole numbers of Python's that would grow without end as floats."""
    if name == "**" and all(isinstance(x, (int, float)) for x in of):
        return [np.float64(x) for x in of]
    return of


def _of_op(name: str, of: list[Any], attributes: dict[str, Any]) -> Any:
    op = op_called(name)
    if op is None:
        raise ValueError(f"{name!r} is no op")
    sizes = attributes.get("shape", ()), *(s.shape for s in of if hasattr(s, "shape"))
    for shape in sizes:
        _check_size(shape, attributes.get("num_classes", 1))
    return op.body(np, *of, **attributes)


def _check_size(shape: Any, times: int = 1) -> None:
    """No array is made so large that it could not have been recorded."""
    if math.prod(shape) * times > MOST_ELEMENTS:
        raise ValueError(f"an array of shape {tuple(shape)} is too large")


def _attribute(value: Any, value_of: Callable[[str], Any]) -> Any:
    """An attribute: sizes may be recipes, and lists stand for tuples."""
    if isinstance(value, list):
        return tuple(_attribute(v, value_of) for v in value)
    if isinstance(value, dict) and not {"start", "stop", "step"} >= value.keys():
        return _value(value, value_of)
    return value


def key_of(key: Any) -> tuple[Any, ...]:
    """The key of a slice, as NumPy has it.

    >>> key_of([{"start": None, "stop": 2, "step": None}, "...", None, 3])
    (slice(None, 2, None), Ellipsis, None, 3)
    """
    return tuple(
        slice(k["start"], k["stop"], k["step"])
        if isinstance(k, dict)
        else Ellipsis
        if k == "..."
        else k
        for k in key
    )


def _joined(name: str) -> Callable[..., Any]:
    return lambda *of, axis=0: getattr(np, name)(of, axis=axis)


FORMS: dict[str, Callable[..., Any]] = {
    "cast": lambda x, dtype: np.asarray(x).astype(dtype),
    "reshape": lambda x, *sizes: x.reshape(sizes),
    "slice": lambda x, key: x[key_of(key)],
    "array": lambda values, dtype: np.array(values, dtype=dtype),
    "concatenate": _joined("concatenate"),
    "stack": _joined("stack"),
    "einsum": lambda *of, subscripts: np.einsum(subscripts, *of, optimize=True),
}
