"""Each loss on small arrays with ties, extremes and several ranks: Keras's figures."""

import numpy as np
import pytest

import sheer
from recorded import recorded, refused
from sheer import losses

CTC = recorded("ctc.json")["cases"]
CASES = recorded("losses.json")["cases"] + recorded("more_losses.json")["cases"] + CTC
IDS = [f"{i} {case['loss']} {case['kwargs']}" for i, case in enumerate(CASES)]
pytestmark = pytest.mark.usefixtures("float64")

# Functions of (n,) and (n, 1): Keras broadcasts some to (n, n), and refuses some. sheer takes both
# as (n, 1), as the loss classes of both do.
ALIGNED = {"Poisson", "Hinge", "SquaredHinge", "BinaryCrossentropy", "BinaryFocalCrossentropy"}


def is_negative_label(case):
    """Labels of -1 without ignore_class: Keras on JAX gives them a loss of 0, sheer refuses."""
    sparse = case["loss"] == "SparseCategoricalCrossentropy" and not case["kwargs"].get(
        "ignore_class"
    )
    return sparse and np.min(case["y_true"]) < 0


def arrays(case):
    return np.array(case["y_true"]), np.array(case["y_pred"])


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_function(case):
    function = getattr(losses, case["function"])
    y_true, y_pred = arrays(case)
    if is_negative_label(case):
        with pytest.raises(ValueError, match="labels must be 0 to"):
            function(y_true, y_pred, **case["kwargs"])
        return
    found = function(y_true, y_pred, **case["kwargs"]).numpy()
    if case["loss"] in ALIGNED and y_true.ndim != y_pred.ndim:
        wanted = function(y_true.reshape(y_pred.shape), y_pred, **case["kwargs"]).numpy()
    else:
        wanted = case["per_example"]
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-15)


def mixes_up(case, weight):
    """Whether Keras takes weights of examples for those of their losses, as their numbers agree."""
    has_several = np.ndim(case["y_true"]) > 2
    return case["kwargs"].get("axis") == 1 and has_several and np.ndim(weight) == 1


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_reductions_and_weights(case):
    """Each reduction of the class, without weights and with each kind of them."""
    y_true, y_pred = arrays(case)
    rows = [(None, case["unweighted"])]
    rows += zip(map(np.array, case["sample_weights"]), case["weighted"], strict=True)
    for weight, by_reduction in rows:
        for reduction, wanted in by_reduction.items():
            loss = getattr(losses, case["loss"])(reduction=reduction, **case["kwargs"])
            if refused(wanted) or is_negative_label(case) or mixes_up(case, weight):
                with pytest.raises(ValueError):
                    loss(y_true, y_pred, weight)
            else:
                found = loss(y_true, y_pred, weight).numpy()
                assert found.shape == np.shape(wanted)
                np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-15)


def test_no_reduction_is_none():
    loss = losses.MeanSquaredError(reduction=None)
    assert loss([[1.0], [2.0]], [[1.0], [4.0]]).numpy().tolist() == [0.0, 4.0]


def test_label_errors():
    with pytest.raises(ValueError) as error:
        losses.sparse_categorical_crossentropy([0, 1, 3, 2], np.full((4, 3), 1 / 3))
    assert str(error.value) == (
        "sparse_categorical_crossentropy: labels must be 0 to 2, as there are 3 predictions. "
        "Got values from 0 to 3; label 3 stands in row 2.\n"
        "Number the classes from 0, or give the last layer more units."
    )


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_ignored_rows_do_not_train(run_eagerly):
    """A step on four rows of which two are ignored is a step on the other two."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 3)), np.array([1, -1, 0, -1])
    weights = []
    for rows in ([0, 1, 2, 3], [0, 2]):
        sheer.utils.set_random_seed(1)
        model = sheer.Sequential([sheer.Input((3,)), sheer.layers.Dense(2, "softmax")])
        loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
        metric = sheer.metrics.SparseCategoricalCrossentropy(ignore_class=-1, name="metric")
        model.compile("sgd", loss, metrics=[metric], run_eagerly=run_eagerly)
        figures = model.train_on_batch(x[rows], y[rows], return_dict=True)
        assert figures["metric"] == pytest.approx(figures["loss"], rel=1e-12)
        weights.append(model.get_weights()[0])
    np.testing.assert_allclose(*weights, rtol=1e-12)
    with pytest.raises(ValueError, match="labels must be 0 to 1, as the model has 2 outputs"):
        model.fit(x, y - 1, verbose=0)


# --- ctc --------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CTC, ids=range(len(CTC)))
def test_slope_of_ctc(case):
    """Also where there are too few time steps for a target."""
    y_true, y_pred = arrays(case)
    y_pred = sheer.Variable(y_pred)
    with sheer.GradientTape() as tape:
        losses_ = losses.ctc(y_true, y_pred)
    slope = tape.gradient(losses_, y_pred).numpy()
    # Of a loss of 1e5, the last digits of float64 are 1e-11.
    np.testing.assert_allclose(slope, case["slope"], rtol=1e-9, atol=1e-10)


def test_ctc_by_hand():
    """Two steps with p(blank) = 1/2, p(1) = 1/3, p(2) = 1/6, and their inverse order."""
    p = np.array([[1 / 2, 1 / 3, 1 / 6], [1 / 6, 1 / 3, 1 / 2]])
    y_pred = np.log([p, p, p, p]) + np.array([[1.0], [-2.0]])  # of logits, only differences count
    found = losses.ctc([[0, 0], [1, 0], [1, 2], [2, 0]], y_pred).numpy()
    # Blank twice; 11, 1-, -1; 12; 22, 2-, -2.
    wanted = [1 / 12, 1 / 9 + 1 / 18 + 1 / 6, 1 / 6, 1 / 12 + 1 / 36 + 1 / 4]
    np.testing.assert_allclose(np.exp(-found), wanted, rtol=1e-12)


def test_slope_of_ctc_by_hand():
    """The slope is softmax less the share of each class in the paths 11, 1- and -1."""
    y_pred = sheer.Variable(np.log([[[1 / 2, 1 / 3, 1 / 6], [1 / 6, 1 / 3, 1 / 2]]]))
    with sheer.GradientTape() as tape:
        loss = losses.ctc([[1]], y_pred)
    # 11 has 1/9, 1- 1/18, -1 1/6: a third, a sixth and a half of them.
    shares = np.array([[1 / 2, 1 / 2, 0], [1 / 6, 5 / 6, 0]])
    wanted = np.exp(y_pred.numpy()[0]) - shares
    np.testing.assert_allclose(tape.gradient(loss, y_pred).numpy()[0], wanted, atol=1e-12)


def test_errors_of_ctc():
    with pytest.raises(ValueError) as error:
        losses.ctc([1, 2], np.zeros((2, 3, 4)))
    assert str(error.value) == (
        "ctc_loss: targets (n, length) and logits (n, time, classes) are needed.\n"
        "  target (2,) int32\n  logits (2, 3, 4) float64"
    )
    with pytest.raises(ValueError, match="ctc: labels must be 0 to 3, as there are 4 predictions"):
        losses.ctc([[1, -1], [2, 0]], np.zeros((2, 3, 4)))
    y_pred = sheer.Variable(np.zeros((1, 3, 4)))
    with sheer.GradientTape() as outer:
        with sheer.GradientTape() as inner:
            loss = losses.ctc([[1]], y_pred)
        slope = inner.gradient(loss, y_pred)
    with pytest.raises(NotImplementedError) as error:
        outer.gradient(slope, y_pred)
    assert str(error.value) == (
        "ctc: gradients of its gradient are not in sheer yet. Leave it out of the outer tape."
    )
    model = sheer.Sequential([sheer.Input((3, 2)), sheer.layers.Dense(4)])
    model.compile("sgd", "ctc")
    x = np.zeros((2, 3, 2))
    with pytest.raises(ValueError, match="ctc: labels must be 0 to 3, as the model has 4 outputs"):
        model.fit(x, np.array([[1, 4], [2, 0]]), verbose=0)
    with pytest.raises(ValueError) as error:
        model.fit(x, np.array([1, 2]), verbose=0)
    assert str(error.value) == (
        "fit: ctc: targets need to be rows of labels (n, length), and outputs logits "
        "(n, time, classes).\n  targets (2,)\n  outputs (n, 3, 4)"
    )
