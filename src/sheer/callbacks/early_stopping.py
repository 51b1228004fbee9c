"""EarlyStopping: end the training when a figure no longer improves."""

from __future__ import annotations

import math
import re
import warnings
from typing import Any

from sheer.callbacks.base import Callback, Logs
from sheer.core.checks import one_of

# How the names of figures end for which larger, or smaller, is better.
LARGER = ("accuracy", "acc", "auc", "precision", "recall", "r2_score", "f1_score", "fbeta_score")
SMALLER = (
    "loss", "error", "mse", "mae", "mape", "msle", "rmse", "crossentropy", "ce", "hinge", "poisson",
    "divergence", "logcosh", "log_cosh", "huber", "penalty",
)  # fmt: skip


class EarlyStopping(Callback):
    """Ends `fit` when a figure has not improved for some epochs.

    Args:
        monitor: the figure, such as `"val_loss"`.
        min_delta: an improvement must be larger than this.
        patience: how many epochs without improvement are waited for.
        verbose: 1 prints why it stopped.
        mode: `"min"`, `"max"`, or `"auto"`: by the figure's name, as larger is better for an
            accuracy and smaller for a loss. A name that says nothing is an error.
        baseline: the figure must become better than this.
        restore_best_weights: whether the weights of the best epoch are put back at the end.
        start_from_epoch: epochs before it do not count.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__()
        if not one_of("auto", "min", "max").accepts(mode):
            raise ValueError(f"EarlyStopping: mode must be 'auto', 'min' or 'max'. Got {mode!r}.")
        self.monitor, self.patience, self.verbose, self.mode = monitor, patience, verbose, mode
        self.min_delta = abs(min_delta)
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._begin()

    def _begin(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best: float | None = None
        self.best_weights: Any = None
        self._larger = self.mode == "max"

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._begin()
        # Now, and not after an epoch: an error here changes no weight.
        self._larger = self._larger_is_better()

    def _larger_is_better(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        name = re.sub(r"_\d+$", "", self.monitor.lower())
        if name.endswith(LARGER):
            return True
        if name.endswith(SMALLER):
            return False
        raise ValueError(
            f"EarlyStopping: the name {self.monitor!r} does not say whether larger or smaller is "
            "better. Give mode='max' or mode='min'."
        )

    def _better(self, value: float, than: float | None) -> bool:
        if than is None:
            return True
        return value - self.min_delta > than if self._larger else value + self.min_delta < than

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = (logs or {}).get(self.monitor)
        if value is None:
            known = ", ".join(logs or {})
            warnings.warn(
                f"EarlyStopping watches {self.monitor!r}, which is not there. Known: {known}.",
                stacklevel=2,
            )
            return
        if epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights = self.model.get_weights()
            self.best_epoch = epoch
        self.wait += 1
        if self._better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self._better(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            best = "nan" if self.best is None or math.isnan(self.best) else f"{self.best:.4f}"
            print(
                f"Stopped after epoch {self.stopped_epoch + 1}: {self.monitor} was best, {best}, "
                f"in epoch {self.best_epoch + 1}."
            )
        if self.restore_best_weights and self.best_weights is not None:
            # Not set_weights: how the weights began is still known, for `write_program`.
            for variable, value in zip(self.model.weights, self.best_weights, strict=True):
                variable.assign(value)
