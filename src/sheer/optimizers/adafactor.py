"""Adafactor."""

from __future__ import annotations

from typing import Any, Unpack

from sheer.core.checks import boolean, number
from sheer.ops.arithmetic import minimum, power, rsqrt
from sheer.ops.declare import Array, op
from sheer.ops.rules import positive
from sheer.ops.symbol import named
from sheer.ops.variable import Variable
from sheer.optimizers.base import OPTIMIZERS, Optimizer, Rate, Shared
from sheer.optimizers.state import Start


def root_mean_square(xp: Any, x: Any) -> Any:
    """sqrt(mean(x²))."""
    return xp.sqrt(xp.mean(x * x))


def adafactor_step(
    xp: Any, w: Any, g: Any, velocity: Any, rate: Any, epsilon_2: float, clip_threshold: float
) -> Any:
    """A step relative to the size of the weights, its own size at most clip_threshold."""
    step = g / xp.sqrt(velocity)
    step = step / xp.maximum(1, root_mean_square(xp, step) / clip_threshold)
    return rate * xp.maximum(epsilon_2, root_mean_square(xp, w)) * step


@op(
    shape=lambda w, g, velocity, rate, beta, **_: [w, w],
    sample=positive((5,), (5,), (5,), (), ()),
)
def adafactor_update(
    xp: Any,
    w: Array,
    g: Array,
    velocity: Array,
    rate: Array,
    beta: Array,
    epsilon_1: float = 1e-30,
    epsilon_2: float = 1e-3,
    clip_threshold: float = 1.0,
) -> Array:
    """Divide each step by a running root mean square of that weight's gradient."""
    velocity = beta * velocity + (1 - beta) * (g * g + epsilon_1)
    step = adafactor_step(xp, w, g, velocity, rate, epsilon_2, clip_threshold)
    return w - step, velocity


@op(
    shape=lambda w, g, rows, columns, rate, beta, **_: [w, rows, columns, w],
    sample=[
        positive((3, 2), (3, 2), (3,), (2,), (), ()),
        positive((4, 3, 2), (4, 3, 2), (4, 3), (4, 2), (), ()),
    ],
)
def adafactor_matrix_update(
    xp: Any,
    w: Array,
    g: Array,
    rows: Array,
    columns: Array,
    rate: Array,
    beta: Array,
    epsilon_1: float = 1e-30,
    epsilon_2: float = 1e-3,
    clip_threshold: float = 1.0,
) -> Array:
    """The same, with the mean squares of a matrix known by the means of its rows and columns."""
    squares = g * g + epsilon_1
    rows = beta * rows + (1 - beta) * xp.mean(squares, -1)
    columns = beta * columns + (1 - beta) * xp.mean(squares, -2)
    shares = rows / xp.mean(rows, -1, keepdims=True)
    velocity = xp.expand_dims(shares, -1) * xp.expand_dims(columns, -2)
    step = adafactor_step(xp, w, g, velocity, rate, epsilon_2, clip_threshold)
    return w - step, rows, columns, velocity


@OPTIMIZERS.add()
class Adafactor(Optimizer):
    """RMSprop that keeps, for a matrix, the mean squares of rows and columns in place of all.

        ρ = min(learning_rate, 1 / sqrt(t))     β = 1 - t ^ beta_2_decay
        r = β · r + (1 - β) · mean(g² + ε₁, of each row)
        c = β · c + (1 - β) · mean(g² + ε₁, of each column)
        v = r · c / mean(r)                     of a vector: β · v + (1 - β) · (g² + ε₁)
        u = g / sqrt(v)
        w = w - ρ · max(ε₂, rms(w)) · u / max(1, rms(u) / clip_threshold)

    where t counts the steps from 1, and rms is the root mean square. (Shazeer and Stern 2018.)
    `relative_step` changes nothing, as in Keras, which bounds the rate by 1 / sqrt(t) in any case.

    Example:

    >>> import sheer
    >>> w = sheer.Variable([1.0])
    >>> sheer.optimizers.Adafactor(0.1).apply([[2.0]], [w])
    >>> w.numpy().round(4)
    array([0.9], dtype=float32)
    """

    arguments = {
        "beta_2_decay": number(None, 0),
        "epsilon_1": number(0),
        "epsilon_2": number(0),
        "clip_threshold": number(0, None, "()"),
        "relative_step": boolean(),
    }
    slots = ("r c velocity",)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **shared: Unpack[Shared],
    ):
        self.beta_2_decay, self.clip_threshold = beta_2_decay, clip_threshold
        self.epsilon_1, self.epsilon_2 = epsilon_1, epsilon_2
        self.relative_step = relative_step
        super().__init__(learning_rate, **shared)

    def slot_start(self, variable: Variable, slot: str) -> Start | None:
        shape = variable.shape
        if slot in ("r", "c"):
            if len(shape) < 2:
                return (), "zeros", "int32"  # not used, but part of Keras's files
            shape = shape[:-1] if slot == "r" else (*shape[:-2], shape[-1])
            return shape, "zeros", variable.dtype
        return super().slot_start(variable, slot)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        t = self.time(variable.dtype)
        rate = named("rate", minimum(learning_rate, rsqrt(t)))
        beta = named("beta", 1 - power(t, self.beta_2_decay))
        settings = rate, beta, self.epsilon_1, self.epsilon_2, self.clip_threshold
        velocity = self.slot(variable, "velocity")
        if variable.ndim < 2:
            new, new_velocity = adafactor_update(variable, gradient, velocity, *settings)
        else:
            rows, columns = self.slot(variable, "r"), self.slot(variable, "c")
            new, new_rows, new_columns, new_velocity = adafactor_matrix_update(
                variable, gradient, rows, columns, *settings
            )
            rows.assign(new_rows)
            columns.assign(new_columns)
        velocity.assign(new_velocity)
        variable.assign(new)
