"""How often a training is looked into."""

import time

import numpy as np
import pytest

import sheer
from sheer import layers
from sheer.callbacks.budget import Budget
from sheer.program import Program
from sheer.program.rows import rows_of
from sheer.program.watch import watch


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by hand."""

    class Clock:
        now = 100.0

        def on(self, seconds):
            self.now += seconds

    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    return clock


def look(budget, clock, seconds):
    with budget.looking():
        clock.on(seconds)


def turn(budget, clock, steps, seconds):
    budget.turn_begins()
    clock.on(seconds)
    budget.turn_ends(steps)


def test_looks_take_their_share_of_the_time(clock):
    budget, looks = Budget(0.1), 0
    begun = clock.now
    while clock.now < begun + 100:
        if budget.is_due():
            look(budget, clock, 0.03)
            looks += 1
        turn(budget, clock, 100, 0.1)
    assert 0.08 < looks * 0.03 / 100 <= 0.1


def test_what_a_look_costs_the_steps_after_it_counts(clock):
    budget, lost = Budget(0.1), 0.0
    begun = clock.now
    turn(budget, clock, 100, 0.1)
    while clock.now < begun + 100:
        if budget.is_due():
            look(budget, clock, 0.02)
            turn(budget, clock, 100, 0.15)
            lost += 0.02 + 0.05
        turn(budget, clock, 100, 0.1)
    assert 0.08 < lost / 100 <= 0.11


def test_no_share_is_one_look(clock):
    budget = Budget(0.0)
    assert budget.is_due()
    look(budget, clock, 0.01)
    clock.on(1e9)
    assert not budget.is_due()


@pytest.mark.parametrize("turned", [False, True])
def test_large_products_of_a_watched_program_are_the_engines(turned):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(96, 200)).astype("float32")
    b = rng.normal(size=(64, 200) if turned else (200, 64)).astype("float32")
    expression = "a @ b.T" if turned else "a @ b"
    program = Program(f"def times(a, b):\n    y = {expression}\n    return y\n", "times")
    found = watch(program, rows_of(program.text, "times"), [a, b]).values["y"]
    exact = a.astype("float64") @ (b.T if turned else b).astype("float64")
    np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-4)
    second = b.T if turned else b
    whole = sheer.ops.matmul(a, np.ascontiguousarray(second)).numpy()
    assert (found == whole).all()  # by the same kernel


def test_an_error_in_a_product_shows_the_programs_line():
    program = Program("def times(a, b):\n    y = a @ b\n    return y\n", "times", "mine.py")
    with pytest.raises(ValueError, match="matmul") as caught:
        watch(program, rows_of(program.text, "times"), [np.ones((2, 3)), np.ones((2, 3))])
    assert any(str(entry.path) == "mine.py" and entry.lineno == 1 for entry in caught.traceback)


def test_a_watched_training_is_the_same(digits):
    (x, y), _ = digits

    def trained(*callbacks):
        sheer.utils.set_random_seed(3)
        model = sheer.Sequential([layers.Dense(64, "relu"), layers.Dense(10, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, epochs=2, verbose=0, callbacks=list(callbacks))
        return model.get_weights()

    watched = trained(
        sheer.callbacks.View(port=None, every=3), sheer.callbacks.Doctor(verbose=False)
    )
    assert all((a == b).all() for a, b in zip(trained(), watched, strict=True))
