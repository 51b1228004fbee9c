"""The benchmarks compare the same work, say who was not measured and why, and run."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import contenders, measure, plot, sweep
from benchmarks.__main__ import main
from benchmarks.cases import TEXTBOOK, TRAINING
from benchmarks.peers import numpy as by_hand
from benchmarks.peers import sheer as peer
from benchmarks.report import LIMITS, Table, compare

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Cases of few rows, without rests, on random data; what the arguments given write as JSON."""
    for name, case in TRAINING.items():
        monkeypatch.setitem(TRAINING, name, dataclasses.replace(case, rows=300))
    monkeypatch.setattr(measure, "PROCESS", dataclasses.replace(measure.PROCESS, rows=300))
    monkeypatch.setattr(measure, "CALLS", 0.01)
    monkeypatch.setattr(contenders, "REST", 0)
    monkeypatch.setattr(sweep, "FIGURES", tmp_path)
    monkeypatch.setattr(sweep, "BATCHES", (32,))
    monkeypatch.setattr(sweep, "WIDTHS", (8,))
    monkeypatch.setenv("SHEER_DATASETS", str(tmp_path))

    def run(*arguments):
        file = tmp_path / "figures.json"
        command = ["benchmarks", *arguments, "--rounds", "2", "--json", str(file)]
        monkeypatch.setattr(sys, "argv", command)
        main()
        return json.loads(file.read_text())["cases"]

    return run


@pytest.mark.parametrize("way", ["plain", "buffered"])
def test_one_epoch_is_the_same(way):
    rng = np.random.default_rng(0)
    x = rng.random((300, 784), dtype=np.float32)
    y = rng.integers(0, 10, 300).astype(np.uint8)
    hand = by_hand.Peer(TEXTBOOK, way, x, y).network
    order = hand.rng.permutation(300)
    hand.rng = np.random.default_rng(0)
    model = peer.Peer(TEXTBOOK, "", x, y).model
    history = model.fit(x[order], y[order], batch_size=128, shuffle=False, verbose=0).history
    loss, accuracy = hand.epoch(x, y)
    assert loss == pytest.approx(history["loss"][0], rel=1e-4)
    assert accuracy == pytest.approx(history["accuracy"][0])
    # rmsprop divides by the size of a gradient, so those near 0 are where rounding shows.
    for mine, theirs in zip(model.get_weights(), hand.weights, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-4)
        assert np.median(np.abs(mine - theirs)) < 1e-6


def test_the_floor_counts_every_product():
    forward, to_weights, to_data = 784 * 512 + 512 * 10, 784 * 512 + 512 * 10, 512 * 10
    assert TEXTBOOK.flops == 60000 * 2 * (forward + to_weights + to_data)


def test_training(short):
    figures = short("mnist", "--peer", f"sklearn={sys.executable}x", "--peer", "jax=/bin/false")
    rows, missing = figures["mnist"]["rows"], figures["mnist"]["missing"]
    assert list(rows) == ["sheer", "NumPy by hand", "NumPy by hand, buffers", "floor"]
    assert rows["sheer"]["ratio"] == 1
    assert len(rows["sheer"]["values"]) == 2
    assert rows["floor"]["limit"] == LIMITS["mnist"]["floor"]
    # The same start, the same data, three epochs; only the order of the rows differs.
    assert rows["sheer"]["loss"] == pytest.approx(rows["NumPy by hand"]["loss"], rel=0.05)
    assert missing["PyTorch eager"] == "no interpreter given"
    assert missing["JAX scan"] == "it died: silently"
    assert "No such file" in missing["scikit-learn (adam)"]


def test_a_peer_without_its_library_is_not_measured(tmp_path):
    stranger = contenders.Contender("stranger", "numpy", "stranger")
    with contenders.Race([stranger], {"numpy": sys.executable}) as race:
        race.begin(TEXTBOOK, tmp_path)
    assert race.missing == {"stranger": "No module named 'benchmarks.peers.stranger'"}


def test_without_sheer_there_is_nothing_to_compare(short):
    with pytest.raises(SystemExit, match="mnist: sheer was not measured: it died: silently"):
        short("mnist", "--peer", "sheer=/bin/false")


def test_predict(short, capsys):
    rows = short("predict")["predict"]["rows"]
    assert list(rows) == ["sheer predict(x)", "sheer model(x)", "NumPy by hand"]
    assert all(row["calls"] >= 20 for row in rows.values())
    assert "µs/call" in capsys.readouterr().out


def test_watched(short, monkeypatch):
    monkeypatch.setattr(measure, "WATCHED", dataclasses.replace(measure.WATCHED, rows=300))
    rows = short("watched")["watched"]["rows"]
    assert list(rows) == [contender.name for contender in contenders.WATCHERS]
    assert rows["alone"]["limit"] == 1.25 and rows["alone"]["speed"] == 1
    assert all(row["speed"] > 0 for row in rows.values())


def test_process_and_memory(short):
    figures = short("process")
    assert figures["process"]["rows"]["sheer"]["median"] > 0
    assert figures["memory"]["rows"]["sheer"]["median"] > 1e6


def test_sweep(short, tmp_path):
    (point,) = short("sweep")["sweep"]["points"]
    assert (point["batch"], point["width"], point["ratio"]) == (32, 8, {})
    assert json.loads((tmp_path / "sweep.json").read_text())["points"] == [point]
    ElementTree.parse(tmp_path / "sweep.svg")


def test_a_table_says_which_limits_are_reached():
    seconds = {"sheer": [1, 4, 2], "JAX scan": [2, 4, 4], "JAX scan, unrolled": [1, 2, 2]}
    turns = {who: [{"seconds": one} for one in all_] for who, all_ in seconds.items()}
    rows = compare("mnist", turns)
    assert rows["JAX scan"] == {
        "median": 4, "ratio": 0.5, "values": [2, 4, 4], "limit": 0.8, "reached": True
    }  # fmt: skip
    text = str(Table("mnist", "title", "s/epoch", 1, rows, {"PyTorch eager": "no interpreter"}))
    lines = text.splitlines()
    assert lines[1].split() == ["s/epoch", "sheer/it", "at", "most"]
    assert lines[3].split() == ["JAX", "scan", "4", "0.5", "0.8", "reached"]
    assert lines[4].split() == ["JAX", "scan,", "unrolled", "2", "1", "0.8", "NO"]
    assert lines[5].split() == ["PyTorch", "eager", "not", "measured:", "no", "interpreter"]


def test_the_plot_has_a_panel_per_batch_and_a_line_per_peer():
    points = [
        {"batch": batch, "width": width, "ratio": {"JAX scan": 0.5, "PyTorch eager": 2.0}}
        for batch in (1, 32)
        for width in (8, 32, 128)
    ]
    picture = ElementTree.fromstring(plot.plot(points))
    names = [element.tag.rpartition("}")[2] for element in picture]
    assert names.count("circle") == 12
    words = [element.text for element in picture if element.text]
    assert {"batch 1", "batch 32", "JAX scan", "PyTorch eager"} <= set(words)


def test_peers_are_told_apart():
    result = subprocess.run([SCRIPTS / "peers", "nowhere", "caffe"], capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr == "scripts/peers: unknown group 'caffe'\n"
