"""The table that `model.summary()` prints."""

from __future__ import annotations

import shutil
import textwrap
from typing import Any

import numpy as np

from sheer.ops.variable import Variable

WIDEST = 88
NARROWEST = 40
HEADINGS = ("Layer (type)", "Output Shape", "Param #")
# Where the columns end, as parts of the width; what their frames take from each.
ENDS = (0.45, 0.80, 1.0)
FRAMES = (1, 2, 1)


def summary(model: Any, width: int | None = None, expand_nested: bool = False) -> str:
    """The layers of a model with output shapes and numbers of parameters, and totals.

    width: of the table, 88 at most by default, less in a narrow terminal. expand_nested: whether
    the layers of models inside are listed too.
    """
    width = max(NARROWEST, width or min(WIDEST, shutil.get_terminal_size().columns - 4))
    ends = [0, *(int(end * width) for end in ENDS)]
    columns = [ends[i + 1] - ends[i] - frame for i, frame in enumerate(FRAMES)]
    return "\n".join(
        [f'Model: "{model.name}"', *_table(_rows(model, expand_nested), columns), *_totals(model)]
    )


def _rows(model: Any, expand_nested: bool, depth: int = 0) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    prefix = "   " * depth + "└ " if depth else ""
    for layer in model.layers:
        shape = "?" if layer.output_shape is None or not layer.built else str(layer.output_shape)
        count = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
        rows.append((f"{prefix}{layer.name} ({type(layer).__name__})", shape, count))
        if expand_nested and hasattr(layer, "layers"):
            rows += _rows(layer, expand_nested, depth + 1)
    return rows


def _table(rows: list[tuple[str, ...]], columns: list[int]) -> list[str]:
    body: list[str] = []
    for i, row in enumerate(rows):
        body += [_rule("├─┼┤", columns)] if i else []
        body += _row(row, columns, "│")
    return [
        _rule("┏━┳┓", columns),
        *_row(HEADINGS, columns, "┃"),
        _rule("┡━╇┩", columns),
        *body,
        _rule("└─┴┘", columns),
    ]


def _rule(signs: str, columns: list[int]) -> str:
    left, fill, middle, right = list(signs)
    return left + middle.join(fill * width for width in columns) + right


def _row(cells: tuple[str, ...], columns: list[int], edge: str) -> list[str]:
    """The lines of a row: a text too long for its cell goes on in the next line."""
    wrapped = [textwrap.wrap(text, width - 2) or [""]
               for text, width in zip(cells, columns, strict=True)]  # fmt: skip
    height = max(map(len, wrapped))
    lines = []
    for i in range(height):
        texts = [lines_of[i] if i < len(lines_of) else "" for lines_of in wrapped]
        padded = [f" {text:<{width - 2}} " for text, width in zip(texts, columns, strict=True)]
        padded[-1] = f" {texts[-1]:>{columns[-1] - 2}} "
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
