"""ScheduleFreeAdamW."""

from __future__ import annotations

from functools import partial
from typing import Any, Unpack

from sheer.core.checks import integer, number
from sheer.ops.arithmetic import minimum, power, reciprocal
from sheer.ops.declare import Array, op
from sheer.ops.rules import positive
from sheer.ops.symbol import named
from sheer.ops.variable import Variable
from sheer.optimizers.base import OPTIMIZERS, Optimizer, Rate, Shared
from sheer.optimizers.state import Start


@op(
    shape=lambda w, g, momentum, velocity, *_, **__: [w, w, w],
    sample=positive((3, 2), (3, 2), (3, 2), (3, 2), (), (), ()),
)
def schedule_free_update(
    xp: Any,
    w: Array,
    g: Array,
    momentum: Array,
    velocity: Array,
    share: Array,
    correction: Array,
    learning_rate: Array,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
) -> Array:
    """RMSprop's step from weights of its own, and the mean of these over all steps."""
    mean = (w - (1 - beta_1) * momentum) / beta_1
    velocity = velocity + (1 - beta_2) * (g * g - velocity)
    momentum = momentum - learning_rate * g / (xp.sqrt(velocity / correction) + epsilon)
    mean = (1 - share) * mean + share * momentum
    return (1 - beta_1) * momentum + beta_1 * mean, momentum, velocity


@OPTIMIZERS.add("schedulefreeadamw")
class ScheduleFreeAdamW(Optimizer):
    """Adam that needs no falling learning rate: it works with the mean of its weights.

        v = v + (1 - β₂) · (g² - v)
        z = z - learning_rate · g / (sqrt(v / (1 - β₂ᵗ)) + ε)         from the weights
        x = (1 - 1/t) · x + 1/t · z                                   the mean of all z
        w = (1 - β₁) · z + β₁ · x

    where t counts the steps from 1; the learning rate rises from 0 in the first `warmup_steps`.
    `momentum` in its variables is z, as in Keras. (Defazio et al. 2024.)

    Example:

    >>> import sheer
    >>> w = sheer.Variable([1.0])
    >>> sheer.optimizers.ScheduleFreeAdamW(0.1).apply([[2.0]], [w])
    >>> w.numpy().round(4)
    array([0.9], dtype=float32)
    """

    arguments = {
        "beta_1": number(0, 1, "()"),
        "beta_2": number(0, 1, "[)"),
        "epsilon": number(0),
        "warmup_steps": integer(0),
    }
    slots = ("momentum velocity",)

    def __init__(
        self,
        learning_rate: Rate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **shared: Unpack[Shared],
    ):
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.warmup_steps = warmup_steps
        super().__init__(learning_rate, **shared)

    def slot_start(self, variable: Variable, slot: str) -> Start | None:
        if slot == "momentum":
            return variable.shape, partial(_first, variable.stored()), variable.dtype
        return super().slot_start(variable, slot)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        t = self.time(variable.dtype)
        if self.warmup_steps:
            warmed = learning_rate * minimum(t / self.warmup_steps, 1)
            learning_rate = named("warmed_rate", warmed)
        share = named("share", reciprocal(t))
        correction = named("correction", 1 - power(self.beta_2, t))
        momentum, velocity = self.slot(variable, "momentum"), self.slot(variable, "velocity")
        new, new_momentum, new_velocity = schedule_free_update(
            variable, gradient, momentum, velocity, share, correction, learning_rate,
            self.beta_1, self.beta_2, self.epsilon,
        )  # fmt: skip
        momentum.assign(new_momentum)
        velocity.assign(new_velocity)
        variable.assign(new)


def _first(value: Array, shape: Any, dtype: Any = None) -> Array:
    """An initializer that gives this value; with it the optimizer can be pickled."""
    return value
