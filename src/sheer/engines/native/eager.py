"""Single ops on the native engine: those whose work outweighs the way there."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from sheer.core.dtypes import NAMES
from sheer.core.scope import current_place
from sheer.engines.choice import engine
from sheer.engines.native.plan import Plan, Source
from sheer.engines.native.plans import can_take
from sheer.ops.declare import OPS
from sheer.ops.recording import Call
from sheer.ops.symbol import Symbol
from sheer.trace.graph import Graph

# How much work an op is, by the shapes of its operands and its attributes, in elements or in
# multiply-adds; others are left to NumPy.
WORK: dict[str, Callable[..., Any]] = {
    "matmul": lambda shapes, attrs: math.prod(shapes[0]) * shapes[1][-1] // 8,
    "affine": lambda shapes, attrs: math.prod(shapes[0]) * shapes[1][-1] // 8,
    "sum": lambda shapes, attrs: math.prod(shapes[0]) // 16,
    "scatter_add": lambda shapes, attrs: math.prod(shapes[0]),
    "random_uniform": lambda shapes, attrs: math.prod(attrs["shape"]),
    "random_normal": lambda shapes, attrs: math.prod(attrs["shape"]),
    "random_truncated_normal": lambda shapes, attrs: math.prod(attrs["shape"]),
    "random_permutation": lambda shapes, attrs: attrs["count"],
}
WORTH = 8192
KEPT = 64

_plans: OrderedDict[Any, Plan] = OrderedDict()


def install() -> None:
    """Let these ops ask here first."""
    for name in WORK:
        OPS[name].accelerated = compute


def compute(op: Any, arrays: list[Any], attrs: dict[str, Any]) -> list[Any] | None:
    """The results of an op for NumPy arrays; None where NumPy is to compute them."""
    if not all(type(a) is np.ndarray and can_take(a) for a in arrays):
        return None
    shapes = [a.shape for a in arrays]
    work = WORK[op.name]
    if min(map(len, shapes), default=0) == 0 or work(shapes, attrs) < WORTH or engine() == "numpy":
        return None
    key = op.name, *((a.shape, a.dtype) for a in arrays), repr(attrs)
    plan = _plans.get(key)
    if plan is None:
        plan = _plans[key] = _plan(op, arrays, attrs)
        if len(_plans) > KEPT:
            _plans.popitem(last=False)
    _plans.move_to_end(key)
    if plan.lowered.reasons:
        return None
    outputs = plan.new_outputs()
    try:
        plan.run(arrays, outputs)
    except IndexError:
        return None  # NumPy says where
    return outputs


def _plan(op: Any, arrays: list[Any], attrs: dict[str, Any]) -> Plan:
    symbols = [Symbol(a.shape, NAMES[a.dtype]) for a in arrays]
    call = Call(op, list(symbols), attrs, place=current_place())
    call.outputs = [Symbol(shape, dtype, source=call) for shape, dtype in op.infer(call)]
    graph = Graph(op.name, symbols, [call], {}, {}, list(call.outputs))
    return Plan(graph, 0, [Source(NAMES[a.dtype], len(a)) for a in arrays])
