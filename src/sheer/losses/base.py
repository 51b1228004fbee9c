"""What all losses share: targets and predictions of one rank, weights, the reduction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from sheer.core import config
from sheer.core.checks import one_of
from sheer.core.errors import ShapeError
from sheer.core.registry import Configurable, Registry, snake_case
from sheer.core.shapes import show
from sheer.ops.arithmetic import as_float, cast, divide_no_nan, logical_and, multiply
from sheer.ops.declare import operand
from sheer.ops.reduction import count, mean, sum
from sheer.ops.shaping import expand_dims, squeeze
from sheer.ops.symbol import named

LOSSES = Registry("loss")


def same_rank(a: Any, b: Any) -> tuple[Any, Any]:
    """Both with as many axes: (n, 1) and (n,) become (n, 1); other ranks lose a last axis of 1."""
    a, b = operand(a), operand(b)
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return (a, expand_dims(b, -1)) if b.ndim == 1 else (squeeze(a, -1), b)
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return (expand_dims(a, -1), b) if a.ndim == 1 else (a, squeeze(b, -1))
    return a, b


def aligned(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Target and prediction as floats, in the prediction's dtype, with as many axes."""
    y_pred = as_float(y_pred)
    return same_rank(as_float(y_true, y_pred.dtype), y_pred)


class Loss(Configurable):
    """The base of losses: a subclass has `call(y_true, y_pred)`, which gives a loss per example.

    Args:
        reduction: what is made of the losses of a batch: `"sum_over_batch_size"` or `"mean"`, their
            sum over their number; `"sum"`; `"mean_with_sample_weight"`, their sum over the sum of
            the weights; `"none"` or None, the losses themselves.
    """

    arguments = {
        "reduction": one_of(
            "sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None
        )
    }
    # Class indices stay whole numbers.
    integer_targets = False

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: str | None = None,
    ):
        self.name = name or snake_case(type(self).__name__)
        self.reduction = reduction
        self.dtype = dtype
        self.check_arguments()

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example."""
        raise NotImplementedError(f"{type(self).__name__} needs a method call(y_true, y_pred).")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of a batch.

        y_true, y_pred: (n, ...). sample_weight: (n,), one factor per example, or None.
        """
        dtype = self.dtype or config.floatx()
        carried = getattr(y_pred, "_keras_mask", None)
        y_pred = as_float(y_pred, dtype)
        if not self.integer_targets:
            y_true, y_pred = aligned(y_true, y_pred)
        losses = named("losses", self.call(y_true, y_pred))
        mask = self.mask(y_true, y_pred)
        if carried is not None:
            mask = carried if mask is None else logical_and(carried, mask)
        return reduce_weighted(losses, sample_weight, self.reduction, mask)

    def mask(self, y_true: Any, y_pred: Any) -> Any:
        """Which losses count at all, True or False for each; None where all do."""

    def check_targets(self, y: Any, output_shape: tuple[Any, ...]) -> None:
        """Raise ValueError where the targets (an array, all of them) cannot be right for outputs of
        this shape. `fit` and `evaluate` ask before they begin.

        The losses here need targets of the outputs' shape, where a last axis of 1 may be missing;
        users' own may take what they like.
        """
        sizes, wanted = y.shape[1:], tuple(output_shape[1:])
        fits = sizes == wanted or (*sizes, 1) == wanted or sizes == (*wanted, 1)
        if not fits and type(self) in LOSSES.classes():
            raise ValueError(
                f"{self.name}: targets and outputs need the same shape.\n"
                f"  targets {show(y.shape)}\n"
                f"  outputs {show(output_shape)}\n"
                "Give the last layer as many units as there are targets."
            )


def reduce_weighted(values: Any, weight: Any, reduction: str | None, mask: Any = None) -> Any:
    """Losses times their weights, reduced. What the mask leaves out does not count in a mean."""
    values = operand(values)
    if weight is not None:
        _check_weight(operand(weight), values)
    if mask is not None:
        share = cast(mask, values.dtype)
        if reduction in ("sum_over_batch_size", "mean"):
            share = share * divide_no_nan(count(share), sum(share))
        share = named("share", share)
        weight = share if weight is None else multiply(*same_rank(share, as_float(weight)))
    if weight is not None:
        values, weight = same_rank(values, cast(weight, values.dtype))
        values = named("weighted_losses", values * weight)
    if reduction in (None, "none") or values.ndim == 0:
        return values
    if reduction == "sum":
        return sum(values)
    if reduction == "mean_with_sample_weight" and weight is not None:
        return divide_no_nan(sum(values), sum(weight))
    return mean(values)


def _check_weight(weight: Any, values: Any) -> None:
    """Raise where there is a weight per example, and an example has several losses: Keras refuses
    that too, or where their numbers happen to agree, mixes up the two."""
    if weight.ndim == 1 < values.ndim and values.shape[1:] != (1,):
        raise ShapeError(
            "sample_weight has one number per example, and an example has more than one loss.\n"
            f"  sample_weight {show(weight.shape)}\n"
            f"  losses        {show(values.shape)}\n"
            "Give a weight for each loss, such as np.broadcast_to(weight[:, None], shape)."
        )


def masked_weight(weight: Any, mask: Any, dtype: str) -> Any:
    """The weights where the mask of the predictions holds, 0 elsewhere; None for no mask changes
    nothing."""
    if mask is None:
        return weight
    share = cast(mask, dtype)
    return share if weight is None else multiply(*same_rank(share, as_float(weight, dtype)))


class LossFunctionWrapper(Loss):
    """A loss made of a function `fn(y_true, y_pred, **kwargs)`, which gives a loss per example."""

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self.kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.fn(y_true, y_pred, **self.kwargs)

    def get_config(self) -> dict[str, Any]:
        """The function stands in it by its name."""
        return {**super().get_config(), **self.kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """`fn` may be a function, or the name of one of the losses."""
        return super().from_config({**config, "fn": LOSSES.get(config["fn"])})
