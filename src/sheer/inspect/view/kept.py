"""Kept: the recorded steps of a training, thinned out evenly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sheer.inspect.recorded import RecordedStep

# The latest so many steps are never thinned out, so that one can step back.
LATEST = 4
MOST_SUMMARIES = 400
MOST_BYTES = 512_000_000


@dataclass
class Entry:
    """A step: its summary, and its values as long as they are kept."""

    summary: dict[str, Any]
    step: RecordedStep | None

    @property
    def count(self) -> int:
        """How many steps came before it."""
        return int(self.summary["step"])

    @property
    def bytes(self) -> int:
        """What its values take."""
        return 0 if self.step is None else sum(self.step[name].nbytes for name in self.step)


class Kept:
    """Summaries of up to 400 steps, and the values of up to `most` of them.

    When one is too many, that goes whose neighbours are the nearest; the first one and the latest
    stay. Values never take more than 512 MB together, whatever `most` says, but for those of the
    latest step.
    """

    def __init__(self, most: int):
        self.most = most
        self.entries: list[Entry] = []

    def add(self, summary: dict[str, Any], step: RecordedStep) -> list[int]:
        """Keep a step; the ids of those whose values went for it."""
        self.entries.append(Entry(summary, step))
        forgotten = []
        holding = [e for e in self.entries if e.step is not None]
        total = sum(e.bytes for e in holding)
        while len(holding) > 1 and (len(holding) > self.most or total > MOST_BYTES):
            victim = _densest(holding)
            total -= victim.bytes
            victim.step = None
            victim.summary = {**victim.summary, "tensors": []}
            forgotten.append(victim.summary["id"])
            holding.remove(victim)
        if len(self.entries) > MOST_SUMMARIES:
            self.entries.remove(_densest([e for e in self.entries if e.step is None]))
        return forgotten

    def find(self, number: int) -> Entry | None:
        """The step with this id."""
        return next((e for e in self.entries if e.summary["id"] == number), None)


def _densest(entries: list[Entry]) -> Entry:
    """The entry whose neighbours are the nearest to one another."""
    inner = range(1, max(2, len(entries) - LATEST))
    if len(entries) == 2:
        return entries[0]
    gap = {i: entries[i + 1].count - entries[i - 1].count for i in inner if i + 1 < len(entries)}
    return entries[min(gap, key=lambda i: gap[i])]
