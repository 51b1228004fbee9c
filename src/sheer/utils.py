"""Small helpers under Keras's names."""

from typing import TYPE_CHECKING, Any

import numpy as np

from sheer.core.errors import absent
from sheer.core.naming import reset_names
from sheer.core.objects import (
    CustomObjectScope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_serializable,
)
from sheer.core.random import set_random_seed
from sheer.ops.declare import operand
from sheer.ops.picking import one_hot
from sheer.ops.tensor import Tensor
from sheer.saving.objects import deserialize_keras_object, serialize_keras_object
from sheer.training.data import pack, unpack
from sheer.training.py_dataset import PyDataset

# Keras's other names.
Sequence = PyDataset
custom_object_scope = CustomObjectScope
register_keras_serializable = register_serializable
LACKING = """
Config FeatureSpace Progbar array_to_img audio_dataset_from_directory bounding_boxes
disable_interactive_logging enable_interactive_logging get_file get_source_inputs
image_dataset_from_directory img_to_array is_interactive_logging_enabled is_keras_tensor
load_img model_to_dot plot_model save_img split_dataset standardize_dtype
text_dataset_from_directory timeseries_dataset_from_array
"""

__all__ = [
    "CustomObjectScope",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "register_keras_serializable",
    "serialize_keras_object",
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


def normalize(x: Any, axis: int = -1, order: float = 2) -> Any:
    """x divided by its norms along an axis, a Tensor where x is one. Where a norm is 0, so is the
    result.

    >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    if isinstance(x, Tensor):
        return Tensor(normalize(x.numpy(), axis, order))
    norm = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(norm == 0, 1, norm)


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: str = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> np.ndarray[Any, Any]:
    """Sequences of several lengths as one array (n, maxlen, ...).

    maxlen: the length of the longest by default. padding, truncating: whether what is missing or
    too much is at the beginning (`"pre"`) or at the end (`"post"`). value: what is filled in.

    >>> pad_sequences([[1], [2, 3, 4]], maxlen=2)
    array([[0, 1],
           [3, 4]], dtype=int32)
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {name} must be 'pre' or 'post'. Got {side!r}.")
    rows = [np.asarray(row, dtype) for row in sequences]
    shapes = {row.shape[1:] for row in rows if row.size}
    if len(shapes) > 1 or not all(row.ndim for row in rows):
        raise ValueError(
            "pad_sequences: each sequence must be a list of elements of one shape. Got "
            f"{', '.join(sorted(str(row.shape) for row in rows))}."
        )
    length = max(map(len, rows), default=0) if maxlen is None else maxlen
    padded = np.full((len(rows), length, *(shapes.pop() if shapes else ())), value, dtype)
    for i, row in enumerate(rows):
        kept = row[max(0, len(row) - length) :] if truncating == "pre" else row[:length]
        if len(kept):
            padded[i, slice(length - len(kept), None) if padding == "pre" else slice(len(kept))] = (
                kept
            )
    return padded


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


if not TYPE_CHECKING:
    __getattr__ = absent(__name__, LACKING)
