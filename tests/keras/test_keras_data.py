"""Which rows come in which batch, and histories, for each form of data: Keras's."""

import warnings

import numpy as np
import pytest

import sheer
from recorded import recorded
from sheer import layers
from sheer.callbacks import Callback

FIGURES = recorded("data.json")
X = np.arange(10.0)[:, None] + np.zeros((1, 3))
Y = np.arange(10) % 3


def cut(*arrays):
    for first in range(0, 10, 2):
        yield tuple(array[first : first + 2] for array in arrays)


def endless(*arrays):
    while True:
        yield from cut(*arrays)


class Batches(sheer.utils.PyDataset):
    def __init__(self, batches, endless=False, **options):
        super().__init__(**options)
        self.batches, self.endless = list(batches), endless

    @property
    def num_batches(self):
        return None if self.endless else len(self.batches)

    def __getitem__(self, index):
        return self.batches[index % len(self.batches)]


FORMS = {
    "arrays": lambda *arrays: arrays,
    "generator": lambda *arrays: (cut(*arrays),),
    "endless generator": lambda *arrays: (endless(*arrays),),
    "PyDataset": lambda *arrays: (Batches(cut(*arrays)),),
    "PyDataset with workers": lambda *arrays: (Batches(cut(*arrays), workers=3),),
    "endless PyDataset": lambda *arrays: (Batches(cut(*arrays), endless=True),),
    # What Keras has no form for.
    "iterable": lambda *arrays: (list_of(cut(*arrays)),),
}


class list_of:
    """Batches that can be had again, of a number that nobody knows."""

    def __init__(self, batches):
        self.batches = list(batches)

    def __iter__(self):
        return iter(self.batches)


class Watched(sheer.Sequential):
    """Notes the rows that come in each batch."""

    def note(self, data):
        x = sheer.utils.unpack_x_y_sample_weight(data)[0]
        self.seen.append(x.numpy()[:, 0].astype(int).tolist())

    def train_step(self, data):
        self.note(data)
        return super().train_step(data)

    def test_step(self, data):
        self.note(data)
        return super().test_step(data)

    def predict_step(self, data):
        self.note(data)
        return super().predict_step(data)


class Epochs(Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.seen.append("epoch")

    def on_test_begin(self, logs=None):
        self.model.seen.append("evaluation")


ROWS = FIGURES["rows"]
# Forms that give what a recorded one gives.
SAME = {"PyDataset": ["PyDataset", "PyDataset with workers", "iterable"]}


@pytest.mark.parametrize(
    ("case", "form"),
    [(case, form) for case in ROWS for form in SAME.get(case["form"], [case["form"]])],
    ids=lambda v: v if isinstance(v, str) else f"{v['caller']} {v['settings']}",
)
def test_rows(case, form):
    model = Watched([sheer.Input((3,)), layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    model.seen = []
    caller, options = case["caller"], {"verbose": 0, **case["settings"]}
    data = FORMS[form](X) if caller == "predict" else FORMS[form](X, Y)
    if caller.startswith("fit"):
        options |= {"callbacks": [Epochs()], "shuffle": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if caller == "fit, validation_data":
            given = data[0] if len(data) == 1 else data
            model.fit(X[:2], Y[:2], validation_data=given, **options)
        else:
            getattr(model, caller)(*data, **options)
    assert model.seen == case["seen"]


def source_of(case):
    data = {name: np.array(values) for name, values in FIGURES["data"].items()}
    arrays = [data[name] for name in case["parts"]]
    ends = np.cumsum(case["sizes"])
    batches = [
        tuple(a[e - n : e] for a in arrays) for e, n in zip(ends, case["sizes"], strict=True)
    ]
    return (b for b in batches) if case["form"] == "generator" else Batches(batches)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("run_eagerly", [False, True], ids=["program", "eager"])
@pytest.mark.parametrize(
    "case", FIGURES["histories"], ids=lambda c: f"{c['form']} {c['parts']} {c['sizes']}"
)
def test_history(case, run_eagerly):
    data = {name: np.array(values) for name, values in FIGURES["data"].items()}
    model = sheer.Sequential([sheer.Input((4,)), layers.Dense(3, "softmax")])
    model.set_weights([data["kernel"], data["bias"]])
    model.compile(
        sheer.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"],
        weighted_metrics=["sparse_categorical_crossentropy"], run_eagerly=run_eagerly,
    )  # fmt: skip
    options = dict(case["settings"])
    if "class_weight" in options:
        options["class_weight"] = {int(k): v for k, v in options["class_weight"].items()}
    history = model.fit(
        source_of(case), shuffle=False, verbose=0, validation_data=(data["x"], data["y"]), **options
    ).history
    assert sorted(history) == sorted(case["history"])
    for name, wanted in case["history"].items():
        np.testing.assert_allclose(history[name], wanted, rtol=1e-11, err_msg=name)
    np.testing.assert_allclose(model.get_weights()[0], case["kernel"], rtol=1e-11)


UTILS = FIGURES["utils"]


@pytest.mark.parametrize("case", UTILS["padded"], ids=lambda case: str(case["kwargs"]))
def test_pad_sequences(case):
    found = sheer.utils.pad_sequences(UTILS["sequences"], **case["kwargs"])
    assert found.dtype == case["kwargs"].get("dtype", "int32")
    assert found.tolist() == case["result"]


@pytest.mark.parametrize("case", UTILS["normalized"], ids=lambda case: str(case["kwargs"]))
def test_normalize(case):
    matrix = np.array(UTILS["matrix"])
    found = sheer.utils.normalize(matrix, **case["kwargs"])
    np.testing.assert_allclose(found, case["result"], rtol=1e-14)
    tensor = sheer.utils.normalize(sheer.ops.convert_to_tensor(matrix), **case["kwargs"])
    assert isinstance(tensor, sheer.Tensor)
