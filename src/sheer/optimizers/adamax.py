"""Adamax."""

from __future__ import annotations

from typing import Any, Unpack

from sheer.core.checks import number
from sheer.ops.arithmetic import power
from sheer.ops.declare import Array, op
from sheer.ops.rules import positive
from sheer.ops.symbol import named
from sheer.ops.variable import Variable
from sheer.optimizers.base import OPTIMIZERS, Optimizer, Rate, Shared


@op(
    shape=lambda w, g, momentum, norm, step, **_: [w, w, w],
    sample=positive((3, 2), (3, 2), (3, 2), (3, 2), ()),
)
def adamax_update(
    xp: Any,
    w: Array,
    g: Array,
    momentum: Array,
    norm: Array,
    step: Array,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> Array:
    """Step along the running mean of the gradient, divided by its largest size of late."""
    momentum = momentum + (1 - beta_1) * (g - momentum)
    norm = xp.maximum(beta_2 * norm, xp.abs(g))
    return w - step * momentum / (norm + epsilon), momentum, norm


@OPTIMIZERS.add()
class Adamax(Optimizer):
    """Adam with the largest gradient of late in place of the root mean square.

        m = m + (1 - β₁) · (g - m)
        u = max(β₂ · u, |g|)
        w = w - learning_rate / (1 - β₁ᵗ) · m / (u + ε)

    where t counts the steps from 1. (Kingma and Ba 2014, section 7.1.)

    Example:

    >>> import sheer
    >>> w = sheer.Variable([1.0])
    >>> sheer.optimizers.Adamax(0.1).apply([[2.0]], [w])
    >>> w.numpy().round(4)
    array([0.9], dtype=float32)
    """

    arguments = {
        "beta_1": number(0, 1, "[)"),
        "beta_2": number(0, 1, "[)"),
        "epsilon": number(0),
    }
    slots = ("momentum norm",)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **shared: Unpack[Shared],
    ):
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        super().__init__(learning_rate, **shared)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        t = self.time(variable.dtype)
        step = named("step", learning_rate / (1 - power(self.beta_1, t)))
        momentum, norm = self.slot(variable, "momentum"), self.slot(variable, "norm")
        new, new_momentum, new_norm = adamax_update(
            variable, gradient, momentum, norm, step, self.beta_1, self.beta_2, self.epsilon
        )
        momentum.assign(new_momentum)
        norm.assign(new_norm)
        variable.assign(new)
