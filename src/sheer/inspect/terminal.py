"""A recorded step as text: the program, with each value's shape and range beside its line."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from sheer.inspect import lines
from sheer.inspect.lines import FIGURES as HEADINGS
from sheer.inspect.lines import Line, duration, figures, lines_of

WIDTH = 110
NARROWEST_SOURCE = 24
BOLD, DIM, RED, BLUE, END = "\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[34m", "\x1b[0m"
DROPPED = ("time", "mean", "min")  # one after the other, where the lines have no room
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
    columns = _Columns(shown, width)
    title = textwrap.wrap(lines.title(step), width, subsequent_indent="  ")
    text = [paint(BOLD, line) for line in title]
    warning = lines.not_finite(step)
    text += [paint(RED, line) for line in textwrap.wrap(warning, width, subsequent_indent="  ")]
    text.append("\n" + paint(DIM, columns.headings()))
    for line in shown:
        if line.kind == "heading":
            text.append(("" if line is shown[0] else "\n") + paint(BOLD, line.text))
        elif line.kind == "comment":
            text.append(paint(BLUE, f"  {shortened(line.text, width - 2)}"))
        else:
            is_bad = line.statistics is not None and not line.statistics.is_finite
            text.append(paint(RED if is_bad else "", columns.row(line, "!" if is_bad else " ")))
    total = sum(step.seconds)
    text.append("\n" + paint(DIM, f"NumPy took {duration(total)} for all lines together."))
    return "\n".join(text) + "\n"


class _Columns:
    """How wide each column is; where there is no room, some are left out."""

    room: int

    def __init__(self, shown: list[Line], width: int):
        cells = [figures(line) for line in shown if line.kind in INDENT]
        self.widths = [
            max([len(heading), *(len(row[k]) for row in cells)])
            for k, heading in enumerate(HEADINGS)
        ]
        self.margin = max([len(str(line.number or "")) for line in shown]) + 4
        longest = max(len(_labelled(line)) for line in shown)
        self.kept = [*range(len(HEADINGS))]
        for dropped in ("", *DROPPED):
            self.kept = [k for k in self.kept if HEADINGS[k] != dropped]
            taken = self.margin + sum(self.widths[k] + 2 for k in self.kept)
            self.room = min(longest, max(8, width - taken))
            if self.room >= min(longest, NARROWEST_SOURCE):
                break

    def headings(self) -> str:
        return " " * (self.margin + self.room) + self._beside(HEADINGS)

    def row(self, line: Line, mark: str) -> str:
        """A line of the program, with its figures beside it."""
        number = str(line.number or "").rjust(self.margin - 4)
        source = shortened(_labelled(line), self.room).ljust(self.room)
        text = f"{mark} {number}  {source}{self._beside(figures(line))}"
        return text.rstrip()

    def _beside(self, cells: Sequence[str]) -> str:
        return "".join(f"  {cells[k]:>{self.widths[k]}}" for k in self.kept)


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


class _Paint:
    """Puts colour around a text, or leaves it."""

    def __init__(self, colour: bool):
        self.colour = colour

    def __call__(self, code: str, text: str) -> str:
        return f"{code}{text}{END}" if self.colour and code else text
