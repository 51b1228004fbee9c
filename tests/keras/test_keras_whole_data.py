"""Each metric over uneven batches, and over all data at once: the figures, which are Keras's."""

import ast
import itertools

import numpy as np
import pytest

from recorded import recorded, refused
from sheer import metrics
from sheer.metrics.base import METRICS

RECORDED = recorded("more_metrics.json")
DATA = {name: [np.array(v) for v in arrays] for name, arrays in RECORDED["data"].items()}
CASES = RECORDED["cases"]
IDS = [f"{case['metric']} {case['kwargs']} {case['data']}" for case in CASES]
# Where Keras raises, for shapes that sheer makes fit, or refuses too.
REFUSED = {
    ("MeanSquaredError", "real, a weight each"),
    ("MeanSquaredError", "no weight"),
    ("BinaryCrossentropy", "column"),
    ("OneHotIoU", "one_hot, 3-D"),
    ("OneHotMeanIoU", "one_hot, 3-D"),
}
pytestmark = pytest.mark.usefixtures("float64")

# Figures that Keras computes in float32.
ROUGH = {"IoU", "MeanIoU", "BinaryIoU", "OneHotIoU", "OneHotMeanIoU"}


def batches(name, weighted, cuts, **kwargs):
    """The arrays of each batch of a data set."""
    arrays = DATA[name]
    rows = (0, *cuts, len(arrays[0]))
    for first, last in itertools.pairwise(rows):
        found = [array[first:last] for array in arrays]
        if kwargs.get("from_sorted_ids"):
            found[1] = np.argsort(-found[1], axis=-1)
        yield found if weighted else found[:2]


def cuts_of(name):
    return RECORDED["cuts"][str(len(DATA[name][0]))]


def figures(name, kwargs, data, weighted):
    """After each batch, and of all at once."""
    metric, whole = (getattr(metrics, name)(**kwargs) for _ in range(2))
    found = []
    for batch in batches(data, weighted, cuts_of(data), **kwargs):
        metric.update_state(*batch)
        found.append(np.array(metric.result()))
    whole.update_state(*next(batches(data, weighted, (), **kwargs)))
    return [*found, np.array(whole.result())]


@pytest.mark.parametrize("kind", ["unweighted", "weighted"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_figures(case, kind):
    name, kwargs, data = case["metric"], case["kwargs"], case["data"]
    if refused(case[kind]):
        # sheer broadcasts (n,) and (n, 1) where Keras does not.
        assert (name, data) in REFUSED
        return
    rtol = 1e-6 if name in ROUGH else 1e-11
    if "ignore_class" in kwargs and name.startswith("Sparse") and kind == "unweighted":
        return  # see test_ignored_targets
    for figure, wanted in zip(
        figures(name, kwargs, data, kind == "weighted"), case[kind], strict=True
    ):
        assert np.shape(figure) == np.shape(wanted)
        np.testing.assert_allclose(figure, wanted, rtol=rtol, atol=1e-14)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_config(case):
    """All that Keras's config says, sheer's says too, and it makes such a metric."""
    cls = getattr(metrics, case["metric"])
    keras = case["config"]
    config = cls(**case["kwargs"], name=keras["name"]).get_config()
    assert {k: config[k] for k in keras} == keras
    again = cls.from_config(keras).get_config()
    assert {k: again[k] for k in keras} == keras


# Metrics that Keras does not have, or whose figure it takes batch by batch.
OWN = [
    ("PearsonCorrelation", {"axis": 0}, "real"),
    ("PearsonCorrelation", {"axis": -3}, "real, 3-D"),
    ("PearsonCorrelation", {"axis": 0}, "real, a weight each"),
    ("PearsonCorrelation", {}, "flat"),
    ("ConcordanceCorrelation", {"axis": 0}, "real"),
    ("CosineSimilarity", {"axis": 0}, "real"),
    ("CosineSimilarity", {"axis": 0}, "real, 3-D"),
    ("ConfusionMatrix", {"num_classes": 3}, "labels"),
    ("ConfusionMatrix", {"num_classes": 3}, "labels, column"),
    ("ConfusionMatrix", {"num_classes": 3, "normalize": "all"}, "one_hot, 3-D"),
    ("ConfusionMatrix", {"num_classes": 3, "normalize": "true"}, "classes, 3-D"),
    ("ConfusionMatrix", {"num_classes": 2, "normalize": "pred"}, "column"),
]
WHOLE = list(
    dict.fromkeys(
        (name, repr(kwargs), data)
        for name, kwargs, data in [
            *(
                (c["metric"], c["kwargs"], c["data"])
                for c in CASES
                if (c["metric"], c["data"]) not in REFUSED
            ),
            *OWN,
        ]
    )
)


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize(("name", "kwargs", "data"), WHOLE, ids=map(" ".join, WHOLE))
def test_batches_are_as_all_at_once(name, kwargs, data, weighted):
    """The state covers all data: it is no average of what the batches give."""
    *_, last, whole = figures(name, ast.literal_eval(kwargs), data, weighted)
    np.testing.assert_allclose(last, whole, rtol=1e-12, atol=1e-14)


def test_every_metric_is_in_these_cases():
    names = {name for name, _, _ in WHOLE} | {"Mean", "Sum", "MeanMetricWrapper"}
    assert {cls.__name__ for cls in METRICS.classes()} == names


def test_ignored_targets():
    """They do not count. (Keras counts their loss of 0 in the mean, unless there are weights.)"""
    (y_true, y_pred, _), ignored = DATA["labels"], {"ignore_class": 0}
    known = y_true != 0
    metric, rest = metrics.SparseCategoricalCrossentropy(**ignored), metrics.Mean()
    metric.update_state(y_true, y_pred)
    rest.update_state(
        -np.log(y_pred[known] / y_pred[known].sum(-1, keepdims=True))[
            range(known.sum()), y_true[known]
        ]
    )
    assert float(metric.result()) == pytest.approx(float(rest.result()), rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_correlations_of_all_examples(weighted):
    """By NumPy: column by column, then the mean."""
    y_true, y_pred, weight = DATA["real"]
    weights = weight if weighted else np.ones(7)
    pearson, concordance, cosine = [], [], []
    for t, p in zip(y_true.T, y_pred.T, strict=True):
        (tt, tp), (_, pp) = np.cov(t, p, ddof=0, aweights=weights)
        distance = np.average(t, weights=weights) - np.average(p, weights=weights)
        pearson.append(tp / np.sqrt(tt * pp))
        concordance.append(2 * tp / (tt + pp + distance**2 + 1e-7))
        cosine.append(
            (weights * t * p).sum() / np.sqrt((weights * t * t).sum() * (weights * p * p).sum())
        )
    for name, wanted in [
        ("PearsonCorrelation", pearson),
        ("ConcordanceCorrelation", concordance),
        ("CosineSimilarity", cosine),
    ]:
        found = figures(name, {"axis": 0}, "real", weighted)[-1]
        np.testing.assert_allclose(found, np.mean(wanted), rtol=1e-12)


def test_correlation_of_large_numbers():
    """In float32 too, where the squares of the numbers have no room for their distances."""
    rng = np.random.default_rng(0)
    y_true = rng.normal(size=(600, 1))
    y_pred = y_true + rng.normal(size=(600, 1))
    metric = metrics.PearsonCorrelation(axis=0, dtype="float32")
    for rows in np.split(np.arange(600), [10, 150, 151, 400]):
        metric.update_state(10_000 + y_true[rows], 20_000 + y_pred[rows])
    wanted = np.corrcoef(y_true[:, 0], y_pred[:, 0])[0, 1]
    assert float(metric.result()) == pytest.approx(wanted, rel=2e-3)


def test_confusion_matrix_by_hand():
    y_true, y_pred = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 2, 0])
    counts = [[1, 1, 0], [0, 1, 0], [1, 0, 1]]
    scores = np.eye(3)[y_pred]
    for normalize, wanted in [
        (None, counts),
        ("true", [[0.5, 0.5, 0], [0, 1, 0], [0.5, 0, 0.5]]),
        ("pred", [[0.5, 0.5, 0], [0, 0.5, 0], [0.5, 0, 1]]),
        ("all", np.array(counts) / 5),
    ]:
        for targets, predictions in [
            (y_true, y_pred),
            (y_true, scores),
            (y_true[:, None], scores),
            (np.eye(3)[y_true], scores),
        ]:
            matrix = metrics.ConfusionMatrix(3, normalize)
            assert matrix.result().numpy().tolist() == np.zeros((3, 3)).tolist()
            matrix.update_state(targets, predictions)
            assert matrix.result().numpy().tolist() == np.array(wanted).tolist()
    matrix = metrics.ConfusionMatrix(3)
    matrix.update_state([0, 1, -1, 3], [2, 3, 1, 1], [0.5, 1.0, 1.0, 1.0])  # 0.5 is for classes
    assert matrix.result().numpy().tolist() == [[0, 0, 0.5], [0, 0, 0], [0, 0, 0]]
    yes_no = metrics.ConfusionMatrix(2)
    yes_no.update_state([0, 1, 1], [[0.6], [0.5], [0.9]])
    assert yes_no.result().numpy().tolist() == [[0, 1], [1, 1]]
