"""Structure: the layers and weights inside a layer, kept until an attribute changes."""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Any

from sheer.ops.random import SeedGenerator
from sheer.ops.variable import Variable

if TYPE_CHECKING:
    from sheer.layers.base import Layer


class Structure:
    """What a layer is made of: `layers`, itself the first, `weights` and `seeds` (the states of
    seed generators), each once. `is_ours` says that all layers are sheer's own, and that calling
    them leaves nothing behind: no losses, and nothing that a user's code may do.

    Asked for at every call, so it is kept; it is true while all attributes, and the lists, tuples
    and dictionaries in them, hold the very objects that they held.
    """

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.weights: list[Variable] = []
        self.seeds: list[Variable] = []
        self.is_ours = False
        self._held: list[tuple[Any, tuple[Any, ...]]] = []

    def find(self, layer: Layer) -> None:
        """Walk through a layer and all inside it."""
        found: dict[int, list[Layer | Variable | SeedGenerator]] = {}
        waiting = [layer]
        while waiting:
            one = waiting.pop(0)
            if id(one) not in found:
                found[id(one)] = parts = list(one.parts())
                self.layers.append(one)
                self._hold(vars(one))
                waiting[:0] = [p for p in parts if not isinstance(p, (Variable, SeedGenerator))]
        weights = [p for parts in found.values() for p in parts if isinstance(p, Variable)]
        self.weights = list({id(v): v for v in weights}.values())
        seeds = [p.state for parts in found.values() for p in parts if isinstance(p, SeedGenerator)]
        self.seeds = list({id(v): v for v in seeds}.values())
        self.is_ours = all(
            type(one).__module__.startswith("sheer.")
            and one.activity_regularizer is None
            and not one.calls_users_code
            for one in self.layers
        )

    def _hold(self, container: Any) -> None:
        values = tuple(container.values() if isinstance(container, dict) else container)
        if not isinstance(container, tuple):  # a tuple stays as it is
            self._held.append((container, values))
        for value in values:
            if isinstance(value, (list, tuple, dict)):
                self._hold(value)

    def is_current(self) -> bool:
        """Whether nothing has changed since it was found."""
        for container, values in self._held:
            now = container.values() if type(container) is dict else container
            if len(now) != len(values) or not all(map(is_, now, values)):
                return False
        return True
