"""Sheet: the page of a picture, with the optimizer, the ways of the updates, and the header."""

from __future__ import annotations

from sheer.inspect.picture.boxes import Arrow, Box, Diagram, size_of, width_of
from sheer.inspect.picture.layout import RAIL, Layout, arrange, inside_offset
from sheer.inspect.picture.routes import Route, routes_of, updates_of
from sheer.inspect.picture.svg import (
    Placing,
    box_of,
    legend,
    rectangle,
    route_of,
    safe,
    style,
    text,
)

MARGIN = 28.0
HEADER = 84.0  # the height of the name, the counts and the legend
# From the loss to the optimizer beside it: room for a word on the arrow.
OPTIMIZER_GAP = {True: 96.0, False: 46.0}
BUS = 22.0  # from the columns to the line that brings the updates to all of them


class Sheet:
    """The page: the diagram, the optimizer beside or below the loss, the updates, the header."""

    def __init__(self, diagram: Diagram, rankdir: str, optimizer: Box | None, loss: Box | None):
        self.diagram, self.optimizer, self.loss = diagram, optimizer, loss
        self.is_down = rankdir == "TB"
        self.layout = arrange(diagram, rankdir)
        self.is_wrapped = len(self.layout.columns) > 1
        self.routes: list[Route] = []
        self.labels: list[tuple[float, float, str, str]] = []
        # Across and along, breadth and length of the optimizer, where it stands by itself.
        self.beside: tuple[float, float, float, float] | None = None
        # Where across the picture begins, and where along it ends.
        self.first = 0.0
        self.end = self.layout.length
        if optimizer is not None and loss is not None:
            (self._wrapped_updates if self.is_wrapped else self._updates)(optimizer, loss, rankdir)

    def _updates(self, optimizer: Box, loss: Box, rankdir: str) -> None:
        """The optimizer at the side of the loss, and the rail from it along the column."""
        layout, column = self.layout, self.layout.columns[0]
        spot = layout.ranks.spots[loss]
        size = size_of(optimizer.lines)
        size = (max(size[0], 150.0), size[1])
        breadth, length = size if self.is_down else size[::-1]
        edge = spot.across - spot.breadth / 2
        end = edge - OPTIMIZER_GAP[self.is_down]
        beside = RAIL if self.is_down else breadth / 2 + 8
        rail = min(column.start - beside, end - min(44.0, breadth / 2))
        end = min(end, rail + breadth / 2)
        along = spot.along + (spot.length - length) / 2
        self.beside = end - breadth, along, breadth, length
        middle = spot.along + spot.length / 2
        route = Route("backward")
        route.line(edge, middle)
        route.line(end, middle)
        self.routes.append(route)
        half = (edge + end) / 2
        self.labels.append((half, middle - 8, "gradients", "middle") if self.is_down else
                           (middle + 9, half + 4, "gradients", "start"))  # fmt: skip
        ends = updates_of(layout, column, rail)
        if ends:
            self._rail(rail, along, min(_start(r) for r in ends))
            self.routes += ends
            self._label(rail, along - 10, "updates")
        self.first = min(end - breadth, rail - (70 if self.is_down else 20))
        self.end = max(self.end, along + length)

    def _rail(self, rail: float, start: float, end: float) -> None:
        line = Route("backward", has_head=False)
        line.line(rail, start)
        line.line(rail, end)
        self.routes.append(line)

    def _label(self, across: float, along: float, words: str) -> None:
        """Words that end at the left of a point, above it."""
        x, y = (across - 9, along) if self.is_down else (along, across - 8)
        self.labels.append((x, y, words, "end"))

    def _wrapped_updates(self, optimizer: Box, loss: Box, rankdir: str) -> None:
        """The optimizer below the loss, and a rail at each column, all from one line below."""
        self.diagram.add(optimizer)
        self.diagram.arrows.append(Arrow(loss, optimizer, "backward"))
        self.layout = layout = arrange(self.diagram, rankdir)
        spot = layout.ranks.spots[optimizer]
        bus = max(layout.length + BUS, spot.along + spot.length + (0 if self.is_down else 80))
        updates = [updates_of(layout, column, column.rail) for column in layout.columns]
        rails = list(zip(layout.columns, updates, strict=True))
        wanted = [column.rail for column, ends in rails if ends]
        if not wanted:
            return
        line = Route("backward", has_head=False)
        line.line(spot.across, spot.along + spot.length)
        line.corners([(spot.across, spot.along + spot.length), (spot.across, bus),
                      (min(wanted), bus)])  # fmt: skip
        self.routes.append(line)
        for column, ends in rails:
            if ends:
                self._rail(column.rail, bus, min(_start(r) for r in ends))
                self.routes += ends
        # In the corner between the optimizer and the line.
        self._label(spot.across, bus - 8 if self.is_down else bus - 9, "updates")
        if self.is_down:
            self.labels.append((spot.across + 9, spot.along - 14, "gradients", "start"))
        self.first, self.end = min(0.0, min(wanted) - 8), bus + 14

    def svg(self, lines: list[str], note: str, title: str) -> str:
        """All of it as text. lines: the header; note: what stands below."""
        across, along = self.layout.breadth - self.first, self.end
        wide, high = (across, along) if self.is_down else (along, across)
        top = MARGIN + HEADER
        key, key_width = legend(MARGIN, MARGIN + 58, self.loss is not None, self._has_targets())
        head = [text(MARGIN, MARGIN + 16, lines[0], 19, "bold"),
                text(MARGIN, MARGIN + 36, lines[1], 12.5, "muted"), key]  # fmt: skip
        room = max(wide, key_width, width_of(lines[0], 19, False, True),
                   width_of(lines[1], 12.5, False), width_of(note, 12, False))  # fmt: skip
        left = MARGIN + (room - wide) / 2
        place = Placing(left - self.first, top, True)
        if not self.is_down:
            place = Placing(left, top - self.first, False)
        width, height = room + 2 * MARGIN, top + high + MARGIN + (24 if note else 0)
        if note:
            head.append(text(MARGIN, height - MARGIN + 6, note, 12, "muted"))
        size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" class="sheer-picture" role="img" '
                f'aria-label="{safe(title)}" {size}>',
                f"<title>{safe(title)}</title>",
                f"<desc>{safe(self._says(lines[1]))}</desc>",
                f"<style>{style()}</style>",
                rectangle(0, 0, width, height, "ground", 0),
                *head,
                *[route_of(route, place) for route in self.routes],
                _drawn(self.layout, place),
                *[text(place.x + x, place.y + y, words, 12, "backward", anchor)
                  for x, y, words, anchor in self.labels],
                *self._optimizer_beside(place),
                "</svg>",
            ]
        )  # fmt: skip

    def _optimizer_beside(self, place: Placing) -> list[str]:
        if self.beside is None or self.optimizer is None:
            return []
        across, along, breadth, length = self.beside
        size = (breadth, length) if self.is_down else (length, breadth)
        return [box_of(self.optimizer, *place.point(across, along), *size)]

    def _has_targets(self) -> bool:
        return any(box.kind == "targets" for box in self.diagram.boxes)

    def _says(self, counts: str) -> str:
        """The picture in words, for who cannot see it."""
        parts = [counts]
        boxes = [box for box in self.diagram.boxes if box is not self.optimizer]
        for box in boxes:
            sources = [a.source.name for a in self.diagram.arrows if a.target is box]
            parts.append(f"{box.says}, from {' and '.join(sources)}" if sources else box.says)
        if self.optimizer is not None:
            parts.append(f"{self.optimizer.says}, which changes the weights by the gradients of "
                         "the loss")  # fmt: skip
        return ". ".join(parts) + "."


def _start(route: Route) -> float:
    return route.steps[0][1][0][1]


def _drawn(layout: Layout, place: Placing) -> str:
    """The arrows and the boxes of a diagram, and what is in its frames."""
    parts = [route_of(route, place) for route in routes_of(layout)]
    for box, spot in layout.ranks.spots.items():
        if box.kind == "pin":
            continue
        x, y = place.point(spot.across - spot.breadth / 2, spot.along)
        w, h = (spot.breadth, spot.length) if place.is_down else (spot.length, spot.breadth)
        inside = ""
        if box in layout.inner:
            origin = place.inside(*inside_offset(layout.inner[box], spot, place.is_down))
            inside = _drawn(layout.inner[box], origin)
        parts.append(box_of(box, x, y, w, h, inside))
    return "\n".join(parts)
