"""PyDataset: batches that are made one by one, in Python, by workers if need be."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sheer.core.checks import boolean, integer

if TYPE_CHECKING:
    from concurrent.futures import Executor


class PyDataset:
    """Batches by number, for data that are read or made while a model trains.

    A subclass has `__len__`, how many batches there are, and `__getitem__`, one of them: x, (x, y)
    or (x, y, sample_weight). `fit` takes them in a new random order in each epoch, unless it is
    called with shuffle=False. For batches without end, let the property `num_batches` be None.

    Args:
        workers: how many batches are made at once, ahead of time; 1 makes each when it is wanted.
        use_multiprocessing: whether the workers are processes, with a copy of the data set each,
            and not threads. In a script, call `fit` under `if __name__ == "__main__":` then.
        max_queue_size: how many batches the workers may be ahead.

    Example:

    >>> import numpy as np, sheer
    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         x = np.full((4, 1), float(index))
    ...         return x, x**2
    >>> model = sheer.Sequential([sheer.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> model.fit(Squares(), epochs=2, verbose=0)
    <History of 2 epochs: loss>
    """

    # Here too, for subclasses that do not call __init__.
    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        given = {
            "workers": (workers, integer(0)),
            "use_multiprocessing": (use_multiprocessing, boolean()),
            "max_queue_size": (max_queue_size, integer(1)),
        }
        for name, (value, check) in given.items():
            if not check.accepts(value):
                raise ValueError(
                    f"{type(self).__name__}: {name} must be {check.words}. Got {value!r}."
                )
            setattr(self, name, value)

    def __getitem__(self, index: int) -> Any:
        """The batch of this number, from 0 on."""
        raise NotImplementedError(f"{type(self).__name__} needs a __getitem__ that gives a batch.")

    @property
    def num_batches(self) -> int | None:
        """How many batches there are; None where they have no end."""
        if not hasattr(self, "__len__"):
            raise NotImplementedError(
                f"{type(self).__name__} needs a __len__ that says how many batches there are, or a "
                "property num_batches: None where they have no end."
            )
        return len(self)

    def __iter__(self) -> Iterator[Any]:
        """The batches one after the other."""
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    def on_epoch_begin(self) -> None:
        """Called before an epoch, or an evaluation."""

    def on_epoch_end(self) -> None:
        """Called after an epoch, or an evaluation."""


def fetched(dataset: PyDataset, order: Iterable[int], first: list[Any]) -> Iterator[Any]:
    """The batches of these numbers in their order, made ahead of time by the data set's workers.

    first: batch 0 where it was made already, else nothing; it is taken from there.
    """

    def is_there(index: int) -> bool:
        return index == 0 and bool(first)

    if dataset.workers < 2 and not (dataset.workers and dataset.use_multiprocessing):
        for index in order:
            yield first.pop() if is_there(index) else dataset[index]
        return
    waiting: deque[Callable[[], Any]] = deque()
    pool = _pool(dataset)
    ask = _served if dataset.use_multiprocessing else dataset.__getitem__
    try:
        for index in order:
            waiting.append(first.pop if is_there(index) else pool.submit(ask, index).result)
            if len(waiting) > dataset.max_queue_size:
                yield waiting.popleft()()
        while waiting:
            yield waiting.popleft()()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pool(dataset: PyDataset) -> Executor:
    from concurrent import futures  # not before there are workers: it is slow to import

    if dataset.use_multiprocessing:
        return futures.ProcessPoolExecutor(dataset.workers, initializer=_serve, initargs=(dataset,))
    return futures.ThreadPoolExecutor(dataset.workers, thread_name_prefix="sheer data")


# In a worker's process: the data set that it serves.
_here: list[PyDataset] = []


def _serve(dataset: PyDataset) -> None:
    _here[:] = [dataset]


def _served(index: int) -> Any:
    return _here[0][index]
