"""Which class is taken for which: the confusion matrix, and intersections over unions."""

from __future__ import annotations

from typing import Any

from sheer.core import config
from sheer.core.checks import boolean, integer, integers, nothing, number, one_of
from sheer.core.objects import take_room
from sheer.core.shapes import show
from sheer.losses.base import same_rank
from sheer.metrics.base import METRICS, Metric
from sheer.metrics.retrieval import spread_weight
from sheer.ops.arithmetic import as_float, cast, divide_no_nan, keep_where, not_equal, where
from sheer.ops.declare import operand
from sheer.ops.picking import scatter_add, take
from sheer.ops.reduction import argmax, sum
from sheer.ops.shaping import full, reshape
from sheer.ops.symbol import named
from sheer.ops.variable import Variable


class _Confusion(Metric):
    """How often each class (a row) is taken for each (a column), in `total_cm`."""

    arguments = {"num_classes": integer(1), "ignore_class": integer(-(2**31)) | nothing()}
    num_classes: int
    total_cm: Variable
    ignore_class: int | None = None

    def _count(self, labels: Any, found: Any, sample_weight: Any) -> None:
        """Take in class indices, those of the targets and those predicted, of one shape.

        What is no class in either does not count.
        """
        labels, found = (reshape(cast(v, "int32"), (-1,)) for v in (labels, found))
        labels, found = named("labels", labels), named("found", found)
        counts = self._are_classes(labels) & self._are_classes(found)
        if self.ignore_class is not None:
            counts = counts & not_equal(labels, self.ignore_class)
        counts = named("counts", counts)
        if sample_weight is None:
            weight = cast(counts, config.floatx())
        else:
            # Whole numbers, where the state is.
            weight = as_float(cast(sample_weight, self.dtype))
            weight = keep_where(reshape(weight, (-1,)), counts)
        places = named("places", where(counts, labels * self.num_classes + found, 0))
        counted = named("counted", scatter_add(weight, places, (self.num_classes**2,), 0))
        matrix = named("matrix", reshape(counted, (self.num_classes, self.num_classes)))
        self.total_cm.assign_add(cast(matrix, self.dtype))

    def _are_classes(self, indices: Any) -> Any:
        return named("are_classes", (indices >= 0) & (indices < self.num_classes))


@METRICS.add()
class ConfusionMatrix(_Confusion):
    """How often each class is taken for each: a row for each class of the targets, a column for
    each that is predicted. It is sheer's own; Keras has none.

    Args:
        num_classes: how many classes.
        normalize: what the counts are divided by: None; `"true"`, the sum of each row; `"pred"`,
            the sum of each column; `"all"`, the sum of all. What has no sum is 0.

    Example:

    >>> matrix = ConfusionMatrix(num_classes=2)
    >>> matrix.update_state([0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    >>> matrix.result().numpy()
    array([[1., 1.],
           [0., 1.]], dtype=float32)
    """

    arguments = {"normalize": one_of(None, "true", "pred", "all")}

    def __init__(
        self,
        num_classes: int,
        normalize: str | None = None,
        name: str | None = "confusion_matrix",
        dtype: str | None = None,
    ):
        super().__init__(dtype, name)
        self.num_classes, self.normalize = num_classes, normalize
        self.check_arguments()
        self.total_cm = self.add_variable((num_classes, num_classes), name="total")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch.

        y_true: class indices (n, ...) or (n, ..., 1), or one-hot rows (n, ..., num_classes).
        y_pred: scores (n, ..., num_classes); of two classes, probabilities of the second too; else
        class indices. sample_weight: (n,), or as y_true; None for none.
        """
        y_true, y_pred = operand(y_true), operand(y_pred)
        if y_pred.ndim > 1 and y_pred.shape[-1] == self.num_classes > 1:
            is_one_hot = y_true.shape == y_pred.shape
            labels = argmax(y_true, axis=-1) if is_one_hot else _without_last(y_true, y_pred.ndim)
            found = argmax(y_pred, axis=-1)
        else:
            labels, found = same_rank(y_true, y_pred)
            found = found > 0.5 if self.num_classes == 2 else found
        if labels.shape != found.shape:
            raise ValueError(
                f"{self.name}: targets and predictions do not fit together for "
                f"{self.num_classes} classes.\n"
                f"  targets     {show(y_true.shape)}\n"
                f"  predictions {show(y_pred.shape)}"
            )
        weight = None
        if sample_weight is not None:
            weight = spread_weight(as_float(sample_weight, self.dtype), labels)
        self._count(labels, found, weight)

    def result(self) -> Any:
        matrix = self.total_cm.value
        if self.normalize is None:
            return matrix
        axis = {"true": 1, "pred": 0, "all": None}[self.normalize]
        return divide_no_nan(matrix, sum(matrix, axis=axis, keepdims=True))


def _without_last(labels: Any, rank: int) -> Any:
    """Labels of scores of this rank, without a last axis of 1."""
    return labels[..., 0] if labels.ndim == rank and labels.shape[-1] == 1 else labels


@METRICS.add()
class IoU(_Confusion):
    """The mean over some classes of intersection over union: of all that are such a class or are
    taken for it, the share that is both. A class that does not occur does not count.

    Args:
        num_classes: how many classes.
        target_class_ids: the classes that count.
        ignore_class: targets of this class do not count.
        sparse_y_true: whether targets are class indices; else scores, of which the largest counts.
        sparse_y_pred: the same of predictions.
        axis: that of the scores.

    Weights are whole numbers, unless `dtype` is a float.

    Example:

    >>> iou = IoU(num_classes=2, target_class_ids=[0])
    >>> iou.update_state([0, 0, 1, 1], [0, 1, 0, 1])
    >>> round(float(iou.result()), 4)  # 1 / (2 + 2 - 1)
    0.3333
    """

    arguments = {
        "target_class_ids": integers(0),
        "sparse_y_true": boolean(),
        "sparse_y_pred": boolean(),
    }

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Any,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(dtype or "int32", name)
        self.num_classes, self.target_class_ids = num_classes, target_class_ids
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.check_arguments()
        self.target_class_ids = list(target_class_ids)
        if max(self.target_class_ids) >= num_classes:
            raise ValueError(
                f"{type(self).__name__}: target_class_ids must be below num_classes, "
                f"{num_classes}. Got {self.target_class_ids!r}."
            )
        shape = (num_classes, num_classes)
        self.total_cm = self.add_variable(shape, name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """y_true, y_pred: class indices (n, ...), or scores. sample_weight: one for each, or a
        number, or None."""
        labels = y_true if self.sparse_y_true else argmax(y_true, axis=self.axis)
        found = y_pred if self.sparse_y_pred else argmax(y_pred, axis=self.axis)
        if sample_weight is not None and operand(sample_weight).ndim == 0:
            sample_weight = full(operand(labels).shape, sample_weight, self.dtype)
        self._count(labels, found, sample_weight)

    def result(self) -> Any:
        matrix = named("matrix_so_far", as_float(self.total_cm.value))
        diagonal = named("both", reshape(matrix, (-1,))[:: self.num_classes + 1])
        either = named("either", sum(matrix, axis=0) + sum(matrix, axis=1) - diagonal)
        if self.target_class_ids != list(range(self.num_classes)):
            ids = operand(self.target_class_ids)
            diagonal, either = take(diagonal, ids), take(either, ids)
        occurs = named("occurs", either > 1e-9)
        shares = keep_where(diagonal / (either + config.epsilon()), occurs)
        return sum(shares) / (sum(cast(occurs, shares.dtype)) + config.epsilon())


@METRICS.add()
class MeanIoU(IoU):
    """The mean over all classes of intersection over union: `IoU`.

    >>> iou = MeanIoU(num_classes=2)
    >>> iou.update_state([0, 0, 1, 1], [0, 0, 0, 1])
    >>> round(float(iou.result()), 4)  # (2/3 + 1/2) / 2
    0.5833
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        is_count = integer(1).accepts(num_classes)
        take_room(4 * num_classes**2 if is_count else 0, "MeanIoU: its matrix")
        super().__init__(
            num_classes,
            list(range(num_classes)) if is_count else [0],
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )


@METRICS.add()
class OneHotIoU(IoU):
    """`IoU` of one-hot targets and scores."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Any,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


@METRICS.add()
class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot targets and scores."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)


@METRICS.add()
class BinaryIoU(IoU):
    """`IoU` of the classes no and yes: 0 and 1.

    Args:
        target_class_ids: the classes that count, of 0 and 1.
        threshold: the prediction from which on the answer is yes.

    >>> iou = BinaryIoU(threshold=0.3)
    >>> iou.update_state([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])
    >>> round(float(iou.result()), 4)
    0.3333
    """

    arguments = {"threshold": number(0, 1)}

    def __init__(
        self,
        target_class_ids: Any = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: str | None = None,
    ):
        self.threshold = threshold
        super().__init__(2, target_class_ids, name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """y_true: 0 or 1. y_pred: probabilities. Both (n, ...). sample_weight: one for each."""
        super().update_state(y_true, as_float(y_pred) >= self.threshold, sample_weight)
