"""Activation: an activation function as a layer."""

from __future__ import annotations

from typing import Any

from sheer import activations
from sheer.layers.base import LAYERS, Layer


@LAYERS.add()
class Activation(Layer):
    """activation(x), element by element or row by row; the shape stays.

    Example:

    >>> import sheer
    >>> sheer.layers.Activation("relu")([[-1.0, 2.0]]).numpy()
    array([[0., 2.]], dtype=float32)
    """

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def formula(self) -> str:
        return f"{activations.name_of(self.activation)}(x)"
