"""Two elementwise operations in one kernel give the very numbers of two kernels."""

import itertools
from functools import partial

import numpy as np
import pytest

import sheer
from planned import ISAS, needs_native, plan_of, run_plan
from sheer import ops
from sheer.engines.native import groups
from sheer.engines.native.groups import FIRSTS, INSTRUCTIONS, LANES, SECONDS, paired

pytestmark = needs_native

APPLIED = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "sqrt": lambda x, _: np.sqrt(x) if isinstance(x, np.ndarray) else ops.sqrt(x),
}


def applied(first, second, swapped, numbers, *values):
    """second(first(a, b), c), or, swapped, second(c, first(a, b)); `numbers` names those of a, b, c
    that are one number."""
    a, b, c = (2.5 if n in numbers else v for n, v in zip("abc", values, strict=True))
    value = APPLIED[first](a, b)
    return APPLIED[second](*((c, value) if swapped and second != "sqrt" else (value, c)))


def line(name, d, *operands):
    return (
        "compute", INSTRUCTIONS.index(name), 0, False, d, *[*operands, None, None, None][:3]
    )  # fmt: skip


def register(number):
    return ("register", number)


def memory(buffer):
    return ("memory", buffer, 0, 4)


@pytest.fixture
def entered(monkeypatch):
    """All lines that come out of the pairing."""
    lines = []

    def noting(given):
        made = paired(given)
        lines.extend(made)
        return made

    monkeypatch.setattr(groups, "paired", noting)
    return lines


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("second", SECONDS)
@pytest.mark.parametrize("first", FIRSTS)
def test_each_pair_gives_numpys_numbers(first, second, dtype, isa, entered):
    rng = np.random.default_rng(0)
    for size, numbers, swapped in itertools.product(
        (1, 2, 16, 37, 2500), ("", "a", "b", "c", "ac", "bc"), (False, True)
    ):
        a, b, c = (rng.normal(size=size).astype(dtype) + 3 for _ in range(3))
        if size > 2:
            a[:2], b[:2], c[:2] = (np.inf, -0.0), (np.nan, 0.0), (0.0, np.nan)

        function = partial(applied, first, second, swapped, numbers)
        del entered[:]
        found = run_plan(plan_of(function, a, b, c, isa=isa), a, b, c)
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(found, function(a, b, c))
        kinds = [one[1] for one in entered if one[0] == "pair"]
        # Where the swapped form is no other, or c is not used, it is the plain one.
        is_other = swapped and second in ("subtract", "divide")
        assert kinds == [(FIRSTS.index(first), SECONDS.index(second), is_other)]


def test_a_value_that_is_needed_again_stays():
    t, d, e = register(0), memory(1), memory(2)
    twice = [
        line("multiply", t, memory(3), memory(4)),
        line("add", d, t, memory(3)),
        line("add", e, t, memory(4)),
    ]
    assert paired(twice) == twice
    squared = [line("multiply", t, memory(3), memory(4)), line("multiply", d, t, t)]
    assert paired(squared) == squared
    # Written anew in between, it is another value.
    anew = [*twice[:2], line("sqrt", t, memory(4)), twice[2]]
    assert [one[0] for one in paired(anew)] == ["pair", "compute", "compute"]


def test_what_is_overwritten_in_between_is_read_before():
    t, w, r = register(0), memory(1), register(1)
    lines = [
        line("multiply", t, w, memory(2)),
        line("sqrt", w, memory(3)),
        line("add", memory(4), t, memory(2)),
    ]
    assert paired(lines) == lines
    lines = [
        line("multiply", t, r, memory(2)),
        line("sqrt", r, memory(3)),
        line("add", memory(4), t, r),
    ]
    assert paired(lines) == lines


def test_other_lines_make_no_pairs():
    t, d = register(0), memory(1)
    halves = line("multiply", t, memory(2), ("number", 0))
    for second in (
        line("exp", d, t),
        ("store", 0, 8, False, d, t, None, None),
        ("compute", INSTRUCTIONS.index("add"), LANES.index("f64"), False, d, t, memory(2), None),
        ("spread", [2], [1], False, t, memory(2), None, 4),
    ):
        assert paired([halves, second]) == [halves, second]
    whole = ("compute", 0, LANES.index("i64"), False, t, memory(2), memory(3), None)
    more = ("compute", 0, LANES.index("i64"), False, d, t, memory(3), None)
    assert paired([whole, more]) == [whole, more]


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam", "sgd"])
def test_updates_are_the_same_without_pairs(optimizer, monkeypatch):
    x = np.random.default_rng(0).normal(size=(64, 5)).astype("float32")
    y = x[:, :1] ** 2

    def weights():
        sheer.utils.set_random_seed(0)
        model = sheer.Sequential([sheer.layers.Dense(40, "tanh"), sheer.layers.Dense(1)])
        model.compile(optimizer, "mse")
        model.fit(x, y, batch_size=16, epochs=3, verbose=0)
        return model.get_weights()

    before = weights()
    monkeypatch.setattr(groups, "paired", lambda lines: lines)
    for one, other in zip(before, weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_new_values_of_an_update_are_not_copied(entered):
    model = sheer.Sequential([sheer.Input((30,)), sheer.layers.Dense(20)])
    model.compile("rmsprop", "mse")
    model.fit(np.ones((8, 30)), np.ones((8, 20)), batch_size=8, verbose=0)
    copies = [one for one in entered if one[:2] == ("compute", INSTRUCTIONS.index("copy"))]
    assert not [one for one in copies if one[4][0] == "memory"]
