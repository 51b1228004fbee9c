"""RecordedStep: one run of a program, with the value of each of its lines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from sheer.core.errors import did_you_mean
from sheer.core.text import without_controls
from sheer.inspect.statistics import Statistics
from sheer.program.program import Program
from sheer.program.rows import Row, function_of
from sheer.program.watch import watch

if TYPE_CHECKING:
    from sheer.inspect.explain import Explainer, Explanation

Array = np.ndarray[Any, Any]
FORMAT = "sheer.step"
# What the description in a file holds, and the longest name in it.
KINDS: dict[str, type] = {"text": str, "name": str, "place": dict, "logs": dict}
KINDS |= {"inputs": list, "rows": list, "seconds": list}
LONGEST = 200


@dataclass(frozen=True)
class NotFinite:
    """The first NaN or infinity of a step: its row, the name of the value, the place in it."""

    row: Row | None
    name: str
    index: tuple[int, ...]


class RecordedStep:
    """A step of a model, line by line: what `model.trace_step` returns.

    Printed, it is the program with the shape and the range of each value beside its line. Each
    value is there by its name, as an array: `step["d_dense_kernel"]`, `step["x"]`,
    `step["dense.kernel"]`.

    Attributes:
        text: the program.
        rows: its lines (`program.rows.Row`), in their order.
        inputs: what went in: the data, and the state by its name in the program.
        values: what the lines computed, by their names.
        seconds: how long NumPy took for each row.
        logs: the figures that the program returned.
        place: where in a training it is: `epoch` and `batch`, from 0 on, and whatever else the
            recorder says; may be empty.
    """

    def __init__(
        self,
        text: str,
        name: str,
        rows: Sequence[Row],
        inputs: dict[str, Array],
        values: dict[str, Array],
        seconds: Sequence[float],
        logs: dict[str, Any] | None = None,
        place: dict[str, Any] | None = None,
    ):
        self.text, self.name = text, name
        self.rows = list(rows)
        self.inputs, self.values = inputs, values
        self.seconds = list(seconds)
        self.logs = logs or {}
        self.place = place or {}
        self._statistics: dict[str, Statistics] = {}
        self._explains: Explainer | None = None

    def __contains__(self, name: str) -> bool:
        return name in self.values or name in self.inputs

    def __iter__(self) -> Iterator[str]:
        return iter([*self.inputs, *self.values])

    def __getitem__(self, name: str) -> Array:
        """A value by its name in the program."""
        if name in self.values:
            return self.values[name]
        if name in self.inputs:
            return self.inputs[name]
        raise KeyError(f"There is no value {name!r} in {self.name}.{did_you_mean(name, self)}")

    def __repr__(self) -> str:
        return (
            f"<RecordedStep {self.name}: {len(self.rows)} rows, {len(self.values)} values, "
            "print() shows them>"
        )

    def __str__(self) -> str:
        return self.table()

    def table(self, width: int | None = None, colour: bool | None = None) -> str:
        """What print() shows: the program with the shape, the range and the time of each line.

        Args:
            width: the columns to fill; by default those of the terminal, up to 110.
            colour: by default where stdout is a terminal and NO_COLOR is unset.
        """
        from sheer.inspect import terminal

        return terminal.table(self, width, colour)

    def _repr_html_(self) -> str:
        from sheer.inspect import notebook

        return notebook.table(self)

    def statistics(self, name: str) -> Statistics:
        """A value in a few numbers."""
        if name not in self._statistics:
            self._statistics[name] = Statistics.of(self[name])
        return self._statistics[name]

    def row_of(self, name: str) -> Row | None:
        """The row that computes a value; None for what went in."""
        return next((row for row in reversed(self.rows) if name in row.targets), None)

    def kept(self) -> list[tuple[str, ...]]:
        """For each row the names of the values that are here as it made them: of a name that gets
        several values, the last one is."""
        last = {name: i for i, row in enumerate(self.rows) for name in row.targets}
        return [
            tuple(name for name in row.targets if last[name] == i and name in self.values)
            for i, row in enumerate(self.rows)
        ]

    def first_not_finite(self) -> NotFinite | None:
        """The first NaN or infinity, inputs first, then line by line; None where all is finite.

        Metrics are left out: theirs may be NaN with good reason.
        """
        found: list[tuple[Row | None, str]] = [
            (None, name) for name in self.inputs if not name.startswith("metrics.")
        ]
        for row, names in zip(self.rows, self.kept(), strict=True):
            found += [(row, name) for name in names if row.phase != "metrics"]
        for origin, name in found:
            array = self[name]
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                index = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
                return NotFinite(origin, name, index)
        return None

    def explain(self, name: str, *index: int, most: int = 10) -> Explanation:
        """How one number came about: the sum that made it, with its largest terms.

        Args:
            name: a value of the program; or a layer, for its output and for what that was made of.
            index: of the number, first the row of the batch: one whole number for each axis.
            most: how many terms of a sum are shown.

        Returns:
            What prints as text, and has the figures as attributes, see `inspect.explain`.

        Raises:
            KeyError: there is no such value or layer.
            IndexError: there is no such index.

        >>> import sheer
        >>> model = sheer.Sequential([sheer.Input((2,)), sheer.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> model.set_weights([np.array([[1.0], [2.0]]), np.array([0.5])])
        >>> step = model.trace_step(np.array([[3.0, 4.0]]), np.array([[10.0]]))
        >>> print(step.explain("y_pred", 0, 0))
        y_pred[0, 0] = 11.5    (line 9: y_pred = x @ dense.kernel + dense.bias)
          = sum over i of x[0, i] · dense.kernel[i, 0] + dense.bias[0]
              x[0, 1] · dense.kernel[1, 0]  4 · 2 =    8
              x[0, 0] · dense.kernel[0, 0]  3 · 1 =    3
              dense.bias[0]                       =  0.5
              together, as recorded               = 11.5
        <BLANKLINE>
        """
        return self._explainer().value(name, index, most)

    def explain_gradient(self, name: str, *index: int, most: int = 10) -> Explanation:
        """How the gradient of one number came about, by the chain rule down to the loss: at each
        line its largest terms, and then the gradient in the largest of them.

        Args:
            name: a weight (`"dense.kernel"`), a value, a layer for its output; or a gradient.
            index: of the number in it.
            most: how many terms of the first sum are shown.

        Raises:
            KeyError: there is no such value, or it has no gradient.
            IndexError: there is no such index.

        >>> import sheer
        >>> model = sheer.Sequential([sheer.Input((2,)), sheer.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> model.set_weights([np.array([[1.0], [2.0]]), np.array([0.5])])
        >>> step = model.trace_step(np.array([[3.0, 4.0]]), np.array([[10.0]]))
        >>> print(step.explain_gradient("dense.kernel", 1, 0))
        Where dense.kernel[1, 0] grows a little, the loss of this batch grows by 12 times as much.
        d_kernel[1, 0] = 12    (line 18: d_kernel = x.T @ d_error)
          = sum over r of x[r, 1] · d_error[r, 0]
              x[0, 1] · d_error[0, 0]  4 · 3 = 12
              together, as recorded          = 12
        <BLANKLINE>
          how the loss changes with error[0, 0]:
          d_error[0, 0] = 3    (line 17: d_error = 2 * error / len(x))
            = 2 · error[0, 0] / len(x)
            = 2 · 1.5 / 1
            = 3, as recorded
            Here the chain begins: this line is how the loss itself changes with error[0, 0].
        <BLANKLINE>
        """
        return self._explainer().gradient(name, index, most)

    def _explainer(self) -> Explainer:
        from sheer.inspect.explain import Explainer

        if self._explains is None:
            self._explains = Explainer(self)
        return self._explains

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, whole or not at all, which `sheer step FILE` shows: a safetensors
        file with all values, the text and the rows."""
        import json

        from sheer import saving

        arrays = {f"inputs/{k}": v for k, v in self.inputs.items()}
        arrays |= {f"values/{k}": v for k, v in self.values.items()}
        described = {
            "text": self.text,
            "name": self.name,
            "inputs": list(self.inputs),
            "rows": [asdict(row) | {"part": without_controls(row.part)} for row in self.rows],
            "seconds": self.seconds,
            "logs": {k: float(v) for k, v in self.logs.items() if np.ndim(v) == 0},
            "place": self.place,
        }
        saving.write(path, arrays, {FORMAT: json.dumps(described)})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> RecordedStep:
        """The step in a file that `save` wrote. Nothing in the file runs, its program neither."""
        import json

        from sheer import saving

        arrays, metadata = saving.read(path)
        if FORMAT not in metadata:
            raise ValueError(f"{path} holds no recorded step, as RecordedStep.save writes it.")
        try:
            return cls._described(json.loads(metadata[FORMAT]), arrays)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            words = without_controls(str(error))
            raise ValueError(f"{path} is no sound recorded step: {words}.") from error
        except (MemoryError, RecursionError, StopIteration, SyntaxError) as error:
            kind = type(error).__name__
            raise ValueError(f"{path} is no sound recorded step: its text gives {kind}.") from error

    @classmethod
    def _described(cls, described: dict[str, Any], arrays: Mapping[str, Array]) -> RecordedStep:
        parts: dict[str, dict[str, Array]] = {"inputs": {}, "values": {}}
        for key, array in arrays.items():
            part, _, name = key.partition("/")
            if part not in parts or not _is_name(name):
                raise ValueError(f"an array is called {key!r}")
            parts[part][name] = array
        for key, kind in KINDS.items():
            if type(described.get(key)) is not kind:
                raise ValueError(f"{key!r} is no {kind.__name__}")
        text, name = described["text"], described["name"]
        if not name.isidentifier():
            raise ValueError(f"the program is called {name!r}")
        function_of(text, name)
        rows = [_row(entry, text.count("\n") + 1) for entry in described["rows"]]
        seconds = [float(s) for s in described["seconds"]]
        if len(seconds) != len(rows):
            raise ValueError(f"there are {len(rows)} rows, and {len(seconds)} times")
        # A file has its arrays in the order of their sizes.
        inputs = {name: parts["inputs"].pop(name) for name in described["inputs"]}
        targets = dict.fromkeys(target for row in rows for target in row.targets)
        values = {t: parts["values"].pop(t) for t in targets if t in parts["values"]}
        if parts["inputs"] or parts["values"]:
            raise ValueError(f"no line of it has {[*parts['inputs'], *parts['values']][0]!r}")
        logs = {k: float(v) for k, v in described["logs"].items()}
        place = described["place"]
        return cls(text, name, rows, inputs, values, seconds, logs, place)


def _row(entry: dict[str, Any], lines: int) -> Row:
    """A row from its description in a file, of a text of so many lines."""
    entry = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    for name, value in asdict(Row(0, 0, "", ())).items():
        found = entry.get(name)
        is_right = type(found) is type(value)
        if not is_right or (type(found) is tuple and not all(type(v) is str for v in found)):
            raise ValueError(f"a row has {name}={found!r}")
    row = Row(**entry)
    words = (row.phase, row.part, row.op)
    is_sound = (
        0 < row.first <= row.last <= lines
        and all(target.isidentifier() for target in row.targets)
        and all(_is_name(of) for of in row.of if of)
        and len(row.of) in (0, len(row.targets))
        and all(word.isprintable() and len(word) <= LONGEST for word in words)
    )
    if not is_sound:
        raise ValueError(f"a row is {row}")
    return row


def _is_name(name: str) -> bool:
    """Whether a program can have a value of this name: `x`, `dense.kernel`."""
    return len(name) <= LONGEST and all(part.isidentifier() for part in name.split("."))


def record(
    program: Program,
    rows: Sequence[Row],
    arguments: Sequence[Any],
    place: dict[str, Any] | None = None,
) -> RecordedStep:
    """Run a program once on these arguments, on NumPy, and keep what its lines compute.

    Arguments and Variables stay as they are: what the program returns as new state is only kept.
    """
    inputs: dict[str, Array] = {}
    given: list[Any] = []
    for name, value in zip(program.parameters, arguments, strict=True):
        if isinstance(value, (np.ndarray, np.generic, int, float)):
            inputs[name] = np.array(value)
            given.append(_copied(value))
        else:  # the state of a part
            inputs |= {f"{name}.{key}": np.array(array) for key, array in vars(value).items()}
            given.append(SimpleNamespace(**{k: _copied(v) for k, v in vars(value).items()}))
    # A program that someone changed may write into its arguments: it gets arrays of its own.
    seen = watch(program, rows, given)
    result = seen.result[0] if isinstance(seen.result, tuple) else seen.result
    logs = result if isinstance(result, dict) else {}
    return RecordedStep(
        program.text, program.name, rows, inputs, seen.values, seen.seconds, logs, place
    )


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value
