"""LearningRateScheduler: a learning rate for each epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np

from sheer.callbacks.base import Callback, Logs


class LearningRateScheduler(Callback):
    """Sets the learning rate at the start of each epoch, by a function.

    The logs get the learning rate of each epoch, as `learning_rate`.

    Args:
        schedule: called with the number of the epoch, from 0 on, and the present learning rate, or
            with the first alone; returns the new one, a float.
        verbose: 1 prints each change.

    Example:

    >>> import numpy as np, sheer
    >>> model = sheer.Sequential([sheer.layers.Dense(1)])
    >>> model.compile(sheer.optimizers.SGD(0.5), "mse")
    >>> halve = LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    >>> history = model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=3, verbose=0, callbacks=halve)
    >>> history.history["learning_rate"]
    [0.5, 0.25, 0.125]
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        super().__init__()
        self.schedule, self.verbose = schedule, verbose
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        present = [float(optimizer.learning_rate)] if self._takes_rate else []
        rate = self.schedule(epoch, *present)
        if not isinstance(rate, (float, np.float32, np.float64)):
            raise ValueError(
                f"LearningRateScheduler: schedule must return a float. Got {rate!r} for epoch "
                f"{epoch}."
            )
        optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def _takes_two(function: Callable[..., float]) -> bool:
    try:
        inspect.signature(function).bind(0, 0.1)
    except TypeError:
        return False
    except ValueError:  # a function in C may not say
        return True
    return True
