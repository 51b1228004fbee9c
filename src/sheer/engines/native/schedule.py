"""Steps into kernels: what is folded together, in which order, and where each array lies."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from sheer.core import tree
from sheer.engines.native.lower import Lowered
from sheer.engines.native.nodes import Array, Node, whole
from sheer.ops.variable import Variable

# More steps than this are not put into one group: it has 128 registers.
GROUP_STEPS = 40
# Steps that can fail: an index may be out of range, a body of NumPy's may raise.
CAN_FAIL = ("take", "take_along", "scatter_add", "function")


class Kernel:
    """One kernel call of a plan: an elementwise group of several nodes, or one node."""

    def __init__(self, kind: str, nodes: list[Node], shape: tuple[int, ...] = ()):
        self.kind = kind
        self.nodes = nodes
        self.shape = shape  # of a group, without axes of size 1

    def reads(self) -> list[Array]:
        """The arrays that it needs."""
        return [v for node in self.nodes for v in node.operands if isinstance(v, Array)]


class Schedule:
    """The kernels of a lowered graph in the order of their run.

    `destination` says where a node's array lies, if not in the plan's own memory: the Variable
    whose new value it is, or the number of the output. `copies` are (array, destination) pairs for
    values that lie elsewhere; they are made when all else has run.
    """

    def __init__(self, lowered: Lowered):
        graph = lowered.graph
        self.outputs = [lowered.value(v) for v in tree.leaves(graph.output)]
        self.writes = {v: lowered.value(value) for v, value in graph.writes.items()}
        self.reads = lowered.reads
        results = [v for v in [*self.outputs, *self.writes.values()] if isinstance(v, Array)]
        # Steps behind those of the graph: copies.
        lowered.arrays.call = -1
        nodes = lowered.arrays.nodes
        _fold(nodes, results)
        self.kernels: list[Kernel] = []
        self.place: dict[Node, int] = {}
        for node in _what_can_fail_first(_live(nodes, results)):
            self._add(node)
        self.destination: dict[Node, Variable | int] = {}
        self.copies: list[tuple[Any, Variable | int]] = []
        self._find_destinations()
        self.users = self._users()

    # --- order ------------------------------------------------------------------------------

    def _add(self, node: Node) -> None:
        if node.kind in ("source", "constant"):
            self.place[node] = -1
        elif node.kind == "function":
            if node not in self.place:
                self._append(Kernel("function", list(node.attrs["outputs"])))
        elif node.kind == "compute":
            self._add_to_group(node)
        else:
            self._append(Kernel(node.kind, [node]))

    def _append(self, kernel: Kernel) -> None:
        for node in kernel.nodes:
            self.place[node] = len(self.kernels)
        self.kernels.append(kernel)

    def _add_to_group(self, node: Node) -> None:
        """Into the last group of its shape that comes after all that it needs, or a new one."""
        shape = without_ones(node.shape)
        first = 0
        for operand in node.operands:
            if isinstance(operand, Array):
                place = self.place[operand.node]
                inside = place >= 0 and self._shares_group(operand, place, shape)
                first = max(first, place if inside else place + 1)
        for place in range(len(self.kernels) - 1, first - 1, -1):
            group = self.kernels[place]
            fits = group.kind == "group" and group.shape == shape
            if fits and len(group.nodes) < GROUP_STEPS:
                group.nodes.append(node)
                self.place[node] = place
                return
        self._append(Kernel("group", [node], shape))

    def _shares_group(self, operand: Array, place: int, shape: tuple[int, ...]) -> bool:
        """Whether a step of this shape may stand in the group that makes the operand."""
        group = self.kernels[place]
        return group.kind == "group" and group.shape == shape and is_same_order(operand, shape)

    def _users(self) -> dict[Node, list[int]]:
        """The kernels that read each node."""
        users: dict[Node, list[int]] = defaultdict(list)
        for place, kernel in enumerate(self.kernels):
            for array in kernel.reads():
                users[array.node].append(place)
        return users

    # --- destinations -------------------------------------------------------------------------

    def _find_destinations(self) -> None:
        users = self._users()
        copied: list[tuple[Any, Variable | int]] = []
        direct: dict[Variable, Node] = {}
        for variable, value in self.writes.items():
            node = value.node if isinstance(value, Array) else None
            if node is not None and self._is_own(value) and node not in direct.values():
                direct[variable] = node
            else:
                copied.append((value, variable))
        for number, value in enumerate(self.outputs):
            if isinstance(value, Array):
                copied.append((value, number))
        read_last = {value.node for value, _ in copied if isinstance(value, Array)}
        fails = [i for i, kernel in enumerate(self.kernels) if kernel.kind in CAN_FAIL]
        for variable, node in direct.items():
            place = self.place[node]
            source = self.reads[variable].node if variable in self.reads else None
            is_late = not fails or fails[-1] < place
            if is_late and (source is None or (
                source not in read_last and self._reads_fit(source, node, users)
            )):  # fmt: skip
                self.destination[node] = variable
            else:
                copied.append((whole(node), variable))
        for value, target in copied:
            is_free = isinstance(value, Array) and value.node not in self.destination
            if isinstance(target, int) and is_free and self._is_own(value):
                self.destination[value.node] = target
            else:
                self.copies.append((value, target))
        # A Variable's old value that becomes another's new one is taken before any is written.
        written = {self.reads[v].node for v in self.writes if v in self.reads}
        for i, (value, target) in enumerate(self.copies):
            if isinstance(value, Array) and value.node in written:
                node = Node("copy", value.shape, value.node.dtype, [value])
                self._append(Kernel("copy", [node]))
                self.copies[i] = whole(node), target

    def _is_own(self, value: Array) -> bool:
        """Whether the value is all of an array that a kernel makes."""
        kind = value.node.kind
        if kind == "product" and value.node.attrs["onto"] is not None:
            return False  # it lies where the array lies that it was added to
        return (
            value.is_whole() and self.place[value.node] >= 0 and kind not in ("order", "function")
        )

    def _reads_fit(self, source: Node, new: Node, users: dict[Node, list[int]]) -> bool:
        """Whether nobody needs the old value when the new one is written in its place."""
        place = self.place[new]
        if any(user > place for user in users[source]):
            return False
        kernel = self.kernels[place]
        if kernel.kind != "group":
            return place not in users[source]
        return all(
            is_same_order(array, kernel.shape) for array in kernel.reads() if array.node is source
        )


def without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without its axes of size 1: they do not matter element by element."""
    return tuple(size for size in shape if size != 1)


def is_same_order(array: Array, shape: tuple[int, ...]) -> bool:
    """Whether the elements, one after the other, are all those of the array's node."""
    return array.is_whole() and without_ones(array.shape) == shape


# --- folding --------------------------------------------------------------------------------------


def _fold(nodes: list[Node], results: list[Array]) -> None:
    """Put biases, activations and sums into the products before them."""
    _compare_relu(nodes)
    uses: dict[Node, int] = defaultdict(int)
    for array in [v for node in nodes for v in node.operands if isinstance(v, Array)] + results:
        uses[array.node] += 1
    for node in nodes:
        if node.kind != "compute":
            continue
        for operand, other in _pairs(node):
            product = operand.node if isinstance(operand, Array) else None
            if (
                product is None
                or product.kind != "product"
                or uses[product] > 1
                or product.attrs["activation"] != "none"
                or product.attrs["onto"] is not None
                or not operand.is_whole()
                or math.prod(node.shape) != operand.size
            ):
                continue
            if node.attrs["instruction"] == "add" and product.attrs["bias"] is None:
                bias = _bias(other, node)
                if bias is not None and bias.shape == product.shape[-1:]:
                    _become(node, product, bias=bias)
                    break
                if _is_free(other, node, uses):
                    _become(node, product, onto=other)
                    break
            activation = _activation(node, other)
            if activation:
                _become(node, product, activation=activation)
                break


def _compare_relu(nodes: list[Node]) -> None:
    """z > 0 is relu(z) > 0, where that is known: z itself need not be kept."""
    relus: dict[tuple[Node, int], Array] = {}
    for node in nodes:
        if node.kind != "compute" or len(node.operands) != 2:
            continue
        a, b = node.operands
        if node.attrs["instruction"] == "maximum" and _is_zero(b) and _is_plain(a, node):
            relus[a.node, a.offset] = whole(node)
        elif node.attrs["instruction"] == "less" and _is_zero(a) and _is_plain(b, node):
            known = relus.get((b.node, b.offset))
            if known is not None and known.shape == node.shape:
                node.operands[1] = known


def _is_zero(value: Any) -> bool:
    return not isinstance(value, Array) and value == 0


def _is_plain(value: Any, node: Node) -> bool:
    return isinstance(value, Array) and value.is_row_by_row() and value.shape == node.shape


def _pairs(node: Node) -> list[tuple[Any, Any]]:
    if len(node.operands) == 2:
        a, b = node.operands
        return [(a, b), (b, a)]
    return [(node.operands[0], None)] if len(node.operands) == 1 else []


def _bias(other: Any, node: Node) -> Array | None:
    """The vector that is added to each row, if it is one."""
    if not isinstance(other, Array) or other.node.dtype != node.dtype or not node.shape:
        return None
    columns = node.shape[-1]
    rows = zip(node.shape[:-1], other.strides[:-1], strict=True)
    if any(size != 1 and stride != 0 for size, stride in rows):
        return None
    if columns != 1 and other.strides[-1] != 1:
        return None
    return other.view((columns,), (1,))


def _is_free(other: Any, node: Node, uses: dict[Node, int]) -> bool:
    """Whether a product can be added to this array where it lies: nobody else needs it."""
    return (
        isinstance(other, Array)
        and other.node.kind in ("compute", "product", "reduce", "scatter_add")
        and other.node.dtype == node.dtype
        and other.is_whole()
        and other.shape == node.shape
        and uses[other.node] == 1
    )


def _activation(node: Node, other: Any) -> str:
    instruction = node.attrs["instruction"]
    if instruction in ("tanh", "sigmoid"):
        return str(instruction)
    return "relu" if instruction == "maximum" and _is_zero(other) else ""


def _become(
    node: Node,
    product: Node,
    bias: Array | None = None,
    activation: str = "none",
    onto: Array | None = None,
) -> None:
    """Let the node be the product with a bias or an activation, or added to an array."""
    bias = product.attrs["bias"] if bias is None else bias
    node.kind = "product"
    node.operands = product.operands[:2] + [v for v in (bias, onto) if v is not None]
    node.attrs = {"bias": bias, "activation": activation, "onto": onto, "also": [product.call]}
    node.attrs["also"] += product.attrs.get("also", [])


def _what_can_fail_first(nodes: list[Node]) -> list[Node]:
    """The steps that can fail, with all that they need, before the others: when one fails, no
    Variable has been written yet."""
    needed: set[Node] = set()
    for node in reversed(nodes):
        if node.kind in CAN_FAIL or node in needed:
            needed.add(node)
            needed.update(v.node for v in node.operands if isinstance(v, Array))
    return [n for n in nodes if n in needed] + [n for n in nodes if n not in needed]


def _live(nodes: list[Node], results: list[Array]) -> list[Node]:
    """The nodes that the results need, in order."""
    needed = {array.node for array in results}
    live = []
    for node in reversed(nodes):
        if node in needed or (
            node.kind == "function" and any(y in needed for y in node.attrs["outputs"])
        ):
            live.append(node)
            needed.update(v.node for v in node.operands if isinstance(v, Array))
    return live[::-1]
