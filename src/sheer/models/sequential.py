"""Sequential: layers, one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sheer.core.registry import serialize
from sheer.core.shapes import with_none
from sheer.layers.base import LAYERS, Layer
from sheer.layers.input import InputLayer
from sheer.models.model import Model
from sheer.ops.symbol import Symbol


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

    def add(self, layer: Any) -> None:
        """Put a layer at the end."""
        self._append(layer)
        self._reset()
        self._build_from_input()

    def pop(self) -> Layer:
        """Take the last layer off, and return it."""
        if not self._layers:
            raise ValueError(f"Sequential {self.name!r} has no layer to take off.")
        layer = self._layers.pop()
        self._reset()
        self._build_from_input()
        return layer

    def _append(self, layer: Any) -> None:
        if isinstance(layer, Symbol):
            layer = InputLayer(batch_shape=with_none(layer.shape), dtype=layer.dtype)
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
        self.input_symbols = None
        self.output_shape = None
        self._steps.clear()

    def _build_from_input(self) -> None:
        """Build at once where the input's shape is known: from an Input, or a first model that is
        built."""
        first = self._layers[0].input_symbols if self._layers and \
            isinstance(self._layers[0], Model) else None  # fmt: skip
        if self._input is not None and self._layers:
            self.build((None, *self._input.batch_shape[1:]))
        elif isinstance(first, Symbol):
            self.build(with_none(first.shape))

    @property
    def input_dtype(self) -> str:
        """The dtype of the Input, where there is one."""
        return self.dtype if self._input is None else self._input.dtype

    def call(self, inputs: Any) -> Any:
        if not self._layers:
            raise ValueError(
                f"Sequential {self.name!r} has no layers: add some before it is called."
            )
        x = inputs
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
        model = cls(layers, name=config.get("name"))
        if config.get("build_input_shape") and not model.built:
            model.build(tuple(config["build_input_shape"]))
        return model
