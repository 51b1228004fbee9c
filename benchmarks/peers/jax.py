"""JAX by hand: an epoch in one scan (way "scan"; "unrolled": 8 steps in the loop's body, which
halves the time of tiny ones), or a jitted call for each step ("steps")."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.cases import Case

VERSIONS = {"jax": jax.__version__}
RATE = 1e-3


def rmsprop(w, g, slots, t):
    v = 0.9 * slots[0] + 0.1 * g * g
    return w - RATE * g / jnp.sqrt(v + 1e-7), (v,)


def adam(w, g, slots, t):
    m = 0.9 * slots[0] + 0.1 * g
    v = 0.999 * slots[1] + 0.001 * g * g
    rate = RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return w - rate * m / (jnp.sqrt(v) + 1e-7), (m, v)


OPTIMIZERS = {"rmsprop": (rmsprop, 1), "adam": (adam, 2)}


class Peer:
    def __init__(self, case: Case, way: str, x: np.ndarray, y: np.ndarray):
        self.case, self.way = case, way
        self.x, self.y = jnp.asarray(x), jnp.asarray(y)
        self.hidden = {"relu": jax.nn.relu, "tanh": jnp.tanh}[case.hidden]
        self.optimizer, slots = OPTIMIZERS[case.optimizer]
        weights = [jnp.array(w) for w in case.weights()]
        zeros = [tuple(jnp.zeros_like(w) for _ in range(slots)) for w in weights]
        self.state = weights, zeros, jnp.float32(0)
        self.rng = np.random.default_rng(0)
        self.epoch = jax.jit(self.scan, donate_argnums=0)
        self.one_step = jax.jit(self.step, donate_argnums=0)
        self.output = jax.jit(lambda weights, x: self.softmax(self.forward(weights, x)))

    def forward(self, weights, x):
        for i in range(0, len(weights) - 2, 2):
            x = self.hidden(x @ weights[i] + weights[i + 1])
        return x @ weights[-2] + weights[-1]

    def softmax(self, z):
        return jax.nn.softmax(z) if self.case.sorts else z

    def loss(self, weights, x, y):
        """The mean loss, and how many labels are right."""
        z = self.forward(weights, x)
        if not self.case.sorts:
            return jnp.mean((z - y) ** 2), 0
        y = y.astype(jnp.int32)
        log_p = jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1)
        return -log_p.mean(), (z.argmax(axis=1) == y).sum()

    def step(self, state, x, y, rows):
        """Train with these rows: the new state, and the sum of the losses and of the right ones."""
        weights, slots, t = state
        (loss, right), gradients = jax.value_and_grad(self.loss, has_aux=True)(
            weights, x[rows], y[rows]
        )
        updates = map(partial(self.optimizer, t=t + 1), weights, gradients, slots)
        weights, slots = map(list, zip(*updates, strict=True))
        return (weights, slots, t + 1), (loss * len(rows), right)

    def scan(self, state, x, y, order):
        """All steps of an epoch, the short last one too, in one compiled function."""
        full = len(order) // self.case.batch * self.case.batch
        state, sums = lax.scan(
            lambda state, rows: self.step(state, x, y, rows),
            state,
            order[:full].reshape(-1, self.case.batch),
            unroll=8 if self.way == "unrolled" else 1,
        )
        sums = jax.tree.map(jnp.sum, sums)
        if full < len(order):
            state, last = self.step(state, x, y, order[full:])
            sums = jax.tree.map(jnp.add, sums, last)
        return state, sums

    def steps(self, order):
        """The same, with a call from Python for each step."""
        sums = []
        for start in range(0, len(order), self.case.batch):
            rows = order[start : start + self.case.batch]
            self.state, last = self.one_step(self.state, self.x, self.y, rows)
            sums.append(last)
        return tuple(np.sum(parts) for parts in zip(*jax.device_get(sums), strict=True))

    def fit(self, epochs: int) -> tuple[float, float | None]:
        n = self.case.rows
        for _ in range(epochs):
            order = self.rng.permutation(n).astype(np.int32)
            if self.way == "steps":
                loss, right = self.steps(order)
            else:
                self.state, (loss, right) = self.epoch(self.state, self.x, self.y, order)
        # Reading the loss waits for the epoch.
        return float(loss) / n, int(right) / n if self.case.sorts else None

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> float:
        z = np.asarray(self.output(self.state[0], x))
        return float(np.mean(z.argmax(axis=1) == y if self.case.sorts else (z - y) ** 2))

    def call(self, row: np.ndarray) -> np.ndarray:
        return np.asarray(self.output(self.state[0], row))
