"""Layers that normalize each example by itself: LayerNormalization and its kin."""

from __future__ import annotations

from typing import Any

from sheer.core.checks import Check, axes, integer, number
from sheer.layers.base import LAYERS, Layer
from sheer.layers.batch_normalization import Standardizing
from sheer.layers.input import known_size
from sheer.ops.arithmetic import as_float
from sheer.ops.normalization import (
    layer_normalization,
    normalize,
    rms_normalization,
    scaled,
    standardize,
)
from sheer.ops.shaping import reshape


def _axes(axis: Any) -> Any:
    """One axis as a number, several as a tuple."""
    axes = (axis,) if isinstance(axis, int) else tuple(sorted(axis))
    return axes[0] if len(axes) == 1 else axes


def _sizes(layer: Layer, input_shape: Any, axis: Any) -> tuple[int, ...]:
    """The sizes of these axes."""
    axes = (axis,) if isinstance(axis, int) else sorted(axis)
    return tuple(known_size(layer, input_shape, a) for a in axes)


@LAYERS.add()
class LayerNormalization(Standardizing):
    """gamma · (x - mean) / sqrt(variance + epsilon) + beta, with the mean and variance of each
    example. (Ba et al. 2016)

    Args:
        axis: that, or those, along which mean and variance are taken; `gamma` and `beta` have their
            sizes.
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint,
            gamma_constraint: as in Dense.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.LayerNormalization(epsilon=0)(np.array([[1.0, 3.0], [0.0, 10.0]])).numpy()
    array([[-1.,  1.],
           [-1.,  1.]], dtype=float32)
    """

    arguments = {"axis": axes()}
    lacks = {"rms_scaling": False}

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
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer,
            gamma_regularizer, beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.check_arguments()

    def build(self, input_shape: Any) -> None:
        self.add_gamma_and_beta(_sizes(self, input_shape, self.axis))

    def call(self, inputs: Any) -> Any:
        inputs = as_float(inputs, self.dtype)
        return layer_normalization(inputs, self.gamma, self.beta, _axes(self.axis), self.epsilon)


@LAYERS.add()
class GroupNormalization(Standardizing):
    """gamma · (x - mean) / sqrt(variance + epsilon) + beta, with the mean and variance of a group
    of features of each example. (Wu, He 2018)

    Args:
        groups: how many groups of equally many features; -1: each feature by itself.
        axis: that of the features; `gamma` and `beta` have its size.
        The others as in LayerNormalization.

    Example:

    >>> import numpy as np, sheer
    >>> layer = sheer.layers.GroupNormalization(groups=2, epsilon=0)
    >>> layer(np.array([[1.0, 3.0, 0.0, 10.0]])).numpy()
    array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    arguments = {"groups": integer(1) | Check("-1", lambda v: v == -1, ()), "axis": integer()}

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
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
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer,
            gamma_regularizer, beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.groups = groups
        self.check_arguments()

    def build(self, input_shape: Any) -> None:
        size = known_size(self, input_shape, self.axis)
        if self.groups > 0 and size % self.groups:
            raise ValueError(
                f"GroupNormalization {self.name!r}: {size} features are no {self.groups} groups of "
                f"equally many. Got the input shape {input_shape}."
            )
        self.add_gamma_and_beta((size,))

    def call(self, inputs: Any) -> Any:
        inputs = as_float(inputs, self.dtype)
        shape = inputs.shape
        axis = self.axis % inputs.ndim
        groups = shape[axis] if self.groups == -1 else self.groups
        parted = (*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])
        rest = tuple(i for i in range(1, len(parted)) if i != axis)
        x_hat = standardize(reshape(inputs, parted), _axes(rest), self.epsilon)[0]
        return scaled(reshape(x_hat, shape), self.gamma, self.beta, axis)


@LAYERS.add()
class RMSNormalization(Layer):
    """x divided by its root mean square in each example, times scale. (Zhang, Sennrich 2019)

    Args:
        axis: that, or those, along which the mean of squares is taken; the weight `scale` has their
            sizes.
        epsilon: added to that mean.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.RMSNormalization(epsilon=0)(np.array([[1.0, 7.0]])).numpy()
    array([[0.2, 1.4]], dtype=float32)
    """

    arguments = {"axis": axes(), "epsilon": number(0)}

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis
        self.epsilon = epsilon
        self.check_arguments()

    def build(self, input_shape: Any) -> None:
        sizes = _sizes(self, input_shape, self.axis)
        self.scale = self.add_weight(sizes, "ones", name="scale")

    def call(self, inputs: Any) -> Any:
        inputs = as_float(inputs, self.dtype)
        return rms_normalization(inputs, self.scale, _axes(self.axis), self.epsilon)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def formula(self) -> str:
        return f"scale · x / sqrt(mean(x²) + {self.epsilon:g})"


@LAYERS.add()
class UnitNormalization(Layer):
    """x divided by its length in each example.

    axis: that, or those, along which the squares are summed.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.UnitNormalization()(np.array([[3.0, 4.0]])).numpy()
    array([[0.6, 0.8]], dtype=float32)
    """

    supports_masking = True
    arguments = {"axis": axes()}

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis
        self.check_arguments()

    def call(self, inputs: Any) -> Any:
        return normalize(inputs, _axes(self.axis), epsilon=1e-12)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def formula(self) -> str:
        return "x / |x|"
