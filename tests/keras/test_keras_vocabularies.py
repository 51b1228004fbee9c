"""Files of Keras's whose layers learned a vocabulary (scripts/record_keras_vocabularies.py)."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sheer
from sheer import layers, saving

h5py = pytest.importorskip("h5py", reason="Keras's files need sheer[h5]")

FOLDER = Path(__file__).parents[1] / "fixtures" / "keras" / "files"
FOUND = json.loads((FOLDER / "vocabularies.json").read_text())
X = np.array(FOUND["x"])
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


class Words(sheer.Model):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = layers.StringLookup(mask_token="")
        self.weighted = layers.StringLookup(output_mode="tf_idf")
        self.out = layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.out(x)


KNOWN = {"recorded>Words": Words, "Words": Words}


@pytest.mark.parametrize("again", ["", "m.keras", "m.safetensors"])
def test_lookups_in_a_model(again: str, tmp_path: Path) -> None:
    """Each kind of output, tf_idf too, bins and a mean; and saved again."""
    model = saving.load_model(FOLDER / "numbers.keras")
    if again:
        model.save(tmp_path / again)
        model = saving.load_model(tmp_path / again)
    np.testing.assert_allclose(model.predict(X, verbose=0), FOUND["numbers"], **CLOSE)
    lookup = model.get_layer("integer_lookup")
    assert lookup.get_vocabulary() == [0, -1, -1, 30, 1, 9, 5]
    lookup.adapt([[7, 7, 8]])  # it learned its vocabulary, and may learn another
    assert lookup.get_vocabulary(False) == [7, 8]


def test_lookups_on_numpy(numpy_engine: None) -> None:
    model = saving.load_model(FOLDER / "numbers.keras")
    np.testing.assert_allclose(model.predict(X, verbose=0), FOUND["numbers"], **CLOSE)


@pytest.mark.parametrize("again", ["", "m.keras", "m.safetensors"])
def test_lookups_ahead_of_a_model(again: str, tmp_path: Path) -> None:
    model = saving.load_model(FOLDER / "words.keras", KNOWN)
    if again:
        model.save(tmp_path / again)
        model = saving.load_model(tmp_path / again, KNOWN)
    assert np.asarray(model.words([FOUND["words"]])).tolist() == FOUND["int"]
    np.testing.assert_allclose(model.weighted([FOUND["words"]]), FOUND["tf_idf"], **CLOSE)


def test_the_members_are_keras_s(tmp_path: Path) -> None:
    saving.load_model(FOLDER / "words.keras", KNOWN).save(tmp_path / "m.keras")
    with (
        zipfile.ZipFile(FOLDER / "words.keras") as keras,
        zipfile.ZipFile(tmp_path / "m.keras") as ours,
    ):
        names = [name for name in keras.namelist() if name.startswith("assets/")]
        assert len(names) == 2
        assert names == [n for n in ours.namelist() if n.startswith("assets/")]
        assert all(keras.read(name) == ours.read(name) for name in names)
        for archive in (keras, ours):
            with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
                assert "layers/string_lookup_1/vars/idf_weights" in file or \
                    "weighted/vars/idf_weights" in file  # fmt: skip


def test_weights_of_tf_idf_by_themselves(tmp_path: Path) -> None:
    model = saving.load_model(FOLDER / "numbers.keras")
    other = saving.load_model(FOLDER / "numbers.keras")
    (lookup,) = [layer for layer in other.layers if getattr(layer, "_idf", None) is not None]
    lookup.set_vocabulary(lookup.get_vocabulary(), [9.0] * lookup.vocabulary_size())
    assert not np.allclose(other.predict(X, verbose=0), FOUND["numbers"])
    for name in ("m.weights.h5", "m.safetensors"):
        model.save_weights(tmp_path / name)
        other.load_weights(tmp_path / name)
        np.testing.assert_allclose(other.predict(X, verbose=0), FOUND["numbers"], **CLOSE)
    lookup.set_vocabulary([3, 4], [1.0, 2.0])
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"idf_weights.* model: \(3,\), file: \(5,\)"):
        other.load_weights(tmp_path / "m.weights.h5")
    assert all(map(np.array_equal, other.get_weights(), before))


def test_an_empty_token_at_the_end(tmp_path: Path) -> None:
    model = Words()
    model(np.ones((1, 4), "float32"))
    model.words = layers.StringLookup()
    model.words.set_vocabulary(["a", "é", ""])
    model.save(tmp_path / "m.keras")
    same = Words()
    same.words = layers.StringLookup()
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        same.words.load_vocabulary(archive.read("assets/layers/string_lookup/vocabulary.txt"))
    assert same.words.get_vocabulary() == ["[UNK]", "a", "é", ""]


def test_a_token_that_no_line_holds(tmp_path: Path) -> None:
    model = Words()
    model(np.ones((1, 4), "float32"))
    model.words.set_vocabulary(["a\nb"])
    with pytest.raises(ValueError, match=r"keeps a token in each line, and \['a\\nb'\] hold the"):
        model.save(tmp_path / "m.keras")
    assert not [*tmp_path.iterdir()]
