"""sheer: a neural-network library with the Keras API that you can see through."""

import importlib
from typing import TYPE_CHECKING, Any

from sheer import (
    activations,
    callbacks,
    config,
    constraints,
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
from sheer.core.errors import NotBuiltError, NotFiniteError, ShapeError, TraceError
from sheer.engines.native import eager
from sheer.initializers import Initializer
from sheer.layers import Input, InputSpec, Layer
from sheer.losses import Loss
from sheer.metrics import Metric
from sheer.models import Model, Sequential
from sheer.ops import Symbol, Tensor, Variable, random
from sheer.optimizers import Optimizer
from sheer.program import Program
from sheer.regularizers import Regularizer
from sheer.training.function import function

__version__ = "0.1.0"

KerasTensor = Symbol  # its name in Keras

eager.install()

if TYPE_CHECKING:
    from sheer import datasets as datasets
    from sheer import inspect as inspect
    from sheer import saving as saving
    from sheer import wrappers as wrappers


def __getattr__(name: str) -> Any:
    # These are imported when they are first used: `import sheer` stays quick.
    if name in ("datasets", "inspect", "saving", "wrappers"):
        return importlib.import_module(f"sheer.{name}")
    raise AttributeError(f"module 'sheer' has no attribute {name!r}")


__all__ = [
    "GradientTape",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "NotBuiltError",
    "NotFiniteError",
    "Optimizer",
    "Program",
    "Regularizer",
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
    "saving",
    "utils",
    "wrappers",
]
