"""BackupAndRestore: a training that goes on where a fault ended it."""

from __future__ import annotations

import os
import warnings
from contextlib import suppress

from sheer.callbacks.base import Logs
from sheer.callbacks.saving import SavingCallback

LATEST, PREVIOUS = "latest.safetensors", "previous.safetensors"


class BackupAndRestore(SavingCallback):
    """Keeps the state of `fit` in a file; the same `fit`, run again after a fault, goes on from it.

    The state is all that the rest of the training depends on: weights, the optimizer's and the
    metrics' state, seeds, the place in the epoch and in the order of the rows, what the callbacks
    keep, the history. So a training that was killed and started again ends with the very weights
    that it would have had. The file is written whole or not at all: a kill at any moment leaves
    one that is sound. Ctrl-C and SIGTERM write it before they end the training.

    The file is for one training: a model, data and arguments of `fit` other than before are an
    error, as far as they can be told apart; more epochs may be asked for.

    Args:
        backup_dir: a folder for it alone.
        save_freq: `"epoch"`, or after how many batches it is written.
        double_checkpoint: whether the file before the latest is kept as well, and taken where the
            latest is not sound.
        delete_checkpoint: whether the files go away when the training has ended.

    Example:

    >>> import numpy as np, sheer, tempfile
    >>> def train(callbacks):
    ...     sheer.utils.set_random_seed(1)
    ...     model = sheer.Sequential([sheer.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     model.fit(x, x[:, :1], epochs=4, verbose=0, callbacks=callbacks)
    ...     return model.get_weights()[0]
    >>> class Fault(sheer.callbacks.Callback):
    ...     def on_epoch_begin(self, epoch, logs=None):
    ...         if epoch == 2:
    ...             raise RuntimeError("a fault")
    >>> x, folder = np.ones((100, 2)), tempfile.mkdtemp()
    >>> try:
    ...     train([BackupAndRestore(folder), Fault()])
    ... except RuntimeError as error:
    ...     print(error)
    a fault
    >>> bool((train([BackupAndRestore(folder)]) == train([])).all())
    True
    """

    # After the others, whose state it keeps.
    is_last = True

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: int | str = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ):
        super().__init__()
        if not backup_dir or not os.fspath(backup_dir):
            raise ValueError(f"BackupAndRestore: backup_dir names no folder. Got {backup_dir!r}.")
        self.backup_dir = os.fspath(backup_dir)
        self._latest, self._previous = (os.path.join(backup_dir, n) for n in (LATEST, PREVIOUS))
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self._save_each(save_freq)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._last_batch, self._unsaved = -1, 0
        if os.path.isdir(self.backup_dir):
            for name in os.listdir(self.backup_dir):
                if name.startswith((LATEST, PREVIOUS)) and name.endswith(".tmp"):
                    os.unlink(os.path.join(self.backup_dir, name))  # a kill left it half written
        found = [path for path in (self._latest, self._previous) if os.path.exists(path)]
        if not found:
            return
        try:
            self.model._training.run.restore(found[0])
        except ValueError as error:
            if len(found) == 1:
                raise
            warnings.warn(f"{error}\nThe backup before it is taken.", stacklevel=2)
            self.model._training.run.restore(found[1])

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._is_due(batch):
            self.save()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self.save()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if not self.delete_checkpoint or self.model.history.interrupted:
            return
        for path in (self._latest, self._previous):
            with suppress(FileNotFoundError):
                os.unlink(path)
        with suppress(OSError):  # others have something in it
            os.rmdir(self.backup_dir)

    def save(self) -> None:
        """Write the file."""
        try:
            os.makedirs(self.backup_dir, exist_ok=True)
            if self.double_checkpoint and os.path.exists(self._latest):
                os.replace(self._latest, self._previous)
            self.model._training.run.save(self._latest)
        except OSError as error:
            raise OSError(
                error.errno,
                f"BackupAndRestore: {self._latest} cannot be written: {error.strerror or error}. "
                "The backup before it is unchanged, and so is the model",
            ) from error
