"""Layers."""

from sheer.layers.activation import Activation
from sheer.layers.base import LAYERS, Layer
from sheer.layers.dense import Dense
from sheer.layers.flatten import Flatten
from sheer.layers.input import Input, InputLayer, InputSpec

__all__ = ["LAYERS", "Activation", "Dense", "Flatten", "Input", "InputLayer", "InputSpec", "Layer"]
