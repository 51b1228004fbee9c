"""Rescaling: another unit and another zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheer.layers.base import LAYERS
from sheer.layers.preprocessing import Preprocessing
from sheer.ops.arithmetic import as_float
from sheer.ops.tensor import Tensor


@LAYERS.add()
class Rescaling(Preprocessing):
    """x · scale + offset; whole numbers become floats first.

    Any shape, and the shape stays. `scale` and `offset`: numbers, or arrays that broadcast.

    Example:

    >>> import sheer
    >>> sheer.layers.Rescaling(1 / 127.5, offset=-1)([[0, 255]]).numpy()
    array([[-1.,  1.]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset

    def call(self, inputs: Any) -> Any:
        scaled = as_float(inputs, self.dtype) * self._operand(self.scale)
        return scaled if self._has_no_offset() else scaled + self._operand(self.offset)

    def _operand(self, value: Any) -> Any:
        return Tensor(value, self.dtype) if np.ndim(value) else float(value)

    def _has_no_offset(self) -> bool:
        return not np.ndim(self.offset) and float(self.offset) == 0

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        numbers = {k: np.asarray(getattr(self, k)).tolist() for k in ("scale", "offset")}
        return {**super().get_config(), **numbers}

    def formula(self) -> str:
        return "x · scale" if self._has_no_offset() else "x · scale + offset"
