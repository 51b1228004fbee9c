"""The figures of a training, drawn with the signs of a terminal; `History.plot_text` returns it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sheer.core.checks import integer
from sheer.core.text import printable
from sheer.inspect.curves import Chart, Curve, Panel, chart

CALLER = "History.plot_text"
LEAST_WIDTH, LEAST_HEIGHT = 40, 4
# Cells from one mark to the next, at least, where each of many epochs cannot have one.
APART = 8


@dataclass(frozen=True)
class Signs:
    """What the drawing is made of.

    grid: how many dots a cell has, across and down; each can be set.
    marks: of a point, by the kind of its curve.
    """

    grid: tuple[int, int]
    marks: dict[str, str]
    side: str
    tick: str
    corner: str
    floor: str
    foot: str


BRAILLE = Signs((2, 4), {"over": "○", "end": "●", "rate": "─"}, "│", "┤", "└", "─", "┬")
ASCII = Signs((1, 1), {"over": "o", "end": "*", "rate": "="}, "|", "+", "+", "-", "+")
# In ASCII a line is made of one sign, by the kind of its curve.
DOTS = {"over": ".", "end": "-", "rate": "="}
# The dots of a braille sign, as bits, by column and line.
BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
# So many dots of a line are left out after one that is drawn.
SKIPPED = {"over": 2, "end": 0, "rate": 0}


def plot_text(
    history: Any,
    metrics: str | Iterable[str] | None = None,
    width: int = 80,
    height: int = 12,
    ascii: bool | None = None,
) -> str:
    """The figures of a `History` as text, a panel for each quantity: see `History.plot_text`."""
    for name, value, least in (("width", width, LEAST_WIDTH), ("height", height, LEAST_HEIGHT)):
        if not integer(least).accepts(value):
            raise ValueError(f"{CALLER}: {name} must be {integer(least).words}. Got {value!r}.")
    if ascii is None:
        sample = f"{BRAILLE.side}⠿{''.join(BRAILLE.marks.values())}"
        ascii = printable(sample) != sample
    shown = chart(history, metrics, CALLER)
    scales = [Scale.of(panel, height) for panel in shown.panels]
    margin = max(map(len, ["epoch", *(label for scale in scales for label in scale.labels())]))
    signs = ASCII if ascii else BRAILLE
    texts = [
        _panel(shown, panel, scale, signs, margin, width)
        for panel, scale in zip(shown.panels, scales, strict=True)
    ]
    notes = "\n".join(line for note in shown.notes for line in textwrap.wrap(note, width))
    return "\n\n".join([*texts, notes] if notes else texts)


@dataclass(frozen=True)
class Scale:
    """The axis of a panel: its lowest tick, the step to the next one, and the lines between.

    A tick is exactly at the middle of its line.
    """

    low: float
    step: float
    ticks: int
    lines: int

    @classmethod
    def of(cls, panel: Panel, height: int) -> Scale:
        """With round ticks, three if it can be; the one that gives the numbers most lines."""
        numbers = panel.finite()
        if not numbers.size:
            return cls(0, 0, 0, 1)
        low, high = float(numbers.min()), float(numbers.max())
        if high - low <= 1e-9 * max(abs(low), abs(high)):
            room = abs(low) / 10 or 1.0
            low, high = low - room, high + room
        power = math.floor(math.log10(high - low))
        found = []
        for step in [f * 10.0**e for e in (power - 1, power, power + 1) for f in (1, 2, 2.5, 5)]:
            first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
            lines = (height - 1) // (last - first)
            if lines >= 2 or (lines == 1 and height < 2 * LEAST_HEIGHT):
                scale = cls(first * step, step, last - first + 1, lines)
                found.append((min(scale.ticks, 3), (high - low) / step * lines, scale))
        return max(found, key=lambda each: each[:2])[2]

    @property
    def height(self) -> int:
        """How many lines the panel has."""
        return (self.ticks - 1) * self.lines + 1 if self.ticks else 1

    def line(self, value: Any) -> Any:
        """Where a value lies, in lines above the lowest tick."""
        return (value - self.low) / self.step * self.lines

    def labels(self) -> list[str]:
        """The numbers at the ticks, the lowest first."""
        values = [self.low + i * self.step for i in range(self.ticks)]
        largest = max(map(abs, values), default=0)
        if not values:
            return []
        # As many decimals as the step has.
        places = next(n for n in range(400) if abs(round(self.step, n) / self.step - 1) < 1e-6)
        if places <= 5 and largest < 1e6:
            return [f"{round(value, places) + 0.0:,.{places}f}" for value in values]
        digits = math.floor(math.log10(largest / self.step)) + 2
        return [f"{value if abs(value) > self.step / 2 else 0:.{digits}g}" for value in values]


class Canvas:
    """Cells to draw in, from the lowest line up: dots, and marks over them."""

    def __init__(self, shown: Chart, scale: Scale, signs: Signs, width: int):
        self.scale, self.signs, self.first = scale, signs, shown.first
        span = shown.last - shown.first
        # Cells for an epoch: an even number where they are many, so that its middle is a cell.
        each = (width - 1) / span
        self.each = each if each < 4 else each // 2 * 2
        self.width = round(self.each * span) + 1
        self.dots = np.zeros((scale.height, self.width), int)
        self.signs_at = np.full((scale.height, self.width), " ")

    def draw(self, curve: Curve) -> None:
        """A line through the points, and marks on them."""
        x, y = curve.drawn()
        if curve.kind == "rate":
            x, y = np.stack([x - 1, x], 1).ravel(), np.repeat(y, 2)
        for i in range(len(x) - 1):
            self._line(curve, x[i : i + 2], y[i : i + 2])
        if curve.kind != "rate":
            for i in self._marked(curve, x, y):
                cell = round(self._across(x[i])), round(self.scale.line(y[i]))
                self.signs_at[cell[::-1]] = self.signs.marks[curve.kind]

    def lines(self) -> list[str]:
        """The lines of text, the uppermost first."""
        rows = zip(self.signs_at, self.dots, strict=True)
        return ["".join(map(_sign, *row)) for row in rows][::-1]

    def _across(self, x: Any) -> Any:
        """In cells, from the middle of the first."""
        return (x - self.first) * self.each

    def _line(self, curve: Curve, x: Any, y: Any) -> None:
        """From one point to the next, unless there is a gap."""
        if not np.isfinite([*x, *y]).all():
            return
        across, down = self.signs.grid
        # In dots; the middle of a cell lies between two of them.
        columns = (self._across(x) + 0.5) * across - 0.5
        rows = (self.scale.line(y) + 0.5) * down - 0.5
        count = max(1, math.ceil(max(abs(columns[1] - columns[0]), abs(rows[1] - rows[0]))))
        every = 1 if down == 1 else SKIPPED[curve.kind] + 1
        for part in range(0, count + 1, every):
            at = part / count
            column = math.floor(columns[0] + at * (columns[1] - columns[0]) + 0.5)
            row = math.floor(rows[0] + at * (rows[1] - rows[0]) + 0.5)
            self._dot(min(column, self.width * across - 1), row, curve)

    def _dot(self, column: int, row: int, curve: Curve) -> None:
        across, down = self.signs.grid
        cell = row // down, column // across
        if down == 1:
            self.signs_at[cell] = DOTS[curve.kind]
        else:
            self.dots[cell] |= BITS[column % across][down - 1 - row % down]

    def _marked(self, curve: Curve, x: Any, y: Any) -> list[int]:
        """The points with a mark: all, or some where they are near each other."""
        is_gap = np.isnan(np.concatenate([[np.nan], y, [np.nan]]))
        lone = ~is_gap[1:-1] & is_gap[:-2] & is_gap[2:]
        between = np.nanmin(np.diff(x), initial=np.inf, where=np.diff(x) > 0) * self.each
        every = 1 if between >= APART / 2 else math.ceil(APART / between)
        # Those of the second curve between those of the first.
        some = np.arange(len(x)) % every == (every // 2 if curve.kind == "over" else every - 1)
        return [int(i) for i in np.flatnonzero((lone | some) & np.isfinite(y))]


def _sign(sign: str, dots: int) -> str:
    return sign if sign != " " or not dots else chr(0x2800 + dots)


def _panel(shown: Chart, panel: Panel, scale: Scale, signs: Signs, margin: int, width: int) -> str:
    """The legend, the lines of the drawing with their labels, and the epochs below."""
    canvas = Canvas(shown, scale, signs, width - margin - 2)
    for curve in panel.curves:
        canvas.draw(curve)
    labels = dict(zip(range(0, scale.height, scale.lines), scale.labels(), strict=False))
    body = [
        f"{labels.get(row, ''):>{margin}} {signs.tick if row in labels else signs.side}{line}"
        for row, line in zip(range(scale.height)[::-1], canvas.lines(), strict=True)
    ]
    lines = [*_legend(panel, signs, margin, width), *body, *_epochs(shown, canvas, margin)]
    return "\n".join(line.rstrip() for line in lines)


def _legend(panel: Panel, signs: Signs, margin: int, width: int) -> list[str]:
    """The marks and their meaning, in one line where they fit."""
    entries = [f"{signs.marks[curve.kind]} {curve.words}" for curve in panel.curves]
    for indent in (" " * (margin + 2), ""):
        line = indent + "   ".join(entries)
        if len(line) <= width:
            return [line]
    return [part for entry in entries for part in textwrap.wrap(entry, width)]


def _epochs(shown: Chart, canvas: Canvas, margin: int) -> list[str]:
    """The axis below, with ticks where epochs end."""
    signs, first, last = canvas.signs, int(shown.first), int(shown.last)
    apart = max(4, len(str(last)) + 3)  # cells
    steps = (f * 10**e for e in range(20) for f in (1, 2, 5))
    step = next(s for s in steps if s * canvas.each >= apart or s > last - first)
    ticks = [n for n in range(first, last + 1) if n % step == 0] or [last]
    floor = [signs.floor] * canvas.width
    numbers = [" "] * (canvas.width + len(str(last)))
    for tick in ticks:
        cell = round((tick - first) * canvas.each)
        floor[cell] = signs.foot
        text = str(tick)
        start = max(0, min(cell - (len(text) - 1) // 2, canvas.width - len(text)))
        numbers[start : start + len(text)] = text
    return [
        f"{'':{margin}} {signs.corner}{''.join(floor)}",
        f"{'epoch':>{margin}}  {''.join(numbers)}",
    ]
