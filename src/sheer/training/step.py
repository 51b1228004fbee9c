"""The step: a function of data and Variables, traced into a program and bound to run."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from sheer.core import tree
from sheer.engines.choice import engine
from sheer.engines.native.explain import explained
from sheer.engines.native.native import why_not
from sheer.engines.native.plans import Plans, can_take
from sheer.engines.stretch import Stretch
from sheer.ops.symbol import Symbol
from sheer.ops.tensor import Tensor
from sheer.ops.variable import Variable
from sheer.program.bind import BoundProgram
from sheer.program.names import identifier, is_reserved
from sheer.program.program import Program
from sheer.program.rows import Row, rows_of
from sheer.program.write import facts, lines_of_calls, named_values, write
from sheer.trace.finite import with_check
from sheer.trace.graph import Graph, trace
from sheer.training.data import Arrays, Data

if TYPE_CHECKING:
    from sheer.inspect.recorded import RecordedStep

Place = tuple[str, str]


class Batches:
    """What runs on batches: a subclass has a call that takes the arrays of one batch."""

    def __call__(self, batch: Arrays) -> Any:
        """Run on one batch; the answer has the structure that was traced."""
        raise NotImplementedError

    def run(
        self, data: Data, stretch: Stretch, seconds: float, joined: bool = False
    ) -> tuple[int, Any]:
        """Run the steps of a stretch of the data; it stops early after so many seconds.

        How many steps were run, and the answer of the last one; with `joined`, those of all, their
        rows one after the other.
        """
        end = time.perf_counter() + seconds
        answers: list[Any] = []
        done = 0
        while done < stretch.steps:
            answers.append(self(data.batch(*stretch.batch(done))))
            done += 1
            if not joined:
                del answers[:-1]
            if time.perf_counter() > end:
                break
        return done, join(answers)


def join(answers: list[Any]) -> Any:
    """Answers for several batches as one: their rows one after the other."""
    if len(answers) == 1:
        return answers[0]
    columns = zip(*(tree.leaves(answer) for answer in answers), strict=True)
    return tree.refill(answers[0], [np.concatenate(column) for column in columns])


# What values can be wrong about. The native engine then leaves the Variables as they were before
# the step, and the program runs it again: the error has the program's line in its traceback.
INPUT_ERRORS = (IndexError, ValueError)


class Step(Batches):
    """A traced function: its graph, its program, and the Variables it is bound to.

    The program runs on the native engine where that is chosen and the program is the one traced;
    else as NumPy code.

    Args:
        function: called once, as `function(*arguments)`, on symbols.
        arguments: structures of Symbols; their labels are the parameters' names.
        name: of the program's function.
        summary: the first line of its docstring.
        place: where a program keeps a Variable, as (namespace, attribute); by the Variable's path
            by default.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: Any,
        name: str,
        summary: str,
        place: Callable[[Variable], Place] | None = None,
    ):
        name = f"{name}_program" if is_reserved(name) or not name.isidentifier() else name
        self.graph: Graph = trace(function, arguments, name)
        variables = list({**self.graph.reads, **self.graph.writes})
        self.places = places_of(
            variables, place or place_by_path, {s.label for s in self.graph.inputs}
        )
        self._summary = summary
        self._plans = Plans(self.graph)
        program = Program(write(self.graph, self.places, summary), name)
        program.explainer = self.explain
        # As the program calls its inputs: by their labels, where these can be names.
        self.data = program.parameters[: len(self.graph.inputs)]
        self.use(program)
        self._is_given = False

    def use(self, program: Program) -> None:
        """Run this program in place of the one traced; it has the same data and state."""
        self.bound = BoundProgram(program, self.data, self.places, bool(self.graph.writes))
        self._is_given = True
        self._rows: list[Row] | None = None

    @property
    def program(self) -> Program:
        """What runs."""
        return self.bound.program

    def explain(self, n: int) -> str:
        """What runs each line of the program, for batches of n rows."""
        if engine() != "native":
            return f"NumPy runs every line: {why_not() or 'that is the engine chosen'}.\n"
        lines = lines_of_calls(self.graph, self.places, self._summary)
        return explained(self._plans.plan_for(n), lines)

    @property
    def rows(self) -> list[Row]:
        """The lines of the program, with what the trace tells about them."""
        if self._rows is None:
            known = facts(self.graph, self.places, self._summary)
            self._rows = rows_of(self.program.text, self.program.name, known)
        return self._rows

    def record(self, batch: Arrays, place: dict[str, Any] | None = None) -> RecordedStep:
        """What the program computes for a batch, line by line, with the present state, which stays
        as it is.

        NumPy runs the lines, whatever the engine, which only lends it the large products: where the
        native one put lines together, their values are nowhere else. Both agree up to rounding.

        place: where in a training it is.
        """
        from sheer.inspect.recorded import record

        return record(self.program, self.rows, self.bound.arguments(batch), place)

    def with_check(self, is_finite: Variable) -> Step:
        """The same step, which on the native engine also sets that Variable to False where a line
        computes a NaN or an infinity, metrics aside."""
        values = named_values(self.graph, self.places, self._summary).values()
        looked_at = [v for v in values if v.source.place.section != "metrics"]
        step = copy.copy(self)
        step._plans = Plans(with_check(self.graph, looked_at, is_finite))
        return step

    @property
    def is_native(self) -> bool:
        """Whether the native engine runs it now."""
        return not self._is_given and engine() == "native"

    def __call__(self, batch: Arrays) -> Any:
        if self._is_given:
            return self.bound(batch)
        if engine() != "native":
            return self.as_traced(self.bound(batch))
        try:
            return self._plans.call(batch)
        except INPUT_ERRORS:
            self.bound(batch)
            raise

    def as_traced(self, output: Any) -> Any:
        """The dtypes that were traced: NumPy's argmax, for one, answers in int64."""
        traced = tree.leaves(self.graph.output)
        if not any(isinstance(s, Symbol) and s.dtype == "int32" for s in traced):
            return output
        values = zip(tree.leaves(output), traced, strict=True)
        return tree.refill(output, [np.asarray(v, getattr(s, "dtype", None)) for v, s in values])

    def run(
        self, data: Data, stretch: Stretch, seconds: float, joined: bool = False
    ) -> tuple[int, Any]:
        is_native = self.is_native and all(map(can_take, data.arrays))
        if not is_native or (joined and not self._plans.by_rows):
            return super().run(data, stretch, seconds, joined)
        try:
            return self._plans.steps(data.arrays, stretch, seconds, joined)
        except INPUT_ERRORS:
            self.bound(data.batch(*stretch.batch(self._plans.done)))
            raise

    def tensors(self, data: list[Any]) -> Any:
        """Run, and give Tensors of the dtypes that were traced."""
        values = tree.leaves(self(data))
        symbols = tree.leaves(self.graph.output)
        return tree.refill(
            self.graph.output,
            [
                Tensor(value, symbol.dtype) if isinstance(symbol, (Symbol, Tensor)) else symbol
                for value, symbol in zip(values, symbols, strict=True)
            ],
        )


def place_by_path(variable: Variable) -> Place:
    """`dense/kernel` as (dense, kernel); a Variable by itself has no namespace."""
    *space, attribute = variable.path.split("/")
    return "_".join(map(identifier, space)), identifier(attribute)


def places_of(
    variables: list[Variable], place: Callable[[Variable], Place], taken: set[str]
) -> dict[Variable, Place]:
    """A place for each Variable, no two the same, and no parameter called as the data are."""
    places: dict[Variable, Place] = {}
    used: set[Place] = set()
    for variable in variables:
        space, attribute = first = place(variable)
        parameter = space or attribute
        count = 1
        while first in used or parameter in taken or is_reserved(parameter):
            count += 1
            if space and (space, attribute) in used:
                first = space, f"{attribute}_{count}"
            else:
                parameter = f"{space or attribute}_{count}"
                first = (parameter, attribute) if space else ("", parameter)
        used.add(first)
        places[variable] = first
    return places
