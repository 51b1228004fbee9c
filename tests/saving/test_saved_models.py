"""Whole models to files and back."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sheer
from sheer import layers, models, saving

pytest.importorskip("h5py", reason="Keras's files need sheer[h5]")


def net(*units: int) -> sheer.Sequential:
    return sheer.Sequential([sheer.Input((3,)), *(layers.Dense(u) for u in units)])


def same_weights(a: Any, b: Any) -> bool:
    return all(np.array_equal(v, w) for v, w in zip(a.get_weights(), b.get_weights(), strict=True))


def test_a_model_with_all_its_settings(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    model = sheer.Sequential(
        [
            sheer.Input((2, 3)),
            layers.Flatten(),
            layers.Dense(
                4,
                activation="leaky_relu",
                kernel_regularizer="l2",
                kernel_initializer="he_normal",
                bias_constraint="non_neg",
                name="hidden",
            ),
            layers.Activation("tanh"),
            layers.Dense(2, use_bias=False, activation="softmax"),
        ],
        name="all_settings",
    )
    models.save_model(model, path, metadata={"note": "kept"})
    key = sheer.core.random.peek_key()
    models.save_model(model, path, metadata={"note": "kept"})
    assert sheer.core.random.peek_key() == key  # saving draws no random numbers
    same = models.load_model(path)
    assert same.get_config() == model.get_config()
    assert [w.path for w in same.weights] == [w.path for w in model.weights]
    x = np.random.default_rng(0).normal(size=(5, 2, 3)).astype("float32")
    np.testing.assert_array_equal(same.predict(x, verbose=0), model.predict(x, verbose=0))
    assert saving.read(path)[1]["note"] == "kept"


def test_a_model_that_was_built_by_its_data(tmp_path: Path) -> None:
    model = sheer.Sequential([layers.Dense(2)])
    with pytest.raises(sheer.NotBuiltError):
        models.save_model(model, tmp_path / "m")
    model(np.ones((4, 3), "float32"))
    models.save_model(model, tmp_path / "m")
    assert same_weights(models.load_model(tmp_path / "m"), model)


@pytest.mark.parametrize("name", ["m.safetensors", "m.keras"])
def test_what_is_ones_own_is_named_by_who_loads(name: str, tmp_path: Path) -> None:
    class Scale(layers.Layer):
        def call(self, inputs: Any) -> Any:
            return 2 * inputs

    def cube(x: Any) -> Any:
        return x**3

    path = tmp_path / name
    model = sheer.Sequential([sheer.Input((2,)), Scale(), layers.Dense(2, cube, name="d")])
    model.save(path)
    with pytest.raises(ValueError) as error:
        models.load_model(path)
    assert str(error.value) == (
        f"load_model: the description of the model in {path} is not sound, or of a later version: "
        f"ValueError: The layer 'Scale' of {__name__!r} is not sheer's. Register it with "
        "@sheer.saving.register_serializable, or give custom_objects={'Scale': ...}."
    )
    with pytest.raises(ValueError, match=r"Unknown activation 'cube'\."):
        models.load_model(path, {"Scale": Scale})
    same = models.load_model(path, {"Scale": Scale, "cube": cube})
    assert same_weights(same, model) and same.layers[1].activation is cube


def test_a_file_of_weights_only(tmp_path: Path) -> None:
    path = tmp_path / "w"
    net(1).save_weights(path)
    with pytest.raises(ValueError) as error:
        models.load_model(path)
    assert str(error.value) == (
        f"load_model: {path} holds weights and no description of a model. Make the model in code, "
        "and call its load_weights()."
    )


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ("{", "JSONDecodeError: Expecting property name enclosed in double quotes"),
        ("{}", "ValueError: it describes a dict, and no model"),
        ("[]", "ValueError: it is JSON, but no object"),
        ("[" * 100_000, "RecursionError: "),
        ({"class_name": "Sequential", "config": {"layers": [3]}}, "AttributeError: 'int' object"),
        ({"class_name": "Dense", "config": {"units": 3}}, "ValueError: it describes a Dense, and "),
        (
            {"class_name": "Sequential", "config": {"layers": [{"class_name": "os.system"}]}},
            "ValueError: Unknown layer class 'os.system'.",
        ),
        (
            {"module": "os", "class_name": "system", "config": "ls", "registered_name": "system"},
            "ValueError: The layer 'system' of 'os' is not sheer's.",
        ),
        (
            {"module": "builtins", "class_name": "function", "config": "eval"},
            "ValueError: Unknown function 'eval'.",
        ),
    ],
)
def test_a_description_that_is_not_sound(description: Any, reason: str, tmp_path: Path) -> None:
    text = description if isinstance(description, str) else json.dumps(description)
    saving.write(tmp_path / "m", {}, {"sheer.model": text})
    reason = f"is not sound, or of a later version: {reason}"
    with pytest.raises(ValueError, match=re.escape(reason)):
        models.load_model(tmp_path / "m")


def test_a_description_that_does_not_fit_the_arrays(tmp_path: Path) -> None:
    models.save_model(net(2), tmp_path / "m")
    arrays, metadata = saving.read(tmp_path / "m")
    saving.write(tmp_path / "m", {**arrays, "dense/bias": np.zeros(3, "float32")}, metadata)
    with pytest.raises(ValueError, match=r"dense/bias +model: \(2,\), file: \(3,\)"):
        models.load_model(tmp_path / "m")


@pytest.mark.parametrize("name", ["m.safetensors", "m.keras"])
def test_a_layer_in_two_models_stays_one(name: str, tmp_path: Path) -> None:
    x = sheer.Input((3,), name="x")
    shared = layers.Dense(4, name="shared")
    inner = sheer.Model(x, shared(x), name="inner")
    model = sheer.Model(x, layers.Add()([inner(x), shared(2 * x)]), name="outer")
    model.save(tmp_path / name)
    same = saving.load_model(tmp_path / name)
    assert same.get_layer("shared") is same.get_layer("inner").get_layer("shared")
    assert len(same.weights) == 2 and same_weights(same, model)
    data = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(same.predict(data, verbose=0), model.predict(data, verbose=0))


def test_registered_objects(tmp_path: Path) -> None:
    @saving.register_serializable("tests")
    class Twice(layers.Layer):
        def call(self, inputs: Any) -> Any:
            return 2 * inputs

    try:
        model = sheer.Sequential([sheer.Input((3,)), Twice()])
        model.save(tmp_path / "m.keras")
        assert type(saving.load_model(tmp_path / "m.keras").layers[0]) is Twice
        assert saving.get_registered_name(Twice) == "tests>Twice"
    finally:
        del saving.get_custom_objects()["tests>Twice"]
    with pytest.raises(ValueError, match=r"The layer 'tests>Twice' of .* is not sheer's"):
        saving.load_model(tmp_path / "m.keras")


def test_a_kill_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    """Whatever the system call before which it dies."""
    import os
    import subprocess
    import sys

    code = (
        "import os, sys, sheer\n"
        "model = sheer.Sequential([sheer.Input((3,)), sheer.layers.Dense(2)])\n"
        "model.set_weights([w * 0 + 7 for w in model.get_weights()])\n"
        "left = int(sys.argv[2])\n"
        "def dying(call):\n"
        "    def wrapped(*args, **kwargs):\n"
        "        global left\n"
        "        left -= 1\n"
        "        if left < 0:\n"
        "            os.kill(os.getpid(), 9)\n"
        "        return call(*args, **kwargs)\n"
        "    return wrapped\n"
        "for name in ('open', 'fsync', 'chmod', 'replace', 'close'):\n"
        "    setattr(os, name, dying(getattr(os, name)))\n"
        "model.save(sys.argv[1])\n"
    )
    path = tmp_path / "m.keras"
    net(2).save(path)
    old = path.read_bytes()
    outcomes = []
    for calls in range(60):
        path.write_bytes(old)
        run = subprocess.run([sys.executable, "-c", code, str(path), str(calls)], env=os.environ)
        assert run.returncode in (0, -9)
        new = path.read_bytes() != old
        assert not new or saving.load_model(path).get_weights()[0][0, 0] == 7
        outcomes.append((run.returncode, new))
        if run.returncode == 0:
            break
    assert (-9, False) in outcomes and (0, True) in outcomes


def test_a_learning_rate_of_float64_stays_one(tmp_path: Path) -> None:
    before = sheer.config.floatx()
    sheer.config.set_floatx("float64")
    try:
        model = sheer.Sequential([sheer.Input((2,)), layers.Dense(1)])
        model.compile(sheer.optimizers.Adam(0.01), "mse")
        model.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0)
        model.save(tmp_path / "model.keras")
        again = models.load_model(tmp_path / "model.keras")
    finally:
        sheer.config.set_floatx(before)
    assert again.optimizer.get_config()["learning_rate"] == 0.01


@pytest.mark.parametrize("cls", [sheer.optimizers.SGD, sheer.optimizers.Nadam])
def test_the_state_of_weights_that_were_trained_later(cls: Any, tmp_path: Path) -> None:
    """The slots of a layer that was frozen at first stand in the file where they always do."""
    model = sheer.Sequential([sheer.Input((2,)), layers.Dense(2), layers.Dense(2)])
    model.compile(cls(0.1, **({"momentum": 0.9} if cls is sheer.optimizers.SGD else {})), "mse")
    model.layers[0].trainable = False
    x = np.array([[1.0, 2.0], [3.0, -1.0]], "float32")
    model.fit(x, x, verbose=0)
    model.layers[0].trainable = True
    model.fit(x, x, verbose=0)
    model.save(tmp_path / "model.keras")
    again = models.load_model(tmp_path / "model.keras")
    for one in (model, again):
        one.fit(x, x, shuffle=False, verbose=0)
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
def test_layers_with_files_of_their_own_form_are_refused(ending: str, tmp_path: Path) -> None:
    pytest.importorskip("h5py")

    class Own(layers.Layer):
        def call(self, x: Any) -> Any:
            return x

        def save_own_variables(self, store: Any) -> None:
            store["mine"] = np.arange(3)

    model = sheer.Sequential([sheer.Input((3,)), Own(name="own")])
    path = tmp_path / f"model{ending}"
    with pytest.raises(NotImplementedError) as caught:
        (model.save if ending == ".keras" else model.save_weights)(path)
    assert str(caught.value) == (
        "'own' has save_own_variables(), which Keras calls for its files, and sheer does not yet. "
        "Keep what it stores as weights, of add_weight, or as arguments, of get_config."
    )
    assert not path.exists()
