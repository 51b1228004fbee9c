"""Files written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any


@contextmanager
def replacing(path: str | os.PathLike[str], mode: str = "wb") -> Iterator[IO[Any]]:
    """A file to write in; it takes its place at `path` when all is written.

    Readers see the old file or the new one, never half of one; an error leaves the old one.
    """
    import tempfile  # a slow import, for saving only

    path = os.fspath(path)
    check_folder(path)
    folder, name = os.path.split(path)
    if os.path.exists(path) and not os.path.isfile(path):
        kind = "a folder" if os.path.isdir(path) else "a device"
        raise OSError(f"{path} is {kind}, and no file that can be replaced. Give another name.")
    try:
        beside = tempfile.NamedTemporaryFile(  # noqa: SIM115
            mode, dir=folder or ".", prefix=name, suffix=".tmp", delete=False
        )
    except OSError as error:
        # That file's own name would tell nobody anything.
        raise type(error)(error.errno, error.strerror, path) from None
    with beside as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o666 & ~_umask())
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
    _flush_folder(folder or ".")


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file, whole or not at all."""
    with replacing(path, "wb") as file:
        file.write(text.encode())


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise where the folder of a file to write is not there."""
    folder, name = os.path.split(os.fspath(path))
    if not os.path.isdir(folder or "."):
        raise FileNotFoundError(f"There is no folder {folder!r} to write {name!r} into.")


def check_exists(path: str | os.PathLike[str]) -> None:
    """Raise where there is no such file."""
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"There is no file {os.fspath(path)!r} (looked from {os.getcwd()})."
        )


def _flush_folder(folder: str) -> None:
    """Have the disk keep the new name too, so that it stays when the power goes."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
