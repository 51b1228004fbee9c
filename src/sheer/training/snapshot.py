"""Snapshots of a model's state, and the search for a step in a turn that ran without Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from sheer.core import tree
from sheer.engines.stretch import Stretch
from sheer.ops.random import SeedGenerator
from sheer.ops.variable import Variable
from sheer.optimizers import Optimizer
from sheer.training.data import Data


class Snapshot:
    """The values that Variables have now, to be put back later, bit for bit.

    Nothing is copied here: who changes a Variable makes it a new array while someone has the old.
    """

    def __init__(self, variables: Iterable[Variable]):
        self._values = [(v, v.stored()) for v in variables]

    def restore(self) -> None:
        """Put the values back."""
        for variable, value in self._values:
            variable.store(value)


def first_bad(
    step: Any,
    data: Data,
    stretch: Stretch,
    variables: list[Variable],
    is_bad: Callable[[Any], bool],
) -> int | None:
    """Run the steps of a stretch one by one, until `is_bad` says so of an answer. The number of
    that step, before which the Variables then are; None where there is none."""
    for number in range(stretch.steps):
        before = Snapshot(variables)
        _, answer = step.run(data, stretch.part(number, 1), math.inf)
        if is_bad(answer):
            before.restore()
            return number
    return None


def state_of(model: Any, steps: Iterable[Any] = ()) -> list[Variable]:
    """All Variables that a model and these steps read or assign, each once."""
    found = list(model.weights)
    for thing in vars(model).values():
        if isinstance(thing, Optimizer):
            if model.run_eagerly:  # traced, a step has made the slots already
                thing.build(model.trainable_variables)
            found += thing.variables
    found += [v for metric in model.metrics for v in metric.variables]
    held = [v for layer in model._flatten_layers() for v in tree.leaves(vars(layer))]
    found += [v.state for v in held if isinstance(v, SeedGenerator)]
    for step in steps:
        if hasattr(step, "graph"):
            found += [*step.graph.reads, *step.graph.writes]
    return list(dict.fromkeys(found))
