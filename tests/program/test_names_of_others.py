"""Programs of models whose names anyone may have chosen: a name never becomes a line."""

import ast

import numpy as np
import pytest

import sheer
from planned import on_engine
from sheer import layers
from sheer.inspect import RecordedStep
from small import data

NAMES = [
    "a\nran.append(1)\n#",
    "a\rran.append(1)#",
    '"""\nran.append(1)\n"""',
    'a": ran.append(1), "b',
    "a'\"\\",
    "a\\",
    "a\x00",
    "a\x0cran.append(1)",
    "\u2028\u2029",
    "\u202eRTL\u2066",
    "\ud800",
    "x" * 500,
    "{x}",
    "__proto__",
]


def named(name):
    """A model of which every part has this name."""
    x = sheer.Input((4,), name=f"{name} in")
    h = layers.Dense(3, activation="relu", name=f"{name} h")(x)
    model = sheer.Model(x, layers.Dense(3, activation="softmax", name=name)(h), name=name)
    loss = sheer.losses.SparseCategoricalCrossentropy(name=name)
    accuracy = sheer.metrics.SparseCategoricalAccuracy(name=f"{name} right")
    model.compile(sheer.optimizers.Adam(name=name), loss, metrics=[accuracy])
    return model


def from_file(name, folder):
    """Such a model, as somebody may send it."""
    model = named(name)
    if {"\ud800", "\x00"} & set(name):  # no file can hold it
        return model
    model.save(folder / "model.keras")
    return sheer.models.load_model(folder / "model.keras")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_never_code(name, tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr("builtins.ran", ran, raising=False)
    model = from_file(name, tmp_path)
    x, y = data(40)
    with on_engine("numpy"):
        model.fit(x, y, epochs=1, verbose=0)
        model.evaluate(x, y, verbose=0)
        model.predict(x, verbose=0)
    step = model.trace_step(x, y)
    assert ran == []
    text = step.text
    assert set(text) - {"\n"} == {c for c in text if c.isprintable()}
    function = ast.parse(text).body[1]
    assert "ran" not in {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
    assert {row.phase for row in step.rows if row.op} == {
        "forward", "loss", "backward", "update", "metrics",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_script_is_a_script(name, tmp_path):
    model = named(name)
    x, y = data(40)
    model.fit(x, y, epochs=1, verbose=0)
    model.write_program(tmp_path / "again.py")
    tree = ast.parse((tmp_path / "again.py").read_text(encoding="utf-8"))
    assert "ran" not in {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


@pytest.mark.parametrize("name", [n for n in NAMES if len(n) < 100])
def test_a_recorded_step_of_it_can_be_kept(name, tmp_path):
    step = named(name).trace_step(*data(8))
    step.save(tmp_path / "step.safetensors")
    again = RecordedStep.load(tmp_path / "step.safetensors")
    assert [row.source for row in again.rows] == [row.source for row in step.rows]
    assert all(np.array_equal(again[key], step[key]) for key in step)
    assert str(again) == str(step)
