"""sheer: `fit`, `evaluate`, `predict`, and (way "call") `model(x)`; "watched" and "shown" are `fit`
with a View, without a page and with one that listens, "doctor" with a Doctor, "checked" with
check_finite."""

import threading
import urllib.request

import numpy as np

import sheer
from benchmarks.cases import Case
from benchmarks.peers.keras_api import KerasApi

VERSIONS = {"sheer": sheer.__version__, "sheer's engine": sheer.config.engine()}


class Peer(KerasApi):
    def __init__(self, case: Case, way: str, x: np.ndarray, y: np.ndarray):
        settings = {"check_finite": True} if way == "checked" else {}
        super().__init__(sheer, case, way, x, y, **settings)
        self.view: sheer.callbacks.View | None = None
        if way in ("watched", "shown"):
            port = 0 if way == "shown" else None
            self.view = sheer.callbacks.View(port=port, open_browser=False)
            self.callbacks = [self.view]
        if way == "doctor":
            self.callbacks = [sheer.callbacks.Doctor(verbose=False)]
        if way == "shown":
            self.callbacks.append(sheer.callbacks.LambdaCallback(on_train_begin=self.listen))

    def listen(self, logs: object) -> None:
        """Open the page's stream of changes, once, and take all that comes."""
        if self.view is not None and self.view.url:
            url = self.view.url.replace("/?", "/api/events?")
            stream = urllib.request.urlopen(url)
            threading.Thread(target=lambda: [None for _ in stream], daemon=True).start()
            self.callbacks.pop()
