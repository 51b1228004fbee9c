"""Objects found by name, and objects that know their own arguments."""

import inspect
import re
from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar

from sheer.core.checks import Check
from sheer.core.errors import did_you_mean

T = TypeVar("T")


def snake_case(name: str) -> str:
    """`MeanSquaredError` as `mean_squared_error`, `RMSprop` as `rmsprop`, as Keras does."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


class Registry:
    """The one look-up for a kind of thing (losses, activations...) given by class, name or config.

    >>> colours = Registry("colour")
    >>> @colours.add("red")
    ... def scarlet(): ...
    >>> colours.get("red") is scarlet
    True
    >>> colours.get("redd")
    Traceback (most recent call last):
    ValueError: Unknown colour 'redd'. Did you mean 'red'?
    """

    def __init__(self, kind: str):
        self.kind = kind
        self.entries: dict[str, Any] = {}

    def add(self, *aliases: str) -> Callable[[T], T]:
        """Enter a class or function under its own name and some others.

        A class is found under its name in snake case too, unless a function has that name.
        """

        def enter(thing: T) -> T:
            name = thing.__name__  # type: ignore[attr-defined]
            for key in (name, *aliases):
                self.entries[key] = thing
            if isinstance(thing, type):
                self.entries.setdefault(snake_case(name), thing)
            return thing

        return enter

    def classes(self) -> list[type]:
        """The classes entered, each once."""
        return list(dict.fromkeys(e for e in self.entries.values() if isinstance(e, type)))

    def get(self, identifier: Any) -> Any:
        """The object meant: a new instance for a class or its name, an instance for a config dict,
        anything callable as it is, None for None."""
        if identifier is None:
            return None
        if isinstance(identifier, str):
            found = self.entries.get(identifier)
            if found is None:
                raise ValueError(
                    f"Unknown {self.kind} {identifier!r}.{did_you_mean(identifier, self.entries)}"
                )
            return found() if isinstance(found, type) else found
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        if isinstance(identifier, type):
            return identifier()
        if callable(identifier) or isinstance(identifier, tuple(self.classes())):
            return identifier
        raise TypeError(
            f"{self.kind} must be a name, a config dictionary or a callable. Got {identifier!r}."
        )

    def deserialize(self, config: dict[str, Any]) -> Any:
        """The object that `serialize` described."""
        name = config.get("class_name")
        found = self.entries.get(str(name))
        if not isinstance(found, type):
            known = [c.__name__ for c in self.classes()]
            raise ValueError(f"Unknown {self.kind} class {name!r}.{did_you_mean(name, known)}")
        return found.from_config(config.get("config", {}))  # type: ignore[attr-defined]


def serialize(thing: Any) -> Any:
    """A configurable object as `{"class_name": ..., "config": ...}`; a function as its name."""
    if isinstance(thing, Configurable):
        return {"class_name": type(thing).__name__, "config": thing.get_config()}
    if callable(thing) and hasattr(thing, "__name__"):
        return thing.__name__
    return thing


class Configurable:
    """A thing whose configuration is the arguments it was made with.

    Each parameter of `__init__` is kept in an attribute of the same name.
    """

    arguments: ClassVar[dict[str, Check]] = {}

    def check_arguments(self) -> None:
        """Hold every constraint of the class and its bases against the attribute of that name."""
        for cls in type(self).__mro__:
            for name, check in vars(cls).get("arguments", {}).items():
                value = getattr(self, name)
                if not check.accepts(value):
                    raise ValueError(
                        f"{type(self).__name__}: {name} must be {check.words}. Got {value!r}."
                    )

    @classmethod
    def parameters(cls) -> list[str]:
        """The names of the constructor's parameters, those of the bases included."""
        names: list[str] = []
        for base in cls.__mro__:
            if base is Configurable or "__init__" not in vars(base):
                continue
            found = inspect.signature(base.__init__).parameters  # type: ignore[misc]
            names += [
                n for n, p in found.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
            ]
            if all(p.kind != p.VAR_KEYWORD for p in found.values()):
                break
        return [n for n in dict.fromkeys(names) if n != "self"]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal object, as plain data."""
        return {n: serialize(getattr(self, n)) for n in self.parameters() if hasattr(self, n)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An object made from `get_config()`'s answer."""
        return cls(**config)

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({config})"
