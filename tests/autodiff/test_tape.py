"""GradientTape as TensorFlow has it: what it watches, what it answers, what it refuses.

`both` runs a test's function at once, and as a program.
"""

from typing import Any

import numpy as np
import pytest

import sheer
from sheer import GradientTape, Tensor, Variable, ops
from sheer.ops import OPS, Array, op
from sheer.ops.rules import together
from sheer.trace import trace

X = np.array([1.0, -2.0, 3.0], np.float32)
Z = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, -0.5]], np.float32)
Y = np.array([2, 0])


@pytest.fixture(params=["at once", "as a program"])
def both(request):
    return sheer.function if request.param == "as a program" else lambda function: function


def close(found, expected):
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-5, atol=1e-6)


# --- what is watched --------------------------------------------------------------------------


def test_trainable_variables_are_watched_when_they_are_read(both):
    w, frozen = Variable([1.0, 2.0]), Variable([3.0, 4.0], trainable=False)

    @both
    def gradients():
        with GradientTape() as tape:
            y = ops.sum(w * frozen)
        return tape.gradient(y, [w, frozen])

    d_w, d_frozen = gradients()
    close(d_w, [3, 4])
    assert d_frozen is None


def test_watch(both):
    frozen = Variable([3.0], trainable=False)

    @both
    def gradients(x):
        with GradientTape() as tape:
            tape.watch([x, frozen])
            y = ops.sum(x * x * frozen)
        return tape.gradient(y, (x, frozen))

    d_x, d_frozen = gradients(Tensor(X))
    close(d_x, 6 * X)
    close(d_frozen, [14])


def test_what_is_not_watched_has_no_gradient(both):
    @both
    def gradients(x):
        with GradientTape() as tape:
            y = ops.sum(x * x)
        return tape.gradient(y, x)

    assert gradients(Tensor(X)) is None


def test_watch_takes_effect_from_then_on():
    x = Tensor(X)
    with GradientTape() as tape:
        a = x * x
        tape.watch(x)
        b = 3 * x
        y = ops.sum(a * b)
    close(tape.gradient(y, x), 3 * X * X)


def test_only_what_is_named_is_watched(both):
    v, w = Variable(2.0), Variable(3.0)

    @both
    def gradients():
        with GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(w)
            y = v * w * w
        return tape.gradient(y, [v, w])

    d_v, d_w = gradients()
    assert d_v is None
    close(d_w, 12)


def test_watched_variables():
    v, w, frozen = Variable(2.0), Variable(3.0), Variable(1.0, trainable=False)
    with GradientTape() as tape:
        _ = w * frozen + v * w
    assert tape.watched_variables() == (w, v)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            5.0,
            "GradientTape.watch: only a Tensor or Variable can be watched. Got 5.0.\n"
            "Make one of it first: x = ops.convert_to_tensor(x).",
        ),
        (Tensor([1]), "GradientTape.watch: only floats have gradients. Got dtype int32."),
    ],
)
def test_what_cannot_be_watched(value, text):
    with GradientTape() as tape, pytest.raises(TypeError) as caught:
        tape.watch(value)
    assert str(caught.value) == text


def test_integers_on_the_way_stop_the_gradient(both):
    @both
    def gradients(x):
        with GradientTape() as tape:
            tape.watch(x)
            y = ops.sum(ops.cast(ops.cast(x, "int32"), "float32") * x)
        return tape.gradient(y, x)

    close(gradients(Tensor(X)), X)


def test_casts_pass_the_gradient_in_its_own_dtype(both):
    @both
    def gradients(x):
        with GradientTape() as tape:
            tape.watch(x)
            y = ops.sum(ops.square(ops.cast(x, "float64")))
        return tape.gradient(y, x)

    d = gradients(Tensor(X))
    assert d.dtype == "float32"
    close(d, 2 * X)


# --- persistent, stop_recording, used twice ---------------------------------------------------


def test_a_persistent_tape_answers_again(both):
    @both
    def gradients(x):
        with GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = x * x
            z = ops.sum(y * y)
        return tape.gradient(z, x), tape.gradient(y, x), tape.gradient(z, y)

    for found, expected in zip(gradients(Tensor(X)), [4 * X**3, 2 * X, 2 * X**2], strict=True):
        close(found, expected)


def test_a_tape_that_is_not_persistent_answers_once():
    x = Variable(3.0)
    with GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError) as caught:
        tape.gradient(y, x)
    assert str(caught.value) == (
        "GradientTape.gradient was called twice on a tape that is not persistent.\n"
        "Make it with GradientTape(persistent=True)."
    )
    with tape:  # recorded anew
        y = x * x * x
    close(tape.gradient(y, x), 27)


def test_a_tape_entered_twice():
    with GradientTape() as tape, pytest.raises(RuntimeError) as caught, tape:
        pass
    assert str(caught.value) == "GradientTape: this tape is recording already."


def test_stop_recording(both):
    @both
    def gradients(x):
        with GradientTape() as tape:
            tape.watch(x)
            a = x * x
            with tape.stop_recording():
                b = ops.exp(x)
            y = ops.sum(a * b)
        return tape.gradient(y, x)

    close(gradients(Tensor(X)), 2 * X * np.exp(X))


def test_stop_recording_needs_a_tape_that_records():
    tape = GradientTape()
    with pytest.raises(RuntimeError) as caught, tape.stop_recording():
        pass
    assert str(caught.value) == "GradientTape.stop_recording: this tape is not recording."


def test_an_error_inside_ends_the_recording():
    x = Variable(2.0)
    tape = GradientTape()
    with pytest.raises(ZeroDivisionError), tape, tape.stop_recording():
        raise ZeroDivisionError
    y = x * x
    assert tape.watched_variables() == ()
    assert tape.gradient(y, x) is None


def test_reset_forgets():
    x = Variable(2.0)
    with GradientTape() as tape:
        a = x * x
        tape.reset()
        y = 3 * x + a
    close(tape.gradient(y, x), 3)


def test_gradient_within_the_tape(both):
    w = Variable([1.0, 2.0])

    @both
    def gradients():
        with GradientTape() as tape:
            y = ops.sum(w**3)
            return tape.gradient(y, w)

    close(gradients(), [3, 12])


# --- targets and structures -------------------------------------------------------------------


def test_several_targets_are_added(both):
    @both
    def gradients(x):
        with GradientTape() as tape:
            tape.watch(x)
            targets = {"a": x * x, "b": [ops.sum(x), x]}
        return tape.gradient(targets, x)

    close(gradients(Tensor(X)), 2 * X + 2)


def test_a_target_named_twice_counts_twice():
    x = Variable(3.0)
    with GradientTape() as tape:
        y = x * x
    close(tape.gradient([y, y], x), 12)


def test_answers_have_the_structure_of_the_sources(both):
    v, w, unused = Variable(2.0), Variable(3.0), Variable(4.0)

    @both
    def gradients():
        with GradientTape(persistent=True) as tape:
            y = v * w
        return (
            tape.gradient(y, [v, w]),
            tape.gradient(y, (w,)),
            tape.gradient(y, {"first": v, "rest": [w, {"none": unused}]}),
        )

    as_list, as_tuple, as_dict = gradients()
    assert isinstance(as_list, list) and [float(g) for g in as_list] == [3, 2]
    assert isinstance(as_tuple, tuple) and float(as_tuple[0]) == 2
    assert list(as_dict) == ["first", "rest"] and float(as_dict["rest"][0]) == 2
    assert as_dict["rest"][1] == {"none": None}


def test_unconnected_gradients(both):
    v, unused = Variable([1.0, 2.0]), Variable([[4.0]])

    @both
    def gradients(x):
        with GradientTape() as tape:
            tape.watch(x)
            y = ops.sum(v * v)
        return tape.gradient(y, [v, unused, x], unconnected_gradients="zero")

    d_v, d_unused, d_x = gradients(Tensor(X))
    close(d_v, [2, 4])
    np.testing.assert_array_equal(np.asarray(d_unused), np.float32([[0]]), strict=True)
    np.testing.assert_array_equal(np.asarray(d_x), np.zeros(3, np.float32), strict=True)


def test_output_gradients(both):
    @both
    def gradients(x):
        with GradientTape(persistent=True) as tape:
            tape.watch(x)
            a, b = x * x, ops.sum(x)
        return (
            tape.gradient(a, x, output_gradients=[1.0, 10.0, 0.0]),
            tape.gradient(a, x, output_gradients=[np.float32([1, 10, 0])]),
            tape.gradient([a, b], x, output_gradients=[ops.ones(3), Tensor(5.0)]),
        )

    with_a, with_list, with_both = gradients(Tensor(X))
    close(with_a, [2, -40, 0])
    close(with_list, [2, -40, 0])
    close(with_both, 2 * X + 5)


def test_a_target_that_is_a_source():
    x = Variable(3.0)
    with GradientTape(persistent=True) as tape:
        y = 2 * x
    close(tape.gradient(y, y), 1)
    close(tape.gradient(x, x), 1)


def test_a_variable_read_several_times(both):
    v = Variable(3.0)

    @both
    def gradients():
        with GradientTape() as tape:
            y = v * v.value + v
        return tape.gradient(y, v)

    close(gradients(), 7)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda tape, y, x: tape.gradient(None, x),
            TypeError,
            "GradientTape.gradient: a target must be a tensor of floats. Got None.",
        ),
        (
            lambda tape, y, x: tape.gradient(ops.argmax(y), x),
            TypeError,
            "GradientTape.gradient: a target must be a tensor of floats. "
            "Got <Tensor shape=() dtype=int32 2>.",
        ),
        (
            lambda tape, y, x: tape.gradient(y, x, unconnected_gradients="zeros"),
            ValueError,
            "unconnected_gradients must be 'none' or 'zero'. Got 'zeros'.",
        ),
        (
            lambda tape, y, x: tape.gradient(y, x, output_gradients=[[1.0, 2.0]]),
            ValueError,
            "GradientTape.gradient: output_gradients need the shapes of their targets.\n"
            "  target          (3,)\n"
            "  output_gradient (1, 2)",
        ),
        (
            lambda tape, y, x: tape.gradient([y, y], x, output_gradients=[Tensor(X)]),
            ValueError,
            "GradientTape.gradient: 2 targets, 1 output_gradients.",
        ),
    ],
)
def test_wrong_arguments(call, error, text):
    x = Tensor(X)
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    with pytest.raises(error) as caught:
        call(tape, y, x)
    assert str(caught.value) == text


# --- higher derivatives -----------------------------------------------------------------------


def test_third_derivative(both):
    @both
    def derivatives(x):
        with GradientTape() as third:
            third.watch(x)
            with GradientTape() as second:
                second.watch(x)
                with GradientTape() as first:
                    first.watch(x)
                    y = ops.sum(x**4 + ops.exp(x))
                d1 = first.gradient(y, x)
            d2 = second.gradient(d1, x)
        return d1, d2, third.gradient(d2, x)

    d1, d2, d3 = derivatives(Tensor(X))
    close(d1, 4 * X**3 + np.exp(X))
    close(d2, 12 * X**2 + np.exp(X))
    close(d3, 24 * X + np.exp(X))


def test_a_persistent_tape_differentiates_its_own_gradient(both):
    x = Variable(3.0)

    @both
    def derivatives():
        with GradientTape(persistent=True) as tape:
            y = x * x * x
            d1 = tape.gradient(y, x)
        return d1, tape.gradient(d1, x)

    d1, d2 = derivatives()
    close(d1, 27)
    close(d2, 18)


def test_a_gradient_in_the_loss(both):
    """A penalty on the slope, as for WGAN-GP: the outer tape goes through the inner gradient."""
    w = Variable([[2.0], [-1.0]])

    @both
    def gradients(x):
        with GradientTape() as outer:
            with GradientTape() as inner:
                inner.watch(x)
                y = ops.sum(ops.tanh(x @ w))
            slope = inner.gradient(y, x)
            penalty = ops.sum(ops.square(slope))
        return penalty, outer.gradient(penalty, w)

    x = np.array([[0.3, 0.1], [-0.2, 0.4]], np.float32)
    penalty, d_w = gradients(Tensor(x))

    def by_hand(kernel):
        slope = (1 - np.tanh(x @ kernel) ** 2) * kernel.T
        return np.sum(slope**2)

    close(penalty, by_hand(w.numpy()))
    step = 1e-3
    for i in range(2):
        move = np.zeros((2, 1))
        move[i] = step
        kernel = w.numpy().astype(np.float64)
        measured = (by_hand(kernel + move) - by_hand(kernel - move)) / (2 * step)
        np.testing.assert_allclose(np.asarray(d_w)[i, 0], measured, rtol=1e-4)


def test_two_tapes_side_by_side(both):
    v, w = Variable(2.0), Variable(3.0)

    @both
    def gradients():
        with GradientTape() as a, GradientTape() as b:
            y, z = v * v * w, w * w * v
        return a.gradient(y, v), b.gradient(z, w)

    d_v, d_w = gradients()
    close(d_v, 12)
    close(d_w, 12)


# --- stop_gradient, assignments ---------------------------------------------------------------


def test_stop_gradient(both):
    @both
    def gradients(x):
        with GradientTape() as tape:
            tape.watch(x)
            y = ops.sum(ops.stop_gradient(x * x) * x)
        return tape.gradient(y, x)

    close(gradients(Tensor(X)), X * X)


def test_a_variable_assigned_within_the_tape(both):
    """Both values are the variable's; no gradient passes through the assignment itself."""
    v = Variable(3.0)

    @both
    def gradients():
        with GradientTape() as tape:
            a = v * v
            v.assign(10 * a)
            b = 5 * v
        return a + b, tape.gradient([a, b], v)

    value, d_v = gradients()
    close(value, 9 + 450)
    close(d_v, 6 + 5)
    close(v, 90)


def test_an_assignment_between_tape_and_gradient(both):
    """The update of a weight does not change gradients that are asked for afterwards."""
    v = Variable(3.0)

    @both
    def gradients():
        v.assign(3.0)
        with GradientTape(persistent=True) as tape:
            y = v * v * v
        first = tape.gradient(y, v)
        v.assign_sub(first)
        return first, tape.gradient(y, v)

    first, second = gradients()
    close(first, 27)
    close(second, 27)
    close(v, -24)


# --- values that a program has once -----------------------------------------------------------


def test_the_same_value_computed_twice_counts_once(both):
    @both
    def gradients(x):
        with GradientTape() as tape:
            tape.watch(x)
            y = ops.sum(ops.exp(x) * ops.exp(x))
        return tape.gradient(y, x)

    close(gradients(Tensor(X)), 2 * np.exp(2 * X))
    graph = trace(lambda x: ops.exp(x) * ops.exp(x), (sheer.Symbol((3,), "float32"),))
    assert [call.op.name for call in graph.calls] == ["exp", "multiply"]


def test_an_equal_value_made_before_the_tape_is_a_constant(both):
    """As in virtual adversarial training: the same model, once outside the tape, once inside."""

    @both
    def gradients(x):
        outside = ops.exp(x)
        with GradientTape() as tape:
            tape.watch(x)
            y = ops.sum(outside * ops.exp(x))
        return tape.gradient(y, x)

    close(gradients(Tensor(X)), np.exp(2 * X))


def test_an_equal_value_made_while_recording_is_stopped_is_a_constant(both):
    @both
    def gradients(x):
        with GradientTape() as tape:
            tape.watch(x)
            a = ops.exp(x)
            with tape.stop_recording():
                b = ops.exp(x)
            y = ops.sum(a * b)
        return tape.gradient(y, x)

    close(gradients(Tensor(X)), np.exp(2 * X))


def test_an_equal_value_made_first_while_recording_is_stopped(both):
    @both
    def gradients(x):
        with GradientTape() as tape:
            tape.watch(x)
            with tape.stop_recording():
                b = ops.exp(x)
            a = ops.exp(x)
            y = ops.sum(a * b)
        return tape.gradient(y, x)

    close(gradients(Tensor(X)), np.exp(2 * X))


def test_a_target_network_is_a_constant(both):
    w = Variable([[1.0], [2.0], [0.5]])

    @both
    def gradients(x):
        before = ops.tanh(x @ w)
        with GradientTape() as tape:
            loss = ops.sum(ops.tanh(x @ w) * before)
        return tape.gradient(loss, w)

    h = np.tanh(Z @ w.numpy())
    close(gradients(Tensor(Z)), Z.T @ (h * (1 - h**2)))


# --- values that a rewrite rule hides ---------------------------------------------------------


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


P = softmax(Z)
ONE_HOT = np.eye(3, dtype=np.float32)[Y]
# loss = -log(p[y] / sum(p)): its gradient by p, and by z.
BY_P = 1 - ONE_HOT / P
BY_Z = P - ONE_HOT


def loss_of(p):
    return ops.sum(ops.sparse_categorical_crossentropy(Y, p))


def test_gradients_by_an_intermediate_value_that_is_rewritten(both):
    @both
    def gradients(z):
        with GradientTape(persistent=True) as tape:
            tape.watch(z)
            p = ops.softmax(z)
            loss = loss_of(p)
        return tape.gradient(loss, p), tape.gradient(loss, z), tape.gradient(loss, [z, p])

    d_p, d_z, (also_z, also_p) = gradients(Tensor(Z))
    close(d_p, BY_P)
    close(d_z, BY_Z)
    close(also_z, BY_Z)
    close(also_p, BY_P)


def test_the_rule_does_its_work_where_nothing_hidden_is_asked_for():
    def gradients(z):
        with GradientTape() as tape:
            tape.watch(z)
            loss = loss_of(ops.softmax(z))
        return loss, tape.gradient(loss, z)

    graph = trace(gradients, (sheer.Symbol((2, 3), "float32"),))
    # p - one_hot(y), of rows that count alike; the labels are a constant here.
    assert [call.op.name for call in graph.calls] == [
        "softmax",
        "sparse_softmax_cross_entropy",
        "sum",
        "subtract",
    ]


def test_gradients_by_a_value_behind_the_hidden_one(both):
    """p is seen through a cast, which the rules take away too."""

    @both
    def gradients(z):
        with GradientTape() as tape:
            tape.watch(z)
            p = ops.softmax(2 * z)
            loss = loss_of(ops.cast(p, "float32"))
        return tape.gradient(loss, {"p": p, "z": z})

    p = softmax(2 * Z)
    found = gradients(Tensor(Z))
    close(found["p"], 1 - ONE_HOT / p)
    close(found["z"], 2 * (p - ONE_HOT))


def test_gradients_by_a_value_two_steps_behind(both):
    """What is broadcast and shaped anew stands nowhere in the program; its gradient does."""

    @both
    def gradients(x, s):
        with GradientTape(persistent=True) as tape:
            tape.watch([x, s])
            wide = ops.broadcast_to(s, (3, 1))
            row = ops.reshape(wide, (3,))
            y = ops.sum(x * row)
        return tape.gradient(y, [x, s]), tape.gradient(y, [wide, s]), tape.gradient(y, row)

    (d_x, d_s), (d_wide, also_s), d_row = gradients(Tensor(X), Tensor(2.0))
    close(d_x, [2, 2, 2])
    close(d_s, X.sum())
    close(d_wide, X[:, None])
    close(also_s, X.sum())
    close(d_row, X)


def test_the_logarithm_of_a_softmax(both):
    @both
    def gradients(z):
        with GradientTape(persistent=True) as tape:
            tape.watch(z)
            p = ops.softmax(z)
            y = ops.sum(ops.log(p)[:, 0])
        return tape.gradient(y, p), tape.gradient(y, z)

    d_p, d_z = gradients(Tensor(Z))
    first = np.eye(3)[[0, 0]]
    close(d_p, first / P)
    close(d_z, first - P)


def test_a_hidden_value_that_alone_is_watched(both):
    @both
    def gradients(z):
        p = ops.softmax(z)
        with GradientTape() as tape:
            tape.watch(p)
            loss = loss_of(p)
        return tape.gradient(loss, [z, p])

    d_z, d_p = gradients(Tensor(Z))
    assert d_z is None
    close(d_p, BY_P)


def test_probabilities_made_outside_the_tape_are_constants(both):
    """A rule must not find the way to z that the tape did not record."""

    @both
    def gradients(z):
        with GradientTape() as tape:
            tape.watch(z)
            with tape.stop_recording():
                p = ops.softmax(z)
            loss = loss_of(p) + ops.sum(z)
        return tape.gradient(loss, z)

    close(gradients(Tensor(Z)), np.ones((2, 3)))


def test_second_derivative_through_a_rewrite(both):
    @both
    def gradients(z):
        with GradientTape() as outer:
            outer.watch(z)
            with GradientTape() as inner:
                inner.watch(z)
                loss = loss_of(ops.softmax(z))
            d_z = inner.gradient(loss, z)
            total = ops.sum(d_z * d_z)
        return outer.gradient(total, z)

    # d/dz sum((p - y)²) = 2 p (g - sum(g p)) with g = p - y
    g = P - ONE_HOT
    close(gradients(Tensor(Z)), 2 * P * (g - (g * P).sum(-1, keepdims=True)))


# --- an op with several results, a function that is a program -----------------------------------


@pytest.fixture
def product():
    @op(shape=together)
    def product(xp: Any, a: Array, b: Array) -> Array:
        """a · b."""
        return a * b

    yield product
    del OPS["product"]


@pytest.fixture
def both_sides():
    @op(shape=lambda x: [x, x])
    def sine_and_cosine(xp: Any, x: Array) -> tuple[Array, Array]:
        """The sine and the cosine of x."""
        return xp.sin(x), xp.cos(x)

    sine_and_cosine.slope(x=lambda g, y, x: g[0] * y[1] - g[1] * y[0])
    yield sine_and_cosine
    del OPS["sine_and_cosine"]


def test_an_op_with_two_results(both_sides, both):
    @both
    def gradients(x):
        with GradientTape(persistent=True) as tape:
            tape.watch(x)
            s, c = both_sides(x)
            y = ops.sum(s * c)
        return tape.gradient(y, x), tape.gradient(s, x)

    d_y, d_s = gradients(Tensor(X))
    close(d_y, np.cos(2 * X))
    close(d_s, np.cos(X))


def test_gradients_pass_through_a_function_that_is_a_program():
    w = Variable([1.0, 2.0, 3.0])

    @sheer.function
    def scaled(x):
        return w * x * x

    x = Tensor(X)
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.sum(scaled(x))
    d_x, d_w = tape.gradient(y, [x, w])
    close(d_x, 2 * X * w.numpy())
    close(d_w, X * X)


def test_no_slope_is_computed_that_nobody_asked_for(product):
    """The gradient by the data, the largest matrix product of a first layer, is left out."""
    seen = []
    product.slope(a=lambda g, y, a, b: seen.append("a"), b=lambda g, y, a, b: g * a)
    data, w = Tensor(X), Variable(X)
    with GradientTape() as tape:
        tape.watch(data)
        y = ops.sum(product(product(data, data), w))
    close(tape.gradient(y, w), X * X)
    assert seen == []


def test_a_gradient_has_the_shape_and_dtype_of_its_source(product):
    """Whatever the slope of a user's op gives."""
    product.slope(a=lambda g, y, a, b: ops.cast(g * b, "float64"))
    x = Tensor(X[:, None])
    with GradientTape() as tape:
        tape.watch(x)
        y = product(x, Tensor(Z[:, None, :]))
    expected = np.full((3, 1), Z.sum(), np.float32)
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), expected, rtol=1e-6, strict=True)
