"""The table that `model.summary()` prints."""

from __future__ import annotations

import re
import shutil
import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np

from sheer.core.shapes import map_shapes, with_none
from sheer.layers.base import Layer
from sheer.ops.node import Operation
from sheer.ops.variable import Variable

NARROWEST = 40


@dataclass
class Columns:
    """What each layer has a cell for: the headings, how the cells stand, where the columns end as
    parts of the width, and the width where it is not given."""

    headings: list[str]
    aligned: str
    ends: list[float]
    widest: int

    def widths(self, width: int | None) -> list[int]:
        """The width of each column, without the frame."""
        width = max(NARROWEST, width or min(self.widest, shutil.get_terminal_size().columns - 4))
        ends = [0, *(int(end * width) for end in self.ends)]
        # What the frame takes from each: the last but one has two lines.
        frames = [1] * (len(self.ends) - 2) + [2, 1]
        return [ends[i + 1] - ends[i] - frame for i, frame in enumerate(frames)]


def columns_for(is_chain: bool, show_trainable: bool, positions: Any = None) -> Columns:
    """Keras's columns: what a layer is connected to is said where they do not follow one another.

    positions: where the columns end, as parts of the width.
    """
    found = Columns(["Layer (type)", "Output Shape", "Param #"], "<<>", [0.45, 0.80, 1.0], 88)
    if not is_chain:
        headings = [*found.headings, "Connected to"]
        found = Columns(headings, "<<><", [0.3, 0.56, 0.74, 1.0], 108)
    found.ends = list(positions or found.ends)
    if show_trainable:
        found.headings.append("Trainable")
        found.aligned += "^"
        found.ends = [end * 0.9 for end in found.ends] + [1.0]
        found.widest += 12
    return found


def summary(
    model: Any,
    line_length: int | None = None,
    positions: Any = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> str:
    """The layers of a model with output shapes and numbers of parameters, and totals: see
    `Model.summary`."""
    graph = None if hasattr(model, "add") else model._graph
    columns = columns_for(graph is None or graph.is_chain(), show_trainable, positions)
    parts = model.layers if graph is None else graph.operations
    rows = []
    for part in _between(parts, layer_range):
        rows += _rows(part, graph, columns, expand_nested)
    return "\n".join(
        [f'Model: "{model.name}"', *_table(rows, columns, line_length), *_totals(model)]
    )


def _between(parts: list[Any], names: Any) -> list[Any]:
    """The layers from one name to another, which may be regular expressions."""
    if names is None:
        return parts
    if len(names) != 2 or not all(isinstance(name, str) for name in names):
        raise ValueError(f"summary: layer_range must be two names of layers. Got {names!r}.")
    found = [[i for i, p in enumerate(parts) if re.match(name, p.name)] for name in names]
    for name, places in zip(names, found, strict=True):
        if not places:
            listed = ", ".join(p.name for p in parts)
            raise ValueError(f"summary: layer_range: no layer matches {name!r}. Known: {listed}.")
    places = found[0] + found[1]
    first, last = min(found[0]), max(found[1])
    return parts[first : last + 1] if first <= last else parts[min(places) : max(places) + 1]


def _rows(
    part: Any, graph: Any, columns: Columns, expand_nested: bool, depth: int = 0
) -> list[list[str]]:
    prefix = "   " * depth + "└ " if depth else ""
    kind = part.class_name if isinstance(part, Operation) else type(part).__name__
    cells = [f"{prefix}{part.name} ({kind})", _shape(part), "0"]
    if isinstance(part, Layer):
        cells[2] = f"{part.count_params():,}" if part.built else "0 (unbuilt)"
    if "Connected to" in columns.headings:
        cells.append("-" if depth else _connections(part, graph))
    if "Trainable" in columns.headings:
        has_weights = isinstance(part, Layer) and part.weights
        cells.append(("Y" if part.trainable else "N") if has_weights else "-")
    rows = [cells]
    for layer in getattr(part, "layers", []) if expand_nested else []:
        rows += _rows(layer, graph, columns, expand_nested, depth + 1)
    return rows


def _shape(part: Any) -> str:
    """The shape of the output, or a list of them."""
    shapes: list[str] = []
    if part._inbound_nodes:
        shapes = [str(with_none(x.shape)) for x in part._inbound_nodes[-1].outputs]
    elif part.output_shape is not None and part.built:
        map_shapes(lambda shape: shapes.append(str(shape)), part.output_shape)
    return "?" if not shapes else shapes[0] if len(shapes) == 1 else f"[{', '.join(shapes)}]"


def _connections(part: Any, graph: Any) -> str:
    """Which output of which call of which layers it is called on."""
    inside = set(map(id, graph.nodes))
    found = []
    for node in part._inbound_nodes:
        for x in node.inputs if id(node) in inside else []:
            call = x.node.operation._inbound_nodes.index(x.node)
            output = next(i for i, y in enumerate(x.node.outputs) if y is x)
            found.append(f"{x.node.operation.name}[{call}][{output}]")
    return ", ".join(found) or "-"


def _table(rows: list[list[str]], columns: Columns, line_length: int | None) -> list[str]:
    widths = columns.widths(line_length)
    # A heading is one line, as in Keras; names of layers are never cut.
    headings = [
        f"{text[: width - 3]}…" if " " not in text and len(text) > width - 2 else text
        for text, width in zip(columns.headings, widths, strict=True)
    ]
    body: list[str] = []
    for i, row in enumerate(rows):
        body += [_rule("├─┼┤", widths)] if i else []
        body += _row(row, widths, columns.aligned, "│")
    return [
        _rule("┏━┳┓", widths),
        *_row(headings, widths, columns.aligned, "┃"),
        _rule("┡━╇┩", widths),
        *body,
        _rule("└─┴┘", widths),
    ]


def _rule(signs: str, columns: list[int]) -> str:
    left, fill, middle, right = list(signs)
    return left + middle.join(fill * width for width in columns) + right


def _row(cells: list[str], widths: list[int], aligned: str, edge: str) -> list[str]:
    """The lines of a row: a text too long for its cell goes on in the next line."""
    wrapped = [textwrap.wrap(text, width - 2) or [""]
               for text, width in zip(cells, widths, strict=True)]  # fmt: skip
    height = max(map(len, wrapped))
    lines = []
    for i in range(height):
        texts = [lines_of[i] if i < len(lines_of) else "" for lines_of in wrapped]
        padded = [f" {text:{side}{width - 2}} "
                  for text, side, width in zip(texts, aligned, widths, strict=True)]  # fmt: skip
        lines.append(edge + edge.join(padded) + edge)
    return lines


def _totals(model: Any) -> list[str]:
    trainable, frozen = model.trainable_weights, model.non_trainable_weights
    slots = _optimizer_state(model)
    lines = [
        f" Total params: {_sized([*trainable, *frozen, *slots])}",
        f" Trainable params: {_sized(trainable)}",
        f" Non-trainable params: {_sized(frozen)}",
    ]
    return lines + ([f" Optimizer params: {_sized(slots)}"] if slots else [])


def _optimizer_state(model: Any) -> list[Variable]:
    """What the optimizer keeps, once the model has been trained."""
    if model.optimizer is None or not int(model.optimizer.iterations.numpy()):
        return []
    return list(model.optimizer.variables)


def _sized(variables: list[Variable]) -> str:
    count = sum(int(np.prod(v.shape)) for v in variables)
    size = float(sum(v.numpy().nbytes for v in variables))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{count:,} ({size:.2f} {unit})"
