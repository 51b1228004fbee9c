"""Steps that stop at the first NaN or infinity: what `compile(check_finite=True)` runs."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from sheer.core.errors import NotFiniteError
from sheer.core.finite import all_finite
from sheer.core.scope import current_place
from sheer.core.shapes import show
from sheer.engines.native.plans import can_take
from sheer.engines.stretch import Rows, Stretch
from sheer.ops import recording
from sheer.ops.recording import Call
from sheer.ops.tensor import Tensor
from sheer.ops.variable import Variable
from sheer.program.bind import BoundProgram
from sheer.program.program import Program
from sheer.program.rows import Row
from sheer.program.watch import compiled
from sheer.training.data import Arrays, Data
from sheer.training.eager import EagerStep
from sheer.training.snapshot import Snapshot, first_bad, state_of
from sheer.training.step import INPUT_ERRORS, Batches, Step


class Found(Exception):
    """A line computed a NaN or an infinity.

    row: the line.
    """

    def __init__(self, row: Row):
        super().__init__(row)
        self.row = row


class CheckedStep(Batches):
    """A step that raises NotFiniteError where a line computes a NaN or an infinity, metrics aside.
    The Variables are then as they were before that step; without one it computes what the step
    computes, bit for bit.

    On the native engine a whole turn runs, and says in the end whether all was finite; if not, its
    steps run again one by one. NumPy looks behind each line.
    """

    def __init__(self, model: Any, step: Step):
        self.model, self.step = model, step
        self._is_finite = Variable(np.array(True), trainable=False, name="is_finite")
        self._checking = step.with_check(self._is_finite)
        self._variables = list({**step.graph.reads, **step.graph.writes})
        self._watched: tuple[Program, BoundProgram] | None = None
        self._done = 0  # steps of the stretch
        self._row: Row | None = None  # that NumPy found

    @property
    def graph(self) -> Any:
        """That of the step."""
        return self.step.graph

    @property
    def data(self) -> list[str]:
        """The names of its data."""
        return self.step.data

    @property
    def program(self) -> Program:
        """That of the step."""
        return self.step.program

    @property
    def rows(self) -> list[Row]:
        """The rows of its program."""
        return self.step.rows

    @property
    def bound(self) -> BoundProgram:
        """The program with its Variables."""
        return self.step.bound

    def record(self, batch: Arrays, place: dict[str, Any] | None = None) -> Any:
        """As the step does."""
        return self.step.record(batch, place)

    def __call__(self, batch: Arrays) -> Any:
        self._row = None
        before = Snapshot(self._variables)
        self._is_finite.store(np.array(True))
        try:
            if self.step.is_native:
                answer = self._checking(batch)
            else:
                answer = self.step.as_traced(self._watching()(batch))
        except Found as fault:
            self._row = fault.row
            raise self._error(batch, None) from None
        if not self._is_finite.stored():
            before.restore()
            raise self._error(batch, None)
        self._done += 1
        return answer

    def run(
        self, data: Data, stretch: Stretch, seconds: float, joined: bool = False
    ) -> tuple[int, Any]:
        self._done, self._row = 0, None
        if not (self.step.is_native and all(map(can_take, data.arrays))):
            try:
                return super().run(data, stretch, seconds, joined)
            except NotFiniteError:
                # Once more, now that it is known which rows these are.
                batch = data.batch(*stretch.batch(self._done))
                raise self._error(batch, stretch.rows(self._done)) from None
        before = Snapshot(self._variables)
        self._is_finite.store(np.array(True))
        try:
            ran, answer = self._checking.run(data, stretch, seconds, joined)
        except INPUT_ERRORS:
            if self._is_finite.stored():
                raise
            ran = stretch.steps  # the first NaN came before what it led to
        if self._is_finite.stored():
            return ran, answer
        before.restore()
        self._done = self._first(data, stretch.part(0, ran))
        batch = data.batch(*stretch.batch(self._done))
        raise self._error(batch, stretch.rows(self._done))

    def _first(self, data: Data, stretch: Stretch) -> int:
        self._is_finite.store(np.array(True))
        number = first_bad(
            self._checking, data, stretch, self._variables,
            lambda answer: not self._is_finite.stored(),
        )  # fmt: skip
        assert number is not None, "the same steps, the same numbers"
        return number

    def _watching(self) -> BoundProgram:
        """The program that runs, with a look behind each line."""
        program, rows = self.step.program, self.step.rows
        if self._watched is None or self._watched[0] is not program:

            def look(number: int, names: dict[str, Any]) -> None:
                if rows[number].phase == "metrics":
                    return
                for target in rows[number].targets:
                    if not _is_finite(names.get(target)):
                        raise Found(rows[number])

            watched = copy.copy(program)
            watched.function = compiled(program, rows, look)
            has_state = bool(self.graph.writes)
            bound = BoundProgram(watched, self.step.data, self.step.places, has_state)
            self._watched = program, bound
        return self._watched[1]

    def _error(self, batch: Arrays, rows: Rows | None) -> NotFiniteError:
        from sheer.inspect.not_finite import error_of

        step = self.record(batch, _place(self.model, self, self._done))
        return error_of(step, rows, self._row)


class CheckedEagerStep(EagerStep):
    """The model's own method, op by op, where each op's result is looked at."""

    _done = 0  # steps of the stretch

    def run(
        self, data: Data, stretch: Stretch, seconds: float, joined: bool = False
    ) -> tuple[int, Any]:
        self._done = 0
        return super().run(data, stretch, seconds, joined)

    def __call__(self, batch: Arrays) -> Any:
        before = Snapshot(state_of(self.model))
        looking = Looking(_place(self.model, self, self._done))
        recording.push_tape(looking)
        try:
            answer = super().__call__(batch)
            self._done += 1
            return answer
        except NotFiniteError:
            before.restore()
            raise
        finally:
            recording.pop_tape(looking)


class Looking:
    """Listens as a tape does, and raises where an op computes a NaN or an infinity."""

    def __init__(self, place: dict[str, Any]):
        self.place = place

    def watches(self, call: Call) -> bool:
        """It is told of every call."""
        return True

    def knows(self, call: Call) -> bool:
        """And keeps none."""
        return False

    def variable_read(self, variable: Any, value: Any) -> None:
        """Only what is computed counts."""

    def record(self, call: Call) -> None:
        """Look at what a call computed."""
        place = current_place()
        if place.section == "metrics":
            return
        for value in call.outputs:
            if isinstance(value, Tensor) and not _is_finite(value.numpy()):
                raise NotFiniteError(self._text(call, value.numpy(), place))

    def _text(self, call: Call, value: Any, place: Any) -> str:
        from sheer.inspect.not_finite import number_of, range_of, where_of

        index = tuple(map(int, np.argwhere(~np.isfinite(value))[0]))
        name = call.op.name.lstrip("_")
        phase = place.section.partition(":")[0] or "forward"
        lines = [
            f"{where_of(self.place)}The op {name} computed {number_of(value[index])}"
            + (f" in layer {place.part!r}" if place.part else "")
            + f" ({phase}), at {list(index)} of its result {show(value.shape)}.",
            "Its operands were:",
        ]
        for parameter, operands in zip(call.op.tensors, call.inputs, strict=True):
            for one in operands if isinstance(operands, list) else [operands]:
                if one is not None:
                    lines.append(f"  {parameter}: {range_of(np.asarray(one))}")
        return "\n".join(
            [*lines, "The model is as it was before this step; the traceback names your line."]
        )


def _is_finite(value: Any) -> bool:
    """Whether nothing in it is NaN or infinite; true of what is no number."""
    is_float = isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind == "f"
    return not is_float or all_finite(np.asarray(value))


def _place(model: Any, step: Batches, done: int) -> dict[str, Any]:
    """Where in a `fit` the step is; empty outside of one."""
    run = model._training.run
    upcoming = run and run.upcoming
    if upcoming is None or upcoming.step is not step:
        return {}
    return {"epoch": upcoming.place["epoch"], "batch": upcoming.place["batch"] + done}
