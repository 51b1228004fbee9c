"""What `compile` was told: the losses, and the metrics with the names that the user gave them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sheer import losses, metrics
from sheer.core import config, tree
from sheer.core.checks import number
from sheer.core.registry import snake_case
from sheer.core.scope import part, section
from sheer.losses import Loss
from sheer.losses.base import LOSSES
from sheer.metrics import Mean, MeanMetricWrapper, Metric
from sheer.ops.declare import shape_of
from sheer.ops.recording import computing
from sheer.ops.symbol import named
from sheer.training.outputs import Outputs, is_several


def compile_loss(loss: Any) -> Loss | None:
    """A Loss from a name, a config, a Loss, or a function of (y_true, y_pred)."""
    if loss is None:
        return None
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


def _factor(weight: Any) -> float | None:
    if weight is not None and not number().accepts(weight):
        raise ValueError(
            "compile: loss_weights must be a number, or a list or dictionary of numbers, one for "
            f"each output. Got {weight!r}."
        )
    return None if weight is None else float(weight)


def _each(function: Callable[[Any], Any], given: Any) -> Any:
    """The structure of what was given with each thing in it replaced."""
    if not is_several(given):
        return function(given)
    if isinstance(given, dict):
        return {key: _each(function, value) for key, value in given.items()}
    return [_each(function, value) for value in given]


class OutputLoss(NamedTuple):
    """The loss of one output: its place among the outputs, its factor, and what it is called where
    there are several."""

    place: int
    loss: Loss
    factor: float | None
    name: str


class CompiledLoss:
    """The losses of a model. Which belongs to which output is settled when the outputs are known.

    Args:
        loss: a loss, or a list or dictionary of losses, as the outputs are.
        factors: a number, or a list or dictionary of numbers.
        layers: the names of the layers that make the outputs, as far as known.
    """

    def __init__(self, loss: Any, factors: Any, layers: list[str]):
        self._given = _each(compile_loss, loss)
        self._factors = _each(_factor, factors)
        self._layers = layers
        self._settled: tuple[str, Outputs, list[OutputLoss]] | None = None
        # The mean of each loss over all examples, where there are several.
        self.trackers: list[Mean] = []
        self._latest: list[Any] = []

    @property
    def name(self) -> str:
        """That of the loss; where there are several, those of the outputs that have one."""
        if self._settled is None or len(self._settled[2]) == 1:
            found = [v for v in _leaves(self._given) if v is not None]
            return found[0].name if len(found) == 1 else "losses"
        return ", ".join(loss.name for loss in self._settled[2])

    @property
    def by_output(self) -> list[OutputLoss]:
        """The losses of the outputs that have one; none while the outputs are not known."""
        return [] if self._settled is None else self._settled[2]

    def settled(self, y_pred: Any) -> tuple[Outputs, list[OutputLoss]]:
        """The outputs, and the losses of those that have one."""
        structure = repr(tree.map_tree(lambda _: 0, y_pred))
        if self._settled is None or self._settled[0] != structure:
            outputs = Outputs(y_pred, self._layers)
            self._settled = structure, outputs, self._found(outputs)
        return self._settled[1:]

    def _found(self, outputs: Outputs) -> list[OutputLoss]:
        losses = dict.fromkeys(outputs.order, self._given)
        if is_several(self._given):
            losses = outputs.placed(self._given, "loss")
        factors = [self._factors]
        if outputs.count > 1 or is_several(self._factors):
            factors = outputs.spread(self._factors, "loss_weights")
        found: list[OutputLoss] = []
        for place, loss in losses.items():
            if loss is not None:
                name = outputs.name_of_loss(place) or loss.name
                name = _free(name, {other.name for other in found})
                found.append(OutputLoss(place, loss, factors[place], name))
        names = [f"{loss.name}_loss" for loss in found] if len(found) > 1 else []
        if [tracker.name for tracker in self.trackers] != names:
            with computing():
                self.trackers = [Mean(name=name) for name in names]
        return found

    def targets(self, y: Any, y_pred: Any) -> list[Any]:
        """The targets of each output. y may be given as the outputs are, by name, by position, or
        for those alone that have a loss."""
        outputs, losses = self.settled(y_pred)
        given = tree.leaves(y)
        if outputs.count == 1:
            return given[:1] if len(given) == 1 else [y]
        if not isinstance(y, dict) and len(given) == len(losses) < outputs.count:
            found: list[Any] = [None] * outputs.count
            for loss, target in zip(losses, given, strict=True):
                found[loss.place] = target
            return found
        return outputs.spread(y, "y")

    def weights(self, sample_weight: Any, y_pred: Any) -> list[Any]:
        """The sample weights of each output; one array counts for all of them."""
        outputs, _ = self.settled(y_pred)
        if not is_several(sample_weight):
            return [sample_weight] * outputs.count
        return outputs.spread(sample_weight, "sample_weight")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The sum of the losses, each times its factor; None where no output has one."""
        _, losses = self.settled(y_pred)
        targets, weights = self.targets(y_true, y_pred), self.weights(sample_weight, y_pred)
        outputs = tree.leaves(y_pred)
        self._latest = []
        total: Any = None
        for place, loss, factor, name in losses:
            if len(losses) == 1:
                value = loss(targets[place], outputs[place], weights[place])
            else:
                with part(name, loss.name):
                    value = loss(targets[place], outputs[place], weights[place])
                self._latest.append(named(f"{name}_loss", value))
            value = value if factor is None else value * factor
            total = value if total is None else total + value
        return total

    def track(self, rows: Any) -> None:
        """Take the latest loss of each output into its mean; a batch counts by its examples."""
        latest, self._latest = self._latest, []
        for tracker, value in zip(self.trackers, latest, strict=False):
            with part(tracker.name, "mean over all examples so far"):
                tracker.update_state(value, sample_weight=rows)

    def check_targets(self, y: Any, outputs: Any) -> None:
        """Ask each loss whether its targets (arrays, all of them) can be right for such outputs."""
        _, losses = self.settled(outputs)
        targets = self.targets(y, outputs)
        shapes = [x.shape for x in tree.leaves(outputs)]
        for place, loss, _, name in losses:
            if is_several(targets[place]) and type(loss) in LOSSES.classes():
                several, count = targets[place], len(shapes)
                raise ValueError(
                    f"y is a {type(several).__name__} of {len(several)}, and the model has "
                    f"{'1 output' if count == 1 else f'{count} outputs'}: {loss.name} takes one "
                    "array."
                )
            if isinstance(targets[place], np.ndarray):
                try:
                    loss.check_targets(targets[place], shapes[place])
                except ValueError as error:
                    if len(losses) == 1:
                        raise
                    raise ValueError(f"output {name!r}: {error}") from None

    def suggested_targets(self, outputs: Any) -> list[tuple[Any, str]]:
        """A shape and a dtype of targets such as the loss of each output takes."""
        _, losses = self.settled(outputs)
        whole = {loss.place for loss in losses if loss.loss.integer_targets}
        return [
            (x.shape[:-1], "int64") if place in whole else (x.shape, config.floatx())
            for place, x in enumerate(tree.leaves(outputs))
        ]


def _leaves(given: Any) -> list[Any]:
    return tree.leaves(given) if is_several(given) else [given]


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


def _word(identifier: Any) -> str:
    return SHORT.get(identifier, identifier) if isinstance(identifier, str) else ""


def _metric(identifier: Any, y_true: Any, y_pred: Any) -> Metric:
    """The metric meant; its name is the user's word for it."""
    if isinstance(identifier, Metric):
        return identifier
    word = _word(identifier)
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


class OutputMetric(NamedTuple):
    """A metric of one output: its name in the logs, whether that begins with the output's, and
    whether examples count by their weights."""

    metric: Metric
    place: int
    name: str
    has_prefix: bool
    weighted: bool


class CompiledMetrics:
    """The metrics of a model: made when the first targets and predictions are seen.

    Args:
        plain, weighted: metrics, or for several outputs lists or dictionaries of them.
        loss: the compiled losses, which find the targets of each output.
    """

    def __init__(self, plain: Any, weighted: Any, loss: CompiledLoss):
        self._given = {"metrics": plain, "weighted_metrics": weighted}
        for given in self._given.values():
            for identifier in _leaves(given):
                if isinstance(identifier, str) and _word(identifier) not in BY_TARGET:
                    metrics.get(identifier)  # an unknown name is an error now, not at first use
        self._loss = loss
        self.loss = Mean(name="loss")
        self._made: list[OutputMetric] | None = None

    @property
    def metrics(self) -> list[Metric]:
        """The means of the losses, where there are several, and the metrics made so far, in Keras's
        order: those with the name of an output come last."""
        made = self._made or []
        last = sorted((m for m in made if m.has_prefix), key=lambda m: m.name)
        first = [m.metric for m in made if not m.has_prefix]
        return [*first, *self._loss.trackers, *(m.metric for m in last)]

    @property
    def names(self) -> dict[int, str]:
        """The names of the metrics in the logs, by the id() of the metric."""
        return {id(m.metric): m.name for m in self._made or []}

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Make the metrics for such targets and predictions, once."""
        if self._made is None:
            with computing():
                self._made = self._build(y_true, y_pred)

    def _build(self, y_true: Any, y_pred: Any) -> list[OutputMetric]:
        outputs, _ = self._loss.settled(y_pred)
        is_one = outputs.count == 1
        targets, predictions = self._loss.targets(y_true, y_pred), tree.leaves(y_pred)
        made: list[OutputMetric] = []
        for what, given in self._given.items():
            found = [_leaves(given)] if is_one else outputs.spread(given, what)
            for place, entry in enumerate(found):
                prefix = f"{outputs.names[place]}_" if not is_one and outputs.names[place] else ""
                for identifier in _leaves(entry):
                    if identifier is None:
                        continue
                    metric = _metric(identifier, targets[place], predictions[place])
                    weighted = what == "weighted_metrics"
                    taken = {m.name for m in made} | {"loss"}
                    taken |= {tracker.name for tracker in self._loss.trackers}
                    name = prefix + metric.name
                    if name in taken:
                        # No figure may hide another one of its name.
                        name = _free(f"{prefix}{'weighted_' * weighted}{metric.name}", taken)
                    for variable in metric.variables:
                        variable.path = f"metrics/{name}_{variable.name}"
                    made.append(OutputMetric(metric, place, name, bool(prefix), weighted))
        return made

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any) -> None:
        """Take in a batch."""
        self.build(y_true, y_pred)
        outputs = tree.leaves(y_pred)
        self._loss.track(outputs[0].shape[0])
        if not self._made:
            return
        targets = self._loss.targets(y_true, y_pred)
        weights = self._loss.weights(sample_weight, y_pred)
        for metric, place, name, _, weighted in self._made:
            with part(name, f"{type(metric).__name__}"):
                y, y_hat, weight = targets[place], outputs[place], weights[place]
                if weighted and weight is not None:
                    metric.update_state(y, y_hat, sample_weight=weight)
                else:
                    metric.update_state(y, y_hat)

    def track_loss(self, loss: Any, rows: Any) -> None:
        """Count a batch's loss by its number of examples."""
        with section("metrics"):
            with part("loss", "mean over all examples so far"):
                self.loss.update_state(loss, sample_weight=rows)
            self._loss.track(rows)

    def reset(self) -> None:
        """Forget all batches."""
        for metric in [self.loss, *self.metrics]:
            metric.reset_state()


def _free(name: str, taken: set[str]) -> str:
    count = 1
    result = name
    while result in taken:
        result, count = f"{name}_{count}", count + 1
    return result
