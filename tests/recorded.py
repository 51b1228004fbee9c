"""Keras's recorded figures; `scripts/record_keras.py` made them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "fixtures" / "keras"


@cache
def recorded(name: str) -> Any:
    """The content of a fixture."""
    path = FOLDER / name
    if path.suffix == ".json":
        return json.loads(path.read_text())
    with np.load(path) as arrays:
        return dict(arrays)


def refused(figure: Any) -> bool:
    """Whether Keras raised an error in place of giving a figure."""
    return isinstance(figure, dict) and "error" in figure
