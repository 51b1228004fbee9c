"""What all metrics share: state that adds up over batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sheer.core import config
from sheer.core.registry import Configurable, Registry, snake_case
from sheer.core.scope import part
from sheer.core.shapes import Dim
from sheer.losses.base import same_rank
from sheer.ops.arithmetic import cast, divide_no_nan
from sheer.ops.declare import operand
from sheer.ops.reduction import count, mean, sum
from sheer.ops.shaping import broadcast_to
from sheer.ops.variable import Variable

METRICS = Registry("metric")


class Metric(Configurable):
    """The base of metrics: a subclass has `update_state(...)` and `result()`.

    State is kept in Variables made by `add_variable`, which `reset_state` sets to 0.

    Example:

    >>> import sheer
    >>> mean = sheer.metrics.Mean()
    >>> mean.update_state([1.0, 3.0])
    >>> float(mean.result())
    2.0
    """

    def __init__(self, dtype: str | None = None, name: str | None = None):
        self.name = name or snake_case(type(self).__name__)
        self.dtype = dtype or config.floatx()
        self.variables: list[Variable] = []

    def add_variable(
        self, shape: Any = (), dtype: str | None = None, name: str = "total"
    ) -> Variable:
        """State of this shape, 0 at first."""
        value = np.zeros(shape, dtype or self.dtype)
        variable = Variable(value, trainable=False, name=name)
        variable.path = f"metrics/{self.name}_{name}"
        self.variables.append(variable)
        return variable

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take in a batch."""
        raise NotImplementedError(f"{type(self).__name__} needs a method update_state.")

    def result(self) -> Any:
        """The figure for all batches so far."""
        raise NotImplementedError(f"{type(self).__name__} needs a method result.")

    def reset_state(self) -> None:
        """Forget all batches."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take in a batch, and give the figure so far."""
        with part(self.name):
            self.update_state(*args, **kwargs)
            return self.result()


@METRICS.add()
class Mean(Metric):
    """The weighted mean of all values."""

    def __init__(self, name: str | None = "mean", dtype: str | None = None):
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")
        self.count = self.add_variable(name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """values: any shape. sample_weight: a number or an array that fits the values."""
        values = cast(values, self.dtype)
        if sample_weight is None:
            self.total.assign_add(sum(values) if values.ndim else values)
            self.count.assign_add(count(values))
            return
        if isinstance(sample_weight, (int, float, Dim)):
            self.total.assign_add((sum(values) if values.ndim else values) * sample_weight)
            self.count.assign_add(count(values) * sample_weight)
            return
        values, weight = same_rank(values, cast(sample_weight, self.dtype))
        while weight.ndim > values.ndim:
            values = mean(values, axis=-1)
        if weight.shape != values.shape:
            weight = broadcast_to(weight, values.shape)
        weighted = values * weight
        self.total.assign_add(sum(weighted) if weighted.ndim else weighted)
        self.count.assign_add(sum(weight) if weight.ndim else weight)

    def result(self) -> Any:
        return divide_no_nan(self.total, self.count)


@METRICS.add()
class Sum(Metric):
    """The weighted sum of all values."""

    def __init__(self, name: str | None = "sum", dtype: str | None = None):
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values = cast(values, self.dtype)
        if sample_weight is not None:
            values, weight = same_rank(values, cast(sample_weight, self.dtype))
            values = values * weight
        self.total.assign_add(sum(values))

    def result(self) -> Any:
        return self.total.value


class MeanMetricWrapper(Mean):
    """The mean of a function `fn(y_true, y_pred, **kwargs)`, which gives a value per example."""

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name or getattr(fn, "__name__", "metric"), dtype)
        self._fn = fn
        self._kwargs = kwargs

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """y_true, y_pred: (n, ...). sample_weight: (n,), or None."""
        values = self._fn(operand(y_true), operand(y_pred), **self._kwargs)
        super().update_state(values, sample_weight)

    @classmethod
    def parameters(cls) -> list[str]:
        # A subclass takes its own arguments, not the function.
        return [name for name in super().parameters() if name != "fn"]
