"""Activations and their slopes on a grid with ties and large values: Keras's figures, on JAX."""

import numpy as np
import pytest

import sheer
from recorded import recorded
from sheer import activations

FIGURES = recorded("activations.json")
X = np.array(FIGURES["x"])
pytestmark = pytest.mark.usefixtures("float64")


def ids(cases):
    return [f"{case['activation']} {case['kwargs']}" for case in cases]


# Where two pieces meet, the slope is a matter of choice. JAX has sometimes the one, sometimes the
# other, sometimes the middle; sheer has that of the piece which its formula names: below for
# leaky_relu (as TensorFlow and PyTorch), x itself for min(x, c) and max(x, c), 0 outside.
TIES = {
    "relu {'negative_slope': 0.1}": {0.0: 0.1},
    "relu {'max_value': 2.5}": {2.5: 1.0},
    "relu {'max_value': 6.0}": {6.0: 1.0},
    "relu {'negative_slope': 0.1, 'max_value': 2.5, 'threshold': 1.0}": {1.0: 0.1, 2.5: 1.0},
    "leaky_relu {}": {0.0: 0.2},
    "leaky_relu {'negative_slope': 0.01}": {0.0: 0.01},
    "relu6 {}": {6.0: 1.0},
    "hard_silu {}": {3.0: 1.5},
    "hard_swish {}": {3.0: 1.5},
    "hard_sigmoid {}": {3.0: 1 / 6},
    "sparse_sigmoid {}": {-1.0: 0.5, 1.0: 0.5},
}


@pytest.mark.parametrize("case", FIGURES["by_point"], ids=ids(FIGURES["by_point"]))
def test_values_and_slopes(case):
    function = getattr(activations, case["activation"])
    x = sheer.Tensor(X)
    with sheer.GradientTape() as tape:
        tape.watch(x)
        y = function(x, **case["kwargs"])
    slopes = tape.gradient(y, x).numpy()
    # A relative difference of 1e-8 is of the size that JAX's own formulas have in float64, far
    # from 0; the absolute one is for what has gone to 0.
    np.testing.assert_allclose(y.numpy(), case["values"], rtol=1e-12, atol=1e-15)
    wanted = np.array(case["slopes"])
    for point, slope in TIES.get(ids([case])[0], {}).items():
        assert (np.abs(slopes[point == X] - slope) < 1e-15).all()
        assert (wanted[point == X] != slope).all()
        wanted[point == X] = slope
    np.testing.assert_allclose(slopes, wanted, rtol=3e-8, atol=1e-14)


ROWS = FIGURES["by_row"]


@pytest.mark.parametrize("case", ROWS, ids=ids(ROWS))
def test_rows(case):
    found = getattr(activations, case["activation"])(np.array(FIGURES["rows"]), **case["kwargs"])
    found, wanted = found.numpy(), np.array(case["values"])
    if case["activation"] == "sparsemax":
        # Keras's threshold is too high where several elements should be above 0: see its docstring.
        axis = case["kwargs"].get("axis", -1)
        np.testing.assert_allclose(found.sum(axis), 1, rtol=1e-15)
        is_right = np.broadcast_to(wanted.sum(axis, keepdims=True) == 1, wanted.shape)
        assert 0 < is_right.sum() < is_right.size
        found, wanted = found[is_right], wanted[is_right]
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-300)
