"""What an optimizer remembers: its Variables, and which of them belong to which weight."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from sheer import initializers
from sheer.core import config
from sheer.core.registry import Configurable, refuse
from sheer.core.shapes import Shape
from sheer.ops.recording import computing
from sheer.ops.variable import Variable

# The shape, the initializer and the dtype of a slot.
Start: TypeAlias = tuple[Shape, Any, str]


class State(Configurable):
    """The state of an optimizer; `slots` are the names of what each weight gets.

    `optimizer.variables`, and so Keras's files, have the slots one name after the other, each for
    all weights; names that stand in one string, weight by weight.

    Optimizers written for Keras override `build`, and make their Variables with
    `add_variable_from_reference` or `add_optimizer_variables`.
    """

    slots: tuple[str, ...] = ()

    def __init__(self, name: str):
        self.name = name
        self._variables: list[Variable] = []
        # The slots of each weight, by name.
        self._slots: dict[Variable, dict[str, Variable]] = {}

    @property
    def variables(self) -> list[Variable]:
        """All state, in the order of Keras's files: iterations, learning rate, slots."""
        return list(self._variables)

    def saved_variables(self) -> dict[str, Variable]:
        """The state by its names in Keras's files: numbers."""
        return {str(i): v for i, v in enumerate(self.variables)}

    @property
    def built(self) -> bool:
        """Whether the weights are known."""
        return bool(self._slots)

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots of these weights; those that have theirs keep them."""
        new = [v for v in variables if v not in self._slots]
        self._slots |= {v: {} for v in new}
        for group in self.slot_groups():
            for variable in new:
                for name in group.split():
                    start = self.slot_start(variable, name)
                    if start is not None:
                        slot = self.add_variable(*start, slot_name(variable, name))
                        self._slots[variable][name] = slot
        if new and len(new) < len(self._slots):
            self._put_in_order(variables)

    def _put_in_order(self, variables: Sequence[Variable]) -> None:
        """Have the slots as if all had been made for these weights at once: files know a slot by
        its place alone."""
        self._slots = {v: self._slots[v] for v in dict.fromkeys([*variables, *self._slots])}
        slots = [
            kept[name]
            for group in self.slot_groups()
            for kept in self._slots.values()
            for name in group.split()
            if name in kept
        ]
        known = set(slots)
        others = [v for v in self._variables if v not in known]
        first = min((i for i, v in enumerate(self._variables) if v in known), default=0)
        self._variables = [*others[:first], *slots, *others[first:]]

    def make_ready(self, variables: Sequence[Variable]) -> None:
        """Build for those weights that are not known yet."""

        def unknown() -> list[Variable]:
            return [v for v in variables if v not in self._slots]

        if unknown():
            self.build(variables)
        if unknown():
            raise ValueError(
                f"{type(self).__name__}: its build leaves out {unknown()[0].path}, as it was built "
                "for other weights before. Make a new optimizer for these."
            )

    def slot_groups(self) -> list[str]:
        """The names of all slots, as in `slots`."""
        return list(self.slots)

    def slot_start(self, variable: Variable, slot: str) -> Start | None:
        """How a slot of a weight begins; None where the weight has no such slot."""
        return variable.shape, "zeros", variable.dtype

    def slot(self, variable: Variable, name: str) -> Variable:
        """The state of that name that belongs to a weight."""
        return self._slots[variable][name]

    def _tracked(self, variable: Variable) -> Variable:
        """One more of the `variables`."""
        variable.path = f"{self.name}/{variable.name}"
        self._variables.append(variable)
        return variable

    # --- Keras's own names for all this ---------------------------------------------------------

    def add_variable(
        self,
        shape: Any,
        initializer: Any = "zeros",
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Variable:
        """A new one of the `variables`."""
        refuse("add_variable", kwargs, {"aggregation": "none", "layout": None}, ["name"])
        start, dtype = initializers.get(initializer), dtype or config.floatx()
        with computing():
            made = Variable(start, tuple(shape), dtype, trainable=False, name=name)
        return self._tracked(made)

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A new one of the `variables`, of a weight's shape and dtype, named after it."""
        weight = reference_variable
        full_name = slot_name(weight, name or "var")
        return self.add_variable(weight.shape, initializer, weight.dtype, full_name)

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """For each weight a Variable of this name; for a list of names, a list for each name."""
        names = [name] if isinstance(name, str) else list(name)
        is_list = isinstance(initializer, (list, tuple))
        starts = list(initializer) if is_list else [initializer] * len(names)
        made: list[list[Variable]] = [[] for _ in names]
        for weight in trainable_variables:
            for found, one, start in zip(made, names, starts, strict=True):
                found.append(self.add_variable_from_reference(weight, one, start))
        return made[0] if isinstance(name, str) else made

    def _get_variable_index(self, variable: Variable) -> int:
        return next(i for i, v in enumerate(self._slots) if v is variable)

    def assign(self, variable: Variable, value: Any) -> None:
        """`variable.assign(value)`."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """`variable.assign_add(value)`."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """`variable.assign_sub(value)`."""
        variable.assign_sub(value)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Put the value of each of the `variables` into the store, under its number."""
        for i, variable in enumerate(self._variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Assign what `save_own_variables` stored: for an optimizer of this kind, built already."""
        if len(store) != len(self._variables):
            raise ValueError(
                f"{type(self).__name__}: {len(store)} values were stored, and the optimizer has "
                f"{len(self._variables)} variables. Is it of the same kind, with the same "
                "arguments, and built for the same weights?"
            )
        for i, variable in enumerate(self._variables):
            variable.assign(np.asarray(store[str(i)]))


def slot_name(variable: Variable, what: str) -> str:
    """The name of something that belongs to a weight: `dense_kernel_velocity`."""
    return f"{variable.path.replace('/', '_')}_{what}"
