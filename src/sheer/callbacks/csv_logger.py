"""CSVLogger: the figures of each epoch, as a line of a CSV file."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from sheer.callbacks.base import Callback, Logs


class CSVLogger(Callback):
    """Writes the figures of each epoch to a CSV file, a line for each.

    The first column is `epoch`, counted from 0; the others are the figures by name. One that an
    epoch does not have is NA.

    Args:
        filename: the file.
        separator: what stands between two values.
        append: go on behind what the file holds; by default it begins anew.
    """

    kept = ("_end", "keys")

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ):
        super().__init__()
        self.filename, self.sep, self.append = os.fspath(filename), separator, append
        self.keys: list[str] | None = None
        # Where the next line begins. What stands behind it, of a run that was killed after its last
        # backup, goes away with that line.
        self._end = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        with open(self.filename, "ab") as file:  # an error now, and not after an epoch
            self._end = file.tell() if self.append else 0
        self.keys = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
        lines: list[list[Any]] = [] if self._end else [["epoch", *self.keys]]
        lines.append([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        with open(self.filename, "r+b") as file:
            file.truncate(self._end)
            file.seek(self._end)
            file.write(self._text(lines).encode())
            self._end = file.tell()

    def on_train_end(self, logs: Logs | None = None) -> None:
        os.truncate(self.filename, self._end)

    def _text(self, lines: list[list[Any]]) -> str:
        import csv  # for these lines only

        text = io.StringIO()
        csv.writer(text, delimiter=self.sep).writerows(lines)
        return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) or np.ndim(value) == 0 or not isinstance(value, Iterable):
        return value
    return f'"[{", ".join(map(str, value))}]"'
