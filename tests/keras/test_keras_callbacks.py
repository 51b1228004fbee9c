"""What callbacks do, and print, when they are called by hand: as Keras's do."""

from types import SimpleNamespace

import numpy as np
import pytest

import sheer
from recorded import recorded
from sheer import callbacks

FIGURES = recorded("callbacks.json")


def named(cases):
    return {"argvalues": cases, "ids": [f"{i} {case['kwargs']}" for i, case in enumerate(cases)]}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("case", **named(FIGURES["rates"]))
def test_reduce_lr_on_plateau(case, capsys):
    optimizer = sheer.optimizers.SGD(0.5)
    callback = callbacks.ReduceLROnPlateau(**{"mode": "min", **case["kwargs"]})
    callback.set_model(SimpleNamespace(optimizer=optimizer))
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(case["values"]):
        logs = {"val_loss": value}
        callback.on_epoch_end(epoch, logs)
        rates.append(float(optimizer.learning_rate))
        before = 0.5 if epoch == 0 else rates[epoch - 1]
        assert logs["learning_rate"] == before
    # Keras keeps the rate in float32.
    np.testing.assert_allclose(rates, case["rates"], rtol=1e-6)
    found, wanted = capsys.readouterr().out.split(), case["printed"].split()
    for ours, theirs in zip(found, wanted, strict=True):
        if ours != theirs:
            assert float(ours.rstrip(".")) == pytest.approx(float(theirs.rstrip(".")), rel=1e-6)


@pytest.mark.parametrize("case", **named(FIGURES["saves"]))
def test_model_checkpoint(case, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kwargs = {"filepath": "{epoch}.keras", "mode": "min", **case["kwargs"]}
    callback = callbacks.ModelCheckpoint(**kwargs)
    saved, seen = [], 0

    def note(path, overwrite):
        assert overwrite
        saved.append([path, seen])

    callback.set_model(SimpleNamespace(save=note, save_weights=note))
    callback.on_train_begin()
    for epoch, value in enumerate(case["values"]):
        callback.on_epoch_begin(epoch)
        for batch in range(FIGURES["batches"]):
            seen += 1
            callback.on_train_batch_end(batch, {"val_loss": value})
        callback.on_epoch_end(epoch, {"val_loss": value})
    assert saved == case["saved"]
    assert capsys.readouterr().out == case["printed"]


@pytest.mark.parametrize("case", **named(FIGURES["logs"]))
def test_csv_logger(case, tmp_path):
    path = tmp_path / "log.csv"
    callback = callbacks.CSVLogger(path, **case["kwargs"])
    for text in case["texts"]:
        callback.on_train_begin()
        for epoch, figures in enumerate(case["epochs"]):
            callback.on_epoch_end(epoch, {name: array_or(v) for name, v in figures.items()})
        callback.on_train_end()
        assert path.read_bytes().decode() == text


def array_or(value):
    return np.array(value) if isinstance(value, list) else value


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", ["one", "two"])
def test_learning_rate_scheduler(name, capsys):
    schedule = {"one": lambda e: 0.5 / (e + 1), "two": lambda e, r: r * 0.9}[name]
    callback = callbacks.LearningRateScheduler(schedule, verbose=1)
    callback.set_model(SimpleNamespace(optimizer=sheer.optimizers.SGD(0.5)))
    case = FIGURES["scheduled"][name]
    for epoch, wanted in enumerate(case["logs"]):
        logs = {"loss": 1.0}
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, logs)
        assert logs == pytest.approx(wanted, rel=1e-6)
    found, wanted = capsys.readouterr().out.splitlines(), case["printed"].splitlines()
    assert [line.split(" to ")[0] for line in found] == [line.split(" to ")[0] for line in wanted]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("case", **named(FIGURES["averages"]))
def test_swap_ema_weights(case):
    x, y = np.array(case["x"]), np.array(case["y"])
    model = sheer.Sequential([sheer.Input((3,)), sheer.layers.Dense(2)])
    model.set_weights([np.array(w) for w in case["start"]])
    model.compile(sheer.optimizers.SGD(0.125, use_ema=True, ema_momentum=0.75), "mse")
    seen = []
    used = [] if case["kwargs"] is None else [callbacks.SwapEMAWeights(**case["kwargs"])]
    used.append(callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(model.get_weights())))
    history = model.fit(x, y, batch_size=5, epochs=3, shuffle=False, verbose=0,
                        validation_data=(x, y), callbacks=used)  # fmt: skip
    for name, wanted in case["history"].items():
        np.testing.assert_allclose(history.history[name], wanted, rtol=1e-11, err_msg=name)
    for found, wanted in zip(
        [*seen, model.get_weights()], [*case["seen"], case["last"]], strict=True
    ):
        for weight, value in zip(found, wanted, strict=True):
            np.testing.assert_allclose(weight, value, rtol=1e-11)


def test_terminate_on_nan(capsys):
    model = SimpleNamespace(stop_training=False)
    callback = callbacks.TerminateOnNaN()
    callback.set_model(model)
    callback.on_train_batch_end(3, {"loss": float("nan")})
    assert capsys.readouterr().out == FIGURES["stopped"]["printed"]
    assert model.stop_training
