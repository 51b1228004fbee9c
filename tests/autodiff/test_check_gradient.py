"""The gradient checker finds gradients that are wrong, and only those."""

from typing import Any

import numpy as np
import pytest

import sheer
from sheer import ops
from sheer.autodiff import check_gradient
from sheer.ops import OPS, Array, op
from sheer.ops.rules import same


@pytest.fixture
def wrong():
    """x² with a slope of x."""

    @op(shape=same)
    def wrong(xp: Any, x: Array) -> Array:
        """x²."""
        return x * x

    wrong.slope(x=lambda g, y, x: g * x)
    yield wrong
    del OPS["wrong"]


def test_right_gradients_pass():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(3, 2)), rng.normal(size=(2, 4))
    assert check_gradient(lambda x, w: ops.tanh(x @ w), x, w) < 1e-8
    assert check_gradient(ops.softmax, x) < 1e-8  # its sum is 1: sums alone would tell nothing
    assert check_gradient(lambda x: {"a": [x * x], "b": ops.sum(x)}, x) < 1e-8
    assert check_gradient(lambda: ops.ones(2)) == 0


def test_a_wrong_gradient_is_named(wrong):
    with pytest.raises(AssertionError) as caught:
        check_gradient(lambda a, b: ops.sum(a) + wrong(b), [1.0], [0.0, 3.0])
    weight = 1 + 0.6180339887498949  # of the second element
    message, gradient, slope = str(caught.value).splitlines()
    assert message == "The gradient by argument 1, element (1,), is not the slope there."
    assert gradient == f"  gradient {3 * weight:.9g}"
    np.testing.assert_allclose(float(slope.split()[1]), 6 * weight, rtol=1e-8)


def test_a_gradient_that_is_missing():
    with pytest.raises(AssertionError, match="gradient 0\n"):
        check_gradient(lambda x: ops.stop_gradient(x) * 2, [1.0])


def test_a_gradient_that_is_nan():
    with pytest.raises(AssertionError, match="gradient nan\n"):
        check_gradient(ops.prod, [0.0, 2.0])


def test_errors_must_not_cancel(wrong):
    """Of opposite signs and equal size: the sum of the results alone would be right."""
    with pytest.raises(AssertionError):
        check_gradient(lambda x: ops.stack([wrong(x), -wrong(x)]), [2.0])


def test_the_tolerance(wrong):
    slightly = lambda x: x * x + 1e-5 * wrong(x)  # noqa: E731
    with pytest.raises(AssertionError):
        check_gradient(slightly, [2.0])
    assert 1e-6 < check_gradient(slightly, [2.0], tolerance=1e-4) < 1e-4


def test_whole_numbers_are_passed_on():
    seen = []

    def chosen(x, labels, flags):
        seen.append((labels.dtype, flags.dtype))
        return ops.where(flags, ops.take(x, labels), 0)

    check_gradient(chosen, [1.0, 2.0], np.array([1, 0, 1]), [True, False, True])
    assert set(seen) == {("int64", "bool")}


def test_variables_keep_their_values():
    w = sheer.Variable(np.array([2.0, 3.0]))
    x = np.array([1.0, 5.0])
    check_gradient(lambda x: w * x, x)
    assert w.numpy().tolist() == [2, 3] and x.tolist() == [1, 5]
