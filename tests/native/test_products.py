"""Matrix products of all sizes and layouts, with what is folded into them, against float64."""

import itertools

import numpy as np
import pytest

from planned import ISAS, assert_close, compare, kinds, leaves, needs_native, plan_of, run_plan
from sheer import ops

pytestmark = needs_native

SIZES = [0, 1, 2, 3, 7, 16, 33, 65, 130, 300]
on_every_isa = pytest.mark.parametrize("isa", ISAS)
in_floats = pytest.mark.parametrize("dtype", ["float32", "float64"])


def assert_product(found, a, b, rest=lambda z: z):
    """Within a few units of the last place of what was summed."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    wanted, summed = rest(a @ b), np.abs(a) @ np.abs(b)
    assert found.shape == wanted.shape
    error = np.abs(found - wanted)
    assert (error <= 8 * np.finfo(found.dtype).eps * (summed + np.abs(wanted) + 1)).all()


# --- layouts: how a matrix lies in the input, and how the function looks at it --------------------


def straight(a):
    return a, lambda x: x


def turned(a):
    return np.ascontiguousarray(a.T), ops.transpose


def of_wider_rows(a):
    return np.pad(a, ((0, 1), (2, 3)), constant_values=9), lambda x: x[:-1, 2:-3]


def of_wider_columns(a):
    base, look = of_wider_rows(a.T)
    return np.ascontiguousarray(base), lambda x: ops.transpose(look(x))


def stepped(a):
    return np.repeat(a, 2, axis=1), lambda x: x[:, ::2]


def backwards(a):
    return np.ascontiguousarray(a[::-1]), lambda x: x[::-1]


LAYOUTS = [straight, turned, of_wider_rows, of_wider_columns, stepped, backwards]
TRIPLES = list(itertools.product(SIZES, repeat=3))


@on_every_isa
@in_floats
@pytest.mark.parametrize("part", range(12))
def test_sizes_and_layouts(part, dtype, isa):
    rng = np.random.default_rng(part)
    for number in rng.choice(len(TRIPLES), 12, replace=False):
        m, n, k = TRIPLES[number]
        a, b, v = (rng.normal(size=s).astype(dtype) for s in [(m, k), (k, n), (n,)])
        (a_base, look_a), (b_base, look_b) = (
            LAYOUTS[rng.integers(len(LAYOUTS))](x) for x in (a, b)
        )

        def products(a, b, v, look_a=look_a, look_b=look_b):
            return [ops.matmul(look_a(a), look_b(b)), ops.affine(look_a(a), look_b(b), v)]

        plan = plan_of(products, a_base, b_base, v, isa=isa)
        found = run_plan(plan, a_base, b_base, v)
        assert_product(found[0], a, b)
        assert_product(found[1], a, b, lambda z: z + v)  # noqa: B023


@on_every_isa
@in_floats
@pytest.mark.parametrize("turn_a", [False, True])
@pytest.mark.parametrize("turn_b", [False, True])
def test_small_sizes(turn_a, turn_b, dtype, isa):
    """All of them: the edges of every tile."""
    rng = np.random.default_rng(3)
    arrays = []
    for m, n, k in itertools.product([1, 2, 3, 5, 8, 15, 17, 31], [1, 2, 3, 9, 16, 33], [1, 3, 16]):
        shapes = [(k, m) if turn_a else (m, k), (n, k) if turn_b else (k, n), (n,)]
        arrays += [rng.normal(size=s).astype(dtype) for s in shapes]

    def products(*xs):
        return [
            ops.matmul(ops.transpose(a) if turn_a else a, ops.transpose(b) if turn_b else b) + v
            for a, b, v in zip(xs[::3], xs[1::3], xs[2::3], strict=True)
        ]

    found = run_plan(plan_of(products, *arrays, isa=isa), *arrays)
    for y, a, b, v in zip(found, arrays[::3], arrays[1::3], arrays[2::3], strict=True):
        a, b = a.T if turn_a else a, b.T if turn_b else b
        assert_product(y, a, b, lambda z: z + v)  # noqa: B023


# --- what is folded in ----------------------------------------------------------------------------

ACTIVATIONS = {
    "none": (lambda x: x, lambda z: z),
    "relu": (ops.relu, lambda z: np.maximum(z, 0)),
    "tanh": (ops.tanh, np.tanh),
    "sigmoid": (ops.sigmoid, lambda z: 1 / (1 + np.exp(-z))),
}


@on_every_isa
@in_floats
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 10, 65), (33, 17, 300), (130, 7, 16), (7, 5, 0)])
def test_folding(shape, with_bias, name, dtype, isa):
    m, n, k = shape
    rng = np.random.default_rng(3)
    a, b, v = (rng.normal(size=s).astype(dtype) for s in [(m, k), (k, n), (n,)])
    apply, body = ACTIVATIONS[name]

    def layer(a, b, v):
        z = ops.matmul(a, b)
        return apply(z + v if with_bias else z)

    plan = plan_of(layer, a, b, v, isa=isa)
    (kernel,) = plan.schedule.kernels
    assert kernel.kind == "product"
    assert kernel.nodes[0].attrs["activation"] == name
    assert (kernel.nodes[0].attrs["bias"] is not None) == with_bias
    found = run_plan(plan, a, b, v)
    assert_product(found, a, b, lambda z: body(z + v if with_bias else z))


@on_every_isa
@in_floats
@pytest.mark.parametrize("shape", [(2, 1, 1), (3, 10, 65), (33, 17, 300), (130, 7, 16), (7, 5, 0)])
@pytest.mark.parametrize("turned", [False, True])
def test_a_product_is_added_where_a_sum_lies(turned, shape, dtype, isa):
    """As a gradient is that comes from two sides."""
    m, n, k = shape
    rng = np.random.default_rng(3)
    a, b, c, v = (rng.normal(size=s).astype(dtype) for s in [(k, m), (k, n), (m, n), (n,)])
    a = a if turned else np.ascontiguousarray(a.T)

    def sums(a, b, c, v):
        once = ops.matmul(ops.transpose(a) if turned else a, b) + ops.square(c)
        other = ops.matmul(ops.transpose(a) if turned else a, 2 * b)
        twice = ops.tanh(c) + ops.matmul(ops.transpose(a) if turned else a, b * b) + other
        return [once + v, twice, ops.sum(twice)]

    plan = plan_of(sums, a, b, c, v, isa=isa)
    found = run_plan(plan, a, b, c, v)
    products = [kernel.nodes[0] for kernel in plan.schedule.kernels if kernel.kind == "product"]
    assert len(products) == 3 and all(node.attrs["onto"] is not None for node in products)
    rows = a.T if turned else a
    assert_product(found[0], rows, b, lambda z: z + c**2 + v)
    assert_product(found[1], np.hstack([rows, rows]), np.vstack([2 * b, b * b]),
                   lambda z: z + np.tanh(c))  # fmt: skip
    np.testing.assert_allclose(found[2], found[1].sum(), rtol=1e-4, atol=1e-4)


def test_a_product_is_not_added_to_what_is_needed_again():
    rng = np.random.default_rng(3)

    def sums(a, b, c):
        square, row = ops.square(c), ops.sin(c)
        return [
            ops.matmul(a, b) + square,
            square,
            ops.matmul(a, b + 1) + c,
            ops.matmul(a, b + 2) + row,
            ops.matmul(a, b + 3)[::-1] + ops.tanh(c),
            ops.matmul(ops.transpose(row), row),
        ]

    compare(sums, *(rng.normal(size=s) for s in [(4, 5), (5, 6), (4, 6)]))


def test_what_is_needed_for_itself_too_is_computed_once():
    def layer(a, b):
        z = ops.matmul(a, b)
        return [z, ops.relu(z), ops.tanh(z)]

    a, b = np.ones((4, 5), np.float32), np.ones((5, 6), np.float32)
    assert kinds(compare(layer, a, b)) == ["product", "group"]


def test_slope_of_relu_does_not_keep_what_goes_into_it():
    a, b, g = np.ones((4, 3), np.float32), np.ones((3, 5), np.float32), np.ones((4, 5), np.float32)

    def layer(a, b, g):
        z = ops.matmul(a, b)
        return [ops.relu(z), ops.where(z > 0, g, 0.0)]

    plan = plan_of(layer, a, b, g)
    assert kinds(plan) == ["product", "group"]
    rng = np.random.default_rng(3)
    special = np.array([[np.nan, 1, 0], [-0.0, 0, 0], [np.inf, 1, 1], [-np.inf, 2, 3]], np.float32)
    compare(layer, special, rng.normal(size=(3, 5)).astype(np.float32), g)


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b, v: ops.matmul(a, b[:, 0]) + v[:4],  # one number for each row
        lambda a, b, v: ops.transpose(ops.matmul(a, b)) + v[:4],
        lambda a, b, v: ops.reshape(ops.matmul(a, b), (8, 3)) + v[:3],
        lambda a, b, v: ops.reshape(ops.matmul(a, b), (24,)) + ops.repeat(v, 4),
        lambda a, b, v: ops.matmul(a, b) + v[:4, None],
        lambda a, b, v: ops.matmul(a, b) + v[0],
        lambda a, b, v: ops.matmul(a, b) + 1,
        lambda a, b, v: ops.matmul(a, b) + ops.broadcast_to(v, (4, 6)),
        lambda a, b, v: ops.matmul(a, b) + v[::-1],
        lambda a, b, v: ops.matmul(a, b)[None] + ops.broadcast_to(v, (2, 1, 6)),
        lambda a, b, v: ops.relu(ops.matmul(a, b) + v) + v,
        lambda a, b, v: ops.relu(ops.matmul(a, b)) + v,
        lambda a, b, v: ops.matmul(a, b) + v + v,
        lambda a, b, v: ops.tanh(ops.relu(ops.matmul(a, b) + v)),
        lambda a, b, v: ops.relu(ops.matmul(a, b)[:2] + v),
        lambda a, b, v: ops.cast(ops.cast(ops.matmul(a, b), "float64") + v, "float32"),
        lambda a, b, v: [z := ops.matmul(a, b), z + v, ops.relu(z + v)],
        lambda a, b, v: ops.matmul(a, b) + ops.matmul(a, b + 1),
        lambda a, b, v: ops.matmul(a, b) + ops.sum(a) * v,
    ],
)
def test_what_looks_like_a_bias(function):
    rng = np.random.default_rng(3)
    compare(function, *(rng.normal(size=s).astype(np.float32) for s in [(4, 5), (5, 6), (6,)]))


# --- vectors and batches --------------------------------------------------------------------------


@on_every_isa
@in_floats
@pytest.mark.parametrize("n", [1, 2, 7, 33, 300])
def test_vectors(n, dtype, isa):
    rng = np.random.default_rng(n)
    a, v, w = (rng.normal(size=s).astype(dtype) for s in [(n, 65), (65,), (n,)])
    products = [
        (lambda a, v, w: ops.matmul(a, v), a @ v),
        (lambda a, v, w: ops.matmul(w, a), w @ a),
        (lambda a, v, w: ops.matmul(v, ops.transpose(a)), a @ v),
        (lambda a, v, w: ops.matmul(w, w), w @ w),
        (lambda a, v, w: ops.matmul(w[:, None], v[None]), np.outer(w, v)),
    ]
    found = run_plan(plan_of(lambda *xs: [f(*xs) for f, _ in products], a, v, w, isa=isa), a, v, w)
    assert_close(found, [np.asarray(y, dtype) for _, y in products], scale=5)


@on_every_isa
@in_floats
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((5, 3, 4), (5, 4, 2)),
        ((5, 3, 4), (4, 2)),
        ((3, 4), (5, 4, 2)),
        ((2, 1, 3, 4), (5, 4, 2)),
        ((2, 1, 33, 17), (1, 3, 17, 40)),
        ((0, 3, 4), (0, 4, 2)),
        ((5, 3, 0), (5, 0, 2)),
        ((4,), (5, 4, 2)),
        ((5, 3, 4), (4,)),
        ((70, 1, 9), (70, 9, 1)),
    ],
)
def test_batches(first, second, dtype, isa):
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=first).astype(dtype), rng.normal(size=second).astype(dtype)
    a_turned, b_turned = (np.ascontiguousarray(np.swapaxes(x, -1, -2)) if x.ndim > 1 else x
                          for x in (a, b))  # fmt: skip

    def turned_back(x):
        return ops.swapaxes(x, -1, -2) if x.ndim > 1 else x

    def products(a, b, a_turned, b_turned):
        return [
            ops.matmul(a, b),
            ops.matmul(turned_back(a_turned), b),
            ops.matmul(a, turned_back(b_turned)),
            ops.relu(ops.matmul(turned_back(a_turned), turned_back(b_turned))),
        ]

    found = leaves(run_plan(plan_of(products, a, b, a_turned, b_turned, isa=isa),
                            a, b, a_turned, b_turned))  # fmt: skip
    wanted = a.astype(np.float64) @ b.astype(np.float64)
    assert_close(found, [wanted.astype(dtype)] * 3 + [np.maximum(wanted, 0).astype(dtype)],
                 scale=5, signs=False)  # fmt: skip


# --- numbers --------------------------------------------------------------------------------------


@on_every_isa
@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 10), (10, 1), (3, 20), (20, 3), (40, 40)])
def test_a_long_sum_keeps_its_accuracy(m, n, isa):
    """Added one by one, such numbers would be off by 3.5e-4: each rounding errs to one side."""
    k = 50_000
    a, b = np.full((m, k), 0.1, np.float32), np.full((k, n), 0.1, np.float32)
    wanted = k * float(a[0, 0]) * float(b[0, 0])
    for base, look in (turned(a), straight(a)):
        plan = plan_of(lambda a, b, look=look: ops.matmul(look(a), b), base, b, isa=isa)
        assert (np.abs(run_plan(plan, base, b) / wanted - 1) < 1e-4).all()


@on_every_isa
@in_floats
@pytest.mark.parametrize("shape", [(3, 5, 7), (33, 20, 65), (1, 40, 9), (40, 1, 9)])
def test_infinities_and_nan_stay_in_their_row_and_column(shape, dtype, isa):
    m, n, k = shape
    rng = np.random.default_rng(3)
    for value in (np.inf, -np.inf, np.nan):
        a, b = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
        a[m // 2, k // 2] = value
        plan = plan_of(lambda a, b: [ops.matmul(a, b), ops.relu(ops.matmul(a, b))], a, b, isa=isa)
        found, relu = run_plan(plan, a, b)
        wanted = a @ b
        np.testing.assert_array_equal(np.isfinite(found), np.isfinite(wanted))
        np.testing.assert_array_equal(found[m // 2], wanted[m // 2])
        np.testing.assert_array_equal(relu[m // 2], np.maximum(wanted[m // 2], 0))


@on_every_isa
def test_nothing_is_read_around_an_operand(isa):
    """NaN lies around each: before the rows, behind them, and behind the last one."""
    rng = np.random.default_rng(3)
    for m, n, k in [(1, 1, 1), (3, 5, 7), (14, 33, 16), (17, 2, 3), (2, 17, 3), (65, 31, 30)]:
        wide_a = np.full((m + 2, k + 5), np.nan, np.float32)
        wide_b = np.full((k + 2, n + 5), np.nan, np.float32)
        wide_a[1:-1, 2:-3] = rng.normal(size=(m, k))
        wide_b[1:-1, 2:-3] = rng.normal(size=(k, n))
        wide_v = np.pad(rng.normal(size=n).astype(np.float32), 3, constant_values=np.nan)

        def inside(x):
            return x[1:-1, 2:-3]

        def products(a, b, v):
            forward = ops.affine(inside(a), inside(b), v[3:-3])
            back = ops.matmul(ops.transpose(inside(b)), ops.transpose(inside(a)))
            return [forward, back]

        plan = plan_of(products, wide_a, wide_b, wide_v, isa=isa)
        forward, back = run_plan(plan, wide_a, wide_b, wide_v)
        assert_product(forward, inside(wide_a), inside(wide_b), lambda z: z + wide_v[3:-3])  # noqa: B023
        assert_product(back, inside(wide_b).T, inside(wide_a).T)
