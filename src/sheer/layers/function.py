"""Identity and Lambda: nothing, or any function, as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Self

from sheer import activations
from sheer.layers.base import LAYERS, Layer


@LAYERS.add()
class Identity(Layer):
    """Passes its input on."""

    supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def formula(self) -> str:
        return "x"


@LAYERS.add()
class Lambda(Layer):
    """A function as a layer: function(inputs, **arguments), written with ops.

    Its Variables are not trained: for weights, write a Layer.

    Args:
        function: of the inputs; if it has parameters `training` or `mask`, it gets these too.
        output_shape: of one example, or a function of the input's shape; found by calling by
            default.
        mask: the mask of the output, or a function of (inputs, mask).
        arguments: further keyword arguments.

    A file holds no functions: loading a model with a Lambda needs `custom_objects`, with the
    function by its own name, or by that of the layer.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.Lambda(lambda x: x**2)(np.array([[3.0]])).numpy()
    array([[9.]], dtype=float32)
    """

    calls_users_code = True

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda: function must be a function of the inputs. Got {function!r}.")
        self.function = function
        self.mask = mask
        self.supports_masking = mask is not None
        # Keras's name; the constraints on arguments stand in the class.
        self.arguments = arguments or {}  # type: ignore[misc]
        self._given_output_shape = output_shape
        parameters = inspect.signature(function).parameters
        self._passed = [name for name in ("mask", "training") if name in parameters]

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        told = {"mask": mask, "training": training}
        return self.function(inputs, **self.arguments, **{n: told[n] for n in self._passed})

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask given, or what the function given makes of it."""
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        given = self._given_output_shape
        if given is None:
            return super().compute_output_shape(input_shape)
        return given(input_shape) if callable(given) else (input_shape[0], *given)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer; functions as they are, which no file can hold."""
        config = super().get_config()
        return config | {
            "function": self.function,
            "output_shape": self._given_output_shape,
            "mask": self.mask,
            "arguments": self.arguments,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Self:
        """A layer made from `get_config()`'s answer, or from what a file says.

        custom_objects: the function, by its own name or by that of the layer.
        """
        found = {
            key: _found(value, config.get("name"), custom_objects or {})
            for key, value in config.items()
            if key in ("function", "output_shape", "mask")
        }
        return cls(**{**config, **found})

    def formula(self) -> str:
        name = activations.name_of(self.function)
        return "a function of yours" if name == "<lambda>" else f"{name}(x)"


def _found(value: Any, layer: Any, custom_objects: dict[str, Any]) -> Any:
    """The function that a file means; what is no function stays."""
    name = value
    if isinstance(value, dict):
        # As Keras writes them: a name, or the code of a lambda, which is not looked at.
        name = value.get("config") if value.get("class_name") == "function" else "<lambda>"
    if not isinstance(name, str):
        return value
    function = custom_objects.get(name, custom_objects.get(str(layer)))
    if function is None:
        key = layer if name == "<lambda>" else name
        raise ValueError(
            f"Lambda {layer!r}: a file does not hold its function {name}. Give it by "
            f"custom_objects={{{key!r}: function}}."
        )
    return function
