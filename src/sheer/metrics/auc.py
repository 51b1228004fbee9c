"""The area under a curve of right against wrong predictions."""

from __future__ import annotations

from typing import Any

from sheer.core.checks import boolean, integer, nothing, numbers, one_of
from sheer.losses.base import aligned
from sheer.metrics.base import METRICS, Metric
from sheer.metrics.retrieval import spread_weight
from sheer.ops.arithmetic import (
    as_float,
    cast,
    divide_no_nan,
    log,
    maximum,
    minimum,
    not_equal,
    where,
)
from sheer.ops.declare import Array, op
from sheer.ops.linalg import matmul
from sheer.ops.nn import sigmoid
from sheer.ops.reduction import sum
from sheer.ops.rules import normal
from sheer.ops.shaping import reshape
from sheer.ops.symbol import named


@op(
    shape=lambda x, count, inner=None: (count, *x),
    dtype="bool",
    sample=[normal((3,), count=5), normal((3,), count=3, inner=(0.3,))],
    label="found",
)
def above_thresholds(xp: Any, x: Array, count: int, inner: Any = None) -> Array:
    """Whether numbers (m,) are above `count` thresholds from 0 to 1: one row for each threshold.

    The first row has them all, the last has none; `inner` are the thresholds between, evenly
    spaced by default.
    """
    between = xp.arange(1, count - 1) / (count - 1) if inner is None else xp.asarray(inner)
    thresholds = xp.concatenate([xp.array([-xp.inf]), between, xp.array([xp.inf])])
    return x > thresholds.astype(x.dtype)[:, None]


@METRICS.add()
class AUC(Metric):
    """The area under the curve that a threshold draws as it moves from 0 to 1.

    Args:
        num_thresholds: how many thresholds stand for the curve, the two ends included.
        curve: `"ROC"`, the share of yes found against the share of no taken for yes; or `"PR"`,
            precision against recall.
        summation_method: how the area between two thresholds is filled in: `"interpolation"` (for
            PR as Davis and Goadrich 2006 have it), `"minoring"` or `"majoring"`.
        thresholds: those between 0 and 1, in place of evenly spaced ones.
        from_logits: whether predictions are logits, not probabilities.

    Example:

    >>> auc = AUC()
    >>> auc.update_state([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
    >>> float(auc.result())
    0.75
    """

    arguments = {
        "num_thresholds": integer(2),
        "curve": one_of("ROC", "PR"),
        "summation_method": one_of("interpolation", "minoring", "majoring"),
        "thresholds": numbers(0, 1) | nothing(),
        "from_logits": boolean(),
    }
    lacks = {"multi_label": False, "num_labels": None, "label_weights": None}

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: str | None = None,
        thresholds: Any = None,
        from_logits: bool = False,
        **kwargs: Any,
    ):
        self.refuse(kwargs)
        super().__init__(dtype, name)
        self.curve, self.summation_method = curve, summation_method
        self.num_thresholds, self.thresholds = num_thresholds, thresholds
        self.from_logits = from_logits
        self.check_arguments()
        if thresholds is not None:
            self.num_thresholds = len(thresholds) + 2
        shape = (self.num_thresholds,)
        self.true_positives = self.add_variable(shape, name="true_positives")
        self.false_positives = self.add_variable(shape, name="false_positives")
        self.positives = self.add_variable(name="positives")
        self.negatives = self.add_variable(name="negatives")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """y_true: 0 or 1. y_pred: probabilities. Both (n, ...). sample_weight: (n,), or None."""
        y_true, y_pred = aligned(y_true, as_float(y_pred, self.dtype))
        y_pred = sigmoid(y_pred) if self.from_logits else y_pred
        yes = cast(not_equal(y_true, 0), self.dtype)
        no = 1 - yes
        if sample_weight is not None:
            weight = spread_weight(as_float(sample_weight, self.dtype), y_pred)
            yes, no = yes * weight, no * weight
        yes, no = named("yes", reshape(yes, (-1,))), named("no", reshape(no, (-1,)))
        inner = None if self.thresholds is None else tuple(sorted(self.thresholds))
        scores = named("scores", reshape(y_pred, (-1,)))
        found = cast(above_thresholds(scores, self.num_thresholds, inner), self.dtype)
        found = named("found", found)
        self.true_positives.assign_add(named("found_yes", matmul(found, yes)))
        self.false_positives.assign_add(named("found_no", matmul(found, no)))
        self.positives.assign_add(sum(yes))
        self.negatives.assign_add(sum(no))

    def result(self) -> Any:
        tp, fp = self.true_positives.value, self.false_positives.value
        recall = named("found_of_yes", divide_no_nan(tp, self.positives))
        if self.curve == "ROC":
            return self._area(named("found_of_no", divide_no_nan(fp, self.negatives)), recall)
        if self.summation_method != "interpolation":
            return self._area(recall, named("right_of_found", divide_no_nan(tp, tp + fp)))
        return _precision_recall_area(tp, tp + fp, self.positives.value)

    def _area(self, x: Any, y: Any) -> Any:
        """Under the curve, from right to left."""
        left, right = y[1:], y[:-1]
        if self.summation_method == "interpolation":
            heights = (left + right) / 2
        else:
            heights = (minimum if self.summation_method == "minoring" else maximum)(left, right)
        return sum(named("areas", (x[:-1] - x[1:]) * heights))


def _precision_recall_area(tp: Any, found: Any, positives: Any) -> Any:
    """The area under precision against recall; between two thresholds, right and wrong ones are
    found at a constant rate (Davis and Goadrich 2006)."""
    step = tp[:-1] - tp[1:]
    rate = divide_no_nan(step, maximum(found[:-1] - found[1:], 0))
    offset = tp[1:] - rate * found[1:]
    both = (found[:-1] > 0) & (found[1:] > 0)
    ratio = where(both, divide_no_nan(found[:-1], found[1:]), 1.0)
    return divide_no_nan(sum(rate * (step + offset * log(ratio))), positives)
