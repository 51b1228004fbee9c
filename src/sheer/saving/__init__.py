"""Models and weights in files that hold arrays and text, and nothing that runs."""

from sheer.core.objects import (
    CustomObjectScope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_serializable,
)
from sheer.saving import onnx as onnx
from sheer.saving.models import load_model, save_model
from sheer.saving.objects import deserialize_keras_object, serialize_keras_object
from sheer.saving.safetensors import read, write
from sheer.saving.weights import load_weights, save_weights

# Keras's other names.
custom_object_scope = CustomObjectScope
register_keras_serializable = register_serializable

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "read",
    "register_keras_serializable",
    "register_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
    "write",
]
