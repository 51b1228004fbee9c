"""Seen: a recorded step as the rules look at it: its layers, weights and outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from sheer.inspect.recorded import RecordedStep
from sheer.program.rows import Row

Array = np.ndarray[Any, Any]

# What an output is, by the class of its loss.
KINDS = {
    "SparseCategoricalCrossentropy": "classes",
    "CategoricalCrossentropy": "classes",
    "BinaryCrossentropy": "binary",
    "MeanSquaredError": "numbers",
    "MeanAbsoluteError": "numbers",
    "Huber": "numbers",
    "LogCosh": "numbers",
}
# Activations by the op of a row.
OPS = {"relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid"}
HARD = ("relu6", "hard_sigmoid", "hard_tanh")


@dataclass(frozen=True)
class Activation:
    """What comes out of an activation: `kind` is its name."""

    kind: str
    row: Row
    name: str
    value: Array

    def by_unit(self) -> Array:
        """The values as rows of units."""
        return self.value.reshape(-1, self.value.shape[-1])


@dataclass(frozen=True)
class Weight:
    """A trainable weight in a step: its value, its gradient, its new value."""

    name: str
    layer: str
    row: Row  # that computes the gradient
    value: Array
    gradient: Array
    new: Array

    @cached_property
    def size(self) -> float:
        """The length of the weight: the root of the sum of its squares."""
        return norm(self.value)

    @cached_property
    def gradient_ratio(self) -> float:
        """The length of the gradient against that of the weight."""
        return norm(self.gradient) / self.size

    @cached_property
    def update_ratio(self) -> float:
        """The length of the update against that of the weight."""
        return norm(self.new - self.value) / self.size


@dataclass(frozen=True)
class Output:
    """An output of the model, with its targets.

    `predicted` are probabilities (rows, classes) for `"classes"`, (rows,) for `"binary"`, and
    numbers (rows,) for `"numbers"`; `wanted` are labels (rows,), or numbers.
    """

    kind: str
    loss: str
    name: str
    target: str
    layer: str
    row: Row | None
    predicted: Array
    wanted: Array

    @cached_property
    def losses(self) -> Array:
        """The loss of each row: the cross-entropy, or the square of the error."""
        p, y = self.predicted, self.wanted
        found: Array
        if self.kind == "numbers":
            found = np.square(p - y)
        elif self.kind == "binary":
            p = np.clip(p, 1e-7, 1 - 1e-7)
            found = -(y * np.log(p) + (1 - y) * np.log(1 - p))
        else:
            found = -np.log(np.clip(p[np.arange(len(y)), y], 1e-7, 1))
        return found

    @cached_property
    def said(self) -> Array:
        """The class that each row was given."""
        is_binary = self.kind == "binary"
        found: Array = self.predicted > 0.5 if is_binary else self.predicted.argmax(axis=-1)
        return found.astype("int64")

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return 2 if self.kind == "binary" else self.predicted.shape[-1]


@dataclass
class Seen:
    """A recorded step, its place in the training, and the model.

    Args:
        step: what was recorded.
        model: the model, asked for its layers and its losses.
        inputs: the names of the data that go into the model.
        steps: how many steps of this training came before.
        data: all inputs and all targets, as lists of arrays in the order in which they were given;
            None where they come batch by batch.
        found: the names of what was found before.
    """

    step: RecordedStep
    model: Any
    inputs: list[str]
    steps: int
    data: tuple[list[Array], list[Array]] | None = None
    found: set[str] = field(default_factory=set)

    @property
    def epoch(self) -> int:
        """The epoch, from 0 on."""
        return int(self.step.place.get("epoch", 0))

    @property
    def batch(self) -> int:
        """The batch in it, from 0 on."""
        return int(self.step.place.get("batch", 0))

    @cached_property
    def rows(self) -> int:
        """How many rows the batch has."""
        return next((len(self.step.inputs[n]) for n in self.inputs), 0)

    @cached_property
    def loss(self) -> float | None:
        """The loss of the batch."""
        found = self.step.values.get("loss")
        return float(found) if found is not None and found.ndim == 0 else None

    @cached_property
    def layers(self) -> dict[str, Any]:
        """The layers by the names of their parts."""
        return {"/".join(layer.path): layer for layer in self.model._flatten_layers()}

    @cached_property
    def weights(self) -> list[Weight]:
        """The trainable matrices, layer by layer as the data go through them. Biases and scales
        are left out: they begin at 0 or 1, and have no size to compare with."""
        gradients: dict[str, tuple[Row, str]] = {}
        news: dict[str, str] = {}
        for row in self.step.rows:
            for target, of in zip(row.targets, row.of, strict=False):
                if row.phase == "backward":
                    gradients[of] = row, target
                elif of:
                    news[of] = target
        order = {part: i for i, part in enumerate(self.parts)}
        found = []
        for name, (row, gradient) in gradients.items():
            value = self.step.inputs.get(name)
            if value is None or value.ndim < 2 or name not in news or gradient not in self.step:
                continue
            if value.any():
                arrays = value, self.step[gradient], self.step[news[name]]
                found.append(Weight(name, row.part, row, *arrays))
        return sorted(found, key=lambda w: order.get(w.layer, len(order)))

    @cached_property
    def parts(self) -> list[str]:
        """The layers that compute something, in the order of the program."""
        forward = [row.part for row in self.step.rows if row.phase == "forward" and row.part]
        return list(dict.fromkeys(forward))

    def activations(self) -> Iterator[Activation]:
        """What the activations of hidden layers gave."""
        outputs = {output.name for output in self.outputs} | {"y_pred"}
        last = {row.part: row for row in self.step.rows if row.phase == "forward" and row.part}
        for row in self.step.rows:
            name = row.targets[-1] if row.targets else ""
            if row.phase != "forward" or name in outputs or name not in self.step.values:
                continue
            kind = OPS.get(row.op, "")
            if last.get(row.part) is row:
                activation = getattr(self.layers.get(row.part), "activation", None)
                hard = getattr(activation, "__name__", "")
                kind = hard if hard in HARD else kind
            value = self.step.values[name]
            if kind and value.ndim > 1 and len(value) == self.rows and value.size:
                yield Activation(kind, row, name, value)

    def signal(self, part: str) -> float:
        """The size of the gradient that reaches a layer: the largest root mean square of the
        gradients of its values; 0 where there is none."""
        inside = {
            target
            for row in self.step.rows
            if row.phase == "forward" and row.part == part
            for target in row.targets
        }
        sizes = [
            norm(self.step[target]) / max(1, self.step[target].size) ** 0.5
            for row in self.step.rows
            if row.phase == "backward"
            for target, of in zip(row.targets, row.of, strict=False)
            if of in inside and target in self.step
        ]
        return max(sizes, default=0.0)

    @cached_property
    def outputs(self) -> list[Output]:
        """The outputs whose loss is a known one."""
        compiled = getattr(self.model, "_compiled_loss", None)
        found: list[Output] = []
        for place, loss, _, name in [] if compiled is None else compiled.by_output:
            kind = KINDS.get(type(loss).__name__)
            for suffix in ("", f"_{name}", f"_{place + 1}"):
                prediction, target = f"y_pred{suffix}", f"y{suffix}"
                if kind and prediction in self.step and target in self.step.inputs:
                    output = self._output(kind, loss, prediction, target)
                    found += [output] if output is not None else []
                    break
        return found

    def _output(self, kind: str, loss: Any, prediction: str, target: str) -> Output | None:
        predicted = self.step[prediction].astype("float64")
        wanted = self.step.inputs[target]
        if not np.isfinite(predicted).all():
            return None
        if kind == "classes":
            classes = predicted.shape[-1]
            predicted = predicted.reshape(-1, classes)
            if getattr(loss, "from_logits", False):
                predicted = np.exp(predicted - predicted.max(axis=-1, keepdims=True))
            # Keras takes what is no probability as a share.
            total = predicted.sum(axis=-1, keepdims=True)
            predicted = predicted / np.where(total == 0, 1, total)
            if type(loss).__name__ == "CategoricalCrossentropy":
                wanted = wanted.reshape(-1, classes).argmax(axis=-1)
            wanted = wanted.reshape(-1).astype("int64")
            ignored = getattr(loss, "ignore_class", None)
            known = (wanted >= 0) & (wanted < classes)
            known &= wanted != ignored if ignored is not None else True
            if len(wanted) != len(predicted):
                return None
            predicted, wanted = predicted[known], wanted[known]
        else:
            predicted, wanted = predicted.reshape(-1), wanted.reshape(-1).astype("float64")
            if predicted.shape != wanted.shape:
                return None
            if kind == "binary" and getattr(loss, "from_logits", False):
                predicted = 1 / (1 + np.exp(-np.clip(predicted, -500, 500)))
        if not len(wanted):
            return None
        row = self.step.row_of(prediction)
        layer = row.part if row else ""
        return Output(kind, loss.name, prediction, target, layer, row, predicted, wanted)


def norm(array: Array) -> float:
    """The length of an array: the root of the sum of its squares."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return float(np.sqrt(np.vdot(flat, flat)))
