"""The doctor in a real fit: it changes nothing, finds the first NaN exactly, and survives."""

import re
import warnings

import numpy as np
import pytest

import sheer
from planned import ISAS, on_engine
from sheer import layers, ops
from sheer.callbacks import BackupAndRestore, Callback, Doctor, TerminateOnNaN
from sheer.inspect import RecordedStep
from sheer.inspect.findings import RULES, Rule
from small import classifier, data, equal

ENGINES = ["numpy", *(["native"] if ISAS else [])]
X, Y = data(400, 8)
# A row whose score is so large that exp overflows.
BAD = 230
WILD = X.copy()
WILD[BAD] = 40.0


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Where the doctor may leave the step that it found."""
    monkeypatch.chdir(tmp_path)


def wild(**options):
    """A model that overflows where it sees the row BAD."""
    sheer.utils.set_random_seed(1)
    x = sheer.Input((8,))
    z = layers.Dense(4, name="score", kernel_initializer=sheer.initializers.Constant(0.3))(x)
    h = layers.Lambda(ops.exp, name="power")(z)
    h = layers.Dropout(0.2)(h)
    model = sheer.Model(x, layers.Dense(3, activation="softmax", name="last")(h))
    rate = sheer.optimizers.Adam(1e-3)
    model.compile(rate, "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def everything(model):
    """All that a training leaves behind."""
    found = [*model.weights, *model.optimizer.variables]
    found += [v for metric in model.metrics for v in metric.variables]
    found += [layer.seed_generator.state for layer in model.layers if "dropout" in layer.name]
    return [v.numpy() for v in found]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("x", [X, WILD], ids=["finite", "nan"])
def test_the_training_is_the_same_bit_for_bit(engine, x, tmp_path):
    def trained(callbacks):
        model = wild()
        history = model.fit(
            x, Y, epochs=4, batch_size=16, validation_split=0.1, verbose=0, callbacks=callbacks
        )
        return everything(model), history.history

    with on_engine(engine):
        doctor = Doctor(tmp_path / "not_finite.step", verbose=False)
        found, figures = trained([doctor])
        wanted, plain = trained([])
    # NaN beside NaN count as equal here: as bytes they are compared below.
    assert [a.tobytes() for a in found] == [a.tobytes() for a in wanted]
    assert str(figures) == str(plain)
    assert doctor.looked >= 1 and doctor.steps == 4 * 23
    assert ("not_finite" in [f.name for f in doctor.findings]) == (x is WILD)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("each", [False, True], ids=["turns", "batches"])
def test_the_first_nan_exactly(engine, shuffle, each, tmp_path, capsys):
    """Line, layer, unit and row, though many batches run between two looks; the step is kept."""
    path = tmp_path / "not_finite.step"
    others = [TerminateOnNaN()] if each else []
    with on_engine(engine):
        doctor = Doctor(path)
        model = wild()
        model.fit(
            WILD, Y, epochs=2, batch_size=16, shuffle=shuffle, verbose=0,
            callbacks=[*others, doctor],
        )  # fmt: skip
    finding = next(f for f in doctor.findings if f.name == "not_finite")
    assert (finding.layer, finding.source) == ("power", "power_out = np.exp(z1)")
    assert finding.evidence["data_rows"] == [BAD]
    assert finding.epoch == 0
    (row,) = finding.evidence["rows"]
    if not shuffle:
        assert (finding.batch, row) == divmod(BAD, 16)
    step = RecordedStep.load(path)
    assert step.place == {"epoch": 0, "batch": finding.batch}
    np.testing.assert_array_equal(step["x"][row], WILD[BAD])
    assert np.isinf(step["power_out"][row]).all() and np.isfinite(step["score.kernel"]).all()
    assert step.text.splitlines()[finding.line - 1].strip().startswith("power_out = np.exp(z1)")
    low, high = step["z1"].min(), step["z1"].max()
    printed = capsys.readouterr().out
    assert f"    from   z1 (16, 4), {low:.3g} to {high:.3g}\n" in printed
    assert f"The step is in {path}" in printed.replace("\n  ", " ")
    assert printed.count("The first value that is not finite") == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_weight_that_is_not_finite_at_all(engine):
    """The loss of a batch is finite, its update is not."""
    with on_engine(engine):
        model = classifier(features=8, optimizer=sheer.optimizers.SGD(3e38))
        model.set_weights([w * 8 for w in model.get_weights()])
        doctor = Doctor(None, verbose=False)
        model.fit(X * 100, Y, batch_size=400, epochs=1, verbose=0, callbacks=[doctor])
    finding = next(f for f in doctor.findings if f.name == "not_finite")
    assert finding.source.startswith("new_") or "_step" in finding.source
    assert finding.batch == 0 and finding.evidence["rows"] == []


def test_an_infinity_in_the_data(capsys):
    x = X.copy()
    x[7, 3] = np.inf
    model = classifier(features=8)
    model.fit(x, Y, batch_size=400, shuffle=False, verbose=0, callbacks=[Doctor(None)])
    printed = capsys.readouterr().out
    assert (
        "Doctor: The first value that is not finite: infinity in x, which went into\n"
        "train_step (epoch 1, batch 1)\n"
        "    value  x[7, 3] is infinity, unit 3; 1 of its 3,200 numbers is not finite\n"
        "    rows   7 of the batch\n"
        "  The data hold it: look at these rows, and fill or drop them.\n"
    ) in printed


def test_an_infinity_that_the_loss_hides():
    """tanh makes 1 of it."""
    x = sheer.Input((8,))
    z = layers.Dense(4, kernel_initializer=sheer.initializers.Constant(50.0))(x)
    h = layers.Lambda(lambda z: ops.tanh(ops.exp(z)), name="power")(z)
    model = sheer.Model(x, layers.Dense(3, "softmax")(h))
    model.layers[1].trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    # A line of its own, as where a gradient comes through.
    program = model.train_program(X, Y)
    text = re.sub(
        r"    (\w+) = np.tanh\(np.exp\(z1\)\)", r"    power = np.exp(z1)\n    \1 = np.tanh(power)",
        program.text,
    )  # fmt: skip
    model.use_program(sheer.Program(text, "train_step", "mine.py"))
    doctor = Doctor(None, verbose=False)
    model.fit(X, Y, epochs=2, batch_size=400, verbose=0, callbacks=[doctor])
    (finding,) = doctor.findings
    assert (finding.name, finding.layer) == ("hidden_infinity", "power")
    assert finding.evidence["value"] == "power" and "finite: what comes after hides" in finding.text


def test_a_file_that_cannot_be_written(tmp_path):
    doctor = Doctor(tmp_path / "no" / "folder.step", verbose=False)
    wild().fit(WILD, Y, verbose=0, callbacks=[doctor])
    finding = next(f for f in doctor.findings if f.name == "not_finite")
    assert "The step could not be kept in" in finding.text and "no folder" in finding.text


def test_what_is_printed(capsys):
    model = classifier(features=8, optimizer="adam")
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[Doctor()])
    assert capsys.readouterr().out == "The doctor looked at 4 of 39 steps and found nothing.\n"
    model = classifier(features=8, optimizer="adam")
    doctor = Doctor()
    model.fit(X * 500, Y, verbose=0, callbacks=[doctor])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ("Doctor: The inputs are not scaled: x has large numbers (epoch 1, batch 1)")
    assert lines[1].startswith("  line 9: z1 = x @ dense_2.kernel + dense_2.bias")
    assert lines[-1] == doctor.summary()
    assert all(len(line) <= 80 for line in lines[:-1])
    model.fit(X * 500, Y, verbose=0, callbacks=[Doctor(verbose=False)])
    assert capsys.readouterr().out == ""


def test_not_into_the_middle_of_a_bar(capsys, monkeypatch):
    """A finding begins a line of its own; the bar goes on below it."""
    monkeypatch.setattr("sheer.callbacks.progress.INTERVAL", 0.0)

    class Slow(Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    model = wild()
    model.fit(WILD, Y, batch_size=16, verbose=1, callbacks=[Slow(), Doctor(None)])
    printed = capsys.readouterr().out
    for found in re.finditer("Doctor: |The doctor looked", printed):
        assert printed[found.start() - 1] == "\n", printed[: found.start()][-80:]
    assert "\r25/25" in printed


def test_how_much_time_it_takes():
    """The samples are spaced by what the last one cost."""
    model = sheer.Sequential(
        [sheer.Input((400,)), layers.Dense(300, "relu"), layers.Dense(3, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    x = np.random.default_rng(0).normal(size=(4000, 400)).astype("float32")
    y = np.random.default_rng(1).integers(0, 3, 4000)

    few, many = Doctor(share=0.02, verbose=False), Doctor(share=0.5, verbose=False)
    model.fit(x, y, epochs=12, verbose=0, callbacks=[few])
    model.fit(x, y, epochs=12, verbose=0, callbacks=[many])
    assert many.looked > few.looked >= 10


# --- it survives ------------------------------------------------------------------------------


def test_eagerly(capsys):
    model = wild(run_eagerly=True)
    doctor = Doctor()
    model.fit(WILD[:256], Y[:256], batch_size=16, verbose=0, callbacks=[doctor])
    printed = capsys.readouterr().out
    assert printed.startswith(
        "Doctor: with run_eagerly=True there is no program to look into. It looks at the figures "
        "alone: the loss, and that of the validation.\n"
    )
    (finding,) = doctor.findings
    assert finding.title == "The loss or a weight is not finite"
    assert doctor.looked == 0 and doctor.steps == 16


def test_streams():
    def batches():
        for i in range(0, 400, 40):
            yield WILD[i : i + 40], Y[i : i + 40]

    class Batches(sheer.utils.PyDataset):
        def __len__(self):
            return 10

        def __getitem__(self, i):
            return WILD[40 * i : 40 * i + 40], Y[40 * i : 40 * i + 40]

    for stream in (batches(), Batches()):
        doctor = Doctor(None, verbose=False)
        wild().fit(stream, verbose=0, shuffle=False, callbacks=[doctor])
        finding = next(f for f in doctor.findings if f.name == "not_finite")
        assert finding.batch == BAD // 40 and finding.evidence["rows"] == [BAD % 40]


def test_a_program_of_ones_own():
    model = wild()
    text = model.train_program().text.replace("np.exp(z1)", "np.exp(1.0 * z1)")
    model.use_program(sheer.Program(text, "train_step", "mine.py"))
    doctor = Doctor(None, verbose=False)
    model.fit(WILD, Y, verbose=0, callbacks=[doctor])
    finding = next(f for f in doctor.findings if f.name == "not_finite")
    assert finding.source == "power_out = np.exp(1.0 * z1)"


def test_a_train_step_of_ones_own():
    """Without a loss of `compile`, without a figure called loss."""

    class Own(sheer.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)
            self.mean = sheer.metrics.Mean(name="cost")

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, _ = data
            with sheer.GradientTape() as tape:
                cost = ops.mean(ops.square(self(x)))
            weights = self.trainable_variables
            self.optimizer.apply(tape.gradient(cost, weights), weights)
            self.mean.update_state(cost)
            return {"cost": self.mean.result()}

    model = Own()
    model.compile("sgd")
    doctor = Doctor(verbose=False)
    model.fit(X * 100, Y, epochs=3, verbose=0, callbacks=[doctor])
    assert doctor.findings[0].name == "unscaled_inputs"


def test_several_outputs_and_none_of_the_metrics():
    x = sheer.Input((8,))
    h = layers.Dense(8, "relu")(x)
    outputs = [layers.Dense(3, "softmax", name="kind")(h), layers.Dense(1, name="size")(h)]
    model = sheer.Model(x, outputs)
    model.compile("adam", {"kind": "sparse_categorical_crossentropy", "size": "mse"})
    doctor = Doctor(verbose=False)
    targets = {"kind": Y, "size": X[:, :1] * 1e6}
    model.fit(X, targets, epochs=2, verbose=0, callbacks=[doctor])
    (finding,) = [f for f in doctor.findings if f.name == "unscaled_targets"]
    assert (finding.layer, "y_size" in finding.title) == ("size", True)


def test_beside_backup_and_restore(tmp_path):
    """A training that goes on after a fault has a doctor too, and the weights that it would have
    had."""

    class Fault(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("a fault")

    def train(callbacks):
        sheer.utils.set_random_seed(1)
        model = classifier(features=8, optimizer="adam")
        model.fit(X, Y, epochs=4, verbose=0, callbacks=callbacks)
        return model.get_weights()

    with pytest.raises(RuntimeError):
        train([BackupAndRestore(tmp_path / "kept"), Doctor(verbose=False), Fault()])
    doctor = Doctor(verbose=False)
    found = train([BackupAndRestore(tmp_path / "kept"), doctor])
    assert equal(found, train([]))
    assert doctor.looked and doctor.findings == []


def test_evaluate_and_predict():
    model = classifier(features=8)
    doctor = Doctor()
    model.evaluate(X, Y, verbose=0, callbacks=[doctor])
    model.predict(X, verbose=0, callbacks=[doctor])
    assert doctor.findings == [] and doctor.looked == 0


def test_a_loop_of_ones_own(capsys):
    """Where there is no fit that runs."""
    model = classifier(features=8)
    callbacks = sheer.callbacks.CallbackList([Doctor()], model=model)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_train_batch_begin(0)
    callbacks.on_train_batch_end(0, {"loss": np.nan})
    callbacks.on_epoch_end(0, {"loss": 1.0, "val_loss": 2.0})
    callbacks.on_train_end()
    assert capsys.readouterr().out == "The doctor looked at 0 of 0 steps and found nothing.\n"


def test_a_rule_that_fails(monkeypatch):
    """It is left out, with a warning; the training and the other rules go on."""

    class Faulty(Rule):
        name = "faulty"

        def step(self, seen):
            raise ZeroDivisionError("a fault of its own")

    monkeypatch.setattr("sheer.inspect.findings.RULES", [Faulty, *RULES])
    doctor = Doctor(verbose=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier(features=8).fit(X * 500, Y, epochs=2, verbose=0, callbacks=[doctor])
    assert [str(w.message) for w in caught] == [
        "Doctor: faulty failed, and is not looked for any more: "
        "ZeroDivisionError('a fault of its own')"
    ]
    assert "unscaled_inputs" in [f.name for f in doctor.findings]


def test_an_error_in_the_data_is_the_steps():
    """Labels out of range, in a stream, where nobody looked before."""
    stream = [(X[:40], Y[:40]), (X[40:80], Y[40:80] + 50)]
    with pytest.raises((IndexError, ValueError)) as caught:
        classifier(features=8).fit(iter(stream), verbose=0, callbacks=[Doctor(verbose=False)])
    assert not any("Doctor" in note for note in getattr(caught.value, "__notes__", []))


def test_a_validation_without_batches():
    """A generator that is empty after the first epoch."""
    held_out = iter([(X[:40], Y[:40])])
    doctor = Doctor(verbose=False)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        model = classifier(features=8, optimizer="adam")
        history = model.fit(X, Y, epochs=3, verbose=0, validation_data=held_out, callbacks=[doctor])
    assert len(history.history["val_loss"]) == 1 and doctor.findings == []


def test_used_twice():
    doctor = Doctor(verbose=False)
    classifier(features=8).fit(X * 500, Y, verbose=0, callbacks=[doctor])
    assert doctor.findings
    classifier(features=8).fit(X, Y, verbose=0, callbacks=[doctor])
    assert doctor.findings == [] and doctor.looked == 2  # the first step and the last


def test_arguments():
    for arguments, text in [
        ({"share": 0}, "Doctor: share must be a number in (0, 1]. Got 0."),
        ({"share": 2}, "Doctor: share must be a number in (0, 1]. Got 2."),
        ({"verbose": 1}, "Doctor: verbose must be True or False. Got 1."),
    ]:
        with pytest.raises(ValueError) as caught:
            Doctor(**arguments)
        assert str(caught.value) == text
