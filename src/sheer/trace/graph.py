"""Trace and Graph: the ops that a function calls, in order, and the state it reads and assigns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sheer.core import tree
from sheer.core.dtypes import DTYPES
from sheer.core.errors import ShapeError
from sheer.core.scope import current_place
from sheer.core.shapes import Dim
from sheer.ops.arithmetic import cast, stop_gradient
from sheer.ops.declare import operand
from sheer.ops.recording import Call, known_alike, tracing
from sheer.ops.symbol import Symbol
from sheer.ops.tensor import Tensor
from sheer.ops.variable import Variable
from sheer.trace.rewrites import RULES, batch_size


@dataclass
class Graph:
    """A function as a list of calls, in the order in which they run.

    `inputs` are its data; `reads` the Variables whose value it needs, with the symbol that stands
    for it; `writes` the Variables that it assigns, with their new value; `output` is the structure
    that it returns.
    """

    name: str
    inputs: list[Symbol]
    calls: list[Call]
    reads: dict[Variable, Symbol]
    writes: dict[Variable, Any]
    output: Any


class Trace:
    """Listens to ops and variables while a function runs on symbols."""

    def __init__(self, inputs: list[Symbol]):
        self.inputs = inputs
        self.calls: list[Call] = []
        self.reads: dict[Variable, Symbol] = {}
        self.writes: dict[Variable, Any] = {}
        self._known: dict[Any, Call] = {}

    def simplify(self, call: Call) -> Any:
        """What a rewrite rule gives in place of this call; None where none applies."""
        for rule in RULES.get(call.op.name, []):
            simpler = rule(call)
            if simpler is not None:
                return simpler
        return None

    def record(self, call: Call) -> Call:
        """Write a call down; an equal one made before is found again (common subexpressions)."""
        key = (call.op.name, *map(_identity, call.inputs), repr(call.attrs))
        known = self._known.get(key)
        if known is not None and known_alike(call, known):
            return known
        call.outputs = [Symbol(s, d, source=call) for s, d in call.op.infer(call)]
        call.place = current_place()
        self.calls.append(call)
        self._known[key] = call
        return call

    def size(self, dim: Dim) -> Symbol:
        """The symbol of a size that depends on the batch."""
        for x in self.inputs:
            for axis, size in enumerate(x.shape):
                if size == Dim():
                    call = Call(
                        batch_size,
                        [x],
                        {"axis": axis, "factor": dim.factor, "offset": dim.offset},
                    )
                    symbol: Symbol = self.record(call).outputs[0]
                    symbol.number = True
                    return symbol
        raise ShapeError(f"the size {dim} depends on a batch, and no input has one")

    def read(self, variable: Variable) -> Any:
        """The value of a Variable: a symbol, or what was assigned to it before."""
        if variable in self.writes:
            # A new name for the value: gradients do not pass through an assignment.
            written = self.writes[variable]
            return stop_gradient(written) if isinstance(written, Symbol) else written
        if variable not in self.reads:
            self.reads[variable] = Symbol(variable.shape, variable.dtype)
        return self.reads[variable]

    def assign(self, variable: Variable, value: Any) -> None:
        """The new value of a Variable, in its dtype."""
        value = operand(value)
        if not isinstance(value, Symbol):
            # A Tensor of its own, as `read` makes a symbol of its own.
            value = Tensor(value, variable.dtype)
        self.writes[variable] = (
            value if value.dtype == variable.dtype else cast(value, variable.dtype)
        )


def _identity(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_identity, value))
    if isinstance(value, (int, float)):
        return type(value), repr(value)
    if isinstance(value, Tensor) and value.ndim == 0:
        return value.dtype, repr(value.numpy())
    return id(value)


def trace(function: Callable[..., Any], arguments: Any, name: str = "") -> Graph:
    """Run a function once on symbols and write down what it does.

    Args:
        function: called as `function(*arguments)`.
        arguments: a tuple of structures whose leaves are Symbols (the data), or any other values,
            which are passed as they are.
        name: of the graph; the function's own by default.

    Python side effects happen once, now. Variables are left as they were.
    """
    inputs = [leaf for leaf in tree.leaves(arguments) if isinstance(leaf, Symbol)]
    found = Trace(inputs)
    with tracing(found):
        output = function(*arguments)
        output = tree.map_tree(_output, output)
    graph = Graph(
        name or getattr(function, "__name__", "program"),
        inputs,
        found.calls,
        found.reads,
        found.writes,
        output,
    )
    return without_dead_code(graph)


def _output(value: Any) -> Any:
    if isinstance(value, (Variable, Dim)):
        return operand(value)
    if value is None or isinstance(value, (Symbol, Tensor, int, float, str)):
        return value
    if getattr(getattr(value, "dtype", None), "name", None) in DTYPES:
        return Tensor(value)
    raise TypeError(
        f"A traced function returns tensors, numbers, or structures of them. Got {value!r}."
    )


def without_dead_code(graph: Graph) -> Graph:
    """The graph without calls that no output and no assigned Variable needs."""
    # A Variable that is assigned the very value that was read does not change.
    graph.writes = {
        v: value for v, value in graph.writes.items() if graph.reads.get(v) is not value
    }
    needed = {id(v) for v in [*tree.leaves(graph.output), *graph.writes.values()]}
    live: list[Call] = []
    for call in reversed(graph.calls):
        if any(id(y) in needed for y in call.outputs):
            live.append(call)
            needed.update(id(x) for x in call.operands())
    graph.calls = live[::-1]
    graph.reads = {v: s for v, s in graph.reads.items() if id(s) in needed}
    return graph
