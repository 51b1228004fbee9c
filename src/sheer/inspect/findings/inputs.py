"""Data that are hard to learn from: inputs and targets that are not scaled, or all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sheer.inspect.findings.finding import Finding, Rule, rule
from sheer.inspect.findings.seen import Seen
from sheer.inspect.not_finite import operands_of
from sheer.program.rows import Row

Array = np.ndarray[Any, Any]
PRODUCTS = ("affine", "matmul", "einsum", "tensordot")


def first_products(seen: Seen) -> Iterator[tuple[Row, str]]:
    """The products with a weight that no other product comes before, each with the name of what it
    multiplies; learnt tables, such as an Embedding's, count as a product."""
    behind: set[str] = set()
    for row in seen.step.rows:
        if row.phase != "forward":
            continue
        names = operands_of(seen.step, row)
        state = [n for n in names if n in seen.step.inputs and n not in seen.inputs]
        has_matrix = any(seen.step[n].ndim > 1 for n in state)
        if has_matrix and row.op.lstrip("_") in PRODUCTS and not behind & set(names):
            yield from ((row, n) for n in names if n not in state)
        if has_matrix or behind & set(names):
            behind.update(row.targets)


@rule
class UnscaledInputs(Rule):
    """Numbers much larger or smaller than 1 arrive at the first product (LeCun et al. 1998,
    "Efficient BackProp": mean 0, and like scales)."""

    name = "unscaled_inputs"
    LARGE, SMALL = 10.0, 1e-2
    # The scale of the largest feature against that of the middle one.
    APART = 100.0

    def step(self, seen: Seen) -> Iterator[Finding]:
        for row, name in first_products(seen) if not seen.steps else ():
            x = seen.step[name]
            if x.dtype.kind != "f" or x.ndim < 2 or not x.size or not x.any():
                continue
            scales = np.sqrt(np.square(x.reshape(-1, x.shape[-1]), dtype="float64").mean(axis=0))
            size = float(np.sqrt(np.square(scales).mean()))
            used = scales[scales > 0]
            top, middle = int(scales.argmax()), float(np.median(used))
            values = {"low": float(x.min()), "high": float(x.max())}
            if scales[top] > self.LARGE and scales[top] > self.APART * middle:
                title = f"The features of {name} have very different scales"
                text = (
                    f"Feature {top} has a size (the root of the mean square) of "
                    f"{scales[top]:,.4g}, the middle one {middle:.4g}: the sum in each unit of "
                    f"{row.part} is decided by a few features, and the others are not heard."
                )
            elif size > self.LARGE:
                title = f"The inputs are not scaled: {name} has large numbers"
                text = (
                    f"What arrives at {row.part} goes from {values['low']:,.4g} to "
                    f"{values['high']:,.4g}, with a size (the root of the mean square) of "
                    f"{size:,.4g}. Initial weights and learning rates are made for numbers of a "
                    "size of about 1."
                )
            elif float(np.abs(x).max()) < self.SMALL:
                title = f"The inputs are not scaled: {name} has tiny numbers"
                text = (
                    f"What arrives at {row.part} goes from {values['low']:.4g} to "
                    f"{values['high']:.4g}: the products with it are about 0, and the kernel gets "
                    "gradients as small."
                )
            else:
                continue
            yield self.finding(
                seen,
                title,
                f"{text}\nTry: x = (x - x.mean(axis=0)) / x.std(axis=0) with the figures of the "
                "training data, for pixels x / 255, or a layers.Normalization (adapt it to the "
                "training data) as the first layer.",
                row,
                low=values["low"],
                high=values["high"],
                size=size,
                largest_feature=top,
            )


@rule
class UnscaledTargets(Rule):
    """Targets of a regression that lie far from where an untrained model's outputs lie."""

    name = "unscaled_targets"
    LARGE = 100.0

    def step(self, seen: Seen) -> Iterator[Finding]:
        for output in seen.outputs if not seen.steps else ():
            if output.kind != "numbers":
                continue
            wanted, said = (
                float(np.sqrt(np.square(v).mean())) for v in (output.wanted, output.predicted)
            )
            if wanted > self.LARGE and said < 0.1 * wanted:
                yield self.finding(
                    seen,
                    f"The targets {output.target} are not scaled",
                    f"They have a size (the root of the mean square) of {wanted:,.4g}, the "
                    f"untrained outputs one of {said:.3g}. The first gradients are as large as "
                    "that, and the last layer has to grow far beyond its initial weights.\n"
                    "Try: train on (y - y.mean()) / y.std(), and turn predictions back with "
                    "* y.std() + y.mean().",
                    output.row,
                    targets=wanted,
                    outputs=said,
                )


@rule
class OneTargetOnly(Rule):
    """All targets are the same: there is nothing to tell apart."""

    name = "one_target_only"
    ROWS = 500

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, int]] = {}
        self._varied: set[str] = set()

    def step(self, seen: Seen) -> Iterator[Finding]:
        for output in seen.outputs:
            values = output.wanted
            before, rows = self._seen.get(output.target, (float(values[0]), 0))
            if output.target in self._varied or (values != before).any():
                self._varied.add(output.target)
                continue
            self._seen[output.target] = before, rows + len(values)
            rows += len(values)
            whole = seen.data[1] if seen.data is not None and len(seen.data[1]) == 1 else None
            if whole is not None:
                rows = len(whole[0])
                if (whole[0] != whole[0][0]).any():
                    # The rows come in an order, such as class by class.
                    self._varied.add(output.target)
                    continue
            if whole is not None or rows >= self.ROWS:
                yield self.finding(
                    seen,
                    f"All targets {output.target} are {before:g}",
                    f"Each of the {rows:,} rows looked at has the target "
                    f"{before:g}: the model learns to say that whatever it sees.\n"
                    "Look at how y was made: a wrong column, a comparison that is never true, or "
                    "data that are sorted by class and cut off.",
                    output.row,
                    target=before,
                    rows=rows,
                )
