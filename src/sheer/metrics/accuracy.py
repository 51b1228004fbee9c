"""How often predictions are right: functions that give a number per example, and their means."""

from __future__ import annotations

from typing import Any

from sheer.core import config
from sheer.core.checks import boolean, integer, number
from sheer.losses.base import aligned, same_rank
from sheer.metrics.base import FUNCTIONS, METRICS, MeanMetricWrapper
from sheer.ops.arithmetic import cast, equal
from sheer.ops.declare import operand
from sheer.ops.nn import labels
from sheer.ops.reduction import any, argmax, in_top_k
from sheer.ops.shaping import expand_dims
from sheer.ops.symbol import named


def _right(matches: Any) -> Any:
    return named("right", cast(matches, config.floatx()))


@FUNCTIONS.add()
def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the prediction is the target, else 0."""
    return _right(equal(*same_rank(y_true, y_pred)))


@FUNCTIONS.add()
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where the prediction is on the target's side of the threshold, else 0; element by element.

    >>> binary_accuracy([1.0, 0.0], [0.7, 0.6]).numpy()
    array([1., 0.], dtype=float32)
    """
    y_true, y_pred = aligned(y_true, y_pred)
    return _right(equal(y_true, cast(y_pred > threshold, y_pred.dtype)))


@FUNCTIONS.add()
def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest prediction is at the place of the target's 1, else 0."""
    return _right(equal(argmax(y_true, axis=-1), argmax(y_pred, axis=-1)))


@FUNCTIONS.add()
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest prediction is that of the target class, else 0.

    >>> sparse_categorical_accuracy([1, 0], [[0.1, 0.9], [0.2, 0.8]]).numpy()
    array([1., 0.], dtype=float32)
    """
    return _right(equal(argmax(y_pred, axis=-1), labels(y_true, y_pred)))


@FUNCTIONS.add()
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the target's 1 is at one of the k largest predictions, else 0."""
    return sparse_top_k_categorical_accuracy(argmax(y_true, axis=-1), y_pred, k)


@FUNCTIONS.add()
def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Any:
    """1 where the target class is among the k largest predictions, else 0.

    from_sorted_ids: whether predictions are class indices, the likeliest first, and not scores.
    """
    y_true, y_pred = labels(y_true, y_pred), operand(y_pred)
    if from_sorted_ids:
        first = cast(y_pred[..., :k], y_true.dtype)
        return _right(any(equal(expand_dims(y_true, -1), first), axis=-1))
    return _right(in_top_k(y_true, y_pred, k))


@METRICS.add()
class Accuracy(MeanMetricWrapper):
    """How often the prediction is the very target."""

    def __init__(self, name: str | None = "accuracy", dtype: str | None = None):
        super().__init__(accuracy, name, dtype)


@METRICS.add()
class BinaryAccuracy(MeanMetricWrapper):
    """How often a prediction is on the target's side of the threshold."""

    arguments = {"threshold": number(0, 1)}

    def __init__(
        self, name: str | None = "binary_accuracy", dtype: str | None = None, threshold: float = 0.5
    ):
        self.threshold = threshold
        self.check_arguments()
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


@METRICS.add()
class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is at the place of the target's 1."""

    def __init__(self, name: str | None = "categorical_accuracy", dtype: str | None = None):
        super().__init__(categorical_accuracy, name, dtype)


@METRICS.add()
class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is that of the target class."""

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: str | None = None):
        super().__init__(sparse_categorical_accuracy, name, dtype)


@METRICS.add()
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the target's 1 is at one of the k largest predictions."""

    arguments = {"k": integer(1)}

    def __init__(
        self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: str | None = None
    ):
        self.k = k
        self.check_arguments()
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


@METRICS.add()
class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the target class is among the k largest predictions.

    from_sorted_ids: whether predictions are class indices, the likeliest first, and not scores.
    """

    arguments = {"k": integer(1), "from_sorted_ids": boolean()}

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: str | None = None,
        from_sorted_ids: bool = False,
    ):
        self.k, self.from_sorted_ids = k, from_sorted_ids
        self.check_arguments()
        function = sparse_top_k_categorical_accuracy
        super().__init__(function, name, dtype, k=k, from_sorted_ids=from_sorted_ids)
