"""History: the figures of each epoch; `fit` returns one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sheer.callbacks.base import Callback, Logs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class History(Callback):
    """Keeps the figures of each epoch: `history["loss"]` is a list, `epoch` the epochs' numbers.

    A figure is a float; that of a metric with several numbers, an array. Not every epoch need have
    each: `epochs_of["val_loss"]` are the numbers, from 0 on, of those that `history["val_loss"]`
    tells of. `interrupted` says whether Ctrl-C ended the `fit`.

    >>> import numpy as np, sheer
    >>> model = sheer.Sequential([sheer.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> history = model.fit(x, y, epochs=4, verbose=0, validation_data=(x, y), validation_freq=2)
    >>> len(history.history["loss"]), len(history.history["val_loss"])
    (4, 2)
    >>> history.epochs_of["val_loss"]
    [1, 3]
    """

    kept = ("history", "epoch", "epochs_of")

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []
        self.epochs_of: dict[str, list[int]] = {}
        self.interrupted = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []
        self.interrupted = False

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
            self.epochs_of.setdefault(name, []).append(epoch)

    def plot(
        self,
        metrics: str | Iterable[str] | None = None,
        *,
        log: str | Iterable[str] = (),
        figsize: tuple[float, float] | None = None,
    ) -> Figure:
        """Draw the loss, the metrics, and the learning rate if it was logged, over the epochs.

        Each quantity has a panel, with its `val_` partner. The figure of training is collected
        over an epoch, while the weights change: it stands at the middle of its epoch. That on
        held-out data is measured after the epoch: it stands at its end.

        Args:
            metrics: the names of the quantities that are wanted, such as `["loss"]`; by default
                all. Figures that are arrays are left out, and a note says so.
            log: the names of those with a logarithmic axis.
            figsize: width and height in inches.

        Returns:
            A matplotlib Figure, which a notebook shows. `figure.savefig("training.png")` keeps it.

        Raises:
            ImportError: without matplotlib, which the extra `plot` installs.
            ValueError: before an epoch has ended, or for a name that is not in the history.

        >>> history = History()
        >>> history.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.4})
        >>> axes = history.plot().axes[0]
        >>> [line.get_xdata().tolist() for line in axes.lines]
        [[0.5], [1.0]]
        """
        from sheer.inspect.plot import plot

        return plot(self, metrics, log, figsize)

    def plot_text(
        self,
        metrics: str | Iterable[str] | None = None,
        *,
        width: int = 80,
        height: int = 12,
        ascii: bool | None = None,
    ) -> str:
        """The same drawing as text, for a terminal: `print(history.plot_text())`.

        Args:
            metrics: the names of the quantities that are wanted, such as `["loss"]`; by default
                all.
            width: the columns of the text, at most; 40 or more.
            height: the lines of each panel's frame, at most; 4 or more.
            ascii: whether only letters and signs of ASCII are used; by default where stdout cannot
                show better ones.

        Raises:
            ValueError: before an epoch has ended, or for a name that is not in the history.

        >>> history = History()
        >>> for epoch, loss in enumerate([0.8, 0.4, 0.2]):
        ...     history.on_epoch_end(epoch, {"loss": loss, "val_loss": loss - 0.1})
        >>> print(history.plot_text(width=72, height=5, ascii=True))
               o loss, mean over the epoch   * val_loss, at the end of the epoch
          0.8 +          o.....    *
          0.6 +                .....----------
          0.4 +                          ....o---------*
          0.2 +                                         --------------------
          0.0 +                                                            *
              ++-------------------+-------------------+-------------------+
        epoch  0                   1                   2                   3
        """
        from sheer.inspect.text_plot import plot_text

        return plot_text(self, metrics, width, height, ascii)

    def __repr__(self) -> str:
        ended = ", interrupted" if self.interrupted else ""
        return f"<History of {len(self.epoch)} epochs{ended}: {', '.join(self.history)}>"
