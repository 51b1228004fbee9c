"""The words that sheer's errors share."""

import linecache
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

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


class NotFiniteError(FloatingPointError):
    """A step of a model that was compiled with `check_finite=True` computed a NaN or an infinity.

    `step` is the recorded step, line by line (`print(error.step)`, `error.step["z1"]`); None where
    the model runs eagerly.
    """

    def __init__(self, message: str, step: Any = None):
        super().__init__(message)
        self.step = step


def absent(module: str, lacking: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module: an error that tells what Keras has and sheer does not have yet
    from a slip of the pen.

    lacking: names of Keras's, in one text.

    >>> absent("sheer.layers", "Conv2D LSTM")("LSTM")
    Traceback (most recent call last):
    AttributeError: sheer.layers.LSTM is in Keras, but not in sheer yet.
    """

    def missing(name: str) -> Any:
        if name in lacking.split():
            raise AttributeError(f"{module}.{name} is in Keras, but not in sheer yet.")
        import difflib  # only errors need it

        known = [n for n in vars(sys.modules[module]) if not n.startswith("_")]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"module {module!r} has no attribute {name!r}.{hint}")

    return missing


# So many known names an error lists.
MOST = 60


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
    known = alike or known
    more = f", and {len(known) - MOST} more" if len(known) > MOST else ""
    return f" Known: {', '.join(known[:MOST])}{more}."


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
