"""Settings: the default float type, the fuzz factor, the engine and its threads."""

from __future__ import annotations

from sheer.core.checks import integer
from sheer.core.config import epsilon, floatx, set_epsilon, set_floatx
from sheer.engines.choice import engine, set_engine
from sheer.engines.native.native import native, why_not

__all__ = [
    "engine",
    "epsilon",
    "floatx",
    "num_threads",
    "set_engine",
    "set_epsilon",
    "set_floatx",
    "set_num_threads",
]


def num_threads() -> int:
    """How many threads the native engine uses at most; 1 where it is not built.

    By default SHEER_NUM_THREADS, else the cores that the process may use.

    >>> num_threads() >= 1
    True
    """
    return 1 if why_not() else int(native().threads())


def set_num_threads(count: int) -> None:
    """Let the native engine use so many threads at most. Results do not depend on it, bit for bit.

    >>> set_num_threads(num_threads())
    """
    if not integer(1).accepts(count):
        raise ValueError(f"set_num_threads: count must be {integer(1).words}. Got {count!r}.")
    if not why_not():
        native().set_threads(int(count))
