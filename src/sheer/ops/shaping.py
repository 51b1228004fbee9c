"""Ops that arrange values anew without changing them."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from sheer.core import config
from sheer.core.errors import ShapeError
from sheer.core.shapes import (
    Dim,
    Shape,
    Size,
    broadcast,
    normalize_axes,
    normalize_axis,
    show,
    size_of,
)
from sheer.ops.arithmetic import cast
from sheer.ops.declare import Array, Sample, op, operand, shape_of
from sheer.ops.operand import OPERATORS
from sheer.ops.recording import Call
from sheer.ops.rules import normal, same
from sheer.ops.tensor import Tensor

__all__ = [
    "arange",
    "broadcast_to",
    "concatenate",
    "expand_dims",
    "eye",
    "flip",
    "full",
    "full_like",
    "moveaxis",
    "ones",
    "ones_like",
    "pad",
    "ravel",
    "reshape",
    "shape",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "tile",
    "transpose",
    "zeros",
    "zeros_like",
]


def shape(x: Array) -> Any:
    """The shape of x as a tuple; the batch size of a symbol is `n`, which ops accept."""
    return shape_of(operand(x))


# --- shape ------------------------------------------------------------------------------------


def _reshape_shape(x: Shape, newshape: Any) -> Shape:
    new = (newshape,) if isinstance(newshape, (int, Dim)) else tuple(newshape)
    total = size_of(x)
    if -1 in new:
        rest = size_of(s for s in new if s != -1)
        divides = isinstance(rest, Dim) and total == rest
        if isinstance(rest, int) and rest:
            if isinstance(total, Dim):
                divides = total.factor % rest == 0 and total.offset % rest == 0
            else:
                divides = total % rest == 0
        if not divides:
            raise ShapeError(f"{total} elements do not fit into {show(new)}")
        missing: Size = total // rest
        new = tuple(missing if s == -1 else s for s in new)
    if size_of(new) != total:
        raise ShapeError(f"{total} elements do not fit into {show(new)}, which has {size_of(new)}")
    return new


@op(
    shape=_reshape_shape,
    sample=[normal((3, 4), newshape=(2, 6)), normal((3, 4), newshape=(-1,))],
    text="{x}.reshape({newshape})",
    inline=True,
)
def reshape(xp: Any, x: Array, newshape: Any) -> Array:
    """The same elements in another shape; one size may be -1: what is left.

    >>> from sheer import ops
    >>> ops.reshape([1.0, 2.0, 3.0, 4.0], (2, -1)).shape
    (2, 2)
    """
    return xp.reshape(x, newshape)


reshape.slope(x=lambda g, y, x, newshape: reshape(g, x.shape))


def _transpose_shape(x: Shape, axes: Any = None) -> Shape:
    order = range(len(x))[::-1] if axes is None else axes
    if sorted(normalize_axis(a, len(x)) for a in order) != list(range(len(x))):
        raise ShapeError(f"axes {axes} are no order of the {len(x)} axes")
    return tuple(x[a] for a in order)


def _transpose_back(g: Any, y: Any, x: Any, axes: Any) -> Any:
    if axes is None:
        return transpose(g)
    return transpose(g, np.argsort([a % x.ndim for a in axes]))


@op(
    shape=_transpose_shape,
    sample=[normal((3, 4)), normal((2, 3, 4), axes=(1, 2, 0)), normal((2, 3, 4), axes=(-1, 0, 1))],
    text=lambda call: "{x}.T" if call.attrs["axes"] is None else "np.transpose({x}, {axes})",
    inline="always",
    operator="transpose",
)
def transpose(xp: Any, x: Array, axes: Any = None) -> Array:
    """The axes in another order, by default in reverse."""
    return xp.transpose(x, axes)


transpose.slope(x=_transpose_back)


def swapaxes(x: Array, axis1: int, axis2: int) -> Array:
    """Two axes exchanged."""
    x = operand(x)
    order = list(range(len(x.shape)))
    a, b = normalize_axis(axis1, len(order)), normalize_axis(axis2, len(order))
    order[a], order[b] = order[b], order[a]
    return transpose(x) if order == [1, 0] else transpose(x, tuple(order))


def moveaxis(x: Array, source: Any, destination: Any) -> Array:
    """Some axes moved to other places, the rest in order."""
    x = operand(x)
    rank = len(x.shape)
    sources = normalize_axes(source, rank)
    places = dict(zip(normalize_axes(destination, rank), sources, strict=True))
    others = iter([a for a in range(rank) if a not in sources])
    return transpose(x, tuple(places[i] if i in places else next(others) for i in range(rank)))


def _expanded(x: Shape, axis: Any) -> Shape:
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    rank = len(x) + len(axes)
    places = {normalize_axis(a, rank) for a in axes}
    sizes = iter(x)
    return tuple(1 if i in places else next(sizes) for i in range(rank))


def _expand_text(call: Call) -> str:
    rank, axis = len(call.inputs[0].shape), call.attrs["axis"]
    if axis in (-1, rank):
        return "{x}[:, None]" if rank == 1 else "{x}[..., None]"
    return "{x}[None]" if axis == 0 else "np.expand_dims({x}, {axis})"


@op(
    shape=_expanded,
    sample=[normal((3,), axis=-1), normal((3, 2), axis=0), normal((3, 2), axis=1)],
    text=_expand_text,
    inline="always",
)
def expand_dims(xp: Any, x: Array, axis: Any) -> Array:
    """A new axis of size 1 at that place of the result."""
    return xp.expand_dims(x, axis)


expand_dims.slope(x=lambda g, y, x, axis: reshape(g, x.shape))


def _squeezed(x: Shape, axis: Any = None) -> Shape:
    axes = [i for i, s in enumerate(x) if s == 1] if axis is None else normalize_axes(axis, len(x))
    wrong = [x[a] for a in axes if x[a] != 1]
    if wrong:
        raise ShapeError(f"axis {axis} has size {wrong[0]}, and only size 1 can be dropped")
    return tuple(size for i, size in enumerate(x) if i not in axes)


def _squeeze_text(call: Call) -> str:
    shape, axis = call.inputs[0].shape, call.attrs["axis"]
    if axis is None:
        # By name: an axis of n elements stays, also where n is 1.
        axis = tuple(i for i, size in enumerate(shape) if size == 1)
    if len(shape) == 2 and axis in (-1, 1, (-1,), (1,)):
        return "{x}[:, 0]"
    return f"np.squeeze({{x}}, axis={axis})"


@op(
    shape=_squeezed,
    sample=[normal((3, 1), axis=-1), normal((1, 3, 1)), normal((2, 1)), normal((1, 3), axis=0)],
    text=_squeeze_text,
    inline=True,
)
def squeeze(xp: Any, x: Array, axis: Any = None) -> Array:
    """Without the axes of size 1, or without those named."""
    return xp.squeeze(x, axis)


squeeze.slope(x=lambda g, y, x, axis: reshape(g, x.shape))


def ravel(x: Array) -> Array:
    """All elements in one row."""
    return reshape(x, (-1,))


def _broadcast_shape(x: Shape, shape: Any) -> Shape:
    if broadcast(x, tuple(shape)) != tuple(shape):
        raise ShapeError(f"x does not broadcast to {show(shape)}")
    return tuple(shape)


@op(
    shape=_broadcast_shape,
    sample=normal((3, 1), shape=(2, 3, 4)),
    text="np.broadcast_to({x}, {shape})",
    lazy=True,
)
def broadcast_to(xp: Any, x: Array, shape: Any) -> Array:
    """The values repeated along axes of size 1, and along new axes in front."""
    return xp.broadcast_to(x, shape)


# The backward walk sums what was broadcast.
broadcast_to.slope(x=lambda g, y, x, shape: g)


# --- joining and parting ----------------------------------------------------------------------


def _joined(shapes: list[Shape], axis: int = 0) -> Shape:
    axis = normalize_axis(axis, len(shapes[0]))
    total: Any = 0
    for s in shapes:
        if len(s) != len(shapes[0]) or any(
            a != b for i, (a, b) in enumerate(zip(s, shapes[0], strict=True)) if i != axis
        ):
            raise ShapeError(f"the shapes differ elsewhere than on axis {axis}")
        total = s[axis] + total
    return (*shapes[0][:axis], total, *shapes[0][axis + 1 :])


@op(
    shape=_joined,
    promote="common",
    sample=[
        Sample(lambda rng: [[rng.normal(size=(2, 3)), rng.normal(size=(1, 3))]]),
        Sample(lambda rng: [[rng.normal(size=(2, 3)), rng.normal(size=(2, 1))]], {"axis": -1}),
    ],
    text="np.concatenate",
)
def concatenate(xp: Any, xs: list[Array], axis: int = 0) -> Array:
    """Arrays one after the other along an axis that they have."""
    return xp.concatenate(xs, axis)


def _concatenate_slope(g: Any, y: Any, xs: list[Any], axis: int) -> list[Any]:
    axis = normalize_axis(axis, y.ndim)
    slopes: list[Any] = []
    start: Any = 0
    for x in xs:
        end = start + x.shape[axis]
        slopes.append(g[(builtins.slice(None),) * axis + (builtins.slice(start, end),)])
        start = end
    return slopes


concatenate.slope(xs=_concatenate_slope)


def stack(x: Sequence[Array], axis: int = 0) -> Array:
    """Arrays of one shape side by side along a new axis."""
    return concatenate([expand_dims(value, axis) for value in x], axis)


# A list of tensors, given where one tensor is wanted, is joined.
OPERATORS["stack"] = stack


def split(x: Array, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """x in parts along an axis: so many equal ones, or cut at these indices.

    >>> from sheer import ops
    >>> [part.numpy().tolist() for part in ops.split([1, 2, 3, 4], [1])]
    [[1], [2, 3, 4]]
    """
    x = operand(x)
    axis = normalize_axis(axis, len(x.shape))
    size = x.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        if not isinstance(size, Dim) and size % indices_or_sections:
            raise ValueError(
                f"split: {size} elements on axis {axis} cannot be cut into "
                f"{indices_or_sections} equal parts."
            )
        step = size // indices_or_sections
        cuts = [step * i for i in range(1, indices_or_sections)]
    else:
        cuts = [i if isinstance(i, Dim) else int(i) for i in indices_or_sections]
    front = (builtins.slice(None),) * axis
    ends: list[Any] = [*cuts, None]
    return [x[(*front, builtins.slice(a, b))] for a, b in zip([0, *cuts], ends, strict=True)]


def _pad_widths(pad_width: Any, rank: int) -> tuple[tuple[int, int], ...]:
    widths = np.broadcast_to(np.asarray(pad_width), (rank, 2)).tolist()
    return tuple((int(a), int(b)) for a, b in widths)


@op(
    shape=lambda x, pad_width, **_: tuple(
        s + a + b for s, (a, b) in zip(x, _pad_widths(pad_width, len(x)), strict=True)
    ),
    sample=normal((2, 3), pad_width=((1, 0), (2, 1))),
    text=lambda call: (
        "np.pad({x}, {pad_width}"
        + (
            f", constant_values={call.attrs['constant_values']})"
            if call.attrs["mode"] == "constant" and call.attrs["constant_values"]
            else ")"
            if call.attrs["mode"] == "constant"
            else ", mode={mode})"
        )
    ),
)
def pad(
    xp: Any, x: Array, pad_width: Any, mode: str = "constant", constant_values: Any = None
) -> Array:
    """More elements before and after, on each axis: `((before, after), ...)`. `mode` as NumPy's."""
    if mode == "constant":
        return xp.pad(x, pad_width, constant_values=constant_values or 0)
    return xp.pad(x, pad_width, mode=mode)


def _pad_slope(g: Any, y: Any, x: Any, pad_width: Any, mode: str, constant_values: Any) -> Any:
    if mode != "constant":
        raise NotImplementedError(f"pad: no gradient for mode {mode!r}, only for 'constant'.")
    widths = _pad_widths(pad_width, x.ndim)
    return g[tuple(builtins.slice(a, -b if b else None) for a, b in widths)]


pad.slope(x=_pad_slope)


def tile(x: Array, repeats: Any) -> Array:
    """The whole array several times along each axis.

    >>> from sheer import ops
    >>> ops.tile([1, 2], 2).numpy()
    array([1, 2, 1, 2], dtype=int32)
    """
    x = operand(x)
    counts = [repeats] if isinstance(repeats, (int, np.integer)) else list(repeats)
    counts = [1] * (len(x.shape) - len(counts)) + counts
    x = reshape(x, (1,) * (len(counts) - len(x.shape)) + tuple(x.shape))
    for axis, count in enumerate(counts):
        if count != 1:
            x = concatenate([x] * count, axis)
    return x


@op(shape=same, sample=[normal((3, 2)), normal((3, 2), axis=1)], text="np.flip")
def flip(xp: Any, x: Array, axis: Any = None) -> Array:
    """The elements in reverse order along an axis, or along all."""
    return xp.flip(x, axis)


flip.slope(x=lambda g, y, x, axis: flip(g, axis))


# --- making -----------------------------------------------------------------------------------


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Array:
    """One value everywhere."""
    shape = (shape,) if isinstance(shape, (int, Dim)) else tuple(shape)
    value = cast(fill_value, dtype or config.floatx())
    return broadcast_to(value, shape) if shape else value


def zeros(shape: Any, dtype: Any = None) -> Array:
    """0 everywhere; `config.floatx()` by default."""
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: Any = None) -> Array:
    """1 everywhere; `config.floatx()` by default."""
    return full(shape, 1, dtype)


def full_like(x: Array, fill_value: Any, dtype: Any = None) -> Array:
    """One value everywhere, in the shape of x."""
    x = operand(x)
    return full(x.shape, fill_value, dtype or x.dtype)


def zeros_like(x: Array, dtype: Any = None) -> Array:
    """0 everywhere, in the shape of x."""
    return full_like(x, 0, dtype)


def ones_like(x: Array, dtype: Any = None) -> Array:
    """1 everywhere, in the shape of x."""
    return full_like(x, 1, dtype)


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Array:
    """Numbers in equal steps, from `start` to before `stop`; from 0 where there is one argument.

    >>> from sheer import ops
    >>> ops.arange(3).numpy()
    array([0, 1, 2], dtype=int32)
    """
    start, stop = (0, start) if stop is None else (start, stop)
    values = np.arange(start, stop, 1 if step is None else step)
    return Tensor(values, dtype or (config.floatx() if values.dtype.kind == "f" else "int32"))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Array:
    """1 on a diagonal, 0 elsewhere."""
    return Tensor(np.eye(N, M, k), dtype or config.floatx())
