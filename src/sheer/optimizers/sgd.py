"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any, Unpack

from sheer.core.checks import boolean, number
from sheer.ops.symbol import named
from sheer.ops.variable import Variable
from sheer.optimizers.base import OPTIMIZERS, Optimizer, Rate, Shared
from sheer.optimizers.state import slot_name


@OPTIMIZERS.add("sgd")
class SGD(Optimizer):
    """Gradient descent, with or without momentum.

        w = w - learning_rate · g

    With momentum μ (Polyak 1964), and nesterov (Sutskever et al. 2013):

        m = μ · m - learning_rate · g
        w = w + m                               or  w + μ · m - learning_rate · g

    Example:

    >>> import sheer
    >>> w = sheer.Variable([1.0])
    >>> sheer.optimizers.SGD(0.1).apply([[2.0]], [w])
    >>> w.numpy()
    array([0.8], dtype=float32)
    """

    arguments = {"momentum": number(0, 1), "nesterov": boolean()}

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **shared: Unpack[Shared],
    ):
        self.momentum, self.nesterov = momentum, nesterov
        self.slots = ("momentum",) if momentum else ()
        super().__init__(learning_rate, **shared)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        if not self.momentum:
            variable.assign_sub(learning_rate * gradient)
            return
        step = named(slot_name(variable, "step"), learning_rate * gradient)
        momentum = self.slot(variable, "momentum")
        momentum.assign(self.momentum * momentum - step)
        if self.nesterov:
            ahead = self.momentum * momentum - step
            variable.assign_add(named(slot_name(variable, "look_ahead"), ahead))
        else:
            variable.assign_add(momentum)
