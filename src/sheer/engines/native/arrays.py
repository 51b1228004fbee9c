"""The functions on arrays that have kernels, under NumPy's names.

The body of an op is array code over `xp`. Run with `Arrays` as `xp` and `Array`s as operands, it
writes down the primitive steps that it is made of: the one definition of an op serves here too.
What has no kernel raises `Unsupported`, and the plan then calls the body with NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sheer.core.dtypes import DTYPES, is_float
from sheer.engines.native.nodes import (
    MAX_AXES,
    Array,
    Node,
    Shape,
    Unsupported,
    layout,
    row_by_row,
    spans,
    whole,
)

# NumPy's functions of one element each, with the instruction that computes them.
INSTRUCTIONS = {
    "add": "add", "subtract": "subtract", "multiply": "multiply", "divide": "divide",
    "true_divide": "divide", "maximum": "maximum", "minimum": "minimum", "power": "power",
    "mod": "mod", "remainder": "mod", "floor_divide": "floor_divide", "equal": "equal",
    "not_equal": "not_equal", "less": "less", "less_equal": "less_equal",
    "logical_and": "logical_and", "logical_or": "logical_or", "negative": "negative",
    "abs": "abs", "absolute": "abs", "sign": "sign", "square": "square", "sqrt": "sqrt",
    "floor": "floor", "ceil": "ceil", "rint": "rint", "reciprocal": "reciprocal", "exp": "exp",
    "expm1": "expm1", "log": "log", "log1p": "log1p", "log2": "log2", "log10": "log10",
    "sin": "sin", "cos": "cos", "tanh": "tanh", "logical_not": "logical_not", "isnan": "isnan",
    "isinf": "isinf", "isfinite": "isfinite",
}  # fmt: skip
# These have only kernels for floats.
OF_FLOATS = {
    "divide", "power", "sqrt", "floor", "ceil", "rint", "reciprocal", "exp", "expm1", "log",
    "log1p", "log2", "log10", "sin", "cos", "tanh", "sigmoid", "erf",
}  # fmt: skip
LOGICAL = {"add": "logical_or", "maximum": "logical_or", "multiply": "logical_and",
           "minimum": "logical_and"}  # fmt: skip


class Arrays:
    """What the body of an op gets as `xp`: NumPy's names, as far as there are kernels.

    `nodes` are the steps written down so far.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._pieces: dict[Any, Array] = {}
        self.call = -1

    def __getattr__(self, name: str) -> Any:
        if name in INSTRUCTIONS or name in ("greater", "greater_equal"):
            return lambda *operands: self.ufunc(name, *operands)
        value = getattr(np, name)
        if isinstance(value, (float, type)) or name == "s_":
            return value  # pi, inf, float32, ...
        raise Unsupported(f"np.{name} has no kernel")

    # --- nodes ------------------------------------------------------------------------------

    def make(
        self, kind: str, shape: Sequence[int], dtype: str, operands: list[Any], **attrs: Any
    ) -> Array:
        """Write a step down; its array."""
        node = Node(kind, tuple(shape), dtype, operands, **attrs)
        node.call = self.call
        self.nodes.append(node)
        return whole(node, self)

    def array(self, value: Any) -> Any:
        """An operand: an Array, or a number."""
        if isinstance(value, (Array, bool, int, float, np.generic)):
            return value
        found = np.asarray(value)
        if found.dtype.name not in DTYPES:
            raise Unsupported(f"dtype {found.dtype}")
        if found.ndim == 0:
            return found[()]
        return self.make("constant", found.shape, found.dtype.name, [], value=found)

    def asarray(self, value: Any, dtype: Any = None) -> Any:
        if isinstance(value, Array):
            return value if dtype is None else value.astype(dtype)
        return self.array(np.asarray(value, dtype))

    def piece(self, x: Array) -> Array:
        """x, its elements one after the other: itself, or a copy."""
        if x.is_row_by_row():
            return x
        key = (id(x.node), x.shape, x.strides, x.offset)
        if key not in self._pieces:
            self._pieces[key] = self.make("copy", x.shape, x.node.dtype, [x])
        return self._pieces[key]

    def forget(self, begun: int) -> None:
        """Take back the steps from this number on."""
        gone = set(map(id, self.nodes[begun:]))
        del self.nodes[begun:]
        self._pieces = {k: v for k, v in self._pieces.items() if id(v.node) not in gone}

    def full(self, shape: Sequence[int], value: Any, dtype: str) -> Array:
        """One number everywhere."""
        if dtype == "uint64":
            return self.make("constant", shape, dtype, [], value=np.full(shape, value, dtype))
        return self.compute("copy", shape, dtype, [np.dtype(dtype).type(value)])

    # --- element by element -------------------------------------------------------------------

    def compute(
        self, instruction: str, shape: Sequence[int], dtype: str, operands: list[Any]
    ) -> Array:
        """A step of an elementwise group.

        Operands: Arrays that broadcast to the shape, of the dtype that the instruction works in,
        and numbers, which stand for themselves.
        """
        worked = dtype if instruction == "copy" else operand_dtype(operands)
        if worked == "uint64" and instruction != "copy":
            raise Unsupported("uint64")
        if instruction in OF_FLOATS and not is_float(worked):
            raise Unsupported(f"{instruction} of {worked}")
        return self.make(
            "compute",
            shape,
            dtype,
            [
                self._spreadable(self.broadcast_to(v, shape)) if isinstance(v, Array) else v
                for v in operands
            ],
            instruction=instruction,
            worked=worked,
        )

    def _spreadable(self, x: Array) -> Array:
        """x, or a copy in one piece where a group could not read its elements in order."""
        return x if x.ndim <= MAX_AXES else self.piece(x)

    def ufunc(self, name: str, *operands: Any) -> Any:
        """One of NumPy's functions, with its rules for dtypes and broadcasting."""
        given = [self.array(v) for v in operands]
        if not any(isinstance(v, Array) for v in given):
            with np.errstate(all="ignore"):
                return self.array(getattr(np, name)(*given))
        if name in ("greater", "greater_equal"):
            return self.ufunc(name.replace("greater", "less"), *given[::-1])
        kinds = tuple(
            v.dtype if isinstance(v, (Array, np.generic))
            else np.dtype(bool) if isinstance(v, bool) else type(v)
            for v in given
        )  # fmt: skip
        found = getattr(np, name).resolve_dtypes((*kinds, None))
        *wanted, result = (d.name for d in found)
        instruction = INSTRUCTIONS[name]
        if result not in DTYPES:
            raise Unsupported(f"{name} of {' and '.join(map(str, kinds))}")
        if instruction == "power" and _is(given[1], 2):
            instruction, given, wanted = "square", given[:1], wanted[:1]
        if wanted[0] == "bool":
            instruction = LOGICAL.get(instruction, instruction)
        given = [self.converted(v, dtype) for v, dtype in zip(given, wanted, strict=True)]
        shape = np.broadcast_shapes(*(v.shape for v in given if isinstance(v, Array)))
        return self.compute(instruction, shape, result, given)

    def converted(self, value: Any, dtype: str) -> Any:
        """An operand in this dtype."""
        if isinstance(value, Array):
            return self.cast(value, dtype)
        with np.errstate(all="ignore"):
            return np.dtype(dtype).type(value)

    def cast(self, x: Any, dtype: str) -> Any:
        """x in another dtype."""
        if not isinstance(x, Array):
            return self.converted(x, dtype)
        if x.node.dtype == dtype:
            return x
        if "uint64" in (dtype, x.node.dtype):
            return self.make("convert", x.shape, dtype, [self.piece(x)])
        worked = x.node.dtype
        operands = [self._spreadable(x)]
        return self.make("compute", x.shape, dtype, operands, instruction="cast", worked=worked)

    def where(self, condition: Any, x1: Any, x2: Any) -> Any:
        condition, x1, x2 = map(self.array, (condition, x1, x2))
        dtype = np.result_type(*(v.dtype if isinstance(v, Array) else v for v in (x1, x2))).name
        x1, x2 = self.converted(x1, dtype), self.converted(x2, dtype)
        shape = np.broadcast_shapes(*(v.shape for v in (condition, x1, x2) if isinstance(v, Array)))
        if not isinstance(condition, Array):
            chosen = x1 if condition else x2
            return self.broadcast_to(chosen, shape) if shape else chosen
        # A condition is 0 or 1 in the lane of the choices.
        is_true = self.cast(self.cast(condition, "bool"), dtype)
        return self.compute("select", shape, dtype, [is_true, x1, x2])

    def clip(self, x: Any, x_min: Any, x_max: Any) -> Any:
        return self.ufunc("minimum", self.ufunc("maximum", x, x_min), x_max)

    def logaddexp(self, a: Any, b: Any) -> Any:
        if not isinstance(b, Array) and b == 0:
            # log(1 + exp(x)); of infinities and NaN too.
            apart = self.ufunc("negative", self.ufunc("abs", a))
            return self.ufunc("maximum", a, 0) + self.ufunc("log1p", self.ufunc("exp", apart))
        # Infinities that are alike are not 0 apart.
        apart = self.ufunc("negative", self.ufunc("abs", a - b))
        larger = self.ufunc("maximum", a, b) + self.ufunc("log1p", self.ufunc("exp", apart))
        return self.where(self.ufunc("equal", a, b), a + math.log(2), larger)

    def round(self, x: Any, decimals: int = 0) -> Any:
        if not is_float(self.array(x).dtype.name):
            raise Unsupported("rounding whole numbers")
        if decimals < 0:
            return self.ufunc("rint", x / 10.0**-decimals) * 10.0**-decimals
        return (
            self.ufunc("rint", x * 10.0**decimals) / 10.0**decimals
            if decimals
            else (self.ufunc("rint", x))
        )

    def zeros_like(self, x: Any) -> Any:
        return self.zeros(x.shape, x.dtype)

    def zeros(self, shape: Any, dtype: Any = "float64") -> Array:
        return self.full((shape,) if isinstance(shape, int) else shape, 0, np.dtype(dtype).name)

    def arange(self, *ends: Any, dtype: Any = None) -> Any:
        return self.array(np.arange(*ends, dtype=dtype))

    # --- views --------------------------------------------------------------------------------

    def reshape(self, x: Any, newshape: Any) -> Array:
        x = self._whole_array(x)
        shape = list((newshape,) if isinstance(newshape, int) else newshape)
        if -1 in shape:
            known = math.prod(s for s in shape if s != -1)
            shape[shape.index(-1)] = x.size // known if known else 0
        if math.prod(shape) != x.size:
            raise ValueError(f"cannot reshape array of size {x.size} into shape {tuple(shape)}")
        return self.piece(x).view(shape, row_by_row(shape))

    def transpose(self, x: Any, axes: Any = None) -> Any:
        x = self._whole_array(x)
        order = range(x.ndim)[::-1] if axes is None else [a % x.ndim for a in axes]
        return x.view([x.shape[a] for a in order], [x.strides[a] for a in order])

    def expand_dims(self, x: Any, axis: Any) -> Any:
        x = self._whole_array(x)
        axes = (axis,) if isinstance(axis, int) else tuple(axis)
        places = {a % (x.ndim + len(axes)) for a in axes}
        sizes = iter(range(x.ndim))
        key = [None if i in places else next(sizes) for i in range(x.ndim + len(axes))]
        return x.view(
            [1 if i is None else x.shape[i] for i in key],
            [0 if i is None else x.strides[i] for i in key],
        )

    def squeeze(self, x: Any, axis: Any = None) -> Any:
        x = self._whole_array(x)
        if axis is None:
            axes = {i for i, size in enumerate(x.shape) if size == 1}
        else:
            axes = {a % x.ndim for a in ((axis,) if isinstance(axis, int) else axis)}
        kept = [i for i in range(x.ndim) if i not in axes]
        return x.view([x.shape[i] for i in kept], [x.strides[i] for i in kept])

    def broadcast_to(self, x: Any, shape: Any) -> Any:
        x = self._whole_array(x)
        shape = tuple(shape)
        if np.broadcast_shapes(x.shape, shape) != shape:
            raise ValueError(f"{x.shape} does not broadcast to {shape}")
        front = len(shape) - x.ndim
        strides = [
            0 if axis < front or x.shape[axis - front] != size else x.strides[axis - front]
            for axis, size in enumerate(shape)
        ]
        return x.view(shape, strides)

    def flip(self, x: Any, axis: Any = None) -> Any:
        x = self._whole_array(x)
        axes = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
        backwards = {a % x.ndim for a in axes}
        return x[tuple(slice(None, None, -1 if i in backwards else 1) for i in range(x.ndim))]

    def _whole_array(self, x: Any) -> Array:
        """A number as an array too."""
        x = self.array(x)
        if isinstance(x, Array):
            return x
        found = np.asarray(x)
        return self.full((), found[()], found.dtype.name)

    # --- joining --------------------------------------------------------------------------------

    def assembled(self, shape: Shape, dtype: str, parts: list[Any], filled: bool) -> Array:
        """An array put together: (index of an array of this shape, part) pairs; `filled` says that
        what no part covers is 0."""
        region = whole(Node("", shape, dtype, []))
        return self.make(
            "assemble",
            shape,
            dtype,
            [self.broadcast_to(self.cast(v, dtype), region[place].shape) for place, v in parts],
            places=[place for place, _ in parts],
            filled=filled,
        )

    def concatenate(self, xs: Any, axis: int = 0) -> Array:
        arrays = [self._whole_array(x) for x in xs]
        dtype = np.result_type(*(x.dtype for x in arrays)).name
        axis %= arrays[0].ndim
        parts, start = [], 0
        for x in arrays:
            end = start + x.shape[axis]
            parts.append(((slice(None),) * axis + (slice(start, end),), x))
            start = end
        shape = (*arrays[0].shape[:axis], start, *arrays[0].shape[axis + 1 :])
        return self.assembled(shape, dtype, parts, filled=False)

    def pad(
        self, x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0
    ) -> Array:
        if mode != "constant" or constant_values != 0:
            raise Unsupported(f"padding with {mode} {constant_values}".strip())
        x = self._whole_array(x)
        widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
        shape = tuple(a + size + b for size, (a, b) in zip(x.shape, widths, strict=True))
        place = tuple(slice(a, a + size) for size, (a, _) in zip(x.shape, widths, strict=True))
        return self.assembled(shape, x.node.dtype, [(place, x)], filled=True)

    # --- reductions -----------------------------------------------------------------------------

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self._sum("sum", x, axis, keepdims)

    def prod(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self._sum("prod", x, axis, keepdims)

    def _sum(self, reduction: str, x: Any, axis: Any, keepdims: bool) -> Any:
        x = self._whole_array(x)
        # Small whole numbers are summed as int64, as NumPy does.
        x = x if is_float(x.node.dtype) else self.cast(x, "int64")
        return self.reduced(reduction, x, axis, keepdims)

    def mean(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = self._whole_array(x)
        x = x if is_float(x.node.dtype) else self.cast(x, "float64")
        total = self.reduced("sum", x, axis, keepdims)
        return total / (x.size // total.size if total.size else 1)

    def max(self, x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
        return self._extreme("max", "maximum", x, axis, keepdims, initial)

    def min(self, x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
        return self._extreme("min", "minimum", x, axis, keepdims, initial)

    def _extreme(
        self, reduction: str, ufunc: str, x: Any, axis: Any, keepdims: bool, initial: Any
    ) -> Any:
        x = self._whole_array(x)
        if not x.size:
            raise Unsupported(f"{reduction} of nothing")  # NumPy knows what to say
        found = self.reduced(reduction, x, axis, keepdims)
        return found if initial is None else self.ufunc(ufunc, found, initial)

    def any(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.reduced("any", self._whole_array(x), axis, keepdims)

    def all(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.reduced("all", self._whole_array(x), axis, keepdims)

    def argmax(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self._place("argmax", x, axis, keepdims)

    def argmin(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self._place("argmin", x, axis, keepdims)

    def _place(self, reduction: str, x: Any, axis: Any, keepdims: bool) -> Any:
        x = self._whole_array(x)
        if not x.size:
            raise Unsupported(f"{reduction} of nothing")
        if axis is None:
            found = self.reduced(reduction, self.reshape(x, -1), 0, False)
            return found.view((1,) * x.ndim, (0,) * x.ndim) if keepdims else found
        return self.reduced(reduction, x, axis, keepdims)

    def reduced(self, reduction: str, x: Array, axis: Any, keepdims: bool) -> Any:
        """x with axes reduced, those side by side together."""
        rank = x.ndim
        axes = range(rank) if axis is None else (axis,) if isinstance(axis, int) else axis
        rest = sorted({a % rank for a in axes})
        kept = [1 if i in rest else size for i, size in enumerate(x.shape)]
        found = x
        while rest:
            last = first = rest.pop()
            while rest and rest[-1] == first - 1:
                first = rest.pop()
            found = self._reduced_once(reduction, found, first, last + 1)
        shape = kept if keepdims else found.shape
        return found if not keepdims else found.view(shape, row_by_row(shape))

    def _reduced_once(self, reduction: str, x: Array, first: int, last: int) -> Array:
        """x without the axes from `first` to before `last`."""
        outer, inner = math.prod(x.shape[:first]), math.prod(x.shape[last:])
        count = math.prod(x.shape[first:last])
        shape = x.shape[:first] + x.shape[last:]
        dtype = {"any": "bool", "all": "bool", "argmax": "int32", "argmin": "int32"}.get(
            reduction, x.node.dtype
        )
        x = self.piece(x)
        if reduction == "sum" and outer == inner == 1 and count >= 4 * LONG:
            # In rows first, so that several threads can share the work.
            rows, left = divmod(count, LONG)
            parts = [x.view((rows, LONG), (LONG, 1))]
            parts += [x.view((1, left), (left, 1), rows * LONG)] if left else []
            sums = [self._reduced_once("sum", part, 1, 2) for part in parts]
            return self._reduced_once("sum", self.concatenate(sums) if left else sums[0], 0, 1)
        return self.make(
            "reduce", shape, dtype, [x], reduction=reduction, sizes=(outer, count, inner)
        )

    # --- kernels of their own -------------------------------------------------------------------

    def matmul(self, a: Any, b: Any) -> Any:
        """NumPy's matmul, of floats of one dtype."""
        a, b = self._whole_array(a), self._whole_array(b)
        dtype = np.result_type(a.dtype, b.dtype).name
        if not is_float(dtype):
            raise Unsupported(f"a matrix product of {dtype}")
        a, b = self.cast(a, dtype), self.cast(b, dtype)
        drop = []
        if a.ndim == 1:
            a, drop = a[None], [-2]
        if b.ndim == 1:
            b, drop = b[:, None], [*drop, -1]
        if b.ndim == 2 and a.ndim > 2:
            rows = self.reshape(a, (math.prod(a.shape[:-1]), a.shape[-1]))
            found = self.reshape(self._product(rows, b), (*a.shape[:-1], b.shape[-1]))
        elif a.ndim == 2 and b.ndim == 2:
            found = self._product(a, b)
        else:
            batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
            a = self.broadcast_to(a, (*batch, *a.shape[-2:]))
            b = self.broadcast_to(b, (*batch, *b.shape[-2:]))
            flat = [self.reshape(v, (math.prod(batch), *v.shape[-2:])) for v in (a, b)]
            found = self.reshape(self._product(*flat), (*batch, a.shape[-2], b.shape[-1]))
        for axis in drop:
            found = self.squeeze(found, axis)
        return found

    def _product(self, a: Array, b: Array) -> Array:
        """The product of two matrices, or of two equally long lists of them."""
        if a.shape[-1] != b.shape[-2]:
            raise ValueError(f"matmul: {a.shape} and {b.shape} do not fit")
        a, b = (self.piece(v) if layout(v) is None else v for v in (a, b))
        shape = (*a.shape[:-1], b.shape[-1])
        return self.make(
            "product", shape, a.node.dtype, [a, b], bias=None, activation="none", onto=None
        )

    def take(self, x: Any, indices: Any, axis: Any = None) -> Any:
        x, indices = self._whole_array(x), self._indices(indices)
        if axis is None:
            x, axis = self.reshape(x, -1), 0
        axis %= x.ndim
        outer, size, inner = spans(x.shape, axis)
        sizes = outer, size, indices.size, inner
        shape = x.shape[:axis] + indices.shape + x.shape[axis + 1 :]
        return self.make(
            "take", shape, x.node.dtype, [self.piece(x), self.piece(indices)], sizes=sizes
        )

    def take_along_axis(self, x: Any, indices: Any, axis: Any) -> Any:
        x, indices = self._whole_array(x), self._indices(indices)
        if axis is None:
            x, axis = self.reshape(x, -1), 0
        axis %= x.ndim
        front, behind = slice(0, axis), slice(axis + 1, None)
        around = [
            np.broadcast_shapes(x.shape[part], indices.shape[part]) for part in (front, behind)
        ]
        x = self.broadcast_to(x, (*around[0], x.shape[axis], *around[1]))
        indices = self.broadcast_to(indices, (*around[0], indices.shape[axis], *around[1]))
        outer, size, inner = spans(x.shape, axis)
        sizes = outer, size, indices.shape[axis], inner
        return self.make(
            "take_along", indices.shape, x.node.dtype, [self.piece(x), self.piece(indices)],
            sizes=sizes, add=False,
        )  # fmt: skip

    def searchsorted(self, keys: Any, x: Any, side: str = "left") -> Any:
        """By steps of halves, for all elements of x at once."""
        keys, x = self._whole_array(keys), self._whole_array(x)
        place = self.zeros(x.shape, "int64")
        step = 1 << keys.size.bit_length()
        while step := step // 2:
            further = place + step
            key = self.take(keys, self.ufunc("minimum", further, keys.size) - 1)
            # NaN lies behind all others.
            stays = x < key if side == "right" else x <= key
            goes = self.ufunc("logical_and", self.ufunc("logical_not", stays), further <= keys.size)
            place = self.where(goes, further, place)
        return place

    def _indices(self, indices: Any) -> Any:
        indices = self._whole_array(indices)
        if indices.dtype.kind not in "iu":
            raise Unsupported(f"indices of dtype {indices.dtype}")
        return indices


# A long sum is taken in rows of so many.
LONG = 8192


def operand_dtype(operands: list[Any]) -> str:
    """The dtype of operands that share one; that of an Array, if there is one."""
    arrays = [v for v in operands if isinstance(v, Array)]
    return arrays[0].node.dtype if arrays else operands[0].dtype.name


def _is(value: Any, number: float) -> bool:
    return not isinstance(value, Array) and value == number
