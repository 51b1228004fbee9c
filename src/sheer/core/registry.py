"""Objects found by name, and objects that know their own arguments."""

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self, TypeVar

from sheer.core.checks import Check
from sheer.core.errors import did_you_mean

T = TypeVar("T")


def snake_case(name: str) -> str:
    """`MeanSquaredError` as `mean_squared_error`, by Keras's rule."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _plain(name: Any) -> str:
    """AdamW, adamw and adam_w are one name."""
    return str(name).replace("_", "").lower()


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

    def __init__(self, kind: str, lacking: str = ""):
        self.kind = kind
        self.entries: dict[str, Any] = {}
        # The names of those that Keras has and sheer does not have yet.
        self.lacking = lacking.split()

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

    def get(self, identifier: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The object meant: a new instance for a class or its name, an instance for a config dict,
        anything callable as it is, None for None. `custom_objects` are further entries by name."""
        if identifier is None:
            return None
        if isinstance(identifier, str):
            found = {**self.entries, **(custom_objects or {})}.get(identifier)
            if found is None:
                raise ValueError(self._unknown(identifier, "", self.entries))
            return found() if isinstance(found, type) else found
        if isinstance(identifier, dict):
            return self.deserialize(identifier, custom_objects)
        if isinstance(identifier, type):
            return identifier()
        if callable(identifier) or isinstance(identifier, tuple(self.classes())):
            return identifier
        raise TypeError(
            f"{self.kind} must be a name, a config dictionary or a callable. Got {identifier!r}."
        )

    def _unknown(self, name: Any, what: str, known: Iterable[str]) -> str:
        if _plain(name) in map(_plain, self.lacking):
            names = ", ".join(sorted(known))
            kind = self.kind.capitalize()
            return f"{kind} {name!r} is in Keras, but not in sheer yet. Known: {names}."
        return f"Unknown {self.kind}{what} {name!r}.{did_you_mean(name, known)}"

    def deserialize(
        self, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """The object that `serialize` described."""
        name = config.get("class_name")
        found = {**self.entries, **(custom_objects or {})}.get(str(name))
        if not isinstance(found, type):
            raise ValueError(self._unknown(name, " class", [c.__name__ for c in self.classes()]))
        return found.from_config(config.get("config", {}))  # type: ignore[attr-defined]


def serialize(thing: Any) -> Any:
    """A configurable object as `{"class_name": ..., "config": ...}`; a function as its name."""
    if isinstance(thing, Configurable):
        return {"class_name": type(thing).__name__, "config": thing.get_config()}
    if callable(thing) and hasattr(thing, "__name__"):
        return thing.__name__
    return thing


def refuse(owner: str, given: dict[str, Any], lacked: dict[str, Any], known: Iterable[str]) -> None:
    """Raise for arguments that are not known, or that only Keras has; its default may pass."""
    for name, value in given.items():
        if name not in lacked:
            raise TypeError(f"{owner}: unknown argument {name!r}.{did_you_mean(name, known)}")
        if value is not lacked[name] and value != lacked[name]:
            raise ValueError(
                f"{owner}: {name} is not in sheer yet; only Keras's default, {lacked[name]!r}, can "
                f"be given. Got {value!r}."
            )


class Configurable:
    """A thing whose configuration is the arguments it was made with.

    Each parameter of `__init__` is kept in an attribute of the same name.
    """

    arguments: ClassVar[dict[str, Check]] = {}
    # Arguments that Keras has and sheer does not have yet, with Keras's default.
    lacks: ClassVar[dict[str, Any]] = {}

    def refuse(self, given: dict[str, Any]) -> None:
        """Raise for arguments that are not known, or that only Keras has; its default may pass."""
        lacked: dict[str, Any] = {}
        for base in type(self).__mro__:
            lacked |= vars(base).get("lacks", {})
        refuse(type(self).__name__, given, lacked, self.parameters())

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
