"""Products of matrices."""

from __future__ import annotations

from typing import Any

from sheer.core.errors import ShapeError
from sheer.core.shapes import Shape, Size, broadcast
from sheer.ops.arithmetic import multiply
from sheer.ops.declare import Array, Sample, op, operand, shape_of
from sheer.ops.recording import Call
from sheer.ops.rules import normal
from sheer.ops.shaping import broadcast_to, expand_dims, reshape, squeeze, swapaxes, transpose

__all__ = [
    "affine",
    "dot",
    "einsum",
    "matmul",
    "tensordot",
]


def _matmul_shape(a: Shape, b: Shape) -> Shape:
    if not a or not b:
        raise ShapeError("a number is not a matrix; use multiply")
    inner_b = b[0] if len(b) == 1 else b[-2]
    if a[-1] != inner_b:
        raise ShapeError(f"the rows of x1 have {a[-1]} elements, the columns of x2 {inner_b}")
    rows = () if len(a) == 1 else a[-2:-1]
    columns = () if len(b) == 1 else b[-1:]
    return broadcast(a[:-2], b[:-2]) + rows + columns


@op(
    shape=_matmul_shape,
    promote="common",
    sample=[
        normal((5, 3), (3, 2)),
        normal((3,), (3,)),
        normal((4, 3), (3,)),
        normal((3,), (3, 2)),
        normal((2, 4, 3), (3, 2)),
        normal((3,), (2, 3, 4)),
        normal((2, 4, 3), (2, 3, 2)),
        normal((2, 1, 4, 3), (5, 3, 2)),
    ],
    text="{x1} @ {x2}",
    label="z",
    operator="matmul",
)
def matmul(xp: Any, x1: Array, x2: Array) -> Array:
    """The matrix product x1 · x2 over the last two axes; leading axes broadcast; 1-D are vectors.

    The slopes are g · x2ᵀ and x1ᵀ · g.

    >>> from sheer import ops
    >>> ops.matmul([[1.0, 2.0]], [[3.0], [4.0]]).numpy()
    array([[11.]], dtype=float32)
    """
    return xp.matmul(x1, x2)


def _matmul_slope_x1(g: Any, y: Any, x1: Any, x2: Any) -> Any:
    if x2.ndim == 1:
        return g * x2 if x1.ndim == 1 else expand_dims(g, -1) * x2
    if x1.ndim == 1:
        return squeeze(matmul(expand_dims(g, -2), swapaxes(x2, -1, -2)), -2)
    return matmul(g, swapaxes(x2, -1, -2))


def _matmul_slope_x2(g: Any, y: Any, x1: Any, x2: Any) -> Any:
    if x1.ndim == 1:
        if x2.ndim == 1:
            return g * x1
        return expand_dims(x1, -1) * expand_dims(g, -2)
    if x2.ndim == 1:
        return expand_dims(g, -1) * x1
    if x2.ndim == 2:
        return matmul(transpose(rows_of(x1)), rows_of(g))
    return matmul(swapaxes(x1, -1, -2), g)


def rows_of(x: Any) -> Any:
    """The last axis as it is, all others as one."""
    return x if x.ndim == 2 else reshape(x, (-1, x.shape[-1]))


matmul.slope(x1=_matmul_slope_x1, x2=_matmul_slope_x2)


def _affine_shape(x: Shape, kernel: Shape, bias: Shape) -> Shape:
    wrong = []
    if x[-1] != kernel[0]:
        wrong.append(f"x has {x[-1]} features, kernel expects {kernel[0]}")
    if bias != kernel[1:]:
        wrong.append(f"bias has shape {bias}, kernel gives {kernel[1]} features")
    if wrong:
        raise ShapeError("; ".join(wrong))
    return x[:-1] + kernel[1:]


@op(
    shape=_affine_shape,
    promote="common",
    sample=[normal((5, 3), (3, 2), (2,)), normal((2, 4, 3), (3, 2), (2,))],
    text="{x} @ {kernel} + {bias}",
    label="z",
)
def affine(xp: Any, x: Array, kernel: Array, bias: Array) -> Array:
    """x · kernel + bias: x (..., features), kernel (features, units), bias (units,)."""
    return xp.matmul(x, kernel) + bias


affine.slope(
    x=lambda g, y, x, kernel, bias: matmul(g, transpose(kernel)),
    kernel=lambda g, y, x, kernel, bias: matmul(transpose(rows_of(x)), rows_of(g)),
    bias=lambda g, y, x, kernel, bias: g,
)


def einsum(subscripts: str, *operands: Array) -> Array:
    """Products summed over shared indices, in Einstein's notation: `einsum("ij,jk->ik", a, b)`.

    An index may not stand twice in one operand where a gradient is wanted.

    >>> from sheer import ops
    >>> ops.einsum("i,i->", [1.0, 2.0], [3.0, 4.0]).numpy()
    array(11., dtype=float32)
    """
    values = [operand(value) for value in operands]
    return _einsum(values, _explicit(subscripts, [len(shape_of(value)) for value in values]))


def _explicit(subscripts: str, ranks: list[int]) -> str:
    """The subscripts without spaces and `...`, and with the result's indices."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(
            f"einsum: {subscripts!r} names {len(terms)} operands, {len(ranks)} were given."
        )
    spare = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in subscripts]
    hidden = max(
        (r - len(t) + 3 for t, r in zip(terms, ranks, strict=True) if "..." in t), default=0
    )
    letters = "".join(spare[:hidden])

    def spelled(term: str, rank: int) -> str:
        missing = rank - len(term) + 3
        return term.replace("...", letters[len(letters) - missing :] if missing else "")

    terms = [spelled(t, r) if "..." in t else t for t, r in zip(terms, ranks, strict=True)]
    joined = "".join(terms)
    if not arrow:
        right = letters + "".join(
            sorted(c for c in set(joined) - set(letters) if joined.count(c) == 1)
        )
    return ",".join(terms) + "->" + right.replace("...", letters)


def _einsum_shape(shapes: list[Shape], subscripts: str) -> Shape:
    terms, result = subscripts.split("->")
    sizes: dict[str, Size] = {}
    for term, shape in zip(terms.split(","), shapes, strict=True):
        if len(term) != len(shape):
            raise ShapeError(f"{term!r} has {len(term)} indices for {len(shape)} axes")
        for index, size in zip(term, shape, strict=True):
            known = sizes.setdefault(index, size)
            if known == 1:
                sizes[index] = size
            elif size not in (1, known):
                raise ShapeError(f"index {index!r} has the sizes {known} and {size}")
    return tuple(sizes[index] for index in result)


def _einsum_text(call: Call) -> str:
    arguments = ", ".join(f"{{operands[{i}]}}" for i in range(len(call.inputs[0])))
    return f"np.einsum({call.attrs['subscripts']!r}, {arguments}, optimize=True)"


def _pair(subscripts: str, *shapes: tuple[int, ...]) -> Sample:
    return Sample(lambda rng: [[rng.normal(size=s) for s in shapes]], {"subscripts": subscripts})


@op(
    shape=_einsum_shape,
    promote="common",
    sample=[
        _pair("ij,jk->ik", (2, 3), (3, 4)),
        _pair("ij,kj->", (2, 3), (4, 3)),
        _pair("bij,jk,k->bi", (2, 3, 2), (2, 4), (4,)),
        _pair("ij->ji", (2, 3)),
        _pair("bij,bjk->bik", (1, 2, 3), (4, 3, 2)),
    ],
    text=_einsum_text,
)
def _einsum(xp: Any, operands: list[Array], subscripts: str) -> Array:
    return xp.einsum(subscripts, *operands, optimize=True)


def _einsum_slope(g: Any, y: Any, operands: list[Any], subscripts: str) -> list[Any]:
    left, result = subscripts.split("->")
    terms = left.split(",")

    def slope(position: int) -> Any:
        term = terms[position]
        if len(set(term)) < len(term):
            raise NotImplementedError(
                f"einsum {subscripts!r}: no gradient for {term!r}, which has an index twice."
            )
        others = [
            (t, x) for i, (t, x) in enumerate(zip(terms, operands, strict=True)) if i != position
        ]
        found = "".join(c for c in term if c in result or any(c in t for t, _ in others))
        source = ",".join([result] + [t for t, _ in others]) + "->" + found
        value = _einsum([g] + [x for _, x in others], source)
        # An index that this operand alone has was summed: each of its elements gets the same.
        for axis, index in enumerate(term):
            if index not in found:
                value = expand_dims(value, axis)
        sizes = zip(term, operands[position].shape, value.shape, strict=True)
        shape = tuple(own if index not in found else size for index, own, size in sizes)
        return value if value.shape == shape else broadcast_to(value, shape)

    return [slope(i) for i in range(len(operands))]


_einsum.slope(operands=_einsum_slope)


def tensordot(x1: Array, x2: Array, axes: Any = 2) -> Array:
    """Products summed over the given axes of both: a number (the last of x1 with the first of x2),
    or two lists.

    >>> from sheer import ops
    >>> ops.tensordot([[1.0, 2.0]], [[3.0], [4.0]], axes=1).numpy()
    array([[11.]], dtype=float32)
    """
    rank1, rank2 = len(shape_of(operand(x1))), len(shape_of(operand(x2)))
    if isinstance(axes, int):
        axes = list(range(rank1 - axes, rank1)), list(range(axes))
    first, second = ([a] if isinstance(a, int) else list(a) for a in axes)
    letters = "abcdefghijklmnopqrstuvwxyz"
    left, right = list(letters[:rank1]), list(letters[rank1 : rank1 + rank2])
    for i, j in zip(first, second, strict=True):
        right[j] = left[i]
    kept = [c for c in left if c not in right] + [c for c in right if c not in left]
    return einsum(f"{''.join(left)},{''.join(right)}->{''.join(kept)}", x1, x2)


def dot(x1: Array, x2: Array) -> Array:
    """NumPy's `dot`: the matrix product for 1-D and 2-D, a product with a number, and for more
    dimensions a sum over the last axis of x1 and the second-to-last of x2."""
    rank1, rank2 = len(shape_of(operand(x1))), len(shape_of(operand(x2)))
    if rank1 == 0 or rank2 == 0:
        return multiply(x1, x2)
    if rank2 <= 2:
        return matmul(x1, x2)
    return tensordot(x1, x2, ([rank1 - 1], [rank2 - 2]))
