"""BatchNormalization: each feature at mean 0 and variance 1 over the batch."""

from __future__ import annotations

from typing import Any

from sheer import constraints, initializers, regularizers
from sheer.core import config
from sheer.core.checks import boolean, integer, number
from sheer.layers.base import LAYERS, Layer
from sheer.layers.input import known_size
from sheer.ops.arithmetic import as_float, cast, sqrt, square, where
from sheer.ops.normalization import batch_normalization, moving_average, scaled, standardize
from sheer.ops.reduction import sum
from sheer.ops.shaping import expand_dims, reshape
from sheer.ops.symbol import named
from sheer.ops.variable import Variable


class Standardizing(Layer):
    """The base of layers that bring values to mean 0 and variance 1; then times gamma plus beta."""

    supports_masking = True
    arguments = {"epsilon": number(0), "center": boolean(), "scale": boolean()}

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.axis = axis
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def add_gamma_and_beta(self, shape: tuple[int, ...]) -> None:
        """Make these weights, as far as the layer has them."""
        if self.scale:
            self.gamma = self.add_weight(
                shape, self.gamma_initializer, regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint, name="gamma",
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                shape, self.beta_initializer, regularizer=self.beta_regularizer,
                constraint=self.beta_constraint, name="beta",
            )  # fmt: skip

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def formula(self) -> str:
        text = f"(x - mean) / sqrt(variance + {self.epsilon:g})"
        return ("gamma · " if self.scale else "") + text + (" + beta" if self.center else "")


@LAYERS.add()
class BatchNormalization(Standardizing):
    """gamma · (x - mean) / sqrt(variance + epsilon) + beta, for each feature.

    In training, mean and variance are those of the batch, and move the averages that are used
    elsewhere: average = momentum · average + (1 - momentum) · value. A frozen layer
    (`trainable = False`) uses the averages in training too, and leaves them alone.
    (Ioffe, Szegedy 2015.) Of one row the variance is 0, and of none all is NaN.

    Input and output (n, ..., features).

    Args:
        axis: that of the features.
        momentum: how slowly the averages move, in [0, 1].
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer:
            of the weights `beta`, `gamma`, `moving_mean` and `moving_variance`, all (features,).
            The last two are not trained.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: as in Dense.

    A call takes a `mask` (n, ...), without the features: only where it holds, values count for mean
    and variance.

    Example:

    >>> import numpy as np, sheer
    >>> layer = sheer.layers.BatchNormalization(epsilon=0)
    >>> layer(np.array([[1.0], [3.0]]), training=True).numpy()
    array([[-1.],
           [ 1.]], dtype=float32)
    >>> layer.moving_mean.numpy()
    array([0.02], dtype=float32)
    """

    arguments = {"axis": integer(), "momentum": number(0, 1)}
    lacks = {
        "renorm": False,
        "renorm_clipping": None,
        "renorm_momentum": 0.99,
        "synchronized": False,
    }

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer,
            gamma_regularizer, beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.momentum = momentum
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.check_arguments()

    def build(self, input_shape: Any) -> None:
        shape = (known_size(self, input_shape, self.axis),)
        self.add_gamma_and_beta(shape)
        self.moving_mean = self.add_weight(
            shape, self.moving_mean_initializer, trainable=False, name="moving_mean"
        )
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, trainable=False, name="moving_variance"
        )

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        inputs = as_float(inputs, self.dtype)
        if not (training and self.trainable):
            return batch_normalization(
                inputs, self.moving_mean, self.moving_variance, self.axis,
                self.beta, self.gamma, self.epsilon,
            )  # fmt: skip
        axis = self.axis % inputs.ndim
        rest = tuple(i for i in range(inputs.ndim) if i != axis)
        if mask is None:
            # One axis alone is written as a number; means over the first axes fit as they are.
            over = rest if len(rest) > 1 else rest[0]
            is_last = axis == inputs.ndim - 1
            x_hat, mean, variance = standardize(inputs, over, self.epsilon, not is_last)
        else:
            x_hat, mean, variance = self._standardized(inputs, mask, rest)
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            value = value if value.ndim == 1 else reshape(value, average.shape)
            average.assign(moving_average(average, value, self.momentum))
        return scaled(x_hat, self.gamma, self.beta, axis)

    def _standardized(self, x: Any, mask: Any, axes: tuple[int, ...]) -> tuple[Any, Any, Any]:
        """x at mean 0 and variance 1 over the places where the mask holds; its mean and variance
        there."""
        if mask.ndim != x.ndim - 1:
            raise ValueError(
                f"BatchNormalization {self.name!r}: the mask has {mask.ndim} axes, and needs one "
                f"less than the input, which has {x.ndim}."
            )
        kept = expand_dims(cast(mask, "bool"), -1)
        total = named("kept", sum(cast(kept, x.dtype), axes, keepdims=True) + config.epsilon())
        mean = named("mean", sum(where(kept, x, 0), axes, keepdims=True) / total)
        distance = where(kept, x - mean, 0)
        variance = named("variance", sum(square(distance), axes, keepdims=True) / total)
        return named("x_hat", (x - mean) / sqrt(variance + self.epsilon)), mean, variance
