"""Units that do nothing: dead, saturated, all alike."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from sheer.inspect.findings.finding import Finding, Rule, percent, rule
from sheer.inspect.findings.seen import Activation, Seen

Array = np.ndarray[Any, Any]

# How many recorded steps agree before anything is said of units, and how many rows they have.
STEPS, ROWS = 4, 100


class _Units(Rule):
    """Counts, over the last recorded steps, for which share of the rows something held, unit by
    unit."""

    def __init__(self) -> None:
        self._held: dict[str, deque[tuple[Array, int]]] = defaultdict(lambda: deque(maxlen=STEPS))

    def shares(self, activation: Activation, held: Array) -> tuple[Array, int] | None:
        """The shares over the last steps, and of how many rows; None while these are too few.

        held: of each row and unit, whether it holds now.
        """
        kept = self._held[activation.name]
        kept.append((np.count_nonzero(held, axis=0), len(held)))
        rows = sum(n for _, n in kept)
        if len(kept) < STEPS or rows < ROWS or any(c.shape != kept[0][0].shape for c, _ in kept):
            return None
        return np.sum([c for c, _ in kept], axis=0) / rows, rows


@rule
class DeadUnits(_Units):
    """Units of a relu that gave 0 for every row, in several steps: no gradient comes through."""

    name = "dead_units"
    # Of a healthy layer some units rest for a while. (CS231n tells of 40 % with a learning rate too
    # large.)
    SHARE = 1 / 3

    def step(self, seen: Seen) -> Iterator[Finding]:
        for activation in seen.activations():
            if activation.kind not in ("relu", "relu6"):
                continue
            found = self.shares(activation, activation.by_unit() == 0)
            if found is None or (found[0] == 1).mean() < self.SHARE:
                continue
            (shares, rows), layer = found, activation.row.part
            dead = shares == 1
            count, units = int(dead.sum()), len(dead)
            who = "All" if count == units else f"{count:,} of the"
            some = ", ".join(map(str, np.flatnonzero(dead)[:5]))
            which = "" if count == units else f" (units {some}{', ...' if count > 5 else ''})"
            yield self.finding(
                seen,
                f"{'All' if count == units else percent(count / units) + ' of the'} units of "
                f"{layer} are dead",
                f"{who} {units:,} units gave 0 for each of the {rows:,} rows in the last "
                f"{STEPS} steps looked at{which}. Where a "
                "relu gives 0 no gradient comes through: such a unit learns nothing any more.\n"
                "Try: a smaller learning rate (a large step often kills units), the initializer "
                "'he_normal', inputs scaled to about -1 to 1, or leaky_relu or gelu in place of "
                "relu.",
                activation.row,
                dead=count,
                units=units,
                rows=rows,
                steps=STEPS,
            )


@rule
class SaturatedUnits(_Units):
    """Units of a tanh or a sigmoid that lie at its ends for nearly every row, where the slope is
    about 0."""

    name = "saturated_units"
    ENDS = {"tanh": (-1, 1), "hard_tanh": (-1, 1), "sigmoid": (0, 1), "hard_sigmoid": (0, 1)}
    # At 0.99 of its range a sigmoid has 4 % of its greatest slope (Glorot and Bengio 2010).
    MARGIN = 0.01
    OF_ROWS = 0.95
    SHARE = 0.5

    def step(self, seen: Seen) -> Iterator[Finding]:
        for activation in seen.activations():
            ends = self.ENDS.get(activation.kind)
            if ends is None:
                continue
            low, high = ends
            margin, value = self.MARGIN * (high - low), activation.by_unit()
            at_end = (value < low + margin) | (value > high - margin)
            found = self.shares(activation, at_end)
            if found is None or (found[0] >= self.OF_ROWS).mean() < self.SHARE:
                continue
            (shares, rows), layer = found, activation.row.part
            stuck = shares >= self.OF_ROWS
            count, units = int(stuck.sum()), len(stuck)
            yield self.finding(
                seen,
                f"{percent(count / units)} of the units of {layer} are saturated",
                f"{count:,} of the {units:,} units lay within {margin:g} of {low} or {high}, the "
                f"ends of {activation.kind}, for {percent(self.OF_ROWS)} or more of the {rows:,} "
                f"rows in the last {STEPS} steps looked at. There the slope is about 0: hardly "
                "any gradient comes through, and they learn very slowly.\n"
                "Try: inputs scaled to about -1 to 1, a smaller learning rate, smaller initial "
                "weights ('glorot_uniform'), BatchNormalization before the activation, or relu.",
                activation.row,
                saturated=count,
                units=units,
                rows=rows,
                steps=STEPS,
            )


@rule
class AlikeUnits(Rule):
    """Units of a layer with equal weights and equal gradients: they stay one unit for ever."""

    name = "alike_units"

    def step(self, seen: Seen) -> Iterator[Finding]:
        outputs = {output.layer for output in seen.outputs}
        for weight in seen.weights if seen.steps else ():
            units = weight.value.shape[-1]
            # Of the last layer equal weights mean less: the targets tell its units apart.
            if units < 2 or weight.value.ndim != 2 or weight.layer in outputs:
                continue
            if all(_alike(a) for a in (weight.value, weight.gradient, weight.new)):
                yield self.finding(
                    seen,
                    f"The {units:,} units of {weight.layer} are all alike",
                    f"After {seen.steps:,} steps all {units:,} columns of {weight.name} are equal, "
                    "and so are their gradients: the units compute the same number and change in "
                    "the same way, so the layer can never do more than one unit could.\n"
                    "Try: a random kernel_initializer (the default 'glorot_uniform' is), not "
                    "'zeros', 'ones' or a constant.",
                    weight.row,
                    units=units,
                )


def _alike(matrix: Array) -> bool:
    """Whether all columns are equal, up to rounding."""
    largest = float(np.abs(matrix).max())
    return float(np.abs(matrix - matrix[..., :1]).max()) <= 1e-3 * largest
