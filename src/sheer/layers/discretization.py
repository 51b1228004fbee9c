"""Discretization: which of a few ranges each number lies in."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from sheer.core.checks import integer, nothing, number, one_of
from sheer.layers.base import LAYERS
from sheer.layers.preprocessing import (
    OUTPUT_MODES,
    Preprocessing,
    batches_of,
    encoded,
    encoded_shape,
)
from sheer.ops.searching import digitize
from sheer.ops.tensor import Tensor


@LAYERS.add()
class Discretization(Preprocessing):
    """The number of the bin of each value: i where boundaries[i - 1] <= x < boundaries[i].

    The first bin begins at -inf, the last ends at inf, so there is one bin more than boundaries.

    Args:
        bin_boundaries: numbers, ascending. Give these, or num_bins.
        num_bins: how many bins of equally many values `adapt` shall find.
        epsilon: how exact `adapt` is: the share of the values by which a bin may be off.
        output_mode: `"int"`: the bins' numbers, int32; `"one_hot"`, `"multi_hot"`, `"count"`: rows
            as of `CategoryEncoding`.

    Example:

    >>> import sheer
    >>> x = [[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]]
    >>> sheer.layers.Discretization([0.0, 1.0, 2.0])(x).numpy()
    array([[0, 2, 3, 1],
           [1, 3, 2, 1]], dtype=int32)
    >>> layer = sheer.layers.Discretization(num_bins=4)
    >>> layer.adapt(x)
    >>> layer(x).numpy()
    array([[0, 2, 3, 2],
           [1, 3, 3, 1]], dtype=int32)
    """

    arguments = {
        "num_bins": integer(1) | nothing(),
        "epsilon": number(0, 1, "()"),
        "output_mode": one_of(*OUTPUT_MODES),
    }
    lacks = {"sparse": False}

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        dtype: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.num_bins = num_bins
        self.epsilon = epsilon
        self.output_mode = output_mode
        self.bin_boundaries: list[float] | None = None
        self.check_arguments()
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError(
                "Discretization: give bin_boundaries, or num_bins to find them with adapt(). "
                f"Got bin_boundaries={bin_boundaries!r} and num_bins={num_bins!r}."
            )
        if bin_boundaries is not None:
            self._take(bin_boundaries)

    def _take(self, boundaries: Any) -> None:
        values = np.asarray(boundaries, np.float64)
        if values.ndim != 1 or not (np.diff(values) >= 0).all():
            raise ValueError(
                f"Discretization: bin_boundaries must be a list of ascending numbers. "
                f"Got {boundaries!r}."
            )
        self.bin_boundaries = values.tolist()
        self.adapted += 1

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Find the boundaries of `num_bins` bins with about as many values each.

        data: an array, or an iterable of batches, of which the first `steps` are taken.
        """
        if self.num_bins is None:
            raise ValueError(
                f"{self.name}.adapt: the layer was given its bin_boundaries. Give num_bins instead."
            )
        known = np.zeros((2, 0), np.float32)
        for batch in batches_of(data, steps):
            values = np.asarray(batch).astype(np.float32)
            both = np.concatenate([_summary(values, self.epsilon), known], axis=1)
            known = _shortened(both[:, np.argsort(both[0])], self.epsilon)
        if not known.size:
            raise ValueError(f"{self.name}.adapt: the data are empty.")
        self._take(_shortened(known, 1.0 / self.num_bins)[0, :-1])

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer; Keras's does not take `trainable`."""
        return {k: v for k, v in super().get_config().items() if k != "trainable"}

    def call(self, inputs: Any) -> Any:
        if self.bin_boundaries is None:
            raise ValueError(f"{self.name} has no bins yet: call {self.name}.adapt(data) first.")
        bins = digitize(inputs, Tensor(np.array(self.bin_boundaries, self.dtype)))
        return encoded(bins, self.output_mode, self._depth(), self._output_dtype())

    def _depth(self) -> int:
        if self.bin_boundaries is not None:
            return len(self.bin_boundaries) + 1
        assert self.num_bins is not None
        return self.num_bins

    def _output_dtype(self) -> str:
        return "int32" if self.output_mode == "int" else self.dtype

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return encoded_shape(input_shape, self.output_mode, self._depth())

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A layer that was adapted has both: how many bins, and where they end."""
        if config.get("num_bins") is None or config.get("bin_boundaries") is None:
            return super().from_config(config)
        layer = super().from_config({**config, "bin_boundaries": None})
        layer._take(config["bin_boundaries"])
        return layer

    def formula(self) -> str:
        return "the number of the bin" + ("" if self.output_mode == "int" else " as a row")


def _summary(values: np.ndarray[Any, Any], epsilon: float) -> np.ndarray[Any, Any]:
    """1 / epsilon of the sorted values, evenly spaced, and how many values each stands for."""
    values = np.sort(values.reshape(-1))
    step = max(values.size / (1.0 / epsilon), 1)
    some = values[int(step - 1) :: int(step)]
    return np.stack([some, np.full_like(some, step)])


def _shortened(summary: np.ndarray[Any, Any], epsilon: float) -> np.ndarray[Any, Any]:
    """A summary with 1 / epsilon values: between two of them lies that share of the whole."""
    if summary.shape[1] * epsilon < 1:
        return summary
    values, weights = summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    below = weights.cumsum()
    known = below / below[-1]
    below_shares = np.interp(shares, known, below)
    found = [np.interp(shares, known, values), np.diff(below_shares, prepend=0)]
    return np.stack(found).astype(np.float32)
