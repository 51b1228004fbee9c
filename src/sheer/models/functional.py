"""Functional: a model made of the calls between its inputs and its outputs."""

from __future__ import annotations

from typing import Any

from sheer.core import tree
from sheer.core.registry import serialize
from sheer.layers.base import LAYERS
from sheer.models.configs import (
    Revived,
    described_call,
    described_operation,
    place_of,
    revived_value,
)
from sheer.models.graph import Graph
from sheer.models.model import Model
from sheer.ops.node import Operation
from sheer.ops.symbol import Symbol


@LAYERS.add()
class Functional(Model):
    """A model that computes outputs from inputs by the calls of layers and ops between them.

    `Model(inputs, outputs)` makes one. A subclass of Model that passes inputs and outputs to
    `super().__init__` is such a model too.

    Args:
        inputs, outputs: symbols that `Input` and layers called on it gave; lists, tuples or
            dictionaries of them for several.

    Example:

    >>> import sheer
    >>> from sheer import layers
    >>> size, place = sheer.Input((1,), name="size"), sheer.Input((2,), name="place")
    >>> hidden = layers.Dense(4, activation="relu")(
    ...     sheer.ops.concatenate([size, place], axis=-1))
    >>> model = sheer.Model([size, place], layers.Dense(1, name="price")(hidden))
    >>> model.output_shape
    (None, 1)
    >>> [layer.name for layer in model.layers]
    ['size', 'place', 'dense', 'price']
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any):
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)


def graph_config(graph: Graph) -> dict[str, Any]:
    """The layers of a model, the calls between them, its inputs and its outputs, as Keras writes
    them."""
    own = {id(node) for node in graph.nodes} | {id(x.node) for x in graph.inputs}
    layers = []
    for one in graph.operations:
        is_op = isinstance(one, Operation)
        calls = [n for n in one._inbound_nodes if id(n) in own and n.inputs]
        # The very dictionary: that of a layer in two models may yet get the number that they share.
        layer = described_operation(one, calls[0]) if is_op else serialize(one)
        layer["name"] = one.name
        layer["inbound_nodes"] = [described_call(node, own) for node in calls]
        layers.append(layer)

    def place(symbol: Symbol) -> list[Any]:
        name, call, output = place_of(symbol, own)
        return [name, call + isinstance(symbol.node.operation, Functional), output]

    return {
        "layers": layers,
        "input_layers": tree.map_tree(place, graph.inputs_structure),
        "output_layers": tree.map_tree(place, graph.outputs_structure),
    }


def from_graph_config(
    config: dict[str, Any], custom_objects: dict[str, Any] | None = None
) -> tuple[Any, Any]:
    """The inputs and outputs of the model that `graph_config` wrote down, with new layers."""
    made = {layer["name"]: Revived(layer, custom_objects) for layer in config["layers"]}
    waiting = {layer["name"]: list(layer["inbound_nodes"]) for layer in config["layers"]}

    def symbol(name: str, call: int, output: int) -> Symbol:
        return made[name].calls[call][output]

    # Shared layers may be called before and behind others: round by round, what can be called.
    while any(waiting.values()):
        before = sum(map(len, waiting.values()))
        for name, calls in waiting.items():
            while calls:
                try:
                    args = revived_value(calls[0]["args"], symbol)
                    kwargs = revived_value(calls[0]["kwargs"], symbol)
                except (LookupError, TypeError):
                    break
                made[name](args, kwargs)
                calls.pop(0)
        if before == sum(map(len, waiting.values())):
            names = ", ".join(repr(name) for name, calls in waiting.items() if calls)
            raise ValueError(f"from_config: the calls of {names} wait for each other, or for "
                             "layers that the config lacks.")  # fmt: skip

    def placed(place: Any) -> Any:
        if isinstance(place, dict):
            return {key: placed(value) for key, value in place.items()}
        if len(place) == 3 and isinstance(place[0], str):
            name, call, output = place
            return symbol(name, call - isinstance(made[name].operation, Functional), output)
        return type(place)(map(placed, place))

    return placed(config["input_layers"]), placed(config["output_layers"])
