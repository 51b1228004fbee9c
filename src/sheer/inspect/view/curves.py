"""Curves: the figures of a training over its steps, in a bounded number of points."""

from __future__ import annotations

from typing import Any

import numpy as np

# More points than a page is wide tell nothing more.
MOST_POINTS = 800


class Curves:
    """Series over steps, with a gap (None) where a series has no figure.

    When there are too many points, every second one goes, and new ones come half as often.

    >>> curves = Curves()
    >>> curves.add(1, 0.1, {"loss": 2.0})
    >>> curves.add(2, 0.2, {"loss": 1.0, "accuracy": 0.5})
    >>> curves.state()["series"]
    {'loss': [2.0, 1.0], 'accuracy': [None, 0.5]}
    """

    def __init__(self, x: str = "step", most: int = MOST_POINTS):
        self.x, self.most = x, most
        self._points: list[tuple[int, float, dict[str, float | None]]] = []
        self._apart = 0.0  # steps

    def add(self, step: int, epoch: float, figures: dict[str, Any]) -> None:
        """A point; at a step that is there already, what it has more."""
        found: dict[str, float | None] = {
            name: float(v) for name, v in figures.items() if v is not None and np.ndim(v) == 0
        }
        points = self._points
        if points and points[-1][0] == step:
            found = {**points[-1][2], **found}
            points.pop()
        elif len(points) > 1 and points[-1][0] - points[-2][0] < self._apart:
            points.pop()
        points.append((step, epoch, found))
        if len(points) > self.most:
            self._points = points[::2] + ([] if len(points) % 2 else points[-1:])
            self._apart = 1.5 * (points[-1][0] - points[0][0]) / self.most

    def state(self) -> dict[str, Any]:
        """The points as the page takes them."""
        points = list(self._points)
        names = dict.fromkeys(name for *_, found in points for name in found)
        state: dict[str, Any] = {self.x: [step for step, *_ in points]}
        if self.x != "epoch":
            state["epoch"] = [epoch for _, epoch, _ in points]
        series = {name: [found.get(name) for *_, found in points] for name in names}
        return {**state, "series": series}
