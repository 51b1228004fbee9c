"""CallbackList: several callbacks as one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sheer.callbacks.base import HOOKS, Callback, Logs
from sheer.callbacks.history import History
from sheer.callbacks.progress import ProgbarLogger, ProgressLogger
from sheer.core import tree


class CallbackList(Callback):
    """Several callbacks, called in turn: for training loops of one's own.

    Args:
        callbacks: a list of Callbacks.
        add_history: whether a History is added where there is none.
        add_progbar: whether a ProgbarLogger is added where there is no display of progress.
        model: what the callbacks get as their `model`.
        params: what they get as `params`, such as `epochs`, `steps` and `verbose`.

    Example:

    >>> from sheer.callbacks import LambdaCallback
    >>> say = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))
    >>> callbacks = CallbackList([say], add_history=True, epochs=2)
    >>> for epoch in range(2):
    ...     callbacks.on_epoch_end(epoch, {"loss": 0.5})
    0 {'loss': 0.5}
    1 {'loss': 0.5}
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ):
        super().__init__()
        given = [] if callbacks is None else tree.leaves(callbacks)
        for callback in given:
            if isinstance(callback, type) or not hasattr(callback, "on_epoch_end"):
                raise TypeError(
                    f"callbacks must be instances of sheer.callbacks.Callback. Got {callback!r}"
                    + (": write () behind the class." if isinstance(callback, type) else ".")
                )
        if add_history and not any(isinstance(c, History) for c in given):
            # Last, so that it sees what the user's callbacks put into the logs.
            given.append(History())
        if add_progbar and not any(isinstance(c, ProgressLogger) for c in given):
            given.append(ProgbarLogger())
        self.callbacks: list[Any] = sorted(given, key=lambda c: getattr(c, "is_last", False))
        self._wanting = {hook: [c for c in self.callbacks if _has(c, hook)] for hook in HOOKS}
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def set_model(self, model: Any) -> None:
        self.model = model
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def wants(self, hook: str) -> bool:
        """Whether any callback does something there."""
        return bool(self._wanting[hook])

    def wants_each(self, hook: str) -> bool:
        """Whether any callback does something there at each batch."""
        return any(getattr(c, "every_batch", True) for c in self._wanting[hook])

    def call(self, hook: str, *args: Any) -> None:
        """Call a hook of each callback that has it."""
        for callback in self._wanting[hook]:
            try:
                getattr(callback, hook)(*args)
            except Exception as error:
                place = "".join(f" {a}" for a in args if isinstance(a, int))
                error.add_note(f"In {hook}{place} of the callback {type(callback).__name__}.")
                raise


def _calling(hook: str) -> Callable[..., None]:
    """The method that calls this hook of the callbacks; figures reach them as Python's floats."""

    def one(self: CallbackList, logs: Logs | None = None) -> None:
        self.call(hook, _plain(logs))

    def numbered(self: CallbackList, number: int, logs: Logs | None = None) -> None:
        self.call(hook, number, _plain(logs))

    is_numbered = "epoch" in hook or "batch" in hook
    method: Callable[..., None] = numbered if is_numbered else one
    method.__name__ = hook
    return method


for _hook in HOOKS:
    setattr(CallbackList, _hook, _calling(_hook))


def _plain(logs: Logs | None) -> Logs:
    return {
        name: np.asarray(value).item() if getattr(value, "ndim", None) == 0 else value
        for name, value in (logs or {}).items()
    }


OLDER = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


def _has(callback: Any, hook: str) -> bool:
    """Whether a callback does something there."""
    names = [hook, *([OLDER[hook]] if hook in OLDER else [])]
    return any(_overrides(callback, name) for name in names)


def _overrides(callback: Any, hook: str) -> bool:
    method = getattr(callback, hook, None)
    return method is not None and getattr(method, "__func__", None) is not getattr(Callback, hook)
