"""Tensor: a NumPy array that ops accept and return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from sheer.core import config
from sheer.core.dtypes import NAMES, standardize_dtype
from sheer.ops.operand import Comparable


class Tensor(Comparable):
    """An array of numbers whose values never change; `.numpy()` gives them back.

    Args:
        value: an array, or numbers in lists, which become int32 or `config.floatx()`, as in Keras.
        dtype: that of the value by default.

    Example:

    >>> import sheer
    >>> x = sheer.Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x + 1
    <Tensor shape=(2, 2) dtype=float32
    [[2. 3.]
     [4. 5.]]>
    >>> (x @ x)[0].numpy()
    array([ 7., 10.], dtype=float32)
    """

    # Of a layer's output: which of its entries count, see `layers.Masking`.
    __slots__ = ("__weakref__", "_array", "_keras_mask")

    def __init__(self, value: Any, dtype: str | None = None):
        array = np.asarray(value, None if dtype is None else standardize_dtype(dtype))
        if dtype is None and not hasattr(value, "dtype"):
            # Again from the value itself: an integer too large for int32 is an error.
            wanted = {"f": config.floatx(), "i": "int32"}.get(array.dtype.kind)
            array = np.asarray(value, wanted)
        if array.dtype not in NAMES:  # another byte order, or no dtype of ours
            array = array.astype(standardize_dtype(array.dtype))
        self._array: np.ndarray[Any, Any] = array
        self._keras_mask: Any = None

    @classmethod
    def of(cls, array: np.ndarray[Any, Any]) -> Self:
        """The array as a Tensor, without a check: it has one of sheer's dtypes."""
        tensor = object.__new__(cls)
        tensor._array = array
        tensor._keras_mask = None
        return tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        shape: tuple[int, ...] = self._array.shape
        return shape

    @property
    def dtype(self) -> str:
        """The name of the dtype."""
        return NAMES[self._array.dtype]

    def numpy(self) -> np.ndarray[Any, Any]:
        """The values as a NumPy array, without a copy: do not write into it."""
        return self._array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self._array, dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self._array)

    def __int__(self) -> int:
        return int(self._array)

    def __float__(self) -> float:
        return float(self._array)

    def __index__(self) -> int:
        return self._array.__index__()

    def __format__(self, spec: str) -> str:
        return format(self._array.item() if self._array.ndim == 0 and spec else self._array, spec)

    def __repr__(self) -> str:
        separator = "\n" if self.ndim > 1 else " "
        return f"<Tensor shape={self.shape} dtype={self.dtype}{separator}{self._array}>"

    def __reduce__(self) -> Any:
        return Tensor, (self._array,)
