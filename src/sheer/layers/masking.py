"""Masking: steps of sequences that do not count."""

from __future__ import annotations

from typing import Any

from sheer.layers.base import LAYERS, Layer
from sheer.ops.arithmetic import not_equal, where
from sheer.ops.reduction import any as any_of
from sheer.ops.shaping import expand_dims


@LAYERS.add()
class Masking(Layer):
    """Masks the steps of which all features have a certain value, and sets them to 0.

    Input and output (n, steps, ..., features). The layers behind it that know masks skip these
    steps, and so do the loss and the metrics.

    mask_value: the value of features that are not there.

    Example:

    >>> import sheer
    >>> x = sheer.Tensor([[[1.0, 2.0], [9.0, 9.0]]])
    >>> y = sheer.layers.Masking(mask_value=9.0)(x)
    >>> y.numpy().tolist(), y._keras_mask.numpy().tolist()
    ([[[1.0, 2.0], [0.0, 0.0]]], [[True, False]])
    """

    def __init__(self, mask_value: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Where a feature has another value: (n, steps, ...)."""
        return any_of(not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        return where(expand_dims(self.compute_mask(inputs), -1), inputs, 0)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def formula(self) -> str:
        return f"0 where all features are {self.mask_value}"
