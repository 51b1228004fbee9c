"""The step: a function of data and Variables, traced into a program and bound to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sheer.core import tree
from sheer.ops.symbol import Symbol
from sheer.ops.tensor import Tensor
from sheer.ops.variable import Variable
from sheer.program.bind import BoundProgram
from sheer.program.names import identifier, is_reserved
from sheer.program.program import Program
from sheer.program.write import write
from sheer.trace.graph import Graph, trace

Place = tuple[str, str]


class Step:
    """A traced function: its graph, its program, and the Variables it is bound to.

    Args:
        function: called once, as `function(*arguments)`, on symbols.
        arguments: structures of Symbols; their labels are the parameters' names.
        name: of the program's function.
        summary: the first line of its docstring.
        place: where a program keeps a Variable, as (namespace, attribute); by the Variable's path
            by default.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: Any,
        name: str,
        summary: str,
        place: Callable[[Variable], Place] | None = None,
    ):
        name = f"{name}_program" if is_reserved(name) or not name.isidentifier() else name
        self.graph: Graph = trace(function, arguments, name)
        variables = list({**self.graph.reads, **self.graph.writes})
        self.places = places_of(
            variables, place or place_by_path, {s.label for s in self.graph.inputs}
        )
        program = Program(write(self.graph, self.places, summary), name)
        # As the program calls its inputs: by their labels, where these can be names.
        self.data = program.parameters[: len(self.graph.inputs)]
        self.use(program)

    def use(self, program: Program) -> None:
        """Run this program in place of the one traced; it has the same data and state."""
        self.bound = BoundProgram(program, self.data, self.places, bool(self.graph.writes))

    @property
    def program(self) -> Program:
        """What runs."""
        return self.bound.program

    def __call__(self, data: list[Any]) -> Any:
        """Run on arrays, one for each input; the answer has the structure that was traced."""
        return self.bound(data)

    def tensors(self, data: list[Any]) -> Any:
        """Run, and give Tensors of the dtypes that were traced."""
        values = tree.leaves(self(data))
        symbols = tree.leaves(self.graph.output)
        return tree.refill(
            self.graph.output,
            [
                Tensor(value, symbol.dtype) if isinstance(symbol, (Symbol, Tensor)) else symbol
                for value, symbol in zip(values, symbols, strict=True)
            ],
        )


def place_by_path(variable: Variable) -> Place:
    """`dense/kernel` as (dense, kernel); a Variable by itself has no namespace."""
    *space, attribute = variable.path.split("/")
    return "_".join(map(identifier, space)), identifier(attribute)


def places_of(
    variables: list[Variable], place: Callable[[Variable], Place], taken: set[str]
) -> dict[Variable, Place]:
    """A place for each Variable, no two the same, and no parameter called as the data are."""
    places: dict[Variable, Place] = {}
    used: set[Place] = set()
    for variable in variables:
        space, attribute = first = place(variable)
        parameter = space or attribute
        count = 1
        while first in used or parameter in taken or is_reserved(parameter):
            count += 1
            if space and (space, attribute) in used:
                first = space, f"{attribute}_{count}"
            else:
                parameter = f"{space or attribute}_{count}"
                first = (parameter, attribute) if space else ("", parameter)
        used.add(first)
        places[variable] = first
    return places
