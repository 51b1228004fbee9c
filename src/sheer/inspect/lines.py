"""What a view of a recorded step shows, line by line: the program, and the figures beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sheer.core.text import without_controls
from sheer.inspect.statistics import Statistics
from sheer.inspect.words import amount
from sheer.program.rows import ALONE, NUMBERED, function_of, text_lines

FIGURES = ("shape", "min", "mean", "max", "notable", "time")
NOTABLE = 0.01  # the least share of zeros that is told


@dataclass(frozen=True)
class Line:
    """A line of a view.

    Args:
        kind: `"heading"` of a phase, `"comment"` that names a layer, `"row"` of the program,
            `"value"`: one of several that the row above computes, `"input"`.
        text: without control characters.
        number: the row's line in the program.
        name: of the value in it, if there is one.
        statistics: of that value.
        seconds: that the row took.
    """

    kind: str
    text: str
    number: int | None = None
    name: str = ""
    statistics: Statistics | None = None
    seconds: float | None = None


def lines_of(step: Any) -> Iterator[Line]:
    """The lines of a view of a step: what went in, then the program."""
    yield Line("heading", "what goes in")
    for name in shown_inputs(step):
        yield _valued(Line("input", name), step, name)
    text = text_lines(step.text)
    reached = _start(step)
    for row, seconds, kept in zip(step.rows, step.seconds, step.kept(), strict=True):
        for line in text[reached : row.first - 1]:
            yield from _heading(line.strip())
        reached = row.last
        if row.phase == "result" or not any(target in step for target in row.targets):
            continue
        source = without_controls(row.source)
        if row.targets == kept and len(kept) == 1:
            yield _valued(Line("row", source, row.first, seconds=seconds), step, row.targets[0])
            continue
        shown = _computed(source) if len(row.targets) > 1 else source
        yield Line("row", shown, row.first, seconds=seconds)
        for target in kept:
            yield _valued(Line("value", target), step, target)


def shown_inputs(step: Any) -> list[str]:
    """The data, and the state of layers; of the rest only what is not finite."""
    layers = {row.part for row in step.rows if row.phase == "forward"}
    return [
        name
        for name in step.inputs
        if "." not in name
        or name.partition(".")[0] in layers
        or not (step.statistics(name).is_finite or name.startswith("metrics."))
    ]


def title(step: Any) -> str:
    """`train_step, epoch 1, batch 4, 128 rows: loss 0.3121, accuracy 0.9141`."""
    words = [step.name]
    rows = next((len(a) for k, a in step.inputs.items() if "." not in k and a.ndim), None)
    for key in ("epoch", "batch"):
        place = step.place.get(key)
        if isinstance(place, int):
            words.append(f"{key} {place + 1}")
    if rows is not None:
        words.append("1 row" if rows == 1 else f"{rows:,} rows")
    logs = [f"{k} {amount(v)}" for k, v in step.logs.items() if np.ndim(v) == 0]
    return without_controls(", ".join(words) + (": " + ", ".join(logs) if logs else ""))


def not_finite(step: Any) -> str:
    """A sentence on the first NaN or infinity; empty where all is finite."""
    found = step.first_not_finite()
    if found is None:
        return ""
    array = step[found.name]
    place = f"{found.name}[{', '.join(map(str, found.index))}]" if found.index else found.name
    value = figure(array[found.index])
    if found.row is None:
        where = "so it went into the step"
    else:
        layer = f" of layer {found.row.part}" if found.row.part else ""
        where = f"line {found.row.first}{layer}: {found.row.source}"
    share = step.statistics(found.name)
    total = round((share.nans + share.infinities) * array.size)
    count = f", one of {total:,} in it" if total > 1 else ""
    return without_controls(
        f"The first value that is not finite: {place} = {value}{count}; {where}"
    )


def figure(value: Any) -> str:
    """A number in three figures, for a column.

    >>> figure(0.123456), figure(12), figure(float("nan")), figure(1e-7)
    ('0.123', '12', 'NaN', '1e-07')
    """
    value = value.item() if hasattr(value, "item") else value
    if value != value:
        return "NaN"
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.3g}"
    return f"{value:g}" if abs(value) < 1e5 else f"{value:.3g}"


def share(value: float) -> str:
    """A share in percent, which is never rounded to none or to all.

    >>> share(0.514), share(0.0001), share(0.9999), share(1.0)
    ('51%', '<1%', '>99%', '100%')
    """
    if 0 < value < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= value < 1 else f"{value:.0%}"


def notes(statistics: Statistics) -> str:
    """What is notable: NaN, infinities, zeros."""
    found = []
    if not statistics.shape:
        return ""
    if statistics.nans:
        found.append(f"{share(statistics.nans)} NaN")
    if statistics.infinities:
        found.append(f"{share(statistics.infinities)} inf")
    if statistics.zeros >= NOTABLE:
        found.append(f"{share(statistics.zeros)} zero")
    return ", ".join(found)


def figures(line: Line) -> list[str]:
    """What stands beside a line, see FIGURES; of a single number its value as the mean."""
    time = "" if line.seconds is None else duration(line.seconds)
    found = line.statistics
    if found is None:
        return ["", "", "", "", "", time]
    ends = [figure(found.minimum), figure(found.mean), figure(found.maximum)]
    if not found.shape:
        ends = ["", "inf" if found.infinities else ends[1], ""]
    return [shape(found), *ends, notes(found), time]


def shape(statistics: Statistics) -> str:
    """`128 × 512`; empty for a single number."""
    return " × ".join(map(str, statistics.shape))


def duration(seconds: float) -> str:
    """`312 µs`, `1.20 ms`, `2.5 s`.

    >>> duration(0.000312), duration(0.0012), duration(2.5)
    ('312 µs', '1.2 ms', '2.5 s')
    """
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _valued(line: Line, step: Any, name: str) -> Line:
    return replace(line, name=name, statistics=step.statistics(name))


def _computed(source: str) -> str:
    """What several values are computed by; their names follow."""
    targets, sign, expression = source.partition(" = ")
    return expression if sign and "(" not in targets.strip("(") else source


def _start(step: Any) -> int:
    """Where the function's body begins in the text; its docstring says nothing new."""
    try:
        return function_of(step.text, step.name).lineno
    except (StopIteration, SyntaxError, ValueError, RecursionError, MemoryError):
        return step.rows[0].first - 1 if step.rows else 0


def _heading(line: str) -> Iterator[Line]:
    if line.startswith("#") and not line.startswith("# what changes"):
        is_phase = NUMBERED.match(line) or ALONE.match(line)
        yield Line("heading" if is_phase else "comment", without_controls(line.lstrip("# ")))
