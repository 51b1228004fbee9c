"""predict and calls on single rows: at once, as ever, and without leaving anything behind."""

import resource

import numpy as np
import pytest

import sheer
from sheer import layers
from small import classifier

X = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)


def model():
    made = classifier()
    made.predict(X, verbose=0)  # from now on it is known
    return made


def test_rows_one_by_one_are_as_all_together():
    one = model()
    together = one.predict(X, verbose=0)
    for ask in (
        lambda x: one.predict(x, verbose=0),
        lambda x: one(x).numpy(),
        one.predict_on_batch,
    ):
        rows = np.concatenate([ask(X[i : i + 1]) for i in range(len(X))])
        np.testing.assert_allclose(rows, together, rtol=1e-5, atol=1e-6)


def test_it_sees_new_weights_and_new_layers():
    one = model()
    before = one.predict(X[:1], verbose=0)
    one.set_weights([w * 0 for w in one.get_weights()])
    after = one.predict(X[:1], verbose=0)
    assert not np.array_equal(before, after) and np.allclose(after, after[0, 0])
    one.add(layers.Dense(2))
    assert one.predict(X[:1], verbose=0).shape == (1, 2)
    assert one(X[:1]).shape == one(X[:1]).shape == one(X[:1]).shape == (1, 2)


def test_it_still_checks_the_data():
    one = model()
    wrong = X[:1].copy()
    wrong[0, 2] = np.nan
    with pytest.raises(ValueError, match="predict: x contains NaN: 1 of 4 values"):
        one.predict(wrong, verbose=0)
    with pytest.raises(ValueError, match="the data are empty"):
        one.predict(X[:0], verbose=0)
    assert np.isnan(one(wrong).numpy()).all()  # a call takes what it is given


def test_calls_take_what_they_are_given_and_stay_programs_after_a_fit():
    one = classifier()
    missing = np.full((1, 4), np.nan, np.float32)
    for _ in range(3):
        assert np.isnan(one(missing).numpy()).all()
    one.fit(X, np.zeros(64, int), verbose=0)
    one(X[:1])
    known = one._steps._ready[X.shape[1:], X.dtype]
    assert known[0] is one._structure()


def test_layers_of_a_user_are_called_each_time():
    calls = []

    class Noted(layers.Layer):
        def call(self, x):
            calls.append(type(x).__name__)
            return 2 * x

    one = sheer.Sequential([sheer.Input((4,)), Noted()])
    calls.clear()
    for _ in range(4):
        one(X[:1])
    assert calls == ["Tensor"] * 4


def test_gradients_go_through_a_call():
    one = model()
    for _ in range(3):
        one(X)
    with sheer.GradientTape() as tape:
        loss = sheer.ops.mean(one(X) ** 2)
    gradients = tape.gradient(loss, one.trainable_variables)
    assert all(np.abs(g.numpy()).max() > 0 for g in gradients)


def test_memory_stays_flat():
    one = model()

    def ask(times):
        for _ in range(times):
            one.predict(X[:1], verbose=0)
            one(X[:1])
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = ask(2000)
    assert ask(10_000) - before < 1000  # kilobytes
