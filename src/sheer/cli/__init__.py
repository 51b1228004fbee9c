"""The command `sheer`. A subcommand is one file here, with `add` (its options) and `run`."""

import argparse
import os
import sys
from collections.abc import Sequence

import sheer
from sheer.cli import info, program, step, train, view
from sheer.cli.options import UsageError, layout
from sheer.cli.text import wrapped
from sheer.core.errors import did_you_mean

COMMANDS = {"train": train, "view": view, "program": program, "step": step, "info": info}

DESCRIPTION = """\
Train small neural networks, and see the program that does it.

sheer turns a model into one short, readable NumPy program: forward, loss,
backward, update. `sheer train` trains a model on data that it knows, or on your
CSV file; `sheer program` prints the program that such a training runs."""

EPILOGUE = """\
examples:
  sheer train                 on digits that come with sheer, in a second
  sheer train --data mnist    the textbook's network, on 60,000 images
  sheer train --data houses.csv --target price
  sheer view                  the same in a page that shows what happens inside
  sheer program               the program that the first one runs
  sheer step s.safetensors    a recorded step of a training, line by line
  sheer info                  what is installed, and which engine runs

`sheer train --help` and `sheer program --help` tell all their options.

exit status: 0 done; 1 the data or a file cannot be used; 2 the command line is
wrong. SHEER_DEBUG=1 in the environment shows the traceback of an error."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    for stream in (sys.stdout, sys.stderr):  # a terminal without ━ and · shows ? for them
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    parser, parsers = _parsers()
    try:
        options, unknown = parser.parse_known_args(argv)
        if "run" not in options:
            parser.print_help(sys.stderr)
            return 2
        if unknown:
            _refuse(parsers[options.command], unknown)
    except SystemExit as stop:  # how argparse ends for --help, and for a wrong command line
        return int(stop.code or 0)
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    """Run a subcommand; an error is a message on stderr, not a traceback."""
    try:
        options.run(options)
        sys.stdout.flush()
        return 0
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `sheer program | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("SHEER_DEBUG") == "1":
            raise
        print(wrapped(f"sheer {options.command}: error: {_message(error)}"), file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1


def _message(error: Exception) -> str:
    """What the user needs to know of an error."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}."
    if isinstance(error, (ValueError, OSError, UsageError)):
        return str(error)
    return (
        f"{type(error).__name__}: {error}\nThis should not happen: it is a fault of sheer. With "
        "SHEER_DEBUG=1 in the environment the same command shows where; please report it."
    )


def _parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of the command, and those of its subcommands by name."""
    parser = argparse.ArgumentParser(
        **layout("sheer", DESCRIPTION, EPILOGUE), usage="sheer COMMAND [OPTIONS]"
    )
    parser.add_argument("--version", action="version", version=f"sheer {sheer.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    return parser, {name: module.add(commands) for name, module in COMMANDS.items()}


def _refuse(parser: argparse.ArgumentParser, unknown: list[str]) -> None:
    """End with the words that are no options, and what may have been meant."""
    word = unknown[0].partition("=")[0]
    if not word.startswith("-"):
        parser.error(f"unexpected {unknown[0]!r}. Values follow an option, as in --data digits.")
    known = [option for option in parser._option_string_actions if option.startswith("--")]
    parser.error(f"unknown option {word!r}.{did_you_mean(word, known)}")
