"""`sheer program`: print the program that a training runs."""

import argparse
import sys
from typing import Any

from sheer.cli.options import add_shared, layout
from sheer.cli.text import wrapped

DESCRIPTION = """\
Print the program that a training would run: one step of it, as a short Python
function of NumPy that computes the forward pass, the loss, the gradients and
the new weights.

It is what `sheer train` runs for each batch, so take a command line of `sheer
train` and write `program` in place of `train`. One text serves every batch
size, learning rate and seed. For a whole script, with the data, the first
weights and the loop, use `sheer train --write-program`."""

EPILOGUE = """\
examples:
  sheer program
  sheer program --layers 64,10 --activation tanh --optimizer adam
  sheer program --kind predict
  sheer program --data mnist --output train_step.py
  sheer program --data houses.csv --target price

In Python the same text is print(model.train_program()), or test_program() or
predict_program(); sheer.Program.load reads one back that you have changed, and
model.use_program makes fit() run it."""


def add(commands: Any) -> argparse.ArgumentParser:
    """The parser of this subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "program",
        help="print the program that a training runs",
        usage="sheer program [OPTIONS]",
        **layout("sheer program", DESCRIPTION, EPILOGUE),
    )
    group = parser.add_argument_group("the program")
    group.add_argument(
        "--kind",
        choices=("train", "test", "predict"),
        default="train",
        help="which one: of a step of training, of an evaluation, or of a prediction. Default: "
        "train.",
    )
    group.add_argument(
        "--output", metavar="FILE", help="write the text to FILE. Default: print it."
    )
    add_shared(parser)
    parser.set_defaults(run=run)
    return parser


def run(options: argparse.Namespace) -> None:
    """Print the program, and nothing else, on stdout; words about the data go to stderr."""
    from sheer.cli import data, network
    from sheer.core.files import write_text

    network.check(options)
    form, notes = data.form(options)
    model = network.build(options, form)
    text = str(getattr(model, f"{options.kind}_program")())
    for line in notes:
        print(wrapped(line), file=sys.stderr)
    if options.output is None:
        print(text, end="" if text.endswith("\n") else "\n")
    else:
        write_text(options.output, text)
        print(f"Wrote {options.output}.", file=sys.stderr)
