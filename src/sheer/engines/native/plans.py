"""The plans of one graph: a plan for each number of rows, and for each way that data come in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from sheer.core import tree
from sheer.core.dtypes import DTYPES
from sheer.core.shapes import Dim, Shape, show, with_none
from sheer.engines.native.plan import Plan, Source
from sheer.ops.symbol import Symbol
from sheer.trace.graph import Graph

# Plans that are kept; the one used longest ago goes first.
KEPT = 16

Rows = np.ndarray[Any, Any]


class Plans:
    """Runs a graph on the native engine."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self._plans: OrderedDict[Any, Plan] = OrderedDict()
        self._dtypes = [np.dtype(symbol.dtype) for symbol in graph.inputs]
        # For each input its sizes, None for n, and the axis that has n rows, or -1.
        self._shapes = [
            (with_none(s.shape), next((i for i, d in enumerate(s.shape) if d == Dim()), -1))
            for s in graph.inputs
        ]
        # How many steps the last `steps` completed, also where it failed then.
        self.done = 0
        results = tree.leaves(graph.output)
        # Whether the results of several batches can lie one after the other in one array.
        self.by_rows = all(
            isinstance(v, Symbol) and v.ndim > 0 and v.shape[0] == Dim() for v in results
        )

    def plan(self, n: int, sources: Sequence[Source]) -> Plan:
        """The plan for batches of n rows."""
        key = n, *sources
        found = self._plans.get(key)
        if found is None:
            found = self._plans[key] = Plan(self.graph, n, sources)
            if len(self._plans) > KEPT:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        return found

    def plan_for(self, n: int) -> Plan:
        """The plan for single batches of n rows, in the dtypes that were traced."""
        return self.plan(n, [Source(symbol.dtype, n) for symbol in self.graph.inputs])

    def call(self, batch: Sequence[Any]) -> Any:
        """The graph's output for one batch."""
        arrays = [_plain(a, d) for a, d in zip(batch, self._dtypes, strict=True)]
        plan = self.plan_for(self._rows(arrays))
        outputs = plan.new_outputs()
        plan.run(arrays, outputs)
        return plan.structure(outputs)

    def _rows(self, arrays: list[Rows]) -> int:
        """The n of a batch, whose shapes must be those that were traced."""
        n = 0
        for array, (_, axis) in zip(arrays, self._shapes, strict=True):
            if axis >= 0 and array.ndim > axis:
                n = array.shape[axis]
        for array, (fixed, _) in zip(arrays, self._shapes, strict=True):
            if array.shape != tuple(n if size is None else size for size in fixed):
                self._refuse(n, arrays)
        return n

    def _refuse(self, n: int, arrays: list[Rows]) -> NoReturn:
        lines = [
            f"  {symbol.label or 'input'} {array.shape}, not {show(with_n(symbol.shape, n))}"
            for array, symbol in zip(arrays, self.graph.inputs, strict=True)
            if array.shape != with_n(symbol.shape, n)
        ]
        raise ValueError(f"{self.graph.name}: the inputs do not fit.\n" + "\n".join(lines))

    def steps(
        self,
        data: Sequence[Rows],
        order: Rows | None,
        first: int,
        n: int,
        steps: int,
        seconds: float,
        joined: bool = False,
    ) -> tuple[int, Any]:
        """Run steps on batches of n rows, from row `first` of the data on, or of their order.

        How many steps were run, and the output of the last one; with `joined`, those of all, row by
        row.
        """
        sources = [Source(a.dtype.name, len(a), order is not None) for a in data]
        plan = self.plan(n, sources)
        results = plan.new_outputs(steps if joined else 1)
        try:
            plan.run(
                data, results, order=order, first=first, steps=steps, seconds=seconds, moving=joined
            )
        finally:
            done = self.done = plan.done()
        if done < steps and joined:
            results = [rows[: done * n] for rows in results]
        return done, plan.structure(results)


def with_n(shape: Shape, n: int) -> tuple[int, ...]:
    """A shape with the number of rows in place of n."""
    return tuple(n if isinstance(size, Dim) else size for size in shape)


def _plain(array: Rows, dtype: np.dtype[Any]) -> Rows:
    """The array in this dtype, in one piece, and where the processor wants its elements."""
    found = np.ascontiguousarray(array, dtype) if array.ndim else np.asarray(array, dtype)
    return found if found.flags.aligned else found.copy()


def can_take(array: Rows) -> bool:
    """Whether batches can be taken from an array as it lies in memory."""
    flags = array.flags
    return (
        flags.c_contiguous and flags.aligned and array.dtype.isnative and array.dtype.name in DTYPES
    )
