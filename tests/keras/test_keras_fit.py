"""Whole fits without shuffling, and early stopping: Keras's histories."""

import numpy as np
import pytest

import sheer
from recorded import recorded
from sheer import layers
from sheer.callbacks import EarlyStopping

FIGURES = recorded("fit.json")
CASES = FIGURES["cases"]
DATA = {name: np.array(values) for name, values in FIGURES["data"].items()}


def options_of(case):
    """The arguments of fit: names in the record stand for arrays, keys for class numbers."""
    options = dict(case["fit"])
    if "sample_weight" in options:
        options["sample_weight"] = DATA[options["sample_weight"]]
    if "validation_data" in options:
        options["validation_data"] = tuple(DATA[name] for name in options["validation_data"])
    if "class_weight" in options:
        options["class_weight"] = {int(k): v for k, v in options["class_weight"].items()}
    return options


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("run_eagerly", [False, True], ids=["program", "eager"])
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_history(case, run_eagerly):
    model = sheer.Sequential([sheer.Input((6,)), *(layers.Dense(**k) for k in case["layers"])])
    model.set_weights([np.array(weight) for weight in case["initial"]])
    model.compile(**case["compile"], run_eagerly=run_eagerly)
    model.optimizer.learning_rate = FIGURES["learning_rate"]
    options = options_of(case)
    x, y = DATA["x"], DATA[case["target"]]

    history = model.fit(x, y, shuffle=False, verbose=0, **options)

    assert history.epoch == case["epochs"]
    # Keras orders the figures by their names, sheer as compile was given them.
    assert sorted(history.history) == sorted(case["history"])
    for name, wanted in case["history"].items():
        np.testing.assert_allclose(history.history[name], wanted, rtol=1e-11, err_msg=name)
    weights = {"sample_weight": options["sample_weight"]} if "sample_weight" in options else {}
    figures = model.evaluate(x, y, verbose=0, return_dict=True, **weights)
    assert sorted(figures) == sorted(case["evaluate"])
    for name, wanted in case["evaluate"].items():
        np.testing.assert_allclose(figures[name], wanted, rtol=1e-11, err_msg=name)
    assert model.evaluate(x, y, verbose=0, **weights)[0] == figures["loss"]
    sums = [weight.sum() for weight in model.get_weights()]
    np.testing.assert_allclose(sums, case["sums"], rtol=1e-11)
    np.testing.assert_allclose(model.predict(x, verbose=0).sum(), case["predict_sum"], rtol=1e-11)


STOPPING = FIGURES["early_stopping"]


@pytest.mark.parametrize("case", STOPPING, ids=[f"{c['kwargs']} {c['values']}" for c in STOPPING])
def test_early_stopping(case):
    """Fed with the values; the weight of a model is the number of the epoch."""
    layer = layers.Dense(1, use_bias=False)
    model = sheer.Sequential([sheer.Input((1,)), layer])
    callback = EarlyStopping(**case["kwargs"])
    callback.set_model(model)
    model.stop_training = False
    callback.on_train_begin()
    for epoch, value in enumerate(case["values"]):
        layer.kernel.assign([[epoch]])
        callback.on_epoch_end(epoch, {"val_loss": value})
        if model.stop_training:
            break
    assert epoch == case["last_epoch"]
    callback.on_train_end()
    assert callback.stopped_epoch == case["stopped_epoch"]
    assert callback.best_epoch == case["best_epoch"]
    np.testing.assert_equal(callback.best, case["best"])  # NaN is equal to NaN here
    assert int(layer.kernel.numpy()[0, 0]) == case["weights_of_epoch"]
