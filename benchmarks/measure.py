"""The cases that end in a table: training, prediction, whole processes."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from benchmarks.cases import PREDICT, PROCESS, TRAINING, WATCHED, NotMeasured, write_data
from benchmarks.contenders import (
    PREDICTORS,
    PROCESSES,
    TRAINERS,
    WATCHERS,
    Client,
    Contender,
    Race,
)
from benchmarks.report import Table, compare

# Seconds of calls in a turn of predict; rounds of process, where little changes between them.
CALLS = 0.5
PROCESS_ROUNDS = 3


def train(name: str, rounds: int, pythons: dict[str, str], folder: Path) -> list[Table]:
    """Epochs of a case of TRAINING; each contender is tested after the last of them."""
    case = TRAINING[name]
    source = write_data(case, folder)
    with Race(TRAINERS, pythons) as race:
        race.begin(case, folder)
        turns = race.rounds(rounds, "turn")
        tests = race.round(0, "evaluate")
    rows = compare(name, turns)
    for who, row in rows.items():
        row |= turns[who][-1] | tests.get(who, {}) | {"versions": race.versions[who]}
    title = (
        f"{case.title}; {source}; {rounds} rounds, {(rounds + 1) * case.epochs} epochs; "
        f"large product {rows['floor']['rate'] / 1e9:.0f} GFLOP/s"
    )
    unit, scale = ("µs/step", 1e6 / case.steps) if name == "tiny" else ("s/epoch", 1)
    extras = {"loss": ".4g", "accuracy": ".4f", "test": ".4g"}
    return [Table(name, title, unit, scale, rows, race.missing, extras)]


def watched(rounds: int, pythons: dict[str, str], folder: Path) -> list[Table]:
    """The textbook's five epochs with a View that records steps, and without."""
    source = write_data(WATCHED, folder)
    with Race(WATCHERS, pythons) as race:
        race.begin(WATCHED, folder)
        turns = race.rounds(rounds, "turn")
    rows = compare("watched", turns)
    for row in rows.values():
        row["speed"] = rows["alone"]["median"] / row["median"]
    title = f"{WATCHED.title}; {source}; {rounds} rounds of {WATCHED.epochs} epochs"
    return [Table("watched", title, "s/epoch", 1, rows, race.missing, {"speed": ".2f"})]


def predict(rounds: int, pythons: dict[str, str], folder: Path) -> list[Table]:
    """One row through the network in a loop, and by how much memory grows meanwhile."""
    write_data(PREDICT, folder)
    with Race(PREDICTORS, pythons) as race:
        race.begin(PREDICT, folder)
        warm = race.round(0, "calls", seconds=CALLS)
        turns = race.rounds(rounds, "calls", seconds=CALLS)
    rows = compare("predict", turns)
    for who, row in rows.items():
        row["calls"] = sum(turn["calls"] for turn in turns[who])
        row["KiB more"] = (turns[who][-1]["memory"] - warm[who]["memory"]) / 1024
        row["versions"] = race.versions[who]
    title = f"one row through {PREDICT.title}; {rounds} rounds"
    extras = {"calls": ",", "KiB more": ",.0f"}
    return [Table("predict", title, "µs/call", 1e6, rows, race.missing, extras)]


def process(rounds: int, pythons: dict[str, str], folder: Path) -> list[Table]:
    """A fresh interpreter that imports, builds, loads, trains for 5 epochs, evaluates and ends."""
    rounds = min(rounds, PROCESS_ROUNDS)
    source = write_data(PROCESS, folder)
    data = sum(file.stat().st_size for file in folder.iterdir())
    runs: dict[str, list[dict]] = {contender.name: [] for contender in PROCESSES}
    missing: dict[str, str] = {}
    for contender in PROCESSES * rounds:
        if contender.name not in missing:
            try:
                run = whole_process(contender, pythons, folder)
                runs[contender.name].append(run | {"memory": run["peak"] - data})
            except NotMeasured as error:
                if contender.name == "sheer":
                    raise
                missing[contender.name] = str(error)
                del runs[contender.name]
    rows = compare("process", runs)
    for who, row in rows.items():
        row["test"] = runs[who][-1]["test"]
    title = f"import, build, {PROCESS.epochs} epochs of {source}, evaluate; {rounds} rounds"
    more = f"peak memory of that beyond the data ({data / 1e6:.0f} MB)"
    return [
        Table("process", title, "s", 1, rows, missing, {"test": ".4g"}),
        Table("memory", more, "MB", 1e-6, compare("memory", runs, "memory"), missing),
    ]


def whole_process(contender: Contender, pythons: dict[str, str], folder: Path) -> dict:
    begin = time.perf_counter()
    with closing(Client(contender, pythons)) as client:
        client.begin(PROCESS, folder)
        client.ask("turn")
        answers = client.ask("evaluate") | client.ask("peak")
    return answers | {"seconds": time.perf_counter() - begin}
