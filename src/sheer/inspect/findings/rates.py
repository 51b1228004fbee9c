"""Learning rates that are too large, or too small."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from statistics import median

from sheer.inspect.findings.finding import Finding, Rule, percent, rule
from sheer.inspect.findings.seen import Seen, Weight


def _largest(seen: Seen) -> Weight | None:
    """The weight whose update is the largest against its own size."""
    return max(seen.weights, key=lambda w: w.update_ratio, default=None)


@rule
class RateTooLarge(Rule):
    """Updates of a tenth of the weights and more, and a loss no better than at first. (Karpathy:
    about a thousandth is usual; adaptive optimizers begin with a few hundredths.)"""

    name = "rate_too_large"
    RATIO, STEPS, AFTER = 0.1, 3, 20
    # No better than at first.
    SHARE = 0.95

    def __init__(self) -> None:
        self._start: float | None = None
        self._last: deque[tuple[float, float]] = deque(maxlen=self.STEPS)

    def step(self, seen: Seen) -> Iterator[Finding]:
        largest = _largest(seen)
        if seen.loss is None or largest is None:
            return
        if self._start is None:
            self._start = seen.loss
            return
        if seen.steps < self.AFTER // 2:
            return
        self._last.append((seen.loss, largest.update_ratio))
        loss, ratio = (median(values) for values in zip(*self._last, strict=True))
        is_enough = len(self._last) == self.STEPS and seen.steps >= self.AFTER
        if is_enough and ratio > self.RATIO and loss > self.SHARE * self._start:
            yield self.finding(
                seen,
                "The learning rate is too large",
                f"A step changes {largest.name} by {percent(ratio)} of its size (the median of the "
                f"last {self.STEPS} steps looked at; about 0.1 % is usual), and after "
                f"{seen.steps:,} steps the loss is {loss:.3g}; it began at {self._start:.3g}. "
                "Steps this large jump over what they aim at.\n"
                f"{_now(seen)}Try a tenth of it; if the inputs are not scaled, scale them first.",
                layer=largest.layer,
                ratio=ratio,
                loss=loss,
                start=self._start,
            )


@rule
class RateTooSmall(Rule):
    """In a whole epoch the weights hardly move, and the loss does not."""

    name = "rate_too_small"
    # All steps of an epoch in one direction move them by so much; the loss moves by so much.
    PATH, LOSS = 0.01, 0.02
    AFTER = 20

    def __init__(self) -> None:
        self._start: float | None = None
        self._ratios: list[float] = []
        self._epochs: list[float] = []

    def epoch(self, epoch: int, logs: dict[str, float]) -> Iterator[Finding]:
        self._epochs.append(logs.get("loss", float("nan")))
        return iter(())

    def step(self, seen: Seen) -> Iterator[Finding]:
        largest = _largest(seen)
        if seen.loss is None or largest is None:
            return
        self._start = seen.loss if self._start is None else self._start
        self._ratios.append(largest.update_ratio)
        if not self._epochs or seen.steps < self.AFTER:
            return
        steps, ratio = seen.steps / len(self._epochs), median(self._ratios)
        losses = [*self._epochs, seen.loss]
        still = all(abs(v - self._start) <= self.LOSS * abs(self._start) for v in losses[:-1])
        is_slow = ratio > 0 and ratio * steps < self.PATH
        if is_slow and still:
            yield self.finding(
                seen,
                "The learning rate is too small",
                f"A step changes the weights by at most {ratio:.1e} of their size (about 1e-03 is "
                f"usual): in an epoch of {steps:,.0f} steps they move by at most "
                f"{percent(ratio * steps)}. The loss was {self._start:.4g} at first, and "
                f"{self._epochs[-1]:.4g} in epoch {len(self._epochs)}.\n"
                f"{_now(seen)}Try ten times as much, and again while the loss falls faster.",
                layer=largest.layer,
                ratio=ratio,
                steps=steps,
                loss=self._epochs[-1],
                start=self._start,
            )


def _now(seen: Seen) -> str:
    """The learning rate in words."""
    rate = next((a for n, a in seen.step.inputs.items() if n.endswith("learning_rate")), None)
    if rate is None or rate.ndim:
        return ""
    return f"The learning rate is {float(rate):g}. "
