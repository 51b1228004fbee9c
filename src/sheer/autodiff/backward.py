"""THE backward walk: the chain rule over a list of calls, last one first."""

from __future__ import annotations

from typing import Any

from sheer.core.dtypes import is_float
from sheer.core.shapes import Shape
from sheer.ops.arithmetic import cast
from sheer.ops.recording import Call
from sheer.ops.reduction import sum
from sheer.ops.shaping import broadcast_to
from sheer.ops.symbol import Symbol


def walk(
    calls: list[Call],
    gradients: dict[int, Any],
    sources: set[int],
    alternatives: dict[int, list[Call]],
) -> dict[int, Any]:
    """The gradients of the targets by every value that they depend on, by the value's id().

    Args:
        calls: in the order in which they were made.
        gradients: those of the targets, to begin with.
        sources: ids of the values whose gradient is asked for.
        alternatives: by the id of an output, the calls as the user wrote them before a rewrite
            rule made them simpler. They are taken where only they lead to a source.
    """
    calls, path = _path(calls, sources, alternatives)
    for call in reversed(calls):
        found = [gradients.get(id(y)) for y in call.outputs]
        if all(g is None for g in found):
            continue
        for g, y in zip(found, call.outputs, strict=True):
            name_gradient(g, y)
        for x, g_x in _slopes(call, found, path):
            g_x = _fitted(g_x, x)
            known = gradients.get(id(x))
            gradients[id(x)] = g_x if known is None else known + g_x
    return gradients


def _path(
    calls: list[Call], sources: set[int], alternatives: dict[int, list[Call]]
) -> tuple[list[Call], set[int]]:
    """The calls on the way to a source, and the ids of the values there, sources included."""
    # On which sources a value depends, as the bits of a number.
    reach = {source: 1 << i for i, source in enumerate(sources)}

    def reached(call: Call) -> int:
        bits = 0
        for x in call.operands():
            bits |= reach.get(id(x), 0)
        return bits

    kept: list[Call] = []
    for call in calls:
        bits = reached(call)
        for other in alternatives.get(id(call.outputs[0]), []):
            more = reached(other)
            if more & ~bits:
                call, bits = other, more | bits
        if bits:
            kept.append(call)
            for y in call.outputs:
                reach[id(y)] = reach.get(id(y), 0) | bits
    return kept, set(reach)


def _slopes(call: Call, gradients: list[Any], path: set[int]) -> list[tuple[Any, Any]]:
    """Each operand on the path that has a slope, with its gradient."""
    op = call.op
    y: Any = call.outputs
    g: Any = [0 if d is None else d for d in gradients]
    if len(y) == 1:
        g, y = g[0], y[0]
    pairs: list[tuple[Any, Any]] = []
    for name, x in zip(op.tensors, call.inputs, strict=True):
        rule = op.slopes.get(name)
        if rule is None or not any(_wants(v, path) for v in (x if isinstance(x, list) else [x])):
            continue
        slope = rule(g, y, *call.inputs, **call.attrs)
        pairs += zip(x, slope, strict=True) if isinstance(x, list) else [(x, slope)]
    return [(x, g_x) for x, g_x in pairs if g_x is not None and _wants(x, path)]


def _wants(x: Any, path: set[int]) -> bool:
    return id(x) in path and is_float(getattr(x, "dtype", ""))


def _fitted(gradient: Any, x: Any) -> Any:
    """The gradient in the shape and dtype of its value: what was broadcast is summed."""
    if gradient.shape != x.shape:
        gradient = unbroadcast(gradient, x.shape)
    return gradient if gradient.dtype == x.dtype else cast(gradient, x.dtype)


def unbroadcast(gradient: Any, shape: Shape) -> Any:
    """Sum over the axes along which a value of this shape was broadcast."""
    extra = gradient.ndim - len(shape)
    if extra < 0:
        return broadcast_to(gradient, shape)
    if extra:
        gradient = sum(gradient, axis=tuple(range(extra)) if extra > 1 else 0)
    axes = tuple(i for i, size in enumerate(shape) if size == 1 and gradient.shape[i] != 1)
    if axes:
        gradient = sum(gradient, axis=axes if len(axes) > 1 else axes[0], keepdims=True)
    if gradient.shape != shape:
        gradient = broadcast_to(gradient, shape)
    return gradient


def name_gradient(gradient: Any, value: Any) -> None:
    """Note in a program whose gradient this is."""
    is_computed = isinstance(gradient, Symbol) and gradient.source is not None
    if is_computed and gradient is not value and gradient.gradient_of is None:
        gradient.gradient_of = value
