"""Dense: the fully connected layer."""

from __future__ import annotations

from typing import Any

from sheer import activations, constraints, initializers, regularizers
from sheer.core.checks import boolean, integer
from sheer.layers.base import LAYERS, Layer
from sheer.layers.input import check_features
from sheer.ops.linalg import affine, matmul
from sheer.ops.variable import Variable


@LAYERS.add()
class Dense(Layer):
    """activation(x · kernel + bias).

    Input (..., features), output (..., units).

    Args:
        units: how many outputs.
        activation: a name or function; None is linear.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: of the weights `kernel` (features, units) and `bias`
            (units,).
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: a penalty on the output.
        kernel_constraint, bias_constraint: applied to the weights after each update.

    Example:

    >>> import sheer
    >>> layer = sheer.layers.Dense(3, activation="relu")
    >>> layer(sheer.ops.ones((2, 4))).shape
    (2, 3)
    >>> [w.path for w in layer.weights]
    ['dense/kernel', 'dense/bias']
    """

    supports_masking = True
    arguments = {"units": integer(1), "use_bias": boolean()}
    lacks = {"lora_rank": None, "lora_alpha": None, "quantization_config": None}

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None
        self.check_arguments()

    def build(self, input_shape: Any) -> None:
        features = check_features(self, input_shape)
        self.kernel = self.add_weight(
            (features, self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def call(self, inputs: Any) -> Any:
        if self.bias is not None:
            return self.activation(affine(inputs, self.kernel, self.bias))
        return self.activation(matmul(inputs, self.kernel))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)

    def formula(self) -> str:
        inner = "x · kernel + bias" if self.use_bias else "x · kernel"
        name = activations.name_of(self.activation)
        return inner if name == "linear" else f"{name}({inner})"
