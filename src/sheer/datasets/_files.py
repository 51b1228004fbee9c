"""Finding, downloading, checking and reading the data sets that are files: MNIST and its kin.

`load` is the whole of it: find the files, read four arrays, check them. Nothing here is ever
unpickled. What only a download or a zipped file needs is imported where it is used, to keep
`import sheer` quick.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Splits = tuple[tuple[Bytes, Bytes], tuple[Bytes, Bytes]]
"""`(x_train, y_train), (x_test, y_test)`"""

Found = Path | dict[str, Path]
"""One .npz file with all four arrays, or the IDX file of each."""

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

IDX = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}

# MNIST and Fashion-MNIST have the same file names and shapes; their first labels tell them apart.
FIRST_LABELS = {
    "MNIST": bytes([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]),
    "Fashion-MNIST": bytes([9, 0, 0, 3, 0, 2, 7, 2, 5, 5]),
}


@dataclass(frozen=True)
class Source:
    """Where a data set may lie, and where it comes from."""

    module: str  # its module in sheer.datasets
    title: str  # its name in words
    archives: tuple[str, ...]  # names of an .npz file that holds it
    folders: tuple[str, ...]  # folders below SHEER_DATASETS that may hold it
    cache: str  # its folder in Keras's cache
    downloads: Mapping[str, str]  # file name -> SHA-256
    package: str = ""  # Debian's package
    package_folder: str = ""  # where that puts it


def load(source: Source, path: str | os.PathLike[str] | None = None) -> Splits:
    """Find, download where it must be, read and check: `(x_train, y_train), (x_test, y_test)`."""
    found = find(source, path)
    return read(source, found)


# Finding


def find(source: Source, path: str | os.PathLike[str] | None) -> Found:
    """The file or files to read: at `path`, else the first place that has them, else downloaded."""
    if path is not None:
        return _given(source, Path(path).expanduser())
    if named := os.environ.get("SHEER_DATASETS"):
        folder = Path(named).expanduser()
        if not folder.is_dir():
            raise FileNotFoundError(
                f"The environment variable SHEER_DATASETS is {named!r}, and there is no such "
                "folder. Name a folder that exists, or unset it."
            )
        if found := look_in(source, folder):
            return found

    cache = keras_cache(source)
    missing = [name for name in source.downloads if not (cache / name).is_file()]
    if missing and source.package and (found := look_in(source, Path(source.package_folder))):
        return found
    for name in missing:
        download(source, name, cache / name)
    found = _at(source, cache)
    assert found is not None  # everything in `downloads` is there now
    return found


def look_in(source: Source, folder: Path) -> Found | None:
    """The data set in a folder or in its subfolder for this data set; None if neither has it."""
    for place in (*(folder / name for name in source.folders), folder):
        if found := _at(source, place):
            return found
    return None


def _at(source: Source, folder: Path) -> Found | None:
    """The data set in exactly this folder: an .npz file before the four IDX files."""
    for name in source.archives:
        if (folder / name).is_file():
            return folder / name
    idx = {
        key: file
        for key, name in IDX.items()
        for file in (folder / f"{name}.gz", folder / name)
        if file.is_file()
    }
    if idx and len(idx) < len(IDX):
        missing = ", ".join(name for key, name in IDX.items() if key not in idx)
        raise FileNotFoundError(
            f"{folder} holds {len(idx)} of the 4 files of {source.title}. Missing: {missing} "
            "(as they are, or with .gz). Add them, or move the others away."
        )
    return idx or None


def _given(source: Source, path: Path) -> Found:
    """What the user's own `path` names."""
    if path.is_file():
        return path
    if path.is_dir():
        if found := look_in(source, path):
            return found
        raise FileNotFoundError(
            f"{source.module}.load_data: path is the folder {str(path)!r}, which holds neither "
            f"{' nor '.join(source.archives)}, nor the four files {', '.join(IDX.values())} "
            "(as they are, or with .gz)."
        )
    cached = keras_cache(source) / path
    if path.name == str(path) and cached.is_file():  # in Keras a bare name means its cache
        return cached
    raise FileNotFoundError(
        f"{source.module}.load_data: path is {str(path)!r}, and there is no such file or folder. "
        "Without a path, load_data looks in the usual places, and downloads if it must."
    )


def keras_cache(source: Source) -> Path:
    """The folder in which Keras keeps this data set."""
    home = os.environ.get("KERAS_HOME") or "~/.keras"
    return Path(home).expanduser() / source.cache


# Reading


def read(source: Source, found: Found) -> Splits:
    """The four arrays, checked.

    Raises:
        ValueError: a file is damaged, or does not hold what it should; says which, and what.
    """
    if isinstance(found, Path):
        where, arrays = found, read_npz(found)
    else:
        where = found["x_train"].parent
        arrays = {key: read_idx(file, 3 if key[0] == "x" else 1) for key, file in found.items()}
    check(source, where, arrays)
    x_train, y_train, x_test, y_test = (arrays[key].astype(np.uint8, copy=False) for key in IDX)
    return (x_train, y_train), (x_test, y_test)


def read_npz(path: Path) -> dict[str, NDArray[np.generic]]:
    """The arrays x_train, y_train, x_test and y_test of an .npz file."""
    with open(path, "rb") as file, _damage(path):
        if (start := file.read(2)) != b"PK":  # np.load would take it for a pickle, and say so
            raise ValueError(
                f"it begins with the bytes {start.hex(' ') or '(none)'}; "
                "an .npz file begins with 50 4b"
            )
        file.seek(0)
        content = np.load(file, allow_pickle=False)
        missing = [key for key in IDX if key not in content.files]
        if missing:
            has = ", ".join(content.files) or "nothing"
            raise ValueError(f"it has no {', '.join(missing)}; it has {has}")
        return {key: np.asarray(content[key]) for key in IDX}


def read_idx(path: Path, axes: int) -> Bytes:
    """An array from a file in the IDX format, zipped or not.

    The format: two zero bytes, 8 for "unsigned bytes", the number of axes; each axis's length as
    four bytes, the highest first; then the values, the last axis running fastest.
    """
    data = path.read_bytes()
    with _damage(path):
        if data[:2] == b"\x1f\x8b":
            import gzip

            data = gzip.decompress(data)
        magic = bytes([0, 0, 8, axes])
        if data[:4] != magic:
            raise ValueError(
                f"it begins with the bytes {data[:4].hex(' ') or '(none)'}; "
                f"an IDX file of {axes} axes begins with {magic.hex(' ')}"
            )
        start = 4 + 4 * axes
        shape = tuple(int.from_bytes(data[i : i + 4], "big") for i in range(4, start, 4))
        expected = start + int(np.prod(shape, dtype=object))
        if len(data) != expected:
            raise ValueError(f"it holds {len(data)} bytes, and shape {shape} needs {expected}")
        return np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy()


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Says in which file zlib, zipfile, gzip or NumPy found something wrong, and what to do."""
    import struct
    import zipfile
    import zlib

    damage = (ValueError, OSError, EOFError, KeyError, RuntimeError)
    try:
        yield
    except (*damage, struct.error, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} cannot be read: {str(error).rstrip('.') or type(error).__name__}.\n"
            "Is it cut short, or another file? Put a whole copy there, or remove it: load_data() "
            "without a path then looks elsewhere, and downloads if it must."
        ) from error


def check(source: Source, where: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Images of three axes with a label each, and values in range; all that is wrong, at once."""
    wrong = []
    for key, array in arrays.items():
        axes, top = (3, 255) if key[0] == "x" else (1, 9)
        if array.ndim != axes:
            wrong.append(f"{key} has the shape {array.shape}, expected {axes} axes")
        elif array.size == 0:
            wrong.append(f"{key} has the shape {array.shape}, which holds nothing")
        elif array.dtype.kind not in "iu":
            wrong.append(f"{key} holds {array.dtype}, expected whole numbers (uint8)")
        elif array.min() < 0 or array.max() > top:
            wrong.append(f"{key} holds {array.min()} to {array.max()}, expected 0 to {top}")
    if not wrong:
        for part in ("train", "test"):
            images, labels = len(arrays[f"x_{part}"]), len(arrays[f"y_{part}"])
            if images != labels:
                wrong.append(f"x_{part} has {images} images, y_{part} {labels} labels")
        train, test = arrays["x_train"].shape[1:], arrays["x_test"].shape[1:]
        if train != test:
            wrong.append(f"x_train has images of {train}, x_test of {test}")
        first = arrays["y_train"][:10].astype(np.uint8).tobytes()
        for title, labels_of_title in FIRST_LABELS.items():
            if first == labels_of_title and title != source.title:
                wrong.append(f"its labels are those of {title}; keep that in another folder")
    if wrong:
        raise ValueError(f"{where} does not hold {source.title}: {'; '.join(wrong)}.")


# Downloading


def download(source: Source, name: str, target: Path) -> None:
    """Fetch a file, check its SHA-256, and only then give it its place.

    Raises:
        ConnectionError: no connection, or what came has another SHA-256; nothing is left behind.
        OSError: the folder cannot be written to.
    """
    import hashlib
    import tempfile

    url, digest, size = ORIGIN + name, hashlib.sha256(), 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=target.parent) as folder:
            part = Path(folder) / name
            with open(part, "wb") as file:
                for piece in _pieces(source, url, name):
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)
            if digest.hexdigest() != source.downloads[name]:
                raise _failed(
                    source,
                    url,
                    f"what came ({size} bytes) has the SHA-256 {digest.hexdigest()}, "
                    f"expected {source.downloads[name]}. It was cut short, or is another file",
                )
            os.replace(part, target)
    except ConnectionError:
        raise
    except OSError as error:
        raise OSError(
            f"{source.module}.load_data: cannot write {target}: {error}.\n"
            "Set KERAS_HOME to a folder that you may write to." + _ways_out(source)
        ) from error


def _pieces(source: Source, url: str, name: str) -> Iterator[bytes]:
    """What the server sends, piece by piece, with a progress bar where a person watches."""
    import http.client
    import urllib.request

    watched = sys.stderr is not None and sys.stderr.isatty()
    done = 0
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            total = int(response.headers.get("Content-Length") or 0)
            while piece := response.read(1 << 16):
                done += len(piece)
                if watched:
                    sys.stderr.write("\r" + _progress(name, done, total))
                yield piece
    except (OSError, http.client.HTTPException) as error:
        raise _failed(source, url, str(error) or type(error).__name__) from error
    finally:
        if watched and done:
            sys.stderr.write("\n")


def _progress(name: str, done: int, total: int) -> str:
    """One line: `mnist.npz  [############        ]   6.9 of 11.5 MB`."""
    if not total:
        return f"{name}  {done / 1e6:.1f} MB"
    bar = "#" * min(20, 20 * done // total)
    return f"{name}  [{bar:20}]  {done / 1e6:5.1f} of {total / 1e6:.1f} MB"


def _failed(source: Source, url: str, reason: str) -> ConnectionError:
    """The error for a download that did not come, with all the other ways to the data."""
    return ConnectionError(
        f"{source.module}.load_data: {source.title} is not on this machine, and the download of "
        f"{url} failed: {reason}." + _ways_out(source)
    )


def _ways_out(source: Source) -> str:
    files = ", ".join(source.downloads)
    ways = [
        f"give its place: {source.module}.load_data(path=...), an .npz file or a folder;",
        f"set SHEER_DATASETS to a folder that holds {source.archives[0]} or {IDX['x_train']}.gz "
        "and its three companions;",
        f"put what Keras keeps ({files}) into {keras_cache(source)};",
    ]
    if source.package:
        ways.append(f"on Debian and Ubuntu: apt install {source.package};")
    ways.append("or take sheer.datasets.digits, which needs no download.")
    return "\nWays out:" + "".join(f"\n- {way}" for way in ways)
