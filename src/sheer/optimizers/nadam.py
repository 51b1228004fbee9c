"""Nadam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from sheer.core.checks import number
from sheer.ops.arithmetic import as_float, power
from sheer.ops.declare import Array, op
from sheer.ops.rules import positive
from sheer.ops.symbol import named
from sheer.ops.variable import Variable
from sheer.optimizers.base import OPTIMIZERS, Optimizer, Rate, Shared


@op(
    shape=lambda w, g, momentum, velocity, *_, **__: [w, w, w],
    sample=positive((3, 2), (3, 2), (3, 2), (3, 2), (), (), (), ()),
)
def nadam_update(
    xp: Any,
    w: Array,
    g: Array,
    momentum: Array,
    velocity: Array,
    ahead: Array,
    now: Array,
    correction: Array,
    learning_rate: Array,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> Array:
    """Adam's step, with the momentum of the step to come and the gradient of this one."""
    momentum = momentum + (1 - beta_1) * (g - momentum)
    velocity = velocity + (1 - beta_2) * (g * g - velocity)
    mean = ahead * momentum + now * g
    root = xp.sqrt(velocity / correction) + epsilon
    return w - learning_rate * mean / root, momentum, velocity


@OPTIMIZERS.add()
class Nadam(Optimizer):
    """Adam with Nesterov's momentum: it looks one step ahead.

        μₜ = β₁ · (1 - 0.96ᵗ / 2)               u = u · μₜ, from 1
        m = m + (1 - β₁) · (g - m)
        v = v + (1 - β₂) · (g² - v)
        mean = μₜ₊₁ · m / (1 - u · μₜ₊₁) + (1 - μₜ) · g / (1 - u)
        w = w - learning_rate · mean / (sqrt(v / (1 - β₂ᵗ)) + ε)

    where t counts the steps from 1. (Dozat 2015.)

    Example:

    >>> import sheer
    >>> w = sheer.Variable([1.0])
    >>> sheer.optimizers.Nadam(0.1).apply([[2.0]], [w])
    >>> w.numpy().round(4)
    array([0.8937], dtype=float32)
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
        # The product of all μ so far; made with the first slots, as in Keras's files.
        self._product: Variable | None = None
        super().__init__(learning_rate, **shared)

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        if self._product is None:
            self._product = self.add_variable((), "ones", variables[0].dtype, "u_product")

    def _share(self, t: Any) -> Any:
        return self.beta_1 * (1 - 0.5 * power(0.96, t))

    def update_steps(self, gradients: list[Any], variables: list[Variable], rate: Any) -> None:
        product = self._product
        assert product is not None
        product.assign(product * self._share(self.time(product.dtype)))
        super().update_steps(gradients, variables, rate)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        t, product = self.time(variable.dtype), as_float(self._product, variable.dtype)
        share, next_share = named("share", self._share(t)), named("next_share", self._share(t + 1))
        ahead = named("ahead", next_share / (1 - product * next_share))
        now = named("now", (1 - share) / (1 - product))
        correction = named("correction", 1 - power(self.beta_2, t))
        momentum, velocity = self.slot(variable, "momentum"), self.slot(variable, "velocity")
        new, new_momentum, new_velocity = nadam_update(
            variable, gradient, momentum, velocity, ahead, now, correction, learning_rate,
            self.beta_1, self.beta_2, self.epsilon,
        )  # fmt: skip
        momentum.assign(new_momentum)
        velocity.assign(new_velocity)
        variable.assign(new)
