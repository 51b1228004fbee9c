"""Shape rules, texts and samples that several ops share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sheer.core.shapes import Shape, broadcast, normalize_axes
from sheer.ops.declare import Sample
from sheer.ops.recording import Call


def same(shape: Shape, *_: Any, **__: Any) -> Shape:
    """The shape of the first operand."""
    return shape


def together(*shapes: Shape | None, **_: Any) -> Shape:
    """The operands' shapes broadcast together."""
    return broadcast(*(s for s in shapes if s is not None))


def reduced(shape: Shape, axis: Any = None, keepdims: bool = False, **_: Any) -> Shape:
    """The shape without the axes that are reduced, or with 1 in their place."""
    axes = normalize_axes(axis, len(shape))
    if keepdims:
        return tuple(1 if i in axes else size for i, size in enumerate(shape))
    return tuple(size for i, size in enumerate(shape) if i not in axes)


def with_dtype_if(name: str, condition: Callable[[str], bool]) -> Callable[[Call], str]:
    """Call `name`, and say the dtype of the result where NumPy would choose another one."""

    def text(call: Call) -> str:
        dtype = call.outputs[0].dtype
        extra = f", dtype=np.{dtype}" if condition(call.operands()[0].dtype) else ""
        arguments = "".join(
            f", {n}={call.attrs[n]!r}"
            for n in call.op.attributes
            if call.attrs[n] != call.op.defaults[n]
        )
        return f"{name}({{{call.op.tensors[0]}}}{arguments}{extra})"

    return text


def normal(*shapes: tuple[int, ...], **attrs: Any) -> Sample:
    """Operands of these shapes with normally distributed values."""
    return Sample(lambda rng: [rng.normal(size=s) for s in shapes], attrs)


def positive(*shapes: tuple[int, ...], **attrs: Any) -> Sample:
    """Operands of these shapes with values in [0.5, 2)."""
    return Sample(lambda rng: [rng.uniform(0.5, 2, size=s) for s in shapes], attrs)


def unsmooth(*shapes: tuple[int, ...], **attrs: Any) -> Sample:
    """Operands with values among -1, 0 and 1: full of ties, so no check of the slope."""
    return Sample(
        lambda rng: [rng.integers(-1, 2, size=s).astype(np.float64) for s in shapes], attrs, False
    )


def integers(*shapes: tuple[int, ...], high: int = 3, **attrs: Any) -> Sample:
    """Operands with whole values in [0, high)."""
    return Sample(lambda rng: [rng.integers(0, high, size=s) for s in shapes], attrs, False)
