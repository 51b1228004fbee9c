"""What the layers that prepare data share: what they take, and how they learn from data."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from sheer.layers.base import Layer
from sheer.ops.arithmetic import cast
from sheer.ops.operand import Operand
from sheer.ops.picking import one_hot
from sheer.ops.reduction import max as maximum_of
from sheer.ops.reduction import sum as sum_of
from sheer.ops.shaping import expand_dims, squeeze
from sheer.ops.tensor import Tensor

OUTPUT_MODES = ("int", "one_hot", "multi_hot", "count")


class Preprocessing(Layer):
    """A layer for one input of numbers; lists of numbers are arrays to it."""

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Build it if need be, then compute."""
        return super().__call__(as_numbers(inputs), *args, **kwargs)


def as_numbers(value: Any) -> Any:
    """A list or a number as a Tensor; an array as it is."""
    return Tensor(value) if isinstance(value, (list, tuple, int, float)) else value


def is_array(data: Any) -> bool:
    """Whether it is all in one piece: an array, a Tensor, a frame of pandas or polars."""
    return isinstance(data, Operand) or hasattr(data, "__array__")


def batches_of(data: Any, steps: int | None = None) -> Iterator[Any]:
    """What `adapt` learns from, batch by batch: an array is one batch; of an iterable, the first
    `steps`."""
    if is_array(data):
        return iter([data])
    if hasattr(data, "__iter__"):
        return islice(data, steps)
    return islice(map(data.__getitem__, range(len(data))), steps)  # a PyDataset


def encoded(
    indices: Any, output_mode: str, depth: int, dtype: str, count_weights: Any = None
) -> Any:
    """Indices 0 to depth - 1 as they are, or as rows of `depth` numbers, in Keras's output modes.
    Other numbers are in no row.

    `"one_hot"`: a row for each index; an axis of size 1 at the end becomes the row. `"multi_hot"`
    and `"count"`: one row for all along the second axis (the first, if it is the only one): which
    ones are there, and how often.
    """
    if output_mode == "int":
        return indices if indices.dtype == dtype else cast(indices, dtype)
    indices = indices if indices.ndim else expand_dims(indices, 0)
    if output_mode == "one_hot":
        is_column = indices.ndim > 1 and indices.shape[-1] == 1
        return one_hot(squeeze(indices, -1) if is_column else indices, depth, dtype=dtype)
    rows = one_hot(indices, depth, dtype=dtype)
    if count_weights is not None:
        rows = rows * expand_dims(count_weights, -1)
    together = maximum_of if output_mode == "multi_hot" else sum_of
    return together(rows, axis=min(1, indices.ndim - 1))


def encoded_shape(input_shape: Any, output_mode: str, depth: int) -> tuple[int | None, ...]:
    """The shape of `encoded` for indices of this shape."""
    shape = tuple(input_shape)
    if output_mode == "int":
        return shape
    if output_mode == "one_hot":
        return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), depth)
    return (*shape[:1], *shape[2:], depth) if len(shape) > 1 else (depth,)


def as_texts(values: Any, owner: str, encoding: str = "utf-8") -> np.ndarray[Any, Any]:
    """An array of str objects from strings or bytes in arrays, series, lists or alone."""
    if isinstance(values, Operand):
        raise TypeError(
            f"{owner} needs strings, and the values inside a model are numbers. Got {values!r}.\n"
            "Call it on arrays or lists of strings ahead of the model, and give the model what it "
            "returns: model.fit(layer(strings), y)."
        )
    is_list = isinstance(values, (list, tuple))
    array = np.asarray(values, object) if is_list else np.asarray(values)
    if array.dtype.kind not in "OUST":
        raise TypeError(f"{owner} needs strings. Got an array of dtype {array.dtype}.")
    texts = np.empty(array.size, object)
    for i, value in enumerate(array.reshape(-1).tolist()):
        text = value.decode(encoding) if isinstance(value, bytes) else value
        if not isinstance(text, str):
            place = [int(k) for k in np.unravel_index(i, array.shape)]
            raise TypeError(
                f"{owner} needs strings, as many in each row. Got {value!r} at {place}.\n"
                "Fill what is missing first, for example with ''."
            )
        texts[i] = text
    return texts.reshape(array.shape)


def holds_texts(values: Any) -> bool:
    """Whether these are strings, or an array or list that begins with one."""
    while isinstance(values, (list, tuple)) and values:
        values = values[0]
    if isinstance(values, (str, bytes)):
        return True
    if isinstance(values, Operand) or not hasattr(values, "dtype"):
        return False
    return np.asarray(values).dtype.kind in "OUST"
