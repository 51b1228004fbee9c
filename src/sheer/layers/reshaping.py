"""Layers that arrange the values of each example anew."""

from __future__ import annotations

import math
from typing import Any

from sheer.core.checks import Check, integer
from sheer.core.shapes import show
from sheer.layers.base import LAYERS, Layer
from sheer.ops.picking import repeat
from sheer.ops.shaping import expand_dims, reshape, transpose


def _are_sizes(value: Any) -> bool:
    if not isinstance(value, (list, tuple)):
        return False
    return all(isinstance(s, int) and not isinstance(s, bool) and s >= -1 for s in value) and (
        list(value).count(-1) <= 1
    )


def _are_axes(value: Any) -> bool:
    is_list = isinstance(value, (list, tuple)) and all(isinstance(axis, int) for axis in value)
    return is_list and sorted(value) == list(range(1, len(value) + 1))


@LAYERS.add()
class Reshape(Layer):
    """The same elements of each example in another shape.

    target_shape: that of one example; one size may be -1: what is left.

    Example:

    >>> import sheer
    >>> sheer.layers.Reshape((2, -1))(sheer.ops.ones((5, 6))).shape
    (5, 2, 3)
    """

    arguments = {
        "target_shape": Check(
            "a list of sizes, of which one may be -1", _are_sizes, (3, "3", [-1, -1], [2.5], [-2])
        )
    }

    def __init__(self, target_shape: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.target_shape = target_shape
        self.check_arguments()
        self.target_shape = tuple(target_shape)

    def call(self, inputs: Any) -> Any:
        return reshape(inputs, (inputs.shape[0], *self._sizes(inputs.shape)))

    def _sizes(self, shape: Any) -> tuple[int, ...]:
        """The target shape, with what is left in place of -1."""
        total = math.prod(shape[1:])
        known = math.prod(s for s in self.target_shape if s != -1)
        if total != known and not (-1 in self.target_shape and known and total % known == 0):
            raise ValueError(
                f"Reshape {self.name!r}: {total} elements do not fit into the target_shape "
                f"{show(self.target_shape)}. Got an input of shape {show(shape)}."
            )
        return tuple(total // known if s == -1 else s for s in self.target_shape)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (input_shape[0], *self._sizes(input_shape))

    def formula(self) -> str:
        return f"each example as {show(self.target_shape)}"


@LAYERS.add()
class Permute(Layer):
    """The axes of each example in another order.

    dims: the axes, counted from 1: (2, 1) exchanges the two.

    Example:

    >>> import sheer
    >>> sheer.layers.Permute((2, 1))(sheer.ops.ones((5, 2, 3))).shape
    (5, 3, 2)
    """

    arguments = {
        "dims": Check(
            "the numbers 1, 2, ... in some order", _are_axes, ((0, 1), (1, 3), (1, 1), 1, [1.5])
        )
    }

    def __init__(self, dims: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = dims
        self.check_arguments()
        self.dims = tuple(dims)

    def call(self, inputs: Any) -> Any:
        if inputs.ndim != len(self.dims) + 1:
            raise ValueError(
                f"Permute {self.name!r}: dims {self.dims} are for an input with "
                f"{len(self.dims) + 1} axes. Got shape {show(inputs.shape)}."
            )
        return transpose(inputs, (0, *self.dims))

    def formula(self) -> str:
        return f"the axes in the order {show((0, *self.dims))}"


@LAYERS.add()
class RepeatVector(Layer):
    """Each row n times: (batch, features) becomes (batch, n, features).

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.RepeatVector(2)(np.array([[1.0, 2.0]])).numpy()
    array([[[1., 2.],
            [1., 2.]]], dtype=float32)
    """

    arguments = {"n": integer(1)}

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n = n
        self.check_arguments()

    def call(self, inputs: Any) -> Any:
        if inputs.ndim != 2:
            raise ValueError(
                f"RepeatVector {self.name!r} needs an input (batch, features). "
                f"Got shape {show(inputs.shape)}."
            )
        return repeat(expand_dims(inputs, 1), self.n, axis=1)

    def formula(self) -> str:
        return f"each row {self.n} times"
