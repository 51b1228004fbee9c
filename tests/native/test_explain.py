"""What `program.explain()` says; and that nothing of a dense network is left to NumPy."""

import re

import numpy as np
import pytest

import sheer
import small
from planned import needs_native, on_engine, plan_of, reasons
from sheer import layers, losses, metrics, ops, optimizers
from sheer.activations import ACTIVATIONS
from sheer.constraints import CONSTRAINTS
from sheer.losses.base import LOSSES
from sheer.metrics.base import METRICS
from sheer.optimizers.base import OPTIMIZERS
from sheer.regularizers import REGULARIZERS

pytestmark = needs_native

X, Y = small.data(20, features=4, classes=3)
ONE_HOT = np.eye(3, dtype=np.float32)[Y]
NONE_LEFT = "no lines left to NumPy"
# These take labels; all others a number for each output.
OF_LABELS = {
    "CategoricalGeneralizedCrossEntropy",
    "Circle",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
}


@pytest.fixture(autouse=True)
def on_the_native_engine():
    with on_engine("native"):
        yield


def compiled(*dense, optimizer="adam", loss="mse", figures=(), **options):
    """A compiled network of such layers, for X."""
    model = sheer.Sequential([sheer.Input((4,)), *dense])
    model.compile(optimizer, loss, metrics=list(figures), **options)
    return model


def assert_native(model, y, *weights):
    """All three programs run without NumPy, for batches of several sizes."""
    programs = [
        model.train_program(X, y, *weights),
        model.test_program(X, y, *weights),
        model.predict_program(X),
    ]
    for program in programs:
        for n in (1, 5):
            text = program.explain(n)
            assert NONE_LEFT in text and "NumPy:" not in text, text


# --- nothing is left ------------------------------------------------------------------------------


# Two need arguments or an even size; and there is no kernel that sorts.
OTHERS = {"glu", "threshold", "sparsemax"}


@pytest.mark.parametrize("name", sorted(ACTIVATIONS.entries.keys() - OTHERS))
def test_every_activation(name):
    model = compiled(layers.Dense(5, activation=name), layers.Dense(3, activation=name))
    assert_native(model, ONE_HOT)


def test_activations_with_arguments():
    model = compiled(
        layers.Dense(6, activation=sheer.activations.glu),
        layers.Dense(5, activation=lambda x: sheer.activations.threshold(x, 0.5, 0.1)),
        layers.Dense(3, activation=lambda x: ops.gelu(x, approximate=False)),
    )
    assert_native(model, ONE_HOT)


# Of sequences: see test_ctc.
OF_ROWS = [cls for cls in LOSSES.classes() if cls is not losses.CTC]


def test_ctc():
    parts = layers.Reshape((2, 2)), layers.Dense(4)
    assert_native(compiled(*parts, loss=losses.CTC()), Y[:, None])


@pytest.mark.parametrize("ending", ["linear", "softmax", "sigmoid"])
@pytest.mark.parametrize("cls", OF_ROWS, ids=lambda cls: cls.__name__)
def test_every_loss(cls, ending):
    dense = layers.Dense(5, activation="relu"), layers.Dense(3, activation=ending)
    y = Y if cls.__name__ in OF_LABELS else ONE_HOT
    assert_native(compiled(*dense, loss=cls()), y)
    if "from_logits" in cls().get_config():
        assert_native(compiled(*dense, loss=cls(from_logits=True)), y)


OPTIONS = [
    (optimizers.SGD, {"momentum": 0.9}),
    (optimizers.SGD, {"momentum": 0.9, "nesterov": True}),
    (optimizers.RMSprop, {"momentum": 0.9}),
    (optimizers.RMSprop, {"centered": True}),
    (optimizers.RMSprop, {"centered": True, "momentum": 0.9}),
    (optimizers.Adam, {"amsgrad": True}),
    *((cls, {way: 0.1}) for cls in OPTIMIZERS.classes()
      for way in ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm")),
    *((cls, {}) for cls in OPTIMIZERS.classes()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cls", "options"), OPTIONS, ids=lambda v: ",".join(v) if isinstance(v, dict) else v.__name__
)
def test_every_optimizer(cls, options):
    model = compiled(layers.Dense(5), layers.Dense(3), optimizer=cls(**options))
    assert_native(model, ONE_HOT)


@pytest.mark.parametrize(
    "cls",
    [cls for cls in METRICS.classes() if cls.__name__ not in ("Mean", "Sum")],
    ids=lambda cls: cls.__name__,
)
def test_every_metric(cls):
    is_label = cls.__name__ in OF_LABELS
    loss = "sparse_categorical_crossentropy" if is_label else "categorical_crossentropy"
    figure = cls(**small.REQUIRED.get(cls.__name__, {}))
    model = compiled(layers.Dense(3, activation="softmax"), loss=loss, figures=[figure])
    assert_native(model, Y if is_label else ONE_HOT)


@pytest.mark.parametrize("figure", ["accuracy", "auc", "precision", "recall", "mse"])
def test_metrics_with_weights(figure):
    model = compiled(
        layers.Dense(1, activation="sigmoid"), loss="binary_crossentropy", figures=[figure],
        weighted_metrics=[figure], loss_weights=0.5,
    )  # fmt: skip
    assert_native(model, (Y == 1).astype(np.float32)[:, None], np.ones(20, np.float32))


@pytest.mark.parametrize(
    "figure",
    [
        metrics.AUC(curve="PR", summation_method="majoring"),
        metrics.AUC(from_logits=True, num_thresholds=11),
        metrics.Precision(thresholds=[0.2, 0.5, 0.7]),
    ],
    ids=["PR", "logits", "thresholds"],
)
def test_metrics_with_arguments(figure):
    model = compiled(
        layers.Dense(3, activation="softmax"), loss="categorical_crossentropy", figures=[figure]
    )
    assert_native(model, ONE_HOT)


@pytest.mark.parametrize("cls", CONSTRAINTS.classes(), ids=lambda cls: cls.__name__)
def test_every_constraint(cls):
    model = compiled(layers.Dense(3, kernel_constraint=cls(), bias_constraint="non_neg"))
    assert_native(model, ONE_HOT)


@pytest.mark.parametrize("cls", REGULARIZERS.classes(), ids=lambda cls: cls.__name__)
def test_every_regularizer(cls):
    made = cls(0.1)
    of_rest = None if cls is sheer.regularizers.OrthogonalRegularizer else made
    model = compiled(
        layers.Dense(
            3, kernel_regularizer=made, bias_regularizer=of_rest, activity_regularizer=of_rest
        )
    )
    assert_native(model, ONE_HOT)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool", "float64"])
def test_every_layer_and_data_of_other_dtypes(dtype):
    images = (X[:, None] > 0).astype(dtype)
    model = sheer.Sequential(
        [layers.Flatten(), layers.Activation("tanh"), layers.Dense(3, activation="softmax")]
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images, Y, verbose=0)
    for program in (model.train_program(), model.test_program(), model.predict_program()):
        assert NONE_LEFT in program.explain()


def test_random_numbers_and_dropout():
    seeds = sheer.random.SeedGenerator(1)

    class Dropout(layers.Layer):
        def call(self, x, training=False):
            return sheer.random.dropout(x, 0.5, seed=seeds) if training else x

    assert_native(compiled(layers.Dense(5), Dropout(), layers.Dense(3)), ONE_HOT)


# --- what is said ---------------------------------------------------------------------------------


def test_the_table():
    """Each line of the program with the kernels that compute it."""
    model = compiled(
        layers.Dense(5, activation="relu"), layers.Dense(3, activation="softmax"),
        loss="sparse_categorical_crossentropy", figures=["accuracy"],
    )  # fmt: skip
    program = model.train_program(X, Y)
    text = program.explain(7)
    assert text.startswith("train_step on the native engine: batches of 7 rows, ")
    assert "product 7×4 · 4×5 + bias + relu" in text
    assert "product 7×5 · 5×3 + bias" in text
    assert re.search(r"\d+ kernel calls; [\d,]+ bytes of working memory; no lines left", text)
    lines = [line.split("  ")[0].removesuffix("...") for line in text.splitlines()[2:-2]]
    of_program = [" ".join(line.split()) for line in program.text.splitlines()]
    found = [line for line in lines if any(line.split(" = ")[0] in p for p in of_program)]
    assert len(found) > 20
    assert program.explain() != text


def running_sum(x):
    return ops.cumsum(x, axis=0) * 2


def test_a_line_that_is_left_to_numpy():
    function = sheer.function(running_sum)
    text = function.program(X).explain(20)
    (line,) = [line for line in text.splitlines() if "NumPy:" in line]
    assert line.startswith("cumsum = np.cumsum(x, 0)  ")
    assert "NumPy: np.cumsum has no kernel" in line
    assert "1 lines left to NumPy" in text
    np.testing.assert_allclose(function(X).numpy(), 2 * np.cumsum(X, axis=0), rtol=1e-6)


def test_metrics_of_the_best_few_sort_with_numpy():
    model = compiled(layers.Dense(3, activation="softmax"), figures=[metrics.Recall(top_k=2)])
    text = model.train_program(X, ONE_HOT).explain()
    (line,) = [line for line in text.splitlines() if "NumPy:" in line]
    assert line.startswith("argsort = ")


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: ops.cumsum(x, 0), "np.cumsum has no kernel"),
        (lambda x: ops.argsort(x), "np.argsort has no kernel"),
        (lambda x: ops.einsum("ij,kj,kl->il", x, x, x), "einsum ij,kj,kl->il"),
        (lambda x: ops.pad(x, 1, mode="reflect"), "padding with reflect 0"),
        (lambda x: ops.pad(x, 1, constant_values=2), "padding with constant 2"),
        (lambda x: ops.matmul(*[ops.cast(x[:4], "int32")] * 2), "a matrix product of int32"),
        (lambda x: ops.power(ops.cast(x, "int32"), 3), "power of int32"),
        (lambda x: ops.cast(x, "uint64") + 1, "uint64"),
    ],
)
def test_reasons(function, reason):
    assert list(reasons(plan_of(function, X)).values()) == [reason]


def test_a_program_of_its_own_and_the_other_engine():
    model = compiled(layers.Dense(3))
    program = model.train_program(X, ONE_HOT)
    with on_engine("numpy"):
        assert program.explain() == "NumPy runs every line: that is the engine chosen.\n"
    assert NONE_LEFT in program.explain()


def test_what_explain_says_is_what_runs():
    """As many lines are left to NumPy as bodies are called."""
    called = []

    @sheer.function
    def step(x):
        return ops.cumsum(ops.tanh(x), 0) + ops.cumsum(x, 1)

    body = ops.OPS["_cumsum"].body
    ops.OPS["_cumsum"].body = lambda *args: called.append(args) or body(*args)
    try:
        step(X)
        called.clear()
        step(X)
        assert len(called) == 2
        assert "2 lines left" in step.program(X).explain(20)
    finally:
        ops.OPS["_cumsum"].body = body
