"""View: a training on screen, in a page that can stop it and step through it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sheer.callbacks.base import Callback, Logs
from sheer.callbacks.budget import Budget
from sheer.core.checks import integer, number
from sheer.core.files import check_folder

if TYPE_CHECKING:
    from sheer.inspect.view.description import Watch
    from sheer.inspect.view.server import Server
    from sheer.inspect.view.until import Until

MOST_KEPT = 200
# Of larger batches the page is not told which rows they are.
MOST_ROWS = 1024
# Seconds without any page after which a training that waits for one goes on.
GRACE = 10.0


class View(Callback):
    """Shows a training in a page: its program line by line with real values, layers, curves; stops
    it, runs it batch by batch, and asks what another learning rate would do.

    The page is at `url`, on this machine alone, for who has the token in it. It stays after the
    training, until `close` or the end of the process. It needs the packages of
    `pip install "sheer[view]"`; with `port=None` there is no page, and none is needed.

    The weights are those of a training without it, bit for bit. What a Doctor among the callbacks
    finds is shown too.

    Args:
        paused: whether the training waits before its first batch until the page lets it go.
        port: where the page is; 0 for any that is free, None for no page.
        open_browser: whether a browser opens it; None: where there is a screen and a terminal.
        export: a file to write at the end, in which the page is whole, for later; see `export`.
        share: of the time, how much may go into recording steps while the training runs. NumPy
            computes a recorded step, so it costs as much as many that the native engine runs; the
            steps come as often as this share allows.
        every: record every so many batches, and the last, whatever that costs, in place of `share`.
        keep: of how many recorded steps all arrays are kept, at most 512 MB of them; of more, those
            that are the nearest to others go. Of the others a summary stays.
        classes: the names of the classes, in the order of their labels.
        image: (height, width) of the images in the rows of x, None for none; by default that is
            seen from the data.

    Attributes:
        session: what the page shows, `inspect.view.session.Session`.
        url: of the page, with its token; None before the training.

    Example, without a page:

    >>> import numpy as np, sheer
    >>> model = sheer.Sequential([sheer.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> view = View(port=None)
    >>> history = model.fit(np.ones((64, 2)), np.ones(64), epochs=3, verbose=0, callbacks=[view])
    >>> state = view.session.state()
    >>> state["status"]["state"], len(state["epochs"]["series"]["loss"])
    ('done', 3)
    """

    every_batch = False

    def __init__(
        self,
        paused: bool = False,
        port: int | None = 0,
        open_browser: bool | None = None,
        export: str | os.PathLike[str] | None = None,
        share: float = 0.1,
        every: int | None = None,
        keep: int = 16,
        classes: Sequence[str] | None = None,
        image: Any = "auto",
    ):
        from sheer.inspect.view.session import Session

        super().__init__()
        if not number(0, 1).accepts(share):
            raise ValueError(f"View: share must be {number(0, 1).words}. Got {share!r}.")
        if every is not None and not integer(1).accepts(every):
            raise ValueError(f"View: every must be {integer(1).words}, or None. Got {every!r}.")
        if not integer(1).accepts(keep) or keep > MOST_KEPT:
            raise ValueError(
                f"View: keep must be a whole number from 1 to {MOST_KEPT}. Got {keep!r}."
            )
        if port is not None and not (integer(0).accepts(port) and port < 1 << 16):
            raise ValueError(f"View: port must be a whole number from 0 to 65535. Got {port!r}.")
        if export is not None and not os.fspath(export).endswith((".html", ".htm")):
            raise ValueError(f"View: export must end in .html. Got {os.fspath(export)!r}.")
        self.paused, self.port, self.open_browser = paused, port, open_browser
        self.share, self.every = share, every
        self.classes, self.image = classes, image
        self._export = None if export is None else os.fspath(export)
        self.session = Session(keep, self._obey)
        self._server: Server | None = None
        self._watch: Watch | None = None
        self._goal = "run"
        self._until: Until | None = None
        self._forget()

    def _forget(self) -> None:
        """What is counted anew in each training."""
        self._base = self._done = 0  # steps before this epoch, and in all
        self._batches: int | None = None
        self._budget = Budget(self.share)
        self._recorded: tuple[int, int] | None = None  # the place recorded last
        self._before: Any = None  # the state before a batch that may be recorded again
        self._said_at_pause = ""

    @property
    def url(self) -> str | None:
        """Where the page is."""
        return self._server.url if self._server is not None else None

    @property
    def _run(self) -> Any:
        return self.model._training.run

    # --- around the training --------------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        from sheer.inspect.view.description import Watch

        if self.model.run_eagerly:
            raise ValueError(
                "View: with run_eagerly=True there is no program to show. Compile the model "
                "without it."
            )
        if self._export is not None:
            check_folder(self._export)  # now, not after hours
        begun, run = time.perf_counter(), self._run
        self._forget()
        self._goal, self._until = "pause" if self.paused else "run", None
        self._batches = self.params.get("steps")
        first = run.passes.first
        size = getattr(run.passes, "n", None)  # of arrays
        self._watch = Watch(
            self.model,
            run.steps[0](first),
            self.model._steps.step("predict_step") if self.model.has_call() else None,
            first,
            first.rows if size else None,
            size,
            self.classes,
            self.image,
        )
        run.ending.push(self._left)
        self.session.begin(self._watch, **self._where(0))
        self.session.turns.begin()
        self._budget.owe(time.perf_counter() - begun)
        if self.port is not None:
            self._open()

    def _open(self) -> None:
        """Start the server, once, and say where the page is."""
        from sheer.inspect.view.server import Server

        if self._server is not None:
            return
        self._server = Server(self.session, self.port or 0)
        print(f"This training on screen: {self.url}", flush=True)
        if self.paused:
            print("It waits there for you to let it go; Ctrl-C ends it.", flush=True)
        if _has_screen() if self.open_browser is None else self.open_browser:
            import webbrowser

            webbrowser.open(self._server.url)

    def _left(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        """The training is over, however it ended."""
        message, state = self._until.unmet() if self._until is not None else "", "done"
        if isinstance(error, KeyboardInterrupt) or getattr(
            self.model.history, "interrupted", False
        ):
            message = "Interrupted by Ctrl-C."
        elif error is not None:
            message, state = f"{type(error).__name__}: {error}", "failed"
        self.session.turns.end()
        self.session.find(self._findings())
        self.session.tell(now=True, state=state, message=message)
        if self._export is not None:
            self.export(self._export)

    def export(self, path: str | os.PathLike[str], megabytes: float = 12) -> None:
        """Write the page as one file, whole or not at all, which needs no server and no network: a
        browser opens it. Arrays that do not fit into so many megabytes are left out, the largest
        first, and the page says which."""
        from sheer.inspect.view.export import write_page

        write_page(self.session, path, megabytes)

    def close(self) -> None:
        """End the page's server; the session stays."""
        if self._server is not None:
            self._server.close()
            self._server = None

    # --- between batches ------------------------------------------------------------------

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._base = self._done

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        run = self._run
        self.session.turns.take()
        if self._goal == "pause":
            self._wait(batch)
        if self._goal == "batch" or self._leaves():
            run.upcoming.limit(1)
        if self._until is not None:
            run.upcoming.limit(1)
            self._until.begins()
            self._before = run.snapshot()
        if self._goal == "batch" or self._is_due(batch):
            self._record(batch)
        self._budget.turn_begins()

    def _is_due(self, batch: int) -> bool:
        """Whether this batch is to be recorded while the training runs: the last one always is."""
        if self._batches and self._run.epoch + 1 == self.params.get("epochs"):
            left = self._batches - batch
            if left == 1:
                return True
            self._run.upcoming.limit(left - 1)
        if self.every is None:
            return self._recorded is None or self._budget.is_due()
        over = (self._base + batch) % self.every
        self._run.upcoming.limit(self.every - over)
        return over == 0

    def _wait(self, batch: int) -> None:
        """Do what the page asks, until it lets the training go."""
        if not self._said_at_pause:  # else the page shows the step that stopped it
            self._record(batch)
        message, self._said_at_pause = self._said_at_pause, ""
        self.session.tell(now=True, **self._where(batch), state="paused", message=message)
        while self._goal == "pause" and not self._leaves():
            self.session.turns.wait(0.1)
            self.session.turns.take()
            if self._server is not None and self._server.is_left(GRACE):
                print("\nThe page was closed: the training goes on.", flush=True)
                self._goal = "run"
        self.session.tell(now=True, state="running", message="")

    def _leaves(self) -> bool:
        return bool(self._run.signals.asked or self.model.stop_training)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        from sheer.inspect.view.trials import rate_of

        self._budget.turn_ends(batch + 1 - self._run.upcoming.place["batch"])
        self._done = self._base + batch + 1
        figures = {**(logs or {}), "learning_rate": rate_of(self.model)}
        self.session.point(self._done, self._epochs(batch + 1), figures)
        if self._goal == "batch":
            self._goal = "pause"
        if self._until is not None:
            self._stop_if_met(batch)
        self.session.find(self._findings())
        self.session.tell(**self._where(batch + 1))

    def _findings(self) -> list[dict[str, Any]]:
        """What callbacks beside this one, such as a Doctor, have found."""
        from sheer.inspect.findings import Finding

        lists = [getattr(callback, "findings", None) for callback in self._run.callbacks.callbacks]
        return [
            {name: getattr(finding, name) for name in ("title", "text", "layer", "line")}
            for findings in lists
            if isinstance(findings, list)  # whoever calls something else so
            for finding in findings
            if isinstance(finding, Finding)
        ]

    def _stop_if_met(self, batch: int) -> None:
        assert self._until is not None
        reason = self._until.met()
        if not reason:
            self._before = None
            return
        self._record_again(batch)
        self._until, self._goal, self._said_at_pause = None, "pause", reason

    def _record_again(self, batch: int) -> None:
        """Record the batch that has just run, from the state before it."""
        from sheer.inspect.view.trials import put_back

        with put_back(self._run.variables()):
            self._before.restore()
            self._record(batch)
        self._before = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._batches = self._batches or self._done - self._base
        self.session.end_epoch(epoch + 1, dict(logs or {}))
        if self._goal == "epoch":
            self._goal = "pause"
        self.session.tell(now=True, epoch=epoch + 1, batch=0)

    def _record(self, batch: int) -> None:
        """Record the upcoming batch, and see from the time when the next one may be."""
        place = self._run.epoch, batch
        if self._recorded == place:
            return
        count = self._base + batch
        with self._budget.looking():
            summary = self.session.add(self._run.upcoming.record(), count, self._data_rows())
        self.session.point(count, self._epochs(batch), {"batch_loss": summary["loss"]})
        self._recorded = place

    def _data_rows(self) -> list[int] | None:
        """The places of the upcoming batch's rows in the data; None where they have none, or are
        many."""
        assert self._watch is not None
        if self._watch.rows is None or self._run.upcoming.stretch.n > MOST_ROWS:
            return None
        rows: list[int] = self._run.upcoming.stretch.rows(0).tolist()
        return rows

    def _epochs(self, batch: int) -> float:
        """How many epochs are done at a batch, with its part of one."""
        return float(self._run.epoch + (batch / self._batches if self._batches else 0))

    def _where(self, batch: int) -> dict[str, Any]:
        return {
            "epoch": self._run.epoch,
            "epochs": self.params.get("epochs", 0),
            "batch": batch,
            "batches": self._batches,
        }

    # --- the commands of a page -----------------------------------------------------------

    def _obey(self, name: str, **arguments: Any) -> Any:
        """Do a command, in the thread that trains."""
        from sheer.inspect.view import trials

        assert self._watch is not None
        if name == "predict":
            return trials.predicted(self._watch, **arguments)
        if not self.session.turns.is_running:
            raise ValueError(f"{name}: the training is over.")
        if name == "what_if":
            answer = trials.what_if(self._run, self._watch, **arguments)
            self.session.compared(answer)
            return answer
        if name == "set_learning_rate":
            trials.set_rate(self.model, **arguments)
            self._recorded = None
        elif name == "record":
            self._record(self._run.upcoming.place["batch"])
        elif name == "stop":
            self.model.stop_training = True
        else:
            self._aim(name, **arguments)
        state = {} if self._goal == "pause" else {"state": "running"}
        self.session.tell(now=True, **state)
        return {}

    def _aim(self, name: str, **arguments: Any) -> None:
        """Run, and stop where the page wants."""
        from sheer.inspect.view.until import Until

        assert self._watch is not None
        self._until = None
        if name == "run_until":
            self._until = Until(self._watch, self._run.variables(), **arguments)
        goals = {"next_batch": "batch", "next_epoch": "epoch", "pause": "pause"}
        self._goal = goals.get(name, "run")


def _has_screen() -> bool:
    """Whether a browser can open, and somebody is there to see it."""
    is_local = sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    return is_local and sys.stdout.isatty()
