"""The plans of one graph: a plan for each number of rows, and for each way that data come in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from sheer.core import tree
from sheer.core.dtypes import DTYPES
from sheer.core.shapes import Dim, Shape, show
from sheer.engines.native.plan import Plan, Source
from sheer.engines.stretch import Rows, Stretch
from sheer.ops.symbol import Symbol
from sheer.trace.graph import Graph

# Plans that are kept; the one used longest ago goes first.
KEPT = 16


class Plans:
    """Runs a graph on the native engine."""

    def __init__(self, graph: Graph):
        self.graph = graph
        # The plan for batches of n rows that come in so: plan(n, sources).
        self.plan = lru_cache(KEPT)(partial(Plan, graph))
        self._dtypes = [np.dtype(symbol.dtype) for symbol in graph.inputs]
        # How many steps the last `steps` completed, also where it failed then.
        self.done = 0
        results = tree.leaves(graph.output)
        # Whether the results of several batches can lie one after the other in one array.
        self.by_rows = all(
            isinstance(v, Symbol) and v.ndim > 0 and v.shape[0] == Dim() for v in results
        )

    def plan_for(self, n: int) -> Plan:
        """The plan for single batches of n rows, in the dtypes that were traced."""
        return self.plan(n, tuple(Source(symbol.dtype, n) for symbol in self.graph.inputs))

    def call(self, batch: Sequence[Any]) -> Any:
        """The graph's output for one batch."""
        arrays = [_plain(a, d) for a, d in zip(batch, self._dtypes, strict=True)]
        plan = self.plan_for(self._rows(arrays))
        outputs = plan.new_outputs()
        plan.run(arrays, outputs)
        return plan.structure(outputs)

    def _rows(self, arrays: list[Rows]) -> int:
        """The n of a batch, whose shapes must be those that were traced."""
        inputs = list(zip(arrays, self.graph.inputs, strict=True))
        n = 0
        for array, symbol in inputs:
            for size, known in zip(array.shape, symbol.shape, strict=False):
                n = size if isinstance(known, Dim) else n
        lines = [
            f"  {symbol.label or 'input'} {array.shape}, not {show(with_n(symbol.shape, n))}"
            for array, symbol in inputs
            if array.shape != with_n(symbol.shape, n)
        ]
        if lines:
            raise ValueError(f"{self.graph.name}: the inputs do not fit.\n" + "\n".join(lines))
        return n

    def steps(
        self, data: Sequence[Rows], stretch: Stretch, seconds: float, joined: bool = False
    ) -> tuple[int, Any]:
        """Run the steps of a stretch, as far as the seconds reach.

        How many steps were run, and the output of the last one; with `joined`, those of all, row by
        row.
        """
        is_picked = stretch.order is not None
        plan = self.plan(stretch.n, tuple(Source(a.dtype.name, len(a), is_picked) for a in data))
        results = plan.new_outputs(stretch.steps if joined else 1)
        try:
            plan.run(data, results, stretch, seconds=seconds, moving=joined)
        finally:
            done = self.done = plan.done()
        if done < stretch.steps and joined:
            # Copies, so that room for all of the steps is not kept.
            results = [rows[: done * stretch.n].copy() for rows in results]
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
