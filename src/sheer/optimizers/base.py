"""What all optimizers share: the learning rate, clipping, weight decay, averages, and the state."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, TypeAlias, TypedDict

import numpy as np

from sheer.core import config
from sheer.core.checks import boolean, integer, nothing, number
from sheer.core.registry import Registry, serialize
from sheer.core.scope import part, section
from sheer.ops.arithmetic import as_float, cast, floor_divide, not_equal, where
from sheer.ops.declare import operand
from sheer.ops.symbol import named
from sheer.ops.tensor import Tensor
from sheer.ops.variable import Variable
from sheer.optimizers import schedules
from sheer.optimizers.clipping import by_global_norm, by_norm, by_value
from sheer.optimizers.schedules import LearningRateSchedule
from sheer.optimizers.state import State, slot_name

OPTIMIZERS = Registry("optimizer", lacking="LossScaleOptimizer MultiOptimizer")

# A number, a LearningRateSchedule, or a function without arguments.
Rate: TypeAlias = float | Callable[..., Any]
RATE = "learning_rate must be a number of 0 or more, a LearningRateSchedule or a function"


class SharedButDecay(TypedDict, total=False):
    """`Shared`, for optimizers with a weight decay among their own arguments."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class Shared(SharedButDecay, total=False):
    """The arguments that every optimizer takes by name, after its own: see `Optimizer`."""

    weight_decay: float | None


class Optimizer(State):
    """The base of optimizers: a subclass has `slots` and `update_step(gradient, variable, rate)`.

    Args:
        learning_rate: a number of 0 or more, kept in a Variable: setting `optimizer.learning_rate`
            works between any two steps. Or a LearningRateSchedule, computed in each step from the
            number of steps so far; or a function without arguments, which runs when a step is
            traced.
        weight_decay: each weight first loses this share of itself times the learning rate.
        clipnorm: each gradient is scaled down to this Euclidean norm.
        clipvalue: each element of a gradient is kept within plus or minus this.
        global_clipnorm: all gradients are scaled down together to this Euclidean norm.
        use_ema: keep a running mean of each weight: mean = ema_momentum · mean +
            (1 - ema_momentum) · weight. After `fit` the weights become their means.
        ema_momentum: how much of the mean stays in a step, in [0, 1].
        ema_overwrite_frequency: weights become their means after every so many updates, too.
        loss_scale_factor: the loss is multiplied by this before the gradients are computed, and
            they are divided by it.
        gradient_accumulation_steps: weights change only once in so many steps, 2 or more, by the
            mean of the gradients since the last time.
        name: of its state in programs: `"sgd"`, `"rmsprop"`, `"adam"` by default.

    Only one of the three ways of clipping may be given.
    """

    arguments = {
        "weight_decay": number(0) | nothing(),
        "clipnorm": number(0, None, "()") | nothing(),
        "clipvalue": number(0, None, "()") | nothing(),
        "global_clipnorm": number(0, None, "()") | nothing(),
        "use_ema": boolean(),
        "ema_momentum": number(0, 1),
        "ema_overwrite_frequency": integer(1) | nothing(),
        "loss_scale_factor": number(0, None, "()") | nothing(),
        "gradient_accumulation_steps": integer(2) | nothing(),
    }

    def __init__(
        self,
        learning_rate: Rate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name or type(self).__name__.lower())
        self.refuse(kwargs)
        if not callable(learning_rate) and not number(0).accepts(learning_rate):
            raise ValueError(f"{type(self).__name__}: {RATE}. Got {learning_rate!r}.")
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue = clipnorm, clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.check_arguments()
        ways = [n for n in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, n)]
        if len(ways) > 1:
            raise ValueError(f"{type(self).__name__}: give only one of {' and '.join(ways)}.")
        self._iterations = self._tracked(Variable(np.int64(0), trainable=False, name="iterations"))
        self._learning_rate: Variable | Callable[..., Any] = (
            learning_rate
            if callable(learning_rate)
            else self._tracked(
                Variable(
                    learning_rate, dtype=config.floatx(), trainable=False, name="learning_rate"
                )
            )
        )
        self._excluded: tuple[list[Variable], str] = [], ""

    # --- the learning rate and the steps --------------------------------------------------------

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a Variable, or what the schedule or the function gives now."""
        rate = self._learning_rate
        if isinstance(rate, Variable):
            return rate
        return rate(self._iterations) if isinstance(rate, LearningRateSchedule) else rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, Tensor | Variable):
            value = float(value)
        if callable(value):
            self._variables = [v for v in self._variables if v is not self._learning_rate]
            self._learning_rate = value
        elif not number(0).accepts(value):
            raise ValueError(f"{RATE}. Got {value!r}.")
        elif not isinstance(self._learning_rate, Variable):
            raise TypeError(
                f"{type(self).__name__}: the learning rate is {self._learning_rate!r}, which a "
                "number cannot replace. Make the optimizer with a number to set it later."
            )
        else:
            self._learning_rate.assign(value)

    @property
    def iterations(self) -> Any:
        """How often the weights were updated: a Variable that counts the steps; those steps divided
        by `gradient_accumulation_steps`, where that is given."""
        if self.gradient_accumulation_steps:
            return named(
                "updates", floor_divide(self._iterations, self.gradient_accumulation_steps)
            )
        return self._iterations

    def time(self, dtype: str) -> Any:
        """The number of this update, counted from 1, as formulae have it: t."""
        return named("t", cast(self.iterations + 1, dtype))

    def slot_groups(self) -> list[str]:
        shared = ["average"] if self.use_ema else []
        shared += ["gradient_accumulator"] if self.gradient_accumulation_steps else []
        return [*shared, *self.slots]

    # --- a step ---------------------------------------------------------------------------------

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None
    ) -> None:
        """One step: each weight is changed by its gradient. Weights without one stay as they are.

        trainable_variables: those that `build` was told, by default.
        """
        if trainable_variables is None:
            trainable_variables = list(self._slots)
        gradients, variables = self._with_gradients(grads, list(trainable_variables))
        self.make_ready(trainable_variables)
        with section(f"update: {self.name}"):
            if self.loss_scale_factor:
                gradients = [named("unscaled", g / self.loss_scale_factor) for g in gradients]
            if self.gradient_accumulation_steps:
                self._accumulate(gradients, variables, self.gradient_accumulation_steps)
            else:
                self._update(gradients, variables)
            if self.use_ema:
                self._average()
            for variable in variables:
                if variable.constraint is not None:
                    free = named(slot_name(variable, "unconstrained"), variable.value)
                    variable.assign(variable.constraint(free))
            self._iterations.assign_add(1)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """`apply` for pairs of a gradient and its weight; the count of the steps."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Assign a weight and its slots anew."""
        raise NotImplementedError(
            f"{type(self).__name__} needs a method update_step(gradient, variable, learning_rate)."
        )

    def scale_loss(self, loss: Any) -> Any:
        """The loss that the gradients are to be of: it, times `loss_scale_factor`."""
        return loss * self.loss_scale_factor if self.loss_scale_factor else loss

    def _with_gradients(
        self, grads: Sequence[Any], weights: list[Variable]
    ) -> tuple[list[Any], list[Variable]]:
        """The gradients that there are, and their weights."""
        if len(grads) != len(weights):
            names = ", ".join(v.path for v in weights) or "none are known yet"
            raise ValueError(
                f"{type(self).__name__}: {len(grads)} gradients for {len(weights)} "
                f"weights ({names})."
            )
        pairs = [(g, v) for g, v in zip(grads, weights, strict=True) if g is not None]
        left = ", ".join(v.path for g, v in zip(grads, weights, strict=True) if g is None)
        if not pairs:
            raise ValueError(
                f"{type(self).__name__}: no weight has a gradient: {left or 'none were given'}.\n"
                "Does the loss depend on the weights, and was it computed inside the tape?"
            )
        if left:
            warnings.warn(
                f"{type(self).__name__}: no gradient for {left}, left as it is. "
                "Does the loss depend on it?",
                stacklevel=3,
            )
        return [g for g, _ in pairs], [v for _, v in pairs]

    def _update(self, gradients: list[Any], variables: list[Variable]) -> None:
        """Change the weights and their slots."""
        gradients = self._clipped(gradients)
        rate = operand(self.learning_rate)
        if not isinstance(self._learning_rate, Variable):
            named("learning_rate", rate)
        for variable in variables:
            share = self.decay_of(variable)
            if share:
                decay = named("decay", share * as_float(rate, variable.dtype))
                variable.assign_sub(variable.value * decay)
        self.update_steps(gradients, variables, rate)

    def update_steps(self, gradients: list[Any], variables: list[Variable], rate: Any) -> None:
        """`update_step` for each weight."""
        for gradient, variable in zip(gradients, variables, strict=True):
            self.update_step(gradient, variable, as_float(rate, variable.dtype))

    def _accumulate(self, gradients: list[Any], variables: list[Variable], steps: int) -> None:
        """Add up the gradients; in the last of so many steps, update by their mean.

        The update is computed in each step, and taken in the last: a program has no branches.
        """
        is_last = named("is_last", named("turn", (self._iterations + 1) % steps) == 0)
        sums = [self.slot(v, "gradient_accumulator") for v in variables]
        with part("gradient_accumulation_steps", f"an update in every {steps}th step"):
            totals = [
                named(slot_name(v, "total"), g + s.value)
                for g, v, s in zip(gradients, variables, sums, strict=True)
            ]
        state = [v for v in [*variables, *self._variables] if v is not self._iterations]
        before = [v.value for v in state]
        means = [
            named(slot_name(v, "mean_gradient"), total / steps)
            for v, total in zip(variables, totals, strict=True)
        ]
        self._update(means, variables)
        self._keep(is_last, state, before)
        for total, one in zip(totals, sums, strict=True):
            one.assign(where(is_last, 0.0, total))

    def _keep(self, condition: Any, state: list[Variable], before: list[Any]) -> None:
        """Let Variables have their new values where the condition holds, else those of before."""
        for variable, old in zip(state, before, strict=True):
            new = variable.value
            if new is not old:
                name = variable.path.removeprefix(f"{self.name}/").replace("/", "_")
                variable.assign(where(condition, named(f"next_{name}", new), old))

    # --- clipping, decay, averages --------------------------------------------------------------

    def _clipped(self, gradients: list[Any]) -> list[Any]:
        if self.clipnorm:
            return by_norm(gradients, self.clipnorm)
        if self.clipvalue:
            return by_value(gradients, self.clipvalue)
        if self.global_clipnorm:
            return by_global_norm(gradients, self.global_clipnorm)
        return gradients

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Leave weights out of the weight decay. To be called before the first step.

        var_list: these. var_names: those in whose name one of these patterns is found, such as
        `"bias"`.
        """
        if self.built:
            raise ValueError(
                f"{type(self).__name__}: exclude_from_weight_decay must be called before the "
                "optimizer is built, which its first step does."
            )
        self._excluded = list(var_list or []), "|".join(var_names or [])

    def decay_of(self, variable: Variable) -> float | None:
        """What share of itself, times the learning rate, a weight loses in each step."""
        weights, pattern = self._excluded
        if any(v is variable for v in weights) or (pattern and re.search(pattern, variable.name)):
            return None
        return self.weight_decay

    def _average(self) -> None:
        """Move the running mean of each weight; after so many updates, take it."""
        every = self.ema_overwrite_frequency
        with part("ema", "mean = momentum · mean + (1 - momentum) · weight, from the second step"):
            for variable, slots in self._slots.items():
                later = cast(not_equal(self.iterations, 0), variable.dtype)
                momentum = named("ema_momentum", self.ema_momentum * later)
                average = slots["average"]
                if every is not None:
                    named(slot_name(variable, "now"), variable.value)
                average.assign(momentum * average + (1 - momentum) * variable)
                if every is not None:
                    is_time = named("is_time", named("phase", (self.iterations + 1) % every) == 0)
                    variable.assign(where(is_time, average, variable))

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Give the weights their final values: their running means, with `use_ema`. `fit` calls it
        at its end."""
        if self.use_ema:
            for variable in var_list:
                variable.assign(self.slot(variable, "average"))

    # --- configs --------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer; the learning rate as it is now."""
        rate: Any = self._learning_rate
        rate = float(rate.numpy()) if isinstance(rate, Variable) else serialize(rate)
        return {**super().get_config(), "learning_rate": rate}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Self:
        """An optimizer made from `get_config()`'s answer."""
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            config = {**config, "learning_rate": schedules.deserialize(rate, custom_objects)}
        return cls(**config)
