"""EarlyStopping: end the training when a figure no longer improves."""

from __future__ import annotations

import math
from typing import Any

from sheer.callbacks.base import Logs
from sheer.callbacks.monitor import MonitorCallback


class EarlyStopping(MonitorCallback):
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

    kept = ("wait", "stopped_epoch", "best_epoch", "best", "best_weights")

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
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience, self.verbose = patience, verbose
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

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._begin()
        self._find_direction()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self._figure(logs)
        if value is None or epoch < self.start_from_epoch:
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
