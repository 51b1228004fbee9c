"""Losses for how far two areas overlap: targets are 1 inside, predictions the probability of it."""

from __future__ import annotations

from typing import Any

from sheer.core import config
from sheer.core.checks import number
from sheer.losses.base import LOSSES, Loss, aligned
from sheer.ops.reduction import sum
from sheer.ops.symbol import named


@LOSSES.add()
def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """1 - 2 sum(t p) / (sum(t) + sum(p)) over some axes; over all by default, the examples too
    (Sudre et al. 2017).

    >>> round(float(dice([[1.0, 0.0]], [[0.5, 0.5]])), 4)
    0.5
    """
    y_true, y_pred = aligned(y_true, y_pred)
    both = named("both", sum(y_true * y_pred, axis=axis))
    areas = named("areas", sum(y_true, axis=axis) + sum(y_pred, axis=axis))
    return 1 - 2 * both / (areas + config.epsilon())


@LOSSES.add()
def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None
) -> Any:
    """1 - both / (both + alpha · missed + beta · wrong), where both = sum(t p), missed = sum(t (1 -
    p)) and wrong = sum((1 - t) p), over some axes; over all by default (Salehi et al. 2017). With
    both factors 1/2 it is `dice`.

    >>> round(float(tversky([[1.0, 0.0]], [[0.5, 0.5]], alpha=1.0, beta=0.0)), 4)
    0.5
    """
    y_true, y_pred = aligned(y_true, y_pred)
    both = named("both", sum(y_true * y_pred, axis=axis))
    missed = named("missed", sum(y_true * (1 - y_pred), axis=axis))
    wrong = named("wrong", sum((1 - y_true) * y_pred, axis=axis))
    all_of_it = named("all_of_it", both + missed * alpha + wrong * beta)
    return 1 - both / (all_of_it + config.epsilon())


@LOSSES.add()
class Dice(Loss):
    """1 - the overlap of two areas: `dice`, reduced.

    axis: what is summed: an axis or several; by default all, so that a batch has one loss.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Any = None,
        dtype: str | None = None,
    ):
        self.axis = axis
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return dice(y_true, y_pred, self.axis)


@LOSSES.add()
class Tversky(Loss):
    """1 - the overlap of two areas, where missing and adding weigh differently: `tversky`, reduced.

    Args:
        alpha: the weight of what is missed.
        beta: the weight of what is wrongly added.
        axis: what is summed: an axis or several; by default all, so that a batch has one loss.
    """

    arguments = {"alpha": number(0), "beta": number(0)}

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Any = None,
        dtype: str | None = None,
    ):
        self.alpha, self.beta, self.axis = alpha, beta, axis
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return tversky(y_true, y_pred, self.alpha, self.beta, self.axis)
