"""What metrics share: state given from outside, metrics within metrics, arrays as figures."""

import numpy as np
import pytest

import sheer
from planned import needs_native, on_engine
from sheer import layers, losses, metrics

Y_TRUE, Y_PRED = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.2, 0.7, 0.4, 0.9])


@pytest.fixture(params=["numpy", pytest.param("native", marks=needs_native)])
def engine(request):
    """The test runs on each engine."""
    with on_engine(request.param):
        yield


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])
def test_state_from_outside(traced):
    """The metric's own state stays as it was."""
    metric, other = metrics.Precision(), metrics.Precision()
    metric.update_state([1.0], [0.9])
    update, result = metric.stateless_update_state, metric.stateless_result
    if traced:
        update, result = sheer.function(update), sheer.function(result)
    state = metric.stateless_reset_state()
    assert [float(v) for v in state] == [0.0, 0.0]
    for _ in range(2):
        state = update(state, Y_TRUE, Y_PRED)
        other.update_state(Y_TRUE, Y_PRED)
    assert [float(v) for v in state] == [float(v) for v in other.variables] == [2.0, 2.0]
    assert float(result(state)) == 0.5
    assert [float(v) for v in metric.variables] == [1.0, 0.0]
    with pytest.raises(ValueError) as error:
        metric.stateless_result(state[:1])
    assert str(error.value) == (
        "precision: metric_variables needs a value for each of the metric's 2 variables. Got 1."
    )


def test_state_from_outside_where_none_was_made_yet():
    metric = metrics.F1Score()
    state = metric.stateless_update_state([], np.eye(2), np.eye(2))
    assert state[0].numpy().tolist() == [1.0, 1.0]
    assert all(not v.numpy().any() for v in metric.variables)


class Both(metrics.Metric):
    """A metric that holds others."""

    def __init__(self, name="both", **kwargs):
        super().__init__(name=name, **kwargs)
        self.precision = metrics.Precision()
        self.others = [metrics.Recall(thresholds=0.3)]
        self.batches = self.add_variable((), name="batches")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.precision.update_state(y_true, y_pred, sample_weight)
        self.others[0].update_state(y_true, y_pred, sample_weight)
        self.batches.assign_add(1)

    def result(self):
        return {"precision": self.precision.result(), "recall": self.others[0].result()}


def test_metrics_within_a_metric():
    metric = Both()
    assert len(metric.variables) == 5
    metric.update_state(Y_TRUE, Y_PRED)
    assert {k: float(v) for k, v in metric.result().items()} == {"precision": 0.5, "recall": 1.0}
    metric.reset_state()
    assert [float(v) for v in metric.variables] == [0.0] * 5


@pytest.mark.usefixtures("engine")
def test_metrics_within_a_metric_are_reset_in_fit():
    model = sheer.Sequential([sheer.Input((1,)), layers.Activation("linear")])
    model.compile(loss="mse", metrics=[Both()])
    for _ in range(2):
        figures = model.evaluate(Y_PRED[:, None], Y_TRUE, verbose=0, return_dict=True, batch_size=3)
        assert (figures["precision"], figures["recall"]) == (0.5, 1.0)


def test_configs_of_functions():
    """A function stands in a config by its name, with its arguments."""
    loss = losses.LossFunctionWrapper(losses.huber, "sum", delta=0.5)
    again = losses.LossFunctionWrapper.from_config(loss.get_config())
    assert loss.get_config() == again.get_config()
    assert again.fn is losses.huber and again.kwargs == {"delta": 0.5}
    for fn, arguments in [
        (losses.huber, {"delta": 0.5}),
        (metrics.binary_accuracy, {"threshold": 0.25}),
    ]:
        metric = metrics.MeanMetricWrapper(fn, name="m", **arguments)
        again = metrics.get(metrics.serialize(metric))
        assert again.fn is fn and again.kwargs == arguments and again.name == "m"
    with pytest.raises(ValueError, match="Unknown metric function 'nonsense'"):
        metrics.MeanMetricWrapper.from_config({"fn": "nonsense"})


# --- arrays as figures --------------------------------------------------------------------------


@pytest.mark.parametrize("run_eagerly", [False, True])
@pytest.mark.usefixtures("engine")
def test_arrays_in_the_history(run_eagerly, capsys):
    """Each epoch has an array of its own, which later steps leave alone."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 4)).astype("float32"), np.eye(4)[rng.integers(0, 4, 20)]
    figures = metrics.ConfusionMatrix(4), metrics.F1Score(), metrics.ConfusionMatrix(4, name="m")
    model = sheer.Sequential([sheer.Input((4,)), layers.Dense(4, "softmax")])
    model.compile("rmsprop", "mse", metrics=list(figures), run_eagerly=run_eagerly)
    history = model.fit(x, y, epochs=2, batch_size=6, verbose=2, validation_data=(x, y)).history
    wanted, predicted = np.zeros((4, 4)), model.predict(x, verbose=0).argmax(-1)
    np.add.at(wanted, (y.argmax(-1), predicted), 1)
    assert history["val_confusion_matrix"][-1].tolist() == wanted.tolist()
    kept = [array.copy() for array in history["confusion_matrix"]]
    assert all(array.sum() == 20 and array.shape == (4, 4) for array in kept)
    printed = capsys.readouterr().out.splitlines()[-1]
    scores = " ".join(f"{v:.4f}" for v in history["val_f1_score"][-1])
    assert f" - val_f1_score: [{scores}] - " in printed
    assert "val_confusion_matrix: array of shape (4, 4) - " in printed

    assert model.evaluate(x, y, verbose=0, return_dict=True)["m"].tolist() == wanted.tolist()
    before = model.train_on_batch(x, y, return_dict=True)["confusion_matrix"]
    total = before.sum()
    after = model.train_on_batch(x[:5], y[:5], return_dict=True)["confusion_matrix"]
    assert (total, before.sum(), after.sum()) == (20, 20, 5)
    for array, copy in zip(history["confusion_matrix"], kept, strict=True):
        assert (array == copy).all()


# --- what cannot be -----------------------------------------------------------------------------


def test_errors():
    for call, text in [
        (
            lambda: metrics.F1Score().update_state(Y_TRUE, Y_PRED),
            "f1_score: targets and predictions need the shape (n, classes).\n"
            "  targets     (4,)\n"
            "  predictions (4,)",
        ),
        (lambda: metrics.F1Score().result(), "f1_score: there is no score before the first batch."),
        (lambda: metrics.R2Score().result(), "r2_score: there is no score before the first batch."),
        (
            lambda: metrics.IoU(2, [0, 2]),
            "IoU: target_class_ids must be below num_classes, 2. Got [0, 2].",
        ),
        (
            lambda: metrics.MeanIoU(0),
            "MeanIoU: num_classes must be a whole number of 1 or more. Got 0.",
        ),
        (
            lambda: metrics.ConfusionMatrix(4).update_state([0, 1], np.ones((2, 3))),
            "confusion_matrix: targets and predictions do not fit together for 4 classes.\n"
            "  targets     (2,)\n"
            "  predictions (2, 3)",
        ),
        (
            lambda: metrics.AUC(num_labels=3),
            "AUC: num_labels goes with multi_label=True. Got 3.",
        ),
        (
            lambda: metrics.AUC(multi_label=True, name="a").update_state(Y_TRUE, Y_PRED),
            "a: with multi_label, predictions need the shape (n, labels). Got (4,).",
        ),
        (
            lambda: losses.Circle().check_targets(np.zeros((4, 2)), (None, 3)),
            "circle: targets need one class index for each embedding (n, d).\n"
            "  targets (4, 2)\n"
            "  outputs (None, 3)",
        ),
        (
            lambda: losses.categorical_generalized_cross_entropy([0, 2], np.ones((2, 2)) / 2, 0.5),
            "categorical_generalized_cross_entropy: labels must be 0 to 1, as there are 2 "
            "predictions. Got values from 0 to 2; label 2 stands in row 1.\n"
            "Number the classes from 0, or give the last layer more units.",
        ),
    ]:
        with pytest.raises(ValueError) as error:
            call()
        assert str(error.value) == text


def test_circle_where_no_pair_pulls():
    """A loss of 0, a slope of 0, and no part in the mean; by hand for the other two rows."""
    points = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    w = sheer.Variable(points, dtype="float64")
    with sheer.GradientTape() as tape:
        loss = losses.Circle(gamma=2.0, margin=0.25, dtype="float64")([0, 0, 1], w)
    slope = tape.gradient(loss, w).numpy()
    assert np.isfinite(slope).all()

    def alone(same, other):
        pull = -2.0 * (0.25 + same) * (0.25 - same)
        push = 2.0 * (1.25 - other) * (0.75 - other)
        return np.log1p(np.exp(pull + push))

    # Distances are 1 - cosine: 0.4 between rows 0 and 1, 1.0 and 0.2 to row 2.
    assert float(loss) == pytest.approx((alone(0.4, 1.0) + alone(0.4, 0.2)) / 2, rel=1e-12)
