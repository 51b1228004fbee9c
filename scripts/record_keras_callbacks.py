"""Record what the callbacks of the real Keras do: tests/fixtures/keras/callbacks.json.

    python scripts/record_keras_callbacks.py    # in an environment as for record_keras.py

The callbacks are called by hand, with a model that only notes what is asked of it;
for running means there is a real fit.
"""

import contextlib
import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from record_keras import Json, keras, plain, precision, write_json

callbacks = keras.callbacks

RATES = [
    ({}, [3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]),
    ({"patience": 1}, [3, 2, 2, 2.5, 1, 1, 1, float("nan"), 0.5]),
    ({"patience": 2, "factor": 0.5, "verbose": 1}, [3, 3, 3, 2, 2, 2, 2, 1]),
    ({"patience": 1, "cooldown": 2, "verbose": 1}, [3, 3, 3, 3, 3, 3, 3]),
    ({"patience": 1, "min_lr": 0.005, "verbose": 1}, [3, 3, 3, 3, 3]),
    ({"patience": 1, "min_delta": 0.5}, [3, 2.8, 2.6, 2.4, 2.2]),
    ({"patience": 1, "mode": "max"}, [1, 2, 3, 2, 3, 4]),
    ({"patience": 0}, [3, 2, 1]),
]
SAVES = [
    ({}, [3, 2, 4]),
    ({"verbose": 1}, [3, 2]),
    ({"save_best_only": True, "verbose": 1}, [3, 2, 4, 2, float("nan"), 1]),
    ({"save_best_only": True, "mode": "max"}, [3, 2, 4, 5, 4]),
    ({"save_best_only": True, "initial_value_threshold": 2.5, "verbose": 1}, [3, 2, 4]),
    ({"save_freq": 2, "verbose": 1}, [3, 2, 4]),
    ({"save_freq": 3}, [3, 2, 4]),
    ({"save_freq": 1, "filepath": "b{batch}-{epoch:02d}-{val_loss:.1f}.keras"}, [3, 2]),
    ({"save_weights_only": True, "filepath": "{epoch}.weights.h5"}, [3, 2]),
]
BATCHES = 4  # of an epoch, in the cases of SAVES
LOGS = [
    ({}, [{"loss": 0.5, "acc": 1}, {"loss": 0.25, "acc": 0.125}]),
    ({"separator": ";"}, [{"loss": 0.1 + 0.2, "val_loss": 1e-20}]),
    ({}, [{"loss": 1.0, "val_loss": 2.0}, {"loss": 1.0}, {"loss": 3.0, "new": 1.0}]),
    ({"append": True}, [{"loss": 1.5}, {"loss": float("nan")}]),
    ({}, [{"loss": 0.1, "matrix": np.arange(3), "text": "a,b", "zero": np.array(2.0)}]),
]


def printed(function: Callable[[], Any]) -> str:
    """What a call prints."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        function()
    return text.getvalue()


def rates() -> Iterator[Json]:
    """The learning rate after each epoch."""
    for kwargs, values in RATES:
        callback = callbacks.ReduceLROnPlateau(**{"mode": "min", **kwargs})
        optimizer = keras.optimizers.SGD(0.5)
        callback.set_model(SimpleNamespace(optimizer=optimizer, metrics=[]))
        found: list[float] = []

        def run(callback: Any = callback, values: Any = values, optimizer: Any = optimizer,
                found: Any = found) -> None:  # fmt: skip
            callback.on_train_begin()
            for epoch, value in enumerate(values):
                callback.on_epoch_end(epoch, {"val_loss": value})
                found.append(float(optimizer.learning_rate))

        text = printed(run)
        yield {"kwargs": kwargs, "values": values, "rates": found, "printed": text}


def saves() -> Iterator[Json]:
    """What is saved when: the path, and how many batches were seen."""
    for kwargs, values in SAVES:
        callback = callbacks.ModelCheckpoint(
            **{"filepath": "{epoch}.keras", "mode": "min", **kwargs}
        )
        saved: list[Any] = []
        seen = [0]

        def note(path: str, overwrite: bool, saved: Any = saved, seen: Any = seen) -> None:
            saved.append([path, seen[0]])

        callback.set_model(SimpleNamespace(save=note, save_weights=note, metrics=[]))

        def run(callback: Any = callback, values: Any = values, seen: Any = seen) -> None:
            callback.on_train_begin()
            for epoch, value in enumerate(values):
                callback.on_epoch_begin(epoch)
                for batch in range(BATCHES):
                    seen[0] += 1
                    callback.on_train_batch_end(batch, {"val_loss": value})
                callback.on_epoch_end(epoch, {"val_loss": value})

        text = printed(run)
        yield {"kwargs": kwargs, "values": values, "saved": saved, "printed": text}


def logs() -> Iterator[Json]:
    """The text of the file after one training, and after a second."""
    for kwargs, epochs in LOGS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "log.csv"
            callback = callbacks.CSVLogger(str(path), **kwargs)
            texts = []
            for _ in range(2):
                callback.on_train_begin()
                for epoch, figures in enumerate(epochs):
                    callback.on_epoch_end(epoch, figures)
                callback.on_train_end()
                texts.append(path.read_bytes().decode())
        yield {"kwargs": kwargs, "epochs": [plain(figures) for figures in epochs], "texts": texts}


def scheduled() -> Json:
    """What a schedule of the epoch alone, and one of both, print and put into the logs."""
    found = {}
    for name, schedule in {"one": lambda e: 0.5 / (e + 1), "two": lambda e, r: r * 0.9}.items():
        callback = callbacks.LearningRateScheduler(schedule, verbose=1)
        callback.set_model(SimpleNamespace(optimizer=keras.optimizers.SGD(0.5)))
        seen: list[Json] = []

        def run(callback: Any = callback, seen: Any = seen) -> None:
            for epoch in range(3):
                figures: Json = {"loss": 1.0}
                callback.on_epoch_begin(epoch)
                callback.on_epoch_end(epoch, figures)
                seen.append(figures)

        found[name] = {"printed": printed(run), "logs": seen}
    return found


def stopped() -> Json:
    """TerminateOnNaN's text."""
    callback = callbacks.TerminateOnNaN()
    model = SimpleNamespace(stop_training=False)
    callback.set_model(model)
    text = printed(lambda: callback.on_batch_end(3, {"loss": float("nan")}))
    return {"printed": text, "stop_training": model.stop_training}


def averages() -> Iterator[Json]:
    """A fit with running means: its history, the weights that later callbacks see, the last."""
    precision("float64", keep_64_bits=True)
    x, y = np.sin(np.arange(36.0)).reshape(12, 3), np.cos(np.arange(24.0)).reshape(12, 2)
    start = [np.sin(np.arange(6.0)).reshape(3, 2), np.zeros(2)]
    for kwargs in (None, {}, {"swap_on_epoch": True}):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        model.set_weights(start)
        optimizer = keras.optimizers.SGD(0.125, use_ema=True, ema_momentum=0.75)
        model.compile(optimizer, "mse")
        seen: list[Any] = []

        def note(epoch: int, logs: Any, model: Any = model, seen: Any = seen) -> None:
            seen.append(model.get_weights())

        used = [] if kwargs is None else [callbacks.SwapEMAWeights(**kwargs)]
        used.append(callbacks.LambdaCallback(on_epoch_end=note))
        history = model.fit(x, y, batch_size=5, epochs=3, shuffle=False, verbose=0,
                            validation_data=(x, y), callbacks=used)  # fmt: skip
        yield {"kwargs": kwargs, "x": x, "y": y, "start": start, "history": history.history,
               "seen": seen, "last": model.get_weights()}  # fmt: skip


if __name__ == "__main__":
    write_json(
        "callbacks.json",
        {
            "rates": list(rates()),
            "batches": BATCHES,
            "saves": list(saves()),
            "logs": list(logs()),
            "scheduled": scheduled(),
            "stopped": stopped(),
            "averages": list(averages()),
        },
    )
