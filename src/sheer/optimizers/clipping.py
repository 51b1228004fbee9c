"""Gradients kept small."""

from __future__ import annotations

from typing import Any

from sheer.ops.arithmetic import clip, maximum, minimum, reciprocal, sqrt, square
from sheer.ops.reduction import sum
from sheer.ops.symbol import named


def by_norm(gradients: list[Any], limit: float) -> list[Any]:
    """Each gradient, scaled down to this Euclidean norm."""
    norms = [sqrt(sum(square(g))) for g in gradients]
    return [
        named("clipped", g * limit / maximum(norm, limit))
        for g, norm in zip(gradients, norms, strict=True)
    ]


def by_value(gradients: list[Any], limit: float) -> list[Any]:
    """Each element of each gradient, kept within plus or minus this."""
    return [named("clipped", clip(g, -limit, limit)) for g in gradients]


def by_global_norm(gradients: list[Any], limit: float) -> list[Any]:
    """All gradients, scaled down together to this Euclidean norm."""
    total = sum(square(gradients[0]))
    for gradient in gradients[1:]:
        total = total + sum(square(gradient))
    scale = named("scale", limit * minimum(reciprocal(sqrt(total)), 1 / limit))
    return [named("clipped", g * scale) for g in gradients]
