"""Turns: what other threads ask of the thread that trains."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

Job = Callable[[], Any]

# Seconds that a command waits for the training's next turn: an evaluation may run meanwhile.
PATIENCE = 60.0


class Turns:
    """Runs functions of other threads in the thread of a `fit`, between its batches.

    A model belongs to one thread at a time. While a training runs, that is its thread, which calls
    `take` between batches; before and after, whoever asks runs the function by itself.

    >>> turns = Turns()
    >>> turns.ask(lambda: 1 + 1)
    2
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._jobs: deque[tuple[Job, Future[Any]]] = deque()
        self._changed = threading.Condition()
        self._thread: int | None = None
        self._alone = threading.RLock()

    @property
    def is_running(self) -> bool:
        """Whether a training takes turns."""
        return self._thread is not None

    def begin(self) -> None:
        """This thread trains now."""
        with self._changed:
            self._thread = threading.get_ident()

    def end(self) -> None:
        """It trains no more. What is still asked is done first."""
        self.take()
        with self._changed:
            self._thread = None
        self.take()

    def ask(self, job: Job) -> Any:
        """The answer of a function, run when it is its turn."""
        with self._changed:
            waits = self._thread is not None and self._thread != threading.get_ident()
            if waits:
                future: Future[Any] = Future()
                self._jobs.append((job, future))
                self._changed.notify_all()
        if not waits:
            with self._alone:
                return job()
        try:
            return future.result(self.patience)
        except TimeoutError:
            future.cancel()
            raise TimeoutError(
                f"The training had no turn for {self.patience:g} seconds: it evaluates, or its "
                "steps are long. Try again."
            ) from None

    def take(self) -> None:
        """Do what was asked: for the thread that trains."""
        while True:
            with self._changed:
                if not self._jobs:
                    return
                job, future = self._jobs.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                with self._alone:
                    future.set_result(job())
            except BaseException as error:
                future.set_exception(error)
                if not isinstance(error, Exception):
                    raise

    def wait(self, seconds: float) -> None:
        """Sleep until something is asked, or so long."""
        with self._changed:
            if not self._jobs:
                self._changed.wait(seconds)
