"""Whether all numbers of an array are finite."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def all_finite(array: np.ndarray[Any, Any]) -> bool:
    """Whether an array of floats holds no NaN and no infinity.

    >>> all_finite(np.array([1e30, 2.0], "float32")), all_finite(np.array([1.0, np.nan]))
    (True, False)
    """
    with np.errstate(all="ignore"):
        # The sum of the squares tells at once where all is well; large numbers need a second look.
        if array.flags.c_contiguous and array.size and math.isfinite(np.vdot(array, array)):
            return True
        return bool(np.isfinite(array).all())
