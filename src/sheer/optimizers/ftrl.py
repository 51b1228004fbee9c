"""Ftrl."""

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
    shape=lambda w, g, squares, linear, rate, **_: [w, w, w],
    sample=[
        positive((3, 2), (3, 2), (3, 2), (3, 2), ()),
        positive((3, 2), (3, 2), (3, 2), (3, 2), (), power=0.7, l1=0.3, l2=0.2, shrinkage=0.1),
    ],
)
def ftrl_update(
    xp: Any,
    w: Array,
    g: Array,
    squares: Array,
    linear: Array,
    learning_rate: Array,
    power: float = 0.5,
    l1: float = 0.0,
    l2: float = 0.0,
    shrinkage: float = 0.0,
    beta: float = 0.0,
) -> Array:
    """The weights that suit all gradients so far best, with penalties on their size."""
    before, squares = squares, squares + g * g
    change = (squares**power - before**power) / learning_rate
    linear = linear + g + 2 * shrinkage * w - change * w
    curve = (squares**power + beta) / learning_rate + 2 * l2
    return (xp.clip(linear, -l1, l1) - linear) / curve, squares, linear


@OPTIMIZERS.add()
class Ftrl(Optimizer):
    """Follow the regularized leader: for wide linear models; l1 makes weights exactly 0.

        n = n + g²                              from initial_accumulator_value
        z = z + g + 2 · shrinkage · w - (n_newᵖ - n_oldᵖ) / learning_rate · w
        w = (clip(z, -l1, l1) - z) / ((nᵖ + β) / learning_rate + 2 · l2)

    with p = -learning_rate_power, and the strengths called l1, l2 and shrinkage.
    (McMahan et al. 2013.)

    Example:

    >>> import sheer
    >>> w = sheer.Variable([0.0])
    >>> sheer.optimizers.Ftrl(0.1).apply([[2.0]], [w])
    >>> w.numpy().round(4)
    array([-0.0988], dtype=float32)
    """

    arguments = {
        "learning_rate_power": number(None, 0),
        "initial_accumulator_value": number(0),
        "l1_regularization_strength": number(0),
        "l2_regularization_strength": number(0),
        "l2_shrinkage_regularization_strength": number(0),
        "beta": number(0),
    }
    slots = ("accumulator linear",)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **shared: Unpack[Shared],
    ):
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        super().__init__(learning_rate, **shared)

    def slot_start(self, variable: Variable, slot: str) -> Start | None:
        if slot == "accumulator":
            return variable.shape, Constant(self.initial_accumulator_value), variable.dtype
        return super().slot_start(variable, slot)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        squares, linear = self.slot(variable, "accumulator"), self.slot(variable, "linear")
        new, new_squares, new_linear = ftrl_update(
            variable,
            gradient,
            squares,
            linear,
            learning_rate,
            -self.learning_rate_power,
            self.l1_regularization_strength,
            self.l2_regularization_strength,
            self.l2_shrinkage_regularization_strength,
            self.beta,
        )
        squares.assign(new_squares)
        linear.assign(new_linear)
        variable.assign(new)
