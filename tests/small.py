"""A small problem and a small network, for tests of what happens around them."""

import numpy as np

import sheer
from sheer import layers
from sheer.core import random

# What metrics cannot be made without; for three classes.
REQUIRED = {
    "ConfusionMatrix": {"num_classes": 3},
    "IoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "MeanIoU": {"num_classes": 3},
    "MeanMetricWrapper": {"fn": sheer.losses.mean_absolute_error},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "OneHotMeanIoU": {"num_classes": 3},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}


def data(rows=20, features=4, classes=3, seed=0):
    """x (rows, features) float32, y (rows,) int64: the classes are those of a random plane each."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features)).astype(np.float32)
    y = (x @ rng.normal(size=(features, classes))).argmax(-1)
    return x, y


def classifier(features=4, classes=3, optimizer="sgd", metrics=("accuracy",), **options):
    """A network of two layers, compiled; built at once where `features` is given."""
    inputs = [] if features is None else [sheer.Input((features,))]
    model = sheer.Sequential(
        [*inputs, layers.Dense(5, activation="relu"), layers.Dense(classes, activation="softmax")]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=list(metrics), **options)
    return model


def state(model):
    """All that a failed call must leave alone: weights, what the optimizer and the metrics keep,
    which layers are built, and the next key of the global seed."""
    optimizer = model.optimizer
    kept = [*model.weights, *(optimizer.variables if optimizer else [])]
    kept += [v for metric in model.metrics for v in metric.variables]
    return (
        [(v.path, v.numpy().tobytes()) for v in kept],
        [layer.built for layer in model._flatten_layers()],
        random.peek_key(),
    )


def equal(a, b):
    """Whether two lists of arrays are the same, bit for bit."""
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
