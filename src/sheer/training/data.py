"""The data of `fit`: arrays, checked, split, and cut into batches."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, cast

import numpy as np

from sheer.core import config, tree
from sheer.core.dtypes import DTYPES
from sheer.core.shapes import show
from sheer.ops.operand import Operand

Arrays = list[np.ndarray[Any, Any]]


class Data:
    """Inputs, targets and sample weights with the same number of rows.

    x, y: an array, or a list, tuple or dict of arrays; y and sample_weight may be None.
    """

    def __init__(self, x: Any, y: Any = None, sample_weight: Any = None, caller: str = "fit"):
        self.caller = caller
        if x is None:
            raise ValueError(f"{caller}: x is missing. Got None.")
        self.parts = {"x": x, "y": y, "sample_weight": sample_weight}
        self.parts = {
            name: tree.map_tree(partial(self._array, name), part)
            for name, part in self.parts.items()
            if part is not None
        }
        self.arrays: Arrays = tree.leaves(self.parts)
        self._check_lengths()
        self.rows = len(self.arrays[0])
        if self.rows == 0:
            raise ValueError(f"{caller}: the data are empty: x has the shape {self._shapes('x')}.")
        self._check_numbers()

    def _array(self, name: str, value: Any) -> np.ndarray[Any, Any]:
        if isinstance(value, (int, float, str)):
            raise TypeError(
                f"{self.caller}: {name} must be an array, or a list of arrays, each with one row "
                f"per example. Got {value!r}. Make lists of numbers an array first: np.array({name})."
            )
        if not isinstance(value, np.ndarray):
            if not isinstance(value, Operand) and not hasattr(value, "__array__"):
                raise TypeError(
                    f"{self.caller}: {name} must be an array, or a list of arrays. Got "
                    f"{type(value).__name__}. Generators and data sets of other libraries are not "
                    "supported: give arrays, or call train_on_batch for each batch."
                )
            value = np.asarray(value)
        value = cast(np.ndarray[Any, Any], value)
        if value.dtype.name not in DTYPES and value.dtype != np.float16:
            raise TypeError(
                f"{self.caller}: {name} must hold numbers. Got an array of dtype {value.dtype}, "
                f"such as {value.reshape(-1)[0] if value.size else None!r}."
            )
        if value.ndim == 0:
            raise ValueError(f"{self.caller}: {name} needs one row per example. Got {value!r}.")
        return value

    def _shapes(self, name: str) -> str:
        return ", ".join(show(a.shape) for a in tree.leaves(self.parts[name]))

    def _check_lengths(self) -> None:
        if len({len(a) for a in self.arrays}) > 1:
            lines = [f"  {name:<13} {self._shapes(name)}" for name in self.parts]
            raise ValueError(f"{self.caller}: the numbers of rows differ.\n" + "\n".join(lines))

    def _check_numbers(self) -> None:
        for name, part in self.parts.items():
            for array in tree.leaves(part):
                # A sum shows a NaN quickly; only then is it looked for.
                if array.dtype.kind != "f" or np.isfinite(_quiet_sum(array)):
                    continue
                missing = np.isnan(array)
                if missing.any():
                    place = [int(i) for i in np.argwhere(missing)[0]]
                    raise ValueError(
                        f"{self.caller}: {name} contains NaN: {int(missing.sum())} of {array.size} "
                        f"values, the first in row {place[0]}"
                        + (f", at {tuple(place)}" if len(place) > 1 else "")
                        + ".\nFill or drop these rows first, for example with np.nan_to_num."
                    )

    def split(self, fraction: float) -> tuple[Data, Data]:
        """The first rows, and the last `fraction` of them."""
        if not 0 < fraction < 1:
            raise ValueError(f"{self.caller}: validation_split must be between 0 and 1. "
                             f"Got {fraction!r}.")  # fmt: skip
        first = int(self.rows * (1 - fraction))
        if first in (0, self.rows):
            raise ValueError(
                f"{self.caller}: validation_split={fraction} leaves {first} rows for training and "
                f"{self.rows - first} for validation."
            )
        return self._rows(slice(0, first)), self._rows(slice(first, None))

    def _rows(self, rows: slice) -> Data:
        parts = {k: tree.map_tree(lambda a: a[rows], v) for k, v in self.parts.items()}
        return Data(parts["x"], parts.get("y"), parts.get("sample_weight"), self.caller)

    def batches(
        self, batch_size: int, order: np.ndarray[Any, Any] | None = None
    ) -> Iterator[Arrays]:
        """The arrays cut into batches, in the order given; the last one may be smaller."""
        for start in range(0, self.rows, batch_size):
            if order is None:
                yield [_ready(a[start : start + batch_size]) for a in self.arrays]
            else:
                rows = order[start : start + batch_size]
                yield [_ready(a[rows]) for a in self.arrays]

    def structure(self) -> tuple[Any, ...]:
        """(x, y, sample_weight) or less, as `train_step` gets it; arrays in place of batches."""
        return tuple(self.parts.values())


def _quiet_sum(array: np.ndarray[Any, Any]) -> Any:
    with np.errstate(all="ignore"):
        return array.sum()


def _ready(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Floats in `config.floatx()`; whole numbers as they are."""
    dtype = batch_dtype(array.dtype)
    return array if array.dtype == dtype else array.astype(dtype)


def batch_dtype(dtype: np.dtype[Any]) -> str:
    """The dtype in which a batch of such an array comes."""
    return config.floatx() if dtype.kind == "f" else dtype.name


def class_weights(y: Any, weights: dict[int, float]) -> np.ndarray[Any, Any]:
    """The weight of each example from that of its class; y holds labels or one-hot rows."""
    y = np.asarray(y)
    labels = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y))
    return np.array([weights.get(int(label), 1.0) for label in labels], config.floatx())
