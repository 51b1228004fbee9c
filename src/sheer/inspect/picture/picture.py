"""Picture: a model as one clear drawing, from the data to the loss and back to the weights."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from sheer.core.files import write_text
from sheer.inspect.picture.boxes import shortened
from sheer.inspect.picture.describe import Describe, Show
from sheer.inspect.picture.ends import add_ends
from sheer.inspect.picture.flow import flow_of, unused
from sheer.inspect.picture.sheet import Sheet
from sheer.inspect.picture.svg import safe

MANY = 14  # from so many layers on boxes say the same in fewer lines
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


def picture(
    model: Any, rankdir: str = "TB", show: Show | None = None, caller: str = "picture"
) -> Picture:
    """Draw a model: see `Model.picture`.

    rankdir: `"TB"`, from top to bottom, or `"LR"`, from left to right. show: what the boxes say.
    caller: who is called, for errors.
    """
    show = show or Show()
    if rankdir not in ("TB", "LR"):
        raise ValueError(
            f"{caller}: rankdir must be 'TB' (top to bottom) or 'LR' (left to right). "
            f"Got {rankdir!r}."
        )
    if not model.has_call():
        raise ValueError(
            f"{caller}: model {model.name!r} has no call(), so there is no way from inputs to "
            "outputs to draw. Draw the models in it, one by one."
        )
    if len(model._flatten_layers()) > MANY:
        show = replace(show, is_compact=True)
    describe = Describe(show, model.optimizer is not None)
    flow, outputs = flow_of(model, describe)
    loss = add_ends(flow, model, outputs)
    title = f"{type(model).__name__} {model.name!r}"
    lines = [shortened(model.name, 60), f"{type(model).__name__} · {_counts(model)}"]
    left = unused(model, flow.diagram)
    note = f"Not used in call: {', '.join(left)}" if left else ""
    optimizer = describe.optimizer(model.optimizer) if loss is not None else None
    svg = Sheet(flow.diagram, rankdir, optimizer, loss).svg(lines, note, title)
    return Picture(svg, title)


def _counts(model: Any) -> str:
    layers = sum(1 for one in model.layers if type(one).__name__ != "InputLayer")
    return f"{layers} layer{'s' * (layers != 1)} · {model.count_params():,} parameters"
