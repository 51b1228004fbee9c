"""Write small files with Keras 3, and what their models predict, to `tests/fixtures/keras/files`.

python -m venv FOLDER && FOLDER/bin/pip install "keras>=3.15" jax h5py
KERAS_BACKEND=jax FOLDER/bin/python scripts/record_keras_files.py
"""

import json
from pathlib import Path

import numpy as np

import keras
from keras import layers

FOLDER = Path(__file__).parents[1] / "tests" / "fixtures" / "keras" / "files"
X = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
Y = np.array([0, 1, 1, 0])


def sequential():
    """A Sequential with much that a config can hold, trained for two steps."""
    model = keras.Sequential(
        [
            layers.Input((3,)),
            layers.Dense(
                4,
                activation="leaky_relu",
                kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02),
                bias_constraint="non_neg",
                activity_regularizer="l1",
            ),
            layers.Activation("tanh"),
            layers.Dense(2, "softmax", kernel_initializer=keras.initializers.HeNormal(seed=3)),
        ],
        name="recorded",
    )
    model.compile(
        keras.optimizers.Adam(0.01, clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=1, name="top")],
    )
    return model


class Net(keras.Model):
    """Layers in attributes, lists and dictionaries, with names before and after "layers"."""

    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(3)
        self.out = layers.Dense(1)
        self.blocks = [layers.Dense(3), [layers.Dense(3)]]
        self.by_name = {"b": layers.Dense(3), "a": layers.Activation("tanh")}
        self.offset = self.add_weight(shape=(3,), name="offset")

    def call(self, x):
        for layer in (self.hidden, self.blocks[0], self.blocks[1][0], *self.by_name.values()):
            x = layer(x)
        return self.out(x + self.offset)


def main():
    keras.utils.set_random_seed(1)
    FOLDER.mkdir(exist_ok=True)
    found = {"x": X.tolist(), "y": Y.tolist()}

    model = sequential()
    for _ in range(2):
        model.train_on_batch(X, Y)
    model.save(FOLDER / "sequential.keras")
    found["sequential"] = {"before": model.predict(X, verbose=0).tolist()}
    found["sequential"]["loss"] = float(model.train_on_batch(X, Y, return_dict=True)["loss"])
    found["sequential"]["after"] = model.predict(X, verbose=0).tolist()

    net = Net()
    net.compile("sgd", "mse")
    net.train_on_batch(X, Y)
    net.save_weights(FOLDER / "net.weights.h5")
    found["net"] = net.predict(X, verbose=0).tolist()

    secret = keras.Sequential([layers.Input((3,)), layers.Lambda(lambda x: 2 * x, name="twice")])
    secret.save(FOLDER / "lambda.keras")
    (FOLDER / "files.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
