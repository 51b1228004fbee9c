"""`sheer train`: train a network on a data set, and say how good it is."""

import argparse
import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from sheer.cli.options import UsageError, add_shared, layout
from sheer.cli.text import aligned, condensed, count, width, wrapped

if TYPE_CHECKING:
    from sheer.cli.data import Job

DESCRIPTION = """\
Train a network of Dense layers, and test it on data that it has not seen.

Without options it learns handwritten digits that come with sheer, in a second.
With a CSV file it learns to predict one column from the others: a class if that
column holds classes, a quantity if it holds numbers. It says what it did with
each column. At the end it compares the model with a baseline that has learnt
nothing but the most frequent class, or the mean."""

EPILOGUE = """\
examples:
  sheer train
  sheer train --layers 128,64,10 --optimizer adam --epochs 20 --plot
  sheer train --save digits.safetensors
  sheer train --data mnist --doctor
  sheer train --data houses.csv --target price
  sheer train --data flowers.csv --target species --write-program flowers.py

what it reads of a CSV file: columns of numbers as they are, an empty cell as
the median; text of at most 20 different values as one column of 0 and 1 for
each value; other text, constants and row numbers not at all.

a saved model in Python, here that of the third example:
  import sheer
  model = sheer.models.load_model("digits.safetensors")
  (_, _), (images, labels) = sheer.datasets.digits.load_data()
  model.predict(images.reshape(-1, 64) / 16).argmax(axis=1)
For a model of a CSV file the same file tells how to prepare rows, as JSON:
  arrays, metadata = sheer.saving.read("houses.safetensors")
  metadata["sheer.data"]      # predict((rows - mean) / scale)"""


def add(commands: Any) -> argparse.ArgumentParser:
    """The parser of this subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "train",
        help="train a network on a data set, and test it",
        usage="sheer train [OPTIONS]",
        **layout("sheer train", DESCRIPTION, EPILOGUE),
    )
    add_shared(parser)
    group = parser.add_argument_group("what is printed and kept")
    group.add_argument(
        "--save",
        metavar="FILE",
        help="write the trained weights and the model's description to FILE, in the safetensors "
        "format.",
    )
    group.add_argument(
        "--write-program",
        metavar="FILE",
        help="write this training as a script that needs NumPy only to FILE, which must end in "
        ".py; its data stand beside it, in a file that ends in .npz.",
    )
    group.add_argument(
        "--plot",
        action="store_true",
        help="draw the loss of each epoch at the end, and the accuracy if there is one: that in "
        "training, and that on the rows held out.",
    )
    group.add_argument(
        "--doctor",
        action="store_true",
        help="look into the training, and say at the end in plain words what is wrong with it: "
        "where, by which numbers, and what to try. The step with the first NaN, if there is one, "
        "goes to the file not_finite.step.",
    )
    group.add_argument(
        "--quiet",
        action="store_true",
        help="print nothing but the figures at the end, with --plot the drawing, and with --doctor "
        "what it found.",
    )
    parser.set_defaults(run=run)
    return parser


def run(options: argparse.Namespace) -> None:
    """Read, build, train, test, save."""
    from sheer.cli import data, network

    _check_files(options)
    network.check(options)
    say: Callable[[str], None] = (lambda text: None) if options.quiet else print
    job = data.load(options)
    for line in condensed(job.report):
        say(wrapped(line))
    model = network.build(options, job.form)
    say("")
    model.summary(print_fn=say)
    history = _trained(options, job, model, say)
    (print if options.plot or options.doctor else say)("")
    print(results(job, model, history))
    _keep(options, job, model, say)
    say(f"To read the program that ran: {_program_command(options)}")


def _check_files(options: argparse.Namespace) -> None:
    """Find out before the training whether its results can be written."""
    check_file("save", options.save)
    check_file("write-program", options.write_program)
    if options.save and options.save.endswith((".h5", ".keras")):
        raise UsageError(
            f"--save {options.save}: sheer does not write Keras's formats yet. Name a file that "
            "ends in .safetensors."
        )
    if options.write_program and not options.write_program.endswith(".py"):
        raise UsageError(f"--write-program {options.write_program}: the name must end in .py.")


def check_file(name: str, path: str | None) -> None:
    """Refuse the file of an option where it cannot be written."""
    option = f"--{name} {path}"
    if path is None:
        return
    if os.path.isdir(path):
        raise UsageError(f"{option} is a folder. Name a file in it.")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise UsageError(f"{option}: there is no folder {folder!r}.")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{option}: the folder {folder!r} cannot be written to.")


def _trained(
    options: argparse.Namespace, job: "Job", model: Any, say: Callable[[str], None]
) -> Any:
    """Train with a table of the progress, and show what was asked for; the figures of each
    epoch."""
    from sheer.callbacks import Doctor
    from sheer.cli.progress import Progress

    doctors = [Doctor(verbose=False)] if options.doctor else []

    def show(history: Any) -> None:
        texts = [history.plot_text(width=width())] if options.plot else []
        texts += [doctor.report(width()) for doctor in doctors]
        if texts:
            say("")
            print("\n\n".join(texts))

    callbacks = [*doctors, *([] if options.quiet else [Progress()])]
    return fit(options, job, model, say, callbacks, show)


def fit(
    options: argparse.Namespace,
    job: "Job",
    model: Any,
    say: Callable[[str], None],
    callbacks: list[Any],
    show: Callable[[Any], None] = lambda history: None,
) -> Any:
    """Train; the figures of each epoch. `show` gets the history, also of what diverged."""
    from sheer.cli import network
    from sheer.cli.progress import StopAtNaN

    rows = network.batch_size(options, job.form)
    updates = -(-len(job.x_train) // rows)
    epochs = network.epochs(options, updates)
    plan = f"{count(epochs, 'epoch')} of {count(updates, 'update')}, {rows} rows each"
    loss = "the mean of -log(probability of the right class)"
    if job.form.classes is None:
        loss = f"the mean squared error in standard deviations of {job.target!r}"
    say("")
    say(wrapped(f"Training: {plan}; {options.optimizer}, seed {options.seed}. The loss is {loss}."))
    fitted = model.fit(
        job.x_train,
        job.y_train,
        batch_size=rows,
        epochs=epochs,
        validation_data=(job.x_test, job.y_test),
        verbose=0,
        callbacks=[StopAtNaN(), *callbacks],
    )
    if fitted.interrupted:
        raise KeyboardInterrupt
    show(fitted)
    history = fitted.history
    if not all(map(math.isfinite, [history["loss"][-1], history["val_loss"][-1]])):
        rate = float(model.optimizer.learning_rate.numpy())
        raise ValueError(
            f"The training diverged in epoch {len(history['loss'])}: the loss is "
            f"{history['loss'][-1]}, and {history['val_loss'][-1]} on the rows held out. Try a "
            f"smaller --learning-rate than {rate:g}."
        )
    return history


# Results


def results(job: "Job", model: Any, history: Any) -> str:
    """The figures on held-out data beside those of a baseline."""
    if job.form.classes:
        rows, baseline = _classified(job, history)
    else:
        rows, baseline = _estimated(job, model, history)
    what = "images" if job.form.of_images else "rows"
    heading = f"On the {len(job.x_test):,} {what} held out:"
    table = aligned([(heading, "model", "baseline"), *rows])
    return f"{table}\n{wrapped(f'(The baseline is always to say {baseline}.)')}"


def _classified(job: "Job", history: Any) -> tuple[list[tuple[str, str, str]], str]:
    assert job.form.classes is not None
    counts = np.bincount(job.y_train, minlength=len(job.form.classes))
    most = int(counts.argmax())
    surprise = -np.log(counts / counts.sum())[job.y_test].mean()
    accuracy = float((job.y_test == most).mean())
    rows = [
        ("  accuracy", f"{history['val_accuracy'][-1]:.4f}", f"{accuracy:.4f}"),
        ("  loss", f"{history['val_loss'][-1]:.4f}", f"{surprise:.4f}"),
    ]
    return rows, (
        f"{job.form.classes[most]!r}, the most frequent class in training; its loss is that of the "
        "classes' frequencies"
    )


def _estimated(job: "Job", model: Any, history: Any) -> tuple[list[tuple[str, str, str]], str]:
    predicted = model.predict(job.x_test, verbose=0).astype("float64")
    error = float(np.abs(predicted - job.y_test).mean()) * job.scale
    plain = float(np.abs(job.y_test).mean()) * job.scale
    loss = float(np.square(job.y_test, dtype="float64").mean())
    rows = [
        (f"  mean absolute error of {job.target!r}", _amount(error), _amount(plain)),
        ("  loss", f"{history['val_loss'][-1]:.4f}", f"{loss:.4f}"),
    ]
    return rows, f"{_amount(job.mean)}, the mean of the rows trained on"


def _keep(options: argparse.Namespace, job: "Job", model: Any, say: Callable[[str], None]) -> None:
    """Write what was asked for."""
    if options.save:
        import json

        from sheer.models import save_model

        save_model(model, options.save, metadata={"sheer.data": json.dumps(job.preparation)})
        say(wrapped(f"Saved the model in {options.save} ({_size(options.save)})."))
    if options.write_program:
        path = options.write_program
        settings = model.last_fit.settings
        model.write_program(
            path,
            job.x_train,
            job.y_train,
            validation_data=(job.x_test, job.y_test),
            epochs=settings.epochs,
            batch_size=settings.batch_size,
        )
        say(f"Wrote this training as a script, with its data beside it. Run: python {path}")


def _program_command(options: argparse.Namespace) -> str:
    """The command that prints the program of this training."""
    import shlex

    layers = ",".join(map(str, options.layers)) if options.layers else None
    chosen = {
        "--data": options.data if options.data != "digits" else None,
        "--target": options.target,
        "--task": options.task,
        "--layers": layers,
        "--activation": options.activation if options.activation != "relu" else None,
        "--optimizer": options.optimizer if options.optimizer != "rmsprop" else None,
    }
    words = [word for name, value in chosen.items() if value for word in (name, value)]
    return shlex.join(["sheer", "program", *words])


def _amount(value: float) -> str:
    """A quantity to four figures: `13,520`, `2.718`, `1.5e-07`.

    >>> _amount(13519.6), _amount(2.71828), _amount(0.0), _amount(1.5e-7)
    ('13,520', '2.718', '0', '1.5e-07')
    """
    if value and not 1e-3 <= abs(value) < 1e9:
        return f"{value:.4g}"
    digits = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{digits}f}"


def _size(path: str) -> str:
    size = os.path.getsize(path)
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} KB"
