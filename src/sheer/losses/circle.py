"""A loss for embeddings: near for examples of one class, far for others."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheer.core.checks import boolean, number
from sheer.core.shapes import Shape, show
from sheer.losses.base import LOSSES, Loss
from sheer.ops.arithmetic import as_float, cast, equal, logical_not, maximum, where
from sheer.ops.declare import Array, Sample, op, operand
from sheer.ops.linalg import matmul
from sheer.ops.nn import softplus
from sheer.ops.reduction import logsumexp
from sheer.ops.shaping import expand_dims, reshape, transpose
from sheer.ops.symbol import named

# In place of -inf, of which logsumexp of nothing else has no slope.
NOTHING = -1e30


def _pair_shape(labels: Shape, others: Shape) -> Shape:
    return (labels[0], others[0])


@op(
    shape=_pair_shape,
    dtype="bool",
    sample=Sample(lambda rng: [np.array([1, 0, 1]), np.array([1, 0, 1])]),
)
def alike(xp: Any, labels: Array, others: Array) -> Array:
    """Whether two examples have one label; not an example and itself."""
    rows, columns = xp.arange(len(labels)), xp.arange(len(others))
    is_other = rows[:, None] != columns
    return (labels[:, None] == others) & is_other


@LOSSES.add()
def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """log(1 + sum(exp(wrong pairs)) · sum(exp(right pairs))) of each example (Sun et al. 2020,
    equation 6); 0 for an example that has no pair of both kinds.

    Args:
        y_true: class indices (n,) or (n, 1).
        y_pred: embeddings (n, d) of length 1.
        ref_labels, ref_embeddings: what the examples are paired with; by default themselves.
        remove_diagonal: whether an example is no pair with itself.
        gamma: the scale of the similarities.
        margin: how much nearer right pairs have to be than wrong ones.

    >>> near = circle([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> far = circle([0, 1, 0], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> float(near[0]) < 0.1 < float(far[0])
    True
    """
    y_pred = as_float(y_pred)
    labels = _whole(y_true)
    others = labels if ref_labels is None else _whole(ref_labels)
    points = y_pred if ref_embeddings is None else as_float(ref_embeddings, y_pred.dtype)
    cosine = named("cosine", matmul(y_pred, transpose(points)))
    distance = named("distance", maximum(1 - cosine, 0))
    same = named("same", equal(expand_dims(labels, -1), others))
    right = named("right", alike(labels, others) if remove_diagonal else same)
    wrong = named("wrong", logical_not(same))
    # How far each pair is from its margin, weighted by how far it is from the best there is.
    right_scores = (-gamma * maximum(margin + distance, 0)) * (margin - distance)
    wrong_scores = (gamma * maximum(1 + margin - distance, 0)) * (1 - margin - distance)
    pull = named("pull", logsumexp(where(right, right_scores, NOTHING), axis=1))
    push = named("push", logsumexp(where(wrong, wrong_scores, NOTHING), axis=1))
    return softplus(pull + push)


def _whole(labels: Any) -> Any:
    """Labels (n,) or (n, 1) as whole numbers (n,)."""
    labels = operand(labels)
    return named("labels", cast(labels if labels.ndim == 1 else reshape(labels, (-1,)), "int32"))


@LOSSES.add()
class Circle(Loss):
    """The circle loss of embeddings and class indices: `circle`, reduced.

    Args:
        gamma: the scale of the similarities.
        margin: how much nearer right pairs have to be than wrong ones.
        remove_diagonal: whether an example is no pair with itself.
    """

    arguments = {"gamma": number(0, None, "()"), "margin": number(0), "remove_diagonal": boolean()}
    integer_targets = True

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: str | None = None,
    ):
        self.gamma, self.margin, self.remove_diagonal = gamma, margin, remove_diagonal
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return circle(
            y_true,
            y_pred,
            remove_diagonal=self.remove_diagonal,
            gamma=self.gamma,
            margin=self.margin,
        )

    def mask(self, y_true: Any, y_pred: Any) -> Any:
        # Examples without a loss do not count in a mean.
        return self.call(y_true, y_pred) > 0

    def check_targets(self, y: Any, output_shape: tuple[Any, ...]) -> None:
        if len(output_shape) != 2 or y.shape[1:] not in ((), (1,)):
            raise ValueError(
                "circle: targets need one class index for each embedding (n, d).\n"
                f"  targets {show(y.shape)}\n  outputs {show(output_shape)}"
            )
