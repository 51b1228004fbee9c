"""sheer.tf: TensorFlow's names, with TensorFlow's meaning where it differs from Keras's."""

import numpy as np
import pytest

import sheer
import sheer.tf as tf

X = [[1.0, 2.0], [3.0, 4.0]]


def test_imports_as_textbooks_write_them():
    from sheer.tf.keras.datasets import mnist
    from sheer.tf.keras.layers import Dense
    from sheer.tf.keras.utils import to_categorical

    from sheer.tf import keras
    from sheer.tf.keras import Sequential, layers

    assert keras.Sequential is Sequential is sheer.Sequential
    assert layers.Dense is Dense is sheer.layers.Dense
    assert mnist is sheer.datasets.mnist and tf.keras.datasets.mnist is mnist
    assert to_categorical([1], 2).tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (lambda: tf.reduce_sum(X, axis=0), [4, 6]),
        (lambda: tf.reduce_mean(X), 2.5),
        (lambda: tf.reduce_mean(X, axis=1, keepdims=True), [[1.5], [3.5]]),
        (lambda: tf.reduce_max(X, 1), [2, 4]),
        (lambda: tf.reduce_prod(X), 24),
        (lambda: tf.argmax(X), [1, 1]),
        (lambda: tf.argmax([[3, 1], [0, 2]], axis=1), [0, 1]),
        (lambda: tf.argmin(X), [0, 0]),
        (lambda: tf.matmul(X, X), [[7, 10], [15, 22]]),
        (lambda: tf.concat([X, X], axis=0)[2], [1, 2]),
        (lambda: tf.transpose(X), [[1, 3], [2, 4]]),
        (lambda: tf.clip_by_value(X, 2, 3), [[2, 2], [3, 3]]),
        (lambda: tf.gather([5, 6, 7], [2, 0]), [7, 5]),
        (lambda: tf.fill((2,), 3), [3, 3]),
        (lambda: tf.range(1, 4), [1, 2, 3]),
        (lambda: tf.range(3), [0, 1, 2]),
        (lambda: tf.constant(2.0, shape=(2,)), [2, 2]),
        (lambda: tf.constant([1, 2, 3, 4], shape=(2, 2)), [[1, 2], [3, 4]]),
        (lambda: tf.split([1, 2, 3, 4], 2)[1], [3, 4]),
        (lambda: tf.split([1, 2, 3, 4], [1, 3])[1], [2, 3, 4]),
        (lambda: tf.nn.relu([-1.0, 2.0]), [0, 2]),
        (lambda: tf.nn.softmax([0.0, 0.0]), [0.5, 0.5]),
        (lambda: tf.math.log([1.0]), [0]),
        (lambda: tf.square([3.0]), [9]),
        (
            lambda: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0], logits=[[0.0, 0.0]]),
            [np.log(2)],
        ),
        (
            lambda: tf.nn.softmax_cross_entropy_with_logits(
                labels=[[1.0, 0.0]], logits=[[0.0, 0.0]]
            ),
            [np.log(2)],
        ),
        (
            lambda: tf.nn.sigmoid_cross_entropy_with_logits(labels=[1.0], logits=[0.0]),
            [np.log(2)],
        ),
    ],
)
def test_value(value, expected):
    np.testing.assert_allclose(value().numpy(), expected, rtol=1e-6)


def test_dtypes():
    assert tf.argmax(X).dtype == "int64"
    assert tf.cast(X, tf.int32).dtype == "int32"
    assert tf.zeros((2,)).dtype == "float32" and tf.constant([1, 2]).dtype == "int32"
    assert tf.random.uniform((3,), 0, 10, dtype=tf.int32).dtype == "int32"


def test_random():
    tf.random.set_seed(1)
    first = tf.random.normal((3,))
    tf.random.set_seed(1)
    assert np.array_equal(first.numpy(), tf.random.normal((3,)).numpy())
    draws = tf.random.uniform((1000,), minval=2, maxval=3).numpy()
    assert draws.min() >= 2 and draws.max() < 3
    assert np.abs(tf.random.truncated_normal((1000,)).numpy()).max() <= 2
    assert sorted(tf.random.shuffle([3, 1, 2]).numpy()) == [1, 2, 3]


def test_a_step_by_hand():
    """Linear regression with a tape and an optimizer, as the textbook prints it."""
    inputs = np.random.default_rng(0).normal(size=(50, 2)).astype("float32")
    targets = inputs @ np.array([[2.0], [-1.0]], "float32") + 0.5
    W = tf.Variable(initial_value=tf.random.uniform(shape=(2, 1)))
    b = tf.Variable(initial_value=tf.zeros(shape=(1,)))
    optimizer = tf.keras.optimizers.SGD(learning_rate=0.2)

    @tf.function
    def step(inputs, targets):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(targets - (tf.matmul(inputs, W) + b)))
        gradients = tape.gradient(loss, [W, b])
        optimizer.apply_gradients(zip(gradients, [W, b], strict=True))
        return loss

    for _ in range(60):
        loss = step(inputs, targets)
    assert float(loss) < 1e-4
    np.testing.assert_allclose(W.numpy(), [[2], [-1]], atol=0.02)
    assert f"{loss:.3f}" == "0.000"


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError) as caught:
        tf.reduce_men  # noqa: B018
    assert str(caught.value) == (
        "sheer.tf has no 'reduce_men'; it maps the TensorFlow names that textbooks use. "
        "Did you mean 'reduce_mean'?"
    )
