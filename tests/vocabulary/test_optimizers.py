"""Two steps of each optimizer, computed by hand; clipping, decay, state."""

import math

import numpy as np
import pytest

import sheer
from sheer import layers, optimizers

pytestmark = pytest.mark.usefixtures("float64")


@pytest.fixture
def float64():
    sheer.config.set_floatx("float64")
    yield
    sheer.config.set_floatx("float32")


# Two weights, and their gradients in two steps.
W = [1.0, -2.0]
G1, G2 = [0.5, -4.0], [-1.0, 0.25]


def steps(optimizer, gradients=(G1, G2)):
    """The weights after each step."""
    w = sheer.Variable(W, name="w")
    after = []
    for gradient in gradients:
        optimizer.apply([sheer.Tensor(gradient)], [w])
        after.append(w.numpy().tolist())
    return after


def by_formula(step, state):
    """The same, with `step(w, g, state, t)` for each number by itself: it answers w."""
    after, values = [], list(zip(W, [dict(state) for _ in W], strict=True))
    for t, gradient in enumerate((G1, G2), 1):
        values = [(step(w, g, s, t), s) for (w, s), g in zip(values, gradient, strict=True)]
        after.append([w for w, _ in values])
    return after


def test_sgd():
    """0.1 times the gradient: numbers that need no formula."""
    after = steps(optimizers.SGD(0.1))
    np.testing.assert_allclose(after, [[0.95, -1.6], [1.05, -1.625]], rtol=1e-14)


def test_sgd_momentum():
    """m = 0.5 m - 0.1 g: -0.05 and 0.4, then 0.075 and 0.175."""
    after = steps(optimizers.SGD(0.1, momentum=0.5))
    np.testing.assert_allclose(after, [[0.95, -1.6], [1.025, -1.425]], rtol=1e-14)


def test_sgd_nesterov():
    """w + 0.5 m - 0.1 g, with the m of above."""
    after = steps(optimizers.SGD(0.1, momentum=0.5, nesterov=True))
    first = [1 + 0.5 * -0.05 - 0.05, -2 + 0.5 * 0.4 + 0.4]
    second = [first[0] + 0.5 * 0.075 + 0.1, first[1] + 0.5 * 0.175 - 0.025]
    np.testing.assert_allclose(after, [first, second], rtol=1e-14)


def test_rmsprop():
    def step(w, g, state, t):
        state["v"] = 0.9 * state["v"] + 0.1 * g * g
        return w - 0.01 * g / math.sqrt(state["v"] + 1e-7)

    after = steps(optimizers.RMSprop(0.01))
    np.testing.assert_allclose(after, by_formula(step, {"v": 0.0}), rtol=1e-14)
    # The first step is the sign of the gradient, times 0.01 / sqrt(0.1).
    np.testing.assert_allclose(np.subtract(W, after[0]), [0.0316228, -0.0316228], rtol=1e-5)


def test_rmsprop_centered_with_momentum():
    def step(w, g, state, t):
        state["v"] = 0.8 * state["v"] + 0.2 * g * g
        state["a"] = 0.8 * state["a"] + 0.2 * g
        state["m"] = 0.5 * state["m"] + 0.01 * g / math.sqrt(state["v"] - state["a"] ** 2 + 1e-7)
        return w - state["m"]

    after = steps(optimizers.RMSprop(0.01, rho=0.8, momentum=0.5, centered=True))
    np.testing.assert_allclose(after, by_formula(step, {"v": 0.0, "a": 0.0, "m": 0.0}), rtol=1e-14)


@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam(amsgrad):
    """With the corrections written out as in the paper, where epsilon is the only difference:
    Keras's stands beside the root of the uncorrected v."""

    def step(w, g, state, t):
        state["m"] = 0.8 * state["m"] + 0.2 * g
        state["v"] = 0.6 * state["v"] + 0.4 * g * g
        state["top"] = max(state["top"], state["v"])
        v = state["top"] if amsgrad else state["v"]
        rate = 0.01 * math.sqrt(1 - 0.6**t) / (1 - 0.8**t)
        return w - rate * state["m"] / (math.sqrt(v) + 1e-7)

    after = steps(optimizers.Adam(0.01, beta_1=0.8, beta_2=0.6, amsgrad=amsgrad))
    np.testing.assert_allclose(
        after, by_formula(step, {"m": 0.0, "v": 0.0, "top": 0.0}), rtol=1e-13
    )
    # The first step of Adam is the learning rate, against the gradient's sign.
    np.testing.assert_allclose(np.subtract(W, after[0]), [0.01, -0.01], rtol=1e-6)


def test_amsgrad_remembers_the_largest():
    """A large gradient once, then small ones: steps stay as small as the large one made them."""
    gradients = [[10.0, 10.0], [0.1, 0.1], [0.1, 0.1], [0.1, 0.1]]
    plain = steps(optimizers.Adam(0.01, beta_2=0.5), gradients)
    careful = steps(optimizers.Adam(0.01, beta_2=0.5, amsgrad=True), gradients)
    assert abs(careful[-1][0] - careful[-2][0]) < 0.6 * abs(plain[-1][0] - plain[-2][0])


# --- clipping and decay -------------------------------------------------------------------------


def moved(gradients, **options):
    """How far a step of rate 1 moves weights that start at 0."""
    variables = [sheer.Variable(np.zeros(len(g))) for g in gradients]
    optimizer = optimizers.SGD(1.0, **options)
    optimizer.apply([sheer.Tensor(g) for g in gradients], variables)
    return [(-v.numpy()).tolist() for v in variables]


def test_clipnorm():
    """Each gradient by itself: (3, 4) has the norm 5 and is halved, (0, 1) stays."""
    assert moved([[3.0, 4.0], [0.0, 1.0]], clipnorm=2.5) == [[1.5, 2.0], [0.0, 1.0]]
    assert moved([[0.0, 0.0]], clipnorm=2.5) == [[0.0, 0.0]]


def test_clipvalue():
    assert moved([[3.0, -4.0], [0.25, 1.0]], clipvalue=0.5) == [[0.5, -0.5], [0.25, 0.5]]


def test_global_clipnorm():
    """(2, 3, 6) has the norm 7: all are halved to 3.5; where the norm is smaller, all stay."""
    assert moved([[2.0, 3.0], [6.0]], global_clipnorm=3.5) == [[1.0, 1.5], [3.0]]
    assert moved([[2.0, 3.0], [6.0]], global_clipnorm=7.5) == [[2.0, 3.0], [6.0]]


def test_weight_decay():
    """Each weight first loses rate · decay · itself."""
    w = sheer.Variable([2.0])
    optimizers.SGD(0.5, weight_decay=0.25).apply([sheer.Tensor([1.0])], [w])
    assert w.numpy().tolist() == [2.0 - 0.5 * 0.25 * 2.0 - 0.5 * 1.0]


# --- state --------------------------------------------------------------------------------------


def test_the_learning_rate_is_set_without_a_new_trace():
    """train_step runs once on symbols; the program reads the rate anew at each step."""
    traced = []

    class Model(sheer.Sequential):
        def train_step(self, data):
            traced.append(1)
            return super().train_step(data)

    model = Model([sheer.Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizers.SGD(0.5), "mse")
    x, y = np.array([[1.0]]), np.array([[1.0]])
    model.train_on_batch(x, y)  # d loss / d w = 2 (w - 1) = -2
    assert model.get_weights()[0].item() == 1.0
    model.set_weights([np.array([[0.0]])])
    model.optimizer.learning_rate = 0.25
    model.train_on_batch(x, y)
    assert model.get_weights()[0].item() == 0.5
    model.optimizer.learning_rate.assign(0.0)
    model.train_on_batch(x, y)
    assert model.get_weights()[0].item() == 0.5
    assert traced == [1]
    assert int(model.optimizer.iterations.numpy()) == 3
    assert model.optimizer.get_config()["learning_rate"] == 0.0


def test_slots():
    w = sheer.Variable([1.0, 2.0], name="w")
    adam = optimizers.Adam(amsgrad=True)
    assert [v.name for v in adam.variables] == ["iterations", "learning_rate"]
    adam.build([w])
    assert [v.path for v in adam.variables[2:]] == [
        "adam/w_momentum",
        "adam/w_velocity",
        "adam/w_velocity_hat",
    ]
    momentum = adam.slot(w, "momentum")
    adam.build([w])
    assert adam.slot(w, "momentum") is momentum and momentum.shape == (2,)
    # What was built is what apply takes where it is given gradients alone.
    adam.apply([sheer.Tensor([1.0, 1.0])])
    assert (w.numpy() < [1.0, 2.0]).all()
    assert [optimizers.SGD().slots, optimizers.SGD(momentum=0.9).slots] == [(), ("momentum",)]


def test_missing_gradients():
    a, b = sheer.Variable([1.0], name="a"), sheer.Variable([1.0], name="b")
    with pytest.warns(UserWarning) as warned:
        optimizers.SGD(0.5).apply([sheer.Tensor([1.0]), None], [a, b])
    assert str(warned[0].message) == (
        "SGD: no gradient for b, left as it is. Does the loss depend on it?"
    )
    assert [a.numpy().tolist(), b.numpy().tolist()] == [[0.5], [1.0]]
    with pytest.raises(ValueError) as error:
        optimizers.SGD().apply([None, None], [a, b])
    assert str(error.value) == (
        "SGD: no weight has a gradient: a, b.\n"
        "Does the loss depend on the weights, and was it computed inside the tape?"
    )
    with pytest.raises(ValueError) as error:
        optimizers.SGD().apply([sheer.Tensor([1.0])], [a, b])
    assert str(error.value) == "SGD: 1 gradients for 2 weights (a, b)."


def test_apply_gradients_takes_pairs():
    a, b = sheer.Variable([1.0]), sheer.Variable([1.0])
    gradients = [sheer.Tensor([1.0]), sheer.Tensor([2.0])]
    optimizers.SGD(0.25).apply_gradients(zip(gradients, [a, b], strict=True))
    assert [a.numpy().item(), b.numpy().item()] == [0.75, 0.5]


def test_an_optimizer_of_ones_own():
    class Signs(optimizers.Optimizer):
        """A step of one size against each gradient's sign."""

        slots = ("seen",)

        def update_step(self, gradient, variable, learning_rate):
            self.slot(variable, "seen").assign_add(gradient)
            variable.assign_sub(learning_rate * sheer.ops.sign(gradient))

    optimizer = Signs(learning_rate=0.5)
    assert steps(optimizer) == [[0.5, -1.5], [1.0, -2.0]]
    assert optimizer.name == "signs"
    assert optimizer.variables[-1].numpy().tolist() == [-0.5, -3.75]
    with pytest.raises(NotImplementedError, match="Half needs a method update_step"):
        type("Half", (optimizers.Optimizer,), {})(0.1).apply([sheer.Tensor(W)], [sheer.Variable(W)])
