"""How many of the found are right, and how many of the right are found."""

from __future__ import annotations

from typing import Any

from sheer.core.checks import number
from sheer.losses.base import same_rank
from sheer.metrics.base import METRICS, Metric
from sheer.ops.arithmetic import cast, divide_no_nan
from sheer.ops.reduction import sum
from sheer.ops.shaping import broadcast_to


class _Counts(Metric):
    """True positives, and one kind of mistake."""

    arguments = {"thresholds": number(0, 1)}
    mistakes = ""

    def __init__(
        self, thresholds: float | None = None, name: str | None = None, dtype: str | None = None
    ):
        super().__init__(dtype, name)
        self.thresholds = 0.5 if thresholds is None else thresholds
        self.check_arguments()
        self.true_positives = self.add_variable(name="true_positives")
        self.mistaken = self.add_variable(name=self.mistakes)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """y_true: 0 or 1. y_pred: probabilities. Both (n, ...)."""
        y_true, y_pred = same_rank(cast(y_true, self.dtype), cast(y_pred, self.dtype))
        found = cast(y_pred > self.thresholds, self.dtype)
        right = y_true * found
        wrong = self.wrong(y_true, found)
        if sample_weight is not None:
            right, weight = same_rank(right, cast(sample_weight, self.dtype))
            weight = broadcast_to(weight, right.shape)
            right, wrong = right * weight, wrong * weight
        self.true_positives.assign_add(sum(right))
        self.mistaken.assign_add(sum(wrong))

    def wrong(self, y_true: Any, found: Any) -> Any:
        """1 for each mistake that counts."""
        raise NotImplementedError

    def result(self) -> Any:
        return divide_no_nan(self.true_positives, self.true_positives + self.mistaken)


@METRICS.add()
class Precision(_Counts):
    """Of those predicted as 1, the share that is 1.

    thresholds: predictions above it count as 1; 0.5 by default.
    """

    mistakes = "false_positives"

    def wrong(self, y_true: Any, found: Any) -> Any:
        return (1 - y_true) * found


@METRICS.add()
class Recall(_Counts):
    """Of those that are 1, the share predicted as 1.

    thresholds: predictions above it count as 1; 0.5 by default.
    """

    mistakes = "false_negatives"

    def wrong(self, y_true: Any, found: Any) -> Any:
        return y_true * (1 - found)
