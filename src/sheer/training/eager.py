"""The step of a model that runs eagerly."""

from __future__ import annotations

from typing import Any

from sheer.core import tree
from sheer.ops.tensor import Tensor
from sheer.training.data import Arrays
from sheer.training.step import Batches


class EagerStep(Batches):
    """The model's own method, run as it stands, op by op."""

    def __init__(self, model: Any, kind: str, structure: Any):
        self.model = model
        self.kind = kind
        self.structure = structure

    def __call__(self, batch: Arrays) -> Any:
        values = iter(batch)
        tensors = tree.map_tree(
            lambda a: None if a is None else Tensor(next(values)), self.structure
        )
        result = getattr(self.model, self.kind)(tensors)
        check_logs(self.kind, result)
        return tree.map_tree(lambda v: v.numpy() if hasattr(v, "numpy") else v, result)


def check_logs(kind: str, result: Any) -> None:
    """Raise where a step of a model gives no figures."""
    if kind != "predict_step" and not isinstance(result, dict):
        raise TypeError(
            f"{kind} must return a dictionary of figures, such as {{'loss': loss}}. "
            f"Got {type(result).__name__}."
        )
