"""When callbacks save: at the end of each epoch, or after each so many batches."""

from __future__ import annotations

from typing import ClassVar

from sheer.callbacks.base import Callback
from sheer.core.checks import integer


class SavingCallback(Callback):
    """The base of callbacks that save: it counts the batches, across the ends of epochs."""

    kept: ClassVar[tuple[str, ...]] = ("_last_batch", "_unsaved")

    def _save_each(self, save_freq: int | str) -> None:
        """save_freq: `"epoch"`, or a number of batches."""
        if save_freq != "epoch" and not integer(1).accepts(save_freq):
            raise ValueError(
                f"{type(self).__name__}: save_freq must be 'epoch' or {integer(1).words}. "
                f"Got {save_freq!r}."
            )
        self.save_freq = save_freq
        self.every_batch = save_freq != "epoch"
        self._last_batch, self._unsaved = -1, 0

    def _is_due(self, batch: int) -> bool:
        """Whether it is time to save, at the end of this batch. Several batches may have passed
        since the last call."""
        if isinstance(self.save_freq, str):
            return False
        is_new = batch <= self._last_batch
        self._unsaved += batch + 1 if is_new else batch - self._last_batch
        self._last_batch = batch
        if self._unsaved < self.save_freq:
            return False
        self._unsaved = 0
        return True
