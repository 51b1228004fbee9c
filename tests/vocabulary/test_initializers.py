"""Initializers: their values' distribution, repeatability, dtype and errors."""

import math

import numpy as np
import pytest

import sheer
from recorded import recorded
from sheer import initializers
from sheer.initializers import INITIALIZERS, RandomInitializer

RANDOM = [c for c in INITIALIZERS.classes() if issubclass(c, RandomInitializer)]
FAN_IN, FAN_OUT = 300, 200
SHAPE = (FAN_IN, FAN_OUT)
AVERAGE = (FAN_IN + FAN_OUT) / 2
# Of a normal distribution cut off at 2 standard deviations.
CUT = 0.8796256610342398

# The variance of each, and the largest absolute value that there can be.
DISTRIBUTIONS = [
    (initializers.RandomUniform(), 0.1**2 / 12, 0.05),
    (initializers.RandomUniform(-1.0, 1.0), 4 / 12, 1.0),
    (initializers.RandomNormal(), 0.05**2, None),
    (initializers.RandomNormal(stddev=2.0), 4.0, None),
    (initializers.TruncatedNormal(), (0.05 * CUT) ** 2, 0.1),
    (initializers.VarianceScaling(), 1 / FAN_IN, 2 / CUT / math.sqrt(FAN_IN)),
    (initializers.VarianceScaling(3.0, "fan_out", "uniform"), 3 / FAN_OUT, 3 / math.sqrt(FAN_OUT)),
    (initializers.VarianceScaling(1.0, "fan_avg", "untruncated_normal"), 1 / AVERAGE, None),
    (initializers.GlorotUniform(), 1 / AVERAGE, math.sqrt(6 / (FAN_IN + FAN_OUT))),
    (initializers.GlorotNormal(), 1 / AVERAGE, 2 / CUT / math.sqrt(AVERAGE)),
    (initializers.HeUniform(), 2 / FAN_IN, math.sqrt(6 / FAN_IN)),
    (initializers.HeNormal(), 2 / FAN_IN, 2 / CUT * math.sqrt(2 / FAN_IN)),
    (initializers.LecunUniform(), 1 / FAN_IN, math.sqrt(3 / FAN_IN)),
    (initializers.LecunNormal(), 1 / FAN_IN, 2 / CUT / math.sqrt(FAN_IN)),
    (initializers.Orthogonal(), 1 / FAN_IN, None),
]


@pytest.mark.parametrize(("made", "variance", "limit"), DISTRIBUTIONS, ids=lambda v: repr(v)[:60])
def test_distribution(made, variance, limit):
    """60,000 numbers: mean 0, the variance within 3 per cent, the limit nearly reached."""
    values = type(made)(**{**made.get_config(), "seed": 1})(SHAPE).numpy()
    assert values.shape == SHAPE
    assert abs(values.mean()) < 4 * math.sqrt(variance / values.size)
    assert abs(values.var() / variance - 1) < 0.03
    if limit is None:
        assert np.abs(values).max() > 3.5 * math.sqrt(variance)
    else:
        assert 0.995 * limit < np.abs(values).max() <= limit * (1 + 1e-6)


def test_every_random_one_is_here():
    assert {type(made) for made, _, _ in DISTRIBUTIONS} == set(RANDOM)


def test_offsets():
    values = initializers.RandomUniform(2.0, 3.0, seed=1)((1000,)).numpy()
    assert values.min() >= 2 and values.max() < 3
    assert abs(initializers.RandomNormal(5.0, 0.1, seed=1)((1000,)).numpy().mean() - 5) < 0.02
    assert abs(initializers.TruncatedNormal(5.0, 0.1, seed=1)((999,)).numpy().mean() - 5) < 0.02


@pytest.mark.parametrize("cls", RANDOM, ids=lambda cls: cls.__name__)
def test_seeds(cls):
    """A seed gives its numbers; without one, each instance has its own, the same at each call."""
    assert (cls(seed=7).clone()((4, 5)).numpy() == cls(seed=7)((4, 5)).numpy()).all()
    first, same, other = (cls(seed=s)((4, 5)).numpy() for s in (7, 7, 8))
    assert (first == same).all()
    assert (first != other).any()
    one, two = cls(), cls()
    assert (one((4, 5)).numpy() == one((4, 5)).numpy()).all()
    assert (one((4, 5)).numpy() != two((4, 5)).numpy()).any()
    sheer.utils.set_random_seed(5)
    first = cls()((4, 5)).numpy()
    sheer.utils.set_random_seed(5)
    assert (cls()((4, 5)).numpy() == first).all()


@pytest.mark.parametrize("cls", INITIALIZERS.classes(), ids=lambda cls: cls.__name__)
def test_dtypes(cls):
    shape = (3, 1, 3) if cls is initializers.STFT else (3, 3)
    assert cls()(shape).dtype == "float32"
    assert cls()(shape, dtype="float64").dtype == "float64"
    sheer.config.set_floatx("float64")
    assert cls()(shape).dtype == "float64"


def test_fixed_values():
    assert initializers.Zeros()((2,)).numpy().tolist() == [0.0, 0.0]
    assert initializers.Ones()((2,), dtype="int32").numpy().tolist() == [1, 1]
    assert initializers.Constant(2.5)((1, 2)).numpy().tolist() == [[2.5, 2.5]]
    identity = initializers.Identity(2.0)((2, 3)).numpy()
    assert identity.tolist() == [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]


def test_fans():
    """Of a vector, its size; of filters, the last two axes times the size of the field."""
    assert initializers.fans(()) == (1, 1)
    assert initializers.fans((5,)) == (5, 5)
    assert initializers.fans((3, 5)) == (3, 5)
    assert initializers.fans((2, 2, 3, 5)) == (12, 20)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (2, 3, 4)])
def test_orthogonal(shape):
    """The shorter side's vectors are orthogonal, and of the length `gain`."""
    values = initializers.Orthogonal(gain=2.0, seed=1)(shape, "float64").numpy()
    assert values.shape == shape
    matrix = values.reshape(-1, shape[-1])
    tall = matrix if len(matrix) >= shape[-1] else matrix.T
    np.testing.assert_allclose(tall.T @ tall, 4 * np.eye(min(matrix.shape)), atol=1e-14)
    # The diagonal of R is positive, which makes the draw uniform.
    normal = sheer.random.normal(tall.shape, dtype="float64", seed=1).numpy()
    assert (np.diag(tall.T @ normal) > 0).all()


def test_axes_of_inputs_and_outputs():
    """(heads, size, features) with features in and heads · size out."""
    assert initializers.fans((2, 3, 5), [2], [0, 1]) == (5, 6)
    axes = {"input_axes": [2], "output_axes": [0, 1]}
    values = initializers.HeUniform(seed=1, **axes)((2, 30, 500)).numpy()
    assert 0.99 * math.sqrt(6 / 500) < np.abs(values).max() <= math.sqrt(6 / 500)
    assert initializers.VarianceScaling(distribution="normal").distribution == "truncated_normal"


@pytest.mark.parametrize("case", recorded("stft.json")["cases"], ids=lambda c: str(c["given"]))
def test_stft(case):
    """Keras's figures."""
    made = initializers.STFT(**case["given"])
    values = made(tuple(case["shape"]), "float64").numpy()
    np.testing.assert_allclose(values, case["values"], rtol=1e-12, atol=1e-14)
    single = made.clone()(tuple(case["shape"])).numpy()
    np.testing.assert_array_equal(single, values.astype("float32"))


def test_stft_takes_windows_of_numbers():
    """Three numbers of Hann's window, 0, 1 and 0; only the second time remains: cos(π f / 2)."""
    for window in (
        "hann",
        [0, 1, 0],
        (0.0, 1.0, 0.0),
        np.array([0, 1, 0]),
        sheer.Variable([0, 1, 0]),
    ):
        values = initializers.STFT(window=window)((3, 1, 3), "float64").numpy()
        np.testing.assert_allclose(values[:, 0], [[0, 0, 0], [1, 0, -1], [0, 0, 0]], atol=1e-15)


def test_errors():
    with pytest.raises(ValueError) as error:
        initializers.STFT(window="kaiser")
    assert str(error.value) == (
        "STFT: window must be one of 'hann', 'hamming', 'blackman', 'bartlett', None or a list of "
        "numbers. Got 'kaiser'."
    )
    with pytest.raises(ValueError) as error:
        initializers.STFT(window=[1.0, 2.0])((3, 1, 4))
    assert str(error.value) == (
        "STFT: the window has 2 numbers, and the filters are 3 long. Give as many, or the name of "
        "a window."
    )
    with pytest.raises(ValueError) as error:
        initializers.STFT()((3, 4))
    assert str(error.value) == (
        "STFT makes filters (frame_length, 1, frequencies) with 2 frequencies or more. "
        "Got shape (3, 4)."
    )
    with pytest.raises(ValueError) as error:
        initializers.Orthogonal()((2,))
    assert str(error.value) == "Orthogonal needs two axes or more. Got shape (2,)."
    with pytest.raises(ValueError) as error:
        initializers.Identity()((2, 2, 2))
    assert str(error.value) == "Identity initializes matrices only. Got shape (2, 2, 2)."
    with pytest.raises(NotImplementedError, match="Mine needs a method __call__"):
        type("Mine", (initializers.Initializer,), {})()((2,))


def test_a_function_as_initializer():
    def diagonal(shape, dtype=None):
        return np.eye(*shape, dtype=dtype)

    layer = sheer.layers.Dense(2, kernel_initializer=diagonal)
    layer.build((None, 3))
    assert layer.kernel.numpy().tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
