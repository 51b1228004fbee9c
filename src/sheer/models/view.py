"""`model.view`: a `fit` on screen."""

from __future__ import annotations

import threading
from typing import Any

from sheer.callbacks import History, View
from sheer.callbacks.progress import in_notebook


def view(model: Any, x: Any, y: Any, given: View | None, options: dict[str, Any]) -> Any:
    """Train a model in a page: see `Model.view`."""
    callbacks = options.pop("callbacks", None) or []
    callbacks = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
    if in_notebook():
        return _in_notebook(model, x, y, given or View(paused=True, port=None), callbacks, options)
    shown = given or View(paused=True)
    return model.fit(x, y, callbacks=[*callbacks, shown], **options)


def _in_notebook(
    model: Any, x: Any, y: Any, shown: View, callbacks: list[Any], options: dict[str, Any]
) -> Any:
    """The widget, while a thread trains: a cell that runs keeps the page's commands waiting."""
    from sheer.inspect.view.widget import widget_of

    with model._training.alone("view"):
        pass  # what the thread would raise, nobody would see: the last view may still wait
    widget = widget_of(shown.session)
    widget.training = FitInThread(
        lambda: model.fit(x, y, **{"verbose": 0, **options}, callbacks=[*callbacks, shown])
    )
    widget.training.begin()
    return widget


class FitInThread:
    """A `fit` that runs beside a notebook's cells.

    Its thread ends with the process, and the page says how it ended.
    """

    def __init__(self, fit: Any):
        self._fit = fit
        self._history: History | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sheer fit", daemon=True)

    def _run(self) -> None:
        try:
            self._history = self._fit()
        except BaseException as error:
            self._error = error

    def begin(self) -> None:
        """Start."""
        self._thread.start()

    def wait(self, seconds: float | None = None) -> History:
        """The history, at the end of the training; what it raised is raised here."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError(f"The training still runs, after {seconds:g} seconds more.")
        if self._error is not None:
            raise self._error
        assert self._history is not None
        return self._history
