"""What a page is told: the description, the summaries, the curves, what is kept, the commands."""

import json
import threading
import time

import numpy as np
import pytest

import sheer
from sheer import layers
from sheer.inspect.view.commands import COMMANDS, checked
from sheer.inspect.view.curves import Curves
from sheer.inspect.view.description import Watch
from sheer.inspect.view.kept import Kept
from sheer.inspect.view.plain import plain, to_json, wire_array
from sheer.inspect.view.summary import dead_units, saturated_units
from sheer.inspect.view.turns import Turns
from sheer.training.data import Data
from small import classifier, data
from watched import two_by_two, unseen


def state_after_fit(model, x, y, view=None, **options):
    view = view or unseen(every=1)
    model.fit(x, y, **{"verbose": 0, "batch_size": 20, **options}, callbacks=[view])
    return view.session.state()


# --- the description --------------------------------------------------------------------------


def test_a_classifier():
    x, y = data(60)
    state = state_after_fit(classifier(), x, y)
    assert json.loads(to_json(state)) == plain(state)
    assert state["data"] == {
        "inputs": [{"name": "x", "shape": (4,), "image": None}],
        "targets": [{"name": "y", "shape": ()}],
        "classes": ["0", "1", "2"],
        "rows": 60,
        "batch_size": 20,
    }
    assert state["outputs"] == [
        {"name": "y_pred", "target": "y", "losses": "losses", "kind": "classes"}
    ]
    assert [layer["values"] for layer in state["layers"]] == [["z1", "h1"], ["z2", "y_pred"]]
    first = state["layers"][0]
    assert (first["activation"], first["output"], first["gradient"]) == ("relu", "h1", "d_h1")
    assert first["weights"][0] == {
        "name": "dense.kernel",
        "gradient": "d_dense_kernel",
        "new": "new_dense_kernel",
        "shape": (4, 5),
        "trainable": True,
    }
    assert (state["optimizer"], state["metrics"]) == ({"name": "sgd"}, ["accuracy"])
    assert state["predict_program"]["input"] == "x"
    assert state["predict_program"]["outputs"] == ["y_pred"]
    rows = state["program"]["rows"]
    assert rows[0]["recipes"]["z1"]["op"] == "+"


def test_two_inputs_and_two_outputs():
    model, x, y = two_by_two()
    state = state_after_fit(model, x, y, batch_size=32)
    assert [i["name"] for i in state["data"]["inputs"]] == ["words", "price"]
    assert state["predict_program"]["input"] is None
    assert state["predict_program"]["inputs"] == ["words", "price"]
    assert [o["kind"] for o in state["outputs"]] == ["classes", "numbers"]
    assert [layer["name"] for layer in state["layers"]] == [
        "dense", "dense_1", "concatenate", "dropout", "kind", "rating",
    ]  # fmt: skip
    summary = state["steps"][-1]
    assert set(summary["layers"]) == {layer["name"] for layer in state["layers"]}
    assert summary["layers"]["concatenate"]["units"] == 20
    assert summary["layers"]["concatenate"]["gradient_norm"] is None  # it has no weights
    assert summary["rows"] == 32


def test_layers_inside_of_others_and_weights_that_are_not_trained():
    inner = sheer.Sequential(
        [layers.Dense(4, activation="relu"), layers.BatchNormalization()], name="inner"
    )
    model = sheer.Sequential([sheer.Input((4,)), inner, layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    x = data(40)[0]
    state = state_after_fit(model, x, (x[:, :1] > 0).astype("float32"))
    found = {layer["name"]: layer for layer in state["layers"]}
    assert list(found) == ["inner/dense", "inner/batch_normalization", "dense_1"]
    weights = {w["name"]: w for w in found["inner/batch_normalization"]["weights"]}
    moving = weights["inner_batch_normalization.moving_mean"]
    assert (moving["trainable"], moving["gradient"], moving["new"]) == (
        False, None, "new_moving_mean",
    )  # fmt: skip
    assert weights["inner_batch_normalization.gamma"]["gradient"] == "d_gamma"
    assert state["outputs"][0]["kind"] == "binary"
    assert state["data"]["classes"] is None


@pytest.mark.parametrize(
    ("array", "image"),
    [
        (np.eye(64), {"height": 8, "width": 8, "channels": 1}),
        (np.zeros((4, 28, 28)) + np.eye(28), {"height": 28, "width": 28, "channels": 1}),
        (np.zeros((4, 16, 12, 3)), {"height": 16, "width": 12, "channels": 3}),
        (np.random.default_rng(0).normal(size=(20, 64)), None),
        (np.random.default_rng(0).random((20, 64)), None),
        (np.eye(65), None),
        (np.eye(4), None),
    ],
)
def test_images_are_seen(array, image):
    x = sheer.Input(array.shape[1:])
    h = layers.Flatten()(x) if array.ndim > 2 else x
    model = sheer.Model(x, layers.Dense(2)(h))
    model.compile("sgd", "mse")
    state = state_after_fit(model, array, np.zeros((len(array), 2)))
    assert state["data"]["inputs"][0]["image"] == image


def test_images_and_classes_that_the_user_names():
    x, y = data(20)
    view = unseen(image=(2, 2), classes=["a", "b", "c"])
    state = state_after_fit(classifier(), x, y, view)
    assert state["data"]["inputs"][0]["image"] == {"height": 2, "width": 2, "channels": 1}
    assert state["data"]["classes"] == ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"View: image=\(3, 3\) does not fit the rows of x"):
        state_after_fit(classifier(), x, y, unseen(image=(3, 3)))


def test_a_program_given_by_hand_is_described():
    model, (x, y) = classifier(), data(40)
    text = model.train_program().text.replace("z1 = x @", "z1 = 1 * x @")
    model.use_program(sheer.Program(text, "train_step"))
    state = state_after_fit(model, x, y)
    assert state["program"]["text"] == text
    assert state["layers"][0]["values"] == ["z1", "h1"]


# --- the summaries ------------------------------------------------------------------------------


def test_the_figures_of_a_layer_by_hand():
    model, (x, y) = classifier(), data(40)
    view = unseen(every=1)
    state = state_after_fit(model, x, y, view)
    summary = state["steps"][0]
    figures = summary["layers"]["dense"]
    arrays = {name: view.session.tensor(summary["id"], name) for name in summary["tensors"]}

    def norm(*names):
        return np.sqrt(sum(np.square(arrays[n], dtype="float64").sum() for n in names))

    assert figures["units"] == 5
    assert figures["dead"] == (arrays["h1"] == 0).all(0).sum()
    assert figures["gradient_norm"] == pytest.approx(norm("d_dense_kernel", "d_dense_bias"))
    assert figures["weight_norm"] == pytest.approx(norm("dense.kernel", "dense.bias"))
    # Plain descent: the update is the gradient times the rate.
    update = 0.01 * figures["gradient_norm"]
    assert figures["update_norm"] == pytest.approx(update, rel=1e-4)
    assert figures["update_ratio"] == pytest.approx(update / figures["weight_norm"], rel=1e-4)
    assert summary["loss"] == pytest.approx(arrays["losses"].mean())
    assert summary["learning_rate"] == pytest.approx(0.01)
    assert len(summary["seconds"]) == len(state["program"]["rows"])
    histogram = summary["statistics"]["z1"]["histogram"]
    assert sum(histogram["counts"]) == 100 and len(histogram["counts"]) == 24


def test_units_that_are_dead_or_saturated():
    h = np.array([[0.0, 1.0, 0.0, 0.995], [0.0, 0.0, 2.0, -0.999]])
    assert dead_units(h, "relu") == 1 and dead_units(h, "tanh") == 0
    assert saturated_units(h, "tanh") == 1 and saturated_units(h, "relu") == 0
    assert saturated_units(np.array([[0.001, 0.5], [1.0, 1.0]]), "sigmoid") == 1


# --- curves, and what is kept ---------------------------------------------------------------------


def test_curves_stay_within_their_points():
    curves = Curves(most=50)
    for step in range(10_000):
        curves.add(step, step / 1000, {"loss": step, "text": np.zeros(3)})
        assert len(curves.state()["step"]) <= 51
    state = curves.state()
    assert state["step"][0] == 0 and state["step"][-1] == 9999
    assert state["series"] == {"loss": [float(s) for s in state["step"]]}
    assert max(np.diff(state["step"])) < 10_000 / 50 * 6


def test_points_at_one_step_are_one():
    curves = Curves()
    curves.add(5, 0.5, {"loss": 1})
    curves.add(5, 0.5, {"batch_loss": 2})
    assert curves.state()["series"] == {"loss": [1.0], "batch_loss": [2.0]}


class Big(dict):
    """A recorded step of some bytes."""

    class Array:
        nbytes = 100_000_000

    def __init__(self):
        super().__init__(x=self.Array())


def test_arrays_are_let_go_by_their_number_and_by_their_bytes():
    for most, expected in ((4, 4), (50, 5)):
        kept = Kept(most)
        gone = []
        for i in range(40):
            gone += kept.add({"id": i, "step": i, "tensors": ["x"]}, Big())
        held = [e.summary["id"] for e in kept.entries if e.step is not None]
        assert len(held) == expected and held[-1] == 39
        assert sorted([*gone, *held]) == list(range(40))
        assert (
            kept.find(39).summary["tensors"] == ["x"]
            and kept.find(gone[0]).summary["tensors"] == []
        )


def test_summaries_are_let_go_at_last():
    kept = Kept(4)
    for i in range(1000):
        kept.add({"id": i, "step": i, "tensors": []}, {})
    assert len(kept.entries) == 400
    steps = [e.summary["step"] for e in kept.entries]
    assert steps[0] == 0 and steps[-4:] == [996, 997, 998, 999]


# --- plain data -----------------------------------------------------------------------------------


def test_what_goes_over_the_wire():
    assert (
        to_json({"a": [np.float32(np.nan), np.inf, 1], "b": "é"}) == '{"a":["nan","inf",1],"b":"é"}'
    )
    for dtype, wire in [
        ("float32", "<f4"), ("float16", "<f4"), ("bool", "<f4"), ("int16", "<f4"), ("uint8", "<f4"),
        ("float64", "<f8"), ("int32", "<f8"), ("int64", "<f8"),
    ]:  # fmt: skip
        array = np.ones((2, 3), dtype).T
        assert wire_array(array).dtype == np.dtype(wire) and wire_array(array).flags.c_contiguous
        assert np.array_equal(wire_array(array), array)
    assert wire_array(np.float32(3) + np.zeros(())).shape == ()


# --- turns ----------------------------------------------------------------------------------------


def test_a_function_runs_in_the_thread_that_trains():
    turns = Turns()
    turns.begin()
    found = []
    asker = threading.Thread(target=lambda: found.append(turns.ask(threading.get_ident)))
    asker.start()
    while not found:
        turns.wait(0.05)
        turns.take()
    asker.join()
    assert found == [threading.get_ident()]
    assert turns.ask(threading.get_ident) == threading.get_ident()  # its own question waits not
    turns.end()
    asker = threading.Thread(target=lambda: found.append(turns.ask(threading.get_ident)))
    asker.start()
    asker.join()
    assert found[1] != threading.get_ident()


def test_who_asks_gets_the_error():
    turns = Turns()
    turns.begin()
    errors = []

    def ask():
        try:
            turns.ask(lambda: 1 // 0)
        except ZeroDivisionError as error:
            errors.append(error)

    asker = threading.Thread(target=ask)
    asker.start()
    time.sleep(0.05)
    turns.end()  # what was asked is done before the end
    asker.join(5)
    assert len(errors) == 1


def test_nobody_waits_for_ever():
    turns = Turns(patience=0.05)
    turns.begin()
    errors = []

    def ask():
        try:
            turns.ask(lambda: errors.append("ran"))
        except TimeoutError as error:
            errors.append(str(error))

    asker = threading.Thread(target=ask)
    asker.start()
    asker.join(5)
    turns.end()
    assert errors == [
        "The training had no turn for 0.05 seconds: it evaluates, or its steps are long. Try again."
    ]  # and the function is not run later on


# --- commands -------------------------------------------------------------------------------------

GOOD = {
    "run_until": {"what": "not_finite"},
    "predict": {"x": [1]},
    "what_if": {"learning_rate": 0.1, "steps": 5},
    "set_learning_rate": {"value": 1},
}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_constraint_of_each_command(name):
    good = GOOD.get(name, {})
    assert checked(name, good) == good
    for key, check in COMMANDS[name].items():
        for value in check.breakers:
            with pytest.raises(ValueError, match=f"{name}: {key.rstrip('?')} must be "):
                checked(name, {**good, key.rstrip("?"): value})
    with pytest.raises(ValueError, match="unknown argument 'more'"):
        checked(name, {**good, "more": 1})


def test_before_any_training():
    session = unseen().session
    assert session.state()["steps"] == []
    with pytest.raises(ValueError, match="run: there is no training here yet"):
        session.command("run", {})


def test_watch_is_made_of_any_data():
    """What a Session needs of a training is a step, its data, and the model."""
    model, (x, y) = classifier(), data(20)
    found = Data(x, y)
    watch = Watch(
        model, model._steps.step("train_step", found), model._steps.step("predict_step"), found
    )
    assert list(watch.inputs) == ["x"] and list(watch.targets) == ["y"]
    assert watch.describe()["data"]["rows"] is None
