"""Node: a call on symbols that belong to no program yet. Models are put together from these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sheer.core import naming, tree
from sheer.core.registry import snake_case
from sheer.core.shapes import Dim
from sheer.ops import recording
from sheer.ops.operand import Operand
from sheer.ops.recording import Call
from sheer.ops.symbol import Symbol


class Node:
    """A call of a layer or of an op, with its arguments as they were given, and its outputs.

    `operation` keeps the nodes of all its calls; each output knows its node.
    """

    def __init__(self, operation: Any, args: Any, kwargs: Any, outputs: Any):
        self.operation = operation
        self.args, self.kwargs = args, kwargs
        self.outputs: list[Symbol] = tree.leaves(outputs)
        self.inputs = [leaf for leaf in tree.leaves([args, kwargs]) if isinstance(leaf, Symbol)]
        operation._inbound_nodes.append(self)
        for symbol in self.outputs:
            symbol.node = self

    def parents(self) -> list[Node]:
        """The nodes that made the inputs."""
        return [x.node for x in self.inputs if x.node is not None]

    def filled(self, values: dict[int, Any], n: Any) -> tuple[Any, Any]:
        """The arguments with values for the symbols, which go by their id(), and for a batch of n
        rows."""

        def value_of(leaf: Any) -> Any:
            if isinstance(leaf, Symbol):
                return values[id(leaf)]
            return n * leaf.factor + leaf.offset if isinstance(leaf, Dim) else leaf

        return tree.map_tree(value_of, self.args), tree.map_tree(value_of, self.kwargs)

    def __repr__(self) -> str:
        return f"<Node {self.operation.name}>"


class Operation:
    """An op called on symbols that belong to no program: a step between the layers of a model.

    `class_name` is Keras's for it.
    """

    def __init__(self, op: Callable[..., Any], name: str | None = None):
        self.op = op
        words = op.__name__.strip("_").split("_")
        self.class_name = "GetItem" if words == ["getitem"] else "".join(map(str.capitalize, words))
        self.name = name or naming.auto_name(snake_case(self.class_name))
        self._inbound_nodes: list[Node] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if recording.current_trace() is None and holds_symbols(args, kwargs):
            return called_on_symbols(self, args, kwargs)
        return self.op(*args, **kwargs)


class Inference:
    """A trace that writes nothing down: it finds shapes and dtypes."""

    def __init__(self) -> None:
        self._values: dict[Any, Any] = {}

    def simplify(self, call: Call) -> None:
        """No rule applies."""

    def record(self, call: Call) -> Call:
        """Symbols for the results."""
        call.outputs = [Symbol(shape, dtype, source=call) for shape, dtype in call.op.infer(call)]
        return call

    def size(self, dim: Dim) -> Symbol:
        """The symbol of a size that depends on the batch."""
        return Symbol((), "int64", number=True)

    def read(self, variable: Any) -> Any:
        """What was assigned before, or a symbol."""
        if variable not in self._values:
            self._values[variable] = Symbol(variable.shape, variable.dtype)
        return self._values[variable]

    def assign(self, variable: Any, value: Any) -> None:
        """Remember the value; the Variable stays as it is."""
        self._values[variable] = value


@contextmanager
def inferring() -> Iterator[None]:
    """Ops inside find the shapes and dtypes of their results, and nothing else happens."""
    with recording.computing(), recording.tracing(Inference()):
        yield


def holds_symbols(*arguments: Any) -> bool:
    """Whether a symbol stands among the arguments of a call."""
    return any(isinstance(leaf, Symbol) for leaf in tree.leaves(list(arguments)))


def called_on_symbols(operation: Any, args: Any, kwargs: Any) -> Any:
    """The outputs of a call outside of any program: symbols that know how they were made."""
    with inferring():
        found = operation(*args, **kwargs)

    def output(value: Any) -> Symbol:
        if not isinstance(value, Operand):
            raise TypeError(
                f"{operation.name} is called on a symbol, so it must return tensors, or a "
                f"structure of them. Got {value!r}."
            )
        mask = getattr(value, "_keras_mask", None)
        made = Symbol(value.shape, value.dtype, label=operation.name)
        if mask is not None:
            made._keras_mask = Symbol(mask.shape, mask.dtype)
        return made

    outputs = tree.map_tree(output, found)
    # The structures as they are now: nobody else's changes reach the model.
    Node(operation, tree.map_tree(lambda v: v, args), tree.map_tree(lambda v: v, kwargs), outputs)
    return outputs
