"""The textbook's long way under TensorFlow's names: a network and its training, by hand.

    python examples/textbook_tf_names.py [EPOCHS]

As a textbook prints it, with `import tensorflow as tf` changed to `import sheer.tf as tf`.
Needs MNIST (see sheer.datasets.mnist).
"""

import math
import sys

import numpy as np
from sheer.tf.keras.datasets import mnist

import sheer.tf as tf


class NaiveDense:
    def __init__(self, input_size, output_size, activation):
        self.activation = activation
        w_initial_value = tf.random.uniform((input_size, output_size), minval=0, maxval=1e-1)
        self.W = tf.Variable(w_initial_value)
        b_initial_value = tf.zeros((output_size,))
        self.b = tf.Variable(b_initial_value)

    def __call__(self, inputs):
        return self.activation(tf.matmul(inputs, self.W) + self.b)

    @property
    def weights(self):
        return [self.W, self.b]


class NaiveSequential:
    def __init__(self, layers):
        self.layers = layers

    def __call__(self, inputs):
        x = inputs
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def weights(self):
        return [weight for layer in self.layers for weight in layer.weights]


class BatchGenerator:
    def __init__(self, images, labels, batch_size=128):
        self.index = 0
        self.images = images
        self.labels = labels
        self.batch_size = batch_size
        self.num_batches = math.ceil(len(images) / batch_size)

    def next(self):
        images = self.images[self.index : self.index + self.batch_size]
        labels = self.labels[self.index : self.index + self.batch_size]
        self.index += self.batch_size
        return images, labels


optimizer = tf.keras.optimizers.SGD(learning_rate=1e-3)


def update_weights(gradients, weights):
    optimizer.apply_gradients(zip(gradients, weights, strict=True))


def one_training_step(model, images_batch, labels_batch):
    with tf.GradientTape() as tape:
        predictions = model(images_batch)
        per_sample_losses = tf.keras.losses.sparse_categorical_crossentropy(
            labels_batch, predictions
        )
        average_loss = tf.reduce_mean(per_sample_losses)
    gradients = tape.gradient(average_loss, model.weights)
    update_weights(gradients, model.weights)
    return average_loss


def fit(model, images, labels, epochs, batch_size=128):
    """Train; the loss of the first batch of each epoch."""
    first_losses = []
    for epoch in range(epochs):
        batches = BatchGenerator(images, labels, batch_size)
        for batch in range(batches.num_batches):
            loss = one_training_step(model, *batches.next())
            if batch == 0:
                first_losses.append(float(loss))
                print(f"epoch {epoch}: loss at batch 0: {loss:.2f}")
    return first_losses


def main(epochs=10):
    """Train and evaluate; the first losses of the epochs, and the test accuracy."""
    model = NaiveSequential(
        [
            NaiveDense(28 * 28, 512, activation=tf.nn.relu),
            NaiveDense(512, 10, activation=tf.nn.softmax),
        ]
    )
    (train_images, train_labels), (test_images, test_labels) = mnist.load_data()
    train_images = train_images.reshape((60000, 28 * 28)).astype("float32") / 255
    test_images = test_images.reshape((10000, 28 * 28)).astype("float32") / 255
    losses = fit(model, train_images, train_labels, epochs)

    predicted_labels = np.argmax(model(test_images).numpy(), axis=1)
    accuracy = float((predicted_labels == test_labels).mean())
    print(f"test accuracy: {accuracy:.2f}")
    return losses, accuracy


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
