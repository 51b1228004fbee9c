"""The same seed gives the same numbers; a program those of the step that it was traced from."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

import sheer
from sheer import layers, ops
from small import classifier, data, equal

X, Y = data(40)

SCRIPT = """
import hashlib, numpy as np, sheer
from sheer import layers
sheer.utils.set_random_seed(7)
x = np.linspace(-1, 1, 160, dtype=np.float32).reshape(40, 4)
y = np.arange(40) % 3
model = sheer.Sequential([layers.Dense(5, "relu", kernel_initializer="he_normal"),
                          layers.Dense(3, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, epochs=3, batch_size=7, verbose=0, validation_split=0.1)
digest = hashlib.sha256(repr(history.history).encode())
for weight in [*model.get_weights(), np.random.rand(3)]:
    digest.update(weight.tobytes())
print(digest.hexdigest())
"""


def trained(seed, **settings):
    sheer.utils.set_random_seed(seed)
    model = classifier(features=None, optimizer="adam")
    history = model.fit(X, Y, epochs=3, batch_size=7, verbose=0, **settings)
    return model, history.history


def test_a_seed_decides_everything_bit_for_bit():
    first, again, other = trained(5), trained(5), trained(6)
    assert first[1] == again[1]
    assert equal(first[0].get_weights(), again[0].get_weights())
    assert equal([v.numpy() for v in first[0].optimizer.variables],
                 [v.numpy() for v in again[0].optimizer.variables])  # fmt: skip
    assert first[1] != other[1]
    assert not equal(first[0].get_weights(), other[0].get_weights())


def test_a_seed_decides_the_weights_and_the_shuffles_separately():
    """Weights from one seed, shuffled by another: begin alike, end otherwise."""
    models = []
    for seed in (1, 2):
        sheer.utils.set_random_seed(5)
        model = classifier()
        start = model.get_weights()
        sheer.utils.set_random_seed(seed)
        model.fit(X, Y, batch_size=7, verbose=0)
        models.append((start, model.get_weights()))
    assert equal(models[0][0], models[1][0])
    assert not equal(models[0][1], models[1][1])


def test_a_fresh_process_gives_the_same_bits(tmp_path):
    here = {}
    exec(SCRIPT.replace("print(", "results.append("), {"results": (found := [])}, here)
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == found[0]
    assert len(found[0]) == len(hashlib.sha256().hexdigest())


def test_without_a_seed_every_process_differs():
    script = SCRIPT.replace("sheer.utils.set_random_seed(7)", "")
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(outputs) == 2


def test_evaluate_and_predict_use_no_random_numbers():
    model, _ = trained(5)
    key = sheer.core.random.peek_key()
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    assert sheer.core.random.peek_key() == key


def test_a_failed_fit_changes_nothing_of_what_follows():
    first = trained(5)
    sheer.utils.set_random_seed(5)
    model = classifier(features=None, optimizer="adam")
    with pytest.raises(ValueError, match="labels must be 0 to 2"):
        model.fit(X, Y + 5, verbose=0)
    with pytest.raises(ValueError, match="labels must be 0 to 2"):
        model.fit(X[:, :2], Y - 5, verbose=0)
    history = model.fit(X, Y, epochs=3, batch_size=7, verbose=0)
    assert history.history == first[1]
    assert equal(model.get_weights(), first[0].get_weights())


# --- the program and the step as it stands --------------------------------------------------


class Noisy(layers.Layer):
    """Random numbers and a running mean: state besides the weights."""

    def __init__(self, seed):
        super().__init__()
        self.seeds = sheer.random.SeedGenerator(seed)

    def build(self, input_shape):
        self.mean = self.add_weight((input_shape[-1],), "zeros", trainable=False, name="mean")

    def call(self, x, training=False):
        if not training:
            return x - self.mean
        self.mean.assign(0.9 * self.mean + 0.1 * ops.mean(x, axis=0))
        noise = sheer.random.normal(x.shape, seed=self.seeds)
        return x - self.mean + 0.1 * noise


def network(kind):
    if kind == "dense":
        middle = [layers.Dense(6, activation="tanh", kernel_regularizer="l2")]
    elif kind == "nested":
        middle = [sheer.Sequential([layers.Dense(6, "gelu"), layers.Dense(4, "selu")]),
                  layers.Activation("softplus")]  # fmt: skip
    else:
        middle = [Noisy(3), layers.Dense(6, activation="elu", activity_regularizer="l1")]
    return sheer.Sequential([sheer.Input((4,)), *middle, layers.Dense(3, activation="softmax")])


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam"])
@pytest.mark.parametrize("kind", ["dense", "nested", "noisy"])
def test_the_program_equals_the_step_run_eagerly(kind, optimizer):
    results = []
    for run_eagerly in (False, True):
        sheer.utils.set_random_seed(2)
        model = network(kind)
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"],
                      run_eagerly=run_eagerly)  # fmt: skip
        history = model.fit(X, Y, epochs=2, batch_size=16, verbose=0, validation_split=0.2)
        results.append((history.history, model.get_weights(), model.predict(X, verbose=0)))
    (history, weights, outputs), (eager_history, eager_weights, eager_outputs) = results
    assert history.keys() == eager_history.keys()
    for name, values in history.items():
        assert values == pytest.approx(eager_history[name], rel=1e-5)
    for weight, eager_weight in zip(weights, eager_weights, strict=True):
        np.testing.assert_allclose(weight, eager_weight, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(outputs, eager_outputs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("traced_with", [1, 5, 96])
def test_a_program_traced_at_one_size_serves_the_others(traced_with):
    """The step at sizes it was not traced with, against the gradients of the tape."""
    x, y = data(96)
    sheer.config.set_floatx("float64")
    model = network("dense")
    model.compile(sheer.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    text = str(model.train_program(x[:traced_with], y[:traced_with]))
    start = model.get_weights()
    for rows in (1, 3, 5, 96):
        model.set_weights(start)
        with sheer.GradientTape() as tape:
            outputs = model(x[:rows], training=True)
            loss = sheer.losses.SparseCategoricalCrossentropy()(y[:rows], outputs)
            loss = loss + sum(model.losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        model.reset_metrics()
        assert model.train_on_batch(x[:rows], y[:rows]) == pytest.approx(float(loss), rel=1e-12)
        for before, variable, gradient in zip(start, model.weights, gradients, strict=True):
            step = before - variable.numpy()
            np.testing.assert_allclose(step, gradient.numpy(), rtol=1e-9, atol=1e-12)
    assert str(model.train_program()) == text


@pytest.mark.parametrize("x_dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("y_dtype", ["uint8", "int64", "float32"])
def test_programs_for_other_dtypes(x_dtype, y_dtype):
    # Not larger: probabilities below 1e-7 are clipped in eager steps, exact in programs.
    x, y = (np.abs(X) * 2).astype(x_dtype), Y.astype(y_dtype)
    results = []
    for run_eagerly in (False, True):
        sheer.utils.set_random_seed(2)
        model = classifier(run_eagerly=run_eagerly)
        results.append(model.fit(x, y, epochs=2, batch_size=16, verbose=0).history)
    assert results[0]["loss"] == pytest.approx(results[1]["loss"], rel=1e-5)
    assert all(variable.dtype == "float32" for variable in model.weights)


def test_floatx_float64():
    sheer.config.set_floatx("float64")
    model = classifier(optimizer="adam")
    model.fit(X, Y, verbose=0)
    assert {v.dtype for v in model.weights} == {"float64"}
    assert model.predict(X, verbose=0).dtype == np.float64
    kept = {v.path: v.numpy().dtype.name for v in model.optimizer.variables}
    assert set(kept.values()) == {"float64", "int64"}
