"""Statistics: an array in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# A histogram looks at no more values than this, spread evenly over the array.
LOOKED_AT = 1 << 16


@dataclass(frozen=True)
class Statistics:
    """What an array holds, in a few numbers.

    `minimum`, `mean`, `maximum` and `deviation` (the standard deviation) are of the finite values,
    in float64; NaN where there are none. `zeros`, `nans` and `infinities` are shares of all values.

    >>> Statistics.of(np.array([0.0, 3.0, np.inf, np.nan]))  # doctest: +NORMALIZE_WHITESPACE
    Statistics(shape=(4,), dtype='float64', minimum=0.0, mean=1.5, maximum=3.0, deviation=1.5,
               zeros=0.25, nans=0.25, infinities=0.25)
    """

    shape: tuple[int, ...]
    dtype: str
    minimum: float
    mean: float
    maximum: float
    deviation: float
    zeros: float
    nans: float
    infinities: float

    @classmethod
    def of(cls, array: Array) -> Statistics:
        """Those of an array of numbers or truth values."""
        array = np.asarray(array)
        size = max(1, array.size)
        finite, nans, infinities = array, 0, 0
        if array.dtype.kind == "f":
            is_finite = np.isfinite(array)
            if not is_finite.all():
                nans = int(np.count_nonzero(np.isnan(array)))
                infinities = array.size - int(np.count_nonzero(is_finite)) - nans
                finite = array[is_finite]
        zeros = array.size - int(np.count_nonzero(array))
        low = mean = high = deviation = float("nan")
        if finite.size:
            low, high = float(finite.min()), float(finite.max())
            with np.errstate(over="ignore", invalid="ignore"):
                mean = float(finite.mean(dtype="float64"))
                deviation = float(finite.std(dtype="float64"))
        shares = (zeros / size, nans / size, infinities / size)
        return cls(tuple(array.shape), array.dtype.name, low, mean, high, deviation, *shares)

    @property
    def is_finite(self) -> bool:
        """Whether all values are finite."""
        return not (self.nans or self.infinities)


def histogram(array: Array, bins: int = 24) -> tuple[float, float, list[int]]:
    """How the finite values of an array are spread: the lowest, the highest, and how many fall into
    each of the bins of equal width between them. Of large arrays every so manieth value is looked
    at.

    >>> histogram(np.array([0.0, 0.0, 1.0, 4.0]), bins=2)
    (0.0, 4.0, [3, 1])
    """
    flat = np.asarray(array).reshape(-1)
    flat = flat[:: -(-flat.size // LOOKED_AT)] if flat.size else flat
    flat = flat[np.isfinite(flat)].astype("float64")
    if not flat.size:
        return 0.0, 0.0, [0] * bins
    low, high = float(flat.min()), float(flat.max())
    # Halved, so that no difference is too large.
    width = high / 2 - low / 2 or 1.0
    places = np.minimum((flat / 2 - low / 2) / width * bins, bins - 1).astype("int64")
    return low, high, np.bincount(places, minlength=bins).tolist()
