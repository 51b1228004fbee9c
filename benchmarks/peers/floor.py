"""The floor: a case's matrix products alone, at the rate of a large product in this moment."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.cases import Case

VERSIONS: dict[str, str] = {}


class Peer:
    """It trains nothing, so it says itself how long its turn would be."""

    def __init__(self, case: Case, way: str, x: np.ndarray, y: np.ndarray):
        self.flops = case.flops

    def turn(self) -> dict:
        rate = sgemm_rate()
        return {"seconds": self.flops / rate, "rate": rate}

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> None:
        return None


def sgemm_rate() -> float:
    """Operations per second of NumPy's product of large float32 matrices, the best of five."""
    a = np.ones((2048, 2048), np.float32)
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - begin)
    return 2 * 2048**3 / min(times)
