"""What the figures of the epochs tell."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from sheer.inspect.findings.finding import Finding, Rule, percent, rule


@rule
class Overfitting(Rule):
    """The loss on validation data rises for several epochs while that of training falls."""

    name = "overfitting"
    EPOCHS, SHARE = 3, 0.1

    def __init__(self) -> None:
        self._losses: list[tuple[int, float, float]] = []

    def epoch(self, epoch: int, logs: dict[str, float]) -> Iterator[Finding]:
        if "loss" not in logs or "val_loss" not in logs:
            return
        self._losses.append((epoch, logs["loss"], logs["val_loss"]))
        best, loss, held_out = min(self._losses, key=lambda entry: entry[2])
        since = [entry for entry in self._losses if entry[0] > best]
        rises = all(entry[2] > (1 + self.SHARE) * held_out for entry in since[-self.EPOCHS :])
        last = [entry[1] for entry in self._losses[-self.EPOCHS - 1 :]]
        falls = all(b < a for a, b in pairwise(last)) and logs["loss"] < loss
        # One that is worse on its own training rows has learned none of them by heart.
        is_worse = logs["val_loss"] > logs["loss"]
        if len(since) >= self.EPOCHS and rises and falls and is_worse:
            yield Finding(
                self.name,
                f"The model overfits since epoch {best + 1}",
                f"The loss on the validation data was lowest there, {held_out:.4g}, and is now "
                f"{logs['val_loss']:.4g} ({percent(logs['val_loss'] / held_out - 1)} more), while "
                f"that on the training data fell from {loss:.4g} to {logs['loss']:.4g}: the model "
                "learns its training rows by heart.\n"
                "Try: callbacks.EarlyStopping(patience=3, restore_best_weights=True), a Dropout "
                "layer, kernel_regularizer='l2', a smaller model, or more data.",
                epoch=epoch,
                evidence={
                    "best_epoch": best,
                    "best_val_loss": held_out,
                    "val_loss": logs["val_loss"],
                    "loss": logs["loss"],
                },
            )


@rule
class LossOscillates(Rule):
    """The loss of the epochs jumps up again and again."""

    name = "loss_oscillates"
    # Of the last epochs so many are so much worse than the one before.
    EPOCHS, UPS, SHARE = 6, 3, 0.2

    def __init__(self) -> None:
        self._losses: list[float] = []

    def epoch(self, epoch: int, logs: dict[str, float]) -> Iterator[Finding]:
        self._losses.append(logs.get("loss", 0.0))
        last = self._losses[-self.EPOCHS :]
        pairs = list(pairwise(last))
        ups = [b for a, b in pairs if b > (1 + self.SHARE) * a > 0]
        falls = any(b < a for a, b in pairs)
        # A loss near 0 may jump: nothing is lost by that.
        if falls and len(ups) >= self.UPS and min(ups) > 0.1 * self._losses[0]:
            shown = ", ".join(f"{v:.3g}" for v in last)
            yield Finding(
                self.name,
                "The loss jumps up and down: the learning rate is probably too large",
                f"In {len(ups)} of the last {len(pairs)} epochs it rose by more than "
                f"{percent(self.SHARE)}: {shown}.\n"
                "Try: a third or a tenth of the learning rate, larger batches, or "
                "callbacks.ReduceLROnPlateau('loss').",
                epoch=epoch,
                evidence={"losses": last},
            )
