"""Constraints on weights: applied after each update."""

from typing import Any

from sheer.core import config
from sheer.core.checks import number
from sheer.core.registry import Configurable, Registry
from sheer.core.registry import serialize as serialize
from sheer.ops.arithmetic import clip, maximum, sqrt, square
from sheer.ops.declare import operand
from sheer.ops.reduction import sum

CONSTRAINTS = Registry("constraint")


class Constraint(Configurable):
    """The base of constraints: a subclass has `__call__(w)`, which gives the new weight."""

    def __call__(self, w: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs a method __call__(w).")


def _norm(w: Any, axis: Any) -> Any:
    return sqrt(sum(square(w), axis, keepdims=True))


@CONSTRAINTS.add()
class NonNeg(Constraint):
    """No weight below 0.

    >>> NonNeg()([-1.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """

    def __call__(self, w: Any) -> Any:
        return maximum(w, 0)


@CONSTRAINTS.add()
class MaxNorm(Constraint):
    """The norm of each unit's weights, along `axis`, at most `max_value`."""

    arguments = {"max_value": number(0)}

    def __init__(self, max_value: float = 2, axis: Any = 0):
        self.max_value, self.axis = max_value, axis
        self.check_arguments()

    def __call__(self, w: Any) -> Any:
        w = operand(w)
        norm = _norm(w, self.axis)
        return w * (clip(norm, 0, self.max_value) / (norm + config.epsilon()))


@CONSTRAINTS.add()
class UnitNorm(Constraint):
    """The norm of each unit's weights, along `axis`, is 1."""

    def __init__(self, axis: Any = 0):
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        w = operand(w)
        return w / (_norm(w, self.axis) + config.epsilon())


@CONSTRAINTS.add()
class MinMaxNorm(Constraint):
    """The norm of each unit's weights moved towards [min_value, max_value], by the share `rate`."""

    arguments = {"min_value": number(0), "max_value": number(0), "rate": number(0, 1)}

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0
    ):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis
        self.check_arguments()

    def __call__(self, w: Any) -> Any:
        w = operand(w)
        norm = _norm(w, self.axis)
        near = clip(norm, self.min_value, self.max_value)
        wanted = self.rate * near + (1 - self.rate) * norm
        return w * (wanted / (norm + config.epsilon()))


# Keras's other names.
max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm


def get(identifier: Any) -> Any:
    """The constraint meant by a name, a config, or a function.

    >>> get("non_neg")
    NonNeg()
    """
    return CONSTRAINTS.get(identifier)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The constraint that `serialize` described; `custom_objects`: further classes by name."""
    return CONSTRAINTS.get(config, custom_objects)
