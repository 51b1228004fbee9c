"""Preparations that leave no trace when they fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sheer.core import random
from sheer.layers import Layer
from sheer.optimizers import Optimizer
from sheer.training.compiled import CompiledLoss, CompiledMetrics
from sheer.training.steps import Steps


@contextmanager
def undone_on_error(model: Layer) -> Iterator[None]:
    """Where the code inside raises, the model is as it was before.

    Layers that were built are unbuilt again; slots of optimizers, metrics and automatic keys that
    were made are forgotten. So an error in the data of a first `fit` does not decide the shape of a
    layer, and the next `fit` draws the same weights as if it were the first.

    It is for what comes before the first step: values assigned to Variables stay.
    """
    kept = [(thing, _copied(vars(thing))) for thing in _things(model)]
    key = random.peek_key()
    try:
        yield
    except BaseException:
        for thing, attributes in kept:
            vars(thing).clear()
            vars(thing).update(attributes)
        random.rewind(key)
        raise


# What has state of its own, besides layers.
KEEPERS = (Optimizer, CompiledLoss, CompiledMetrics, Steps)


def _things(model: Layer) -> list[Any]:
    """The layers, and what the model keeps that has state of its own."""
    held = [value for value in vars(model).values() if isinstance(value, KEEPERS)]
    return [*model._flatten_layers(), *held]


def _copied(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes; lists, dictionaries and sets among them as they are now."""
    return {
        name: value.copy() if isinstance(value, (list, dict, set)) else value
        for name, value in attributes.items()
    }
