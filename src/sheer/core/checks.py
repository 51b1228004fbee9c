"""Constraints on arguments, written as data beside the class that has them.

    arguments = {"rho": number(0, 1, "[)"), "units": integer(1)}

`Configurable.check_arguments` holds each against the value. A constraint also knows values that
break it, so that one battery of tests can break every constraint of every class.
"""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any


@dataclass(frozen=True)
class Check:
    """What an argument must be, in words; the test; and some values that must fail it."""

    words: str
    accepts: Callable[[Any], bool]
    breakers: tuple[Any, ...]

    def __or__(self, other: "Check") -> "Check":
        """Either of the two."""

        def accepts(value: Any) -> bool:
            return self.accepts(value) or other.accepts(value)

        breakers = tuple(b for b in self.breakers + other.breakers if not accepts(b))
        return Check(f"{self.words} or {other.words}", accepts, breakers)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def number(low: float | None = None, high: float | None = None, ends: str = "[]") -> Check:
    """A number in an interval; `ends` says which ends belong to it.

    Integers pass, booleans do not.
    """

    def accepts(value: Any) -> bool:
        if not _is_number(value) or value != value:
            return False
        above = low is None or (value >= low if ends[0] == "[" else value > low)
        below = high is None or (value <= high if ends[1] == "]" else value < high)
        return above and below

    words, breakers = "a number", ["0.1", True, float("nan")]
    if low is not None and high is not None:
        words += f" in {ends[0]}{low:g}, {high:g}{ends[1]}"
        breakers += [low - 1, high + 1]
    elif low is not None:
        words += f" of {low:g} or more" if ends[0] == "[" else f" above {low:g}"
        breakers += [low - 1]
    breakers += [low] if low is not None and ends[0] == "(" else []
    breakers += [high] if high is not None and ends[1] == ")" else []
    return Check(words, accepts, tuple(breakers))


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def integer(low: int | None = None) -> Check:
    """A whole number, of `low` or more."""
    if low is None:
        return Check("a whole number", _is_whole, (0.5, "1", True))
    return Check(
        f"a whole number of {low} or more",
        lambda v: _is_whole(v) and int(v) >= low,
        (low - 1, low + 0.5, str(low), True),
    )


def axes() -> Check:
    """One axis or several, each counted from the front, or from the back below 0."""
    return Check(
        "a whole number or a list of whole numbers",
        lambda v: _is_whole(v) or (isinstance(v, (list, tuple)) and all(map(_is_whole, v))),
        (0.5, "1", True, [0.5], {1}, None),
    )


def numbers(low: float, high: float | None = None) -> Check:
    """A list of one or more numbers in an interval, ends included."""
    one = number(low, high)
    words = f"of {low:g} or more" if high is None else f"in [{low:g}, {high:g}]"
    above = [] if high is None else [[low, high + 1]]
    return Check(
        f"a list of numbers {words}",
        lambda v: isinstance(v, (list, tuple)) and len(v) > 0 and all(map(one.accepts, v)),
        ([], [low - 1], *above, ["0.1"], "0.1", True),
    )


def integers(low: int) -> Check:
    """A list of one or more whole numbers of `low` or more."""
    one = integer(low)
    return Check(
        f"a list of whole numbers of {low} or more",
        lambda v: isinstance(v, (list, tuple)) and len(v) > 0 and all(map(one.accepts, v)),
        ([], [low - 1], [low + 0.5], str(low), low),
    )


def one_of(*choices: Any) -> Check:
    """One of a few values."""
    words = "one of " + ", ".join(map(repr, choices))
    return Check(words, lambda v: any(v is c or v == c for c in choices), ("no such choice", 12345))


def boolean() -> Check:
    """True or False."""
    return Check("True or False", lambda v: isinstance(v, bool), ("yes", 2, None))


def nothing() -> Check:
    """None."""
    return Check("None", lambda v: v is None, ())
