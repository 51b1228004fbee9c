"""Small helpers under Keras's names."""

from __future__ import annotations

import os
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
from sheer.core.registry import refuse
from sheer.ops.declare import operand
from sheer.ops.picking import one_hot
from sheer.ops.tensor import Tensor
from sheer.saving.objects import deserialize_keras_object, serialize_keras_object
from sheer.training.data import pack, unpack
from sheer.training.py_dataset import PyDataset

if TYPE_CHECKING:
    from sheer.inspect.picture import Picture

# Keras's other names.
Sequence = PyDataset
custom_object_scope = CustomObjectScope
register_keras_serializable = register_serializable
LACKING = """
Config FeatureSpace Progbar array_to_img audio_dataset_from_directory bounding_boxes
disable_interactive_logging enable_interactive_logging get_file get_source_inputs
image_dataset_from_directory img_to_array is_interactive_logging_enabled is_keras_tensor
load_img model_to_dot save_img split_dataset standardize_dtype
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
    "plot_model",
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


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] | None = "model.svg",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **kwargs: Any,
) -> Picture:
    """Draw a model into a file, and return its Picture, which a notebook shows.

    It is the drawing of `Model.picture`, with no more in its boxes than is asked for. It needs no
    Graphviz.

    Args:
        to_file: `NAME.svg`, or `NAME.html` for a page with it; None for no file. sheer writes no
            pixels: Keras's default, model.png, is model.svg here.
        show_shapes: of inputs, outputs and weights. show_dtype: their dtypes.
        show_layer_names: the names of layers, besides their classes.
        rankdir: `"TB"`, from top to bottom, or `"LR"`, from left to right.
        expand_nested: whether models inside show what is in them.
        dpi: accepted; the picture is sharp at any size.
        show_layer_activations: the layers' formulas, in which the activations are.
        show_trainable: which layers with weights are trained.

    Raises NotBuiltError where the model's input shape is not known yet, and ValueError for files
    of other kinds.

    >>> import sheer
    >>> model = sheer.Sequential([sheer.Input((3,)), sheer.layers.Dense(1)], name="line")
    >>> plot_model(model, to_file=None, show_shapes=True).title
    "Sequential 'line'"
    """
    from sheer.inspect.picture import Show, check_ending, picture

    refuse("plot_model", kwargs, {"layer_range": None}, [])
    if not hasattr(model, "check_built"):
        raise TypeError(f"plot_model: model must be a model. Got {model!r}.")
    if to_file is not None:
        check_ending("plot_model", to_file)
    if model.has_call():
        model.check_built("plot_model")
    show = Show(
        names=show_layer_names,
        shapes=show_shapes,
        dtypes=show_dtype,
        formulas=show_layer_activations,
        trainable=show_trainable,
        nested=expand_nested,
    )
    drawn: Picture = picture(model, rankdir, show, caller="plot_model")
    if to_file is not None:
        drawn.save(to_file)
    return drawn


def clear_session() -> None:
    """Number automatic names from the start again."""
    reset_names()


if not TYPE_CHECKING:
    __getattr__ = absent(__name__, LACKING)
