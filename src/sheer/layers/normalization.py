"""Normalization: mean 0 and variance 1, by what was seen in the data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sheer.core import config
from sheer.core.checks import boolean
from sheer.core.shapes import show
from sheer.layers.base import LAYERS
from sheer.layers.preprocessing import Preprocessing, batches_of, is_array
from sheer.ops.arithmetic import as_float, maximum, sqrt
from sheer.ops.shaping import reshape
from sheer.ops.tensor import Tensor


@LAYERS.add()
class Normalization(Preprocessing):
    """(x - mean) / sqrt(variance), with the mean and variance of data seen before training.

    The shape stays. The weights `mean`, `variance` and `count` are not trained.

    Args:
        axis: the axes that keep a mean and a variance for each place; the last one by default.
            None: one mean and one variance for all.
        mean, variance: numbers, or arrays for the axes kept, in place of `adapt`.
        invert: mean + x · sqrt(variance), which takes a normalization back.

    Example:

    >>> import numpy as np
    >>> import sheer
    >>> layer = sheer.layers.Normalization()
    >>> layer.adapt(np.array([[0.0, 7.0, 4.0], [2.0, 9.0, 6.0]]))
    >>> layer(np.array([[0.0, 7.0, 6.0]])).numpy()
    array([[-1., -1.,  1.]], dtype=float32)
    """

    supports_masking = True
    arguments = {"invert": boolean()}

    def __init__(
        self,
        axis: Any = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert
        self.check_arguments()
        if (mean is None) != (variance is None):
            raise ValueError(
                "Normalization: give both mean and variance, or neither. "
                f"Got mean={mean!r} and variance={variance!r}."
            )
        if np.shape(mean) != np.shape(variance) or np.ndim(mean) > len(self.axis):
            raise ValueError(
                "Normalization: mean and variance need the same shape, with at most as many axes "
                f"as are kept, {len(self.axis)}. Got shapes {show(np.shape(mean))} and "
                f"{show(np.shape(variance))}."
            )
        self._input_shape: tuple[Any, ...] = ()

    def build(self, input_shape: Any) -> None:
        shape = self._input_shape = tuple(input_shape)
        rank = len(shape)
        kept = [axis + rank if axis < 0 else axis for axis in self.axis]
        if any(not 0 <= axis < rank or shape[axis] is None for axis in kept):
            raise ValueError(
                f"Normalization layer {self.name!r}: each axis of {self.axis} must be there, and "
                f"its size known. Got an input {show(shape)}."
            )
        self._kept = tuple(sorted(kept))
        if self.input_mean is None:
            sizes = tuple(shape[axis] for axis in self._kept)
            self.adapt_mean = self.add_weight(sizes, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(sizes, "ones", trainable=False, name="variance")
            # Keras's files have it, and nothing uses it.
            self.count = self.add_weight((), "zeros", "int32", trainable=False, name="count")

    def adapt(self, data: Any) -> None:
        """Learn the mean and the variance of the data.

        data: an array, or an iterable of batches; of a batch that is a tuple, the first part.
        """
        if self.input_mean is not None:
            raise ValueError(f"{self.name}.adapt: the layer was given its mean and variance.")
        mean: Any = 0.0
        variance: Any = 0.0
        count = 0
        for batch in batches_of(data):
            if isinstance(batch, (tuple, list)):
                batch = batch[0]
            if not is_array(batch):
                raise TypeError(
                    f"{self.name}.adapt: give an array, or an iterable of arrays, one for each "
                    f"batch. Got a batch of type {type(batch).__name__}."
                )
            x = np.asarray(batch).astype(np.float64)
            self._check(x.shape)
            others = tuple(axis for axis in range(x.ndim) if axis not in self._kept)
            seen = math.prod(x.shape[axis] for axis in others)
            count += seen
            if not seen:
                continue
            # Two groups of values as one: their variances, and how far their means are apart.
            share, its_mean, its_variance = seen / count, x.mean(axis=others), x.var(axis=others)
            apart = (its_mean - mean) ** 2
            variance = (1 - share) * variance + share * its_variance + share * (1 - share) * apart
            mean = (1 - share) * mean + share * its_mean
        if not count:
            raise ValueError(f"{self.name}.adapt: the data are empty.")
        for weight, value in ((self.adapt_mean, mean), (self.adapt_variance, variance)):
            weight.assign(value)
            weight.initializer = None  # scripts can no longer make this value themselves

    def _check(self, shape: tuple[int, ...]) -> None:
        if not self.built:
            self.build(shape)
        known = self._input_shape
        if len(shape) != len(known) or any(shape[a] != known[a] for a in self._kept):
            raise ValueError(
                f"{self.name}.adapt: the data have the shape {show(shape)}, and the layer was "
                f"built for {show(known)}."
            )

    @property
    def mean(self) -> Any:
        """What is subtracted, as an array that broadcasts with the input; None before `build`."""
        return self._spread("mean")

    @property
    def variance(self) -> Any:
        """Whose root is divided by, as an array that broadcasts with the input."""
        return self._spread("variance")

    def _spread(self, name: str) -> Any:
        if not self.built:
            return None
        given = getattr(self, f"input_{name}")
        sizes = self._sizes()
        if given is None:
            return getattr(self, f"adapt_{name}").numpy().reshape(sizes)
        # Its axes are the last ones of those kept.
        aligned = [1] * len(sizes)
        places = self._kept[len(self._kept) - np.ndim(given) :]
        for axis, size in zip(places, np.shape(given), strict=True):
            aligned[axis] = size
        return np.broadcast_to(np.asarray(given, self.dtype).reshape(aligned), sizes)

    def _sizes(self) -> tuple[int, ...]:
        """The shape that broadcasts with the input: 1 for the axes that are not kept."""
        return tuple(s if i in self._kept else 1 for i, s in enumerate(self._input_shape))

    def _operand(self, name: str) -> Any:
        """For a program: the weight or the constant, without axes of size 1 at its front."""
        given = getattr(self, f"input_{name}")
        sizes = self._sizes()[min(self._kept, default=len(self._input_shape)) :]
        if given is not None:
            value = given if np.ndim(given) == 0 else self._spread(name).reshape(sizes)
            return Tensor(value, self.dtype)
        weight = getattr(self, f"adapt_{name}")
        return weight.value if weight.shape == sizes else reshape(weight, sizes)

    def call(self, inputs: Any) -> Any:
        x = as_float(inputs, self.dtype)
        mean = self._operand("mean")
        deviation = sqrt(self._operand("variance"))
        deviation = maximum(deviation, config.epsilon())
        return mean + x * deviation if self.invert else (x - mean) / deviation

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        given = {"mean": self.input_mean, "variance": self.input_variance}
        given = {k: None if v is None else np.asarray(v).tolist() for k, v in given.items()}
        return {**super().get_config(), **given}

    def formula(self) -> str:
        return "mean + x · sqrt(variance)" if self.invert else "(x - mean) / sqrt(variance)"
