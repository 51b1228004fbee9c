"""What metrics of a curve share: what is found, right and wrong, above each of many thresholds."""

from __future__ import annotations

from typing import Any

from sheer.metrics.base import Metric
from sheer.ops.arithmetic import cast, divide_no_nan, not_equal
from sheer.ops.declare import Array, op
from sheer.ops.linalg import matmul
from sheer.ops.reduction import sum
from sheer.ops.rules import normal
from sheer.ops.symbol import named


@op(
    shape=lambda x, count, inner=None, first=None: (count, *x),
    dtype="bool",
    sample=[
        normal((3,), count=5),
        normal((3,), count=3, inner=(0.3,)),
        normal((3, 2), count=4, first=0.0),
    ],
    label="found",
)
def above_thresholds(
    xp: Any, x: Array, count: int, inner: Any = None, first: float | None = None
) -> Array:
    """Whether numbers are above `count` thresholds from 0 to 1: one row for each threshold.

    The first row has all numbers, or those above `first`; the last has none; `inner` are the
    thresholds between, evenly spaced by default.
    """
    low = -xp.inf if first is None else first
    between = xp.arange(1, count - 1) / (count - 1) if inner is None else xp.asarray(inner)
    thresholds = xp.concatenate([xp.array([low]), between, xp.array([xp.inf])])
    return x > thresholds.astype(x.dtype).reshape((-1,) + (1,) * x.ndim)


class Curve(Metric):
    """The base of metrics of a curve that a threshold draws as it moves from 0 to 1.

    In its state is how many of yes and of no are found above each threshold, and how many there
    are; with several labels, of each of them.
    """

    def make_state(self, thresholds: int, labels: tuple[int, ...] = ()) -> None:
        """Make the Variables for so many thresholds, and for the labels."""
        self.true_positives = self.add_variable((thresholds, *labels), name="true_positives")
        self.false_positives = self.add_variable((thresholds, *labels), name="false_positives")
        self.positives = self.add_variable(labels, name="positives")
        self.negatives = self.add_variable(labels, name="negatives")

    def found_in(self, scores: Any) -> Any:
        """Whether each score is above each threshold: (thresholds, ...)."""
        raise NotImplementedError

    def count(self, y_true: Any, scores: Any, weight: Any) -> None:
        """Take in targets, scores and weights (None for none) of the shape (m,) or (m, labels)."""
        yes = cast(not_equal(y_true, 0), self.dtype)
        no = 1 - yes
        if weight is not None:
            yes, no = yes * weight, no * weight
        yes, no = named("yes", yes), named("no", no)
        found = named("found", cast(self.found_in(named("scores", scores)), self.dtype))
        if scores.ndim == 1:
            found_yes, found_no = matmul(found, yes), matmul(found, no)
        else:
            found_yes, found_no = sum(found * yes, axis=1), sum(found * no, axis=1)
        self.true_positives.assign_add(named("found_yes", found_yes))
        self.false_positives.assign_add(named("found_no", found_no))
        axis = None if scores.ndim == 1 else 0
        self.positives.assign_add(sum(yes, axis=axis))
        self.negatives.assign_add(sum(no, axis=axis))

    def found_of_yes(self) -> Any:
        """Of yes, the share found above each threshold; also called sensitivity."""
        return named("found_of_yes", divide_no_nan(self.true_positives, self.positives))

    def found_of_no(self) -> Any:
        """Of no, the share found above each threshold."""
        return named("found_of_no", divide_no_nan(self.false_positives, self.negatives))

    def right_of_found(self) -> Any:
        """Of those found above each threshold, the share that is yes."""
        tp, fp = self.true_positives.value, self.false_positives.value
        return named("right_of_found", divide_no_nan(tp, tp + fp))
