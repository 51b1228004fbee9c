"""Adadelta."""

from __future__ import annotations

from typing import Any, Unpack

from sheer.core.checks import number
from sheer.ops.declare import Array, op
from sheer.ops.rules import positive
from sheer.ops.variable import Variable
from sheer.optimizers.base import OPTIMIZERS, Optimizer, Rate, Shared


@op(
    shape=lambda w, g, squares, steps, rate, **_: [w, w, w],
    sample=positive((3, 2), (3, 2), (3, 2), (3, 2), ()),
)
def adadelta_update(
    xp: Any,
    w: Array,
    g: Array,
    squares: Array,
    steps: Array,
    learning_rate: Array,
    rho: float = 0.95,
    epsilon: float = 1e-7,
) -> Array:
    """Steps whose size is that of the steps so far, relative to the gradients so far."""
    squares = rho * squares + (1 - rho) * g * g
    step = g * xp.sqrt(steps + epsilon) / xp.sqrt(squares + epsilon)
    steps = rho * steps + (1 - rho) * step * step
    return w - learning_rate * step, squares, steps


@OPTIMIZERS.add()
class Adadelta(Optimizer):
    """Gradient descent whose steps have the unit of the weights.

        a = ρ · a + (1 - ρ) · g²
        step = sqrt(d + ε) / sqrt(a + ε) · g
        d = ρ · d + (1 - ρ) · step²
        w = w - learning_rate · step

    (Zeiler 2012, where the learning rate is 1.)

    Example:

    >>> import sheer
    >>> w = sheer.Variable([1.0])
    >>> sheer.optimizers.Adadelta(1.0).apply([[2.0]], [w])
    >>> w.numpy().round(4)
    array([0.9986], dtype=float32)
    """

    arguments = {"rho": number(0, 1, "[)"), "epsilon": number(0)}
    slots = ("accumulated_grad accumulated_delta_var",)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **shared: Unpack[Shared],
    ):
        self.rho, self.epsilon = rho, epsilon
        super().__init__(learning_rate, **shared)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        squares = self.slot(variable, "accumulated_grad")
        steps = self.slot(variable, "accumulated_delta_var")
        new, new_squares, new_steps = adadelta_update(
            variable, gradient, squares, steps, learning_rate, self.rho, self.epsilon
        )
        squares.assign(new_squares)
        steps.assign(new_steps)
        variable.assign(new)
