"""What is measured: each case once, as data that every peer builds from.

Nothing here knows a framework, since every peer's interpreter imports it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

# Rows of MNIST, and of any other data, that are kept back to test with.
TEST_ROWS = 10000


class NotMeasured(Exception):
    """This peer does not do this case; the message says why."""


@dataclass(frozen=True)
class Case:
    """A dense network and how it is trained: all of the work of one turn.

    With several outputs it sorts: softmax, sparse categorical cross-entropy, accuracy computed.
    With one it fits a number: mean squared error.
    """

    title: str
    widths: tuple[int, ...]
    optimizer: str
    batch: int
    rows: int
    hidden: str = "relu"
    mnist: bool = True
    epochs: int = 1  # in a turn, so that the quickest take long enough to time

    @property
    def sorts(self) -> bool:
        return self.widths[-1] > 1

    @property
    def steps(self) -> int:
        """Steps of an epoch, the short last one too."""
        return -(-self.rows // self.batch)

    @property
    def flops(self) -> int:
        """Operations of an epoch's matrix products.

        Forward, and backward to the weights: 2 per weight and row each. Backward to the data: 2
        more, but not in the first layer.
        """
        sizes = [a * b for a, b in pairwise(self.widths)]
        return 2 * self.rows * (3 * sum(sizes) - sizes[0])

    def weights(self) -> list[np.ndarray]:
        """Kernel, bias, kernel, bias...: where every peer begins (Glorot's uniform numbers)."""
        rng = np.random.default_rng(1)
        weights = []
        for inputs, outputs in pairwise(self.widths):
            limit = np.sqrt(6 / (inputs + outputs))
            weights.append(rng.uniform(-limit, limit, (inputs, outputs)).astype(np.float32))
            weights.append(np.zeros(outputs, np.float32))
        return weights


TEXTBOOK = Case("784-512-10, rmsprop, batch 128", (784, 512, 10), "rmsprop", 128, 60000)

TRAINING = {
    "mnist": TEXTBOOK,
    "tiny": Case(
        "8-32-1, tanh, adam, batch 32, 32,000 rows",
        (8, 32, 1), "adam", 32, 32000, hidden="tanh", mnist=False, epochs=5,
    ),
    "wide": Case(
        "784-2048-2048-10, adam, batch 256, 15,000 rows",
        (784, 2048, 2048, 10), "adam", 256, 15000,
    ),
}  # fmt: skip
PREDICT = TEXTBOOK
WATCHED = replace(TEXTBOOK, epochs=5)
PROCESS = Case(TEXTBOOK.title, TEXTBOOK.widths, "rmsprop", 128, 60000, epochs=5)

BATCHES = (1, 8, 32, 128, 1024)
WIDTHS = (8, 32, 128, 512, 2048, 4096)


def sweep_case(batch: int, width: int) -> Case:
    """width-width-10 with adam, and as many steps as take some tenths of a second."""
    guess = 5e-6 + (4 * width**2 * batch + 60 * width**2) / 1e11
    steps = int(np.clip(0.3 / guess, 3, 4000))
    title = f"{width}-{width}-10, adam, batch {batch}"
    return Case(title, (width, width, 10), "adam", batch, batch * steps, mnist=False)


def write_data(case: Case, folder: Path) -> str:
    """Put the case's data into `folder`, as each peer loads it; where they are from."""
    (x, y), (x_test, y_test), source = mnist(case.rows) if case.mnist else made(case)
    for name, array in {"x": x, "y": y, "x_test": x_test, "y_test": y_test}.items():
        np.save(folder / f"{name}.npy", array)
    return source


def mnist(rows: int) -> tuple:
    """The first rows of MNIST in [0, 1] where sheer finds it, else random data of its size."""
    import sheer

    try:
        (x, y), (x_test, y_test) = sheer.datasets.mnist.load_data()
        source = "MNIST"
    except OSError:
        rng = np.random.default_rng(0)
        x, x_test = (rng.integers(0, 256, (n, 784), np.uint8) for n in (60000, TEST_ROWS))
        y, y_test = (rng.integers(0, 10, n, np.uint8) for n in (60000, TEST_ROWS))
        source = "random data of MNIST's size"

    def pixels(images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), 784).astype(np.float32) / 255

    return (pixels(x[:rows]), y[:rows]), (pixels(x_test), y_test), source


def made(case: Case) -> tuple:
    """Random rows; a smooth function of them to fit, or labels that a random map gives them."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((case.rows + TEST_ROWS, case.widths[0]), np.float32)
    z = x @ rng.standard_normal((case.widths[0], case.widths[-1]), np.float32)
    y = z.argmax(axis=1).astype(np.uint8) if case.sorts else np.sin(z)
    return (x[: case.rows], y[: case.rows]), (x[case.rows :], y[case.rows :]), "made data"
