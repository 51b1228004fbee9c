"""Random numbers from a counter-based generator: the same key gives the same numbers, everywhere.

A key is two 32-bit integers: a seed, and how many times it was used. Word `i` of a draw is
Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011)
of the counter `i` under that key. Names and signatures are those of `keras.random`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from sheer.core import config, naming, random
from sheer.core.dtypes import is_float, standardize_dtype
from sheer.core.errors import TraceError, user_line
from sheer.core.shapes import Dim
from sheer.ops import recording
from sheer.ops.arithmetic import cast
from sheer.ops.declare import Array, Sample, op, operand
from sheer.ops.picking import take
from sheer.ops.rules import together
from sheer.ops.shaping import zeros_like
from sheer.ops.symbol import named
from sheer.ops.tensor import Tensor
from sheer.ops.variable import Variable

__all__ = [
    "SeedGenerator",
    "dropout",
    "normal",
    "permutation",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]


class SeedGenerator:
    """A source of keys whose state is a Variable, so that programs can draw from it.

    Args:
        seed: a whole number; by default taken from the global one (`set_random_seed`).

    >>> from sheer import random
    >>> seeds = random.SeedGenerator(1)
    >>> random.uniform((2,), seed=seeds).numpy() == random.uniform((2,), seed=seeds).numpy()
    array([False, False])
    """

    def __init__(self, seed: int | None = None, name: str | None = None):
        if seed is not None and not _is_whole(seed):
            raise TypeError(f"SeedGenerator: seed must be a whole number or None. Got {seed!r}.")
        key = random.next_key(None if seed is None else int(seed))
        self.seed = seed
        self.name = name or naming.auto_name(self)
        self.state = Variable(
            partial(_key_as_array, key), (2,), "uint32", trainable=False, name="state"
        )
        self.state.path = f"{self.name}/state"

    def next(self) -> Any:
        """The present key; the state moves on to the next."""
        key = self.state.value
        self.state.assign(key + np.array([0, 1], np.uint32))
        return key


def _key_as_array(key: random.Key, shape: Any, dtype: str) -> Any:
    return np.array(key, dtype)


def _is_whole(seed: Any) -> bool:
    return isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)


def _key(seed: Any) -> Any:
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if seed is None and recording.current_trace() is not None:
        raise TraceError(
            f"A random op without a seed, at {user_line()}\n"
            "In a program it would give the same numbers at every step.\n"
            "Give it a seed generator that you keep: random.SeedGenerator(seed)."
        )
    if seed is None or _is_whole(seed):
        return Tensor(np.array(random.next_key(None if seed is None else int(seed)), np.uint32))
    if getattr(seed, "dtype", None) == "uint32" and tuple(seed.shape) == (2,):
        return operand(seed)
    raise TypeError(f"seed must be a whole number, a SeedGenerator or None. Got {seed!r}.")


def threefry(xp: Any, key: Any, count: int) -> Any:
    """`count` random uint32 words: Threefry-2x32, 20 rounds, of the counters 0, 1, 2, ..."""
    a = xp.arange((count + 1) // 2, dtype=xp.uint32)
    b = xp.zeros_like(a)
    keys = [key[0], key[1], key[0] ^ key[1] ^ xp.uint32(0x1BD11BDA)]
    a, b = a + keys[0], b + keys[1]
    for group in range(5):
        for r in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            a = a + b
            b = ((b << xp.uint32(r)) | (b >> xp.uint32(32 - r))) ^ a
        a = a + keys[(group + 1) % 3]
        b = b + keys[(group + 2) % 3] + xp.uint32(group + 1)
    return xp.concatenate([a, b])[:count]


def fractions(xp: Any, key: Any, shape: Any, dtype: str) -> Any:
    """Numbers in [0, 1): 24 random bits for float32, 53 for float64."""
    count = 1
    for size in shape:
        count = count * size
    if dtype == "float64":
        words = threefry(xp, key, 2 * count).astype("uint64")
        bits = (words[:count] >> xp.uint64(5)) * xp.uint64(2**26) + (words[count:] >> xp.uint64(6))
        return (bits.astype("float64") * 2.0**-53).reshape(shape)
    bits = threefry(xp, key, count) >> xp.uint32(8)
    return (bits.astype("float32") * xp.float32(2.0**-24)).reshape(shape)


def box_muller(xp: Any, u1: Any, u2: Any, dtype: str) -> Any:
    """Normally distributed numbers from uniform ones in [0, 1)."""
    return xp.sqrt(-2 * xp.log(1 - u1)) * xp.cos(u2 * xp.asarray(2 * xp.pi, dtype))


def first_inside(xp: Any, draws: Any) -> Any:
    """Of six draws the first that lies in [-2, 2]; the last one, cut off, where none does."""
    result = xp.clip(draws[5], -2, 2)
    for draw in draws[4::-1]:
        result = xp.where(xp.abs(draw) <= 2, draw, result)
    return result


def _fractions_shape(*_: Any, shape: Any, **__: Any) -> Any:
    return tuple(shape)


def _given(*_: Any, dtype: str, **__: Any) -> str:
    return dtype


KEYED = Sample(
    lambda rng: [np.array([1, 2], np.uint32)], {"shape": (3, 4), "dtype": "float64"}, False
)


@op(shape=_fractions_shape, dtype=_given, sample=KEYED, inline=True, lazy=True)
def random_uniform(xp: Any, key: Array, shape: Any, dtype: str = "float32") -> Array:
    """Uniform numbers in [0, 1)."""
    return fractions(xp, key, shape, dtype)


@op(shape=_fractions_shape, dtype=_given, sample=KEYED, inline=True, lazy=True)
def random_normal(xp: Any, key: Array, shape: Any, dtype: str = "float32") -> Array:
    """Normally distributed numbers, mean 0 and variance 1, by Box and Muller's method."""
    u = fractions(xp, key, (2, *shape), dtype)
    return box_muller(xp, u[0], u[1], dtype)


@op(shape=_fractions_shape, dtype=_given, sample=KEYED, inline=True, lazy=True)
def random_truncated_normal(xp: Any, key: Array, shape: Any, dtype: str = "float32") -> Array:
    """Normally distributed numbers in [-2, 2]: the first of six draws that lies there.

    All six lie outside once in 10⁸ times; then the last one is moved to the nearer end.
    """
    u = fractions(xp, key, (12, *shape), dtype)
    return first_inside(xp, box_muller(xp, u[:6], u[6:], dtype))


@op(
    shape=lambda *_, count: (count,),
    dtype="int64",
    sample=Sample(lambda rng: [np.array([1, 2], np.uint32)], {"count": 7}, False),
    lazy=True,
)
def random_permutation(xp: Any, key: Array, count: Any) -> Array:
    """The numbers 0 to count - 1 in random order: by the order of as many random words."""
    return xp.argsort(threefry(xp, key, count), kind="stable")


def _made(draw: Any, shape: Any, dtype: Any, seed: Any) -> Any:
    shape = (shape,) if isinstance(shape, (int, Dim)) else tuple(shape)
    dtype = standardize_dtype(dtype or config.floatx())
    if not is_float(dtype):
        raise ValueError(f"{draw.name}: dtype must be float32 or float64. Got {dtype!r}.")
    return draw(_key(seed), shape, dtype)


def _moved(x: Any, scale: Any, offset: Any) -> Any:
    """x · scale + offset, as far as these change anything."""
    x = x if type(scale) in (int, float) and scale == 1 else x * scale
    return x if type(offset) in (int, float) and offset == 0 else x + offset


def uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Uniform numbers in [minval, maxval).

    seed: a whole number gives the same numbers at each call; a SeedGenerator new ones; None new
    ones from the global seed.

    >>> from sheer import random
    >>> random.uniform((2,), seed=1).shape
    (2,)
    """
    return _moved(_made(random_uniform, shape, dtype, seed), maxval - minval, minval)


def normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Normally distributed numbers. `seed` as in `uniform`."""
    return _moved(_made(random_normal, shape, dtype, seed), stddev, mean)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Normally distributed numbers, none further from the mean than 2 stddev. `seed` as in
    `uniform`."""
    return _moved(_made(random_truncated_normal, shape, dtype, seed), stddev, mean)


def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Whole numbers from minval to maxval - 1. `seed` as in `uniform`."""
    fraction = _made(random_uniform, shape, "float64", seed)
    return cast(fraction * (maxval - minval), dtype) + cast(minval, dtype)


def permutation(x: Any, seed: Any = None) -> Any:
    """The numbers 0 to x - 1 in random order, or the rows of x. `seed` as in `uniform`."""
    count = x if isinstance(x, (int, Dim)) else operand(x).shape[0]
    order = random_permutation(_key(seed), count)
    return order if isinstance(x, (int, Dim)) else take(x, order, axis=0)


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """The parts of x along an axis in random order. `seed` as in `uniform`."""
    x = operand(x)
    return take(x, random_permutation(_key(seed), x.shape[axis]), axis=axis)


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Elements set to 0 with probability `rate`, the others divided by 1 - rate.

    noise_shape: that of the draw, which broadcasts: elements along an axis of 1 go together. None
    in it stands for the size that the input has. `seed` as in `uniform`.
    """
    inputs = operand(inputs)
    if rate == 1:
        return zeros_like(inputs)
    return _thinned(inputs, kept(inputs, rate, noise_shape, seed), rate)


@op(
    shape=together,
    sample=Sample(
        lambda rng: [rng.normal(size=(3, 4)), rng.normal(size=(3, 4)) > 0], {"rate": 0.3}
    ),
    text="np.where({kept}, {x} / (1 - {rate}), 0)",
)
def _thinned(xp: Any, x: Array, kept: Array, rate: float = 0.5) -> Array:
    """x / (1 - rate) where it is kept, else 0; the slope is the same."""
    return xp.where(kept, x / (1 - rate), 0)


_thinned.slope(x=lambda g, y, x, kept, rate: _thinned(g, kept, rate))


def kept(inputs: Any, rate: float, noise_shape: Any, seed: Any) -> Any:
    """Which elements a dropout keeps."""
    sizes = inputs.shape if noise_shape is None else noise_shape
    shape = tuple(n if s is None else s for s, n in zip(sizes, inputs.shape, strict=True))
    return named("kept", uniform(shape, dtype=inputs.dtype, seed=seed) >= rate)
