"""The safetensors format: named arrays in a file, with some text beside them.

A file is three things, one after the other:

    8 bytes    the length of the header, a whole number, lowest byte first
    header     JSON in UTF-8: {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
               ..., "__metadata__": {"KEY": "TEXT", ...}}
    data       the arrays' bytes, without gaps; offsets count from the start of the data

Numbers are little-endian, the last axis runs fastest. Reading such a file runs nothing of it.

(Hugging Face, https://github.com/huggingface/safetensors.)
"""

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from sheer.core.files import check_exists, replacing

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
}
CODES = {name: code for code, name in DTYPES.items()}
MOST_HEADER_BYTES = 100_000_000  # the format's own limit


def write(
    path: str | os.PathLike[str],
    arrays: Mapping[str, Array],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write arrays to a file, whole or not at all.

    Args:
        path: of the file, by custom `NAME.safetensors`.
        arrays: by name; of booleans, whole numbers, or float16, float32, float64.
        metadata: text by name, kept in the header.
    """
    import json

    # Wide numbers first, so that each array begins at a multiple of its numbers' size.
    names = sorted(arrays, key=lambda name: -arrays[name].dtype.itemsize)
    header: dict[str, Any] = {"__metadata__": _checked_metadata(dict(metadata))} if metadata else {}
    end = 0
    for name in names:
        array = arrays[name]
        if array.dtype.name not in CODES or name == "__metadata__":
            raise ValueError(
                f"{path}: the array {name!r} of dtype {array.dtype} cannot be saved. A safetensors "
                f"file holds {', '.join(CODES)}, under any name but '__metadata__'."
            )
        start, end = end, end + array.nbytes
        code, shape = CODES[array.dtype.name], list(array.shape)
        header[name] = {"dtype": code, "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in names:
            file.write(arrays[name].astype(_stored(arrays[name].dtype.name), copy=False).tobytes())


def read(path: str | os.PathLike[str]) -> tuple[Arrays, dict[str, str]]:
    """The arrays of a file, by name, and its metadata.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not sound; says what is wrong.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/two.safetensors"
    >>> write(path, {"a": np.ones((1, 2), "float32"), "b": np.array(3)}, {"made": "by hand"})
    >>> read(path)
    ({'b': array(3), 'a': array([[1., 1.]], dtype=float32)}, {'made': 'by hand'})
    """
    check_exists(path)
    with open(path, "rb") as file:
        content = file.read()
    try:
        header, data = _header(content)
        metadata = _checked_metadata(header.pop("__metadata__", {}))
        places = {name: _place(name, entry) for name, entry in header.items()}
        _check_order(places, len(data))
        arrays = {name: _array(data, *place) for name, place in places.items()}
    except (ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path} is not a sound safetensors file: {error}.") from error
    return arrays, metadata


def _header(content: bytes) -> tuple[dict[str, Any], memoryview]:
    """The header, and the data behind it."""
    import json

    if len(content) < 8:
        raise ValueError(f"it has {len(content)} bytes, and 8 begin every such file")
    length = int.from_bytes(content[:8], "little")
    if length > min(len(content) - 8, MOST_HEADER_BYTES):
        raise ValueError(
            f"its first 8 bytes promise a header of {length:,} bytes, and {len(content) - 8:,} "
            f"follow (at most {MOST_HEADER_BYTES:,} are allowed). It is cut short, or of another "
            "format"
        )
    try:
        header = json.loads(content[8 : 8 + length].decode(), object_pairs_hook=_each_name_once)
    except UnicodeDecodeError as error:
        raise ValueError(f"its header is not UTF-8 text ({error})") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"its header is not JSON ({error})") from error
    if not isinstance(header, dict):
        raise ValueError(f"its header is JSON, but no object: {str(header)[:40]}")
    return header, memoryview(content)[8 + length :]


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; two values under one name would hide one of them."""
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"its header has the name {twice[0]!r} twice")
    return content


def _checked_metadata(metadata: Any) -> dict[str, str]:
    """Text by name."""
    if not isinstance(metadata, dict):
        raise ValueError(f"the metadata are no object of texts: {str(metadata)[:40]}")
    for name, value in metadata.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise ValueError(f"the metadata hold text only, not {name!r}: {str(value)[:40]}")
    return metadata


def _place(name: str, entry: Any) -> tuple[str, tuple[int, ...], int, int]:
    """The dtype, the shape, and where the bytes begin and end."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name!r} must have dtype, shape and data_offsets, and has {entry}")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(code, str) or code not in DTYPES:
        raise ValueError(f"{name!r} has the dtype {code!r}; known: {', '.join(DTYPES)}")
    if not _sizes(shape) or not _sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{name!r} has the shape {shape} and the data_offsets {offsets}")
    start, end = offsets
    needed = math.prod(shape) * np.dtype(DTYPES[code]).itemsize
    if end - start != needed:
        raise ValueError(
            f"{name!r}, {code} of shape {shape}, needs {needed:,} bytes, and its data_offsets "
            f"{offsets} give it {end - start:,}"
        )
    return DTYPES[code], tuple(shape), start, end


def _sizes(values: Any) -> bool:
    """Whether it is a list of whole numbers of 0 or more."""
    return isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)


def _check_order(places: dict[str, tuple[str, tuple[int, ...], int, int]], length: int) -> None:
    """One array ends where the next begins, and the last where the file does."""
    reached = 0
    for name, (_, _, start, end) in sorted(places.items(), key=lambda item: item[1][2:]):
        if start != reached:
            what = "overlaps the array before it" if start < reached else "leaves a gap before it"
            raise ValueError(f"{name!r} begins at byte {start:,} of the data, and {what}")
        reached = end
    if reached != length:
        raise ValueError(
            f"its arrays take {reached:,} bytes, and the file holds {length:,}. It is cut short, "
            "or something was added"
        )


def _array(data: memoryview, dtype: str, shape: tuple[int, ...], start: int, end: int) -> Array:
    """An array of its own, in this machine's byte order."""
    if dtype == "bool":  # any byte but 0 is True
        return np.frombuffer(data[start:end], np.uint8).reshape(shape).astype(bool)
    return np.frombuffer(data[start:end], _stored(dtype)).reshape(shape).astype(dtype)


def _stored(dtype: str) -> np.dtype[Any]:
    """The dtype as it stands in a file: little-endian."""
    return np.dtype(dtype).newbyteorder("<")
