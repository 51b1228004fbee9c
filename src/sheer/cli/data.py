"""The data of a training: images by name, or a CSV file, as arrays ready for `fit`."""

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sheer.cli.options import UsageError
from sheer.core.errors import did_you_mean

Array = np.ndarray[Any, Any]
HELD_OUT = 0.2


@dataclass(frozen=True)
class Form:
    """What a network for some data must fit: numbers in, and classes or a quantity out.

    Attributes:
        features: how many numbers a row has.
        classes: their names; None for a regression.
        of_images: whether rows are images.
    """

    features: int
    classes: tuple[str, ...] | None
    of_images: bool = False

    @property
    def outputs(self) -> int:
        """How many units the last layer must have."""
        return len(self.classes) if self.classes else 1


@dataclass(frozen=True)
class Job:
    """Data ready to train on.

    Attributes:
        x_train, x_test: (rows, features) float32.
        y_train, y_test: (rows,) int64, or for a regression (rows, 1) float32, standardized.
        report: lines that say where the data come from, and what was done with them.
        target: the name of what is predicted.
        mean, scale: a standardized target is `(target - mean) / scale`.
        preparation: how a new row must be prepared, as plain data.
    """

    form: Form
    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    report: list[str]
    target: str
    mean: float = 0.0
    scale: float = 1.0
    preparation: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Images:
    """A data set of images that sheer knows by name."""

    what: str
    side: int
    top: int  # the value of ink; 0 is paper
    classes: tuple[str, ...] = tuple("0123456789")

    @property
    def form(self) -> Form:
        return Form(self.side**2, self.classes, of_images=True)


CLOTHES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

IMAGES = {
    "digits": Images("handwritten digits", 8, 16),
    "mnist": Images("handwritten digits", 28, 255),
    "fashion_mnist": Images("pieces of clothing", 28, 255, CLOTHES),
}


def form(options: argparse.Namespace) -> tuple[Form, list[str]]:
    """The form of the data, and words about it; images need not be there for that."""
    if options.data in IMAGES:
        _check_images(options)
        return IMAGES[options.data].form, []
    job = _table(options)
    return job.form, [line for line in job.report if line.startswith(("Target", "No --target"))]


def load(options: argparse.Namespace) -> Job:
    """The data that the options name."""
    if options.data in IMAGES:
        _check_images(options)
        return _images(options, IMAGES[options.data])
    return _table(options)


# Images


def _check_images(options: argparse.Namespace) -> None:
    """Refuse options that are for CSV files."""
    name = options.data
    if options.target is not None:
        raise UsageError(f"--target is for CSV files: {name} has labels of its own. Leave it out.")
    if options.task == "regression":
        raise UsageError(
            f"--task regression is for CSV files: {name} has 10 classes. Leave it out."
        )
    if options.held_out is not None and name != "digits":
        raise UsageError(f"--held-out: {name} has 10,000 test images of its own. Leave it out.")


def _images(options: argparse.Namespace, images: Images) -> Job:
    if options.data == "digits":
        splits, report = _digits(options.held_out or HELD_OUT)
    else:
        splits, report = _files(options.data, images)
    (x_train, y_train), (x_test, y_test) = splits
    report.append(
        f"Each image is a row of {images.side**2} numbers from 0 to 1: its pixels, divided by "
        f"{images.top}."
    )
    return Job(
        images.form,
        *_rows(x_train, y_train, images.top),
        *_rows(x_test, y_test, images.top),
        report=report,
        target="class",
        preparation={"data": options.data, "divide_by": images.top, "classes": images.classes},
    )


def _rows(x: Array, y: Array, top: int) -> tuple[Array, Array]:
    return x.reshape(len(x), -1).astype("float32") / np.float32(top), y.astype("int64")


def _digits(held_out: float) -> tuple[Any, list[str]]:
    from sheer.datasets import digits

    splits = digits.load_data(test_fraction=held_out)
    train, test = len(splits[0][1]), len(splits[1][1])
    return splits, [
        f"digits: {train + test:,} handwritten digits of 8 x 8 pixels, which come with sheer.",
        f"{train:,} to train with; held out: the last {test:,}, nearly all by other writers.",
    ]


def _files(name: str, images: Images) -> tuple[Any, list[str]]:
    """MNIST or Fashion-MNIST, wherever it is."""
    from importlib import import_module

    from sheer.datasets import _files

    source = import_module(f"sheer.datasets.{name}").SOURCE
    try:
        found = _files.find(source, None)
        splits = _files.read(source, found)
    except OSError as error:
        raise OSError(f"{error}\nHere: --data digits, which comes with sheer.") from error
    where = found if isinstance(found, Path) else found["x_train"].parent
    train, test = len(splits[0][1]), len(splits[1][1])
    size = " x ".join(map(str, splits[0][0].shape[1:]))
    return splits, [
        f"{source.title}: {train + test:,} {images.what} of {size} pixels, from {where}.",
        f"{train:,} to train with; held out: its {test:,} test images.",
    ]


# CSV files


def _table(options: argparse.Namespace) -> Job:
    from sheer.cli.table import prepare, read_table, standardize

    _check_file(options.data)
    given = options.target is not None
    table = read_table(options.data, options.target if given else -1, options.task)
    prepared = prepare(table, options.held_out or HELD_OUT, options.seed)
    report = [*table.report, *prepared.report]
    if not given:
        report.insert(1, "No --target given: it is the last column.")
    report.append(
        "For training each column of numbers is standardized: minus its mean, divided by its "
        "standard deviation, both of the rows to train with."
    )
    y_train: Array = prepared.y_train
    y_test: Array = prepared.y_test
    mean = scale = None
    if table.classes is None:
        (y_train, y_test), means, scales = standardize(y_train[:, None], y_test[:, None])
        mean, scale = float(means[0]), float(scales[0])
    classes = tuple(table.classes) if table.classes else None
    preparation = {
        "features": table.feature_names,
        "fill": prepared.fill.tolist(),
        "mean": prepared.mean.tolist(),
        "scale": prepared.scale.tolist(),
        "target": table.target,
    }
    preparation |= {"classes": classes} if classes else {"target_mean": mean, "target_scale": scale}
    return Job(
        Form(table.x.shape[1], classes),
        prepared.x_train,
        y_train,
        prepared.x_test,
        y_test,
        report,
        table.target,
        mean or 0.0,
        scale or 1.0,
        preparation,
    )


def _check_file(data: str) -> None:
    """Tell a mistyped name from a missing file."""
    path = Path(data)
    if not path.exists() and path.name == data and not path.suffix:
        raise UsageError(
            f"--data {data}: there is no such data set, nor such a file."
            f"{did_you_mean(data, IMAGES)}"
        )
