"""Functions run as native plans, for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import sheer
from sheer.core import tree
from sheer.engines.native.native import native, why_not
from sheer.engines.native.plan import Plan, Source
from sheer.ops.symbol import Symbol
from sheer.ops.tensor import Tensor
from sheer.trace import trace

needs_native = pytest.mark.skipif(bool(why_not()), reason=f"no native engine: {why_not()}")
ISAS = [] if why_not() else native().isas()
# By dtype: how far a result may be from NumPy's. Whole numbers are equal.
TOLERANCE = {"float32": 2e-6, "float64": 1e-13}


def plan_of(function: Callable[..., Any], *arrays: np.ndarray, isa: str = "") -> Plan:
    """The plan of a function of arrays of these shapes."""
    symbols = [Symbol(a.shape, a.dtype.name, label=f"x{i}") for i, a in enumerate(arrays)]
    graph = trace(function, tuple(symbols), "function")
    return Plan(graph, 0, [Source(a.dtype.name, len(a) if a.ndim else 0) for a in arrays], isa)


def run_plan(plan: Plan, *arrays: np.ndarray) -> Any:
    """What the plan gives for these arrays."""
    outputs = plan.new_outputs()
    plan.run([np.require(a, requirements="C") for a in arrays], outputs)
    return plan.structure(outputs)


def natively(function: Callable[..., Any], *arrays: np.ndarray, isa: str = "") -> Any:
    """What a function of arrays gives on the native engine."""
    return run_plan(plan_of(function, *arrays, isa=isa), *arrays)


def eagerly(function: Callable[..., Any], *arrays: np.ndarray) -> Any:
    """What it gives op by op, with NumPy."""
    with on_engine("numpy"), np.errstate(all="ignore"):
        found = function(*map(Tensor, arrays))
    return tree.map_tree(lambda v: v.numpy() if hasattr(v, "numpy") else v, found)


def compare(
    function: Callable[..., Any], *arrays: np.ndarray, isa: str = "", signs: bool = True
) -> Plan:
    """Hold a function on the native engine against the same, op by op, with NumPy."""
    plan = plan_of(function, *arrays, isa=isa)
    assert_close(run_plan(plan, *arrays), eagerly(function, *arrays), signs=signs)
    return plan


def assert_close(found: Any, wanted: Any, scale: float = 1, signs: bool = True) -> None:
    """Equal up to rounding, and also in the signs of zeros; whole numbers exactly."""
    for a, b in zip(leaves(found), leaves(wanted), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        if a.dtype.kind != "f":
            np.testing.assert_array_equal(a, b)
            continue
        tolerance = scale * TOLERANCE[a.dtype.name]
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
        zeros = (a == 0) & (b == 0) & signs
        np.testing.assert_array_equal(np.signbit(a[zeros]), np.signbit(b[zeros]))


def kinds(plan: Plan) -> list[str]:
    """The kernels of a plan, in words."""
    return [kernel.kind for kernel in plan.schedule.kernels]


def reasons(plan: Plan) -> dict[str, str]:
    """Which ops NumPy runs, and why."""
    calls = plan.graph.calls
    return {calls[i].op.name: reason for i, reason in plan.lowered.reasons.items()}


def leaves(values: Any) -> list[np.ndarray]:
    """The arrays of a structure."""
    return [np.asarray(v) for v in tree.leaves(values)]


@contextmanager
def on_engine(name: str) -> Iterator[None]:
    """With this engine."""
    before = sheer.config.engine()
    sheer.config.set_engine(name)
    try:
        yield
    finally:
        sheer.config.set_engine(before)


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """With so many threads."""
    before = sheer.config.num_threads()
    sheer.config.set_num_threads(count)
    try:
        yield
    finally:
        sheer.config.set_num_threads(before)


@contextmanager
def in_floatx(dtype: str) -> Iterator[None]:
    """With this default float type."""
    before = sheer.config.floatx()
    sheer.config.set_floatx(dtype)
    try:
        yield
    finally:
        sheer.config.set_floatx(before)
