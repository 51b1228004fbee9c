"""Muon."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Unpack

from sheer.core.checks import boolean, integer, nothing, number
from sheer.ops.declare import Array, op
from sheer.ops.rules import normal
from sheer.ops.symbol import named
from sheer.ops.variable import Variable
from sheer.optimizers.adam import adam_step, adam_update
from sheer.optimizers.base import OPTIMIZERS, Optimizer, Rate, SharedButDecay
from sheer.optimizers.state import Start, slot_name


@op(shape=lambda x, **_: x, sample=[normal((3, 4), steps=2), normal((4, 3), steps=2)])
def orthogonalized(
    xp: Any, x: Array, steps: int = 5, a: float = 3.4445, b: float = -4.775, c: float = 2.0315
) -> Array:
    """The matrix with its singular values moved near 1, by steps of Newton and Schulz."""
    is_tall = x.shape[0] > x.shape[1]
    x = xp.transpose(x) if is_tall else x
    x = x / (xp.sqrt(xp.sum(x * x)) + 1e-7)
    for _ in range(steps):
        square = xp.matmul(x, xp.transpose(x))
        x = a * x + xp.matmul(b * square + c * xp.matmul(square, square), x)
    return xp.transpose(x) if is_tall else x


@OPTIMIZERS.add()
class Muon(Optimizer):
    """Momentum whose step is made orthogonal, for matrices; AdamW for all other weights.

        m = μ · m + g
        step = orthogonalized(g + μ · m)        or of m alone, without nesterov
        w = w - learning_rate · rms_rate · sqrt(max(rows, columns)) · step

    Embeddings are left to AdamW by default, and so should the last layer be: name its path in
    `exclude_layers`, a list of patterns. (Jordan et al. 2024, kellerjordan.github.io/posts/muon;
    the factor `rms_rate` is of Liu et al. 2025.)

    `adam_beta_1`, `adam_beta_2`, `adam_weight_decay`, `epsilon` are AdamW's arguments, its rate is
    `adam_lr_ratio` · learning_rate; `ns_steps`, `muon_a`, `muon_b`, `muon_c` those of the steps of
    Newton and Schulz: x = a · x + (b · A + c · A²) · x, with A = x · xᵀ.

    Example:

    >>> import sheer
    >>> w = sheer.Variable([[1.0, 0.0], [0.0, 1.0]])
    >>> sheer.optimizers.Muon(0.1, weight_decay=0.0).apply([[[3.0, 0.0], [0.0, 4.0]]], [w])
    >>> w.numpy().round(2)
    array([[0.98, 0.  ],
           [0.  , 0.97]], dtype=float32)
    """

    arguments = {
        "adam_beta_1": number(0, 1, "[)"),
        "adam_beta_2": number(0, 1, "[)"),
        "adam_weight_decay": number(0) | nothing(),
        "epsilon": number(0),
        "exclude_embeddings": boolean(),
        "muon_a": number(),
        "muon_b": number(),
        "muon_c": number(),
        "adam_lr_ratio": number(0),
        "momentum": number(0, 1),
        "ns_steps": integer(0),
        "nesterov": boolean(),
        "rms_rate": number(0) | nothing(),
    }
    slots = ("momentum velocity",)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        *,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **shared: Unpack[SharedButDecay],
    ):
        self.adam_beta_1, self.adam_beta_2 = adam_beta_1, adam_beta_2
        self.adam_weight_decay, self.epsilon = adam_weight_decay, epsilon
        self.exclude_layers = list(exclude_layers or [])
        self.exclude_embeddings = exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.adam_lr_ratio, self.momentum = adam_lr_ratio, momentum
        self.ns_steps, self.nesterov, self.rms_rate = ns_steps, nesterov, rms_rate
        super().__init__(learning_rate, weight_decay, **shared)

    def uses_adam(self, variable: Variable) -> bool:
        """Whether a weight is left to AdamW."""
        is_embedding = self.exclude_embeddings and "embedding" in variable.path.lower()
        named_so = any(re.search(pattern, variable.path) for pattern in self.exclude_layers)
        return variable.ndim != 2 or is_embedding or named_so

    def slot_start(self, variable: Variable, slot: str) -> Start | None:
        is_needed = slot != "velocity" or self.uses_adam(variable)
        return super().slot_start(variable, slot) if is_needed else None

    def decay_of(self, variable: Variable) -> float | None:
        share = super().decay_of(variable)
        return self.adam_weight_decay if self.uses_adam(variable) and share is not None else share

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        if self.uses_adam(variable):
            self._adam(gradient, variable, learning_rate * self.adam_lr_ratio)
            return
        momentum = self.slot(variable, "momentum")
        momentum.assign(self.momentum * momentum + gradient)
        direction = gradient + self.momentum * momentum if self.nesterov else momentum
        named(slot_name(variable, "direction"), direction)
        step = orthogonalized(direction, self.ns_steps, self.muon_a, self.muon_b, self.muon_c)
        if self.rms_rate is not None:
            learning_rate = learning_rate * (self.rms_rate * math.sqrt(max(variable.shape)))
        variable.assign_sub(learning_rate * named(slot_name(variable, "step"), step))

    def _adam(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        betas = self.adam_beta_1, self.adam_beta_2
        step = adam_step(learning_rate, self.time(variable.dtype), *betas)
        momentum, velocity = self.slot(variable, "momentum"), self.slot(variable, "velocity")
        new, new_momentum, new_velocity = adam_update(
            variable, gradient, momentum, velocity, step, *betas, self.epsilon
        )
        momentum.assign(new_momentum)
        velocity.assign(new_velocity)
        variable.assign(new)
