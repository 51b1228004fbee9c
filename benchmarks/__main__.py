"""Time sheer beside the same work written by hand: `python -m benchmarks [CASE ...]`.

Each case runs its contenders by turns, epoch by epoch, on data of the same size, and prints the
median seconds per epoch (469 steps), the ratio of sheer to each other one (the median of the ratios
round by round), and the floor: the arithmetic of the matrix products alone, at the rate of a large
product measured in the same run. `--json FILE` writes the figures too.

MNIST is used where sheer finds it (SHEER_DATASETS), else random data of its size; it says which.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import sheer
from benchmarks import by_hand
from sheer import layers

Epoch = Callable[[], float]

# Forward, and backward by the weights: 2 per weight each; backward by the data: the second layer.
FLOPS_PER_ROW = 2 * (2 * 784 * 512 + 3 * 512 * 10)


def network() -> sheer.Sequential:
    """The textbook's network, 784-512-10, compiled."""
    sheer.utils.clear_session()
    sheer.utils.set_random_seed(1)
    model = sheer.Sequential(
        [
            sheer.Input((784,)),
            layers.Dense(512, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def data() -> tuple[np.ndarray, np.ndarray, str]:
    """60,000 rows of 784 numbers in [0, 1], their labels, and where they are from."""
    try:
        (x, y), _ = sheer.datasets.mnist.load_data()
    except OSError:
        rng = np.random.default_rng(0)
        return (
            rng.random((60000, 784), dtype=np.float32),
            rng.integers(0, 10, 60000).astype(np.uint8),
            "random data of MNIST's size",
        )
    return x.reshape(60000, 784).astype(np.float32) / 255, y, "MNIST"


def mnist_case() -> tuple[str, dict[str, Epoch], float]:
    """784-512-10, relu, rmsprop, batches of 128, accuracy computed, float32."""
    x, y, source = data()
    model = network()
    start = [w.astype(np.float32) for w in model.get_weights()]
    plain, buffered = by_hand.Plain(start), by_hand.Buffered(start, 128)

    def fit() -> float:
        history = model.fit(x, y, batch_size=128, epochs=1, verbose=0)
        return history.history["loss"][0]

    contenders: dict[str, Epoch] = {
        "sheer, NumPy engine": fit,
        "NumPy by hand": lambda: plain.epoch(x, y),
        "NumPy by hand, out= everywhere": lambda: buffered.epoch(x, y),
    }
    return f"784-512-10, rmsprop, batch 128, {source}", contenders, 60000 * FLOPS_PER_ROW


def step_case() -> tuple[str, dict[str, Epoch], float]:
    """469 times the step of the case above, on one batch that is there already."""
    x, y, source = data()
    x, y = x[:128], y[:128]
    model = network()
    plain = by_hand.Plain(model.get_weights())
    step = model.train_program(x, y)
    state = by_hand.state_of(model)

    def program() -> float:
        for _ in range(469):
            logs, new = step(x, y, *state.values())
            for name, value in new.items():
                space, attribute = name.split(".")
                setattr(state[space], attribute, value)
        return float(logs["loss"])

    def hand() -> float:
        for _ in range(469):
            loss, _ = plain.step(x, y)
        return loss

    contenders: dict[str, Epoch] = {"sheer's program": program, "NumPy by hand": hand}
    return f"469 steps of 128 rows, {source}", contenders, 469 * 128 * FLOPS_PER_ROW


CASES = {"mnist": mnist_case, "step": step_case}


def sgemm_rate() -> float:
    """Operations per second of a large float32 product, the best of ten."""
    a = np.ones((2048, 2048), np.float32)
    times = []
    for _ in range(10):
        begin = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - begin)
    return 2 * 2048**3 / min(times)


def run(name: str, rounds: int) -> dict:
    title, contenders, flops = CASES[name]()
    times: dict[str, list[float]] = {contender: [] for contender in contenders}
    losses: dict[str, float] = {}
    rates = []
    for epoch in contenders.values():
        epoch()  # not counted: caches, the first trace
    for _ in range(rounds):
        rates.append(sgemm_rate())
        for contender, epoch in contenders.items():
            begin = time.perf_counter()
            losses[contender] = epoch()
            times[contender].append(time.perf_counter() - begin)
    rate = statistics.median(rates)
    floor = flops / rate
    first = next(iter(contenders))
    print(f"\n{name}: {title}; {rounds} rounds")
    print(f"{'':<34}{'s/epoch':>9}{'sheer / it':>12}{'loss':>9}")
    figures = {}
    for contender, found in times.items():
        median = statistics.median(found)
        ratio = statistics.median(a / b for a, b in zip(times[first], found, strict=True))
        print(f"{contender:<34}{median:>9.3f}{ratio:>12.2f}{losses[contender]:>9.4f}")
        figures[contender] = {"seconds": median, "ratio": ratio, "loss": losses[contender]}
    ratio = statistics.median(times[first]) / floor
    print(f"{f'floor ({rate / 1e9:.0f} GFLOP/s)':<34}{floor:>9.3f}{ratio:>12.2f}")
    figures["floor"] = {"seconds": floor, "ratio": ratio}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all")
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count (default 7)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    for case in options.cases:
        if case not in CASES:
            parser.error(f"unknown case {case!r}; known: {', '.join(CASES)}")
    print(f"{platform.processor() or platform.machine()}, Python {sys.version.split()[0]}, "
          f"NumPy {np.__version__}")  # fmt: skip
    figures = {name: run(name, options.rounds) for name in options.cases or CASES}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
