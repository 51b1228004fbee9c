"""100 steps from the same weights on the same batches: Keras's losses and weights, for each pair of
a loss and an optimizer."""

import numpy as np
import pytest

import sheer
from recorded import recorded
from sheer import layers

WEIGHTS = ("kernel", "bias", "kernel_1", "bias_1")
STEPS, BATCH = recorded("training.json")["steps"], recorded("training.json")["batch_size"]
CASES = recorded("training.json")["cases"]
FIGURES = recorded("training.npz")
NAMES = [case["name"] for case in CASES]


def train(case, run_eagerly=False, steps=STEPS):
    """The loss of each step, and the final weights."""
    model = sheer.Sequential(
        [
            sheer.Input((6,)),
            layers.Dense(12, "tanh"),
            layers.Dense(case["units"], case["activation"]),
        ]
    )
    model.compile(
        getattr(sheer.optimizers, case["optimizer"])(**case["optimizer_kwargs"]),
        getattr(sheer.losses, case["loss"])(**case["loss_kwargs"]),
        run_eagerly=run_eagerly,
    )
    model.set_weights([FIGURES[name] for name in WEIGHTS])
    x, y = FIGURES["x"], FIGURES[case["target"]]
    losses = []
    for step in range(steps):
        rows = slice(step * BATCH % len(x), step * BATCH % len(x) + BATCH)
        model.reset_metrics()
        losses.append(model.train_on_batch(x[rows], y[rows]))
    return losses, model.get_weights()


def assert_near(case, losses, weights, rtol, atol_of_losses=0.0):
    number = NAMES.index(case["name"])
    wanted = FIGURES["losses"][number][: len(losses)]
    np.testing.assert_allclose(losses, wanted, rtol=rtol, atol=atol_of_losses)
    for name, weight in zip(WEIGHTS, weights, strict=True):
        final = FIGURES[f"final_{name}"][number]
        # Relative to the largest: a weight near 0 is a difference of larger ones.
        np.testing.assert_allclose(weight, final, rtol=0, atol=rtol * np.abs(final).max())


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_100_steps_in_float64(case, float64):
    """In double precision nothing but rounding may differ."""
    losses, weights = train(case)
    assert losses[-1] != losses[0]
    # Where a cosine crosses 0, the rounding of a number near 1 is large beside it.
    assert_near(case, losses, weights, rtol=1e-11, atol_of_losses=1e-14)


# One for each loss, and for each optimizer and option.
SOME = [c for c in CASES if c["optimizer"] == "RMSprop" and not c["optimizer_kwargs"]]
SOME += [c for c in CASES if c["loss"] == "MeanSquaredError" and c not in SOME]


@pytest.mark.parametrize("case", SOME, ids=[c["name"] for c in SOME])
def test_100_steps_in_float32(case):
    """In single precision, losses and weights after 100 steps stay within 1e-5 of Keras's
    float64."""
    losses, weights = train(case)
    assert weights[0].dtype == np.float32
    # The absolute part is for the cosine that crosses 0: 1e-6 beside a loss of -1.
    atol = 1e-6 if case["loss"] == "CosineSimilarity" else 0.0
    assert_near(case, losses, weights, rtol=1e-5, atol_of_losses=atol)


EAGER = [c for c in CASES if c["loss"] == "SparseCategoricalCrossentropy"]
EAGER += [c for c in CASES if c["loss"] in ("BinaryCrossentropy", "Huber")][::5]
EAGER += [c for c in CASES if set(c["optimizer_kwargs"]) & {"clipnorm", "weight_decay"}]


@pytest.mark.parametrize("case", EAGER, ids=[c["name"] for c in EAGER])
def test_run_eagerly_is_the_same(case, float64):
    """Op by op, without a program: 20 steps."""
    losses, _ = train(case, run_eagerly=True, steps=20)
    number = NAMES.index(case["name"])
    np.testing.assert_allclose(losses, FIGURES["losses"][number][:20], rtol=1e-11)
