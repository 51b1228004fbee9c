"""One element of a value: the recipe of its line, at one index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from sheer.inspect.evaluate import SIGNS, evaluate, function, key_of, number
from sheer.inspect.recipes import ELEMENTWISE, OVER_AXES, Recipe, call

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Number:
    """A number, or what is one for the whole step: `words` then says what (`len(x)`)."""

    value: Any
    words: str = ""


@dataclass(frozen=True)
class Letter:
    """An index that runs, inside a Total."""

    name: str


@dataclass(frozen=True)
class Place:
    """An element of a value of the step. An index may be computed: `z2[3, y[3]]`."""

    name: str
    index: tuple[Cell, ...]


@dataclass(frozen=True)
class Op:
    """An op of one element each."""

    op: str
    of: tuple[Cell, ...]


@dataclass(frozen=True)
class Total:
    """A sum, mean, largest, ... over all values of some letters."""

    kind: str
    letters: tuple[tuple[str, int], ...]
    body: Cell


@dataclass(frozen=True)
class Other:
    """An element of what a whole function computes."""

    recipe: Any
    index: tuple[Cell, ...]


Cell: TypeAlias = Number | Letter | Place | Op | Total | Other
Index: TypeAlias = tuple[Cell, ...]
Bound: TypeAlias = Mapping[str, Any]

FUNCTIONS = {name for names in ELEMENTWISE.values() for name in names.split()}
SAME = {"cast"}  # one element from one, whose value explains itself
PLAIN = FUNCTIONS | (set(SIGNS) - {"@", "T", "len"}) | {"divide_no_nan"} | SAME
WITHIN = 64  # roundings inside a whole function
LETTERS = "ikjmpq"
LARGE = 500.0  # e to that power is not far from the end of the floats


class Cells:
    """The elements of a step's values, in float64.

    Args:
        value_of: the recorded array of a name.
        rows: how many rows the batch has; their index is called r.
    """

    def __init__(self, value_of: Callable[[str], Array], rows: int):
        self.rows = rows
        self._value_of = value_of
        self._known: dict[str, Any] = {}
        self._whole: dict[int, tuple[Recipe, Any]] = {}
        self._count = 0

    def array(self, name: str) -> Array:
        """A recorded array, with floats of 64 bits."""
        if name not in self._known:
            array = np.asarray(self._value_of(name))
            self._known[name] = array.astype("float64") if array.dtype.kind == "f" else array
        found: Array = self._known[name]
        return found

    def whole(self, recipe: Recipe) -> Array:
        """All that a recipe computes."""
        if "name" in recipe:
            return self.array(recipe["name"])
        if id(recipe) not in self._whole:
            self._whole[id(recipe)] = recipe, np.asarray(evaluate(recipe, self.array))
        found: Array = self._whole[id(recipe)][1]
        return found

    def restart(self) -> None:
        """Begin with the first letter again."""
        self._count = 0

    # --- from a recipe to a cell ----------------------------------------------------------

    def cell(self, recipe: Recipe, index: Index) -> Cell:
        """The element of a recipe's value at an index."""
        if "name" in recipe:
            return Place(recipe["name"], index)
        if "number" in recipe:
            return Number(number(recipe["number"]))
        name, of = recipe["op"], recipe["of"]
        if name == "len":
            return Number(len(self.whole(of[0])), f"len({of[0].get('name', '...')})")
        if name in PLAIN:
            return Op(name, tuple(self.cell(x, self._aligned(x, index)) for x in of))
        special = getattr(self, f"_cell_of_{NAMES.get(name, name)}", None)
        found: Cell | None = special(recipe, index) if special else None
        return Other(recipe, index) if found is None else found

    def _aligned(self, recipe: Recipe, index: Index) -> Index:
        """The index in an operand that was broadcast."""
        shape = self.shape(recipe)
        own = index[len(index) - len(shape) :]
        return tuple(Number(0) if n == 1 else i for i, n in zip(own, shape, strict=True))

    def shape(self, recipe: Recipe) -> Shape:
        """The shape of a recipe's value, without its value where that is easy."""
        if "name" in recipe:
            known: Shape = self.array(recipe["name"]).shape
            return known
        if "number" in recipe or recipe["op"] == "len":
            return ()
        of = recipe["of"]
        if recipe["op"] in PLAIN:
            return tuple(np.broadcast_shapes(*map(self.shape, of)))
        if recipe["op"] == "T":
            return self.shape(of[0])[::-1]
        if recipe["op"] in ("softmax", "log_softmax"):
            return self.shape(of[0])
        left_right = [self.shape(x) for x in of] if recipe["op"] == "@" else []
        if left_right and min(map(len, left_right)) == 2 == max(map(len, left_right)):
            return left_right[0][0], left_right[1][1]
        found: Shape = self.whole(recipe).shape
        return found

    def _letter(self, recipe: Recipe, axis: int) -> str:
        """A letter of its own for an index: r for the rows of the batch."""
        count, place = divmod(self._count, len(LETTERS))
        self._count += 1
        name = "r" if self._runs_over_rows(recipe, axis) else LETTERS[place]
        return f"{name}{count}" if count else name

    def _runs_over_rows(self, recipe: Recipe, axis: int) -> bool:
        shape = self.shape(recipe)
        if not shape or shape[axis] != self.rows:
            return False
        if "name" in recipe:
            return axis % len(shape) == 0 and "." not in recipe["name"]
        of = [x for x in recipe.get("of", ()) if len(self.shape(x)) == len(shape)]
        axis = axis % len(shape)
        return any(
            self._runs_over_rows(x, len(shape) - 1 - axis if recipe["op"] == "T" else axis)
            for x in of
        )

    def _cell_of_product(self, recipe: Recipe, index: Index) -> Cell | None:
        left, right = recipe["of"]
        if len(self.shape(left)) < 2 or len(self.shape(right)) != 2:
            return None
        name = self._letter(left, -1)
        letter = Letter(name)
        pair = self.cell(left, (*index[:-1], letter)), self.cell(right, (letter, index[-1]))
        return Total("sum", ((name, self.shape(left)[-1]),), Op("*", pair))

    def _cell_of_total(self, recipe: Recipe, index: Index) -> Cell | None:
        x, attributes = recipe["of"][0], recipe.get("attributes", {})
        shape, axis = self.shape(x), attributes.get("axis")
        axes = list(range(len(shape))) if axis is None else axis if type(axis) is list else [axis]
        axes = [a % len(shape) for a in axes]
        if recipe["op"].startswith("arg") and len(axes) > 1:
            return None
        rest = iter(index)
        if attributes.get("keepdims"):
            rest = iter([i for a, i in enumerate(index) if a not in axes])
        letters = {a: self._letter(x, a) for a in axes}
        inside = tuple(Letter(letters[a]) if a in axes else next(rest) for a in range(len(shape)))
        sizes = tuple((letters[a], shape[a]) for a in axes)
        return Total(recipe["op"], sizes, self.cell(x, inside)) if sizes else self.cell(x, inside)

    def _cell_of_softmax(self, recipe: Recipe, index: Index) -> Cell | None:
        x, total = self._exponentials(recipe, index)
        return None if x is None else Op("/", (Op("exp", (x,)), total))

    def _cell_of_log_softmax(self, recipe: Recipe, index: Index) -> Cell | None:
        x, total = self._exponentials(recipe, index)
        return None if x is None else Op("-", (x, Op("log", (total,))))

    def _exponentials(self, recipe: Recipe, index: Index) -> tuple[Any, Any]:
        """The element, and the sum of exp over all beside it."""
        x, axis = recipe["of"][0], recipe["attributes"]["axis"] % len(index)
        name = self._letter(x, axis)
        letters = ((name, self.shape(recipe)[axis]),)
        one = self.cell(x, index)
        each = self.cell(x, (*index[:axis], Letter(name), *index[axis + 1 :]))
        extreme = np.max(np.abs(self.whole(x)), initial=0)
        if not np.isfinite(extreme):
            return None, None
        if extreme > LARGE:  # the powers of e are computed after a shift
            largest: Cell = Total("max", letters, each)
            if all(isinstance(i, Number) for i in index):
                largest = Number(self.value(largest))
            one, each = Op("-", (one, largest)), Op("-", (each, largest))
        return one, Total("sum", letters, Op("exp", (each,)))

    def _cell_of_take_label(self, recipe: Recipe, index: Index) -> Cell:
        values, labels = recipe["of"]
        return self.cell(values, (*index, self.cell(labels, index)))

    def _cell_of_one_hot(self, recipe: Recipe, index: Index) -> Cell:
        return Op("==", (self.cell(recipe["of"][0], index[:-1]), index[-1]))

    def _cell_of_take(self, recipe: Recipe, index: Index) -> Cell | None:
        x, chosen = recipe["of"]
        if recipe.get("attributes", {}).get("axis") != 0:
            return None
        rank = len(self.shape(chosen))
        return self.cell(x, (self.cell(chosen, index[:rank]), *index[rank:]))

    def _cell_of_scatter_add(self, recipe: Recipe, index: Index) -> Cell | None:
        g, chosen = recipe["of"]
        if recipe["attributes"]["axis"] != 0:
            return None
        shape = self.shape(chosen)
        names = [self._letter(chosen, axis) for axis in range(len(shape))]
        letters = tuple(map(Letter, names))
        is_here = Op("==", (self.cell(chosen, letters), index[0]))
        added = Op("*", (self.cell(g, (*letters, *index[1:])), is_here))
        return Total("sum", tuple(zip(names, shape, strict=True)), added)

    # Those that only move elements.

    def _cell_of_T(self, recipe: Recipe, index: Index) -> Cell:
        return self.cell(recipe["of"][0], index[::-1])

    def _cell_of_slice(self, recipe: Recipe, index: Index) -> Cell | None:
        x, key = recipe["of"][0], list(key_of(recipe["attributes"]["key"]))
        shape, rest = self.shape(x), iter(index)
        taken = sum(k is not None and k is not Ellipsis for k in key)
        at = key.index(Ellipsis) if Ellipsis in key else len(key)
        key[at : at + 1] = [slice(None)] * (len(shape) - taken)
        inside: list[Cell] = []
        for k in key:
            if k is None:
                next(rest)
                continue
            size = shape[len(inside)]
            if isinstance(k, slice):
                start, _, step = k.indices(size)
                inside.append(_shifted(next(rest), start, step))
            else:
                inside.append(Number(k % size))
        return self.cell(x, tuple(inside))

    def _cell_of_reshape(self, recipe: Recipe, index: Index) -> Cell:
        x = recipe["of"][0]
        old, new = self.shape(x), self.shape(recipe)
        same = 0  # the last axes that stay
        while same < min(len(old), len(new)) and old[-1 - same] == new[-1 - same]:
            same += 1
        flat: Cell = Number(0)
        for i, size in zip(index[: len(new) - same], new, strict=False):
            flat = _sum_of(_shifted(flat, 0, size), i)
        inside: list[Cell] = []
        left = list(old[: len(old) - same])
        for place, _ in enumerate(left):
            below = int(np.prod(left[place + 1 :]))
            inside.append(_divided(flat, below, left[place], place == 0))
        return self.cell(x, (*inside, *index[len(new) - same :]))

    def _cell_of_concatenate(self, recipe: Recipe, index: Index) -> Cell | None:
        axis = recipe.get("attributes", {}).get("axis", 0) % len(index)
        place = index[axis]
        if not isinstance(place, Number):
            return None
        for x in recipe["of"]:
            size = self.shape(x)[axis]
            if place.value < size:
                return self.cell(x, (*index[:axis], place, *index[axis + 1 :]))
            place = Number(place.value - size)
        return None

    # --- the value of a cell --------------------------------------------------------------

    def value(self, cell: Cell, bound: Bound | None = None) -> Any:
        """The value of a cell; bound: the values of letters, numbers or arrays of them."""
        bound = bound or {}
        with np.errstate(all="ignore"):
            return self._value(cell, bound)

    def _value(self, cell: Cell, bound: Bound) -> Any:
        if isinstance(cell, Number):
            return cell.value
        if isinstance(cell, Letter):
            return bound[cell.name]
        if isinstance(cell, Op):
            of = [self._value(x, bound) for x in cell.of]
            return of[0] if cell.op in SAME else evaluate(call(cell.op, *map(_given, of)), _same)
        if isinstance(cell, Total):
            return self._total(cell.kind, self.elements(cell, bound))
        array = self.array(cell.name) if isinstance(cell, Place) else self.whole(cell.recipe)
        return array[tuple(self._value(i, bound) for i in cell.index)]

    def elements(self, total: Total, bound: Bound | None = None) -> Array:
        """What a total runs over: an array with its letters flattened into the last axis."""
        count, inner = self._inside(total, bound or {})
        found = np.asarray(self.value(total.body, inner))
        return np.broadcast_to(found, np.broadcast_shapes(found.shape, (count,)))

    def _inside(self, total: Total, bound: Bound) -> tuple[int, Bound]:
        """How many elements a total has, and its letters bound to all their values."""
        sizes = [size for _, size in total.letters]
        grid = np.indices(sizes).reshape(len(sizes), -1)
        outer = {k: v[..., None] if np.ndim(v) else v for k, v in bound.items()}
        inner = dict(zip((name for name, _ in total.letters), grid, strict=True))
        return grid.shape[1], {**outer, **inner}

    def _total(self, kind: str, elements: Array) -> Any:
        return function(kind)(elements, axis=-1)

    def rounding(self, cell: Cell, eps: float) -> float:
        """A bound, in first order, for what rounding each step by eps does to a value."""
        with np.errstate(all="ignore"):
            return float(np.max(self._rounding(cell, eps, {})))

    def _rounding(self, cell: Cell, eps: float, bound: Bound) -> Any:
        value = np.abs(np.asarray(self._value(cell, bound), "float64"))
        if isinstance(cell, Op):
            of = [np.asarray(self._value(x, bound), "float64") for x in cell.of]
            own = [self._rounding(x, eps, bound) for x in cell.of]
            slopes = SLOPES[cell.op](*of) if cell.op in SLOPES else (1.0, 1.0, 1.0)
            return eps * value + sum(
                np.where(e == 0, 0, e * np.abs(s)) for e, s in zip(own, slopes, strict=False)
            )
        if isinstance(cell, Total) and cell.kind in ("sum", "mean"):
            grid, inner = self._inside(cell, bound)
            terms = eps * np.abs(self.elements(cell, bound)) + self._rounding(cell.body, eps, inner)
            return self._total(cell.kind, np.broadcast_to(terms, (*terms.shape[:-1], grid)))
        if isinstance(cell, Other):  # what cancels inside is not known
            return WITHIN * eps * np.max(np.abs(self.whole(cell.recipe)), initial=0)
        return eps * value


SLOPES: dict[str, Callable[..., tuple[Any, ...]]] = {
    "*": lambda a, b: (b, a),
    "/": lambda a, b: (1 / b, a / b**2),
    "**": lambda a, b: (b * a ** (b - 1), a**b * np.log(np.abs(a))),
    "square": lambda a: (2 * a,),
    "sqrt": lambda a: (0.5 / np.sqrt(a),),
    "exp": lambda a: (np.exp(a),),
    "log": lambda a: (1 / a,),
}
NAMES = {"@": "product", **dict.fromkeys(OVER_AXES, "total")}


def leaves(cell: Cell) -> Iterator[Place]:
    """The elements of named values in a cell, in their order."""
    if isinstance(cell, Place):
        yield cell
    if isinstance(cell, Total):
        yield from leaves(cell.body)
    for inner in cell.of if isinstance(cell, Op) else getattr(cell, "index", ()):
        yield from leaves(inner)


def _given(value: Any) -> Recipe:
    """A value that is there already, as a recipe: see `_same`."""
    return {"name": value}


def _same(value: Any) -> Any:
    return value


def _shifted(index: Cell, start: int, step: int) -> Cell:
    """step · index + start."""
    if isinstance(index, Number):
        return Number(index.value * step + start)
    scaled = index if step == 1 else Op("*", (index, Number(step)))
    return Op("+", (scaled, Number(start))) if start else scaled


def _sum_of(first: Cell, second: Cell) -> Cell:
    """first + second, of indices."""
    if isinstance(second, Number):
        return _shifted(first, second.value, 1)
    return second if first == Number(0) else Op("+", (first, second))


def _divided(index: Cell, below: int, size: int, is_first: bool) -> Cell:
    """One axis of a flat index."""
    if size == 1:
        return Number(0)
    if isinstance(index, Number):
        return Number(index.value // below % size)
    part = index if below == 1 else Op("//", (index, Number(below)))
    return part if is_first else Op("%", (part, Number(size)))
