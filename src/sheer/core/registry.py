"""Objects found by name, and objects that know their own arguments."""

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self, TypeVar

from sheer.core import objects
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


# By Keras's module.
REGISTRIES: dict[str, "Registry"] = {}


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

    def __init__(self, kind: str, lacking: str = "", module: str | None = None):
        self.kind = kind
        self.entries: dict[str, Any] = {}
        # Files name Keras's module: keras.layers, keras.losses...
        plural = f"{kind}es" if kind.endswith("s") else f"{kind}s"
        REGISTRIES[module or f"keras.{plural}"] = self
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
            found = objects.get_registered_object(identifier, custom_objects)
            found = self.entries.get(identifier) if found is None else found
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
        """The object that `serialize` described.

        What is named as Keras's is looked up here; all else is one of the custom objects. Nothing
        is ever imported.
        """
        name, made = config.get("class_name"), objects.shared()
        if made is not None and config.get("shared_object_id") in made.made:
            return made.made[config["shared_object_id"]]
        if name == "function":
            return self.get(config.get("config"), custom_objects)
        module, registered = config.get("module"), config.get("registered_name")
        named = name if registered is None and module is None else registered
        found = objects.get_registered_object(named, custom_objects)
        if found is None and (named is None or is_keras(module) or named == name):
            found = self.entries.get(str(name)) if module is None or is_keras(module) else None
        if found is None and module is not None and not is_keras(module):
            raise ValueError(
                f"The {self.kind} {named or name!r} of {module!r} is not sheer's. Register it with "
                f"@sheer.saving.register_serializable, or give custom_objects={{{named or name!r}: "
                "...}."
            )
        if not isinstance(found, type):
            raise ValueError(self._unknown(name, " class", [c.__name__ for c in self.classes()]))
        with objects.CustomObjectScope(custom_objects):
            thing = found.from_config(_plain_config(found, config))  # type: ignore[attr-defined]
        if made is not None and "shared_object_id" in config:
            made.made[config["shared_object_id"]] = thing
        return thing


def is_keras(module: Any) -> bool:
    """Whether a module that a config names is one of Keras's."""
    return isinstance(module, str) and (module == "keras" or module.startswith("keras."))


def _plain_config(cls: type, config: dict[str, Any]) -> dict[str, Any]:
    """The arguments in a description, with the functions that the caller gave."""
    inner = dict(config.get("config") or {})
    for name, value in inner.items():
        if isinstance(value, dict) and is_lambda(value):
            inner[name] = given_lambda(inner.get("name"))
        elif isinstance(value, dict) and value.get("class_name") == "function":
            function = objects.get_registered_object(value.get("config"))
            inner[name] = value if function is None else function
    return known_arguments(cls, inner)


def is_lambda(config: dict[str, Any]) -> bool:
    """Whether this describes a function without a name: Keras writes its byte code."""
    return config.get("class_name") == "__lambda__" or config.get("config") == LAMBDA


LAMBDA = "<lambda>"


def given_lambda(owner: Any) -> Any:
    """The function that the caller gave in place of a lambda, by the name of its owner."""
    for name in (owner, LAMBDA):
        found = objects.get_registered_object(name)
        if callable(found):
            return found
    key = owner if isinstance(owner, str) else LAMBDA
    raise ValueError(
        f"{key!r} holds a lambda, a function without a name. A file's code is never run: give the "
        f"function, custom_objects={{{key!r}: ...}}."
    )


# Where the module in Keras is not that of the registry.
KERAS_MODULES = {
    "Functional": "keras.src.models.functional",
    "Model": "keras",
    "Sequential": "keras",
}


def _home(thing: Any) -> str | None:
    """Keras's module of a class or function that a registry has."""
    name = thing.__name__
    for module, registry in REGISTRIES.items():
        if registry.entries.get(name) is thing:
            return KERAS_MODULES.get(name, module)
    return None


def serialize(thing: Any) -> Any:
    """A configurable object as Keras describes it, by module, class_name, config and
    registered_name; a function as its name, one's own as `{"class_name": "function", ...}`.

    >>> from sheer.regularizers import L2
    >>> serialize(L2(0.5))["module"], serialize(L2(0.5))["config"]
    ('keras.regularizers', {'l2': 0.5})
    """
    if isinstance(thing, Configurable):
        cls = type(thing)
        home = _home(cls)
        # Keras itself names its Functional so.
        is_public = home is not None and not home.startswith("keras.src")
        config = {
            "module": home or cls.__module__,
            "class_name": cls.__name__,
            "config": thing.get_config(),
            "registered_name": None if is_public else objects.get_registered_name(cls),
        }
        made = objects.shared()
        if made is not None:
            made.note(thing, config)
        return config
    if callable(thing) and hasattr(thing, "__name__"):
        if _home(thing):
            return str(thing.__name__)
        return serialize_function(thing)
    return thing


def serialize_function(function: Any) -> dict[str, Any]:
    """A function as Keras describes it: by the name that it is registered under, or its own."""
    return {
        "module": "builtins",
        "class_name": "function",
        "config": objects.get_registered_name(function),
        "registered_name": "function",
    }


def refuse(owner: str, given: dict[str, Any], lacked: dict[str, Any], known: Iterable[str]) -> None:
    """Raise for arguments that are not known, or that only Keras has; its default may pass."""
    for name, value in given.items():
        if name not in lacked:
            raise TypeError(f"{owner}: unknown argument {name!r}.{did_you_mean(name, known)}")
        # None and False both say that it is not wanted.
        if (value or lacked[name]) and value is not lacked[name] and value != lacked[name]:
            raise ValueError(
                f"{owner}: {name} is not in sheer yet; only Keras's default, {lacked[name]!r}, can "
                f"be given. Got {value!r}."
            )


def known_arguments(cls: type, config: dict[str, Any]) -> dict[str, Any]:
    """A config of Keras's in words that the class knows: the dtype by name, for which Keras has a
    policy, and without arguments of later versions that are None, and so say nothing."""
    parameters = cls.parameters()  # type: ignore[attr-defined]
    config = {k: v for k, v in config.items() if v is not None or k in parameters}
    policy = config.get("dtype")
    if not isinstance(policy, dict):
        return config
    name = dict(policy.get("config") or {}).get("name")
    if policy.get("class_name") != "DTypePolicy" or "mixed" in str(name):
        raise ValueError(
            f"The dtype policy {name or policy.get('class_name')!r} is in Keras, but not in sheer "
            "yet. Known: 'float32', 'float64'."
        )
    return {**config, "dtype": name}


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
        """An object made from `get_config()`'s answer, or from that of Keras's class."""
        return cls(**known_arguments(cls, config))

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({config})"
