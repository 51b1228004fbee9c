"""What callbacks that watch a figure share: which one it is, and whether it improved."""

from __future__ import annotations

import re
import warnings

from sheer.callbacks.base import Callback, Logs
from sheer.core.checks import number, one_of

# How the names of figures end for which larger, or smaller, is better.
LARGER = ("accuracy", "acc", "auc", "precision", "recall", "r2_score", "f1_score", "fbeta_score")
SMALLER = (
    "loss", "error", "mse", "mae", "mape", "msle", "rmse", "crossentropy", "ce", "hinge", "poisson",
    "divergence", "logcosh", "log_cosh", "huber", "penalty",
)  # fmt: skip


class MonitorCallback(Callback):
    """The base of callbacks that watch a figure.

    Args:
        monitor: the figure, such as `"val_loss"`.
        mode: `"min"`, `"max"`, or `"auto"`: by the figure's name, as larger is better for an
            accuracy and smaller for a loss. A name that says nothing is an error.
        baseline: what the first value is compared with; None takes the first value itself.
        min_delta: an improvement must be larger than this.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ):
        super().__init__()
        if not one_of("auto", "min", "max").accepts(mode):
            raise ValueError(
                f"{type(self).__name__}: mode must be 'auto', 'min' or 'max'. Got {mode!r}."
            )
        if not number().accepts(min_delta):
            raise ValueError(
                f"{type(self).__name__}: min_delta must be {number().words}. Got {min_delta!r}."
            )
        self.monitor, self.mode = monitor, mode
        self.min_delta = abs(min_delta)
        self.best = baseline
        self._larger = mode == "max"

    def _find_direction(self) -> None:
        """Settle whether larger is better: before the first step, so that an error changes no
        weight."""
        name = re.sub(r"_\d+$", "", self.monitor.lower())
        if self.mode == "auto" and not name.endswith(LARGER + SMALLER):
            raise ValueError(
                f"{type(self).__name__}: the name {self.monitor!r} does not say whether larger or "
                "smaller is better. Give mode='max' or mode='min'."
            )
        self._larger = name.endswith(LARGER) if self.mode == "auto" else self.mode == "max"

    def _figure(self, logs: Logs | None) -> float | None:
        """The figure in the logs; a warning where it is not there."""
        value: float | None = (logs or {}).get(self.monitor)
        if value is None:
            warnings.warn(
                f"{type(self).__name__} watches {self.monitor!r}, which is not there. "
                f"Known: {', '.join(logs or {})}.",
                stacklevel=3,
            )
        return value

    def _better(self, value: float, than: float | None) -> bool:
        if than is None:
            return True
        return value - self.min_delta > than if self._larger else value + self.min_delta < than
