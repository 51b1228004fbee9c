"""Losses for numbers: how far predictions are from targets. Each is a mean over the last axis."""

from __future__ import annotations

import math
from typing import Any

from sheer.core import config
from sheer.core.checks import number
from sheer.losses.base import LOSSES, Loss, aligned
from sheer.ops.arithmetic import abs, log, maximum, minimum, rsqrt, square, where
from sheer.ops.nn import softplus
from sheer.ops.reduction import mean, sum
from sheer.ops.symbol import named


def _error(y_true: Any, y_pred: Any) -> Any:
    y_true, y_pred = aligned(y_true, y_pred)
    return named("error", y_pred - y_true)


@LOSSES.add("mse", "MSE")
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """mean((y_pred - y_true)²) over the last axis.

    >>> float(mean_squared_error([1.0, 2.0], [1.0, 4.0]))
    2.0
    """
    return mean(square(_error(y_true, y_pred)), axis=-1)


@LOSSES.add("mae", "MAE")
def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """mean(|y_pred - y_true|) over the last axis. The slope of |0| is 0."""
    return mean(abs(_error(y_true, y_pred)), axis=-1)


@LOSSES.add("mape", "MAPE")
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """100 · mean(|y_pred - y_true| / max(|y_true|, epsilon)) over the last axis."""
    y_true, y_pred = aligned(y_true, y_pred)
    scale = maximum(abs(y_true), config.epsilon())
    return 100 * mean(abs(_error(y_true, y_pred) / scale), axis=-1)


@LOSSES.add("msle", "MSLE")
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """mean((log(1 + y_pred) - log(1 + y_true))²) over the last axis; values below epsilon count as
    epsilon."""
    y_true, y_pred = aligned(y_true, y_pred)
    first = log(maximum(y_pred, config.epsilon()) + 1)
    second = log(maximum(y_true, config.epsilon()) + 1)
    return mean(square(first - second), axis=-1)


@LOSSES.add()
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Half the squared error up to delta, and from there on its tangent (Huber 1964)."""
    error = _error(y_true, y_pred)
    size = abs(error)
    return mean(where(size <= delta, 0.5 * square(error), delta * size - 0.5 * delta**2), axis=-1)


@LOSSES.add("logcosh")
def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """mean(log(cosh(y_pred - y_true))) over the last axis, without overflow."""
    error = _error(y_true, y_pred)
    return mean(error + softplus(-2 * error) - math.log(2), axis=-1)


@LOSSES.add()
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Minus the cosine of the angle between target and prediction: -1 where they agree."""
    y_true, y_pred = aligned(y_true, y_pred)
    return -sum(_direction(y_true, axis) * _direction(y_pred, axis), axis=axis)


def _direction(x: Any, axis: int) -> Any:
    """x divided by its length; 0 stays 0."""
    return x * minimum(rsqrt(sum(square(x), axis, keepdims=True)), 1 / config.epsilon())


@LOSSES.add()
class MeanSquaredError(Loss):
    """The mean squared error: `mean_squared_error`, reduced.

    >>> float(MeanSquaredError()([[1.0], [2.0]], [[1.0], [4.0]]))
    2.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: str | None = None,
    ):
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return mean_squared_error(y_true, y_pred)


@LOSSES.add()
class MeanAbsoluteError(Loss):
    """The mean absolute error: `mean_absolute_error`, reduced."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: str | None = None,
    ):
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return mean_absolute_error(y_true, y_pred)


@LOSSES.add()
class MeanAbsolutePercentageError(Loss):
    """The mean absolute error in percent of the target: `mean_absolute_percentage_error`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error",
        dtype: str | None = None,
    ):
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return mean_absolute_percentage_error(y_true, y_pred)


@LOSSES.add()
class MeanSquaredLogarithmicError(Loss):
    """The mean squared error of logarithms: `mean_squared_logarithmic_error`, reduced."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error",
        dtype: str | None = None,
    ):
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return mean_squared_logarithmic_error(y_true, y_pred)


@LOSSES.add()
class Huber(Loss):
    """Squared error near 0, absolute error far away: `huber`, reduced.

    delta: the error from which on the loss grows in a straight line.
    """

    arguments = {"delta": number(0, None, "()")}

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: str | None = None,
    ):
        self.delta = delta
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return huber(y_true, y_pred, self.delta)


@LOSSES.add("LogCoshError")
class LogCosh(Loss):
    """log(cosh(error)): like half the squared error near 0, like the absolute error far away."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "log_cosh",
        dtype: str | None = None,
    ):
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return log_cosh(y_true, y_pred)


@LOSSES.add()
class CosineSimilarity(Loss):
    """Minus the cosine of the angle between target and prediction: `cosine_similarity`, reduced."""

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: str | None = None,
    ):
        self.axis = axis
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return cosine_similarity(y_true, y_pred, self.axis)
