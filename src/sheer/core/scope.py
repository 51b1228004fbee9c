"""Where in a model a value is computed: the section of the program, and the layer."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Place:
    """A section of a program (its heading), and the layer or other part that computes there.

    `part` is the name that a reader knows (a layer's name), `formula` one line on what it does.
    """

    section: str = ""
    part: str = ""
    formula: str = ""


_place: ContextVar[Place] = ContextVar("place", default=Place())  # noqa: B039 (frozen)


def current_place() -> Place:
    """Where the code that runs now stands."""
    return _place.get()


@contextmanager
def section(heading: str) -> Iterator[None]:
    """Ops inside belong under this heading of the program."""
    token = _place.set(Place(section=heading))
    try:
        yield
    finally:
        _place.reset(token)


@contextmanager
def part(name: str, formula: str = "") -> Iterator[None]:
    """Ops inside belong to this part, in the section in force (forward, where there is none)."""
    place = _place.get()
    token = _place.set(
        replace(place, section=place.section or "forward", part=name, formula=formula)
    )
    try:
        yield
    finally:
        _place.reset(token)
