"""Layers against overfitting: noise that is there in training alone, and a penalty."""

from __future__ import annotations

import math
from typing import Any

from sheer import regularizers
from sheer.core.checks import number
from sheer.layers.base import LAYERS, Layer
from sheer.ops import random
from sheer.ops.arithmetic import where
from sheer.ops.nn import SELU_ALPHA, SELU_SCALE
from sheer.ops.symbol import named


class Noise(Layer):
    """A layer that draws random numbers while it trains, and passes its input on else.

    `amount` is 0 where there is nothing to draw. The state of the draws, `seed_generator.state`, is
    among the layer's `variables`, and no weight.
    """

    supports_masking = True

    def _seed(self, seed: Any, amount: float) -> None:
        self.check_arguments()
        self.seed = seed
        self._draws = amount > 0
        if self._draws:
            self.seed_generator = random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.disturbed(inputs) if training and self._draws else inputs

    def disturbed(self, inputs: Any) -> Any:
        """What it makes of its input in training."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(input_shape)


@LAYERS.add()
class Dropout(Noise):
    """In training, elements set to 0 at random, the others divided by 1 - rate.

    So the sum is expected to stay; outside of training nothing changes. (Srivastava et al. 2014)

    Args:
        rate: the probability that an element is dropped, in [0, 1].
        noise_shape: the shape of the draw, which broadcasts against the input: elements along an
            axis of 1 are dropped together. None in it stands for the input's own size.
        seed: a whole number; by default taken from the global one.

    Example:

    >>> import sheer
    >>> layer = sheer.layers.Dropout(0.5, seed=1)
    >>> layer(sheer.ops.ones((1, 6)), training=True).numpy()
    array([[2., 0., 0., 2., 0., 2.]], dtype=float32)
    >>> layer(sheer.ops.ones((1, 2))).numpy()
    array([[1., 1.]], dtype=float32)
    """

    arguments = {"rate": number(0, 1)}

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.rate = rate
        self.noise_shape = noise_shape if noise_shape is None else tuple(noise_shape)
        self._seed(seed, rate)

    def disturbed(self, inputs: Any) -> Any:
        return random.dropout(inputs, self.rate, self.noise_shape, self.seed_generator)

    def formula(self) -> str:
        return f"elements kept with probability {1 - self.rate:.6g}, and divided by it"


@LAYERS.add()
class AlphaDropout(Noise):
    """In training, elements set at random to the value where selu saturates, -1.758; then all are
    scaled and shifted so that mean and variance stay.

    It goes with `selu`. (Klambauer et al. 2017)

    Args:
        rate: the probability that an element is dropped, in [0, 1).
        noise_shape, seed: as in Dropout.
    """

    arguments = {"rate": number(0, 1, "[)")}

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.rate = rate
        self.noise_shape = noise_shape if noise_shape is None else tuple(noise_shape)
        self._seed(seed, rate)

    def disturbed(self, inputs: Any) -> Any:
        low = -SELU_ALPHA * SELU_SCALE
        scale = ((1 - self.rate) * (1 + self.rate * low**2)) ** -0.5
        kept = random.kept(inputs, self.rate, self.noise_shape, self.seed_generator)
        return scale * where(kept, inputs, low) + -scale * low * self.rate

    def formula(self) -> str:
        return f"elements kept with probability {1 - self.rate:.6g}, else those of a saturated selu"


@LAYERS.add()
class GaussianDropout(Noise):
    """In training, x times normally distributed numbers of mean 1 and variance rate / (1 - rate).

    (Srivastava et al. 2014, section 10)

    Args:
        rate: in [0, 1); the noise has the variance that Dropout of this rate has.
        seed: as in Dropout.
    """

    arguments = {"rate": number(0, 1, "[)")}

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.rate = rate
        self._seed(seed, rate)

    def disturbed(self, inputs: Any) -> Any:
        stddev = math.sqrt(self.rate / (1 - self.rate))
        noise = random.normal(inputs.shape, 1.0, stddev, self.dtype, self.seed_generator)
        return inputs * named("noise", noise)

    def formula(self) -> str:
        return "x times noise of mean 1"


@LAYERS.add()
class GaussianNoise(Noise):
    """In training, x plus normally distributed numbers of mean 0.

    Args:
        stddev: of the noise, in [0, 1].
        seed: as in Dropout.
    """

    arguments = {"stddev": number(0, 1)}

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.stddev = stddev
        self._seed(seed, stddev)

    def disturbed(self, inputs: Any) -> Any:
        noise = random.normal(inputs.shape, 0.0, self.stddev, self.dtype, self.seed_generator)
        return inputs + named("noise", noise)

    def formula(self) -> str:
        return "x plus noise of mean 0"


@LAYERS.add()
class ActivityRegularization(Layer):
    """Passes its input on, and adds a penalty on it to the loss.

    It is l1 · sum |x| + l2 · sum x², divided by the number of examples.

    Args:
        l1, l2: numbers of 0 or more.

    Example:

    >>> import numpy as np, sheer
    >>> layer = sheer.layers.ActivityRegularization(l1=0.5)
    >>> layer(np.array([[3.0, -1.0]])).numpy(), float(layer.losses[0])
    (array([[ 3., -1.]], dtype=float32), 2.0)
    """

    supports_masking = True
    arguments = {"l1": number(0), "l2": number(0)}

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.l1, self.l2 = l1, l2
        self.check_arguments()
        self.activity_regularizer = regularizers.L1L2(l1, l2) if l1 or l2 else None

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return config

    def formula(self) -> str:
        return "x, and a penalty on it"
