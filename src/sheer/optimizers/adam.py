"""Adam and AdamW."""

from __future__ import annotations

from typing import Any, Unpack

from sheer.core.checks import boolean, number
from sheer.ops.arithmetic import maximum, power, sqrt
from sheer.ops.declare import Array, op
from sheer.ops.rules import positive
from sheer.ops.symbol import named
from sheer.ops.variable import Variable
from sheer.optimizers.base import OPTIMIZERS, Optimizer, Rate, Shared, SharedButDecay


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


def adam_step(learning_rate: Any, t: Any, beta_1: float, beta_2: float) -> Any:
    """The learning rate, corrected for the two running means that began at 0."""
    correction = sqrt(1 - power(beta_2, t)) / (1 - power(beta_1, t))
    return named("step", learning_rate * correction)


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
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **shared: Unpack[Shared],
    ):
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad
        self.slots = ("momentum velocity", *(("velocity_hat",) if amsgrad else ()))
        super().__init__(learning_rate, **shared)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        step = adam_step(learning_rate, self.time(variable.dtype), self.beta_1, self.beta_2)
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


@OPTIMIZERS.add("adamw")
class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov and Hutter 2017):

        w = w - learning_rate · weight_decay · w

    and then Adam's step. `exclude_from_weight_decay(var_names=["bias"])` leaves weights out.

    Example:

    >>> import sheer
    >>> w = sheer.Variable([1.0])
    >>> sheer.optimizers.AdamW(0.1, weight_decay=0.5).apply([[2.0]], [w])
    >>> w.numpy().round(4)
    array([0.85], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **shared: Unpack[SharedButDecay],
    ):
        if weight_decay is None:
            raise ValueError("AdamW: weight_decay must be a number of 0 or more. Got None.")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **shared
        )
