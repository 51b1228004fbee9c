"""Ctrl-C and SIGTERM while a `fit` runs."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self


class Interruption:
    """Lets a signal ask for the end of a `fit` that then ends by itself, after the batch in hand.

    The first Ctrl-C sets `by_user`, the second raises KeyboardInterrupt. SIGTERM sets
    `by_system`, where there is something to be saved. Signals reach the main thread alone; in any
    other, and where a user has handlers of their own, all stays as it is.

    saves: whether SIGTERM is waited for.
    """

    def __init__(self, saves: bool):
        self.by_user = self.by_system = False
        self._saves = saves
        self._before: dict[int, Any] = {}

    @property
    def asked(self) -> bool:
        """Whether the training is to end."""
        return self.by_user or self.by_system

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self)
        before = signal.getsignal(signal.SIGTERM)
        if self._saves and (before is signal.SIG_DFL or callable(before)):
            self._before[signal.SIGTERM] = signal.signal(signal.SIGTERM, self)
        return self

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            self.by_system = True
        elif self.by_user:
            raise KeyboardInterrupt
        else:
            self.by_user = True

    def pass_on(self) -> None:
        """Let SIGTERM, where it came, do what it does without us. Where that is not the end of the
        process, the training goes on, and the next SIGTERM is none of ours."""
        if self.by_system:
            self.by_system = False
            signal.signal(signal.SIGTERM, self._before.pop(signal.SIGTERM))
            signal.raise_signal(signal.SIGTERM)

    def __exit__(self, *_: object) -> None:
        self.pass_on()
        for number, handler in self._before.items():
            signal.signal(number, handler)
