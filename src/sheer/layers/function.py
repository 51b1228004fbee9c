"""Identity and Lambda: nothing, or any function, as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Self

from sheer import activations
from sheer.core.objects import CustomObjectScope, get_registered_object
from sheer.core.registry import LAMBDA, given_lambda, is_lambda
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

        custom_objects: the function by its name; a lambda by the name of the layer.
        """
        with CustomObjectScope(custom_objects):
            found = {
                key: _found(config[key], config.get("name"))
                for key in ("function", "output_shape", "mask")
                if isinstance(config.get(key), dict)
            }
        return super().from_config({**config, **found})

    def formula(self) -> str:
        name = activations.name_of(self.function)
        return "a function of yours" if name == LAMBDA else f"{name}(x)"


def _found(description: dict[str, Any], owner: Any) -> Any:
    """The function that a file means; the code of a lambda is not looked at."""
    if is_lambda(description):
        return given_lambda(owner)
    name = description.get("config")
    function = get_registered_object(str(name))
    if not callable(function):
        raise ValueError(
            f"Lambda {owner!r}: a file does not hold its function {name!r}. Give it by "
            f"custom_objects={{{name!r}: ...}}."
        )
    return function
