"""What the plots of a training show: the figures of each quantity, and where they lie in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sheer.core.errors import did_you_mean
from sheer.core.shapes import show

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Kind = Literal["over", "end", "rate"]
RATE = "learning_rate"
HELD_OUT = "val_"


@dataclass(frozen=True)
class Curve:
    """A figure through the epochs.

    name: the figure's, as in the history.
    epochs: the epochs that it was taken of, counted from 1.
    y: its value in each of them, perhaps NaN or infinite.
    """

    name: str
    epochs: Numbers
    y: Numbers

    @property
    def kind(self) -> Kind:
        """When it was taken: over the epoch, at its end; or a learning rate, in force all along."""
        if self.name == RATE:
            return "rate"
        return "end" if self.name.startswith(HELD_OUT) else "over"

    @property
    def x(self) -> Numbers:
        """Where the values lie, in epochs since the training began.

        The weights change while an epoch's figure is collected: that belongs to its middle. Those
        that are measured after it belong to its end.
        """
        return self.epochs - (0.5 if self.kind == "over" else 0.0)

    @property
    def words(self) -> str:
        """The name, and when the figure was taken."""
        if self.kind == "rate":
            return f"{self.name}, during the epoch"
        if self.kind == "end":
            return f"{self.name}, at the end of the epoch"
        is_loss = self.name == "loss" or self.name.endswith("_loss")
        return f"{self.name}, {'mean ' if is_loss else ''}over the epoch"

    def drawn(self) -> tuple[Numbers, Numbers]:
        """x and y of a line: NaN where it has a gap, as before the epochs of another fit."""
        x, y = self.x, np.where(np.isfinite(self.y), self.y, np.nan)
        breaks = np.flatnonzero(np.diff(x) <= 0) + 1
        return np.insert(x, breaks, np.nan), np.insert(y, breaks, np.nan)

    def lacking(self) -> list[tuple[str, Numbers]]:
        """What it has in place of numbers, each with where: `NaN`, `inf`, `-inf`."""
        kinds = {"NaN": np.isnan(self.y), "inf": self.y == np.inf, "-inf": self.y == -np.inf}
        return [(what, self.x[where]) for what, where in kinds.items() if where.any()]


@dataclass(frozen=True)
class Panel:
    """The figures of one quantity: of training, and held out."""

    name: str
    curves: list[Curve]

    @property
    def words(self) -> str:
        """Those of its curves."""
        return "".join(curve.words for curve in self.curves)

    def finite(self) -> Numbers:
        """All numbers in it."""
        y: Numbers = np.concatenate([curve.y for curve in self.curves])
        return y[np.isfinite(y)]


@dataclass(frozen=True)
class Chart:
    """Panels, one below the other, over the same epochs.

    notes: what has to be said of them, a sentence each.
    """

    panels: list[Panel]
    notes: list[str]

    @property
    def first(self) -> float:
        """Where the first epoch begins."""
        return float(min(c.epochs.min() for p in self.panels for c in p.curves)) - 1

    @property
    def last(self) -> float:
        """Where the last epoch ends."""
        return float(max(c.epochs.max() for p in self.panels for c in p.curves))


def chart(history: Any, metrics: str | Iterable[str] | None, caller: str) -> Chart:
    """What there is to draw of a `History`: the loss, the metrics, the learning rate.

    metrics: the names of those that are wanted; a figure and its `val_` partner come together.
    """
    figures = history.history
    if not any(len(values) for values in figures.values()):
        raise ValueError(f"{caller}: there is nothing to draw: no epoch of a fit has ended.")
    wanted = list(map(quantity, figures if metrics is None else named(figures, metrics, caller)))
    panels: dict[str, Panel] = {}
    left_out: dict[str, str] = {}
    for name in sorted(figures, key=lambda name: name.startswith(HELD_OUT)):
        if quantity(name) not in wanted or not figures[name]:
            continue
        found = _curve(history, name)
        if isinstance(found, str):
            left_out.setdefault(quantity(name), f"{name} is left out: {found}.")
        else:
            panels.setdefault(quantity(name), Panel(quantity(name), [])).curves.append(found)
    if not panels:
        raise ValueError(f"{caller}: there is nothing to draw. {' '.join(left_out.values())}")
    return Chart(
        sorted(panels.values(), key=lambda panel: (panel.name == RATE, panel.name != "loss")),
        [*_gaps(panels.values()), *left_out.values(), *_runs(history, panels.values())],
    )


def quantity(name: str) -> str:
    """What a figure tells of: `loss`, also for `val_loss`."""
    return name.removeprefix(HELD_OUT)


def named(figures: Iterable[str], names: str | Iterable[str], caller: str) -> list[str]:
    """The names as a list; an error where one is not among the figures."""
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if name not in figures:
            raise ValueError(f"{caller}: there is no figure {name!r}.{did_you_mean(name, figures)}")
    return names


def _curve(history: Any, name: str) -> Curve | str:
    """The figures of this name; or why they cannot be drawn."""
    values = history.history[name]
    shapes = {np.shape(value) for value in values} - {()}
    if shapes:
        return f"its figures are arrays of the shape {show(min(shapes))}"
    epochs = history.epochs_of.get(name, [])
    if len(epochs) != len(values):  # put in by hand
        epochs = history.epoch
    if len(epochs) != len(values):
        return f"it has {len(values)} figures, and nothing tells of which epochs"
    try:
        y = np.array(list(map(float, values)))
    except (TypeError, ValueError):
        return "its figures are no numbers"
    return Curve(name, np.array(epochs, "float64") + 1, y)


# Notes


def _gaps(panels: Iterable[Panel]) -> list[str]:
    """Where figures are no finite numbers."""
    notes = []
    for curve in [curve for panel in panels for curve in panel.curves]:
        shift = curve.epochs[0] - curve.x[0]
        parts = [f"{what} in {_epochs(x + shift)}" for what, x in curve.lacking()]
        if parts:
            notes.append(f"{curve.name} has gaps: {', '.join(parts)}.")
    return notes


def _runs(history: Any, panels: Iterable[Panel]) -> list[str]:
    """How the fits went."""
    curves = [curve for panel in panels for curve in panel.curves]
    notes = []
    if any((np.diff(curve.epochs) <= 0).any() for curve in curves):
        notes.append("There were several fits, each with its own count of epochs.")
    if history.interrupted:
        last = max(int(curve.epochs[-1]) for curve in curves)
        notes.append(f"Interrupted after epoch {last}.")
    return notes


def _epochs(numbers: Sequence[float] | Numbers) -> str:
    """Epochs in words.

    >>> _epochs([3.0]), _epochs([1.0, 2.0, 3.0, 7.0, 8.0])
    ('epoch 3', 'epochs 1 to 3, 7 and 8')
    """
    runs: list[list[int]] = []
    for number in sorted({int(number) for number in numbers}):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    spans = [[f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run) for run in runs]
    *before, last = [text for texts in spans for text in texts]
    many = "s" if before or len(runs[0]) > 1 else ""
    return f"epoch{many} {', '.join(before)}{' and ' if before else ''}{last}"
