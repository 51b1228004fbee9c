"""Penalties on weights, added to the loss."""

from typing import Any

from sheer.core import config
from sheer.core.checks import number, one_of
from sheer.core.registry import Configurable, Registry
from sheer.core.registry import serialize as serialize
from sheer.ops.arithmetic import abs, maximum, sqrt, square
from sheer.ops.declare import operand
from sheer.ops.reduction import sum
from sheer.ops.shaping import eye

REGULARIZERS = Registry("regularizer")


class Regularizer(Configurable):
    """The base of regularizers: a subclass has `__call__(x)`, which gives a scalar."""

    def __call__(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs a method __call__(x).")


@REGULARIZERS.add("l1_l2")
class L1L2(Regularizer):
    """l1 · sum|x| + l2 · sum x².

    >>> float(L1L2(l1=0.5, l2=1.0)([1.0, -2.0]))
    6.5
    """

    arguments = {"l1": number(0), "l2": number(0)}

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1, self.l2 = l1 or 0.0, l2 or 0.0
        self.check_arguments()

    def __call__(self, x: Any) -> Any:
        penalties = [self.l1 * sum(abs(x))] if self.l1 else []
        penalties += [self.l2 * sum(square(x))] if self.l2 else []
        return penalties[0] + penalties[1] if len(penalties) == 2 else (penalties or [0.0])[0]


@REGULARIZERS.add()
class L1(Regularizer):
    """l1 · sum|x|."""

    arguments = {"l1": number(0)}

    def __init__(self, l1: float = 0.01):
        self.l1 = 0.01 if l1 is None else l1
        self.check_arguments()

    def __call__(self, x: Any) -> Any:
        return self.l1 * sum(abs(x))


@REGULARIZERS.add()
class L2(Regularizer):
    """l2 · sum x²."""

    arguments = {"l2": number(0)}

    def __init__(self, l2: float = 0.01):
        self.l2 = 0.01 if l2 is None else l2
        self.check_arguments()

    def __call__(self, x: Any) -> Any:
        return self.l2 * sum(square(x))


@REGULARIZERS.add()
class OrthogonalRegularizer(Regularizer):
    """factor · the mean of |cos| of the angles between all pairs of rows, or columns, of a matrix.

    >>> float(OrthogonalRegularizer(factor=0.5)([[1.0, 0.0], [0.0, 2.0]]))
    0.0
    """

    arguments = {"factor": number(0), "mode": one_of("rows", "columns")}

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        self.factor, self.mode = factor, mode
        self.check_arguments()

    def __call__(self, x: Any) -> Any:
        x = operand(x)
        if x.ndim != 2:
            raise ValueError(f"OrthogonalRegularizer is for matrices only. Got shape {x.shape}.")
        rows = x if self.mode == "rows" else x.T
        lengths = sqrt(sum(square(rows), axis=1, keepdims=True))
        units = rows / maximum(lengths, config.epsilon())
        count = x.shape[0 if self.mode == "rows" else 1]
        cosines = abs((units @ units.T) * (1 - eye(count, dtype=x.dtype)))
        # Each pair stands twice in the matrix.
        return self.factor * sum(cosines) / (count * (count - 1))


# Keras's other names.
l1, l2, l1_l2 = L1, L2, L1L2
orthogonal_regularizer = OrthogonalRegularizer


def get(identifier: Any) -> Any:
    """The regularizer meant by a name, a config, or a function.

    >>> get("l2")
    L2(l2=0.01)
    """
    return REGULARIZERS.get(identifier)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The regularizer that `serialize` described; `custom_objects`: further classes by name."""
    return REGULARIZERS.get(config, custom_objects)
