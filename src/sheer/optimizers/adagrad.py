"""Adagrad."""

from __future__ import annotations

from typing import Any, Unpack

from sheer.core.checks import number
from sheer.initializers import Constant
from sheer.ops.declare import Array, op
from sheer.ops.rules import positive
from sheer.ops.variable import Variable
from sheer.optimizers.base import OPTIMIZERS, Optimizer, Rate, Shared
from sheer.optimizers.state import Start


@op(
    shape=lambda w, g, accumulator, rate, **_: [w, w],
    sample=positive((3, 2), (3, 2), (3, 2), ()),
)
def adagrad_update(
    xp: Any, w: Array, g: Array, accumulator: Array, learning_rate: Array, epsilon: float = 1e-7
) -> Array:
    """Divide each step by the root of the sum of that weight's squared gradients."""
    accumulator = accumulator + g * g
    return w - learning_rate * g / xp.sqrt(accumulator + epsilon), accumulator


@OPTIMIZERS.add()
class Adagrad(Optimizer):
    """Gradient descent with smaller steps for weights that had large or many gradients.

        a = a + g²                              from initial_accumulator_value
        w = w - learning_rate · g / sqrt(a + ε)

    (Duchi et al. 2011.)

    Example:

    >>> import sheer
    >>> w = sheer.Variable([1.0])
    >>> sheer.optimizers.Adagrad(0.1).apply([[2.0]], [w])
    >>> w.numpy().round(4)
    array([0.9012], dtype=float32)
    """

    arguments = {"initial_accumulator_value": number(0), "epsilon": number(0)}
    slots = ("accumulator",)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **shared: Unpack[Shared],
    ):
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon
        super().__init__(learning_rate, **shared)

    def slot_start(self, variable: Variable, slot: str) -> Start | None:
        if slot == "accumulator":
            return variable.shape, Constant(self.initial_accumulator_value), variable.dtype
        return super().slot_start(variable, slot)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        accumulator = self.slot(variable, "accumulator")
        new, new_accumulator = adagrad_update(
            variable, gradient, accumulator, learning_rate, self.epsilon
        )
        accumulator.assign(new_accumulator)
        variable.assign(new)
