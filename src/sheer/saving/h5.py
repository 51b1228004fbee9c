"""HDF5 files of weights, as Keras writes them: groups of arrays, and nothing else.

h5py reads and writes them: `pip install sheer[h5]`. Before an array is read, the file is held to
what Keras writes: hard links, and arrays of numbers in one piece each, no larger together than the
file.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

Array = np.ndarray[Any, Any]
# No name in a file of Keras's lies deeper.
MOST_LEVELS = 64


def _h5py() -> Any:
    """The module that knows the format."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            "Keras's files of weights (.keras, .weights.h5) need h5py: pip install sheer[h5]. "
            "Files that end in .safetensors need nothing more."
        ) from error
    return h5py


def write(file: IO[bytes], groups: Mapping[str, tuple[str, Mapping[str, Array]]]) -> None:
    """Write an HDF5 file: for each path its group `vars`, which has a name and arrays by name."""
    content = io.BytesIO()
    with _h5py().File(content, "w") as h5:
        for path, (name, arrays) in groups.items():
            group = h5.create_group(f"{path}/vars" if path else "vars")
            group.attrs["name"] = name
            for key, array in arrays.items():
                group[key] = array
    file.write(content.getbuffer())


def read(file: IO[bytes], size: int, what: str) -> dict[str, Array]:
    """The arrays of an HDF5 file, by path: `layers/dense/vars/0`.

    file: opened; size: how many bytes it has; what: its name, for errors.

    Raises:
        ValueError: the file is not sound, or holds what Keras never writes; says what.
    """
    h5py = _h5py()
    try:
        with h5py.File(file, "r") as h5:
            found = _datasets(h5py, h5, size)
            return {path: np.array(dataset) for path, dataset in found.items()}
    except Exception as error:  # HDF5 answers damaged files with errors of many kinds
        reason = str(error) if isinstance(error, _Unsound) else f"{type(error).__name__}: {error}"
        raise ValueError(f"{what} is not a sound HDF5 file of weights: {reason}.") from error


class _Unsound(ValueError):
    """What the file must not hold."""


def _datasets(h5py: Any, h5: Any, size: int) -> dict[str, Any]:
    """All arrays, by path; raises for anything else in the file. Nothing of them is read yet."""
    found: dict[str, Any] = {}
    seen: set[Any] = set()
    left = size
    waiting = [("", h5)]
    while waiting:
        path, group = waiting.pop()
        if path.count("/") > MOST_LEVELS:
            raise _Unsound(f"groups lie more than {MOST_LEVELS} deep")
        for name in group:
            where = f"{path}/{name}" if path else name
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise _Unsound(f"{where!r} is a link to another place ({type(link).__name__})")
            thing = group[name]
            # The same place twice: a circle, or an array that is counted once and read often.
            place = h5py.h5o.get_info(thing.id).addr
            if place in seen:
                raise _Unsound(f"{where!r} has another name too")
            seen.add(place)
            if isinstance(thing, h5py.Group):
                waiting.append((where, thing))
            elif isinstance(thing, h5py.Dataset):
                left -= _checked_size(thing, where, left)
                found[where] = thing
            else:
                raise _Unsound(f"{where!r} is neither a group nor an array")
    return found


def _checked_size(dataset: Any, where: str, left: int) -> int:
    """How many bytes an array takes, which must lie in the file in one piece."""
    if dataset.dtype.kind not in "biuf" or "dtype" in dataset.attrs:
        kind = dataset.attrs.get("dtype", dataset.dtype)
        raise _Unsound(f"{where!r} is of dtype {kind}, and only numbers are read")
    if dataset.external or dataset.is_virtual:
        raise _Unsound(f"{where!r} keeps its numbers in another file")
    if dataset.chunks is not None or dataset.id.get_create_plist().get_nfilters():
        raise _Unsound(f"{where!r} is stored in chunks, perhaps compressed, as Keras never does")
    needed: int = math.prod(dataset.shape) * dataset.dtype.itemsize
    stored: int = dataset.id.get_storage_size()
    if needed != stored or needed > left:
        raise _Unsound(
            f"{where!r} of shape {dataset.shape} needs {needed:,} bytes, and the file has "
            f"{min(stored, left):,} for it"
        )
    return needed
