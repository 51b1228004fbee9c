"""Files that Keras wrote (scripts/record_keras_files.py), and what its models predict."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sheer
from sheer import layers

pytest.importorskip("h5py", reason="Keras's files need sheer[h5]")

FOLDER = Path(__file__).parents[1] / "fixtures" / "keras" / "files"
FOUND = json.loads((FOLDER / "files.json").read_text())
X, Y = np.array(FOUND["x"], "float32"), np.array(FOUND["y"])
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


class Net(sheer.Model):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = layers.Dense(3)
        self.out = layers.Dense(1)
        self.blocks = [layers.Dense(3), [layers.Dense(3)]]
        self.by_name = {"b": layers.Dense(3), "a": layers.Activation("tanh")}
        self.offset = self.add_weight(shape=(3,), name="offset")

    def call(self, x: Any) -> Any:
        for layer in (self.hidden, self.blocks[0], self.blocks[1][0], *self.by_name.values()):
            x = layer(x)
        return self.out(x + self.offset)


@pytest.mark.parametrize("again", [False, True], ids=["Keras's file", "saved again"])
def test_a_model_goes_on_where_keras_left_off(again: bool, tmp_path: Path) -> None:
    """The next step needs the optimizer's slots, its clipping, the penalties, the constraint."""
    model = sheer.saving.load_model(FOLDER / "sequential.keras")
    if again:
        model.save(tmp_path / "m.keras")
        model = sheer.saving.load_model(tmp_path / "m.keras")
    found = FOUND["sequential"]
    assert model.name == "recorded" and int(model.optimizer.iterations) == 2
    np.testing.assert_allclose(model.predict(X, verbose=0), found["before"], **CLOSE)
    figures = model.train_on_batch(X, Y, return_dict=True)
    assert set(figures) == {"loss", "accuracy", "top"}
    np.testing.assert_allclose(figures["loss"], found["loss"], rtol=1e-5)
    np.testing.assert_allclose(model.predict(X, verbose=0), found["after"], **CLOSE)


def test_without_compiling() -> None:
    model = sheer.saving.load_model(FOLDER / "sequential.keras", compile=False)
    assert model.optimizer is None
    np.testing.assert_allclose(model.predict(X, verbose=0), FOUND["sequential"]["before"], **CLOSE)


def test_weights_of_a_model_in_code(tmp_path: Path) -> None:
    net = Net()
    net(X)
    net.load_weights(FOLDER / "net.weights.h5")
    np.testing.assert_allclose(net.predict(X, verbose=0), FOUND["net"], **CLOSE)
    net.compile("sgd", "mse")
    net.load_weights(FOLDER / "net.weights.h5")
    assert int(net.optimizer.iterations) == 1
    net.save_weights(tmp_path / "again.weights.h5")
    same = Net()
    same(X)
    same.load_weights(tmp_path / "again.weights.h5")
    np.testing.assert_array_equal(same.predict(X, verbose=0), net.predict(X, verbose=0))


def test_the_groups_have_keras_s_names(tmp_path: Path) -> None:
    import h5py

    def names(path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        with h5py.File(path) as file:
            file.visititems(lambda name, thing: found.update({name: getattr(thing, "shape", None)}))
        return found

    net = Net()
    net(X)
    net.compile("sgd", "mse")
    net.train_on_batch(X, Y)
    net.save_weights(tmp_path / "net.weights.h5")
    assert names(tmp_path / "net.weights.h5") == names(FOLDER / "net.weights.h5")


def test_weights_of_a_whole_model() -> None:
    model = sheer.saving.load_model(FOLDER / "sequential.keras")
    wanted = model.get_weights()
    model.set_weights([0 * w for w in wanted])
    model.load_weights(FOLDER / "sequential.keras")
    assert all(map(np.array_equal, model.get_weights(), wanted))


def test_weights_that_do_not_fit() -> None:
    net = sheer.Sequential([sheer.Input((3,)), layers.Dense(2)])
    before = net.get_weights()
    with pytest.raises(ValueError, match="no weight was changed") as error:
        net.load_weights(FOLDER / "net.weights.h5")
    assert "  layers/dense/vars/0 (dense/kernel)  model: (3, 2), file: none\n" in str(error.value)
    assert "  hidden/vars/0 " in str(error.value)
    assert all(map(np.array_equal, net.get_weights(), before))


def test_a_lambda_is_never_run() -> None:
    path = FOLDER / "lambda.keras"
    for safe_mode in (True, False):
        with pytest.raises(ValueError) as error:
            sheer.saving.load_model(path, safe_mode=safe_mode)
        assert str(error.value) == (
            f"load_model: the description of the model in {path} is not sound, or of a later "
            "version: ValueError: 'twice' holds a lambda, a function without a name. A file's code "
            "is never run: give the function, custom_objects={'twice': ...}."
        )
    for name in ("twice", "<lambda>"):
        model = sheer.saving.load_model(path, {name: lambda x: 3 * x})
        np.testing.assert_array_equal(model.predict(X, verbose=0), 3 * X)
