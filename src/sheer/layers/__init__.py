"""Layers."""

from typing import TYPE_CHECKING, Any

from sheer.core import registry
from sheer.core.errors import absent
from sheer.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from sheer.layers.base import LAYERS, Layer
from sheer.layers.batch_normalization import BatchNormalization
from sheer.layers.category_encoding import CategoryEncoding
from sheer.layers.dense import Dense
from sheer.layers.discretization import Discretization
from sheer.layers.einsum_dense import EinsumDense
from sheer.layers.embedding import Embedding
from sheer.layers.flatten import Flatten
from sheer.layers.function import Identity, Lambda
from sheer.layers.hashing import Hashing
from sheer.layers.input import Input, InputLayer
from sheer.layers.input_spec import InputSpec
from sheer.layers.lacking import LACKING
from sheer.layers.layer_normalization import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from sheer.layers.lookup import IntegerLookup, StringLookup
from sheer.layers.masking import Masking
from sheer.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from sheer.layers.normalization import Normalization
from sheer.layers.regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
)
from sheer.layers.rescaling import Rescaling
from sheer.layers.reshaping import Permute, RepeatVector, Reshape
from sheer.layers.wrapper import TimeDistributed, Wrapper

__all__ = [
    "ELU",
    "LAYERS",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "BatchNormalization",
    "CategoryEncoding",
    "Concatenate",
    "Dense",
    "Discretization",
    "Dot",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNormalization",
    "Hashing",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "IntegerLookup",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Softmax",
    "StringLookup",
    "Subtract",
    "TimeDistributed",
    "UnitNormalization",
    "Wrapper",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "get",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]


def get(identifier: Any) -> Any:
    """The layer that a class, a name or a config means; a layer is itself."""
    return LAYERS.get(identifier)


def serialize(layer: Layer) -> Any:
    """What describes a layer, as Keras writes it."""
    return registry.serialize(layer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The layer that `serialize` described."""
    return LAYERS.deserialize(config, custom_objects)


if not TYPE_CHECKING:
    __getattr__ = absent(__name__, LACKING)
