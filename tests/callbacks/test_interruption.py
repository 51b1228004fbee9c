"""Ctrl-C and SIGTERM, sent to real processes."""

import json
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
from planned import ISAS
from sheer.callbacks import BackupAndRestore, Callback, LambdaCallback
from small import classifier, data, equal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals")
ENGINES = ["numpy", *(["native"] if ISAS else [])]

PROGRAM = """
import json, signal, sys, time
import numpy as np
import sheer
from sheer.callbacks import *
sheer.config.set_engine({engine!r})
folder = {folder!r}
sheer.utils.set_random_seed(1)
x = np.random.default_rng(0).normal(size=(4000, 8)).astype("float32")
y = x[:, :1] ** 2
model = sheer.Sequential([sheer.layers.Dense(16, activation="tanh"), sheer.layers.Dense(1)])
model.compile("adam", "mse")
def say(text):
    print(text, flush=True)
class Say(Callback):
    every_batch = False
    said = False
    def on_train_batch_end(self, batch, logs=None):
        if not self.said:
            self.said = True
            say("training")
class Slowly(Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.002)
"""


class Child:
    """A program that trains, and the signals that it gets."""

    def __init__(self, engine, folder, code):
        text = PROGRAM.format(engine=engine, folder=str(folder)) + textwrap.dedent(code)
        self.process = subprocess.Popen(
            [sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait_for(self, line):
        for found in self.process.stdout:
            if found.strip() == line:
                return
        raise AssertionError(self.process.stderr.read())

    def send(self, number):
        time.sleep(0.05)
        self.process.send_signal(number)

    def end(self):
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.mark.parametrize("callbacks", ["[Say()]", "[Say(), Slowly()]"], ids=["many", "each"])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_first_ctrl_c_ends_fit(engine, callbacks, tmp_path):
    child = Child(engine, tmp_path, f"""
        ended = []
        end = LambdaCallback(on_train_end=lambda logs: ended.append(sorted(logs)))
        history = model.fit(x, y, epochs=10**6, verbose=0, callbacks=[*{callbacks}, end])
        say(json.dumps([history.interrupted, ended, model.stop_training]))
        steps = int(model.optimizer.iterations)
        again = model.fit(x[:64], y[:64], epochs=2, verbose=0)
        say(json.dumps([again.interrupted, int(model.optimizer.iterations) - steps]))
        say(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    """)  # fmt: skip
    child.wait_for("training")
    child.send(signal.SIGINT)
    code, out, err = child.end()
    assert code == 0, err
    first, second, restored = out.splitlines()
    assert json.loads(first) == [True, [["loss"]], False]
    assert json.loads(second) == [False, 4]
    assert restored == "True"


@pytest.mark.parametrize("engine", ENGINES)
def test_the_second_ctrl_c_raises(engine, tmp_path):
    child = Child(engine, tmp_path, """
        class Endless(Callback):
            def on_train_batch_end(self, batch, logs=None):
                say("in a batch")
                while True:
                    time.sleep(0.01)
        try:
            model.fit(x, y, verbose=0, callbacks=[Endless()])
        except KeyboardInterrupt:
            say(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
        model.fit(x[:64], y[:64], verbose=0)
        say("usable")
    """)  # fmt: skip
    child.wait_for("in a batch")
    child.send(signal.SIGINT)
    child.send(signal.SIGINT)
    code, out, err = child.end()
    assert (code, out.split()) == (0, ["True", "usable"]), err


@pytest.mark.parametrize("save_freq", [10**6, "'epoch'"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_backup_is_written_first(engine, number, save_freq, tmp_path):
    """The run then goes on from the very batch, and ends as one that nobody stopped."""
    code = """
        history = model.fit(x, y, epochs=8, batch_size=16, validation_split=0.5, verbose=0,
                            callbacks=[CALLBACKS])
        if history.interrupted:
            sys.exit(3)
        np.savez(folder + "/done.npz", *model.get_weights(), history.history["val_loss"])
    """
    alone = tmp_path / "alone"
    alone.mkdir()
    assert Child(engine, alone, code.replace("CALLBACKS", "")).end()[0] == 0
    backup = f'BackupAndRestore(folder + "/backup", {save_freq}), Say(), Slowly()'
    code = code.replace("CALLBACKS", backup)
    child = Child(engine, tmp_path, code)
    child.wait_for("training")
    child.send(number)
    status, _, err = child.end()
    if status == 0:
        pytest.skip("the training was too quick")
    assert status == (3 if number == signal.SIGINT else -signal.SIGTERM), err
    assert (tmp_path / "backup/latest.safetensors").exists()
    status, _, err = Child(engine, tmp_path, code).end()
    assert status == 0, err
    with np.load(tmp_path / "done.npz") as found, np.load(alone / "done.npz") as wanted:
        assert equal([found[n] for n in wanted], [wanted[n] for n in wanted])


# --- in this process --------------------------------------------------------------------------

X, Y = data(40)


def interrupting(at, hook="on_train_batch_end", number=signal.SIGINT):
    """A callback that gets a signal at this batch or epoch."""
    return LambdaCallback(
        **{hook: lambda i, logs: signal.raise_signal(number) if i == at else None}
    )


def test_an_epoch_that_was_interrupted_is_not_in_the_history(capsys):
    calls = []
    note = LambdaCallback(
        on_epoch_end=lambda epoch, logs: calls.append(epoch),
        on_test_begin=lambda logs: calls.append("test"),
        on_train_end=lambda logs: calls.append("end"),
    )
    stop = interrupting(5, "on_epoch_begin")
    model = classifier()
    history = model.fit(X, Y, epochs=9, batch_size=8, validation_data=(X, Y), verbose=1,
                        callbacks=[note, stop])  # fmt: skip
    assert history.epoch == [0, 1, 2, 3, 4] and history.interrupted
    assert repr(history).startswith("<History of 5 epochs, interrupted: ")
    assert calls == ["test", 0, "test", 1, "test", 2, "test", 3, "test", 4, "end"]
    assert int(model.optimizer.iterations) == 25
    assert capsys.readouterr().out.endswith("\n")  # the line of the bar is ended


def test_in_the_evaluation_of_fit():
    """What it did to the metrics is undone, so that it can be made anew."""
    model = classifier()
    backup = []
    stop = interrupting(1, "on_test_batch_end")
    keep = LambdaCallback(on_train_end=lambda logs: backup.append(dict(logs)))
    history = model.fit(X, Y, batch_size=8, validation_data=(X, Y), verbose=0,
                        callbacks=[stop, keep])  # fmt: skip
    assert history.interrupted and history.history == {}
    assert "val_loss" not in backup[0]
    assert {k: float(v) for k, v in model.get_metrics_result().items()} == pytest.approx(backup[0])


@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_test_batch_end", "on_epoch_end"])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_backup_of_a_run_that_was_interrupted(engine, hook, tmp_path):
    def trained(*callbacks):
        sheer.utils.set_random_seed(5)
        model = classifier(optimizer="adam")
        history = model.fit(X, Y, epochs=4, batch_size=8, validation_data=(X, Y), verbose=0,
                            callbacks=list(callbacks))  # fmt: skip
        return model, history

    before = sheer.config.engine()
    sheer.config.set_engine(engine)
    try:
        wanted, full = trained()
        _, first = trained(BackupAndRestore(tmp_path), interrupting(2, hook))
        assert first.interrupted and len(first.epoch) == (3 if hook == "on_epoch_end" else 0)
        model, second = trained(BackupAndRestore(tmp_path))
    finally:
        sheer.config.set_engine(before)
    assert equal(model.get_weights(), wanted.get_weights())
    assert second.history == full.history and not second.interrupted


def test_a_handler_of_the_users_own_stays():
    seen = []
    before = signal.signal(signal.SIGINT, lambda *args: seen.append(args))
    try:
        history = classifier().fit(X, Y, verbose=0, callbacks=[interrupting(0)])
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(seen) == 1 and not history.interrupted


def test_sigterm_with_a_handler_of_the_users_own(tmp_path):
    """It is called once the backup is written; where it returns, the training goes on."""
    seen = []
    before = signal.signal(
        signal.SIGTERM, lambda *_: seen.append((tmp_path / "latest.safetensors").exists())
    )
    try:
        wanted, model = classifier(), classifier()
        wanted.set_weights(model.get_weights())
        arguments = {"epochs": 3, "batch_size": 8, "verbose": 0, "shuffle": False}
        history = model.fit(X, Y, **arguments, callbacks=[
            BackupAndRestore(tmp_path, 10**6), interrupting(2, number=signal.SIGTERM)
        ])  # fmt: skip
        wanted.fit(X, Y, **arguments)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [True] * 3 and not history.interrupted
    assert history.epoch == [0, 1, 2] and equal(model.get_weights(), wanted.get_weights())


def test_a_fit_in_another_thread_leaves_the_handlers_alone():
    seen = []

    class Look(Callback):
        def on_train_begin(self, logs=None):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=lambda: classifier().fit(X, Y, verbose=0, callbacks=[Look()]))
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
