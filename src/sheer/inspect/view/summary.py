"""A recorded step in numbers: what a page shows of it before any array is fetched."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sheer.inspect.recorded import RecordedStep
from sheer.inspect.statistics import histogram
from sheer.inspect.view.plain import Array

Summary = dict[str, Any]

# Between which values an activation moves, and how near to one of them it counts as saturated.
BOUNDS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0)}
NEAR = 0.01
# The activations whose units can be dead: 0 for every row.
CAN_DIE = ("relu", "relu6")


def summarized(step: RecordedStep, description: dict[str, Any], number: int, count: int) -> Summary:
    """The StepSummary of a step.

    Args:
        step: with `epoch` and `batch` in its `place`.
        description: of the model, `Watch.describe()`.
        number: its id.
        count: how many steps of the training came before it.
    """
    origin = step.first_not_finite()
    inputs = description["data"]["inputs"]
    return {
        "id": number,
        "epoch": step.place.get("epoch", 0),
        "batch": step.place.get("batch", 0),
        "step": count,
        "rows": len(step[inputs[0]["name"]]) if inputs else 0,
        "loss": _scalar(step, "loss"),
        "learning_rate": learning_rate(step, description["optimizer"]["name"]),
        "statistics": {name: _statistics(step, name) for name in step},
        "seconds": step.seconds,
        "tensors": list(step),
        "layers": {layer["name"]: layer_figures(step, layer) for layer in description["layers"]},
        "not_finite": None
        if origin is None
        else {
            "row": step.rows.index(origin.row) if origin.row is not None else None,
            "name": origin.name,
            "index": origin.index,
        },
    }


def _scalar(step: RecordedStep, name: str) -> float | None:
    if name in step.values and step.values[name].ndim == 0:
        return float(step.values[name])
    found = step.logs.get(name)
    return float(found) if found is not None and np.ndim(found) == 0 else None


def learning_rate(step: RecordedStep, optimizer: str) -> float | None:
    """The rate of the step: a Variable of the optimizer, or what a schedule computed."""
    for name in ("learning_rate", f"{optimizer}.learning_rate"):
        if name in step and step[name].ndim == 0:
            return float(step[name])
    return None


def _statistics(step: RecordedStep, name: str) -> dict[str, Any]:
    found = step.statistics(name)
    low, high, counts = histogram(step[name])
    return {
        "shape": found.shape,
        "dtype": found.dtype,
        "minimum": found.minimum,
        "mean": found.mean,
        "maximum": found.maximum,
        "deviation": found.deviation,
        "zeros": found.zeros,
        "nans": found.nans,
        "infinities": found.infinities,
        "histogram": {"low": low, "high": high, "counts": counts},
    }


def layer_figures(step: RecordedStep, layer: dict[str, Any]) -> dict[str, Any]:
    """Of a layer in a step: its units, and how large activations, gradients, weights and updates
    are. Norms are Euclidean, over all trained weights of the layer together; the update is the new
    weights minus the old.
    """
    output = layer["output"]
    h = step[output] if output is not None and output in step else None
    units = int(h.shape[-1]) if h is not None and h.ndim > 1 else 0
    statistics = step.statistics(output) if h is not None else None
    trained = [w for w in layer["weights"] if w["gradient"] in step and w["name"] in step]
    news = [w for w in trained if w["new"] in step]
    weight = _norm([step[w["name"]] for w in trained])
    update = _norm([step[w["new"]] - step[w["name"]] for w in news])
    return {
        "units": units,
        "dead": dead_units(h, layer["activation"]) if h is not None and units else 0,
        "saturated": saturated_units(h, layer["activation"]) if h is not None and units else 0,
        "activation_mean": statistics.mean if statistics else None,
        "activation_deviation": statistics.deviation if statistics else None,
        "gradient_norm": _norm([step[w["gradient"]] for w in trained]),
        "weight_norm": weight,
        "update_norm": update,
        "update_ratio": update / weight if update is not None and weight else None,
    }


def dead_units(h: Array, activation: str | None) -> int:
    """How many units of a relu are 0 for all rows."""
    if activation not in CAN_DIE:
        return 0
    return int(np.count_nonzero(~(h.reshape(-1, h.shape[-1]) != 0).any(axis=0)))


def saturated_units(h: Array, activation: str | None) -> int:
    """How many units are within 0.01 of a bound of their activation for all rows."""
    if activation not in BOUNDS:
        return 0
    low, high = BOUNDS[activation]
    flat = h.reshape(-1, h.shape[-1])
    return int(np.count_nonzero(((flat <= low + NEAR) | (flat >= high - NEAR)).all(axis=0)))


def _norm(arrays: list[Array]) -> float | None:
    """The root of the sum of all squares; None without arrays."""
    if not arrays:
        return None
    with np.errstate(all="ignore"):
        return math.sqrt(sum(float(np.vdot(a, a)) for a in arrays))
