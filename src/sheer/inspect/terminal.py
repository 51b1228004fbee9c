"""A recorded step as text: the program, with each value's shape and range beside its line."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from sheer.inspect import lines
from sheer.inspect.lines import Line, duration, figure, lines_of, notes, shape
from sheer.inspect.statistics import Statistics

WIDTH = 110
NARROWEST_SOURCE = 24
BOLD, DIM, RED, BLUE, END = "\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[34m", "\x1b[0m"
HEADINGS = ("shape", "min", "mean", "max", "notable", "time")
INDENT = {"row": "", "value": "    → ", "input": ""}


def table(step: Any, width: int | None = None, colour: bool | None = None) -> str:
    """The step as text.

    Args:
        step: a RecordedStep.
        width: the columns to fill at most; by default those of the terminal, up to 110.
        colour: whether to colour it; by default where stdout is a terminal and NO_COLOR is unset.
    """
    width = width or _width()
    paint = _Paint(shows_colour() if colour is None else colour)
    shown = list(lines_of(step))
    cells = [_cells(line) for line in shown]
    widths = [
        max([len(heading), *(len(row[k]) for row in cells if row)])
        for k, heading in enumerate(HEADINGS)
    ]
    margin = max([len(str(line.number or "")) for line in shown]) + 4
    room = max(NARROWEST_SOURCE, width - margin - sum(w + 2 for w in widths))
    room = min(room, max(len(_labelled(line)) for line in shown))
    text = [paint(BOLD, lines.title(step))]
    warning = lines.not_finite(step)
    if warning:
        text.append(paint(RED, warning))
    heading = "".join(f"  {h:>{w}}" for h, w in zip(HEADINGS, widths, strict=True))
    text.append("\n" + paint(DIM, " " * (margin + room) + heading))
    for line, row in zip(shown, cells, strict=True):
        if line.kind == "heading":
            text.append(("" if line is shown[0] else "\n") + paint(BOLD, line.text))
        elif line.kind == "comment":
            text.append(paint(BLUE, f"  {shortened(line.text, width - 2)}"))
        else:
            text.append(_row(line, row, widths, margin, room, paint))
    total = sum(step.seconds)
    text.append("\n" + paint(DIM, f"NumPy took {duration(total)} for all lines together."))
    return "\n".join(text) + "\n"


def shows_colour() -> bool:
    """Whether stdout is a terminal that shows colours, and nobody asked for none."""
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def shortened(source: str, width: int) -> str:
    """A line of a program in so many columns: the arguments of a call go first.

    >>> shortened("a, b = rmsprop_step(d_dense_kernel, velocity, learning_rate)", 30)
    'a, b = rmsprop_step(...)'
    >>> shortened("new_kernel = kernel - learning_rate * d_kernel", 30)
    'new_kernel = kernel - learn...'
    """
    if len(source) <= width:
        return source
    called = re.sub(r"^([^=()]+ = [\w.]+)\(.*\)$", r"\1(...)", source)
    return called if len(called) <= width else called[: width - 3] + "..."


def _width() -> int:
    import shutil

    return min(WIDTH, max(60, shutil.get_terminal_size((WIDTH, 24)).columns))


def _labelled(line: Line) -> str:
    return INDENT.get(line.kind, "") + line.text


def _cells(line: Line) -> list[str]:
    """The figures beside a line."""
    if line.kind not in INDENT:
        return []
    time = "" if line.seconds is None else duration(line.seconds)
    if line.statistics is None:
        return ["", "", "", "", "", time]
    return [shape(line.statistics), *_range(line.statistics), notes(line.statistics), time]


def _range(statistics: Statistics) -> list[str]:
    """Least, mean, largest; of a single number just that."""
    middle = figure(statistics.mean)
    if not statistics.shape:
        return ["", "inf" if statistics.infinities else middle, ""]
    return [figure(statistics.minimum), middle, figure(statistics.maximum)]


def _row(
    line: Line, row: list[str], widths: list[int], margin: int, room: int, paint: _Paint
) -> str:
    is_bad = line.statistics is not None and not line.statistics.is_finite
    mark = "!" if is_bad else " "
    number = str(line.number or "").rjust(margin - 4)
    source = shortened(_labelled(line), room).ljust(room)
    figures = "".join(f"  {cell:>{w}}" for cell, w in zip(row, widths, strict=True))
    text = f"{mark} {number}  {source}"
    return paint(RED if is_bad else "", (text + figures).rstrip())


class _Paint:
    """Puts colour around a text, or leaves it."""

    def __init__(self, colour: bool):
        self.colour = colour

    def __call__(self, code: str, text: str) -> str:
        return f"{code}{text}{END}" if self.colour and code else text
