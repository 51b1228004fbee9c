"""Seeds: every random number comes from a key of two integers, (seed, counter).

The generator itself is `ops.random.threefry`; here is only who gets which key.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

Key = tuple[int, int]


class _Keys:
    """The one global source of keys."""

    def __init__(self) -> None:
        self.seed = int.from_bytes(os.urandom(4), "little")
        self.counter = 0


_keys = _Keys()


def set_random_seed(seed: int) -> None:
    """Make all that follows repeatable: sheer's, NumPy's and Python's random numbers.

    `seed` is a whole number in [0, 2**32).
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ValueError(f"seed must be a whole number in [0, 2**32). Got {seed!r}.")
    import random  # a slow import, for this line only

    _keys.seed, _keys.counter = int(seed), 0
    random.seed(int(seed))
    np.random.seed(int(seed))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Take sheer's keys from this seed meanwhile; the global source then goes on where it was."""
    before = _keys.seed, _keys.counter
    _keys.seed, _keys.counter = seed, 0
    try:
        yield
    finally:
        _keys.seed, _keys.counter = before


def next_key(seed: int | None = None) -> Key:
    """The key for one use: (seed, 0) where a seed is given, else the next of the global source."""
    if seed is not None:
        return int(seed) % 2**32, 0
    _keys.counter += 1
    return _keys.seed, _keys.counter


def reserve_keys(count: int) -> Key:
    """The first of `count` keys of the global source: (seed, counter), (seed, counter + 1), ..."""
    first = peek_key()
    _keys.counter += count
    return first


def rewind(key: Key) -> None:
    """Let the next use get this key again."""
    _keys.seed, _keys.counter = key[0], key[1] - 1


def peek_key() -> Key:
    """The key that the next use will get."""
    return _keys.seed, _keys.counter + 1
