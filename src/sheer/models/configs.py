"""Ops and calls between layers as plain data, in the form that Keras gives them."""

from __future__ import annotations

import inspect
from types import EllipsisType
from typing import Any

import numpy as np

from sheer import ops
from sheer.core import tree
from sheer.core.registry import serialize, snake_case
from sheer.core.shapes import Dim, with_none
from sheer.layers.base import LAYERS, Layer
from sheer.ops.declare import OPS, Op
from sheer.ops.node import Node, Operation, holds_symbols
from sheer.ops.symbol import Symbol
from sheer.ops.tensor import Tensor

# Where Keras keeps the classes of its ops; those not named here are in `numpy`.
MODULES = {
    "core": "Cast StopGradient",
    "math": "Rsqrt Logsumexp Erf",
    "nn": "Relu Sigmoid Softplus Softsign Elu LeakyRelu Gelu Softmax LogSoftmax OneHot",
}
MODULE_OF = {name: module for module, names in MODULES.items() for name in names.split()}
# Where sheer's ops are.
FAMILIES = {
    f"sheer.ops.{name}"
    for name in ("arithmetic", "linalg", "nn", "picking", "reduction", "shaping")
}
# What Keras gives to a call of the op, and sheer to the op itself; and the other way round.
CALLED_WITH = {"GetItem": ["key"]}
MADE_WITH = {"Clip": ["x_min", "x_max"]}


def described_operation(operation: Operation, node: Node) -> dict[str, Any]:
    """An op between layers, as Keras describes one; node is its call in the model."""
    name = operation.class_name
    if not _is_public(operation.op):
        raise ValueError(
            f"get_config: the op {operation.name!r} has no name in Keras, so it cannot be written "
            "down. Put it into the call of a layer of your own."
        )
    operands, attributes = _arguments(operation, node)
    fixed = {k: _plain(v) for k, v in attributes.items() if k not in CALLED_WITH.get(name, [])}
    fixed |= {k: _plain(operands[k]) for k in MADE_WITH.get(name, [])}
    return {
        "module": f"keras.src.ops.{MODULE_OF.get(name, 'numpy')}",
        "class_name": name,
        "config": {"name": operation.name, **fixed},
        "registered_name": name,
    }


def described_call(node: Node, own: set[int]) -> dict[str, Any]:
    """The arguments of a call; `own` are the id()s of the nodes of the model, which are counted."""
    operation = node.operation
    args, kwargs = node.args, node.kwargs
    if isinstance(operation, Operation):
        operands, attributes = _arguments(operation, node)
        name = operation.class_name
        args = [v for k, v in operands.items() if k not in MADE_WITH.get(name, [])]
        args += [attributes[k] for k in CALLED_WITH.get(name, [])]
        kwargs = {}

    def plain(value: Any) -> Any:
        if not isinstance(value, Symbol):
            return _plain(value)
        history = list(place_of(value, own))
        return {
            "class_name": "__keras_tensor__",
            "config": {
                "shape": with_none(value.shape),
                "dtype": value.dtype,
                "keras_history": history,
            },
        }

    return {"args": tree.map_tree(plain, list(args)), "kwargs": tree.map_tree(plain, kwargs)}


def place_of(symbol: Symbol, own: set[int]) -> tuple[str, int, int]:
    """Which output of which call of which layer a symbol is; the model's own calls are counted."""
    node = symbol.node
    calls = [n for n in node.operation._inbound_nodes if id(n) in own]
    output = next(i for i, x in enumerate(node.outputs) if x is symbol)
    return node.operation.name, calls.index(node), output


class Revived:
    """A layer or an op of a config, which gives symbols when it is called with what
    `described_call` wrote."""

    def __init__(self, description: dict[str, Any], custom_objects: dict[str, Any] | None):
        self.name = description["name"]
        self.config = description["config"]
        self.operation: Any = None
        if description.get("module", "").startswith("keras.src.ops."):
            self.operation = _op_of(description["class_name"])
        else:
            self.operation = LAYERS.deserialize(description, custom_objects)
        # The outputs of its calls so far.
        self.calls: list[list[Symbol]] = []
        if isinstance(self.operation, Layer) and not description["inbound_nodes"]:
            self.calls.append(tree.leaves(self.operation.output))

    def __call__(self, args: Any, kwargs: Any) -> None:
        """Call it on symbols."""
        operation = self.operation
        if not holds_symbols(args, kwargs):
            raise ValueError(f"{self.name!r} is called on nothing that the inputs lead to")
        if isinstance(operation, Layer):
            # Keras gives models a mask of None.
            kwargs = {k: v for k, v in kwargs.items() if v is not None}
        else:
            fixed = {k: revived_value(v) for k, v in self.config.items() if k != "name"}
            known = inspect.signature(operation).parameters
            kwargs = kwargs | {k: v for k, v in fixed.items() if k in known}
            if isinstance(operation, Op):
                operation = Operation(operation, self.name)
        self.calls.append(tree.leaves(operation(*args, **kwargs)))


def revived_value(value: Any, symbol: Any = None) -> Any:
    """A value that `described_call` wrote; `symbol` answers for (layer, call, output)."""
    if isinstance(value, (list, tuple)):
        return type(value)(revived_value(v, symbol) for v in value)
    if not isinstance(value, dict):
        return value
    config = value.get("config", {})
    match value.get("class_name"):
        case "__keras_tensor__":
            return symbol(*config["keras_history"])
        case "__slice__":
            return slice(*(config[end] for end in ("start", "stop", "step")))
        case "__ellipsis__":
            return ...
        case "__tuple__":
            return tuple(revived_value(v, symbol) for v in config["value"])
        case "__tensor__":
            return Tensor(config["value"], config["dtype"])
        case "__numpy__":
            return np.array(config["value"], config["dtype"])
    return {k: revived_value(v, symbol) for k, v in value.items()}


def _is_public(op: Any) -> bool:
    """Whether it is the op of that name in sheer.ops, and not one that others are made of."""
    return getattr(ops, op.__name__, None) is op or op.__name__ == "_getitem"


def _op_of(class_name: str) -> Any:
    """The op, or the function made of ops, that Keras has under this class."""
    if class_name == "GetItem":
        return OPS["_getitem"]
    found = getattr(ops, snake_case(class_name), None)
    if getattr(found, "__module__", None) not in FAMILIES:
        raise ValueError(f"The op {class_name!r} is in Keras, but not in sheer yet.")
    return found


def _arguments(operation: Operation, node: Node) -> tuple[dict[str, Any], dict[str, Any]]:
    """The operands and the attributes of an op's call, by their names."""
    op: Any = operation.op
    given, attributes = op._bind(node.args, node.kwargs)
    return dict(zip(op.tensors, given, strict=True)), attributes


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if isinstance(value, slice):
        ends = {"start": value.start, "stop": value.stop, "step": value.step}
        return {"class_name": "__slice__", "config": ends}
    if isinstance(value, EllipsisType):
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(value, Tensor):
        config = {"value": value.numpy().tolist(), "dtype": value.dtype}
        return {"class_name": "__tensor__", "config": config}
    if isinstance(value, np.ndarray):
        config = {"value": value.tolist(), "dtype": value.dtype.name}
        return {"class_name": "__numpy__", "config": config}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Dim):
        raise ValueError(
            f"get_config: a size that depends on the batch, {value!r}, cannot be written down. "
            "Use -1 in a reshape, or put the computation into the call of a layer of your own."
        )
    return serialize(value)
