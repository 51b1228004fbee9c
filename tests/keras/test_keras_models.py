"""Models of any shape: Keras puts together the same ones, and trains them to the same figures."""

import json
import re

import numpy as np
import pytest

import sheer
from built import CASES, structure, train
from recorded import FOLDER, recorded

KERAS = recorded("models.json")["cases"]
SUMMARIES = dict(
    re.findall(r"^# (.*?)\n(.*?)(?=\n# |\Z)", (FOLDER / "models.txt").read_text(), re.S | re.M)
)


@pytest.mark.parametrize("name", CASES)
def test_layers_and_names(name):
    sheer.utils.clear_session()
    model = CASES[name](sheer)[0]
    wanted = KERAS[name]
    assert [layer.name for layer in model.layers] == wanted["layers"]
    assert model.output_names == wanted["output_names"]
    assert model.input_names == wanted["input_names"]
    assert [list(w.shape) for w in model.weights] == wanted["shapes"]


# Masks are found again at each call: no op stands in the graph for them.
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", [name for name in CASES if name not in ("masked", "words")])
def test_graphs(name):
    """The graph in a config is Keras's, and Keras's makes the same model."""
    sheer.utils.clear_session()
    model = CASES[name](sheer)[0]
    found = json.loads(json.dumps(structure(model)))
    assert without_masks(found) == without_masks(KERAS[name]["structure"])


def without_masks(graph):
    for layer in graph["layers"]:
        for call in layer["inbound_nodes"]:
            call["kwargs"].pop("mask", None)
    return graph


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", [name for name in CASES if name != "words"])
def test_summaries(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "130")
    sheer.utils.clear_session()
    model = CASES[name](sheer)[0]
    texts = []
    model.summary(print_fn=texts.append)
    model.summary(print_fn=texts.append, expand_nested=True, show_trainable=True)
    assert texts == [SUMMARIES[f"{name}, {count} options"].rstrip("\n") for count in (0, 2)]


# While it trains, Keras on JAX loses the mask between the loss and the metrics, as its values come
# out of `jax.value_and_grad`; in its evaluations, the mask counts for both.
LOST_MASKS = ("masked", "words")


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("run_eagerly", [False, True], ids=["program", "eager"])
@pytest.mark.parametrize("name", CASES)
def test_training(name, run_eagerly):
    """Three epochs in float64, an evaluation, and the weights: nothing but rounding differs."""
    if run_eagerly:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sheer.Model, "run_eagerly", True, raising=False)
            found = train(sheer, name)
    else:
        found = train(sheer, name)
    wanted = KERAS[name]
    assert list(found["history"]) == list(wanted["history"])
    for figure, values in wanted["history"].items():
        if name in LOST_MASKS and figure != "loss":
            continue
        np.testing.assert_allclose(found["history"][figure], values, rtol=1e-10, err_msg=figure)
    np.testing.assert_allclose(found["evaluated"], wanted["evaluated"], rtol=1e-10)
    for weight, right in zip(found["weights"], wanted["weights"], strict=True):
        np.testing.assert_allclose(weight, right, rtol=1e-9, atol=1e-12)
