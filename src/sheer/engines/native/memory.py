"""Buffers that are used again: a place for each array, no two at one place at one time."""

from __future__ import annotations

from bisect import insort
from collections.abc import Hashable, Mapping
from typing import TypeVar

LINE = 64  # bytes in a cache line

K = TypeVar("K", bound=Hashable)


def planned(lifetimes: Mapping[K, tuple[int, int, int]]) -> tuple[dict[K, int], int]:
    """Offsets, aligned to cache lines, and the bytes that they need together.

    lifetimes: (bytes, first kernel, last kernel) of each array. The largest get their place first,
    each the lowest one that is free for all of its life.

    >>> planned({"a": (64, 0, 1), "b": (64, 1, 2), "c": (64, 2, 3)})
    ({'a': 0, 'b': 64, 'c': 0}, 128)
    """
    placed: list[tuple[int, int, int, int]] = []
    offsets: dict[K, int] = {}
    for key, (size, first, last) in sorted(lifetimes.items(), key=lambda item: -item[1][0]):
        size = max(1, -(-size // LINE)) * LINE
        offset = 0
        for begin, end, other_first, other_last in placed:
            if other_first <= last and first <= other_last:
                if offset + size <= begin:
                    break
                offset = max(offset, end)
        insort(placed, (offset, offset + size, first, last))
        offsets[key] = offset
    return offsets, max((end for _, end, _, _ in placed), default=0)
