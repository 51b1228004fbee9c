"""The weights of a model to a file and back."""

import io
import os
import re
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from sheer.core.dtypes import is_float
from sheer.core.errors import NotBuiltError
from sheer.core.files import check_exists, replacing
from sheer.core.shapes import show
from sheer.saving import archive, h5
from sheer.saving.safetensors import Array, read, write
from sheer.saving.state import stateful


def save_weights(
    model: Any,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write all weights to a file, whole or not at all.

    Args:
        model: a model or layer that is built.
        filepath: `NAME.weights.h5` for a file as Keras writes it, with the optimizer's state (needs
            `sheer[h5]`); any other name for a safetensors file, where weights go by their paths.
        overwrite: False refuses where there is such a file.
        metadata: text by name, to be kept in a safetensors file.
    """
    _check_name(filepath, "save_weights")
    check_overwrite(filepath, overwrite, "save_weights")
    weights = _weights(model, "save_weights")
    if is_h5(filepath):
        with replacing(filepath) as file:
            h5.write(file, saved_groups(model))
    else:
        write(filepath, {name: weight.numpy() for name, weight in weights.items()}, metadata)


def load_weights(model: Any, filepath: str | os.PathLike[str], skip_mismatch: bool = False) -> None:
    """Set all weights from a file. Where something does not fit, nothing is changed.

    In a safetensors file a weight is found by its path. Numbers at the ends of layers' names count
    from the first one: `dense_2/kernel` and `dense_3/kernel` take the values of `dense/kernel` and
    `dense_1/kernel`, so that it does not matter how many layers were made before. In Keras's files
    a weight is found by its place in the model, whatever the names.

    Args:
        model: a model or layer that is built.
        filepath: a file that `save_weights` or Keras wrote: `NAME.weights.h5`, `NAME.keras`, or
            else safetensors.
        skip_mismatch: whether weights that do not fit are left as they are, with a warning.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not sound, or its arrays are not this model's; lists all of them.
    """
    weights = _weights(model, "load_weights")
    if is_h5(filepath) or os.fspath(filepath).endswith(".keras"):
        load_state(model, read_h5(filepath), filepath, skip_mismatch)
        return
    _check_name(filepath, "load_weights")
    arrays, _ = read(filepath)
    if set(arrays) != set(weights):
        old, new = counted_from_0(arrays), counted_from_0(weights)
        if sorted(old.values()) == sorted(set(new.values())):
            by_counted = {old[name]: array for name, array in arrays.items()}
            arrays = {name: by_counted[new[name]] for name in weights}
    _assign(model, weights, arrays, filepath, skip_mismatch)


def _assign(
    model: Any,
    weights: Mapping[str, Any],
    arrays: Mapping[str, Array],
    path: str | os.PathLike[str],
    skip_mismatch: bool,
) -> None:
    """Set the weights to the arrays of their names, all or, where one does not fit, none."""
    wrong = dict(_differences(weights, arrays))
    if wrong and not skip_mismatch:
        raise ValueError(
            f"{path} does not fit the model {model.name!r}; no weight was changed.\n"
            + "\n".join(wrong.values())
            + "\nMake the model with the layers, and names, that it had when it was saved."
        )
    if wrong:
        warnings.warn(
            f"{path} does not fit the model {model.name!r}; these were skipped.\n"
            + "\n".join(wrong.values()),
            stacklevel=4,
        )
    for name, weight in weights.items():
        if name not in wrong:
            weight.assign(arrays[name])
            # Scripts can no longer make this value from a seed.
            weight.initializer = None


# --- Keras's files of weights -----------------------------------------------------------------


def saved_groups(model: Any) -> dict[str, tuple[str, dict[str, Array]]]:
    """What such a file holds: by path, a name and the arrays of a layer or optimizer."""
    return {
        paths[0]: (thing.name, {key: v.numpy() for key, v in thing.saved_variables().items()})
        for thing, paths in stateful(model).values()
    }


def read_h5(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The arrays of a `.weights.h5` file, or of the one in a `.keras` file."""
    if os.fspath(path).endswith(".keras"):
        content = archive.read(path, (archive.WEIGHTS,))[archive.WEIGHTS]
        return h5.read(io.BytesIO(content), len(content), f"{archive.WEIGHTS} in {path}")
    check_exists(path)
    with open(path, "rb") as file:
        return h5.read(file, os.fstat(file.fileno()).st_size, os.fspath(path))


def load_state(
    model: Any,
    arrays: Mapping[str, Array],
    path: str | os.PathLike[str],
    skip_mismatch: bool = False,
) -> None:
    """Set weights, and the optimizer's state, to the arrays of one of Keras's files."""
    weights: dict[str, Any] = {}
    optimizers: dict[str, Any] = {}
    for thing, paths in stateful(model).values():
        is_optimizer = hasattr(thing, "update_step")
        saved = thing.saved_variables()
        first = next(iter(saved), "0")
        # Keras takes the first of its paths that the file has.
        where = next((p for p in paths if _variable(p, first) in arrays), paths[0])
        if is_optimizer:
            optimizers[where] = thing
        else:
            weights |= {_variable(where, key): v for key, v in saved.items()}
    given = {name: array for name, array in arrays.items() if not _is_slot(name)}
    _assign(model, weights, given, path, skip_mismatch)
    for where, optimizer in optimizers.items():
        _load_optimizer(model, optimizer, where, arrays, path)


def saved_vocabularies(model: Any) -> dict[str, bytes]:
    """The vocabularies that a file keeps as texts beside the description, by name."""
    texts = {names[0]: layer.saved_vocabulary() for layer, names in _lookups(model)}
    return {name: text for name, text in texts.items() if text is not None}


def load_vocabularies(model: Any, assets: Mapping[str, bytes], path: Any) -> None:
    """Give layers the vocabularies that a file keeps as texts, each to the layer of its name."""
    lookups = _lookups(model)
    by_name = {name: layer for layer, names in lookups for name in names}
    for name, content in assets.items():
        if name not in by_name:
            raise ValueError(
                f"load_model: {path} keeps {name!r} beside the weights, and the model has no layer "
                "with a vocabulary at that place."
            )
        try:
            by_name[name].load_vocabulary(content)
        except (ValueError, OverflowError) as error:
            raise ValueError(
                f"load_model: {name!r} in {path} is no vocabulary for the layer "
                f"{by_name[name].name!r}: {error}."
            ) from error
    missing = [layer.name for layer, _ in lookups if layer.awaits_vocabulary()]
    if missing:
        raise ValueError(f"load_model: {path} has no vocabulary for the layers {missing}.")


def _lookups(model: Any) -> list[tuple[Any, list[str]]]:
    """The layers with a vocabulary, and the names that its text may have in a file."""
    return [
        (thing, [f"{archive.ASSETS}{path}/vocabulary.txt" for path in paths])
        for thing, paths in stateful(model).values()
        if hasattr(thing, "load_vocabulary")
    ]


def _load_optimizer(
    model: Any, optimizer: Any, where: str, arrays: Mapping[str, Array], path: Any
) -> None:
    """Set the state of an optimizer, where the file has as much of it; else warn."""
    count = len([name for name in arrays if name.startswith(f"{where}/vars/")])
    if count > len(optimizer.saved_variables()):
        optimizer.build(model.trainable_variables)
    variables = {_variable(where, key): v for key, v in optimizer.saved_variables().items()}
    # Keras has a whole number in place of a slot that Adafactor does not use.
    floats = {name for name, variable in variables.items() if is_float(variable.dtype)}
    given = {
        name: array.astype(variables[name].dtype) if name in floats and not array.ndim else array
        for name, array in arrays.items()
        if name.startswith(f"{where}/vars/")
    }
    if not given:
        return  # it was saved without an optimizer
    wrong = dict(_differences(variables, given))
    if wrong:
        warnings.warn(
            f"{path} does not fit the optimizer {optimizer.name!r}; its state was left as it is.\n"
            + "\n".join(wrong.values()),
            stacklevel=4,
        )
        return
    for name, variable in variables.items():
        variable.assign(given[name])


def _is_slot(name: str) -> bool:
    """Whether it is the state of an optimizer, that of the model or of a model inside."""
    return f"/{name}".rsplit("/vars/")[0].endswith("/optimizer")


def _variable(path: str, key: str) -> str:
    return f"{path}/vars/{key}" if path else f"vars/{key}"


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
    idf = [v for layer, _ in _lookups(model) for v in layer.saved_variables().values()]
    for weight in [*model.weights, *idf]:
        if weight.path in weights:
            raise ValueError(
                f"{caller}: two weights of {model.name!r} are called {weight.path!r}. Give their "
                "layers different names."
            )
        weights[weight.path] = weight
    return weights


def _differences(
    weights: Mapping[str, Any], arrays: Mapping[str, Array]
) -> Iterable[tuple[str, str]]:
    """A name and a line for each weight or array that has no counterpart, or another shape or
    dtype."""
    names = {name: _full_name(name, weights) for name in [*weights, *arrays]}
    width = max(map(len, names.values()), default=0)
    for name, full in names.items():
        weight, array = weights.get(name), arrays.get(name)
        if weight is None or array is None:
            ours, theirs = _described(weight), _described(array)
        elif weight.shape != array.shape:
            ours, theirs = show(weight.shape), show(array.shape)
        elif not _fits(np.dtype(weight.dtype), array.dtype):
            ours, theirs = weight.dtype, array.dtype.name
        else:
            continue
        yield name, f"  {full:<{width}}  model: {ours}, file: {theirs}"


def _full_name(name: str, weights: Mapping[str, Any]) -> str:
    """The name in the file, and the path in the model where that is another."""
    path = weights[name].path if name in weights else name
    return name if path == name or "/vars/" not in f"/{name}" else f"{name} ({path})"


def _described(thing: Any) -> str:
    return "none" if thing is None else show(thing.shape)


def _fits(weight: np.dtype[Any], array: np.dtype[Any]) -> bool:
    """Floats of any precision fit floats, whole numbers whole numbers; booleans are booleans."""
    kinds = {"u": "i"}
    return kinds.get(weight.kind, weight.kind) == kinds.get(array.kind, array.kind)


def is_h5(path: str | os.PathLike[str]) -> bool:
    """Whether it is the name of a file of weights of Keras's."""
    return os.fspath(path).endswith(".weights.h5")


def check_overwrite(path: str | os.PathLike[str], overwrite: bool, caller: str) -> None:
    """Raise where there is such a file, and it must stay."""
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{caller}: {os.fspath(path)!r} is there already.")


def _check_name(path: str | os.PathLike[str], caller: str) -> None:
    name = os.fspath(path)
    if name.endswith((".h5", ".hdf5", ".keras")) and not is_h5(name):
        way = "model.save() writes whole models" if name.endswith(".keras") else \
            "Keras 3 ends such names with .weights.h5"  # fmt: skip
        raise ValueError(
            f"{caller}: a file of weights ends in .weights.h5, or in .safetensors; {way}. Got "
            f"{name!r}."
        )
