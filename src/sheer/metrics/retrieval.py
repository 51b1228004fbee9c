"""Right and wrong predictions of yes-or-no targets: counted, and as shares.

A prediction counts as yes where it is above a threshold. With a list of thresholds, every figure is
an array with one value for each.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sheer.core.checks import integer, nothing, number, numbers
from sheer.losses.base import aligned
from sheer.metrics.base import METRICS, Metric
from sheer.ops.arithmetic import (
    as_float,
    cast,
    divide_no_nan,
    logical_and,
    logical_not,
    not_equal,
    where,
)
from sheer.ops.picking import one_hot
from sheer.ops.reduction import any, argsort, sum
from sheer.ops.shaping import broadcast_to, expand_dims, reshape
from sheer.ops.symbol import named
from sheer.ops.tensor import Tensor

# What is counted: whether the target is yes, and whether the prediction is.
KINDS = {
    "true_positives": (True, True),
    "false_positives": (False, True),
    "true_negatives": (False, False),
    "false_negatives": (True, False),
}


class _Counts(Metric):
    """Counts of some of the KINDS, in Variables of these names."""

    arguments = {"thresholds": number(0, 1) | numbers(0, 1) | nothing()}
    kinds: tuple[str, ...] = ()

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: str | None = None):
        super().__init__(dtype, name)
        self.thresholds = thresholds
        self.check_arguments()
        self._several = isinstance(thresholds, (list, tuple))
        shape = (len(thresholds),) if self._several else ()
        for kind in self.kinds:
            setattr(self, kind, self.add_variable(shape, name=kind))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """y_true: 0 or 1. y_pred: probabilities. Both (n, ...). sample_weight: (n,), or None."""
        y_true, y_pred = aligned(y_true, as_float(y_pred, self.dtype))
        y_true, y_pred = self.chosen(y_true, y_pred)
        weight = None
        if sample_weight is not None:
            weight = spread_weight(as_float(sample_weight, self.dtype), y_pred)
        threshold: Any = self._threshold()
        if self._several:
            threshold = Tensor(np.array(self.thresholds)[:, None], self.dtype)
            y_true, y_pred = reshape(y_true, (-1,)), reshape(y_pred, (-1,))
            weight = None if weight is None else reshape(weight, (-1,))
        yes, found = named("is_yes", not_equal(y_true, 0)), named("found", y_pred > threshold)
        for kind in self.kinds:
            is_yes, is_found = KINDS[kind]
            matches = logical_and(
                yes if is_yes else logical_not(yes), found if is_found else logical_not(found)
            )
            counted = cast(matches, self.dtype)
            counted = counted if weight is None else counted * weight
            getattr(self, kind).assign_add(sum(counted, axis=-1 if self._several else None))

    def chosen(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """The targets and predictions that are counted."""
        return y_true, y_pred

    def _threshold(self) -> float:
        return 0.5 if self.thresholds is None or self._several else float(self.thresholds)


def spread_weight(weight: Any, y_pred: Any) -> Any:
    """The weight of each example (n,) for each of its predictions (n, ...)."""
    while 0 < weight.ndim < y_pred.ndim:
        weight = expand_dims(weight, -1)
    return weight if weight.shape == y_pred.shape else broadcast_to(weight, y_pred.shape)


class _OneCount(_Counts):
    def result(self) -> Any:
        return getattr(self, self.kinds[0]).value


@METRICS.add()
class TruePositives(_OneCount):
    """How many are predicted as yes, and are. thresholds: 0.5 by default."""

    kinds = ("true_positives",)


@METRICS.add()
class FalsePositives(_OneCount):
    """How many are predicted as yes, and are not. thresholds: 0.5 by default."""

    kinds = ("false_positives",)


@METRICS.add()
class TrueNegatives(_OneCount):
    """How many are predicted as no, and are. thresholds: 0.5 by default."""

    kinds = ("true_negatives",)


@METRICS.add()
class FalseNegatives(_OneCount):
    """How many are predicted as no, and are not. thresholds: 0.5 by default."""

    kinds = ("false_negatives",)


class _Share(_Counts):
    """The share of the first of the `kinds` in both."""

    arguments = {"top_k": integer(1) | nothing(), "class_id": integer(0) | nothing()}

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ):
        self.top_k, self.class_id = top_k, class_id
        super().__init__(thresholds, name, dtype)

    def chosen(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        if self.top_k is not None:
            first = argsort(-y_pred, axis=-1)[..., : self.top_k]
            in_top = any(one_hot(first, y_pred.shape[-1], dtype="bool"), axis=-2)
            y_pred = where(in_top, y_pred, -math.inf)
        if self.class_id is not None:
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
        return y_true, y_pred

    def _threshold(self) -> float:
        if self.thresholds is None and self.top_k is not None:
            return -math.inf
        return super()._threshold()

    def result(self) -> Any:
        right, wrong = (getattr(self, kind) for kind in self.kinds)
        return divide_no_nan(right, right + wrong)


@METRICS.add()
class Precision(_Share):
    """Of those predicted as yes, the share that is.

    Args:
        thresholds: a number, or a list of numbers, in [0, 1]; 0.5 by default.
        top_k: count as yes the k largest predictions of each example, and no others; with a
            threshold, those of them that are above it.
        class_id: look at this class alone, of predictions (n, classes).

    >>> precision = Precision()
    >>> precision.update_state([0, 1, 1], [0.8, 0.9, 0.2])
    >>> float(precision.result())
    0.5
    """

    kinds = ("true_positives", "false_positives")


@METRICS.add()
class Recall(_Share):
    """Of those that are yes, the share predicted as such. Arguments as for `Precision`."""

    kinds = ("true_positives", "false_negatives")
