"""`fit`, `evaluate` and `predict` on the native engine give what they give on NumPy."""

import numpy as np
import pytest

import sheer
import small
from planned import in_floatx, needs_native, on_engine
from sheer import layers, losses, metrics, optimizers

pytestmark = needs_native

TOLERANCE = {"float32": 1e-4, "float64": 1e-10}


def network(activation="relu", ending="softmax", features=6, units=3, seed=5):
    sheer.utils.set_random_seed(seed)
    return sheer.Sequential(
        [
            sheer.Input((features,)),
            layers.Dense(9, activation=activation),
            layers.Dense(7, activation="tanh"),
            layers.Dense(units, activation=ending),
        ]
    )


def agree(work, dtype="float32", tolerance=None):
    """Whether a function gives on both engines the same structure of numbers; that of NumPy's."""
    found = {}
    with in_floatx(dtype):
        for engine in ("numpy", "native"):
            with on_engine(engine):
                sheer.utils.clear_session()
                sheer.utils.set_random_seed(3)
                found[engine] = work()
    tolerance = tolerance or TOLERANCE[dtype]
    assert_same(found["native"], found["numpy"], tolerance)
    return found["numpy"]


def assert_same(found, wanted, tolerance):
    if isinstance(wanted, dict):
        assert list(found) == list(wanted)
        found, wanted = list(found.values()), list(wanted.values())
    if isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted)
        for a, b in zip(found, wanted, strict=True):
            assert_same(a, b, tolerance)
    else:
        assert np.asarray(found).dtype == np.asarray(wanted).dtype
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


def job(
    x,
    y,
    *,
    loss="sparse_categorical_crossentropy",
    optimizer="adam",
    figures=("accuracy",),
    make=network,
    options=None,
    afterwards=False,
    **arguments,
):
    """What a fit gives, with the weights and slots after it; with `afterwards` also what an
    evaluation and a prediction give."""
    model = make()
    model.compile(
        optimizer() if callable(optimizer) else optimizer,
        loss,
        metrics=[figure() if callable(figure) else figure for figure in figures],
        **(options or {}),
    )
    given = {"epochs": 2, "batch_size": 16, "verbose": 0, **arguments}
    found = {
        "history": model.fit(x, y, **given).history,
        "weights": model.get_weights(),
        "slots": [v.numpy() for v in model.optimizer.variables],
    }
    if afterwards:
        found["figures"] = model.evaluate(x, y, batch_size=10, verbose=0, return_dict=True)
        found["predict"] = model.predict(x, batch_size=10, verbose=0)
    return found


X, Y = small.data(85, features=6, seed=4)
# Of each row whether it is of class 1; and one column of numbers.
BINARY = (Y == 1).astype(np.float32)[:, None]
ONE_HOT = np.eye(3, dtype=np.float32)[Y]
NUMBERS = np.abs(X[:, :3]) + 0.1

in_both = pytest.mark.parametrize("dtype", ["float32", "float64"])


# --- optimizers, losses, metrics, activations -----------------------------------------------------

OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.05),
    "momentum": lambda: optimizers.SGD(0.05, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda: optimizers.RMSprop(0.01),
    "rmsprop momentum": lambda: optimizers.RMSprop(0.01, momentum=0.5),
    "rmsprop centered": lambda: optimizers.RMSprop(0.01, centered=True),
    "adam": lambda: optimizers.Adam(0.01),
    "amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "weight decay": lambda: optimizers.Adam(0.01, weight_decay=0.02),
    "clipnorm": lambda: optimizers.SGD(0.5, clipnorm=0.1),
    "clipvalue": lambda: optimizers.SGD(0.5, clipvalue=0.01),
    "global clipnorm": lambda: optimizers.SGD(0.5, global_clipnorm=0.1),
}
ACTIVATIONS = [
    "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh",
    "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu",
    "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus",
    "sparse_sigmoid", "squareplus", "tanh", "tanh_shrink",
]  # fmt: skip


@in_both
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name, dtype):
    agree(lambda: job(X, Y, optimizer=OPTIMIZERS[name], epochs=3), dtype)


# Each loss with an ending that gives it what it takes, and its targets.
PROBABILITIES = {
    "sparse_categorical_crossentropy": ("softmax", Y),
    "categorical_crossentropy": ("softmax", ONE_HOT),
    "binary_crossentropy": ("sigmoid", ONE_HOT),
    "kl_divergence": ("softmax", ONE_HOT),
    "poisson": ("softplus", NUMBERS),
    "hinge": ("tanh", 2 * ONE_HOT - 1),
    "squared_hinge": ("tanh", 2 * ONE_HOT - 1),
    "categorical_hinge": ("linear", ONE_HOT),
}
FROM_LOGITS = {
    losses.SparseCategoricalCrossentropy: Y,
    losses.CategoricalCrossentropy: ONE_HOT,
    losses.BinaryCrossentropy: ONE_HOT,
}
REGRESSION = [
    "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error", "huber", "log_cosh", "cosine_similarity",
]  # fmt: skip


@in_both
@pytest.mark.parametrize("loss", [*PROBABILITIES, *REGRESSION])
def test_losses(loss, dtype):
    ending, y = PROBABILITIES.get(loss, ("softplus", NUMBERS))
    agree(lambda: job(X, y, loss=loss, figures=(), make=lambda: network(ending=ending)), dtype)


@pytest.mark.parametrize("loss", FROM_LOGITS, ids=lambda cls: cls.__name__)
def test_losses_of_logits(loss):
    agree(
        lambda: job(
            X, FROM_LOGITS[loss], loss=loss(from_logits=True), figures=(),
            make=lambda: network(ending="linear"),
        )
    )  # fmt: skip


FIGURES = {
    "of labels": (Y, "softmax", 3, "sparse_categorical_crossentropy", [
        "accuracy", metrics.SparseCategoricalAccuracy, metrics.SparseTopKCategoricalAccuracy,
        metrics.SparseCategoricalCrossentropy,
    ]),
    "of one-hot rows": (ONE_HOT, "softmax", 3, "categorical_crossentropy", [
        "accuracy", metrics.CategoricalAccuracy, metrics.TopKCategoricalAccuracy,
        metrics.CategoricalCrossentropy, metrics.KLDivergence, metrics.CosineSimilarity,
    ]),
    "of two classes": (BINARY, "sigmoid", 1, "binary_crossentropy", [
        "accuracy", metrics.BinaryAccuracy, metrics.AUC, metrics.Precision, metrics.Recall,
        metrics.BinaryCrossentropy, lambda: metrics.AUC(curve="PR", name="pr"),
        lambda: metrics.Precision(thresholds=[0.2, 0.5], name="two"),
    ]),
    "of numbers": (NUMBERS, "softplus", 3, "mse", [
        metrics.MeanSquaredError, metrics.RootMeanSquaredError, metrics.MeanAbsoluteError,
        metrics.MeanAbsolutePercentageError, metrics.MeanSquaredLogarithmicError,
        metrics.LogCoshError, metrics.R2Score, metrics.Poisson,
    ]),
}  # fmt: skip


@in_both
@pytest.mark.parametrize("kind", FIGURES)
def test_metrics(kind, dtype):
    y, ending, units, loss, figures = FIGURES[kind]
    agree(
        lambda: job(
            X, y, loss=loss, figures=figures, make=lambda: network(ending=ending, units=units),
            validation_data=(X[:20], y[:20]),
        ),
        dtype,
    )  # fmt: skip


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation):
    agree(lambda: job(X, Y, make=lambda: network(activation=activation), epochs=1))


@in_both
def test_regularizers_and_constraints(dtype):
    def make():
        sheer.utils.set_random_seed(5)
        return sheer.Sequential(
            [
                sheer.Input((6,)),
                layers.Dense(9, kernel_regularizer="l2", bias_regularizer="l1",
                             kernel_constraint="max_norm"),
                layers.Dense(3, activation="softmax", kernel_constraint="unit_norm",
                             activity_regularizer="l1", use_bias=False),
            ]
        )  # fmt: skip

    agree(lambda: job(X, Y, make=make), dtype)


# --- how the loop runs ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {"shuffle": False, "afterwards": True},
        {"shuffle": True, "epochs": 3},
        {"batch_size": 1, "epochs": 1},
        {"batch_size": 85},
        {"batch_size": 1000},
        {"batch_size": 84},
        {"steps_per_epoch": 2, "epochs": 5},
        {"steps_per_epoch": 3, "epochs": 5, "shuffle": False},
        {"validation_split": 0.3},
        {"validation_data": (X[:21], Y[:21]), "validation_batch_size": 4},
        {"validation_data": (X, Y), "validation_steps": 2, "validation_freq": 2, "epochs": 4},
        {"class_weight": {0: 2.0, 1: 0.5}},
        {"sample_weight": np.linspace(0, 2, 85)},
        {"sample_weight": np.linspace(0, 2, 85), "class_weight": {2: 3}, "validation_split": 0.2},
        {"initial_epoch": 1, "epochs": 3},
        {"options": {"steps_per_execution": 3}},
    ],
    ids=lambda arguments: ",".join(arguments),
)
def test_loops(arguments):
    agree(lambda: job(X, Y, **arguments))


def test_weighted_metrics():
    options = {"weighted_metrics": ["accuracy"], "loss_weights": 0.5}
    weights = np.linspace(0, 2, 85)
    agree(
        lambda: job(X, Y, options=options, sample_weight=weights, validation_data=(X, Y, weights))
    )


class Noting(sheer.callbacks.Callback):
    """Notes each batch, and stops the training after some."""

    def __init__(self, last=None):
        super().__init__()
        self.notes, self.last = [], last

    def on_train_batch_begin(self, batch, logs=None):
        self.notes.append([float(batch), 0.0])

    def on_train_batch_end(self, batch, logs=None):
        self.notes.append([float(batch), logs["loss"]])
        if len(self.notes) == self.last:
            self.model.stop_training = True

    def on_test_batch_end(self, batch, logs=None):
        self.notes.append([float(batch), logs["accuracy"]])

    def on_epoch_end(self, epoch, logs=None):
        self.notes.append([float(epoch), logs["loss"], self.model.weights[0].numpy().sum()])


@pytest.mark.parametrize("last", [None, 1, 2, 16])
def test_callbacks_that_want_each_batch(last):
    def work():
        noting = Noting(last)
        return job(X, Y, callbacks=[noting], validation_split=0.2), noting.notes

    _, notes = agree(work)
    assert last is not None or len(notes) > 10


def test_a_callback_gets_one_batch_of_so_many():
    """As in Keras: with steps_per_execution it is told of the last batch of each run."""

    def work():
        noting = Noting()
        job(X, Y, callbacks=[noting], epochs=1, options={"steps_per_execution": 4})
        return noting.notes

    with on_engine("native"):
        numbers = [int(note[0]) for note in work() if len(note) == 2]
    assert numbers == [0, 3, 4, 4, 5, 5]


def test_a_learning_rate_that_changes_between_batches():
    class Slower(sheer.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.optimizer.learning_rate = 0.1 / (1 + batch)

    agree(lambda: job(X, Y, callbacks=[Slower()]))


def test_weights_that_are_set_between_batches():
    class Halving(sheer.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.set_weights([w / 2 for w in self.model.get_weights()])

    agree(lambda: job(X, Y, callbacks=[Halving()]))


def test_early_stopping():
    agree(
        lambda: job(
            X, Y, epochs=30, optimizer=lambda: optimizers.SGD(2.0), validation_split=0.3,
            callbacks=[sheer.callbacks.EarlyStopping(patience=1, restore_best_weights=True)],
        )
    )  # fmt: skip


# --- data -----------------------------------------------------------------------------------------

WIDE = np.zeros((85, 13))
WIDE[:, 1::2] = X
DATA = {
    "float64": X.astype(np.float64),
    "float16": X.astype(np.float16),
    "big endian": X.astype(">f4"),
    "big endian float64": X.astype(">f8"),
    "columns side by side": np.asfortranarray(X),
    "every second column": WIDE[:, 1::2],
    "every second row": np.repeat(X, 2, axis=0)[::2],
    "backwards": X[::-1].copy()[::-1],
    "one row for all": np.broadcast_to(X[0], X.shape),
    "uint8": (X * 20 + 100).astype(np.uint8),
    "int64": (X * 3).astype(np.int64),
    "int16 big endian": (X * 3).astype(">i2"),
    "bool": X > 0,
    "read only": np.frombuffer(X.tobytes(), np.float32).reshape(X.shape),
    "at an odd address": np.frombuffer(b"1" + X.tobytes(), np.float32, offset=1).reshape(X.shape),
}


@pytest.mark.parametrize("kind", DATA)
def test_data_of_every_kind(kind):
    x = DATA[kind]
    agree(lambda: job(x, Y, afterwards=True, epochs=1))
    agree(lambda: job(x, Y, shuffle=False, epochs=1))


@pytest.mark.parametrize("kind", ["float64", "float16", "big endian", "uint8"])
def test_data_in_float64(kind):
    agree(lambda: job(DATA[kind], Y, epochs=1), "float64")


@pytest.mark.parametrize("labels", ["uint8", "int8", "int16", ">i4", "int64", "uint32", "float32"])
def test_labels_of_every_kind(labels):
    agree(lambda: job(X, Y.astype(labels), epochs=1))


def test_labels_in_a_column():
    agree(lambda: job(X, np.repeat(Y, 2)[::2, None], epochs=1))


class TwoOfEach(sheer.Model):
    """Two inputs, two outputs."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(4, activation="tanh"), layers.Dense(3)

    def call(self, inputs):
        a, b = inputs
        return self.first(a) + b[:, :4], self.second(b)


@in_both
@pytest.mark.parametrize("rows", [1, 5, 32, 33, 500])
def test_predictions_with_several_outputs(rows, dtype):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(rows, 3)).astype(dtype), rng.normal(size=(rows, 5)).astype(dtype)

    def work():
        sheer.utils.set_random_seed(5)
        model = TwoOfEach()
        first, second = model.predict([a, b], verbose=0)
        assert first.shape == (rows, 4) and second.shape == (rows, 3)
        alone = [model.predict([a[i : i + 1], b[i : i + 1]], verbose=0) for i in range(rows % 4)]
        return first, second, alone, model.predict([a, b], batch_size=7, verbose=0)

    agree(work, dtype)


class RowsAndTheirMean(sheer.Model):
    """An output with a row for each, and one with a row for the batch."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, inputs):
        y = self.dense(inputs)
        return y, sheer.ops.mean(y, axis=0, keepdims=True)


def test_predictions_that_are_not_one_row_each():
    def work():
        sheer.utils.set_random_seed(5)
        rows, means = RowsAndTheirMean().predict(X, batch_size=16, verbose=0)
        assert rows.shape == (85, 2) and means.shape == (6, 2)
        return rows, means

    agree(work)


class Noisy(sheer.layers.Layer):
    """Adds noise while training: random numbers that a program draws."""

    def __init__(self):
        super().__init__()
        self.seeds = sheer.random.SeedGenerator(3)

    def call(self, x, training=False):
        if not training:
            return x
        noise = sheer.random.normal((x.shape[0], 9), seed=self.seeds)
        return sheer.random.dropout(x + 0.1 * noise, 0.3, seed=self.seeds)


@in_both
def test_random_numbers_in_a_program(dtype):
    def make():
        sheer.utils.set_random_seed(5)
        return sheer.Sequential(
            [sheer.Input((6,)), layers.Dense(9), Noisy(), layers.Dense(3, activation="softmax")]
        )

    agree(lambda: job(X, Y, make=make), dtype)


def test_the_same_numbers_again_from_the_same_seed():
    with on_engine("native"):
        first, second = (job(X, Y) for _ in range(2) if not sheer.utils.set_random_seed(1))
    for a, b in zip(first["weights"], second["weights"], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_change_of_engine_in_the_middle():
    """Both work on the same Variables."""

    def work(first, second):
        sheer.utils.set_random_seed(3)
        model = network()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        for engine in (first, second, first):
            with on_engine(engine):
                model.fit(X, Y, batch_size=16, verbose=0)
        return model.get_weights()

    wanted = work("numpy", "numpy")
    for pair in (("native", "numpy"), ("numpy", "native"), ("native", "native")):
        for a, b in zip(work(*pair), wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
