"""F scores: precision and recall in one figure."""

from __future__ import annotations

from typing import Any

from sheer.core import config
from sheer.core.checks import nothing, number, one_of
from sheer.core.shapes import show
from sheer.losses.base import aligned
from sheer.metrics.base import METRICS, Metric
from sheer.ops.arithmetic import abs, as_float, cast, logical_and
from sheer.ops.reduction import max, mean, sum
from sheer.ops.shaping import expand_dims
from sheer.ops.symbol import named
from sheer.ops.variable import Variable


@METRICS.add()
class FBetaScore(Metric):
    """(1 + beta²) · precision · recall / (beta² · precision + recall), for each class.

    Args:
        average: what is made of the scores of the classes: None, the scores themselves; `"macro"`,
            their mean; `"weighted"`, their mean by how often each class occurs; `"micro"`, one
            score of all classes counted together.
        beta: how many times as much recall counts as precision.
        threshold: the prediction above which a class is found; by default, the largest is found.

    Example:

    >>> score = FBetaScore(beta=2.0, threshold=0.5)
    >>> score.update_state([[1.0, 0.0], [1.0, 1.0]], [[0.9, 0.6], [0.2, 0.8]])
    >>> score.result().numpy().round(4)  # precision 1 and 1/2, recall 1/2 and 1
    array([0.5556, 0.8333], dtype=float32)
    """

    arguments = {
        "average": one_of(None, "micro", "macro", "weighted"),
        "beta": number(0, None, "()"),
        "threshold": number(0, 1, "(]") | nothing(),
    }

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: str | None = None,
    ):
        super().__init__(dtype, name)
        self.average, self.beta, self.threshold = average, beta, threshold
        self.check_arguments()
        # Made for the number of classes that is seen first.
        self.sums: dict[str, Variable] = {}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """y_true: 0 or 1. y_pred: probabilities. Both (n, classes). sample_weight: (n,) or None."""
        y_true, y_pred = aligned(y_true, as_float(y_pred, self.dtype))
        if y_pred.ndim != 2 or y_true.ndim != 2:
            raise ValueError(
                f"{self.name}: targets and predictions need the shape (n, classes).\n"
                f"  targets     {show(y_true.shape)}\n"
                f"  predictions {show(y_pred.shape)}"
            )
        found = named("found", cast(self._found(y_pred), self.dtype))
        new = {
            "true_positives": found * y_true,
            "false_positives": found * (1 - y_true),
            "false_negatives": (1 - found) * y_true,
            "intermediate_weights": y_true,
        }
        shape = () if self.average == "micro" else y_pred.shape[1:]
        if not self.sums:
            self.sums = {kind: self.add_variable(shape, name=kind) for kind in new}
        weight = None
        if sample_weight is not None:
            weight = expand_dims(as_float(sample_weight, self.dtype), 1)
        for kind, values in new.items():
            values = values if weight is None else values * weight
            self.sums[kind].assign_add(sum(values, axis=0 if shape else None))

    def _found(self, y_pred: Any) -> Any:
        if self.threshold is not None:
            return y_pred > self.threshold
        is_largest = y_pred >= max(y_pred, axis=-1, keepdims=True)
        return logical_and(is_largest, abs(y_pred) > 1e-9)

    def result(self) -> Any:
        if not self.sums:
            raise ValueError(f"{self.name}: there is no score before the first batch.")
        right, wrong, missed, occurring = (variable.value for variable in self.sums.values())
        epsilon, square = config.epsilon(), self.beta**2
        precision = named("precision", right / (right + wrong + epsilon))
        recall = named("recall", right / (right + missed + epsilon))
        both = precision * recall / (square * precision + recall + epsilon)
        score = named("scores", both * (1 + square))
        if self.average == "weighted":
            return sum(score * (occurring / (sum(occurring) + epsilon)))
        return score if self.average is None else mean(score)


@METRICS.add()
class F1Score(FBetaScore):
    """The harmonic mean of precision and recall: `FBetaScore` with beta 1.

    >>> score = F1Score(average="macro", threshold=0.5)
    >>> score.update_state([[1.0, 0.0], [1.0, 1.0]], [[0.9, 0.6], [0.2, 0.8]])
    >>> round(float(score.result()), 4)  # (2/3 + 2/3) / 2
    0.6667
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: str | None = None,
    ):
        super().__init__(average, 1.0, threshold, name, dtype)
