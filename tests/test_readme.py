"""The README says what is so."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.S)


def block(beginning):
    """The block of Python that begins so."""
    (found,) = [b for b in BLOCKS if b.startswith(beginning)]
    return found


def test_the_ten_lines_and_the_program_they_become(mnist, capsys):
    code = BLOCKS[0]
    module = {}
    exec(compile(code, "README.md", "exec"), module)
    printed = capsys.readouterr().out
    shown = BLOCKS[1].split("    ...")[0]
    assert shown in printed
    accuracy = float(re.findall(r"accuracy: ([\d.]+)", printed)[-1])
    claimed = float(re.search(r"knows ([\d.]+)\s+of\s+the\s+test\s+images", README)[1])
    assert accuracy == pytest.approx(claimed, abs=0.006)
    assert int(module["model"].optimizer.iterations.numpy()) == 2345


def test_using_a_program(tmp_path, monkeypatch, digits):
    import sheer

    (x, y), _ = digits
    model = sheer.Sequential([sheer.Input((64,)), sheer.layers.Dense(10, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    monkeypatch.chdir(tmp_path)
    exec(block("model.train_program().save"), {"model": model, "sheer": sheer})
    assert {p.name for p in tmp_path.iterdir()} == {"step.py", "train.py", "train.npz"}


def test_seeing(tmp_path, monkeypatch, mnist, capsys):
    import sheer

    (images, labels), _ = mnist
    model = sheer.Sequential(
        [sheer.layers.Dense(512, activation="relu"), sheer.layers.Dense(10, activation="softmax")]
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.build((None, 784))
    monkeypatch.chdir(tmp_path)
    names = {"model": model, "images": images, "labels": labels, "sheer": sheer}
    exec(block("model.picture()"), names)
    printed = capsys.readouterr().out
    assert {p.name for p in tmp_path.iterdir()} == {"model.svg"}
    assert "h1 = np.maximum(z1, 0)" in printed and "h1[0, 7] = max(" not in printed
    assert "d_dense_kernel[378, 7] = " in printed and "accuracy, over the epoch" in printed
    assert names["doctor"].findings == []


def test_two_inputs_and_two_outputs(tmp_path, monkeypatch, capsys):
    pytest.importorskip("h5py")
    pytest.importorskip("onnx")
    import numpy as np

    import sheer

    rng = np.random.default_rng(0)
    data = {"words": rng.normal(size=(256, 40)), "price": 100 * rng.random((256, 1))}
    targets = {"kind": rng.integers(0, 3, 256), "rating": rng.random((256, 1))}
    monkeypatch.chdir(tmp_path)
    names = {"sheer": sheer, "layers": sheer.layers, "data": data, "targets": targets}
    exec(block("words, price"), names)
    assert {p.name for p in tmp_path.iterdir()} == {"model.keras", "model.onnx"}
    same = sheer.models.load_model("model.keras").predict(data, verbose=0)
    for name, predicted in names["model"].predict(data, verbose=0).items():
        np.testing.assert_array_equal(same[name], predicted)


def test_links():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_the_commands_for_ci():
    """CI runs the README's own test command; it must find exactly one."""
    lines = README.splitlines()
    for end in ("-m pytest", r"sheer train\)"):
        assert len([v for v in lines if re.fullmatch(f"python3 -m venv .*{end}", v)]) == 1


def test_the_examples_of_contributing():
    """The op and the layer shown there work as they stand."""
    import numpy as np

    import sheer
    from sheer.layers import LAYERS

    text = (ROOT / "CONTRIBUTING.md").read_text()
    op_code, layer_code = re.findall(r"```python\n(.*?)```", text, re.S)
    names = {}
    exec(
        "from typing import Any\n"
        "from sheer.layers import LAYERS, Layer\n"
        "from sheer.ops import *\n"
        "from sheer.ops import Array, op\n"
        "from sheer.ops.rules import normal, same\n",
        names,
    )
    try:
        exec(op_code, names)
        exec(layer_code, names)
        x = np.array([[0.5, -1.0]])
        np.testing.assert_allclose(names["sinh"](x).numpy(), np.sinh(x))
        sheer.autodiff.check_gradient(names["sinh"], x)
        model = sheer.Sequential([sheer.Input((2,)), LAYERS.deserialize({"class_name": "Scale"})])
        model.compile("sgd", "mse")
        assert "    y_pred = x * scale.scale " in str(model.train_program())
        assert "# scale: x · scale" in str(model.train_program())
    finally:
        sheer.ops.OPS.pop("sinh", None)
        for name in ("Scale", "scale"):
            LAYERS.entries.pop(name, None)
