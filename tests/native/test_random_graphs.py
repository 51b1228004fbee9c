"""Random graphs with Variables on the native engine against the same, op by op, with NumPy: what is
grouped, folded, written in place or put where something else lay must not show."""

import numpy as np
import pytest

import sheer
from planned import (
    ISAS,
    assert_close,
    compare,
    eagerly,
    leaves,
    needs_native,
    plan_of,
    run_plan,
)
from sheer import ops
from sheer.engines.native.memory import LINE, planned
from sheer.ops import Tensor

pytestmark = needs_native

SIZES = [1, 2, 3, 7, 20, 45]  # a group has blocks of 1024 elements


class Author:
    """Writes a random function: asked for steps, it applies ops to values that it has. All that it
    looks at are shapes and dtypes, so the same seed gives the same function again.

    Values are kept small, so that errors of rounding are; where a step jumps (a comparison, a
    rounding), it is given exact values only: inputs, and what needs no rounding.
    """

    def __init__(self, seed, values, dtype):
        self.rng = np.random.default_rng(seed)
        self.dtype = dtype
        self.known = [(v, True) for v in values]  # each with whether it is exact

    def add(self, value, exact=False):
        self.known.append((value, exact))

    def pick(self, condition=lambda v: True, exact=False):
        """One of the values, the latest ones most often, and whether it is exact."""
        found = [(v, e) for v, e in self.known if condition(v) and (e or not exact)]
        if not found:
            return None, False
        return found[-1 - min(int(self.rng.exponential(len(found) / 3)), len(found) - 1)]

    def real(self, condition=lambda v: True, exact=False):
        return self.pick(lambda v: v.dtype == self.dtype and condition(v), exact)

    def step(self):
        self.rng.choice([
            self.function, self.function, self.arithmetic, self.arithmetic, self.arithmetic,
            self.arithmetic, self.jump, self.choice, self.reduction, self.arrangement,
            self.arrangement, self.product, self.product, self.joining, self.picking, self.whole,
            self.softmax,
        ])()  # fmt: skip

    def partner(self, x):
        """Another value that broadcasts with x, or a number."""
        if self.rng.random() < 0.15:
            return float(self.rng.choice([-1.5, 0.0, 0.25, 1.0, 2.0])), True
        return self.real(lambda v: _broadcast(v.shape, x.shape) is not None)

    def function(self):
        x, _ = self.real()
        f = self.rng.choice([
            ops.tanh, ops.sigmoid, ops.sin, ops.cos, ops.softsign, ops.erf,
            lambda v: ops.exp(-ops.abs(v)), lambda v: ops.log1p(ops.abs(v)),
            lambda v: ops.sqrt(ops.abs(v) + 0.5), lambda v: ops.expm1(ops.minimum(v, 0)),
        ])  # fmt: skip
        self.add(f(x))

    def arithmetic(self):
        x, x_exact = self.real()
        y, y_exact = self.partner(x)
        f = self.rng.choice([
            ops.add, ops.subtract, ops.maximum, ops.minimum,
            lambda a, b: 0.25 * (a * b), lambda a, b: a / (1 + ops.abs(b)),
            lambda a, b: ops.relu(a) - b, lambda a, b: -ops.clip(a, -1, 1) + b,
        ])  # fmt: skip
        x, y = (x, y) if self.rng.random() < 0.5 or isinstance(y, float) else (y, x)
        self.add(0.5 * f(x, y), x_exact and y_exact)

    def jump(self):
        x, _ = self.real(exact=True)
        f = self.rng.choice([
            ops.sign, ops.floor, ops.ceil, ops.round, lambda v: ops.cast(v > 0.25, self.dtype),
            lambda v: ops.cast(ops.cast(v, "int32"), self.dtype),
            lambda v: ops.cast(ops.cast(v, "bool"), self.dtype),
        ])  # fmt: skip
        self.add(f(x), exact=True)

    def choice(self):
        x, _ = self.real(exact=True)
        a, a_exact = self.real(lambda v: _broadcast(v.shape, x.shape) is not None)
        b, b_exact = self.partner(a)
        if not isinstance(b, float) and _broadcast(b.shape, x.shape) is None:
            b, b_exact = a, a_exact
        condition = x > 0 if self.rng.random() < 0.5 else ops.logical_and(x <= 1, x != 0)
        self.add(ops.where(condition, a, b), a_exact and b_exact)

    def reduction(self):
        x, _ = self.real(lambda v: v.ndim > 0)
        axis = [None, *range(x.ndim)][self.rng.integers(x.ndim + 1)]
        f = self.rng.choice([
            ops.mean, ops.max, ops.min, ops.logsumexp,
            lambda v, axis, keepdims: 0.1 * ops.sum(v, axis, keepdims),
        ])  # fmt: skip
        self.add(f(x, axis=axis, keepdims=bool(self.rng.random() < 0.5)))

    def arrangement(self):
        x, exact = self.real(lambda v: v.ndim > 0)
        axis = int(self.rng.integers(x.ndim))
        key = (slice(None),) * axis
        f = self.rng.choice([
            ops.transpose, ops.flip, lambda v: ops.expand_dims(v, axis),
            lambda v: ops.reshape(v, (-1,)), lambda v: v[(*key, slice(None, None, 2))],
            lambda v: v[(*key, slice(None, None, -1))], lambda v: v[(*key, 0)],
            lambda v: ops.broadcast_to(v, (2, *v.shape)) if v.ndim < 3 else v,
            lambda v: ops.reshape(ops.transpose(v), v.shape),
            lambda v: ops.pad(v, [(1, 0)] * v.ndim),
        ])  # fmt: skip
        y = f(x)
        if y.ndim <= 3 and y.shape != () and np.prod(y.shape) < 4000:
            self.add(y, exact)

    def product(self):
        x, _ = self.real(lambda v: v.ndim >= 1)
        y, _ = self.real(lambda v: v.ndim == 2 and v.shape[0] == x.shape[-1])
        if y is None:
            return
        z = ops.matmul(x, y)
        bias, _ = self.real(lambda v: v.shape == z.shape[-1:])
        if bias is not None and self.rng.random() < 0.6:
            z = z + bias
        base, _ = self.real(lambda v: v.shape == z.shape)
        if base is not None and self.rng.random() < 0.5:
            z = z + ops.tanh(base)
        ending = self.rng.integers(4)
        self.add([lambda v: 0.2 * v, ops.relu, ops.tanh, ops.sigmoid][ending](z))
        if self.rng.random() < 0.3:
            self.add(0.2 * z)  # the product is needed without what follows it, too

    def joining(self):
        x, x_exact = self.real(lambda v: v.ndim > 0)
        axis = int(self.rng.integers(x.ndim))

        def around(v):
            return v.shape[:axis], v.shape[axis + 1 :]

        y, y_exact = self.real(lambda v: v.ndim == x.ndim and around(v) == around(x))
        if np.prod(x.shape) < 1000:
            self.add(ops.concatenate([x, y, x], axis), x_exact and y_exact)

    def picking(self):
        x, exact = self.real(lambda v: v.ndim > 0 and v.shape[0] > 0)
        places, _ = self.pick(lambda v: v.dtype == "int32" and v.ndim == 1)
        if places is not None:
            self.add(ops.take(x, ops.mod(places, x.shape[0]), axis=0), exact)

    def whole(self):
        """Whole numbers: the places of the largest, and arithmetic with them."""
        x, _ = self.real(lambda v: v.ndim == 2, exact=True)
        y, _ = self.pick(lambda v: v.dtype == "int32")
        if x is not None:
            self.add(ops.argmax(x, axis=int(self.rng.integers(2))), exact=True)
        if y is not None:
            self.add(ops.cast((3 * y + 1) % 7, self.dtype) * 0.25, exact=True)
            self.add(ops.mod(y * y - 5, 11), exact=True)

    def softmax(self):
        x, _ = self.real(lambda v: v.ndim > 0)
        self.add(self.rng.choice([ops.softmax, ops.log_softmax])(x))

    def results(self):
        """Some values, among them the last one."""
        return [self.known[-1][0], *(self.pick()[0] for _ in range(self.rng.integers(4)))]


def _broadcast(a, b):
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        return None


def inputs_of(seed, dtype):
    """Arrays of shapes that fit each other, with halves and zeros among the values."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.choice(SIZES, 3)
    shapes = [(a, b), (b, c), (a, c), (b,), (c,), (2, a, b), (b, b), ()]
    arrays = [
        np.where(rng.random(s) < 0.2, rng.integers(-2, 3, s) / 2, rng.normal(size=s)).astype(dtype)
        for s in shapes
    ]
    return [*arrays, rng.integers(-5, 50, 7).astype(np.int32)]


def slack(dtype):
    """A graph of many steps makes larger errors than one."""
    return 50 if dtype == "float32" else 200


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(60))
def test_expressions(seed, dtype):
    arrays = inputs_of(seed, dtype)

    def function(*values):
        author = Author(1000 + seed, values, dtype)
        for _ in range(5 + seed % 50):
            author.step()
        return author.results()

    plan = plan_of(function, *arrays, isa=ISAS[seed % len(ISAS)])
    for _ in range(2):  # again with other numbers, on memory that has been used
        wanted = eagerly(function, *arrays)
        assert_close(run_plan(plan, *arrays), wanted, scale=slack(dtype), signs=False)
        arrays = [a if a.dtype == np.int32 else a[::-1] + a.dtype.type(0.5) if a.ndim else a
                  for a in arrays]  # fmt: skip


# --- Variables ------------------------------------------------------------------------------------


class Twice:
    """A function of inputs and Variables, with Variables of its own on each side."""

    def __init__(self, function, initial, *arrays):
        self.function, self.arrays = function, arrays
        self.of_plan = [sheer.Variable(a, name=f"v{i}") for i, a in enumerate(initial)]
        self.of_numpy = [sheer.Variable(a, name=f"v{i}") for i, a in enumerate(initial)]
        self.plan = plan_of(lambda *xs: function(self.of_plan, *xs), *arrays)

    def step(self, scale=1):
        wanted = eagerly(lambda *xs: self.function(self.of_numpy, *xs), *self.arrays)
        found = run_plan(self.plan, *self.arrays)
        assert_close(found, wanted, scale=scale, signs=False)
        state = [v.numpy() for v in self.of_plan], [v.numpy() for v in self.of_numpy]
        assert_close(*state, scale=scale, signs=False)
        return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(60))
def test_expressions_with_state(seed, dtype):
    """Variables read and assigned anywhere: twice, from each other, from views, from inputs."""
    arrays = inputs_of(seed, dtype)
    initial = [0.5 * a for a in arrays[:-1]] + [arrays[0] - 1, arrays[6] + 1]
    initial = [a.astype(dtype) for a in initial]

    def function(variables, *values):
        author = Author(2000 + seed, values, dtype)
        for _ in range(6 + seed % 25):
            variable = variables[author.rng.integers(len(variables))]
            action = author.rng.random()
            if action < 0.4:
                author.add(variable.value)
            elif action < 0.8:
                value, _ = author.real(lambda v, shape=variable.shape: v.shape == shape)
                if author.rng.random() < 0.5 or value is None:
                    value = variables[author.rng.integers(len(variables))]
                if value.shape != variable.shape:
                    value = author.rng.choice([0.0, 1.0]) * ops.ones_like(variable)
                variable.assign(value)
            else:
                variable.assign(0.5 * variable.value + 0.25)
            author.step()
            author.step()
        return author.results()

    both = Twice(function, initial, *arrays)
    for _ in range(3):
        both.step(scale=slack(dtype))


SIDE = 45


def swap(v, x):
    a, b = v[0].value, v[1].value
    v[0].assign(b)
    v[1].assign(a)


def turn(v, x):
    old = [w.value for w in v[:3]]
    for i in range(3):
        v[i].assign(old[(i + 1) % 3])


def half_a_swap(v, x):
    old = v[0].value
    v[0].assign(v[1].value + 1)
    v[1].assign(old * 2)


def assigned_twice(v, x):
    v[0].assign(v[0].value + x)
    first = v[0].value * 3
    v[0].assign(v[0].value * 2)
    return [first, v[0].value]


def old_value_after_the_assignment(v, x):
    old = v[0].value
    v[0].assign(old + x)
    v[1].assign(ops.sin(old) + v[0].value)
    return [old * old, ops.sum(old)]


def old_value_as_output(v, x):
    old = v[0].value
    v[0].assign(old * 2)
    return old


def old_value_in_a_later_kernel(v, x):
    old = v[0].value
    v[0].assign(old * 2)
    return 0.1 * ops.matmul(old, old) + ops.mean(old)


def output_and_new_value(v, x):
    y = ops.tanh(v[0].value + x)
    v[0].assign(y)
    return [y, y, ops.transpose(y)]


def one_value_for_all(v, x):
    y = v[0].value * x
    for w in v[:3]:
        w.assign(y)
    return y


def constants(v, x):
    v[0].assign(np.full((SIDE, SIDE), 3.0, np.float32))
    v[1].assign(ops.zeros((SIDE, SIDE)))
    v[2].assign(v[2].value * 0 + 1)
    v[3].assign(7.0)
    return v[0].value + 1


def the_input(v, x):
    v[0].assign(x)
    v[1].assign(ops.transpose(x))
    return x


def a_view_of_itself(v, x):
    v[0].assign(ops.transpose(v[0].value))
    v[1].assign(ops.flip(v[1].value, 0))
    v[2].assign(ops.concatenate([v[2].value[1:], v[2].value[:1]]))


def a_sum_with_a_view_of_itself(v, x):
    v[0].assign(v[0].value + ops.transpose(v[0].value))
    v[1].assign(v[1].value[::-1] - v[1].value)
    v[2].assign(ops.broadcast_to(v[2].value[:1], (SIDE, SIDE)) + v[2].value)


def a_product_with_itself(v, x):
    v[0].assign(0.1 * ops.matmul(v[0].value, v[0].value))
    v[1].assign(0.1 * ops.matmul(v[1].value, x) + v[1].value)
    v[2].assign(ops.relu(ops.matmul(0.1 * x, v[2].value)))


def rows_of_itself(v, x):
    places = np.array([4, 4, *range(SIDE - 2)])
    v[0].assign(ops.take(v[0].value, places, axis=0))
    v[1].assign(ops.softmax(v[1].value))
    v[2].assign(ops.cumsum(v[2].value, axis=0) * 0.1)


def from_a_reduction(v, x):
    v[0].assign(v[0].value - ops.mean(v[0].value))
    v[1].assign(v[1].value / (1 + ops.max(ops.abs(v[1].value), axis=0)))
    v[3].assign(ops.sum(v[0].value) + v[3].value)


def read_by_another_group(v, x):
    """A small group reads what a large one writes, and the other way round."""
    v[0].assign(v[0].value + v[3].value)
    v[3].assign(ops.sum(v[0].value) * 0.1)
    v[1].assign(v[1].value * v[3].value)


def two_by_two(v, x):
    """An optimizer's step: each of two slots from its old value and the other's new one."""
    m = 0.9 * v[1].value + 0.1 * x
    s = 0.9 * v[2].value + 0.1 * x * x
    v[1].assign(m)
    v[2].assign(s)
    v[0].assign(v[0].value - m / (ops.sqrt(s) + 1e-3))


def counted(v, x):
    v[4].assign(v[4].value + 1)
    v[3].assign(v[3].value + ops.cast(v[4].value, "float32"))
    return v[4].value * 2


def swapped_views(v, x):
    a, b = v[0].value, v[1].value
    v[0].assign(ops.transpose(b))
    v[1].assign(ops.transpose(a))
    v[2].assign(a[::-1])


def nothing_changes(v, x):
    v[0].assign(v[0].value)
    return v[0].value + x


HAZARDS = [
    swap, turn, half_a_swap, assigned_twice, old_value_after_the_assignment, old_value_as_output,
    old_value_in_a_later_kernel, output_and_new_value, one_value_for_all, constants, the_input,
    a_view_of_itself, a_sum_with_a_view_of_itself, a_product_with_itself, rows_of_itself,
    from_a_reduction, read_by_another_group, two_by_two, counted, swapped_views, nothing_changes,
]  # fmt: skip


@pytest.mark.parametrize("step", HAZARDS, ids=lambda f: f.__name__)
def test_hazards(step):
    rng = np.random.default_rng(1)
    x, *squares = rng.normal(size=(4, SIDE, SIDE)).astype(np.float32)
    both = Twice(step, [*squares, np.float32(0.5), np.int32(3)], x)
    handed_out = []
    for _ in range(4):
        found = leaves(both.step(scale=20))
        handed_out += [(array, array.copy()) for array in found]
    for array, copy in handed_out:
        np.testing.assert_array_equal(array, copy)


def test_weights_of_an_optimizer_are_written_in_place():
    """No copies: what is tested above is there."""
    values = [sheer.Variable(np.ones((5, 5), np.float32), name=f"v{i}") for i in range(3)]
    plan = plan_of(lambda x: two_by_two(values, x), np.ones((5, 5), np.float32))
    assert not plan.schedule.copies
    assert set(plan.schedule.destination.values()) == set(values)
    assert len(plan.schedule.kernels) == 1


def test_steps_apart_from_each_other_share_no_order():
    """Groups of several shapes, one in the other's way."""
    rng = np.random.default_rng(1)

    def function(x, y):
        a = x + 1
        s = ops.sum(a)
        b = y * s
        c = a * s + ops.sum(b)
        d = b - ops.mean(c)
        return [c, d, ops.max(c) + a, b]

    compare(function, rng.normal(size=(7, 3)), rng.normal(size=(3, 7)))


# --- memory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_no_two_arrays_at_one_place_at_one_time(seed):
    rng = np.random.default_rng(seed)
    count, length = int(rng.integers(1, 40)), int(rng.integers(1, 30))
    lifetimes = {}
    for i in range(count):
        begin = int(rng.integers(-1, length))
        size = int(rng.choice([0, 1, 63, 64, 65, 1000, rng.integers(1, 10_000)]))
        lifetimes[i] = size, begin, begin + int(rng.integers(0, length))
    offsets, total = planned(lifetimes)
    assert offsets.keys() == lifetimes.keys()
    for i, (size, first, last) in lifetimes.items():
        assert offsets[i] % LINE == 0
        assert 0 <= offsets[i] <= offsets[i] + size <= total
        for j, (other_size, other_first, other_last) in lifetimes.items():
            if i < j and first <= other_last and other_first <= last:
                ends = offsets[i] + max(size, 1), offsets[j] + max(other_size, 1)
                assert ends[0] <= offsets[j] or ends[1] <= offsets[i]
    rounded = [max(1, -(-size // LINE)) * LINE for size, _, _ in lifetimes.values()]
    assert total <= sum(rounded)


def test_memory_is_used_again():
    """A chain of ops that cannot be grouped needs room for two arrays, not for all."""

    def chain(x):
        for _ in range(10):
            x = ops.softmax(ops.transpose(x))
        return ops.sum(x)

    plan = plan_of(chain, np.ones((100, 100), np.float32))
    assert plan.arena_bytes < 3.2 * 40_000


def test_the_author_has_no_whims():
    """The same seed writes the same function, and all kinds of steps are taken."""

    def function(*values):
        author = Author(1, values, "float32")
        for _ in range(40):
            author.step()
        return [value for value, _ in author.known]

    arrays = inputs_of(1, "float32")
    first, second = (function(*map(Tensor, arrays)) for _ in range(2))
    assert [v.shape for v in first] == [v.shape for v in second]
    assert len(first) > 30
