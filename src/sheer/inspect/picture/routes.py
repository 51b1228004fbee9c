"""The ways of arrows: around boxes, bent between ranks, and with corners between columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from sheer.inspect.picture.boxes import Box, panel_of
from sheer.inspect.picture.layout import FIRST_LANE, FRAME, LANE, Column, Layout, beyond_first
from sheer.inspect.picture.ranks import Spot

Point = tuple[float, float]  # across, along
STRAIGHT = 9.0  # before an arrow's head
PORTS = 20.0  # from one arrow into a box to the next
ROUND = 8.0
BESIDE_BUS = 22.0  # where, from the edge of a box, updates come in from below


@dataclass
class Route:
    """A line: moves (M), straight lines (L) and curves (C, Q), each with its points."""

    kind: str
    steps: list[tuple[str, list[Point]]] = field(default_factory=list)
    has_head: bool = True

    def line(self, *point: float) -> None:
        """Go straight to a point, or begin there."""
        here = self.steps[-1][1][-1] if self.steps else None
        if here != point:
            self.steps.append(("L" if self.steps else "M", [(point[0], point[1])]))

    def bend(self, across: float, along: float) -> None:
        """Go on to a point in a curve that begins and ends along the ranks."""
        here = self.steps[-1][1][-1]
        if abs(here[0] - across) < 0.5:
            self.line(across, along)
            return
        middle = (here[1] + along) / 2
        self.steps.append(("C", [(here[0], middle), (across, middle), (across, along)]))

    def corners(self, points: list[Point]) -> None:
        """Go along straight lines with round corners."""
        for before, corner, after in zip(points, points[1:], points[2:], strict=False):
            radius = min(ROUND, _distance(before, corner) / 2, _distance(corner, after) / 2)
            self.line(*_toward(corner, before, radius))
            self.steps.append(("Q", [corner, _toward(corner, after, radius)]))
        self.line(*points[-1])


def _distance(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _toward(start: Point, end: Point, by: float) -> Point:
    distance = _distance(start, end) or 1.0
    return (start[0] + (end[0] - start[0]) * by / distance,
            start[1] + (end[1] - start[1]) * by / distance)  # fmt: skip


def routes_of(layout: Layout) -> list[Route]:
    """The ways of all arrows of a diagram."""
    ports = _ports(layout)
    lanes = _lanes(layout)
    home = {spot: i for i, c in enumerate(layout.columns) for row in c.rows for spot in row}
    edge = FRAME / 2 if layout.is_down else FRAME  # from the inside to the frame
    found = []
    for number, (arrow, way) in enumerate(layout.ranks.ways):
        route = Route(arrow.kind)
        out = layout.port(arrow.source, arrow.out_of)
        first, last = way[0], way[-1]
        if arrow.source.kind == "pin":
            route.line(first.across, first.along - edge)
        route.line(first.across + out, first.along + first.length)
        for upper, lower in pairwise(way):
            shift = ports[number] if lower is last else 0.0
            column = layout.columns[home[upper]]
            if home[upper] == home[lower]:
                _within(route, column, upper, lower, shift)
            else:
                _to_next_column(route, column, lanes[upper], lower, shift)
            route.line(lower.across + shift, lower.along)
            if lower is not last:
                route.line(lower.across, lower.along + lower.length)
        if arrow.target.kind == "pin":
            route.has_head = False
            route.line(last.across, layout.length + edge)
        found.append(route)
    return found


def _within(route: Route, column: Column, upper: Spot, lower: Spot, shift: float) -> None:
    """Through the room between two ranks of a column."""
    first = column.rows[0][0].rank
    route.line(route.steps[-1][1][-1][0], column.spans[upper.rank - first][1])
    head = STRAIGHT if lower.box is not None else 0.0
    route.bend(lower.across + shift, column.spans[lower.rank - first][0] - head)


def _lanes(layout: Layout) -> dict[Spot, tuple[int, int]]:
    """The lane of each spot whose arrows go on in the next column, and the lane above that: one
    turn lies within the other, the last spot's innermost."""
    found: dict[Spot, tuple[int, int]] = {}
    for column in layout.columns[:-1]:
        leaving = [spot for spot in column.rows[-1] if spot.below]
        leaving.sort(key=lambda spot: -spot.across)
        found |= {spot: (i, len(leaving) - 1 - i) for i, spot in enumerate(leaving)}
    return found


def _to_next_column(
    route: Route, column: Column, lanes: tuple[int, int], lower: Spot, shift: float
) -> None:
    """Below its column, up beside it, and into the next one from above."""
    lane, lane_above = lanes
    across = route.steps[-1][1][-1][0]
    beside = column.end + FIRST_LANE + 3 + lane * LANE
    below = column.length + FIRST_LANE + lane * LANE
    above = column.spans[0][0] - FIRST_LANE - lane_above * LANE
    points = [route.steps[-1][1][-1], (across, below), (beside, below), (beside, above),
              (lower.across + shift, above), (lower.across + shift, lower.along)]  # fmt: skip
    route.corners(points)


def _ports(layout: Layout) -> list[float]:
    """For each arrow how far from the middle of its target it ends: those from the left first, and
    the one that comes from straight above in the middle."""
    found = [0.0] * len(layout.ranks.ways)
    into: dict[Box, list[tuple[float, int]]] = {}
    for i, (arrow, way) in enumerate(layout.ranks.ways):
        if arrow.into is not None:
            found[i] = layout.port(arrow.target, arrow.into)
        elif arrow.target.kind != "pin":
            start = way[-2].across + (layout.port(arrow.source, arrow.out_of)
                                      if len(way) == 2 else 0.0)  # fmt: skip
            into.setdefault(arrow.target, []).append((start, i))
    for box, arrows in into.items():
        arrows.sort()
        spot = layout.ranks.spots[box]
        room = min(PORTS, (spot.breadth - 40) / max(1, len(arrows) - 1))
        middle = (len(arrows) - 1) / 2
        for place, (start, _) in enumerate(arrows):
            if abs(start - spot.across) < 2:
                middle = place
        for place, (_, i) in enumerate(arrows):
            found[i] = (place - middle) * room
    return found


def updates_of(layout: Layout, column: Column, rail: float) -> list[Route]:
    """The last parts of the updates' ways: from the rail of a column to its boxes."""
    found = []
    for row, (_, end) in zip(column.rows, column.spans, strict=True):
        boxes = [spot for spot in row if spot.box is not None]
        if boxes and boxes[0].box is not None and boxes[0].box.is_updated:
            spot = boxes[0]
            route = Route("backward")
            along = spot.along + _entry(spot, layout.is_down)
            route.line(rail, along)
            route.line(spot.across - spot.breadth / 2, along)
            found.append(route)
        others = [s for s in beyond_first(row) if s.box is not None and s.box.is_updated]
        for spot in others:
            # One line below the rank to the last of them, and a branch up to each one before.
            route = Route("backward")
            across, lane = spot.across - spot.breadth / 2 + BESIDE_BUS, end + FIRST_LANE
            start = (rail, lane) if spot is others[-1] else (across, lane)
            route.line(*start)
            route.corners([start, (across, lane), (across, spot.along + spot.length)])
            found.append(route)
    return found


def _entry(spot: Spot, is_down: bool) -> float:
    """Where along a box the updates come in: at its weights."""
    assert spot.box is not None
    panel = panel_of(spot.box.lines)
    if not is_down:
        return min(40.0, spot.length / 2)
    if panel is None:
        return min(26.0, spot.length / 2)
    return panel[0] + panel[1] / 2
