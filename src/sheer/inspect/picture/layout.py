"""Where the boxes of a diagram stand: ranks in one column, or wrapped into several.

All of it is in two directions: along (in which ranks follow one another) and across. In a picture
from top to bottom these are y and x, in one from left to right x and y.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from sheer.inspect.picture.boxes import Box, Diagram, size_of
from sheer.inspect.picture.ranks import Ranks, Spot, ranked

BESIDE = 26.0  # between neighbours in a rank
BETWEEN = 38.0  # between ranks
BEND = 16.0  # more, where arrows bend between them
LANE = 14.0  # for one lane of arrows
FIRST_LANE = 13.0  # from a column or a box to a lane
RAIL = 30.0  # from the boxes of a column to the line that brings the updates
LONGEST = {"TB": 1250.0, "LR": 1800.0}  # a column that is longer is wrapped
FRAME = 18.0  # around what is inside of a frame


@dataclass
class Column:
    """Ranks that stand one after the other: from `start` to `end` across."""

    rows: list[list[Spot]]
    start: float = 0.0
    end: float = 0.0
    length: float = 0.0
    rail: float = 0.0
    # Where each of its ranks begins and ends along, from the first lane of arrows above it on.
    spans: list[tuple[float, float]] = field(default_factory=list)


@dataclass
class Layout:
    """Where everything stands: the spot of each box, the columns, and the layouts in frames."""

    is_down: bool
    ranks: Ranks
    columns: list[Column]
    breadth: float
    length: float
    inner: dict[Box, Layout]

    def port(self, box: Box, pin: Box | None) -> float:
        """How far from the middle of a box arrows leave or enter it."""
        if pin is None or box not in self.inner:
            return 0.0
        inner, spot = self.inner[box], self.ranks.spots[box]
        return inside_offset(inner, spot, self.is_down)[0] - spot.across + \
            inner.ranks.spots[pin].across  # fmt: skip


def inside_offset(inner: Layout, spot: Spot, is_down: bool) -> tuple[float, float]:
    """Where across and along the inside of a frame begins."""
    head = size_of(spot.box.lines)[1] if spot.box else 0.0
    if is_down:
        return spot.across - inner.breadth / 2, spot.along + head + FRAME / 2
    return spot.across - spot.breadth / 2 + head + FRAME / 2, spot.along + FRAME


def arrange(diagram: Diagram, rankdir: str, ratio: float = 1.25) -> Layout:
    """Find a place for each box.

    ratio: which width, as a part of the height, a picture of several columns aims at.
    """
    is_down = rankdir == "TB"
    inner = {box: arrange(box.inner, rankdir) for box in diagram.boxes if box.inner is not None}
    ranks = ranked(diagram)
    widest = max((size_of(b.lines)[0] for b in diagram.boxes if b.kind == "layer"), default=0.0)
    for row in ranks.rows:
        for spot in row:
            if spot.box is not None:
                _measure(spot, inner.get(spot.box), is_down, widest)
    columns = _wrapped(ranks, LONGEST[rankdir], ratio if is_down else 1 / ratio)
    layout = Layout(is_down, ranks, columns, 0.0, 0.0, inner)
    lanes = max((lanes_of(column) for column in columns[:-1]), default=0)
    room = lanes and FIRST_LANE + LANE * (lanes - 1) + 6
    for column in columns:
        _place_across(layout, column.rows)
        _straighten(layout, column)
        _place_along(column, room)
    _place_columns(layout)
    layout.length += room
    return layout


def _measure(spot: Spot, inside: Layout | None, is_down: bool, widest: float) -> None:
    box = spot.box
    assert box is not None
    if box.kind == "pin":
        spot.breadth = 24.0
        return
    width, height = size_of(box.lines)
    width = max(width, 96.0)
    if box.kind == "layer" and width > 0.7 * widest:
        width = max(width, widest)  # those that are nearly alike are alike
    if inside is not None:
        own = (inside.breadth, inside.length) if is_down else (inside.length, inside.breadth)
        width = max(width, own[0] + 2 * FRAME)
        height += own[1] + FRAME
    width = 2 * round(width / 2)
    spot.breadth, spot.length = (width, height) if is_down else (height, width)


# --- columns --------------------------------------------------------------------------------


def _wrapped(ranks: Ranks, longest: float, ratio: float) -> list[Column]:
    """The ranks in columns of about one length, cut where few arrows pass."""
    rows = ranks.rows
    lengths = [_length(row) + BETWEEN for row in rows]
    total = sum(lengths)
    if total <= longest:
        return [Column(rows)]
    breadth = max(sum(s.breadth + BESIDE for s in row) for row in rows) + 70
    count = max(2, round((ratio * total / breadth) ** 0.5))
    count = min(count, max(2, round(total / 420)))
    cuts, reached = [0], 0.0
    ends = []
    for length in lengths:
        reached += length
        ends.append(reached)
    for i in range(1, count):
        goal = total * i / count
        near = [r for r in range(cuts[-1] + 1, len(rows)) if
                abs(ends[r - 1] - goal) < 0.3 * total / count]  # fmt: skip
        if near:
            part = total / count
            cost = {r: _passing(rows[r - 1]) + 4 * abs(ends[r - 1] - goal) / part for r in near}
            cuts.append(min(near, key=cost.__getitem__))
    return [Column(rows[a:b]) for a, b in zip(cuts, [*cuts[1:], len(rows)], strict=True)]


def lanes_of(column: Column) -> int:
    """How many lanes the arrows from a column to the next one need."""
    return _passing(column.rows[-1])


def _passing(row: list[Spot]) -> int:
    return sum(1 for spot in row if spot.below)


def _length(row: list[Spot]) -> float:
    return max((spot.length for spot in row), default=0.0)


def _place_columns(layout: Layout) -> None:
    at = 0.0
    columns = layout.columns
    for i, column in enumerate(columns):
        updated = any(s.box is not None and s.box.is_updated for row in column.rows for s in row)
        spots = [s for row in column.rows for s in row]
        start = min(s.across - s.breadth / 2 for s in spots)
        end = max(s.across + s.breadth / 2 for s in spots)
        if i:
            at += 26 + LANE * lanes_of(columns[i - 1])
        if updated and len(columns) > 1:
            at += RAIL
        for spot in spots:
            spot.across += at - start
        column.start, column.end = at, at + end - start
        column.rail = at - RAIL
        at = column.end
    layout.breadth = at
    layout.length = max(column.length for column in columns)


# --- within a column ------------------------------------------------------------------------


def _place_along(column: Column, start: float) -> None:
    at = start
    for i, row in enumerate(column.rows):
        length = _length(row)
        for spot in row:
            spot.along = at
            if spot.box is None or spot.box.kind == "pin":
                spot.length = length
        column.spans.append((at, at + length))
        at += length + (_gap(row) if i + 1 < len(column.rows) else 0.0)
    column.length = at


def _gap(row: list[Spot]) -> float:
    """The room after a rank: more where arrows bend or where updates come in from below."""
    if all(s.box is not None and s.box.kind == "pin" for s in row):
        return 26.0
    bends = max((abs(s.across - b.across) for s in row for b in s.below), default=0.0)
    gap = BETWEEN - 8 + (BEND if bends > 4 else 0.0) + min(40.0, bends / 16)
    return gap + (LANE if needs_lane(row) else 0.0)


def needs_lane(row: list[Spot]) -> bool:
    """Whether some box that is updated has another one between it and the rail."""
    return any(spot.box is not None and spot.box.is_updated for spot in beyond_first(row))


def beyond_first(row: list[Spot]) -> list[Spot]:
    """The boxes of a rank but for the first."""
    return [spot for spot in row if spot.box is not None][1:]


def _place_across(layout: Layout, rows: list[list[Spot]]) -> None:
    """Put each spot as near to the middle of its neighbours as the order allows."""
    for row in rows:
        at = 0.0
        for spot in row:
            spot.across = at + spot.breadth / 2
            at += spot.breadth + BESIDE
        for spot in row:
            spot.across -= (at - BESIDE) / 2
    known = {spot for row in rows for spot in row}
    shifts = _shifts(layout)
    losses = [row for row in rows if any(s.box is not None and s.box.kind == "loss" for s in row)]
    # Down and up by turns; at last the losses go below their predictions.
    sweeps = [(rows, True), (rows[::-1], False)] * 5 + [(losses, True)]
    for in_turn, is_down in sweeps:
        for row in in_turn:
            near = [spot.above if is_down else spot.below for spot in row]
            _fit(row, [_wanted(s, n, known, shifts) for s, n in zip(row, near, strict=True)])


def _straighten(layout: Layout, column: Column) -> None:
    """Arrows that pass at the side of all boxes go straight on, as far out as they must."""
    for edge, outermost in ((0, min), (-1, max)):
        at_edge = {row[edge] for row in column.rows if row[edge].box is None}
        for _, way in layout.ranks.ways:
            passages = [spot for spot in way if spot in at_edge]
            for spot in passages:
                spot.across = outermost(other.across for other in passages)


def _shifts(layout: Layout) -> dict[tuple[Spot, Spot], float]:
    """How far the lower of two spots wants to stand from the upper one, for the pins of frames."""
    found: dict[tuple[Spot, Spot], float] = {}
    for arrow, way in layout.ranks.ways:
        out = layout.port(arrow.source, arrow.out_of)
        into = layout.port(arrow.target, arrow.into)
        for i, (upper, lower) in enumerate(pairwise(way)):
            shift = (out if i == 0 else 0.0) - (into if i == len(way) - 2 else 0.0)
            found.setdefault((upper, lower), shift)
    return found


def _wanted(
    spot: Spot,
    near: list[Spot],
    known: set[Spot],
    shifts: dict[tuple[Spot, Spot], float],
) -> tuple[float, float]:
    """Where a spot wants to stand, and how much it wants it: boxes below boxes, passages straight
    on."""
    inside = [s for s in near if s in known]
    alike = [s for s in inside if (s.box is None) == (spot.box is None)]
    central = [s for s in alike if s.box is None or s.box.kind != "targets"]
    chosen = central or alike or inside
    if not chosen:
        return spot.across, 1e-4
    places = [s.across + shifts.get((s, spot), 0.0) - shifts.get((spot, s), 0.0) for s in chosen]
    is_aside = spot.box is None or spot.box.kind == "targets"
    return sum(places) / len(places), 1e-4 if is_aside else 1.0


def _fit(row: list[Spot], wanted: list[tuple[float, float]]) -> None:
    """Least squares under the order and the room between neighbours: pool adjacent violators."""
    offset, pools, offsets = 0.0, [], []
    for i, spot in enumerate(row):
        if i:
            offset += (row[i - 1].breadth + spot.breadth) / 2 + BESIDE
        offsets.append(offset)
        goal, weight = wanted[i]
        pools.append([goal - offset, weight, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            value, total, count = pools.pop()
            before = pools[-1]
            before[0] = (before[0] * before[1] + value * total) / (before[1] + total)
            before[1] += total
            before[2] += count
    i = 0
    for value, _, count in pools:
        for _ in range(int(count)):
            row[i].across = value + offsets[i]
            i += 1
