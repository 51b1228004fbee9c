"""The network that the options describe, compiled for data of a form."""

import argparse
from typing import Any

from sheer.cli.data import Form
from sheer.cli.options import UsageError
from sheer.core.errors import did_you_mean

ROWS_OF_IMAGES, ROWS_OF_TABLE = 128, 32
FEWEST_EPOCHS, MOST_EPOCHS, UPDATES = 5, 200, 500


def check(options: argparse.Namespace) -> None:
    """Refuse names of optimizers and activations that there are none of."""
    from sheer.activations import ACTIVATIONS
    from sheer.optimizers.base import OPTIMIZERS

    for option, registry in (("optimizer", OPTIMIZERS), ("activation", ACTIVATIONS)):
        name = getattr(options, option)
        if name not in registry.entries:
            usual = [entry for entry in registry.entries if entry.islower()]
            raise UsageError(
                f"--{option} {name}: there is no such {option}.{did_you_mean(name, usual)}"
            )


def build(options: argparse.Namespace, form: Form) -> Any:
    """A compiled Sequential of Dense layers, with weights from the seed."""
    import sheer

    sheer.utils.set_random_seed(options.seed)
    sizes = _sizes(options, form)
    last = "softmax" if form.classes else None
    layers = [
        sheer.layers.Dense(
            size,
            activation=options.activation if i < len(sizes) - 1 else last,
            name=f"dense_{i}" if i else "dense",
        )
        for i, size in enumerate(sizes)
    ]
    model = sheer.Sequential([sheer.Input((form.features,)), *layers], name="sequential")
    model.compile(
        optimizer=_optimizer(options),
        loss="sparse_categorical_crossentropy" if form.classes else "mean_squared_error",
        metrics=["accuracy"] if form.classes else None,
    )
    return model


def batch_size(options: argparse.Namespace, form: Form) -> int:
    """Rows for each update."""
    return int(options.batch_size or (ROWS_OF_IMAGES if form.of_images else ROWS_OF_TABLE))


def epochs(options: argparse.Namespace, updates_an_epoch: int) -> int:
    """How often to go through the data; small data more often."""
    wanted = -(-UPDATES // updates_an_epoch)
    return int(options.epochs or min(MOST_EPOCHS, max(FEWEST_EPOCHS, wanted)))


def _sizes(options: argparse.Namespace, form: Form) -> tuple[int, ...]:
    """The units of each layer."""
    hidden = 512 if form.of_images else 64
    sizes: tuple[int, ...] = options.layers or (hidden, form.outputs)
    if sizes[-1] != form.outputs:
        given = ",".join(map(str, sizes))
        right = ",".join(map(str, (*sizes[:-1], form.outputs)))
        need = (
            f"{form.outputs} units, one for each class"
            if form.classes
            else "1 unit, for a quantity"
        )
        raise UsageError(
            f"--layers {given}: the last layer must have {need}. It has {sizes[-1]}. "
            f"Write --layers {right}, or leave --layers out."
        )
    return sizes


def _optimizer(options: argparse.Namespace) -> Any:
    from sheer import optimizers

    optimizer = optimizers.get(options.optimizer)
    if options.learning_rate is not None:
        optimizer.learning_rate = options.learning_rate
    return optimizer
