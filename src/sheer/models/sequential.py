"""Sequential: layers, one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from sheer.core.errors import TraceError
from sheer.core.registry import serialize
from sheer.core.shapes import with_none
from sheer.layers.base import LAYERS, Layer, inside
from sheer.layers.input import InputLayer
from sheer.models.graph import Graph
from sheer.models.model import Model
from sheer.ops.operand import Operand
from sheer.ops.recording import computing
from sheer.ops.symbol import Symbol
from sheer.training.undo import undone_on_error


@LAYERS.add()
class Sequential(Model):
    """A model whose layers follow one another.

    layers: Layers; the first may be an Input, and then the model is built at once, else it is built
    when it is first called.

    Example:

    >>> import sheer
    >>> model = sheer.Sequential([
    ...     sheer.Input((4,)),
    ...     sheer.layers.Dense(3, activation="relu"),
    ...     sheer.layers.Dense(2, activation="softmax"),
    ... ])
    >>> model(sheer.ops.ones((5, 4))).shape
    (5, 2)
    """

    layers_first = True

    def __init__(
        self, layers: Iterable[Any] | None = None, trainable: bool = True, name: str | None = None
    ):
        super().__init__(trainable=trainable, name=name)
        self._input: InputLayer | None = None
        self._layers: list[Layer] = []
        if layers is not None and not isinstance(layers, Iterable):
            raise TypeError(f"Sequential: layers must be a list of layers. Got {layers!r}.")
        for layer in layers or []:
            self._append(layer)
        self._build_from_input()

    @property
    def layers(self) -> list[Layer]:
        """The layers, the input not counted."""
        return list(self._layers)

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer at the end. rebuild: whether the model is built anew where it can be."""
        self._append(layer)
        self._reset()
        if rebuild:
            self._build_from_input()

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the last layer off, and return it. rebuild: as for `add`."""
        if not self._layers:
            raise ValueError(f"Sequential {self.name!r} has no layer to take off.")
        layer = self._layers.pop()
        self._reset()
        if rebuild:
            self._build_from_input()
        return layer

    def _append(self, layer: Any) -> None:
        if isinstance(layer, Symbol) and layer.node is not None and not layer.node.inputs:
            layer = layer.node.operation
        if isinstance(layer, InputLayer):
            if self._input is not None or self._layers:
                raise ValueError(f"Sequential {self.name!r}: an Input can only come first.")
            self._input = layer
            return
        if not isinstance(layer, Layer):
            raise TypeError(
                f"Sequential {self.name!r}: only layers can be added. Got {layer!r}"
                + (" (a class: write () behind it)." if isinstance(layer, type) else ".")
            )
        if any(layer.name == other.name for other in self._layers):
            raise ValueError(
                f"Sequential {self.name!r} has a layer named {layer.name!r} already; names must be "
                "unique within a model."
            )
        self._layers.append(layer)

    def _reset(self) -> None:
        """Layers changed: what was traced is no longer true."""
        self.built = False
        self._graph = None
        self.input_symbols = None
        self.output_shape = None
        self._steps.clear()

    def _build_from_input(self) -> None:
        """Build at once where the input's shape is known: from an Input, or a first model that is
        built."""
        first = self._layers[0].input_symbols if self._layers and \
            isinstance(self._layers[0], Model) else None  # fmt: skip
        if self._input is not None and self._layers:
            self.build(self._input.batch_shape)
        elif isinstance(first, Symbol):
            self.build(with_none(first.shape))

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for inputs of this shape, None for the batch size: the layers are called
        one after the other on an `Input` of this shape."""
        is_single = isinstance(input_shape, (tuple, list)) and not any(
            isinstance(size, (tuple, list, dict)) for size in input_shape
        )
        if not is_single or not self._layers or self.built:
            super().build(input_shape)
            return
        with undone_on_error(self):
            given = self._input
            if given is None or given.batch_shape[1:] != tuple(input_shape[1:]):
                given = InputLayer(batch_shape=(None, *input_shape[1:]), dtype=self.dtype)
            # Also inside of a call of another model: these symbols are of no program.
            with computing(), inside(self):
                self._take_graph(Graph(given.output, self.call(given.output), self.name))

    def _build_for(self, args: Any, path: tuple[str, ...]) -> None:
        if not self.built and args and isinstance(args[0], Operand) and args[0].shape:
            # A layer that needs numbers gets them when it is called.
            with suppress(TraceError):
                self.build(with_none(args[0].shape))
        super()._build_for(args, path)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The layers, one after the other; mask: says which entries of the inputs count."""
        if not self._layers:
            raise ValueError(
                f"Sequential {self.name!r} has no layers: add some before it is called."
            )
        x: Any = inputs
        if self._graph is not None and not isinstance(x, Operand):
            # A list or dictionary of the one input.
            (x,) = self._graph.arguments(x, mask)
        elif isinstance(x, Operand) and mask is not None:
            x._keras_mask = mask  # type: ignore[attr-defined]
        for layer in self._layers:
            x = layer(x)
        return x

    def get_config(self) -> dict[str, Any]:
        """The layers' configs, and the name: what `from_config` makes an equal model of."""
        given = [*([self._input] if self._input else []), *self._layers]
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "layers": [serialize(layer) for layer in given],
        }
        if isinstance(self.input_symbols, Symbol):
            config["build_input_shape"] = list(with_none(self.input_symbols.shape))
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Sequential:
        """A model made from `get_config()`'s answer, with new weights.

        custom_objects: layers of your own, by the name of their class.
        """
        layers = [LAYERS.deserialize(layer, custom_objects) for layer in config["layers"]]
        model = cls(layers, trainable=config.get("trainable", True), name=config.get("name"))
        if config.get("build_input_shape") and not model.built:
            model.build(tuple(config["build_input_shape"]))
        return model
