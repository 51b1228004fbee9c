"""Keras on the backend that KERAS_BACKEND names, as it comes or (way "best") at its best."""

import sys

import numpy as np

import keras
from benchmarks.cases import Case
from benchmarks.peers.keras_api import KerasApi

BACKEND = keras.backend.backend()
VERSIONS = {"keras": keras.__version__, BACKEND: sys.modules[BACKEND].__version__}
BEST: dict = {"jit_compile": True}
if BACKEND != "torch":  # there it must be 1
    BEST["steps_per_execution"] = 32


class Peer(KerasApi):
    def __init__(self, case: Case, way: str, x: np.ndarray, y: np.ndarray):
        super().__init__(keras, case, way, x, y, **(BEST if way == "best" else {}))
