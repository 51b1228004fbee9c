"""A training that is killed again and again: run by test_faults.py as a program of its own.

    python killed.py ENGINE SAVE_FREQ KILLS SEED FOLDER    (the engine is numpy, native, or eager)

It forks children that train with a backup, kills each at a random moment with SIGKILL, and starts
the next in its place; one that reaches the end must have the weights, the history and the log of
one that nobody killed. It prints how many were killed, and how many trainings reached the end.
"""

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np

import sheer
from sheer import callbacks, layers

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 6)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)


class Noise(layers.Layer):
    """A user's own; its seeds are state that is no weight."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seeds = sheer.random.SeedGenerator()

    def call(self, x, training=False):
        return x + sheer.random.normal(x.shape, stddev=0.1, seed=self.seeds) if training else x


def train(folder, backup, run_eagerly):
    """Train, and write what came of it."""
    sheer.utils.set_random_seed(7)
    model = sheer.Sequential(
        [
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            Noise(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"],
                  run_eagerly=run_eagerly)  # fmt: skip
    history = model.fit(
        X,
        Y,
        epochs=12,
        batch_size=8,
        steps_per_epoch=7,  # of the 10 that a pass has: epochs begin within passes
        validation_split=0.2,
        verbose=0,
        callbacks=[
            callbacks.ReduceLROnPlateau(patience=1, factor=0.7),
            callbacks.EarlyStopping(patience=5, restore_best_weights=True),
            callbacks.CSVLogger(folder / "log.csv"),
            *backup,
        ],
    )
    found = {f"weight {i}": w for i, w in enumerate(model.get_weights())}
    found |= {f"slot {i}": v.numpy() for i, v in enumerate(model.optimizer.variables)}
    found |= {f"history {name}": np.array(v) for name, v in history.history.items()}
    found["log"] = np.array((folder / "log.csv").read_text())
    found["next"] = np.array(sheer.random.uniform((3,)))
    with open(folder / "done.tmp", "wb") as file:
        np.savez(file, **found)
    os.replace(folder / "done.tmp", folder / "done.npz")


def started(folder, backup, run_eagerly):
    """The id of a child that trains."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            train(folder, backup, run_eagerly)
            code = 0
        finally:
            os._exit(code)
    return child


def result(folder):
    with np.load(folder / "done.npz") as file:
        return dict(file)


def main(engine, save_freq, kills, seed, folder):
    sheer.config.set_engine("numpy" if engine == "eager" else engine)
    is_eager = engine == "eager"
    sheer.config.set_num_threads(1)
    folder, random_moment = Path(folder), random.Random(seed).random
    save_freq = save_freq if save_freq == "epoch" else int(save_freq)
    (folder / "alone").mkdir(parents=True)
    assert os.waitpid(started(folder / "alone", [], is_eager), 0)[1] == 0
    wanted = result(folder / "alone")
    # How long one takes that is not killed, with its backups.
    (folder / "timed").mkdir()
    backup = [callbacks.BackupAndRestore(folder / "timed" / "backup", save_freq)]
    begun = time.perf_counter()
    assert os.waitpid(started(folder / "timed", backup, is_eager), 0)[1] == 0
    seconds = time.perf_counter() - begun

    killed = ended = 0
    while killed < kills:
        shutil.rmtree(folder / "run", ignore_errors=True)
        (folder / "run").mkdir()
        backup = [callbacks.BackupAndRestore(folder / "run" / "backup", save_freq)]
        longest = min(1.2 * seconds, 0.5)
        while not (folder / "run" / "done.npz").exists():
            child = started(folder / "run", backup, is_eager)
            time.sleep(longest * random_moment())
            longest *= 1.05  # so that each ends, however slow the machine is just now
            os.kill(child, signal.SIGKILL)
            status = os.waitpid(child, 0)[1]
            assert status in (0, signal.SIGKILL), status
            killed += status == signal.SIGKILL
        found = result(folder / "run")
        for name, value in wanted.items():
            np.testing.assert_array_equal(found[name], value, err_msg=name)
        assert set(found) == set(wanted)
        ended += 1
    print(killed, ended)


if __name__ == "__main__":
    engine, save_freq, kills, seed, folder = sys.argv[1:]
    main(engine, save_freq, int(kills), int(seed), folder)
