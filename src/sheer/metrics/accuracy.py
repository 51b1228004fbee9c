"""How often predictions are right."""

from __future__ import annotations

from typing import Any

from sheer.core.checks import integer, number
from sheer.losses.base import same_rank
from sheer.metrics.base import METRICS, MeanMetricWrapper
from sheer.ops.arithmetic import cast, equal
from sheer.ops.declare import operand
from sheer.ops.reduction import argmax, in_top_k, mean
from sheer.ops.symbol import named


def _right(matches: Any, dtype: str) -> Any:
    return named("right", cast(matches, dtype))


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the prediction is the target, else 0."""
    y_true, y_pred = same_rank(y_true, y_pred)
    return _right(equal(y_true, y_pred), "float32")


@METRICS.add()
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """The share of predictions on the target's side of the threshold, over the last axis."""
    y_true, y_pred = same_rank(y_true, y_pred)
    y_true = cast(y_true, y_pred.dtype)
    return mean(_right(equal(y_true, cast(y_pred > threshold, y_pred.dtype)), "float32"), axis=-1)


@METRICS.add()
def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest prediction is at the place of the target's 1, else 0."""
    return _right(equal(argmax(y_true, axis=-1), argmax(y_pred, axis=-1)), "float32")


def _labels(y_true: Any, y_pred: Any) -> Any:
    """Class indices without a last axis of 1."""
    y_true, y_pred = operand(y_true), operand(y_pred)
    drop = y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1
    return y_true[..., 0] if drop else y_true


@METRICS.add()
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest prediction is that of the target class, else 0.

    >>> sparse_categorical_accuracy([1, 0], [[0.1, 0.9], [0.2, 0.8]]).numpy()
    array([1., 0.], dtype=float32)
    """
    labels = _labels(y_true, y_pred)
    return _right(equal(argmax(y_pred, axis=-1), cast_whole(labels)), "float32")


def cast_whole(labels: Any) -> Any:
    """Labels as whole numbers; those that are stay as they are."""
    labels = operand(labels)
    return cast(labels, "int64") if labels.dtype.startswith("float") else labels


@METRICS.add()
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the target's 1 is at one of the k largest predictions, else 0."""
    return sparse_top_k_categorical_accuracy(argmax(y_true, axis=-1), y_pred, k)


@METRICS.add()
def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the target class is among the k largest predictions, else 0."""
    labels = cast_whole(_labels(y_true, y_pred))
    return _right(in_top_k(labels, y_pred, k), "float32")


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
    """How often the target class is among the k largest predictions."""

    arguments = {"k": integer(1)}

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: str | None = None,
    ):
        self.k = k
        self.check_arguments()
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k)
