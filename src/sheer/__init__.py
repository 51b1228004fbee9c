"""sheer: a neural-network library with the Keras API that you can see through."""

from sheer import (
    activations,
    callbacks,
    constraints,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    regularizers,
    utils,
)
from sheer.autodiff import GradientTape
from sheer.core import config
from sheer.core.errors import NotBuiltError, ShapeError, TraceError
from sheer.layers import Input, InputSpec, Layer
from sheer.models import Model, Sequential
from sheer.ops import Symbol, Tensor, Variable, random
from sheer.program import Program
from sheer.training.function import function

__version__ = "0.1.0"

__all__ = [
    "GradientTape",
    "Input",
    "InputSpec",
    "Layer",
    "Model",
    "NotBuiltError",
    "Program",
    "Sequential",
    "ShapeError",
    "Symbol",
    "Tensor",
    "TraceError",
    "Variable",
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "function",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "random",
    "regularizers",
    "utils",
]
