"""History: the figures of each epoch; `fit` returns one."""

from __future__ import annotations

from typing import Any

from sheer.callbacks.base import Callback, Logs


class History(Callback):
    """Keeps the figures of each epoch: `history["loss"]` is a list, `epoch` the epochs' numbers.

    A figure is a float; that of a metric with several numbers, an array. `interrupted` says whether
    Ctrl-C ended the `fit`.
    """

    kept = ("history", "epoch")

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []
        self.interrupted = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []
        self.interrupted = False

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        ended = ", interrupted" if self.interrupted else ""
        return f"<History of {len(self.epoch)} epochs{ended}: {', '.join(self.history)}>"
