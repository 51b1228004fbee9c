"""The coefficient of determination."""

from __future__ import annotations

from typing import Any

from sheer.core.checks import integer, one_of
from sheer.losses.base import aligned
from sheer.metrics.base import METRICS, Metric
from sheer.metrics.retrieval import spread_weight
from sheer.ops.arithmetic import as_float, cast, isinf, square, where
from sheer.ops.reduction import count, mean, sum
from sheer.ops.shaping import expand_dims
from sheer.ops.symbol import named
from sheer.ops.variable import Variable


@METRICS.add()
class R2Score(Metric):
    """1 - the squared error, divided by that of predicting the mean: 1 is perfect, 0 is no better
    than the mean.

    Args:
        class_aggregation: what is made of the scores of several outputs: `"uniform_average"`;
            `"variance_weighted_average"`; None, the scores themselves.
        num_regressors: of how many inputs predictions were made, for the adjusted score, which
            counts each as a loss; 0 for the plain one. With too few targets for that (all outputs
            are counted, as in Keras), the score is the plain one.

    >>> score = R2Score()
    >>> score.update_state([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])
    >>> round(float(score.result()), 4)
    0.5714
    """

    arguments = {
        "class_aggregation": one_of("uniform_average", "variance_weighted_average", None),
        "num_regressors": integer(0),
    }

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: str | None = None,
    ):
        super().__init__(dtype, name)
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.check_arguments()
        if num_regressors:
            self.num_samples = self.add_variable(name="num_samples")
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
        if self.num_regressors:
            self.num_samples.assign_add(cast(count(y_true), self.dtype))

    def result(self) -> Any:
        if not self.sums:
            raise ValueError(f"{self.name}: there is no score before the first batch.")
        score = self._score()
        if not self.num_regressors:
            return score
        left = named("left", self.num_samples - self.num_regressors - 1)
        adjusted = 1 - (1 - score) * (self.num_samples - 1) / left
        return where(left > 0, adjusted, score)

    def _score(self) -> Any:
        weight, total, squared, residual = (self.sums[k].value for k in
                                           ("count", "sum", "squared_sum", "residual"))  # fmt: skip
        spread = named("spread", squared - total * (total / weight))
        scores = 1 - residual / spread
        scores = where(isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            return mean(scores)
        if self.class_aggregation is None:
            return scores
        return sum(spread * scores) / sum(spread)
