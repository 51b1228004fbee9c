"""What `compile` was told: the loss, and the metrics with the names that the user gave them."""

from __future__ import annotations

from typing import Any

from sheer import losses, metrics
from sheer.core.checks import number
from sheer.core.registry import snake_case
from sheer.core.scope import part, section
from sheer.losses import Loss
from sheer.metrics import Mean, MeanMetricWrapper, Metric
from sheer.ops.declare import shape_of
from sheer.ops.operand import Operand
from sheer.ops.recording import computing


def compile_loss(loss: Any) -> Loss | None:
    """A Loss from a name, a config, a Loss, or a function of (y_true, y_pred)."""
    if loss is None:
        return None
    if isinstance(loss, (list, tuple)) or (isinstance(loss, dict) and "class_name" not in loss):
        raise ValueError(
            f"compile: sheer's models have one output, so give one loss. Got {loss!r}."
        )
    found = losses.get(loss)
    if isinstance(found, Loss):
        return found
    if isinstance(loss, str):
        # A function's name: its class knows which targets fit.
        for cls in losses.base.LOSSES.classes():
            if snake_case(cls.__name__) == found.__name__:
                made: Loss = cls()
                return made
    return losses.LossFunctionWrapper(found)


def compile_weight(weight: Any) -> float | None:
    """The factor of the loss: a number, or a list or dictionary of one."""
    listed = list(weight.values()) if isinstance(weight, dict) else weight
    if isinstance(listed, (list, tuple)) and len(listed) == 1:
        (weight,) = listed
    if weight is not None and not number().accepts(weight):
        raise ValueError(
            "compile: loss_weights must be a number, as sheer's models have one output. "
            f"Got {weight!r}."
        )
    return None if weight is None else float(weight)


# What "accuracy" and "crossentropy" mean for binary, for sparse, and for one-hot targets.
BY_TARGET = {
    "accuracy": (
        metrics.BinaryAccuracy,
        metrics.SparseCategoricalAccuracy,
        metrics.CategoricalAccuracy,
    ),
    "crossentropy": (
        metrics.BinaryCrossentropy,
        metrics.SparseCategoricalCrossentropy,
        metrics.CategoricalCrossentropy,
    ),
}
SHORT = {"acc": "accuracy", "ce": "crossentropy"}


def _metric(identifier: Any, y_true: Any, y_pred: Any) -> Metric:
    """The metric meant; its name is the user's word for it."""
    if isinstance(identifier, Metric):
        return identifier
    word = SHORT.get(identifier, identifier) if isinstance(identifier, str) else ""
    if word in BY_TARGET:
        true, pred = shape_of(y_true), shape_of(y_pred)
        is_binary = len(pred) < 2 or pred[-1] == 1
        is_sparse = len(true) < len(pred) or (len(true) > 1 and true[-1] == 1 and not is_binary)
        cls = BY_TARGET[word][0 if is_binary else 1 if is_sparse else 2]
        made: Metric = cls(name=identifier)
        return made
    found = metrics.get(identifier)
    if isinstance(found, Metric):
        if isinstance(identifier, str):
            return type(found)(name=identifier)
        return found
    return MeanMetricWrapper(found, name=identifier if isinstance(identifier, str) else None)


class CompiledMetrics:
    """The metrics of a model: made when the first targets and predictions are seen."""

    def __init__(self, plain: Any, weighted: Any):
        self._given = [(m, False) for m in _listed(plain)] + [(m, True) for m in _listed(weighted)]
        for identifier, _ in self._given:
            if isinstance(identifier, str) and SHORT.get(identifier, identifier) not in BY_TARGET:
                metrics.get(identifier)  # an unknown name is an error now, not at the first batch
        self.loss = Mean(name="loss")
        self._made: list[tuple[Metric, bool]] | None = None

    @property
    def metrics(self) -> list[Metric]:
        """The metrics made so far."""
        return [m for m, _ in self._made or []]

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Make the metrics for such targets and predictions, once."""
        if self._made is None and isinstance(y_pred, Operand):
            self._made = self._build(y_true, y_pred)

    def _build(self, y_true: Any, y_pred: Any) -> list[tuple[Metric, bool]]:
        made: list[tuple[Metric, bool]] = []
        with computing():
            for identifier, weighted in self._given:
                metric = _metric(identifier, y_true, y_pred)
                taken = {m.name for m, _ in made} | {"loss"}
                if metric.name in taken:
                    # No figure may hide another one of its name.
                    prefix = "weighted_" if weighted else ""
                    metric = _renamed(metric, _free(f"{prefix}{metric.name}", taken))
                made.append((metric, weighted))
        return made

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any) -> None:
        """Take in a batch."""
        self.build(y_true, y_pred)
        for metric, weighted in self._made or []:
            with part(metric.name, f"{type(metric).__name__}"):
                if weighted and sample_weight is not None:
                    metric.update_state(y_true, y_pred, sample_weight=sample_weight)
                else:
                    metric.update_state(y_true, y_pred)

    def track_loss(self, loss: Any, rows: Any) -> None:
        """Count a batch's loss by its number of examples."""
        with section("metrics"), part("loss", "mean over all examples so far"):
            self.loss.update_state(loss, sample_weight=rows)

    def reset(self) -> None:
        """Forget all batches."""
        for metric in [self.loss, *self.metrics]:
            metric.reset_state()


def _renamed(metric: Metric, name: str) -> Metric:
    metric.name = name
    for variable in metric.variables:
        variable.path = f"metrics/{name}_{variable.name}"
    return metric


def _free(name: str, taken: set[str]) -> str:
    count = 1
    result = name
    while result in taken:
        result, count = f"{name}_{count}", count + 1
    return result


def _listed(given: Any) -> list[Any]:
    """The metrics as a list; a lone one counts as one."""
    if given is None:
        return []
    if isinstance(given, dict):
        raise ValueError(f"compile: sheer's models have one output; give metrics as a list. "
                         f"Got {given!r}.")  # fmt: skip
    return list(given) if isinstance(given, (list, tuple)) else [given]
