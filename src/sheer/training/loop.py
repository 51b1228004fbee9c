"""The loops of `fit`, `evaluate` and `predict`: batches through a step, with callbacks around."""

from __future__ import annotations

import math
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sheer.callbacks import CallbackList, History
from sheer.callbacks.progress import ProgressLogger, progress
from sheer.core import random, tree
from sheer.core.checks import integer
from sheer.core.errors import ShapeError
from sheer.core.shapes import show
from sheer.ops.symbol import Symbol
from sheer.training.data import Data
from sheer.training.passes import ArrayPasses, Passes, StreamPasses
from sheer.training.run import Run
from sheer.training.step import Batches, join
from sheer.training.stream import Stream, given, is_stream
from sheer.training.undo import undone_on_error

BATCH_SIZE = 32


@dataclass(frozen=True)
class Settings:
    """How a loop runs; the arguments of `fit`, `evaluate` and `predict`."""

    batch_size: int | None = None
    epochs: int = 1
    verbose: int | str = "auto"
    callbacks: Any = None
    shuffle: bool = True
    initial_epoch: int = 0
    steps: int | None = None
    validation_split: float = 0.0
    validation_data: Any = None
    validation_batch_size: int | None = None
    validation_steps: int | None = None
    validation_freq: Any = 1

    def check(self, caller: str) -> None:
        """Raise for a value that cannot be."""
        for name in ("batch_size", "steps", "validation_batch_size", "validation_steps"):
            value = getattr(self, name)
            if value is not None and not integer(1).accepts(value):
                shown = "steps_per_epoch" if (caller, name) == ("fit", "steps") else name
                raise ValueError(f"{caller}: {shown} must be {integer(1).words}. Got {value!r}.")
        for name in ("epochs", "initial_epoch"):
            if not integer(0).accepts(getattr(self, name)):
                raise ValueError(
                    f"{caller}: {name} must be {integer(0).words}. Got {getattr(self, name)!r}."
                )
        every = self.validation_freq
        if not integer(1).accepts(every) and not isinstance(every, (list, tuple, set)):
            raise ValueError(
                f"{caller}: validation_freq must be {integer(1).words}, or a list of epochs. "
                f"Got {every!r}."
            )
        if self.verbose not in ("auto", 0, 1, 2):
            raise ValueError(f"{caller}: verbose must be 0, 1, 2 or 'auto'. Got {self.verbose!r}.")

    def rows_per_batch(self, rows: int) -> int:
        """The size of the batches that arrays of so many rows are cut into."""
        if self.batch_size is None and self.steps is not None:
            return -(-rows // self.steps)
        return self.batch_size or BATCH_SIZE

    def epoch_count(self) -> int:
        """How many epochs there are to run."""
        return max(0, self.epochs - self.initial_epoch)

    def validates(self, epoch: int) -> bool:
        """Whether there is an evaluation after this epoch (they count from 0)."""
        every = self.validation_freq
        return (epoch + 1) % every == 0 if integer(1).accepts(every) else epoch + 1 in every

    def for_validation(self) -> Settings:
        """The settings of the evaluations inside of `fit`."""
        batch_size = self.validation_batch_size or self.batch_size
        return replace(self, batch_size=batch_size, steps=self.validation_steps)


# For each array a function that gives it; None once nobody else has it.
Sources = list[Callable[[], Any]]


@dataclass
class LastFit:
    """What `write_program` needs to know of the last `fit`. The data are not kept alive by it."""

    settings: Settings
    first_key: random.Key
    data: Sources
    validation: Sources


def fit(
    model: Any, x: Any, y: Any, settings: Settings, by_class: Any, sample_weight: Any
) -> History:
    """Train a model: see `Model.fit`."""
    settings.check("fit")
    model.check_compiled("fit")
    data, validation, sources = _with_validation(given(x, y, sample_weight, "fit"), settings)
    if by_class is not None:
        data = data.weighted(by_class)
        sources[0].append(lambda: None)  # these weights are nowhere else
    with model._training.alone("fit"), ExitStack() as ending:
        with undone_on_error(model):
            passes = _passes(data, settings)
            history, callbacks = _callbacks(model, settings, passes, fitting=True)
            step, check = Prepared(model, "train_step", passes.first), None
            if validation is not None:
                checks = _passes(validation, settings.for_validation())
                check = Prepared(model, "test_step", checks.first), checks

            key = random.reserve_keys(settings.epoch_count())
            passes.key = key if settings.shuffle else None
            model.last_fit = LastFit(settings, key, *sources)
            model.history, model.stop_training = history, False
            steps = [step, *(check or ())[:1]]
            run = Run(model, passes, callbacks, steps, check and check[1])
            run.epoch = settings.initial_epoch
            ending.callback(passes.close)
            ending.enter_context(model._training.running(run))
            ending.enter_context(run.ending)
            callbacks.call("on_train_begin", {})
        while run.goes_on(settings.epochs):
            _epoch(run, step, check, settings)
        if settings.epoch_count():
            model.optimizer.finalize_variable_values(model.trainable_variables)
        callbacks.call("on_train_end", plain(run.answer))
    return history


def _epoch(
    run: Run, step: Prepared, check: tuple[Prepared, Passes] | None, settings: Settings
) -> None:
    """An epoch, or what is left of one; `check` is what validation takes."""
    model, callbacks = run.model, run.callbacks
    if not run.batch:
        model.reset_metrics()
    callbacks.call("on_epoch_begin", run.epoch, {})
    run.take_again()
    while True:
        # A run that goes on may have been told to stop within the epoch.
        if not run.batch or not model.stop_training:
            for _ in _answers(model, step, run.passes, callbacks, "train", run):
                pass
        logs = plain(run.answer)
        if check is not None and settings.validates(run.epoch) and not run.signals.asked:
            with run.undone_when_asked():
                figures = _evaluated(model, *check, callbacks, run)
            logs = {**logs, **{f"val_{name}": value for name, value in figures.items()}}
        if not run.signals.asked:
            break
        if run.leaves():
            return
    run.end_epoch(logs)
    callbacks.call("on_epoch_end", run.epoch - 1, logs)
    run.is_over = model.stop_training or (run.signals.asked and run.leaves())


def evaluate(model: Any, x: Any, y: Any, sample_weight: Any, settings: Settings) -> dict[str, Any]:
    """The figures of a model on data: see `Model.evaluate`."""
    settings.check("evaluate")
    model.check_compiled("evaluate")
    with model._training.alone("evaluate"):
        passes = _passes(given(x, y, sample_weight, "evaluate"), settings)
        _, callbacks = _callbacks(model, settings, passes)
        step = Prepared(model, "test_step", passes.first)
        return _evaluated(model, step, passes, callbacks)


def predict(model: Any, x: Any, settings: Settings) -> Any:
    """The outputs of a model for data: see `Model.predict`."""
    settings.check("predict")
    passes = _passes(given(x, None, None, "predict"), settings)
    _, callbacks = _callbacks(model, settings, passes)
    step = Prepared(model, "predict_step", passes.first)
    if isinstance(x, np.ndarray):
        model._steps.remember(x, step(passes.first))
    try:
        callbacks.call("on_predict_begin", {})
        answers = list(_answers(model, step, passes, callbacks, "predict"))
    finally:
        passes.close()
    callbacks.call("on_predict_end", {})
    return join(answers)


def _passes(data: Data | Stream, settings: Settings) -> Passes:
    if isinstance(data, Stream):
        return StreamPasses(data, settings.steps)
    return ArrayPasses(data, settings.rows_per_batch(data.rows), settings.steps)


# --- before the first step ------------------------------------------------------------------


class Prepared:
    """A kind of step for the batches of a loop: one where all have one form."""

    def __init__(self, model: Any, kind: str, data: Data):
        self.model, self.kind = model, kind
        self._data, self._step = data, prepared(model, kind, data)
        self._steps = {data.form(): self._step}

    @property
    def steps(self) -> list[Batches]:
        """The steps so far, one for each form."""
        return list(self._steps.values())

    def __call__(self, data: Data) -> Batches:
        """The step for such data, which are checked where they are new."""
        if data is self._data:
            return self._step
        form = data.form()
        if form in self._steps:
            _check_targets(self.model, self.kind, data)
        else:
            self._steps[form] = prepared(self.model, self.kind, data)
        self._data, self._step = data, self._steps[form]
        return self._step


def prepared(model: Any, kind: str, data: Data) -> Batches:
    """The step for such data, after all checks: what is wrong with the data is said here."""
    if "y" not in data.parts and model.needs_targets(kind):
        raise ValueError(
            f"{data.caller}: y is missing: the loss {model._compiled_loss.name} compares the "
            "outputs with it. Give x and y."
        )
    step: Batches | None = model._steps.find(kind, data)
    if step is not None:
        _check_targets(model, kind, data)
        return step
    built_for = model.input_symbols
    with undone_on_error(model):
        try:
            model._steps.build(data)
            _check_targets(model, kind, data)
            made: Batches = model._steps.get(kind, data)
        except ShapeError as error:
            raise ShapeError(f"{data.caller}: {error}{_other_shapes(built_for, data)}") from None
    return made


def _other_shapes(built_for: Any, data: Data) -> str:
    """A last line for an error in shapes, where the model was built for others."""
    before = [x.shape[1:] for x in tree.leaves(built_for) if isinstance(x, Symbol)]
    now = [x.shape[1:] for x in tree.leaves(data.parts["x"])]
    if not before or before == now:
        return ""
    texts = [", ".join(show(("n", *shape)) for shape in shapes) for shapes in (before, now)]
    return (
        f"\nThe model was built for x of the shape {texts[0]}; here it is {texts[1]}. "
        "Give it such data, or make it anew for these."
    )


def _check_targets(model: Any, kind: str, data: Data) -> None:
    """Ask the loss whether the targets can be right for the model's outputs."""
    y, weights = data.parts.get("y"), data.parts.get("sample_weight")
    loss, outputs = model._compiled_loss, model.outputs_like()
    if kind == "predict_step" or loss is None or outputs is None:
        return
    try:
        if y is not None:
            loss.check_targets(y, outputs)
        weights = loss.weights(weights, outputs)
    except ValueError as error:
        raise ValueError(f"{data.caller}: {error}") from None
    for x, weight in zip(tree.leaves(outputs), weights, strict=True):
        is_too_much = weight is not None and weight.ndim > max(1, len(x.shape) - 1)
        if is_too_much and weight.shape[1:] != (1,):
            raise ValueError(
                f"{data.caller}: sample_weight must have the shape (n,), one number per example. "
                f"Got {show(weight.shape)}."
            )


def _with_validation(
    data: Data | Stream, settings: Settings
) -> tuple[Data | Stream, Data | Stream | None, tuple[Sources, Sources]]:
    """The data for training and for validation, and where both can be found later on."""
    validation = settings.validation_data
    if is_stream(validation):
        return data, Stream(validation, "fit, validation_data"), (_sources(data), [])
    if validation is not None:
        if not isinstance(validation, (tuple, list)) or len(validation) not in (2, 3):
            raise ValueError(
                "fit: validation_data must be (x, y), (x, y, sample_weight), or an iterable of "
                f"batches. Got {type(validation).__name__}"
                + (f" of {len(validation)}." if isinstance(validation, (tuple, list)) else ".")
            )
        x, y, weight = (*validation, None)[:3]
        held_out = Data(x, y, weight, "fit, validation_data")
        return data, held_out, (_sources(data), _sources(held_out))
    if not settings.validation_split:
        return data, None, (_sources(data), [])
    if isinstance(data, Stream):
        raise ValueError(
            f"fit: validation_split is for arrays. Got {settings.validation_split!r}, and x is a "
            f"{type(data.source).__name__}: give validation_data."
        )
    first, last = data.split(settings.validation_split)
    places = _sources(data, slice(0, first.rows)), _sources(data, slice(first.rows, None))
    return first, last, places


def _sources(data: Data | Stream, rows: slice = slice(None)) -> Sources:
    """Where these rows of the data can be found later on."""
    if isinstance(data, Stream):
        return []

    def source(array: np.ndarray[Any, Any]) -> Callable[[], Any]:
        reference = weakref.ref(array)
        return lambda: None if (found := reference()) is None else found[rows]

    return [source(array) for array in data.arrays]


def _callbacks(
    model: Any, settings: Settings, passes: Passes, fitting: bool = False
) -> tuple[History, CallbackList]:
    """The progress display, the user's callbacks, the history."""
    given = settings.callbacks
    users = list(given) if isinstance(given, (list, tuple)) else [] if given is None else [given]
    if settings.verbose != 0 and not any(isinstance(c, ProgressLogger) for c in users):
        users.insert(0, progress(settings.verbose))
    history = next((c for c in users if isinstance(c, History)), None)
    if history is None:
        # Last, so that it sees what the user's callbacks put into the logs.
        history = History()
        users += [history] if fitting else []
    batches = passes.batches
    if settings.steps is not None and batches is not None and settings.steps > batches:
        warnings.warn(
            f"{settings.steps} steps are asked for, and the data give {batches} batches: "
            "there will be that many steps.",
            stacklevel=4,
        )
    params: dict[str, Any] = {
        "epochs": settings.epochs,
        "steps": passes.steps,
        "verbose": settings.verbose,
    }
    return history, CallbackList(users, model=model, **params)


# --- the steps ------------------------------------------------------------------------------


# Seconds after which an engine that runs many steps at once gives Python a turn: for signals, and
# for the progress to be shown.
TURN = 0.1


def _answers(
    model: Any,
    steps: Prepared,
    passes: Passes,
    callbacks: CallbackList,
    kind: str,
    run: Run | None = None,
) -> Iterator[Any]:
    """All batches of an epoch, an evaluation or a prediction, many at once where no callback wants
    each: the answer of each run of them. Within a `fit`, `run` is told of those trained on, and a
    signal ends it."""
    begin, end = f"on_{kind}_batch_begin", f"on_{kind}_batch_end"
    wants_begin, wants_end = callbacks.wants(begin), callbacks.wants(end)
    is_each = callbacks.wants_each(begin) or callbacks.wants_each(end)
    most = getattr(model, "steps_per_execution", 1) if is_each else sys.maxsize
    seconds = math.inf if is_each else TURN
    number = run.batch if run and kind == "train" else 0
    for data, stretch in passes.epoch(number):
        step = steps(data)
        done = 0
        while done < stretch.steps:
            if run and run.signals.asked:
                return
            part = stretch.part(done, most)
            upcoming = run.about_to(step, data, part) if run and kind == "train" else None
            if wants_begin:
                callbacks.call(begin, number, {})
                if upcoming:
                    part = upcoming.stretch  # a callback may want fewer
            ran, answer = step.run(data, part, seconds, joined=kind == "predict")
            passes.took(part, ran)
            done += ran
            number += ran
            if run and kind == "train":
                run.batch, run.answer = number, answer
            if wants_end:
                logs = {"outputs": answer} if kind == "predict" else plain(answer)
                callbacks.call(end, number - 1, logs)
            yield answer
            if kind == "train" and model.stop_training:
                return


def _evaluated(
    model: Any, step: Prepared, passes: Passes, callbacks: CallbackList, run: Run | None = None
) -> dict[str, Any]:
    """The figures of an evaluation, after its last batch."""
    if not passes.has_more():
        return {}
    answer: Any = {}
    try:
        model.reset_metrics()
        callbacks.call("on_test_begin", {})
        for last in _answers(model, step, passes, callbacks, "test", run):
            answer = last
    finally:
        passes.close()
    logs = plain(answer)
    callbacks.call("on_test_end", logs)
    return logs


# --- figures --------------------------------------------------------------------------------


def plain(logs: Any) -> dict[str, Any]:
    """Figures as Python floats, in the order of their names; those of a metric that has several are
    put in its place."""
    result: dict[str, Any] = {}
    for name in sorted(logs):
        value = logs[name]
        if isinstance(value, dict):
            result.update(plain(value))
        else:
            result[name] = float(value) if np.ndim(value) == 0 else value
    return result


def in_order(model: Any, logs: dict[str, Any]) -> Any:
    """The figures as a list in the order of the model's metrics; a lone one by itself."""
    names = [name for name in model.metrics_names if name in logs]
    values = [logs[name] for name in dict.fromkeys([*names, *logs])]
    return values[0] if len(values) == 1 else values
