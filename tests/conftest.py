"""What the tests share."""

import os
from pathlib import Path

import numpy as np
import pytest

import sheer

if os.environ.get("SHEER_DATASETS"):  # for tests that work in a folder of their own too
    os.environ["SHEER_DATASETS"] = os.path.abspath(os.environ["SHEER_DATASETS"])
MNIST = Path(os.environ.get("SHEER_DATASETS", "")) / "mnist.npz"


@pytest.fixture(scope="session")
def mnist():
    """Real MNIST as float32 rows in [0, 1] with labels: (x, y), (x_test, y_test)."""
    if not os.environ.get("SHEER_DATASETS") or not MNIST.exists():
        pytest.skip("needs real MNIST: set SHEER_DATASETS to a folder with mnist.npz")
    (x, y), (x_test, y_test) = sheer.datasets.mnist.load_data()

    def rows(images):
        return images.reshape(len(images), 784).astype("float32") / 255

    return (rows(x), y), (rows(x_test), y_test)


@pytest.fixture(scope="session")
def digits():
    """The digits in the package as float32 rows in [0, 1] with labels: (x, y), (x_test, y_test)."""
    (x, y), (x_test, y_test) = sheer.datasets.digits.load_data()

    def rows(images):
        return images.reshape(len(images), 64).astype(np.float32) / 16

    return (rows(x), y), (rows(x_test), y_test)


@pytest.fixture
def numpy_engine():
    """Programs run as NumPy code, where a test can watch them."""
    engine = sheer.config.engine()
    sheer.config.set_engine("numpy")
    yield
    sheer.config.set_engine(engine)
