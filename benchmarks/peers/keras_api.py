"""The network in the words that Keras and sheer share."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.cases import Case


class KerasApi:
    """`api` is keras or sheer; `settings` go to compile."""

    def __init__(self, api: ModuleType, case: Case, way: str, x: np.ndarray, y: np.ndarray,
                 **settings: Any):  # fmt: skip
        *hidden, last = case.widths[1:]
        layers = [api.layers.Dense(width, activation=case.hidden) for width in hidden]
        layers.append(api.layers.Dense(last, activation="softmax" if case.sorts else None))
        api.utils.set_random_seed(1)
        self.model = api.Sequential([api.Input((case.widths[0],)), *layers])
        self.model.set_weights(case.weights())
        loss = "sparse_categorical_crossentropy" if case.sorts else "mean_squared_error"
        metrics = ["accuracy"] if case.sorts else []
        self.model.compile(case.optimizer, loss, metrics=metrics, **settings)
        self.case, self.way, self.x, self.y = case, way, x, y
        self.callbacks: list[Any] = []

    def fit(self, epochs: int) -> tuple[float, float | None]:
        history = self.model.fit(
            self.x,
            self.y,
            batch_size=self.case.batch,
            epochs=epochs,
            verbose=0,
            callbacks=self.callbacks,
        ).history
        return history["loss"][-1], history.get("accuracy", [None])[-1]

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> float:
        logs = self.model.evaluate(x, y, batch_size=self.case.batch, verbose=0, return_dict=True)
        return logs["accuracy" if self.case.sorts else "loss"]

    def call(self, row: np.ndarray) -> Any:
        if self.way == "call":
            return self.model(row)
        return self.model.predict(row, verbose=0)
