"""What all optimizers share: the learning rate, clipping, weight decay, and the slots."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from sheer.core import config
from sheer.core.checks import nothing, number
from sheer.core.registry import Configurable, Registry
from sheer.core.scope import section
from sheer.ops.arithmetic import clip, maximum, minimum, reciprocal, sqrt, square
from sheer.ops.reduction import sum
from sheer.ops.symbol import named
from sheer.ops.variable import Variable

OPTIMIZERS = Registry(
    "optimizer",
    lacking="Adadelta Adafactor Adagrad Adamax AdamW Ftrl Lamb Lion LossScaleOptimizer "
    "MultiOptimizer Muon Nadam ScheduleFreeAdamW",
)


class Optimizer(Configurable):
    """The base of optimizers: a subclass has `slots` and `update_step(gradient, variable, rate)`.

    Args:
        learning_rate: a number above 0. It is kept in a Variable: setting
            `optimizer.learning_rate` works between any two steps.
        weight_decay: each weight first loses this share of itself times the learning rate.
        name: of its state in programs: `"sgd"`, `"rmsprop"`, `"adam"` by default.
        clipnorm: each gradient is scaled down to this Euclidean norm.
        clipvalue: each element of a gradient is kept within plus or minus this.
        global_clipnorm: all gradients are scaled down together to this Euclidean norm.

    Only one of the three ways of clipping may be given.
    """

    arguments = {
        "weight_decay": number(0) | nothing(),
        "clipnorm": number(0, None, "()") | nothing(),
        "clipvalue": number(0, None, "()") | nothing(),
        "global_clipnorm": number(0, None, "()") | nothing(),
    }
    lacks = {
        "use_ema": False,
        "ema_momentum": 0.99,
        "ema_overwrite_frequency": None,
        "loss_scale_factor": None,
        "gradient_accumulation_steps": None,
    }
    # The names of the state that each weight gets, all of its shape, 0 at first.
    slots: tuple[str, ...] = ()

    def __init__(
        self,
        learning_rate: float,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        self.refuse(kwargs)
        if not number(0).accepts(learning_rate):
            raise ValueError(
                f"{type(self).__name__}: learning_rate must be a number of 0 or more. "
                f"Got {learning_rate!r}."
            )
        self.name = name or type(self).__name__.lower()
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue = clipnorm, clipvalue
        self.global_clipnorm = global_clipnorm
        self.check_arguments()
        ways = [n for n in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, n)]
        if len(ways) > 1:
            raise ValueError(f"{type(self).__name__}: give only one of {' and '.join(ways)}.")
        self._learning_rate = self._state(
            "learning_rate", np.asarray(learning_rate, config.floatx())
        )
        self.iterations = self._state("iterations", np.int64(0))
        # By the id() of a weight: the weight, and its slots by name.
        self._slots: dict[int, tuple[Variable, dict[str, Variable]]] = {}

    def _state(self, name: str, value: Any) -> Variable:
        variable = Variable(value, trainable=False, name=name)
        variable.path = f"{self.name}/{name}"
        return variable

    @property
    def learning_rate(self) -> Any:
        """The learning rate, as a Variable."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if not number(0).accepts(value):
            raise ValueError(f"learning_rate must be a number of 0 or more. Got {value!r}.")
        self._learning_rate.assign(value)

    @property
    def variables(self) -> list[Variable]:
        """All state: the iterations, the learning rate, and the slots of each weight."""
        slots = [slot for _, slots in self._slots.values() for slot in slots.values()]
        return [self.iterations, self._learning_rate, *slots]

    def saved_variables(self) -> list[Variable]:
        """The state in the order of Keras's files."""
        return self.variables

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots of these weights; those that have theirs keep them."""
        for variable in variables:
            if id(variable) not in self._slots:
                zeros = np.zeros(variable.shape, variable.dtype)
                slots = {s: self._state(slot_name(variable, s), zeros) for s in self.slots}
                self._slots[id(variable)] = (variable, slots)

    def slot(self, variable: Variable, name: str) -> Variable:
        """The state of that name that belongs to a weight."""
        return self._slots[id(variable)][1][name]

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Assign a weight and its slots anew."""
        raise NotImplementedError(
            f"{type(self).__name__} needs a method update_step(gradient, variable, learning_rate)."
        )

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None
    ) -> None:
        """One step: each weight is changed by its gradient. Weights without one stay as they are.

        trainable_variables: those that `build` was told, by default.
        """
        if trainable_variables is None:
            trainable_variables = [variable for variable, _ in self._slots.values()]
        if len(grads) != len(trainable_variables):
            names = ", ".join(v.path for v in trainable_variables) or "none are known yet"
            raise ValueError(
                f"{type(self).__name__}: {len(grads)} gradients for {len(trainable_variables)} "
                f"weights ({names})."
            )
        pairs = [(g, v) for g, v in zip(grads, trainable_variables, strict=True) if g is not None]
        if not pairs:
            names = ", ".join(v.path for v in trainable_variables) or "none were given"
            raise ValueError(
                f"{type(self).__name__}: no weight has a gradient: {names}.\n"
                "Does the loss depend on the weights, and was it computed inside the tape?"
            )
        variables = [v for _, v in pairs]
        if len(pairs) < len(trainable_variables):
            known = {id(v) for v in variables}
            left = ", ".join(v.path for v in trainable_variables if id(v) not in known)
            warnings.warn(
                f"{type(self).__name__}: no gradient for {left}, left as it is. "
                "Does the loss depend on it?",
                stacklevel=2,
            )
        self.build(variables)
        with section(f"update: {self.name}"):
            gradients = self._clipped([g for g, _ in pairs])
            rate = self._learning_rate.value
            if self.weight_decay:
                decay = named("decay", self.weight_decay * rate)
                for variable in variables:
                    variable.assign_sub(variable.value * decay)
            for gradient, variable in zip(gradients, variables, strict=True):
                self.update_step(gradient, variable, rate)
            for variable in variables:
                if variable.constraint is not None:
                    variable.assign(variable.constraint(variable.value))
            self.iterations.assign_add(1)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> None:
        """`apply` for pairs of a gradient and its weight."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])

    def _clipped(self, gradients: list[Any]) -> list[Any]:
        clips = self.clipnorm or self.clipvalue or self.global_clipnorm
        return [named("clipped", g) for g in self._clip(gradients)] if clips else gradients

    def _clip(self, gradients: list[Any]) -> list[Any]:
        if self.clipnorm:
            return [_scaled_to(g, self.clipnorm) for g in gradients]
        if self.clipvalue:
            return [clip(g, -self.clipvalue, self.clipvalue) for g in gradients]
        limit = float(self.global_clipnorm or 0)
        total = sum(square(gradients[0]))
        for gradient in gradients[1:]:
            total = total + sum(square(gradient))
        scale = named("scale", limit * minimum(reciprocal(sqrt(total)), 1 / limit))
        return [g * scale for g in gradients]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer; the learning rate as it is now."""
        return {**super().get_config(), "learning_rate": float(self._learning_rate.numpy())}


def slot_name(variable: Variable, what: str) -> str:
    """The name of something that belongs to a weight: `dense_kernel_velocity`."""
    return f"{variable.path.replace('/', '_')}_{what}"


def _scaled_to(gradient: Any, limit: float) -> Any:
    norm = sqrt(sum(square(gradient)))
    return gradient * limit / maximum(norm, limit)
