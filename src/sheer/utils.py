"""Small helpers under Keras's names."""

from typing import Any

import numpy as np

from sheer.core.naming import reset_names
from sheer.core.random import set_random_seed
from sheer.ops.declare import operand
from sheer.ops.shaping import one_hot

__all__ = ["clear_session", "set_random_seed", "to_categorical"]


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


def clear_session() -> None:
    """Number automatic names from the start again."""
    reset_names()
