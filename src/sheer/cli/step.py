"""`sheer step`: show one recorded step of a training, from a file."""

import argparse
import os
from typing import TYPE_CHECKING, Any

from sheer.cli.options import UsageError, layout, whole
from sheer.cli.text import wrapped

if TYPE_CHECKING:
    from sheer.inspect import RecordedStep

DESCRIPTION = """\
Show one recorded step of a training: its program, with the shape, the range and
the time of each line's value beside it, and where the first NaN or infinity
came from. Nothing in the file runs.

Such a file is written in Python, by trace.save("step.safetensors"), where trace
is what model.trace_step(x, y) returns; the Doctor callback writes one when a
training goes wrong."""

EPILOGUE = """\
examples:
  sheer step step.safetensors
  sheer step step.safetensors --value dense.kernel
  sheer step step.safetensors --explain z1,3,17
  sheer step step.safetensors --explain dense,3,17
  sheer step step.safetensors --explain-gradient dense.kernel,152,17
  sheer step step.safetensors --write-program again.py

in Python:
  from sheer.inspect import RecordedStep
  step = RecordedStep.load("step.safetensors")
  step["z1"]                       # an array, by its name in the program
  print(step.explain("z1", 3, 17))"""

CORNER = 6


def add(commands: Any) -> argparse.ArgumentParser:
    """The parser of this subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "step",
        help="show a recorded step of a training, from a file",
        usage="sheer step FILE [OPTIONS]",
        **layout("sheer step", DESCRIPTION, EPILOGUE),
    )
    parser.add_argument("file", metavar="FILE", help="a file that RecordedStep.save wrote.")
    group = parser.add_argument_group("what to show, in place of the table")
    group.add_argument("--value", metavar="NAME", help="an array: its figures, and a corner of it.")
    group.add_argument(
        "--explain",
        metavar="NAME,ROW,...",
        help="how one number came about: a value's name in the program, or a layer's, and the "
        "number's place in it; the row of the batch first, 0 is the first.",
    )
    group.add_argument(
        "--explain-gradient",
        metavar="NAME,I,...",
        help="how the gradient of one number came about, by the chain rule: a weight or a value, "
        "and the place in it.",
    )
    group.add_argument(
        "--terms",
        metavar="COUNT",
        type=whole(1),
        default=10,
        help="how many terms of a sum an explanation shows, the largest first. Default: 10.",
    )
    group.add_argument(
        "--write-program",
        metavar="FILE.py",
        help="write the program as a script, with its inputs in an .npz file beside it. Run by "
        "you, it takes the very step again with NumPy alone.",
    )
    parser.set_defaults(run=run)
    return parser


def run(options: argparse.Namespace) -> None:
    """Show what was asked for, the table by default."""
    from sheer.inspect import RecordedStep

    _check(options)
    step = RecordedStep.load(options.file)
    if options.value is not None:
        print(_value(step, options.value))
    if options.explain is not None:
        print(_explained("--explain", step.explain, options.explain, options.terms), end="")
    if options.explain_gradient is not None:
        words = options.explain_gradient
        print(_explained("--explain-gradient", step.explain_gradient, words, options.terms), end="")
    if options.write_program is not None:
        _write(step, options)
    asked = (options.value, options.explain, options.explain_gradient, options.write_program)
    if not any(word is not None for word in asked):
        print(step, end="")
        for line in _not_finite(step):
            print(wrapped(line))


def _check(options: argparse.Namespace) -> None:
    """What can be wrong in the command line alone."""
    path = options.write_program
    if path is None:
        return
    if not path.endswith(".py"):
        raise UsageError(f"--write-program {path}: the name must end in .py.")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise UsageError(f"--write-program {path}: there is no folder {folder!r}.")


def _explained(option: str, explain: Any, words: str, most: int) -> Any:
    """NAME,ROW,UNIT explained."""
    name, *places = words.split(",")
    try:
        index = [int(place) for place in places]
    except ValueError:
        raise UsageError(
            f"{option} {words}: after the name stand whole numbers, with commas between them, such "
            "as z1,3,17."
        ) from None
    try:
        return explain(name, *index, most=most)
    except (LookupError, TypeError) as error:
        reason = str(error.args[0]).partition(": ")
        text = reason[2] if reason[0].startswith("explain") else "".join(reason)
        raise UsageError(f"{option} {words}: {text}") from None


def _value(step: "RecordedStep", name: str) -> str:
    """An array's figures, and a corner of it."""
    import numpy as np

    from sheer.inspect.lines import figure, notes

    try:
        array, found = step[name], step.statistics(name)
    except KeyError as error:
        raise UsageError(f"--value {name}: {error.args[0]}") from None
    row = step.row_of(name)
    size = " × ".join(map(str, array.shape)) or "a single number"
    lines = [f"{name}: {size}, {array.dtype}"]
    lines.append(f"line {row.first}: {row.source}" if row else "it went into the step")
    if array.ndim:
        figures = {
            "min": found.minimum,
            "mean": found.mean,
            "max": found.maximum,
            "standard deviation": found.deviation,
        }
        lines.append(", ".join(f"{k} {figure(v)}" for k, v in figures.items()))
        if notes(found):
            lines.append(notes(found))
        first = (slice(CORNER),) * array.ndim
        if any(n > CORNER for n in array.shape):
            lines += ["", f"the first {CORNER} along each axis:"]
        array = array[first]
    with np.printoptions(precision=4, suppress=False, linewidth=100):
        return "\n".join([*map(_clean, lines), str(array)])


def _not_finite(step: "RecordedStep") -> list[str]:
    """Where the first NaN or infinity came from, in words."""
    import numpy as np

    found = step.first_not_finite()
    if found is None:
        return []
    array = step[found.name]
    bad = ~np.isfinite(array)
    lines = ["", "Where the first NaN or infinity is:"]
    if found.row is None:
        lines.append(f"  {found.name} went into the step with it.")
    else:
        layer = f", of layer {found.row.part}" if found.row.part else ""
        lines.append(f"  line {found.row.first} of the program{layer}: {found.row.source}")
    if array.ndim:
        place = ", ".join(map(str, found.index))
        lines.append(f"  the first: {found.name}[{place}] = {array[found.index]}")
        rows = np.flatnonzero(bad.reshape(len(array), -1).any(axis=1))
        what = "rows" if "." not in found.name else "places along its first axis"
        some = ", ".join(map(str, rows[:10])) + (", ..." if len(rows) > 10 else "")
        lines.append(f"  {what} with one: {some} ({len(rows):,} of {len(array):,})")
    if found.row is not None:
        words = ",".join(map(str, [found.name, *found.index]))
        lines.append(f"  To see how it came about: --explain {words}")
    return list(map(_clean, lines))


def _write(step: "RecordedStep", options: argparse.Namespace) -> None:
    from sheer.inspect.script import write_script

    data = write_script(step, options.write_program)
    print(f"Wrote {options.write_program}, and its inputs as {data}.")
    print("It runs what stands in the recorded file: where that is not yours, read it first.")
    print(f"Run: python {options.write_program}")


def _clean(text: str) -> str:
    from sheer.core.text import without_controls

    return without_controls(text)
