"""A graph as steps of kernels: the body of each op, run on `Array`s."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from sheer.core.shapes import Dim
from sheer.engines.native.arrays import Arrays
from sheer.engines.native.nodes import Array, Unsupported, row_by_row, spans
from sheer.ops.declare import OPS, array_of
from sheer.ops.random import box_muller, first_inside
from sheer.ops.recording import Call
from sheer.ops.symbol import Symbol
from sheer.ops.tensor import Tensor
from sheer.trace.graph import Graph


class Lowered:
    """The steps of a graph for batches of `n` rows.

    `inputs` and `reads` are the nodes that hold the data and the Variables; `values` what stands
    for each value of the graph; `reasons` says, by the number of a call, why NumPy runs it.
    """

    def __init__(self, graph: Graph, n: int):
        self.graph = graph
        self.n = n
        self.arrays = Arrays()
        self.values: dict[int, Any] = {}
        self.reasons: dict[int, str] = {}
        self.inputs = [self._source(symbol) for symbol in graph.inputs]
        self.reads = {v: self._source(symbol) for v, symbol in graph.reads.items()}
        for number, call in enumerate(graph.calls):
            self.arrays.call = number
            self._lower(number, call)
        self.arrays.call = -1

    def _source(self, symbol: Symbol) -> Array:
        array = self.arrays.make("source", self._shape(symbol), symbol.dtype, [])
        self.values[id(symbol)] = array
        return array

    def value(self, value: Any) -> Any:
        """What stands for a value of the graph: an Array or a number."""
        if isinstance(value, Symbol):
            return self.values[id(value)]
        if isinstance(value, Tensor):
            if id(value) not in self.values:
                self.values[id(value)] = self.arrays.array(array_of(value))
            return self.values[id(value)]
        return [self.value(v) for v in value] if isinstance(value, list) else value

    def _sizes(self, value: Any) -> Any:
        """An attribute or a shape, with the number of rows in place of n."""
        if isinstance(value, Dim):
            return value.factor * self.n + value.offset
        if isinstance(value, tuple):
            return tuple(map(self._sizes, value))
        if isinstance(value, slice):
            return slice(*map(self._sizes, (value.start, value.stop, value.step)))
        return value

    def _shape(self, symbol: Symbol) -> Any:
        """The shape of a value; where n is too small for a slice, nothing is left of it."""
        return tuple(max(0, size) for size in self._sizes(symbol.shape))

    def _lower(self, number: int, call: Call) -> None:
        inputs = [self.value(v) for v in call.inputs]
        attrs = {name: self._sizes(value) for name, value in call.attrs.items()}
        begun = len(self.arrays.nodes)
        body = LOWERINGS.get(call.op.name, call.op.body)
        try:
            found = body(self.arrays, *inputs, *attrs.values())
            results = list(found) if isinstance(found, (tuple, list)) else [found]
            results = [self._as(r, y) for r, y in zip(results, call.outputs, strict=True)]
        except Unsupported as reason:
            self.arrays.forget(begun)
            self.reasons[number] = str(reason)
            results = self._with_numpy(call, inputs, attrs)
        for symbol, result in zip(call.outputs, results, strict=True):
            self.values[id(symbol)] = result

    def _as(self, result: Any, symbol: Symbol) -> Any:
        """The result in the dtype and shape that the graph says it has."""
        if symbol.number:
            return result
        found = self.arrays.converted(result, symbol.dtype)
        shape = self._shape(symbol)
        if isinstance(found, Array) and found.size == math.prod(shape):
            # An axis of n elements stays, also where n is 1.
            return found if found.shape == shape else self.arrays.reshape(found, shape)
        return self.arrays.broadcast_to(found, shape) if shape else found

    def _with_numpy(self, call: Call, inputs: list[Any], attrs: dict[str, Any]) -> list[Any]:
        """The results of a step that calls the op's body with NumPy."""
        flat = [v for value in inputs for v in (value if isinstance(value, list) else [value])]
        # Copies of its own: they lie where Python can see them.
        arrays = [
            self.arrays.make("copy", v.shape, v.node.dtype, [v])
            for v in flat
            if isinstance(v, Array)
        ]
        outputs = [
            self.arrays.make("function", self._shape(y), y.dtype, arrays) for y in call.outputs
        ]
        shared = {
            "run": _runner(call, inputs, attrs),
            "outputs": [y.node for y in outputs],
        }
        for y in outputs:
            y.node.attrs = shared
        return outputs


def _runner(
    call: Call, inputs: list[Any], attrs: dict[str, Any]
) -> Callable[[list[Any], list[Any]], None]:
    """A function that computes a call's results into given arrays."""

    def run(arrays: list[np.ndarray], results: list[np.ndarray]) -> None:
        waiting = iter(arrays)

        def given(value: Any) -> Any:
            if isinstance(value, list):
                return [given(v) for v in value]
            return next(waiting) if isinstance(value, Array) else value

        with np.errstate(all="ignore"):
            found = call.op.body(np, *map(given, inputs), *attrs.values())
        for result, value in zip(
            results, found if isinstance(found, (tuple, list)) else [found], strict=True
        ):
            result[...] = value

    return run


# --- ops with kernels of their own ----------------------------------------------------------------

# By the name of an op: a body to use in place of its own.
LOWERINGS: dict[str, Callable[..., Any]] = {}


def lowers(name: str) -> Callable[[Any], Any]:
    """Enter a body for an op; it gets what the op's own body gets."""
    if name not in OPS:
        raise KeyError(name)

    def enter(function: Any) -> Any:
        LOWERINGS[name] = function
        return function

    return enter


def _float_step(xp: Arrays, instruction: str, x: Any) -> Any:
    x = xp.array(x)
    if not isinstance(x, Array):
        x = xp.full((), x, np.asarray(x).dtype.name)
    return xp.compute(instruction, x.shape, x.node.dtype, [x])


@lowers("sigmoid")
def _sigmoid(xp: Arrays, x: Any) -> Any:
    return _float_step(xp, "sigmoid", x)


@lowers("erf")
def _erf(xp: Arrays, x: Any) -> Any:
    return _float_step(xp, "erf", x)


@lowers("gelu")
def _gelu(xp: Arrays, x: Any, approximate: bool) -> Any:
    if approximate:
        return OPS["gelu"].body(xp, x, approximate)
    return 0.5 * x * (1 + _float_step(xp, "erf", x / 1.4142135623730951))


def _rows(xp: Arrays, x: Any, axis: int, logarithm: bool) -> Any:
    if axis not in (-1, x.ndim - 1):
        body = OPS["log_softmax" if logarithm else "softmax"].body
        return body(xp, x, axis)
    if not x.size:
        return x
    return xp.make("softmax", x.shape, x.node.dtype, [xp.piece(x)], logarithm=logarithm)


@lowers("softmax")
def _softmax(xp: Arrays, x: Any, axis: int) -> Any:
    return _rows(xp, x, axis, logarithm=False)


@lowers("log_softmax")
def _log_softmax(xp: Arrays, x: Any, axis: int) -> Any:
    return _rows(xp, x, axis, logarithm=True)


@lowers("sparse_softmax_cross_entropy")
def _sparse_softmax_cross_entropy(xp: Arrays, target: Any, logits: Any) -> Any:
    log_p = _rows(xp, logits, -1, logarithm=True)
    return -xp.take_along_axis(log_p, target[..., None], -1)[..., 0]


@lowers("softmax_cross_entropy")
def _softmax_cross_entropy(xp: Arrays, target: Any, logits: Any) -> Any:
    return -xp.sum(target * _rows(xp, logits, -1, logarithm=True), -1)


@lowers("scatter_add")
def _scatter_add(xp: Arrays, g: Any, indices: Any, shape: Any, axis: Any) -> Any:
    indices = xp._indices(indices)
    _only_floats(g)
    outer, size, inner = spans(shape, axis)
    sizes = outer, size, indices.size, inner
    return xp.make(
        "scatter_add", shape, g.node.dtype, [xp.piece(g), xp.piece(indices)], sizes=sizes
    )


@lowers("scatter_add_along_axis")
def _scatter_add_along_axis(xp: Arrays, g: Any, indices: Any, shape: Any, axis: Any) -> Any:
    indices = xp._indices(indices)
    _only_floats(g)
    count = indices.size
    if axis is not None:
        axis %= len(shape)
        if (*shape[:axis], 0, *shape[axis + 1 :]) != (*g.shape[:axis], 0, *g.shape[axis + 1 :]):
            raise Unsupported("adding along an axis that was broadcast")
        indices, count = xp.broadcast_to(indices, g.shape), g.shape[axis]
    outer, size, inner = spans(shape, axis)
    sizes = outer, size, count, inner
    return xp.make(
        "take_along", shape, g.node.dtype, [xp.piece(g), xp.piece(indices)], sizes=sizes, add=True
    )


@lowers("_einsum")
def _einsum(xp: Arrays, operands: Any, subscripts: str) -> Any:
    """Of two operands, as a product of matrices: one for each place of the indices that both have
    and that stay."""
    terms, _, result = subscripts.partition("->")
    left, _, right = terms.partition(",")
    sizes = dict(zip(left + right, (n for x in operands for n in x.shape), strict=False))
    batch = [c for c in left if c in right and c in result]
    inner = [c for c in left if c in right and c not in result]
    rows = [c for c in left if c not in right]
    columns = [c for c in right if c not in left]
    order = [*batch, *rows, *columns]
    if terms.count(",") != 1 or sorted(order) != sorted(result) or len(left) > len(set(left)):
        raise Unsupported(f"einsum {subscripts}")

    def grouped(x: Any, term: str, *groups: list[str]) -> Any:
        """x with one axis for each group of indices; none for a batch of nothing."""
        if x.shape != tuple(sizes[c] for c in term):
            raise Unsupported("einsum with broadcasting")
        x = xp.transpose(x, [term.index(c) for group in groups for c in group])
        counts = [math.prod(sizes[c] for c in group) for group in groups]
        return xp.reshape(x, counts if batch else counts[1:])

    a = grouped(operands[0], left, batch, rows, inner)
    b = grouped(operands[1], right, batch, inner, columns)
    product = xp.reshape(xp.matmul(a, b), [sizes[c] for c in order])
    return xp.transpose(product, [order.index(c) for c in result])


def _only_floats(g: Any) -> None:
    if not isinstance(g, Array) or g.dtype.kind != "f":
        raise Unsupported(f"adding up {getattr(g, 'dtype', type(g).__name__)}")


@lowers("placed")
def _placed(xp: Arrays, g: Any, shape: Any, key: Any) -> Any:
    return xp.assembled(tuple(shape), g.node.dtype, [(key, g)], filled=True)


def fractions(xp: Arrays, key: Any, shape: Any, dtype: str) -> Array:
    """Random numbers in [0, 1), as `sheer.ops.random.fractions` makes them."""
    return xp.make("random", shape, dtype, [_key(xp, key)], draw=f"fractions{dtype[-2:]}")


def _key(xp: Arrays, key: Any) -> Array:
    return xp.piece(key if isinstance(key, Array) else xp.array(np.asarray(key)))


@lowers("random_uniform")
def _random_uniform(xp: Arrays, key: Any, shape: Any, dtype: str) -> Any:
    return fractions(xp, key, shape, dtype)


@lowers("random_normal")
def _random_normal(xp: Arrays, key: Any, shape: Any, dtype: str) -> Any:
    u = fractions(xp, key, (2, *shape), dtype)
    return box_muller(xp, u[0], u[1], dtype)


@lowers("random_truncated_normal")
def _random_truncated_normal(xp: Arrays, key: Any, shape: Any, dtype: str) -> Any:
    u = fractions(xp, key, (12, *shape), dtype)
    return first_inside(xp, box_muller(xp, u[:6], u[6:], dtype))


@lowers("random_permutation")
def _random_permutation(xp: Arrays, key: Any, count: int) -> Any:
    words = xp.make("random", (count,), "uint32", [_key(xp, key)], draw="words")
    # The sort needs room for two more arrays like its result.
    both = xp.make("order", (3, count), "int64", [words])
    return both.view((count,), row_by_row((count,)))
