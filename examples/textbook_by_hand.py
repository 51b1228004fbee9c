"""The textbook's long way: a network, its training step and its loop, written by hand.

    python examples/textbook_by_hand.py [EPOCHS]

Everything that `fit` does is here in the open: layers as classes holding two Variables, a batch
generator, one step of gradient descent with a GradientTape, the update, the loop, the evaluation.
Needs MNIST (see sheer.datasets.mnist).
"""

import math
import sys

import numpy as np

import sheer
from sheer import ops
from sheer.datasets import mnist


class NaiveDense:
    def __init__(self, input_size, output_size, activation):
        self.activation = activation
        self.W = sheer.Variable(sheer.random.uniform((input_size, output_size), 0, 0.1))
        self.b = sheer.Variable(ops.zeros((output_size,)))

    def __call__(self, inputs):
        return self.activation(ops.matmul(inputs, self.W) + self.b)

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


LEARNING_RATE = 1e-3


def update_weights(gradients, weights):
    for g, w in zip(gradients, weights, strict=True):
        w.assign_sub(g * LEARNING_RATE)


def one_training_step(model, images_batch, labels_batch):
    with sheer.GradientTape() as tape:
        predictions = model(images_batch)
        per_sample_losses = ops.sparse_categorical_crossentropy(labels_batch, predictions)
        average_loss = ops.mean(per_sample_losses)
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
            NaiveDense(28 * 28, 512, activation=ops.relu),
            NaiveDense(512, 10, activation=ops.softmax),
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
