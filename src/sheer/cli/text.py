"""How the command lays out what it prints: lines of at most 80 columns."""

import shutil
import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 80
MOST_PLAIN_COLUMNS = 10
PLAIN = ": used as a number."


def width() -> int:
    """The columns to fill: those of the terminal, at most 80."""
    return max(40, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))


def wrapped(text: str, indent: str = "") -> str:
    """The text with long lines broken between words, and what follows a break set in by two.

    >>> print(wrapped("short line\\n" + "word " * 17))
    short line
    word word word word word word word word word word word word word word word word
      word
    """
    return "\n".join(
        textwrap.fill(
            line,
            width(),
            initial_indent=indent,
            subsequent_indent=indent + "  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        if len(indent + line) > width()
        else indent + line
        for line in text.splitlines()
    )


def condensed(report: Sequence[str]) -> list[str]:
    """A table's report, with one line for all plain columns of numbers where they are many.

    >>> condensed([f"'x{i}': used as a number." for i in range(12)])
    ["12 columns used as numbers: 'x0', 'x1', 'x2', 'x3', 'x4', ... 'x11'."]
    """
    plain = [line.removesuffix(PLAIN) for line in report if line.endswith(PLAIN)]
    if len(plain) <= MOST_PLAIN_COLUMNS:
        return list(report)
    some = f"{', '.join(plain[:5])}, ... {plain[-1]}"
    rest = [line for line in report if not line.endswith(PLAIN)]
    return [*rest, f"{len(plain)} columns used as numbers: {some}."]


def count(n: int, what: str) -> str:
    """`1 epoch`, `5 epochs`."""
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def aligned(rows: Iterable[Sequence[str]]) -> str:
    """Rows as a table: the first column to the left, the others to the right.

    >>> print(aligned([("", "model", "baseline"), ("accuracy", "0.9167", "0.1")]))
               model  baseline
    accuracy  0.9167       0.1
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[1:] = [w + 2 for w in widths[1:]]
    lines = (
        "".join(
            [
                row[0].ljust(widths[0]),
                *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
