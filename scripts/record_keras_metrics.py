"""Record the figures of the real Keras for losses and metrics beyond those of record_keras.py.

    python scripts/record_keras_metrics.py       # in an environment with Keras and JAX

They go to tests/fixtures/keras, one file each:

    more_losses.json     loss functions per example; loss classes per reduction and sample weight
    more_metrics.json    metrics after each of several batches of uneven size, and of all at once

Figures are float64, with the exception of those that Keras itself computes in float32 (the
intersections over unions).
"""

import itertools
import re
import warnings

import numpy as np

import keras
from record_keras import (
    BINARY,
    BINARY_LOGITS,
    CATEGORICAL,
    CATEGORICAL_LOGITS,
    PER_CELL,
    PER_ROW,
    REDUCTIONS,
    Array,
    Json,
    Pair,
    attempt,
    numbers,
    precision,
    write_json,
)

# losses -----------------------------------------------------------------------------------------

AREAS: list[Pair] = [
    (numbers("0 1  1 0  1 1  0 0", 4, 2), numbers("0.1 0.9  1 0  0 0.5  0 0", 4, 2), PER_ROW),
    (
        numbers("0 1  1 1  0 1   0 0  1 0  1 1", 2, 3, 2),
        numbers("0.1 0.6  0.3 0.8  0 1   0.4 0.2  0.9 0.5  0 1", 2, 3, 2),
        PER_CELL,
    ),
]
# No target and no prediction: 0 / epsilon.
EMPTY: list[Pair] = [(numbers("0 0 0 0", 2, 2), numbers("0 0 0 0", 2, 2), [numbers("1 2.5")])]
# Directions of length 1. The fourth has a class of its own: no pair pulls it.
POINTS = numbers("1 0  0.6 0.8  0 1  -0.6 0.8", 4, 2)
EMBEDDED: list[Pair] = [
    (numbers("0 0 1 1"), POINTS, PER_ROW),
    (numbers("0 1 0 2"), POINTS, PER_ROW),
    (numbers("3 3 3 3"), POINTS, PER_ROW),
    (numbers("0 0 1 1", 4, 1), POINTS, PER_ROW[:1]),
]
CLASSES: list[Pair] = [
    (numbers("0 1 2 0").astype(int), numbers("0.7 0.2 0.1  0.5 0.5 0  0.25 0.25 0.5  0 1 0", 4, 3),
     PER_ROW),
    (numbers("1 0 1  1 1 0", 2, 3).astype(int), CATEGORICAL[1][1][..., :2] / 3, PER_CELL),
]  # fmt: skip
BALANCED: Json = {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5}
LOSSES: list[tuple[str, Json, list[Pair]]] = [
    ("BinaryFocalCrossentropy", {}, BINARY),
    ("BinaryFocalCrossentropy", BALANCED, BINARY),
    ("BinaryFocalCrossentropy", {"label_smoothing": 0.2}, BINARY),
    ("BinaryFocalCrossentropy", {"from_logits": True}, BINARY_LOGITS),
    ("BinaryFocalCrossentropy", {"axis": 1}, BINARY[:2]),
    ("CategoricalFocalCrossentropy", {}, CATEGORICAL),
    ("CategoricalFocalCrossentropy", {"alpha": [0.1, 0.2, 0.7], "gamma": 1.5}, CATEGORICAL[:1]),
    ("CategoricalFocalCrossentropy", {"label_smoothing": 0.2}, CATEGORICAL),
    ("CategoricalFocalCrossentropy", {"from_logits": True}, CATEGORICAL_LOGITS),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.5}, CLASSES),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.7}, CLASSES),
    ("Dice", {}, AREAS + EMPTY),
    ("Dice", {"axis": -1}, AREAS + EMPTY),
    ("Dice", {"axis": (1, 2)}, AREAS[1:]),
    ("Tversky", {}, AREAS + EMPTY),
    ("Tversky", {"alpha": 0.3, "beta": 0.7, "axis": -1}, AREAS + EMPTY),
    ("Circle", {}, EMBEDDED),
    ("Circle", {"gamma": 10.0, "margin": 0.25}, EMBEDDED),
    ("Circle", {"gamma": 10.0, "remove_diagonal": False}, EMBEDDED),
]


def function_of(name: str) -> str:
    return re.sub("(?<!^)(?=[A-Z][a-z])", "_", name).lower()


def loss_case(name: str, kwargs: Json, pair: Pair) -> Json:
    y_true, y_pred, weights = pair
    module = keras.src.losses.losses  # keras.losses lacks categorical_generalized_cross_entropy

    def reductions(weight: Array | None) -> Json:
        make = getattr(keras.losses, name)
        return {
            reduction: attempt(make(reduction=reduction, **kwargs), y_true, y_pred, weight)
            for reduction in REDUCTIONS
        }

    return {
        "loss": name,
        "function": function_of(name),
        "kwargs": kwargs,
        "y_true": y_true,
        "y_pred": y_pred,
        "sample_weights": weights,
        "per_example": attempt(
            getattr(module, function_of(name)),
            y_true,
            keras.ops.convert_to_tensor(y_pred),
            **kwargs,
        ),
        "unweighted": reductions(None),
        "weighted": [reductions(weight) for weight in weights],
    }


# metrics ----------------------------------------------------------------------------------------

# Where the data of so many rows are cut into batches.
CUTS = {7: (3, 4), 2: (1,), 5: (2, 4)}
ROWS = np.random.default_rng(50)
LABELS = ROWS.integers(0, 3, 7)
SCORES = ROWS.dirichlet(np.ones(3), 7).round(3)
WEIGHTS = numbers("1 0.5 2.5 0 1 3 0.25")
BINARY_7 = numbers("0 1 1 0 1 0 1")
REAL_7 = ROWS.normal(size=(7, 4)).round(2)
NEAR_7 = (REAL_7 + 0.5 * ROWS.normal(size=(7, 4))).round(2)

# y_true, y_pred, sample_weight.
DATA: dict[str, list[Array]] = {
    "flat": [BINARY_7, SCORES[:, 0], WEIGHTS],
    "column": [BINARY_7, SCORES[:, :1], WEIGHTS],
    "one_hot": [np.eye(3)[LABELS], SCORES, WEIGHTS],
    "labels": [LABELS, SCORES, WEIGHTS],
    "labels, column": [LABELS[:, None], SCORES, WEIGHTS],
    "several": [(SCORES[::-1] > 0.3).astype(float), SCORES, WEIGHTS],
    "several, a weight each": [(SCORES[::-1] > 0.3) * 1.0, SCORES,
                               ROWS.uniform(size=(7, 3)).round(2)],
    "classes": [LABELS, ROWS.integers(0, 3, 7), numbers("1 2 0 1 3 1 2")],
    "classes, float weights": [LABELS, ROWS.integers(0, 3, 7), WEIGHTS],
    "classes, 3-D": [ROWS.integers(-1, 3, (5, 2, 2)), ROWS.integers(0, 3, (5, 2, 2)),
                     ROWS.integers(0, 3, (5, 2, 2))],
    "real": [REAL_7, NEAR_7, WEIGHTS],
    "real, one": [REAL_7[:, :1], NEAR_7[:, :1], WEIGHTS],
    "real, 3-D": [REAL_7[:5].reshape(5, 2, 2), NEAR_7[:5].reshape(5, 2, 2), WEIGHTS[:5]],
    "real, a weight each": [REAL_7, NEAR_7, ROWS.uniform(size=(7, 4)).round(2)],
    "signs": [np.sign(REAL_7), NEAR_7, WEIGHTS],
    "counts": [ROWS.poisson(2.0, (7, 2)) * 1.0, ROWS.uniform(0.1, 3, (7, 2)).round(2), WEIGHTS],
    "equal": [LABELS[:, None] * 1.0, ROWS.integers(0, 3, (7, 1)) * 1.0, WEIGHTS],
    "labels, 3-D": [ROWS.integers(0, 3, (5, 2)), ROWS.dirichlet(np.ones(3), (5, 2)).round(3),
                    ROWS.uniform(size=(5, 2)).round(2)],
    "one_hot, 3-D": [np.eye(3)[ROWS.integers(0, 3, (5, 2))],
                     ROWS.dirichlet(np.ones(3), (5, 2)).round(3), WEIGHTS[:5]],
    "all no": [numbers("0 0"), numbers("0.2 0.9"), numbers("1 2")],
    "all yes": [numbers("1 1"), numbers("0.2 0.9"), numbers("1 2")],
    "none found": [numbers("0 1"), numbers("0 0"), numbers("1 2")],
    "no weight": [numbers("0 1"), numbers("0.2 0.9"), numbers("0 0")],
    "no weight, one_hot": [np.eye(2), numbers("0.2 0.8  0.4 0.6", 2, 2), numbers("0 0")],
    "no weight, classes": [numbers("0 1").astype(int), numbers("1 1").astype(int),
                           numbers("0 0").astype(int)],
    "nothing, one_hot": [numbers("0 0 0 0", 2, 2), numbers("0 0 0 0", 2, 2), numbers("1 2")],
}  # fmt: skip
TOP, CLASS_1, RATES = {"top_k": 2}, {"class_id": 1}, {"thresholds": [0.2, 0.5, 0.7]}
THREE: Json = {"num_classes": 3}
SCORED = ["flat", "column", "several", "several, a weight each", "all no", "all yes", "none found",
          "no weight"]  # fmt: skip
METRICS: list[tuple[str, Json, list[str]]] = [
    ("Accuracy", {}, ["equal", "classes"]),
    ("BinaryAccuracy", {}, ["flat", "column", "several"]),
    ("CategoricalAccuracy", {}, ["one_hot", "one_hot, 3-D", "no weight, one_hot"]),
    ("SparseCategoricalAccuracy", {}, ["labels", "labels, column", "labels, 3-D"]),
    ("TopKCategoricalAccuracy", {"k": 2}, ["one_hot", "one_hot, 3-D"]),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, ["labels", "labels, 3-D"]),
    ("SparseTopKCategoricalAccuracy", {"k": 1, "from_sorted_ids": True}, ["labels"]),
    ("MeanSquaredError", {}, ["real", "real, 3-D", "real, a weight each", "no weight"]),
    ("RootMeanSquaredError", {}, ["real", "real, 3-D", "no weight"]),
    ("MeanAbsoluteError", {}, ["real", "real, 3-D"]),
    ("MeanAbsolutePercentageError", {}, ["real", "real, 3-D"]),
    ("MeanSquaredLogarithmicError", {}, ["counts"]),
    ("LogCoshError", {}, ["real", "real, 3-D"]),
    ("CosineSimilarity", {}, ["real", "real, 3-D"]),
    ("CosineSimilarity", {"axis": 1}, ["real, 3-D"]),
    ("PearsonCorrelation", {}, ["real", "real, 3-D"]),
    ("PearsonCorrelation", {"axis": 1}, ["real, 3-D"]),
    ("ConcordanceCorrelation", {}, ["real", "real, 3-D"]),
    ("R2Score", {}, ["real", "real, one"]),
    ("R2Score", {"class_aggregation": None}, ["real"]),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, ["real"]),
    ("R2Score", {"num_regressors": 2}, ["real", "real, one"]),
    ("R2Score", {"num_regressors": 20}, ["real, one"]),
    ("BinaryCrossentropy", {}, ["column", "several"]),
    ("CategoricalCrossentropy", {}, ["one_hot", "one_hot, 3-D"]),
    ("SparseCategoricalCrossentropy", {}, ["labels", "labels, 3-D"]),
    ("SparseCategoricalCrossentropy", {"ignore_class": 0}, ["labels"]),
    ("KLDivergence", {}, ["one_hot", "one_hot, 3-D"]),
    ("Poisson", {}, ["counts"]),
    ("Hinge", {}, ["signs"]),
    ("SquaredHinge", {}, ["signs"]),
    ("CategoricalHinge", {}, ["one_hot", "one_hot, 3-D"]),
    *((name, {}, SCORED) for name in ("TruePositives", "FalsePositives", "TrueNegatives",
                                      "FalseNegatives", "Precision", "Recall")),
    ("TruePositives", RATES, ["several"]),
    ("Precision", RATES, ["flat", "several"]),
    ("Precision", TOP, ["one_hot"]),
    ("Precision", TOP | CLASS_1, ["one_hot"]),
    ("Recall", CLASS_1 | RATES, ["one_hot"]),
    ("Recall", TOP, ["one_hot"]),
    ("SensitivityAtSpecificity", {"specificity": 0.5}, SCORED),
    ("SensitivityAtSpecificity", {"specificity": 0.9, "num_thresholds": 1}, ["flat"]),
    ("SensitivityAtSpecificity", {"specificity": 0.3, "num_thresholds": 7} | CLASS_1, ["one_hot"]),
    ("SpecificityAtSensitivity", {"sensitivity": 0.6}, SCORED),
    ("PrecisionAtRecall", {"recall": 0.6}, SCORED),
    ("PrecisionAtRecall", {"recall": 0.0}, ["flat"]),
    ("RecallAtPrecision", {"precision": 0.6}, SCORED),
    ("RecallAtPrecision", {"precision": 0.7, "num_thresholds": 2}, ["flat"]),
    *(("AUC", {"curve": curve, "summation_method": method}, SCORED)
      for curve, method in itertools.product(
          ("ROC", "PR", "PRGAIN"), ("interpolation", "minoring", "majoring"))),
    ("AUC", {"multi_label": True}, ["one_hot", "several"]),
    ("AUC", {"multi_label": True, "num_labels": 3, "curve": "PR"}, ["several"]),
    ("AUC", {"multi_label": True, "label_weights": [0.5, 2.0, 1.0], "curve": "PR"}, ["several"]),
    ("AUC", {"label_weights": [0.5, 2.0, 1.0]}, ["several"]),
    ("AUC", {"multi_label": True, "label_weights": [0.5, 2.0, 1.0], "thresholds": [0.1, 0.4]},
     ["several"]),
    ("AUC", {"from_logits": True, "thresholds": [0.52, 0.6]}, ["flat"]),
    *((name, kwargs, ["one_hot", "several", "no weight, one_hot", "nothing, one_hot"])
      for name, kwargs in [
          ("F1Score", {}),
          ("F1Score", {"average": "micro"}),
          ("F1Score", {"average": "macro", "threshold": 0.4}),
          ("F1Score", {"average": "weighted"}),
          ("FBetaScore", {"beta": 2.0, "threshold": 0.3}),
          ("FBetaScore", {"beta": 0.5, "average": "weighted"}),
          ("FBetaScore", {"beta": 0.5, "average": "micro", "threshold": 0.5}),
      ]),
    ("IoU", THREE | {"target_class_ids": [0, 2]}, ["classes", "classes, 3-D"]),
    ("IoU", THREE | {"target_class_ids": [1], "dtype": "float64"}, ["classes, float weights"]),
    ("IoU", THREE | {"target_class_ids": [1]}, ["classes, float weights"]),
    ("IoU", THREE | {"target_class_ids": [0, 1, 2], "ignore_class": 1}, ["classes"]),
    ("MeanIoU", THREE, ["classes", "classes, 3-D"]),
    ("MeanIoU", THREE | {"ignore_class": -1}, ["classes, 3-D"]),
    ("MeanIoU", THREE | {"sparse_y_pred": False}, ["labels"]),
    ("MeanIoU", {"num_classes": 2}, ["no weight, classes"]),
    ("OneHotIoU", THREE | {"target_class_ids": [0, 1]}, ["one_hot", "one_hot, 3-D"]),
    ("OneHotMeanIoU", THREE, ["one_hot", "one_hot, 3-D"]),
    ("BinaryIoU", {}, ["flat", "column", "all no", "no weight"]),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.3, "dtype": "float64"}, ["flat"]),
]  # fmt: skip


def metric_case(name: str, kwargs: Json, data: str) -> Json:
    keras.utils.clear_session()
    make, arrays = getattr(keras.metrics, name), DATA[data]
    rows = (0, *CUTS[len(arrays[0])], len(arrays[0]))

    def given(first: int, last: int, weighted: bool) -> list[Array]:
        found = [array[first:last] for array in arrays]
        if kwargs.get("from_sorted_ids"):
            found[1] = np.argsort(-found[1], axis=-1).astype(float)
        return found if weighted else found[:2]

    def results(weighted: bool) -> list[object]:
        metric, found = make(**kwargs), []
        for first, last in itertools.pairwise(rows):
            metric.update_state(*given(first, last, weighted))
            found.append(metric.result())
        whole = make(**kwargs)
        whole.update_state(*given(0, rows[-1], weighted))
        return [*found, whole.result()]

    return {
        "metric": name,
        "kwargs": kwargs,
        "data": data,
        "config": make(**kwargs).get_config(),
        "unweighted": attempt(results, False),
        "weighted": attempt(results, True),
    }


def main() -> None:
    warnings.simplefilter("ignore")
    precision("float64", keep_64_bits=True)
    losses = [loss_case(name, kwargs, pair) for name, kwargs, pairs in LOSSES for pair in pairs]
    write_json("more_losses.json", {"cases": losses})
    metrics = [metric_case(name, kwargs, data) for name, kwargs, of in METRICS for data in of]
    write_json("more_metrics.json", {"cuts": CUTS, "data": DATA, "cases": metrics})


if __name__ == "__main__":
    main()
