"""Faults survived: trainings that are killed, disks that are full, callbacks that raise."""

import errno
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import sheer
from planned import ISAS, on_engine
from sheer import layers
from sheer.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    ModelCheckpoint,
)
from small import classifier, data, equal, state

X, Y = data(40)
ENGINES = ["numpy", *(["native"] if ISAS else [])]
KILLS = 12


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
@pytest.mark.parametrize("save_freq", ["epoch", "1", "3"])
@pytest.mark.parametrize("engine", [*ENGINES, "eager"])
def test_a_training_that_is_killed_again_and_again(engine, save_freq, tmp_path, capsys):
    """It ends with the weights, slots, history and log of one that nobody killed, bit for bit."""
    program = Path(__file__).with_name("killed.py")
    seed = str(np.random.default_rng().integers(10**6))
    run = subprocess.run(
        [sys.executable, program, engine, save_freq, str(KILLS), seed, tmp_path / "runs"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, f"seed {seed}\n{run.stdout}{run.stderr}"
    killed, ended = map(int, run.stdout.split())
    assert killed >= KILLS and ended >= 1
    with capsys.disabled():
        print(f"\n{engine}, save_freq {save_freq}: {killed} kills survived in {ended} trainings")


# --- in one process -------------------------------------------------------------------------


class Fault(Callback):
    """Raises at the end of a batch or epoch."""

    def __init__(self, epoch, batch=None):
        super().__init__()
        self.epoch, self.batch = epoch, batch

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.now, batch) == (self.epoch, self.batch):
            raise RuntimeError("a fault")

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch and self.batch is None:
            raise RuntimeError("a fault")


def trained(callbacks, epochs=4, seed=3, **options):
    sheer.utils.set_random_seed(seed)
    model = classifier(optimizer="adam")
    arguments = {"batch_size": 8, "verbose": 0, "validation_data": (X, Y), **options}
    history = model.fit(X, Y, epochs=epochs, callbacks=callbacks, **arguments)
    return model, history


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("epoch", "batch"), [(0, 0), (1, 3), (2, 4), (2, None)])
@pytest.mark.parametrize("save_freq", [1, 2, "epoch"])
def test_a_fault_and_another_try(engine, epoch, batch, save_freq, tmp_path):
    with on_engine(engine):
        wanted, full = trained([])
        with pytest.raises(RuntimeError, match="a fault"):
            trained([BackupAndRestore(tmp_path / "b", save_freq), Fault(epoch, batch)])
        # What was backed up has seeds of its own.
        seed = 99 if (tmp_path / "b/latest.safetensors").exists() else 3
        model, history = trained([BackupAndRestore(tmp_path / "b", save_freq)], seed=seed)
    assert equal(model.get_weights(), wanted.get_weights())
    assert history.history == full.history and history.epoch == [0, 1, 2, 3]
    assert not (tmp_path / "b").exists()


class Numbered(sheer.utils.PyDataset):
    """Five batches of eight rows."""

    def __len__(self):
        return 5

    def __getitem__(self, i):
        return X[8 * i : 8 * i + 8], Y[8 * i : 8 * i + 8]


STREAMS = {
    "a generator": (lambda: (Numbered()[i % 5] for i in range(1000)), 3),
    "a generator without steps": (lambda: (Numbered()[i] for i in range(5)), None),
    "batches again and again": (lambda: Again(), None),
    "a PyDataset": (lambda: Numbered(), None),
    "a PyDataset in parts": (lambda: Numbered(), 3),
    "workers": (lambda: Numbered(workers=2), 2),
}


class Again:
    """Batches that can be had again."""

    def __iter__(self):
        return iter([Numbered()[i] for i in range(5)])


@pytest.mark.parametrize(("epoch", "batch"), [(0, 1), (1, 1), (3, 0), (2, None)])
@pytest.mark.parametrize("save_freq", [1, "epoch"])
@pytest.mark.parametrize("name", STREAMS)
def test_batches_that_come_one_by_one(name, save_freq, epoch, batch, tmp_path):
    """Those that were run are passed over."""
    make, steps = STREAMS[name]

    def fitted(*callbacks):
        sheer.utils.set_random_seed(3)
        model = classifier(optimizer="adam")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a generator has an end
            history = model.fit(make(), epochs=4, steps_per_epoch=steps, verbose=0,
                                validation_data=(X, Y), callbacks=list(callbacks))  # fmt: skip
        return model, history

    wanted, full = fitted()
    try:
        fitted(Fault(epoch, batch), BackupAndRestore(tmp_path / "b", save_freq))
    except RuntimeError as error:
        assert str(error) == "a fault"
    else:
        assert name == "a generator without steps"
    model, history = fitted(BackupAndRestore(tmp_path / "b", save_freq))
    assert equal(model.get_weights(), wanted.get_weights())
    assert history.history == full.history


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize("name", STREAMS)
def test_validation_batches_that_come_one_by_one(name, epoch, tmp_path):
    """A generator without end goes on behind those that were taken for earlier evaluations."""
    make, steps = STREAMS[name]

    def fitted(*callbacks):
        sheer.utils.set_random_seed(3)
        model = classifier(optimizer="adam")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a generator has an end
            return model.fit(X, Y, epochs=4, validation_data=make(), validation_steps=steps,
                             verbose=0, callbacks=list(callbacks))  # fmt: skip

    wanted = fitted().history
    with pytest.raises(RuntimeError, match="a fault"):
        fitted(Fault(epoch), BackupAndRestore(tmp_path / "b"))
    assert fitted(BackupAndRestore(tmp_path / "b")).history == wanted


def test_other_callbacks_go_on_too(tmp_path):
    """Those that come later in the list as well: what they did in the last epoch is kept."""

    def others():
        return [EarlyStopping(patience=1, min_delta=1, restore_best_weights=True)]

    wanted, full = trained(others(), epochs=9)
    assert full.epoch == [0, 1]
    backup = tmp_path / "b"
    with pytest.raises(RuntimeError, match="a fault"):
        trained([Fault(1, 2), BackupAndRestore(backup), *others()], epochs=9)
    stopping = others()
    model, history = trained([BackupAndRestore(backup), *stopping], epochs=9)
    assert history.history == full.history
    assert stopping[0].best_epoch == 0
    assert equal(model.get_weights(), wanted.get_weights())


def test_a_training_that_had_ended_is_not_made_again(tmp_path):
    kept = BackupAndRestore(tmp_path / "b", delete_checkpoint=False)
    model, history = trained([kept])
    again, same = trained([kept])
    assert equal(model.get_weights(), again.get_weights())
    assert same.history == history.history
    longer, history = trained([kept], epochs=6)
    wanted, full = trained([], epochs=6)
    assert equal(longer.get_weights(), wanted.get_weights()) and history.history == full.history


def test_the_epoch_begins_for_the_callbacks_of_a_run_that_goes_on_within_it(tmp_path):
    calls = []
    note = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: calls.append(("epoch", epoch)),
        on_train_batch_begin=lambda batch, logs: calls.append(batch),
    )
    halve = sheer.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    with pytest.raises(RuntimeError):
        trained([halve, BackupAndRestore(tmp_path / "b", 2), Fault(1, 3)])
    model, _ = trained([halve, note, BackupAndRestore(tmp_path / "b", 2)], epochs=2)
    assert calls == [("epoch", 1), 3, 4]
    assert float(model.optimizer.learning_rate) == pytest.approx(0.001 / 4)


def test_a_backup_of_something_else(tmp_path):
    def failed(message, callbacks=(), **options):
        model = options.pop("model", classifier(optimizer="adam"))
        model.build((None, 4))
        before = state(model)[0][: len(model.weights)]
        with pytest.raises(ValueError) as caught:
            model.fit(X, Y, verbose=0, callbacks=[*callbacks, backup], batch_size=8, **options)
        assert str(caught.value) == message.replace("PATH", str(tmp_path / "b/latest.safetensors"))
        assert state(model)[0][: len(model.weights)] == before

    backup = BackupAndRestore(tmp_path / "b")
    with pytest.raises(RuntimeError):
        trained([backup, Fault(1, 3)])
    other = (
        "PATH is the backup of another training; nothing was changed.\n%s\nGo on with the model, "
    )
    other += "data and arguments that it had; or delete the backup."
    failed(other % "  shuffle: False, backup: True", shuffle=False)
    sheer.utils.clear_session()
    wide = sheer.Sequential([layers.Dense(6, activation="relu"), layers.Dense(3)])
    wide.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError) as caught:
        wide.fit(X, Y, verbose=0, callbacks=[backup], batch_size=8)
    assert "(4, 6) float32, backup: dense" in str(caught.value)
    (tmp_path / "b/latest.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(ValueError, match="is not a sound safetensors file"):
        trained([backup])


def test_two_backups(tmp_path):
    def backup():
        return BackupAndRestore(tmp_path / "b", double_checkpoint=True)

    wanted, _ = trained([])
    with pytest.raises(RuntimeError):
        trained([backup(), Fault(2, 3)])
    latest = tmp_path / "b/latest.safetensors"
    latest.write_bytes(latest.read_bytes()[:-50])
    with pytest.warns(UserWarning, match="The backup before it is taken"):
        model, _ = trained([backup()])
    assert equal(model.get_weights(), wanted.get_weights())
    assert not (tmp_path / "b").exists()


def test_files_of_others_stay(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    trained([BackupAndRestore(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"backup_dir": ""}, "BackupAndRestore: backup_dir names no folder. Got ''."),
        ({"backup_dir": "b", "save_freq": 0}, "BackupAndRestore: save_freq must be 'epoch' or a "
         "whole number of 1 or more. Got 0."),
    ],
)  # fmt: skip
def test_arguments(arguments, text):
    with pytest.raises(ValueError) as caught:
        BackupAndRestore(**arguments)
    assert str(caught.value) == text


# --- files that cannot be written -----------------------------------------------------------


@pytest.fixture
def full_disk(monkeypatch):
    """From `fill()` on, nothing reaches the disk."""

    def fsync(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return lambda: monkeypatch.setattr(os, "fsync", fsync)


def test_a_full_disk(full_disk, tmp_path):
    backup = BackupAndRestore(tmp_path / "b")
    fill = LambdaCallback(on_epoch_begin=lambda epoch, logs: full_disk() if epoch == 2 else None)
    made = []
    seen = LambdaCallback(on_epoch_end=lambda epoch, logs: made.append(fill.model))
    old = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: made.append(content()) if epoch == 2 else None
    )

    def content():
        return {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()}

    with pytest.raises(OSError) as caught:
        trained([backup, fill, seen, old])
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.strerror == (
        f"BackupAndRestore: {tmp_path / 'b/latest.safetensors'} cannot be written: No space left "
        "on device. The backup before it is unchanged, and so is the model"
    )
    assert caught.value.__notes__ == ["In on_epoch_end 2 of the callback BackupAndRestore."]
    # The old file stands, alone; the model is as the third epoch left it, and goes on.
    before = next(entry for entry in made if isinstance(entry, dict))
    assert content() == before
    assert equal(fill.model.get_weights(), trained([], epochs=3)[0].get_weights())
    fill.model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("kind", ["backup", "checkpoint", "log"])
def test_a_folder_that_cannot_be_written_into(kind, tmp_path):
    if os.name != "posix" or os.geteuid() == 0:
        # To root all folders are open; a file in the folder's place is closed to all.
        folder = tmp_path / "file"
        folder.write_text("no folder")
    else:
        folder = tmp_path / "closed"
        folder.mkdir(mode=0o500)
    callback = {
        "backup": lambda: BackupAndRestore(folder / "b"),
        "checkpoint": lambda: ModelCheckpoint(folder / "w.safetensors", save_weights_only=True),
        "log": lambda: CSVLogger(folder / "log.csv"),
    }[kind]()
    with pytest.raises(OSError) as caught:
        trained([callback], epochs=1)
    assert str(folder) in str(caught.value)


# --- callbacks that raise -------------------------------------------------------------------


def test_a_callback_that_raises_before_the_first_step():
    """It changes nothing: the model is not even built."""

    def refused(logs):
        raise RuntimeError("a fault")

    sheer.utils.set_random_seed(3)
    model = sheer.Sequential([layers.Dense(2)])
    model.compile("adam", "mse")
    key = sheer.core.random.peek_key()
    slots = len(model.optimizer.variables)
    with pytest.raises(RuntimeError, match="a fault"):
        model.fit(X, X[:, :2], verbose=0, callbacks=[LambdaCallback(on_train_begin=refused)])
    assert sheer.core.random.peek_key() == key
    assert not model.built and not model.weights and not hasattr(model, "last_fit")
    assert len(model.optimizer.variables) == slots


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch", [2, None])
def test_a_callback_that_raises(engine, batch, tmp_path):
    """The error says in which callback, the handlers of signals are back, the model goes on."""
    path = tmp_path / "w.safetensors"
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with on_engine(engine):
        fault = Fault(1, batch)
        with pytest.raises(RuntimeError, match="a fault") as caught:
            trained([fault, ModelCheckpoint(path, save_weights_only=True)])
        hook = "on_train_batch_end 2" if batch else "on_epoch_end 1"
        assert caught.value.__notes__ == [f"In {hook} of the callback Fault."]
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
        model = classifier()
        model.load_weights(path)
        wanted = trained([], epochs=1)[0]
        assert equal(model.get_weights(), wanted.get_weights())
        steps = 8 if batch else 10
        assert int(fault.model.optimizer.iterations) == steps
        fault.model.fit(X, Y, epochs=1, batch_size=8, verbose=0)
        assert int(fault.model.optimizer.iterations) == steps + 5
