"""TerminateOnNaN: end a training whose loss is no number any more."""

from __future__ import annotations

import math

from sheer.callbacks.base import Callback, Logs


class TerminateOnNaN(Callback):
    """Ends `fit` after a batch whose loss is NaN or infinite.

    raise_error: raise a RuntimeError there, and leave `on_train_end` uncalled.
    """

    def __init__(self, raise_error: bool = False):
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}. Loss value: {loss}. Terminating "
                "training immediately."
            )
        print(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
