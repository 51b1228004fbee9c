"""Losses for margins: targets -1 and 1 (0 and 1 are taken as these)."""

from __future__ import annotations

from typing import Any

from sheer.losses.base import LOSSES, Loss, aligned
from sheer.ops.arithmetic import equal, logical_or, maximum, square, where
from sheer.ops.reduction import all, max, mean, sum


def _signs(y_true: Any) -> Any:
    """0 and 1 as -1 and 1, where all targets are 0 or 1."""
    return where(all(logical_or(equal(y_true, 0), equal(y_true, 1))), 2 * y_true - 1, y_true)


@LOSSES.add()
def hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true · y_pred, 0)) over the last axis.

    >>> float(hinge([1.0], [0.25]))
    0.75
    """
    y_true, y_pred = aligned(y_true, y_pred)
    return mean(maximum(1 - _signs(y_true) * y_pred, 0), axis=-1)


@LOSSES.add()
def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true · y_pred, 0)²) over the last axis."""
    y_true, y_pred = aligned(y_true, y_pred)
    return mean(square(maximum(1 - _signs(y_true) * y_pred, 0)), axis=-1)


@LOSSES.add()
def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """max(wrong - right + 1, 0): the highest score of a wrong class, and that of the right one."""
    y_true, y_pred = aligned(y_true, y_pred)
    right = sum(y_true * y_pred, axis=-1)
    wrong = max((1 - y_true) * y_pred, axis=-1)
    return maximum(wrong - right + 1, 0)


@LOSSES.add()
class Hinge(Loss):
    """The hinge loss: `hinge`, reduced."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "hinge",
        dtype: str | None = None,
    ):
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return hinge(y_true, y_pred)


@LOSSES.add()
class SquaredHinge(Loss):
    """The squared hinge loss: `squared_hinge`, reduced."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "squared_hinge",
        dtype: str | None = None,
    ):
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return squared_hinge(y_true, y_pred)


@LOSSES.add()
class CategoricalHinge(Loss):
    """The hinge loss of the right class against the best wrong one: `categorical_hinge`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_hinge",
        dtype: str | None = None,
    ):
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return categorical_hinge(y_true, y_pred)
