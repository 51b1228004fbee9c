"""View: a training that a page watches, stops and steps through."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import sheer
from sheer import layers
from sheer.callbacks import Callback, Doctor, LambdaCallback, View
from sheer.inspect.findings import Finding
from small import classifier, data, equal, state
from watched import Fit, rivals, step, two_by_two, unseen, until


def trained(callbacks, model=classifier, x=None, y=None, **options):
    sheer.utils.clear_session()
    sheer.utils.set_random_seed(3)
    model = model()
    if x is None:
        x, y = data(200)
    options = {"epochs": 3, "batch_size": 20, "verbose": 0, **options}
    history = model.fit(x, y, callbacks=callbacks, **options)
    return state(model), history.history


def walk(view):
    """Use all that a page has, and let the training run to its end."""
    until(view, "paused")
    step(view, "next_batch")
    step(view, "next_batch")
    view.session.command("record", {})
    view.session.command("what_if", {"learning_rate": 0.5, "steps": 15})
    view.session.command("predict", {"x": [1, 2, 3, 4]})
    step(view, "next_epoch")
    step(view, "run_until", what="not_finite")


def test_the_weights_are_those_of_a_training_without_it():
    plain = trained([])
    assert trained([unseen(share=1.0)]) == plain
    assert trained([unseen(every=3)]) == plain
    for beside in ([], [Doctor(repro=None, verbose=False)]):
        view = unseen(paused=True)
        walker = threading.Thread(target=walk, args=[view])
        walker.start()
        assert trained([*beside, view]) == plain
        walker.join()
        assert len(view.session.state()["steps"]) > 2


def test_dropout_goes_on_as_without_it():
    def train(callbacks):
        sheer.utils.clear_session()
        sheer.utils.set_random_seed(1)
        model, x, y = two_by_two()
        model.fit(x, y, epochs=3, batch_size=32, verbose=0, callbacks=callbacks)
        return state(model)

    assert train([unseen(every=1)]) == train([])


# --- pausing and stepping -----------------------------------------------------------------------


def test_it_waits_before_the_first_batch_and_shows_it():
    with Fit(unseen(paused=True)) as fit:
        before = fit.model.get_weights()
        found = fit.view.session.state()
        assert found["status"] | {"message": ""} == {
            "state": "paused", "epoch": 0, "epochs": 3, "batch": 0, "batches": 10, "message": "",
        }  # fmt: skip
        assert [s["step"] for s in found["steps"]] == [0]
        time.sleep(0.3)
        assert equal(fit.model.get_weights(), before)


def test_one_batch_at_a_time():
    with Fit(unseen(paused=True)) as fit:
        for number in range(1, 13):
            status = fit.step("next_batch")
            assert (status["epoch"], status["batch"]) == divmod(number, 10)
        steps = fit.view.session.state()["steps"]
        # Those that ran, and the one to come.
        assert [s["step"] for s in steps] == list(range(13))
        assert [s["batch"] for s in steps] == [*range(10), 0, 1, 2]
        # A recorded step is what the next one starts from.
        tensor = fit.view.session.tensor
        new, old = (
            tensor(steps[3]["id"], "new_dense_kernel"),
            tensor(steps[4]["id"], "dense.kernel"),
        )
        np.testing.assert_allclose(new, old, rtol=1e-5, atol=1e-7)


def test_to_the_end_of_the_epoch():
    with Fit(unseen(paused=True)) as fit:
        fit.step("next_batch")
        status = fit.step("next_epoch")
        assert (status["state"], status["epoch"], status["batch"]) == ("paused", 1, 0)
        steps = [s["step"] for s in fit.view.session.state()["steps"]]
        assert steps[0] == 0 and steps[-1] == 10  # the one to come, as it is now
        assert len(fit.view.session.state()["epochs"]["series"]["loss"]) == 1
        fit.step("next_epoch")
        assert fit.step("next_epoch")["state"] == "done"
    assert fit.error is None


def test_pause_while_it_runs():
    slow = LambdaCallback(on_train_batch_end=lambda batch, logs: time.sleep(0.01))
    with Fit(unseen(), epochs=100, callbacks=[slow]) as fit:
        wait_for(lambda: len(fit.view.session.state()["curves"]["step"]) > 3)
        status = fit.step("pause")
        assert status["state"] == "paused"
        fit.command("stop")
    assert fit.error is None
    assert fit.view.session.state()["status"]["state"] == "done"
    assert len(fit.model.history.epoch) < 100


def wait_for(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_the_coming_step_is_recorded_again_after_a_change():
    with Fit(unseen(paused=True)) as fit:
        fit.command("record")
        assert len(fit.view.session.state()["steps"]) == 1  # it was there already
        fit.command("set_learning_rate", value=0.25)
        fit.command("record")
        rates = [s["learning_rate"] for s in fit.view.session.state()["steps"]]
        assert rates == [pytest.approx(0.01), 0.25]
        fit.step("next_batch")
        assert float(fit.model.optimizer.learning_rate) == 0.25
        assert fit.view.session.state()["curves"]["series"]["learning_rate"][-1] == 0.25


def test_a_schedule_keeps_its_rate():
    schedule = sheer.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    model = classifier(optimizer=sheer.optimizers.SGD(schedule))
    with Fit(unseen(paused=True), model) as fit:
        with pytest.raises(ValueError, match=r"the learning rate is .*ExponentialDecay"):
            fit.command("set_learning_rate", value=0.1)
        assert fit.view.session.state()["steps"][0]["learning_rate"] == pytest.approx(0.1)


# --- run until ----------------------------------------------------------------------------------


def diverging():
    """A model whose weights overflow after a few batches."""
    model = sheer.Sequential([sheer.Input((4,)), layers.Dense(8), layers.Dense(1)])
    model.compile(sheer.optimizers.SGD(30.0), "mse")
    return model


def test_until_something_is_not_finite():
    x = data(400)[0]
    with Fit(unseen(paused=True), diverging(), x, x[:, :1], epochs=4) as fit:
        status = fit.step("run_until", what="not_finite")
        assert status["state"] == "paused"
        assert "not finite" in status["message"] or "The loss of this batch" in status["message"]
        last = fit.view.session.state()["steps"][-1]
        assert last["step"] == status["epoch"] * 20 + status["batch"] - 1  # it has just run
        found = last["not_finite"]
        assert found["name"] in last["statistics"]
        array = fit.view.session.tensor(last["id"], found["name"])
        assert not np.isfinite(array[tuple(found["index"])])
        # All went well until then: what it began with is finite.
        kernel = fit.view.session.tensor(last["id"], "dense.kernel")
        assert np.isfinite(kernel).all()


def test_until_the_loss_jumps():
    x, y = data(2000)
    x[1000:1020] *= 1000  # batch 50
    with Fit(unseen(paused=True), classifier(), x, y, shuffle=False) as fit:
        status = fit.step("run_until", what="loss_jump")
        last = fit.view.session.state()["steps"][-1]
        assert (last["batch"], status["batch"]) == (50, 51)
        assert status["message"].startswith(f"The loss of this batch is {last['loss']:.4g};")


def test_until_a_row_is_right():
    x, y = data(200)
    model = classifier(optimizer=sheer.optimizers.SGD(0.1))
    wrong = int(np.flatnonzero(model.predict(x, verbose=0).argmax(-1) != y)[0])
    with Fit(unseen(paused=True), model, x, y, epochs=50) as fit:
        status = fit.step("run_until", what="right", sample=wrong)
        assert (status["state"], status["message"]) == ("paused", "The row is right now.")
        assert model.predict(x[wrong : wrong + 1], verbose=0).argmax() == y[wrong]
        last = fit.view.session.state()["steps"][-1]
        assert last["step"] == status["epoch"] * 10 + status["batch"] - 1
        fit.step("run_until", what="wrong", sample=int(np.flatnonzero(y == y[wrong])[0]))


def test_right_and_wrong_are_for_classes():
    x = data(100)[0]
    with Fit(unseen(paused=True), diverging(), x, x[:, :1]) as fit:
        with pytest.raises(ValueError, match="right and wrong are for classes"):
            fit.command("run_until", what="wrong", sample=0)
        fit.command("stop")


# --- what if ------------------------------------------------------------------------------------


def test_what_if_is_what_a_training_would_do_and_changes_nothing():
    with Fit(unseen(paused=True)) as fit:
        fit.step("next_batch")
        before = state(fit.model)
        answer = fit.command("what_if", learning_rate=0.5, steps=12)
        assert state(fit.model) == before
        assert answer["steps"] == list(range(1, 13))
        assert fit.view.session.state()["whatif"] == answer
        now, other = answer["now"], answer["other"]
        assert (now["learning_rate"], other["learning_rate"]) == (pytest.approx(0.01), 0.5)
        assert now["loss"][0] == other["loss"][0] and now["loss"][1] != other["loss"][1]
        # The same branch, run for real: these losses come.
        for _ in range(9):
            fit.step("next_batch")
        real = [s["loss"] for s in fit.view.session.state()["steps"][1:-1]]
        np.testing.assert_allclose(now["loss"][:9], real, rtol=1e-5)


def test_what_if_knows_no_coming_batches_of_a_stream():
    x, y = data(60)

    def batches():
        for i in range(0, 60, 20):
            yield x[i : i + 20], y[i : i + 20]

    with Fit(unseen(paused=True), classifier(), batches(), None, batch_size=None, epochs=1) as fit:
        fit.step("next_batch")
        with pytest.raises(ValueError, match="what_if needs data in arrays"):
            fit.command("what_if", learning_rate=0.1, steps=2)
        with pytest.raises(ValueError, match="the rows of a stream have no numbers"):
            fit.command("run_until", what="right", sample=1)
        assert fit.view.session.state()["data"]["rows"] is None


# --- how it ends --------------------------------------------------------------------------------


class Fault(Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise RuntimeError("a fault")


def test_an_exception_is_shown_and_raised_as_ever():
    with Fit(unseen(paused=True), callbacks=[Fault()]) as fit:
        status = fit.step("run")
        assert fit.until("failed")["message"] == "RuntimeError: a fault"
        assert status["epochs"] == 3
    assert isinstance(fit.error, RuntimeError)
    assert fit.error.__notes__ == ["In on_epoch_end 1 of the callback Fault."]
    with pytest.raises(ValueError, match="next_batch: the training is over"):
        fit.command("next_batch")


def test_after_the_end_there_are_predictions_and_no_steps():
    with Fit(unseen()) as fit:
        fit.until("done")
    answer = fit.command("predict", x=[1, 2, 3, 4])
    expected = fit.model.predict(np.array([[1, 2, 3, 4]], "float32"), verbose=0)[0]
    np.testing.assert_allclose(answer["outputs"]["y_pred"], expected, rtol=1e-5)
    with pytest.raises(ValueError, match="run: the training is over"):
        fit.command("run")


def test_a_second_training_begins_anew():
    view, model = unseen(every=5), classifier()
    x, y = data(200)
    model.fit(x, y, epochs=2, batch_size=20, verbose=0, callbacks=[view])
    first = view.session.state()
    model.fit(x, y, epochs=1, batch_size=20, verbose=0, callbacks=[view])
    second = view.session.state()
    assert [s["step"] for s in first["steps"]] == [0, 5, 10, 15, 19]
    assert [s["step"] for s in second["steps"]] == [0, 5, 9]
    assert not {s["id"] for s in first["steps"]} & {s["id"] for s in second["steps"]}
    assert len(second["epochs"]["series"]["loss"]) == 1


def test_a_model_that_runs_eagerly_has_no_program():
    model = classifier(run_eagerly=True)
    with pytest.raises(ValueError, match="View: with run_eagerly=True there is no program"):
        model.fit(*data(20), verbose=0, callbacks=[unseen()])


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_ctrl_c_while_it_is_paused():
    text = textwrap.dedent(
        """
        import numpy as np, sheer
        from sheer.callbacks import View
        x = np.ones((64, 4), "float32")
        model = sheer.Sequential([sheer.layers.Dense(1)])
        model.compile("sgd", "mse")
        view = View(paused=True, port=None)
        print("training", flush=True)
        history = model.fit(x, x[:, :1], epochs=5, verbose=0, callbacks=[view])
        print(history.interrupted, view.session.state()["status"], flush=True)
        """
    )
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "training\n"
        time.sleep(1)
        child.send_signal(signal.SIGINT)
        out = child.stdout.readline()
        assert child.wait(20) == 0
    assert out.startswith("True") and "'message': 'Interrupted by Ctrl-C.'" in out
    assert "'state': 'done'" in out


def test_findings_of_other_callbacks_are_shown():
    class Finds(Callback):
        findings = []

        def on_epoch_end(self, epoch, logs=None):
            text = f"In epoch {epoch}."
            self.findings = [Finding("dead_units", "Dead", text, layer="dense", line=9)]

    class CallsOtherThingsSo(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.findings = [3, "text"] if epoch else 3

    view = unseen()
    others = [CallsOtherThingsSo(), Finds()]
    classifier().fit(*data(40), epochs=2, verbose=0, callbacks=[view, *others])
    assert view.session.state()["findings"] == [
        {"title": "Dead", "text": "In epoch 1.", "layer": "dense", "line": 9}
    ]


def test_with_check_finite():
    x, y = data(40)
    view = unseen(every=1)
    weights = []
    for callbacks in ([view], []):
        sheer.utils.set_random_seed(1)
        model = classifier(check_finite=True)
        model.fit(x, y, epochs=2, verbose=0, callbacks=callbacks)
        weights.append(model.get_weights())
    assert equal(*weights)
    assert [step["step"] for step in view.session.state()["steps"]] == [0, 1, 2, 3]


# --- what is kept -------------------------------------------------------------------------------


def test_arrays_of_a_few_steps_are_kept_spread_over_the_training():
    view = unseen(every=1, keep=8)
    x, y = data(200)
    classifier().fit(x, y, epochs=10, batch_size=20, verbose=0, callbacks=[view])
    steps = view.session.state()["steps"]
    assert [s["step"] for s in steps] == list(range(100))
    kept = [s["step"] for s in steps if s["tensors"]]
    assert len(kept) == 8 and kept[0] == 0 and kept[-4:] == [96, 97, 98, 99]
    assert max(np.diff(kept)) < 60
    lost = next(s for s in steps if not s["tensors"])
    with pytest.raises(LookupError, match=r"The arrays of step .* were let go: those of 8 steps"):
        view.session.tensor(lost["id"], "z1")


def test_recording_takes_its_share_of_the_time():
    """While a record is slow, most of the time still goes to the training."""
    view = unseen(share=0.1)
    spent = []
    record = view._record

    def slow(batch):
        begun = time.perf_counter()
        time.sleep(0.02)
        record(batch)
        spent.append(time.perf_counter() - begun)

    class Wait(Callback):
        every_batch = False

        def on_train_batch_end(self, batch, logs=None):
            time.sleep(0.005)

    view._record = slow
    begun = time.perf_counter()
    x, y = data(200)
    classifier().fit(x, y, epochs=100, batch_size=20, verbose=0, callbacks=[Wait(), view])
    assert len(spent) >= 2
    assert sum(spent) < 0.5 * (time.perf_counter() - begun)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"share": 1.5}, "View: share must be a number in [0, 1]. Got 1.5."),
        ({"keep": 0}, "View: keep must be a whole number from 1 to 200. Got 0."),
        ({"keep": 201}, "View: keep must be a whole number from 1 to 200. Got 201."),
        ({"port": 70000}, "View: port must be a whole number from 0 to 65535. Got 70000."),
        ({"every": 0}, "View: every must be a whole number of 1 or more, or None. Got 0."),
    ],
)
def test_arguments_that_cannot_be(options, text):
    with pytest.raises(ValueError) as error:
        View(**options)
    assert str(error.value) == text


def test_without_the_packages_it_says_which(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ImportError) as error:
        classifier().fit(*data(20), verbose=0, callbacks=[View()])
    assert str(error.value) == (
        "The page of a training needs the packages starlette and uvicorn: pip install "
        '"sheer[view]". Without them View(port=None, export="view.html") writes the page to a file.'
    )


# --- models and data of any kind ------------------------------------------------------------------


class Net(sheer.Model):
    """A model that chains its layers itself."""

    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(4, activation="tanh")
        self.out = layers.Dense(1)

    def call(self, x):
        return self.out(self.hidden(x))


def test_a_model_that_chains_its_layers():
    model = Net()
    model.compile("sgd", "mse")
    x = data(60)[0]
    with Fit(unseen(paused=True), model, x, x[:, :1]) as fit:
        fit.step("next_batch")
        found = fit.view.session.state()
        assert [layer["name"] for layer in found["layers"]] == ["dense", "dense_1"]
        assert found["outputs"][0]["target"] == "y"
        answer = fit.command("predict", x=[1, 2, 3, 4])
        expected = model.predict(np.array([[1, 2, 3, 4]], "float32"), verbose=0)[0]
        np.testing.assert_allclose(answer["outputs"]["y_pred"], expected, rtol=1e-5)


def test_a_model_that_is_all_train_step():
    with Fit(unseen(paused=True), *rivals()) as fit:
        fit.step("next_batch")
        found = fit.view.session.state()
        assert found["outputs"] == [] and found["predict_program"]["rows"] == []
        assert {"judge", "maker"} <= set(found["curves"]["series"])
        with pytest.raises(ValueError, match="predict: this model has no outputs to predict"):
            fit.command("predict", x=[1, 2, 3, 4])
        with pytest.raises(ValueError, match="what_if: train_step returns no loss, only judge, ma"):
            fit.command("what_if", learning_rate=0.1, steps=2)
        assert fit.step("run_until", what="not_finite")["state"] == "done"
    assert fit.error is None


def test_weighted_rows_and_batches_of_a_stream():
    x, y = data(60)
    weighted = {"sample_weight": np.linspace(0, 1, 60), "class_weight": {0: 2.0}}
    for given, options in [((x, y), weighted), ((iter([(x, y)] * 6), None), {"batch_size": None})]:
        view = unseen(every=1)
        options = {"batch_size": 20, "epochs": 1, "verbose": 0, **options}
        classifier().fit(*given, callbacks=[view], **options)
        found = view.session.state()
        assert found["data"]["targets"] == [{"name": "y", "shape": ()}]
        assert len(found["steps"]) >= 3


def test_a_limited_turn_and_what_ends_with_a_run():
    """What a View needs of the loop: fewer batches at a time, and to hear of every end."""
    sizes, ended = [], []

    class Limits(Callback):
        every_batch = False

        def on_train_begin(self, logs=None):
            self.model._training.run.ending.callback(ended.append, True)

        def on_train_batch_begin(self, batch, logs=None):
            upcoming = self.model._training.run.upcoming
            upcoming.limit(3)
            sizes.append((batch, upcoming.stretch.steps))
            if batch == 9:
                raise RuntimeError("a fault")

    x, y = data(200)
    with pytest.raises(RuntimeError, match="a fault"):
        classifier().fit(x, y, batch_size=20, verbose=0, callbacks=[Limits()])
    assert sizes == [(0, 3), (3, 3), (6, 3), (9, 1)]
    assert ended == [True]


@pytest.mark.parametrize(
    ("what", "message"),
    [("not_finite", "No NaN or infinity came up."), ("right", "The row was not right after any")],
)
def test_until_something_that_does_not_come(what, message):
    x, y = data(200)
    row = {"sample": 7} if what == "right" else {}
    model = classifier(optimizer=sheer.optimizers.SGD(0.0))
    right = int(model.predict(x[7:8], verbose=0).argmax())
    y[7] = (right + 1) % 3
    with Fit(unseen(paused=True, share=1.0), model, x, y, epochs=2) as fit:
        status = fit.step("run_until", what=what, **row)
        assert status["state"] == "done" and status["message"].startswith(message)
        # What happened on the way is there, each step once, and the last one too.
        steps = [s["step"] for s in fit.view.session.state()["steps"]]
        assert steps[0] == 0 and steps[-1] == 19 and len(steps) == len(set(steps)) > 2


def test_the_rows_of_a_step_are_known_in_the_data():
    x, y = data(200)
    with Fit(unseen(paused=True), classifier(), x, y) as fit:
        step = fit.view.session.state()["steps"][0]
        assert np.array_equal(fit.view.session.tensor(step["id"], "x"), x[step["data_rows"]])
        assert step["data_rows"] != list(range(20))  # shuffled
    view = unseen()
    classifier().fit(((x[:20], y[:20]) for _ in range(3)), verbose=0, callbacks=[view])
    assert view.session.state()["steps"][0]["data_rows"] is None  # of a stream
