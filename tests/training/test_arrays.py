"""Arrays of all kinds and layouts; frames; files in place of memory."""

import re
import sys
import tracemalloc

import numpy as np
import pytest

import sheer
from sheer import layers
from sheer.callbacks import Callback
from sheer.training.data import Data
from small import classifier, data, equal

X, Y = data(20)


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
    "columns backwards": lambda x: x[..., ::-1].copy()[..., ::-1],
    "read-only": read_only,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "unaligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), x.dtype, offset=1).reshape(x.shape),
    "broadcast": lambda x: x,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shuffle", [False, True])
def test_layouts(layout, shuffle):
    x, y = LAYOUTS[layout](X), LAYOUTS[layout](Y)
    if layout == "broadcast":
        x, y = np.broadcast_to(X[:1], X.shape), np.broadcast_to(Y[:1], Y.shape)
    results = []
    for inputs, labels in ((x, y), (np.array(x, "float32"), np.array(y, "int64"))):
        sheer.utils.set_random_seed(2)
        model = classifier()
        history = model.fit(inputs, labels, batch_size=8, epochs=2, shuffle=shuffle, verbose=0,
                            validation_data=(inputs, labels)).history  # fmt: skip
        outputs = model.predict(inputs, batch_size=8, verbose=0)
        results.append((history, [*model.get_weights(), outputs]))
    assert results[0][0] == results[1][0]
    assert equal(results[0][1], results[1][1])


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "broadcast"])
def test_nan_is_found_in_each_layout(layout):
    missing = X.copy()
    missing[7, 2] = missing[9, 0] = np.nan
    with pytest.raises(ValueError, match=r"NaN: 2 of 80 values, the first in row 7, at \(7, 2\)"):
        Data(LAYOUTS[layout](missing), Y)


def test_nan_behind_the_first_block(monkeypatch):
    monkeypatch.setattr("sheer.training.data.BLOCK", 16)  # four rows
    missing = X.copy()
    missing[10, 1] = missing[11, 3] = missing[19, 0] = np.nan
    with pytest.raises(ValueError, match=r"NaN: 3 of 80 values, the first in row 10, at \(10, 1\)"):
        Data(missing, Y)
    huge = np.full((20, 4), 3e38, "float32")  # their sum is infinite
    assert Data(huge, Y).rows == 20


# --- files in place of memory -----------------------------------------------------------------

ROWS, FEATURES = 75_000, 1000
MIB = 2**20


class Memory(Callback):
    """What the process holds that is no file, in MiB, at its highest."""

    every_batch = False
    highest = 0.0

    def on_train_batch_end(self, batch, logs=None):
        self.highest = max(self.highest, anonymous())


def anonymous():
    with open("/proc/self/status") as lines:
        (found,) = [line.split()[1] for line in lines if line.startswith("RssAnon")]
    return int(found) * 1024 / MIB


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the memory")
@pytest.mark.parametrize("shuffle", [False, True])
def test_a_file_is_never_copied_whole(tmp_path, shuffle):
    """300 MB of zeros that lie nowhere, and one row that is not."""
    x = np.memmap(tmp_path / "x", "float32", "w+", shape=(ROWS, FEATURES))
    y = np.memmap(tmp_path / "y", "float32", "w+", shape=(ROWS,))
    x[ROWS - 1], y[ROWS - 1] = 1, 7
    x.flush()
    x = np.memmap(tmp_path / "x", "float32", "r", shape=(ROWS, FEATURES))
    assert x.nbytes > 280 * MIB
    model = sheer.Sequential(
        [sheer.Input((FEATURES,)), layers.Dense(1, kernel_initializer="zeros")]
    )
    model.compile("sgd", "mse")
    model.fit(x[:64], y[:64], verbose=0)  # what is made once
    memory, before = Memory(), anonymous()
    tracemalloc.start()
    try:
        history = model.fit(x, y, batch_size=500, verbose=0, shuffle=shuffle, callbacks=[memory],
                            validation_data=(x[-1000:], y[-1000:]))  # fmt: skip
        model.predict(x, batch_size=500, verbose=0)
        peak = tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()
    assert history.history["loss"] == [pytest.approx(49 / ROWS, rel=1e-3)]
    assert peak < 30
    assert memory.highest - before < 60


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the memory")
def test_the_search_for_nan_copies_no_file(tmp_path):
    x = np.memmap(tmp_path / "x", "float32", "w+", shape=(ROWS, FEATURES))
    x[ROWS - 1, 3] = np.nan
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"1 of 75000000 values, the first in row 74999"):
            Data(x)
        assert tracemalloc.get_traced_memory()[1] < 10 * MIB
    finally:
        tracemalloc.stop()


# --- frames -----------------------------------------------------------------------------------


def frame_of(library, columns):
    return pytest.importorskip(library).DataFrame(columns)


def series_of(library, values):
    return pytest.importorskip(library).Series(values)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("kinds", [
    ["float32"] * 4, ["float64"] * 4, ["float32", "float64", "int64", "uint8"],
    ["float32", "bool", "int8", "float64"], ["bool"] * 4,
], ids=str)  # fmt: skip
def test_frames(library, kinds):
    columns = [(X[:, i] * 3).astype(kind) for i, kind in enumerate(kinds)]
    frame = frame_of(library, {f"column {i}": c for i, c in enumerate(columns)})
    plain = np.stack([c.astype("float64") for c in columns], axis=1)
    results = []
    for x, y in ((frame, series_of(library, Y)), (plain, Y[:, None])):
        sheer.utils.set_random_seed(4)
        model = classifier(features=None)
        history = model.fit(x, y, batch_size=8, epochs=2, verbose=0, validation_split=0.25)
        results.append((history.history, [*model.get_weights(), model.predict(x, verbose=0)]))
    assert results[0][0] == results[1][0]
    assert equal(results[0][1], results[1][1])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_series_and_weights(library):
    """A series is a column, as in Keras."""
    x, y = series_of(library, X[:, 0]), series_of(library, X[:, 1])
    model = sheer.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, y, sample_weight=series_of(library, np.linspace(0, 1, 20)), verbose=0)
    assert model.layers[0].kernel.shape == (1, 1)
    error = (model.predict(x, verbose=0)[:, 0] - X[:, 1]) ** 2
    assert model.evaluate(x, y, verbose=0) == pytest.approx(error.mean(), rel=1e-5)
    weight = np.linspace(0, 1, 20)
    weighted = model.evaluate(x, y, sample_weight=series_of(library, weight), verbose=0)
    assert weighted == pytest.approx((error * weight).mean(), rel=1e-5)
    model.fit({"a": x}["a"], y, class_weight=None, verbose=0)


DAYS = np.array(["2020-01-01", "2020-01-02"], "datetime64[ms]")


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize(("column", "text"), [
    (["red", "blue"], r"  'bad': \S+, such as 'red'"),
    # A frame as a whole could make numbers of these.
    (DAYS, r"  'bad': datetime64\S+, such as .*2020.*"),
])  # fmt: skip
def test_columns_that_are_no_numbers(library, column, text):
    frame = frame_of(library, {"size": [1, 2], "bad": column})
    with pytest.raises(TypeError) as error:
        classifier(features=None).fit(frame, Y[:2], verbose=0)
    first, line, last = str(error.value).split("\n")
    assert first == "fit: x must hold real numbers. These columns do not:"
    assert re.fullmatch(text, line)
    assert last == "Drop them, number their categories, or fill what is missing."
    with pytest.raises(TypeError, match=r"fit: x must hold real numbers\. It has no columns\."):
        Data(frame_of(library, {}), Y[:2])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_missing_values_in_a_frame(library):
    with pytest.raises(ValueError, match=r"x contains NaN: 1 of 4 values, the first in row 1"):
        Data(frame_of(library, {"a": [1.0, None], "b": [True, False]}), Y[:2])


def test_whole_numbers_of_pandas_that_may_be_missing():
    pandas = pytest.importorskip("pandas")
    whole = pandas.DataFrame({"a": pandas.array([1, 2], "Int64"), "b": [True, False]})
    assert Data(whole, Y[:2]).arrays[0].tolist() == [[1, 1], [2, 0]]
    frame = pandas.DataFrame({"a": pandas.array([1, None], "Int64"), "b": [True, False]})
    with pytest.raises((ValueError, TypeError), match=r"contains NaN|'a': object"):
        Data(frame, Y[:2])


# --- other libraries --------------------------------------------------------------------------


def test_sparse_matrices_are_refused():
    class csr_matrix:
        nnz = 1
        shape = (20, 4)

        def toarray(self):
            return X

        def __iter__(self):
            return iter(X)

    with pytest.raises(TypeError) as error:
        classifier().fit(csr_matrix(), Y, verbose=0)
    assert str(error.value) == (
        "fit: x is a sparse matrix, csr_matrix, and sheer's arrays are dense. Convert it first: "
        "x.toarray(); or give its rows in batches, by a generator or a PyDataset."
    )


def test_real_sparse_matrices_are_refused():
    sparse = pytest.importorskip("scipy.sparse")
    for make in (sparse.csr_matrix, sparse.coo_array):
        with pytest.raises(TypeError, match="x is a sparse matrix"):
            classifier().predict(make(X), verbose=0)


def test_what_cannot_be_made_an_array():
    class Elsewhere:
        def __array__(self, dtype=None, copy=None):
            raise TypeError("can't convert cuda:0 device type tensor to numpy")

    with pytest.raises(TypeError) as error:
        classifier().fit(Elsewhere(), Y, verbose=0)
    assert str(error.value) == (
        "fit: x, a Elsewhere, could not be made an array: can't convert cuda:0 device type tensor "
        "to numpy"
    )


def test_dlpack():
    class Capsule:
        def __dlpack__(self, **options):
            return X.__dlpack__(**options)

        def __dlpack_device__(self):
            return X.__dlpack_device__()

    model = classifier()
    assert equal([model.predict(Capsule(), verbose=0)], [model.predict(X, verbose=0)])
    assert np.shares_memory(Data(Capsule(), Y).arrays[0], X)
