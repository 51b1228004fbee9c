"""The area under a curve of right against wrong predictions."""

from __future__ import annotations

from typing import Any

from sheer.core.checks import boolean, integer, nothing, numbers, one_of
from sheer.core.shapes import show
from sheer.losses.base import aligned
from sheer.metrics.base import METRICS
from sheer.metrics.curve import Curve, above_thresholds
from sheer.metrics.retrieval import spread_weight
from sheer.ops.arithmetic import as_float, divide_no_nan, equal, log, maximum, minimum, where
from sheer.ops.nn import sigmoid
from sheer.ops.reduction import mean, sum
from sheer.ops.shaping import ravel
from sheer.ops.symbol import named
from sheer.ops.tensor import Tensor

METHODS = ("interpolation", "minoring", "majoring")


@METRICS.add()
class AUC(Curve):
    """The area under the curve that a threshold draws as it moves from 0 to 1.

    Args:
        num_thresholds: how many thresholds stand for the curve, the two ends included.
        curve: `"ROC"`, the share of yes found against the share of no taken for yes; `"PR"`,
            precision against recall; or `"PRGAIN"`, the gains of both over what is always right to
            say (Flach and Kull 2015).
        summation_method: how the area between two thresholds is filled in: `"interpolation"` (for
            PR as Davis and Goadrich 2006 have it), `"minoring"` or `"majoring"`.
        thresholds: those between 0 and 1, in place of evenly spaced ones.
        multi_label: whether predictions (n, labels) have a curve for each label, and the result is
            the mean of their areas; by default, all predictions share one curve.
        num_labels: how many labels; those of the first batch by default.
        label_weights: how much each label counts, a number for each; all the same by default.
        from_logits: whether predictions are logits, not probabilities.

    Example:

    >>> auc = AUC()
    >>> auc.update_state([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
    >>> float(auc.result())
    0.75
    """

    arguments = {
        "num_thresholds": integer(2),
        "curve": one_of("ROC", "PR", "PRGAIN", "roc", "pr", "prgain"),
        "summation_method": one_of(*METHODS, *map(str.capitalize, METHODS)),
        "thresholds": numbers(0, 1) | nothing(),
        "multi_label": boolean(),
        "num_labels": integer(1) | nothing(),
        "label_weights": numbers(0) | nothing(),
        "from_logits": boolean(),
    }

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: str | None = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ):
        super().__init__(dtype, name)
        self.curve, self.summation_method = curve, summation_method
        self.num_thresholds, self.thresholds = num_thresholds, thresholds
        self.multi_label, self.num_labels = multi_label, num_labels
        self.label_weights, self.from_logits = label_weights, from_logits
        self.check_arguments()
        if num_labels is not None and not multi_label:
            raise ValueError(f"AUC: num_labels goes with multi_label=True. Got {num_labels!r}.")
        self.curve, self.summation_method = curve.upper(), summation_method.lower()
        if thresholds is not None:
            self.num_thresholds = len(thresholds) + 2
        if not multi_label:
            self.make_state(self.num_thresholds)
        elif num_labels is not None:
            self.make_state(self.num_thresholds, (num_labels,))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """y_true: 0 or 1. y_pred: probabilities. Both (n, ...). sample_weight: (n,), or None."""
        y_true, y_pred = aligned(y_true, as_float(y_pred, self.dtype))
        y_pred = sigmoid(y_pred) if self.from_logits else y_pred
        weight = None
        if sample_weight is not None:
            weight = spread_weight(as_float(sample_weight, self.dtype), y_pred)
        if self.multi_label:
            if y_pred.ndim != 2:
                raise ValueError(
                    f"{self.name}: with multi_label, predictions need the shape (n, labels). "
                    f"Got {show(y_pred.shape)}."
                )
            if not self.variables:
                self.make_state(self.num_thresholds, y_pred.shape[1:])
            self.count(y_true, y_pred, weight)
            return
        if self.label_weights is not None:
            by_label = spread_weight(self._by_label(), y_pred)
            weight = by_label if weight is None else weight * by_label
        self.count(ravel(y_true), ravel(y_pred), None if weight is None else ravel(weight))

    def _by_label(self) -> Any:
        return Tensor([self.label_weights], self.dtype)

    def found_in(self, scores: Any) -> Any:
        inner = None if self.thresholds is None else tuple(sorted(self.thresholds))
        return above_thresholds(scores, self.num_thresholds, inner)

    def result(self) -> Any:
        areas = self._areas()
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return mean(areas)
        weights = self._by_label()[0]
        return divide_no_nan(sum(areas * weights), sum(weights))

    def _areas(self) -> Any:
        """The area, or that of each label."""
        if self.curve == "ROC":
            return self._area(self.found_of_no(), self.found_of_yes())
        if self.curve == "PRGAIN":
            return self._area(*self._gains())
        if self.summation_method != "interpolation":
            return self._area(self.found_of_yes(), self.right_of_found())
        tp = self.true_positives.value
        axis = 0 if self.multi_label else None
        return _precision_recall_area(tp, tp + self.false_positives, self.positives.value, axis)

    def _gains(self) -> tuple[Any, Any]:
        """What recall and precision gain over those of always yes."""
        tp, fp = self.true_positives.value, self.false_positives.value
        odds = named("odds", divide_no_nan(self.positives, self.negatives))
        missed, none_found = self.positives - tp, equal(tp, 0)
        recall = maximum(where(none_found, 0.0, 1 - odds * divide_no_nan(missed, tp)), 0)
        precision = where(none_found, 1.0, 1 - odds * divide_no_nan(fp, tp))
        return named("recall_gain", recall), named("precision_gain", precision)

    def _area(self, x: Any, y: Any) -> Any:
        """Under the curve, from right to left."""
        left, right = y[1:], y[:-1]
        if self.summation_method == "interpolation":
            heights = (left + right) / 2
        else:
            heights = (minimum if self.summation_method == "minoring" else maximum)(left, right)
        areas = named("areas", (x[:-1] - x[1:]) * heights)
        return sum(areas, axis=0 if self.multi_label else None)


def _precision_recall_area(tp: Any, found: Any, positives: Any, axis: int | None) -> Any:
    """The area under precision against recall; between two thresholds, right and wrong ones are
    found at a constant rate (Davis and Goadrich 2006)."""
    step = tp[:-1] - tp[1:]
    rate = divide_no_nan(step, maximum(found[:-1] - found[1:], 0))
    offset = tp[1:] - rate * found[1:]
    both = (found[:-1] > 0) & (found[1:] > 0)
    ratio = where(both, divide_no_nan(found[:-1], found[1:]), 1.0)
    return divide_no_nan(sum(rate * (step + offset * log(ratio)), axis=axis), positives)
