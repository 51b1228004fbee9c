"""Names given to what the user does not name: `dense`, `dense_1`, `dense_2`."""

from collections import Counter
from typing import Any

from sheer.core.registry import snake_case

_counts: Counter[str] = Counter()


def auto_name(thing: Any) -> str:
    """The next free name for an object of this class."""
    prefix = thing if isinstance(thing, str) else snake_case(type(thing).__name__)
    count = _counts[prefix]
    _counts[prefix] += 1
    return f"{prefix}_{count}" if count else prefix


def reset_names() -> None:
    """Start counting anew, as `clear_session` does."""
    _counts.clear()
