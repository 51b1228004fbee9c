"""The gradient checker: the tape against the slope that can be measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sheer.autodiff.tape import GradientTape
from sheer.core import tree
from sheer.ops.declare import operand
from sheer.ops.tensor import Tensor

# The cube root of float64's precision: where the errors of rounding and of curvature are alike.
STEP = 6e-6


def check_gradient(function: Callable[..., Any], *arrays: Any, tolerance: float = 1e-6) -> float:
    """Compare the gradients of a function with central differences, in float64.

    Args:
        function: takes the arrays as Tensors; answers a tensor of floats, or a structure of them.
            Sums of its results with fixed weights are compared, so that no errors cancel.
        arrays: floats, whose gradients are checked; whole numbers and booleans are passed on.
        tolerance: how far the two may be apart, relative to the slope where that is above 1.

    Returns the largest distance found. Raises AssertionError where it is above the tolerance, with
    the argument, the element and both slopes.

    Example:

    >>> from sheer import ops
    >>> from sheer.autodiff import check_gradient
    >>> check_gradient(ops.tanh, [0.5, -1.0]) < 1e-8
    True
    """
    given = [_float64(array) for array in arrays]

    def total(values: list[np.ndarray[Any, Any]]) -> float:
        results = tree.leaves(function(*map(Tensor, values)))
        return sum(float(np.sum(_weights(y) * y.numpy())) for y in results)

    tensors = [Tensor(array) for array in given]
    floats = [i for i, array in enumerate(given) if array.dtype == np.float64]
    with GradientTape() as tape:
        tape.watch([tensors[i] for i in floats])
        results = function(*tensors)
    slopes = tape.gradient(
        results,
        [tensors[i] for i in floats],
        output_gradients=[_weights(y) for y in tree.leaves(results)],
        unconnected_gradients="zero",
    )
    worst = 0.0
    for i, slope in zip(floats, slopes, strict=True):
        for index in np.ndindex(given[i].shape):
            measured = _difference(total, given, i, index)
            found = float(slope.numpy()[index])
            distance = abs(found - measured) / max(1.0, abs(measured))
            if not distance <= tolerance:
                raise AssertionError(
                    f"The gradient by argument {i}, element {index}, is not the slope there.\n"
                    f"  gradient {found:.9g}\n"
                    f"  slope    {measured:.9g}"
                )
            worst = max(worst, distance)
    return worst


def _float64(value: Any) -> np.ndarray[Any, Any]:
    """The value as an array, floats in float64."""
    array = value if isinstance(value, np.ndarray) else np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind == "f" else operand(array).numpy()


def _weights(y: Any) -> np.ndarray[Any, Any]:
    """Numbers between 1 and 2, no two alike, in the shape of y."""
    count = int(np.prod(y.shape))
    return (1 + (np.arange(count) * 0.6180339887498949) % 1).reshape(y.shape)


def _difference(
    total: Callable[[list[Any]], float], given: list[Any], argument: int, index: Any
) -> float:
    """The slope of the total by one element, from its values on both sides."""
    step = STEP * max(1.0, abs(given[argument][index]))
    sides = []
    for sign in (1, -1):
        moved = [array.copy() for array in given]
        moved[argument][index] += sign * step
        sides.append((total(moved), moved[argument][index]))
    (above, high), (below, low) = sides
    return float((above - below) / (high - low))
