"""`sheer view`: train a network in a page that shows each line of its program."""

import argparse
import math
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from sheer.cli.options import UsageError, add_shared, layout, whole
from sheer.cli.text import condensed, wrapped

if TYPE_CHECKING:
    from sheer.callbacks import View
    from sheer.cli.data import Job

DESCRIPTION = """\
Train a network in a page of your browser that shows what happens inside: each
line of the program with its values, the layers, the curves. The training waits
before its first batch; the page runs it, stops it, goes batch by batch, and
shows what another learning rate would do. It says what goes wrong, too.

The page is on this machine alone, at an address with a secret in it, which is
printed. It needs two packages more: pip install "sheer[view]". With --export
none is needed: the training runs, and the page is written to a file that every
browser opens."""

EPILOGUE = """\
examples:
  sheer view
  sheer view --data mnist --run
  sheer view --data houses.csv --target price --layers 32,1
  sheer view --export digits.html

Ctrl-C ends it. In Python: model.view(x, y), or fit with callbacks.View()."""

# An exported page has about so many recorded steps, and the last one.
STEPS = 12
LARGEST_PORT = 65535


def add(commands: Any) -> argparse.ArgumentParser:
    """The parser of this subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "view",
        help="train a network in a page that shows what happens inside",
        usage="sheer view [OPTIONS]",
        **layout("sheer view", DESCRIPTION, EPILOGUE),
    )
    add_shared(parser)
    group = parser.add_argument_group("the page")
    group.add_argument(
        "--run",
        action="store_true",
        dest="at_once",
        help="let the training run at once. Default: it waits for the page.",
    )
    group.add_argument(
        "--port",
        metavar="NUMBER",
        type=whole(0, LARGEST_PORT),
        default=0,
        help="where the page is. Default: any that is free.",
    )
    group.add_argument(
        "--no-browser", action="store_true", help="open no browser, only print the address."
    )
    group.add_argument(
        "--export",
        metavar="FILE",
        help="train, and write the page to FILE, which must end in .html; nothing is shown.",
    )
    parser.set_defaults(run=run)
    return parser


def run(options: argparse.Namespace) -> None:
    """Train and show."""
    from sheer.callbacks import Doctor
    from sheer.cli import data, network, train

    _check(options)
    network.check(options)
    job = data.load(options)
    for line in condensed(job.report):
        print(wrapped(line))
    model = network.build(options, job.form)
    view = _view(options, job)
    problem = None
    try:
        doctor = Doctor(repro=None, verbose=False)  # the page says what it finds
        history = train.fit(options, job, model, print, [doctor, view])
        print(f"\n{train.results(job, model, history)}")
    except KeyboardInterrupt:
        print("\nStopped.")
        return
    except ValueError as error:
        if options.export:
            raise
        problem = error
        print("\nThe training diverged: see the page.", file=sys.stderr)
    if options.export:
        size = os.path.getsize(options.export) / 1e6
        print(
            f"Wrote {options.export}, {size:.1f} MB. Open it in a browser: it needs nothing else."
        )
    else:
        _stay()
    if problem is not None:
        raise problem


def _check(options: argparse.Namespace) -> None:
    """Find out before the training whether it can be shown."""
    from sheer.cli.train import check_file

    check_file("export", options.export)
    if options.export is not None:
        if not options.export.endswith((".html", ".htm")):
            raise UsageError(f"--export {options.export}: the name must end in .html.")
        return
    from sheer.inspect.view.server import packages

    try:
        packages()
    except ImportError as error:
        raise ValueError(
            'The page needs the packages starlette and uvicorn: pip install "sheer[view]". '
            "Without them: sheer view --export FILE.html"
        ) from error


def _view(options: argparse.Namespace, job: "Job") -> "View":
    """The callback that shows this training."""
    from sheer.callbacks import View
    from sheer.cli import network
    from sheer.cli.data import IMAGES

    side = IMAGES[options.data].side if options.data in IMAGES else None
    settings: dict[str, Any] = {
        "classes": job.form.classes,
        "image": (side, side) if side is not None else None,
    }
    if options.export is None:
        return View(
            paused=not options.at_once,
            port=options.port,
            open_browser=False if options.no_browser else None,
            **settings,
        )
    updates = math.ceil(len(job.x_train) / network.batch_size(options, job.form))
    every = math.ceil(updates * network.epochs(options, updates) / STEPS)
    return View(port=None, every=every, keep=STEPS + 1, export=options.export, **settings)


def _stay() -> None:
    """Keep the page until Ctrl-C."""
    print("The page stays, until you press Ctrl-C here.", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print()
