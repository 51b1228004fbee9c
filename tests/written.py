"""Running the scripts that `write_program` writes, and reading what they print."""

import os
import re
import subprocess
import sys

import pytest


def run(script, *arguments):
    """What a script prints, in an interpreter to which sheer does not exist."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    code = (
        "import runpy, sys; sys.modules['sheer'] = None; "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=script.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout


def figures(printed):
    """The figures of each line, by name."""
    return [
        {name: float(value) for name, value in re.findall(r" - (\w+): ([-+.\de]+)", line)}
        for line in printed.splitlines()
    ]


def same(printed, history, validated=False, tolerance=1e-5):
    """Whether each epoch printed what `fit` returned, and the evaluation its last."""
    lines = figures(printed)
    epochs = len(history["loss"])
    assert len(lines) == epochs + 1
    names = [name for name in history if not name.startswith("val_")]
    for epoch in range(epochs):
        assert set(lines[epoch]) == set(names)
        for name in names:
            assert lines[epoch][name] == pytest.approx(history[name][epoch], abs=tolerance)
    if validated:
        for name in names:
            assert lines[-1][name] == pytest.approx(history[f"val_{name}"][-1], abs=tolerance)
