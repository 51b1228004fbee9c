"""Callback: every hook, doing nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

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


class CallbackList:
    """Several callbacks, called in turn."""

    def __init__(self, callbacks: Iterable[Callback], model: Any, params: dict[str, Any]):
        self.callbacks = list(callbacks)
        for callback in self.callbacks:
            if isinstance(callback, type) or not hasattr(callback, "on_epoch_end"):
                raise TypeError(
                    f"callbacks must be instances of sheer.callbacks.Callback. Got {callback!r}"
                    + (": write () behind the class." if isinstance(callback, type) else ".")
                )
            callback.set_model(model)
            callback.set_params(params)
        self._wanting = {hook: [c for c in self.callbacks if _has(c, hook)] for hook in HOOKS}

    def wants(self, hook: str) -> bool:
        """Whether any callback does something there."""
        return bool(self._wanting[hook])

    def wants_each(self, hook: str) -> bool:
        """Whether any callback does something there at each batch."""
        return any(getattr(c, "every_batch", True) for c in self._wanting[hook])

    def call(self, hook: str, *args: Any) -> None:
        """Call a hook of each callback that has it."""
        for callback in self._wanting[hook]:
            getattr(callback, hook)(*args)


OLDER = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


def _has(callback: Any, hook: str) -> bool:
    """Whether a callback does something there."""
    names = [hook, *([OLDER[hook]] if hook in OLDER else [])]
    return any(_overrides(callback, name) for name in names)


def _overrides(callback: Any, hook: str) -> bool:
    method = getattr(callback, hook, None)
    return method is not None and getattr(method, "__func__", None) is not getattr(Callback, hook)
