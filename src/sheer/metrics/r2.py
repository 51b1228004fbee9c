"""The coefficient of determination."""

from __future__ import annotations

from typing import Any

from sheer.core.checks import one_of
from sheer.losses.base import aligned
from sheer.metrics.base import METRICS, Metric
from sheer.metrics.retrieval import spread_weight
from sheer.ops.arithmetic import as_float, isinf, square, where
from sheer.ops.reduction import mean, sum
from sheer.ops.shaping import expand_dims
from sheer.ops.symbol import named
from sheer.ops.variable import Variable


@METRICS.add()
class R2Score(Metric):
    """1 - the squared error, divided by that of predicting the mean: 1 is perfect, 0 is no better
    than the mean.

    class_aggregation: what is made of the scores of several outputs: `"uniform_average"`;
    `"variance_weighted_average"`; None, the scores themselves.

    >>> score = R2Score()
    >>> score.update_state([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])
    >>> round(float(score.result()), 4)
    0.5714
    """

    arguments = {"class_aggregation": one_of("uniform_average", "variance_weighted_average", None)}
    lacks = {"num_regressors": 0}

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        name: str | None = "r2_score",
        dtype: str | None = None,
        **kwargs: Any,
    ):
        self.refuse(kwargs)
        super().__init__(dtype, name)
        self.class_aggregation = class_aggregation
        self.check_arguments()
        # Made for the number of outputs that is seen first.
        self.sums: dict[str, Variable] = {}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """y_true, y_pred: (n, outputs). sample_weight: (n,), or None."""
        y_true, y_pred = aligned(y_true, as_float(y_pred, self.dtype))
        if y_true.ndim == 1:
            y_true, y_pred = expand_dims(y_true, -1), expand_dims(y_pred, -1)
        weight = as_float(1.0 if sample_weight is None else sample_weight, self.dtype)
        weight = spread_weight(weight, y_true)
        weighted = named("weighted_targets", y_true * weight)
        new = {
            "count": weight,
            "sum": weighted,
            "squared_sum": y_true * weighted,
            "residual": square(y_true - y_pred) * weight,
        }
        if not self.sums:
            self.sums = {k: self.add_variable(y_true.shape[1:], name=k) for k in new}
        for kind, values in new.items():
            self.sums[kind].assign_add(sum(values, axis=0))

    def result(self) -> Any:
        count, total, squared, residual = (self.sums[k].value for k in
                                           ("count", "sum", "squared_sum", "residual"))  # fmt: skip
        spread = named("spread", squared - total * (total / count))
        scores = 1 - residual / spread
        scores = where(isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            return mean(scores)
        if self.class_aggregation is None:
            return scores
        return sum(spread * scores) / sum(spread)
