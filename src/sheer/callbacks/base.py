"""Callback: every hook, doing nothing."""

from __future__ import annotations

from typing import Any, ClassVar

Logs = dict[str, Any]

HOOKS = (
    "on_train_begin",
    "on_train_end",
    "on_epoch_begin",
    "on_epoch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_begin",
    "on_test_end",
    "on_test_batch_begin",
    "on_test_batch_end",
    "on_predict_begin",
    "on_predict_end",
    "on_predict_batch_begin",
    "on_predict_batch_end",
)


class Callback:
    """The base of callbacks: override the hooks that you need.

    `self.model` is the model, `self.params` a dictionary with `epochs`, `steps` and `verbose`.
    `logs` holds the figures so far: loss and metrics as floats. Setting
    `self.model.stop_training = True` ends `fit` after the batch.

    An engine runs many steps without coming back to Python, unless a callback has a hook for
    batches. Where `every_batch` is False, such hooks are called only now and then (about ten times
    a second), with the number of the last step and the figures so far.

    Example:

    >>> class Announce(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(epoch, logs["loss"])
    >>> Announce().on_epoch_end(0, {"loss": 1.5})
    0 1.5
    """

    every_batch = True
    # The attributes without which it could not go on after a fault: numbers, text, arrays, and
    # lists and dictionaries of these. BackupAndRestore keeps them, and puts them back after
    # `on_train_begin`.
    kept: ClassVar[tuple[str, ...]] = ()
    # Whether its hooks come after those of the others.
    is_last: ClassVar[bool] = False

    def __init__(self) -> None:
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_model(self, model: Any) -> None:
        """Called before the first hook."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before the first hook."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch of `fit`."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch of `fit`."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch; they count from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch, validation included: `logs` has `val_loss` too."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a step; they count from 0 in each epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a step."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before an evaluation, also that of `fit`."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After an evaluation."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of an evaluation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of a prediction; `logs["outputs"]` are its outputs."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """The older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """The older name of `on_train_batch_end`."""
