"""Who is measured, and each one's own interpreter while it is."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.cases import Case, NotMeasured

ROOT = Path(__file__).parents[1]
CPU_ONLY = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}

# What such variables ask of its library is not for a peer at its best: OPENBLAS_CORETYPE alone can
# halve the rate of a product.
TUNING = ("OPENBLAS_", "OMP_", "MKL_", "GOTO_")

# Seconds of rest after each turn: OpenBLAS's threads spin for 0.1 of them before they sleep.
REST = 0.3

# PyTorch wakes its threads even for work that one does sooner.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}

GROUPS = ("sheer", "numpy", "jax", "torch", "tensorflow", "sklearn")


@dataclass(frozen=True)
class Contender:
    """`way` of `benchmarks/peers/<module>.py`, in the interpreter that serves `group`.

    What its name has behind a comma are settings: of one peer, the best of them counts.
    """

    name: str
    group: str
    module: str
    way: str = ""
    env: dict[str, str] = field(default_factory=dict)


def on_keras(suffix: str, way: str) -> list[Contender]:
    backends = {"JAX": "jax", "PyTorch": "torch", "TensorFlow": "tensorflow"}
    return [
        Contender(f"Keras on {name}{suffix}", group, "keras", way, {"KERAS_BACKEND": group})
        for name, group in backends.items()
    ]


TRAINERS = [
    Contender("sheer", "sheer", "sheer"),
    Contender("JAX scan", "jax", "jax", "scan"),
    Contender("JAX scan, unrolled", "jax", "jax", "unrolled"),
    Contender("JAX steps", "jax", "jax", "steps"),
    Contender("PyTorch eager", "torch", "torch", "eager"),
    Contender("PyTorch eager, one thread", "torch", "torch", "eager", ONE_THREAD),
    Contender("PyTorch compiled", "torch", "torch", "compiled"),
    *on_keras("", "default"),
    *on_keras(", best", "best"),
    Contender("scikit-learn (adam)", "sklearn", "sklearn"),
    Contender("NumPy by hand", "numpy", "numpy"),
    Contender("NumPy by hand, buffers", "numpy", "numpy", "buffered"),
    Contender("floor", "numpy", "floor"),
]
PREDICTORS = [
    Contender("sheer predict(x)", "sheer", "sheer", "predict"),
    Contender("sheer model(x)", "sheer", "sheer", "call"),
    *on_keras(" predict(x)", "predict"),
    *on_keras(" model(x)", "call"),
    Contender("JAX jitted", "jax", "jax"),
    Contender("PyTorch no_grad", "torch", "torch", "no_grad"),
    Contender("PyTorch no_grad, one thread", "torch", "torch", "no_grad", ONE_THREAD),
    Contender("PyTorch inference_mode", "torch", "torch", "inference_mode"),
    Contender("NumPy by hand", "numpy", "numpy"),
]
WATCHERS = [
    Contender("sheer with View", "sheer", "sheer", "watched"),
    Contender("sheer with View and a page", "sheer", "sheer", "shown"),
    Contender("sheer with Doctor", "sheer", "sheer", "doctor"),
    Contender("sheer with check_finite", "sheer", "sheer", "checked"),
    Contender("alone", "sheer", "sheer"),
]


def trainers(*names: str) -> list[Contender]:
    return [trainer for trainer in TRAINERS if trainer.name in names]


PROCESSES = trainers(
    "sheer", "JAX scan", "PyTorch eager", "Keras on JAX", "Keras on PyTorch",
    "Keras on TensorFlow", "scikit-learn (adam)",
)  # fmt: skip
SWEEPERS = trainers(
    "sheer", "JAX scan", "JAX scan, unrolled", "PyTorch eager", "PyTorch eager, one thread"
)


def untuned() -> dict[str, str]:
    """The environment without settings of numerical libraries."""
    return {name: value for name, value in os.environ.items() if not name.startswith(TUNING)}


class Client:
    """A contender in its own process; it sleeps until it is asked."""

    def __init__(self, contender: Contender, pythons: dict[str, str]):
        if contender.group not in pythons:
            raise NotMeasured("no interpreter given")
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 close() closes it
        command = [pythons[contender.group], "-m", "benchmarks.server"]
        try:
            self.process = subprocess.Popen(
                [*command, contender.module, contender.way],
                cwd=ROOT,
                env=untuned() | CPU_ONLY | contender.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.log,
                text=True,
            )
        except OSError as error:
            self.log.close()
            raise NotMeasured(str(error)) from error

    def ask(self, do: str, **arguments: object) -> dict:
        """The answer to a command of `benchmarks.server.Server`."""
        try:
            print(json.dumps({"do": do, **arguments}), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        answer = json.loads(line) if line else {"error": f"it died: {self.last_words()}"}
        if "error" in answer:
            raise NotMeasured(answer["error"])
        return answer

    def begin(self, case: Case, folder: Path) -> dict[str, str]:
        """Have it build the case and load its data; the versions of what it runs on."""
        return self.ask("begin", case=asdict(case), folder=str(folder))["versions"]

    def last_words(self) -> str:
        self.log.seek(0)
        return (self.log.read().splitlines() or ["silently"])[-1]

    def close(self) -> None:
        """End the process, and wait until it is gone."""
        self.process.communicate()
        self.log.close()


class Race:
    """Contenders side by side; those that fail leave, and `missing` says why."""

    def __init__(self, contenders: list[Contender], pythons: dict[str, str]):
        self.clients: dict[str, Client] = {}
        self.missing: dict[str, str] = {}
        self.versions: dict[str, dict[str, str]] = {}
        for contender in contenders:
            try:
                self.clients[contender.name] = Client(contender, pythons)
            except NotMeasured as error:
                self.leave(contender.name, error)

    def begin(self, case: Case, folder: Path) -> None:
        """Have each build the case and load its data from `folder`."""
        for name, client in list(self.clients.items()):
            try:
                self.versions[name] = client.begin(case, folder)
            except NotMeasured as error:
                self.leave(name, error)

    def __enter__(self) -> Race:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.clients.values():
            client.close()

    def leave(self, name: str, error: NotMeasured) -> None:
        self.missing[name] = str(error)
        if name in self.clients:
            self.clients.pop(name).close()
        if name.startswith("sheer"):
            raise error

    def round(self, first: int, do: str, **arguments: object) -> dict[str, dict]:
        """Ask each in turn, beginning with number `first`, one at a time."""
        names = list(self.clients)
        first %= len(names)
        answers = {}
        for name in names[first:] + names[:first]:
            try:
                answers[name] = self.clients[name].ask(do, **arguments)
            except NotMeasured as error:
                self.leave(name, error)
            time.sleep(REST)
        return answers

    def rounds(self, count: int, do: str, **arguments: object) -> dict[str, list[dict]]:
        """Every contender's answers, after a round that does not count: it compiles and warms."""
        self.round(0, do, **arguments)
        played = [self.round(number, do, **arguments) for number in range(count)]
        return {name: [answers[name] for answers in played] for name in self.clients}
