"""The terms of a sum, the largest first, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sheer.inspect.cells import Bound, Cell, Cells, Op, Total
from sheer.inspect.words import Words, amount


@dataclass(frozen=True)
class Term:
    """A term of a sum: its cell, at one place of the letters that run, and its value."""

    cells: Cells
    cell: Cell
    bound: Bound
    value: float

    @property
    def words(self) -> str:
        """`x[3, 152] · dense.kernel[152, 17]`."""
        return Words(self.cells, False, self.bound).of(self.cell)

    @property
    def numbers(self) -> str:
        """`0.9922 · 0.07133`."""
        return Words(self.cells, True, self.bound).of(self.cell)


class Terms:
    """All terms of a sum, or what another total runs over; the largest first, NaN before all.

    Args:
        cells: of the step.
        parts: what is added, each with its sign; a Total stands for all that it runs over.
    """

    def __init__(self, cells: Cells, parts: Sequence[tuple[Cell, int]]):
        self.cells, self.parts = cells, parts
        runs = [
            np.atleast_1d(cells.elements(part) if isinstance(part, Total) else cells.value(part))
            for part, _ in parts
        ]
        signed = zip(runs, parts, strict=True)
        values = np.concatenate([sign * run.astype("float64") for run, (_, sign) in signed])
        self._starts = np.cumsum([0, *map(len, runs)])
        self._order = np.argsort(-np.nan_to_num(np.abs(values), nan=np.inf), kind="stable")
        self.values = values[self._order]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, place: int) -> Term:
        start = self._order[place]
        number = int(np.searchsorted(self._starts, start, side="right")) - 1
        part, sign = self.parts[number]
        bound: Bound = {}
        if isinstance(part, Total):
            sizes = [size for _, size in part.letters]
            at = np.unravel_index(start - self._starts[number], sizes)
            bound = {name: int(i) for (name, _), i in zip(part.letters, at, strict=True)}
            part = part.body
        cell = Op("negative", (part,)) if sign < 0 else part
        return Term(self.cells, cell, bound, float(self.values[place]))

    def __iter__(self) -> Iterator[Term]:
        return (self[place] for place in range(len(self)))

    def table(self, total: float, most: int, end: str) -> list[str]:
        """The largest terms, the rest in a line, and what they add up to.

        end: how the last is called; empty where they are not added.
        """
        count = max(1, min(most, int(np.count_nonzero(self.values)))) if len(self) else 0
        rows = []
        for place in range(count):
            term = self[place]
            words, numbers, value = term.words, term.numbers, amount(term.value)
            rows.append((words, numbers if numbers != value else "", value))
        widths = [max((len(row[k]) for row in rows), default=0) for k in range(2)]
        lines = [
            (f"{words:<{widths[0]}}  {numbers:>{widths[1]}}".rstrip(), value)
            for words, numbers, value in rows
        ]
        rest = self.values[count:]
        if rest.size:
            zeros = rest.size - int(np.count_nonzero(rest))
            share = ", all 0" if zeros == rest.size else f", {zeros:,} of them 0" if zeros else ""
            added = amount(float(rest.sum())) if end else ""
            lines.append((f"and {rest.size:,} more{share}", added))
        if end:
            lines.append((end, amount(total)))
        wide, high = (max((len(row[k]) for row in lines), default=0) for k in range(2))
        return [
            f"      {left:<{wide}} = {right:>{high}}" if right else f"      {left}"
            for left, right in lines
        ]
