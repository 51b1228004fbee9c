"""Structures of objects as plain data, in Keras's form, and back: what `config.json` holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sheer.core.objects import CustomObjectScope, get_registered_object
from sheer.core.registry import (
    REGISTRIES,
    Configurable,
    given_lambda,
    is_keras,
    is_lambda,
    serialize,
    serialize_function,
)
from sheer.ops.tensor import Tensor

# Keras's models are found among its layers.
MODELS = "keras.layers"


def serialize_keras_object(obj: Any) -> Any:
    """An object, or a structure of them, as plain data that `deserialize_keras_object` understands.

    >>> import sheer
    >>> config = serialize_keras_object({"how": sheer.regularizers.L2(0.5), "often": 3})
    >>> config["how"]["class_name"], config["often"]
    ('L2', 3)
    >>> deserialize_keras_object(config)
    {'how': L2(l2=0.5), 'often': 3}
    """
    if obj is None or isinstance(obj, (str, int, float, bool)):
        return obj
    if isinstance(obj, (list, tuple)):
        return [serialize_keras_object(value) for value in obj]
    if isinstance(obj, Mapping):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, Configurable):
        config = serialize(obj)
        config["config"] = serialize_keras_object(config["config"])
        return config
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, (np.ndarray, Tensor)):
        kind = "__numpy__" if isinstance(obj, np.ndarray) else "__tensor__"
        array = np.asarray(obj)
        return {
            "class_name": kind,
            "config": {"value": array.tolist(), "dtype": array.dtype.name},
        }
    if callable(obj) and hasattr(obj, "__name__"):
        return serialize_function(obj)
    raise TypeError(
        f"A file cannot hold {obj!r}, of type {type(obj).__name__}. Known: numbers, text, lists, "
        "dictionaries, arrays, and objects with get_config()."
    )


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """The object, or structure of them, that `serialize_keras_object` described.

    Args:
        config: plain data.
        custom_objects: classes and functions of your own, by name.
        safe_mode: accepted and without effect, as sheer never runs code out of data: a lambda is
            given among the custom objects.

    Raises:
        ValueError: something has no name that is known.
    """
    with CustomObjectScope(custom_objects):
        return _made(config)


def _made(config: Any) -> Any:
    if isinstance(config, (list, tuple)):
        return [_made(value) for value in config]
    if not isinstance(config, dict):
        return config
    name: Any = config.get("class_name")
    inner: Any = config.get("config")
    if name is None or "config" not in config:
        return {key: _made(value) for key, value in config.items()}
    if name in ("__numpy__", "__tensor__"):
        array = np.array(inner["value"], dtype=_numeric(inner["dtype"]))
        return array if name == "__numpy__" else Tensor(array)
    if is_lambda(config):
        return given_lambda(None)
    if name == "function":
        return _function(inner)
    if isinstance(name, str) and name.startswith("__"):
        raise ValueError(f"{name!r} is in Keras's files, but not in sheer yet.")
    return _registry(config).deserialize(config)


def _numeric(dtype: Any) -> np.dtype[Any]:
    """A dtype of numbers or booleans; none of objects."""
    found: np.dtype[Any] = np.dtype(dtype)
    if found.kind not in "biuf":
        raise ValueError(f"arrays of dtype {dtype!r} cannot be read")
    return found


def _registry(config: dict[str, Any]) -> Any:
    """The registry of Keras's module that the description names; that of layers for all others."""
    module = config.get("module")
    found = REGISTRIES.get(str(module))
    if found is None and is_keras(module):
        # keras.src.layers.core.dense, keras.models: the modules behind the public ones.
        parts = [part for part in str(module).split(".") if part != "src"]
        found = REGISTRIES.get(".".join(parts[:2]))
    if found is None and not is_keras(module):
        for registry in REGISTRIES.values():
            if config["class_name"] in registry.entries and module is None:
                return registry
    return found or REGISTRIES[MODELS]


def _function(name: Any) -> Any:
    """The function of this name: a custom object, or one of the registries'."""
    found = get_registered_object(name)
    for registry in [] if callable(found) else REGISTRIES.values():
        entry = registry.entries.get(str(name))
        if callable(entry) and not isinstance(entry, type):
            return entry
    if not callable(found):
        raise ValueError(
            f"Unknown function {name!r}. Register it with @sheer.saving.register_serializable, or "
            f"give custom_objects={{{name!r}: ...}}."
        )
    return found
