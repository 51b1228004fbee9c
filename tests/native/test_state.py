"""State on the native engine: it is seen without copies, what was handed out never changes, and an
error in a step leaves all of it as it was."""

import traceback

import numpy as np
import pytest

import sheer
import small
from planned import kinds, needs_native, on_engine, plan_of
from sheer import layers, ops

pytestmark = needs_native


@pytest.fixture(autouse=True)
def on_the_native_engine():
    with on_engine("native"):
        yield


def addresses(variables):
    return [v.numpy().ctypes.data for v in variables]


def state(model):
    kept = [*model.weights, *model.optimizer.variables]
    return kept + [v for metric in model.metrics for v in metric.variables]


def trained_model(optimizer="adam", **options):
    model, (x, y) = small.classifier(optimizer=optimizer, **options), small.data(100)
    model.fit(x, y, epochs=1, batch_size=16, verbose=0)
    return model, x, y


# --- without copies -------------------------------------------------------------------------------


def test_weights_and_slots_stay_where_they_are():
    model, x, y = trained_model()
    before = addresses([*model.weights, *model.optimizer.variables])
    model.fit(x, y, epochs=3, batch_size=16, verbose=0, validation_data=(x, y))
    model.train_on_batch(x[:7], y[:7])
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    model.fit(x[:33], y[:33], batch_size=8, verbose=0)
    assert addresses([*model.weights, *model.optimizer.variables]) == before


def test_a_step_copies_no_weights():
    """Also where it picks by label, which may fail: that comes first."""
    top = sheer.metrics.SparseTopKCategoricalAccuracy(2)
    model, *_ = trained_model(metrics=["accuracy", top])
    plan = model._steps.step("train_step")._plans.plan_for(16)
    assert kinds(plan).count("take_along") == 2
    in_place = set(plan.schedule.destination.values())
    assert {*model.weights, *model.optimizer.variables[2:]} <= in_place


def test_who_only_looked_does_not_make_copies():
    model, x, y = trained_model()
    before = addresses(model.weights)
    for _ in range(3):
        total = sum(float(np.sum(w)) for w in model.weights)
        repr(model.weights[0])
        model.get_weights()
        model.fit(x, y, batch_size=16, verbose=0)
    assert np.isfinite(total)
    assert addresses(model.weights) == before


# --- what was handed out --------------------------------------------------------------------------


def held(model):
    """All ways to get at values, with copies of them."""
    kernel = model.weights[0]
    found = {
        "numpy": kernel.numpy(),
        "value": kernel.value,
        "view of it": kernel.numpy()[1:, ::2],
        "transposed": kernel.numpy().T,
        "one element of a view": kernel.numpy().reshape(-1)[3:4],
        "asarray": np.asarray(kernel),
        "memoryview": memoryview(kernel.numpy()),
        "dlpack": np.from_dlpack(kernel.value),
        "iterator": kernel.numpy().flat,
        "tensor": ops.convert_to_tensor(kernel),
        "an op that changes nothing": ops.reshape(kernel, (-1,)),
        "transposed by an op": ops.transpose(kernel),
        "a part": kernel[0],
        "get_weights": model.get_weights(),
        "layer": model.layers[0].get_weights(),
        "slots": [v.numpy() for v in model.optimizer.variables],
        "metrics": dict(model.get_metrics_result()),
        "states of metrics": [v.value for metric in model.metrics for v in metric.variables],
    }
    return found, {name: copied(value) for name, value in found.items()}


def copied(value):
    if isinstance(value, dict):
        return {k: copied(v) for k, v in value.items()}
    if isinstance(value, list):
        return list(map(copied, value))
    return np.array(value.numpy() if hasattr(value, "numpy") else value, copy=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda model, x, y: model.fit(x, y, epochs=2, batch_size=16, verbose=0),
        lambda model, x, y: model.train_on_batch(x, y),
        lambda model, x, y: model.evaluate(x, y, verbose=0),
        lambda model, x, y: model.reset_metrics(),
        lambda model, x, y: model.set_weights([w * 0 for w in model.get_weights()]),
    ],
    ids=["fit", "train_on_batch", "evaluate", "reset_metrics", "set_weights"],
)
def test_what_was_handed_out_never_changes(change):
    model, x, y = trained_model()
    found, before = held(model)
    for _ in range(2):
        change(model, x, y)
    for name, value in found.items():
        np.testing.assert_equal(copied(value), before[name], err_msg=name)


def test_what_fit_and_predict_returned_never_changes():
    model, x, y = trained_model()
    history = model.fit(x, y, epochs=2, verbose=0).history
    logs, answer, one = model.train_on_batch(x, y), model.predict(x, verbose=0), model(x)
    before = copied(history), copied(logs), answer.copy(), one.numpy().copy()
    model.fit(x, y, epochs=2, verbose=0)
    model.predict(x + 1, verbose=0)
    model(x + 1)
    np.testing.assert_equal((copied(history), copied(logs), answer, one.numpy()), before)


def test_what_a_callback_keeps_never_changes():
    class Keeping(sheer.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.kept = []

        def on_train_batch_end(self, batch, logs=None):
            weights = [w.numpy() for w in self.model.weights]
            self.kept.append((weights, [w.copy() for w in weights], dict(logs), dict(logs)))

    model, x, y = trained_model()
    keeping = Keeping()
    model.fit(x, y, epochs=2, batch_size=16, verbose=0, callbacks=[keeping])
    assert len(keeping.kept) == 14
    for weights, copies, logs, same in keeping.kept:
        assert small.equal(weights, copies) and logs == same
    assert not np.array_equal(keeping.kept[0][1][0], keeping.kept[-1][1][0])


def test_the_data_are_left_alone():
    model, x, y = trained_model()
    v = sheer.Variable(x[:5])

    @sheer.function
    def step(rows):
        v.assign(rows)
        v.assign(v * 2)
        return v.value

    copy = x.copy()
    step(x[:5])
    step(x[:5])
    model.fit(x, y, verbose=0)
    np.testing.assert_array_equal(x, copy)


def test_a_weight_as_data():
    """A Variable that is an input and is assigned: the input is its old value."""
    v = sheer.Variable(np.arange(6, dtype=np.float32))

    @sheer.function
    def step(x):
        v.assign(x[::-1] + v)
        return x * 1

    for _ in range(2):
        old = v.numpy().copy()
        found = step(v.numpy())
        np.testing.assert_array_equal(found.numpy(), old)
        np.testing.assert_array_equal(v.numpy(), old[::-1] + old)


def test_a_value_read_by_a_plan_may_have_any_strides():
    """Values of Variables are in one piece; who puts another one there is served all the same."""
    v = sheer.Variable(np.arange(6, dtype=np.float32).reshape(2, 3))
    v.store(np.arange(6, dtype=np.float32).reshape(3, 2).T)

    @sheer.function
    def double():
        v.assign(v * 2)

    double()
    np.testing.assert_array_equal(v.numpy(), [[0, 4, 8], [2, 6, 10]])


# --- errors ---------------------------------------------------------------------------------------


class Unchecked(sheer.Sequential):
    """A model whose step checks no label."""

    def train_step(self, data):
        x, y = data
        with sheer.GradientTape() as tape:
            logits = self(x)
            losses = -ops.take_along_axis(ops.log_softmax(logits), y[:, None], axis=1)
            loss = ops.mean(losses)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss}


def unchecked():
    model = Unchecked([sheer.Input((4,)), layers.Dense(5, activation="relu"), layers.Dense(10)])
    model.compile("adam", loss=None)
    return model


def lines_of(error):
    return "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize("label", [10, 12, -11])
def test_a_label_out_of_range(label):
    x, y = small.data(100)
    model = unchecked()
    model.train_on_batch(x[:8], y[:8])
    bad = y.copy()
    bad[3] = label
    before = [(v.path, v.numpy().tobytes()) for v in state(model)]
    for _ in range(2):
        with pytest.raises(IndexError) as error:
            model.train_on_batch(x[:8], bad[:8])
        assert [(v.path, v.numpy().tobytes()) for v in state(model)] == before
    assert "take_along_axis(" in lines_of(error)
    assert "<sheer train_step" in lines_of(error)
    model.train_on_batch(x[:8], y[:8])
    assert [(v.path, v.numpy().tobytes()) for v in state(model)] != before


def test_a_label_out_of_range_in_the_middle_of_a_fit():
    """The steps before it count; its own does not; the traceback names the program's line."""
    x, y = small.data(100)
    bad = y.copy()
    bad[70] = 10
    model, other = unchecked(), unchecked()
    other.set_weights(model.get_weights())
    with pytest.raises(IndexError) as error:
        model.fit(x, bad, batch_size=16, shuffle=False, verbose=0)
    assert "take_along_axis(" in lines_of(error)
    other.fit(x[:64], y[:64], batch_size=16, shuffle=False, verbose=0)
    for v, w in zip(state(model), state(other), strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy(), err_msg=v.path)
    model.fit(x, y, batch_size=16, verbose=0)


def test_a_label_out_of_range_when_shuffled():
    x, y = small.data(100)
    bad = y.copy()
    bad[70] = 10
    model = unchecked()
    before = model.get_weights()
    with pytest.raises(IndexError):
        model.fit(x, bad, batch_size=100, verbose=0)
    assert small.equal(model.get_weights(), before)


@pytest.mark.parametrize("steps", [1, 4])
def test_an_index_out_of_range_in_a_function(steps):
    table = sheer.Variable(np.arange(6, dtype=np.float32), name="table")
    total = sheer.Variable(0.0, name="total")
    count = sheer.Variable(0, name="count")

    @sheer.function
    def pick(places):
        count.assign_add(1)
        total.assign(total + ops.sum(ops.take(table, places)))
        table.assign(ops.take(table, places))
        return total.value

    pick(np.array([0, 1, 2, 3, 4, 4]))
    before = [v.numpy().copy() for v in (table, total, count)]
    for places in ([0, 1, 2, 3, 4, 6], [-7, 0, 0, 0, 0, 0]):
        with pytest.raises(IndexError) as error:
            pick(np.array(places))
        assert "np.take(table" in lines_of(error)
        for v, old in zip((table, total, count), before, strict=True):
            np.testing.assert_array_equal(v.numpy(), old)
    assert pick(np.array([-1] * 6)).numpy() == before[1] + 6 * before[0][-1]


def test_an_index_written_straight_to_a_variable():
    """It may fail half way: then the Variable has its old value."""
    rows = sheer.Variable(np.zeros((5, 400), np.float32))

    @sheer.function
    def pick(x, places):
        rows.assign(ops.take(x, places, axis=0))

    x = np.ones((9, 400), np.float32)
    with pytest.raises(IndexError):
        pick(x, np.array([0, 1, 2, 3, 9]))
    assert not rows.numpy().any()
    pick(x, np.arange(5))
    assert rows.numpy().all()


def test_a_body_that_raises():
    """A step that NumPy runs fails: all Variables keep their values, whatever came before it."""
    v = sheer.Variable(np.ones(3, np.float32), name="v")
    count = sheer.Variable(0, name="count")

    @sheer.function
    def pick(x, places):
        count.assign_add(1)
        v.assign(v * 2)
        order = ops.argsort(x)
        return ops.take(order, places)

    assert "function" in kinds(plan_of(lambda x: ops.argsort(x), np.zeros(4, np.float32)))
    x = np.array([3.0, 1.0, 2.0], np.float32)
    pick(x, np.array([0, 2]))
    with pytest.raises(IndexError):
        pick(x, np.array([0, 3]))
    np.testing.assert_array_equal(v.numpy(), [2, 2, 2])
    assert count.numpy() == 1


def test_an_error_of_numpy_in_the_middle(monkeypatch):
    from sheer.ops import OPS

    v = sheer.Variable(np.ones(3, np.float32), name="v")

    @sheer.function
    def step(x):
        old = v.value
        v.assign(old * 2)
        return ops.cumsum(x) + old

    body, is_bad = OPS["_cumsum"].body, []

    def raising(xp, x, axis):
        if is_bad:
            raise ValueError("no such sum")
        return body(xp, x, axis)

    monkeypatch.setattr(OPS["_cumsum"], "body", raising)
    step(np.ones(3, np.float32))
    is_bad.append(True)
    with pytest.raises(ValueError, match="no such sum"):
        step._steps[next(iter(step._steps))]._plans.call([np.ones(3, np.float32)])
    np.testing.assert_array_equal(v.numpy(), [2, 2, 2])
    is_bad.clear()
    step(np.ones(3, np.float32))
    np.testing.assert_array_equal(v.numpy(), [4, 4, 4])


def test_random_keys_are_not_used_up_by_a_step_that_failed():
    seeds = sheer.random.SeedGenerator(1)

    @sheer.function
    def noise(x, places):
        return ops.take(x, places) + sheer.random.normal((2,), seed=seeds)

    x = np.zeros(3, np.float32)
    noise(x, np.array([0, 1]))
    before = seeds.state.numpy().copy()
    with pytest.raises(IndexError):
        noise(x, np.array([0, 3]))
    np.testing.assert_array_equal(seeds.state.numpy(), before)
