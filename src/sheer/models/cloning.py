"""Models made again: from another model, and from JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sheer.core import tree
from sheer.core.registry import Configurable
from sheer.core.shapes import with_none
from sheer.layers.base import LAYERS, Layer
from sheer.layers.input import Input
from sheer.models.graph import flat
from sheer.models.model import Model
from sheer.models.sequential import Sequential
from sheer.ops.node import Operation


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Model:
    """A model like another one, with layers and weights of its own, compiled as that one is.

    Args:
        model: a Sequential, or one made of inputs and outputs; others need a get_config.
        input_tensors: symbols to build the new model on, of the structure of `model.input`.
        clone_function: makes a new layer of each layer but the inputs'; by default from its config.
        call_function: called as (layer, *args, **kwargs) in place of each new layer.
        recursive: whether clone_function sees the layers of models inside, and not the models.

    Example:

    >>> import sheer
    >>> model = sheer.Sequential([sheer.Input((3,)), sheer.layers.Dense(2)])
    >>> same = sheer.models.clone_model(model)
    >>> same.layers[0] is model.layers[0], same.output_shape
    (False, (None, 2))
    """
    is_own = clone_function or call_function or input_tensors is not None
    if not isinstance(model, Sequential) and model._graph is None:
        if is_own:
            raise ValueError(
                "clone_model: input_tensors, clone_function and call_function are for a Sequential "
                f"and for models made of inputs and outputs. Got a {type(model).__name__}."
            )
        return type(model).from_config(model.get_config())  # type: ignore[no-any-return]
    if isinstance(model, Sequential) and call_function is not None:
        raise ValueError("clone_model: call_function is for models made of inputs and outputs; the "
                         "layers of a Sequential follow one another.")  # fmt: skip
    clone = _Cloner(clone_function or _like, call_function, recursive)
    if isinstance(model, Sequential):
        first = flat(input_tensors) if input_tensors is not None else clone.inputs(model)
        layers = [clone(layer) for layer in model.layers]
        made: Model = Sequential([*first, *layers], trainable=model.trainable, name=model.name)
    else:
        made = clone.graph_model(model, input_tensors)
    arguments = model.get_compile_config()
    if arguments is not None:
        checks = {"check_finite": True} if model.check_finite else {}
        made.compile(**tree.map_tree(_again, arguments), **checks)
    return made


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Model:
    """The model that `Model.to_json` described, with new weights.

    custom_objects: layers of your own, by the name of their class.
    """
    import json

    made: Model = LAYERS.deserialize(json.loads(json_string), custom_objects)
    return made


class _Cloner:
    """Makes each layer again once, however often it is called."""

    def __init__(
        self,
        function: Callable[[Layer], Layer],
        call: Callable[..., Any] | None,
        recursive: bool,
    ):
        self.function, self.recursive = function, recursive
        self.call = call or (lambda layer, *args, **kwargs: layer(*args, **kwargs))
        self.made: dict[int, Any] = {}

    def __call__(self, layer: Any) -> Any:
        """The new layer or op."""
        if isinstance(layer, Operation):
            return Operation(layer.op, layer.name)
        if id(layer) not in self.made:
            is_sequential = isinstance(layer, Sequential)
            is_inside = isinstance(layer, Model) and (is_sequential or layer._graph is not None)
            if self.recursive and is_inside:
                call = None if is_sequential else self.call
                made: Layer = clone_model(layer, None, self, call, recursive=True)
            else:
                made = self.function(layer)
            self.made[id(layer)] = made
        return self.made[id(layer)]

    def inputs(self, model: Sequential) -> list[Any]:
        """The Input of a Sequential, made again."""
        given = model._input
        if given is None:
            return []
        return [Input(batch_shape=given.batch_shape, dtype=given.dtype, name=given.name)]

    def graph_model(self, model: Model, inputs: Any) -> Model:
        """The calls of a model, made again with new layers."""
        graph = model._graph
        assert graph is not None
        if inputs is None:
            inputs = tree.map_tree(
                lambda x: Input(
                    batch_shape=with_none(x.shape), dtype=x.dtype, name=x.node.operation.name
                ),
                graph.inputs_structure,
            )
        elif len(flat(inputs)) != len(graph.inputs):
            raise ValueError(
                f"clone_model: {model.name!r} has {len(graph.inputs)} inputs; {len(flat(inputs))} "
                "input_tensors were given."
            )
        outputs = graph.run(flat(inputs), lambda one, *a, **k: self.call(self(one), *a, **k))
        kind = type(model) if model._is_graph_like() else Model
        made: Model = kind(inputs=inputs, outputs=outputs, name=model.name)
        return made


def _like(layer: Layer) -> Layer:
    made: Layer = type(layer).from_config(layer.get_config())
    return made


def _again(value: Any) -> Any:
    """A new object like this one, where it has state of its own: an optimizer, a metric."""
    if not isinstance(value, Configurable):
        return value
    return type(value).from_config(value.get_config())
