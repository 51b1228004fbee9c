"""Losses for probabilities: cross-entropies and their relatives.

Probabilities are kept `config.epsilon()` away from 0 and 1 before their logarithm is taken. In a
program, where a softmax or sigmoid stands right before, the loss is computed from its input
instead: the same number, and exact for the smallest probabilities too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sheer.core import config
from sheer.core.checks import boolean, number
from sheer.core.shapes import Dim, show
from sheer.losses.base import LOSSES, Loss, aligned
from sheer.ops import nn
from sheer.ops.arithmetic import as_float, clip, log, not_equal, where
from sheer.ops.reduction import mean, sum
from sheer.ops.symbol import named
from sheer.ops.tensor import Tensor


def smoothed(y_true: Any, label_smoothing: float, classes: int) -> Any:
    """Targets moved by so much towards equal probabilities of so many classes."""
    if not label_smoothing:
        return y_true
    return y_true * (1 - label_smoothing) + label_smoothing / classes


@LOSSES.add("bce", "BCE")
def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """mean(-(t log p + (1 - t) log(1 - p))) over an axis.

    >>> round(float(binary_crossentropy([1.0], [0.5])), 4)
    0.6931
    """
    y_true, y_pred = aligned(y_true, y_pred)
    y_true = smoothed(y_true, label_smoothing, 2)
    return mean(nn.binary_crossentropy(y_true, y_pred, from_logits), axis=axis)


@LOSSES.add("cce", "CCE")
def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """-sum(t log p) over the classes; targets are one-hot rows, or probabilities."""
    y_true, y_pred = aligned(y_true, y_pred)
    y_true = smoothed(y_true, label_smoothing, y_true.shape[axis])
    return nn.categorical_crossentropy(y_true, y_pred, from_logits, axis)


@LOSSES.add("scce")
def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Any:
    """-log of the probability of the target class; targets are class indices (n,) or (n, 1).

    ignore_class: targets of this index, which need not be a class, have a loss of 0.

    >>> round(float(sparse_categorical_crossentropy([1], [[0.5, 0.5]])[0]), 4)
    0.6931
    """
    y_true, y_pred = nn.labels(y_true, y_pred), as_float(y_pred)
    check_labels("sparse_categorical_crossentropy", y_true, y_pred.shape[axis], ignore_class)
    if ignore_class is None:
        return nn.sparse_categorical_crossentropy(y_true, y_pred, from_logits, axis)
    counts = named("counts", not_equal(y_true, ignore_class))
    known = named("known_labels", where(counts, y_true, 0))
    losses = nn.sparse_categorical_crossentropy(known, y_pred, from_logits, axis)
    return where(counts, losses, 0.0)


@LOSSES.add("kld", "KLD", "kullback_leibler_divergence")
def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """sum(t log(t / p)) over the last axis, both clipped to [epsilon, 1]."""
    y_true, y_pred = aligned(y_true, y_pred)
    y_true = clip(y_true, config.epsilon(), 1)
    y_pred = clip(y_pred, config.epsilon(), 1)
    return sum(y_true * log(y_true / y_pred), axis=-1)


@LOSSES.add()
def poisson(y_true: Any, y_pred: Any) -> Any:
    """mean(p - t log(p + epsilon)) over the last axis: for counts t with expected value p."""
    y_true, y_pred = aligned(y_true, y_pred)
    return mean(y_pred - y_true * log(y_pred + config.epsilon()), axis=-1)


@LOSSES.add()
class BinaryCrossentropy(Loss):
    """The cross-entropy of yes-or-no targets, 0 and 1: `binary_crossentropy`, reduced.

    Args:
        from_logits: whether predictions are logits, not probabilities.
        label_smoothing: in [0, 1]: targets are moved that far towards 1/2.
    """

    arguments = {"from_logits": boolean(), "label_smoothing": number(0, 1)}

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: str | None = None,
    ):
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return binary_crossentropy(
            y_true, y_pred, self.from_logits, self.label_smoothing, self.axis
        )

    def check_targets(self, y: Any, output_shape: tuple[Any, ...]) -> None:
        super().check_targets(y, output_shape)
        check_probabilities("binary_crossentropy", y)


@LOSSES.add()
class CategoricalCrossentropy(Loss):
    """The cross-entropy of one-hot targets: `categorical_crossentropy`, reduced.

    Args:
        from_logits: whether predictions are logits, not probabilities.
        label_smoothing: in [0, 1]: targets are moved that far towards equal probabilities.
    """

    arguments = {"from_logits": boolean(), "label_smoothing": number(0, 1)}

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: str | None = None,
    ):
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return categorical_crossentropy(
            y_true, y_pred, self.from_logits, self.label_smoothing, self.axis
        )

    def check_targets(self, y: Any, output_shape: tuple[Any, ...]) -> None:
        check_one_hot("categorical_crossentropy", y, output_shape)


@LOSSES.add()
class SparseCategoricalCrossentropy(Loss):
    """The cross-entropy of class indices: `sparse_categorical_crossentropy`, reduced.

    Args:
        from_logits: whether predictions are logits, not probabilities.
        ignore_class: targets of this index do not count, neither in a sum nor in a mean; it need
            not be a class: -1, for example.
    """

    arguments = {"from_logits": boolean()}
    integer_targets = True

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: str | None = None,
    ):
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return sparse_categorical_crossentropy(
            y_true, y_pred, self.from_logits, self.ignore_class, self.axis
        )

    def mask(self, y_true: Any, y_pred: Any) -> Any:
        if self.ignore_class is None:
            return None
        return not_equal(nn.labels(y_true, y_pred), self.ignore_class)

    def check_targets(self, y: Any, output_shape: tuple[Any, ...]) -> None:
        check_class_indices(
            "sparse_categorical_crossentropy", y, output_shape, self.axis, self.ignore_class
        )


@LOSSES.add()
class KLDivergence(Loss):
    """The Kullback-Leibler divergence of target and predicted probabilities."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "kl_divergence",
        dtype: str | None = None,
    ):
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return kl_divergence(y_true, y_pred)


@LOSSES.add()
class Poisson(Loss):
    """The negative log-likelihood of counts, up to a constant: `poisson`, reduced."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "poisson",
        dtype: str | None = None,
    ):
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return poisson(y_true, y_pred)


# --- checks of targets ------------------------------------------------------------------------


def check_probabilities(loss: str, y: Any) -> None:
    """Raise for targets of yes or no that are not in [0, 1]."""
    if y.size and (y.min() < 0 or y.max() > 1):
        raise ValueError(
            f"{loss}: targets must lie in [0, 1]. Got {_range(y)}.\n"
            "For more than two classes use sparse_categorical_crossentropy."
        )


def check_one_hot(loss: str, y: Any, output_shape: tuple[Any, ...]) -> None:
    """Raise for targets without a number for each output."""
    if y.shape[1:] != tuple(output_shape[1:]):
        raise ValueError(
            f"{loss}: targets and outputs need the same shape.\n"
            f"  targets {show(y.shape)}\n"
            f"  outputs {show(output_shape)}\n"
            "For class indices use sparse_categorical_crossentropy, or ops.one_hot."
        )


def check_class_indices(
    loss: str, y: Any, output_shape: tuple[Any, ...], axis: int = -1, ignored: int | None = None
) -> None:
    """Raise for targets that are not the index of a class for each row of the outputs."""
    classes = output_shape[axis]
    shape = y.shape[:-1] if y.ndim == len(output_shape) and y.shape[-1] == 1 else y.shape
    if len(shape) != len(output_shape) - 1 or shape[1:] != tuple(output_shape[1:-1]):
        raise ValueError(
            f"{loss}: targets need one class index for each row of the "
            f"outputs.\n  targets {show(y.shape)}\n  outputs {show(output_shape)}\n"
            "For one-hot targets use categorical_crossentropy."
        )
    check_classes(loss, y, classes, ignored)


def check_classes(loss: str, y: Any, classes: Any, ignored: int | None = None) -> None:
    """Raise for targets that are not the index of one of the model's outputs."""
    if not np.issubdtype(y.dtype, np.integer) and not np.array_equal(y, np.floor(y)):
        raise ValueError(
            f"{loss}: targets must be whole numbers. "
            f"Got {y.dtype} values such as {y[y != np.floor(y)].flat[0]}."
        )
    if not isinstance(classes, Dim):
        _check_range(loss, y, classes, ignored, f"the model has {classes} outputs")


def check_labels(loss: str, y: Any, classes: Any, ignored: int | None = None) -> None:
    """Raise for labels, where they are known, that are no classes."""
    if isinstance(y, Tensor) and y.ndim:
        _check_range(loss, y.numpy(), classes, ignored, f"there are {classes} predictions")


def _check_range(loss: str, y: Any, classes: int, ignored: int | None, reason: str) -> None:
    wrong = (y < 0) | (y >= classes)
    if ignored is not None:
        wrong &= y != ignored
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0])
        raise ValueError(
            f"{loss}: labels must be 0 to {classes - 1}, as {reason}. "
            f"Got {_range(y)}; label {y[place]} stands in row {place[0]}.\n"
            "Number the classes from 0, or give the last layer more units."
        )


def _range(y: Any) -> str:
    return f"values from {y.min()} to {y.max()}"
