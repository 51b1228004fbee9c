"""Cells in words, and in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheer.inspect.cells import Bound, Cell, Cells, Letter, Number, Op, Other, Place, Total, leaves

# How strongly a sign binds; what binds less stands in parentheses.
STRENGTH = {"+": 2, "-": 2, "*": 5, "/": 5, "//": 5, "%": 5, "negative": 4, "**": 7, "square": 7}
TOTAL, ATOM = 3, 9
SIGNS = {"*": " · ", "+": " + ", "-": " - ", "/": " / ", "//": " // ", "%": " % ", "**": " ** "}
COMPARED = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥", "<": "<", ">": ">"}
CALLED = {"maximum": "max", "minimum": "min"}
TOTALS = {"max": "the largest", "min": "the smallest", "prod": "product"}


def amount(value: Any) -> str:
    """A number in four figures.

    >>> amount(0.123456), amount(3), amount(True), amount(float("nan"))
    ('0.1235', '3', 'True', 'nan')
    """
    value = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    return f"{value + 0.0:.4g}" if isinstance(value, float) else str(value)


class Words:
    """Writes cells; with `numbers` each named element as its value."""

    def __init__(self, cells: Cells, numbers: bool = False, bound: Bound | None = None):
        self.cells, self.numbers, self.bound = cells, numbers, bound or {}

    def of(self, cell: Cell) -> str:
        """A cell in words.

        >>> cells = Cells({"x": np.array([[2.0, 3.0]])}.get, 1)
        >>> Words(cells).of(Op("*", (Place("x", (Number(0), Letter("i"))), Number(0.5))))
        'x[0, i] · 0.5'
        """
        return self._written(cell)[0]

    def _written(self, cell: Cell) -> tuple[str, int]:
        """The text, and how strongly it holds together."""
        if isinstance(cell, Number):
            if cell.words and not self.numbers:
                return cell.words, ATOM
            return self._number(cell.value)
        if isinstance(cell, Letter):
            return str(self.bound.get(cell.name, cell.name)), ATOM
        if isinstance(cell, Op):
            return self._op(cell)
        if self.numbers:
            return self._number(self.cells.value(cell, self.bound))
        if isinstance(cell, Total):
            return self._total(cell), TOTAL
        name = cell.name if isinstance(cell, Place) else _called(cell)
        inside = [self._index(i) for i in cell.index]
        return f"{name}[{', '.join(inside)}]" if inside else name, ATOM

    def _number(self, value: Any) -> tuple[str, int]:
        text = amount(value)
        return text, STRENGTH["negative"] if text.startswith("-") else ATOM

    def _index(self, cell: Cell) -> str:
        """An index: as its number, where no letter and no element is in it."""
        try:
            if not any(leaves(cell)):
                return str(self.cells.value(cell, self.bound))
        except KeyError:  # a letter that is left open
            pass
        return Words(self.cells, False, self.bound).of(cell)

    def _total(self, cell: Total) -> str:
        kind = TOTALS.get(cell.kind, cell.kind)
        letters = ", ".join(name for name, _ in cell.letters)
        return f"{kind} over {letters} of {self._held(cell.body, 3)}"

    def _op(self, cell: Op) -> tuple[str, int]:
        op, of = cell.op, cell.of
        if op == "cast":
            return self._written(of[0])
        if op == "divide_no_nan":
            op = "/"
        if op in COMPARED:
            sides = [self._held(x, 2) for x in of]
            so = f", so {int(self.cells.value(cell, self.bound))}" if self.numbers else ""
            return f"({sides[0]} {COMPARED[op]} {sides[1]}{so})", ATOM
        if op == "negative":
            return f"-{self._held(of[0], 5)}", STRENGTH[op]
        if op == "square" or (op == "**" and of[1] == Number(2)):
            return f"{self._held(of[0], 8)}²", STRENGTH["**"]
        if op in SIGNS:
            own = STRENGTH[op]
            left = self._held(of[0], 4 if op == "*" else own)
            right = self._held(of[1], {"*": 4, "+": 2}.get(op, own + 1))
            if op in "+-" and right.startswith("-"):
                right = f"({right})"
            return f"{left}{SIGNS[op]}{right}", own
        if op == "where":
            return self._choice(cell)
        arguments = ", ".join(self._written(x)[0] for x in of)
        return f"{CALLED.get(op, op)}({arguments})", ATOM

    def _choice(self, cell: Op) -> tuple[str, int]:
        condition, first, second = (self._written(x)[0] for x in cell.of)
        return f"({first} if {condition.strip('()')} else {second})", ATOM

    def _held(self, cell: Cell, least: int) -> str:
        text, strength = self._written(cell)
        return text if strength >= least else f"({text})"


def _called(cell: Other) -> str:
    """A whole function's value, by its name and what it reads."""
    of = [x.get("name", "...") for x in cell.recipe["of"]]
    name = cell.recipe["op"]
    if name == "output":
        return _called(Other(cell.recipe["of"][0], ()))
    return f"{name}({', '.join(of)})"
