"""The words that sheer's errors share."""

import linecache
import os
import sys
from collections.abc import Iterable

import numpy as np

NUMPY = os.path.dirname(os.path.abspath(np.__file__))
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class TraceError(RuntimeError):
    """Something in the user's code cannot be written into a program."""


class ShapeError(ValueError):
    """Shapes that do not fit together.

    A shape rule raises it with one line that says what disagrees; the op's call adds the rest.
    """


class NotBuiltError(ValueError):
    """A model or layer was asked for something that exists only once its input shape is known."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """`" Did you mean 'relu'?"` when a known name is near, else a list of the known names.

    Of two spellings of a name, the one with the capitals that were given.

    >>> did_you_mean("rellu", ["ReLU", "relu", "tanh"])
    " Did you mean 'relu'?"
    >>> did_you_mean("zzz", ["relu", "tanh"])
    ' Known: relu, tanh.'
    """
    import difflib  # only errors need it

    known, given = sorted(known), str(name)
    alike = [k for k in known if k.islower() == given.islower()]
    for names in (alike, known):
        near = difflib.get_close_matches(given.lower(), [k.lower() for k in names], n=1, cutoff=0.6)
        if near:
            match = next(k for k in names if k.lower() == near[0])
            return f" Did you mean {match!r}?"
    return f" Known: {', '.join(alike or known)}."


def user_line() -> str:
    """The innermost line on the stack that is neither sheer's own nor NumPy's:
    `model.py, line 12: if x > 0:`."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith((PACKAGE, NUMPY)):
        if frame.f_back is None:
            break
        frame = frame.f_back
    name, line = frame.f_code.co_filename, frame.f_lineno
    source = linecache.getline(name, line).strip()
    return f"{os.path.basename(name)}, line {line}" + (f": {source}" if source else "")
