"""What the tests against Keras share: its recorded figures, and float64."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sheer import config

FOLDER = Path(__file__).parents[1] / "fixtures" / "keras"


def recorded(name: str) -> Any:
    """The content of a fixture, as scripts/record_keras.py wrote it."""
    path = FOLDER / name
    if path.suffix == ".json":
        return json.loads(path.read_text())
    with np.load(path) as arrays:
        return dict(arrays)


@pytest.fixture
def float64() -> Iterator[None]:
    """The test runs in float64, as the figures were recorded."""
    before = config.floatx()
    config.set_floatx("float64")
    yield
    config.set_floatx(before)
