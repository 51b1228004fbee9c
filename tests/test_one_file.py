"""To add an op, one declaration is enough: it computes, is traced, is written, has gradients."""

from typing import Any

import numpy as np
import pytest

import sheer
from sheer.ops import OPS, Array, op
from sheer.ops.rules import normal, same


@pytest.fixture
def squash():
    @op(shape=same, promote="float", sample=normal((3, 4)))
    def squash(xp: Any, x: Array) -> Array:
        """x / sqrt(1 + x²)."""
        root = xp.sqrt(1 + x * x)
        return x / root

    squash.slope(x=lambda g, y, x: g / (1 + x * x) ** 1.5)
    yield squash
    del OPS["squash"]


def test_an_op_declared_in_this_file(squash):
    x = np.array([[0.5, -2.0]], np.float32)
    expected = x / np.sqrt(1 + x * x)
    np.testing.assert_allclose(squash(x).numpy(), expected, rtol=1e-6)

    layer = sheer.layers.Dense(3, activation=squash)
    model = sheer.Sequential([sheer.Input((2,)), layer])
    model.compile("sgd", "mse")
    text = str(model.train_program())
    assert "    y_pred = squash(z1)" in text
    assert "def squash(x):\n" in text and "    root = np.sqrt(1 + x * x)\n" in text
    model.fit(x, np.zeros((1, 3)), verbose=0)

    variable = sheer.Variable(x)
    with sheer.GradientTape() as tape:
        total = sheer.ops.sum(squash(variable))
    np.testing.assert_allclose(
        tape.gradient(total, variable).numpy(), (1 + x * x) ** -1.5, rtol=1e-5
    )
