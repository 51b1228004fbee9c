"""Shapes, and n: sizes that depend on the batch and refuse to become numbers."""

import math

import numpy as np
import pytest

from sheer import ShapeError, TraceError, ops
from sheer.core.shapes import (
    Dim,
    N,
    broadcast,
    normalize_axes,
    normalize_axis,
    show,
    size_of,
    symbolic,
    with_none,
)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (N, "n"),
        (N + 1, "n + 1"),
        (1 + N, "n + 1"),
        (N - 2, "n - 2"),
        (3 * N, "3 * n"),
        (N * 3 + 1, "3 * n + 1"),
        (N + N, "2 * n"),
        (np.int64(2) * N, "2 * n"),
        (6 * N // 3, "2 * n"),
        ((4 * N + 2) // 2, "2 * n + 1"),
        (math.prod((N, 2, 3)), "6 * n"),
    ],
)
def test_arithmetic(size, text):
    assert isinstance(size, Dim) and repr(size) == text


def test_what_is_a_number_again():
    assert (N + 3) - N == 3 and type(3 + N - N) is int
    assert N * 0 == 0
    assert 2 * N // (2 * N) == 1


def test_equality_and_hash():
    assert N + 1 == 1 + N and N + 1 != N and N != 5
    assert hash(2 * N) == hash(N + N)
    assert len({N, N * 1, N + 0, 2 * N}) == 2


REFUSED = {
    "int": lambda: int(N),
    "float": lambda: float(N),
    "bool": lambda: bool(N),
    "range": lambda: range(N),
    "less": lambda: N < 3,
    "at least": lambda: N >= 3,
    "true division": lambda: N / 2,
    "a fraction": lambda: 1 / N,
    "a division that leaves a rest": lambda: N // 3,
    "division by zero": lambda: N // 0,
    "modulo": lambda: N % 2,
    "times a float": lambda: 0.5 * N,
    "plus a float": lambda: N + 0.5,
    "minus a float": lambda: N - 0.5,
    "a number minus n": lambda: 5 - N,
    "negative": lambda: -N,
    "power": lambda: N**2,
    "base": lambda: 2**N,
    "a list index": lambda: [1, 2][N],
    "numpy": lambda: np.zeros(N),
    "arange": lambda: ops.arange(N),
    "times a tensor, where nothing is traced": lambda: ops.ones(2) * N,
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_line_and_the_way_out(name):
    with pytest.raises(TraceError) as caught:
        REFUSED[name]()
    where, *rest = str(caught.value).splitlines()
    assert where.startswith("The batch size 'n' is used as a number, at test_core_shapes.py, line ")
    assert rest == [
        "A program serves every batch size, so while it is traced the size is a symbol.",
        "Use it as an operand of ops (x / ops.shape(x)[0] works), use -1 in a reshape, or run",
        "without tracing: compile(..., run_eagerly=True), or no sheer.function.",
    ]


def test_symbolic_and_back():
    shape = symbolic((None, 3))
    assert shape == (N, 3) and with_none(shape) == (None, 3)
    assert symbolic([]) == ()
    for wrong in [(-1, 2), (2.5,), ("a",)]:
        with pytest.raises(ValueError) as caught:
            symbolic(wrong)
        assert str(caught.value) == (f"A shape holds sizes of 0 or more, or None. Got {wrong!r}.")


def test_show():
    assert [show(s) for s in [(), (N,), (N, 3), (2, 3)]] == ["()", "(n,)", "(n, 3)", "(2, 3)"]


def test_axes():
    assert [normalize_axis(a, 3) for a in (0, 2, -1, -3)] == [0, 2, 2, 0]
    assert normalize_axes(None, 3) == (0, 1, 2)
    assert normalize_axes(-1, 3) == (2,)
    assert normalize_axes([0, -1], 3) == (0, 2)
    for axis in (3, -4):
        with pytest.raises(ShapeError) as caught:
            normalize_axis(axis, 3)
        assert str(caught.value) == f"axis {axis} does not exist in 3 dimensions"


@pytest.mark.parametrize(
    ("shapes", "result"),
    [
        ([(2, 3), (3,)], (2, 3)),
        ([(2, 1), (1, 3)], (2, 3)),
        ([(), (2,)], (2,)),
        ([(N, 3), (3,)], (N, 3)),
        ([(N, 1), (1, 3), ()], (N, 3)),
        ([(1,), (N,)], (N,)),
        ([(0, 3), (1, 3)], (0, 3)),
        ([(2 * N,), (2 * N,)], (2 * N,)),
    ],
)
def test_broadcast(shapes, result):
    assert broadcast(*shapes) == result
    if N not in result and 2 * N not in result:
        assert np.broadcast_shapes(*shapes) == result


@pytest.mark.parametrize(
    ("shapes", "text"),
    [
        ([(2, 3), (4,)], "the sizes 3 and 4 of axis -1 do not broadcast"),
        ([(N, 3), (5, 3)], "the sizes 5 and n of axis -2 do not broadcast"),
        ([(N,), (2 * N,)], "the sizes 2 * n and n of axis -1 do not broadcast"),
    ],
)
def test_what_does_not_broadcast(shapes, text):
    with pytest.raises(ShapeError) as caught:
        broadcast(*shapes)
    assert str(caught.value) == text


def test_size_of():
    assert size_of((2, 3)) == 6
    assert size_of(()) == 1
    assert size_of((2, N, 3)) == 6 * N
    with pytest.raises(ShapeError) as caught:
        size_of((N, N))
    assert str(caught.value) == "two sizes of (n, n) depend on the batch size"
