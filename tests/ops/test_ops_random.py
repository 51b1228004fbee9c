"""Random numbers: the generator against its definition, the draws against their distributions."""

import math

import numpy as np
import pytest

import sheer
from sheer import TraceError, ops, random
from sheer.ops.random import fractions, threefry

MASK = 2**32 - 1
# Threefry-2x32 with 20 rounds: counter, key, result, as the Random123 library publishes them.
KNOWN_ANSWERS = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((MASK, MASK), (MASK, MASK), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]


def reference(counter, key):
    """Threefry-2x32-20 by its paper, one word at a time, in Python's integers."""
    x0, x1 = counter
    keys = [key[0], key[1], 0x1BD11BDA ^ key[0] ^ key[1]]
    rotations = (13, 15, 26, 6, 17, 29, 16, 24)
    x0, x1 = (x0 + keys[0]) & MASK, (x1 + keys[1]) & MASK
    for r in range(20):
        x0 = (x0 + x1) & MASK
        shift = rotations[r % 8]
        x1 = ((x1 << shift) | (x1 >> (32 - shift))) & MASK
        x1 ^= x0
        if r % 4 == 3:
            group = r // 4 + 1
            x0 = (x0 + keys[group % 3]) & MASK
            x1 = (x1 + keys[(group + 1) % 3] + group) & MASK
    return x0, x1


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN_ANSWERS)
def test_the_reference_gives_the_published_answers(counter, key, result):
    assert reference(counter, key) == result


@pytest.mark.parametrize("key", [(0, 0), (1, 2), (MASK, MASK), (0x13198A2E, 0x03707344)])
@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_the_generator_is_threefry(key, count):
    """Word i and word i + half are the two halves of the block of counter (i, 0)."""
    found = threefry(np, np.array(key, np.uint32), count)
    assert found.dtype == np.uint32
    blocks = [reference((i, 0), key) for i in range((count + 1) // 2)]
    expected = [a for a, _ in blocks] + [b for _, b in blocks]
    assert found.tolist() == expected[:count]


def test_the_published_answer_of_counter_and_key_zero():
    assert threefry(np, np.zeros(2, np.uint32), 2).tolist() == [0x6B200159, 0x99BA4EFE]


def test_fractions_are_the_upper_bits():
    key = np.array([1, 2], np.uint32)
    words = threefry(np, key, 6)
    single = fractions(np, key, (2, 3), "float32")
    assert single.dtype == np.float32 and single.shape == (2, 3)
    assert (single.ravel() * 2**24).tolist() == [int(w) >> 8 for w in words]
    double = fractions(np, key, (3,), "float64")
    bits = [
        (int(a) >> 5) * 2**26 + (int(b) >> 6) for a, b in zip(words[:3], words[3:], strict=True)
    ]
    assert (double * 2.0**53).tolist() == bits


# --- distributions ----------------------------------------------------------------------------

COUNT = 20_000
# Kolmogorov: the distance between the two distributions is above this once in 10,000 seeds.
FAR = math.sqrt(-math.log(0.0001 / 2) / 2 / COUNT)


def normal_below(x):
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


INSIDE = normal_below(2) - normal_below(-2)
DRAWS = {
    "uniform": (lambda s, d: random.uniform((COUNT,), seed=s, dtype=d), lambda x: x, 0.5, 1 / 12),
    "uniform of an interval": (
        lambda s, d: random.uniform((COUNT,), -3, 1, seed=s, dtype=d),
        lambda x: (x + 3) / 4,
        -1,
        16 / 12,
    ),
    "normal": (
        lambda s, d: random.normal((COUNT,), mean=2, stddev=3, seed=s, dtype=d),
        lambda x: normal_below((x - 2) / 3),
        2,
        9,
    ),
    "truncated_normal": (
        lambda s, d: random.truncated_normal((COUNT,), mean=1, stddev=0.5, seed=s, dtype=d),
        lambda x: (normal_below((x - 1) / 0.5) - normal_below(-2)) / INSIDE,
        1,
        # 1 - 4 φ(2) / (Φ(2) - Φ(-2)), times stddev²
        0.25 * (1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / INSIDE),
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", [0, 1, 12345])
@pytest.mark.parametrize("name", DRAWS)
def test_distribution(name, seed, dtype):
    draw, below, mean, variance = DRAWS[name]
    tensor = draw(seed, dtype)
    assert tensor.dtype == dtype
    x = np.sort(tensor.numpy()).astype(np.float64)
    expected = np.array([below(v) for v in x])
    ranks = np.arange(COUNT) / COUNT
    distance = max(np.max(expected - ranks), np.max(ranks + 1 / COUNT - expected))
    assert distance < FAR
    # Five standard errors.
    assert abs(x.mean() - mean) < 5 * math.sqrt(variance / COUNT)
    assert abs(x.var() / variance - 1) < 5 * math.sqrt(2 / COUNT)


def test_ranges():
    assert random.uniform((COUNT,), seed=3).numpy().min() >= 0
    assert random.uniform((COUNT,), seed=3).numpy().max() < 1
    assert np.isfinite(random.normal((COUNT,), seed=3).numpy()).all()
    assert 1.99 < np.abs(random.truncated_normal((COUNT,), seed=3).numpy()).max() <= 2


def test_neighbours_are_not_alike():
    """Neither the numbers of one draw nor the draws of neighbouring keys are correlated."""
    a, b = random.normal((COUNT,), seed=4).numpy(), random.normal((COUNT,), seed=5).numpy()
    for x, y in [(a, b), (a[1:], a[:-1]), (a[COUNT // 2 :], a[: COUNT // 2])]:
        assert abs(np.mean(x * y)) < 5 / math.sqrt(len(x))


def test_randint():
    x = random.randint((COUNT,), -2, 3, seed=1)
    assert x.dtype == "int32"
    values, counts = np.unique(x.numpy(), return_counts=True)
    assert values.tolist() == [-2, -1, 0, 1, 2]
    assert np.abs(counts - COUNT / 5).max() < 5 * math.sqrt(COUNT * 0.2 * 0.8)
    assert random.randint((2,), 0, 5, dtype="int64", seed=1).dtype == "int64"


def test_permutation_is_one():
    order = random.permutation(1000, seed=1).numpy()
    assert sorted(order) == list(range(1000))
    assert (order != np.arange(1000)).sum() > 980
    assert random.permutation(0, seed=1).shape == (0,)


def test_every_order_comes_up_as_often():
    orders = [tuple(random.permutation(3, seed=s).numpy()) for s in range(1200)]
    counts = [orders.count(o) for o in sorted(set(orders))]
    assert len(counts) == 6
    assert max(abs(c - 200) for c in counts) < 5 * math.sqrt(200 * 5 / 6)


def test_permutation_and_shuffle_of_rows():
    x = np.arange(12).reshape(4, 3)
    rows = random.permutation(x, seed=2).numpy()
    assert sorted(map(tuple, rows)) == sorted(map(tuple, x)) and (rows != x).any()
    np.testing.assert_array_equal(random.shuffle(x, seed=2).numpy(), rows)
    columns = random.shuffle(x, axis=1, seed=2).numpy()
    assert sorted(map(tuple, columns.T)) == sorted(map(tuple, x.T))


def test_dropout():
    x = np.ones((100, 100), np.float32)
    y = random.dropout(x, 0.2, seed=1).numpy()
    assert y.dtype == np.float32
    assert np.unique(y).tolist() == [0, 1.25]
    assert abs((y == 0).mean() - 0.2) < 5 * math.sqrt(0.16 / x.size)
    rows = random.dropout(x, 0.5, noise_shape=(100, 1), seed=1).numpy()
    assert (rows == rows[:, :1]).all() and np.unique(rows).tolist() == [0, 2]


# --- seeds ------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_numbers():
    a, b = random.normal((5,), seed=7).numpy(), random.normal((5,), seed=7).numpy()
    np.testing.assert_array_equal(a, b)
    assert (a != random.normal((5,), seed=8).numpy()).all()
    np.testing.assert_array_equal(a, random.normal((5,), seed=np.int64(7)).numpy())


def test_set_random_seed_repeats_all_that_follows():
    def draws():
        sheer.utils.set_random_seed(99)
        seeds = random.SeedGenerator()
        return [
            random.uniform((3,)).numpy(),
            random.normal((3,)).numpy(),
            random.permutation(5).numpy(),
            random.uniform((3,), seed=seeds).numpy(),
            sheer.layers.Dense(2)(np.ones((1, 3))).numpy(),
            np.random.uniform(size=3),
        ]

    for a, b in zip(draws(), draws(), strict=True):
        np.testing.assert_array_equal(a, b)
    first = draws()
    assert (first[0] != random.uniform((3,)).numpy()).all()


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True, "1"])
def test_a_seed_out_of_range(seed):
    with pytest.raises(ValueError) as caught:
        sheer.utils.set_random_seed(seed)
    assert str(caught.value) == f"seed must be a whole number in [0, 2**32). Got {seed!r}."


def test_a_seed_generator_gives_new_numbers_and_can_be_repeated():
    seeds, again = random.SeedGenerator(5), random.SeedGenerator(5)
    a, b = random.normal((4,), seed=seeds).numpy(), random.normal((4,), seed=seeds).numpy()
    assert (a != b).all()
    np.testing.assert_array_equal(a, random.normal((4,), seed=again).numpy())
    np.testing.assert_array_equal(b, random.normal((4,), seed=again).numpy())
    # The first draw is that of the seed itself.
    np.testing.assert_array_equal(a, random.normal((4,), seed=5).numpy())
    assert seeds.state.numpy().tolist() == [5, 2]
    assert not seeds.state.trainable


def test_seed_generators_have_names():
    seeds, other = random.SeedGenerator(), random.SeedGenerator()
    assert (seeds.name, other.name) == ("seed_generator", "seed_generator_1")
    assert random.SeedGenerator(name="noise").state.path == "noise/state"
    assert (seeds.state.numpy() != other.state.numpy()).any()


def test_wrong_seeds_and_dtypes():
    with pytest.raises(TypeError) as caught:
        random.uniform((2,), seed=1.5)
    assert str(caught.value) == "seed must be a whole number, a SeedGenerator or None. Got 1.5."
    with pytest.raises(TypeError) as caught:
        random.SeedGenerator("a")
    assert str(caught.value) == "SeedGenerator: seed must be a whole number or None. Got 'a'."
    with pytest.raises(ValueError) as caught:
        random.uniform((2,), dtype="int32")
    assert str(caught.value) == "random_uniform: dtype must be float32 or float64. Got 'int32'."


# --- in programs ------------------------------------------------------------------------------


def test_a_program_draws_what_is_drawn_at_once():
    seeds, again = random.SeedGenerator(5), random.SeedGenerator(5)

    @sheer.function
    def noisy(x):
        return x + random.normal(x.shape, seed=seeds)

    x = np.zeros((3, 2), np.float32)
    for _ in range(3):
        expected = random.normal((3, 2), seed=again).numpy()
        # The logarithm and the cosine of another engine may differ in the last place.
        np.testing.assert_allclose(noisy(x).numpy(), expected, rtol=2e-6)
    assert seeds.state.numpy().tolist() == [5, 3]


def test_a_draw_for_each_of_n_rows():
    seeds = random.SeedGenerator(5)

    def mask(x):
        return random.dropout(x, 0.5, seed=seeds), random.permutation(x.shape[0], seed=1)

    program = sheer.function(mask, input_signature=[sheer.InputSpec(shape=(None, 3))])
    for rows in (2, 5):
        kept, order = program(np.ones((rows, 3), np.float32))
        assert set(np.unique(kept.numpy())) <= {0.0, 2.0} and kept.shape == (rows, 3)
        assert sorted(order.numpy()) == list(range(rows))


def test_a_random_op_without_a_seed_in_a_program():
    @sheer.function
    def noisy(x):
        return x + random.normal((2,))

    with pytest.raises(TraceError) as caught:
        noisy(ops.ones(2))
    where, *rest = str(caught.value).splitlines()
    assert where.startswith("A random op without a seed, at test_ops_random.py, line ")
    assert where.endswith(": return x + random.normal((2,))")
    assert rest == [
        "In a program it would give the same numbers at every step.",
        "Give it a seed generator that you keep: random.SeedGenerator(seed).",
    ]
