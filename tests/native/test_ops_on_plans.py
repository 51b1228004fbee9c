"""Every op on the native engine, on every instruction set, against its body on NumPy: by its own
samples, on special values, on views of every kind, on sizes from 0 to large, in every dtype."""

import itertools
import math

import numpy as np
import pytest

from planned import (
    ISAS,
    assert_close,
    compare,
    leaves,
    needs_native,
    on_engine,
    plan_of,
    reasons,
    run_plan,
)
from sheer import ops
from sheer.core import tree
from sheer.core.dtypes import DTYPES, FLOATS, INTEGERS
from sheer.core.errors import ShapeError
from sheer.core.shapes import Dim
from sheer.engines.native.plan import Plan, Source
from sheer.ops import OPS, Symbol
from sheer.ops.rules import same, together
from sheer.trace import trace

pytestmark = needs_native

SAMPLES = [
    pytest.param(OPS[name], sample, id=f"{name}-{i}")
    for name in sorted(OPS)
    for i, sample in enumerate(OPS[name].samples)
]
# What NumPy runs, and why: no kernel is worth its lines for these.
WITH_NUMPY = {"_cumsum", "_einsum", "argsort", "hash_bins", "look_up_known", "sparsemax"}
ALONG_AN_AXIS = (
    "_cumsum", "_rms_normalize", "_unit", "flip", "log_softmax", "softmax", "sparsemax"
)  # fmt: skip
ELEMENTWISE = [
    op for op in OPS.values() if op.shape_rule in (same, together) and op.name not in ALONG_AN_AXIS
]
SPECIAL = [-np.inf, -1000.0, -1.0, -0.0, 0.0, 1.0, 1000.0, np.inf, np.nan]

on_every_isa = pytest.mark.parametrize("isa", ISAS)
in_floats = pytest.mark.parametrize("dtype", FLOATS)


def by_name(op):
    return op.name


def is_array(value):
    return isinstance(value, np.ndarray)


def cast(value, dtype):
    return value.astype(dtype) if is_array(value) and value.dtype.kind == "f" else value


def compare_op(op, operands, attrs, isa, view=None):
    """The op as a plan against its body; with `view`, each array comes in as another one, of which
    it is a view."""
    arrays = [a for a in tree.leaves(operands) if is_array(a)]
    views = [view(a) if view else (a, lambda x: x) for a in arrays]

    def call(*symbols):
        waiting = (look(x) for (_, look), x in zip(views, symbols, strict=True))
        given = tree.map_tree(lambda v: next(waiting) if is_array(v) else v, operands)
        result = op(*given, **attrs)
        return list(result) if isinstance(result, tuple) else result

    bases = [base for base, _ in views]
    plan = plan_of(call, *bases, isa=isa)
    found = leaves(run_plan(plan, *bases))
    with np.errstate(all="ignore"):
        body = op.body(np, *operands, **{**op.defaults, **attrs})
    wanted = leaves(list(body) if isinstance(body, tuple) else body)
    wanted = [b.astype(a.dtype) for a, b in zip(found, wanted, strict=True)]
    assert_close(found, wanted, signs=op.name != "erf")  # of -0 the kernel gives -0, the body 0
    return plan


def sample_of(sample, dtype):
    operands = [
        tree.map_tree(lambda v: cast(v, dtype), v)
        for v in sample.operands(np.random.default_rng(7))
    ]
    attrs = {k: dtype if k == "dtype" and v == "float64" else v for k, v in sample.attrs.items()}
    return operands, attrs


# --- samples, as they are and as views ------------------------------------------------------------


@on_every_isa
@in_floats
@pytest.mark.parametrize(("op", "sample"), SAMPLES)
def test_samples(op, sample, dtype, isa):
    plan = compare_op(op, *sample_of(sample, dtype), isa)
    assert set(reasons(plan)) <= WITH_NUMPY


@pytest.mark.parametrize(
    ("subscripts", "a", "b"),
    [
        ("ij,jk->ik", (2, 3), (3, 4)),
        ("abc,cde->abde", (2, 3, 4), (4, 5, 6)),
        ("abc,ade->bcde", (2, 3, 4), (2, 5, 6)),
        ("na,na->n", (5, 3), (5, 3)),
        ("nab,nca->ncb", (5, 3, 2), (5, 4, 3)),
        ("nab,nab->nab", (5, 3, 2), (5, 3, 2)),
        ("a,b->ba", (3,), (4,)),
        ("ij,jk->ik", (0, 3), (3, 4)),
    ],
)
@in_floats
def test_einsum_of_two_is_a_product(subscripts, a, b, dtype):
    rng = np.random.default_rng(0)
    plan = compare(
        lambda x, y: ops.einsum(subscripts, x, y),
        rng.normal(size=a).astype(dtype),
        rng.normal(size=b).astype(dtype),
    )
    assert not reasons(plan)


def transposed(a):
    return np.ascontiguousarray(a.T), ops.transpose if a.ndim > 1 else ops.stop_gradient


def stepped(a):
    """Every second element of every axis, from the second on."""
    base = np.ones([2 * size + 1 for size in a.shape], a.dtype)
    key = (slice(1, None, 2),) * a.ndim
    base[key] = a
    return base, (lambda x: x[key]) if a.ndim else ops.stop_gradient


def reversed_(a):
    return np.ascontiguousarray(np.flip(a)), ops.flip if a.ndim else ops.stop_gradient


def turned_and_cut(a):
    """A part of an array whose axes are in another order."""
    base = np.pad(np.moveaxis(a, 0, -1), 2) if a.ndim else a
    key = (slice(2, -2),) * a.ndim
    return base, (lambda x: ops.moveaxis(x[key], -1, 0)) if a.ndim else ops.stop_gradient


VIEWS = [transposed, stepped, reversed_, turned_and_cut]


@pytest.mark.parametrize("turn", range(len(VIEWS)))
@pytest.mark.parametrize(("op", "sample"), SAMPLES)
def test_views(op, sample, turn):
    """How views are read has little to do with instruction sets: one after the other."""
    compare_op(op, *sample_of(sample, "float32"), ISAS[turn % len(ISAS)], VIEWS[turn])


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize(("op", "sample"), SAMPLES)
def test_operands_that_are_broadcast(op, sample, axis):
    operands, attrs = sample_of(sample, "float32")

    def first_alone(a):
        return a[(slice(None),) * (axis % a.ndim) + (slice(0, 1),)]

    def repeated(a):
        return np.broadcast_to(first_alone(a), a.shape) if is_array(a) and a.ndim else a

    def view(a):
        if not a.ndim:
            return a, ops.stop_gradient
        return np.ascontiguousarray(first_alone(a)), lambda x: ops.broadcast_to(x, a.shape)

    compare_op(op, [tree.map_tree(repeated, v) for v in operands], attrs, ISAS[axis], view)


# --- numbers of rows ------------------------------------------------------------------------------


def graph_for_n_rows(op, operands, attrs):
    """The graph for n rows of all operands that have as many as the first, or of that one alone,
    with the symbols; None where the op fixes the number of rows."""
    arrays = [a for a in tree.leaves(operands) if is_array(a)]
    first = next((i for i, a in enumerate(arrays) if a.ndim), None)
    if first is None:
        return None
    rows = len(arrays[first])
    for is_alone in (False, True):
        symbols = [
            Symbol(
                (None, *a.shape[1:]) if i == first or (a.shape[:1] == (rows,) and not is_alone)
                else a.shape, a.dtype.name, label=f"x{i}",
            )
            for i, a in enumerate(arrays)
        ]  # fmt: skip
        waiting = iter(symbols)
        given = tree.map_tree(lambda v: next(waiting) if is_array(v) else v, operands)  # noqa: B023
        try:
            return trace(lambda *xs: op(*xs, **attrs), tuple(given), "program"), symbols
        except ShapeError:
            continue
    return None


def with_n_rows(operands, symbols, n):
    """The arrays, and the operands with them in their places, with n rows where that is open."""
    arrays = [a for a in tree.leaves(operands) if is_array(a)]
    some = [
        np.take(a, np.arange(n) % len(a), axis=0) if s.shape[:1] == (Dim(),) else a
        for a, s in zip(arrays, symbols, strict=True)
    ]
    waiting = iter(some)
    return some, tree.map_tree(lambda v: next(waiting) if is_array(v) else v, operands)


@pytest.mark.parametrize(("op", "sample"), SAMPLES)
@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_one_graph_serves_every_number_of_rows(op, sample):
    operands, attrs = sample_of(sample, "float32")
    found = graph_for_n_rows(op, operands, attrs)
    if found is None or op.name.startswith("random_"):
        return
    graph, symbols = found
    is_by_name = op.name == "squeeze" and attrs.get("axis") is None
    for n in (0, 2, 33) if is_by_name else (0, 1, 2, 33):  # n stays, also where it is 1
        arrays, given = with_n_rows(operands, symbols, n)
        sources = [Source(a.dtype.name, len(a) if a.ndim else 0) for a in arrays]
        try:
            with on_engine("numpy"):
                wanted = op(*given, **attrs)
        except (ValueError, IndexError) as error:
            with pytest.raises(type(error)):
                run_plan(Plan(graph, n, sources), *arrays)
            continue
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        result = leaves(run_plan(Plan(graph, n, sources), *arrays))
        assert_close(result, list(map(np.asarray, wanted)), signs=op.name != "erf")


# --- special values -------------------------------------------------------------------------------


@on_every_isa
@in_floats
@pytest.mark.parametrize("op", ELEMENTWISE, ids=by_name)
def test_special_values(op, dtype, isa):
    """All of them, and all pairs and triples of them; longer than a block."""
    grid = np.array(list(itertools.product(SPECIAL, repeat=len(op.tensors))), dtype)
    grid = np.tile(grid, (1 + 1100 // len(grid), 1))
    values = [grid[:, i].copy() for i in range(len(op.tensors))]
    for place, value in enumerate(op.samples[0].operands(np.random.default_rng(7))):
        if np.asarray(value).dtype == bool:
            values[place] = values[place] > 0
    compare_op(op, values, op.samples[0].attrs, isa)


PAIRS = [op for op in ELEMENTWISE if len(op.tensors) == 2 and op.name != "keep_where"]


@on_every_isa
@in_floats
@pytest.mark.parametrize("op", PAIRS, ids=by_name)
def test_special_numbers(op, dtype, isa):
    """One number for all elements, on either side."""
    x = np.array(SPECIAL, dtype)
    compare(
        lambda x: [y for v in SPECIAL for y in (op(x, v), op(v, x))],
        np.tile(x, 5),
        isa=isa,
    )


@on_every_isa
@in_floats
def test_special_values_in_reductions(dtype, isa):
    rng = np.random.default_rng(3)
    odds = [0.05, 0.05, 0.05, 0.3, 0.3, 0.05, 0.05, 0.05, 0.1]
    x = rng.choice(np.array(SPECIAL, dtype), (60, 11), p=odds)
    x = np.concatenate([x, rng.choice(np.array(SPECIAL[:-1], dtype), (60, 11)), x[:, [1] * 11]])

    def reductions(x):
        extremes = [
            f(x, axis) for f in (ops.max, ops.min, ops.argmax, ops.argmin) for axis in (0, 1, None)
        ]
        return extremes + [f(x, axis) for f in (ops.any, ops.all) for axis in (0, 1, None)]

    def sums(x):  # in the order of a sum inf and -inf may meet or not
        return [f(x, axis) for f in (ops.sum, ops.mean) for axis in (0, 1)]

    compare(reductions, x, isa=isa, signs=False)  # of 0 and -0 either is the largest
    compare(sums, np.where(x == -np.inf, np.inf, x), isa=isa)
    compare(lambda x: ops.prod(x, axis=1), np.where(abs(x) == 1000, 2, x), isa=isa)


@on_every_isa
@in_floats
def test_special_values_in_softmax(dtype, isa):
    rows = np.array(list(itertools.product(SPECIAL, repeat=3)), dtype)
    labels = np.arange(len(rows)) % 3
    compare(
        lambda x, y: [
            ops.softmax(x),
            ops.log_softmax(x),
            ops.softmax(x, axis=0),
            OPS["sparse_softmax_cross_entropy"](y, x),
        ],
        rows,
        labels,
        isa=isa,
    )


# --- sizes ----------------------------------------------------------------------------------------

SHAPES = [(), (0,), (1,), (7,), (33,), (3000,), (0, 4), (33, 7)]
TOGETHER = [((33, 7), (7,)), ((33, 1), (7,)), ((0, 1), (4,)), ((3000,), (1,)), ((), (33,))]


@on_every_isa
@in_floats
@pytest.mark.parametrize("op", ELEMENTWISE, ids=by_name)
def test_sizes_of_elementwise_ops(op, dtype, isa):
    rng = np.random.default_rng(5)
    count = len(op.tensors)
    shapes = [[s] * count for s in SHAPES]
    if op.shape_rule is together and count > 1:
        shapes += [[a, *[b] * (count - 1)] for a, b in TOGETHER]
        shapes += [[b, *[a] * (count - 1)] for a, b in TOGETHER]
    arrays = [rng.normal(1, 2, s).astype(dtype) for group in shapes for s in group]
    if op.name == "keep_where":
        arrays[1::2] = [a > 1 for a in arrays[1::2]]
    attrs = op.samples[0].attrs

    def calls(*xs):
        return [op(*xs[i : i + count], **attrs) for i in range(0, len(xs), count)]

    compare(calls, *arrays, isa=isa)


AXES = {
    (0,): [0, None], (1,): [0, None], (7,): [0], (33,): [0], (3000,): [0], (40000,): [0, None],
    (33, 7): [0, 1, None], (7, 3000): [0, 1, None], (3000, 7): [0, 1, None], (5, 0): [0, 1, None],
    (0, 5): [0, 1], (3, 5, 7): [0, 1, 2, (0, 1), (0, 2), (1, 2), None], (1, 1): [0, 1, None],
}  # fmt: skip
REDUCTIONS = ["sum", "mean", "_prod", "max", "min", "any", "all", "argmax", "argmin"]


@on_every_isa
@in_floats
@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_sizes_of_reductions(name, dtype, isa):
    op, rng = OPS[name], np.random.default_rng(5)
    is_place = name.startswith("arg")
    cases = [
        (shape, axis)
        for shape, axes in AXES.items()
        for axis in axes
        if not (is_place and isinstance(axis, tuple))
        and not (0 in shape and name in ("max", "min", "argmax", "argmin"))
    ]
    low, high = (0.999, 1.001) if name == "_prod" else (0, 2)
    arrays = [rng.uniform(low, high, shape).astype(dtype) for shape, _ in cases]
    if name in ("any", "all"):
        arrays = [np.where(a > 1.9, a, 0).astype(dtype) for a in arrays]
        arrays = [(a == 0).astype(dtype) if name == "all" else a for a in arrays]

    def calls(*xs):
        return [
            op(x, axis=axis, keepdims=keepdims)
            for x, (_, axis) in zip(xs, cases, strict=True)
            for keepdims in (False, True)
        ]

    found = leaves(run_plan(plan := plan_of(calls, *arrays, isa=isa), *arrays))
    with np.errstate(all="ignore"):
        wanted = leaves([
            op.body(np, x.astype(np.float64), axis=axis, keepdims=keepdims)
            for x, (_, axis) in zip(arrays, cases, strict=True)
            for keepdims in (False, True)
        ])  # fmt: skip
    wanted = [b.astype(a.dtype) for a, b in zip(found, wanted, strict=True)]
    assert_close(found, wanted, scale=20 if name == "_prod" else 2)
    assert not reasons(plan)


@on_every_isa
@in_floats
def test_sizes_of_softmax(dtype, isa):
    rng = np.random.default_rng(5)
    shapes = [(0, 5), (1, 1), (7, 1), (1, 7), (33, 10), (200, 33), (3, 3000), (2, 3, 5)]
    arrays = [rng.normal(0, 5, s).astype(dtype) for s in shapes]
    compare(
        lambda *xs: [f(x) for x in xs for f in (ops.softmax, ops.log_softmax)], *arrays, isa=isa
    )


@on_every_isa
def test_more_axes_than_a_kernel_has(isa):
    rng = np.random.default_rng(5)
    x, y = (rng.normal(size=(2, 3, 1, 2, 2, 1, 2, 2, 2, 3)) for _ in range(2))
    axes = tuple(rng.permutation(10))
    compare(
        lambda x, y: [
            2 * ops.transpose(x, axes) + ops.transpose(y, axes),
            ops.reshape(ops.transpose(x, axes), (-1,)),
            ops.cast(ops.transpose(x, axes), "float32"),
            ops.sum(ops.transpose(x, axes)[..., ::2], axis=(0, 3, 5)),
            ops.concatenate([ops.transpose(x, axes), ops.transpose(y, axes)], -2),
            ops.cumsum(ops.transpose(x, axes), 0),
        ],
        x,
        y,
        isa=isa,
    )


def test_more_views_than_a_group_has_registers():
    rng = np.random.default_rng(5)
    arrays = [rng.integers(-99, 99, (50, 60)).astype(np.int16) for _ in range(90)]
    compare(
        lambda *xs: [
            ops.where(ops.transpose(a) > 0, ops.transpose(b), ops.transpose(c))
            for a, b, c in zip(xs[::3], xs[1::3], xs[2::3], strict=True)
        ],
        *arrays,
    )


# --- dtypes ---------------------------------------------------------------------------------------


def of_dtype(dtype, rng, size=40):
    """Values of a dtype, its ends among them; no floats that do not fit into 16 bits."""
    if dtype == "bool":
        return rng.random(size) > 0.5
    if dtype in FLOATS:
        return rng.uniform(0, 127, size).astype(dtype)
    info = np.iinfo(dtype)
    ends = [info.min, info.min + 1, 0, 1, info.max - 1, info.max]
    values = rng.integers(info.min, info.max, size, dtype, endpoint=True)
    values[: len(ends)] = ends
    return values


@on_every_isa
@pytest.mark.parametrize("shape", [(40,), (8, 5)])
def test_casts(shape, isa):
    rng = np.random.default_rng(9)
    arrays = [of_dtype(d, rng).reshape(shape) for d in DTYPES]

    def casts(*xs):
        views = [ops.transpose(x) for x in xs] if len(shape) > 1 else xs
        return [ops.cast(x, dtype) for x in views for dtype in DTYPES]

    plan = compare(casts, *arrays, isa=isa)
    assert not reasons(plan)


@on_every_isa
@pytest.mark.parametrize("dtype", ["bool", *INTEGERS])
def test_arithmetic_of_whole_numbers(dtype, isa):
    """It wraps, as NumPy's does; 0 divides to 0."""
    rng = np.random.default_rng(9)
    a, b, c = of_dtype(dtype, rng), of_dtype(dtype, rng)[::-1], of_dtype(dtype, rng) > 0
    if dtype in INTEGERS and not dtype.startswith("u"):
        b = np.where((a == np.iinfo(dtype).min) & (b == -1), 1, b)  # has no quotient

    def arithmetic(a, b, c):
        pairs = [
            f(a, b)
            for f in (
                ops.add, ops.multiply, ops.maximum, ops.minimum, ops.floor_divide, ops.mod,
                ops.equal, ops.not_equal, ops.less, ops.less_equal, ops.greater, ops.greater_equal,
                ops.logical_and, ops.logical_or, ops.divide,
            )
        ]  # fmt: skip
        if dtype != "bool":
            pairs += [a - b, ops.abs(a), ops.sign(a), 3 * a, 1 - a, a // 3]
            pairs += [-a, ops.square(a), ops.relu(a), ops.clip(a, 0, 5), ops.round(a)]
        ones = [ops.logical_not(a), ops.isnan(a), ops.isinf(a), ops.isfinite(a), ops.sqrt(a)]
        return pairs + ones + [ops.where(c, a, b), ops.where(a, b, a), ops.where(c, a, 1)]

    compare(arithmetic, a, b, c, isa=isa)


@on_every_isa
@pytest.mark.parametrize("dtype", ["bool", *INTEGERS])
def test_reductions_of_whole_numbers(dtype, isa):
    rng = np.random.default_rng(9)
    x = of_dtype(dtype, rng, 60).reshape(12, 5)

    def reductions(x):
        return [
            f(v, axis)
            for v in (x, ops.transpose(x))
            for f in (ops.sum, ops.prod, ops.mean, ops.max, ops.min, ops.any, ops.all, ops.argmax,
                      ops.argmin)
            for axis in (0, 1, None)
        ]  # fmt: skip

    compare(reductions, x, isa=isa)


@on_every_isa
@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(DTYPES, 2)))
def test_two_dtypes_together(first, second, isa):
    rng = np.random.default_rng(9)
    a, b = of_dtype(first, rng) % 50, of_dtype(second, rng) % 50
    a, b = a.astype(first), b.astype(second)
    compare(
        lambda a, b: [
            a + b, a * b, ops.maximum(a, b), a == b, a < b, ops.where(a, b, a),
            ops.concatenate([a, b]),
        ],
        a, b, isa=isa,
    )  # fmt: skip


# --- picking, joining, drawing --------------------------------------------------------------------


@on_every_isa
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrangements(dtype, isa):
    """Elements of every size, moved about."""
    rng = np.random.default_rng(9)
    x, y = of_dtype(dtype, rng, 210).reshape(2, 3, 5, 7), of_dtype(dtype, rng, 12).reshape(3, 4)
    orders = list(itertools.permutations(range(4)))[1::3]

    def arranged(x, y):
        views = [ops.reshape(ops.transpose(x, order), (-1,)) for order in orders]
        return [
            *views,
            ops.flip(y),
            ops.pad(y, ((1, 2), (0, 3))),
            ops.concatenate([y, ops.transpose(y)[:3, :1], y[:, ::-2]], 1),
            ops.stack([y, y[::-1]], 1),
            ops.tile(y, (2, 3)),
            ops.repeat(y, 3, axis=1),
            ops.repeat(y, [2, 0, 1], axis=0),
            ops.split(y, 2, axis=1),
            ops.broadcast_to(y[:, None], (3, 2, 4)),
            ops.squeeze(y[:, 1:2], 1),
            x[..., None, 1:4:2, -1],
            x[:, 3:, :0],
        ]

    compare(arranged, x, y, isa=isa)


@on_every_isa
@pytest.mark.parametrize("index_dtype", INTEGERS)
def test_picking_by_indices(index_dtype, isa):
    rng = np.random.default_rng(9)
    x = rng.normal(size=(6, 5, 33)).astype(np.float32)
    index = rng.integers(0, 5, (4, 3)).astype(index_dtype)
    if not index_dtype.startswith("u"):
        index[0] -= 5  # counted from the end
    none, many = index[:0], np.resize(index, 3000)

    def picked(x, index, none, many):
        rows = ops.reshape(index, (12,))
        return [
            *(ops.take(x, index, axis) for axis in (0, 1, 2, None)),
            ops.take(x, none, axis=1),
            ops.take(x, many, axis=0),
            ops.take(x[:, :, 0], many, axis=-1),
            ops.take(ops.transpose(x), index, axis=1),
            ops.take_along_axis(x[0], rows[:5, None], axis=-1),
            ops.take_along_axis(x, ops.broadcast_to(index[None], (6, 4, 3))[..., :1], axis=1),
            ops.one_hot(index, 4),
            ops.one_hot(many, 10, dtype="float64"),
        ]

    plan = compare(picked, x, index, none, many, isa=isa)
    assert set(reasons(plan)) <= ({"_one_hot"} if index_dtype == "uint64" else set())


@on_every_isa
@pytest.mark.parametrize("dtype", DTYPES)
def test_picking_of_every_dtype(dtype, isa):
    rng = np.random.default_rng(9)
    x, index = of_dtype(dtype, rng, 60).reshape(12, 5), rng.integers(0, 5, 12)
    assert not reasons(
        compare(
            lambda x, index: [
                ops.take(x, index, axis=0),
                ops.take(x, index, axis=1),
                ops.take_along_axis(x, index[:, None], axis=1),
            ],
            x,
            index,
            isa=isa,
        )
    )


@on_every_isa
@in_floats
def test_adding_at_indices(dtype, isa):
    rng = np.random.default_rng(9)
    index, many = rng.integers(-5, 5, (4, 3)), rng.integers(0, 40, 3000)
    places = rng.integers(-40, 40, (3000, 9))
    g, rows, flat = (rng.normal(size=s).astype(dtype) for s in [(6, 4, 3, 7), (3000, 9), (3000,)])
    add, add_along = OPS["scatter_add"], OPS["scatter_add_along_axis"]

    def added(index, many, places, g, rows, flat):
        return [
            add(g, index, shape=(6, 5, 7), axis=1),
            add(rows, many, shape=(40, 9), axis=0),
            add(ops.transpose(rows), many, shape=(9, 40), axis=-1),
            add(flat, many, shape=(8, 5), axis=None),
            add(rows[:0], many[:0], shape=(40, 9), axis=0),
            add_along(rows, places, shape=(3000, 40), axis=1),
            add_along(rows, places, shape=(40, 9), axis=0),
            add_along(flat, many, shape=(40,), axis=0),
        ]

    assert not reasons(compare(added, index, many, places, g, rows, flat, isa=isa))


@on_every_isa
def test_an_index_out_of_range(isa):
    x = np.zeros((4, 3), np.float32)
    for function in (
        lambda x, i: ops.take(x, i, axis=0),
        lambda x, i: ops.take_along_axis(x, i[:, None], axis=0),
        lambda x, i: OPS["scatter_add"](x[:2], i, shape=(4, 3), axis=0),
    ):
        plan = plan_of(function, x, np.array([0, 0]), isa=isa)
        for index in ([0, 4], [-5, 0]):
            with pytest.raises(IndexError, match=f"index {sorted(index, key=abs)[1]} is out of"):
                run_plan(plan, x, np.array(index))
        run_plan(plan, x, np.array([-4, 3]))


@on_every_isa
@in_floats
def test_random_numbers(dtype, isa):
    shapes = [(0,), (1,), (2,), (7,), (33,), (3000,), (3, 5, 7)]
    names = ["random_uniform", "random_normal", "random_truncated_normal"]

    def drawn(key):
        permutations = [OPS["random_permutation"](key, count=n) for n in (0, 1, 2, 7, 33, 3000)]
        return permutations + [OPS[n](key, shape=s, dtype=dtype) for n in names for s in shapes]

    for key in ([1, 2], [0, 0], [2**32 - 1, 2**31]):
        plan = compare(drawn, np.array(key, np.uint32), isa=isa)
        assert not reasons(plan)


@on_every_isa
def test_uniform_numbers_are_equal_bit_for_bit(isa):
    key = np.array([3, 4], np.uint32)
    for dtype in FLOATS:
        op, attrs = OPS["random_uniform"], {"shape": (77,), "dtype": dtype}
        found = run_plan(plan_of(lambda key: op(key, **attrs), key, isa=isa), key)  # noqa: B023
        np.testing.assert_array_equal(found, op.body(np, key, **attrs))


# Where the body itself is off near 0.
EXACT = {
    "erf": np.vectorize(math.erf),
    "sigmoid": lambda x: np.where(x < 0, np.exp(x) / (1 + np.exp(x)), 1 / (1 + np.exp(-x))),
}


@on_every_isa
@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sigmoid", "erf", "expm1", "log1p"])
def test_functions_are_within_two_units_of_the_last_place(name, isa):
    rng = np.random.default_rng(9)
    size = 10.0 ** rng.uniform(-30, 2, 4000)
    x = (size * rng.choice([-1, 1], 4000)).astype(np.float32)
    x = abs(x) if name.startswith("log") else x
    op = OPS[name]
    found = run_plan(plan_of(op, x, isa=isa), x)
    with np.errstate(all="ignore"):
        exact = EXACT.get(name, lambda x: op.body(np, x))(x.astype(np.float64))
        wanted = exact.astype(np.float32)
    error = np.abs(found - exact) / np.spacing(np.abs(wanted))
    assert error[np.isfinite(wanted)].max() <= 2
    np.testing.assert_array_equal(found[~np.isfinite(wanted)], wanted[~np.isfinite(wanted)])
