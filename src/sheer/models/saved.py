"""A Sequential in one file: its weights, and the description that makes it again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from sheer.activations import ACTIVATIONS
from sheer.constraints import CONSTRAINTS
from sheer.core.registry import Configurable
from sheer.core.shapes import with_none
from sheer.initializers import INITIALIZERS
from sheer.layers.base import LAYERS
from sheer.models.sequential import Sequential
from sheer.regularizers import REGULARIZERS

KEY = "sheer.model"


def save_model(
    model: Sequential, filepath: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a Sequential to a safetensors file: its weights, and its config in the metadata.

    How it was compiled, and the optimizer's state, are not kept.

    Args:
        model: a Sequential of sheer's own layers, built.
        filepath: `NAME.safetensors`.
        metadata: more text by name, which `sheer.saving.read` gives back.

    Example:

    >>> import sheer, tempfile
    >>> path = tempfile.mkdtemp() + "/model.safetensors"
    >>> model = sheer.Sequential([sheer.Input((3,)), sheer.layers.Dense(2)])
    >>> sheer.models.save_model(model, path)
    >>> same = sheer.models.load_model(path)
    >>> x = sheer.ops.ones((1, 3))
    >>> bool(sheer.ops.all(same(x) == model(x)))
    True
    """
    import json

    from sheer import saving

    if type(model) is not Sequential:
        raise TypeError(
            f"save_model: only a Sequential can be made again from a file. Got a "
            f"{type(model).__name__}. Use model.save_weights(), and make the model in code."
        )
    model.check_built("save_model")
    layers = model._flatten_layers()[1:]
    own = [f"{layer.name} ({thing})" for layer in layers for thing in _own(layer)]
    if own:
        raise ValueError(
            "save_model: a file holds no code, so it cannot make what is your own: "
            f"{', '.join(own)}.\nUse model.save_weights(), and make the model in code."
        )
    description = {
        "class_name": "Sequential",
        "config": model.get_config(),
        "input_shape": with_none(model.input_symbols.shape),
    }
    saving.save_weights(model, filepath, {**(metadata or {}), KEY: json.dumps(description)})


def load_model(filepath: str | os.PathLike[str]) -> Sequential:
    """The model that `save_model`, or `sheer train --save`, wrote; it is not compiled.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not sound, or holds weights only.
    """
    import json

    from sheer import saving

    _, metadata = saving.read(filepath)
    if KEY not in metadata:
        raise ValueError(
            f"load_model: {os.fspath(filepath)} holds weights and no description of a model. Make "
            "the model in code, and call its load_weights()."
        )
    try:
        description = json.loads(metadata[KEY])
        model = Sequential.from_config(description["config"])
        model.build(tuple(description["input_shape"]))
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ValueError(
            f"load_model: the description of the model in {os.fspath(filepath)} is not sound, or "
            f"of a later version of sheer: {type(error).__name__}: {error}"
        ) from error
    saving.load_weights(model, filepath)
    return model


def _own(thing: Configurable) -> list[str]:
    """What in a layer was not made by sheer: classes and functions that no registry has."""
    found = []
    if not _is_known(type(thing)):
        found.append(f"class {type(thing).__name__}")
    for name in thing.parameters():
        value = getattr(thing, name, None)
        if isinstance(value, Configurable):
            found += _own(value)
        elif callable(value) and hasattr(value, "__name__") and not _is_known(value):
            found.append(f"{name} {value.__name__}")
    return found


def _is_known(thing: Any) -> bool:
    registries = (LAYERS, ACTIVATIONS, INITIALIZERS, REGULARIZERS, CONSTRAINTS)
    return any(r.entries.get(thing.__name__) is thing for r in registries)
