"""Input: the shape of the data, said in advance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sheer.core.registry import refuse
from sheer.layers.base import LAYERS, Layer
from sheer.ops.node import Node
from sheer.ops.symbol import Symbol

if TYPE_CHECKING:
    from sheer.layers.dense import Dense


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    **kwargs: Any,
) -> Symbol:
    """A symbol for data of this shape: where a model begins.

    Args:
        shape: of one example, the batch axis not counted.
        batch_size: None, so that batches may have any size.
        dtype: `config.floatx()` by default.
        batch_shape: in place of shape and batch_size: `(None, *shape)`.

    >>> Input((784,))
    <Symbol keras_tensor shape=(n, 784) dtype=float32>
    """
    refuse("Input", kwargs, LACKS | {"tensor": None}, INPUT)
    shape = _batch_shape("Input", shape, batch_size, batch_shape)
    symbol: Symbol = InputLayer(batch_shape=shape, dtype=dtype, name=name).output
    return symbol


LACKS = {"sparse": None, "ragged": None, "optional": False}
INPUT = ("shape", "batch_size", "dtype", "batch_shape", "name")


def _batch_shape(who: str, shape: Any, batch_size: Any, batch_shape: Any) -> tuple[Any, ...]:
    if (shape is None) == (batch_shape is None):
        raise ValueError(
            f"{who}: give the shape of one example, such as {who}((784,)), or else batch_shape. "
            f"Got shape={shape} and batch_shape={batch_shape}."
        )
    if batch_shape is None:
        batch_shape = (batch_size, *((shape,) if isinstance(shape, int) else shape))
    if None in batch_shape[1:]:
        raise ValueError(
            f"{who}: only the batch size may be left open, all other sizes must be numbers. Got "
            f"the shape {tuple(batch_shape)}."
        )
    return tuple(batch_shape)


@LAYERS.add()
class InputLayer(Layer):
    """Passes its input on; it tells a model the shape of the data.

    Arguments as for `Input`, which gives its `output`.
    """

    lacks = LACKS | {"input_tensor": None}

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: str | None = None,
        batch_shape: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        for absent in ("sparse", "ragged"):
            if kwargs.get(absent) is False:  # as in Keras's configs
                del kwargs[absent]
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.batch_shape = _batch_shape("InputLayer", shape, batch_size, batch_shape)
        self.built = True
        self.output_shape = self.batch_shape
        Node(self, (), {}, Symbol(self.batch_shape, self.dtype, label=name or "keras_tensor"))

    def call(self, inputs: Any) -> Any:
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        plain = {"sparse": False, "ragged": False, "optional": False}
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "name": self.name,
            **plain,
        }


def check_features(layer: Dense, input_shape: Any) -> int:
    """The size of the last axis, which must be known."""
    is_shape = isinstance(input_shape, tuple) and len(input_shape) > 1
    if not is_shape or not isinstance(input_shape[-1], int):  # None, or one of several shapes
        raise ValueError(
            f"Dense layer {layer.name!r} needs an input (n, features), with at least two axes and "
            f"a known number of features. Got shape {input_shape}.\n"
            "For one feature, give x[:, None]."
        )
    return int(input_shape[-1])


def known_size(layer: Layer, input_shape: Any, axis: int) -> int:
    """The size of an axis other than the first, which must be there and known."""
    rank = len(input_shape)
    if not -rank <= axis < rank or axis % rank == 0 or input_shape[axis] is None:
        raise ValueError(
            f"{type(layer).__name__} layer {layer.name!r} needs an input with examples along its "
            f"first axis and a known size of axis {axis}. Got shape {input_shape}."
        )
    return int(input_shape[axis])
