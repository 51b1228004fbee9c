"""ReduceLROnPlateau: smaller steps when a figure no longer improves."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheer.callbacks.base import Logs
from sheer.callbacks.monitor import MonitorCallback
from sheer.core.checks import number
from sheer.core.registry import refuse


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by a factor when a figure has not improved for some epochs.

    The logs get the learning rate of each epoch, as `learning_rate`.

    Args:
        monitor: the figure, such as `"val_loss"`.
        factor: a number below 1: the new learning rate is the old one times it.
        patience: how many epochs without improvement are waited for.
        verbose: 1 prints each change.
        mode: `"min"`, `"max"`, or `"auto"`: by the figure's name.
        min_delta: an improvement must be larger than this.
        cooldown: how many epochs after a change do not count.
        min_lr: the learning rate never falls below it.
    """

    kept = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        refuse("ReduceLROnPlateau", kwargs, {}, [])
        if not number(0, 1, "[)").accepts(factor):
            raise ValueError(
                f"ReduceLROnPlateau: factor must be {number(0, 1, '[)').words}. Got {factor!r}."
            )
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self._begin()

    def _begin(self) -> None:
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._begin()
        self._find_direction()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        value = self._figure(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._better(value, self.best):
            self.best, self.wait = value, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter, self.wait = self.cooldown, 0

    def _reduce(self, epoch: int) -> bool:
        """Make the learning rate smaller; False where it is as small as may be."""
        optimizer = self.model.optimizer
        rate = float(optimizer.learning_rate)
        if rate <= np.float32(self.min_lr):
            return False
        optimizer.learning_rate = rate = max(rate * self.factor, self.min_lr)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {rate}.")
        return True

    def in_cooldown(self) -> bool:
        """Whether a change is so fresh that epochs do not count."""
        return self.cooldown_counter > 0
