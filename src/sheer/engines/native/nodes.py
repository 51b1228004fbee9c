"""The steps of a plan before it is one: nodes that make arrays, and views of these arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sheer.engines.native.arrays import Arrays

Shape = tuple[int, ...]

# More axes than these a view has only as a copy: as in kernels.h.
MAX_AXES = 8


class Unsupported(Exception):
    """Something that the kernels cannot do, in a few words."""


class Node:
    """A step of a plan that makes an array: `kind` says which kernel, `operands` from what.

    Its array lies in one piece, row by row. `call` is the number of the graph's call that it is
    for.
    """

    __slots__ = ("attrs", "call", "dtype", "kind", "operands", "shape")

    def __init__(self, kind: str, shape: Shape, dtype: str, operands: list[Any], **attrs: Any):
        self.kind = kind
        self.shape = shape
        self.dtype = dtype
        self.operands = operands
        self.attrs = attrs
        self.call = -1

    def __repr__(self) -> str:
        return f"<{self.kind} {self.shape} {self.dtype}>"


class Array:
    """A view of a node's array: shape, strides and offset are counted in elements."""

    __slots__ = ("arrays", "node", "offset", "shape", "strides")
    # NumPy's scalars leave the operators to us.
    __array_ufunc__ = None

    def __init__(
        self, arrays: Arrays, node: Node, shape: Shape, strides: Sequence[int], offset: int = 0
    ):
        self.arrays = arrays
        self.node = node
        self.shape = shape
        self.strides = tuple(strides)
        self.offset = offset

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.node.dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def T(self) -> Any:
        return self.arrays.transpose(self)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        return (self[i] for i in range(len(self)))

    def view(self, shape: Sequence[int], strides: Sequence[int], offset: int = 0) -> Array:
        """Other elements of the same array."""
        return Array(self.arrays, self.node, tuple(shape), strides, self.offset + offset)

    def is_row_by_row(self) -> bool:
        """Whether the elements lie one after the other."""
        return is_row_by_row(self.shape, self.strides)

    def is_whole(self) -> bool:
        """Whether it is all of its node's array, in order."""
        return self.is_row_by_row() and self.size == math.prod(self.node.shape)

    def astype(self, dtype: Any) -> Any:
        return self.arrays.cast(self, np.dtype(dtype).name)

    def reshape(self, *shape: Any) -> Array:
        return self.arrays.reshape(self, shape[0] if len(shape) == 1 else shape)

    def __getitem__(self, key: Any) -> Array:
        parts = list(key) if isinstance(key, tuple) else [key]
        named = sum(part is not None and part is not Ellipsis for part in parts)
        everything = [slice(None)] * (self.ndim - named)
        if Ellipsis in parts:
            place = parts.index(Ellipsis)
            parts[place : place + 1] = everything
        else:
            parts += everything
        shape, strides, offset, axis = [], [], 0, 0
        for part in parts:
            if part is None:
                shape.append(1)
                strides.append(0)
                continue
            size, stride = self.shape[axis], self.strides[axis]
            if isinstance(part, slice):
                start, stop, step = part.indices(size)
                shape.append(len(range(start, stop, step)))
                strides.append(stride * step)
                offset += start * stride if shape[-1] else 0
            elif isinstance(part, (int, np.integer)):
                if not -size <= part < size:
                    raise IndexError(
                        f"index {part} is out of bounds for axis {axis} with size {size}"
                    )
                offset += int(part) % size * stride
            else:
                raise Unsupported("indexing with an array")
            axis += 1
        return self.view(shape, strides, offset)

    def __neg__(self) -> Any:
        return self.arrays.ufunc("negative", self)

    def __abs__(self) -> Any:
        return self.arrays.ufunc("abs", self)

    def __invert__(self) -> Any:
        return self.arrays.ufunc("logical_not", self)

    def __matmul__(self, other: Any) -> Any:
        return self.arrays.matmul(self, other)

    __hash__ = object.__hash__

    def __setitem__(self, key: Any, value: Any) -> None:
        raise Unsupported("assigning to a part of an array")

    def __bool__(self) -> bool:
        raise Unsupported("a branch on values")

    __int__ = __float__ = __index__ = __array__ = __bool__


def _operator(name: str, swapped: bool = False) -> Any:
    def apply(self: Array, other: Any) -> Any:
        first, second = (other, self) if swapped else (self, other)
        return self.arrays.ufunc(name, first, second)

    return apply


for _name, _method in {
    "add": "add", "subtract": "sub", "multiply": "mul", "true_divide": "truediv",
    "floor_divide": "floordiv", "mod": "mod", "power": "pow", "logical_and": "and",
    "logical_or": "or",
}.items():  # fmt: skip
    setattr(Array, f"__{_method}__", _operator(_name))
    setattr(Array, f"__r{_method}__", _operator(_name, swapped=True))
for _name, _method in {
    "equal": "eq", "not_equal": "ne", "less": "lt", "less_equal": "le", "greater": "gt",
    "greater_equal": "ge",
}.items():  # fmt: skip
    setattr(Array, f"__{_method}__", _operator(_name))


def row_by_row(shape: Sequence[int]) -> Shape:
    """The strides of an array in one piece."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def is_row_by_row(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether elements with these strides lie one after the other."""
    step = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and stride != step:
            return False
        step *= size
    return True


def whole(node: Node, arrays: Any = None) -> Array:
    """All of a node's array."""
    return Array(arrays, node, node.shape, row_by_row(node.shape))


def spans(shape: Sequence[int], axis: int | None) -> tuple[int, int, int]:
    """How many elements there are before an axis, along it, and behind it; without an axis, those
    of the raveled array are along it."""
    if axis is None:
        return 1, math.prod(shape), 1
    axis %= len(shape)
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def layout(x: Array) -> tuple[bool, int] | None:
    """How a matrix lies in memory: whether as its transpose, and how far its stored rows are apart;
    None where it is stored neither row by row nor column by column."""
    rows, columns = x.shape[-2:]
    down, along = x.strides[-2:]
    if (columns == 1 or along == 1) and (rows == 1 or down >= columns):
        return False, down if rows > 1 else columns
    if (rows == 1 or down == 1) and (columns == 1 or along >= rows):
        return True, along if columns > 1 else rows
    return None
