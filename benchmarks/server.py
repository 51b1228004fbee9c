"""One peer in its own interpreter: `python -m benchmarks.server MODULE WAY`.

Reads a command a line from stdin (`{"do": "turn"}`), answers it with a line of JSON on stdout, and
waits for the next in a read, which costs no time of the processor.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.cases import Case, NotMeasured


class Peer(Protocol):
    """What each module in `benchmarks/peers` defines."""

    def __init__(self, case: Case, way: str, x: np.ndarray, y: np.ndarray): ...

    def fit(self, epochs: int) -> tuple[float, float | None]:
        """Train, shuffled; the last epoch's mean loss, and its accuracy if that is computed."""

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> float:
        """The accuracy; for a network that does not sort, the mean squared error."""

    def call(self, row: np.ndarray) -> Any:
        """The network's output for one row."""


class Server:
    """The commands, one method each: keyword arguments from JSON, a dict as the answer."""

    def __init__(self, module: str, way: str):
        self.module = importlib.import_module(f"benchmarks.peers.{module}")
        self.way = way

    def begin(self, case: dict, folder: str) -> dict:
        """Build the network, and load the data to train it with."""
        self.case = Case(**{**case, "widths": tuple(case["widths"])})
        self.folder = Path(folder)
        self.peer: Peer = self.module.Peer(self.case, self.way, *self.load("x", "y"))
        own = {"python": platform.python_version(), "numpy": np.__version__}
        return {"versions": own | self.module.VERSIONS}

    def turn(self) -> dict:
        """Seconds of an epoch."""
        if hasattr(self.peer, "turn"):
            return self.peer.turn()
        begin = time.perf_counter()
        loss, accuracy = self.peer.fit(self.case.epochs)
        seconds = (time.perf_counter() - begin) / self.case.epochs
        return {"seconds": seconds, "loss": loss, "accuracy": accuracy}

    def evaluate(self) -> dict:
        return {"test": self.peer.evaluate(*self.load("x_test", "y_test"))}

    def calls(self, seconds: float) -> dict:
        """Seconds of a prediction of one row, in a loop that takes `seconds`."""
        # Mapped, so that the other rows are not in memory, which is measured.
        row = np.array(np.load(self.folder / "x_test.npy", mmap_mode="r")[:1])
        call, count, begin = self.peer.call, 0, time.perf_counter()
        while (took := time.perf_counter() - begin) < seconds:
            for _ in range(10):
                call(row)
            count += 10
        return {"seconds": took / count, "calls": count, "memory": memory("VmRSS")}

    def peak(self) -> dict:
        """The most memory that this process had at once."""
        return {"peak": memory("VmHWM")}

    def load(self, *names: str) -> list[np.ndarray]:
        return [np.load(self.folder / f"{name}.npy") for name in names]


def memory(field: str) -> int:
    """A figure of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def main() -> None:
    # What libraries print goes to stderr: stdout is for answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    server = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            server = server or Server(*sys.argv[1:])
            answer = getattr(server, command.pop("do"))(**command)
        except (ImportError, NotMeasured) as error:
            answer = {"error": str(error)}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    main()
