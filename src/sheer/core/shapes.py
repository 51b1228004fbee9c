"""Shapes with a batch size that is not a number: `n`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from typing import Any, TypeAlias

from sheer.core.errors import ShapeError, TraceError, user_line


class Dim:
    """A size that depends on the batch: `factor * n + offset`.

    It can be added to, multiplied, compared for equality, and used as an operand of any op, where
    it stands for the real size when the program runs. It refuses to become a number: a program
    that had seen one batch size would be wrong for every other.

    >>> N, 3 * N + 1, N == N, N == 5
    (n, 3 * n + 1, True, False)
    """

    __slots__ = ("factor", "offset")

    def __init__(self, factor: int = 1, offset: int = 0):
        self.factor, self.offset = factor, offset

    def __repr__(self) -> str:
        text = "n" if self.factor == 1 else f"{self.factor} * n"
        if self.offset:
            text += f" {'+' if self.offset > 0 else '-'} {abs(self.offset)}"
        return text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dim):
            return False
        return (self.factor, self.offset) == (other.factor, other.offset)

    def __hash__(self) -> int:
        return hash(("n", self.factor, self.offset))

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Dim):
            return Dim(self.factor + other.factor, self.offset + other.offset)
        return Dim(self.factor, self.offset + other) if _whole(other) else self._refuse(other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Dim):
            factor, offset = self.factor - other.factor, self.offset - other.offset
            return Dim(factor, offset) if factor else offset
        return self + -other if _whole(other) else self._refuse(other)

    def __mul__(self, other: Any) -> Any:
        if not _whole(other):
            return self._refuse(other)
        return Dim(self.factor * int(other), self.offset * int(other)) if other else 0

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        if isinstance(other, Dim) and other == self:
            return 1
        if _whole(other) and other and self.factor % other == 0 and self.offset % other == 0:
            return Dim(self.factor // int(other), self.offset // int(other))
        return self._refuse(other)

    def _refuse(self, other: Any = None) -> Any:
        if hasattr(other, "dtype"):
            return NotImplemented  # a tensor: it is for the op to do
        raise TraceError(
            f"The batch size '{self!r}' is used as a number, at {user_line()}\n"
            "A program serves every batch size, so while it is traced the size is a symbol.\n"
            "Use it as an operand of ops (x / ops.shape(x)[0] works), use -1 in a reshape, or run\n"
            "without tracing: compile(..., run_eagerly=True), or no sheer.function."
        )

    __int__ = __index__ = __float__ = __bool__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __truediv__ = __rtruediv__ = __mod__ = _refuse
    __rsub__ = __rfloordiv__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __abs__ = _refuse


def _whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


N = Dim()
Size: TypeAlias = "int | Dim"
Shape: TypeAlias = "tuple[Size, ...]"


def symbolic(shape: Iterable[Any]) -> Shape:
    """A shape in which None, Keras's mark for the batch size, is the symbol `n`."""
    sizes = tuple(N if size is None else size for size in shape)
    for size in sizes:
        if not isinstance(size, (int, Dim)) or (isinstance(size, int) and size < 0):
            raise ValueError(f"A shape holds sizes of 0 or more, or None. Got {tuple(shape)!r}.")
    return sizes


def with_none(shape: Shape) -> tuple[int | None, ...]:
    """The shape as Keras writes it, None for the batch size."""
    return tuple(None if isinstance(size, Dim) else size for size in shape)


def map_shapes(function: Callable[[tuple[Any, ...]], Any], shapes: Any) -> Any:
    """The structure of shapes with each replaced by `function(shape)`.

    >>> map_shapes(len, {"a": (None, 3), "b": [(2,), ()]})
    {'a': 2, 'b': [1, 0]}
    """
    if isinstance(shapes, dict):
        return {key: map_shapes(function, value) for key, value in shapes.items()}
    if not isinstance(shapes, (tuple, list)):
        raise TypeError(f"A shape is a tuple of sizes, such as (None, 784). Got {shapes!r}.")
    if any(isinstance(value, (tuple, list, dict)) for value in shapes):
        return type(shapes)(map_shapes(function, value) for value in shapes)
    return function(tuple(shapes))


def show(shape: Sequence[Any]) -> str:
    """The shape as text: `(n, 784)`."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def normalize_axis(axis: int, rank: int) -> int:
    """The axis counted from the front; out of range is a ShapeError."""
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} does not exist in {rank} dimensions")
    return axis % rank


def normalize_axes(axis: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """The axes of a reduction counted from the front; None is all of them."""
    if axis is None:
        return tuple(range(rank))
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    return tuple(normalize_axis(a, rank) for a in axes)


def broadcast(*shapes: Shape) -> Shape:
    """The shape that arrays of these shapes give together, by NumPy's rule.

    >>> broadcast((N, 1), (3,))
    (n, 3)
    """
    result: list[Size] = []
    for position in range(-max(map(len, shapes)), 0):
        sizes = {s[position] for s in shapes if len(s) >= -position} - {1}
        if len(sizes) > 1:
            between = " and ".join(map(str, sorted(sizes, key=str)))
            raise ShapeError(f"the sizes {between} of axis {position} do not broadcast")
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)


def size_of(shape: Iterable[Size]) -> Size:
    """How many elements: the product of the sizes, of which at most one may depend on `n`."""
    sizes = list(shape)
    symbols = [s for s in sizes if isinstance(s, Dim)]
    known = math.prod(s for s in sizes if isinstance(s, int))
    if len(symbols) > 1:
        raise ShapeError(f"two sizes of {show(sizes)} depend on the batch size")
    return symbols[0] * known if symbols else known
