"""Input: the shape of the data, said in advance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sheer.core import config
from sheer.core.dtypes import standardize_dtype
from sheer.layers.base import LAYERS, Layer
from sheer.ops.symbol import Symbol

if TYPE_CHECKING:
    from sheer.layers.dense import Dense


@dataclass(frozen=True)
class InputSpec:
    """The shape and dtype of an input, None for the batch size: for `sheer.function`."""

    shape: tuple[int | None, ...]
    dtype: str = "float32"


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    name: str | None = None,
) -> Symbol:
    """A symbol for data of this shape, the batch axis not counted: the first in a Sequential.

    >>> Input((784,))
    <Symbol keras_tensor shape=(n, 784) dtype=float32>
    """
    if shape is None:
        raise ValueError("Input: give the shape of one example, such as Input((784,)). Got None.")
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    dtype = standardize_dtype(dtype or config.floatx())
    return Symbol((batch_size, *shape), dtype, label=name or "keras_tensor")


@LAYERS.add()
class InputLayer(Layer):
    """Passes its input on; it tells a Sequential the shape of the data.

    shape: of one example, the batch axis not counted.
    """

    def __init__(self, shape: Any, dtype: str | None = None, name: str | None = None):
        super().__init__(name=name, dtype=dtype)
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.built = True

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """The shape of a batch, None for its size."""
        return (None, *self.shape)

    def call(self, inputs: Any) -> Any:
        return inputs


def check_features(layer: Dense, input_shape: Any) -> int:
    """The size of the last axis, which must be known."""
    if not isinstance(input_shape, tuple) or len(input_shape) < 2 or input_shape[-1] is None:
        raise ValueError(
            f"Dense layer {layer.name!r} needs an input (n, features), with at least two axes and a "
            f"known number of features. Got shape {input_shape}.\n"
            "For one feature, give x[:, None]."
        )
    return int(input_shape[-1])
