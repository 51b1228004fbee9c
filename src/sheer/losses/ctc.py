"""A loss for sequences of labels that nobody has aligned with the predictions in time."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from sheer.core.dtypes import INTEGERS
from sheer.core.errors import ShapeError
from sheer.core.shapes import Shape, show
from sheer.losses.base import LOSSES, Loss
from sheer.losses.probability import check_classes, check_labels
from sheer.ops.arithmetic import as_float, cast
from sheer.ops.declare import Array, Sample, op, operand
from sheer.ops.shaping import reshape
from sheer.ops.symbol import named

# The logarithm of what cannot be: finite, as in Keras, so that a target that is too long for the
# time steps still has a loss, and a slope.
NEVER = -1e5


def ctc_shifted(xp: Any, x: Any) -> Any:
    """Log-probabilities of states, each in the place of the next state."""
    return xp.concatenate([xp.zeros_like(x[:, :1]) - xp.inf, x[:, :-1]], 1)


def ctc_back(xp: Any, x: Any) -> Any:
    """Shares of states, each in the place of the state before."""
    return xp.pad(x[:, 1:], ((0, 0), (0, 1)))


def ctc_ways(xp: Any, paths: Any, skips: Any) -> Any:
    """Paths that stay in a state, that come from the state before, and from the one before that."""
    moved = ctc_shifted(xp, paths)
    return paths, moved, ctc_shifted(xp, moved) + skips


def ctc_states(xp: Any, target: Any) -> Any:
    """The labels with a blank (0) before, between and after them: (n, 2 length + 1)."""
    pairs = xp.pad(target[..., None], ((0, 0), (0, 0), (1, 0)))
    return xp.pad(pairs.reshape(target.shape[0], 2 * target.shape[1]), ((0, 0), (0, 1)))


def ctc_paths(xp: Any, target: Any, logits: Any) -> Any:
    """For each state: log p at each time; what it costs to skip the state before; and, at the
    beginning and after each time step, the log-probability of all paths that lead to it."""
    shifted = logits - xp.max(logits, -1, keepdims=True)
    log_p = shifted - xp.log(xp.sum(xp.exp(shifted), -1, keepdims=True))
    states = ctc_states(xp, target)
    log_p = xp.take_along_axis(log_p, states[:, None], -1)
    place = xp.arange(states.shape[1])
    # Only a blank may be skipped, and none between two labels that are alike.
    before = xp.pad(states, ((0, 0), (2, 0)))[:, :-2]
    costs = xp.where(states == before, NEVER, 0.0)
    skips = xp.where(place % 2 == 1, costs, -xp.inf).astype(logits.dtype)
    paths = [xp.zeros_like(log_p[:, 0]) + xp.where(place == 0, 0.0, NEVER).astype(log_p.dtype)]
    for t in range(logits.shape[1]):
        stayed, moved, skipped = ctc_ways(xp, paths[-1], skips)
        paths.append(log_p[:, t] + xp.logaddexp(xp.logaddexp(stayed, moved), skipped))
    return log_p, skips, paths


def ctc_ends(xp: Any, target: Any, paths: Any) -> Any:
    """The paths that end in the last label or in the blank behind it; -inf for all others."""
    end = 2 * xp.sum(target != 0, -1, keepdims=True)
    place = xp.arange(paths.shape[1])
    return xp.where((place == end) | (place == end - 1), paths, -xp.inf)


def _row_shape(target: Shape, logits: Shape) -> Shape:
    if len(target) != 2 or len(logits) != 3 or target[0] != logits[0]:
        raise ShapeError("targets (n, length) and logits (n, time, classes) are needed")
    return target[:1]


# Two that are alike, one label, none, and as many as there are time steps.
TARGETS = [[2, 2, 0], [1, 0, 0], [0, 0, 0], [1, 3, 2]]


def _sample(smooth: bool = True) -> Sample:
    return Sample(
        lambda rng: [np.array(TARGETS), rng.normal(size=(len(TARGETS), 3, 4))], smooth=smooth
    )


@op(
    shape=_row_shape,
    strict=True,
    dtype=lambda target, logits: logits,
    sample=_sample(),
    label="losses",
)
def ctc_loss(xp: Any, target: Array, logits: Array) -> Array:
    """-log of the probability of all paths through the time steps that read as the target."""
    _, _, paths = ctc_paths(xp, target, logits)
    ends = ctc_ends(xp, target, paths[-1])
    top = xp.max(ends, -1, keepdims=True)
    return -(top + xp.log(xp.sum(xp.exp(ends - top), -1, keepdims=True)))[:, 0]


@op(
    shape=lambda target, logits: logits,
    dtype=lambda target, logits: logits,
    sample=_sample(smooth=False),
)
def ctc_slope(xp: Any, target: Array, logits: Array) -> Array:
    """The slope of ctc_loss: softmax(logits), less the share of the paths that are in each class.

    The shares are found from the last step back: a state hands its share on to the three that lead
    to it, in proportion to their probabilities.
    """
    log_p, skips, paths = ctc_paths(xp, target, logits)
    ends = ctc_ends(xp, target, paths[-1])
    share = xp.exp(ends - xp.max(ends, -1, keepdims=True))
    share = share / xp.sum(share, -1, keepdims=True)
    shares = []
    for t in range(logits.shape[1] - 1, -1, -1):
        shares.append(share[:, None])
        arrived = paths[t + 1] - log_p[:, t]
        stayed, moved, skipped = [
            share * xp.exp(way - arrived) for way in ctc_ways(xp, paths[t], skips)
        ]
        share = stayed + ctc_back(xp, moved + ctc_back(xp, skipped))
    is_class = ctc_states(xp, target)[..., None] == xp.arange(logits.shape[-1])
    in_class = xp.matmul(xp.concatenate(shares[::-1], 1), is_class.astype(logits.dtype))
    e = xp.exp(logits - xp.max(logits, -1, keepdims=True))
    return e / xp.sum(e, -1, keepdims=True) - in_class


def _no_second_slope(g: Any, y: Any, target: Any, logits: Any) -> NoReturn:
    raise NotImplementedError(
        "ctc: gradients of its gradient are not in sheer yet. Leave it out of the outer tape."
    )


ctc_loss.slope(
    logits=lambda g, y, target, logits: ctc_slope(target, logits) * reshape(g, (-1, 1, 1))
)
ctc_slope.slope(logits=_no_second_slope)


@LOSSES.add()
def ctc(y_true: Any, y_pred: Any) -> Any:
    """-log of the probability that the predictions, read without blanks and repetitions, are the
    target: connectionist temporal classification (Graves et al. 2006).

    A path takes one class at each time step. It reads as the target if that is what remains when
    labels that follow each other and are alike count once, and blanks are left out; its probability
    is the product of those of its steps. Paths are summed in log space, step by step.

    Args:
        y_true: (n, length): each row's labels, 1 or more, and behind them zeros. Class 0 is the
            blank.
        y_pred: (n, time, classes): logits. Where the time is too short for a target, its loss is
            about 1e5.

    >>> round(float(ctc([[1]], [[[0.0, 0.0], [0.0, 0.0]]])[0]), 4)  # 3 of 4 paths: -log(3 / 4)
    0.2877
    """
    y_true, y_pred = operand(y_true), as_float(y_pred)
    labels = y_true if y_true.dtype in INTEGERS else named("labels", cast(y_true, "int32"))
    check_labels("ctc", labels, y_pred.shape[-1])
    return ctc_loss(labels, y_pred)


@LOSSES.add()
class CTC(Loss):
    """The loss of label sequences without alignment: `ctc`, reduced."""

    integer_targets = True

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "ctc",
        dtype: str | None = None,
    ):
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ctc(y_true, y_pred)

    def check_targets(self, y: Any, output_shape: tuple[Any, ...]) -> None:
        if y.ndim != 2 or len(output_shape) != 3:
            raise ValueError(
                "ctc: targets need to be rows of labels (n, length), and outputs logits "
                f"(n, time, classes).\n  targets {show(y.shape)}\n  outputs {show(output_shape)}"
            )
        check_classes("ctc", y, output_shape[-1])
