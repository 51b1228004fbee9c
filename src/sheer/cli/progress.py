"""What watches a training: a table of its progress, and an end when it has diverged."""

import math
import sys
import time

from sheer.callbacks.base import Callback, Logs

MOST_LINES = 20
INTERVAL = 0.1  # seconds between two drawings of an unfinished line


class StopAtNaN(Callback):
    """Ends a training whose loss is no longer a number, for it will not become one again."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if not all(map(math.isfinite, (logs or {}).values())):
            self.model.stop_training = True


class Progress(Callback):
    """Prints the loss, and the accuracy if there is one, of each epoch: in training and held out.

    Of many epochs about 20 are printed: the first, the last, and some evenly spaced.
    """

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epochs = self.params["epochs"]
        self.every = -(-self.epochs // MOST_LINES)
        self.start = self.drawn = time.perf_counter()
        self.in_terminal = sys.stdout.isatty()
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        now = time.perf_counter()
        if self.in_terminal and now - self.drawn >= INTERVAL:
            self.drawn = now
            done = f"{self._number()}  batch {batch + 1:,} of {self.params['steps']:,}"
            print(f"\r{done}  loss {(logs or {})['loss']:.4f}\033[K", end="", flush=True)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        names: list[str] = [name for name in ("loss", "accuracy") if name in logs]
        if epoch == 0:
            self._print_heading(names)
        if (epoch + 1) % self.every and epoch + 1 not in (1, self.epochs):
            return
        figures = "".join(f"{_figure(logs[name]):>10}" for name in names)
        held_out = "".join(f"{_figure(logs[f'val_{name}']):>10}" for name in names)
        spent = time.perf_counter() - self.start
        clear = "\r\033[K" if self.in_terminal else ""
        print(f"{clear}{self._number()}{figures}    {held_out}{spent:>8.1f} s", flush=True)

    def _number(self) -> str:
        return f"{f'{self.epoch + 1}/{self.epochs}':>9}"

    def _print_heading(self, names: list[str]) -> None:
        clear = "\r\033[K" if self.in_terminal else ""
        columns = "".join(f"{name:>10}" for name in names)
        over = "trained on".rjust(len(columns))
        print(f"{clear}{'':9}{over}    {'held out'.rjust(len(columns))}")
        print(f"{'epoch':>9}{columns}    {columns}{'time':>10}")


def _figure(value: float) -> str:
    """Four places behind the point; very large and very small ones with an exponent."""
    return f"{value:.4f}" if value == 0 or 1e-3 < abs(value) < 1e4 else f"{value:.2e}"
