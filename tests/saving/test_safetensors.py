"""The safetensors format: round trips, a file made by the reference package, and damaged files."""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sheer.saving import read, write
from sheer.saving.safetensors import DTYPES

# What safetensors 0.8 writes for {"b": float32 [[1, 2], [3, 4]], "a": int64 7, "c": float16 (0, 3)}
# with the metadata {"made": "by hand"}; its header is padded with spaces to a multiple of 8.
REFERENCE_HEADER = (
    b'{"__metadata__":{"made":"by hand"},'
    b'"a":{"dtype":"I64","shape":[],"data_offsets":[0,8]},'
    b'"b":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]},'
    b'"c":{"dtype":"F16","shape":[0,3],"data_offsets":[24,24]}}'
)
REFERENCE_DATA = bytes.fromhex(
    "0700000000000000" + "0000803f" + "00000040" + "00004040" + "00008040"
)


def file_of(folder: Path, header: Any, data: bytes = b"") -> Path:
    """A file with this header (text, or what JSON is made of) and these data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = folder / "x.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def header_of(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert length % 8 == 0
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    return header


def entry(dtype: str = "F32", shape: Any = (1,), offsets: Any = (0, 4)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 4), (1, 1, 2)])
def test_round_trip(dtype: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    array = (np.arange(np.prod(shape, dtype=int)).reshape(shape) - 1).astype(dtype)
    write(tmp_path / "x", {"the array": array})
    arrays, metadata = read(tmp_path / "x")
    assert (list(arrays), metadata) == (["the array"], {})
    assert (arrays["the array"].dtype, arrays["the array"].shape) == (array.dtype, shape)
    assert arrays["the array"].tobytes() == array.tobytes()
    arrays["the array"][...] = 1  # an array of one's own, that can be written to


def test_many_arrays_each_at_a_multiple_of_its_size(tmp_path: Path) -> None:
    arrays = {
        "flags": np.array([True, False, True]),
        "αβγ/kernel": np.arange(6, dtype="float32").reshape(2, 3).T,  # not in C order
        "big": np.arange(3, dtype=">i8"),
        "half": np.array([1.5], "float16"),
    }
    metadata = {"note": 'with "quotes", ünïcode\nand a line'}
    write(tmp_path / "x", arrays, metadata)
    found, said = read(tmp_path / "x")
    assert said == metadata
    assert list(found) == ["big", "αβγ/kernel", "half", "flags"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    for name, place in header_of(tmp_path / "x").items():
        if name != "__metadata__":
            assert place["data_offsets"][0] % found[name].itemsize == 0


def test_a_file_of_the_reference_package(tmp_path: Path) -> None:
    text = REFERENCE_HEADER + b" " * (-len(REFERENCE_HEADER) % 8)
    arrays, metadata = read(file_of(tmp_path, text, REFERENCE_DATA))
    assert metadata == {"made": "by hand"}
    assert arrays["a"].dtype == np.int64 and arrays["a"].shape == () and arrays["a"] == 7
    np.testing.assert_array_equal(arrays["b"], np.array([[1, 2], [3, 4]], "float32"))
    assert arrays["b"].dtype == np.float32
    assert arrays["c"].shape == (0, 3) and arrays["c"].dtype == np.float16


def test_we_write_the_bytes_of_the_reference_package(tmp_path: Path) -> None:
    arrays = {
        "a": np.array(7, "int64"),
        "b": np.array([[1, 2], [3, 4]], "float32"),
        "c": np.zeros((0, 3), "float16"),
    }
    write(tmp_path / "ours", arrays, {"made": "by hand"})
    text = REFERENCE_HEADER + b" " * (-len(REFERENCE_HEADER) % 8)
    assert (tmp_path / "ours").read_bytes() == (
        file_of(tmp_path, text, REFERENCE_DATA).read_bytes()
    )


DAMAGED = [
    (b"", "it has 0 bytes, and 8 begin every such file"),
    (b"1234567", "it has 7 bytes, and 8 begin every such file"),
    (
        b"PK\x03\x04 a zip file",
        "its first 8 bytes promise a header of 8,800,140,462,016,121,680 bytes, and 7 follow "
        "(at most 100,000,000 are allowed). It is cut short, or of another format",
    ),
]


@pytest.mark.parametrize(("content", "reason"), DAMAGED)
def test_no_such_format(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        read(path)
    assert str(error.value) == f"{path} is not a sound safetensors file: {reason}."


HEADERS = [
    (b"[1, 2]", b"", "its header is JSON, but no object: [1, 2]"),
    (b"{", b"", "its header is not JSON (Expecting property name enclosed in double quotes: line "
     "1 column 2 (char 1))"),
    (b"\xff\xfe", b"", "its header is not UTF-8 text ('utf-8' codec can't decode byte 0xff in "
     "position 0: invalid start byte)"),
    (b'{"a": 1, "a": 2}', b"", "its header has the name 'a' twice"),
    ({"__metadata__": {"a": 1}}, b"", "the metadata hold text only, not 'a': 1"),
    ({"__metadata__": 3}, b"", "the metadata are no object of texts: 3"),
    ({"a": 3}, b"", "'a' must have dtype, shape and data_offsets, and has 3"),
    ({"a": {"dtype": "F32", "shape": []}}, b"",
     "'a' must have dtype, shape and data_offsets, and has {'dtype': 'F32', 'shape': []}"),
    ({"a": entry("BF16")}, bytes(4), "'a' has the dtype 'BF16'; known: " + ", ".join(DTYPES)),
    ({"a": entry(["F32"])}, bytes(4), "'a' has the dtype ['F32']; known: " + ", ".join(DTYPES)),
    ({"a": entry(shape=(-1,))}, bytes(4), "'a' has the shape [-1] and the data_offsets [0, 4]"),
    ({"a": entry(shape=(True,))}, bytes(4), "'a' has the shape [True] and the data_offsets [0, 4]"),
    ({"a": entry(shape=(1.0,))}, bytes(4), "'a' has the shape [1.0] and the data_offsets [0, 4]"),
    ({"a": entry(offsets=(-4, 0))}, bytes(4), "'a' has the shape [1] and the data_offsets [-4, 0]"),
    ({"a": entry(offsets=(0, 4, 8))}, bytes(4),
     "'a' has the shape [1] and the data_offsets [0, 4, 8]"),
    ({"a": entry(offsets=(4, 0))}, bytes(4),
     "'a', F32 of shape [1], needs 4 bytes, and its data_offsets [4, 0] give it -4"),
    ({"a": entry(shape=(2, 2))}, bytes(4),
     "'a', F32 of shape [2, 2], needs 16 bytes, and its data_offsets [0, 4] give it 4"),
    ({"a": entry(), "b": entry(offsets=(2, 6))}, bytes(6),
     "'b' begins at byte 2 of the data, and overlaps the array before it"),
    ({"a": entry(), "b": entry()}, bytes(4),
     "'b' begins at byte 0 of the data, and overlaps the array before it"),
    ({"a": entry(), "b": entry(offsets=(8, 12))}, bytes(12),
     "'b' begins at byte 8 of the data, and leaves a gap before it"),
    ({"a": entry()}, bytes(3), "its arrays take 4 bytes, and the file holds 3. It is cut short, or "
     "something was added"),
    ({"a": entry()}, bytes(5), "its arrays take 4 bytes, and the file holds 5. It is cut short, or "
     "something was added"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "data", "reason"), HEADERS)
def test_damaged_headers_and_data(header: Any, data: bytes, reason: str, tmp_path: Path) -> None:
    path = file_of(tmp_path, header, data)
    with pytest.raises(ValueError) as error:
        read(path)
    assert str(error.value) == f"{path} is not a sound safetensors file: {reason}."


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000,  # too deep for the JSON reader
        {"a": entry(shape=(10**30, 0), offsets=(0, 0))},  # no array can have such a shape
        {"a": entry(shape=(1,) * 100)},  # so many axes neither
        b'{"a": NaN}',
    ],
)
def test_headers_that_python_or_numpy_refuse(header: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is not a sound safetensors file: .+"):
        read(file_of(tmp_path, header, bytes(4)))


def test_every_cut_and_every_changed_byte_is_seen_or_harmless(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write(path, {"a": np.ones(3, "float32"), "b": np.ones((2, 1), "int8")}, {"k": "v"})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="is not a sound safetensors file"):
            read(path)
    header_end = 8 + int.from_bytes(whole[:8], "little")
    for place in range(header_end):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            arrays, _ = read(path)
        except ValueError as error:
            assert str(path) in str(error)
        else:  # a letter of a name, or a dtype or shape of the same size
            assert sum(array.nbytes for array in arrays.values()) == 14


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        read(tmp_path / "none")
    assert str(error.value) == (
        f"There is no file {str(tmp_path / 'none')!r} (looked from {os.getcwd()})."
    )


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write(path, {"a": np.ones(2)})
    before = path.read_bytes()
    with pytest.raises(ValueError, match=re.escape("'z' of dtype complex128 cannot be saved")):
        write(path, {"a": np.zeros(2), "z": np.ones(2, complex)})
    with pytest.raises(ValueError, match=r"cannot be saved.* any name but '__metadata__'"):
        write(path, {"__metadata__": np.zeros(2)})
    with pytest.raises(ValueError, match="the metadata hold text only, not 'n': 3"):
        write(path, {}, {"n": 3})  # type: ignore[dict-item]
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x"]


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "x"
    write(path, {"a": np.ones(2)})
    before = path.read_bytes()

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write(path, {"a": np.zeros(2)})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        write(tmp_path / "none" / "x", {})
    assert str(error.value) == f"There is no folder {str(tmp_path / 'none')!r} to write 'x' into."


def test_nothing_at_all(tmp_path: Path) -> None:
    write(tmp_path / "x", {})
    assert read(tmp_path / "x") == ({}, {})
