"""Losses as metrics: their mean over all batches."""

from __future__ import annotations

from typing import Any

from sheer.core.checks import boolean, number
from sheer.losses import probability, regression
from sheer.losses.base import aligned, same_rank
from sheer.losses.hinge import categorical_hinge, hinge, squared_hinge
from sheer.metrics.base import METRICS, Mean, MeanMetricWrapper
from sheer.ops.arithmetic import as_float, divide_no_nan, multiply, not_equal, sqrt, square
from sheer.ops.nn import labels


@METRICS.add("mse", "MSE")
class MeanSquaredError(MeanMetricWrapper):
    """The mean of (y_pred - y_true)²."""

    def __init__(self, name: str | None = "mean_squared_error", dtype: str | None = None):
        super().__init__(regression.mean_squared_error, name, dtype)


@METRICS.add("mae", "MAE")
class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of |y_pred - y_true|."""

    def __init__(self, name: str | None = "mean_absolute_error", dtype: str | None = None):
        super().__init__(regression.mean_absolute_error, name, dtype)


@METRICS.add("mape", "MAPE")
class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of |y_pred - y_true| in percent of |y_true|."""

    def __init__(
        self, name: str | None = "mean_absolute_percentage_error", dtype: str | None = None
    ):
        super().__init__(regression.mean_absolute_percentage_error, name, dtype)


@METRICS.add("msle", "MSLE")
class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of (log(1 + y_pred) - log(1 + y_true))²."""

    def __init__(
        self, name: str | None = "mean_squared_logarithmic_error", dtype: str | None = None
    ):
        super().__init__(regression.mean_squared_logarithmic_error, name, dtype)


@METRICS.add("logcosh")
class LogCoshError(MeanMetricWrapper):
    """The mean of log(cosh(y_pred - y_true))."""

    def __init__(self, name: str | None = "logcosh", dtype: str | None = None):
        super().__init__(regression.log_cosh, name, dtype)


@METRICS.add("rmse", "RMSE")
class RootMeanSquaredError(Mean):
    """The square root of the mean of (y_pred - y_true)²."""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: str | None = None):
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        y_true, y_pred = aligned(y_true, as_float(y_pred, self.dtype))
        super().update_state(square(y_pred - y_true), sample_weight)

    def result(self) -> Any:
        return sqrt(divide_no_nan(self.total, self.count))


@METRICS.add("bce", "BCE")
class BinaryCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of yes-or-no targets."""

    arguments = {"from_logits": boolean(), "label_smoothing": number(0, 1)}

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ):
        self.from_logits, self.label_smoothing = from_logits, label_smoothing
        self.check_arguments()
        super().__init__(
            probability.binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


@METRICS.add("cce", "CCE")
class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of one-hot targets."""

    arguments = {"from_logits": boolean(), "label_smoothing": number(0, 1)}

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ):
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis
        self.check_arguments()
        super().__init__(
            probability.categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@METRICS.add("scce")
class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of class indices.

    ignore_class: targets of this index do not count; it need not be a class: -1, for example.
    """

    arguments = {"from_logits": boolean()}

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis
        self.check_arguments()
        super().__init__(
            probability.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        if self.ignore_class is not None:
            known = labels(y_true, y_pred)
            counts = as_float(not_equal(known, self.ignore_class), self.dtype)
            sample_weight = (
                counts if sample_weight is None else multiply(*same_rank(counts, sample_weight))
            )
        super().update_state(y_true, y_pred, sample_weight)


@METRICS.add("kld", "KLD", "kullback_leibler_divergence")
class KLDivergence(MeanMetricWrapper):
    """The mean Kullback-Leibler divergence of target and predicted probabilities."""

    def __init__(self, name: str | None = "kl_divergence", dtype: str | None = None):
        super().__init__(probability.kl_divergence, name, dtype)


@METRICS.add()
class Poisson(MeanMetricWrapper):
    """The mean negative log-likelihood of counts, up to a constant."""

    def __init__(self, name: str | None = "poisson", dtype: str | None = None):
        super().__init__(probability.poisson, name, dtype)


@METRICS.add()
class Hinge(MeanMetricWrapper):
    """The mean hinge loss, for targets -1 and 1."""

    def __init__(self, name: str | None = "hinge", dtype: str | None = None):
        super().__init__(hinge, name, dtype)


@METRICS.add()
class SquaredHinge(MeanMetricWrapper):
    """The mean squared hinge loss, for targets -1 and 1."""

    def __init__(self, name: str | None = "squared_hinge", dtype: str | None = None):
        super().__init__(squared_hinge, name, dtype)


@METRICS.add()
class CategoricalHinge(MeanMetricWrapper):
    """The mean hinge loss of the right class against the best wrong one."""

    def __init__(self, name: str | None = "categorical_hinge", dtype: str | None = None):
        super().__init__(categorical_hinge, name, dtype)
