"""Small helpers under Keras's names."""

from typing import Any

import numpy as np

from sheer.core.naming import reset_names
from sheer.core.random import set_random_seed
from sheer.ops.declare import operand
from sheer.ops.picking import one_hot
from sheer.training.data import pack, unpack

__all__ = [
    "clear_session",
    "pack_x_y_sample_weight",
    "set_random_seed",
    "to_categorical",
    "unpack_x_y_sample_weight",
]


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray[Any, Any]:
    """Labels (n,) as one-hot rows (n, classes).

    >>> to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    labels = np.asarray(x).astype("int64")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes = int(labels.max()) + 1 if num_classes is None else num_classes
    rows: np.ndarray[Any, Any] = one_hot(operand(labels), classes).numpy()
    return rows


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """What a `train_step` gets, as (x, y, sample_weight), with None for what is not there.

    >>> unpack_x_y_sample_weight(("x", "y"))
    ('x', 'y', None)
    """
    return unpack(tuple(data) if isinstance(data, list) else data)


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The other way round: x alone, (x, y) or (x, y, sample_weight).

    >>> pack_x_y_sample_weight("x", "y"), pack_x_y_sample_weight("x")
    (('x', 'y'), 'x')
    """
    return pack(x, y, sample_weight)


def clear_session() -> None:
    """Number automatic names from the start again."""
    reset_names()
