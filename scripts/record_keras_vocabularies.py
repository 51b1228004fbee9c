"""Write files of Keras models that learned vocabularies, and what they answer, to
`tests/fixtures/keras/files`. Keras runs these layers on TensorFlow alone.

python -m venv FOLDER && FOLDER/bin/pip install "keras>=3.15" tensorflow h5py
KERAS_BACKEND=tensorflow FOLDER/bin/python scripts/record_keras_vocabularies.py
"""

import json
from pathlib import Path

import numpy as np

import keras
from keras import layers

FOLDER = Path(__file__).parents[1] / "tests" / "fixtures" / "keras" / "files"
DATA = np.array([[30, 1], [1, 9], [1, 5], [30, 30]])
X = np.array([[30, 1], [9, 0], [77, 5]])
WORDS = ["b", "é b", "unseen", ""]


def numbers():
    """A model with an adapted IntegerLookup for each kind of output."""
    x = layers.Input((2,), dtype="int64", name="x")
    given = [{"output_mode": mode} for mode in ("int", "multi_hot", "count", "tf_idf")]
    given[0] |= {"mask_token": 0, "num_oov_indices": 2}
    given[2] |= {"max_tokens": 9, "pad_to_max_tokens": True}
    found = []
    for arguments in given:
        lookup = layers.IntegerLookup(**arguments)
        lookup.adapt(DATA)
        found.append(lookup(x))
    bins = layers.Discretization(num_bins=3, output_mode="one_hot")
    bins.adapt(DATA.astype("float32"))
    scaled = layers.Normalization()
    scaled.adapt(DATA.astype("float32"))
    floats = layers.Rescaling(1.0)(x)
    embedded = layers.Flatten()(layers.Embedding(8, 2)(found[0]))
    y = layers.Concatenate()([embedded, *found[1:], layers.Flatten()(bins(floats)), scaled(floats)])
    return keras.Model(x, layers.Dense(2)(y), name="numbers")


@keras.saving.register_keras_serializable("recorded")
class Words(keras.Model):
    """Strings are looked up ahead of the model, which keeps the layers for it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.words = layers.StringLookup(mask_token="")
        self.weighted = layers.StringLookup(output_mode="tf_idf")
        self.out = layers.Dense(1)

    def call(self, x):
        return self.out(x)


def main():
    keras.utils.set_random_seed(1)
    model = numbers()
    model.save(FOLDER / "numbers.keras")
    found = {"x": X.tolist(), "numbers": model.predict(X, verbose=0).tolist(), "words": WORDS}
    model = Words(name="words")
    model(np.ones((1, 4), "float32"))
    for layer in (model.words, model.weighted):
        layer.adapt(np.array([["b", "b"], ["b", "é b"], ["c", "c"]]))
        found[layer.output_mode] = np.asarray(layer(np.array([WORDS]))).tolist()
    model.save(FOLDER / "words.keras")
    (FOLDER / "vocabularies.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
