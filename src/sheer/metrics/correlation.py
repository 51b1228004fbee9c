"""How targets and predictions go together along an axis.

Along the examples, the state adds up over batches what the figure of all examples needs; along
another axis, each example has a figure, and the metric is their mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sheer.core import config
from sheer.core.shapes import normalize_axis
from sheer.losses import regression
from sheer.losses.base import aligned
from sheer.metrics.base import FUNCTIONS, METRICS, MeanMetricWrapper
from sheer.metrics.retrieval import spread_weight
from sheer.ops.arithmetic import as_float, divide_no_nan, minimum, rsqrt, sqrt, square
from sheer.ops.reduction import mean, sum
from sheer.ops.symbol import named
from sheer.ops.variable import Variable


@FUNCTIONS.add()
def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Covariance / (deviation · deviation), along an axis: 1 where one is a rising straight line of
    the other. Of values that are all the same it is NaN.

    >>> round(float(pearson_correlation([[0.0, 1.0, 0.5]], [[0.1, 0.9, 1.0]])[0]), 4)
    0.8109
    """
    return _pearson(*_moments(*aligned(y_true, y_pred), axis))


@FUNCTIONS.add()
def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """2 · covariance / (variance + variance + squared distance of the means), along an axis: 1
    where both are the same (Lin 1989).

    >>> round(float(concordance_correlation([[0.0, 1.0, 0.5]], [[0.1, 0.9, 1.0]])[0]), 4)
    0.7477
    """
    return _concordance(*_moments(*aligned(y_true, y_pred), axis))


def _moments(y_true: Any, y_pred: Any, axis: int) -> tuple[Any, ...]:
    """Both variances, the covariance, the distance of the means."""
    middle_true, middle_pred = (mean(y, axis, keepdims=True) for y in (y_true, y_pred))
    d_true = named("off_true", y_true - middle_true)
    d_pred = named("off_pred", y_pred - middle_pred)
    return (
        named("var_true", mean(square(d_true), axis)),
        named("var_pred", mean(square(d_pred), axis)),
        named("covariance", mean(d_true * d_pred, axis)),
        mean(middle_pred - middle_true, axis),
    )


def _pearson(var_true: Any, var_pred: Any, covariance: Any, _: Any) -> Any:
    return covariance / (sqrt(var_true) * sqrt(var_pred))


def _concordance(var_true: Any, var_pred: Any, covariance: Any, distance: Any) -> Any:
    return 2 * covariance / (var_true + var_pred + square(distance) + config.epsilon())


class _AlongAxis(MeanMetricWrapper):
    """A subclass says what its state along the examples is: `take_in`, and `along_examples`."""

    def __init__(
        self, fn: Callable[..., Any], name: str | None, dtype: str | None, axis: int
    ) -> None:
        super().__init__(fn, name, dtype, axis=axis)
        self.axis = axis
        # Along the examples; made for the shape that is seen first.
        self.sums: dict[str, Variable] = {}

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        y_true, y_pred = aligned(y_true, as_float(y_pred, self.dtype))
        if normalize_axis(self.axis, y_pred.ndim):
            super().update_state(y_true, y_pred, sample_weight)
            return
        weight = as_float(1.0 if sample_weight is None else sample_weight, self.dtype)
        self.take_in(y_true, y_pred, spread_weight(weight, y_pred))

    def make_sums(self, shape: tuple[int, ...], *names: str) -> dict[str, Any]:
        """The state of these names as it is now, made where it is not there yet."""
        if not self.sums:
            self.sums = {name: self.add_variable(shape, name=name) for name in names}
        return {name: variable.value for name, variable in self.sums.items()}

    def result(self) -> Any:
        return mean(self.along_examples()) if self.sums else super().result()

    def take_in(self, y_true: Any, y_pred: Any, weight: Any) -> None:
        """Take in a batch; all three have one shape."""
        raise NotImplementedError

    def along_examples(self) -> Any:
        """The figure of all examples so far, for each of the predictions of an example."""
        raise NotImplementedError


class _Correlation(_AlongAxis):
    """The state are weight, means, and sums of products of distances from the means, which are
    joined batch by batch (Chan et al. 1979): no two large numbers are taken from each other."""

    of_moments: Callable[..., Any]

    def take_in(self, y_true: Any, y_pred: Any, weight: Any) -> None:
        old = self.make_sums(
            y_true.shape[1:], "weight", "mean_true", "mean_pred", "true_true", "pred_pred",
            "true_pred",
        )  # fmt: skip
        new = named("batch_weight", sum(weight, axis=0))
        mean_true = named("mean_true", divide_no_nan(sum(y_true * weight, axis=0), new))
        mean_pred = named("mean_pred", divide_no_nan(sum(y_pred * weight, axis=0), new))
        d_true, d_pred = (
            named("off_true", y_true - mean_true),
            named("off_pred", y_pred - mean_pred),
        )
        move_true = named("move_true", mean_true - old["mean_true"])
        move_pred = named("move_pred", mean_pred - old["mean_pred"])
        share = named("share", divide_no_nan(new, old["weight"] + new))
        self.sums["weight"].assign_add(new)
        self.sums["mean_true"].assign_add(move_true * share)
        self.sums["mean_pred"].assign_add(move_pred * share)
        between = named("between", old["weight"] * share)
        for name, (a, move_a), (b, move_b) in (
            ("true_true", (d_true, move_true), (d_true, move_true)),
            ("pred_pred", (d_pred, move_pred), (d_pred, move_pred)),
            ("true_pred", (d_true, move_true), (d_pred, move_pred)),
        ):
            inside = sum(a * b * weight, axis=0)
            self.sums[name].assign_add(inside + move_a * move_b * between)

    def along_examples(self) -> Any:
        weight, mean_true, mean_pred, *products = (v.value for v in self.sums.values())
        names = ("var_true", "var_pred", "covariance")
        moments = (
            named(name, divide_no_nan(product, weight))
            for name, product in zip(names, products, strict=True)
        )
        return type(self).of_moments(*moments, mean_pred - mean_true)


@METRICS.add()
class PearsonCorrelation(_Correlation):
    """The mean of `pearson_correlation` along an axis; along axis 0, that of all examples.

    >>> metric = PearsonCorrelation(axis=0)
    >>> metric.update_state([[0.0], [1.0]], [[0.1], [0.9]])
    >>> metric.update_state([[0.5]], [[1.0]])
    >>> round(float(metric.result()), 4)
    0.8109
    """

    of_moments = staticmethod(_pearson)

    def __init__(
        self, name: str | None = "pearson_correlation", dtype: str | None = None, axis: int = -1
    ):
        super().__init__(pearson_correlation, name, dtype, axis)


@METRICS.add()
class ConcordanceCorrelation(_Correlation):
    """The mean of `concordance_correlation` along an axis; along axis 0, that of all examples."""

    of_moments = staticmethod(_concordance)

    def __init__(
        self, name: str | None = "concordance_correlation", dtype: str | None = None, axis: int = -1
    ):
        super().__init__(concordance_correlation, name, dtype, axis)


@METRICS.add()
class CosineSimilarity(_AlongAxis):
    """The mean cosine of the angle between target and prediction: 1 where they agree.

    Along axis 0, that between all targets and all predictions.
    """

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: str | None = None, axis: int = -1
    ):
        super().__init__(_cosine, name, dtype, axis)

    def take_in(self, y_true: Any, y_pred: Any, weight: Any) -> None:
        self.make_sums(y_true.shape[1:], "true_true", "pred_pred", "true_pred")
        self.sums["true_true"].assign_add(sum(square(y_true) * weight, axis=0))
        self.sums["pred_pred"].assign_add(sum(square(y_pred) * weight, axis=0))
        self.sums["true_pred"].assign_add(sum(y_true * y_pred * weight, axis=0))

    def along_examples(self) -> Any:
        true, pred, both = (variable.value for variable in self.sums.values())
        most = 1 / config.epsilon()
        return both * minimum(rsqrt(true), most) * minimum(rsqrt(pred), most)


def _cosine(y_true: Any, y_pred: Any, axis: int) -> Any:
    # The loss of that name is its negative.
    return -regression.cosine_similarity(y_true, y_pred, axis)
