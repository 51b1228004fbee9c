"""Learning rates that are too large, or too small."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from statistics import median

from sheer.inspect.findings.finding import Finding, Rule, percent, rule
from sheer.inspect.findings.seen import Seen, Weight


def _largest(weights: list[Weight]) -> Weight | None:
    """The weight whose update is the largest against its own size."""
    return max(weights, key=lambda w: w.update_ratio, default=None)


@rule
class RateTooLarge(Rule):
    """Updates of a tenth of the weights and more, or weights that have grown tenfold, and a loss no
    better than at first. (Karpathy: a step of about a thousandth is usual; adaptive optimizers
    begin with a few hundredths.)"""

    name, once = "rate_too_large", True
    RATIO, GROWTH, STEPS, AFTER = 0.1, 10.0, 3, 20
    # No better than at first.
    SHARE = 0.95

    def __init__(self) -> None:
        self._start: float | None = None
        self._sizes: dict[str, float] = {}
        self._last: deque[tuple[float, float]] = deque(maxlen=self.STEPS)

    def step(self, seen: Seen) -> Iterator[Finding]:
        if self._start is None:
            self._start = seen.loss
            self._sizes = {w.name: w.size for w in seen.weights}
            return
        # A matrix that was 0 at first grows from nothing: its ratio says little.
        known = [w for w in seen.weights if w.name in self._sizes]
        largest = _largest(known)
        if seen.loss is None or largest is None:
            return
        self._last.append((seen.loss, largest.update_ratio))
        loss, ratio = (median(values) for values in zip(*self._last, strict=True))
        is_late = len(self._last) == self.STEPS and seen.steps >= self.AFTER
        if not is_late or loss <= self.SHARE * self._start:
            return
        grown = max(known, key=lambda w: w.size / self._sizes[w.name])
        growth = grown.size / self._sizes[grown.name]
        if ratio <= self.RATIO and growth <= self.GROWTH:
            return
        how = (
            f"A step changes {largest.name} by {percent(ratio)} of its size (the median of the "
            f"last {self.STEPS} steps looked at; about 0.1 % is usual)"
        )
        if ratio <= self.RATIO:
            how = f"{grown.name} has grown to {growth:,.0f} times its size at first"
        yield self.finding(
            seen,
            "The learning rate is too large",
            f"{how}, and after {seen.steps:,} steps the loss is {loss:,.4g}; it began at "
            f"{self._start:,.4g}. Steps this large jump over what they aim at.\n"
            f"{_now(seen)}Try a tenth of it; if the inputs are not scaled, scale them first.",
            layer=(largest if ratio > self.RATIO else grown).layer,
            ratio=ratio,
            growth=growth,
            loss=loss,
            start=self._start,
        )


@rule
class RateTooSmall(Rule):
    """In a whole epoch the weights hardly move, and the loss does not."""

    name, once = "rate_too_small", True
    # All steps of an epoch in one direction move them by so much; the loss moves by so much.
    PATH, LOSS = 0.01, 0.02
    AFTER = 20

    def __init__(self) -> None:
        self._is_new = False
        self._ratios: list[float] = []
        self._epochs: list[float] = []

    def epoch(self, epoch: int, logs: dict[str, float]) -> Iterator[Finding]:
        self._epochs.append(logs.get("loss", float("nan")))
        return iter(())

    def step(self, seen: Seen) -> Iterator[Finding]:
        largest = _largest(seen.weights)
        if seen.loss is None or largest is None:
            return
        # One that went on after a fault, or from a good model, may be near its end.
        self._is_new = not seen.steps or self._is_new
        self._ratios.append(largest.update_ratio)
        if not self._is_new or len(self._epochs) < 2 or seen.steps < self.AFTER:
            return
        steps, ratio = seen.steps / max(1, seen.epoch), median(self._ratios)
        first, last = self._epochs[0], self._epochs[-1]
        still = abs(last - first) <= self.LOSS * abs(first)
        is_slow = ratio > 0 and ratio * steps < self.PATH
        if is_slow and still and "exploding_gradients" not in seen.found:
            yield self.finding(
                seen,
                "The learning rate is too small",
                f"A step changes the weights by at most {percent(ratio)} of their size (about "
                f"0.1 % is usual): in an epoch of {steps:,.0f} steps they move by at most "
                f"{percent(ratio * steps)}. The loss was {first:.4g} in the first epoch, and "
                f"{last:.4g} in epoch {len(self._epochs)}.\n"
                f"{_now(seen)}Try ten times as much, and again while the loss falls faster.",
                layer=largest.layer,
                ratio=ratio,
                steps=steps,
                loss=last,
                start=first,
            )


def _now(seen: Seen) -> str:
    """The learning rate in words."""
    rate = next((a for n, a in seen.step.inputs.items() if n.endswith("learning_rate")), None)
    if rate is None or rate.ndim:
        return ""
    return f"The learning rate is {float(rate):g}. "
