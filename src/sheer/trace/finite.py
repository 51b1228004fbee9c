"""A graph that also says whether all is finite in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sheer.core.dtypes import is_float
from sheer.ops.arithmetic import isfinite, logical_and
from sheer.ops.recording import Call, tracing
from sheer.ops.reduction import all as all_of
from sheer.ops.symbol import Symbol
from sheer.ops.variable import Variable
from sheer.trace.graph import Graph, Trace

# Ops whose result is surely not finite where one of these operands is not: no comparison, no
# maximum, no division by an infinity can hide it there. None: all operands.
CARRIES: dict[str, tuple[int, ...] | None] = {
    **dict.fromkeys(["add", "subtract", "multiply", "matmul", "affine", "concatenate"]),
    **dict.fromkeys(["negative", "abs", "square", "sum", "mean", "stop_gradient"]),
    **dict.fromkeys(["reshape", "transpose", "expand_dims", "squeeze", "broadcast_to", "cast"]),
    "divide": (0,),
}


def with_check(graph: Graph, values: Iterable[Any], is_finite: Variable) -> Graph:
    """The graph, which then also sets `is_finite` (a Variable of bool, shape ()) to False where one
    of these values is not finite, and leaves it alone elsewhere.

    It computes the same numbers: a value is looked at where it stops, not before an op that
    carries a NaN or an infinity on, so what an engine puts together stays together.
    """
    trace = Trace(graph.inputs)
    trace.calls, trace.reads, trace.writes = [*graph.calls], {**graph.reads}, {**graph.writes}
    with tracing(trace):
        found = is_finite.value
        for value in _ends(graph.calls, [v for v in values if isinstance(v, Symbol)]):
            found = logical_and(found, all_of(isfinite(value)))
        is_finite.assign(found)
    return Graph(graph.name, graph.inputs, trace.calls, trace.reads, trace.writes, graph.output)


def _ends(calls: list[Call], values: list[Symbol]) -> list[Symbol]:
    """Values at which a NaN or an infinity of any of these is to be seen."""
    carried: dict[int, Symbol] = {}
    for call in calls:
        for operand in _carried_operands(call):
            carried.setdefault(id(operand), call.outputs[0])
    ends: dict[int, Symbol] = {}
    for value in values:
        while id(value) in carried:
            value = carried[id(value)]
        ends[id(value)] = value
    return [value for value in ends.values() if is_float(value.dtype)]


def _carried_operands(call: Call) -> list[Any]:
    if call.op.name not in CARRIES or not is_float(call.outputs[0].dtype):
        return []
    places = CARRIES[call.op.name]
    return call.operands() if places is None else [call.operands()[i] for i in places]
