"""Arrays of all kinds as NumPy's: tensors of other libraries, frames and series, never imported."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheer.core.dtypes import DTYPES
from sheer.ops.operand import Operand

Array = np.ndarray[Any, Any]


def is_array(value: Any) -> bool:
    """Whether this is one array, of whatever library."""
    if isinstance(value, (np.ndarray, np.generic, Operand)) or is_sparse(value):
        return True
    return not isinstance(value, type) and any(
        hasattr(value, name) for name in ("__array__", "__dlpack__")
    )


def is_sparse(value: Any) -> bool:
    """Whether this is a sparse matrix, as those of SciPy are."""
    return hasattr(value, "nnz") and hasattr(value, "toarray")


def as_array(value: Any, name: str, caller: str) -> Array:
    """An array of numbers with one row per example, without a copy where that can be.

    A frame of columns becomes (n, columns); a series (n, 1), as in Keras.
    """
    if value is None or isinstance(value, (int, float, complex, str, bytes)):
        raise TypeError(
            f"{caller}: {name} must be an array, or a list of arrays, each with one row "
            f"per example. Got {value!r}.\nMake lists of numbers an array first: "
            f"np.array({name})."
        )
    if hasattr(value, "mask") and hasattr(value, "filled"):
        raise TypeError(
            f"{caller}: {name} is a masked array, and sheer knows no missing values. "
            f"Fill them first: {name}.filled(0.0)."
        )
    if is_sparse(value):
        raise TypeError(
            f"{caller}: {name} is a sparse matrix, {type(value).__name__}, and sheer's arrays are "
            f"dense. Convert it first: {name}.toarray(); or give its rows in batches, by a "
            "generator or a PyDataset."
        )
    if type(value) is not np.ndarray:
        value = _converted(value, name, caller)
    if not _is_numbers(value):
        first = value.reshape(-1)[:1].tolist()
        raise TypeError(
            f"{caller}: {name} must hold real numbers. Got an array of dtype {value.dtype}"
            + (f", such as {first[0]!r}" if first else "")
            + f".\nConvert it first: {name}.astype('float32'), or number its categories."
        )
    if value.ndim == 0:
        raise ValueError(
            f"{caller}: {name} needs one row per example. Got the single number {value}."
        )
    array: Array = value
    return array


def _is_numbers(array: Array) -> bool:
    return array.dtype.name in DTYPES or array.dtype == np.float16


def _converted(value: Any, name: str, caller: str) -> Array:
    """What another library holds, or Python: as an array of whatever dtype."""
    if not is_array(value):
        kind = type(value).__name__
        is_function = callable(value) and not isinstance(value, type)
        raise TypeError(
            f"{caller}: {name} must be an array, a list of arrays, or an iterable of batches, such "
            f"as a generator or a PyDataset. Got {kind}."
            + (f"\nIs it a function that gives batches? Call it: {name}()." * is_function)
        )
    if hasattr(value, "columns") and hasattr(value, "dtypes"):
        return _joined(value, name, caller)
    try:
        array = np.asarray(value) if hasattr(value, "__array__") else np.from_dlpack(value)
    except Exception as error:
        raise TypeError(
            f"{caller}: {name}, a {type(value).__name__}, could not be made an array: {error}"
        ) from error
    is_series = hasattr(value, "to_frame") and hasattr(value, "dtype") and array.ndim == 1
    return array[:, None] if is_series else array


def _joined(frame: Any, name: str, caller: str) -> Array:
    """The columns of a frame side by side, in the dtype that can hold all.

    Each is looked at by itself: as a whole, a frame may turn dates into numbers.
    """
    pairs = frame.items() if hasattr(frame, "items") else zip(frame.columns, frame, strict=True)
    columns = [(label, np.asarray(column)) for label, column in pairs]
    bad = [
        f"  {label!r}: {column.dtype}"
        + (f", such as {column[:1].tolist()[0]!r}" if len(column) else "")
        for label, column in columns
        if not _is_numbers(column)
    ]
    if bad or not columns:
        raise TypeError(
            f"{caller}: {name} must hold real numbers. "
            + ("These columns do not:\n" + "\n".join(bad) if bad else "It has no columns.")
            + "\nDrop them, number their categories, or fill what is missing." * bool(bad)
        )
    return np.stack([column for _, column in columns], axis=1)
