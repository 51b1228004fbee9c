"""Every test, and every example in a docstring, begins as a new session does."""

import pytest

import sheer


@pytest.fixture(autouse=True)
def new_session():
    """The same seed, automatic names from the start, float32."""
    sheer.utils.clear_session()
    sheer.utils.set_random_seed(0)
    yield
    sheer.config.set_floatx("float32")
    sheer.config.set_epsilon(1e-7)
