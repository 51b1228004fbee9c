"""The figures of a training as a matplotlib Figure; `History.plot` returns it."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np

from sheer.inspect.curves import Chart, Curve, Numbers, Panel, chart, named, quantity

# Here and nowhere else. Not pyplot: that keeps each figure, and may want a screen.
try:
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter
except ImportError as error:
    raise ImportError(
        "History.plot: the package matplotlib is not there, which draws the figure. "
        'Install it: pip install "sheer[plot]". History.plot_text() needs nothing more.'
    ) from error

# Colours that also those can tell apart who do not see red and green as others do (Okabe and Ito).
HOLLOW = {"marker": "o", "mfc": "white", "mew": 1.3, "ms": 5.5}
STYLES: dict[str, dict[str, Any]] = {
    "over": {"color": "#0072B2", **HOLLOW, "lw": 1.3, "zorder": 3},
    "end": {"color": "#D55E00", "marker": "D", "ms": 4.5, "lw": 1.8},
    "rate": {"color": "#444444", "lw": 1.5, "drawstyle": "steps-pre"},
}
INK, FAINT = "#333333", "#E6E6E6"
SIZE = 9  # of letters, in points
MOST_MARKS = 20
PANELS_IN_A_COLUMN = 3
LONG = 75  # letters of a legend in one line


class Plot(Figure):
    """A Figure that a notebook shows, whether or not pyplot is in use there."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The picture in twice the size that it is shown in, for sharp letters."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=2 * self.dpi)
        width, height = self.get_size_inches() * self.dpi
        return file.getvalue(), {"width": round(width), "height": round(height)}


def plot(
    history: Any,
    metrics: str | Iterable[str] | None = None,
    log: str | Iterable[str] = (),
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """The figures of a `History`, a panel for each quantity: see `History.plot`."""
    shown = chart(history, metrics, "History.plot")
    logarithmic = {quantity(name) for name in named(history.history, log, "History.plot")}
    count = len(shown.panels)
    columns = 1 if count <= PANELS_IN_A_COLUMN else 2
    rows = -(-count // columns)
    size = figsize or (6.8 if columns == 1 else 12, 0.6 + 2.5 * rows)
    figure = Plot(figsize=size, layout="constrained", facecolor="white")
    figure.get_layout_engine().set(h_pad=0.08, w_pad=0.1)  # type: ignore[union-attr,call-arg]
    grid = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.remove()
    for i, panel in enumerate(shown.panels):
        _draw(grid[i], panel, 2 if columns == 1 and len(panel.words) < LONG else 1)
        if panel.name in logarithmic:
            _make_logarithmic(grid[i], panel)
        _epoch_axis(grid[i], shown, is_lowest=i + columns >= count)
    if shown.notes:
        width = int(size[0] * 14)
        text = "\n".join(line for note in shown.notes for line in textwrap.wrap(note, width))
        figure.supxlabel(text, x=0.02, ha="left", fontsize=SIZE - 1, color=INK)
    return figure


def _draw(axes: Any, panel: Panel, legend_columns: int) -> None:
    """A quantity: its lines, its axis, and its legend above."""
    for row, curve in enumerate(panel.curves):
        style = STYLES[curve.kind]
        x, y = _steps(curve) if curve.kind == "rate" else curve.drawn()
        axes.plot(x, y, label=curve.words, markevery=_marked(y, row), **style)
        for what, place in [(w, p) for w, places in curve.lacking() for p in _middles(places)]:
            axes.margins(y=0.25)  # room for the words
            axes.annotate(
                what,
                (place, 0.03 + 0.09 * row),
                xycoords=("data", "axes fraction"),
                ha="center",
                fontsize=SIZE - 1,
                color=style["color"],
            )
    if not panel.finite().size:
        axes.set_yticks([])
    axes.set_ylabel(_in_two_lines(panel.name), fontsize=SIZE, color=INK)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.01),
        ncols=legend_columns,
        frameon=False,
        borderaxespad=0,
        borderpad=0.2,
        columnspacing=2.5,
        fontsize=SIZE,
        labelcolor=INK,
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(labelsize=SIZE, color=INK, labelcolor=INK)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)


def _epoch_axis(axes: Any, shown: Chart, is_lowest: bool) -> None:
    """Whole epochs, from where the first began to where the last ended."""
    room = 0.02 * (shown.last - shown.first)
    axes.set_xlim(shown.first - room, shown.last + room)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="x", labelbottom=is_lowest)
    if is_lowest:
        axes.set_xlabel("epoch", fontsize=SIZE, color=INK)


def _steps(curve: Curve) -> tuple[Numbers, Numbers]:
    """A rate holds from where its epoch begins to where it ends."""
    x, y = curve.drawn()
    starts = [0, *(np.flatnonzero(np.isnan(x)) + 1)]
    return np.insert(x, starts, x[starts] - 1), np.insert(y, starts, y[starts])


def _marked(y: Numbers, row: int) -> list[int]:
    """Which points have a mark: all, or some where they are many, and those without neighbours."""
    every = -(-len(y) // MOST_MARKS)
    is_gap = np.isnan(np.concatenate([[np.nan], y, [np.nan]]))
    lone = ~is_gap[1:-1] & is_gap[:-2] & is_gap[2:]
    # Those of the second line between those of the first.
    some = np.arange(len(y)) % every == (every // 2 if row else 0)
    return np.flatnonzero(lone | some).tolist()


def _middles(places: Numbers) -> list[float]:
    """The middle of each run of epochs."""
    runs = np.split(places, np.flatnonzero(np.diff(places) != 1) + 1)
    return [float(run.mean()) for run in runs]


def _in_two_lines(name: str) -> str:
    """A long name, broken at the middle one of its underscores.

    >>> _in_two_lines("sparse_categorical_accuracy")
    'sparse_categorical_\\naccuracy'
    """
    places = [i + 1 for i, sign in enumerate(name) if sign == "_"]
    if len(name) <= 20 or not places:
        return name
    middle = min(places, key=lambda i: abs(2 * i - len(name)))
    return f"{name[:middle]}\n{name[middle:]}"


def _make_logarithmic(axes: Any, panel: Panel) -> None:
    numbers = panel.finite()
    if numbers.min(initial=np.inf) <= 0:
        raise ValueError(
            f"History.plot: {panel.name} goes down to {numbers.min():g}, and a logarithmic axis "
            f"shows numbers above 0 only. Leave {panel.name!r} out of log."
        )
    if not numbers.size:
        return
    axes.set_yscale("log")
    is_wide = numbers.max() > 10 * numbers.min()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if is_wide else MaxNLocator(5))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
