"""Losses as metrics: their mean over all batches."""

from __future__ import annotations

from typing import Any

from sheer.losses import probability, regression
from sheer.losses.base import same_rank
from sheer.metrics.base import METRICS, Mean, MeanMetricWrapper
from sheer.ops.arithmetic import cast, divide_no_nan, sqrt, square
from sheer.ops.reduction import mean


def _as_floats(function: Any) -> Any:
    """The loss function, on targets and predictions of one rank, as floats."""

    def on_floats(y_true: Any, y_pred: Any, **kwargs: Any) -> Any:
        y_true, y_pred = same_rank(cast(y_true, y_pred.dtype), y_pred)
        return function(y_true, y_pred, **kwargs)

    return on_floats


@METRICS.add("mse", "MSE")
class MeanSquaredError(MeanMetricWrapper):
    """The mean of (y_pred - y_true)²."""

    def __init__(self, name: str | None = "mean_squared_error", dtype: str | None = None):
        super().__init__(_as_floats(regression.mean_squared_error), name, dtype)


@METRICS.add("mae", "MAE")
class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of |y_pred - y_true|."""

    def __init__(self, name: str | None = "mean_absolute_error", dtype: str | None = None):
        super().__init__(_as_floats(regression.mean_absolute_error), name, dtype)


@METRICS.add("mape", "MAPE")
class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of |y_pred - y_true| in percent of |y_true|."""

    def __init__(
        self, name: str | None = "mean_absolute_percentage_error", dtype: str | None = None
    ):
        super().__init__(_as_floats(regression.mean_absolute_percentage_error), name, dtype)


@METRICS.add("rmse", "RMSE")
class RootMeanSquaredError(Mean):
    """The square root of the mean of (y_pred - y_true)²."""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: str | None = None):
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        y_true, y_pred = same_rank(cast(y_true, self.dtype), cast(y_pred, self.dtype))
        super().update_state(mean(square(y_pred - y_true), axis=-1), sample_weight)

    def result(self) -> Any:
        return sqrt(divide_no_nan(self.total, self.count))


@METRICS.add("bce", "BCE")
class BinaryCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of yes-or-no targets."""

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ):
        self.from_logits, self.label_smoothing = from_logits, label_smoothing
        super().__init__(
            _as_floats(probability.binary_crossentropy),
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


@METRICS.add("cce", "CCE")
class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of one-hot targets."""

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ):
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis
        super().__init__(
            _as_floats(probability.categorical_crossentropy),
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@METRICS.add("scce")
class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of class indices."""

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        axis: int = -1,
    ):
        self.from_logits, self.axis = from_logits, axis
        super().__init__(
            probability.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            axis=axis,
        )
