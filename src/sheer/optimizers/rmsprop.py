"""RMSprop."""

from __future__ import annotations

from typing import Any, Unpack

from sheer.core.checks import boolean, number
from sheer.ops.declare import Array, Sample, op
from sheer.ops.rules import positive
from sheer.ops.symbol import named
from sheer.ops.variable import Variable
from sheer.optimizers.base import OPTIMIZERS, Optimizer, Rate, Shared
from sheer.optimizers.state import slot_name


@op(shape=lambda g, velocity, rate, **_: [g, g], sample=positive((3, 2), (3, 2), ()))
def rmsprop_step(
    xp: Any,
    g: Array,
    velocity: Array,
    learning_rate: Array,
    rho: float = 0.9,
    epsilon: float = 1e-7,
) -> Array:
    """Divide each step by a running root mean square of that weight's gradient."""
    velocity = rho * velocity + (1 - rho) * g * g
    return learning_rate * g / xp.sqrt(velocity + epsilon), velocity


@op(
    shape=lambda g, velocity, average, rate, **_: [g, g, g],
    sample=Sample(lambda rng: [*rng.uniform(0.5, 0.6, (3, 3, 2)) ** [[[1]], [[-1]], [[1]]], 0.1]),
)
def centered_step(
    xp: Any,
    g: Array,
    velocity: Array,
    average: Array,
    learning_rate: Array,
    rho: float = 0.9,
    epsilon: float = 1e-7,
) -> Array:
    """Divide each step by a running standard deviation of that weight's gradient."""
    velocity = rho * velocity + (1 - rho) * g * g
    average = rho * average + (1 - rho) * g
    return learning_rate * g / xp.sqrt(velocity - average**2 + epsilon), velocity, average


@OPTIMIZERS.add("rmsprop")
class RMSprop(Optimizer):
    """Gradient descent with each step divided by a running root mean square of the gradient.

        v = ρ · v + (1 - ρ) · g²
        step = learning_rate · g / sqrt(v + ε)
        w = w - step

    `centered` takes the running mean a of the gradient out of v, and momentum μ adds up steps:

        a = ρ · a + (1 - ρ) · g                 sqrt(v - a² + ε)  in place of  sqrt(v + ε)
        m = μ · m + step
        w = w - m

    (Hinton, lecture 6e of "Neural networks for machine learning", 2012; ε stands inside the
    root, as in Keras.)

    Example:

    >>> import sheer
    >>> w = sheer.Variable([1.0])
    >>> sheer.optimizers.RMSprop(0.1).apply([[2.0]], [w])
    >>> w.numpy().round(4)
    array([0.6838], dtype=float32)
    """

    arguments = {
        "rho": number(0, 1, "[)"),
        "momentum": number(0, 1),
        "epsilon": number(0),
        "centered": boolean(),
    }

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **shared: Unpack[Shared],
    ):
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        self.slots = ("velocity",)
        self.slots += ("momentum",) if momentum else ()
        self.slots += ("average_gradient",) if centered else ()
        super().__init__(learning_rate, **shared)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        velocity = self.slot(variable, "velocity")
        settings = learning_rate, self.rho, self.epsilon
        if self.centered:
            average = self.slot(variable, "average_gradient")
            step, new_velocity, new_average = centered_step(gradient, velocity, average, *settings)
            average.assign(new_average)
        else:
            step, new_velocity = rmsprop_step(gradient, velocity, *settings)
        velocity.assign(new_velocity)
        named(slot_name(variable, "step"), step)
        if self.momentum:
            momentum = self.slot(variable, "momentum")
            momentum.assign(self.momentum * momentum + step)
            step = momentum
        variable.assign_sub(step)
