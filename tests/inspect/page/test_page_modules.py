"""The parts of the page that compute, run by Node: recipes against NumPy, the panels' own, and
functions on the state of a real training."""

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sheer
from sheer import layers
from sheer.callbacks import View
from sheer.inspect.recipes import recipes_of
from steps import NAMES, recorded

NODE = shutil.which("node")
PAGE = Path(sheer.__file__).parent / "inspect" / "view" / "page"
HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(NODE is None, reason="node runs the page's own tests")

Recipe = dict[str, Any]
Arrays = dict[str, np.ndarray[Any, Any]]


def _arrays() -> Arrays:
    numbers = np.random.default_rng(4)
    return {
        "a": numbers.normal(size=(3, 4)),
        "b": numbers.normal(size=(3, 2)),
        "w": numbers.normal(size=(4, 3)),
        "bias": numbers.normal(size=3),
        "cube": numbers.normal(size=(2, 3, 4)),
        "labels": np.array([1, 0, 1]),
        "odd": np.array([-np.inf, -1.0, -0.0, 0.0, 1.0, np.inf, np.nan]),
        "scale": np.array(1.5),
    }


def name(word: str) -> Recipe:
    return {"name": word}


def call(op: str, *of: Any, **attributes: Any) -> Recipe:
    operands = [{"number": x} if isinstance(x, (int, float)) else x for x in of]
    return {"op": op, "of": operands, "attributes": attributes}


def span(start: int | None = None, stop: int | None = None, step: int | None = None) -> Recipe:
    return {"start": start, "stop": stop, "step": step}


def softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - np.max(x, axis, keepdims=True))
    return e / np.sum(e, axis, keepdims=True)


A, B, W, BIAS, CUBE, ODD, LABELS, SCALE = map(
    name, ("a", "b", "w", "bias", "cube", "odd", "labels", "scale")
)

CASES: dict[str, tuple[Recipe, Callable[[Arrays], Any]]] = {
    "x @ kernel + bias": (
        call("+", call("@", A, W), BIAS),
        lambda v: v["a"] @ v["w"] + v["bias"],
    ),
    "a stack times a matrix": (call("@", CUBE, W), lambda v: v["cube"] @ v["w"]),
    "x.T @ d": (call("@", call("T", A), B), lambda v: v["a"].T @ v["b"]),
    "relu": (call("maximum", A, 0), lambda v: np.maximum(v["a"], 0)),
    "relu at the ends": (call("maximum", ODD, 0), lambda v: np.maximum(v["odd"], 0)),
    "minimum at the ends": (call("minimum", 0, ODD), lambda v: np.minimum(0, v["odd"])),
    "tanh": (call("tanh", ODD), lambda v: np.tanh(v["odd"])),
    "sigmoid": (
        call("/", 1, call("+", 1, call("exp", call("negative", ODD)))),
        lambda v: 1 / (1 + np.exp(-v["odd"])),
    ),
    "exp, log, sqrt": (
        call("log", call("+", call("sqrt", call("exp", A)), SCALE)),
        lambda v: np.log(np.sqrt(np.exp(v["a"])) + v["scale"]),
    ),
    "softmax": (call("softmax", A, axis=-1), lambda v: softmax(v["a"])),
    "softmax along rows": (call("softmax", A, axis=0), lambda v: softmax(v["a"], 0)),
    "losses": (
        call("negative", call("take_label", call("log_softmax", B), LABELS)),
        lambda v: -np.log(softmax(v["b"]))[range(3), v["labels"]],
    ),
    "gradient of the loss": (
        call("/", call("-", B, call("one_hot", LABELS, num_classes=2)), call("len", A)),
        lambda v: (v["b"] - np.eye(2)[v["labels"]]) / len(v["a"]),
    ),
    "gradient of relu": (
        call("*", A, call(">", call("T", W), 0)),
        lambda v: v["a"] * (v["w"].T > 0),
    ),
    "sum over rows": (call("sum", A, axis=0), lambda v: v["a"].sum(0)),
    "sum of all": (call("sum", CUBE), lambda v: v["cube"].sum()),
    "sum over two axes": (
        call("sum", CUBE, axis=[0, -1], keepdims=True),
        lambda v: v["cube"].sum((0, 2), keepdims=True),
    ),
    "mean of squares": (
        call("mean", call("**", A, 2), axis=-1),
        lambda v: np.mean(v["a"] ** 2, -1),
    ),
    "max": (call("max", A, axis=1), lambda v: v["a"].max(1)),
    "argmax": (call("argmax", A, axis=-1), lambda v: v["a"].argmax(-1)),
    "slice": (
        call("slice", CUBE, key=[1, span(1), span(step=-2)]),
        lambda v: v["cube"][1, 1:, ::-2],
    ),
    "new axes": (
        call("slice", LABELS, key=["...", None]),
        lambda v: v["labels"][..., None],
    ),
    "last of the last axis": (
        call("slice", CUBE, key=["...", -1]),
        lambda v: v["cube"][..., -1],
    ),
    "concatenate": (
        call("concatenate", A, B, axis=-1),
        lambda v: np.concatenate([v["a"], v["b"]], -1),
    ),
    "reshape": (call("reshape", CUBE, -1, call("len", W)), lambda v: v["cube"].reshape(-1, 4)),
    "transpose": (
        call("transpose", CUBE, axes=[1, 0, 2]),
        lambda v: v["cube"].transpose(1, 0, 2),
    ),
    "take along an axis": (
        call("take_along_axis", B, call("slice", LABELS, key=["...", None]), axis=-1),
        lambda v: np.take_along_axis(v["b"], v["labels"][..., None], -1),
    ),
    "broadcast_to": (
        call("broadcast_to", BIAS, shape=[call("len", CUBE), 4, 3]),
        lambda v: np.broadcast_to(v["bias"], (2, 4, 3)),
    ),
    "stack": (call("stack", A, A, axis=1), lambda v: np.stack([v["a"], v["a"]], 1)),
    "flip": (call("flip", CUBE, axis=1), lambda v: np.flip(v["cube"], 1)),
    "expand_dims": (call("expand_dims", A, axis=1), lambda v: v["a"][:, None]),
    "clip": (call("clip", ODD, -0.5, 0.5), lambda v: np.clip(v["odd"], -0.5, 0.5)),
    "cast": (call("cast", A, dtype="int32"), lambda v: v["a"].astype("int32")),
    "logaddexp": (call("logaddexp", A, 0), lambda v: np.logaddexp(v["a"], 0)),
    "an array of its own": (
        call("*", BIAS, call("array", values=[1, "inf", 3], dtype="float32")),
        lambda v: v["bias"] * [1, np.inf, 3],
    ),
    "take rows": (call("take", W, LABELS, axis=0), lambda v: v["w"][v["labels"]]),
    "where": (
        call("where", call(">", A, 0), call("/", A, call("-", 1, 0.2)), 0),
        lambda v: np.where(v["a"] > 0, v["a"] / 0.8, 0),
    ),
    "divide_no_nan": (
        call("divide_no_nan", BIAS, call("-", LABELS, 1)),
        lambda v: np.where(v["labels"] == 1, 0, -v["bias"]),
    ),
    "nothing but a number": (call("+", 1, 2), lambda v: 3.0),
}


def _figures() -> dict[str, Any]:
    arrays = _arrays()
    cases = []
    for title, (recipe, of) in CASES.items():
        with np.errstate(all="ignore"):
            value = np.asarray(of(arrays), "float64")
        cases.append({"name": title, "recipe": recipe, **_plain(value)})
    return {"arrays": {k: _plain(v) for k, v in arrays.items()}, "cases": cases}


def _plain(array: Any) -> dict[str, Any]:
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    data = [words.get(str(x), x) for x in map(float, array.reshape(-1))]
    return {"shape": list(array.shape), "data": data}


def _passed(tests: str, folder: Path, **environment: str) -> int:
    """How many tests of a file pass in node; all must."""
    page = folder / "page"
    page.mkdir()
    for module in PAGE.glob("*.js"):
        shutil.copy(module, page)
    (page / "package.json").write_text('{"type": "module"}')  # else node takes them for scripts
    command = [str(NODE), "--test", "--test-reporter=tap", str(HERE / tests)]
    given = os.environ | {"PAGE": page.as_uri()} | environment
    ran = subprocess.run(
        command, env=given, capture_output=True, encoding="utf-8", check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return int(re.findall(r"^# pass (\d+)$", ran.stdout, re.MULTILINE)[0])


def test_recipes_are_evaluated_as_numpy_does(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps(_figures()))
    passed = _passed("recipe.test.mjs", tmp_path, FIGURES=str(figures))
    assert passed > 3 * len(CASES)


# The lines of recorded steps that the page does not compute by itself: what is drawn at random, and
# sums that go where other numbers say.
BEYOND = {"regularized": ["kept"], "words": ["d_embeddings"]}


def _step(name: str) -> dict[str, Any]:
    """A recorded step of a model, with the recipes of its lines."""
    step = recorded(name)
    recipes = recipes_of(step.rows, step.text)
    lines = [(k, v) for of in recipes for k, v in of.items() if v is not None and k in step]
    arrays = {key: _bytes(step[key]) for key in step}
    return {"name": name, "arrays": arrays, "lines": lines, "beyond": BEYOND.get(name, [])}


def _bytes(array: Any) -> dict[str, Any]:
    data = base64.b64encode(np.asarray(array, "<f8").tobytes()).decode()
    return {"shape": list(array.shape), "data": data}


def test_the_lines_of_recorded_steps_are_evaluated(tmp_path: Path) -> None:
    steps = tmp_path / "steps.json"
    steps.write_text(json.dumps([_step(name) for name in NAMES]))
    assert _passed("steps.test.mjs", tmp_path, STEPS=str(steps)) == len(NAMES)


def test_the_panels_compute_what_they_show(tmp_path: Path) -> None:
    assert _passed("panels.test.mjs", tmp_path) > 10


def _trained_state() -> dict[str, Any]:
    """Of a model with two inputs and two outputs, after two short epochs."""
    a, b = sheer.Input((6,), name="a"), sheer.Input((3,), name="b")
    left = layers.Dense(8, activation="relu", name="left")(a)
    right = layers.Dense(4, activation="tanh", name="right")(b)
    joined = layers.Concatenate(name="join")([left, right])
    score = layers.Dense(1, name="score")(joined)
    kind = layers.Dense(3, activation="softmax", name="kind")(joined)
    model = sheer.Model([a, b], [score, kind])
    model.compile("sgd", ["mse", "sparse_categorical_crossentropy"])
    generator = np.random.default_rng(3)
    x = [generator.normal(size=(64, n)).astype("float32") for n in (6, 3)]
    y = [x[0][:, :1] * 2, (x[1][:, 0] > 0).astype("int64")]
    view = View(port=None, every=2)
    model.fit(x, y, epochs=2, batch_size=16, verbose=0, shuffle=False, callbacks=[view])
    return view.session.state()


def test_the_functions_of_the_page(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text(json.dumps(_trained_state(), allow_nan=False))
    assert _passed("functions.test.mjs", tmp_path, STATE=str(state)) > 10
