"""Ops that are called one by one: large ones use the native engine, and nobody can tell."""

import threading

import numpy as np
import pytest

import sheer
from planned import assert_close, eagerly, leaves, needs_native, on_engine, on_threads
from sheer import ops
from sheer.engines.native import eager
from sheer.ops import OPS

pytestmark = needs_native


def both(function, *arrays, scale=10):
    """What it gives on the native engine; NumPy gives the same."""
    with on_engine("native"):
        found = function(*map(sheer.Tensor, arrays))
    wanted = eagerly(function, *arrays)
    assert_close([v.numpy() for v in leaves_of(found)], leaves(wanted), scale=scale, signs=False)
    return found


def leaves_of(value):
    return value if isinstance(value, list) else [value]


@pytest.fixture
def planned_ops(monkeypatch):
    """The names of the ops for which a plan was made."""
    made = []
    monkeypatch.setattr(eager, "_plans", type(eager._plans)())
    make = eager._plan

    def noting(op, arrays, attrs):
        made.append(op.name)
        return make(op, arrays, attrs)

    monkeypatch.setattr(eager, "_plan", noting)
    return made


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_ops(dtype, planned_ops):
    rng = np.random.default_rng(3)
    a, b, v = (rng.normal(size=s).astype(dtype) for s in [(300, 200), (200, 170), (170,)])
    cubes = rng.normal(size=(8, 60, 90)).astype(dtype)
    places = rng.integers(-50, 50, 3000)
    rows = rng.normal(size=(3000, 70)).astype(dtype)
    both(lambda a, b: ops.matmul(a, b), a, b)
    both(lambda a, b, v: ops.affine(a, b, v), a, b, v)
    both(lambda a, b: [a @ b, b[::2] @ ops.transpose(b[:80]), ops.transpose(b) @ a.T], a, b)
    both(lambda c: ops.matmul(c, ops.swapaxes(c, 1, 2)), cubes)
    both(lambda c, v: ops.matmul(c, v[:90]), cubes, v)
    both(lambda a: [ops.sum(ops.concatenate([a] * 6), axis) for axis in (0, 1, None)], a)
    both(lambda r, p: OPS["scatter_add"](r, p, shape=(50, 70), axis=0), rows, places)
    assert {"matmul", "affine", "sum", "scatter_add"} <= set(planned_ops)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_draws(dtype, planned_ops):
    def drawn(key):
        names = ["random_uniform", "random_normal", "random_truncated_normal"]
        arrays = [OPS[name](key, shape=(100, 333), dtype=dtype) for name in names]
        return [*arrays, OPS["random_permutation"](key, count=20_000)]

    both(drawn, np.array([5, 2**32 - 1], np.uint32))
    assert len(planned_ops) == 4


def test_whole_numbers_and_mixed_dtypes():
    rng = np.random.default_rng(3)
    whole = rng.integers(-99, 99, (300, 200)).astype(np.int32)
    single = rng.normal(size=(200, 170)).astype(np.float32)
    both(lambda a: ops.matmul(a, ops.transpose(a)), whole)
    both(lambda a: [ops.sum(ops.concatenate([a] * 6), axis) for axis in (0, 1, None)], whole)
    both(lambda a, b: ops.matmul(a, b), whole, single, scale=1000)
    both(lambda a, b: ops.matmul(a, b), single.T.astype(np.float64), single)


def test_infinities_and_nothing():
    a = np.ones((300, 200), np.float32)
    a[3, 5], a[7, 9] = np.inf, np.nan
    both(lambda a: ops.matmul(a, ops.ones((200, 170))), a)
    both(lambda a: ops.matmul(a[:, :0], ops.ones((0, 170))), a)
    both(lambda a: ops.matmul(a[:0], ops.ones((200, 170))), a)
    both(lambda a: ops.sum(a[:0], axis=0), a)


def test_gradients():
    rng = np.random.default_rng(3)
    x, k = rng.normal(size=(300, 200)), rng.normal(size=(200, 170))

    def gradients(x, k):
        with sheer.GradientTape() as tape:
            tape.watch([x, k])
            y = ops.sum(ops.tanh(ops.affine(x, k, k[0])))
        return list(tape.gradient(y, [x, k]))

    both(gradients, x, k)


def test_errors_are_the_same():
    rng = np.random.default_rng(3)
    a, places = rng.normal(size=(300, 200)).astype(np.float32), np.full(300, 50)
    for function in (
        lambda: ops.matmul(a, a),
        lambda: ops.affine(a, a.T, a[0]),
        lambda: ops.sum(np.concatenate([a] * 6), axis=2),
        lambda: OPS["scatter_add"](a, places, shape=(50, 200), axis=0),
    ):
        texts = []
        for engine in ("numpy", "native"):
            with on_engine(engine), pytest.raises((ValueError, IndexError)) as error:
                function()
            texts.append((error.type, str(error.value)))
        assert texts[0] == texts[1]


def test_results_never_change():
    a = np.random.default_rng(3).normal(size=(300, 200)).astype(np.float32)
    with on_engine("native"):
        first = ops.matmul(a, a.T)
        copy = first.numpy().copy()
        second = ops.matmul(2 * a, a.T)
    np.testing.assert_array_equal(first.numpy(), copy)
    assert not np.array_equal(second.numpy(), copy)


def test_several_threads_at_once():
    a = np.random.default_rng(3).normal(size=(300, 200)).astype(np.float32)
    with on_engine("native"), on_threads(2):
        wanted = [ops.matmul(i * a, a.T).numpy() for i in range(4)]
        found = [[] for _ in range(4)]

        def work(i):
            for _ in range(50):
                found[i].append(ops.matmul(i * a, a.T).numpy())

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for i in range(4):
        assert len(found[i]) == 50
        for y in found[i]:
            np.testing.assert_array_equal(y, wanted[i])
