"""Ops that pick values out: indices, slices, labels; and their slopes, which put them back."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from contextlib import suppress
from operator import index
from typing import Any

import numpy as np

from sheer.core import config
from sheer.core.errors import ShapeError, TraceError, user_line
from sheer.core.shapes import (
    Dim,
    Shape,
    broadcast,
    normalize_axis,
    show,
)
from sheer.ops.declare import Array, Sample, op, operand
from sheer.ops.operand import OPERATORS, Operand
from sheer.ops.rules import integers, normal
from sheer.ops.shaping import broadcast_to, expand_dims, moveaxis, ravel, reshape

__all__ = ["getitem", "one_hot", "repeat", "slice", "take", "take_along_axis"]


def _indexed(x: Shape, key: Any) -> Shape:
    """The shape that a key picks, found by NumPy itself on two stand-ins for n."""

    def at(n: int, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(at(n, v) for v in value)
        if isinstance(value, builtins.slice):
            return builtins.slice(*(at(n, v) for v in _ends(value)))
        return value.factor * n + value.offset if isinstance(value, Dim) else value

    def picked(n: int) -> tuple[int, ...]:
        shape: tuple[int, ...] = np.broadcast_to(np.int8(0), at(n, x))[at(n, key)].shape
        return shape

    small, large = picked(10_000), picked(10_001)
    steps = [b - a for a, b in zip(small, large, strict=True)]
    first = [a - 10_000 * step for a, step in zip(small, steps, strict=True)]
    for n in range(1, 4):
        with suppress(IndexError, ValueError):  # too few rows for the key: so says NumPy then
            if picked(n) != tuple(max(0, a + n * s) for a, s in zip(first, steps, strict=True)):
                raise TraceError(
                    f"How many rows this index picks depends on n, at {user_line()}\n"
                    f"  shape {show(x)}\n  index {_key_text(key)}\n"
                    "A program serves every batch size, and this index fits only some.\n"
                    "Pick by ops.where. Or run without tracing:\n"
                    "compile(..., run_eagerly=True), or no sheer.function."
                )
    return tuple(Dim(step, a) if step else a for step, a in zip(steps, first, strict=True))


def _key_text(key: Any) -> str:
    """An index as Python writes it: `:, 1:3`."""
    if isinstance(key, tuple):
        return ", ".join(map(_key_text, key)) + ("," if len(key) == 1 else "")
    if isinstance(key, builtins.slice):
        parts = ["" if p is None else str(p) for p in _ends(key)]
        return ":".join(parts[:2] if not parts[2] else parts)
    return "..." if key is Ellipsis else repr(key)


SLICES = normal((4, 3), key=(builtins.slice(1, None), None, 0))


@op(shape=_indexed, sample=SLICES, text="{x}[{key}]")
def _getitem(xp: Any, x: Array, key: Any) -> Array:
    return x[key]


@op(
    shape=lambda g, shape, key: tuple(shape),
    sample=normal((3, 1), shape=(4, 3), key=(builtins.slice(1, None), None, 0)),
    text="placed({g}, {shape}, np.s_[{key}])",
)
def placed(xp: Any, g: Array, shape: Any, key: Any) -> Array:
    """Zeros, and g at the place of a key: the slope of indexing."""
    result = xp.zeros(shape, g.dtype)
    result[key] = g
    return result


_getitem.slope(x=lambda g, y, x, key: placed(g, x.shape, key))
placed.slope(g=lambda g, y, source, shape, key: _getitem(g, key))


MASK = "Indexing with a mask gives a shape that depends on values. Use ops.where."


def getitem(x: Array, key: Any) -> Array:
    """`x[key]`: whole numbers, slices, None, `...`; or an array of indices of the first axis."""
    if isinstance(key, (Operand, np.ndarray, list)):
        indices = operand(key)
        if indices.dtype == "bool":
            raise TypeError(MASK)
        return take(x, indices, axis=0)
    parts = key if isinstance(key, tuple) else (key,)
    if any(isinstance(p, (Operand, np.ndarray, list)) for p in parts):
        raise TypeError(f"Index one axis at a time, with ops.take(x, indices, axis). Got {key!r}.")
    return _getitem(x, tuple(map(_plain_key, parts)) if isinstance(key, tuple) else _plain_key(key))


def _plain_key(part: Any) -> Any:
    """A part of a key in Python's own numbers; a symbol is refused."""
    if isinstance(part, (bool, np.bool_)):
        raise TypeError(MASK)
    if isinstance(part, builtins.slice):
        return builtins.slice(*map(_plain_key, _ends(part)))
    return part if part is None or part is Ellipsis or isinstance(part, Dim) else index(part)


def _ends(part: builtins.slice) -> tuple[Any, Any, Any]:
    return part.start, part.stop, part.step


OPERATORS["getitem"] = getitem


def slice(inputs: Array, start_indices: Sequence[int], shape: Sequence[int]) -> Array:
    """A block of `shape` that begins at `start_indices`."""
    key = tuple(builtins.slice(a, a + n) for a, n in zip(start_indices, shape, strict=True))
    return getitem(inputs, key)


def _taken(x: Shape, indices: Shape, axis: int | None = None) -> Shape:
    if axis is None:
        return indices
    axis = normalize_axis(axis, len(x))
    return x[:axis] + indices + x[axis + 1 :]


@op(
    shape=_taken,
    sample=[
        Sample(lambda rng: [rng.normal(size=(4, 3)), np.array([2, 0, 2])], {"axis": 0}),
        Sample(lambda rng: [rng.normal(size=(4, 3)), np.array([[2, 0], [1, 1]])], {"axis": 1}),
        Sample(lambda rng: [rng.normal(size=(4, 3)), np.array([11, 0])]),
    ],
    text="np.take",
)
def take(xp: Any, x: Array, indices: Array, axis: int | None = None) -> Array:
    """The elements at these indices of an axis, or of the raveled array.

    >>> from sheer import ops
    >>> ops.take([[1.0, 2.0], [3.0, 4.0]], [1, 1, 0], axis=0).numpy()
    array([[3., 4.],
           [3., 4.],
           [1., 2.]], dtype=float32)
    """
    return xp.take(x, indices, axis)


@op(
    shape=lambda g, indices, shape, axis: tuple(shape),
    sample=Sample(
        lambda rng: [rng.normal(size=(3, 3)), np.array([2, 0, 2])], {"shape": (4, 3), "axis": 0}
    ),
    text="scatter_add",
)
def scatter_add(xp: Any, g: Array, indices: Array, shape: Any, axis: int | None) -> Array:
    """Zeros, and each part of g added at its index: the slope of `take`."""
    result = xp.zeros(shape, g.dtype)
    if axis is None:
        xp.add.at(result.reshape(-1), indices, g)
    else:
        xp.add.at(result, (xp.s_[:],) * (axis % result.ndim) + (indices,), g)
    return result


take.slope(x=lambda g, y, x, indices, axis: scatter_add(g, indices, x.shape, axis))
scatter_add.slope(g=lambda g, y, source, indices, shape, axis: take(g, indices, axis))


def _taken_along(x: Shape, indices: Shape, axis: int | None = None) -> Shape:
    if axis is None:
        return indices
    axis = normalize_axis(axis, len(x))
    if len(indices) != len(x):
        raise ShapeError("x and indices need as many axes")
    return broadcast((*x[:axis], 1, *x[axis + 1 :]), indices)


@op(
    shape=_taken_along,
    sample=Sample(lambda rng: [rng.normal(size=(4, 3)), rng.integers(0, 3, (4, 2))], {"axis": 1}),
    text="np.take_along_axis({x}, {indices}, {axis})",
)
def take_along_axis(xp: Any, x: Array, indices: Array, axis: int | None = None) -> Array:
    """For each place of `indices`, the element of x at that index of the axis."""
    return xp.take_along_axis(x, indices, axis)


@op(
    shape=lambda g, indices, shape, axis: tuple(shape),
    sample=Sample(
        lambda rng: [rng.normal(size=(4, 2)), rng.integers(0, 3, (4, 2))],
        {"shape": (4, 3), "axis": 1},
    ),
    text="scatter_add_along_axis",
)
def scatter_add_along_axis(
    xp: Any, g: Array, indices: Array, shape: Any, axis: int | None
) -> Array:
    """Zeros, and each element of g added at its index: the slope of `take_along_axis`."""
    result = xp.zeros(shape, g.dtype)
    if axis is None:
        xp.add.at(result.reshape(-1), indices, g)
    else:
        # An axis of size 1 was broadcast: all of it is added at 0.
        rows = xp.indices(g.shape, sparse=True)
        places = [xp.minimum(i, n - 1) for i, n in zip(rows, shape, strict=True)]
        places[axis] = indices
        xp.add.at(result, tuple(places), g)
    return result


take_along_axis.slope(
    x=lambda g, y, x, indices, axis: scatter_add_along_axis(g, indices, x.shape, axis)
)
scatter_add_along_axis.slope(
    g=lambda g, y, source, indices, shape, axis: take_along_axis(g, indices, axis)
)


def repeat(x: Array, repeats: Any, axis: int | None = None) -> Array:
    """Each element several times in a row, along an axis, or of the raveled array. `repeats` is a
    number, or one for each element.

    >>> from sheer import ops
    >>> ops.repeat([1, 2], 2).numpy()
    array([1, 1, 2, 2], dtype=int32)
    """
    x = ravel(x) if axis is None else operand(x)
    axis = normalize_axis(axis or 0, len(x.shape))
    if not isinstance(repeats, (int, np.integer)):
        counts = np.asarray(repeats)
        return take(x, np.repeat(np.arange(len(counts)), counts), axis)
    wide = expand_dims(x, axis + 1)
    wide = broadcast_to(wide, (*wide.shape[: axis + 1], repeats, *wide.shape[axis + 2 :]))
    return reshape(wide, (*x.shape[:axis], x.shape[axis] * repeats, *x.shape[axis + 1 :]))


def one_hot(
    x: Array, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Array:
    """1 at the place of each label, 0 elsewhere; a label out of range gives zeros.

    x: whole numbers, any shape; the result has a new axis of `num_classes`.

    >>> from sheer import ops
    >>> ops.one_hot([2, 0], 3).numpy()
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    if sparse:
        raise NotImplementedError("one_hot: sheer has no sparse tensors; leave sparse=False.")
    rows = _one_hot(x, num_classes, dtype or config.floatx())
    return rows if axis == -1 else moveaxis(rows, -1, axis)


@op(
    shape=lambda x, num_classes, **_: (*x, num_classes),
    dtype=lambda *_, num_classes, dtype: dtype,
    sample=integers((4,), num_classes=3),
    text=lambda call: (
        "one_hot({x}, {num_classes})"
        if call.attrs["dtype"] == "float32"
        else "one_hot({x}, {num_classes}, {dtype})"
    ),
    inline=True,
)
def _one_hot(xp: Any, x: Array, num_classes: int, dtype: str = "float32") -> Array:
    """1 at the place of each label, 0 elsewhere."""
    return (xp.asarray(x)[..., None] == xp.arange(num_classes)).astype(dtype)
