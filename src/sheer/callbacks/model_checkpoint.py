"""ModelCheckpoint: the model in a file, after each epoch or so many batches."""

from __future__ import annotations

import os

import numpy as np

from sheer.callbacks.base import Logs
from sheer.callbacks.monitor import MonitorCallback
from sheer.callbacks.saving import SavingCallback

WEIGHTS = (".weights.h5", ".safetensors")
WHOLE = (".keras", ".h5")


class ModelCheckpoint(SavingCallback, MonitorCallback):
    """Saves the model, or its weights, now and then.

    A file is written whole or not at all: a fault leaves the one before it.

    Args:
        filepath: may have places for `epoch` (counted from 1), `batch` and the figures:
            `"{epoch:02d}-{val_loss:.2f}.keras"`. It ends in `.keras`; with `save_weights_only`, in
            `.weights.h5` or `.safetensors`.
        monitor: the figure that `save_best_only` goes by, such as `"val_loss"`.
        verbose: 1 prints what is saved.
        save_best_only: whether only a model that is better than all before is saved.
        save_weights_only: whether the weights are saved, and not the model with its optimizer.
        mode: `"min"`, `"max"`, or `"auto"`: by the figure's name.
        save_freq: `"epoch"`, or after how many batches it is saved.
        initial_value_threshold: the figure must be better than this from the start.
    """

    kept = (*SavingCallback.kept, "best", "_epoch")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: int | str = "epoch",
        initial_value_threshold: float | None = None,
    ):
        MonitorCallback.__init__(self, monitor, mode, initial_value_threshold)
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self._save_each(save_freq)
        endings = WEIGHTS if save_weights_only else WHOLE
        if not self.filepath.endswith(endings):
            what = "weights" if save_weights_only else "a whole model"
            raise ValueError(
                f"ModelCheckpoint: filepath must end in {' or '.join(endings)}, to save {what}. "
                f"Got {self.filepath!r}."
            )
        self._epoch = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if self.save_best_only:
            self._find_direction()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._is_due(batch):
            self._save(batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(None, logs or {})

    def _save(self, batch: int | None, logs: Logs) -> None:
        path = self._path(batch, logs)
        if self.save_best_only and not self._is_best(path, logs):
            return
        if self.verbose and not self.save_best_only:
            self._say(f"saving model to {path}")
        if os.path.isdir(path):
            raise IsADirectoryError(
                f"ModelCheckpoint: {path!r} is a folder. Give the path of a file."
            )
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
        if self.verbose:
            self._say(f"finished saving model to {path}")

    def _is_best(self, path: str, logs: Logs) -> bool:
        """Whether the figure is better than all before; it is then the best."""
        value = self._figure(logs)
        if value is None or np.ndim(value):
            return True  # as Keras: what cannot be compared is saved
        before = "None" if self.best is None else f"{self.best:.5f}"
        if not self._better(value, self.best):
            if self.verbose:
                self._say(f"{self.monitor} did not improve from {before}")
            return False
        if self.verbose:
            self._say(
                f"{self.monitor} improved from {before} to {value:.5f}, saving model to {path}"
            )
        self.best = value
        return True

    def _path(self, batch: int | None, logs: Logs) -> str:
        places = {"epoch": self._epoch + 1, **({} if batch is None else {"batch": batch + 1})}
        try:
            return self.filepath.format(**{**places, **logs})
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: filepath {self.filepath!r} has a place for {error}, which is "
                f"not there. Known: {', '.join([*places, *logs])}."
            ) from None

    def _say(self, text: str) -> None:
        print(f"\nEpoch {self._epoch + 1}: {text}")
