"""The pure functions of the page, run by Node on the State of a real training."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import sheer
from sheer import layers
from sheer.callbacks import View

HERE = Path(__file__).parent
PAGE = Path(sheer.__file__).parent / "inspect" / "view" / "page"


def node() -> str:
    """Node, of a version that knows a module by its `import` lines."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("no Node to run the page's functions")
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(map(int, re.findall(r"\d+", said)[:2]))
    if version < (20, 19):
        pytest.skip(f"Node {said.strip()} is too old for the page's functions")
    return found


def trained_state() -> dict[str, object]:
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


def test_functions_of_the_page(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text(json.dumps(trained_state(), allow_nan=False))
    places = {"SHEER_PAGE": str(PAGE), "SHEER_STATE": str(state)}
    ran = subprocess.run(
        [node(), "--test", str(HERE / "page_functions.mjs")],
        env={**os.environ, **places},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"\bpass [1-9]", ran.stdout), ran.stdout
