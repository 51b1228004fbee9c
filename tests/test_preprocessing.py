"""The layers that prepare data, by hand: in models, on iterables, and what they refuse.

Keras's figures are held in tests/keras/test_keras_preprocessing.py.
"""

import numpy as np
import pytest

import sheer
from sheer import GradientTape, layers
from written import figures, run

ROWS = np.random.default_rng(0)
X = ROWS.normal(size=(20, 3)).astype("float32")
IDS = ROWS.integers(0, 6, (20, 2))
Y = ROWS.normal(size=(20, 1)).astype("float32")


def model_of(layer):
    model = sheer.Sequential([layer, layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


# --- in models --------------------------------------------------------------------------------


def test_programs():
    """What a program says, and that no vocabulary stays behind in one."""
    lookup = layers.IntegerLookup(output_mode="multi_hot")
    lookup.adapt(IDS[:5])
    model = model_of(lookup)
    before = model.predict(IDS, verbose=0)
    text = str(model.predict_program())
    assert "one_hot(place1, " in text and "def look_up(x, keys, values, default):" in text
    lookup.adapt(np.array([[7, 8]]))
    assert lookup.get_vocabulary() == [-1, 8, 7]
    with pytest.raises(ValueError):
        model.predict(IDS, verbose=0)  # rows of another length
    bins = layers.Discretization(num_bins=3)
    bins.adapt(X)
    model = model_of(bins)
    first = model.predict(X, verbose=0)
    assert "np.digitize(x, np.array([" in str(model.predict_program()).replace("\n        ", " ")
    bins.adapt(X + 1)
    after = model.predict(X, verbose=0)
    assert before.shape == first.shape and (after != first).any()
    np.testing.assert_allclose(after, model(X).numpy(), rtol=1e-5, atol=1e-6)


def test_normalization_learns_after_a_fit_too():
    norm = layers.Normalization()
    norm.adapt(X)
    np.testing.assert_allclose(norm(X).numpy().std(axis=0), 1, rtol=1e-5)
    model = model_of(norm)
    model.fit(X, Y, verbose=0)
    assert "(x - normalization.mean) / " in str(model.train_program())
    before = model.predict(X, verbose=0)
    norm.adapt(2 * X)
    assert (model.predict(X, verbose=0) != before).any()
    assert [w.trainable for w in norm.weights] == [False] * 3


def test_scripts(tmp_path):
    """They print what fit prints, with NumPy alone: what was learned and the hashes come along."""
    norm, hashing = layers.Normalization(), layers.Hashing(4, mask_value=0, output_mode="one_hot")
    norm.adapt(X)
    for layer, x in ((norm, X), (hashing, IDS)):
        sheer.utils.clear_session()
        sheer.utils.set_random_seed(1)
        model = model_of(layer)
        model.build((None, *x.shape[1:]))
        path = tmp_path / f"{layer.name}.py"
        np.savez(tmp_path / "data.npz", x=x, y=Y)
        model.write_program(path, x, Y, epochs=2, batch_size=8, shuffle=False)
        history = model.fit(x, Y, epochs=2, batch_size=8, shuffle=False, verbose=0).history
        printed = figures(run(path))
        losses = [line["loss"] for line in printed[:2]]
        np.testing.assert_allclose(losses, history["loss"], atol=2e-4)


def test_gradients():
    x = sheer.Tensor(X)
    for layer, slope in [
        (layers.Rescaling(3.0, offset=1.0), 3.0),
        (layers.Normalization(axis=None, mean=1.0, variance=4.0), 0.5),
        (layers.Normalization(axis=None, mean=1.0, variance=4.0, invert=True), 2.0),
    ]:
        with GradientTape() as tape:
            tape.watch(x)
            y = sheer.ops.sum(layer(x))
        np.testing.assert_allclose(tape.gradient(y, x).numpy(), np.full(X.shape, slope))


def test_float64():
    assert layers.Rescaling(0.1, dtype="float64")(X).dtype == "float64"
    layer = layers.Normalization(dtype="float64")
    layer.adapt(X)
    assert layer(X).dtype == layer.adapt_mean.dtype == "float64"


def test_count_weights():
    layer = layers.CategoryEncoding(3, output_mode="count")
    assert layer([[0, 2, 2]], count_weights=[[0.5, 1, 2]]).numpy().tolist() == [[0.5, 0, 3]]
    with pytest.raises(ValueError, match="count_weights are for output_mode='count'"):
        layers.CategoryEncoding(3)([[0]], count_weights=[[1]])


# --- what they learn from ---------------------------------------------------------------------


class Batches:
    """As a PyDataset: a length, and batches by number."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return X[5 * i : 5 * i + 5], Y[5 * i : 5 * i + 5]


def test_batches():
    whole = layers.Normalization()
    whole.adapt(X)
    for data in ([X[:7], X[7:]], ((X[i : i + 3], Y) for i in range(0, 20, 3)), Batches()):
        layer = layers.Normalization()
        layer.adapt(data)
        np.testing.assert_allclose(layer.mean, whole.mean, rtol=1e-5)
        np.testing.assert_allclose(layer.variance, whole.variance, rtol=1e-5)
    few, first = layers.Discretization(num_bins=3), layers.Discretization(num_bins=3)
    few.adapt((X[i : i + 5] for i in range(0, 20, 5)), steps=1)
    first.adapt(X[:5])
    assert few.bin_boundaries == first.bin_boundaries
    lookup = layers.StringLookup()
    lookup.adapt(iter([["a"], ["b", "b"], ["c"]]), steps=2)
    assert lookup.get_vocabulary() == ["[UNK]", "b", "a"]


def test_strings_of_many_kinds():
    layer = layers.StringLookup(vocabulary=["é", "b"])
    for strings in (
        ["é", "b", "?"],
        ("é", "b", "?"),
        np.array(["é", "b", "?"]),
        np.array(["é", "b", "?"], object),
        np.array(["é".encode(), b"b", b"?"]),
        ["é".encode(), "b", "?"],
    ):
        assert layer(strings).numpy().tolist() == [1, 2, 0]
        bins = layers.Hashing(1000)(strings).numpy().tolist()
        assert bins == layers.Hashing(1000)(["é", "b", "?"]).numpy().tolist()
    back = layers.StringLookup(vocabulary=["é", "b"], invert=True)
    assert back(layer([["b", "?"]])).tolist() == [["b", "[UNK]"]]


def test_vocabulary_files(tmp_path):
    (tmp_path / "words.txt").write_text("b\na\n", encoding="utf-8")
    (tmp_path / "numbers.txt").write_text("5\n3\n")
    layer = layers.StringLookup(vocabulary=str(tmp_path / "words.txt"))
    assert layer.get_vocabulary() == ["[UNK]", "b", "a"]
    assert layer.get_config()["vocabulary"] == ["b", "a"]
    layer = layers.IntegerLookup(vocabulary=tmp_path / "numbers.txt", mask_token=0)
    assert layer.get_vocabulary() == [0, -1, 5, 3]
    assert layer.get_vocabulary(include_special_tokens=False) == [5, 3]
    with pytest.raises(ValueError, match="a config may not name a file to read"):
        layers.StringLookup.from_config({"vocabulary": str(tmp_path / "words.txt")})


# --- what they refuse -------------------------------------------------------------------------


def test_strings_stay_outside_of_models():
    layer = layers.StringLookup(vocabulary=["a"], name="words")
    with pytest.raises(TypeError) as error:
        layer(sheer.Tensor([1]))
    assert str(error.value) == (
        "words needs strings, and the values inside a model are numbers. Got <Tensor shape=(1,) "
        "dtype=int32 [1]>.\nCall it on arrays or lists of strings ahead of the model, and give the "
        "model what it returns: model.fit(layer(strings), y)."
    )
    with pytest.raises(ValueError, match=r"Tensors hold numbers, and these are strings \(str32\)"):
        model_of(layers.Rescaling(1.0))(np.array([["a"]]))
    with pytest.raises(TypeError, match=r"as many in each row. Got nan at \[1\]"):
        layer(np.array(["a", np.nan], object))
    with pytest.raises(TypeError, match=r"needs strings. Got an array of dtype int64"):
        layer(np.array([1]))


REFUSED = [
    (lambda: layers.StringLookup()(["a"]), "has no vocabulary yet: give one, or call "),
    (lambda: layers.StringLookup(vocabulary=["a", "a"]), "stand twice in the vocabulary: ['a']"),
    (lambda: layers.StringLookup(vocabulary=[]), "StringLookup: the vocabulary is empty."),
    (lambda: layers.StringLookup(vocabulary=["a", ""], mask_token=""), "the mask_token '' stands"),
    (lambda: layers.StringLookup(vocabulary=["a", "b"], max_tokens=2), "has 3 tokens"),
    (lambda: layers.StringLookup(vocabulary=["a"]).adapt(["a"]), "was given its vocabulary"),
    (lambda: layers.StringLookup(vocabulary=["a"], output_mode="tf_idf"), "idf_weights are for"),
    (lambda: layers.StringLookup(invert=True, output_mode="count"), "invert needs output_mode"),
    (lambda: layers.StringLookup(pad_to_max_tokens=True), "pad_to_max_tokens needs max_tokens"),
    (lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["q"]), "['q'] are not in"),
    (lambda: layers.IntegerLookup(salt=3), "a salt is for oov_method='farmhash'"),
    (lambda: layers.Discretization(), "give bin_boundaries, or num_bins"),
    (lambda: layers.Discretization([1.0, 0.0]), "must be a list of ascending numbers"),
    (lambda: layers.Discretization(num_bins=2)(X), "has no bins yet"),
    (lambda: layers.Discretization([0.0]).adapt(X), "was given its bin_boundaries"),
    (lambda: layers.Discretization(num_bins=2).adapt([]), "the data are empty"),
    (lambda: layers.Normalization(mean=1.0), "give both mean and variance, or neither"),
    (lambda: layers.Normalization(mean=[[1.0]], variance=[[1.0]]), "need the same shape"),
    (lambda: layers.Normalization(axis=2)(X), "each axis of (2,) must be there"),
    (lambda: layers.Normalization(mean=1.0, variance=1.0).adapt(X), "was given its mean"),
    (lambda: layers.Hashing(3, dtype="float32"), "dtype must be 'int32' or 'int64'"),
]


@pytest.mark.parametrize(("call", "text"), REFUSED, ids=[text for _, text in REFUSED])
def test_refused(call, text):
    with pytest.raises(ValueError) as error:
        call()
    assert text in str(error.value)


def test_a_batch_of_another_shape():
    layer = layers.Normalization(name="norm")
    with pytest.raises(ValueError) as error:
        layer.adapt([X, X[:, :2]])
    assert str(error.value) == (
        "norm.adapt: the data have the shape (20, 2), and the layer was built for (20, 3)."
    )
