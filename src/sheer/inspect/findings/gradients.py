"""Gradients that vanish or explode on their way back through the layers."""

from __future__ import annotations

from collections.abc import Iterator

from sheer.inspect.findings.finding import Finding, Rule, rule
from sheer.inspect.findings.seen import Seen, Weight

# So many recorded steps in a row must agree.
STEPS = 3


def by_layer(seen: Seen) -> list[Weight]:
    """The first trainable matrix of each layer, in the order of the layers."""
    return list({w.layer: w for w in reversed(seen.weights)}.values())[::-1]


def table(seen: Seen, weights: list[Weight]) -> str:
    """A line for each layer (of many, the first and the last ones)."""
    width = max(len("gradient of"), *(len(w.layer) for w in weights))
    rows = [
        f"  {w.layer:<{width}}  {w.gradient_ratio:>12.1e}  {seen.signal(w.layer):>12.1e}"
        for w in weights
    ]
    rows = rows if len(rows) <= 6 else [*rows[:3], "  ...", *rows[-3:]]
    head = f"  {'gradient of':<{width}}  {'its weight *':>12}  {'its values':>12}"
    return "\n".join([head, *rows, "  * the length of the gradient against that of the weight"])


@rule
class VanishingGradients(Rule):
    """Of the gradient at the last layer less than a thousandth reaches the first one."""

    name = "vanishing_gradients"
    SHARE = 1e-3

    def __init__(self) -> None:
        self._count = 0
        self._start: float | None = None

    def step(self, seen: Seen) -> Iterator[Finding]:
        weights = by_layer(seen)
        self._start = seen.loss if self._start is None else self._start
        # Where the loss has come down a good deal, small gradients are as they should be.
        learns = None not in (seen.loss, self._start) and seen.loss < 0.5 * self._start  # type: ignore[operator]
        if len(weights) < 3 or learns or "dead_units" in seen.found:
            self._count = 0
            return
        first, last = weights[0], weights[-1]
        came = seen.signal(first.layer), seen.signal(last.layer)
        vanishes = (
            first.gradient_ratio < self.SHARE * last.gradient_ratio
            and came[0] < self.SHARE * came[1]
        )
        self._count = self._count + 1 if vanishes else 0
        if self._count >= STEPS:
            yield self.finding(
                seen,
                f"The gradient vanishes before it reaches {first.layer}",
                f"Of the gradient at {last.layer} less than a thousandth reaches {first.layer}, "
                f"in each of the last {STEPS} steps looked at: the first layers hardly learn.\n"
                f"{table(seen, weights)}\n"
                "Try: relu or gelu in place of sigmoid or tanh in hidden layers, fewer layers, "
                "BatchNormalization between them, or connections that skip layers (layers.Add).",
                first.row,
                first=first.gradient_ratio,
                last=last.gradient_ratio,
                layers={w.layer: w.gradient_ratio for w in weights},
            )


@rule
class ExplodingGradients(Rule):
    """The gradient grows a thousandfold on its way back, or in the course of the training."""

    name = "exploding_gradients"
    GROWTH = 1e3
    # Over time: against the first step. Either way: beyond the size of the weights.
    LATER, LARGE = 100.0, 1.0

    def __init__(self) -> None:
        self._count = 0
        # By layer, at first. A matrix that was 0 then grows from nothing: its ratio says little.
        self._start: dict[str, float] | None = None

    def step(self, seen: Seen) -> Iterator[Finding]:
        weights = by_layer(seen)
        if self._start is None:
            self._start = {w.layer: w.gradient_ratio for w in weights}
        weights = [w for w in weights if w.layer in self._start]
        if not weights:
            return
        first, last = weights[0], weights[-1]
        largest = max(weights, key=lambda w: w.gradient_ratio)
        came = seen.signal(first.layer), seen.signal(last.layer)
        backward = (
            len(weights) > 2
            and largest.gradient_ratio > self.LARGE
            and came[0] > self.GROWTH * came[1] > 0
        )
        start = max(self._start.values())
        later = largest.gradient_ratio > max(self.LATER * start, self.LARGE)
        self._count = self._count + 1 if backward or later else 0
        if self._count < STEPS - later:
            return
        grown = (
            f"On its way from the values of {last.layer} back to those of {first.layer} it grows "
            f"from {came[1]:.1e} to {came[0]:.1e}, and against the weights it is "
            f"{largest.gradient_ratio:.3g} times as large"
            if backward
            else f"In {largest.layer} it is {largest.gradient_ratio:.3g} times as large as the "
            f"weights; at first the largest was {start:.1e}"
        )
        yield self.finding(
            seen,
            f"The gradient explodes in {(first if backward else largest).layer}",
            f"{grown}. Steps of this size throw away what was learnt.\n{table(seen, weights)}\n"
            "Try: a smaller learning rate, clipnorm=1.0 in the optimizer, smaller initial weights, "
            "or BatchNormalization between the layers.",
            (first if backward else largest).row,
            largest=largest.gradient_ratio,
            layers={w.layer: w.gradient_ratio for w in weights},
        )
