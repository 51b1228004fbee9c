"""Lamb."""

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
    shape=lambda w, g, momentum, velocity, *_, **__: [w, w, w],
    sample=positive((3, 2), (3, 2), (3, 2), (3, 2), (), (), ()),
)
def lamb_update(
    xp: Any,
    w: Array,
    g: Array,
    momentum: Array,
    velocity: Array,
    correction_1: Array,
    correction_2: Array,
    learning_rate: Array,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> Array:
    """Adam's direction, with a step as long as the weights themselves, times the learning rate."""
    momentum = momentum + (1 - beta_1) * (g - momentum)
    velocity = velocity + (1 - beta_2) * (g * g - velocity)
    step = momentum / correction_1 / (xp.sqrt(velocity / correction_2) + epsilon)
    size, length = xp.sqrt(xp.sum(w * w)), xp.sqrt(xp.sum(step * step))
    ratio = xp.where(length > 0, size / xp.where(length > 0, length, 1), 1)
    ratio = xp.where(size > 0, ratio, 1)
    return w - ratio * learning_rate * step, momentum, velocity


@OPTIMIZERS.add()
class Lamb(Optimizer):
    """Adam with steps in proportion to the size of each layer's weights: for large batches.

        m = m + (1 - β₁) · (g - m)
        v = v + (1 - β₂) · (g² - v)
        u = m / (1 - β₁ᵗ) / (sqrt(v / (1 - β₂ᵗ)) + ε)
        w = w - learning_rate · |w| / |u| · u

    where t counts the steps from 1, and |w| / |u|, of Euclidean norms, is 1 if one of them is 0.
    (You et al. 2019.)

    Example:

    >>> import sheer
    >>> w = sheer.Variable([2.0])
    >>> sheer.optimizers.Lamb(0.1).apply([[3.0]], [w])
    >>> w.numpy().round(4)
    array([1.8], dtype=float32)
    """

    arguments = {
        "beta_1": number(0, 1, "[)"),
        "beta_2": number(0, 1, "[)"),
        "epsilon": number(0),
    }
    slots = ("momentum velocity",)

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
        correction_1 = named("correction_1", 1 - power(self.beta_1, t))
        correction_2 = named("correction_2", 1 - power(self.beta_2, t))
        momentum, velocity = self.slot(variable, "momentum"), self.slot(variable, "velocity")
        new, new_momentum, new_velocity = lamb_update(
            variable, gradient, momentum, velocity, correction_1, correction_2, learning_rate,
            self.beta_1, self.beta_2, self.epsilon,
        )  # fmt: skip
        momentum.assign(new_momentum)
        velocity.assign(new_velocity)
        variable.assign(new)
