"""SwapEMAWeights: evaluate with the running means of the weights."""

from __future__ import annotations

from sheer.callbacks.base import Callback, Logs


class SwapEMAWeights(Callback):
    """Puts the optimizer's running means in place of the weights while the model is evaluated or
    predicts, and the weights back after it.

    The optimizer must keep them: `SGD(use_ema=True)`.

    swap_on_epoch: whether the means are there from the end of each epoch on, too, for callbacks
        later in the list, such as ModelCheckpoint; the next epoch begins with the weights.
    """

    kept = ("_swapped",)

    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._have_means(False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._have_means(True)
            if epoch == self.params["epochs"] - 1 or self.model.stop_training:
                # Weights take their means when `fit` ends, and these were swapped.
                for variable in self.model.trainable_variables:
                    self.model.optimizer.slot(variable, "average").assign(variable)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._have_means(True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._have_means(False)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._have_means(True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._have_means(False)

    def _have_means(self, wanted: bool) -> None:
        """Swap, unless it is so already."""
        optimizer = self.model.optimizer
        if not getattr(optimizer, "use_ema", False):
            raise ValueError(
                "SwapEMAWeights: the optimizer keeps no running means of the weights. Compile with "
                "one that does, such as SGD(use_ema=True)."
            )
        if self._swapped == wanted or not optimizer.built:
            return
        for variable in self.model.trainable_variables:
            mean = optimizer.slot(variable, "average")
            weight = variable.numpy()
            variable.assign(mean)
            mean.assign(weight)
        self._swapped = wanted
