"""Models built with the names of either library: `K` is keras, to record its figures, or sheer."""

from typing import Any

import numpy as np

ROWS = np.random.default_rng(7)
A, B = ROWS.normal(size=(12, 3)), ROWS.normal(size=(12, 4))
PRICE, KIND = ROWS.normal(size=(12, 1)), ROWS.integers(0, 3, 12)
WEIGHTS = ROWS.uniform(0.5, 2.0, size=(2, 12))
STEPS = ROWS.normal(size=(12, 4, 3))
STEPS[2:7, 2:] = 0
STEPS[5, 0] = 0
WORDS = ROWS.integers(0, 5, (12, 4))
Y_STEPS = ROWS.normal(size=(12, 4, 2))
STEP_WEIGHTS = ROWS.uniform(0.5, 2.0, size=(12, 4))


def towers(K: Any) -> tuple[list[Any], list[Any]]:
    """Two inputs, a shared layer, ops between layers, two outputs."""
    a, b = K.Input((3,), name="a"), K.Input((4,), name="b")
    shared = K.layers.Dense(5, activation="tanh", name="shared", kernel_regularizer="l2")
    first, second = shared(a), shared(b[:, :3] + 1)
    joined = K.layers.Concatenate(name="joined")([first, second * 2.0, b])
    price = K.layers.Dense(1, name="price")(joined)
    kind = K.layers.Dense(3, activation="softmax", name="kind", activity_regularizer="l1")(joined)
    return [a, b], [price, kind]


def lists(K: Any) -> Any:
    """Losses, factors and metrics by name; weights for each output."""
    model = K.Model(*towers(K), name="lists")
    model.compile(
        K.optimizers.SGD(0.05, momentum=0.5),
        loss={"price": "mse", "kind": "sparse_categorical_crossentropy"},
        loss_weights={"price": 0.5, "kind": 2.0},
        metrics={"kind": ["accuracy"], "price": ["mae", "mse"]},
        weighted_metrics={"kind": ["accuracy"], "price": [K.metrics.MeanAbsoluteError()]},
    )
    return model, [A, B], [PRICE, KIND], [WEIGHTS[0], WEIGHTS[1]]


def dicts(K: Any) -> Any:
    """Outputs and targets by key, losses and metrics by position in the order of the keys."""
    inputs, (price, kind) = towers(K)
    model = K.Model(dict(zip("ab", inputs, strict=True)), {"z": price, "k": kind}, name="dicts")
    losses = [K.losses.SparseCategoricalCrossentropy(), "mae"]
    model.compile("adam", losses, loss_weights=[1.5, 0.25], metrics=[["accuracy"], ["mse"]])
    return model, {"a": A, "b": B}, {"z": PRICE, "k": KIND}, WEIGHTS[0]


def nested(K: Any) -> Any:
    """Outputs in a structure, losses and metrics in the same one; an output without a loss."""
    inputs, (price, kind) = towers(K)
    model = K.Model(inputs, [{"p": price, "q": price * 2}, kind], name="nested")
    model.compile(
        "rmsprop",
        [{"p": "mse", "q": None}, "sparse_categorical_crossentropy"],
        metrics=[{"p": ["mae"], "q": ["mae"]}, ["accuracy"]],
    )
    return model, [A, B], [{"p": PRICE, "q": PRICE}, KIND], None


def one_loss(K: Any) -> Any:
    """One loss counts for all outputs."""
    a = K.Input((3,), name="a")
    h = K.layers.Dense(4, activation="relu", name="h")(a)
    model = K.Model(a, [K.layers.Dense(1, name="x")(h), K.layers.Dense(2, name="y")(h)], name="m")
    model.compile("sgd", "mse", metrics=["mae", "mse"])
    return model, A, [PRICE, B[:, :2]], None


def inside(K: Any) -> Any:
    """A model and a Sequential inside of a model, each called twice."""
    head = K.Sequential(
        [K.Input((5,)), K.layers.Dense(3, activation="tanh", name="d1"), K.layers.Dense(2)],
        name="head",
    )
    x = K.Input((4,), name="x")
    body = K.Model(x, [K.layers.Dense(5, name="e1")(x), x * 0.5], name="body")
    a, b = K.Input((4,), name="a"), K.Input((4,), name="b")
    (first, half), (second, _) = body(a), body(b)
    y = K.layers.Add(name="sum")([head(first), head(second)])
    z = K.ops.concatenate([y, half], axis=-1)
    model = K.Model([a, b], K.layers.Dense(1, name="out")(z), name="inside")
    model.compile("sgd", "mse", metrics=["mae"])
    return model, [B, B[::-1]], PRICE, WEIGHTS[0]


def masked(K: Any) -> Any:
    """Steps that do not count, in the loss, the metrics and the weighted metrics."""
    x = K.Input((4, 3), name="x")
    h = K.layers.Masking(name="masking")(x)
    h = K.layers.Activation("tanh", name="tanh")(K.layers.Dense(4, name="d")(h))
    model = K.Model(x, K.layers.Dense(2, name="out")(h), name="masked")
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"])
    return model, STEPS, Y_STEPS, STEP_WEIGHTS


def words(K: Any) -> Any:
    """A mask from an Embedding, through layers with and without weights; labels for each step."""
    x = K.Input((4,), dtype="int32", name="x")
    h = K.layers.Embedding(5, 3, mask_zero=True, name="embedding")(x)
    h = K.layers.TimeDistributed(K.layers.Dense(4, activation="tanh"), name="steps")(h)
    model = K.Model(x, K.layers.Dense(3, activation="softmax", name="out")(h), name="words")
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, WORDS, WORDS % 3, None


CASES = {f.__name__: f for f in (lists, dicts, nested, one_loss, inside, masked, words)}


def start(model: Any) -> None:
    """The same weights for both libraries, in the order of the model's weights."""
    draw = np.random.default_rng(1)
    model.set_weights([draw.normal(size=tuple(w.shape)) * 0.5 for w in model.weights])


def train(K: Any, name: str, **options: Any) -> dict[str, Any]:
    """The figures of three epochs and of an evaluation, and the weights after them."""
    K.utils.clear_session()
    model, x, y, weight = CASES[name](K)
    start(model)
    history = model.fit(
        x, y, sample_weight=weight, batch_size=5, epochs=3, shuffle=False, verbose=0, **options
    ).history
    evaluated = model.evaluate(x, y, sample_weight=weight, batch_size=5, verbose=0)
    return {
        "history": {k: [float(v) for v in history[k]] for k in history},
        "evaluated": [float(v) for v in np.atleast_1d(evaluated)],
        "weights": [np.asarray(w).tolist() for w in model.get_weights()],
    }


def structure(model: Any) -> Any:
    """The parts of a model's config that say how its layers are put together."""
    config = model.get_config()
    layers = [
        {key: layer[key] for key in ("class_name", "name", "inbound_nodes")}
        for layer in config["layers"]
    ]
    ends = {key: config[key] for key in ("name", "trainable", "input_layers", "output_layers")}
    return {**ends, "layers": layers}
