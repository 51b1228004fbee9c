"""Recorded steps of the models whose programs are kept in `program/golden`."""

import numpy as np

import sheer
from program import golden_cases

ROWS = 6


def data(name: str, rows: int = ROWS) -> tuple:
    """x and y for a model of `golden_cases`."""
    rng = np.random.default_rng(1)

    def normal(*shape):
        return rng.normal(size=(rows, *shape)).astype("float32")

    def labels(count):
        return rng.integers(0, count, rows)

    if name == "textbook":
        x = np.where(rng.random((rows, 784)) < 0.5, 0, rng.random((rows, 784)))
        return x.astype("float32"), labels(10)
    if name == "words":
        return rng.integers(0, 100, (rows, 5)).astype("int32"), labels(2)
    if name == "two_outputs":
        return [normal(4), normal(4)], [normal(1), labels(3)]
    if name == "masked":
        x = normal(5, 3)
        x[:, 3:] = 0
        return x, normal(5, 2)
    if name == "own_layer":
        return normal(4), np.eye(3, dtype="float32")[labels(3)]
    y = normal(1) > 0 if name == "binary" else normal(1)
    return normal(8), y.astype("float32")


NAMES = (
    "textbook",
    "regression",
    "binary",
    "own_layer",
    "regularized",
    "words",
    "two_outputs",
    "masked",
)


def model(name: str):
    """A model of `golden_cases`, new."""
    sheer.utils.clear_session()
    sheer.utils.set_random_seed(0)
    return getattr(golden_cases, name)()


def recorded(name: str, kind: str = "train"):
    """A step of such a model, after one more that gave its state other values than 0."""
    made = model(name)
    x, y = data(name)
    made.train_on_batch(x, y)
    return made.trace_step(x, None if kind == "predict" else y, kind=kind)
