"""Budget: how often a training may be looked into."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """Says when to look into a training again, so that looking takes at most a share of its time.

    What a look costs shows in the steps right after it too: NumPy's own threads go on spinning for
    a while after a product, and hold up those of the engine. So the turn of steps after a look is
    timed against the others, and what it lost counts.

    share: of the time, from 0 (never again) to 1.
    """

    def __init__(self, share: float):
        self.share = share
        self._next = 0.0
        self._pace = 0.0  # seconds per step, where nobody looked just before
        self._turn = 0.0
        self._is_after_look = False

    def is_due(self) -> bool:
        """Whether to look now."""
        return time.perf_counter() >= self._next

    def owe(self, seconds: float) -> None:
        """Count this time as looking."""
        wait = seconds * (1 / self.share - 1) if self.share else float("inf")
        self._next = max(self._next, time.perf_counter()) + wait

    @contextmanager
    def looking(self) -> Iterator[None]:
        """What is inside is a look."""
        begun = time.perf_counter()
        yield
        self.owe(time.perf_counter() - begun)
        self._is_after_look = True

    def turn_begins(self) -> None:
        """The engine is about to run some steps."""
        self._turn = time.perf_counter()

    def turn_ends(self, steps: int) -> None:
        """It ran so many."""
        seconds = time.perf_counter() - self._turn
        if not self._is_after_look:
            pace = seconds / max(1, steps)
            self._pace = pace if not self._pace else 0.8 * self._pace + 0.2 * pace
        elif self._pace:
            self.owe(max(0.0, seconds - steps * self._pace))
        self._is_after_look = False
