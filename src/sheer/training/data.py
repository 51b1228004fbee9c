"""The data of `fit`: arrays, checked, split, and cut into batches."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from sheer.core import config, tree
from sheer.core.checks import number
from sheer.core.dtypes import NAMES
from sheer.core.shapes import show
from sheer.ops.reduction import sum as total
from sheer.ops.tensor import Tensor
from sheer.training.arrays import as_array

Arrays = list[np.ndarray[Any, Any]]


class Data:
    """Inputs, targets and sample weights with the same number of rows.

    x, y: an array, or a list, tuple or dict of arrays. sample_weight: an array, or arrays in the
    form of y. y and sample_weight may be None, and so may arrays in them.
    """

    def __init__(self, x: Any, y: Any = None, sample_weight: Any = None, caller: str = "fit"):
        self.caller = caller
        if x is None:
            raise ValueError(f"{caller}: x is missing. Got None. Give an array of examples.")
        given = {"x": x, "y": y, "sample_weight": sample_weight}
        self._take(
            {
                name: tree.map_tree(partial(self._array, name), part)
                for name, part in given.items()
                if part is not None
            }
        )
        self._check_lengths()
        if self.rows == 0:
            raise ValueError(
                f"{caller}: the data are empty: x has the shape {self._shapes('x')}. "
                "Give at least one row."
            )
        self._check_numbers()

    def _take(self, parts: dict[str, Any]) -> None:
        self.parts = parts
        self.arrays: Arrays = _arrays(parts)
        if not tree.leaves(parts["x"]):
            raise ValueError(f"{self.caller}: x holds no array. Got {parts['x']!r}.")
        self.rows = len(self.arrays[0])
        weight = parts.get("sample_weight")
        if isinstance(weight, (list, tuple, dict)) and not _alike(weight, parts.get("y")):
            raise TypeError(
                f"{self.caller}: sample_weight must be one array, with a number per example; or "
                "one for each target, in the form of y.\n"
                f"  y             {_form(parts.get('y'))}\n  sample_weight {_form(weight)}"
            )

    def _array(self, name: str, value: Any) -> np.ndarray[Any, Any] | None:
        return None if value is None and name != "x" else as_array(value, name, self.caller)

    def _shapes(self, name: str) -> str:
        return ", ".join(show(a.shape) for a in _arrays(self.parts[name]))

    def _check_lengths(self) -> None:
        if len({len(a) for a in self.arrays}) > 1:
            lines = [f"  {name:<13} {self._shapes(name)}" for name in self.parts]
            raise ValueError(
                f"{self.caller}: the numbers of rows differ.\n"
                + "\n".join(lines)
                + "\nEach array needs one row per example."
            )

    def _check_numbers(self) -> None:
        for name, part in self.parts.items():
            for array in _arrays(part):
                # A sum shows a NaN quickly; only then is it looked for.
                if array.dtype.kind != "f" or np.isfinite(_quiet_sum(array)):
                    continue
                count, place = _missing(array)
                if count:
                    raise ValueError(
                        f"{self.caller}: {name} contains NaN: {count} of {array.size} "
                        f"values, the first in row {place[0]}"
                        + (f", at {tuple(place)}" if len(place) > 1 else "")
                        + ".\nFill or drop these rows first, for example with np.nan_to_num."
                    )

    def split(self, fraction: float) -> tuple[Data, Data]:
        """The first rows, and the last `fraction` of them."""
        if not number(0, 1, "()").accepts(fraction):
            raise ValueError(
                f"{self.caller}: validation_split must be {number(0, 1, '()').words}. "
                f"Got {fraction!r}."
            )
        first = int(self.rows * (1 - fraction))
        if first in (0, self.rows):
            raise ValueError(
                f"{self.caller}: validation_split={fraction} leaves {first} of {self.rows} rows "
                f"for training and {self.rows - first} for validation."
            )
        return self._part(slice(0, first)), self._part(slice(first, None))

    def _part(self, rows: slice) -> Data:
        """These rows only. They were checked already."""
        part: Data = object.__new__(Data)
        part.caller = self.caller
        part._take(
            {k: tree.map_tree(lambda a: None if a is None else a[rows], v)
             for k, v in self.parts.items()}
        )  # fmt: skip
        return part

    def weighted(self, by_class: Any) -> Data:
        """With the weight of each example's class in its sample weight; None changes nothing."""
        if by_class is None:
            return self
        weights = _class_weights(self.parts.get("y"), by_class, self.caller)
        if "sample_weight" in self.parts:
            own = self.parts["sample_weight"]
            weights = weights.reshape(-1, *[1] * (own.ndim - 1)) * own
        result: Data = object.__new__(Data)
        result.caller = self.caller
        result._take({**self.parts, "sample_weight": weights})
        return result

    def batch(self, first: int, n: int, order: np.ndarray[Any, Any] | None = None) -> Arrays:
        """n rows of each array from row `first` on, or from there on in the order given."""
        rows = slice(first, first + n) if order is None else order[first : first + n]
        return [ready(array[rows]) for array in self.arrays]

    def form(self) -> str:
        """Structure, dtypes, and shapes of rows: data of one form have one step."""
        return repr(tree.map_tree(lambda a: a if a is None else (a.shape[1:], a.dtype), self.parts))

    def structure(self) -> Any:
        """What `train_step` gets, with arrays in place of batches: (x, y) or (x, y, sample_weight);
        x itself where there is nothing else, in a tuple where x is a list or tuple."""
        return pack(*(self.parts.get(name) for name in ("x", "y", "sample_weight")))


def pack(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """A batch as Keras packs it: without what is None at its end."""
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (list, tuple)) else x


def unpack(data: Any) -> tuple[Any, Any, Any]:
    """x, y and sample_weight of a batch; None for what it lacks."""
    if not isinstance(data, tuple):
        return data, None, None
    return (*data, None, None)[:3]


def _arrays(part: Any) -> Arrays:
    """The arrays of a structure, without what is None."""
    return [leaf for leaf in tree.leaves(part) if leaf is not None]


def _form(part: Any) -> str:
    """A structure in words: its kind, its keys or its length."""
    if isinstance(part, dict):
        return f"a dictionary of {', '.join(map(repr, part))}"
    if isinstance(part, (list, tuple)):
        return f"a {type(part).__name__} of {len(part)}"
    return "None" if part is None else "an array"


def _alike(a: Any, b: Any) -> bool:
    """Whether two structures have the same form; lists and tuples count as one."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_alike(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_alike, a, b))
    return not isinstance(a, (dict, list, tuple)) and not isinstance(b, (dict, list, tuple))


# From so many values on, an engine may share the work.
SHARED = 1 << 17


def _quiet_sum(array: np.ndarray[Any, Any]) -> Any:
    if array.size >= SHARED and array.dtype in NAMES:
        return total(Tensor.of(array)).numpy()
    with np.errstate(all="ignore"):
        return array.sum()


# How many values are looked at together: what is looked at may be a file larger than memory.
BLOCK = 1 << 20


def _missing(array: np.ndarray[Any, Any]) -> tuple[int, list[int]]:
    """How many NaN there are, and where the first is."""
    count, place = 0, [0]
    rows = max(1, BLOCK * len(array) // max(1, array.size))
    for start in range(0, len(array), rows):
        missing = np.isnan(array[start : start + rows])
        if not count and missing.any():
            first, *rest = map(int, np.argwhere(missing)[0])
            place = [start + first, *rest]
        count += int(np.count_nonzero(missing))
    return count, place


def ready(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Floats in `config.floatx()`; whole numbers as they are."""
    dtype = batch_dtype(array.dtype)
    return array if array.dtype == dtype else array.astype(dtype)


def batch_dtype(dtype: np.dtype[Any]) -> str:
    """The dtype in which a batch of such an array comes."""
    return config.floatx() if dtype.kind == "f" else dtype.name


def _class_weights(y: Any, weights: Any, caller: str) -> np.ndarray[Any, Any]:
    """The weight of each example from that of its class, 1 by default; y holds labels, or one-hot
    rows."""
    is_known = isinstance(weights, dict) and all(
        map(number().accepts, [*weights, *weights.values()])
    )
    if not is_known:
        raise ValueError(
            f"{caller}: class_weight must be a dictionary with a number for each class, such as "
            f"{{0: 1.0, 1: 2.5}}. Got {weights!r}."
        )
    if not isinstance(y, np.ndarray):
        raise ValueError(f"{caller}: class_weight needs one array y with the classes.")
    labels = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y))
    found = np.ones(len(y), config.floatx())
    for label, weight in weights.items():
        found[np.rint(labels) == label] = weight
    return found
