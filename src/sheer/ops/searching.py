"""Ops that find a place among sorted values."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheer.core.errors import ShapeError
from sheer.core.shapes import Shape
from sheer.ops.arithmetic import cast
from sheer.ops.declare import Array, Sample, op, operand

__all__ = ["digitize", "searchsorted"]


def _among(values: Shape, sorted_sequence: Shape, **_: Any) -> Shape:
    if len(sorted_sequence) != 1:
        raise ShapeError("the sorted values need one axis")
    return values


SORTED = np.array([-1.0, 0.0, 0.0, 1.5])


@op(
    shape=_among,
    dtype="int64",
    promote="common",
    sample=[
        Sample(lambda rng: [rng.normal(size=(3, 4)), SORTED], {}, False),
        Sample(
            lambda rng: [np.array([-1.0, 0.0, 1.5, 2.0, -2.0]), SORTED], {"side": "right"}, False
        ),
    ],
    text=lambda call: (
        "np.digitize({values}, {sorted_sequence})"
        if call.attrs["side"] == "right"
        else "np.searchsorted({sorted_sequence}, {values})"
    ),
)
def _places(xp: Any, values: Array, sorted_sequence: Array, side: str = "left") -> Array:
    """How many of the sorted values are smaller; with `side="right"`, smaller or equal."""
    return xp.searchsorted(sorted_sequence, values, side=side)


def searchsorted(sorted_sequence: Array, values: Array, side: str = "left") -> Array:
    """The places at which values would have to be put in for the sequence to stay sorted: before
    those that are equal, or with `side="right"` behind them. NaN goes to the end.

    sorted_sequence: (m,), ascending. values: any shape. The result is int32, 0 to m.

    >>> from sheer import ops
    >>> ops.searchsorted([1, 3, 5], [3, 4, 9]).numpy()
    array([1, 2, 3], dtype=int32)
    """
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side must be 'left' or 'right'. Got {side!r}.")
    return cast(_places(values, sorted_sequence, side=side), "int32")


def digitize(x: Array, bins: Array) -> Array:
    """The number of the bin that each value falls into: i where bins[i - 1] <= x < bins[i].

    x: any shape. bins: (m,), ascending. The result is int32, 0 to m.

    >>> from sheer import ops
    >>> ops.digitize([-1.5, 1.0, 3.4], [0.0, 1.0, 2.0]).numpy()
    array([0, 2, 3], dtype=int32)
    """
    return searchsorted(bins, operand(x), side="right")
