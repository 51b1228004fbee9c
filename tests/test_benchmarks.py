"""The benchmarks compare the same work: hand-written steps give the weights that sheer gives."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import by_hand
from benchmarks.__main__ import network


@pytest.mark.parametrize("contender", ["Plain", "Buffered"])
def test_one_epoch_is_the_same(contender):
    rng = np.random.default_rng(0)
    x = rng.random((300, 784), dtype=np.float32)
    y = rng.integers(0, 10, 300).astype(np.uint8)
    model = network()
    start = model.get_weights()
    hand = by_hand.Plain(start) if contender == "Plain" else by_hand.Buffered(start, 128)
    order = hand.rng.permutation(300)
    hand.rng = np.random.default_rng(0)
    history = model.fit(x[order], y[order], batch_size=128, shuffle=False, verbose=0)
    loss = hand.epoch(x, y)
    assert loss == pytest.approx(history.history["loss"][0], rel=1e-4)
    # rmsprop divides by the size of a gradient, so those near 0 are where rounding shows.
    for mine, theirs in zip(model.get_weights(), hand.weights, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-4)
        assert np.median(np.abs(mine - theirs)) < 1e-6
