"""Each metric after each of two batches: Keras's figures and configs."""

import numpy as np
import pytest

import sheer
from recorded import recorded, refused
from sheer import metrics

BATCHES = recorded("metrics.json")["batches"]
CASES = recorded("metrics.json")["cases"]
IDS = [f"{case['metric']} {case['kwargs']} {case['batches']}" for case in CASES]
pytestmark = pytest.mark.usefixtures("float64")


@pytest.mark.parametrize("kind", ["unweighted", "weighted"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_two_batches(case, kind):
    metric = getattr(metrics, case["metric"])(**case["kwargs"])
    assert not refused(case[kind])
    for batch, wanted in zip(BATCHES[case["batches"]], case[kind], strict=True):
        arrays = [np.array(values) for values in batch]
        metric.update_state(*(arrays if kind == "weighted" else arrays[:-1]))
        found = metric.result().numpy()
        assert found.shape == np.shape(wanted)
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    metric.reset_state()
    assert all(not v.numpy().any() for v in metric.variables)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_config(case):
    """All that Keras's config says, sheer's says too, or knows as lacking."""
    cls = getattr(metrics, case["metric"])
    config = cls(**case["kwargs"]).get_config()
    lacked = {name: value for name, value in case["config"].items() if name not in config}
    assert lacked.items() <= getattr(cls, "lacks", {}).items()
    assert {k: v for k, v in case["config"].items() if k not in lacked} == {
        k: config[k] for k in case["config"] if k not in lacked
    }
    # Keras's config makes sheer's metric.
    assert cls.from_config(case["config"]).get_config() == config


def test_curves_of_auc():
    """Three thresholds by hand: 0, 0.5, 1. Above 0.5 are one right and one wrong of 2 and 2."""
    for curve, method, wanted in [
        ("ROC", "interpolation", 0.5),
        ("ROC", "minoring", 0.25),
        ("ROC", "majoring", 0.75),
        ("PR", "minoring", 0.25),
        ("PR", "majoring", 0.5),
    ]:
        auc = metrics.AUC(3, curve, method)
        auc.update_state([0, 0, 1, 1], [0.2, 0.7, 0.3, 0.9])
        assert float(auc.result()) == wanted, (curve, method)


def test_auc_with_thresholds_and_logits():
    logits = np.array([-3.0, 1.0, 0.5, 2.0])
    plain, given = metrics.AUC(5), metrics.AUC(thresholds=[0.5, 0.25, 0.75], from_logits=True)
    plain.update_state([0, 1, 0, 1], 1 / (1 + np.exp(-logits)))
    given.update_state([0, 1, 0, 1], logits)
    assert given.get_config()["num_thresholds"] == 5
    assert float(plain.result()) == float(given.result()) == 0.875


def test_several_outputs_of_r2():
    y_true, y_pred = np.array([[1.0, 0.0], [3.0, 4.0]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    scores = {None: [1.0, 0.5], "uniform_average": 0.75, "variance_weighted_average": 0.6}
    for aggregation, wanted in scores.items():
        metric = metrics.R2Score(class_aggregation=aggregation)
        metric.update_state(y_true, y_pred)
        np.testing.assert_allclose(metric.result().numpy(), wanted, rtol=1e-12)


def test_a_metric_of_ones_own():
    """As the Keras guide writes one: add_variable with an initializer's name."""

    class Positives(metrics.Metric):
        def __init__(self, name="positives", **kwargs):
            super().__init__(name=name, **kwargs)
            self.found = self.add_variable(shape=(), initializer="zeros", name="found")

        def update_state(self, y_true, y_pred, sample_weight=None):
            found = sheer.ops.cast(y_pred > 0.5, self.dtype) * y_true
            self.found.assign_add(sheer.ops.sum(found))

        def result(self):
            return self.found

    metric = Positives()
    metric.update_state(np.array([1.0, 0.0, 1.0]), sheer.Tensor([0.9, 0.9, 0.1]))
    assert float(metric.result()) == 1.0
    metric.reset_state()
    assert float(metric.result()) == 0.0
    # metric(...) takes in a batch and answers
    assert float(metrics.Mean()([1.0, 3.0])) == 2.0


def test_names_are_numbered_where_none_is_given():
    assert [metrics.Precision().name for _ in range(2)] == ["precision", "precision_1"]
    assert metrics.Mean().name == metrics.Mean().name == "mean"


def test_mean_with_a_weight_for_each_value():
    """Each example counts with the mean of its weighted values, and of its weights."""
    mean = metrics.Mean()
    mean.update_state(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [1.0, 1.0]]))
    # (1 + 0) / 2 and (3 + 4) / 2, over 1/2 and 1
    assert [float(mean.total), float(mean.count)] == [4.0, 1.5]
    # One number is the weight of the mean of all values.
    mean.update_state(np.array([1.0, 3.0]), 2.0)
    assert [float(mean.total), float(mean.count)] == [8.0, 3.5]
