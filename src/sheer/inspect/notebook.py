"""A recorded step as an HTML table, for notebooks."""

from __future__ import annotations

from html import escape
from typing import Any

from sheer.inspect import lines
from sheer.inspect.lines import Line, duration, figure, lines_of, notes, shape

HEADINGS = ("line", "program", "shape", "min", "mean", "max", "notable", "time")
TEXT = 'style="text-align: left"'
CODE = 'style="text-align: left; font-family: monospace; white-space: pre"'


def table(step: Any) -> str:
    """The step as HTML: one table with a caption, and a heading for each phase."""
    warning = lines.not_finite(step)
    parts = [
        "<table>",
        f"<caption {TEXT}>{escape(lines.title(step))}"
        + (f"<br><strong>{escape(warning)}</strong>" if warning else "")
        + "</caption>",
        "<thead><tr>"
        + "".join(f'<th scope="col" {TEXT}>{h}</th>' for h in HEADINGS)
        + "</tr></thead>",
        "<tbody>",
        *map(_row, lines_of(step)),
        "</tbody>",
        "</table>",
    ]
    return "\n".join(parts)


def _row(line: Line) -> str:
    text = escape(line.text)
    if line.kind == "heading":
        return f'<tr><th scope="rowgroup" colspan="{len(HEADINGS)}" {TEXT}>{text}</th></tr>'
    if line.kind == "comment":
        return f'<tr><td></td><td colspan="{len(HEADINGS) - 1}" {TEXT}><em>{text}</em></td></tr>'
    indent = "    → " if line.kind == "value" else ""
    number = "" if line.number is None else str(line.number)
    cells = "".join(f"<td>{cell}</td>" for cell in map(escape, _figures(line)))
    return f"<tr><td>{number}</td><td {CODE}>{indent}{text}</td>{cells}</tr>"


def _figures(line: Line) -> list[str]:
    time = "" if line.seconds is None else duration(line.seconds)
    found = line.statistics
    if found is None:
        return ["", "", "", "", "", time]
    ends = (found.minimum, found.mean, found.maximum)
    return [shape(found), *map(figure, ends), notes(found), time]
