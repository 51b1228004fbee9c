"""Learning rates that change with the number of steps: `optimizers.Adam(CosineDecay(0.01, 1000))`.

A schedule is called with the number of steps so far, 0 in the first one. In a program it is
computed in each step, from the optimizer's `iterations`.
"""

from __future__ import annotations

import math
from typing import Any

from sheer.core import config
from sheer.core.checks import boolean, integer, nothing, number, numbers
from sheer.core.registry import Configurable, Registry
from sheer.core.registry import serialize as serialize
from sheer.ops.arithmetic import (
    as_float,
    ceil,
    cos,
    equal,
    floor,
    less_equal,
    log,
    minimum,
    power,
    where,
)
from sheer.ops.declare import operand
from sheer.ops.symbol import named

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

SCHEDULES = Registry("learning-rate schedule", module="keras.optimizers.schedules")
RATE = number(0)
STEPS = number(0, None, "()")


class LearningRateSchedule(Configurable):
    """The base of schedules: a subclass has `__call__(step)`, which gives the learning rate."""

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs a method __call__(step).")


def _number(step: Any) -> Any:
    """The number of steps so far, as a float to compute with."""
    return named("steps", as_float(step, config.floatx()))


@SCHEDULES.add()
class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate · decay_rate ^ (step / decay_steps).

    staircase: whole powers only, so that the rate falls once in `decay_steps` steps.

    >>> [float(ExponentialDecay(0.5, 10, 0.25)(step)) for step in (0, 5, 10)]
    [0.5, 0.25, 0.125]
    """

    arguments = {
        "initial_learning_rate": RATE,
        "decay_steps": STEPS,
        "decay_rate": number(0),
        "staircase": boolean(),
    }

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ):
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name
        self.check_arguments()

    def __call__(self, step: Any) -> Any:
        times = _number(step) / self.decay_steps
        times = floor(times) if self.staircase else times
        return self.initial_learning_rate * power(self.decay_rate, times)


@SCHEDULES.add()
class InverseTimeDecay(LearningRateSchedule):
    """initial_learning_rate / (1 + decay_rate · step / decay_steps).

    staircase: whole multiples of decay_rate only.

    >>> [float(InverseTimeDecay(0.5, 10, 1.0)(step)) for step in (0, 10, 30)]
    [0.5, 0.25, 0.125]
    """

    arguments = {
        "initial_learning_rate": RATE,
        "decay_steps": STEPS,
        "decay_rate": number(0),
        "staircase": boolean(),
    }

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ):
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name
        self.check_arguments()

    def __call__(self, step: Any) -> Any:
        times = _number(step) / self.decay_steps
        times = floor(times) if self.staircase else times
        return self.initial_learning_rate / (1 + self.decay_rate * times)


@SCHEDULES.add()
class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to step boundaries[0] and at it, then values[1] up to boundaries[1], ...

    boundaries: rising numbers; values: one more than those.

    >>> rate = PiecewiseConstantDecay([10, 20], [0.5, 0.25, 0.125])
    >>> [float(rate(step)) for step in (10, 11, 21)]
    [0.5, 0.25, 0.125]
    """

    arguments = {"boundaries": numbers(0, 10**18), "values": numbers(0, 10**18)}

    def __init__(self, boundaries: Any, values: Any, name: str = "PiecewiseConstant"):
        self.boundaries, self.values, self.name = boundaries, values, name
        self.check_arguments()
        if len(boundaries) != len(values) - 1 or sorted(boundaries) != list(boundaries):
            raise ValueError(
                "PiecewiseConstantDecay: boundaries must rise, and values be one more than those. "
                f"Got boundaries={boundaries!r}, values={values!r}."
            )

    def __call__(self, step: Any) -> Any:
        step = operand(step)
        rate: Any = float(self.values[-1])
        for boundary, value in list(zip(self.boundaries, self.values, strict=False))[::-1]:
            rate = where(less_equal(step, boundary), float(value), rate)
        return rate


@SCHEDULES.add()
class PolynomialDecay(LearningRateSchedule):
    """(initial_learning_rate - end_learning_rate) · (1 - step / decay_steps)^power
    + end_learning_rate.

    From `decay_steps` on it is the end. cycle: `decay_steps` is then doubled, tripled, ..., so that
    it stays ahead of the step.

    >>> [float(PolynomialDecay(0.5, 10, 0.0)(step)) for step in (0, 5, 10, 15)]
    [0.5, 0.25, 0.0, 0.0]
    """

    arguments = {
        "initial_learning_rate": RATE,
        "decay_steps": STEPS,
        "end_learning_rate": number(0),
        "power": number(),
        "cycle": boolean(),
    }

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ):
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power = end_learning_rate, power
        self.cycle, self.name = cycle, name
        self.check_arguments()

    def __call__(self, step: Any) -> Any:
        step, steps = _number(step), self.decay_steps
        if self.cycle:
            cycles = where(equal(step, 0), 1.0, ceil(step / steps))
            share = step / (steps * cycles)
        else:
            share = minimum(step, steps) / steps
        share = named("share", share)
        drop = self.initial_learning_rate - self.end_learning_rate
        left = 1 - share if self.power == 1 else power(1 - share, self.power)
        return drop * left + self.end_learning_rate


@SCHEDULES.add()
class CosineDecay(LearningRateSchedule):
    """initial_learning_rate · ((1 - alpha) · (1 + cos(π · step / decay_steps)) / 2 + alpha).

    From `decay_steps` on it is alpha · initial_learning_rate. With a `warmup_target` the rate first
    rises to that in a straight line, in `warmup_steps` steps, and decays from there.
    (Loshchilov and Hutter 2016.)

    >>> [round(float(CosineDecay(0.5, 10)(step)), 4) for step in (0, 5, 10)]
    [0.5, 0.25, 0.0]
    """

    arguments = {
        "initial_learning_rate": RATE,
        "decay_steps": STEPS,
        "alpha": number(),
        "warmup_target": number(0) | nothing(),
        "warmup_steps": integer(0),
    }

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ):
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.alpha, self.name = alpha, name
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps
        self.check_arguments()

    def __call__(self, step: Any) -> Any:
        step, first, target = _number(step), self.initial_learning_rate, self.warmup_target
        if target is None:
            return self._decayed(first, step)
        if not self.warmup_steps:
            return self._decayed(target, step)
        rising = (target - first) * (step / self.warmup_steps) + first
        decayed = self._decayed(target, step - self.warmup_steps)
        return where(step < self.warmup_steps, rising, decayed)

    def _decayed(self, rate: float, step: Any) -> Any:
        share = named("share", minimum(step, self.decay_steps) / self.decay_steps)
        return rate * _decay(0.5 * (1 + cos(math.pi * share)), self.alpha)


@SCHEDULES.add()
class CosineDecayRestarts(LearningRateSchedule):
    """CosineDecay over `first_decay_steps`, then again over `t_mul` times as many steps from
    `m_mul` times as high, and so on. (Loshchilov and Hutter 2016.)

    >>> rate = CosineDecayRestarts(0.5, 10)
    >>> [round(float(rate(step)), 4) for step in (0, 5, 10, 20)]
    [0.5, 0.25, 0.5, 0.25]
    """

    arguments = {
        "initial_learning_rate": RATE,
        "first_decay_steps": STEPS,
        "t_mul": STEPS,
        "m_mul": number(0),
        "alpha": number(),
    }

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ):
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name
        self.check_arguments()

    def __call__(self, step: Any) -> Any:
        periods = named("periods", _number(step) / self.first_decay_steps)
        m, t = self.m_mul, self.t_mul
        if t == 1:
            restarts = named("restarts", floor(periods))
            share = periods - restarts
        else:
            # The first r periods together are (t^r - 1) / (t - 1) times as long as the first one.
            restarts = named("restarts", floor(log(1 + periods * (t - 1)) / math.log(t)))
            longer = named("longer", power(t, restarts))
            share = (periods - (longer - 1) / (t - 1)) / longer
        wave = 0.5 * (1 + cos(math.pi * named("share", share)))
        wave = wave if m == 1 else power(m, restarts) * wave
        return self.initial_learning_rate * _decay(named("wave", wave), self.alpha)


def _decay(wave: Any, alpha: float) -> Any:
    """A wave from 1 to 0 as one from 1 to alpha."""
    return (1 - alpha) * wave + alpha if alpha else wave


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The schedule that `serialize` described; `custom_objects`: further classes by name."""
    return SCHEDULES.get(config, custom_objects)
