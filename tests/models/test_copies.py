"""Copies of models by `copy.deepcopy` and `pickle`: they go on as the model itself would."""

import copy
import pickle

import numpy as np
import pytest

import sheer
from sheer import layers
from sheer.core import random

X = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


class Net(sheer.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(4, activation="gelu")
        self.out = layers.Dense(1)

    def call(self, x):
        return self.out(self.hidden(x))


def sequential():
    return sheer.Sequential([
        layers.Dense(4, activation="relu"), layers.Dropout(0.3), layers.BatchNormalization(),
        layers.Dense(1),
    ])  # fmt: skip


def functional():
    x = sheer.Input((3,))
    h = layers.Dense(4, activation="tanh")(x)
    return sheer.Model(x, layers.Dense(1)(layers.Concatenate()([h, x])))


COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda one: pickle.loads(pickle.dumps(one))}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("make", [sequential, functional, Net])
def test_a_copy_trains_as_the_model_would(make, how):
    model = make()
    model.compile(sheer.optimizers.Adam(0.01, clipnorm=1.0), "mse", metrics=["mae"])
    model.fit(X, Y, epochs=2, verbose=0)
    twin = COPIES[how](model)
    np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    before = model.get_weights()

    key = random.peek_key()
    history = twin.fit(X, Y, epochs=2, verbose=0).history
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    random.rewind(key)
    assert model.fit(X, Y, epochs=2, verbose=0).history == history
    for one, other in zip(model.variables, twin.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    own = model.optimizer.variables
    for one, other in zip(own, twin.optimizer.variables, strict=True):
        assert one is not other
        np.testing.assert_array_equal(one.numpy(), other.numpy())


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_keeps_what_is_frozen_and_the_program_given(how):
    model = sheer.Sequential([sheer.Input((3,)), layers.Dense(2), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.layers[0].trainable = False
    text = model.predict_program().text.replace("y_pred = ", "y_pred = 2 * ")
    model.use_program(sheer.Program(text, "predict_step"))
    twin = COPIES[how](model)
    np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    assert [v.path for v in twin.trainable_weights] == [v.path for v in model.trainable_weights]
    twin.layers[0].trainable = True
    assert len(twin.trainable_weights) == 4 and len(model.trainable_weights) == 2


@pytest.mark.parametrize("cls", sheer.optimizers.base.OPTIMIZERS.classes())
def test_every_optimizer_can_be_pickled_once_it_has_its_state(cls):
    model = functional()
    model.compile(cls(0.01), "mse")
    model.fit(X, Y, verbose=0)
    twin = pickle.loads(pickle.dumps(model.optimizer))
    for one, other in zip(model.optimizer.variables, twin.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
