"""Time sheer beside its peers: `python -m benchmarks [CASE ...]`.

Each contender runs in its own interpreter and takes its turn, epoch by epoch, at the same work on
the same data; the order rotates. Printed are the median of its turns, the ratio of sheer to it (the
median of the ratios round by round) with the limit that is set for it, and the floor: the
arithmetic of the matrix products alone, at the rate of a large product in the same rounds.

Peers are measured where an interpreter that has them is given: by `--peer`, or by `--peers` as the
folder that `scripts/peers FOLDER` filled. MNIST is used where sheer finds it (SHEER_DATASETS), else
random data of its size; it says which. Linux only.

Without CASE: all but sweep, which takes long and writes to benchmarks/figures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path

from benchmarks import measure
from benchmarks.cases import TRAINING, NotMeasured
from benchmarks.contenders import GROUPS
from benchmarks.sweep import sweep

CASES = {
    **{name: partial(measure.train, name) for name in TRAINING},
    "predict": measure.predict,
    "process": measure.process,
    "watched": measure.watched,
    "sweep": sweep,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count (default 7)")
    parser.add_argument("--threads", type=int, help="cores to use (default all there are)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument(
        "--peers", type=Path, metavar="FOLDER", help="environments by scripts/peers"
    )
    parser.add_argument(
        "--peer", action="append", default=[], metavar="NAME=PYTHON",
        help=f"the interpreter for {', '.join(GROUPS)}; the first two have this one",
    )  # fmt: skip
    options = parser.parse_args()
    for case in options.cases:
        if case not in CASES:
            parser.error(f"unknown case {case!r}; known: {', '.join(CASES)}")
    for peer in options.peer:
        if peer.partition("=")[0] not in GROUPS or not peer.partition("=")[2]:
            parser.error(f"--peer {peer}: NAME=PYTHON expected, NAME of {', '.join(GROUPS)}")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def interpreters(folder: Path | None, peers: list[str]) -> dict[str, str]:
    """The Python of each group that has one."""
    pythons = dict.fromkeys(("sheer", "numpy"), sys.executable)
    if folder:
        found = {group: folder.absolute() / group / "bin" / "python" for group in GROUPS}
        pythons |= {group: str(python) for group, python in found.items() if python.exists()}
    # absolute(), not resolve(): the link into a virtual environment is what makes it one.
    pairs = (peer.split("=", 1) for peer in peers)
    return pythons | {group: str(Path(python).absolute()) for group, python in pairs}


def machine(cores: int | None) -> str:
    """Keep this process and those it starts to `cores` cores; say what it runs on."""
    if cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    names = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    name = names[0] if names else platform.machine()
    return f"{name}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"


def main() -> None:
    options = arguments()
    pythons = interpreters(options.peers, options.peer)
    figures: dict = {"machine": machine(options.threads), "cases": {}}
    # What else runs shows in the figures, OpenMP's most of all.
    print(f"{figures['machine']}; load average before: {os.getloadavg()[0]:.1f}")
    for case in options.cases or [name for name in CASES if name != "sweep"]:
        with tempfile.TemporaryDirectory() as folder:
            try:
                tables = CASES[case](options.rounds, pythons, Path(folder))
            except NotMeasured as error:
                sys.exit(f"{case}: sheer was not measured: {error}")
        for table in tables:
            print(f"\n{table}", flush=True)
            figures["cases"][table.name] = asdict(table)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
