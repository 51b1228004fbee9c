"""`sheer info`."""

import os
import subprocess
import sys

import numpy as np
import pytest

import sheer
from sheer.cli import main
from sheer.engines.native import native


def info(capsys):
    """The facts that the command prints, by name."""
    assert main(["info"]) == 0
    lines = capsys.readouterr().out.replace("\n  ", " ").splitlines()
    return dict(line.split(maxsplit=1) for line in lines)


def test_it_says_what_runs(capsys, monkeypatch):
    for name in ("SHEER_ISA", "SHEER_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    found = info(capsys)
    assert found["sheer"].startswith(f"{sheer.__version__}, in ")
    assert found["NumPy"] == np.__version__
    assert found["engine"] == sheer.config.engine()
    if native.why_not():
        assert found["native"] == f"not there: {native.why_not()}"
    else:
        assert found["native"].endswith("in use")
        assert found["threads"] == (
            f"{sheer.config.num_threads()} of {native.native().available_threads()} cores"
        )


def test_without_the_compiled_module(capsys, monkeypatch):
    monkeypatch.setattr(
        native, "_found", {"why": "it was not built: the install found no C++ compiler"}
    )
    found = info(capsys)
    assert found["native"] == ("not there: it was not built: the install found no C++ compiler")
    assert "threads" not in found
    with pytest.raises(RuntimeError) as caught:
        sheer.config.set_engine("native")
    assert str(caught.value) == (
        "The native engine is not there: it was not built: the install found no C++ compiler.\n"
        "Install sheer from a wheel, or where there is a C++ compiler; or choose 'numpy'."
    )
    assert sheer.config.num_threads() == 1


def test_settings_come_from_the_environment():
    env = {**os.environ, "SHEER_ENGINE": "numpy", "SHEER_NUM_THREADS": "3"}
    code = "import sheer; print(sheer.config.engine(), sheer.config.num_threads())"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    threads = 1 if native.why_not() else 3
    assert done.stdout.split() == ["numpy", str(threads)], done.stderr


def test_an_unknown_engine():
    with pytest.raises(ValueError) as caught:
        sheer.config.set_engine("nativ")
    assert str(caught.value) == "Unknown engine 'nativ'. Did you mean 'native'?"
