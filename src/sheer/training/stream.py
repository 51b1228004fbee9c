"""Stream: data that come batch by batch, from whatever can be iterated over."""

from __future__ import annotations

from typing import Any

from sheer.training.arrays import is_array
from sheer.training.data import Data
from sheer.training.py_dataset import PyDataset


class Stream:
    """A PyDataset, a generator, a loader of another library, or any other iterable of batches.

    A batch is x, (x,), (x, y) or (x, y, sample_weight).
    """

    def __init__(self, source: Any, caller: str, by_class: Any = None):
        self.source, self.caller, self.by_class = source, caller, by_class
        self.name = f"the {type(source).__name__}"

    def weighted(self, by_class: Any) -> Stream:
        """With the weight of each example's class in its sample weight; None changes nothing."""
        return self if by_class is None else Stream(self.source, self.caller, by_class)

    def length(self) -> int | None:
        """How many batches a pass has; None where there is no end, or where it is not known."""
        if isinstance(self.source, PyDataset):
            return self.source.num_batches
        try:
            return len(self.source)
        except (TypeError, NotImplementedError):
            return None

    def data(self, batch: Any, where: str) -> Data:
        """A batch as it came, checked as all data are."""
        parts = tuple(batch) if isinstance(batch, (list, tuple)) else (batch,)
        if len(parts) not in (1, 2, 3):
            raise ValueError(
                f"{where}: a batch must be x, (x,), (x, y) or (x, y, sample_weight). Got a "
                f"{type(batch).__name__} of {len(parts)}."
            )
        x, y, weight = (*parts, None, None)[:3]
        if self.caller == "predict":
            return Data(x, caller=where)
        return Data(x, y, weight, where).weighted(self.by_class)


def given(x: Any, y: Any, sample_weight: Any, caller: str) -> Data | Stream:
    """What a loop was given as data."""
    if not is_stream(x):
        return Data(x, y, sample_weight, caller)
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"{caller}: {name} cannot be given beside {type(x).__name__}: its batches hold all "
                f"three, as (x, y, sample_weight). Got {type(value).__name__}."
            )
    return Stream(x, caller)


def is_stream(x: Any) -> bool:
    """Whether this gives batches, and is no array or structure of arrays itself."""
    if isinstance(x, PyDataset):
        return True
    if x is None or is_array(x) or isinstance(x, (list, tuple, dict, str, bytes, type)):
        return False
    return hasattr(x, "__iter__")
