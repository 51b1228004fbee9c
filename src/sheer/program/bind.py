"""A program together with the Variables that it reads and assigns."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np

from sheer.core.shapes import show
from sheer.ops.variable import Variable
from sheer.program.program import Program


class BoundProgram:
    """Runs a program on data; takes the state from Variables and puts it back into them.

    Args:
        program: its parameters are data by name, or parts of the state.
        data: the names of the parameters that are data, in the order of the call.
        places: for each Variable its (namespace, attribute) in the program.
        has_state: whether the function answers `(output, state)`, or the output alone.
    """

    def __init__(
        self,
        program: Program,
        data: Sequence[str],
        places: dict[Variable, tuple[str, str]],
        has_state: bool,
    ):
        self.program = program
        self.has_state = has_state
        self.variables = {".".join(p for p in place if p): v for v, place in places.items()}
        self._spaces: dict[str, SimpleNamespace] = {}
        self._members: list[tuple[SimpleNamespace, str, Variable]] = []
        for variable, (space, attribute) in places.items():
            if space:
                namespace = self._spaces.setdefault(space, SimpleNamespace())
                self._members.append((namespace, attribute, variable))
        self._sources = [self._source(p, list(data)) for p in program.parameters]

    def _source(self, parameter: str, data: list[str]) -> Any:
        """Where an argument comes from: a place in the data, a namespace, or a Variable."""
        if parameter in data:
            return data.index(parameter)
        if parameter in self._spaces:
            return self._spaces[parameter]
        if parameter in self.variables:
            return self.variables[parameter]
        known = [*data, *self._spaces, *(name for name in self.variables if "." not in name)]
        raise ValueError(
            f"{self.program.filename}: {self.program.name} has the parameter {parameter!r}, which "
            f"is neither data nor a part of this model.\nKnown here: {', '.join(known)}."
        )

    def arguments(self, data: Sequence[Any]) -> list[Any]:
        """The arguments of the program's function, with the present values of the Variables."""
        for namespace, attribute, variable in self._members:
            setattr(namespace, attribute, variable.stored())
        return [
            data[source]
            if isinstance(source, int)
            else source.stored()
            if isinstance(source, Variable)
            else source
            for source in self._sources
        ]

    def __call__(self, data: Sequence[Any]) -> Any:
        """Run on the data. The Variables change only when all of the program has run."""
        result = self.program(*self.arguments(data))
        if not self.has_state:
            return result
        try:
            output, state = result
            items = state.items()
        except (TypeError, ValueError, AttributeError):
            raise ValueError(
                f"{self.program.filename}: {self.program.name} must return (output, state), where "
                f"state is a dictionary such as {{'{next(iter(self.variables))}': new_value}}."
            ) from None
        given = {id(array) for array in data}
        changed: list[tuple[Variable, np.ndarray[Any, Any]]] = []
        for key, value in items:
            variable = self.variables.get(key)
            array = None if variable is None else _fitted(value, variable, given)
            if variable is None or array is None:
                self._refuse(key, value, variable)
            changed.append((variable, array))
        for variable, array in changed:
            variable.store(array)
        return output

    def _refuse(self, key: str, value: Any, variable: Variable | None) -> NoReturn:
        if variable is None:
            raise KeyError(
                f"{self.program.filename}: state has the key {key!r}. "
                f"Known: {', '.join(self.variables)}."
            )
        raise ValueError(
            f"{self.program.filename}: the new value of {key} has the shape "
            f"{show(np.shape(value))}, the variable {show(variable.shape)}."
        )


def _fitted(value: Any, variable: Variable, given: set[int]) -> np.ndarray[Any, Any] | None:
    """The value as an array of the Variable's shape and dtype, which nobody else may change; None
    where the shape is another."""
    known = variable.stored()
    if type(value) is np.ndarray and value.dtype is known.dtype and value.shape == known.shape:
        # A part of another array, or one of the data, may yet be changed by who has it.
        return value if value.base is None and id(value) not in given else value.copy()
    return np.array(value, known.dtype) if np.shape(value) == known.shape else None
