"""The words in the boxes of a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sheer.core.shapes import show as shape_text
from sheer.inspect.picture.boxes import Box, Line, shortened, wrapped

MOST_WEIGHTS = 8


@dataclass(frozen=True)
class Show:
    """What a picture shows besides the names of the data: the names of layers, shapes (and the
    weights), dtypes, formulas (in which the activations are), which layers are trained, and the
    insides of models in models."""

    names: bool = True
    shapes: bool = True
    dtypes: bool = False
    formulas: bool = True
    trainable: bool = False
    nested: bool = False
    is_compact: bool = False


class Describe:
    """Makes boxes.

    Args:
        show: what they say.
        is_trained: whether there is an optimizer, which changes the weights.
    """

    def __init__(self, show: Show, is_trained: bool):
        self.show = show
        self.is_trained = is_trained

    def _values(self, values: list[Any], dtypes: bool = False) -> str:
        """Shapes and dtypes of values, as far as they are shown."""
        words = []
        for x in values:
            shape = shape_text(x.shape) if self.show.shapes else ""
            dtype = str(x.dtype) if dtypes or self.show.dtypes else ""
            words.append(f"{shape} {dtype}".strip())
        return ", ".join(dict.fromkeys(filter(None, words)))

    def _end(self, kind: str, name: str, x: Any, dtypes: bool = False) -> Box:
        """A box of the data, the targets or the predictions."""
        values = self._values([x], dtypes and self.show.shapes)
        lines = [Line("heading", kind.upper()), Line("title", shortened(name))]
        if values:
            lines.append(Line("text", values))
        return Box(kind, name, lines, f"{kind} {name} {shape_text(x.shape)} {x.dtype}")

    def data(self, name: str, x: Any) -> Box:
        """An input of the model."""
        return self._end("data", name, x, dtypes=True)

    def predictions(self, name: str, x: Any) -> Box:
        """An output of the model."""
        return self._end("predictions", name, x)

    def targets(self, name: str, x: Any) -> Box:
        """What an output is compared with."""
        return self._end("targets", name, x)

    def op(self, kind: str, name: str, outputs: list[Any], weights: Any = ()) -> Box:
        """An op between the layers."""
        says = f"{kind} {name}"
        lines = self._head(name, kind, outputs)
        lines += self._weights(list(weights), "")
        if not self.show.is_compact and (values := self._values(outputs)):
            lines.append(Line("foot", f"→ {values}"))
        says += f", output {', '.join(shape_text(y.shape) for y in outputs)}"
        box = Box("op", name, lines, says)
        box.is_trained = self.is_trained and any(w.trainable for w in weights)
        box.is_updated = box.is_trained
        return box

    def _head(self, name: str, kind: str, outputs: list[Any]) -> list[Line]:
        if not self.show.names:
            return [Line("title", kind)]
        values = self._values(outputs) if self.show.is_compact else ""
        return [Line("title", shortened(name, 40), values if self.show.is_compact else kind)]

    def layer(
        self, layer: Any, outputs: list[Any], call: tuple[int, int], is_frame: bool = False
    ) -> Box:
        """A call of a layer: the first of so many, the second, ..."""
        kind, formula = type(layer).__name__, str(layer.formula() or "")
        if formula == kind:
            formula = ""
        weights, is_first = list(layer.weights), call[0] == 1
        count = sum(math.prod(w.shape) for w in weights)
        inner = len(getattr(layer, "layers", []))
        lines = self._head(layer.name, kind, outputs)
        says = [f"{kind} {layer.name}", formula] if formula else [f"{kind} {layer.name}"]
        if inner and not is_frame and self.show.formulas:
            text = f"{kind} · " if self.show.is_compact else ""
            lines.append(Line("text", f"{text}{inner} layer{'s' * (inner > 1)} inside"))
        elif self.show.formulas and (formula or self.show.is_compact):
            text = " · ".join(filter(None, [kind if self.show.is_compact else "", formula]))
            lines += [Line("text", words) for words in wrapped(text)]
        if call[1] > 1:
            again = "" if is_first or not weights else ", the same weights"
            lines.append(Line("text", f"call {call[0]} of {call[1]}{again}"))
            says.append(lines[-1].left)
        if is_first and not is_frame:
            lines += self._weights(weights, layer.name)
        if not self.show.is_compact:
            lines += self._foot(outputs, count if is_first else 0, is_frame)
        if self.show.trainable and weights:
            lines.append(Line("foot", "trainable" if layer.trainable else "not trainable"))
        says.append(f"output {', '.join(shape_text(y.shape) for y in outputs)}")
        if weights and is_first:
            says += [f"{w.name} {shape_text(w.shape)}" for w in weights[:MOST_WEIGHTS]]
            says.append(f"{count:,} parameters")
        box = Box("layer", layer.name, lines, ", ".join(says))
        box.is_trained = self.is_trained and any(w.trainable for w in weights)
        box.is_updated = box.is_trained and is_first
        return box

    def _foot(self, outputs: list[Any], count: int, is_frame: bool) -> list[Line]:
        values = self._values(outputs)
        total = f"{count:,} parameters" if count and self.show.shapes else ""
        if is_frame:
            return [Line("foot", total)] if total else []
        return [Line("foot", f"→ {values}", total)] if values else []

    def _weights(self, weights: list[Any], owner: str) -> list[Line]:
        """A line for each weight: name, shape, and how many numbers."""
        if not weights or not self.show.shapes:
            return []
        names = [w.name for w in weights]
        if len(set(names)) < len(names):
            names = [_inner_path(w.path, owner) for w in weights]
        texts = [f"{n} {shape_text(w.shape)}" for n, w in zip(names, weights, strict=True)]
        styles = ["weight" if w.trainable else "fixed" for w in weights]
        if self.show.is_compact and len(set(styles)) == 1 and len(", ".join(texts)) <= 44:
            count = sum(math.prod(w.shape) for w in weights)
            return [Line(styles[0], ", ".join(texts), f"{count:,}")]
        lines = [
            Line(
                style,
                f"{shortened(text)}{'' if w.trainable else ' · not trained'}",
                f"{math.prod(w.shape):,}",
            )
            for text, style, w in zip(texts, styles, weights, strict=True)
        ]
        left = lines[MOST_WEIGHTS:]
        if not left:
            return lines
        count = sum(math.prod(w.shape) for w in weights[MOST_WEIGHTS:])
        rest = Line("weight", f"and {len(left)} more", f"{count:,}")
        return [*lines[:MOST_WEIGHTS], rest]

    # --- the training ---------------------------------------------------------------------

    def loss(self, name: str, texts: list[str], heading: str = "loss") -> Box:
        """The loss of an output, or the sum of them."""
        lines = [Line("heading", heading.upper()), Line("title", shortened(name))]
        lines += [Line("text", shortened(text, 60)) for text in texts]
        return Box("loss", name, lines, ", ".join([f"{heading} {name}", *texts]))

    def optimizer(self, optimizer: Any) -> Box:
        """What changes the weights."""
        rate = f"learning rate {rate_text(optimizer)}"
        lines = [
            Line("heading", "OPTIMIZER"),
            Line("title", shortened(optimizer.name)),
            Line("text", shortened(rate)),
        ]
        return Box("optimizer", optimizer.name, lines, f"optimizer {optimizer.name}, {rate}")


def _inner_path(path: str, owner: str) -> str:
    """The path of a weight within its layer."""
    parts = path.split("/")
    return "/".join(parts[parts.index(owner) + 1 :] if owner in parts[:-1] else parts[-2:])


def rate_text(optimizer: Any) -> str:
    """The learning rate as it is set: a number, or the schedule that gives it."""
    rate = optimizer._learning_rate
    if hasattr(rate, "numpy"):
        return f"{float(rate.numpy()):g}"
    return getattr(rate, "__name__", "") or type(rate).__name__
