"""Adam."""

from __future__ import annotations

from typing import Any

from sheer.core.checks import boolean, number
from sheer.ops.arithmetic import cast, maximum, power, sqrt
from sheer.ops.declare import Array, op
from sheer.ops.rules import positive
from sheer.ops.symbol import named
from sheer.ops.variable import Variable
from sheer.optimizers.base import OPTIMIZERS, Optimizer


@op(
    shape=lambda w, g, momentum, velocity, step, **_: [w, w, w],
    sample=positive((3, 2), (3, 2), (3, 2), (3, 2), ()),
)
def adam_update(
    xp: Any,
    w: Array,
    g: Array,
    momentum: Array,
    velocity: Array,
    step: Array,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> Array:
    """Step along the running mean of the gradient, divided by its running root mean square."""
    momentum = momentum + (1 - beta_1) * (g - momentum)
    velocity = velocity + (1 - beta_2) * (g * g - velocity)
    return w - step * momentum / (xp.sqrt(velocity) + epsilon), momentum, velocity


@OPTIMIZERS.add("adam")
class Adam(Optimizer):
    """Running means of the gradient and of its square, both corrected for their start at 0.

        m = m + (1 - β₁) · (g - m)
        v = v + (1 - β₂) · (g² - v)
        w = w - learning_rate · sqrt(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (sqrt(v) + ε)

    where t counts the steps from 1. With amsgrad, the largest v so far stands in place of v.
    (Kingma and Ba 2014, in the form before section 2.1; Reddi et al. 2018.)

    Example:

    >>> import sheer
    >>> w = sheer.Variable([1.0])
    >>> sheer.optimizers.Adam(0.1).apply([[2.0]], [w])
    >>> w.numpy().round(4)
    array([0.9], dtype=float32)
    """

    arguments = {
        "beta_1": number(0, 1, "[)"),
        "beta_2": number(0, 1, "[)"),
        "epsilon": number(0),
        "amsgrad": boolean(),
    }

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad
        self.slots = ("momentum", "velocity", *(("velocity_hat",) if amsgrad else ()))
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name, **kwargs
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        t = named("t", cast(self.iterations.value + 1, variable.dtype))
        correction = sqrt(1 - power(self.beta_2, t)) / (1 - power(self.beta_1, t))
        step = named("step", learning_rate * correction)
        momentum, velocity = self.slot(variable, "momentum"), self.slot(variable, "velocity")
        new, new_momentum, new_velocity = adam_update(
            variable, gradient, momentum, velocity, step, self.beta_1, self.beta_2, self.epsilon
        )
        momentum.assign(new_momentum)
        velocity.assign(new_velocity)
        if self.amsgrad:
            largest = self.slot(variable, "velocity_hat")
            largest.assign(maximum(largest, velocity))
            new = variable - step * momentum / (sqrt(largest.value) + self.epsilon)
        variable.assign(new)
