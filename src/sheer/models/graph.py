"""Graph: the calls on symbols that lead from a model's inputs to its outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sheer.core import tree
from sheer.core.shapes import Dim, show, with_none
from sheer.layers.base import Layer, in_training
from sheer.layers.input import Input
from sheer.ops.arithmetic import cast
from sheer.ops.declare import operand
from sheer.ops.node import Node
from sheer.ops.operand import Operand
from sheer.ops.shaping import expand_dims, squeeze
from sheer.ops.symbol import Symbol


def flat(structure: Any) -> list[Any]:
    """The values of a structure in Keras's order: that of their keys in a dictionary."""
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flat(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for value in structure for leaf in flat(value)]
    return [structure]


class Graph:
    """The calls between some symbols and others, in an order in which they can run.

    Args:
        inputs, outputs: symbols, or structures of them, as `Input` and layers called on it give
            them. Where an input was made by a layer, the part before it is left out.
        owner: the name of the model, for errors.

    `nodes` goes through one branch after the other; `operations` has the layers and ops in Keras's
    order: by their distance from the outputs.
    """

    def __init__(self, inputs: Any, outputs: Any, owner: str):
        self.owner = owner
        self._check("inputs", inputs)
        self._check("outputs", outputs)
        self.inputs_structure, self.outputs_structure = inputs, _alone(outputs)
        self._find()
        if any(x.node is None or x.node.inputs for x in self.inputs):
            # Some inputs were made by layers: the same calls again, from inputs of their own.
            fresh = tree.map_tree(
                lambda x: Input(batch_shape=with_none(x.shape), dtype=x.dtype), inputs
            )
            self.outputs_structure = self.run(flat(fresh))
            self.inputs_structure = fresh
            self._find()

    def _check(self, what: str, structure: Any) -> None:
        found = flat(structure)
        if not found:
            raise ValueError(f"Model {self.owner!r}: {what} must hold symbols. Got {structure!r}.")
        for value in found:
            if not isinstance(value, Symbol):
                raise ValueError(
                    f"Model {self.owner!r}: {what} must be symbols, such as Input gives, or layers "
                    f"called on it. Got {value!r}."
                )

    def _find(self) -> None:
        self.inputs: list[Symbol] = flat(self.inputs_structure)
        self.outputs: list[Symbol] = flat(self.outputs_structure)
        self.nodes = self._nodes_between()
        self._check_connected()
        self.operations = self._ordered()
        self._check_names()
        self.layers = [one for one in self.operations if isinstance(one, Layer)]

    def _nodes_between(self) -> list[Node]:
        """The calls that the outputs need, each after those that it needs."""
        given = {id(x) for x in self.inputs}
        # What made the inputs is no part of it, but for the layers of Input.
        outside = {id(x.node) for x in self.inputs if x.node is not None and x.node.inputs}
        # The order in which operations are met on the way from the outputs to the inputs.
        self._met: dict[int, int] = {}
        finished: dict[int, Node] = {}
        waiting = [(x.node, False) for x in reversed(self.outputs) if id(x) not in given]
        while waiting:
            node, is_ready = waiting.pop()
            if node is None or id(node) in outside or id(node) in finished:
                continue
            if is_ready:
                finished[id(node)] = node
            else:
                self._met.setdefault(id(node.operation), len(self._met))
                waiting += [(node, True), *((x.node, False) for x in reversed(node.inputs))]
        return list(finished.values())

    def _check_connected(self) -> None:
        known = {id(x) for x in self.inputs}
        for node in self.nodes:
            for x in node.inputs:
                if id(x) not in known:
                    self._refuse(x, node.operation)
            if node.inputs:
                known.update(map(id, node.outputs))
        for x in self.outputs:
            if id(x) not in known:
                self._refuse(x, None)

    def _refuse(self, x: Symbol, user: Any) -> None:
        what = f"the input {x.label!r}"
        if x.node is not None and x.node.inputs:
            what = f"the output of {x.node.operation.name!r}"
        wants = f", which {user.name!r} needs," if user else ", which is an output of the model,"
        names = ", ".join(repr(i.node.operation.name) for i in self.inputs if i.node)
        raise ValueError(
            f"Model {self.owner!r} is disconnected: {what} {show(x.shape)}{wants} cannot be "
            f"computed from the inputs of the model, {names}.\nGive it as one of the inputs."
        )

    def _ordered(self) -> list[Any]:
        """The layers and ops by Keras's rule: those farthest from the outputs first, and among
        those the one that is met first on the way from the first output to the inputs."""
        inside = set(map(id, self.nodes))
        depths: dict[int, int] = {}
        deepest: dict[Any, int] = {}
        for node in reversed(self.nodes):
            depth = max(depths.get(id(node), 0), deepest.get(node.operation, 0))
            depths[id(node)] = deepest[node.operation] = depth
            for parent in node.parents():
                if id(parent) in inside:
                    depths[id(parent)] = max(depth + 1, depths.get(id(parent), 0))
        for x in self.inputs:  # those that no output needs
            if x.node is not None and not x.node.inputs and x.node.operation not in deepest:
                deepest[x.node.operation] = 0
                self._met[id(x.node.operation)] = -1
        return sorted(deepest, key=lambda one: (-deepest[one], self._met[id(one)]))

    def _check_names(self) -> None:
        names = [one.name for one in self.operations]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"Model {self.owner!r}: {names.count(name)} layers are named {name!r}; names "
                    "must be unique within a model."
                )

    def is_chain(self) -> bool:
        """Whether each layer is called once, on the output of the one before it."""
        parents = [id(x.node) for node in self.nodes for x in node.inputs]
        return (
            len(self.inputs) == 1
            and len(self.operations) == len(self.nodes) == len(parents) + 1
            and len(set(parents)) == len(parents)
        )

    # --- running --------------------------------------------------------------------------

    def run(
        self,
        values: list[Any],
        call: Callable[..., Any] = lambda operation, *args, **kwargs: operation(*args, **kwargs),
    ) -> Any:
        """The outputs for values of the inputs. `call` stands for a call of a layer or an op.

        Where the model itself was told whether it trains, this counts for all layers, also those
        that were told something else when they were called on symbols, as in Keras.
        """
        is_told = in_training() is not None
        n = next((v.shape[0] for v in values if v.shape), 1)
        known = dict(zip(map(id, self.inputs), values, strict=True))
        for node in self.nodes:
            if node.inputs:
                args, kwargs = node.filled(known, n)
                if is_told:
                    kwargs.pop("training", None)
                found = tree.leaves(call(node.operation, *args, **kwargs))
                known.update(zip(map(id, node.outputs), found, strict=True))
        return tree.map_tree(lambda x: known[id(x)], self.outputs_structure)

    def arguments(self, given: Any, mask: Any = None) -> list[Any]:
        """What was given for the inputs, in their order, dtypes and numbers of axes, with the masks
        that were given."""
        values = self._in_order(given)
        if len(values) != len(self.inputs):
            inputs = "1 input" if len(self.inputs) == 1 else f"{len(self.inputs)} inputs"
            raise ValueError(
                f"Model {self.owner!r} has {inputs}, {', '.join(self.input_names)}; "
                f"{len(values)} {'was' if len(values) == 1 else 'were'} given."
            )
        fitted = [self._fitted(v, x) for v, x in zip(values, self.inputs, strict=True)]
        for value, one in zip(fitted, flat(mask) if mask is not None else [], strict=False):
            if one is not None:
                value._keras_mask = one
        return fitted

    def _in_order(self, given: Any) -> list[Any]:
        wanted = self.inputs_structure
        if isinstance(given, dict):
            by_name = dict(zip(self.input_names, self.inputs, strict=True))
            keys = sorted(wanted) if isinstance(wanted, dict) else list(by_name)
            missing = [key for key in keys if key not in given]
            if missing:
                raise ValueError(
                    f"Model {self.owner!r}: no data for the input {missing[0]!r}. Its inputs are "
                    f"{', '.join(map(repr, keys))}; given are {', '.join(map(repr, given))}."
                )
            return flat([given[key] for key in keys])
        if isinstance(wanted, dict) and isinstance(given, (list, tuple)):
            return [leaf for value in given for leaf in flat(value)]
        return flat(given)

    def _fitted(self, value: Any, x: Symbol) -> Any:
        value = value if isinstance(value, Operand) else operand(value)
        mask = getattr(value, "_keras_mask", None)
        if value.ndim == len(x.shape) + 1 and value.shape[-1] == 1:
            value = squeeze(value, -1)
        elif value.ndim == len(x.shape) - 1 and x.shape[-1] == 1:
            value = expand_dims(value, -1)
        if value.ndim != len(x.shape) or not all(map(_fits, value.shape[1:], x.shape[1:])):
            raise ValueError(
                f"Model {self.owner!r}: the input {x.node.operation.name!r} does not fit.\n"
                f"  expected {show(x.shape)}\n"
                f"  given    {show(value.shape)}"
            )
        value = value if value.dtype == x.dtype else cast(value, x.dtype)
        if mask is not None and value._keras_mask is None:
            value._keras_mask = mask
        return value

    # --- names ----------------------------------------------------------------------------

    @property
    def input_names(self) -> list[str]:
        """The names of the layers of the inputs."""
        return [x.node.operation.name for x in self.inputs]

    @property
    def output_names(self) -> list[str]:
        """The names of the layers and ops that make the outputs."""
        return [x.node.operation.name for x in self.outputs]


def _alone(structure: Any) -> Any:
    """The one thing in a list of one, as Keras has it for outputs."""
    is_one = isinstance(structure, (list, tuple)) and len(structure) == 1
    return structure[0] if is_one else structure


def _fits(size: Any, wanted: Any) -> bool:
    return isinstance(wanted, Dim) or isinstance(size, Dim) or bool(size == wanted)
