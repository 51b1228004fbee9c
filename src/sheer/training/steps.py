"""The steps of a model, traced once for each kind of data."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from sheer.core import config, tree
from sheer.core.errors import TraceError
from sheer.core.shapes import N
from sheer.ops.symbol import Symbol
from sheer.ops.tensor import Tensor
from sheer.program.program import NAMES, Program
from sheer.training.checked import CheckedEagerStep, CheckedStep
from sheer.training.data import Data, batch_dtype, ready, unpack
from sheer.training.eager import EagerStep, check_logs
from sheer.training.step import Batches, Step

SUMMARIES = {
    "train_step": "One step of mini-batch gradient descent",
    "test_step": "The loss and metrics of one batch",
    "predict_step": "The predictions for one batch",
}


class Steps:
    """Keeps the traced steps of a model by kind (train, test, predict) and by shapes and dtypes."""

    def __init__(self, model: Any):
        self.model = model
        self._steps: dict[Any, Step] = {}
        self._checked_steps: dict[Step, Batches] = {}
        self._latest: dict[str, Any] = {}
        self._given: dict[str, Program] = {}
        # The predict steps by the shape and dtype of a row, with the structure that they are for.
        self._ready: dict[Any, tuple[Any, Step]] = {}
        # Shapes and dtypes of the rows that the model was called on.
        self._called: set[Any] = set()

    def __getstate__(self) -> dict[str, Any]:
        """What the copy of a model gets: its steps are traced anew."""
        return {"model": self.model, "given": self._given}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"])  # type: ignore[misc]
        self._given = state["given"]

    def clear(self) -> None:
        """Forget all of them, and the programs given by hand."""
        self.__init__(self.model)  # type: ignore[misc]

    def get(self, kind: str, data: Data) -> Batches:
        """What runs this kind of step on batches of the data."""
        if getattr(self.model, "run_eagerly", False):
            self.build(data)
            self._build_metrics(symbols_of(data, self.model))
            eager = CheckedEagerStep if self._checks(kind) else EagerStep
            return eager(self.model, kind, data.structure())
        symbols = self._latest[kind] = symbols_of(data, self.model)
        return self._checked(kind, self._step(kind, symbols))

    def _checks(self, kind: str) -> bool:
        return kind == "train_step" and self.model.check_finite

    def _checked(self, kind: str, step: Step) -> Batches:
        """The step itself, or where `compile` asked for that, the one that stops at a NaN."""
        if not self._checks(kind):
            return step
        if step not in self._checked_steps:
            self._checked_steps[step] = CheckedStep(self.model, step)
        return self._checked_steps[step]

    def find(self, kind: str, data: Data) -> Batches | None:
        """The step for such data, where it was traced already."""
        if getattr(self.model, "run_eagerly", False):
            return None
        symbols = symbols_of(data, self.model)
        step = self._steps.get(self._key(kind, symbols))
        if step is None:
            return None
        self._latest[kind] = symbols
        return self._checked(kind, step)

    def build(self, data: Data) -> None:
        """Build the model for such data, if need be."""
        try:
            self._build_model(symbols_of(data, self.model))
        except TraceError:
            if not getattr(self.model, "run_eagerly", False):
                raise
            # Python that only runs on numbers gets some; what could be built is built.
            x = tree.map_tree(lambda a: Tensor(ready(a[:2])), data.parts["x"])
            self.model(x)

    def predict_at_once(self, x: np.ndarray[Any, Any]) -> Any:
        """The predictions for one batch like one seen before; None where there is more to be asked:
        other data, another model, a NaN."""
        known = self._ready.get((x.shape[1:], x.dtype))
        if known is None or known[0] is not self.model._structure() or not len(x):
            return None
        if x.dtype.kind == "f" and not isfinite(np.vdot(x, x)):
            return None
        return known[1]([x])

    def call_at_once(self, x: np.ndarray[Any, Any]) -> Any:
        """The outputs of a call of the model outside of any trace or tape, by its program; None
        where the layers are to be called one by one: at first, and always where they are a user's.
        """
        key = x.shape[1:], x.dtype
        if key not in self._called:
            self._called.add(key)  # a program is worth it from the second call on
            return None
        structure = self.model._structure()
        if not structure.is_ours or x.dtype != batch_dtype(x.dtype):
            return None
        if key not in self._ready or self._ready[key][0] is not structure:
            symbol = Symbol((N, *x.shape[1:]), x.dtype.name, label="x")
            self.remember(x, self._step("predict_step", symbol))
        return self.predict_at_once(x)

    def remember(self, x: np.ndarray[Any, Any], step: Any) -> None:
        """Let `predict_at_once` know the step for such a batch."""
        if isinstance(step, Step) and x.dtype == batch_dtype(x.dtype):
            self._ready[x.shape[1:], x.dtype] = self.model._structure(), step

    def _build_model(self, data: Any) -> None:
        model = self.model
        if model.has_call() and (not model.built or model.input_symbols is None):
            model.build_for(unpack(data)[0])

    def _build_metrics(self, data: Any) -> None:
        model = self.model
        _, y, _ = unpack(data)
        if model._compiled is not None and y is not None and model.output_symbols is not None:
            model._compiled.build(y, model.output_symbols)

    def _step(self, kind: str, data: Any) -> Step:
        self._build_model(data)
        self._build_metrics(data)
        key = self._key(kind, data)
        if key not in self._steps:
            step = Step(getattr(self.model, kind), (data,), kind, SUMMARIES[kind])
            check_logs(kind, step.graph.output)
            if kind in self._given:
                step.use(self._given[kind])
            # Optimizer and metrics may have made their variables only now.
            self._steps[self._key(kind, data)] = step
            return step
        return self._steps[key]

    def _key(self, kind: str, data: Any) -> Any:
        """What a traced step depends on: the data's form, the weights that there are, the optimizer
        and where its learning rate comes from."""
        model = self.model
        structure = repr(tree.map_tree(lambda s: s if s is None else (s.shape, s.dtype), data))
        # The objects themselves: while they are kept here, no others can get their id().
        weights = tuple((v, v.trainable) for v in model.weights)
        # A frozen BatchNormalization computes otherwise, also where it has no weights to train.
        frozen = tuple((layer.trainable, layer.adapted) for layer in model._flatten_layers())
        rate = getattr(model.optimizer, "_learning_rate", None)
        return kind, structure, weights, frozen, model.optimizer, rate

    def program(self, kind: str, x: Any = None, y: Any = None, weight: Any = None) -> Program:
        """The program of a kind of step, for data like these, or for those seen last."""
        return self.step(kind, None if x is None else Data(x, y, weight, kind)).program

    def step(self, kind: str, data: Data | None = None) -> Step:
        """A kind of step, for such data, or for those seen last."""
        if data is not None:
            return self._step(kind, symbols_of(data, self.model))
        return self._step(kind, self._latest_or_suggested(kind))

    def _latest_or_suggested(self, kind: str) -> Any:
        latest = self._latest.get(kind)
        return self._suggested(kind) if latest is None else latest

    def _suggested(self, kind: str) -> Any:
        """Symbols for the model's input, and for targets such as its loss takes."""
        model = self.model
        model.check_built(kind.replace("step", "program"))
        x = model.input_symbols
        if kind == "predict_step":
            return (x,) if isinstance(x, (list, tuple)) else x
        if model.outputs_like() is None:
            model.build_for(x)
        outputs = model.outputs_like()
        names = names_of("y", outputs, model.names_inside()[1])
        loss = model._compiled_loss
        found = [(y.shape, config.floatx()) for y in tree.leaves(outputs)]
        if loss is not None:
            found = loss.suggested_targets(outputs)
        y = [Symbol(*spec, label=name) for spec, name in zip(found, names, strict=True)]
        return x, tree.refill(outputs, y)

    def use(self, program: Program | None) -> None:
        """Run a given program for its kind of step; None: the traced ones again."""
        if program is None:
            self.clear()
            return
        if program.name not in NAMES:
            raise ValueError(
                f"use_program: the function must be called {', '.join(NAMES[:-1])} or {NAMES[-1]}. "
                f"Got {program.name!r}."
            )
        self._ready.clear()
        for key, step in self._steps.items():
            if key[0] == program.name:
                step.use(program)
        self._given[program.name] = program


def symbols_of(data: Data, model: Any) -> Any:
    """What `train_step` gets, with a symbol of n rows for each array."""
    inputs, outputs = model.names_inside()
    labelled = [
        (label, array)
        for part, arrays in data.parts.items()
        for label, array in zip(
            names_of(part, arrays, inputs if part == "x" else outputs),
            tree.leaves(arrays),
            strict=True,
        )
    ]
    names = iter(label for label, array in labelled if array is not None)

    def symbol(array: np.ndarray[Any, Any] | None) -> Symbol | None:
        if array is None:
            return None
        return Symbol((N, *array.shape[1:]), batch_dtype(array.dtype), label=next(names))

    return tree.map_tree(symbol, data.structure())


def names_of(part: str, structure: Any, given: list[str]) -> list[str]:
    """A name for each array of a part of the data: x, or x_1 and x_2; in place of the numbers, the
    keys of a dictionary, or names that the user gave to inputs and outputs. Those of x stand by
    themselves, those of y come after it."""
    if not isinstance(structure, (list, tuple, dict)):
        return [part]
    count = len(tree.leaves(structure))
    if isinstance(structure, dict) and count == len(structure):
        names = list(map(str, structure))
    else:
        names = given if len(given) == count else [""] * count
    return [
        f"{part}_{i + 1}"
        if not name or name.startswith("input_layer")
        else name
        if part == "x"
        else f"{part}_{name}"
        for i, name in enumerate(names)
    ]
