"""What the model says: at first, always, and never."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterator

import numpy as np

from sheer.inspect.findings.finding import Finding, Rule, percent, rule
from sheer.inspect.findings.seen import Output, Seen


@rule
class FirstLoss(Rule):
    """A first loss far above that of a model that knows nothing (Karpathy 2019, "A Recipe for
    Training Neural Networks": verify the loss at initialization)."""

    name = "first_loss"
    # Random initial weights cost something above chance; twice as much and a nat is not random.
    TIMES, NATS = 2.0, 1.0
    TIMES_SQUARE = 10.0

    def step(self, seen: Seen) -> Iterator[Finding]:
        for output in seen.outputs if not seen.steps else ():
            loss = float(output.losses.mean())
            if output.kind == "numbers":
                yield from self._numbers(seen, output, loss)
                continue
            chance = math.log(output.classes)
            if loss > self.TIMES * chance and loss > chance + self.NATS:
                sure = output.predicted if output.kind == "binary" else output.predicted.max(-1)
                certain = float((np.abs(sure - 0.5) > 0.49).mean())
                share = (
                    f" ({percent(certain)} of the rows get a probability above 99 % for a class)"
                )
                yield self.finding(
                    seen,
                    f"The first loss of {output.name} is {loss:.3g}, not about {chance:.3g}",
                    f"A model that knows nothing gives each of {output.classes:,} classes the same "
                    f"probability, which costs log({output.classes:,}) = {chance:.3g}. This one "
                    f"begins at {loss:.3g}: it is sure of what it cannot know yet"
                    f"{share if certain > 0.1 else ''}, and the first steps go into unlearning "
                    "that.\n"
                    "Try: inputs scaled to about -1 to 1, and smaller initial weights; and look "
                    "whether y holds the labels that the loss expects.",
                    output.row,
                    loss=loss,
                    chance=chance,
                    certain=certain,
                )

    def _numbers(self, seen: Seen, output: Output, loss: float) -> Iterator[Finding]:
        square = float(np.square(output.wanted).mean())
        if square and loss > self.TIMES_SQUARE * square:
            yield self.finding(
                seen,
                f"The first error of {output.name} is far above that of always saying 0",
                f"Its mean square is {loss:.3g}; to say 0 for every row would cost {square:.3g}, "
                f"the mean square of {output.target}. The untrained outputs go from "
                f"{output.predicted.min():.3g} to {output.predicted.max():.3g}, the targets from "
                f"{output.wanted.min():.3g} to {output.wanted.max():.3g}.\n"
                "Try: inputs scaled to about -1 to 1, or smaller initial weights.",
                output.row,
                loss=loss,
                zero=square,
            )


@rule
class StuckOutputs(Rule):
    """Outputs at 0 or 1 for nearly all rows, and often wrong: sure of itself, and stuck."""

    name = "stuck_outputs"
    STEPS, AFTER = 3, 10
    SURE, OF_ROWS, WRONG = 1e-3, 0.9, 0.3

    def __init__(self) -> None:
        self._count: dict[str, int] = defaultdict(int)

    def step(self, seen: Seen) -> Iterator[Finding]:
        for output in seen.outputs if seen.steps >= self.AFTER else ():
            if output.kind == "classes":
                top = output.predicted.max(axis=-1)
                wrong = output.said != output.wanted
            elif self._is_share(seen, output):
                top = np.maximum(output.predicted, 1 - output.predicted)
                wrong = np.abs(output.predicted - output.wanted) > 0.5
            else:
                continue
            sure, share = float((top > 1 - self.SURE).mean()), float(wrong.mean())
            is_stuck = sure >= self.OF_ROWS and share >= self.WRONG
            self._count[output.name] = self._count[output.name] + 1 if is_stuck else 0
            if self._count[output.name] >= self.STEPS:
                other = ", and a cross-entropy for the loss: its gradient does not vanish there"
                yield self.finding(
                    seen,
                    f"{output.name} is stuck: sure, and often wrong",
                    f"For {percent(sure)} of the rows it is within {self.SURE:g} of 0 or 1, and "
                    f"{percent(share)} of the rows are wrong, in each of the last {self.STEPS} "
                    "steps looked at. At its ends an activation has hardly any slope.\n"
                    "Try: a smaller learning rate, smaller initial weights, inputs scaled to about "
                    f"-1 to 1{other if output.kind == 'numbers' else ''}.",
                    output.row,
                    sure=sure,
                    wrong=share,
                )

    def _is_share(self, seen: Seen, output: Output) -> bool:
        """Whether it comes out of a sigmoid, or is a probability."""
        is_sigmoid = output.row is not None and output.row.op == "sigmoid"
        wanted = output.wanted
        return output.kind == "binary" or (is_sigmoid and wanted.min() >= 0 and wanted.max() <= 1)


@rule
class ClassNeverPredicted(Rule):
    """A class that is there as often as others, and that the model never names, though it has
    learnt the others."""

    name = "class_never_predicted"
    STEPS, EPOCH, AFTER = 6, 2, 100
    # So many rows of the class there must be; and of its fair share, 1 of the number of classes.
    ROWS, SHARE = 12, 0.5
    # The loss of the rest against that of chance, where it is learnt.
    LOSS = 0.7

    def __init__(self) -> None:
        self._kept: dict[str, deque[Output]] = defaultdict(lambda: deque(maxlen=self.STEPS * 4))

    def step(self, seen: Seen) -> Iterator[Finding]:
        for output in seen.outputs:
            if output.kind == "numbers" or seen.epoch < self.EPOCH or seen.steps < self.AFTER:
                continue
            kept, classes = self._kept[output.name], output.classes
            kept.append(output)
            said, wanted = (
                np.bincount(np.concatenate(columns), minlength=classes)
                for columns in zip(*((o.said, o.wanted.astype("int64")) for o in kept), strict=True)
            )
            rows = int(wanted.sum())
            least = max(self.ROWS, self.SHARE * rows / classes)
            never = np.flatnonzero((said[:classes] == 0) & (wanted[:classes] >= least))
            if len(kept) < self.STEPS or not len(never):
                continue
            rest = np.concatenate([o.losses[~np.isin(o.wanted, never)] for o in kept])
            if not len(rest) or rest.mean() > self.LOSS * math.log(classes):
                continue
            first, names = int(never[0]), ", ".join(map(str, never[:5]))
            title = f"Class {names} is never predicted"
            if len(never) > 1:
                more = ", ..." if len(never) > 5 else ""
                title = f"{len(never)} classes are never predicted: {names}{more}"
            yield self.finding(
                seen,
                title,
                f"Of {rows:,} rows in the last {len(kept)} steps looked at, {int(wanted[first]):,} "
                f"are of class {first}, and none was given it; the others it has learnt.\n"
                "Look whether the rows of this class are right in x and y. Try: a class_weight for "
                "it, more epochs, or a larger model.",
                output.row,
                classes=never.tolist(),
                rows=rows,
            )
