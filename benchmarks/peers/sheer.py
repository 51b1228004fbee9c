"""sheer: `fit`, `evaluate`, `predict`, and (way "call") `model(x)`."""

import numpy as np

import sheer
from benchmarks.cases import Case
from benchmarks.peers.keras_api import KerasApi

VERSIONS = {"sheer": sheer.__version__, "sheer's engine": sheer.config.engine()}


class Peer(KerasApi):
    def __init__(self, case: Case, way: str, x: np.ndarray, y: np.ndarray):
        super().__init__(sheer, case, way, x, y)
