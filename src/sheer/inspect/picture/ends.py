"""The ends of a picture: predictions, targets, and the losses that compare them."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from sheer.core import tree
from sheer.inspect.picture.boxes import Arrow, Box
from sheer.inspect.picture.flow import Flow


class Value(NamedTuple):
    """What is known of targets."""

    shape: Any
    dtype: str


def add_ends(flow: Flow, model: Any, outputs: list[Any]) -> Box | None:
    """Add what follows the layers. Returns the box of the loss, None where the model is not
    compiled."""
    predictions = []
    names = _output_names(model, outputs)
    for name, y in zip(names, outputs, strict=True):
        box = flow.describe.predictions(name, y)
        flow.put(box, [y], [])
        predictions.append(box)
    if model.optimizer is None:
        return None
    if not model.needs_targets("train_step"):
        total = flow.diagram.add(flow.describe.loss("loss", [_who_computes(model)]))
        flow.diagram.arrows += [Arrow(box, total) for box in predictions]
        return total
    has_penalties = any(w.regularizer is not None for w in model.trainable_weights)
    penalties = ["+ penalties of weights"] if has_penalties else []
    return _add_losses(flow, model, names, predictions, outputs, penalties)


def _who_computes(model: Any) -> str:
    """Where a loss comes from that no target stands for, as far as is known."""
    for own in ("train_step", "compute_loss"):
        if not getattr(type(model), own).__module__.startswith("sheer."):
            return f"computed in {type(model).__name__}.{own}"
    return "what add_loss and regularizers give"


def _add_losses(
    flow: Flow,
    model: Any,
    names: list[str],
    predictions: list[Box],
    outputs: list[Any],
    penalties: list[str],
) -> Box:
    """A loss for each output that has one, with its targets; and their sum, where there are
    several."""
    diagram, describe = flow.diagram, flow.describe
    # A copy: which loss belongs to which output is settled in it, and not in the model.
    compiled = copy.copy(model._compiled_loss)
    structure = _structure(model, outputs)
    losses = compiled.settled(structure)[1]
    targets = compiled.suggested_targets(structure)
    is_one = len(losses) == 1
    boxes: list[Box] = []
    terms: list[str] = []
    for place, loss, factor, name in losses:
        expected = diagram.add(describe.targets(_target_name(names, place), Value(*targets[place])))
        weight = f"{factor:g} · " if factor not in (None, 1) else ""
        alone = [f"{weight}{loss.name}"] * bool(weight) + penalties
        box = diagram.add(describe.loss(loss.name, alone if is_one else [f"{name}_loss"]))
        diagram.arrows += [Arrow(predictions[place], box), Arrow(expected, box, "targets")]
        boxes.append(box)
        terms.append(f"{'+ ' * bool(terms)}{weight}{name}_loss")
    if is_one:
        return boxes[0]
    total = diagram.add(describe.loss("loss", [*terms, *penalties], "sum of the losses"))
    diagram.arrows += [Arrow(box, total) for box in boxes]
    return total


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


def _target_name(names: list[str], place: int) -> str:
    """What the targets of an output are called: as in programs."""
    if len(names) == 1:
        return "y"
    return "y_" + names[place].removeprefix("y_pred_")


def _structure(model: Any, outputs: list[Any]) -> Any:
    """The outputs as the model returns them."""
    if len(outputs) == 1:
        return outputs[0]
    known = model.output_symbols
    return known if known is not None and len(tree.leaves(known)) == len(outputs) else outputs
