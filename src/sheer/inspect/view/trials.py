"""Trials: what a model would do, from where it stands now, without changing it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from sheer.core import tree
from sheer.core.shapes import show
from sheer.inspect.view.description import Watch
from sheer.inspect.view.plain import Array

Arrays = list[Array]

# The values of a prediction with more numbers than this are left out.
MOST_NUMBERS = 1 << 16
# That each of the two trainings of a `what_if` may take.
MOST_SECONDS = 20.0


@contextmanager
def put_back(variables: Sequence[Any]) -> Iterator[None]:
    """Whatever happens inside: these Variables have their present values after it, bit for bit."""
    before = [(v, v.stored()) for v in variables]
    try:
        yield
    finally:
        for variable, value in before:
            variable.store(value)


def coming(upcoming: Any, steps: int) -> list[Arrays]:
    """The next so many batches; where the epoch ends before, it goes on in this epoch's order."""
    stretch, data = upcoming.stretch, upcoming.data
    first, found = stretch.first, []
    for _ in range(steps):
        if first >= data.rows:
            first = 0
        n = min(stretch.n, data.rows - first)
        found.append(data.batch(first, n, stretch.order))
        first += n
    return found


def what_if(run: Any, watch: Watch, learning_rate: float, steps: int) -> dict[str, Any]:
    """Train twice from here on the same batches: with the learning rate that there is, and with
    this one. The losses of the batches; then all is as it was.

    Where so many steps would take long, there are fewer.
    """
    if watch.rows is None:
        raise ValueError(
            "what_if needs data in arrays: the coming batches of a stream are unknown."
        )
    model, upcoming = watch.model, run.upcoming
    batches = coming(upcoming, steps)
    present = rate_of(model)
    if present is None:
        raise ValueError("what_if: the model has no optimizer with one learning rate.")
    answer: dict[str, Any] = {}
    for name, rate in (("now", present), ("other", learning_rate)):
        with put_back(run.variables()):
            if name == "other":
                set_rate(model, rate)
            losses = _trained(model, upcoming.step, batches)
        batches = batches[: len(losses)]
        answer[name] = {"learning_rate": rate, "loss": losses[: len(batches)]}
    return {"steps": list(range(1, len(batches) + 1)), **answer}


def _trained(model: Any, step: Any, batches: list[Arrays]) -> list[float]:
    """Train on batches, as far as there is time; the loss of each."""
    end, losses = time.perf_counter() + MOST_SECONDS, []
    for batch in batches:
        model.reset_metrics()  # the loss is then that of the batch alone
        logs = step(batch)
        if "loss" not in logs:
            raise ValueError(f"what_if: train_step returns no loss, only {', '.join(logs)}.")
        losses.append(float(logs["loss"]))
        if time.perf_counter() > end:
            break
    return losses


def rate_of(model: Any) -> float | None:
    """The learning rate of the coming step; None where there is none, or several."""
    rate = getattr(model.optimizer, "learning_rate", None)
    return None if rate is None else float(rate)


def set_rate(model: Any, value: float) -> None:
    """Set the optimizer's learning rate; ValueError where a schedule computes it."""
    if rate_of(model) is None:
        raise ValueError("set_learning_rate: the model has no optimizer with one learning rate.")
    try:
        model.optimizer.learning_rate = value
    except (TypeError, ValueError) as error:
        raise ValueError(str(error)) from None


def predicted(watch: Watch, x: Any) -> dict[str, Any]:
    """What the present weights make of one row that a page gives: the outputs, and the values on
    the way to them."""
    if watch.predict is None:
        raise ValueError("predict: this model has no outputs to predict: it is all train_step.")
    step = watch.predict.record(_row(watch.predict, x))
    outputs = [entry["name"] for entry in watch.outputs()]
    return {
        "outputs": {name: step[name][0] for name in outputs},
        "values": {
            name: {"shape": v.shape, "data": v.reshape(-1)}
            for name, v in step.values.items()
            if v.size <= MOST_NUMBERS
        },
    }


def _row(predict: Any, x: Any) -> Arrays:
    """The arrays of one row, for each input of the program."""
    names = list(predict.data)
    if not isinstance(x, dict):
        if len(names) != 1:
            raise ValueError(f"predict: x must have an array for each of {', '.join(names)}.")
        x = {names[0]: x}
    if set(x) != set(names):
        got = ", ".join(map(str, x))
        raise ValueError(f"predict: x must have {', '.join(names)}. Got {got:.80}.")
    symbols = {s.label: s for s in predict.graph.inputs}
    symbols = {
        name: symbols.get(name, s) for name, s in zip(names, predict.graph.inputs, strict=True)
    }
    return [_one(name, x[name], symbols[name]) for name in names]


def _one(name: str, value: Any, symbol: Any) -> Array:
    try:
        array = np.asarray(value, "float64")
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"predict: {name} must hold numbers, in lists of one length.") from None
    shape = tuple(symbol.shape[1:])
    if array.size != math.prod(shape):
        raise ValueError(
            f"predict: {name} has {array.size} numbers, and a row has the shape {show(shape)}."
        )
    with np.errstate(all="ignore"):
        row = array.reshape(1, *shape).astype(symbol.dtype)
    if not np.isfinite(array).all():
        raise ValueError(f"predict: {name} must hold finite numbers.")
    if not np.isfinite(row).all():
        raise ValueError(f"predict: {name} has a number that is too large for {symbol.dtype}.")
    return row


class Sample:
    """A row of the training data, and whether the model is right about it.

    Args:
        watch: the training.
        row: its number.
    """

    def __init__(self, watch: Watch, row: int):
        if watch.rows is None:
            raise ValueError("run_until: the rows of a stream have no numbers. Give fit arrays.")
        if row >= watch.rows:
            raise ValueError(f"run_until: sample must be below {watch.rows}. Got {row}.")
        outputs = watch.outputs()
        found = [
            (place, entry)
            for place, entry in enumerate(outputs)
            if entry["kind"] in ("classes", "binary") and entry["target"] is not None
        ]
        if not found:
            raise ValueError("run_until: right and wrong are for classes, and no output has these.")
        self._place, entry = found[0]
        self._predict, inputs = watch.predict, watch.inputs
        self._batch = [
            inputs[name][row : row + 1].astype(symbol.dtype)
            for name, symbol in zip(watch.predict.data, watch.predict.graph.inputs, strict=True)
        ]
        self._label = _class_of(watch.targets[entry["target"]][row : row + 1], True)

    def is_right(self) -> bool:
        """What the present weights say."""
        output = tree.leaves(self._predict(self._batch))[self._place]
        return _class_of(np.asarray(output), False) == self._label


def _class_of(value: Array, is_target: bool) -> int:
    """The class that a label, a probability, or a row of these stands for."""
    flat = value.reshape(-1)
    if flat.size > 1:
        return int(flat.argmax())
    return int(flat[0]) if is_target else int(flat[0] > 0.5)
