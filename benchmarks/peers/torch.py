"""PyTorch: eager, or (way "compiled") with torch.compile for the network and for the optimizer."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from benchmarks.cases import Case

VERSIONS = {"torch": torch.__version__}
OPTIMIZERS = {
    # For rmsprop there is no fused kernel, and foreach=True is not faster here.
    "rmsprop": lambda weights: torch.optim.RMSprop(weights, 1e-3, alpha=0.9, eps=1e-7),
    "adam": lambda weights: torch.optim.Adam(weights, 1e-3, eps=1e-7, fused=True),
}


class Peer:
    def __init__(self, case: Case, way: str, x: np.ndarray, y: np.ndarray):
        self.case, self.way = case, way
        self.x = torch.from_numpy(x)
        self.y = torch.from_numpy(y.astype(np.int64) if case.sorts else y)
        self.network = network(case)
        self.loss = nn.CrossEntropyLoss() if case.sorts else nn.MSELoss()
        self.optimizer = OPTIMIZERS[case.optimizer](self.network.parameters())
        self.forward, self.update = self.loss_and_right, self.optimizer.step
        if way == "compiled":
            self.forward, self.update = torch.compile(self.forward), torch.compile(self.update)

    def loss_and_right(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The mean loss, and how many labels are right."""
        z = self.network(x)
        right = (z.argmax(1) == y).sum() if self.case.sorts else torch.zeros(())
        return self.loss(z, y), right

    def fit(self, epochs: int) -> tuple[float, float | None]:
        n = self.case.rows
        for _ in range(epochs):
            total, total_right = torch.zeros(()), torch.zeros(())
            for rows in torch.randperm(n).split(self.case.batch):
                loss, right = self.forward(self.x[rows], self.y[rows])
                self.optimizer.zero_grad()
                loss.backward()
                self.update()
                total += loss.detach() * len(rows)
                total_right += right
        return total.item() / n, total_right.item() / n if self.case.sorts else None

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> float:
        with torch.no_grad():
            z = self.network(torch.from_numpy(x)).numpy()
        return float(np.mean(z.argmax(axis=1) == y if self.case.sorts else (z - y) ** 2))

    def call(self, row: np.ndarray) -> np.ndarray:
        with torch.inference_mode() if self.way == "inference_mode" else torch.no_grad():
            z = self.network(torch.from_numpy(row))
            return (z.softmax(1) if self.case.sorts else z).numpy()


def network(case: Case) -> nn.Sequential:
    """Linear layers with the case's first weights."""
    hidden = {"relu": nn.ReLU, "tanh": nn.Tanh}[case.hidden]
    weights = case.weights()
    layers: list[nn.Module] = []
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        linear = nn.Linear(*kernel.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(kernel.T))
            linear.bias.copy_(torch.from_numpy(bias))
        layers += [linear, hidden()]
    return nn.Sequential(*layers[:-1])
