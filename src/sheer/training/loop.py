"""The loops of `fit`, `evaluate` and `predict`: batches through a step, with callbacks around."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sheer.callbacks import Callback, CallbackList, History, ProgbarLogger
from sheer.core import random, tree
from sheer.core.checks import integer
from sheer.ops.random import random_permutation
from sheer.ops.tensor import Tensor
from sheer.training.data import Arrays, Data, class_weights

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
    validation_freq: int = 1

    def check(self, caller: str) -> None:
        """Raise for a value that cannot be."""
        for name in ("batch_size", "steps", "validation_batch_size", "validation_freq"):
            value = getattr(self, name)
            if value is not None and not integer(1).accepts(value):
                raise ValueError(f"{caller}: {name} must be {integer(1).words}. Got {value!r}.")
        for name in ("epochs", "initial_epoch"):
            if not integer(0).accepts(getattr(self, name)):
                raise ValueError(
                    f"{caller}: {name} must be {integer(0).words}. Got {getattr(self, name)!r}."
                )
        if self.verbose not in ("auto", 0, 1, 2):
            raise ValueError(f"{caller}: verbose must be 0, 1, 2 or 'auto'. Got {self.verbose!r}.")

    def step_count(self, rows: int) -> int:
        """How many batches an epoch has."""
        batches = -(-rows // (self.batch_size or BATCH_SIZE))
        return batches if self.steps is None else min(self.steps, batches)


@dataclass
class LastFit:
    """What `write_program` needs to know of the last `fit`. The data are not kept alive by it."""

    settings: Settings
    first_key: random.Key
    data: list[Any]
    validation: list[Any]


def fit(
    model: Any, x: Any, y: Any, settings: Settings, by_class: Any, sample_weight: Any
) -> History:
    """Train a model: see `Model.fit`."""
    settings.check("fit")
    model.check_compiled("fit")
    data = Data(x, y, weights_of(y, sample_weight, by_class), "fit")
    data, validation = _with_validation(data, settings)
    step = model._steps.get("train_step", data)
    for one in (data, validation):
        if one is not None:
            check_targets(model, one)
    test_step = model._steps.get("test_step", validation) if validation else None

    key = random.reserve_keys(max(0, settings.epochs - settings.initial_epoch))
    model.last_fit = LastFit(settings, key, _weak(data), _weak(validation) if validation else [])
    history = History()
    callbacks = _callbacks(model, [history], settings, data.rows)
    model.history, model.stop_training = history, False
    callbacks.call("on_train_begin", {})
    logs: dict[str, Any] = {}
    for epoch in range(settings.initial_epoch, settings.epochs):
        model.reset_metrics()
        callbacks.call("on_epoch_begin", epoch, {})
        order = None
        if settings.shuffle:
            order = shuffled(data.rows, (key[0], key[1] + epoch - settings.initial_epoch))
        logs = _run(model, step, data, settings, callbacks, "train", order)
        if validation and test_step and (epoch + 1) % settings.validation_freq == 0:
            inner = replace(
                settings,
                batch_size=settings.validation_batch_size or settings.batch_size,
                steps=settings.validation_steps,
            )
            figures = _evaluated(model, test_step, validation, inner, callbacks)
            logs = {**logs, **{f"val_{name}": value for name, value in figures.items()}}
        callbacks.call("on_epoch_end", epoch, logs)
        if model.stop_training:
            break
    callbacks.call("on_train_end", logs)
    return history


def evaluate(model: Any, data: Data, settings: Settings) -> dict[str, float]:
    """The figures of a model on data: see `Model.evaluate`."""
    settings.check("evaluate")
    model.check_compiled("evaluate")
    step = model._steps.get("test_step", data)
    check_targets(model, data)
    callbacks = _callbacks(model, [], settings, data.rows)
    return _evaluated(model, step, data, settings, callbacks)


def predict(model: Any, data: Data, settings: Settings) -> Any:
    """The outputs of a model for data: see `Model.predict`."""
    settings.check("predict")
    step = model._steps.get("predict_step", data)
    callbacks = _callbacks(model, [], settings, data.rows)
    callbacks.call("on_predict_begin", {})
    outputs: list[Any] = []
    for number, batch in _numbered(data, settings):
        callbacks.call("on_predict_batch_begin", number, {})
        outputs.append(step(batch))
        callbacks.call("on_predict_batch_end", number, {"outputs": outputs[-1]})
    callbacks.call("on_predict_end", {})
    columns = zip(*(tree.leaves(output) for output in outputs), strict=True)
    return tree.refill(outputs[0], [np.concatenate(column) for column in columns])


def check_targets(model: Any, data: Data) -> None:
    """Ask the loss whether the targets can be right for the model's outputs."""
    y = data.parts.get("y")
    if model._compiled_loss is not None and isinstance(y, np.ndarray) and model.output_shape:
        model._compiled_loss.check_targets(y, model.output_shape)
    elif model._compiled_loss is not None and y is None and data.caller in ("fit", "evaluate"):
        raise ValueError(f"{data.caller}: y is missing; the loss compares predictions with it.")


def weights_of(y: Any, sample_weight: Any, by_class: Any) -> Any:
    """The weight of each example from its own and that of its class."""
    if by_class is None:
        return sample_weight
    weights = class_weights(y, by_class)
    return weights if sample_weight is None else weights * np.asarray(sample_weight)


def shuffled(rows: int, key: random.Key) -> np.ndarray[Any, Any]:
    """The order of the rows in an epoch."""
    order: np.ndarray[Any, Any] = random_permutation(Tensor(list(key), "uint32"), rows).numpy()
    return order


def plain(logs: Any) -> dict[str, float]:
    """Figures as Python floats."""
    return {name: float(value) for name, value in logs.items()}


def _with_validation(data: Data, settings: Settings) -> tuple[Data, Data | None]:
    given = settings.validation_data
    if given is not None:
        if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
            raise ValueError(
                "fit: validation_data must be (x, y) or (x, y, sample_weight). "
                f"Got {type(given).__name__}"
                + (f" of {len(given)}." if isinstance(given, (tuple, list)) else ".")
            )
        x, y, weight = (*given, None)[:3]
        return data, Data(x, y, weight, "fit, validation_data")
    if settings.validation_split:
        return data.split(settings.validation_split)
    return data, None


def _callbacks(model: Any, own: list[Callback], settings: Settings, rows: int) -> CallbackList:
    given = settings.callbacks or []
    all_of_them = [*own, *(given if isinstance(given, (list, tuple)) else [given])]
    if settings.verbose != 0 and not any(isinstance(c, ProgbarLogger) for c in all_of_them):
        all_of_them.insert(0, ProgbarLogger(settings.verbose))
    params = {
        "epochs": settings.epochs,
        "steps": settings.step_count(rows),
        "verbose": settings.verbose,
    }
    return CallbackList(all_of_them, model, params)


def _numbered(data: Data, settings: Settings, order: np.ndarray[Any, Any] | None = None) -> Any:
    """(number, batch) for each step of an epoch."""
    batches = data.batches(settings.batch_size or BATCH_SIZE, order)
    return zip(range(settings.step_count(data.rows)), batches, strict=False)


def _run(
    model: Any,
    step: Callable[[Arrays], Any],
    data: Data,
    settings: Settings,
    callbacks: CallbackList,
    kind: str,
    order: np.ndarray[Any, Any] | None = None,
) -> dict[str, float]:
    """All batches of an epoch or an evaluation; the figures after the last one."""
    begin, end = f"on_{kind}_batch_begin", f"on_{kind}_batch_end"
    wants_begin, wants_end = callbacks.wants(begin), callbacks.wants(end)
    logs: Any = {}
    for number, batch in _numbered(data, settings, order):
        if wants_begin:
            callbacks.call(begin, number, {})
        logs = step(batch)
        if wants_end:
            callbacks.call(end, number, plain(logs))
        if kind == "train" and model.stop_training:
            break
    return plain(logs)


def _evaluated(
    model: Any,
    step: Callable[[Arrays], Any],
    data: Data,
    settings: Settings,
    callbacks: CallbackList,
) -> dict[str, float]:
    model.reset_metrics()
    callbacks.call("on_test_begin", {})
    logs = _run(model, step, data, settings, callbacks, "test")
    callbacks.call("on_test_end", logs)
    return logs


def _weak(data: Data) -> list[Any]:
    """References that do not keep the arrays alive."""
    return [weakref.ref(array) for array in data.arrays]
