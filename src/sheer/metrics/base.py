"""What all metrics share: state that adds up over batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from sheer import initializers
from sheer.core import config, naming, tree
from sheer.core.dtypes import standardize_dtype
from sheer.core.objects import take_room
from sheer.core.registry import Configurable, Registry
from sheer.core.scope import part
from sheer.core.shapes import Dim
from sheer.losses.base import LOSSES, masked_weight, same_rank
from sheer.ops.arithmetic import as_float, divide_no_nan
from sheer.ops.declare import operand
from sheer.ops.recording import computing
from sheer.ops.reduction import count, mean, sum
from sheer.ops.shaping import broadcast_to
from sheer.ops.tensor import Tensor
from sheer.ops.variable import Variable

METRICS = Registry("metric")
# The functions of targets and predictions that are not losses, for configs with their names.
FUNCTIONS = Registry("metric function")


class Metric(Configurable):
    """The base of metrics: a subclass has `update_state(...)` and `result()`.

    State is kept in Variables made by `add_variable`, which `reset_state` sets to 0; so are other
    metrics that it holds in attributes.

    name: `"mean"`, `"mean_1"`, ... by default. dtype: of the state; `config.floatx()` by default.

    Example:

    >>> import sheer
    >>> mean = sheer.metrics.Mean()
    >>> mean.update_state([1.0, 3.0])
    >>> float(mean.result())
    2.0
    """

    def __init__(self, dtype: str | None = None, name: str | None = None):
        self.name = name or naming.auto_name(self)
        self.dtype = standardize_dtype(dtype or config.floatx())
        self._variables: list[Variable] = []

    @property
    def variables(self) -> list[Variable]:
        """All state: its own, and that of metrics and lists of metrics in its attributes."""
        found: list[Variable] = []
        for held in tree.leaves(list(vars(self).values())):
            if isinstance(held, Variable):
                found.append(held)
            elif isinstance(held, Metric):
                found += held.variables
        return list(dict.fromkeys(found))

    def add_variable(
        self,
        shape: Any = (),
        initializer: Any = "zeros",
        dtype: str | None = None,
        name: str | None = None,
    ) -> Variable:
        """State of this shape."""
        dtype = standardize_dtype(dtype or self.dtype)
        take_room(math.prod(shape) * np.dtype(dtype).itemsize, f"{self.name}: its state")
        with computing():
            value = initializers.get(initializer)(tuple(shape), dtype=dtype)
        variable = Variable(
            value, trainable=False, name=name or f"state_{len(self._variables) + 1}"
        )
        variable.path = f"metrics/{self.name}_{variable.name}"
        self._variables.append(variable)
        return variable

    # The older name.
    add_weight = add_variable

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

    def stateless_update_state(self, metric_variables: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """The state after a batch, from that given; the metric's own stays as it is.

        >>> mean = Mean()
        >>> [float(v) for v in mean.stateless_update_state([6.0, 2.0], [1.0, 3.0])]
        [10.0, 4.0]
        """
        with self._holding(metric_variables):
            self.update_state(*args, **kwargs)
            return [variable.value for variable in self.variables]

    def stateless_result(self, metric_variables: Any) -> Any:
        """The figure for a state that is given."""
        with self._holding(metric_variables):
            return as_value(self.result())

    def stateless_reset_state(self) -> list[Any]:
        """The state of a metric that has seen no batch."""
        return [Tensor(np.zeros(v.shape, v.dtype)) for v in self.variables]

    @contextmanager
    def _holding(self, values: Any) -> Iterator[None]:
        """Inside, the metric has this state."""
        variables = self.variables
        if len(values) != len(variables):
            raise ValueError(
                f"{self.name}: metric_variables needs a value for each of the metric's "
                f"{len(variables)} variables. Got {len(values)}."
            )
        before = {variable: variable.value for variable in variables}
        try:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            yield
        finally:
            for variable in self.variables:
                # One that was made only now has seen nothing.
                nothing = np.zeros(variable.shape, variable.dtype)
                variable.assign(before.get(variable, nothing))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take in a batch, and give the figure so far."""
        with part(self.name):
            self.update_state(*args, **kwargs)
            return self.result()


def as_value(result: Any) -> Any:
    """A result, where it is a Variable as its present value."""
    return tree.map_tree(lambda v: v.value if isinstance(v, Variable) else v, result)


def weighted(values: Any, weight: Any, reduce: Callable[..., Any]) -> tuple[Any, Any]:
    """One number for each example, times its weight; and the weights, None for none.

    values: (n, ...). weight: a number, or (n, ...) of as many axes or fewer. Further axes are
    reduced: `reduce` is `mean` or `sum`.
    """
    if isinstance(weight, (int, float, Dim)):
        return (reduce(values) if values.ndim else values) * weight, weight
    if weight is not None:
        values, weight = same_rank(values, as_float(weight, values.dtype))
        values = _reduced(values, weight.ndim, reduce)
        if weight.shape != values.shape:
            weight = broadcast_to(weight, values.shape)
        values, weight = values * weight, _reduced(weight, 1, reduce)
    return _reduced(values, 1, reduce), weight


def _reduced(values: Any, ndim: int, reduce: Callable[..., Any]) -> Any:
    """The values without the axes from `ndim` on."""
    axes = tuple(range(ndim, values.ndim))
    return reduce(values, axis=axes if len(axes) > 1 else axes[0]) if axes else values


def total(values: Any) -> Any:
    """The sum of all values; a single number is its own."""
    return sum(values) if getattr(values, "ndim", 0) else values


@METRICS.add()
class Mean(Metric):
    """The weighted mean of all values.

    An example with several values counts once, with their mean.
    """

    def __init__(self, name: str | None = "mean", dtype: str | None = None):
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")
        self.count = self.add_variable(name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """values: any shape. sample_weight: a number or an array that fits the values."""
        values, weight = weighted(as_float(values, self.dtype), sample_weight, mean)
        self.total.assign_add(total(values))
        self.count.assign_add(count(values) if weight is None else total(weight))

    def result(self) -> Any:
        return divide_no_nan(self.total, self.count)


@METRICS.add()
class Sum(Metric):
    """The weighted sum of all values."""

    def __init__(self, name: str | None = "sum", dtype: str | None = None):
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, _ = weighted(as_float(values, self.dtype), sample_weight, sum)
        self.total.assign_add(total(values))

    def result(self) -> Any:
        return self.total.value


@METRICS.add()
class MeanMetricWrapper(Mean):
    """The mean of a function `fn(y_true, y_pred, **kwargs)`, which gives a value per example.

    >>> import sheer
    >>> wrong = MeanMetricWrapper(lambda y_true, y_pred: sheer.ops.abs(y_true - y_pred) > 0.5)
    >>> wrong.update_state([0.0, 1.0], [0.2, 0.2])
    >>> float(wrong.result())
    0.5
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name or getattr(fn, "__name__", "metric"), dtype)
        self.fn = fn
        self.kwargs = kwargs

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """y_true, y_pred: (n, ...). sample_weight: (n,), or None. Where the predictions have a
        mask, what it leaves out does not count."""
        mask = getattr(y_pred, "_keras_mask", None)
        values = self.fn(operand(y_true), operand(y_pred), **self.kwargs)
        super().update_state(values, masked_weight(sample_weight, mask, self.dtype))

    def get_config(self) -> dict[str, Any]:
        """The function stands in it by its name."""
        config = super().get_config()
        return {**config, **self.kwargs} if "fn" in config else config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """`fn` may be a function, or the name of one of the losses and metrics."""
        if "fn" in config:
            config = {**config, "fn": FUNCTIONS.get(config["fn"], LOSSES.entries)}
        return super().from_config(config)
