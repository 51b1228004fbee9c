"""The programs whose whole text is kept in `golden/`: name, model, data as (x shape, y spec)."""

import sheer
from sheer import layers, ops


class Gate(layers.Layer):
    """A user's own layer: x times the sigmoid of a learned direction."""

    def build(self, input_shape):
        self.direction = self.add_weight((input_shape[-1], 1), name="direction")

    def call(self, inputs):
        return inputs * ops.sigmoid(inputs @ self.direction)


def textbook():
    model = sheer.Sequential(
        [
            sheer.Input((784,)),
            layers.Dense(512, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def regression():
    model = sheer.Sequential(
        [sheer.Input((8,)), layers.Dense(32, activation="tanh"), layers.Dense(1)]
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def binary():
    model = sheer.Sequential(
        [
            sheer.Input((8,)),
            layers.Dense(16, activation="relu", kernel_regularizer="l2"),
            layers.Dense(1, activation="sigmoid", kernel_constraint="non_neg"),
        ]
    )
    optimizer = sheer.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return model


def own_layer():
    model = sheer.Sequential([sheer.Input((4,)), Gate(), layers.Dense(3)])
    model.compile(
        sheer.optimizers.SGD(0.1, clipnorm=1.0),
        sheer.losses.CategoricalCrossentropy(from_logits=True),
    )
    return model


def regularized():
    model = sheer.Sequential(
        [
            sheer.Input((8,)),
            layers.Dense(16, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dropout(0.2),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    return model


def words():
    model = sheer.Sequential(
        [
            sheer.Input((5,), dtype="int32"),
            layers.Embedding(100, 4),
            layers.Flatten(),
            layers.LayerNormalization(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def two_outputs():
    """A shared layer, an op between layers, two outputs with losses of their own."""
    left, right = sheer.Input((4,), name="left"), sheer.Input((4,), name="right")
    shared = layers.Dense(8, activation="relu", name="shared")
    joined = ops.concatenate([shared(left), shared(right)], axis=-1)
    price = layers.Dense(1, name="price")(joined)
    kind = layers.Dense(3, activation="softmax", name="kind")(joined)
    model = sheer.Model([left, right], [price, kind])
    model.compile(
        "sgd",
        {"price": "mse", "kind": "sparse_categorical_crossentropy"},
        loss_weights={"price": 1.0, "kind": 0.5},
        metrics={"kind": ["accuracy"]},
    )
    return model


def masked():
    """Steps that do not count."""
    model = sheer.Sequential([sheer.Input((5, 3)), layers.Masking(), layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def programs():
    """(name, program) for each golden text."""
    for make in (textbook, regression, binary, own_layer, regularized, words, two_outputs, masked):
        sheer.utils.clear_session()
        model = make()
        yield f"{make.__name__}_train", model.train_program()
    sheer.utils.clear_session()
    model = textbook()
    yield "textbook_test", model.test_program()
    yield "textbook_predict", model.predict_program()
    sheer.utils.clear_session()
    yield "regularized_predict", regularized().predict_program()
