"""Until: at which batch a training is to stop."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

from sheer.inspect.view.description import Watch
from sheer.inspect.view.trials import Sample

# A loss jumps when it is this many times the median of the latest ones.
FACTOR = 2.0
LATEST, FEWEST = 32, 8

NEVER = {
    "not_finite": "No NaN or infinity came up.",
    "loss_jump": "The loss did not jump.",
    "wrong": "The row was not wrong after any batch.",
    "right": "The row was not right after any batch.",
}


class Until:
    """Looks at the model after each batch.

    Args:
        watch: the training.
        variables: all that a batch changes.
        what: `"not_finite"`: the loss or a Variable holds a NaN or an infinity; `"loss_jump"`: the
            loss of the batch is more than twice the median of the latest 32; `"wrong"`, `"right"`:
            what the model says of a row of the data.
        sample: the number of that row.
    """

    def __init__(
        self, watch: Watch, variables: Sequence[Any], what: str, sample: int | None = None
    ):
        self.what = what
        self._variables = variables
        self._sample = Sample(watch, sample) if sample is not None else None
        self._losses: deque[float] = deque(maxlen=LATEST)
        self._tracker = watch.model._compiled.loss
        self._before = self._totals()

    def _totals(self) -> tuple[float, float]:
        return float(self._tracker.total.stored()), float(self._tracker.count.stored())

    def begins(self) -> None:
        """A batch is about to run."""
        self._before = self._totals()

    def met(self) -> str:
        """Why to stop now, after a batch; empty where there is no reason."""
        if self._sample is not None:
            is_right = self._sample.is_right()
            return f"The row is {self.what} now." if is_right == (self.what == "right") else ""
        total, count = (now - then for now, then in zip(self._totals(), self._before, strict=True))
        # A user's train_step may count no loss.
        loss = total / count if count else None
        if self.what == "not_finite":
            return self._not_finite(loss)
        return self._jump(loss) if loss is not None else ""

    def unmet(self) -> str:
        """What to say where the training ended first."""
        return NEVER[self.what]

    def _not_finite(self, loss: float | None) -> str:
        if loss is not None and not math.isfinite(loss):
            return f"The loss of this batch is {loss}."
        bad = [v.path for v in self._variables if not _is_finite(v.stored())]
        return f"After this batch {bad[0]} is not finite." if bad else ""

    def _jump(self, loss: float) -> str:
        usual = median(self._losses) if len(self._losses) >= FEWEST else math.inf
        self._losses.append(loss)
        if math.isfinite(loss) and loss <= FACTOR * usual:
            return ""
        return f"The loss of this batch is {loss:.4g}; the median before it {usual:.4g}."


def _is_finite(array: np.ndarray[Any, Any]) -> bool:
    if array.dtype.kind != "f":
        return True
    with np.errstate(all="ignore"):
        return bool(np.isfinite(array.sum())) or bool(np.isfinite(array).all())
