"""The committed texts of programs: what people read, and that it runs."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import sheer

FOLDER = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("golden_cases", FOLDER / "golden_cases.py")
golden_cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(golden_cases)

NAMES = [p.stem for p in sorted((FOLDER / "golden").glob("*.txt"))]


@pytest.fixture(scope="module")
def programs():
    return dict(golden_cases.programs())


def test_every_case_has_a_text(programs):
    assert sorted(programs) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_text(name, programs):
    """After a wanted change: python scripts/write_golden.py, and review the diff."""
    assert str(programs[name]) == (FOLDER / "golden" / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_lines_fit_the_page(name):
    text = (FOLDER / "golden" / f"{name}.txt").read_text()
    assert max(map(len, text.splitlines())) <= 100


def test_the_four_steps_of_the_textbook_in_order():
    text = (FOLDER / "golden" / "textbook_train.txt").read_text()
    headings = [line.strip() for line in text.splitlines() if line.strip()[:3] in
                {f"# {i}" for i in range(1, 6)}]  # fmt: skip
    assert headings == [
        "# 1. forward",
        "# 2. loss: sparse_categorical_crossentropy",
        "# 3. backward: the chain rule, last layer first",
        "# 4. update: rmsprop",
        "# 5. metrics",
    ]


def test_the_textbook_program_computes_the_gradients_of_the_textbook():
    """The committed text, run by NumPy alone, against the formulae written out here."""
    text = (FOLDER / "golden" / "textbook_train.txt").read_text()
    module = {}
    exec(text, module)
    rng = np.random.default_rng(0)
    n = 7
    x = rng.normal(size=(n, 784)).astype(np.float32)
    y = rng.integers(0, 10, n)
    w1, w2 = rng.normal(size=(784, 512)) / 28, rng.normal(size=(512, 10)) / 23
    w1, w2 = w1.astype(np.float32), w2.astype(np.float32)
    b1, b2 = np.zeros(512, np.float32), np.zeros(10, np.float32)
    slots = {
        f"{layer}_{weight}_velocity": np.zeros_like(value)
        for layer, weights in (("dense", (w1, b1)), ("dense_1", (w2, b2)))
        for weight, value in zip(("kernel", "bias"), weights, strict=True)
    }
    logs, state = module["train_step"](
        x,
        y,
        SimpleNamespace(kernel=w1, bias=b1),
        SimpleNamespace(kernel=w2, bias=b2),
        SimpleNamespace(learning_rate=np.float32(0.001), iterations=np.int64(0), **slots),
        SimpleNamespace(loss_total=0.0, loss_count=0.0, accuracy_total=0.0, accuracy_count=0.0),
    )
    h = np.maximum(x @ w1, 0)
    e = np.exp(h @ w2 - (h @ w2).max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    assert logs["loss"] == pytest.approx(-np.log(p[np.arange(n), y]).mean(), rel=1e-5)
    assert logs["accuracy"] == pytest.approx((p.argmax(1) == y).mean())
    d_z2 = (p - np.eye(10)[y]) / n
    d_w1 = x.T @ ((d_z2 @ w2.T) * (h > 0))
    for key, w, d in (("dense.kernel", w1, d_w1), ("dense_1.kernel", w2, h.T @ d_z2)):
        expected = w - 0.001 * d / np.sqrt(0.1 * d * d + 1e-7)
        np.testing.assert_allclose(state[key], expected, rtol=1e-4, atol=1e-6)
    assert state["rmsprop.iterations"] == 1


def test_names_of_the_users_words():
    """Layers' names are the parameters; gradients are d_ and the value's name."""
    model = sheer.Sequential(
        [
            sheer.Input((4,)),
            sheer.layers.Dense(3, activation="relu", name="hidden"),
            sheer.layers.Dense(2, name="scores"),
        ]
    )
    model.compile("sgd", "mse")
    program = model.train_program()
    assert program.parameters == ["x", "y", "hidden", "scores", "sgd", "metrics"]
    for name in ("d_hidden_kernel", "d_scores_bias", "d_h1", "d_z1", "new_hidden_kernel"):
        assert f"    {name} = " in str(program)
    assert "# hidden: relu(x · kernel + bias)" in str(program)
