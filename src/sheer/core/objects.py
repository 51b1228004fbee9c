"""Custom objects: classes and functions of the user's own that files and configs name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_objects: dict[str, Any] = {}
_names: dict[Any, str] = {}
_scope: ContextVar[Mapping[str, Any]] = ContextVar("custom_objects", default={})  # noqa: B039


def register_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """A decorator that lets files and configs name a class or function of your own.

    It is known as `package>name`; the name is its own by default.

    >>> @register_serializable("doc")
    ... def cube(x):
    ...     return x**3
    >>> get_registered_name(cube), get_registered_object("doc>cube") is cube
    ('doc>cube', True)
    """
    for what, given in (("package", package), ("name", name or "")):
        if not isinstance(given, str):
            raise TypeError(
                f"register_serializable: {what} must be a string. Got {given!r}. As a decorator it "
                'is written with brackets: @register_serializable("my_package").'
            )

    def enter(thing: T) -> T:
        if isinstance(thing, type) and not hasattr(thing, "get_config"):
            raise ValueError(
                f"register_serializable: {thing.__name__} has no get_config(), so that no file can "
                "say how to make one. Give it that method."
            )
        key = f"{package}>{name or thing.__name__}"  # type: ignore[attr-defined]
        _objects[key], _names[thing] = thing, key
        return thing

    return enter


def get_registered_name(obj: Any) -> str:
    """The name under which it was registered; else its own."""
    return _names.get(obj) or str(obj.__name__)


def get_registered_object(
    name: str | None,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """The class or function that a name stands for, None where there is none.

    Looked up among the objects of the scopes that are open, those registered, and those given.
    """
    for known in (_scope.get(), _objects, custom_objects or {}, module_objects or {}):
        if name is not None and name in known:
            return known[name]
    return None


def get_custom_objects() -> dict[str, Any]:
    """The objects registered, by their names; changing it changes them."""
    return _objects


class CustomObjectScope:
    """Within it, files and configs may name these objects.

    custom_objects: classes and functions, by name. Those of scopes around it stay known.

    >>> from sheer import activations
    >>> with CustomObjectScope({"cube": lambda x: x**3}):
    ...     activations.get("cube")(2)
    8
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None = None):
        self.custom_objects = dict(custom_objects or {})
        self._tokens: list[Any] = []

    def __enter__(self) -> CustomObjectScope:
        self._tokens.append(_scope.set({**_scope.get(), **self.custom_objects}))
        return self

    def __exit__(self, *error: Any) -> None:
        _scope.reset(self._tokens.pop())


class Shared:
    """What was written or made so far: an object that is met again is named, not made twice."""

    def __init__(self) -> None:
        self.configs: dict[int, dict[str, Any]] = {}
        self.made: dict[Any, Any] = {}
        self._kept: list[Any] = []  # so that no id() is used again

    def note(self, thing: Any, config: dict[str, Any]) -> None:
        """Enter the config of an object; both configs of one get its number."""
        first = self.configs.setdefault(id(thing), config)
        self._kept.append(thing)
        if first is not config:
            number = list(self.configs).index(id(thing))
            first["shared_object_id"] = config["shared_object_id"] = number


_shared: ContextVar[Shared | None] = ContextVar("shared", default=None)


def shared() -> Shared | None:
    """The objects that are shared within the file in hand."""
    return _shared.get()


@contextmanager
def sharing() -> Iterator[None]:
    """One file: objects that are met twice in it are one object."""
    token = _shared.set(Shared())
    try:
        yield
    finally:
        _shared.reset(token)


_room: ContextVar[list[int] | None] = ContextVar("room", default=None)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Weights made within may take so many bytes together: a file's description of a model cannot
    make it larger than the file's weights."""
    token = _room.set([size])
    try:
        yield
    finally:
        _room.reset(token)


def in_file() -> bool:
    """Whether what is made now is made from a file's description."""
    return _room.get() is not None


def take_room(size: int, what: str) -> None:
    """Raise where there is no room left for a weight of so many bytes."""
    room = _room.get()
    if room is not None:
        room[0] -= size
        if room[0] < 0:
            raise ValueError(f"{what} would take {size:,} bytes, and the file holds fewer weights")


# What the call of a layer takes of that room: as much as a layer's description does, or more.
CALL = 1 << 10


def take_call(name: str) -> None:
    """Raise where there is no room left for another call of a layer: models in models, each called
    twice, and steps that are a call each, need few words for many calls."""
    room = _room.get()
    if room is not None:
        room[0] -= CALL
        if room[0] < 0:
            raise ValueError(f"{name} would be called too often for so small a file")
