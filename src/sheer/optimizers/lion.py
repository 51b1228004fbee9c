"""Lion."""

from __future__ import annotations

from typing import Any, Unpack

from sheer.core.checks import number
from sheer.ops.declare import Array, op
from sheer.ops.rules import positive
from sheer.ops.variable import Variable
from sheer.optimizers.base import OPTIMIZERS, Optimizer, Rate, Shared


@op(
    shape=lambda w, g, momentum, rate, **_: [w, w],
    sample=positive((3, 2), (3, 2), (3, 2), ()),
)
def lion_update(
    xp: Any,
    w: Array,
    g: Array,
    momentum: Array,
    learning_rate: Array,
    beta_1: float = 0.9,
    beta_2: float = 0.99,
) -> Array:
    """Steps of one size for all weights, by the sign of gradient and running mean together."""
    direction = xp.sign(beta_1 * momentum + (1 - beta_1) * g)
    momentum = beta_2 * momentum + (1 - beta_2) * g
    return w - learning_rate * direction, momentum


@OPTIMIZERS.add()
class Lion(Optimizer):
    """Steps of one size for all weights, by the sign of the gradient and its running mean together.

        w = w - learning_rate · sign(β₁ · m + (1 - β₁) · g)
        m = β₂ · m + (1 - β₂) · g

    Its learning rate is best three to ten times smaller than Adam's. (Chen et al. 2023.)

    Example:

    >>> import sheer
    >>> w = sheer.Variable([1.0])
    >>> sheer.optimizers.Lion(0.25).apply([[2.0]], [w])
    >>> w.numpy()
    array([0.75], dtype=float32)
    """

    arguments = {"beta_1": number(0, 1, "(]"), "beta_2": number(0, 1)}
    slots = ("momentum",)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **shared: Unpack[Shared],
    ):
        self.beta_1, self.beta_2 = beta_1, beta_2
        super().__init__(learning_rate, **shared)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        momentum = self.slot(variable, "momentum")
        new, new_momentum = lion_update(
            variable, gradient, momentum, learning_rate, self.beta_1, self.beta_2
        )
        momentum.assign(new_momentum)
        variable.assign(new)
