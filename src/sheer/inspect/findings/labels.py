"""Labels that do not belong to their rows."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from sheer.inspect.findings.finding import Finding, Rule, percent, rule
from sheer.inspect.findings.seen import Output, Seen

Array = np.ndarray[Any, Any]

# How many rows the neighbours are looked for among, and how many neighbours.
ROWS, NEIGHBOURS = 1000, 5
# And by how many columns of each input.
COLUMNS = 2000
SHIFTS = (1, -1, 2, -2, 3, -3)


@rule
class LabelsOutOfStep(Rule):
    """The model is no better than chance after many steps, and neither are the nearest neighbours
    of each row: x does not tell y, as where one was shuffled or shifted without the other.

    Two things distinguish that from a model that learns slowly: gradients flow (the weights have
    moved by a good part of their size), and rows alike in x are no more alike in y than any others.
    """

    name = "labels_out_of_step"
    AFTER, BETTER, MOVED = 100, 0.03, 0.3
    STEPS = 8

    def __init__(self) -> None:
        self._path = 0.0
        self._last_step = 0
        self._kept: dict[str, deque[Output]] = defaultdict(lambda: deque(maxlen=self.STEPS))
        self._batches: deque[tuple[list[Array], dict[str, Array]]] = deque(maxlen=64)
        self._is_told: set[str] = set()

    def step(self, seen: Seen) -> Iterator[Finding]:
        ratios = [w.update_ratio for w in seen.weights]
        # What the steps since the last look moved the weights by, all in one direction.
        self._path += max(ratios, default=0) * max(1, seen.steps - self._last_step)
        self._last_step = seen.steps
        arrays = [seen.step.inputs[n] for n in seen.inputs]
        if not any(a.dtype.kind == "f" for a in arrays):
            return  # it is not known how far words or categories are apart
        if seen.data is None:
            self._batches.append((arrays, {o.target: o.wanted for o in seen.outputs}))
        for output in seen.outputs:
            kept = self._kept[output.name]
            kept.append(output)
            rows = sum(len(o.wanted) for o in kept)
            enough = seen.steps >= self.AFTER and rows >= 100 and self._path >= self.MOVED
            loss = float(np.concatenate([o.losses for o in kept]).mean())
            chance = chance_of(np.concatenate([o.wanted for o in kept]), output.kind)
            if not enough or output.target in self._is_told or "one_target_only" in seen.found:
                continue
            if chance > 0 and loss > (1 - self.BETTER) * chance:
                self._is_told.add(output.target)  # the neighbours are asked once
                yield from self._asked(seen, output, loss, chance)

    def _asked(self, seen: Seen, output: Output, loss: float, chance: float) -> Iterator[Finding]:
        """Ask the neighbours."""
        x, y = self._rows(seen, output)
        if len(y) < 100:
            return
        score, level, margin = neighbours(x, y, output.kind)
        if score > level + margin:
            return  # x does tell y: the model is slow, or too small
        moved = {k: neighbours(x, y, output.kind, k) for k in SHIFTS}
        best = max(moved, key=lambda k: moved[k][0])
        is_shifted = moved[best][0] > moved[best][1] + 2 * moved[best][2]
        what = "name the right class for"
        if output.kind == "numbers":
            what = "explain, of its variance,"
        plain = "mean" if output.kind == "numbers" else "frequencies"
        text = (
            f"After {seen.steps:,} steps the loss is {loss:.3g}; to say the {plain} of "
            f"{output.target} for every row, without a look at x, costs {chance:.3g}. The "
            "weights do move: a step changes them by up to "
            f"{percent(max((w.update_ratio for w in seen.weights), default=0))} of their size. "
            f"But rows alike in x are not alike in {output.target}: for each of {len(y):,} rows "
            f"the {NEIGHBOURS} nearest others were asked, and they {what} "
            f"{percent(max(0, score))}; chance gives {percent(max(0, level))}.\n"
        )
        if is_shifted:
            parts = f"y[{best}:] belongs to x[:{-best}]"
            if best < 0:
                parts = f"y[:{best}] belongs to x[{-best}:]"
            text += (
                f"With {output.target} moved by {abs(best)} row{'s' * (abs(best) > 1)} against x "
                f"it would be {percent(moved[best][0])}: {parts}. Look for a header line, or a row "
                "dropped, in one of them."
            )
        else:
            text += (
                "Look whether x and y were shuffled or sorted apart from each other: shuffle both "
                "with the same order, such as rng.permutation(len(x)). If their rows do belong "
                "together, x says next to nothing about y."
            )
        yield self.finding(
            seen,
            f"The targets {output.target} do not belong to their rows",
            text,
            output.row,
            loss=loss,
            chance=chance,
            neighbours=score,
            shift=best if is_shifted else 0,
        )

    def _rows(self, seen: Seen, output: Output) -> tuple[Array, Array]:
        """Rows of all inputs side by side, with the targets: as they were given, where the data are
        there; else those of the batches seen."""
        if seen.data is not None and len(seen.data[1]) == 1:
            arrays, y = [a[:ROWS] for a in seen.data[0]], seen.data[1][0][:ROWS]
            if output.kind == "classes" and y.ndim > 1 and y.shape[-1] > 1:
                y = y.argmax(axis=-1)
            return _side_by_side(arrays), np.asarray(y, "float64").reshape(len(y), -1)[:, 0]
        pairs = [(_side_by_side(x), y[output.target]) for x, y in self._batches]
        pairs = [(x, y) for x, y in pairs if len(x) == len(y)]
        if not pairs:
            return np.zeros((0, 1)), np.zeros(0)
        x, y = (np.concatenate(parts)[-ROWS:] for parts in zip(*pairs, strict=True))
        return x, np.asarray(y, "float64")


def _side_by_side(arrays: list[Array]) -> Array:
    floats = [a.reshape(len(a), -1) for a in arrays if a.dtype.kind == "f"]
    # Of many columns some, spread evenly, tell as much.
    return np.concatenate(
        [a[:, :: -(-a.shape[1] // COLUMNS) or 1] for a in floats], axis=1, dtype="float32"
    )


def chance_of(wanted: Array, kind: str) -> float:
    """The loss of saying, for every row, the frequencies of the classes, or the mean."""
    if kind == "numbers":
        return float(wanted.var())
    _, counts = np.unique(wanted, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def neighbours(x: Array, y: Array, kind: str, shift: int = 0) -> tuple[float, float, float]:
    """How well the nearest other rows know the target of each row: the share of right classes, or
    the share of the variance that they explain; what chance gives, and a margin above it that
    chance leaves in one of a million cases.

    shift: the target of each row is that of the row so many further on.
    """
    if shift:
        x, y = (x[:-shift], y[shift:]) if shift > 0 else (x[-shift:], y[:shift])
    scale = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(scale > 0, scale, 1)
    squares = np.square(x).sum(axis=1)
    distances = squares[:, None] + squares - 2 * (x @ x.T)
    np.fill_diagonal(distances, np.inf)
    near = y[np.argpartition(distances, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]]
    if kind == "numbers":
        variance = float(y.var()) or 1.0
        explained = 1 - float(np.square(near.mean(axis=1) - y).mean()) / variance
        return explained, 0.0, 0.1
    classes, labels = np.unique(y, return_inverse=True)
    near = np.searchsorted(classes, near)
    votes = (near[..., None] == np.arange(len(classes))).sum(axis=1)
    score = float((votes.argmax(axis=1) == labels).mean())
    most = float(np.bincount(labels).max() / len(labels))
    return score, most, 5 * float(np.sqrt(most * (1 - most) / len(labels)))
