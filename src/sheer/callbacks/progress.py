"""What `fit`, `evaluate` and `predict` print: a bar in a terminal, lines elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import Any

from sheer.callbacks.base import Callback, Logs
from sheer.core.text import printable

WIDTH = 20
INTERVAL = 0.1  # seconds between two drawings


class ProgressLogger(Callback):
    """Prints a line when an epoch, an evaluation or a prediction ends."""

    every_batch = False

    def __init__(self) -> None:
        super().__init__()
        self._fitting = False
        # How many steps there are to come; None while nobody knows: the first epoch tells.
        self._total: int | None = None
        self._length = 0  # of what stands in an unfinished line
        self._start_count("")

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        self._total = params.get("steps")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._fitting = True  # evaluations inside of fit say nothing

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._fitting = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._start_count(f"Epoch {epoch + 1}/{self.params['epochs']}")

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._steps = batch + 1

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._finish(logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._fitting:
            self._start_count("")

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if not self._fitting:
            self._steps = batch + 1

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._fitting:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._start_count("")

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._steps = batch + 1

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._finish(None)

    def make_room(self) -> None:
        """Leave an unfinished line as it is: something else is about to be printed."""

    def _start_count(self, heading: str) -> None:
        self._heading = heading
        self._steps = 0
        self._begun = time.perf_counter()

    def _finish(self, logs: Logs | None) -> None:
        self._learn()
        parts = [self._heading] if self._heading else []
        parts += [f"{self._steps}/{self._total}", *self._times(), *_figures(logs)]
        print(" - ".join(parts), flush=True)

    def _learn(self) -> None:
        """Of data of unknown length, take this epoch's for that of the next ones."""
        self._total = self._total or self._steps

    def _times(self) -> list[str]:
        """The time since the beginning, and that of a step."""
        spent = time.perf_counter() - self._begun
        return [_seconds(spent), f"{_seconds(spent / max(1, self._steps))}/step"]


class ProgbarLogger(ProgressLogger):
    """Draws a bar that grows in its line, with the time left and the figures so far.

    A line never grows over the terminal's edge: figures that find no place there wait for the end.
    """

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        print(self._heading, flush=True)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        self._draw(logs)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        super().on_test_batch_end(batch, logs)
        if not self._fitting:
            self._draw(logs)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        super().on_predict_batch_end(batch, logs)
        self._draw(None)

    def on_train_end(self, logs: Logs | None = None) -> None:
        super().on_train_end(logs)
        self.make_room()  # after an epoch that was interrupted

    def make_room(self) -> None:
        if self._length:
            print(flush=True)
            self._length = 0

    def _start_count(self, heading: str) -> None:
        super()._start_count(heading)
        self._drawn = self._begun
        self._length = 0

    def _draw(self, logs: Logs | None) -> None:
        now = time.perf_counter()
        # The last drawing stays while an evaluation follows.
        if now - self._drawn < INTERVAL and not (self._steps == self._total and self._length):
            return
        self._drawn = now
        columns = shutil.get_terminal_size().columns
        self._show(_filled([self._head(self._rest(now), columns), *_figures(logs)], columns)[0])

    def _rest(self, now: float) -> list[str]:
        """The time left; where nobody knows it, the time since the beginning."""
        spent = now - self._begun
        if self._total is None:
            return [_seconds(spent)]
        left = spent / self._steps * max(0, self._total - self._steps)
        return [f"{_seconds(left) if left >= 1 else '<1s'} left"]

    def _finish(self, logs: Logs | None) -> None:
        self._learn()
        columns = shutil.get_terminal_size().columns
        lines = _filled([self._head(self._times(), columns), *_figures(logs)], columns)
        self._show(lines[0])
        print("".join(f"\n{line}" for line in lines[1:]), flush=True)
        self._length = 0

    def _head(self, times: list[str], columns: int) -> str:
        """How many steps, the bar, the time."""
        steps, total = self._steps, self._total
        if total is None:
            return " ".join([f"{steps}/Unknown", *times])
        width = WIDTH if columns >= 3 * WIDTH else WIDTH // 2
        done = min(width, steps * width // max(1, total))
        bar = printable(FULL * done + EMPTY * (width - done))
        return " ".join([f"{steps:>{len(str(total))}}/{total}", bar, *times])

    def _show(self, line: str) -> None:
        """Write over what stands in the line."""
        rest = " " * (self._length - len(line))
        self._length = len(line)
        print(f"\r{_coloured(line)}{rest}", end="", flush=True)


def progress(verbose: int | str) -> ProgressLogger:
    """The display for a `verbose` of 1 (bar), 2 (lines) or `"auto"` (a bar in a terminal and in a
    notebook)."""
    wants_bar = sys.stdout.isatty() or in_notebook() if verbose == "auto" else verbose == 1
    return ProgbarLogger() if wants_bar else ProgressLogger()


def in_notebook() -> bool:
    """Whether what is printed goes to a notebook: IPython is there, and a kernel runs in it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config


FULL, EMPTY = "━", "─"


def _coloured(line: str) -> str:
    """The bar in green and grey, in terminals that have colours."""
    is_plain = not sys.stdout.isatty() and not in_notebook()
    if is_plain or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        return line
    full, empty = line.count(FULL), line.count(EMPTY)
    green, grey = f"\033[32m{FULL * full}\033[0m", f"\033[90m{EMPTY * empty}\033[0m"
    return line.replace(
        FULL * full + EMPTY * empty, (green if full else "") + (grey if empty else "")
    )


def _filled(parts: list[str], width: int) -> list[str]:
    """The parts in one line, or in several where they do not fit."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + 3 < width:
            lines[-1] += f" - {part}"
        else:
            lines.append(" " * (parts[0].index(" ") + 1) + part)
    return lines


def _seconds(value: float) -> str:
    if value >= 3600:
        return f"{int(value) // 3600}h{int(value) % 3600 // 60:02}m"
    if value >= 60:
        return f"{int(value) // 60}m{int(value) % 60:02}s"
    if value >= 1:
        return f"{value:.0f}s"
    return f"{value * 1e3:.0f}ms" if value >= 1e-3 else f"{value * 1e6:.0f}us"


def _figures(logs: Logs | None) -> list[str]:
    return [f"{name}: {_number(value)}" for name, value in (logs or {}).items()]


# An array of more numbers than these is shown by its shape.
MOST = 9


def _number(value: Any) -> str:
    if getattr(value, "ndim", 0):
        if value.size > MOST:
            return f"array of shape {value.shape}"
        return f"[{' '.join(map(_number, value))}]"
    try:
        value = float(value)
    except (TypeError, ValueError):
        return str(value)
    return f"{value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{value:.4e}"
