"""784-512-10 with rmsprop, by hand with NumPy: plainly, and (way "buffered") with buffers."""

from __future__ import annotations

import numpy as np

from benchmarks.cases import TEXTBOOK, Case, NotMeasured

VERSIONS: dict[str, str] = {}
RATE, RHO, EPSILON = np.float32(1e-3), 0.9, 1e-7


class Peer:
    def __init__(self, case: Case, way: str, x: np.ndarray, y: np.ndarray):
        if (case.widths, case.optimizer) != (TEXTBOOK.widths, TEXTBOOK.optimizer):
            raise NotMeasured(f"written for {TEXTBOOK.title} only")
        self.case, self.x, self.y = case, x, y
        weights = case.weights()
        self.network = Buffered(weights, case.batch) if way == "buffered" else Plain(weights)

    def fit(self, epochs: int) -> tuple[float, float | None]:
        for _ in range(epochs):
            figures = self.network.epoch(self.x, self.y, self.case.batch)
        return figures

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> float:
        return float(np.mean(self.call(x).argmax(axis=1) == y))

    def call(self, row: np.ndarray) -> np.ndarray:
        w1, b1, w2, b2 = self.network.weights
        z = np.maximum(row @ w1 + b1, 0) @ w2 + b2
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)


class Plain:
    """As one writes it from the textbook."""

    def __init__(self, weights: list[np.ndarray]):
        self.weights = [w.copy() for w in weights]
        self.squares = [np.zeros_like(w) for w in weights]
        self.rng = np.random.default_rng(0)

    def epoch(self, x: np.ndarray, y: np.ndarray, batch_size: int = 128) -> tuple[float, float]:
        """One epoch in random order; the mean loss and the accuracy."""
        order = self.rng.permutation(len(x))
        loss = right = 0.0
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            batch_loss, batch_right = self.step(x[rows], y[rows])
            loss += batch_loss * len(rows)
            right += batch_right
        return loss / len(x), right / len(x)

    def step(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        w1, b1, w2, b2 = self.weights
        z1 = x @ w1 + b1
        h1 = np.maximum(z1, 0)
        z2 = h1 @ w2 + b2
        shifted = z2 - z2.max(axis=1, keepdims=True)
        e = np.exp(shifted)
        total = e.sum(axis=1, keepdims=True)
        p = e / total
        rows = np.arange(len(x))
        loss = -(shifted[rows, y] - np.log(total[:, 0])).mean()
        right = (p.argmax(axis=1) == y).sum()

        d_z2 = p
        d_z2[rows, y] -= 1
        d_z2 /= len(x)
        d_w2 = h1.T @ d_z2
        d_b2 = d_z2.sum(axis=0)
        d_z1 = (d_z2 @ w2.T) * (z1 > 0)
        d_w1 = x.T @ d_z1
        d_b1 = d_z1.sum(axis=0)

        for i, g in enumerate([d_w1, d_b1, d_w2, d_b2]):
            self.squares[i] = RHO * self.squares[i] + (1 - RHO) * g * g
            self.weights[i] = self.weights[i] - RATE * g / np.sqrt(self.squares[i] + EPSILON)
        return float(loss), float(right)


class Buffered(Plain):
    """The same, with every large result written into a buffer that is used again."""

    def __init__(self, weights: list[np.ndarray], batch_size: int):
        super().__init__(weights)
        self.buffers = {
            "z1": np.empty((batch_size, 512), np.float32),
            "h1": np.empty((batch_size, 512), np.float32),
            "x": np.empty((batch_size, 784), np.float32),
        }
        self.gradients = [np.empty_like(w) for w in weights]
        self.scratch = [np.empty_like(w) for w in weights]

    def epoch(self, x: np.ndarray, y: np.ndarray, batch_size: int = 128) -> tuple[float, float]:
        order = self.rng.permutation(len(x))
        loss = right = 0.0
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            batch = self.buffers["x"][: len(rows)]
            np.take(x, rows, axis=0, out=batch, mode="clip")
            batch_loss, batch_right = self.step(batch, y[rows])
            loss += batch_loss * len(rows)
            right += batch_right
        return loss / len(x), right / len(x)

    def step(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        w1, b1, w2, b2 = self.weights
        n = len(x)
        z1, h1 = self.buffers["z1"][:n], self.buffers["h1"][:n]
        np.matmul(x, w1, out=z1)
        np.add(z1, b1, out=z1)
        np.maximum(z1, 0, out=h1)
        z2 = h1 @ w2
        z2 += b2
        z2 -= z2.max(axis=1, keepdims=True)
        e = np.exp(z2)
        total = e.sum(axis=1, keepdims=True)
        rows = np.arange(n)
        loss = -(z2[rows, y] - np.log(total[:, 0])).mean()
        right = (z2.argmax(axis=1) == y).sum()

        d_z2 = np.divide(e, total, out=e)
        d_z2[rows, y] -= 1
        d_z2 /= n
        g_w1, g_b1, g_w2, g_b2 = self.gradients
        np.matmul(h1.T, d_z2, out=g_w2)
        np.sum(d_z2, axis=0, out=g_b2)
        d_z1 = np.matmul(d_z2, w2.T, out=h1)
        np.multiply(d_z1, z1 > 0, out=d_z1)
        np.matmul(x.T, d_z1, out=g_w1)
        np.sum(d_z1, axis=0, out=g_b1)

        for w, v, g, s in zip(
            self.weights, self.squares, self.gradients, self.scratch, strict=True
        ):
            np.multiply(g, g, out=s)
            np.multiply(s, 1 - RHO, out=s)
            np.multiply(v, RHO, out=v)
            np.add(v, s, out=v)
            np.add(v, EPSILON, out=s)
            np.sqrt(s, out=s)
            np.multiply(g, RATE, out=g)
            np.divide(g, s, out=g)
            np.subtract(w, g, out=w)
        return float(loss), float(right)
