"""Picture: a model as one clear drawing, from the data to the loss and back to the weights."""

from __future__ import annotations

import copy
import os
from typing import Any

from sheer.core import tree
from sheer.core.files import write_text
from sheer.inspect.picture.boxes import Arrow, Box, Diagram, shortened, size_of, width_of
from sheer.inspect.picture.describe import Describe, Show
from sheer.inspect.picture.flow import Flow, flow_of, unused
from sheer.inspect.picture.layout import RAIL, Column, Layout, arrange, inside_offset
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

MANY = 14  # from so many layers on boxes say the same in fewer lines
MARGIN = 28.0
HEADER = 84.0
OPTIMIZER_GAP = {True: 96.0, False: 46.0}
BUS = 22.0
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>body{{margin:0;overflow-x:auto}}</style>
{svg}
</html>
"""


class Picture:
    """A drawing of a model, as `Model.picture` gives it. A notebook shows it.

    `svg` is all of it, as text: it needs no other file, and no program but a browser.
    """

    def __init__(self, svg: str, title: str):
        self.svg = svg
        self.title = title

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, whole or not at all: `NAME.svg`, or `NAME.html`, a page with it.

        Other endings are a ValueError.
        """
        check_ending("save", path)
        is_page = os.fspath(path).lower().endswith(".html")
        page = PAGE.format(title=safe(self.title), svg=self.svg)
        write_text(path, page if is_page else f"{self.svg}\n")

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x:auto">{self.svg}</div>'

    def __repr__(self) -> str:
        return f"<Picture of {self.title}: {len(self.svg) / 1024:.0f} KB of SVG>"


def check_ending(caller: str, path: str | os.PathLike[str]) -> None:
    """Raise where a file of this name would be no SVG and no page."""
    name = os.fspath(path)
    if not name.lower().endswith((".svg", ".html")):
        base = os.path.splitext(name)[0] or "model"
        raise ValueError(
            f"{caller}: sheer draws SVG, which any browser shows at any size. Got {name!r}.\n"
            f"Give {base + '.svg'!r}, or {base + '.html'!r} for a page. For pixels or paper, open "
            "that in a browser and print it, or convert the SVG: rsvg-convert, Inkscape."
        )


def picture(model: Any, rankdir: str = "TB", show: Show | None = None) -> Picture:
    """Draw a model: see `Model.picture`.

    rankdir: `"TB"`, from top to bottom, or `"LR"`, from left to right. show: what the boxes say.
    """
    show = show or Show()
    if rankdir not in ("TB", "LR"):
        raise ValueError(
            f"rankdir must be 'TB' (top to bottom) or 'LR' (left to right). Got {rankdir!r}."
        )
    if len(model._flatten_layers()) > MANY:
        show = Show(**{**vars(show), "is_compact": True})
    describe = Describe(show, model.optimizer is not None)
    flow, outputs = flow_of(model, describe)
    names = _output_names(model, outputs)
    last = _predictions_and_loss(flow, model, names, outputs)
    title = f"{type(model).__name__} {model.name!r}"
    lines = [shortened(model.name, 60), f"{type(model).__name__} · {_counts(model)}"]
    left = unused(model, flow.diagram)
    note = f"Not used in call: {', '.join(left)}" if left else ""
    optimizer = describe.optimizer(model.optimizer) if last is not None else None
    svg = _Sheet(flow.diagram, rankdir, optimizer, last).svg(lines, note, title)
    return Picture(svg, title)


def _counts(model: Any) -> str:
    layers = sum(1 for one in model.layers if type(one).__name__ != "InputLayer")
    return f"{layers} layer{'s' * (layers != 1)} · {model.count_params():,} parameters"


def _output_names(model: Any, outputs: list[Any]) -> list[str]:
    """What the outputs are called: as in programs."""
    if len(outputs) == 1:
        return ["y_pred"]
    structure = model.output_symbols
    if isinstance(structure, dict) and len(structure) == len(outputs):
        return list(map(str, structure))
    names = model.names_inside()[1]
    if len(names) == len(outputs) == len(set(names)):
        return list(names)
    return [f"y_pred_{i + 1}" for i in range(len(outputs))]


def _predictions_and_loss(
    flow: Flow, model: Any, names: list[str], outputs: list[Any]
) -> Box | None:
    """Add what follows the layers; the box of the loss, None where the model is not compiled."""
    diagram, describe = flow.diagram, flow.describe
    predictions = []
    for name, y in zip(names, outputs, strict=True):
        box = describe.predictions(name, y)
        flow.put(box, [y], [])
        predictions.append(box)
    if model.optimizer is None:
        return None
    penalties = any(w.regularizer is not None for w in model.trainable_weights)
    is_own = not model.needs_targets("train_step")
    if is_own:
        words = "computed in the model's own train_step"
        if type(model).compute_loss.__qualname__ != "Model.compute_loss":
            words = "computed in the model's own compute_loss"
        elif type(model).train_step.__qualname__ == "Model.train_step":
            words = "penalties of weights and layers"
        total = diagram.add(describe.loss("loss", [words]))
        diagram.arrows += [Arrow(box, total) for box in predictions]
        return total
    # A copy: which loss belongs to which output is settled in it, and not in the model.
    compiled = copy.copy(model._compiled_loss)
    structure = outputs[0] if len(outputs) == 1 else _structure(model, outputs)
    losses = compiled.settled(structure)[1]
    targets = compiled.suggested_targets(structure)
    found = []
    for place, loss, factor, name in losses:
        expected = describe.targets(_target_name(names, place),
                                    _Value(*targets[place]))  # fmt: skip
        diagram.add(expected)
        alone = len(losses) == 1
        texts = [f"{factor:g} · {loss.name}"] if alone and factor not in (None, 1) else []
        texts += ["+ penalties of weights"] if alone and penalties else []
        texts += [] if alone else [f"{name}_loss"]
        box = diagram.add(describe.loss(loss.name, texts))
        diagram.arrows += [Arrow(predictions[place], box), Arrow(expected, box, "targets")]
        found.append((box, f"{factor:g} · {name}_loss" if factor not in (None, 1) else
                      f"{name}_loss"))  # fmt: skip
    if len(found) == 1:
        return found[0][0]
    terms = [words for _, words in found] + ["penalties of weights"] * penalties
    terms = [words if i == 0 else f"+ {words}" for i, words in enumerate(terms)]
    total = diagram.add(describe.loss("loss", terms, "sum of the losses"))
    diagram.arrows += [Arrow(box, total) for box, _ in found]
    return total


def _target_name(names: list[str], place: int) -> str:
    """What the targets of an output are called: as in programs."""
    if len(names) == 1:
        return "y"
    return "y_" + names[place].removeprefix("y_pred_")


def _structure(model: Any, outputs: list[Any]) -> Any:
    known = model.output_symbols
    return known if known is not None and len(tree.leaves(known)) == len(outputs) else outputs


class _Value:
    """A shape and a dtype."""

    def __init__(self, shape: Any, dtype: str):
        self.shape, self.dtype = shape, dtype


class _Sheet:
    """The page: the diagram, the optimizer beside or below the loss, the updates, the header."""

    def __init__(self, diagram: Diagram, rankdir: str, optimizer: Box | None, loss: Box | None):
        self.diagram, self.optimizer, self.loss = diagram, optimizer, loss
        self.is_down = rankdir == "TB"
        self.layout = arrange(diagram, rankdir)
        self.is_wrapped = len(self.layout.columns) > 1
        # By number: from and to across, from and to along.
        self.routes: list[Route] = []
        self.labels: list[tuple[float, float, str, str]] = []
        self.beside: tuple[float, float, float, float] | None = None
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
        rail = min(column.start - RAIL, end - min(44.0, breadth / 2))
        end = min(end, rail + breadth / 2)
        along = spot.along + (spot.length - length) / 2
        self.beside = end - breadth, along, breadth, length
        middle = spot.along + spot.length / 2
        route = Route("backward", loss.name, optimizer.name)
        route.line(edge, middle)
        route.line(end, middle)
        self.routes.append(route)
        self._label((edge + end) / 2, middle, "gradients", True)
        ends = updates_of(layout, column, rail)
        if ends:
            self._rail(rail, along, min(_start(r) for r in ends))
            self.routes += ends
            self._label(rail, along - 18, "updates", False)
        self.first = min(end - breadth, rail - (70 if self.is_down else 20))

    def _rail(self, rail: float, start: float, end: float) -> None:
        line = Route("backward", has_head=False)
        line.line(rail, start)
        line.line(rail, end)
        self.routes.append(line)

    def _label(self, across: float, along: float, words: str, is_across: bool) -> None:
        """Words beside a line that goes across, or along."""
        x, y = (across, along) if self.is_down else (along, across)
        if is_across == self.is_down:
            self.labels.append((x, y - 8, words, "middle"))
        elif is_across:
            self.labels.append((x + 9, y + 4, words, "start"))
        else:
            self.labels.append((x - 9, y, words, "end"))

    def _wrapped_updates(self, optimizer: Box, loss: Box, rankdir: str) -> None:
        """The optimizer below the loss, and a rail at each column, all from one line below."""
        self.diagram.add(optimizer)
        self.diagram.arrows.append(Arrow(loss, optimizer, "backward"))
        self.layout = layout = arrange(self.diagram, rankdir)
        spot = layout.ranks.spots[optimizer]
        bus = layout.length + BUS
        rails: list[tuple[Column, list[Route]]] = []
        for column in layout.columns:
            rails.append((column, updates_of(layout, column, column.rail)))
        wanted = [column.rail for column, ends in rails if ends]
        if not wanted:
            return
        line = Route("backward", optimizer.name, has_head=False)
        line.line(spot.across, spot.along + spot.length)
        line.corners([(spot.across, spot.along + spot.length), (spot.across, bus),
                      (min(wanted), bus)])  # fmt: skip
        self.routes.append(line)
        for column, ends in rails:
            if ends:
                self._rail(column.rail, bus, min(_start(r) for r in ends))
                self.routes += ends
        # In the corner between the optimizer and the line.
        x, y = (spot.across, bus) if self.is_down else (bus, spot.across)
        self.labels.append((x - 9, y - 8, "updates", "end"))
        if self.is_down:
            self.labels.append((spot.across + 9, spot.along - 14, "gradients", "start"))
        self.first, self.end = min(0.0, min(wanted) - 8), bus + 14

    def svg(self, lines: list[str], note: str, title: str) -> str:
        """All of it as text."""
        layout = self.layout
        if self.is_down:
            size = layout.breadth - self.first, self.end
            place = Placing(MARGIN - self.first, MARGIN + HEADER, True)
        else:
            size = self.end, layout.breadth - self.first
            place = Placing(MARGIN, MARGIN + HEADER - self.first, False)
        key, key_width = legend(MARGIN, MARGIN + 58, self.loss is not None, self._has_targets())
        head = [text(MARGIN, MARGIN + 16, lines[0], 19, "bold"),
                text(MARGIN, MARGIN + 36, lines[1], 12.5, "muted"), key]  # fmt: skip
        least = max(key_width, width_of(lines[0], 19, False, True), width_of(lines[1], 12.5, False))
        width = 2 * MARGIN + max(size[0], least)
        if width > 2 * MARGIN + size[0]:
            place.x += (width - 2 * MARGIN - size[0]) / 2
        height = 2 * MARGIN + HEADER + size[1] + (24 if note else 0)
        if note:
            head.append(text(MARGIN, height - MARGIN + 6, note, 12, "muted"))
        body = _drawn(layout, place)
        marks = [route_of(route, place) for route in self.routes]
        marks += [text(place.x + x, place.y + y, words, 12, "backward", anchor)
                  for x, y, words, anchor in self.labels]  # fmt: skip
        if self.beside is not None and self.optimizer is not None:
            across, along, breadth, length = self.beside
            w, h = (breadth, length) if self.is_down else (length, breadth)
            marks.append(box_of(self.optimizer, *place.point(across, along), w, h))
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" class="sheer-picture" role="img" '
                f'aria-label="{safe(title)}" width="{width:.0f}" height="{height:.0f}" '
                f'viewBox="0 0 {width:.0f} {height:.0f}">',
                f"<title>{safe(title)}</title>",
                f"<desc>{safe(self._says(lines[1]))}</desc>",
                f"<style>{style()}</style>",
                rectangle(0, 0, width, height, "ground", 0),
                *head,
                *marks[: len(self.routes)],
                body,
                *marks[len(self.routes) :],
                "</svg>",
            ]
        )

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
