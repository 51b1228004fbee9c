"""A recorded step as an HTML table, and an explanation as text, for notebooks."""

from __future__ import annotations

from html import escape
from typing import Any

from sheer.inspect import lines
from sheer.inspect.lines import FIGURES, Line, figures, lines_of

HEADINGS = ("line", "program", *FIGURES)
TEXT = 'style="text-align: left"'
NUMBER = 'style="text-align: right; white-space: nowrap; padding: 0 0.5em"'
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
        + "".join(
            f'<th scope="col" {TEXT if h in HEADINGS[:2] else NUMBER}>{h}</th>' for h in HEADINGS
        )
        + "</tr></thead>",
        "<tbody>",
        *map(_row, lines_of(step)),
        "</tbody>",
        "</table>",
    ]
    return "\n".join(parts)


def preformatted(text: str) -> str:
    """Text as it stands."""
    return f'<pre style="line-height: 1.3">{escape(text)}</pre>'


def _row(line: Line) -> str:
    text = escape(line.text)
    if line.kind == "heading":
        return f'<tr><th scope="rowgroup" colspan="{len(HEADINGS)}" {TEXT}>{text}</th></tr>'
    if line.kind == "comment":
        return f'<tr><td></td><td colspan="{len(HEADINGS) - 1}" {TEXT}><em>{text}</em></td></tr>'
    indent = "    → " if line.kind == "value" else ""
    number = "" if line.number is None else str(line.number)
    is_bad = line.statistics is not None and not line.statistics.is_finite
    marks = ("<strong>", "</strong>") if is_bad else ("", "")
    cells = "".join(f"<td {NUMBER}>{escape(figure).join(marks)}</td>" for figure in figures(line))
    return f"<tr><td>{number}</td><td {CODE}>{indent}{text}</td>{cells}</tr>"
