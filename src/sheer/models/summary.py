"""The table that `model.summary()` prints."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheer.ops.variable import Variable

HEADINGS = ("Layer (type)", "Output Shape", "Param #")


def summary(model: Any, width: int | None = None) -> str:
    """The layers of a model with output shapes and numbers of parameters, and totals."""
    width = width or 80
    columns = [width * 45 // 100 - 2, width * 30 // 100]
    columns.append(width - sum(columns) - 4)
    rows = [
        (
            f"{layer.name} ({type(layer).__name__})",
            _shape(layer.output_shape)
            if layer.built
            else "? (unbuilt)"
            if not layer.built
            else "?",
            f"{layer.count_params():,}" if layer.built else "0 (unbuilt)",
        )
        for layer in model.layers
    ]
    trainable = _count(model.trainable_weights)
    frozen = _count(model.non_trainable_weights)
    counts = [("Total params", [*model.weights]), ("Trainable params", model.trainable_weights)]
    lines = [f'Model: "{model.name}"', *_table(rows, columns)]
    lines += [f" {name}: {_sized(variables)}" for name, variables in counts]
    lines.append(f" Non-trainable params: {_sized(model.non_trainable_weights)}")
    assert trainable + frozen == _count(model.weights)
    return "\n".join(lines)


def _table(rows: list[tuple[str, str, str]], columns: list[int]) -> list[str]:
    def line(cells: tuple[str, str, str], edge: str) -> str:
        texts = [f" {cell:<{w - 2}} " for cell, w in zip(cells[:2], columns[:2], strict=True)]
        texts.append(f" {cells[2]:>{columns[2] - 2}} ")
        return edge + edge.join(texts) + edge

    def rule(left: str, fill: str, middle: str, right: str) -> str:
        return left + middle.join(fill * w for w in columns) + right

    body: list[str] = []
    for i, row in enumerate(rows):
        body += [rule("├", "─", "┼", "┤")] if i else []
        body.append(line(row, "│"))
    return [
        rule("┏", "━", "┳", "┓"),
        line(HEADINGS, "┃"),
        rule("┡", "━", "╇", "┩"),
        *body,
        rule("└", "─", "┴", "┘"),
    ]


def _shape(shape: Any) -> str:
    return str(shape) if shape is not None else "?"


def _count(variables: list[Variable]) -> int:
    return sum(int(np.prod(v.shape)) for v in variables)


def _sized(variables: list[Variable]) -> str:
    size = float(sum(v.numpy().nbytes for v in variables))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{_count(variables):,} ({size:.2f} {unit})"
