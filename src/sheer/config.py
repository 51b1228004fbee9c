"""Settings: the default float type, the fuzz factor, the engine and its threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheer.core.checks import integer
from sheer.core.config import epsilon, floatx, set_epsilon, set_floatx
from sheer.core.errors import absent
from sheer.engines.choice import engine, set_engine
from sheer.engines.native.native import native, why_not

LACKING = """
backend disable_flash_attention disable_interactive_logging disable_traceback_filtering
dtype_policy enable_flash_attention enable_interactive_logging enable_traceback_filtering
enable_unsafe_deserialization image_data_format is_flash_attention_enabled
is_interactive_logging_enabled is_nnx_enabled is_traceback_filtering_enabled max_epochs
max_steps_per_epoch set_backend set_dtype_policy set_image_data_format set_max_epochs
set_max_steps_per_epoch
"""

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


if not TYPE_CHECKING:
    __getattr__ = absent(__name__, LACKING)
