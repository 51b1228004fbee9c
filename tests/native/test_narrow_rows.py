"""Rows of a few elements are worked on many at a time: softmax, argmax, argmin."""

import numpy as np
import pytest

from planned import ISAS, compare, natively, needs_native, on_threads, plan_of, run_plan
from sheer import ops

pytestmark = needs_native

ROWS = [1, 2, 15, 16, 17, 33]
COLUMNS = [1, 2, 3, 7, 8, 10, 15, 16, 17, 31, 32, 33]


def rows_of(rows, columns, dtype, seed=0):
    """Numbers with ties, NaN and infinities."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, (rows, columns)).astype(dtype)
    special = rng.random(x.shape)
    x[special < 0.1] = np.nan
    x[special > 0.9] = np.inf
    x[(special > 0.8) & (special < 0.9)] = -np.inf
    return x


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", COLUMNS)
def test_argmax_and_argmin_are_numpys(columns, dtype, isa):
    for rows in ROWS:
        x = rows_of(rows, columns, dtype, seed=rows)
        for op, numpys in ((ops.argmax, np.argmax), (ops.argmin, np.argmin)):
            found = natively(lambda x, op=op: op(x, axis=-1), x, isa=isa)
            np.testing.assert_array_equal(found, numpys(x, axis=-1))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", COLUMNS)
def test_softmax_of_narrow_rows(columns, dtype, isa):
    rng = np.random.default_rng(1)
    for rows in ROWS:
        x = (5 * rng.normal(size=(rows, columns))).astype(dtype)
        for op in (ops.softmax, ops.log_softmax):
            compare(op, x, isa=isa)
            # A row with NaN or two infinities is NaN, and its neighbours are not.
            odd = x.copy()
            odd[rows // 2, 0] = np.nan
            wanted, found = natively(op, x, isa=isa), natively(op, odd, isa=isa)
            assert np.isnan(found[rows // 2]).all()
            others = np.arange(rows) != rows // 2
            np.testing.assert_array_equal(found[others], wanted[others])


@pytest.mark.parametrize("op", [ops.softmax, ops.log_softmax, lambda x: ops.argmax(x, axis=-1)])
def test_a_row_is_the_same_wherever_it_stands(op):
    x = np.random.default_rng(2).normal(size=(3000, 10)).astype("float32")
    plan = plan_of(op, x)
    with on_threads(1):
        once = run_plan(plan, x)
    with on_threads(3):
        np.testing.assert_array_equal(run_plan(plan, x), once)
    for first in (0, 5, 2999):
        np.testing.assert_array_equal(natively(op, x[first : first + 1])[0], once[first])
