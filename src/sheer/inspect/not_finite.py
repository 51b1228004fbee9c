"""The first NaN or infinity of a step, in words."""

from __future__ import annotations

import ast
import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from sheer.core.errors import NotFiniteError
from sheer.core.shapes import show
from sheer.inspect.recorded import NotFinite, RecordedStep
from sheer.program.rows import Row, statements_of

Array = np.ndarray[Any, Any]
# So many of the rows concerned are named.
MOST_ROWS = 5


@dataclass(frozen=True)
class Fault:
    """Where the first value that is not finite stands in a recorded step, and where it came from.

    Args:
        step: the step.
        found: its first value that is not finite.
        data_rows: for each row of the batch its number in the data, where that is known.
    """

    step: RecordedStep
    found: NotFinite
    data_rows: Array | None = None

    @property
    def value(self) -> Array:
        """The whole value."""
        return self.step[self.found.name]

    @property
    def layer(self) -> str:
        """The layer whose line it is; of a weight, the part that it belongs to."""
        row = self.found.row
        if row is not None:
            return row.part
        return self.found.name.rpartition(".")[0]

    @property
    def rows(self) -> list[int]:
        """The rows of the batch that are concerned; none where the value has no rows."""
        if not self._has_rows():
            return []
        bad = ~np.isfinite(self.value)
        return np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1)).tolist()

    @property
    def unit(self) -> int | None:
        """The unit: the place along the last axis."""
        index = self.found.index
        return index[-1] if len(index) > (1 if self._has_rows() else 0) else None

    def _has_rows(self) -> bool:
        """Whether the first axis is that of the batch: not in a weight, nor in its gradient."""
        row, shape = self.found.row, self.value.shape
        batch = next((a.shape[0] for a in self.step.inputs.values() if a.ndim), 0)
        if not shape or shape[0] != batch:
            return False
        if row is None:
            return "." not in self.found.name
        of = dict(zip(row.targets, row.of, strict=False)).get(self.found.name, "")
        return row.phase != "update" and "." not in of

    def title(self) -> str:
        """One line: what, and where."""
        return f"{number_of(self.value[self.found.index])} in {self.where()}"

    def where(self) -> str:
        """The line and the layer, or what went in."""
        row, name = self.found.row, self.found.name
        if row is None:
            return f"{name}, which went into {self.step.name}"
        lines = f"line {row.first}" if row.first == row.last else f"lines {row.first}-{row.last}"
        return f"{lines} of {self.step.name}" + (f", layer {row.part}" if row.part else "")

    def lines(self, with_source: bool = True) -> list[str]:
        """The evidence, line by line; the program's line first, if wanted."""
        row = self.found.row
        entries = [("line", row.source)] if row is not None and with_source else []
        entries.append(("value", self._place()))
        if self.rows:
            entries.append(("rows", self._named_rows()))
        entries += [("from", text) for text in self._operands()]
        width = max(len(name) for name, _ in entries)
        shown = [f"  {name:<{width}}  {text}" for name, text in entries]
        return [*shown, *self.reason()]

    def _place(self) -> str:
        value, index = self.value, self.found.index
        count = int(np.count_nonzero(~np.isfinite(value)))
        place = f"{self.found.name}[{', '.join(map(str, index))}]" if index else self.found.name
        unit = "" if self.unit is None else f", unit {self.unit}"
        verb = "is" if count == 1 else "are"
        share = f"; {count:,} of its {value.size:,} numbers {verb} not finite"
        share = share if value.size > 1 else ""
        return f"{place} is {number_of(value[index])}{unit}{share}"

    def _named_rows(self) -> str:
        rows = self.rows
        some = rows[:MOST_ROWS]
        more = f" and {len(rows) - len(some):,} more" if len(rows) > len(some) else ""
        text = f"{', '.join(map(str, some))}{more} of the batch"
        if self.data_rows is not None:
            known = ", ".join(f"{int(self.data_rows[r]):,}" for r in some)
            text += f": {'rows' if len(rows) > 1 else 'row'} {known}{more} of the data"
        return text

    def _operands(self) -> Iterator[str]:
        for name in operands_of(self.step, self.found.row):
            yield f"{name} {range_of(self.step[name])}"

    def reason(self) -> list[str]:
        """Why, as far as the line and its operands tell, and what to try."""
        row = self.found.row
        if row is None:
            kind = "data" if "." not in self.found.name else "state"
            return [HINTS[kind]]
        operands = {name: self.step[name] for name in operands_of(self.step, row)}
        return [HINTS[key] for key in _reasons(row, operands)][:1]


HINTS = {
    "data": "The data hold it: look at these rows, and fill or drop them.",
    "state": "It was there before the step: look at what set these weights.",
    "exp": "exp() of a number above 88.7 is beyond the largest float32 (3.4e+38): keep its operand "
    "small, with ops.clip or ops.minimum, or use softmax, log_softmax or logsumexp, which do.",
    "log": "The logarithm of 0 is minus infinity, of less than 0 NaN: keep its operand above 0, "
    "with ops.maximum(x, 1e-7).",
    "sqrt": "The square root of less than 0 is NaN: keep its operand at 0 or above.",
    "divide": "It divides by 0: add a small number to the divisor, or use ops.divide_no_nan.",
    "large": "The numbers are so large that the result is beyond the largest float32 (3.4e+38). "
    "They have grown: try a smaller learning rate, clipnorm=1.0 in the optimizer, or inputs "
    "scaled to about -1 to 1.",
}
# A product of numbers above this is beyond float32.
LARGE = math.sqrt(float(np.finfo("float32").max))


def _reasons(row: Row, operands: dict[str, Array]) -> Iterator[str]:
    """What the text of the line and the ranges of its operands make likely, the likeliest first."""
    floats = {k: a for k, a in operands.items() if a.dtype.kind == "f" and a.size}
    largest = max((float(np.abs(a).max()) for a in floats.values()), default=0.0)
    lowest = min((float(a.min()) for a in floats.values()), default=1.0)
    if "np.exp(" in row.source and largest < LARGE:
        yield "exp"
    if "np.log(" in row.source and lowest <= 0 and largest < LARGE:
        yield "log"
    if "np.sqrt(" in row.source and lowest < 0:
        yield "sqrt"
    if any(not floats[name].all() for name in _divisors(row.source) if name in floats):
        yield "divide"
    if largest > LARGE / max(1, max((a.size for a in floats.values()), default=1)):
        yield "large"


def _divisors(source: str) -> Iterator[str]:
    """The names by which the line divides."""
    for node in _nodes(source):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            yield _name(node.right)


def _nodes(source: str) -> Iterator[ast.AST]:
    """All parts of a line; none where it is no Python by itself."""
    return ast.walk(ast.Module(statements_of(source), []))


def _name(node: ast.AST) -> str:
    """`x` or `dense.kernel`, where a node is such a name."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def operands_of(step: RecordedStep, row: Row | None) -> list[str]:
    """The values of the step that a row names, in their order there."""
    if row is None:
        return []
    return [n for n in _names(row.source) if n in step and n not in row.targets]


@lru_cache(1024)
def _names(source: str) -> tuple[str, ...]:
    """The names in a statement, in their order."""
    nodes = [n for n in _nodes(source) if isinstance(n, (ast.Name, ast.Attribute))]
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))
    return tuple(dict.fromkeys(map(_name, nodes)))


def error_of(
    step: RecordedStep, data_rows: Array | None = None, row: Row | None = None
) -> NotFiniteError:
    """The error for a step that has a value that is not finite.

    row: the line that NumPy found to compute it, where it ran the step.
    """
    found = step.first_not_finite()
    where = where_of(step.place)
    rest = (
        "The model is as it was before this step. Of this error, caught as `error`, "
        "`error.step` is the step\nline by line: print(error.step); error.step.save(FILE) keeps "
        "it, and `sheer step FILE` shows it."
    )
    if found is None and row is not None:
        text = (
            f"{where}A NaN or an infinity in line {row.first} of {step.name}.\n  line  {row.source}"
            "\nA later line gives the same name another value, so the step does not show it."
        )
        return NotFiniteError(f"{text}\n{rest}", step)
    if found is None:
        text = (
            f"{where}The native engine computed a NaN or an infinity, at the edge of what a float "
            "can hold: NumPy,\nwhich computes the same step line by line, finds all of it finite."
        )
        return NotFiniteError(f"{text}\n{rest}", step)
    fault = Fault(step, found, data_rows)
    lines = [wrapped for line in fault.lines() for wrapped in _wrapped(line)]
    text = "\n".join([f"{where}{fault.title()}.", *lines])
    return NotFiniteError(f"{text}\n{rest}", step)


def _wrapped(line: str) -> list[str]:
    """A paragraph in lines of a readable width; the rows of a table as they are."""
    return [line] if line.startswith(" ") else textwrap.wrap(line, 90)


def where_of(place: dict[str, Any]) -> str:
    """`Epoch 1, batch 12: `, counted from 1 as the progress bar does; empty outside of a `fit`."""
    if "epoch" not in place:
        return ""
    return f"Epoch {place['epoch'] + 1}, batch {place['batch'] + 1:,}: "


def number_of(value: Any) -> str:
    """NaN, an infinity, or a number to three figures."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "infinity" if value > 0 else "-infinity"
    return f"{value:.3g}"


def range_of(array: Array) -> str:
    """Shape and range: `(128, 10), -1.5 to 88.9`."""
    if not array.size:
        return show(array.shape)
    low, high = (number_of(f(array)) for f in (np.min, np.max))
    text = low if low == high else f"{low} to {high}"
    return f"{show(array.shape)}, {text}" if array.shape else text
