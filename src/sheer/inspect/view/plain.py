"""What a page can be told: JSON, in which NaN and the infinities are texts."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def plain(value: Any) -> Any:
    """A structure of numbers, texts and small arrays as JSON can hold it.

    >>> plain({"loss": np.float32("nan"), "shape": (2, 3), "worst": [-np.inf]})
    {'loss': 'nan', 'shape': [2, 3], 'worst': ['-inf']}
    """
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(key): plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def to_json(value: Any) -> str:
    r"""The JSON of such a structure. Halves of characters, which no file can hold, become `?`.

    >>> to_json({"name": "café \ud800"})
    '{"name":"café ?"}'
    """
    text = json.dumps(plain(value), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


def wire_array(array: Array) -> Array:
    """An array as pages take it: float32 or float64, little-endian, in one piece. Whole numbers
    that float32 cannot tell apart come as float64.

    >>> wire_array(np.array([True, False])).dtype, wire_array(np.array([3], "int64")).dtype
    (dtype('float32'), dtype('float64'))
    """
    is_wide = array.dtype.kind in "iuf" and array.dtype.itemsize > (
        4 if array.dtype.kind == "f" else 2
    )
    return np.ascontiguousarray(array, "<f8" if is_wide else "<f4").reshape(array.shape)
