"""Cross-entropies that count some examples less: easy ones, or those whose label may be wrong."""

from __future__ import annotations

from typing import Any

from sheer.core import config
from sheer.core.checks import boolean, number, numbers
from sheer.losses.base import LOSSES, Loss, aligned
from sheer.losses.probability import (
    check_class_indices,
    check_labels,
    check_one_hot,
    check_probabilities,
    smoothed,
)
from sheer.ops import nn
from sheer.ops.arithmetic import as_float, clip, log, power
from sheer.ops.reduction import mean, sum
from sheer.ops.symbol import named
from sheer.ops.tensor import Tensor


@LOSSES.add()
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """mean((1 - q)^gamma · binary cross-entropy) over an axis, where q is the probability given to
    the target (Lin et al. 2017).

    >>> round(float(binary_focal_crossentropy([1.0], [0.5])), 4)  # (1 - 0.5)² · log 2
    0.1733
    """
    y_true, y_pred = aligned(y_true, y_pred)
    y_true = smoothed(y_true, label_smoothing, 2)
    p = nn.sigmoid(y_pred) if from_logits else y_pred
    right = named("right", y_true * p + (1 - y_true) * (1 - p))
    focus = named("focus", power(1 - right, gamma))
    losses = focus * nn.binary_crossentropy(y_true, p)
    if apply_class_balancing:
        losses = (y_true * alpha + (1 - y_true) * (1 - alpha)) * losses
    return mean(losses, axis=axis)


@LOSSES.add()
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """-sum(alpha (1 - p)^gamma · t log p) over the classes (Lin et al. 2017, equation 5).

    >>> round(float(categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
    0.0433
    """
    y_true, y_pred = aligned(y_true, y_pred)
    y_true = smoothed(y_true, label_smoothing, y_true.shape[axis])
    p = nn.softmax(y_pred, axis) if from_logits else y_pred
    p = clip(p / sum(p, axis, keepdims=True), config.epsilon(), 1 - config.epsilon())
    p = named("clipped", p)
    alpha = Tensor(alpha, p.dtype) if isinstance(alpha, (list, tuple)) else alpha
    focus = named("focus", alpha * power(1 - p, gamma))
    return -sum(focus * (y_true * log(p)), axis=axis)


@LOSSES.add()
def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """(1 - p^q) / q, where p is the probability of the target class (Zhang and Sabuncu 2018,
    equation 6): the cross-entropy for q towards 0, the absolute error for q = 1.

    y_true: class indices (n,) or (n, 1).

    >>> float(categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5)[0])
    1.0
    """
    y_true, y_pred = nn.labels(y_true, y_pred), as_float(y_pred)
    check_labels("categorical_generalized_cross_entropy", y_true, y_pred.shape[-1])
    p = named("p_label", nn.take_label(y_pred, y_true))
    return (1 - power(p, q)) / q


@LOSSES.add()
class BinaryFocalCrossentropy(Loss):
    """The cross-entropy of yes-or-no targets, easy ones counted less: `binary_focal_crossentropy`,
    reduced.

    Args:
        apply_class_balancing: whether targets of 1 count alpha times, those of 0 1 - alpha times.
        gamma: how much less easy targets count; 0 is the plain cross-entropy.
        from_logits: whether predictions are logits, not probabilities.
        label_smoothing: in [0, 1]: targets are moved that far towards 1/2.
    """

    arguments = {
        "apply_class_balancing": boolean(),
        "alpha": number(0, 1),
        "gamma": number(0),
        "from_logits": boolean(),
        "label_smoothing": number(0, 1),
    }

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: str | None = None,
    ):
        self.apply_class_balancing, self.alpha, self.gamma = apply_class_balancing, alpha, gamma
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return binary_focal_crossentropy(
            y_true,
            y_pred,
            self.apply_class_balancing,
            self.alpha,
            self.gamma,
            self.from_logits,
            self.label_smoothing,
            self.axis,
        )

    def check_targets(self, y: Any, output_shape: tuple[Any, ...]) -> None:
        super().check_targets(y, output_shape)
        check_probabilities("binary_focal_crossentropy", y)


@LOSSES.add()
class CategoricalFocalCrossentropy(Loss):
    """The cross-entropy of one-hot targets, easy ones counted less:
    `categorical_focal_crossentropy`, reduced.

    Args:
        alpha: how much a class counts: a number, or a list of one for each class.
        gamma: how much less easy targets count; 0 is the plain cross-entropy.
        from_logits: whether predictions are logits, not probabilities.
        label_smoothing: in [0, 1]: targets are moved that far towards equal probabilities.
    """

    arguments = {
        "alpha": number(0, 1) | numbers(0, 1),
        "gamma": number(0),
        "from_logits": boolean(),
        "label_smoothing": number(0, 1),
    }

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: str | None = None,
    ):
        self.alpha, self.gamma = alpha, gamma
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return categorical_focal_crossentropy(
            y_true,
            y_pred,
            self.alpha,
            self.gamma,
            self.from_logits,
            self.label_smoothing,
            self.axis,
        )

    def check_targets(self, y: Any, output_shape: tuple[Any, ...]) -> None:
        check_one_hot("categorical_focal_crossentropy", y, output_shape)


@LOSSES.add()
class CategoricalGeneralizedCrossEntropy(Loss):
    """A cross-entropy of class indices of which some may be wrong:
    `categorical_generalized_cross_entropy`, reduced.

    q: between 0 and 1: the larger, the less an unlikely label counts.
    """

    arguments = {"q": number(0, 1, "()")}
    integer_targets = True

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: str | None = None,
    ):
        self.q = q
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return categorical_generalized_cross_entropy(y_true, y_pred, self.q)

    def check_targets(self, y: Any, output_shape: tuple[Any, ...]) -> None:
        check_class_indices("categorical_generalized_cross_entropy", y, output_shape)
