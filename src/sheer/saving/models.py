"""Whole models in one file: what makes the model again, and its weights.

A `.keras` file is Keras's own, with how the model was compiled and its optimizer's state. A
safetensors file has the same description in its metadata, and the weights only.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any

from sheer.core import objects
from sheer.core.registry import serialize
from sheer.saving import archive, h5, safetensors
from sheer.saving.objects import deserialize_keras_object, serialize_keras_object
from sheer.saving.weights import (
    check_overwrite,
    load_state,
    load_vocabularies,
    load_weights,
    save_weights,
    saved_groups,
    saved_vocabularies,
)

KEY = "sheer.model"
# Files say which Keras they are for.
KERAS_VERSION = "3.15.0"
# How many times larger than the file a model's weights may be (float64 weights of a float16 file),
# and room for what is not saved (a metric's state, the calls of layers).
GROWTH, SLACK = 4, 1 << 22


def save_model(
    model: Any,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a model to a file, whole or not at all.

    What is your own (layers, functions) is saved by name: `load_model` needs it registered, or
    given as `custom_objects`.

    Args:
        model: a model that is built.
        filepath: `NAME.keras` for a file that Keras 3 loads too, with how the model was compiled
            and the optimizer's state (needs `sheer[h5]`); any other name for a safetensors file
            with the weights and the description of the model.
        overwrite: False refuses where there is such a file.
        metadata: text by name, kept in a safetensors file; `sheer.saving.read` gives it back.

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
    check_overwrite(filepath, overwrite, "save_model")
    model.check_built("save_model")
    is_keras = os.fspath(filepath).endswith(".keras")
    text = _description(model, with_compile=is_keras)
    if not is_keras:
        texts = {name: content.decode() for name, content in saved_vocabularies(model).items()}
        save_weights(model, filepath, metadata={**(metadata or {}), **texts, KEY: text})
        return
    if metadata:
        raise ValueError("save_model: a .keras file has no room for metadata; a safetensors has.")
    import datetime
    import json

    weights = io.BytesIO()
    h5.write(weights, saved_groups(model))
    saved = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = {"keras_version": KERAS_VERSION, "date_saved": saved}
    members = {
        archive.METADATA: json.dumps(metadata).encode(),
        archive.CONFIG: text.encode(),
        archive.WEIGHTS: weights.getvalue(),
        **saved_vocabularies(model),
    }
    archive.write(filepath, members)


def _description(model: Any, with_compile: bool) -> str:
    """What makes the model again, as JSON."""
    import json

    with objects.sharing():
        description = serialize(model)
        description["config"] = serialize_keras_object(description["config"])
        description["build_config"] = serialize_keras_object(model.get_build_config())
        compiled = model.get_compile_config() if with_compile else None
        if compiled is not None:
            description["compile_config"] = serialize_keras_object(compiled)
    return json.dumps(description)


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model that a file holds; nothing in the file is run, imported or opened.

    Args:
        filepath: a `.keras` file of Keras 3 or sheer, or a safetensors file that `save_model` or
            `sheer train --save` wrote.
        custom_objects: classes and functions of your own, by name. For a lambda, the function by
            its layer's name.
        compile: whether the model is compiled as it was, with the optimizer's state.
        safe_mode: accepted and without effect: loading is always safe.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not sound, names what is not known, or holds weights only.
    """
    where = os.fspath(filepath)
    with objects.CustomObjectScope(custom_objects):
        if not where.endswith(".keras"):
            arrays, metadata = safetensors.read(filepath)
            if KEY not in metadata:
                raise ValueError(
                    f"load_model: {where} holds weights and no description of a model. Make the "
                    "model in code, and call its load_weights()."
                )
            assets = {n: t.encode() for n, t in metadata.items() if n.startswith(archive.ASSETS)}
            size = sum(array.nbytes for array in arrays.values()) + _size(assets)
            model = _made(metadata[KEY], size, where, compile)
            load_vocabularies(model, assets, where)
            load_weights(model, filepath)
            return model
        members = archive.read(filepath)
        assets = {n: text for n, text in members.items() if n.startswith(archive.ASSETS)}
        weights = members[archive.WEIGHTS]
        arrays = h5.read(io.BytesIO(weights), len(weights), f"{archive.WEIGHTS} in {where}")
        text = members[archive.CONFIG].decode("utf-8", "replace")
        model = _made(text, len(weights) + _size(assets), where, compile)
        load_vocabularies(model, assets, where)
        load_state(model, arrays, where)
        return model


def _size(assets: Mapping[str, bytes]) -> int:
    return sum(map(len, assets.values()))


def _made(text: str, size: int, where: str, compile: bool) -> Any:
    """The model of a description, built, and compiled where it was; with weights yet to be set."""
    import json

    try:
        with objects.room_for(GROWTH * (size + len(text)) + SLACK), objects.sharing():
            description = json.loads(text)
            if not isinstance(description, dict):
                raise ValueError("it is JSON, but no object")
            compiled = description.pop("compile_config", None)
            model = deserialize_keras_object(description)
            if not hasattr(model, "compile_from_config"):
                raise ValueError(f"it describes a {type(model).__name__}, and no model")
            build_config = description.get("build_config")
            if build_config and model.input_symbols is None:
                model.build_from_config(build_config)
            model.check_built("load_model")
            if compile and compiled:
                model.compile_from_config(compiled)
    except Exception as error:  # a description may hold anything, and break any constructor
        raise ValueError(
            f"load_model: the description of the model in {where} is not sound, or of a later "
            f"version: {type(error).__name__}: {error}"
        ) from error
    return model
