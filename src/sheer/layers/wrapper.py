"""Layers around a layer."""

from __future__ import annotations

from inspect import signature
from typing import Any, Self

from sheer.core.shapes import show
from sheer.layers.base import LAYERS, Layer
from sheer.layers.batch_normalization import BatchNormalization
from sheer.ops.shaping import reshape, stack


@LAYERS.add()
class Wrapper(Layer):
    """The base of layers around another one, `layer`: a subclass says in `call` what it does."""

    def __init__(self, layer: Layer, **kwargs: Any):
        if not isinstance(layer, Layer):
            raise TypeError(f"{type(self).__name__}: layer must be a layer. Got {layer!r}.")
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any) -> None:
        self.layer.path = f"{self.path}/{self.layer.name}"
        self.layer.build(input_shape)

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Self:
        """A layer made from `get_config()`'s answer; `custom_objects` are layers of your own."""
        layer = config["layer"]
        layer = LAYERS.deserialize(layer, custom_objects) if isinstance(layer, dict) else layer
        return super().from_config({**config, "layer": layer})


@LAYERS.add()
class TimeDistributed(Wrapper):
    """A layer applied to each step of sequences: (n, steps, ...) becomes (n, steps, ...).

    Steps count as further examples, in one call; where a layer may treat the examples of a batch
    together (BatchNormalization, or a user's own), each step is a call of its own.

    Example:

    >>> import sheer
    >>> layer = sheer.layers.TimeDistributed(sheer.layers.Dense(4))
    >>> layer(sheer.ops.ones((2, 3, 5))).shape
    (2, 3, 4)
    """

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        super().build((input_shape[0], *input_shape[2:]))

    def _check(self, shape: Any, mask: Any = None) -> None:
        if len(shape) < 3 or (mask is not None and mask.shape[:2] != shape[:2]):
            got = show(shape) + (f", mask {show(mask.shape)}" if mask is not None else "")
            raise ValueError(
                f"TimeDistributed {self.name!r} needs an input (n, steps, ...), and a mask of as "
                f"many examples and steps. Got {got}."
            )

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        self._check(inputs.shape, mask)
        n, steps = inputs.shape[:2]
        takes_mask = mask is not None and "mask" in signature(self.layer.call).parameters

        def called(x: Any, part: Any) -> Any:
            options = {"mask": part} if takes_mask else {}
            return self.layer(x, training=training, **options)

        if self._examples_may_meet():
            parts = [called(inputs[:, i], mask[:, i] if takes_mask else None) for i in range(steps)]
            return stack(parts, axis=1)
        together = (n * steps, *inputs.shape[2:])
        rows = reshape(mask, (n * steps, *mask.shape[2:])) if takes_mask else None
        outputs = called(reshape(inputs, together), rows)
        return reshape(outputs, (n, steps, *outputs.shape[1:]))

    def _examples_may_meet(self) -> bool:
        return any(
            isinstance(layer, BatchNormalization)
            or layer.calls_users_code
            or not type(layer).__module__.startswith("sheer.")
            for layer in self.layer._flatten_layers()
        )

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        n, steps, *rest = input_shape
        return (n, steps, *self.layer.compute_output_shape((n, *rest))[1:])

    def formula(self) -> str:
        return "the same for each step"
