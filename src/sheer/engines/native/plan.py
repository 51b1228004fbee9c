"""A scheduled graph as a native plan, and its run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sheer.core import tree
from sheer.core.dtypes import DTYPES
from sheer.engines.native.groups import At, Lines
from sheer.engines.native.lower import Lowered
from sheer.engines.native.memory import planned
from sheer.engines.native.native import native
from sheer.engines.native.nodes import MAX_AXES, Array, Node, layout, row_by_row, whole
from sheer.engines.native.schedule import Kernel, Schedule
from sheer.engines.stretch import Stretch
from sheer.ops.symbol import Symbol
from sheer.ops.variable import Variable
from sheer.trace.graph import Graph

DRAWS = ("words", "fractions32", "fractions64")
REDUCTIONS = ("sum", "prod", "max", "min", "any", "all", "argmax", "argmin")
ACTIVATIONS = ("none", "relu", "sigmoid", "tanh")
ARENA = 0  # the buffer of the plan's own memory


class Source(NamedTuple):
    """How the rows of a batch come in: from an array of `rows` rows and this dtype, picked by index
    or one after the other."""

    dtype: str
    rows: int
    picked: bool = False


class Plan:
    """A graph for batches of `n` rows, ready to run.

    Args:
        graph: what to compute.
        n: the number of rows.
        sources: how the batches of each input come in.
        isa: the instruction set whose kernels are used; the best one by default.
    """

    def __init__(self, graph: Graph, n: int, sources: Sequence[Source], isa: str = ""):
        self.n = n
        self.graph = graph
        self.sources = list(sources)
        self.lowered = Lowered(graph, n)
        self.schedule = Schedule(self.lowered)
        self._externals = 0
        is_picked = any(source.picked for source in sources)
        self._order = self._external() if is_picked else 0
        self._data = [self._external() for _ in sources]
        self._results = {
            i: self._external() for i, v in enumerate(self.schedule.outputs) if isinstance(v, Array)
        }
        variables = list({**self.lowered.reads, **self.schedule.writes})
        self._variables = {v: self._external() for v in variables}
        self._kept: set[Node] = set()
        self._places, self.arena_bytes = self._plan_memory()
        self._native = native().Plan(self.arena_bytes, self._externals, isa)
        self._native.variables(
            [(self._variables[v], v, v in self.schedule.writes) for v in variables]
        )
        self._fill_constants()
        self._enter_all()

    def _external(self) -> int:
        self._externals += 1
        return self._externals

    # --- memory -------------------------------------------------------------------------------

    def _plan_memory(self) -> tuple[dict[Node, At], int]:
        """Where the array of each node lies, and how much memory the plan needs of its own."""
        schedule, users = self.schedule, self.schedule.users
        end = len(schedule.kernels)
        copied = {v.node for v, _ in schedule.copies if isinstance(v, Array)}
        places: dict[Node, At] = {}
        lifetimes: dict[Node, tuple[int, int, int]] = {}
        # Products that are added to an array, and lie where that lies.
        shared: dict[Node, Node] = {}

        def life(node: Node, begin: int) -> None:
            last = end if node in copied else max(users[node], default=begin)
            lifetimes[node] = _bytes(node), begin, max(begin, last)

        for variable, array in self.lowered.reads.items():
            places[array.node] = self._variables[variable], 0
        inputs = zip(self.lowered.inputs, self.sources, self._data, strict=True)
        for array, source, buffer in inputs:
            if source.picked or source.dtype != array.node.dtype:
                life(array.node, -1)
            else:
                places[array.node] = buffer, 0
        for number, kernel in enumerate(schedule.kernels):
            for node in kernel.nodes:
                target = schedule.destination.get(node)
                onto = node.attrs.get("onto")
                is_needed = node in copied or any(user != number for user in users[node])
                if target is not None:
                    places[node] = self._buffer(target), 0
                elif onto is not None:
                    shared[node] = root = shared.get(onto.node, onto.node)
                    size, begin, _ = lifetimes[root]
                    life(node, number)
                    lifetimes[root] = size, begin, lifetimes.pop(node)[2]
                elif is_needed or kernel.kind != "group":
                    life(node, number)
                else:
                    continue
                self._kept.add(node)
        for node in {a.node for k in schedule.kernels for a in k.reads()} | copied:
            if node.kind == "constant":
                lifetimes[node] = _bytes(node), -1, end
        offsets, arena_bytes = planned(lifetimes)
        places.update({node: (ARENA, offset) for node, offset in offsets.items()})
        places.update({node: places[root] for node, root in shared.items()})
        return places, arena_bytes

    def _buffer(self, target: Variable | int) -> int:
        return self._results[target] if isinstance(target, int) else self._variables[target]

    def _at(self, array: Array) -> At:
        buffer, offset = self._places[array.node]
        return buffer, offset + array.offset * _itemsize(array.node)

    def _node_at(self, node: Node) -> At:
        return self._places[node]

    def _memory(self, node: Node) -> np.ndarray[Any, Any]:
        """The array of a node that lies in the plan's own memory."""
        raw: np.ndarray[Any, Any] = self._native.memory(self._places[node][1], _bytes(node))
        return raw.view(node.dtype).reshape(node.shape)

    def _fill_constants(self) -> None:
        for node in self._places:
            if node.kind == "constant" and 0 not in node.shape:
                self._memory(node)[...] = node.attrs["value"]

    # --- the calls ------------------------------------------------------------------------------

    def _enter_all(self) -> None:
        inputs = zip(self.lowered.inputs, self.sources, self._data, strict=True)
        for array, source, buffer in inputs:
            node = array.node
            if source.picked:
                sizes = [1, source.rows, self.n, math.prod(node.shape[1:])]
                self._native.take(
                    DTYPES.index(source.dtype), DTYPES.index(node.dtype), DTYPES.index("int64"),
                    sizes, (buffer, 0), (self._order, 0), self._node_at(node),
                )  # fmt: skip
            elif source.dtype != node.dtype:
                self._convert(source.dtype, node, (buffer, 0))
        for kernel in self.schedule.kernels:
            getattr(self, f"_enter_{kernel.kind}")(kernel)
        for value, target in self.schedule.copies:
            self._enter_final_copy(value, (self._buffer(target), 0), target)

    def _enter_group(self, kernel: Kernel) -> None:
        size = math.prod(kernel.shape)
        sources = {
            v: array.node for v, array in self.lowered.reads.items() if v in self.schedule.writes
        }

        def is_late(node: Node) -> bool:
            """Whether it is written over a value that a later step of the group reads."""
            target = self.schedule.destination.get(node)
            later = kernel.nodes[kernel.nodes.index(node) + 1 :]
            return isinstance(target, Variable) and any(
                isinstance(v, Array) and v.node is sources.get(target)
                for step in later
                for v in step.operands
            )

        lines = Lines(kernel.nodes, size, self._at, self._kept.__contains__, is_late)
        self._native.group(size, lines.lines, lines.numbers)

    def _enter_product(self, kernel: Kernel) -> None:
        (node,) = kernel.nodes
        a, b = node.operands[:2]
        bias = node.attrs["bias"]
        m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
        (a_transposed, lda), (b_transposed, ldb) = map(as_matrix, (a, b))
        batch, a_stride, b_stride = 1, 0, 0
        if a.ndim == 3:
            batch, a_stride, b_stride = a.shape[0], a.strides[0], b.strides[0]
        self._native.product(
            DTYPES.index(node.dtype), a_transposed, b_transposed, node.attrs["onto"] is not None,
            ACTIVATIONS.index(node.attrs["activation"]), [m, n, k, lda, ldb, n],
            [batch, a_stride, b_stride, m * n], self._at(a), self._at(b),
            None if bias is None else self._at(bias), self._node_at(node),
        )  # fmt: skip

    def _enter_reduce(self, kernel: Kernel) -> None:
        (node,) = kernel.nodes
        (x,) = node.operands
        self._native.reduce(
            REDUCTIONS.index(node.attrs["reduction"]), DTYPES.index(x.node.dtype),
            *node.attrs["sizes"], self._at(x), self._node_at(node),
        )  # fmt: skip

    def _enter_softmax(self, kernel: Kernel) -> None:
        (node,) = kernel.nodes
        (x,) = node.operands
        columns = node.shape[-1]
        self._native.softmax(
            DTYPES.index(node.dtype), node.attrs["logarithm"], math.prod(node.shape) // columns,
            columns, self._at(x), self._node_at(node),
        )  # fmt: skip

    def _enter_take(self, kernel: Kernel) -> None:
        (node,) = kernel.nodes
        x, indices = node.operands
        dtype = DTYPES.index(node.dtype)
        self._native.take(
            dtype, dtype, DTYPES.index(indices.node.dtype), node.attrs["sizes"], self._at(x),
            self._at(indices), self._node_at(node),
        )  # fmt: skip

    def _enter_take_along(self, kernel: Kernel) -> None:
        (node,) = kernel.nodes
        x, indices = node.operands
        self._native.take_along(
            DTYPES.index(node.dtype), DTYPES.index(indices.node.dtype), node.attrs["add"],
            node.attrs["sizes"], self._at(x), self._at(indices), self._node_at(node),
        )  # fmt: skip

    def _enter_scatter_add(self, kernel: Kernel) -> None:
        (node,) = kernel.nodes
        g, indices = node.operands
        self._native.scatter_add(
            DTYPES.index(node.dtype), DTYPES.index(indices.node.dtype), node.attrs["sizes"],
            self._at(g), self._at(indices), self._node_at(node),
        )  # fmt: skip

    def _enter_random(self, kernel: Kernel) -> None:
        (node,) = kernel.nodes
        (key,) = node.operands
        draw = DRAWS.index(node.attrs["draw"])
        self._native.random(draw, math.prod(node.shape), self._at(key), self._node_at(node))

    def _enter_order(self, kernel: Kernel) -> None:
        (node,) = kernel.nodes
        (words,) = node.operands
        buffer, offset = self._node_at(node)
        count = node.shape[1]
        self._native.order(count, self._at(words), (buffer, offset), (buffer, offset + 8 * count))

    def _enter_convert(self, kernel: Kernel) -> None:
        (node,) = kernel.nodes
        (x,) = node.operands
        self._convert(x.node.dtype, node, self._at(x))

    def _convert(self, dtype: str, node: Node, at: At) -> None:
        self._native.convert(
            DTYPES.index(dtype), DTYPES.index(node.dtype), math.prod(node.shape), at,
            self._node_at(node),
        )  # fmt: skip

    def _enter_copy(self, kernel: Kernel) -> None:
        (node,) = kernel.nodes
        self._copy(node.operands[0], self._node_at(node))

    def _enter_assemble(self, kernel: Kernel) -> None:
        (node,) = kernel.nodes
        buffer, offset = self._node_at(node)
        if node.attrs["filled"]:
            self._fill(node, (buffer, offset))
        for place, part in zip(node.attrs["places"], node.operands, strict=True):
            region = whole(node)[place]
            at = buffer, offset + region.offset * _itemsize(node)
            self._copy(part, at, region.strides)

    def _copy(self, array: Array, to: At, strides: Sequence[int] | None = None) -> None:
        strides = row_by_row(array.shape) if strides is None else strides
        if array.ndim > MAX_AXES:
            step = strides[0] * _itemsize(array.node)
            for i, part in enumerate(array):
                self._copy(part, (to[0], to[1] + i * step), strides[1:])
            return
        self._native.copy(
            _itemsize(array.node), list(array.shape), list(array.strides), list(strides),
            self._at(array), to,
        )  # fmt: skip

    def _fill(self, node: Node, at: At, value: Any = 0) -> None:
        """One number everywhere: a group of one line, or a copy where there is no lane for it."""
        dtype = "int64" if node.dtype == "uint64" else node.dtype  # the same bits
        number = np.dtype(dtype).type(value)
        steps = Node("compute", node.shape, dtype, [number], instruction="copy", worked=dtype)
        size = math.prod(node.shape)
        lines = Lines([steps], size, lambda _: at, lambda _: True, lambda _: False)
        self._native.group(size, lines.lines, lines.numbers)

    def _enter_final_copy(self, value: Any, to: At, target: Variable | int) -> None:
        if isinstance(value, Array):
            self._copy(value, to)
        else:
            assert isinstance(target, Variable)
            self._fill(Node("compute", target.shape, target.dtype, []), to, value)

    def _enter_function(self, kernel: Kernel) -> None:
        """A call of Python: an op's body, with NumPy."""
        first = kernel.nodes[0]
        arrays = [self._memory(v.node) for v in first.operands]
        results = [self._memory(node) for node in kernel.nodes]
        run = first.attrs["run"]
        self._native.function(lambda: run(arrays, results))

    # --- the run --------------------------------------------------------------------------------

    def new_outputs(self, steps: int = 1) -> list[Any]:
        """Arrays for the results of so many steps, one after the other; a number where a result is
        known beforehand."""
        return [
            np.empty((steps * v.shape[0], *v.shape[1:]) if steps > 1 else v.shape, v.node.dtype)
            if isinstance(v, Array)
            else v
            for v in self.schedule.outputs
        ]

    def run(
        self,
        data: Sequence[np.ndarray[Any, Any]],
        outputs: Sequence[Any],
        stretch: Stretch | None = None,
        *,
        seconds: float = math.inf,
        moving: bool = False,
    ) -> None:
        """Run the steps of a stretch of the data; by default one, on all of them.

        outputs: as `new_outputs` gives them; with `moving`, each step's rows follow those of the
        step before, else each step's results take the place of the last. It stops early after so
        many seconds; `done` says how many steps were run.
        """
        first, steps = (stretch.first, stretch.steps) if stretch is not None else (0, 1)
        bindings: list[tuple[int, Any, int, int]] = []
        if self._order:
            assert stretch is not None
            bindings.append((self._order, stretch.order, 8 * first, 8 * self.n))
        for buffer, array, source in zip(self._data, data, self.sources, strict=True):
            if source.picked:
                bindings.append((buffer, array, 0, 0))
            else:
                row = array.strides[0] if array.ndim else 0
                bindings.append((buffer, array, row * first, row * self.n))
        for i, buffer in self._results.items():
            stride = self.schedule.outputs[i].size * outputs[i].itemsize if moving else 0
            bindings.append((buffer, outputs[i], 0, stride))
        self._native.run(bindings, steps, seconds)

    def done(self) -> int:
        """How many steps the last run completed, also where it failed then."""
        return int(self._native.done())

    def structure(self, outputs: Sequence[Any]) -> Any:
        """The outputs as the traced function returned them."""
        if isinstance(self.graph.output, Symbol):
            return outputs[0]
        return tree.refill(self.graph.output, list(outputs))


def as_matrix(x: Array) -> tuple[bool, int]:
    """The layout of an operand of a product, which has one."""
    found = layout(x)
    assert found is not None
    return found


def _itemsize(node: Node) -> int:
    return np.dtype(node.dtype).itemsize


def _bytes(node: Node) -> int:
    return math.prod(node.shape) * _itemsize(node)
