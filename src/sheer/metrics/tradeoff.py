"""The best of one figure that leaves another figure at a wanted value or above.

Both are taken at many thresholds; where the wanted value is reached at none, the answer is 0.
"""

from __future__ import annotations

from typing import Any

from sheer.core.checks import integer, nothing, number
from sheer.losses.base import aligned
from sheer.metrics.base import METRICS
from sheer.metrics.curve import Curve, above_thresholds
from sheer.metrics.retrieval import spread_weight
from sheer.ops.arithmetic import as_float, where
from sheer.ops.reduction import max
from sheer.ops.shaping import expand_dims, ravel


class _Tradeoff(Curve):
    arguments = {"num_thresholds": integer(1), "class_id": integer(0) | nothing()}

    def __init__(
        self, num_thresholds: int, class_id: int | None, name: str | None, dtype: str | None
    ):
        super().__init__(dtype, name)
        self.num_thresholds, self.class_id = num_thresholds, class_id
        self.check_arguments()
        self.make_state(num_thresholds)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """y_true: 0 or 1. y_pred: probabilities. Both (n, ...). sample_weight: (n,), or None."""
        y_true, y_pred = aligned(y_true, as_float(y_pred, self.dtype))
        if self.class_id is not None:
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
        weight = None
        if sample_weight is not None:
            weight = ravel(spread_weight(as_float(sample_weight, self.dtype), y_pred))
        self.count(ravel(y_true), ravel(y_pred), weight)

    def found_in(self, scores: Any) -> Any:
        if self.num_thresholds == 1:
            return expand_dims(scores > 0.5, 0)
        return above_thresholds(scores, self.num_thresholds, first=0.0)

    def not_found_of_no(self) -> Any:
        """Of no, the share that is not found, for each threshold; 0 where there is no no."""
        return where(self.negatives.value > 0, 1 - self.found_of_no(), 0.0)


def _best(figure: Any, other: Any, wanted: float) -> Any:
    """The largest of a figure where the other one is what is wanted or more."""
    return max(where(other >= wanted, figure, 0.0))


@METRICS.add()
class SensitivityAtSpecificity(_Tradeoff):
    """Of those that are yes, the most that can be found while of those that are no, a share of
    `specificity` is not.

    Args:
        specificity: in [0, 1].
        num_thresholds: how many thresholds are tried, from 0 to 1; one is 0.5.
        class_id: look at this class alone, of predictions (n, classes).

    >>> metric = SensitivityAtSpecificity(0.5)
    >>> metric.update_state([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])
    >>> float(metric.result())
    0.5
    """

    arguments = {"specificity": number(0, 1)}

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ):
        self.specificity = specificity
        super().__init__(num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return _best(self.found_of_yes(), self.not_found_of_no(), self.specificity)


@METRICS.add()
class SpecificityAtSensitivity(_Tradeoff):
    """Of those that are no, the most that are not found while of those that are yes, a share of
    `sensitivity` is. Arguments as for `SensitivityAtSpecificity`.

    >>> metric = SpecificityAtSensitivity(0.5)
    >>> metric.update_state([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])
    >>> round(float(metric.result()), 4)
    0.6667
    """

    arguments = {"sensitivity": number(0, 1)}

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ):
        self.sensitivity = sensitivity
        super().__init__(num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return _best(self.not_found_of_no(), self.found_of_yes(), self.sensitivity)


@METRICS.add()
class PrecisionAtRecall(_Tradeoff):
    """The best precision while a share of `recall` is found. Arguments as for
    `SensitivityAtSpecificity`.

    >>> metric = PrecisionAtRecall(0.5)
    >>> metric.update_state([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])
    >>> float(metric.result())
    0.5
    """

    arguments = {"recall": number(0, 1)}

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ):
        self.recall = recall
        super().__init__(num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return _best(self.right_of_found(), self.found_of_yes(), self.recall)


@METRICS.add()
class RecallAtPrecision(_Tradeoff):
    """The best recall while of those found, a share of `precision` is right. Arguments as for
    `SensitivityAtSpecificity`.

    >>> metric = RecallAtPrecision(0.8)
    >>> metric.update_state([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
    >>> float(metric.result())
    0.5
    """

    arguments = {"precision": number(0, 1)}

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ):
        self.precision = precision
        super().__init__(num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return _best(self.found_of_yes(), self.right_of_found(), self.precision)
