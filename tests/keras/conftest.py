"""Figures were recorded in float64."""

import pytest

import sheer


@pytest.fixture
def float64():
    """The test runs in float64; what comes after it, in float32 again."""
    sheer.config.set_floatx("float64")
    yield
    sheer.config.set_floatx("float32")
