"""Doctor: looks into a training, and says in plain words what is wrong."""

from __future__ import annotations

import math
import os
import textwrap
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from sheer.callbacks.base import Callback, Logs
from sheer.callbacks.budget import Budget
from sheer.callbacks.progress import ProgressLogger
from sheer.core import tree
from sheer.core.checks import boolean, number
from sheer.core.finite import all_finite
from sheer.core.text import printable

if TYPE_CHECKING:
    from sheer.inspect.findings import Finding
    from sheer.inspect.recorded import RecordedStep

# Looked at however short the epochs are: the first step of each of so many.
EPOCHS = 10
NAME = "Doctor"


class Doctor(Callback):
    """Looks into a training, and says in plain words what is wrong with it: in which line of the
    program and which layer, by which numbers, and what to try.

    It records a step now and then (see `Model.trace_step`): the first one, that of each epoch, the
    last one, and more as far as its share of the time allows. It finds

    - the first NaN or infinity, exactly: line, layer, unit, rows of the batch;
    - units that are dead, saturated, or all alike; gradients that vanish or explode;
    - inputs or targets that are not scaled, targets that are all the same, labels that do not
      belong to their rows;
    - a first loss far from chance, outputs that are stuck, classes that are never predicted;
    - a learning rate that is too large or too small, and overfitting.

    The training is the same with it, bit for bit. Each finding is printed once, when it is found.

    Args:
        repro: the file for the step with the first NaN or infinity, which `sheer step FILE` shows
            and `sheer.inspect.RecordedStep.load` reads; in the current folder by default. None
            writes none.
        share: of the time of the training, at most so much goes into looking; above 0, up to 1.
        verbose: whether findings are printed.

    Attributes:
        findings: what was found in the last `fit`: a list of `sheer.inspect.findings.Finding`,
            with name, title, text, layer, line, source, epoch, batch, evidence.

    Example:

    >>> import numpy as np, sheer
    >>> x = np.linspace(0, 9000, 64).reshape(64, 1)
    >>> model = sheer.Sequential([sheer.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> doctor = Doctor(verbose=False)
    >>> history = model.fit(x, x / 9000, verbose=0, callbacks=[doctor])
    >>> doctor.findings[0].title
    'The inputs are not scaled: x has large numbers'
    """

    every_batch = False

    def __init__(
        self,
        repro: str | os.PathLike[str] | None = "not_finite.step",
        share: float = 0.1,
        verbose: bool = True,
    ):
        super().__init__()
        given = {"share": (share, number(0, 1, "(]")), "verbose": (verbose, boolean())}
        for name, (value, check) in given.items():
            if not check.accepts(value):
                raise ValueError(f"{NAME}: {name} must be {check.words}. Got {value!r}.")
        self.repro = None if repro is None else os.fspath(repro)
        self.share, self.verbose = share, verbose
        self._begin()

    def _begin(self) -> None:
        self.findings: list[Finding] = []
        self.looked = self.steps = 0  # at how many steps, of how many
        self._rules: list[Any] = []
        self._told: set[tuple[str, str]] = set()
        self._budget = Budget(self.share)
        self._epoch = 0
        self._is_new = True  # the epoch
        self._before: Any = None
        # A step to come with a value that is not finite, and its turn.
        self._suspect: tuple[Any, RecordedStep] | None = None
        self._is_over = False  # after a NaN there is nothing more to find

    # --- the hooks ------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        from sheer.inspect.findings import RULES

        self._begin()
        self._rules = [rule() for rule in RULES]
        if getattr(self.model, "run_eagerly", False):
            self._say(
                f"{NAME}: with run_eagerly=True there is no program to look into. It looks at the "
                "figures alone: the loss, and that of the validation."
            )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch, self._is_new = epoch, True

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        run = self._run()
        if run is None or self._is_over:
            return
        self._before = run.snapshot()
        if hasattr(run.upcoming.step, "record") and self._is_due(run, batch):
            with self._budget.looking():
                self._look(run.upcoming)
            self.looked += 1
        self._is_new = False
        self._budget.turn_begins()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        run, before = self._run(), self._before
        self._before = None
        if run is None:
            return
        ran = batch + 1 - run.upcoming.place["batch"]
        self.steps += ran
        self._budget.turn_ends(ran)
        if before is None:  # after a NaN
            return
        watched = self._watched(run)
        suspect, self._suspect = self._suspect, None
        if _is_finite(logs or {}, watched):
            if suspect is not None:
                self._tell([self._hidden(*suspect)])
            return
        self._is_over = True
        found = None
        if hasattr(run.upcoming.step, "record"):
            found = run.record_first(
                before, run.upcoming, ran, lambda answer: not _is_finite(answer, watched)
            )
        self._tell([self._not_finite(run.upcoming, ran, found)])

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self._is_over:
            return
        figures = {k: v for k, v in (logs or {}).items() if isinstance(v, (int, float))}
        self._ask("epoch", epoch, figures)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._before = None
        self._say(self.summary())

    def summary(self) -> str:
        """One line on what was looked at, and what was found.

        >>> Doctor().summary()
        'The doctor looked at 0 of 0 steps and found nothing.'
        """
        looked = f"The doctor looked at {self.looked:,} of {self.steps:,} steps and found"
        if not self.findings:
            return f"{looked} nothing."
        names = ", ".join(f.name + (f" ({f.layer})" if f.layer else "") for f in self.findings)
        many = "thing" if len(self.findings) == 1 else "things"
        return f"{looked} {len(self.findings)} {many}: {names}."

    def report(self, width: int = 80) -> str:
        """All findings one after the other, and the summary, in lines of this width."""
        found = [finding.shown(width) for finding in self.findings]
        return "\n\n".join([*found, textwrap.fill(self.summary(), width)])

    # --- looking --------------------------------------------------------------------------

    def _run(self) -> Any:
        """The `fit` that runs; None in loops of one's own."""
        run = getattr(getattr(self.model, "_training", None), "run", None)
        return run if run is not None and run.upcoming is not None else None

    def _is_due(self, run: Any, batch: int) -> bool:
        """Whether to look at the coming step."""
        steps = self.params.get("steps")
        if steps and run.epoch + 1 == self.params.get("epochs"):
            if batch + 1 == steps:
                return True
            run.upcoming.limit(steps - 1 - batch)
        return (self._is_new and self.looked < EPOCHS) or self._budget.is_due()

    def _look(self, turn: Any) -> None:
        from sheer.inspect.findings import Seen

        try:
            step = turn.record()
        except (IndexError, ValueError):
            return  # what is wrong with these data the step itself will say
        if step.first_not_finite() is not None:
            self._suspect = turn, step
            return
        parts = turn.data.parts
        x, y = (list(tree.leaves(parts[k])) if k in parts else [] for k in ("x", "y"))
        # Of a stream the batch is all there is.
        is_whole = turn.data.rows > turn.stretch.n or turn.stretch.order is not None
        data = ([a for a in x if a is not None], [a for a in y if a is not None])
        inputs = turn.step.data[: len(data[0])]
        done = self._done(turn)
        names = {name for name, _ in self._told}
        self._ask("step", Seen(step, self.model, inputs, done, data if is_whole else None, names))

    def _done(self, turn: Any) -> int:
        """How many steps of the training came before, also where it goes on after a fault."""
        each, place = self.params.get("steps"), turn.place
        return self.steps if each is None else place["epoch"] * each + place["batch"]

    def _ask(self, hook: str, *arguments: Any) -> None:
        for rule in list(self._rules):
            try:
                found = list(getattr(rule, hook)(*arguments))
            except Exception as error:  # of the doctor's, not of the training: that goes on
                self._rules.remove(rule)
                warnings.warn(
                    f"{NAME}: {rule.name} failed, and is not looked for any more: {error!r}",
                    stacklevel=2,
                )
            else:
                self._tell(found, rule.once)

    def _tell(self, findings: Iterable[Finding], once: bool = True) -> None:
        for finding in findings:
            key = finding.name, "" if once else finding.layer
            if key not in self._told:
                self._told.add(key)
                self.findings.append(finding)
                self._say(finding.shown(80, f"{NAME}: "))

    def _say(self, text: str) -> None:
        if not self.verbose:
            return
        run = getattr(getattr(self.model, "_training", None), "run", None)
        for callback in run.callbacks.callbacks if run is not None else ():
            if isinstance(callback, ProgressLogger):
                callback.make_room()
        print(printable(text), flush=True)

    # --- the first NaN or infinity --------------------------------------------------------

    def _watched(self, run: Any) -> list[Any]:
        """The Variables of floats, but those of the metrics: NaN may be right in these."""
        metrics = {id(v) for metric in self.model.metrics for v in metric.variables}
        return [v for v in run.variables() if id(v) not in metrics and v.dtype.startswith("float")]

    def _not_finite(self, turn: Any, ran: int, found: tuple[int, RecordedStep] | None) -> Finding:
        from sheer.inspect.findings import Finding
        from sheer.inspect.not_finite import Fault

        name, epoch, first = "not_finite", turn.place["epoch"], turn.place["batch"]
        stop = "callbacks.TerminateOnNaN() ends a training here."
        if found is None:
            text = (
                f"It came up in one of the batches {first + 1:,} to {first + ran:,}. "
                "compile(check_finite=True) stops at the very line."
            )
            title = "The loss or a weight is not finite"
            return Finding(name, title, f"{text}\n{stop}", epoch=epoch, batch=first)
        number, step = found
        fault_at, batch = step.first_not_finite(), first + number
        kept = self._kept_step(step)
        if fault_at is None:
            text = (
                "The native engine computed it at the edge of what a float can hold; NumPy, line "
                "by line, finds all of the step finite: the numbers have become very large."
            )
            title = "The loss or a weight is not finite"
            return Finding(name, title, f"{text}\n{kept}{stop}", epoch=epoch, batch=batch)
        rows = turn.stretch.rows(number)
        fault = Fault(step, fault_at, None if (rows == np.arange(len(rows))).all() else rows)
        title = f"The first value that is not finite: {fault.title()}"
        return _of_fault(name, title, fault, f"{kept}{stop}", rows)

    def _hidden(self, turn: Any, step: RecordedStep) -> Finding:
        """A value that is not finite, where the loss and all weights are."""
        from sheer.inspect.not_finite import Fault

        fault_at, rows = step.first_not_finite(), turn.stretch.rows(0)
        assert fault_at is not None
        fault = Fault(step, fault_at, None if (rows == np.arange(len(rows))).all() else rows)
        rest = (
            "The loss and the weights are finite: what comes after hides it. "
            "compile(check_finite=True) stops at the first such value."
        )
        title = f"A value is not finite: {fault.title()}"
        return _of_fault("hidden_infinity", title, fault, rest, rows)

    def _kept_step(self, step: RecordedStep) -> str:
        """Write the step to a file; what to say of that."""
        if self.repro is None:
            return ""
        try:
            step.save(self.repro)
        except OSError as error:
            return f"The step could not be kept in {self.repro}: {error}. "
        return (
            f"The step is in {os.path.abspath(self.repro)}: `sheer step {self.repro}` shows it, "
            "line by line. "
        )


def _of_fault(name: str, title: str, fault: Any, rest: str, rows: Any) -> Finding:
    from sheer.inspect.findings import Finding

    row, place = fault.found.row, fault.step.place
    return Finding(
        name,
        title,
        "\n".join([*fault.lines(with_source=False), rest]),
        fault.layer,
        row.first if row else None,
        row.source if row else "",
        place["epoch"],
        place["batch"],
        {
            "value": fault.found.name,
            "index": fault.found.index,
            "unit": fault.unit,
            "rows": fault.rows,
            "data_rows": [int(rows[r]) for r in fault.rows],
        },
    )


def _is_finite(figures: Any, variables: list[Any]) -> bool:
    """Whether the loss and all Variables are finite."""
    loss = figures.get("loss") if isinstance(figures, dict) else None
    if loss is not None and np.ndim(loss) == 0 and not math.isfinite(loss):
        return False
    return all(all_finite(v.stored()) for v in variables)
