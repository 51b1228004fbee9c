"""Record the figures of the real Keras that sheer's tests compare with.

    pip install keras jax            # in a scratch environment; sheer's own tests need neither
    python scripts/record_keras.py               # every file
    python scripts/record_keras.py losses fit    # some of them

The files go to tests/fixtures/keras, and each names the versions that it was recorded with:

    training.npz, .json  per loss and optimizer, the loss of each of 100 steps and the final weights
    losses.json          loss functions per example; loss classes per reduction and sample weight
    metrics.json         metrics after each of two batches
    activations.json     activations, and their slopes, on a grid with ties and large values
    fit.json             histories of fit(shuffle=False); when EarlyStopping stops
    signatures.json      parameters with their defaults, and the configs of default instances
    dtypes.json          which dtype an op returns for which dtypes
    summary.txt          what summary(), fit(), evaluate() and predict() print

Figures are float64. A figure that Keras refuses to give stands as {"error": "<exception>"}; NaN and
infinity stand as Python's json writes them.
"""

import contextlib
import functools
import inspect
import io
import itertools
import json
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

os.environ |= {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1"}
os.environ |= {"COLUMNS": "80", "LINES": "24"}  # the terminal that summary() fits into

import jax
import numpy as np
from keras.src.backend.common.dtypes import BIT64_TO_BIT32_DTYPE
from numpy.typing import NDArray

import keras

Json = dict[str, Any]
Array = NDArray[Any]
FOLDER = Path(__file__).parents[1] / "tests" / "fixtures" / "keras"
VERSIONS = {"keras": keras.__version__, "jax": jax.__version__, "numpy": np.__version__}


def precision(floatx: str, keep_64_bits: bool) -> None:
    """Set floatx, and whether ops such as mean may compute in 64 bits.

    On JAX, Keras lets them compute in 32 bits even where JAX has 64; on TensorFlow it does not.
    """
    keras.config.set_floatx(floatx)
    for wide, narrow in (("float64", "float32"), ("int64", "int32"), ("uint64", "uint32")):
        BIT64_TO_BIT32_DTYPE[wide] = wide if keep_64_bits else narrow


def plain(value: Any) -> Any:
    """The value in what JSON can hold."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return np.asarray(value).tolist() if hasattr(value, "__array__") else repr(value)


def attempt(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What the call returns, or the exception that it raises."""
    try:
        return plain(function(*args, **kwargs))
    except Exception as error:
        return {"error": type(error).__name__}


def write_json(name: str, content: Json) -> None:
    """Write each case on a line of its own: a figure that changes is a line that changes."""
    parts = []
    for key, value in ({"versions": VERSIONS} | content).items():
        value = plain(value)
        if isinstance(value, dict):
            lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()]
            text = "{\n" + ",\n".join(lines) + "\n}"
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            text = "[\n" + ",\n".join(json.dumps(item) for item in value) + "\n]"
        else:
            text = json.dumps(value)
        parts.append(f"{json.dumps(key)}: {text}")
    (FOLDER / name).write_text("{\n" + ",\n".join(parts) + "\n}\n")


def numbers(text: str, *shape: int) -> Array:
    """The numbers of a text, in that shape."""
    return np.array(text.split(), float).reshape(shape or -1)


def called(name: str, kwargs: Json) -> str:
    """As a call would be written: SGD(learning_rate=0.05)."""
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in kwargs.items())})"


# training ---------------------------------------------------------------------------------------

STEPS, BATCH, UNITS = 100, 16, 3

# Loss, its arguments, the output layer's activation, the targets.
TRAINING_LOSSES: list[tuple[str, Json, str, str]] = [
    ("MeanSquaredError", {}, "linear", "real"),
    ("MeanAbsoluteError", {}, "linear", "real"),
    ("MeanAbsolutePercentageError", {}, "linear", "positive"),
    ("MeanSquaredLogarithmicError", {}, "softplus", "positive"),
    ("BinaryCrossentropy", {}, "sigmoid", "binary"),
    ("BinaryCrossentropy", {"from_logits": True}, "linear", "binary"),
    ("CategoricalCrossentropy", {}, "softmax", "one_hot"),
    ("CategoricalCrossentropy", {"from_logits": True}, "linear", "one_hot"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "softmax", "one_hot"),
    ("SparseCategoricalCrossentropy", {}, "softmax", "classes"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "linear", "classes"),
    ("Huber", {}, "linear", "real"),
    ("LogCosh", {}, "linear", "real"),
    ("KLDivergence", {}, "softmax", "distribution"),
    ("Poisson", {}, "softplus", "counts"),
    ("Hinge", {}, "linear", "signs"),
    ("SquaredHinge", {}, "linear", "signs"),
    ("CategoricalHinge", {}, "linear", "one_hot"),
    ("CosineSimilarity", {}, "linear", "real"),
]
OPTIMIZERS: list[tuple[str, Json]] = [
    ("SGD", {"learning_rate": 0.05}),
    ("SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True}),
]
# For MeanSquaredError alone: what every optimizer can do to gradients and weights.
SHARED_OPTIONS: list[Json] = [
    {"weight_decay": 0.1},
    {"clipnorm": 1.0},
    {"clipvalue": 0.3},
    {"global_clipnorm": 1.5},
]


def training_data() -> dict[str, Array]:
    rng = np.random.default_rng(20)
    x = rng.normal(size=(80, 6))
    real = np.tanh(x @ rng.normal(size=(6, UNITS))) + 0.3 * rng.normal(size=(80, UNITS))
    powers = np.exp(real)
    classes = real.argmax(axis=1)
    return {
        "x": x,
        "real": real,
        "positive": 0.5 + powers,
        "counts": rng.poisson(powers).astype(float),
        "binary": (real > 0).astype(float),
        "signs": np.where(real > 0, 1.0, -1.0),
        "classes": classes,
        "one_hot": np.eye(UNITS)[classes],
        "distribution": powers / powers.sum(axis=1, keepdims=True),
        "kernel": rng.normal(size=(6, 12)) / 2,
        "bias": rng.normal(size=12) / 10,
        "kernel_1": rng.normal(size=(12, UNITS)) / 3,
        "bias_1": rng.normal(size=UNITS) / 10,
    }


def training_cases() -> Iterator[Json]:
    for loss, loss_kwargs, activation, target in TRAINING_LOSSES:
        for optimizer, kwargs in training_optimizers(loss):
            yield {
                "name": f"{called(loss, loss_kwargs)} {called(optimizer, kwargs)}",
                "loss": loss,
                "loss_kwargs": loss_kwargs,
                "optimizer": optimizer,
                "optimizer_kwargs": kwargs,
                "units": UNITS,
                "activation": activation,
                "target": target,
            }


def training_optimizers(loss: str) -> Iterator[tuple[str, Json]]:
    for name, kwargs in OPTIMIZERS:
        if loss == "MeanAbsolutePercentageError" and name == "SGD":  # its slopes are about 100
            yield name, kwargs | {"learning_rate": 0.0005}
        else:
            yield name, kwargs
    if loss == "MeanSquaredError":
        for option in SHARED_OPTIONS:
            for name, kwargs in (OPTIMIZERS[0], ("RMSprop", {}), ("Adam", {})):
                yield name, kwargs | option


def train(case: Json, data: dict[str, Array]) -> tuple[list[float], list[Array]]:
    """The loss of each step, and the final weights."""
    output = keras.layers.Dense(case["units"], case["activation"])
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(12, "tanh"), output])
    model.compile(
        getattr(keras.optimizers, case["optimizer"])(**case["optimizer_kwargs"]),
        getattr(keras.losses, case["loss"])(**case["loss_kwargs"]),
    )
    model.set_weights([data[name] for name in ("kernel", "bias", "kernel_1", "bias_1")])
    x, y = data["x"], data[case["target"]]
    losses = []
    for step in range(STEPS):
        start = step * BATCH % len(x)
        losses.append(model.train_on_batch(x[start : start + BATCH], y[start : start + BATCH]))
        if step % 20 == 19 and case["activation"] in ("softmax", "sigmoid"):
            p = np.asarray(model(x))  # clipping, at 1e-7, must play no part
            assert p.min() > 1e-6 and p.max() < 1 - 1e-6, case["name"]
    return losses, model.get_weights()


def training() -> None:
    precision("float64", keep_64_bits=True)
    data, cases, runs = training_data(), list(training_cases()), []
    for case in cases:
        keras.utils.clear_session()
        runs.append(train(case, data))
    recorded: Json = data | {"losses": np.array([losses for losses, _ in runs])}
    for i, name in enumerate(("kernel", "bias", "kernel_1", "bias_1")):
        recorded[f"final_{name}"] = np.array([weights[i] for _, weights in runs])
    np.savez_compressed(FOLDER / "training.npz", **recorded)
    write_json("training.json", {"steps": STEPS, "batch_size": BATCH, "cases": cases})


# losses -----------------------------------------------------------------------------------------

REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"]

# y_true, y_pred, and the sample weights to try with them.
Pair = tuple[Array, Array, list[Array]]
FOUR = numbers("1 0 2.5 1.5")
COLUMN = FOUR.reshape(4, 1)
GRID = numbers("1 0 2.5  0.5 2 1", 2, 3)
PER_ROW, PER_CELL = [FOUR, COLUMN], [numbers("1 2.5"), numbers("1 2.5", 2, 1), GRID]

REAL: list[Pair] = [
    (
        numbers("0 1 2  3 -4 5  1 1 1  0 0 0", 4, 3),
        numbers("0 1.5 2  2.5 -4.5 3  1 0 2  0 0 0", 4, 3),
        PER_ROW,
    ),
    (
        numbers("0 1  2 3  -1 0.5   400 0  1 1  0 -2", 2, 3, 2),
        numbers("0.5 1  1 3.5  -2 0.5   1 -300  1 0  0 -2.5", 2, 3, 2),
        PER_CELL,
    ),
    (numbers("0 1 2 -3"), numbers("0.5 1 4 -2"), PER_ROW),
    (numbers("0 1 2 -3"), numbers("0.5 1 4 -2", 4, 1), PER_ROW),
    (numbers("0 1 2 -3", 4, 1), numbers("0.5 1 4 -2"), PER_ROW),
]
POSITIVE: list[Pair] = [
    (numbers("0 1  3 0  2 2  1 9", 4, 2), numbers("0.5 1  2 0  0 8  1 9", 4, 2), PER_ROW),
    (numbers("0 1 2 5"), numbers("0.5 1 4 1e-9", 4, 1), PER_ROW),
]
BINARY: list[Pair] = [
    (numbers("0 1  1 0  1 1  0 0.3", 4, 2), numbers("0.1 0.9  1 0  0 0.5  1 0.3", 4, 2), PER_ROW),
    (
        numbers("0 1  1 1  0 1   0 0  1 0  1 1", 2, 3, 2),
        numbers("0.1 0.6  0.3 0.8  0 1   0.4 0.2  0.9 0.5  0 1", 2, 3, 2),
        PER_CELL,
    ),
    (numbers("0 1 1 0"), numbers("0.2 0.7 0.5 0.9"), PER_ROW),
    (numbers("0 1 1 0"), numbers("0.2 0.7 0.5 1e-12", 4, 1), PER_ROW),
]
BINARY_LOGITS: list[Pair] = [
    (numbers("0 1  1 0  1 0.3  0 1", 4, 2), numbers("0 2  -800 800  40 -3  0 0", 4, 2), PER_ROW),
    (numbers("0 1 1 0"), numbers("0.2 -0.7 0 30", 4, 1), PER_ROW),
]
# The last row of the predictions does not sum to 1.
CATEGORICAL: list[Pair] = [
    (
        numbers("1 0 0  0 1 0  0.2 0.5 0.3  0 0 1", 4, 3),
        numbers("0.7 0.2 0.1  1 0 0  0.25 0.25 0.5  1 2 3", 4, 3),
        PER_ROW,
    ),
    (
        numbers("1 0  0 1  0 1   0.4 0.6  0 1  1 0", 2, 3, 2),
        numbers("0.5 0.5  0.9 0.1  0 1   0.3 0.7  1 0  2 3", 2, 3, 2),
        PER_CELL,
    ),
]
CATEGORICAL_LOGITS: list[Pair] = [
    (CATEGORICAL[0][0], numbers("1 -2 0.5  800 -800 0  0 0 0  1 2 3", 4, 3), PER_ROW)
]
SPARSE: list[Pair] = [
    (numbers("0 0 2 1").astype(int), CATEGORICAL[0][1], PER_ROW),
    (numbers("0 0 2 1", 4, 1).astype(int), CATEGORICAL[0][1], PER_ROW),
    (numbers("0 -1 2 -1").astype(int), CATEGORICAL[0][1], PER_ROW),
    (numbers("1 0 1  1 -1 0", 2, 3).astype(int), CATEGORICAL[1][1], PER_CELL),
]
SPARSE_LOGITS: list[Pair] = [(numbers("0 1 2 0").astype(int), CATEGORICAL_LOGITS[0][1], PER_ROW)]
HINGES: list[Pair] = [
    (numbers("-1 1  1 -1  1 1  -1 1", 4, 2), numbers("-1 0.5  2 0.5  0 -3  9 1", 4, 2), PER_ROW),
    (numbers("0 1  1 0  1 1  0 1", 4, 2), numbers("-1 0.5  2 0.5  0 -3  9 1", 4, 2), PER_ROW),
    (numbers("0 1  -1 0  1 1  0 1", 4, 2), numbers("-1 0.5  2 0.5  0 -3  9 1", 4, 2), PER_ROW),
    (numbers("0 1 1 0"), numbers("0.2 0.7 1 -1", 4, 1), PER_ROW),
]

LOSSES: list[tuple[str, Json, list[Pair]]] = [
    ("MeanSquaredError", {}, REAL),
    ("MeanAbsoluteError", {}, REAL),
    ("MeanAbsolutePercentageError", {}, REAL),
    ("MeanSquaredLogarithmicError", {}, REAL),
    ("Huber", {}, REAL),
    ("Huber", {"delta": 0.5}, REAL),
    ("LogCosh", {}, REAL),
    ("CosineSimilarity", {}, REAL),
    ("CosineSimilarity", {"axis": 0}, REAL[:1]),
    ("Poisson", {}, POSITIVE),
    ("KLDivergence", {}, CATEGORICAL),
    ("BinaryCrossentropy", {}, BINARY),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, BINARY),
    ("BinaryCrossentropy", {"from_logits": True}, BINARY_LOGITS),
    ("CategoricalCrossentropy", {}, CATEGORICAL),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, CATEGORICAL),
    ("CategoricalCrossentropy", {"from_logits": True}, CATEGORICAL_LOGITS),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, CATEGORICAL_LOGITS),
    ("SparseCategoricalCrossentropy", {}, SPARSE),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1}, SPARSE),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, SPARSE_LOGITS),
    ("Hinge", {}, HINGES),
    ("SquaredHinge", {}, HINGES),
    ("CategoricalHinge", {}, CATEGORICAL),
]


def loss_case(name: str, kwargs: Json, pair: Pair) -> Json:
    y_true, y_pred, weights = pair
    function = re.sub("(?<!^)(?=[A-Z][a-z])", "_", name).lower()

    def reductions(weight: Array | None) -> Json:
        make = getattr(keras.losses, name)
        return {
            reduction: attempt(make(reduction=reduction, **kwargs), y_true, y_pred, weight)
            for reduction in REDUCTIONS
        }

    return {
        "loss": name,
        "function": function,
        "kwargs": kwargs,
        "y_true": y_true,
        "y_pred": y_pred,
        "sample_weights": weights,
        "per_example": attempt(getattr(keras.losses, function), y_true, y_pred, **kwargs),
        "unweighted": reductions(None),
        "weighted": [reductions(weight) for weight in weights],
    }


def losses() -> None:
    precision("float64", keep_64_bits=True)
    cases = [loss_case(name, kwargs, pair) for name, kwargs, pairs in LOSSES for pair in pairs]
    write_json("losses.json", {"cases": cases})


# metrics ----------------------------------------------------------------------------------------

# Two batches each, as [y_true, y_pred, sample_weight] or [values, sample_weight].
BATCHES: dict[str, list[list[Array]]] = {
    "values": [
        [numbers("1 3 5"), numbers("1 0 2.5")],
        [numbers("2 4  6 9", 2, 2), numbers("0.5 2")],
    ],
    "equal": [
        [numbers("1 2 3 4", 4, 1), numbers("0 2 3 4", 4, 1), FOUR],
        [numbers("1 2"), numbers("1 2.5"), numbers("1 2")],
    ],
    "real": [
        [numbers("0 1  3 -4", 2, 2), numbers("0.5 1  2.5 -5", 2, 2), numbers("1 2.5")],
        [numbers("2 1", 1, 2), numbers("2 3", 1, 2), numbers("0.5")],
    ],
    "real, 3-D": [
        [numbers("0 1  3 -4", 1, 2, 2), numbers("0.5 1  2.5 -5", 1, 2, 2), numbers("2.5")],
        [numbers("2 1  0 1", 1, 2, 2), numbers("2 3  2 0", 1, 2, 2), numbers("0.5")],
    ],
    "column": [
        [numbers("0 1 1 0"), numbers("0.2 0.7 0.5 0.9", 4, 1), FOUR],
        [numbers("1 0", 2, 1), numbers("0.6 0.5", 2, 1), numbers("1 2")],
    ],
    "binary": [
        [numbers("0 1  1 0", 2, 2), numbers("0.1 0.6  0.5 0.7", 2, 2), numbers("1 2.5")],
        [numbers("1 1", 1, 2), numbers("0.3 0.9", 1, 2), numbers("0.5")],
    ],
    "flat": [
        [numbers("0 1 1 0 1"), numbers("0.1 0.8 0.4 0.6 0.5"), numbers("1 0.5 2.5 0 1")],
        [numbers("0 1 0"), numbers("0.3 0.3 0.9"), numbers("1 2 0.5")],
    ],
    "one_hot": [
        [
            numbers("1 0 0  0 1 0  0 0 1", 3, 3),
            numbers("0.7 0.2 0.1  0.4 0.4 0.2  0.25 0.5 0.25", 3, 3),
            numbers("1 0.5 2.5"),
        ],
        [numbers("0 0 1", 1, 3), numbers("0.1 0.3 0.6", 1, 3), numbers("0.5")],
    ],
    "sparse": [
        [
            numbers("0 1 2").astype(int),
            numbers("0.7 0.2 0.1  0.4 0.4 0.2  0.25 0.5 0.25", 3, 3),
            numbers("1 0.5 2.5"),
        ],
        [
            numbers("2 0", 2, 1).astype(int),
            numbers("0.1 0.3 0.6  0.1 0.8 0.1", 2, 3),
            numbers("0.5 1"),
        ],
    ],
    "signs": [
        [numbers("-1 1  1 -1", 2, 2), numbers("-1 0.5  2 0.5", 2, 2), numbers("1 2.5")],
        [numbers("0 1", 1, 2), numbers("0.5 0.5", 1, 2), numbers("0.5")],
    ],
}
METRICS: list[tuple[str, Json, str]] = [
    ("Mean", {}, "values"),
    ("Sum", {}, "values"),
    ("Accuracy", {}, "equal"),
    ("BinaryAccuracy", {}, "column"),
    ("BinaryAccuracy", {"threshold": 0.6}, "binary"),
    ("CategoricalAccuracy", {}, "one_hot"),
    ("SparseCategoricalAccuracy", {}, "sparse"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one_hot"),
    ("TopKCategoricalAccuracy", {}, "one_hot"),
    ("SparseTopKCategoricalAccuracy", {"k": 1}, "sparse"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "sparse"),
    ("MeanSquaredError", {}, "real"),
    ("MeanSquaredError", {}, "real, 3-D"),
    ("RootMeanSquaredError", {}, "real"),
    ("MeanAbsoluteError", {}, "real"),
    ("MeanAbsolutePercentageError", {}, "real"),
    ("MeanSquaredLogarithmicError", {}, "real"),
    ("LogCoshError", {}, "real"),
    ("CosineSimilarity", {}, "real"),
    ("R2Score", {}, "real"),
    ("BinaryCrossentropy", {}, "binary"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, "binary"),
    ("CategoricalCrossentropy", {}, "one_hot"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, "one_hot"),
    ("SparseCategoricalCrossentropy", {}, "sparse"),
    ("KLDivergence", {}, "one_hot"),
    ("Poisson", {}, "binary"),
    ("Hinge", {}, "signs"),
    ("SquaredHinge", {}, "signs"),
    ("CategoricalHinge", {}, "one_hot"),
    ("Precision", {}, "flat"),
    ("Precision", {"thresholds": [0.2, 0.5]}, "flat"),
    ("Precision", {"top_k": 1}, "one_hot"),
    ("Recall", {}, "flat"),
    ("Recall", {"class_id": 0}, "one_hot"),
    ("TruePositives", {}, "flat"),
    ("FalseNegatives", {}, "flat"),
    ("AUC", {}, "flat"),
    ("AUC", {"curve": "PR"}, "flat"),
    ("AUC", {"num_thresholds": 5}, "flat"),
]


def metric_case(name: str, kwargs: Json, batches: str) -> Json:
    keras.utils.clear_session()  # so that no name ends in _1

    def results(weighted: bool) -> list[Any]:
        metric, found = getattr(keras.metrics, name)(**kwargs), []
        for batch in BATCHES[batches]:
            metric.update_state(*(batch if weighted else batch[:-1]))
            found.append(metric.result())
        return found

    return {
        "metric": name,
        "kwargs": kwargs,
        "batches": batches,
        "config": getattr(keras.metrics, name)(**kwargs).get_config(),
        "unweighted": attempt(results, False),
        "weighted": attempt(results, True),
    }


def metrics() -> None:
    precision("float64", keep_64_bits=True)
    cases = [metric_case(*row) for row in METRICS]
    write_json("metrics.json", {"batches": BATCHES, "cases": cases})


# activations ------------------------------------------------------------------------------------

POINTS = [0.1, 0.5, 1.0, 2.0, 2.5, 3.0, 5.0, 6.0, 7.0, 20.0, 50.0, 1000.0]
ROWS = numbers("0 0 0 0  1 2 3 4  -1 0.5 3 3  -1000 0 0.5 1000", 4, 4)
BY_POINT: list[tuple[str, Json]] = [
    ("relu", {}),
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"max_value": 2.5}),
    ("relu", {"max_value": 6.0}),
    ("relu", {"threshold": 1.0}),
    ("relu", {"negative_slope": 0.1, "max_value": 2.5, "threshold": 1.0}),
    ("leaky_relu", {}),
    ("leaky_relu", {"negative_slope": 0.01}),
    ("relu6", {}),
    ("elu", {}),
    ("elu", {"alpha": 0.5}),
    ("celu", {}),
    ("celu", {"alpha": 0.5}),
    ("selu", {}),
    ("gelu", {}),
    ("gelu", {"approximate": True}),
    ("silu", {}),
    ("swish", {}),
    ("mish", {}),
    ("hard_silu", {}),
    ("hard_swish", {}),
    ("sigmoid", {}),
    ("hard_sigmoid", {}),
    ("log_sigmoid", {}),
    ("sparse_sigmoid", {}),
    ("softplus", {}),
    ("sparse_plus", {}),
    ("squareplus", {}),
    ("squareplus", {"b": 1}),
    ("softsign", {}),
    ("tanh", {}),
    ("hard_tanh", {}),
    ("tanh_shrink", {}),
    ("soft_shrink", {}),
    ("soft_shrink", {"threshold": 1.0}),
    ("hard_shrink", {}),
    ("hard_shrink", {"threshold": 1.0}),
    ("threshold", {"threshold": 1.0, "default_value": -2.0}),
    ("exponential", {}),
    ("linear", {}),
]
BY_ROW: list[tuple[str, Json]] = [
    (name, kwargs)
    for name in ("softmax", "log_softmax", "sparsemax", "glu")
    for kwargs in ({}, {"axis": 0})
]


def activations() -> None:
    precision("float64", keep_64_bits=True)
    x = np.array([-point for point in reversed(POINTS)] + [-0.0, 0.0, *POINTS])
    by_point = []
    for name, kwargs in BY_POINT:

        def function(x: Any, name: str = name, kwargs: Json = kwargs) -> Any:
            return getattr(keras.activations, name)(x, **kwargs)

        slopes = jax.vmap(jax.grad(function))(x)
        case = {"activation": name, "kwargs": kwargs}
        by_point.append(case | {"values": function(x), "slopes": slopes})
    by_row = [
        {
            "activation": name,
            "kwargs": kwargs,
            "values": getattr(keras.activations, name)(ROWS, **kwargs),
        }
        for name, kwargs in BY_ROW
    ]
    write_json("activations.json", {"x": x, "by_point": by_point, "rows": ROWS, "by_row": by_row})


# fit --------------------------------------------------------------------------------------------

LEARNING_RATE = 0.03
HIDDEN: Json = {"units": 8, "activation": "relu"}
CLASSES: list[Json] = [HIDDEN, {"units": 3, "activation": "softmax"}]
YES_NO: list[Json] = [HIDDEN, {"units": 1, "activation": "sigmoid"}]
NUMBER: list[Json] = [HIDDEN, {"units": 1}]
REGULARIZERS: Json = {
    "kernel_regularizer": "l2",
    "bias_regularizer": "l1",
    "activity_regularizer": "l2",
}
BOUND: list[Json] = [HIDDEN | REGULARIZERS | {"kernel_constraint": "max_norm"}, CLASSES[1]]
SPARSE_LOSS: Json = {"optimizer": "rmsprop", "loss": "sparse_categorical_crossentropy"}
ACCURACY: Json = SPARSE_LOSS | {"metrics": ["accuracy"]}
WEIGHTED: Json = {"weighted_metrics": ["accuracy"]}
SPLIT: Json = {"batch_size": 32, "epochs": 3, "validation_split": 0.2}
WEIGHTS: Json = SPLIT | {"sample_weight": "weights"}
CLASS_WEIGHT: Json = {"class_weight": {0: 0.5, 2: 3.0}}

# The Dense layers' arguments, the targets, the arguments of compile, those of fit; in the latter,
# sample_weight and validation_data name arrays of the data.
FIT: dict[str, tuple[list[Json], str, Json, Json]] = {
    "accuracy": (CLASSES, "classes", ACCURACY, SPLIT),
    "no validation": (CLASSES, "classes", ACCURACY, {"batch_size": 32, "epochs": 2}),
    "sample_weight": (CLASSES, "classes", ACCURACY, WEIGHTS),
    "weighted_metrics": (CLASSES, "classes", ACCURACY | WEIGHTED, WEIGHTS),
    "class_weight": (CLASSES, "classes", SPARSE_LOSS | WEIGHTED, SPLIT | CLASS_WEIGHT),
    "regularizers and a constraint": (BOUND, "classes", ACCURACY, SPLIT),
    "mean_squared_error": (
        NUMBER,
        "real",
        {"optimizer": "adam", "loss": "mean_squared_error", "metrics": ["mae"]},
        SPLIT,
    ),
    "binary accuracy": (
        YES_NO,
        "binary",
        {"optimizer": "sgd", "loss": "binary_crossentropy", "metrics": ["accuracy"]},
        SPLIT,
    ),
    "categorical accuracy": (
        CLASSES,
        "one_hot",
        {"optimizer": "adam", "loss": "categorical_crossentropy", "metrics": ["acc", "mse"]},
        SPLIT,
    ),
    "loss_weights, validation_data and validation_freq": (
        CLASSES,
        "classes",
        ACCURACY | {"loss_weights": 0.5},
        {
            "batch_size": 32,
            "epochs": 3,
            "validation_data": ["x", "classes", "weights"],
            "validation_freq": 2,
            "validation_batch_size": 64,
        },
    ),
}

# EarlyStopping's arguments, and the values that it monitors.
STOPPING: list[tuple[Json, list[float]]] = [
    ({}, [1.0, 0.9, 0.95, 0.8]),
    ({}, [1.0, 1.0, 0.5]),
    ({"patience": 1}, [1.0, 0.9, 0.95, 0.8, 0.7]),
    ({"patience": 2, "restore_best_weights": True}, [1.0, 0.8, 0.9, 0.85, 0.7]),
    ({"patience": 2, "restore_best_weights": True}, [1.0, 0.8, 0.9, 0.7]),
    ({"patience": 1, "min_delta": 0.2}, [1.0, 0.9, 0.85, 0.7]),
    ({"patience": 1, "min_delta": 0.2, "restore_best_weights": True}, [1.0, 0.9, 0.75, 0.7, 0.6]),
    ({"patience": 1, "mode": "max"}, [0.1, 0.3, 0.3, 0.5]),
    ({"patience": 2, "baseline": 0.5, "restore_best_weights": True}, [1.0, 0.9, 0.8, 0.4]),
    ({"patience": 2, "baseline": 0.85}, [1.0, 0.8, 0.9, 0.95, 0.7]),
    ({"patience": 1, "start_from_epoch": 2, "restore_best_weights": True}, [0.1, 0.2, 0.5, 0.6]),
    ({"patience": 1}, [float("nan"), float("nan"), 1.0, 0.5]),
]


def fit_data() -> dict[str, Array]:
    rng = np.random.default_rng(30)
    x = rng.normal(size=(100, 6)).round(3)
    scores = x @ rng.normal(size=(6, 3)) + rng.normal(size=(100, 3))
    classes = scores.argmax(axis=1)
    return {
        "x": x,
        "classes": classes,
        "one_hot": np.eye(3)[classes],
        "binary": (scores[:, 0] > 0).astype(float),
        "real": scores[:, :1].round(3),
        "weights": rng.uniform(0, 2, size=100).round(2),
    }


def fit_case(name: str, data: dict[str, Array]) -> Json:
    denses, target, compiled, options = FIT[name]
    rng = np.random.default_rng(40)
    layers = [keras.layers.Dense(**kwargs) for kwargs in denses]
    model = keras.Sequential([keras.Input((6,)), *layers])
    initial = [
        (scale * rng.normal(size=weight.shape)).round(3)
        for scale, weight in zip((1.0, 0.1, 0.3, 0.1), model.weights, strict=True)
    ]
    model.set_weights(initial)
    model.compile(**compiled)
    model.optimizer.learning_rate = LEARNING_RATE

    x, y = data["x"], data[target]
    weights, validation = {}, {}
    if "sample_weight" in options:
        weights["sample_weight"] = data[options["sample_weight"]]
    if "validation_data" in options:
        validation["validation_data"] = tuple(data[name] for name in options["validation_data"])
    history = model.fit(x, y, shuffle=False, verbose=0, **(options | weights | validation))
    return {
        "name": name,
        "layers": denses,
        "target": target,
        "compile": compiled,
        "fit": options,
        "initial": initial,
        "history": history.history,
        "epochs": history.epoch,
        "evaluate": model.evaluate(x, y, verbose=0, return_dict=True, **weights),
        "sums": [weight.sum() for weight in model.get_weights()],
        "predict_sum": model.predict(x, verbose=0).sum(),
    }


def stopping_case(kwargs: Json, values: list[float]) -> Json:
    """Feed the callback with the values; the weights of epoch i are the number i."""
    model = SimpleNamespace(epoch=0, stop_training=False, metrics=[])
    model.get_weights = lambda: model.epoch
    model.set_weights = lambda epoch: setattr(model, "epoch", epoch)
    callback = keras.callbacks.EarlyStopping(**kwargs)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.epoch = epoch
        callback.on_epoch_end(epoch, {"val_loss": value})
        if model.stop_training:
            break
    last = model.epoch
    callback.on_train_end()
    return {
        "kwargs": kwargs,
        "values": values,
        "last_epoch": last,
        "stopped_epoch": callback.stopped_epoch,
        "best_epoch": callback.best_epoch,
        "best": callback.best,
        "weights_of_epoch": model.epoch,
    }


def fit() -> None:
    precision("float64", keep_64_bits=True)
    data, cases = fit_data(), []
    for name in FIT:
        keras.utils.clear_session()
        cases.append(fit_case(name, data))
    stopping = [stopping_case(*row) for row in STOPPING]
    content = {"learning_rate": LEARNING_RATE, "data": data, "cases": cases}
    write_json("fit.json", content | {"early_stopping": stopping})


# signatures -------------------------------------------------------------------------------------

MODULES = ["ops", "random", "activations", "losses", "metrics", "optimizers", "initializers"]
MODULES += ["regularizers", "constraints", "callbacks", "layers"]
METHODS = {
    "Model": "compile fit evaluate predict train_on_batch test_on_batch predict_on_batch "
    "summary compute_loss get_weights set_weights save load_weights save_weights",
    "Sequential": "add pop",
    "layers.Layer": "add_weight add_loss build call",
    "optimizers.Optimizer": "apply apply_gradients build add_variable",
}
CONFIGURED = ["optimizers", "losses", "metrics", "initializers", "regularizers", "constraints"]
LAYERS: dict[str, tuple[Any, ...]] = {
    "Dense": (3,),
    "Dropout": (0.5,),
    "Flatten": (),
    "Activation": ("relu",),
    "InputLayer": ((4,),),
}


def parameters(thing: Any) -> list[str]:
    """Its parameters, each as it would be written in a def."""
    function = thing.__init__ if inspect.isclass(thing) else thing
    found = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    written = [str(parameter.replace(annotation=parameter.empty)) for parameter in found]
    kinds = [parameter.kind for parameter in found]
    if inspect.Parameter.VAR_POSITIONAL not in kinds and inspect.Parameter.KEYWORD_ONLY in kinds:
        written.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    return written


def config(thing: Any, *args: Any) -> Json:
    """The config of a new instance, its name not yet numbered."""
    keras.utils.clear_session()
    return dict(thing(*args).get_config())


def signatures() -> None:
    precision("float32", keep_64_bits=False)
    found = {"Model": parameters(keras.Model), "Sequential": parameters(keras.Sequential)}
    for owner, names in METHODS.items():
        thing = keras
        for part in owner.split("."):
            thing = getattr(thing, part)
        found |= {f"{owner}.{name}": parameters(getattr(thing, name)) for name in names.split()}
    configs = {}
    for module in MODULES:
        for name, thing in vars(getattr(keras, module)).items():
            if not callable(thing) or name.startswith("_"):
                continue
            with contextlib.suppress(ValueError):  # a class without an __init__ of its own
                found[f"{module}.{name}"] = parameters(thing)
            if module in CONFIGURED and inspect.isclass(thing):
                with contextlib.suppress(Exception):  # an abstract class, or it needs arguments
                    configs[f"{module}.{name}"] = config(thing)
    for name, args in LAYERS.items():
        configs[f"layers.{name}"] = config(getattr(keras.layers, name), *args)
    write_json("signatures.json", {"signatures": found, "configs": configs})


# dtypes -----------------------------------------------------------------------------------------

DTYPES = ["bool", "uint8", "int32", "int64", "float32", "float64"]
BINARY_OPS = "add subtract multiply divide true_divide floor_divide mod power maximum equal less"
UNARY_OPS = "negative abs sign square sqrt rsqrt exp log floor round sigmoid tanh relu softmax"
UNARY_OPS += " isnan logical_not reciprocal"
REDUCTION_OPS = "sum mean max min prod argmax var std cumsum any logsumexp argsort sort"


def dtype_of(function: Callable[..., Any], *args: Any) -> str:
    """The dtype of what the call returns, or the exception that it raises."""
    try:
        found = function(*args)
        return found if isinstance(found, str) else keras.backend.standardize_dtype(found.dtype)
    except Exception as error:
        return type(error).__name__


def by_pair(function: Callable[..., Any], operands: Json) -> Json:
    """Per first operand and second operand, of which one at least has a dtype."""
    return {
        a: {b: dtype_of(function, x, y) for b, y in operands.items() if {a, b} & set(DTYPES)}
        for a, x in operands.items()
    }


def dtype_tables() -> Json:
    ops = keras.ops
    arrays: Json = {name: np.ones((2, 2), name) for name in DTYPES}
    scalars: Json = {"Python int": 1, "Python float": 1.0}
    values: Json = {"True": True, "1": 1, "1.0": 1.0, "[1]": [1], "[1.0]": [1.0]}
    calls: dict[str, Callable[[], Any]] = {
        "one_hot(int32)": lambda: ops.one_hot(np.ones(2, "int32"), 3),
        "arange(3)": lambda: ops.arange(3),
        "arange(3.0)": lambda: ops.arange(3.0),
        "zeros(2)": lambda: ops.zeros((2,)),
        "full(2, 1)": lambda: ops.full((2,), 1),
        "full(2, 1.0)": lambda: ops.full((2,), 1.0),
        "eye(2)": lambda: ops.eye(2),
        "top_k(float32)[1]": lambda: ops.top_k(arrays["float32"], 1)[1],
        "random.uniform": lambda: keras.random.uniform((2,)),
        "random.normal": lambda: keras.random.normal((2,)),
        "random.randint": lambda: keras.random.randint((2,), 0, 3),
    }
    tables = {name: by_pair(getattr(ops, name), arrays | scalars) for name in BINARY_OPS.split()}
    tables["where"] = by_pair(lambda a, b: ops.where(arrays["bool"], a, b), arrays | scalars)
    tables["matmul"] = by_pair(ops.matmul, arrays)
    tables["concatenate"] = by_pair(lambda a, b: ops.concatenate([a, b]), arrays)
    for name in [*UNARY_OPS.split(), *REDUCTION_OPS.split()]:
        tables[name] = {a: dtype_of(getattr(ops, name), x) for a, x in arrays.items()}
    tables["convert_to_tensor"] = {
        name: dtype_of(ops.convert_to_tensor, value) for name, value in (arrays | values).items()
    }
    tables["calls"] = {name: dtype_of(call) for name, call in calls.items()}
    return tables


def dtypes() -> None:
    precision("float32", keep_64_bits=False)
    recorded = {"x64": dtype_tables()}
    with jax.enable_x64(False):  # as Keras runs by default: 64 bits become 32
        recorded["x32"] = dtype_tables()

    types: Json = {name: name for name in DTYPES} | {"Python int": int, "Python float": float}
    recorded["result_type"] = by_pair(keras.backend.result_type, types)
    precision("float32", keep_64_bits=True)  # the rule as Keras has it on TensorFlow
    recorded["result_type, 64 bits kept"] = by_pair(keras.backend.result_type, types)
    write_json("dtypes.json", recorded)


# summary ----------------------------------------------------------------------------------------


def printed(function: Callable[[], Any]) -> str:
    """What it prints, with control characters spelled out, where 0.1 s pass between two looks."""
    clock = itertools.count(1000.0, 0.1)
    ticking = SimpleNamespace(time=lambda: next(clock))
    stream = io.StringIO()
    with mock.patch("keras.src.utils.progbar.time", ticking), contextlib.redirect_stdout(stream):
        function()
    text = stream.getvalue()
    for character, spelled in (("\x1b", "\\x1b"), ("\b", "\\b"), ("\r", "\\r")):
        text = text.replace(character, spelled)
    return text


def textbook(*layers: Any) -> keras.Model:
    keras.utils.clear_session()
    hidden, output = keras.layers.Dense(512, "relu"), keras.layers.Dense(10, "softmax")
    return keras.Sequential([*layers, hidden, output])


def summary() -> None:
    precision("float32", keep_64_bits=False)
    sections: dict[str, str] = {"versions": json.dumps(VERSIONS)}

    def show(title: str, model: keras.Model) -> None:
        lines: list[str] = []
        model.summary(print_fn=lines.append)
        sections[title] = "\n".join(lines)

    model = textbook(keras.Input((784,)))
    show("summary, built", model)
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    show("summary, compiled", model)
    model.train_on_batch(np.zeros((1, 784)), np.zeros(1))
    show("summary, trained", model)
    show("summary, unbuilt", textbook())

    x, y = np.arange(10.0).reshape(10, 1) / 10, np.ones(10)
    for verbose in (1, 2):
        keras.utils.clear_session()
        layer = keras.layers.Dense(1, kernel_initializer="ones")
        model = keras.Sequential([keras.Input((1,)), layer])
        model.compile("sgd", "mse", metrics=["mae"])
        options: Json = {"batch_size": 4, "verbose": verbose}
        fitting = options | {"epochs": 2, "validation_split": 0.2, "shuffle": False}
        runs: dict[str, Callable[[], Any]] = {
            "fit": functools.partial(model.fit, x, y, **fitting),
            "evaluate": functools.partial(model.evaluate, x, y, **options),
            "predict": functools.partial(model.predict, x, **options),
        }
        for name, run in runs.items():
            sections[f"{name}, verbose={verbose}"] = printed(run)
    text = "\n".join(f"# {title}\n{content.rstrip()}\n" for title, content in sections.items())
    (FOLDER / "summary.txt").write_text(text)


RECORDERS = [training, losses, metrics, activations, fit, signatures, dtypes, summary]


def main(names: list[str]) -> None:
    warnings.simplefilter("ignore")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for recorder in RECORDERS:
        if not names or recorder.__name__ in names:
            print(recorder.__name__, flush=True)
            recorder()


if __name__ == "__main__":
    main(sys.argv[1:])
