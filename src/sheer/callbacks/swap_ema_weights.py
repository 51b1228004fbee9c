"""SwapEMAWeights: evaluate with the running means of the weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheer.callbacks.base import Callback, Logs


class SwapEMAWeights(Callback):
    """Puts the optimizer's running means in place of the weights while the model is evaluated or
    predicts, and the weights back after it.

    The optimizer must keep them: `SGD(use_ema=True)`.

    swap_on_epoch: whether the means are there from the end of each epoch on, too, for callbacks
        later in the list, such as ModelCheckpoint; the next epoch begins with the weights.
    """

    kept = ("_weights",)

    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        # The weights, while the model has their means.
        self._weights: list[np.ndarray[Any, Any]] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._weights = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._put_back()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._take_means()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._weights = None  # `fit` gave the weights their final values

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._take_means()

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._put_back()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._take_means()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._put_back()

    def _take_means(self) -> None:
        model, optimizer = self.model, self.model.optimizer
        if not getattr(optimizer, "use_ema", False):
            raise ValueError(
                "SwapEMAWeights: the optimizer keeps no running means of the weights. Compile with "
                "one that does, such as SGD(use_ema=True)."
            )
        if self._weights is None and int(optimizer.iterations):  # before, there are none
            self._weights = [variable.numpy() for variable in model.trainable_variables]
            for variable in model.trainable_variables:
                variable.assign(optimizer.slot(variable, "average"))

    def _put_back(self) -> None:
        if self._weights is not None:
            for variable, weight in zip(self.model.trainable_variables, self._weights, strict=True):
                variable.assign(weight)
            self._weights = None
