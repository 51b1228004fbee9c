"""`sheer info`: what is installed, what runs programs, and why."""

import argparse
import os
import platform
from typing import Any

from sheer.cli.options import layout
from sheer.cli.text import wrapped

DESCRIPTION = """\
Say what is installed here: the versions, the engine that runs programs and why
it is that one, the instruction set and the threads that it uses, and the
settings in the environment. Put it into a report of a fault."""

EPILOGUE = """\
SHEER_ENGINE=numpy chooses the NumPy engine, SHEER_NUM_THREADS=1 one thread."""

SETTINGS = ("SHEER_ENGINE", "SHEER_NUM_THREADS", "SHEER_ISA", "SHEER_DATASETS")


def add(commands: Any) -> argparse.ArgumentParser:
    """The parser of this subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "info",
        help="say what is installed, and which engine runs",
        usage="sheer info",
        **layout("sheer info", DESCRIPTION, EPILOGUE),
    )
    parser.set_defaults(run=run)
    return parser


def run(options: argparse.Namespace) -> None:
    """Print the facts, a line each."""
    found = facts()
    width = max(map(len, found)) + 2
    for name, fact in found.items():
        print(wrapped(f"{name:<{width}}{fact}"))


def facts() -> dict[str, str]:
    """What there is, by what it is."""
    import numpy as np

    import sheer
    from sheer.engines.native.native import native, why_not

    found = {
        "sheer": f"{sheer.__version__}, in {os.path.dirname(os.path.abspath(sheer.__file__))}",
        "Python": f"{platform.python_version()}, {platform.system()} {platform.machine()}",
        "NumPy": np.__version__,
        "engine": sheer.config.engine(),
    }
    if why_not():
        return {**found, "native": f"not there: {why_not()}", **_settings()}
    module = native()
    found["native"] = f"built, kernels for {', '.join(module.isas())}; {module.isa()} in use"
    found["threads"] = f"{module.threads()} of {module.available_threads()} cores"
    return {**found, **_settings()}


def _settings() -> dict[str, str]:
    return {name: os.environ[name] for name in SETTINGS if name in os.environ}
