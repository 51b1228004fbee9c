"""Passes: the data of a loop, epoch by epoch, in stretches of batches."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from sheer.core import random
from sheer.engines.stretch import Stretch
from sheer.ops.random import random_permutation
from sheer.ops.tensor import Tensor
from sheer.training.data import Data
from sheer.training.py_dataset import PyDataset, fetched
from sheer.training.stream import Stream


class Passes:
    """The data, batch by batch, as often as they are wanted.

    An epoch is a pass; or, where `asked` steps are set, that many batches, and the next epoch goes
    on behind them.
    """

    # What the step is prepared for.
    first: Data
    # How many batches a pass has; None while that is not known.
    batches: int | None

    def __init__(self, asked: int | None):
        self.asked = asked
        # With a key, each pass has a random order of its own.
        self.key: random.Key | None = None

    @property
    def steps(self) -> int | None:
        """How many steps an epoch has; None while that is not known."""
        if self.asked is None or self.batches is None:
            return self.asked or self.batches
        return min(self.asked, self.batches)

    def has_more(self) -> bool:
        """Whether there are batches for another epoch."""
        return True

    def epoch(self, done: int = 0) -> Iterator[tuple[Data, Stretch]]:
        """The batches of an epoch from number `done` on, as many in turn as the engine can run in
        one go. Who gets them says with `took` how many of them were run."""
        raise NotImplementedError

    def took(self, stretch: Stretch, steps: int) -> None:
        """So many steps of this stretch were run."""
        raise NotImplementedError

    def lasting(self) -> dict[str, Any]:
        """What must be the same where a `fit` goes on after a fault, in the words of `fit`."""
        return {"steps_per_epoch": self.asked, "shuffle": self.key is not None}

    def place(self) -> dict[str, Any]:
        """Which batch comes next, in which order."""
        raise NotImplementedError

    def go_to(self, place: dict[str, Any]) -> None:
        """Go on there, once, in a new `fit`."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop what works ahead. The next epoch begins a pass, where the data can be had again."""
        raise NotImplementedError


class ArrayPasses(Passes):
    """Passes through arrays, in batches of n rows; the last one may be smaller."""

    def __init__(self, data: Data, n: int, asked: int | None = None):
        super().__init__(asked)
        self.first, self.n = data, n
        self.batches = -(-data.rows // n)
        self.order: np.ndarray[Any, Any] | None = None
        self._begun = 0
        self._next = data.rows  # the first row of the next batch; here: none is left

    def close(self) -> None:
        self._next = self.first.rows

    def epoch(self, done: int = 0) -> Iterator[tuple[Data, Stretch]]:
        rows = self.first.rows
        if not done and self._next >= rows:
            self._begun += 1
            self._next = 0
            self._arrange()
        left = (self.steps or 0) - done
        while left and self._next < rows:
            first, rest = self._next, rows - self._next
            n = min(self.n, rest)
            steps = min(left, rest // n)
            left -= steps
            yield self.first, Stretch(first, n, steps, self.order)

    def took(self, stretch: Stretch, steps: int) -> None:
        self._next = stretch.first + steps * stretch.n

    def _arrange(self) -> None:
        """Find the order of the pass."""
        self.order = None
        if self.key is not None:
            self.order = shuffled(self.first.rows, (self.key[0], self.key[1] + self._begun - 1))

    def lasting(self) -> dict[str, Any]:
        return {"rows": self.first.rows, "batch_size": self.n, **super().lasting()}

    def place(self) -> dict[str, Any]:
        return {"key": self.key, "begun": self._begun, "next": self._next}

    def go_to(self, place: dict[str, Any]) -> None:
        self.key = place["key"] and tuple(place["key"])
        self._begun, self._next = place["begun"], place["next"]
        if self._begun:
            self._arrange()


class StreamPasses(Passes):
    """Passes through batches that come one by one.

    Only a PyDataset can be shuffled. What cannot be had again, such as a generator, has one pass.
    """

    def __init__(self, stream: Stream, asked: int | None = None):
        super().__init__(asked)
        self.stream = stream
        self._pass: Iterator[Any] | None = None
        self._begun = 0  # passes
        self._taken = 0  # batches of the pass
        self._epochs = self._done = 0  # epochs that are over, and batches of the one that runs
        self._is_over = self._is_open = False
        # A batch drawn and not run yet: the next one; of a PyDataset, number 0.
        self._ahead: Data | None = None
        self._zero: list[Any] = []
        self._place = self._here()
        self.batches = stream.length()
        self.first = self._first()

    def _first(self) -> Data:
        """The first batch, drawn before anything is built; it keeps its place."""
        if isinstance(self.stream.source, PyDataset) and self.batches != 0:
            # A random order is known only when the model is built: keys are drawn in that order.
            self._open()
            with self._blamed():
                self._zero = [self.stream.source[0]]
            return self.stream.data(self._zero[0], self._where())
        self._ahead = self._draw(may_begin=True) if self.batches != 0 else None
        if self._ahead is None:
            raise ValueError(
                f"{self.stream.caller}: the data are empty: {self.stream.name} gives no batch."
            )
        return self._ahead

    def has_more(self) -> bool:
        if self._ahead is None:
            self._ahead = self._draw(may_begin=True)
            if self._ahead is None:
                self._warn(f"{self.stream.name} gives no more batches after {self._epochs} epochs")
        return self._ahead is not None

    def epoch(self, done: int = 0) -> Iterator[tuple[Data, Stretch]]:
        steps = self.steps
        if not done:
            self.has_more()
        elif self._ahead is None and done != steps:
            self._ahead = self._draw(may_begin=False)
        while self._ahead is not None:
            yield self._ahead, Stretch(0, self._ahead.rows, 1)
            self._ahead = self._draw(may_begin=False) if self._done != steps else None
        if self.batches is None and steps is not None and self._done < steps:
            self._warn(f"{self.stream.name} ended after {self._done} of {steps} steps")
        self._end_epoch()

    def close(self) -> None:
        if not isinstance(self.stream.source, Iterator):
            self._end_pass()
            self._place = self._here()

    def _end_pass(self) -> None:
        if isinstance(self.stream.source, PyDataset) and self._pass is not None:
            self._pass.close()  # type: ignore[attr-defined]
        self._pass = None

    def took(self, stretch: Stretch, steps: int) -> None:
        self._ahead = None
        self._done += 1
        self._place = self._here()

    def _here(self) -> dict[str, int]:
        """How many passes were begun; batches taken from this one, and whether it is over; epochs
        that are over, and batches of the one that runs."""
        return {
            "begun": self._begun,
            "taken": self._taken,
            "is_between": self._pass is None,
            "epochs": self._epochs,
            "done": self._done,
        }

    def place(self) -> dict[str, Any]:
        return {"key": self.key, **self._place}

    def go_to(self, place: dict[str, Any]) -> None:
        self.key = place["key"] and tuple(place["key"])
        self._epochs, self._done = place["epochs"], place["done"]
        if not place["begun"]:
            return
        source, taken = self.stream.source, place["taken"]
        if isinstance(source, PyDataset):
            self._begun = place["begun"] - 1
            if not place["is_between"]:
                self._begin(taken)
        else:
            # What can be had again begins a pass; what cannot has had only one.
            is_one = isinstance(source, Iterator) or not place["is_between"]
            while is_one and self._taken < taken:
                if self._draw(may_begin=False) is None:
                    raise ValueError(
                        f"{self.stream.caller}: {self.stream.name} gives {self._taken} batches, "
                        f"and {taken} were taken before the backup."
                    )
            self._begun = place["begun"]
            self._ahead = None
        if place["is_between"]:
            self._begun, self._pass = place["begun"], None
        self._taken = taken
        self._place = self._here()

    # --- one batch after the other --------------------------------------------------------

    def _draw(self, may_begin: bool) -> Data | None:
        """The next batch; where the pass is over, the first one of another if that may begin."""
        if self._pass is None and (self._is_over or not may_begin):
            return None
        self._open()
        if self._pass is None:
            self._begin()
        assert self._pass is not None
        with self._blamed():
            batch = next(self._pass, OVER)
        if batch is OVER:
            self._pass = None
            self._is_over = self._taken == 0
            return self._draw(may_begin)
        self._taken += 1
        if self._taken == self.batches:
            self._end_pass()
        return self.stream.data(batch, self._where())

    def _begin(self, skipped: int = 0) -> None:
        """Begin a pass; of a PyDataset, behind the first so many batches."""
        self._taken = skipped
        self._begun += 1
        self.batches = self.stream.length()
        if not isinstance(self.stream.source, PyDataset):
            with self._blamed():
                self._pass = iter(self.stream.source)
            return
        order: Any = itertools.count() if self.batches is None else range(self.batches)
        if self.key is not None and self.batches is not None:
            key = self.key[0], self.key[1] + self._begun - 1
            order = shuffled(self.batches, key).tolist()
        order = itertools.islice(order, skipped, None)
        self._pass = fetched(self.stream.source, order, self._zero)
        self._zero = []

    def _open(self) -> None:
        if not self._is_open and isinstance(self.stream.source, PyDataset):
            self.stream.source.on_epoch_begin()
        self._is_open = True

    def _end_epoch(self) -> None:
        if isinstance(self.stream.source, PyDataset):
            self.stream.source.on_epoch_end()
        self._is_open = False
        self._epochs, self._done = self._epochs + 1, 0
        self._place = self._here()

    # --- what is said ---------------------------------------------------------------------

    def _where(self) -> str:
        """The batch drawn now."""
        caller = self.stream.caller
        epoch = f", epoch {self._epochs + 1}" if caller == "fit" else ""
        return f"{caller}{epoch}, batch {self._done + 1}"

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        """Errors of the user's code tell where they came up."""
        try:
            yield
        except Exception as error:
            error.add_note(
                f"{self._where()}: {self.stream.name} raised this. The model is as the batch "
                "before left it."
            )
            raise

    def _warn(self, text: str) -> None:
        warnings.warn(f"{self.stream.caller}: {text}.", stacklevel=6)


# In place of a batch, where the pass is over.
OVER = object()


def shuffled(rows: int, key: random.Key) -> np.ndarray[Any, Any]:
    """The order of the rows, or of the batches, in a pass."""
    order: np.ndarray[Any, Any] = random_permutation(Tensor(list(key), "uint32"), rows).numpy()
    return order
