"""scikit-learn's MLPClassifier and MLPRegressor, always with adam: they have no rmsprop.

It begins from its own random weights.
"""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.cases import Case

VERSIONS = {"scikit-learn": sklearn.__version__}


class Peer:
    def __init__(self, case: Case, way: str, x: np.ndarray, y: np.ndarray):
        self.case, self.x, self.y = case, x, y if case.sorts else y[:, 0]
        kind = MLPClassifier if case.sorts else MLPRegressor
        self.model = kind(
            hidden_layer_sizes=case.widths[1:-1],
            activation=case.hidden,
            solver="adam",
            alpha=0,
            batch_size=case.batch,
            learning_rate_init=1e-3,
            epsilon=1e-7,
            random_state=1,
        )

    def fit(self, epochs: int) -> tuple[float, float | None]:
        classes = {"classes": np.arange(self.case.widths[-1])} if self.case.sorts else {}
        for _ in range(epochs):
            self.model.partial_fit(self.x, self.y, **classes)
        # Its loss of numbers is half of the mean square.
        return self.model.loss_ * (1 if self.case.sorts else 2), None

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> float:
        z = self.model.predict(x)
        return float(np.mean(z == y if self.case.sorts else (z - y[:, 0]) ** 2))

    def call(self, row: np.ndarray) -> np.ndarray:
        return self.model.predict(row)
