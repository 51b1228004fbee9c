"""Run: a `fit` while it runs, and all that it needs to go on after a fault."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sheer.autodiff import GradientTape
from sheer.callbacks import BackupAndRestore, CallbackList
from sheer.core import random, tree
from sheer.core.shapes import show
from sheer.engines.stretch import Stretch
from sheer.ops.tensor import Tensor
from sheer.ops.variable import Variable
from sheer.training.data import Arrays, Data, unpack
from sheer.training.interruption import Interruption
from sheer.training.passes import Passes
from sheer.training.snapshot import Snapshot, first_bad, state_of

if TYPE_CHECKING:
    from sheer.inspect.recorded import RecordedStep

FORMAT = "sheer.run"


@dataclass
class Upcoming:
    """The batches that are about to run: a stretch of the data, and the step that runs on them.

    An engine runs as many of them as there is time for; a callback that wants fewer now says so
    with `limit`, in `on_train_batch_begin`.
    """

    step: Any
    data: Data
    stretch: Stretch
    place: dict[str, Any]

    def limit(self, batches: int) -> None:
        """Run no more than so many batches before the callbacks are called again."""
        self.stretch = self.stretch.part(0, batches)

    def batch(self, number: int = 0) -> Arrays:
        """The arrays of one of the batches."""
        return self.data.batch(*self.stretch.batch(number))

    def record(self, number: int = 0) -> RecordedStep:
        """What the program would compute on one of the batches now, line by line. Nothing changes:
        the step itself is still to come."""
        if not hasattr(self.step, "record"):
            raise ValueError(
                "With run_eagerly=True there is no program whose lines could be recorded. Compile "
                "the model without it."
            )
        place = {**self.place, "batch": self.place["batch"] + number}
        recorded: RecordedStep = self.step.record(self.batch(number), place)
        return recorded


class Run:
    """The state of a training run, in one place.

    The rest of a run depends on: the Variables (weights, what the optimizers and the metrics keep,
    seed generators), the global seeds, the place in the epoch and in the order of the rows, what
    the callbacks keep, and whether the training was to stop. `save` writes these, `restore` takes
    them back.

    `epoch` and `batch` count what is done: epochs, and batches of the next one. `answer` is that of
    the last batch, or the figures of the last epoch; `is_over` says that no epoch is to follow,
    `signals` whether one asked for that. What a callback enters into `ending` ends with the run,
    however that ends.

    Args:
        model, passes, callbacks: of the `fit`.
        steps: what it runs on batches, by the forms of these.
        checks: the passes of the validation, where there is one.
    """

    def __init__(
        self,
        model: Any,
        passes: Passes,
        callbacks: CallbackList,
        steps: Iterable[Any],
        checks: Passes | None = None,
    ):
        self.model, self.passes, self.callbacks = model, passes, callbacks
        self.checks = checks
        self._checked = checks and checks.place()  # after the last whole evaluation
        self.steps = list(steps)
        self.epoch = self.batch = 0
        self.answer: Any = {}
        self.is_over = False
        # What runs next, for callbacks that look ahead in `on_train_batch_begin`.
        self.upcoming: Upcoming | None = None
        self._savers = [c for c in callbacks.callbacks if isinstance(c, BackupAndRestore)]
        self.signals = Interruption(bool(self._savers))
        self.ending = ExitStack()
        self._restored: dict[str, Any] | None = None
        self._variables: list[Variable] | None = None

    def variables(self) -> list[Variable]:
        """All Variables that the run reads or assigns, each once."""
        if self._variables is None:
            steps = [step for forms in self.steps for step in forms.steps]
            self._variables = state_of(self.model, steps)
        return self._variables

    def snapshot(self) -> Snapshot:
        """The values of all Variables now, to be put back."""
        return Snapshot(self.variables())

    def record_first(
        self, before: Snapshot, turn: Upcoming, steps: int, is_bad: Callable[[Any], bool]
    ) -> tuple[int, RecordedStep] | None:
        """The first step of a turn that has run of whose answer `is_bad` says so (it may look at
        the Variables too), recorded, with its number in the turn; None where there is none.

        The steps run again from the state that was before them; in the end the Variables are as
        they are now.
        """
        now, stretch = self.snapshot(), turn.stretch.part(0, steps)
        try:
            before.restore()
            number = first_bad(turn.step, turn.data, stretch, self.variables(), is_bad)
            return None if number is None else (number, turn.record(number))
        finally:
            now.restore()

    def _callbacks(self) -> dict[str, Any]:
        """The callbacks that keep something, by their classes' names, numbered where need be."""
        count: Counter[str] = Counter()
        found = {}
        for callback in self.callbacks.callbacks:
            if getattr(callback, "kept", ()):
                name = type(callback).__name__
                count[name] += 1
                found[name if count[name] == 1 else f"{name}_{count[name]}"] = callback
        return found

    def state(self) -> dict[str, Any]:
        """All that the rest of the run depends on."""
        import random as python_random  # a slow import, for saving only

        version, words, spare = python_random.getstate()
        return {
            "settings": self.passes.lasting(),
            "place": {
                "epoch": self.epoch,
                "batch": self.batch,
                "passes": self.passes.place(),
                "checks": self._checked,
            },
            "answer": self.answer,
            "stop_training": self.model.stop_training,
            "paths": [v.path for v in self.variables()],
            "variables": [v.stored() for v in self.variables()],
            "seeds": {
                "sheer": random.peek_key(),
                "numpy": np.random.get_state(),
                "python": [version, np.array(words, "uint32"), spare],
            },
            "callbacks": {
                name: {k: getattr(callback, k) for k in callback.kept}
                for name, callback in self._callbacks().items()
            },
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to a safetensors file, whole or not at all."""
        import json

        from sheer import saving

        arrays: dict[str, np.ndarray[Any, Any]] = {}
        plain = _without_arrays(self.state(), "", arrays)
        saving.write(path, arrays, {FORMAT: json.dumps(plain)})

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Take the state that `save` wrote. Where it is not of this run, nothing is changed."""
        import json

        from sheer import saving

        arrays, metadata = saving.read(path)
        if FORMAT not in metadata:
            raise ValueError(f"{path} is no backup of a training.")
        try:
            state = _with_arrays(json.loads(metadata[FORMAT]), arrays)
            wrong = [*self._differences(state)]
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise ValueError(f"{path} is no sound backup: {error!r}.") from error
        if wrong:
            raise ValueError(
                f"{path} is the backup of another training; nothing was changed.\n"
                + "\n".join(wrong)
                + "\nGo on with the model, data and arguments that it had; or delete the backup."
            )
        self.passes.go_to(state["place"]["passes"])
        if self.checks is not None and state["place"].get("checks"):
            self.checks.go_to(state["place"]["checks"])
            self._checked = state["place"]["checks"]
        self._restored = state
        self._take(state)

    def take_again(self) -> None:
        """Undo what the callbacks' beginning of an epoch changed, where a run goes on within it."""
        if self._restored is not None and self.batch:
            self._take(self._restored)
        self._restored = None

    def gradients(self, rows: int) -> dict[str, np.ndarray[Any, Any]]:
        """The gradient of the loss of the first so many rows of the data, for each weight by its
        path."""
        model, data = self.model, self.passes.first
        values = iter(data.batch(0, min(rows, data.rows)))
        x, y, weight = unpack(
            tree.map_tree(lambda a: None if a is None else Tensor(next(values)), data.structure())
        )
        variables = model.trainable_variables
        with GradientTape() as tape:
            loss = model.compute_loss(x, y, model(x, training=False), weight, training=False)
        pairs = zip(variables, tape.gradient(loss, variables), strict=True)
        return {v.path: g.numpy() for v, g in pairs if g is not None}

    def about_to(self, step: Any, data: Data, stretch: Stretch) -> Upcoming:
        """Say what runs next."""
        place = {"epoch": self.epoch, "batch": self.batch}
        self.upcoming = Upcoming(step, data, stretch, place)
        return self.upcoming

    def goes_on(self, epochs: int) -> bool:
        """Whether there is an epoch to run, or the rest of one."""
        is_left = self.epoch < epochs and not self.is_over
        return is_left and (self.batch > 0 or self.passes.has_more())

    def end_epoch(self, logs: dict[str, Any]) -> None:
        """Go on to the next epoch; these are the figures of the last."""
        self.epoch, self.batch, self.answer = self.epoch + 1, 0, logs

    def leaves(self) -> bool:
        """Whether the training ends here, where a signal asks for it. First it is backed up."""
        for callback in self._savers:
            callback.save()
        self.signals.pass_on()
        self.is_over = self.model.history.interrupted = self.signals.by_user
        return self.is_over

    @contextmanager
    def undone_when_asked(self) -> Iterator[None]:
        """An evaluation inside, where a signal ends it, leaves the Variables as they were, and its
        place in the data: it will be made anew."""
        before = self.snapshot()
        yield
        if self.signals.asked:
            before.restore()
        elif self.checks is not None:
            self._checked = self.checks.place()

    def _take(self, state: dict[str, Any]) -> None:
        import random as python_random

        self.epoch, self.batch = state["place"]["epoch"], state["place"]["batch"]
        self.answer = state["answer"]
        self.model.stop_training = state["stop_training"]
        self.is_over = self.model.stop_training and not self.batch
        for variable, value in zip(self.variables(), state["variables"], strict=True):
            variable.assign(value)
            variable.initializer = None  # scripts cannot make this value from a seed
        random.rewind(tuple(state["seeds"]["sheer"]))
        np.random.set_state(tuple(state["seeds"]["numpy"]))
        version, words, spare = state["seeds"]["python"]
        python_random.setstate((version, tuple(map(int, words)), spare))
        for name, callback in self._callbacks().items():
            for attribute, value in state["callbacks"].get(name, {}).items():
                setattr(callback, attribute, value)

    def _differences(self, state: dict[str, Any]) -> Iterator[str]:
        """A line for each thing in which a state is not of this run."""
        for name, value in self.passes.lasting().items():
            theirs = state["settings"].get(name)
            if theirs != value:
                yield f"  {name}: {value}, backup: {theirs}"
        ours = {i: (v.path, v.shape, v.dtype) for i, v in enumerate(self.variables())}
        pairs = zip(state["paths"], state["variables"], strict=True)
        theirs = {i: (path, a.shape, a.dtype.name) for i, (path, a) in enumerate(pairs)}
        for i in range(max(len(ours), len(theirs))):
            # By their places: names are numbered by what was made before.
            if ours.get(i, ())[1:] != theirs.get(i, ())[1:]:
                yield f"  {_described(ours.get(i))}, backup: {_described(theirs.get(i))}"


def _described(variable: tuple[str, tuple[int, ...], str] | None) -> str:
    return "none" if variable is None else f"{variable[0]} {show(variable[1])} {variable[2]}"


ARRAY = "__array__"


def _without_arrays(value: Any, name: str, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """A state as JSON can hold it; its arrays go to `arrays`, by where they stand in it."""
    if isinstance(value, dict):
        return {key: _without_arrays(v, f"{name}/{key}", arrays) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(v, f"{name}/{i}", arrays) for i, v in enumerate(value)]
    if isinstance(value, np.ndarray) and value.ndim:
        arrays[name] = value
        return {ARRAY: name}
    if isinstance(value, (np.ndarray, np.generic)):
        arrays[name] = np.asarray(value)
        return {ARRAY: name}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        f"A training cannot be backed up: {name.strip('/')} is a {type(value).__name__}. A "
        "callback can keep numbers, text, arrays, and lists and dictionaries of these."
    )


def _with_arrays(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """The other way round."""
    if isinstance(value, dict):
        if set(value) == {ARRAY}:
            return arrays[value[ARRAY]]
        return {key: _with_arrays(v, arrays) for key, v in value.items()}
    return [_with_arrays(v, arrays) for v in value] if isinstance(value, list) else value


class Training:
    """Who trains a model now: the thread, and its `fit`."""

    def __init__(self) -> None:
        self.run: Run | None = None
        self._threads: dict[int, int] = {}

    def __reduce__(self) -> Any:
        return Training, ()  # nobody trains a copy of the model yet

    @contextmanager
    def running(self, run: Run) -> Iterator[None]:
        """While this `fit` runs."""
        before, self.run = self.run, run
        try:
            with run.signals:
                yield
        finally:
            self.run = before

    @contextmanager
    def alone(self, caller: str) -> Iterator[None]:
        """Keep other threads from changing the same state meanwhile: half of it would be lost."""
        # By process: in a forked child the other threads are gone. And setdefault lets one of
        # several threads in, where a lock might be held for good by one that the child lacks.
        process, thread = os.getpid(), threading.get_ident()
        is_inner = self._threads.get(process) == thread
        if self._threads.setdefault(process, thread) != thread:
            raise RuntimeError(
                f"{caller}: another thread trains or evaluates this model. Wait for it "
                "(model.stop_training = True ends a fit), or give each thread a model of its own. "
                "predict() may be called at any time."
            )
        try:
            yield
        finally:
            if not is_inner:
                del self._threads[process]
