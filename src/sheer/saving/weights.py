"""The weights of a model to a file and back."""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from sheer.core.errors import NotBuiltError
from sheer.core.shapes import show
from sheer.saving.safetensors import Array, read, write


def save_weights(
    model: Any, path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
) -> None:
    """Write all weights to a safetensors file, named by their paths.

    Args:
        model: a model or layer that is built.
        path: `NAME.safetensors`.
        metadata: text by name, to be kept beside them.
    """
    _check_name(path, "save_weights")
    weights = _weights(model, "save_weights")
    write(path, {name: weight.numpy() for name, weight in weights.items()}, metadata)


def load_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Set all weights from a safetensors file. Where something does not fit, nothing is changed.

    A weight is found by its path. Numbers at the ends of layers' names count from the first one:
    `dense_2/kernel` and `dense_3/kernel` take the values of `dense/kernel` and `dense_1/kernel`,
    so that it does not matter how many layers were made before.

    Args:
        model: a model or layer that is built.
        path: a file that `save_weights` wrote, or another with arrays of these names.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not sound, or its arrays are not this model's; lists all of them.
    """
    _check_name(path, "load_weights")
    weights = _weights(model, "load_weights")
    arrays, _ = read(path)
    if set(arrays) != set(weights):
        old, new = counted_from_0(arrays), counted_from_0(weights)
        if sorted(old.values()) == sorted(set(new.values())):
            by_counted = {old[name]: array for name, array in arrays.items()}
            arrays = {name: by_counted[new[name]] for name in weights}
    wrong = [*_differences(weights, arrays)]
    if wrong:
        raise ValueError(
            f"{path} does not fit the model {model.name!r}; no weight was changed.\n"
            + "\n".join(wrong)
            + "\nMake the model with the layers, and names, that it had when it was saved."
        )
    model.set_weights([arrays[name] for name in weights])


def counted_from_0(paths: Iterable[str]) -> dict[str, str]:
    """Each path, and the same with the numbers of layers counted from the first one.

    >>> counted_from_0(["dense_7/kernel", "dense_9/kernel"])
    {'dense_7/kernel': 'dense/kernel', 'dense_9/kernel': 'dense_1/kernel'}
    """
    split = {path: path.split("/") for path in paths}
    numbers: dict[str, set[int]] = {}
    for *layers, _ in split.values():
        for base, number in map(_numbered, layers):
            numbers.setdefault(base, set()).add(number)
    ranks = {base: sorted(found) for base, found in numbers.items()}

    def counted(layer: str) -> str:
        base, number = _numbered(layer)
        rank = ranks[base].index(number)
        return f"{base}_{rank}" if rank else base

    return {p: "/".join([*map(counted, layers), last]) for p, (*layers, last) in split.items()}


def _numbered(layer: str) -> tuple[str, int]:
    """`dense_2` as ("dense", 2), `dense` as ("dense", 0)."""
    match = re.fullmatch(r"(.+)_([1-9]\d*)", layer)
    return (match[1], int(match[2])) if match else (layer, 0)


def _weights(model: Any, caller: str) -> dict[str, Any]:
    """The weights by their paths, which must all differ."""
    if not model.built:
        raise NotBuiltError(
            f"{caller}: {model.name!r} is not built: it has no weights before its input shape is "
            "known.\nBegin it with Input((features,)), call build((None, features)), or call it on "
            "data."
        )
    weights: dict[str, Any] = {}
    for weight in model.weights:
        if weight.path in weights:
            raise ValueError(
                f"{caller}: two weights of {model.name!r} are called {weight.path!r}. Give their "
                "layers different names."
            )
        weights[weight.path] = weight
    return weights


def _differences(weights: dict[str, Any], arrays: dict[str, Array]) -> Iterable[str]:
    """A line for each weight or array that has no counterpart, or another shape or dtype."""
    width = max(map(len, [*weights, *arrays]), default=0)
    for name in dict.fromkeys([*weights, *arrays]):
        weight, array = weights.get(name), arrays.get(name)
        if weight is None or array is None:
            ours, theirs = _described(weight), _described(array)
        elif weight.shape != array.shape:
            ours, theirs = show(weight.shape), show(array.shape)
        elif not _fits(np.dtype(weight.dtype), array.dtype):
            ours, theirs = weight.dtype, array.dtype.name
        else:
            continue
        yield f"  {name:<{width}}  model: {ours}, file: {theirs}"


def _described(thing: Any) -> str:
    return "none" if thing is None else show(thing.shape)


def _fits(weight: np.dtype[Any], array: np.dtype[Any]) -> bool:
    """Floats of any precision fit floats; other dtypes must be the same."""
    return weight == array or (weight.kind == array.kind == "f")


def _check_name(path: str | os.PathLike[str], caller: str) -> None:
    if os.fspath(path).endswith((".h5", ".keras")):
        raise ValueError(
            f"{caller}: sheer keeps weights in safetensors files, and does not know Keras's "
            f"formats yet. Got {os.fspath(path)!r}; name a file that ends in .safetensors."
        )
