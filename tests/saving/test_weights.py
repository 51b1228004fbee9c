"""Weights of models to a safetensors file and back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sheer
from sheer import layers, saving
from sheer.saving.weights import counted_from_0


def net(*units: int, features: int = 3, **kwargs: Any) -> sheer.Sequential:
    return sheer.Sequential([sheer.Input((features,)), *(layers.Dense(u, **kwargs) for u in units)])


def same_weights(a: Any, b: Any) -> bool:
    return all(np.array_equal(v, w) for v, w in zip(a.get_weights(), b.get_weights(), strict=True))


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    a = net(4, 2)
    a.save_weights(path)
    arrays, metadata = saving.read(path)
    assert metadata == {}
    assert {name: array.shape for name, array in arrays.items()} == {
        "dense/kernel": (3, 4),
        "dense/bias": (4,),
        "dense_1/kernel": (4, 2),
        "dense_1/bias": (2,),
    }
    sheer.utils.clear_session()
    b = net(4, 2)
    assert not same_weights(a, b)
    b.load_weights(path)
    assert same_weights(a, b)
    x = np.ones((5, 3), "float32")
    np.testing.assert_array_equal(a.predict(x, verbose=0), b.predict(x, verbose=0))


def test_it_does_not_matter_how_many_layers_were_made_before(tmp_path: Path) -> None:
    models_ = [net(*[3] * 12) for _ in range(2)]
    assert models_[1].weights[0].path == "dense_12/kernel"
    models_[0].save_weights(tmp_path / "w")
    models_[1].load_weights(tmp_path / "w")
    assert same_weights(*models_)


def test_paths_counted_from_0() -> None:
    # Sorted by number, not by place or by letter: dense_10 comes after dense_9.
    paths = ["dense_10/kernel", "dense_9/bias", "head/dense_12/w", "head/out_3/w", "n_2", "p_1_2/b"]
    assert list(counted_from_0(paths).values()) == [
        "dense_1/kernel",
        "dense/bias",
        "head/dense_2/w",
        "head/out/w",
        "n_2",
        "p_1/b",
    ]


def test_names_that_would_fall_together_are_not_counted(tmp_path: Path) -> None:
    # `a` and `a_1` beside `a_1_2`: counted from 0, two of them would be called `a_1`.
    def make(names: list[str]) -> sheer.Sequential:
        return sheer.Sequential(
            [sheer.Input((2,)), *(layers.Dense(2, use_bias=False, name=n) for n in names)]
        )

    a = make(["a", "a_1", "a_1_2"])
    a.save_weights(tmp_path / "w")
    b = make(["a", "a_1", "a_1_3"])
    before = b.get_weights()
    with pytest.raises(ValueError, match="does not fit the model"):
        b.load_weights(tmp_path / "w")
    assert all(map(np.array_equal, b.get_weights(), before))


def test_all_mismatches_at_once_and_nothing_changed(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    saving.write(
        path,
        {
            "dense/kernel": np.zeros((3, 4), "float32"),
            "dense/bias": np.zeros(4, "int32"),
            "dense_1/kernel": np.zeros((4, 5), "float32"),
            "other/kernel": np.zeros((), "float32"),
        },
    )
    model = net(4, 2)
    before = model.get_weights()
    with pytest.raises(ValueError) as error:
        model.load_weights(path)
    assert str(error.value) == (
        f"{path} does not fit the model 'sequential'; no weight was changed.\n"
        "  dense/bias      model: float32, file: int32\n"
        "  dense_1/kernel  model: (4, 2), file: (4, 5)\n"
        "  dense_1/bias    model: (2,), file: none\n"
        "  other/kernel    model: none, file: ()\n"
        "Make the model with the layers, and names, that it had when it was saved."
    )
    assert all(map(np.array_equal, model.get_weights(), before))


def test_a_damaged_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "w"
    model = net(2)
    model.save_weights(path)
    path.write_bytes(path.read_bytes()[:-1])
    before = model.get_weights()
    with pytest.raises(ValueError, match="is not a sound safetensors file: its arrays take 32"):
        model.load_weights(path)
    assert all(map(np.array_equal, model.get_weights(), before))


def test_floats_of_another_precision_fit(tmp_path: Path) -> None:
    path = tmp_path / "w"
    values = {
        "dense/kernel": np.array([[0.5], [1.5], [2.5]], "float64"),
        "dense/bias": np.array([0.25], "float16"),
    }
    saving.write(path, values)
    model = net(1)
    model.load_weights(path)
    assert [w.dtype.name for w in model.get_weights()] == ["float32", "float32"]
    assert model.get_weights()[0].tolist() == [[0.5], [1.5], [2.5]]
    assert model.get_weights()[1].tolist() == [0.25]


def test_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "w"
    model = net(1)
    model.save_weights(path, overwrite=False)
    with pytest.raises(FileExistsError) as error:
        model.save_weights(path, overwrite=False)
    assert str(error.value) == f"save_weights: {str(path)!r} is there already."
    model.save_weights(path)


def test_not_built(tmp_path: Path) -> None:
    model = sheer.Sequential([layers.Dense(2)])
    for method in (model.save_weights, model.load_weights):
        with pytest.raises(sheer.NotBuiltError) as error:
            method(tmp_path / "w")
        assert str(error.value) == (
            f"{method.__name__}: 'sequential' is not built: it has no weights before its input "
            "shape is known.\nBegin it with Input((features,)), call build((None, features)), or "
            "call it on data."
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("method", "name", "way"),
    [
        ("save_weights", "m.h5", "Keras 3 ends such names with .weights.h5"),
        ("load_weights", "m.hdf5", "Keras 3 ends such names with .weights.h5"),
        ("save_weights", "m.keras", "model.save() writes whole models"),
    ],
)
def test_names_of_other_formats(method: str, name: str, way: str) -> None:
    with pytest.raises(ValueError) as error:
        getattr(net(1), method)(name)
    assert str(error.value) == (
        f"{method}: a file of weights ends in .weights.h5, or in .safetensors; {way}. Got {name!r}."
    )


def test_skip_mismatch(tmp_path: Path) -> None:
    path = tmp_path / "w"
    net(4, 2).save_weights(path)
    model = net(4, 3)
    first, _, second, _ = model.get_weights()
    with pytest.warns(UserWarning, match="these were skipped") as warned:
        model.load_weights(path, skip_mismatch=True)
    assert warned[0].filename == __file__
    kernel, _, last, _ = model.get_weights()
    assert (kernel != first).any() and (last == second).all()


def test_two_weights_of_one_name(tmp_path: Path) -> None:
    class Twins(sheer.Model):
        def __init__(self) -> None:
            super().__init__()
            self.twins = [layers.Dense(2, name="twin"), layers.Dense(2, name="twin")]

        def call(self, x: Any) -> Any:
            return self.twins[1](self.twins[0](x))

    model = Twins()
    model(np.ones((1, 2), "float32"))
    with pytest.raises(ValueError) as error:
        model.save_weights(tmp_path / "w")
    assert str(error.value) == (
        "save_weights: two weights of 'twins' are called 'twin/kernel'. Give their layers "
        "different names."
    )


def test_training_goes_on_from_loaded_weights(tmp_path: Path) -> None:
    x, y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
    model = net(1)
    model.compile("sgd", "mse")
    model.fit(x, y, epochs=3, verbose=0)
    model.save_weights(tmp_path / "w")
    loss = model.evaluate(x, y, verbose=0)
    again = net(1)
    again.compile("sgd", "mse")
    assert again.evaluate(x, y, verbose=0) != loss
    again.load_weights(tmp_path / "w")
    assert again.evaluate(x, y, verbose=0) == loss
    again.fit(x, y, verbose=0)
    assert again.evaluate(x, y, verbose=0) < loss
