"""The smaller callbacks in a real fit. (tests/keras compares what they do, and print, with
Keras.)"""

import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs

import numpy as np
import pytest

import sheer
from planned import ISAS, on_engine
from sheer.callbacks import (
    BackupAndRestore,
    Callback,
    CallbackList,
    CSVLogger,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    RemoteMonitor,
    SwapEMAWeights,
    TerminateOnNaN,
)
from sheer.callbacks.progress import ProgbarLogger, ProgressLogger, progress
from small import classifier, data, equal

ENGINES = ["numpy", *(["native"] if ISAS else [])]
X, Y = data(40)


def test_learning_rates():
    model = classifier(optimizer=sheer.optimizers.SGD(0.5))
    schedule = LearningRateScheduler(lambda epoch: 0.25 / 2**epoch)
    history = model.fit(X, Y, epochs=3, verbose=0, callbacks=[schedule])
    assert history.history["learning_rate"] == [0.25, 0.125, 0.0625]
    for wrong in (1, "0.1", None):
        schedule = LearningRateScheduler(lambda epoch, rate, wrong=wrong: wrong)
        with pytest.raises(ValueError) as caught:
            model.fit(X, Y, verbose=0, callbacks=[schedule])
        assert str(caught.value) == (
            f"LearningRateScheduler: schedule must return a float. Got {wrong!r} for epoch 0."
        )
    assert float(model.optimizer.learning_rate) == 0.0625


def test_a_plateau():
    model = classifier(optimizer=sheer.optimizers.SGD(0.0))
    model.optimizer.learning_rate = 0.0
    still = LambdaCallback(on_epoch_begin=lambda epoch, logs: None)
    rate = ReduceLROnPlateau("loss", patience=1, factor=0.5, min_delta=10)
    model.optimizer.learning_rate = 1e-9
    history = model.fit(X, Y, epochs=4, verbose=0, callbacks=[still, rate])
    wanted = [1e-9, 1e-9, 5e-10, 2.5e-10]
    assert history.history["learning_rate"] == pytest.approx(wanted)
    for arguments, text in [
        ({"factor": 1.0}, "ReduceLROnPlateau: factor must be a number in [0, 1). Got 1.0."),
        ({"mode": "up"}, "ReduceLROnPlateau: mode must be 'auto', 'min' or 'max'. Got 'up'."),
        ({"min_delta": "0"}, "ReduceLROnPlateau: min_delta must be a number. Got '0'."),
    ]:
        with pytest.raises(ValueError) as caught:
            ReduceLROnPlateau(**arguments)
        assert str(caught.value) == text
    with pytest.raises(TypeError, match="unknown argument 'epsilon'"):
        ReduceLROnPlateau(epsilon=1)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_loss_that_is_no_number(engine, capsys):
    weight = np.ones(40, np.float32)
    weight[20] = np.inf
    with on_engine(engine):
        model = classifier()
        arguments = {"batch_size": 8, "shuffle": False, "verbose": 0, "sample_weight": weight}
        history = model.fit(X, Y, epochs=3, callbacks=[TerminateOnNaN()], **arguments)
        assert history.epoch == [0] and int(model.optimizer.iterations) == 3
        assert capsys.readouterr().out == "Batch 2: Invalid loss, terminating training\n"
        model = classifier()
        with pytest.raises(RuntimeError) as caught:
            model.fit(X, Y, callbacks=[TerminateOnNaN(raise_error=True)], **arguments)
    assert str(caught.value) == (
        "NaN or Inf loss encountered at batch 2. Loss value: inf. Terminating training immediately."
    )


def test_a_csv_file(tmp_path):
    log = CSVLogger(tmp_path / "log.csv", append=True)
    model = classifier(metrics=[])
    losses = []
    for _ in range(2):
        losses += model.fit(X, Y, epochs=2, verbose=0, callbacks=[log]).history["loss"]
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines == ["epoch,loss,val_loss", *(f"{i % 2},{v},NA" for i, v in enumerate(losses))]


def test_running_means_in_place_of_the_weights():
    """In evaluations and predictions; after an interruption the model has the means for good."""
    model = classifier(optimizer=sheer.optimizers.SGD(0.5, use_ema=True))
    swap = SwapEMAWeights()
    before = model.predict(X, verbose=0)
    assert np.array_equal(model.predict(X, verbose=0, callbacks=[swap]), before)  # none are there

    class Look(Callback):
        def on_epoch_end(self, epoch, logs=None):
            optimizer = self.model.optimizer
            means = [optimizer.slot(v, "average").numpy() for v in self.model.trainable_variables]
            weights = self.model.get_weights()
            with_means = self.model.predict(X, verbose=0, callbacks=[swap])
            assert equal(self.model.get_weights(), weights)
            self.model.set_weights(means)
            assert np.array_equal(self.model.predict(X, verbose=0), with_means)
            self.model.set_weights(weights)

    model.fit(X, Y, epochs=2, verbose=0, callbacks=[Look()])
    for stopping in (lambda m: setattr(m, "stop_training", True),
                     lambda m: signal.raise_signal(signal.SIGINT)):  # fmt: skip
        model = classifier(optimizer=sheer.optimizers.SGD(0.5, use_ema=True))
        stop = LambdaCallback(on_epoch_end=lambda e, logs, m=model, stop=stopping: e and stop(m))
        model.fit(X, Y, epochs=9, verbose=0, callbacks=[SwapEMAWeights(swap_on_epoch=True), stop])
        means = [model.optimizer.slot(v, "average").numpy() for v in model.trainable_variables]
        assert equal(model.get_weights(), means)
    with pytest.raises(ValueError) as caught:
        classifier().evaluate(X, Y, verbose=0, callbacks=[swap])
    assert str(caught.value) == (
        "SwapEMAWeights: the optimizer keeps no running means of the weights. Compile with one "
        "that does, such as SGD(use_ema=True)."
    )


def test_running_means_of_a_run_that_goes_on(tmp_path):
    def trained(*more):
        sheer.utils.set_random_seed(2)
        model = classifier(optimizer=sheer.optimizers.SGD(0.5, use_ema=True))
        swap = SwapEMAWeights(swap_on_epoch=True)
        arguments = {"epochs": 4, "batch_size": 8, "verbose": 0, "validation_data": (X, Y)}
        return model, model.fit(X, Y, callbacks=[swap, *more], **arguments).history

    class Fault(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError

    wanted, full = trained()
    with pytest.raises(RuntimeError):
        trained(BackupAndRestore(tmp_path), Fault())
    model, history = trained(BackupAndRestore(tmp_path))
    assert equal(model.get_weights(), wanted.get_weights()) and history == full


# --- files ------------------------------------------------------------------------------------


def test_checkpoints_of_weights(tmp_path):
    kept = []
    keep = LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights()))
    path = tmp_path / "new" / "{epoch}-{loss:.2f}.safetensors"
    checkpoint = ModelCheckpoint(path, save_weights_only=True)
    model = classifier()
    losses = model.fit(X, Y, epochs=2, verbose=0, callbacks=[keep, checkpoint]).history["loss"]
    for epoch, (loss, weights) in enumerate(zip(losses, kept, strict=True)):
        same = classifier()
        same.load_weights(tmp_path / "new" / f"{epoch + 1}-{loss:.2f}.safetensors")
        assert equal(same.get_weights(), weights)


def test_checkpoints_of_the_model(tmp_path):
    """With its optimizer: the training goes on from the file."""
    pytest.importorskip("h5py")
    best = ModelCheckpoint(tmp_path / "best.keras", "loss", save_best_only=True)
    model = classifier(optimizer="adam")
    arguments = {"batch_size": 8, "shuffle": False, "verbose": 0}
    model.fit(X, Y, epochs=3, callbacks=[best], **arguments)
    same = sheer.saving.load_model(tmp_path / "best.keras")
    assert equal(same.get_weights(), model.get_weights())
    for one in (model, same):
        one.fit(X, Y, **arguments)
    assert equal(same.get_weights(), model.get_weights())
    log = best.best
    best.best = 0.0  # from now on nothing is better
    content = (tmp_path / "best.keras").read_bytes()
    model.fit(X, Y, callbacks=[best], **arguments)
    assert (tmp_path / "best.keras").read_bytes() == content and log > 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"filepath": "m.txt"}, "ModelCheckpoint: filepath must end in .keras or .h5, to save a "
         "whole model. Got 'm.txt'."),
        ({"filepath": "m.h5", "save_weights_only": True}, "ModelCheckpoint: filepath must end in "
         ".weights.h5 or .safetensors, to save weights. Got 'm.h5'."),
        ({"filepath": "m.keras", "save_freq": "batch"}, "ModelCheckpoint: save_freq must be "
         "'epoch' or a whole number of 1 or more. Got 'batch'."),
    ],
)  # fmt: skip
def test_arguments_of_a_checkpoint(arguments, text):
    with pytest.raises(ValueError) as caught:
        ModelCheckpoint(**arguments)
    assert str(caught.value) == text


def test_a_checkpoint_that_cannot_be(tmp_path):
    def failed(error, name, **options):
        checkpoint = ModelCheckpoint(tmp_path / name, save_weights_only=True, **options)
        with pytest.raises(error) as caught:
            classifier().fit(X, Y, verbose=0, callbacks=[checkpoint])
        return str(caught.value)

    name = tmp_path / "{accurac}.safetensors"
    assert failed(KeyError, name.name) == repr(
        f"ModelCheckpoint: filepath {str(name)!r} has a place for 'accurac', which is not there. "
        "Known: epoch, accuracy, loss."
    )
    (tmp_path / "folder.safetensors").mkdir()
    assert "is a folder. Give the path of a file." in failed(
        IsADirectoryError, "folder.safetensors"
    )
    with pytest.warns(UserWarning, match="ModelCheckpoint watches 'val_loss', which is not there"):
        best = ModelCheckpoint(tmp_path / "b.safetensors", save_weights_only=True,
                               save_best_only=True)  # fmt: skip
        classifier().fit(X, Y, verbose=0, callbacks=[best])


# --- over the network -------------------------------------------------------------------------


@pytest.fixture
def server():
    """Its address, and what it got: path, type, text."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers["Content-Length"])).decode()
            got.append((self.path, self.headers["Content-Type"], self.headers["X-Key"], content))
            self.send_response(500 if "broken" in self.path else 200)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}", got
        served.shutdown()
        thread.join()


def test_remote_monitor(server):
    root, got = server
    form = RemoteMonitor(root, headers={"X-Key": "k"})
    plain = RemoteMonitor(root, "/broken", send_as_json=True)
    history = classifier(metrics=[]).fit(X, Y, epochs=2, verbose=0, callbacks=[form, plain])
    wanted = [{"epoch": i, "loss": loss} for i, loss in enumerate(history.history["loss"])]
    forms, plains = got[::2], got[1::2]
    assert [entry[:3] for entry in forms] == [
        ("/publish/epoch/end/", "application/x-www-form-urlencoded", "k")
    ] * 2
    assert [json.loads(parse_qs(entry[3])["data"][0]) for entry in forms] == wanted
    assert [entry[:2] for entry in plains] == [("/broken", "application/json")] * 2
    assert [json.loads(entry[3]) for entry in plains] == wanted


def test_a_server_that_is_not_there():
    nowhere = RemoteMonitor("http://127.0.0.1:9")
    text = "Could not reach RemoteMonitor root server at http://127.0.0.1:9"
    with pytest.warns(UserWarning, match=text):
        assert classifier().fit(X, Y, epochs=2, verbose=0, callbacks=[nowhere]).epoch == [0, 1]


# --- CallbackList -----------------------------------------------------------------------------


def test_a_loop_of_ones_own(capsys):
    model = classifier()
    seen = []
    note = LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append((batch, logs)),
        on_train_begin=lambda logs: seen.append(logs),
    )
    callbacks = CallbackList([[note]], add_history=True, add_progbar=True, model=model, epochs=1,
                             steps=2, verbose=1)  # fmt: skip
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    for batch in range(2):
        loss = sheer.ops.convert_to_tensor(0.5 + batch)
        callbacks.on_train_batch_begin(batch)
        callbacks.on_train_batch_end(batch, {"loss": loss})
    callbacks.on_epoch_end(0, {"loss": np.float32(1.5)})
    callbacks.on_train_end()
    assert seen == [{}, (0, {"loss": 0.5}), (1, {"loss": 1.5})]
    history = next(c for c in callbacks.callbacks if isinstance(c, History))
    assert history.history == {"loss": [1.5]} and note.model is model
    assert capsys.readouterr().out.startswith("Epoch 1/1\n\r2/2 ━")
    assert len(CallbackList([History()], add_history=True).callbacks) == 1
    with pytest.raises(TypeError, match="Got 3"):
        CallbackList([3])


# --- the display in a notebook -----------------------------------------------------------------


def notebook(config):
    return SimpleNamespace(get_ipython=lambda: config and SimpleNamespace(config=config))


@pytest.mark.parametrize(
    ("ipython", "wanted"),
    [
        (None, ProgressLogger),
        (notebook(None), ProgressLogger),  # IPython is imported, and not what runs
        (notebook({"TerminalIPythonApp": {}}), ProgressLogger),
        (notebook({"IPKernelApp": {}}), ProgbarLogger),
    ],
)
def test_the_display_in_a_notebook(ipython, wanted, monkeypatch, capsys):
    if ipython is None:
        monkeypatch.delitem(__import__("sys").modules, "IPython", raising=False)
    else:
        monkeypatch.setitem(__import__("sys").modules, "IPython", ipython)
    assert type(progress("auto")) is wanted
    classifier().fit(X, Y, batch_size=8)
    # The bar is in colours there, and drawn in its place.
    out = capsys.readouterr().out
    assert ("\r5/5 \033[32m━" in out) == (wanted is ProgbarLogger)
    assert out.count("\n") == (2 if wanted is ProgbarLogger else 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_at_most_ten_drawings_a_second(engine, monkeypatch, capsys):
    """By the clock of the display, where each look at it takes a hundredth of a second."""
    now = iter(np.arange(0, 1000, 0.01))
    clock = SimpleNamespace(perf_counter=lambda: next(now))
    monkeypatch.setattr("sheer.callbacks.progress.time", clock)

    class Each(Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    with on_engine(engine):
        classifier().fit(X, Y, batch_size=1, epochs=5, verbose=1, callbacks=[Each()])
    # 200 batches, so 2 seconds and a little more; each epoch is drawn at its end, too.
    drawings = capsys.readouterr().out.count("\r")
    assert 15 <= drawings <= 20 + 5 + 1
