"""Keras's `.keras` files: a zip of a description, weights in HDF5, and assets."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sheer.core.files import check_exists, replacing

CONFIG, METADATA, WEIGHTS, ASSETS = "config.json", "metadata.json", "model.weights.h5", "assets/"
# A compressed member may grow to so many times its size: Keras stores its members as they are.
MOST_GROWTH = 100
# And a text, whose words take more room in memory, to so many.
MOST_GROWTH_OF_ASSETS = 10


def write(path: str | os.PathLike[str], members: Mapping[str, bytes]) -> None:
    """Write a zip file of these members, not compressed, whole or not at all."""
    import zipfile

    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def read(path: str | os.PathLike[str], names: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The members of a `.keras` file, by name; only those of these names, where there are any.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not sound, or holds what no such file holds; says what.
    """
    import zipfile

    check_exists(path)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                _check(members, size)
                chosen = [m for m in members if not names or m.filename in names]
                return {m.filename: _content(archive, m) for m in chosen if not m.is_dir()}
        except Exception as error:  # zipfile answers damaged files with errors of many kinds
            known = isinstance(error, ValueError) and str(error)
            reason = known or f"{type(error).__name__}: {error}"
            raise ValueError(f"{path} is not a sound .keras file: {reason}.") from error


def _check(members: list[Any], size: int) -> None:
    """Raise where a member is not of a `.keras` file, or would take more than it should."""
    names = [member.filename for member in members]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"it has the member {twice[0]!r} twice")
    missing = [name for name in (CONFIG, WEIGHTS) if name not in names]
    if missing:
        raise ValueError(f"it has no {' and no '.join(missing)}")
    left = size
    for member in members:
        name = member.filename
        if name not in (CONFIG, METADATA, WEIGHTS) and not _is_asset(name):
            raise ValueError(f"it has a member {name!r}, which is none of such a file")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ValueError(f"its member {name!r} is a link to another file")
        if member.flag_bits & 1:
            raise ValueError(f"its member {name!r} is encrypted")
        left -= member.compress_size
        growth = MOST_GROWTH_OF_ASSETS if _is_asset(name) else MOST_GROWTH
        most = member.compress_size * (growth if member.compress_type else 1)
        if member.file_size > most or left < 0:
            raise ValueError(
                f"its member {name!r} claims {member.file_size:,} bytes, and "
                f"{min(member.compress_size, max(left, 0)):,} are stored"
            )


def _is_asset(name: str) -> bool:
    """Whether it is a relative name below the folder of assets."""
    parts = name.split("/")
    return name.startswith(ASSETS) and not {"..", "."} & set(parts) and "\\" not in name


def _content(archive: Any, member: Any) -> bytes:
    """The bytes of a member: as many as it claims, with the checksum that it claims."""
    with archive.open(member) as file:
        content: bytes = file.read(member.file_size)
        if len(content) != member.file_size or file.read(1):
            raise ValueError(f"its member {member.filename!r} has not the size that it claims")
    return content
