"""Stretch: the batches that an engine runs in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Rows = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Stretch:
    """`steps` batches of `n` rows each, one after the other, from row `first` of the data on; where
    there is an order, from there on in the order."""

    first: int
    n: int
    steps: int
    order: Rows | None = None

    def batch(self, number: int) -> tuple[int, int, Rows | None]:
        """First row, number of rows and order of one of the batches."""
        return self.first + number * self.n, self.n, self.order

    def part(self, begin: int, most: int) -> Stretch:
        """Of the batches at most so many, from number `begin` on."""
        steps = min(most, self.steps - begin)
        return Stretch(self.first + begin * self.n, self.n, steps, self.order)

    def rows(self, number: int) -> Rows:
        """Which rows of the data one of the batches has."""
        rows = np.arange(self.first + number * self.n, self.first + (number + 1) * self.n)
        return rows if self.order is None else np.asarray(self.order)[rows]
