"""Session: what a page shows of a training, and how its commands reach it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

from sheer.inspect.recorded import RecordedStep
from sheer.inspect.view.commands import checked
from sheer.inspect.view.curves import Curves
from sheer.inspect.view.description import Watch
from sheer.inspect.view.kept import Kept
from sheer.inspect.view.plain import Array
from sheer.inspect.view.summary import summarized
from sheer.inspect.view.turns import Turns

Patch = dict[str, Any]
# Seconds between two messages to the pages, where nothing urgent happens.
INTERVAL = 0.2
# So many of the latest steps are sent to a page that comes (again); it knows which are new.
CATCH_UP = 16

NOTHING = {"name": "", "text": "", "rows": []}


class Session:
    """The state of a page, kept while a model trains; any thread may read it.

    The thread that trains calls `begin`, `add`, `point`, `end_epoch` and `tell`. Pages call
    `state`, `tensor`, `subscribe` and `command`; a Patch that subscribers get holds the parts of
    the state that changed: `status`, `curves`, `epochs`, `findings`, `whatif` whole, `steps` those
    that came; `forgotten` are the ids of steps whose arrays went; and `restart` says that all is
    new.

    Args:
        keep: of how many recorded steps the arrays are kept.
        obey: what does a command, called as `obey(name, **arguments)` in the thread that trains.
    """

    def __init__(self, keep: int = 16, obey: Callable[..., Any] | None = None):
        self.keep, self.obey = keep, obey
        self.turns = Turns()
        self._lock = threading.RLock()
        self._subscribers: list[Callable[[Patch], None]] = []
        self._numbers = itertools.count(1)
        self._description: dict[str, Any] = {}
        self._restart({})

    def _restart(self, description: dict[str, Any]) -> None:
        self._description = description
        self.kept = Kept(self.keep)
        self.curves, self.epochs = Curves(), Curves("epoch")
        self.findings: list[dict[str, Any]] = []
        self.whatif: dict[str, Any] | None = None
        self.status: dict[str, Any] = {
            "state": "done", "epoch": 0, "epochs": 0, "batch": 0, "batches": None, "message": "",
        }  # fmt: skip
        self._changes: Patch = {}
        self._told = 0.0

    # --- what the training says -----------------------------------------------------------

    def begin(self, watch: Watch, **status: Any) -> None:
        """A training begins: all is new."""
        description = watch.describe()
        with self._lock:
            self._restart(description)
            self.status |= {"state": "running", "message": "", **status}
            self._changes["restart"] = True
        self.tell(now=True)

    def add(
        self, step: RecordedStep, count: int, data_rows: list[int] | None = None
    ) -> dict[str, Any]:
        """A step was recorded, before which `count` others ran, on these rows of the data; its
        summary."""
        summary = summarized(step, self._description, next(self._numbers), count)
        summary["data_rows"] = data_rows
        with self._lock:
            forgotten = self.kept.add(summary, step)
            self._changes.setdefault("steps", []).append(summary)
            if forgotten:
                self._changes.setdefault("forgotten", []).extend(forgotten)
        return summary

    def point(self, step: int, epoch: float, figures: dict[str, Any]) -> None:
        """Figures after so many steps and epochs."""
        with self._lock:
            self.curves.add(step, epoch, figures)
            self._changes["curves"] = None

    def end_epoch(self, epoch: int, figures: dict[str, Any]) -> None:
        """The figures of an epoch; they count from 1 here."""
        with self._lock:
            self.epochs.add(epoch, epoch, figures)
            self._changes["epochs"] = None

    def compared(self, answer: dict[str, Any]) -> None:
        """The last answer of `what_if`."""
        with self._lock:
            self.whatif = self._changes["whatif"] = answer

    def find(self, findings: list[dict[str, Any]]) -> None:
        """What is wrong with the training, as far as can be told."""
        with self._lock:
            if findings != self.findings:
                self.findings = self._changes["findings"] = findings

    def tell(self, now: bool = False, **status: Any) -> None:
        """Change the status, and tell the pages what changed: now, or when it is time again."""
        with self._lock:
            self.status = {**self.status, **status}
            if not self._subscribers:
                self._changes = {}
                return
            if not now and time.perf_counter() - self._told < INTERVAL:
                return
            self._told = time.perf_counter()
            patch = {"status": self.status, **self._changes}
            patch |= {k: getattr(self, k).state() for k in ("curves", "epochs") if k in patch}
            self._changes = {}
            # Inside of the lock: pages get all changes in one order.
            for subscriber in self._subscribers:
                subscriber(patch)

    # --- what pages ask -------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that a page shows but the arrays: see the State."""
        with self._lock:
            return {
                "title": "",
                "program": NOTHING,
                "predict_program": NOTHING,
                "layers": [],
                "outputs": [],
                **self._description,
                "status": self.status,
                "curves": self.curves.state(),
                "epochs": self.epochs.state(),
                "steps": [entry.summary for entry in self.kept.entries],
                "findings": self.findings,
                "whatif": self.whatif,
            }

    def catch_up(self, callback: Callable[[Patch], None]) -> None:
        """Call back with what changed of late, for a page that comes, or was away: all but the
        steps from longer ago. Meanwhile nobody is told anything."""
        with self._lock:
            callback(
                {
                    "status": self.status,
                    "curves": self.curves.state(),
                    "epochs": self.epochs.state(),
                    "findings": self.findings,
                    "whatif": self.whatif,
                    "steps": [entry.summary for entry in self.kept.entries[-CATCH_UP:]],
                }
            )

    def tensor(self, number: int, name: str) -> Array:
        """A value of a recorded step; LookupError where it is not there, or no longer."""
        with self._lock:
            entry = self.kept.find(number)
            step = entry.step if entry is not None else None  # later it may be let go
        if entry is None:
            raise LookupError(f"There is no recorded step {number} (any more).")
        if step is None:
            raise LookupError(
                f"The arrays of step {entry.count} were let go: those of {self.keep} steps are "
                "kept. View(keep=...) keeps more."
            )
        if name not in step:
            raise LookupError(f"There is no value {name!r} in step {entry.count}.")
        return step[name]

    def subscribe(self, callback: Callable[[Patch], None]) -> Callable[[], None]:
        """Be told what changes, from the thread that trains; the answer ends that."""
        with self._lock:
            self._subscribers.append(callback)

        def leave() -> None:
            with self._lock:
                if callback in self._subscribers:
                    self._subscribers.remove(callback)

        return leave

    def command(self, name: Any, arguments: Any) -> Any:
        """Obey a page: check the command, and do it when the training has a turn.

        ValueError for what cannot be done, with the reason.
        """
        given = checked(name, arguments)
        obey = self.obey
        if obey is None or not self._description:
            raise ValueError(f"{name}: there is no training here yet.")
        return self.turns.ask(lambda: obey(name, **given))
