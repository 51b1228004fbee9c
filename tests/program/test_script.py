"""write_program: the whole training as a script that needs NumPy alone."""

import re
import subprocess
import sys

import numpy as np
import pytest

import sheer
from sheer import layers
from written import run, same

# The script is NumPy code, so it is compared with that.
pytestmark = pytest.mark.usefixtures("numpy_engine")


def digits_model(optimizer="rmsprop", **first):
    model = sheer.Sequential(
        [layers.Dense(32, activation="relu", **first), layers.Dense(10, activation="softmax")]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam"])
def test_after_fit(digits, tmp_path, optimizer):
    (x, y), (x_test, y_test) = digits
    model = digits_model(optimizer)
    history = model.fit(
        x, y, epochs=3, batch_size=100, validation_data=(x_test, y_test), verbose=0
    ).history
    model.write_program(tmp_path / "train.py")
    same(run(tmp_path / "train.py"), history, validated=True)


def test_held_out_data_given_after_a_fit_without(digits, tmp_path):
    (x, y), (x_test, y_test) = digits
    model = digits_model()
    model.fit(x, y, epochs=1, batch_size=100, verbose=0)
    figures = model.evaluate(x_test, y_test, batch_size=100, verbose=0, return_dict=True)
    model.write_program(tmp_path / "train.py", validation_data=(x_test, y_test))
    last = run(tmp_path / "train.py").splitlines()[-1]
    printed = {k: float(v) for k, v in re.findall(r" - (\w+): ([\d.]+)", last)}
    assert printed == pytest.approx(figures, abs=1e-5)


def test_before_fit(digits, tmp_path):
    (x, y), _ = digits
    sheer.utils.set_random_seed(11)
    model = digits_model()
    model.build((None, 64))
    model.write_program(tmp_path / "train.py", x, y, epochs=2, batch_size=64)
    history = model.fit(x, y, epochs=2, batch_size=64, verbose=0).history
    printed = run(tmp_path / "train.py")
    same(printed, history)
    assert printed.splitlines()[-1] == "No x_test and y_test in the data: no evaluation."


@pytest.mark.parametrize(
    "initializer",
    ["he_normal", "lecun_uniform", "ones", sheer.initializers.RandomUniform(-0.1, 0.3, seed=5),
     sheer.initializers.Constant(0.01), "random_normal"],
    ids=str,
)  # fmt: skip
def test_initializers(digits, tmp_path, initializer):
    (x, y), _ = digits
    model = digits_model("sgd", kernel_initializer=initializer)
    history = model.fit(x, y, epochs=1, batch_size=200, verbose=0).history
    model.write_program(tmp_path / "train.py")
    same(run(tmp_path / "train.py"), history)


def test_weights_set_by_hand_are_stored(digits, tmp_path):
    (x, y), _ = digits
    model = digits_model("sgd")
    model.build((None, 64))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) / 10 for w in model.weights])
    model.write_program(tmp_path / "train.py", x, y, epochs=1, batch_size=100)
    history = model.fit(x, y, epochs=1, batch_size=100, verbose=0).history
    same(run(tmp_path / "train.py"), history)
    with np.load(tmp_path / "train.npz") as stored:
        assert "dense.kernel" in stored


def test_regression_in_float64_unshuffled(tmp_path):
    sheer.config.set_floatx("float64")
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 3))
    y = x @ np.array([[1.0], [2.0], [-1.0]])
    model = sheer.Sequential([layers.Dense(8, activation="tanh"), layers.Dense(1)])
    model.compile(sheer.optimizers.SGD(0.05, momentum=0.9), "mse", metrics=["mae"])
    history = model.fit(x, y, epochs=3, batch_size=16, shuffle=False, verbose=0).history
    model.write_program(tmp_path / "train.py")
    same(run(tmp_path / "train.py"), history)


class Gate(layers.Layer):
    """x times the sigmoid of a learned direction; it counts its training steps."""

    def build(self, input_shape):
        self.direction = self.add_weight((input_shape[-1], 1), name="direction")
        self.count = self.add_weight((), initializer="zeros", trainable=False, name="count")

    def call(self, inputs, training=False):
        if training:
            self.count.assign_add(1)
        return inputs * sheer.ops.sigmoid(inputs @ self.direction)


def test_all_at_once(tmp_path):
    """Own layers with state, penalties, constraints, clipping, decay, metrics with state."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6))
    y = (x[:, :1] + x[:, 1:2] > 0).astype(int)
    hidden = layers.Dense(16, "gelu", kernel_regularizer="l2", kernel_constraint="max_norm")
    model = sheer.Sequential([Gate(name="np"), hidden, layers.Dense(1, "sigmoid")])
    optimizer = sheer.optimizers.Adam(0.01, amsgrad=True, global_clipnorm=1.0, weight_decay=1e-3)
    model.compile(optimizer, "bce", metrics=["accuracy", "AUC", sheer.metrics.Precision()])
    history = model.fit(x, y, epochs=3, batch_size=20, validation_split=0.25, verbose=0).history
    model.write_program(tmp_path / "train.py")
    same(run(tmp_path / "train.py"), history, validated=True)


class Noise(layers.Layer):
    """Adds random numbers while it trains."""

    def __init__(self):
        super().__init__()
        self.seeds = sheer.random.SeedGenerator(7)

    def call(self, inputs, training=False):
        return inputs + sheer.random.normal((4,), seed=self.seeds) if training else inputs


def test_random_numbers_in_the_step(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 4))
    y = x[:, :1]
    model = sheer.Sequential([Noise(), layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(x, y, epochs=2, verbose=0).history
    model.write_program(tmp_path / "train.py")
    same(run(tmp_path / "train.py"), history)
    # The first key is read from the file beside the script, wherever the data are from.
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y)
    same(run(tmp_path / "train.py", tmp_path / "data.npz"), history)


def test_data_that_are_gone(tmp_path):
    model = sheer.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    with pytest.warns(UserWarning, match="the data of the last fit are no longer in memory"):
        model.write_program(tmp_path / "train.py")
    for content in (None, {"z": np.ones(3)}):
        if content:
            np.savez(tmp_path / "train.npz", **content)
        command = [sys.executable, str(tmp_path / "train.py")]
        done = subprocess.run(command, capture_output=True, text=True)
        problem = (
            "lacks x_train or y_train. Give another"
            if content
            else "is not there. Give the data file"
        )
        assert done.returncode == 1
        assert f"train.npz {problem}: python train.py DATA.npz" in done.stderr


def test_weights_set_by_hand_and_trained_are_refused(digits, tmp_path):
    (x, y), _ = digits
    model = digits_model("sgd")
    model.build((None, 64))
    model.layers[1].set_weights([np.zeros((32, 10)), np.zeros(10)])
    model.fit(x, y, verbose=0)
    with pytest.raises(ValueError) as caught:
        model.write_program(tmp_path / "train.py")
    assert str(caught.value) == (
        "write_program: the first value of dense_1/kernel, dense_1/bias is not known any more: it "
        "was set by hand, or made by a function of yours, and fit has changed it.\n"
        "Write the script before fit; or give x and y, to begin with the weights as they are."
    )
    assert list(tmp_path.iterdir()) == []


def test_other_data_as_an_argument(digits, tmp_path):
    """Without data at hand, the script reads a file laid out like Keras's mnist.npz: bytes."""
    (x, y), _ = digits
    sheer.utils.set_random_seed(4)
    model = digits_model()
    model.build((None, 64))
    model.write_program(tmp_path / "train.py", epochs=2, batch_size=128)
    assert not (tmp_path / "train.npz").exists()
    images = np.rint(x * 255).astype(np.uint8).reshape(-1, 8, 8)
    np.savez(tmp_path / "data.npz", x_train=images, y_train=y, x_test=images[:9], y_test=y[:9])
    history = model.fit(
        images.reshape(-1, 64).astype(np.float32) / 255, y, epochs=2, batch_size=128, verbose=0
    ).history
    same(run(tmp_path / "train.py", tmp_path / "data.npz"), history)


def test_images_are_stored_as_bytes(tmp_path):
    x = np.arange(256, dtype=np.float32).reshape(4, 64) / 255
    model = digits_model()
    model.build((None, 64))
    model.write_program(tmp_path / "train.py", x, np.zeros(4, int), epochs=1)
    with np.load(tmp_path / "train.npz") as stored:
        assert stored["x_train"].dtype == np.uint8
        np.testing.assert_array_equal(stored["x_train"].astype(np.float32) / np.float32(255), x)


def test_the_script_names_nothing_but_numpy(digits, tmp_path):
    (x, y), _ = digits
    model = digits_model()
    model.fit(x, y, epochs=1, verbose=0)
    model.write_program(tmp_path / "train.py")
    text = (tmp_path / "train.py").read_text()
    assert re.findall(r"^(?:import|from) (\w+)", text, re.M) == ["sys", "pathlib", "types", "numpy"]
    assert str(model.train_program()).split("def train_step")[1].split("\n\n\n")[0] in text
    assert max(map(len, text.splitlines())) <= 100


def test_steps_per_epoch_are_refused(digits, tmp_path):
    (x, y), _ = digits
    model = digits_model()
    model.fit(x, y, batch_size=100, steps_per_epoch=3, verbose=0)
    with pytest.raises(ValueError) as caught:
        model.write_program(tmp_path / "train.py")
    assert str(caught.value) == (
        "write_program: a script goes through all the data in each epoch; the last fit had "
        "steps_per_epoch=3. Give x and y, or fit without it."
    )
    assert list(tmp_path.iterdir()) == []


def test_several_inputs_are_refused(tmp_path):
    x = np.ones((4, 3), np.float32)
    model = sheer.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], sample_weight=np.ones(4), verbose=0)
    with pytest.raises(ValueError) as caught:
        model.write_program(tmp_path / "train.py")
    assert str(caught.value) == (
        "write_program: a script can be written for one array x, one array y and no sample "
        "weights. This model was trained on x, y, sample_weight."
    )
    assert list(tmp_path.iterdir()) == []
