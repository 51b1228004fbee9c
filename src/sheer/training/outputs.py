"""The outputs of a model, and what `compile` and `fit` are given for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sheer.core import tree

Path = tuple[Any, ...]


class Outputs:
    """Where each output stands in the structure of all of them, and its name.

    Args:
        outputs: an output, or a list, tuple or dictionary of outputs, or such structures nested.
        names: of the layers that make them, in the order of `tree.leaves`; as far as known.
    """

    def __init__(self, outputs: Any, names: list[str]):
        found = list(_paths(outputs))
        self.count = len(found)
        self.paths = [path for path, _ in found]
        self.places = tree.refill(outputs, list(range(self.count)))
        self.layers = names if len(names) == self.count else [""] * self.count
        self.is_nested = any(len(path) > 1 for path in self.paths)
        # Keras's order, for what is given by position.
        self.order = list(_in_order(self.places))

    @property
    def names(self) -> list[str]:
        """What an output is called where it is not the only one: its key, or its layer; empty where
        it has neither."""
        return [
            layer if self.is_nested or not (path and isinstance(path[-1], str)) else path[-1]
            for path, layer in zip(self.paths, self.layers, strict=True)
        ]

    def name_of_loss(self, place: int) -> str:
        """What its loss is called: its path, with the layer's name in place of a number."""
        path = self.paths[place]
        if path and isinstance(path[-1], int):
            path = (*path[:-1], self.layers[place])
        return "/".join(map(str, path))

    def spread(self, given: Any, what: str) -> list[Any]:
        """What was given for each output: by name, by position, or nested as the outputs are; None
        for an output that was left out."""
        found = self.placed(given, what)
        return [found.get(place) for place in range(self.count)]

    def placed(self, given: Any, what: str) -> dict[int, Any]:
        """The same by the place of the output, in the order in which it was given."""
        found: dict[int, Any] = {}
        self._spread(given, self.places, found, what)
        return found

    def _spread(self, given: Any, places: Any, found: dict[int, Any], what: str) -> None:
        is_root = places is self.places
        if isinstance(places, int) and not (is_root and is_several(given)):
            found[places] = given
        elif isinstance(given, dict) and is_several(given):
            names = {n: i for i, n in enumerate(self.names) if n} | {
                n: i for i, n in enumerate(self.layers) if n
            }
            if isinstance(places, dict) and set(given) <= set(places):
                for key, value in given.items():
                    self._spread(value, places[key], found, what)
            elif is_root and set(given) <= set(names):
                for key, value in given.items():
                    found[names[key]] = value
            elif is_root and self.count == 1 and not names and len(given) == 1:
                (found[0],) = given.values()
            else:
                known = list(places) if isinstance(places, dict) else list(names)
                self._refuse_keys(given, known, what)
        elif is_several(given):
            inner = [places[k] for k in sorted(places)] if isinstance(places, dict) else places
            if not isinstance(places, int) and len(given) == len(inner):
                for value, place in zip(given, inner, strict=True):
                    self._spread(value, place, found, what)
            elif is_root and len(given) == self.count:
                for value, i in zip(given, self.order, strict=True):
                    found[i] = value
            else:
                outputs = "1 output" if self.count == 1 else f"{self.count} outputs"
                entries = "1 entry" if len(given) == 1 else f"{len(given)} entries"
                raise ValueError(f"{what} has {entries}, and the model has {outputs}.")
        elif given is not None:
            raise ValueError(
                f"{what} must be a list or a dictionary with an entry for each of the {self.count} "
                f"outputs. Got {type(given).__name__}."
            )

    def _refuse_keys(self, given: dict[str, Any], known: list[str], what: str) -> None:
        unknown = next((key for key in given if key not in known), next(iter(given)))
        listed = f", {', '.join(map(repr, known))}" if known else ""
        raise ValueError(f"{what} names {unknown!r}, which is none of the model's outputs{listed}.")


def is_several(given: Any) -> bool:
    """Whether it is a list or dictionary of things; a config is one thing."""
    is_config = isinstance(given, dict) and "class_name" in given
    return isinstance(given, (list, tuple, dict)) and not is_config


def _paths(structure: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(structure, (dict, list, tuple)):
        items = structure.items() if isinstance(structure, dict) else enumerate(structure)
        for key, value in items:
            yield from _paths(value, (*path, key))
    else:
        yield path, structure


def _in_order(places: Any) -> Iterator[int]:
    if isinstance(places, int):
        yield places
    else:
        parts = [places[k] for k in sorted(places)] if isinstance(places, dict) else places
        for part in parts:
            yield from _in_order(part)
