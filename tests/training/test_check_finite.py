"""compile(check_finite=True): the first value that is not finite ends the training."""

import json
import zipfile

import numpy as np
import pytest

import sheer
from planned import ISAS, on_engine
from sheer import layers, ops
from small import classifier, data, equal, state

ENGINES = ["numpy", *(["native"] if ISAS else [])]
# One row is so large that exp overflows for it.
X = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
X[150] *= 30
Y = X[:, :1].copy()
BATCH = 16


def hidden_overflow(**options):
    """A model in which exp overflows, and tanh makes 1 of the infinity: the loss stays finite, and
    in the first epoch nobody would know."""
    sheer.utils.set_random_seed(1)
    x = sheer.Input((4,))
    z = layers.Dense(3, name="score")(x)
    h = layers.Lambda(lambda z: ops.tanh(ops.exp(z)), name="power")(z)
    model = sheer.Model(x, layers.Dense(1, name="last", kernel_initializer="zeros")(h))
    model.compile("sgd", "mse", **options)
    score = model.get_layer("score")
    score.set_weights([np.full((4, 3), 2.0), np.zeros(3)])
    return model


def first_row():
    """Row, batch and place in it of the first overflow, as NumPy has it."""
    row = int(np.flatnonzero((X @ np.full(4, 2.0)) > 88.8)[0])
    return row, row // BATCH, row % BATCH


X[150] = np.abs(X[150])


@pytest.mark.parametrize("engine", ENGINES)
def test_the_message(engine):
    row, batch, place = first_row()
    assert row == 150
    with on_engine(engine):
        model = hidden_overflow(check_finite=True)
        with pytest.raises(sheer.NotFiniteError) as caught:
            model.fit(X, Y, batch_size=BATCH, epochs=3, shuffle=False, verbose=0)
        error, step = caught.value, caught.value.step
    low, high = step["z1"].min(), step["z1"].max()
    line = step.row_of("exp").first
    assert str(error) == (
        f"Epoch 1, batch {batch + 1}: infinity in line {line} of train_step, layer power.\n"
        "  line   exp = np.exp(z1)\n"
        f"  value  exp[{place}, 0] is infinity, unit 0; 3 of its 48 numbers are not finite\n"
        f"  rows   {place} of the batch: row 150 of the data\n"
        f"  from   z1 (16, 3), {low:.3g} to {high:.3g}\n"
        "exp() of a number above 88.7 is beyond the largest float32 (3.4e+38): keep its operand\n"
        "small, with ops.clip or ops.minimum, or use softmax, log_softmax or logsumexp, which do.\n"
        "The model is as it was before this step. Of this error, caught as `error`, `error.step` "
        "is the step\nline by line: print(error.step); error.step.save(FILE) keeps it, and `sheer "
        "step FILE` shows it."
    )
    assert isinstance(error, FloatingPointError)
    assert step.place == {"epoch": 0, "batch": batch}
    assert "exp = np.exp(z1)" in step.text.splitlines()[line - 1]
    np.testing.assert_array_equal(step["x"], X[batch * BATCH : (batch + 1) * BATCH])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("order", [False, True])
def test_the_model_is_left_as_it_was_before_that_step(engine, order):
    with on_engine(engine):
        model = hidden_overflow(check_finite=True)
        sheer.utils.set_random_seed(5)
        with pytest.raises(sheer.NotFiniteError) as caught:
            model.fit(X, Y, batch_size=BATCH, shuffle=order, verbose=0)
        done = caught.value.step.place["batch"]
        other = hidden_overflow()
        sheer.utils.set_random_seed(5)

        class Stop(sheer.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                self.model.stop_training = batch + 1 >= done

        if done:
            other.fit(X, Y, batch_size=BATCH, shuffle=order, verbose=0, callbacks=[Stop()])
        found, wanted = state(model)[0], state(other)[0]
    assert [value for _, value in found] == [value for _, value in wanted]
    # It goes on: the model can be trained with the rows that are sound.
    rows = np.arange(200) != 150
    model.fit(X[rows], Y[rows], batch_size=BATCH, verbose=0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("optimizer", ["rmsprop", "adam", "sgd"])
def test_the_same_numbers_as_without(engine, optimizer):
    """Residuals, products added to products, activations, dropout and statistics: what the native
    engine puts together stays together."""

    def trained(**options):
        sheer.utils.set_random_seed(2)
        x = sheer.Input((8,))
        h = layers.Dense(40, activation="relu")(x)
        h = layers.Add()([h, layers.Dense(40, activation="tanh", use_bias=False)(h)])
        h = layers.Add()([layers.Dense(40)(h), layers.Dense(40, use_bias=False)(h), h])
        h = layers.BatchNormalization()(h)
        h = layers.Dropout(0.2)(layers.Activation("gelu")(h))
        model = sheer.Model(x, layers.Dense(3, activation="softmax", kernel_regularizer="l2")(h))
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
        history = model.fit(*many, batch_size=24, epochs=3, verbose=0, validation_split=0.1)
        return [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)], history

    many = data(300, 8)
    with on_engine(engine):
        (found, history), (wanted, plain) = trained(check_finite=True), trained()
    assert equal(found, wanted)
    assert history.history == plain.history


@pytest.mark.parametrize("engine", ENGINES)
def test_each_part_of_a_step(engine):
    """Forward, loss, backward and update."""
    x, y = data(40)
    with on_engine(engine):
        root = sheer.Sequential([sheer.Input((1,)), layers.Dense(1, use_bias=False)])
        root.compile("sgd", lambda y, p: ops.sqrt(p), check_finite=True)
        root.set_weights([np.ones((1, 1))])
        with pytest.raises(sheer.NotFiniteError, match=r"(?s)NaN in line .*sqrt") as caught:
            root.train_on_batch(np.array([[-1.0]]), np.zeros(1))
        assert "The square root of less than 0 is NaN" in str(caught.value)
        assert str(caught.value).startswith("NaN in line")  # of no fit
        # The slope of the root at 0 is infinite, its value is not.
        with pytest.raises(sheer.NotFiniteError) as caught:
            root.fit(np.array([[0.0]]), np.zeros(1), verbose=0)
        assert caught.value.step.row_of(caught.value.step.first_not_finite().name).phase in (
            "backward",
        )
        model = classifier(optimizer=sheer.optimizers.SGD(3e38), check_finite=True)
        model.set_weights([w * 8 for w in model.get_weights()])
        with pytest.raises(sheer.NotFiniteError) as caught:
            model.train_on_batch(x * 1e2, y)
        step = caught.value.step
        assert step.first_not_finite().row.phase == "update"


@pytest.mark.parametrize("engine", ENGINES)
def test_metrics_may_be_nan(engine):
    class Odd(sheer.metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(ops.log(-ops.abs(y_pred) - 1.0))

        def __init__(self, name="odd"):
            super().__init__(name=name)

    with on_engine(engine):
        model = classifier(metrics=[Odd()], check_finite=True)
        history = model.fit(*data(40), verbose=0)
        assert np.isnan(history.history["odd"][0])
        assert np.isfinite(history.history["loss"][0])


@pytest.mark.parametrize("engine", ENGINES)
def test_evaluate_and_predict_do_not_check(engine):
    with on_engine(engine):
        model = hidden_overflow(check_finite=True)
        assert np.isfinite(model.evaluate(X, Y, verbose=0))
        assert np.isfinite(model.predict(X, verbose=0)).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_program_of_ones_own(engine):
    with on_engine(engine):
        model = hidden_overflow(check_finite=True)
        program = model.train_program()
        text = program.text.replace("np.exp(z1)", "np.exp(z1) * 1.0")
        model.use_program(sheer.Program(text, "train_step", "mine.py"))
        with pytest.raises(sheer.NotFiniteError, match=r"np.exp\(z1\) \* 1.0") as caught:
            model.fit(X, Y, batch_size=BATCH, shuffle=False, verbose=0)
        assert caught.value.step.place["batch"] == 9


CHANGES = {
    "h1[0] = np.inf": "infinity in line 11 of train_step, layer dense.\n  line   h1[0] = np.inf\n",
    "h1[0] += np.nan": "NaN in line 11 of train_step, layer dense.\n  line   h1[0] += np.nan\n",
    "np.add(h1, np.inf, out=h1)": "infinity in line 11 of train_step, layer dense.\n",
    "h1 = h1 / 0; q = h1": "in line 11 of train_step, layer dense.\n  line   h1 = h1 / 0; q = h1\n",
    "if len(x) > 1: h1 = h1 + np.inf": "infinity in line 11 of train_step, layer dense.\n",
    "h1 = h1 + np.inf; h1 = z1": "A NaN or an infinity in line 11 of train_step.\n",
}


@pytest.mark.parametrize("change", CHANGES)
def test_lines_that_change_values_in_place(change):
    model = classifier(check_finite=True)
    x, y = data(40)
    program = model.train_program(x, y)
    lines = program.text.splitlines()
    number = next(i for i, line in enumerate(lines) if line.strip().startswith("h1 = "))
    lines.insert(number + 1, f"    {change}")
    assert number + 2 == 11
    model.use_program(sheer.Program("\n".join(lines) + "\n", "train_step"))
    variables, _, _ = state(model)
    with pytest.raises(sheer.NotFiniteError) as caught:
        model.fit(x, y, verbose=0)
    assert CHANGES[change] in str(caught.value)
    assert variables == state(model)[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_streams(engine):
    with on_engine(engine):
        model = hidden_overflow(check_finite=True)
        batches = ((X[i : i + 50], Y[i : i + 50]) for i in range(0, 200, 50))
        with pytest.raises(sheer.NotFiniteError) as caught:
            model.fit(batches, verbose=0)
        assert caught.value.step.place == {"epoch": 0, "batch": 3}
        assert "  rows   0 of the batch" in str(caught.value)


@pytest.mark.parametrize("engine", ENGINES)
def test_eagerly(engine):
    with on_engine(engine):
        model = hidden_overflow(check_finite=True, run_eagerly=True)
        with pytest.raises(sheer.NotFiniteError) as caught:
            model.fit(X, Y, batch_size=BATCH, shuffle=False, verbose=0)
        z = X[144:160] @ model.get_weights()[0]
        assert str(caught.value) == (
            "Epoch 1, batch 10: The op exp computed infinity in layer 'power' (forward), at "
            "[6, 0] of its result (16, 3).\nIts operands were:\n"
            f"  x: (16, 3), {z.min():.3g} to {z.max():.3g}\n"
            "The model is as it was before this step; the traceback names your line."
        )
        assert caught.value.step is None
        other = hidden_overflow(run_eagerly=True)
        other.fit(X[:144], Y[:144], batch_size=BATCH, shuffle=False, verbose=0)
        assert equal(model.get_weights(), other.get_weights())
        again = classifier(check_finite=True, run_eagerly=True)
        again.fit(*data(40), verbose=0)


def test_what_files_and_copies_hold(tmp_path):
    model = classifier(check_finite=True)
    assert model.check_finite
    assert "check_finite" not in model.get_compile_config()
    copy = sheer.models.clone_model(model)
    assert copy.check_finite
    model.fit(*data(40), verbose=0)
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        compiled = json.loads(file.read("config.json"))["compile_config"]
    assert "check_finite" not in compiled
    again = sheer.models.load_model(tmp_path / "model.keras")
    assert not again.check_finite
    again.fit(*data(40), verbose=0)


def test_the_argument():
    model = classifier()
    with pytest.raises(ValueError) as caught:
        model.compile("sgd", "mse", check_finite=1)
    assert str(caught.value) == "compile: check_finite must be True or False. Got 1."
    with pytest.raises(TypeError):
        model.compile("sgd", "mse", None, None, None, False, 1, "auto", True, True)
