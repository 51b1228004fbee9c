"""First values of weights. An initializer is called with a shape and a dtype.

A random one takes its key when it is made: calling it again gives the same numbers, as in Keras.
`expression` tells in words of a program how the values are made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sheer.core import config, random
from sheer.core.checks import Check, boolean, integer, nothing, number, one_of
from sheer.core.errors import absent
from sheer.core.registry import Configurable, Registry
from sheer.core.registry import serialize as serialize
from sheer.ops import random as draws
from sheer.ops.declare import Array
from sheer.ops.shaping import eye, full
from sheer.ops.tensor import Tensor

INITIALIZERS = Registry("initializer")


class Initializer(Configurable):
    """The base of initializers: a subclass has `__call__(shape, dtype=None)`."""

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        raise NotImplementedError(f"{type(self).__name__} needs a method __call__(shape, dtype).")

    def clone(self) -> Self:
        """A new one with the same arguments."""
        return self.from_config(self.get_config())


@INITIALIZERS.add()
class Zeros(Initializer):
    """0 everywhere.

    >>> Zeros()((2,)).numpy()
    array([0., 0.], dtype=float32)
    """

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        return full(shape, 0, dtype)


@INITIALIZERS.add()
class Ones(Initializer):
    """1 everywhere."""

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        return full(shape, 1, dtype)


@INITIALIZERS.add()
class Constant(Initializer):
    """One value everywhere."""

    def __init__(self, value: float = 0.0):
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        return full(shape, self.value, dtype)


@INITIALIZERS.add("IdentityInitializer")
class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere."""

    arguments = {"gain": number()}

    def __init__(self, gain: float = 1.0):
        self.gain = gain
        self.check_arguments()

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        if len(shape) != 2:
            raise ValueError(f"Identity initializes matrices only. Got shape {tuple(shape)}.")
        return eye(shape[0], shape[1], dtype=dtype) * self.gain


class RandomInitializer(Initializer):
    """The base of random initializers.

    seed: a whole number; by default the next of the global seed (`set_random_seed`).
    """

    arguments = {"seed": integer(0) | nothing()}

    def __init__(self, seed: int | None = None):
        self.seed = seed
        self.check_arguments()
        self.key = random.next_key(seed)

    def draw(self, shape: Any, dtype: Any) -> tuple[Any, float, float]:
        """The op that draws, and the scale and offset of its numbers."""
        raise NotImplementedError

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        draw, scale, offset = self.draw(shape, dtype)
        key = Tensor(list(self.key), "uint32")
        values = draw(key, tuple(shape), str(dtype or config.floatx()))
        values = values * scale
        return values + offset if offset else values


@INITIALIZERS.add("uniform")
class RandomUniform(RandomInitializer):
    """Uniform numbers in [minval, maxval)."""

    arguments = {"minval": number(), "maxval": number()}

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        self.minval, self.maxval = minval, maxval
        super().__init__(seed)

    def draw(self, shape: Any, dtype: Any) -> tuple[Any, float, float]:
        return draws.random_uniform, self.maxval - self.minval, self.minval


@INITIALIZERS.add("normal")
class RandomNormal(RandomInitializer):
    """Normally distributed numbers."""

    arguments = {"mean": number(), "stddev": number(0)}

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def draw(self, shape: Any, dtype: Any) -> tuple[Any, float, float]:
        return draws.random_normal, self.stddev, self.mean


@INITIALIZERS.add()
class TruncatedNormal(RandomInitializer):
    """Normally distributed numbers, none further from the mean than 2 stddev."""

    arguments = {"mean": number(), "stddev": number(0)}

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def draw(self, shape: Any, dtype: Any) -> tuple[Any, float, float]:
        return draws.random_truncated_normal, self.stddev, self.mean


@INITIALIZERS.add("OrthogonalInitializer")
class Orthogonal(RandomInitializer):
    """A random matrix whose columns are orthogonal and of length `gain`; its rows, if it has more
    columns than rows. (Saxe et al. 2014.)

    All axes but the last count as one. It is the Q of the QR decomposition of normally distributed
    numbers, with the signs that make the diagonal of R positive.

    >>> q = Orthogonal(seed=1)((3, 2))
    >>> (q.T @ q).numpy().round(3) + 0.0
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    arguments = {"gain": number()}

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        self.gain = gain
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs two axes or more. Got shape {tuple(shape)}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        key = np.array(self.key, np.uint32)
        tall = max(rows, columns), min(rows, columns)
        normal = draws.random_normal.body(np, key, tall, str(dtype or config.floatx()))
        q, r = np.linalg.qr(normal)
        q = q * np.sign(np.diag(r))
        return Tensor((self.gain * (q if rows >= columns else q.T)).reshape(shape).astype(q.dtype))


def fans(
    shape: Any, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """How many inputs and outputs each unit has: the last two axes, times the rest (a filter); or
    the product of the axes given."""
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[i] for i in input_axes), math.prod(shape[i] for i in output_axes)
    if len(shape) < 2:
        size = math.prod(shape)
        return size, size
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


# The standard deviation of a normal distribution cut off at 2.
TRUNCATED_STDDEV = 0.87962566103423978


@INITIALIZERS.add()
class VarianceScaling(RandomInitializer):
    """Random numbers of variance scale / fan, where fan counts a unit's inputs or outputs.

    mode: `"fan_in"`, `"fan_out"` or `"fan_avg"`. distribution: `"uniform"`, `"truncated_normal"`
    or `"untruncated_normal"`. input_axes and output_axes: which axes of the shape count as inputs
    and as outputs, where they are not the last two.
    """

    arguments = {
        "scale": number(0, None, "()"),
        "mode": one_of("fan_in", "fan_out", "fan_avg"),
        "distribution": one_of("uniform", "truncated_normal", "untruncated_normal"),
    }

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        self.scale, self.mode = scale, mode
        self.distribution = "truncated_normal" if distribution == "normal" else distribution
        self.input_axes, self.output_axes = input_axes, output_axes
        super().__init__(seed)

    def draw(self, shape: Any, dtype: Any) -> tuple[Any, float, float]:
        fan_in, fan_out = fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return draws.random_uniform, 2 * limit, -limit
        if self.distribution == "untruncated_normal":
            return draws.random_normal, math.sqrt(variance), 0.0
        return draws.random_truncated_normal, math.sqrt(variance) / TRUNCATED_STDDEV, 0.0


class _Scaled(VarianceScaling):
    """A variance scaling with a name."""

    recipe: tuple[float, str, str]

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(*self.recipe, seed, input_axes, output_axes)


@INITIALIZERS.add()
class GlorotUniform(_Scaled):
    """Uniform in ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010): the default of kernels."""

    recipe = (1.0, "fan_avg", "uniform")


@INITIALIZERS.add()
class GlorotNormal(_Scaled):
    """Truncated normal of variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010)."""

    recipe = (1.0, "fan_avg", "truncated_normal")


@INITIALIZERS.add()
class HeUniform(_Scaled):
    """Uniform in ±sqrt(6 / fan_in) (He et al. 2015)."""

    recipe = (2.0, "fan_in", "uniform")


@INITIALIZERS.add()
class HeNormal(_Scaled):
    """Truncated normal of variance 2 / fan_in (He et al. 2015)."""

    recipe = (2.0, "fan_in", "truncated_normal")


@INITIALIZERS.add()
class LecunUniform(_Scaled):
    """Uniform in ±sqrt(3 / fan_in) (LeCun et al. 1998)."""

    recipe = (1.0, "fan_in", "uniform")


@INITIALIZERS.add()
class LecunNormal(_Scaled):
    """Truncated normal of variance 1 / fan_in (LeCun et al. 1998)."""

    recipe = (1.0, "fan_in", "truncated_normal")


# Windows by name, of so many numbers; SciPy, which Keras asks, knows more of them.
WINDOWS = {"hann": np.hanning, "hamming": np.hamming, "blackman": np.blackman,
           "bartlett": np.bartlett}  # fmt: skip
NUMBERS = Check(
    "a list of numbers",
    lambda v: isinstance(v, list) and all(map(number().accepts, v)),
    (["0.5"], 0.5),
)


@INITIALIZERS.add("STFTInitializer")
class STFT(Initializer):
    """Filters (frame_length, 1, frequencies) of a short-time Fourier transform: the real or the
    imaginary part of exp(-2πi · time · frequency / fft_length) · window / scale.

    fft_length is 2 (frequencies - 1).

    Args:
        side: `"real"` or `"imag"`.
        window: `"hann"`, `"hamming"`, `"blackman"`, `"bartlett"`; a list of frame_length numbers;
            or None. (Keras knows all windows of SciPy's by name.)
        scaling: what the window is divided by: `"density"`, the root of the sum of its squares;
            `"spectrum"`, the sum of its absolute values; or None.
        periodic: whether the window is one period, of which the next would follow, and so not
            symmetrical.

    >>> STFT(window=None)((4, 1, 3)).numpy()[:, 0].round(3) + 0.0
    array([[ 1.,  1.,  1.],
           [ 1.,  0., -1.],
           [ 1., -1.,  1.],
           [ 1.,  0., -1.]], dtype=float32)
    """

    arguments = {
        "side": one_of("real", "imag"),
        "window": one_of(*WINDOWS, None) | NUMBERS,
        "scaling": one_of("density", "spectrum", None),
        "periodic": boolean(),
    }

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ):
        by_name = window is None or isinstance(window, str)
        self.window = window if by_name else np.asarray(window).tolist()
        self.side, self.scaling, self.periodic = side, scaling, periodic
        self.check_arguments()

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        if len(shape) != 3 or shape[1] != 1 or shape[2] < 2:
            raise ValueError(
                "STFT makes filters (frame_length, 1, frequencies) with 2 frequencies or more. "
                f"Got shape {tuple(shape)}."
            )
        length, _, frequencies = shape
        turns = np.outer(np.arange(length), np.arange(frequencies) / (2 * (frequencies - 1)))
        values = (np.cos if self.side == "real" else np.sin)(-2 * np.pi * turns)
        values *= self._scaled_window(length)[:, None]
        return Tensor(values[:, None], str(dtype or config.floatx()))

    def _scaled_window(self, length: int) -> Any:
        if self.window is None:
            return np.ones(length)
        if isinstance(self.window, str):
            size = length + 1 if self.periodic and length > 1 else length
            window = WINDOWS[self.window](size)[:length]
        else:
            window = np.array(self.window, np.float64)
        if len(window) != length:
            raise ValueError(
                f"STFT: the window has {len(window)} numbers, and the filters are {length} long. "
                "Give as many, or the name of a window."
            )
        if self.scaling == "density":
            return window / np.sqrt(np.sum(window**2))
        return window / np.sum(np.abs(window)) if self.scaling == "spectrum" else window


INITIALIZERS.entries |= {"zero": Zeros, "one": Ones}

# Keras's other names.
zeros, ones, constant, identity = Zeros, Ones, Constant, Identity
IdentityInitializer = Identity
orthogonal = OrthogonalInitializer = Orthogonal
random_uniform, random_normal = RandomUniform, RandomNormal
truncated_normal, variance_scaling = TruncatedNormal, VarianceScaling
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal
stft = STFTInitializer = STFT


def get(identifier: Any) -> Any:
    """The initializer meant by a name, a config, or a function of (shape, dtype).

    >>> get("glorot_uniform")
    GlorotUniform(seed=None, input_axes=None, output_axes=None)
    """
    return INITIALIZERS.get(identifier)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The initializer that `serialize` described; `custom_objects`: further classes by name."""
    return INITIALIZERS.get(config, custom_objects)


if not TYPE_CHECKING:
    __getattr__ = absent(__name__, "")
