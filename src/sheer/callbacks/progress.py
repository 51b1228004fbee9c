"""ProgbarLogger: what `fit` and `evaluate` print."""

from __future__ import annotations

import sys
import time
from typing import Any

from sheer.callbacks.base import Callback, Logs

WIDTH = 20
INTERVAL = 0.1  # seconds between two drawings


class ProgbarLogger(Callback):
    """Prints the progress: a bar in a terminal, one line an epoch elsewhere.

    verbose: 1 for the bar, 2 for the lines, `"auto"` for what suits the output.
    """

    def __init__(self, verbose: int | str = "auto", label: str = "Epoch"):
        super().__init__()
        self.bar = sys.stdout.isatty() if verbose == "auto" else verbose == 1
        self.label = label
        self._testing = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._testing = True  # evaluations inside of fit say nothing

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        heading = f"Epoch {epoch + 1}/{self.params['epochs']}"
        self._begin(heading)
        if self.bar:
            print(heading)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._draw(batch + 1, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._finish(logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._testing:
            self._begin("")

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if not self._testing:
            self._draw(batch + 1, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._testing:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._begin("")

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._draw(batch + 1, None)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._finish(None)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._testing = False

    def _begin(self, heading: str) -> None:
        self._heading = heading
        self._start = time.perf_counter()
        self._drawn = self._start
        self._steps = 0

    def _draw(self, step: int, logs: Logs | None) -> None:
        self._steps = step
        now = time.perf_counter()
        if not self.bar or now - self._drawn < INTERVAL:
            return
        self._drawn = now
        total = self.params["steps"]
        done = min(WIDTH, step * WIDTH // total)
        left = (now - self._start) / step * (total - step)
        line = f"{_count(step, total)} {'━' * done}{'─' * (WIDTH - done)} {_seconds(left)} left"
        print(f"\r{line}{_figures(logs)}\033[K", end="", flush=True)

    def _finish(self, logs: Logs | None) -> None:
        spent = time.perf_counter() - self._start
        total = self.params["steps"]
        speed = f"{_seconds(spent)} {_seconds(spent / max(1, self._steps))}/step"
        if self.bar:
            print(f"\r{_count(total, total)} {'━' * WIDTH} {speed}{_figures(logs)}\033[K")
        else:
            heading = f"{self._heading} - " if self._heading else ""
            print(f"{heading}{total}/{total} - {speed.replace(' ', ' - ')}{_figures(logs)}")
        sys.stdout.flush()


def _count(step: int, total: int) -> str:
    return f"{step:>{len(str(total))}}/{total}"


def _seconds(value: float) -> str:
    if value >= 60:
        return f"{int(value) // 60}m{int(value) % 60:02}s"
    if value >= 1:
        return f"{value:.0f}s"
    return f"{value * 1e3:.0f}ms" if value >= 1e-3 else f"{value * 1e6:.0f}us"


def _figures(logs: Logs | None) -> str:
    return "".join(f" - {name}: {_number(value)}" for name, value in (logs or {}).items())


def _number(value: Any) -> str:
    value = float(value)
    return f"{value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{value:.4e}"
