"""Flatten: each example as one row."""

from __future__ import annotations

import math
from typing import Any

from sheer.core.checks import one_of
from sheer.layers.base import LAYERS, Layer
from sheer.ops.shaping import moveaxis, reshape


@LAYERS.add()
class Flatten(Layer):
    """Each example as one row: (n, a, b) becomes (n, a · b).

    data_format: `"channels_last"`, as is the default; or `"channels_first"`: axis 1 is moved to the
        end first, so that the row is in the same order for both.

    Example:

    >>> import sheer
    >>> sheer.layers.Flatten()(sheer.ops.ones((2, 3, 4))).shape
    (2, 12)
    """

    arguments = {"data_format": one_of("channels_last", "channels_first")}

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = data_format or "channels_last"
        self.check_arguments()

    def call(self, inputs: Any) -> Any:
        if self.data_format == "channels_first" and inputs.ndim > 1:
            inputs = moveaxis(inputs, 1, -1)
        return reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (input_shape[0], math.prod(input_shape[1:]))

    def formula(self) -> str:
        return "each example as one row"
