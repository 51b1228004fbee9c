"""Record which rows the real Keras puts into which batch, and its histories, for forms of data.

    pip install keras jax            # in a scratch environment; sheer's own tests need neither
    python scripts/record_keras_data.py

It writes tests/fixtures/keras/data.json:

    rows       the rows of each batch, for each form of the data and settings of fit, evaluate and
               predict; "epoch" and "evaluation" stand where these begin
    histories  of fit(shuffle=False) on generators and PyDatasets, with class and sample weights
    utils      what pad_sequences and normalize give
"""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from record_keras import Array, Json, keras, precision, write_json

ROWS, SIZE = 10, 2
X = np.arange(ROWS, dtype=float)[:, None] + np.zeros((1, 3))
Y = (np.arange(ROWS) % 3).astype(int)


def cut(*arrays: Array, size: int = SIZE) -> Iterator[tuple[Array, ...]]:
    """Batches of so many rows of the arrays."""
    for first in range(0, len(arrays[0]), size):
        yield tuple(array[first : first + size] for array in arrays)


def endless(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """The same batches again and again."""
    while True:
        yield from cut(*arrays)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of some arrays; with `endless`, again and again."""

    def __init__(self, *arrays: Array, endless: bool = False, **options: Any):
        super().__init__(**options)
        self.batches = list(cut(*arrays))
        self.endless = endless

    @property
    def num_batches(self) -> int | None:
        return None if self.endless else len(self.batches)

    def __getitem__(self, index: int) -> tuple[Array, ...]:
        return self.batches[index % len(self.batches)]


FORMS = {
    "arrays": lambda *arrays: arrays,
    "generator": lambda *arrays: (cut(*arrays),),
    "endless generator": lambda *arrays: (endless(*arrays),),
    "PyDataset": lambda *arrays: (Batches(*arrays),),
    "endless PyDataset": lambda *arrays: (Batches(*arrays, endless=True),),
}

# rows -------------------------------------------------------------------------------------------


class Watched(keras.Sequential):  # type: ignore[misc]
    """Notes the rows that come in each batch."""

    def watch(self) -> list[list[int]]:
        self.seen: list[list[int]] = []
        return self.seen

    def note(self, data: Any) -> None:
        x = keras.utils.unpack_x_y_sample_weight(data)[0]
        self.seen.append(np.asarray(x)[:, 0].astype(int).tolist())

    def train_step(self, state: Any, data: Any) -> Any:
        self.note(data)
        return super().train_step(state, data)

    def test_step(self, state: Any, data: Any) -> Any:
        self.note(data)
        return super().test_step(state, data)

    def predict_step(self, state: Any, data: Any) -> Any:
        self.note(data)
        return super().predict_step(state, data)


def watched() -> Watched:
    model = Watched([keras.Input((3,)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    model.watch()
    return model


class Epochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Marks where an epoch and an evaluation begin."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.model.seen.append("epoch")

    def on_test_begin(self, logs: Any = None) -> None:
        self.model.seen.append("evaluation")


# What is called, on which form, with which settings. Not here: generators that end before their
# time, as Keras goes on with their first two batches again; and workers, as Keras gives the first
# batch, on which it builds, at the end.
ROWS_CASES: list[tuple[str, str, Json]] = [
    ("fit", "arrays", {"epochs": 2}),
    ("fit", "arrays", {"batch_size": 4, "epochs": 2}),
    ("fit", "arrays", {"steps_per_epoch": 3, "epochs": 2}),
    ("fit", "arrays", {"steps_per_epoch": 4, "epochs": 2}),
    ("fit", "arrays", {"batch_size": 4, "steps_per_epoch": 2, "epochs": 4}),
    ("fit", "arrays", {"batch_size": 4, "steps_per_epoch": 5, "epochs": 2}),
    ("fit", "generator", {}),
    ("fit", "generator", {"steps_per_epoch": 2, "epochs": 2}),
    ("fit", "endless generator", {"steps_per_epoch": 3, "epochs": 3}),
    ("fit", "PyDataset", {"epochs": 2}),
    ("fit", "PyDataset", {"steps_per_epoch": 2, "epochs": 4}),
    ("fit", "PyDataset", {"steps_per_epoch": 7, "epochs": 2}),
    ("fit", "endless PyDataset", {"steps_per_epoch": 3, "epochs": 3}),
    ("fit, validation_data", "arrays", {"batch_size": 4, "epochs": 2}),
    ("fit, validation_data", "arrays", {"validation_steps": 3, "epochs": 2}),
    ("fit, validation_data", "arrays",
     {"validation_batch_size": 3, "validation_steps": 2, "epochs": 2}),
    ("fit, validation_data", "generator", {}),
    ("fit, validation_data", "endless generator", {"validation_steps": 3}),
    ("fit, validation_data", "PyDataset", {"epochs": 2}),
    ("fit, validation_data", "PyDataset", {"validation_steps": 2, "epochs": 3}),
    ("fit, validation_data", "endless PyDataset", {"validation_steps": 3, "epochs": 2}),
    *((caller, form, {}) for caller in ("evaluate", "predict")
      for form in ("arrays", "generator", "PyDataset")),
    *((caller, form, {"steps": 3}) for caller in ("evaluate", "predict")
      for form in FORMS),
    *((caller, form, {"steps": 7}) for caller in ("evaluate", "predict")
      for form in ("arrays", "PyDataset", "endless generator", "endless PyDataset")),
]  # fmt: skip


def rows_case(caller: str, form: str, settings: Json) -> Json:
    model = watched()
    options = {"verbose": 0, **settings}
    if caller.startswith("fit"):
        options |= {"callbacks": [Epochs()], "shuffle": False}
    data = FORMS[form](X) if caller == "predict" else FORMS[form](X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if caller == "fit, validation_data":
            given = data[0] if len(data) == 1 else data
            model.fit(X[:2], Y[:2], validation_data=given, **options)
        else:
            getattr(model, caller)(*data, **options)
    return {"caller": caller, "form": form, "settings": settings, "seen": model.seen}


# histories --------------------------------------------------------------------------------------


def history_data() -> dict[str, Array]:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(20, 4))
    return {
        "x": x,
        "y": (x @ rng.normal(size=(4, 3))).argmax(-1),
        "w": rng.uniform(0.5, 2, size=20),
        "kernel": rng.normal(size=(4, 3)),
        "bias": rng.normal(size=3),
    }


# The form, the arrays that its batches hold, their sizes in turn, the settings of fit.
HISTORIES: list[tuple[str, str, list[int], Json]] = [
    ("generator", "xy", [5, 5, 5, 5], {}),
    ("generator", "xyw", [5, 5, 5, 5], {"steps_per_epoch": 2, "epochs": 2}),
    ("generator", "xy", [1, 8, 3, 8], {"steps_per_epoch": 2, "epochs": 2}),
    ("PyDataset", "xy", [5, 5, 5, 5], {"epochs": 3}),
    ("PyDataset", "xyw", [5, 5, 5, 5], {"epochs": 3}),
    ("PyDataset", "xyw", [7, 1, 9, 3], {"epochs": 2}),
    ("PyDataset", "xy", [7, 1, 9, 3], {"epochs": 2, "class_weight": {0: 0.5, 2: 3.0}}),
    ("PyDataset", "xy", [5, 5, 5, 5], {"steps_per_epoch": 3, "epochs": 4}),
]


def pieces(arrays: list[Array], sizes: list[int]) -> list[tuple[Array, ...]]:
    """Batches of these sizes."""
    ends = np.cumsum(sizes)
    return [tuple(a[e - n : e] for a in arrays) for e, n in zip(ends, sizes, strict=True)]


def history_case(form: str, parts: str, sizes: list[int], settings: Json) -> Json:
    data = history_data()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.set_weights([data["kernel"], data["bias"]])
    model.compile(
        keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy",
        metrics=["accuracy"], weighted_metrics=["sparse_categorical_crossentropy"],
    )  # fmt: skip
    batches = pieces([data[name] for name in parts], sizes)
    source: Any = (batch for batch in batches)
    if form == "PyDataset":
        source = Batches(data["x"])
        source.batches = batches
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = model.fit(
            source, shuffle=False, verbose=0,
            validation_data=(data["x"], data["y"]), **settings,
        ).history  # fmt: skip
    return {
        "form": form, "parts": parts, "sizes": sizes, "settings": settings,
        "history": history, "kernel": model.get_weights()[0],
    }  # fmt: skip


# utils ------------------------------------------------------------------------------------------

SEQUENCES = [[1], [2, 3], [4, 5, 6], []]
PADDINGS: list[Json] = [
    {},
    {"padding": "post"},
    {"maxlen": 2},
    {"maxlen": 2, "truncating": "post"},
    {"maxlen": 5, "padding": "post", "value": -1.5, "dtype": "float32"},
]
NORMALIZED: list[Json] = [{}, {"order": 1}, {"axis": 1, "order": np.inf}]
MATRIX = np.array([[3.0, -4.0], [0.0, 0.0], [1.0, 2.0]])


def utils() -> Json:
    padded = [{"kwargs": k, "result": keras.utils.pad_sequences(SEQUENCES, **k)} for k in PADDINGS]
    normalized = [{"kwargs": k, "result": keras.utils.normalize(MATRIX, **k)} for k in NORMALIZED]
    return {"sequences": SEQUENCES, "padded": padded, "matrix": MATRIX, "normalized": normalized}


if __name__ == "__main__":
    precision("float64", keep_64_bits=True)
    write_json(
        "data.json",
        {
            "rows": [rows_case(*case) for case in ROWS_CASES],
            "data": history_data(),
            "histories": [history_case(*case) for case in HISTORIES],
            "utils": utils(),
        },
    )
