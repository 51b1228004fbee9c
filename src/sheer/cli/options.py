"""The options that `sheer train` and `sheer program` share, and how their values are read."""

import argparse
import math
from collections.abc import Callable
from typing import Any

from sheer.cli.text import width

LARGEST_SEED = 2**32 - 1


class UsageError(Exception):
    """A command line that cannot be right; ends the command with status 2."""


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help of at most 80 columns, whose paragraphs stand as they are written."""

    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=24, width=width())


def layout(prog: str, description: str, epilogue: str) -> dict[str, Any]:
    """What all parsers have in common."""
    return {
        "prog": prog,
        "description": description,
        "epilog": epilogue,
        "formatter_class": Formatter,
        "allow_abbrev": False,
    }


def add_shared(parser: argparse.ArgumentParser) -> None:
    """The options that say what is trained, on what, and how."""
    _add_data(parser.add_argument_group("the data"))
    _add_model(parser.add_argument_group("the model"))
    _add_training(parser.add_argument_group("the training"))


def _add_data(group: Any) -> None:
    group.add_argument(
        "--data",
        metavar="NAME|FILE",
        default="digits",
        help="digits (1,797 handwritten digits that come with sheer), mnist or fashion_mnist "
        "(70,000 images each, looked for on this machine, else downloaded), or a CSV file: a first "
        "line with the columns' names, then a row to a line. Default: digits.",
    )
    group.add_argument(
        "--target",
        metavar="COLUMN",
        help="for a CSV file: the column to predict, by its name or its place (0 is the first, -1 "
        "the last). Default: the last column.",
    )
    group.add_argument(
        "--task",
        metavar="TASK",
        choices=("classification", "regression"),
        help="for a CSV file: classification if the target holds classes, regression if it holds a "
        "quantity. Default: text, or at most 20 different whole numbers with 5 rows or more each "
        "on average, are classes; other numbers are a quantity.",
    )
    group.add_argument(
        "--held-out",
        metavar="PART",
        type=part,
        help="the part of the rows that is kept from training, and that the model is tested on. "
        "Default: 0.2. (mnist and fashion_mnist have 10,000 images of their own for that.)",
    )


def _add_model(group: Any) -> None:
    group.add_argument(
        "--layers",
        metavar="UNITS,...",
        type=units,
        help="the units of each Dense layer, the first one first. The last layer has a unit for "
        "each class, or 1 for a quantity. Default: 512,10 for images; 64 and the last layer for a "
        "CSV file.",
    )
    group.add_argument(
        "--activation",
        metavar="NAME",
        default="relu",
        help="of all layers but the last: relu, tanh, sigmoid, gelu, ... (the last one has softmax "
        "for classes, none for a quantity). Default: relu.",
    )


def _add_training(group: Any) -> None:
    group.add_argument(
        "--optimizer",
        metavar="NAME",
        default="rmsprop",
        help="adadelta, adafactor, adagrad, adam, adamax, adamw, ftrl, lamb, lion, muon, nadam, "
        "rmsprop, schedulefreeadamw or sgd. Default: rmsprop.",
    )
    group.add_argument(
        "--learning-rate",
        metavar="RATE",
        type=positive,
        help="the size of the optimizer's steps. Default: the optimizer's own, 0.001 for adam and "
        "rmsprop, 0.01 for sgd.",
    )
    group.add_argument(
        "--batch-size",
        metavar="ROWS",
        type=whole(1),
        help="the rows that each update of the weights is computed from. Default: 128 for images, "
        "32 for a CSV file.",
    )
    group.add_argument(
        "--epochs",
        metavar="COUNT",
        type=whole(1),
        help="how often training goes through the data. Default: 5, and more where the data are "
        "few: as many as make 500 updates, up to 200.",
    )
    group.add_argument(
        "--seed",
        metavar="NUMBER",
        type=whole(0, LARGEST_SEED),
        default=0,
        help="where the random numbers begin (first weights, order of the rows, rows held out): "
        "the same seed gives the same figures. Default: 0.",
    )


# Values


def units(text: str) -> tuple[int, ...]:
    """`512,10` as (512, 10)."""
    try:
        found = tuple(int(number) for number in text.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of units. Write whole numbers of 1 or more with commas between "
            "them, such as 512,10."
        )
    return found


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """Reads a whole number from `low` on, up to `high`."""
    words = f"of {low} or more" if high is None else f"from {low} to {high}"

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low or (high is not None and value > high):
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number {words}.")
        return value

    return read


def positive(text: str) -> float:
    """Reads a number above 0."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0.")
    return value


def part(text: str) -> float:
    """Reads a number between 0 and 1."""
    value = _number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number between 0 and 1, such as 0.2.")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
