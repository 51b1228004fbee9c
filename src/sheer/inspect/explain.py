"""Why a number of a step is what it is: the sum that made it; the chain rule behind a gradient."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sheer.core.errors import did_you_mean
from sheer.core.text import without_controls
from sheer.inspect.cells import Bound, Cell, Cells, Number, Op, Place, Total, leaves
from sheer.inspect.recipes import names_in, recipes_of
from sheer.inspect.sums import Term, Terms
from sheer.inspect.words import Words, amount
from sheer.program.rows import Row

WIDTH = 110
FEW_TERMS = 3  # of each further line in a chain
MOST_LINKS = 40
ROUNDING = 4.0  # as many times the bound for rounding pass for rounding: see `Cells.rounding`


class Explanation:
    """How one number of a step came about; printed, in words and in numbers.

    Attributes:
        name, index: which number.
        value: as it was recorded.
        formula: what it is made of, in words; empty for what went in.
        total: the formula's value in float64, from the recorded operands.
        terms: where it is a sum, its terms, the largest first.
        is_same: whether `value` and `total` agree up to rounding.
        under: the explanations of numbers that it is made of.
        lines: the text.
    """

    def __init__(self, name: str, index: tuple[int, ...], value: float):
        self.name, self.index, self.value = name, index, value
        self.formula = ""
        self.total = value
        self.terms: Sequence[Term] | Terms = ()
        self.is_same = True
        self.under: list[Explanation] = []
        self.lines: list[str] = []

    def __str__(self) -> str:
        return "\n".join(self._text(0)) + "\n"

    def __repr__(self) -> str:
        return f"<Explanation of {_place(self.name, self.index)} = {amount(self.value)}>"

    def _repr_html_(self) -> str:
        from sheer.inspect import notebook

        return notebook.preformatted(str(self))

    def _text(self, depth: int) -> Iterator[str]:
        for line in map(without_controls, self.lines):
            begin = " " * (len(line) - len(line.lstrip()))
            yield from (
                textwrap.wrap(
                    line,
                    max(40, WIDTH - 2 * depth),
                    initial_indent="  " * depth + begin,
                    subsequent_indent="  " * depth + begin + "    ",
                    break_long_words=False,
                    break_on_hyphens=False,
                )
                if len(line) > WIDTH
                else ["  " * depth + line]
            )
        for explanation in self.under:
            yield ""
            yield from explanation._text(depth + 1)


class Explainer:
    """Explains the numbers of one recorded step."""

    def __init__(self, step: Any):
        self.step = step
        first = next((v for k, v in step.inputs.items() if "." not in k and v.ndim), np.zeros(1))
        self.cells = Cells(step.__getitem__, len(first))
        recipes = recipes_of(step.rows, step.text, step)
        self.recipes = {target: r for row in recipes for target, r in row.items()}

    # --- what the user asks for -----------------------------------------------------------

    def value(self, name: str, index: Sequence[int], most: int) -> Explanation:
        """Of a value; of a layer its output, and under it what that was made of in the layer."""
        layers = self._layers()
        if name in self.step:
            return self._one(name, self._checked(name, index), most)
        if name not in layers:
            # By its stem: a model that is made again has dense_2 in the place of dense.
            kin = [layer for layer in layers if layer.startswith(f"{name}_")]
            known = [*self.step, *layers]
            raise KeyError(
                f"explain: there is no value or layer {name!r}."
                + (f" The layers here: {', '.join(layers)}." if kin else did_you_mean(name, known))
            )
        first, *others = layers[name]
        explanation = self._one(first, self._checked(first, index), most)
        if others:
            also = " and ".join(f"explain({other!r}, ...)" for other in others)
            times = f"{name} is called {1 + len(others)} times"
            explanation.lines.insert(0, f"{times}: this is the first; see also {also}.")
        self._within(explanation, name, most, {first})
        return explanation

    def gradient(self, name: str, index: Sequence[int], most: int) -> Explanation:
        """The chain rule from one gradient to the loss, along the largest terms."""
        target = self._gradient_of(name)
        place = self._checked(target, index)
        explanation = self._one(target, place, most)
        of = self._of(target)
        if of:
            explanation.lines.insert(0, _says(of, place, explanation.value))
        self._follow(explanation, MOST_LINKS)
        return explanation

    # --- names ----------------------------------------------------------------------------

    def _layers(self) -> dict[str, list[str]]:
        """For each layer the values that it gives on: one for each call of it."""
        rows: dict[str, list[Row]] = {}
        for row in self.step.rows:
            news = [of for of in row.of if of]
            if row.phase == "forward" and row.part and row.targets and not news:
                rows.setdefault(row.part, []).append(row)
        found = {}
        for part, own in rows.items():
            used = {n for row in own for t in row.targets for n in self._reads(t)}
            outputs = [t for row in own for t in row.targets if t not in used and t in self.step]
            found[part] = outputs or [own[-1].targets[0]]
        return found

    def _reads(self, target: str) -> list[str]:
        recipe = self.recipes.get(target)
        return names_in(recipe) if recipe else []

    def _of(self, target: str) -> str:
        """What a value is the gradient of."""
        row: Row | None = self.step.row_of(target)
        if row is None or row.phase != "backward" or not row.of:
            return ""
        return row.of[row.targets.index(target)]

    def _gradient_of(self, name: str) -> str:
        gradients: dict[str, str] = {
            self._of(t): t for row in self.step.rows for t in row.targets if self._of(t)
        }
        name = self._layers().get(name, [name])[0] if name not in self.step else name
        if name in gradients:
            return gradients[name]
        if name in self.step:
            own = self.step.row_of(name)
            if own is not None and own.phase == "backward":
                return name
            guess = "d_" + name.replace(".", "_")
            if guess in self.step.values:
                return guess
            raise KeyError(
                f"explain_gradient: {name!r} has no gradient in {self.step.name}. These have one: "
                f"{', '.join(gradients) or 'none'}."
            )
        known = [*gradients, *gradients.values()]
        raise KeyError(
            f"explain_gradient: there is no value or weight {name!r}.{did_you_mean(name, known)}"
        )

    def _checked(self, name: str, index: Sequence[int]) -> tuple[int, ...]:
        shape = self.step[name].shape
        if len(index) != len(shape):
            raise IndexError(
                f"{name} has shape {_shape(shape)}, so one number of it has {len(shape)} "
                f"{'index' if len(shape) == 1 else 'indices'}. Got {len(index)}: {list(index)}."
            )
        for axis, (i, size) in enumerate(zip(index, shape, strict=True)):
            if isinstance(i, bool) or not isinstance(i, (int, np.integer)):
                raise TypeError(f"An index of {name} is a whole number. Got {i!r}.")
            if not -size <= i < size:
                raise IndexError(
                    f"{name} has shape {_shape(shape)}: axis {axis} goes from 0 to {size - 1}. "
                    f"Got {i}."
                )
        return tuple(int(i) % size for i, size in zip(index, shape, strict=True))

    # --- one number -----------------------------------------------------------------------

    def _one(self, name: str, index: tuple[int, ...], most: int) -> Explanation:
        found = Explanation(name, index, self.step[name][index].item())
        row = self.step.row_of(name)
        where = f"line {row.first}: {row.source}" if row else "it went into the step"
        head = f"{_place(name, index)} = {amount(found.value)}"
        found.lines = [f"{head}    ({_short(where, 96 - len(head))})"]
        recipe = self.recipes.get(name) if name in self.step.values else None
        if recipe is None:
            if row:
                found.lines.append("  A part of this line is not understood: no more is known.")
            return found
        try:
            cell = self._cell(name, index)
            found.formula = Words(self.cells).of(cell)
            found.total = float(self.cells.value(cell))
            self._compare(found, cell)
            self._describe(found, cell, most)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            found.formula = ""
            found.lines[1:] = [f"  The line does not fit what was recorded: {error}."]
        return found

    def _cell(self, name: str, index: tuple[int, ...]) -> Cell:
        """A number by what it is made of."""
        recipe = self.recipes[name] or {}
        shapes = self.cells.shape(recipe), self.step[name].shape
        if shapes[0] != shapes[1]:
            raise ValueError(f"it gives the shape {shapes[0]}, and that of {name} is {shapes[1]}")
        self.cells.restart()
        return self.cells.cell(recipe, tuple(map(Number, index)))

    def _compare(self, found: Explanation, cell: Cell) -> None:
        dtype = self.step[found.name].dtype
        exact = np.finfo(dtype).eps if dtype.kind == "f" else 0.0
        rounding = ROUNDING * self.cells.rounding(cell, float(exact))
        gap = abs(found.total - found.value)
        alike = found.total == found.value or (np.isnan(found.total) and np.isnan(found.value))
        found.is_same = bool(alike or gap <= rounding)

    def _describe(self, found: Explanation, cell: Cell, most: int) -> None:
        parts = list(_added(cell))
        totals = [part for part, _ in parts if isinstance(part, Total) and part.kind == "sum"]
        found.lines.append(f"  = {found.formula}")
        found.lines += self._chosen(cell)
        if totals:
            found.terms = terms = Terms(self.cells, _runs(parts))
            end = "together" + self._as_recorded(found)
            found.lines += terms.table(found.total, most, end)
        else:
            self._plain(found, cell, most)
        found.lines += self._verdict(found)

    def _chosen(self, cell: Cell) -> list[str]:
        """What the indices are that were computed: `y[3]` in `z2[3, y[3]]`."""
        inside = [i for leaf in leaves(cell) for i in leaf.index if isinstance(i, Place)]
        return [
            f"    where {Words(self.cells).of(place)} = {amount(self.cells.value(place))}"
            for i, place in enumerate(inside)
            if place not in inside[:i] and self._fixed(place, {}) is not None
        ]

    def _plain(self, found: Explanation, cell: Cell, most: int) -> None:
        """The formula with its numbers, and what the sums in it are made of."""
        numbers = Words(self.cells, numbers=True).of(cell)
        if numbers not in (amount(found.total), found.formula):
            found.lines.append(f"  = {numbers}")
        found.lines.append(f"  = {amount(found.total)}{self._as_recorded(found)}")
        totals = list(_totals(cell))
        for total in [t for i, t in enumerate(totals) if t not in totals[:i]]:
            terms = Terms(self.cells, [(total, 1)])
            value = float(self.cells.value(total))
            words = Words(self.cells).of(total)
            found.lines.append(f"  where {words} = {amount(value)}:")
            if total.kind == "mean":
                end = f"together, to be divided by {len(terms):,}"
                found.lines += terms.table(value * len(terms), most, end)
            else:
                end = "together" if total.kind == "sum" else ""
                found.lines += terms.table(value, most, end)
            if not found.terms:
                found.terms = terms

    def _as_recorded(self, found: Explanation) -> str:
        return ", as recorded" if found.is_same else ""

    def _verdict(self, found: Explanation) -> list[str]:
        if found.is_same:
            return []
        return [
            f"  Recorded is {found.value:.8g}, and the formula gives {found.total:.8g}: more than "
            "rounding explains."
        ]

    # --- further numbers ------------------------------------------------------------------

    def _within(self, found: Explanation, layer: str, most: int, seen: set[str]) -> None:
        """Explain the numbers of the same layer that a number was made of."""
        if not found.formula:
            return
        cell = self._cell(found.name, found.index)
        for leaf in leaves(cell):
            row = self.step.row_of(leaf.name)
            index = self._fixed(leaf, {})
            if leaf.name in seen or row is None or row.part != layer or index is None:
                continue
            seen.add(leaf.name)
            found.under.append(self._one(leaf.name, index, most))
            self._within(found.under[-1], layer, most, seen)

    def _follow(self, found: Explanation, links: int) -> None:
        """Explain the gradient that contributed most."""
        place = None
        if found.formula:
            cell = self._cell(found.name, found.index)
            place = self._heaviest(cell, {}) if found.value else None
            begins = not any(map(self._is_backward, self._reads(found.name)))
            of = self._of(found.name)
            if begins:
                of = _place(of, found.index) if of else "it"
                found.lines.append(
                    f"  Here the chain begins: this line is how the loss itself changes with {of}."
                )
            elif not found.value:
                found.lines.append("  It is 0, so the chain ends here.")
        if place is None or not links:
            return
        following = self._one(*place, FEW_TERMS)
        of = self._of(following.name)
        if of:
            following.lines.insert(0, f"how the loss changes with {_place(of, following.index)}:")
        found.under.append(following)
        self._follow(following, links - 1)

    def _is_backward(self, name: str) -> bool:
        row = self.step.row_of(name)
        return row is not None and row.phase == "backward"

    def _heaviest(self, cell: Cell, bound: dict[str, int]) -> tuple[str, tuple[int, ...]] | None:
        """The gradient in the largest term of a cell."""
        if isinstance(cell, Place):
            index = self._fixed(cell, bound)
            is_one = index is not None and self._is_backward(cell.name)
            return (cell.name, index or ()) if is_one else None
        if isinstance(cell, Total):
            values = np.abs(np.nan_to_num(self.cells.elements(cell, bound), nan=np.inf))
            at = np.unravel_index(int(values.argmax()), [size for _, size in cell.letters])
            inner = {n: int(i) for (n, _), i in zip(cell.letters, at, strict=True)}
            return self._heaviest(cell.body, {**bound, **inner})
        if not isinstance(cell, Op):
            return None
        of = list(cell.of)
        if cell.op in ("+", "-"):
            of.sort(key=lambda x: -abs(float(self.cells.value(x, bound))))
        return next((found for x in of if (found := self._heaviest(x, bound))), None)

    def _fixed(self, place: Place, bound: Bound) -> tuple[int, ...] | None:
        """The index of an element, where no letter is left open in it."""
        try:
            return tuple(int(self.cells.value(i, bound)) for i in place.index)
        except KeyError:
            return None


def _added(cell: Cell, sign: int = 1) -> Iterator[tuple[Cell, int]]:
    """The terms of a chain of + and -, with their signs."""
    if isinstance(cell, Op) and cell.op in ("+", "-"):
        yield from _added(cell.of[0], sign)
        yield from _added(cell.of[1], sign if cell.op == "+" else -sign)
    elif isinstance(cell, Op) and cell.op == "negative":
        yield from _added(cell.of[0], -sign)
    else:
        yield cell, sign


def _runs(parts: Sequence[tuple[Cell, int]]) -> list[tuple[Cell, int]]:
    """The parts of a sum; what is no sum itself stands there as one term."""
    return [
        (Op("cast", (part,)), sign)
        if isinstance(part, Total) and part.kind != "sum"
        else (part, sign)
        for part, sign in parts
    ]


def _totals(cell: Cell) -> Iterator[Total]:
    """The totals in a cell that stand in no other."""
    if isinstance(cell, Total):
        yield cell
    elif isinstance(cell, Op):
        for x in cell.of:
            yield from _totals(x)


def _says(of: str, index: tuple[int, ...], slope: float) -> str:
    word = "grows" if slope > 0 else "falls"
    place = _place(of, index)
    if slope == 0:
        return f"The loss of this batch does not change with {place}."
    return (
        f"Where {place} grows a little, the loss of this batch {word} by "
        f"{amount(abs(slope))} times as much."
    )


def _place(name: str, index: Sequence[int]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _shape(shape: tuple[int, ...]) -> str:
    return str(shape) if shape else "()"


def _short(text: str, width: int) -> str:
    return text if len(text) <= max(24, width) else text[: max(24, width) - 3] + "..."
