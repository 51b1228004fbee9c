"""The rewrite rules: a call, seen together with the calls that made its operands, made simpler.

Each rule is one function, entered under the op that it simplifies. It answers the value to use in
place of the call, or None. Rules work while a program is traced, so the gradient is that of the
simpler form: for softmax with cross-entropy, `p - one_hot(y)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sheer.core.shapes import Dim, broadcast
from sheer.ops.arithmetic import cast, divide, log, multiply, stop_gradient
from sheer.ops.declare import Array, Op, is_number, op, shape_of
from sheer.ops.nn import (
    cross_entropy,
    log_sigmoid,
    log_softmax,
    probability_cross_entropy,
    sigmoid,
    sigmoid_cross_entropy,
    softmax,
    softmax_cross_entropy,
    sparse_cross_entropy,
    sparse_softmax_cross_entropy,
)
from sheer.ops.recording import Call, current_trace
from sheer.ops.shaping import broadcast_to, expand_dims, reshape
from sheer.ops.symbol import Symbol
from sheer.ops.tensor import Tensor


def _size_text(call: Call) -> str:
    axis, factor, offset = (call.attrs[k] for k in ("axis", "factor", "offset"))
    text = "len({x})" if axis == 0 else f"{{x}}.shape[{axis}]"
    text += f" * {factor}" if factor != 1 else ""
    return text + (f" + {offset}" if offset > 0 else f" - {-offset}" if offset else "")


@op(shape=lambda x, **_: (), dtype="int64", text=_size_text, inline="always")
def batch_size(xp: Any, x: Array, axis: int, factor: int, offset: int) -> Array:
    """factor * n + offset, where n is the size of that axis of x."""
    return x.shape[axis] * factor + offset


Rule = Callable[[Call], Any]
RULES: dict[str, list[Rule]] = {}


def rule(*simplified: Op[Any, Any]) -> Callable[[Rule], Rule]:
    """Enter a rule for these ops."""

    def enter(function: Rule) -> Rule:
        for one in simplified:
            RULES.setdefault(one.name, []).append(function)
        return function

    return enter


def made_by(value: Any, maker: Op[Any, Any]) -> Call | None:
    """The call that made a value, if it was one of this op."""
    call = value.source if isinstance(value, Symbol) else None
    return call if call is not None and call.op is maker else None


def _rows(call: Call | None) -> bool:
    """Whether it is a softmax over the last axis."""
    return call is not None and call.attrs["axis"] in (-1, call.inputs[0].ndim - 1)


# --- losses -----------------------------------------------------------------------------------


@rule(log)
def log_of_softmax(call: Call) -> Any:
    """log(softmax(z)) is log_softmax(z), and log(sigmoid(z)) is log_sigmoid(z)."""
    source = made_by(call.inputs[0], softmax)
    if source:
        return log_softmax(source.inputs[0], source.attrs["axis"])
    source = made_by(call.inputs[0], sigmoid)
    return log_sigmoid(source.inputs[0]) if source else None


@rule(sparse_cross_entropy)
def sparse_cross_entropy_of_softmax(call: Call) -> Any:
    """The cross-entropy of softmax(z), from z."""
    target, output = call.inputs
    source = made_by(output, softmax)
    return (
        sparse_softmax_cross_entropy(target, source.inputs[0]) if source and _rows(source) else None
    )


@rule(cross_entropy)
def cross_entropy_of_softmax(call: Call) -> Any:
    """The cross-entropy of softmax(z), from z."""
    target, output = call.inputs
    source = made_by(output, softmax)
    return softmax_cross_entropy(target, source.inputs[0]) if source and _rows(source) else None


@rule(probability_cross_entropy)
def cross_entropy_of_sigmoid(call: Call) -> Any:
    """The binary cross-entropy of sigmoid(z), from z."""
    target, output = call.inputs
    source = made_by(output, sigmoid)
    return sigmoid_cross_entropy(target, source.inputs[0]) if source else None


# --- one value, repeated: it need not be repeated before it is used ---------------------------


def _is_one(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.ndim == 0 and bool(value.numpy() == 1)
    return isinstance(value, (int, float)) and value == 1


@rule(multiply)
def multiply_by_broadcast(call: Call) -> Any:
    """x * broadcast(s) is x * s, where the shape stays; x * 1 is x; x * (1 / c) is x / c."""
    for x, other in (call.inputs, call.inputs[::-1]):
        if _is_one(other) and isinstance(x, Symbol):
            return x
        source = made_by(other, broadcast_to)
        if source and isinstance(x, Symbol) and _fits(x, source.inputs[0], call):
            return multiply(x, source.inputs[0])
        if source and is_number(x):
            return broadcast_to(multiply(x, source.inputs[0]), other.shape)
        quotient = made_by(other, divide)
        is_share = quotient is not None and _is_one(quotient.inputs[0])
        same_dtype = getattr(x, "dtype", "") == getattr(other, "dtype", "")
        if quotient and is_share and same_dtype and _fits(x, quotient.inputs[1], call):
            return divide(x, quotient.inputs[1])
    return None


def _fits(a: Any, b: Any, call: Call) -> bool:
    """Whether two values alone give the shape that the call gives."""
    return bool(broadcast(shape_of(a), shape_of(b)) == call_shape(call))


def call_shape(call: Call) -> Any:
    """The shape of a call's result, before it is recorded."""
    return call.op.infer(call)[0][0]


@rule(divide)
def divide_broadcast(call: Call) -> Any:
    """broadcast(s) / c is broadcast(s / c); x / 1 is x; (1 / a) / b is 1 / (a b)."""
    x, c = call.inputs
    if _is_one(c) and isinstance(x, Symbol):
        return x
    source = made_by(x, broadcast_to)
    if source and shape_of(c) == ():
        return broadcast_to(divide(source.inputs[0], c), x.shape)
    quotient = made_by(x, divide)
    if quotient and _is_one(quotient.inputs[0]) and is_number(quotient.inputs[1]) and is_number(c):
        size = made_by(quotient.inputs[1], batch_size)
        if size and isinstance(c, int):
            dim = Dim(size.attrs["factor"], size.attrs["offset"]) * c
            return divide(quotient.inputs[0], current_trace().size(dim))  # type: ignore[union-attr]
    return None


@rule(expand_dims, reshape, broadcast_to)
def shape_of_broadcast(call: Call) -> Any:
    """A repeated number in another shape is that number, repeated otherwise."""
    shape = call_shape(call)
    if call.inputs[0].shape == shape:
        return call.inputs[0]
    source = made_by(call.inputs[0], broadcast_to)
    if source and shape_of(source.inputs[0]) == ():
        return broadcast_to(source.inputs[0], shape)
    return None


@rule(cast)
def cast_to_same(call: Call) -> Any:
    """A cast to the dtype that it has is nothing."""
    x = call.inputs[0]
    same = x.dtype == call.attrs["dtype"] and not is_number(x)
    return x if same else None


@rule(stop_gradient)
def stop_twice(call: Call) -> Any:
    """Stopping a gradient twice is stopping it once."""
    return call.inputs[0] if made_by(call.inputs[0], stop_gradient) else None
