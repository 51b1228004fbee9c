"""What a page is told of a model once, before any step: its programs, layers, data, outputs."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sheer import __version__, activations
from sheer.core import tree
from sheer.inspect.recipes import recipes_of
from sheer.inspect.view.plain import Array
from sheer.program.program import Program
from sheer.program.rows import Row, function_of

Description = dict[str, Any]


@dataclass(frozen=True)
class Watch:
    """A model in training, as the page sees it.

    Args:
        model: compiled and built.
        step, predict: the traced steps that `fit` and `predict` run; of a model that predicts
            nothing, None.
        data: the training data, `training.data.Data`; of a stream its first batch.
        rows: how many rows the data have; None where nobody knows.
        batch_size: rows per step.
        classes: the names of the classes, where the user gave them.
        image: the height and width of the images in the rows of the first input; `"auto"` to see
            whether its shape and values look like that; None for none.
    """

    model: Any
    step: Any
    predict: Any
    data: Any
    rows: int | None = None
    batch_size: int | None = None
    classes: Sequence[str] | None = None
    image: Any = "auto"

    @property
    def inputs(self) -> dict[str, Array]:
        """The arrays of x, by their names in the program."""
        return dict(zip(self.step.data, self._arrays("x"), strict=False))

    @property
    def targets(self) -> dict[str, Array]:
        """The arrays of y, by their names in the program."""
        names = self.step.data[len(self._arrays("x")) :]
        return dict(zip(names, self._arrays("y"), strict=False))

    def _arrays(self, part: str) -> list[Array]:
        return [a for a in tree.leaves(self.data.parts.get(part)) if a is not None]

    def describe(self) -> Description:
        """The parts of the State that stay as they are."""
        model, outputs = self.model, self.outputs()
        loss = model._compiled_loss
        classes = list(self.classes) if self.classes is not None else None
        if classes is None:
            classes = self._numbered_classes(outputs)
        return {
            "title": model.name,
            "version": __version__,
            "program": program_of(self.step),
            "predict_program": self._prediction(),
            "layers": layers_of(model, self.step),
            "data": {
                "inputs": [
                    {"name": name, "shape": a.shape[1:], "image": self._image(name, a)}
                    for name, a in self.inputs.items()
                ],
                "targets": [
                    {"name": name, "shape": a.shape[1:]} for name, a in self.targets.items()
                ],
                "classes": classes,
                "rows": self.rows,
                "batch_size": self.batch_size,
            },
            "outputs": outputs,
            "optimizer": {"name": getattr(model.optimizer, "name", "")},
            "loss": loss.name if loss is not None else None,
            "metrics": [name for name in model.metrics_names if name != "loss"],
        }

    def _prediction(self) -> dict[str, Any]:
        if self.predict is None:
            return {"name": "", "text": "", "rows": [], "input": None, "inputs": [], "outputs": []}
        names = list(self.predict.data)
        return {
            **program_of(self.predict),
            "input": names[0] if len(names) == 1 else None,
            "inputs": names,
            "outputs": returned(self.predict.program),
        }

    def outputs(self) -> list[dict[str, Any]]:
        """Each output: its name, that of its target, of its losses per example, its kind."""
        if self.predict is None:
            return []
        names = returned(self.predict.program)
        loss, like = self.model._compiled_loss, self.model.outputs_like()
        targets, losses = [None] * len(names), {}
        y = self.data.parts.get("y")
        if loss is not None and y is not None and like is not None:
            named = tree.refill(y, list(self.targets)) if _is_whole(y) else None
            targets = loss.targets(named, like) if named is not None else targets
            losses = {found.place: found for found in loss.settled(like)[1]}
        return [
            {
                "name": name,
                "target": targets[i] if isinstance(targets[i], str) else None,
                "losses": self._losses(losses, i),
                "kind": _kind(losses[i].loss.name if i in losses else ""),
            }
            for i, name in enumerate(names)
        ]

    def _losses(self, losses: dict[int, Any], place: int) -> str | None:
        """The value that holds the loss of each example: the last but the mean."""
        if place not in losses:
            return None
        part = losses[place].name if len(losses) > 1 else ""
        rows = [r for r in self.step.rows if r.phase == "loss" and (not part or r.part == part)]
        found = [t for r in rows for t in r.targets if t.startswith("losses")]
        return found[-1] if found else None

    def _numbered_classes(self, outputs: list[dict[str, Any]]) -> list[str] | None:
        sizes = [
            like.shape[-1]
            for output, like in zip(outputs, tree.leaves(self.model.outputs_like()), strict=False)
            if output["kind"] == "classes"
        ]
        return [str(i) for i in range(int(sizes[0]))] if sizes else None

    def _image(self, name: str, array: Array) -> dict[str, int] | None:
        """The form of the images that the rows of an array hold, where they do."""
        is_first = name == next(iter(self.inputs))
        shape = array.shape[1:]
        if self.image is None or not (is_first or self.image == "auto"):
            return None
        if self.image != "auto":
            height, width = self.image[:2]
            channels = math.prod(shape) // (height * width)
            if height * width * channels != math.prod(shape):
                raise ValueError(
                    f"View: image={self.image!r} does not fit the rows of {name}, which have the "
                    f"shape {shape}."
                )
            return {"height": height, "width": width, "channels": channels}
        return _guessed_image(shape, array)


LEAST_SIDE = 8


def _guessed_image(shape: tuple[int, ...], array: Array) -> dict[str, int] | None:
    """Images, where the shape is that of images, or a square of values from 0 on, many of them 0 or
    at the top."""
    if len(shape) in (2, 3) and min(shape[:2]) >= LEAST_SIDE and (*shape, 1)[2] in (1, 3):
        return {"height": shape[0], "width": shape[1], "channels": (*shape, 1)[2]}
    side = math.isqrt(shape[0]) if len(shape) == 1 else 0
    if side < LEAST_SIDE or side**2 != shape[0] or array.dtype.kind not in "uif":
        return None
    some = np.asarray(array[:64])
    top = float(some.max())
    extremes = float(np.mean((some == 0) | (some == top)))
    if some.min() < 0 or top not in (1.0, 16.0, 255.0) or extremes < 0.1:
        return None
    return {"height": side, "width": side, "channels": 1}


def _is_whole(y: Any) -> bool:
    return all(a is not None for a in tree.leaves(y))


def _kind(loss: str) -> str:
    """What an output is, by its loss."""
    if "categorical" in loss or loss in ("kl_divergence", "kullback_leibler_divergence"):
        return "classes"
    return "binary" if loss.startswith("binary") else "numbers"


def program_of(step: Any) -> dict[str, Any]:
    """A step's program as text and rows, with a recipe for each value: how it is computed."""
    return {
        "name": step.program.name,
        "text": step.program.text,
        "rows": [
            {**asdict(row), "recipes": recipes}
            for row, recipes in zip(
                step.rows, recipes_of(step.rows, step.program.text), strict=True
            )
        ],
    }


def returned(program: Program) -> list[str]:
    """The names that a program's function returns as its outputs, in their order."""
    function = function_of(program.text, program.name)
    last = next((n for n in reversed(function.body) if isinstance(n, ast.Return)), None)
    names = [n for n in ast.walk(last) if isinstance(n, ast.Name)] if last is not None else []
    return [n.id for n in sorted(names, key=lambda n: (n.lineno, n.col_offset))]


def layers_of(model: Any, step: Any) -> list[dict[str, Any]]:
    """The layers that have lines in the program or weights, in the order of their lines."""
    rows: list[Row] = step.rows
    gradients = _made(rows, "backward")
    found = []
    for layer in model._flatten_layers():
        values = [
            target
            for row in rows
            if row.phase == "forward" and row.part == layer.path
            for target, of in zip(row.targets, row.of or ("",) * len(row.targets), strict=True)
            if not of
        ]
        weights = _weights(layer, step, gradients)
        if not values and not weights:
            continue
        output = values[-1] if values else None
        found.append(
            {
                "name": layer.path,
                "kind": type(layer).__name__,
                "formula": layer.formula(),
                "activation": _activation(layer),
                "values": values,
                "output": output,
                "gradient": gradients.get(output or ""),
                "weights": weights,
            }
        )
    order = {row.part: i for i, row in reversed(list(enumerate(rows))) if row.phase == "forward"}
    return sorted(found, key=lambda entry: order.get(entry["name"], len(rows)))


def _made(rows: list[Row], phase: str | None) -> dict[str, str]:
    """What rows of the backward phase, or of the others, make: by the name of a value its gradient,
    by that of a Variable its gradient or its new value."""
    return {
        of: target
        for row in rows
        if (row.phase == "backward") == (phase == "backward")
        for target, of in zip(row.targets, row.of, strict=False)
        if of
    }


def _weights(layer: Any, step: Any, gradients: dict[str, str]) -> list[dict[str, Any]]:
    """The weights that are the layer's own, not those of layers inside of it."""
    news = _made(step.rows, None)
    return [
        {
            "name": name,
            "gradient": gradients.get(name),
            "new": news.get(name),
            "shape": v.shape,
            "trainable": bool(v.trainable),
        }
        for name, v in step.bound.variables.items()
        if any(v is w for w in layer.weights) and v.path.rpartition("/")[0] == layer.path
    ]


def _activation(layer: Any) -> str | None:
    function = getattr(layer, "activation", None)
    name = activations.name_of(function) if function is not None else "linear"
    return None if name == "linear" else name
