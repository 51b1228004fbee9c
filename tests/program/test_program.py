"""Program: text that runs, is debugged, saved, changed, and loaded back."""

import io
import pdb
import traceback

import numpy as np
import pytest

import sheer
from sheer import Program, layers


def small_model():
    sheer.utils.set_random_seed(3)
    model = sheer.Sequential(
        [sheer.Input((4,)), layers.Dense(5, activation="relu"), layers.Dense(3, "softmax")]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def small_data(rows=20):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 4)).astype(np.float32), rng.integers(0, 3, rows)


@pytest.mark.usefixtures("numpy_engine")
def test_fit_runs_the_text_that_is_shown():
    model = small_model()
    x, y = small_data()
    program = model.train_program(x, y)
    assert model.train_program(x, y) is program
    calls = []
    function = program.function
    program.function = lambda *args: calls.append(len(args[0])) or function(*args)
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)
    assert calls == [8, 8, 4]


def test_one_text_for_every_batch_size():
    model = small_model()
    x, y = small_data(20)
    text = str(model.train_program(x[:3], y[:3]))
    assert text == str(model.train_program(x, y))
    assert "/ len(x)" in text and "(n, 4)" in text
    # Run by hand at sizes that it was not traced with.
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    weights = model.get_weights()
    for rows in (1, 7, 20):
        model.set_weights(weights)
        model.reset_metrics()
        eager = model.train_on_batch(x[:rows], y[:rows])
        other = small_model()
        other.set_weights(weights)
        assert other.train_on_batch(x[:rows], y[:rows], return_dict=True)["loss"] == pytest.approx(
            eager, rel=1e-5
        )
        for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_an_exception_shows_its_own_line():
    model = small_model()
    x, y = small_data()
    program = model.train_program(x, y)
    with pytest.raises(AttributeError) as caught:
        program(x, y, *[None] * 4)
    shown = "".join(traceback.format_exception(caught.value))
    assert f'File "{program.filename}"' in shown
    assert "z1 = x @ dense.kernel + dense.bias" in shown


def test_the_debugger_shows_source_and_values():
    model = small_model()
    x, y = small_data()
    changed = str(model.train_program(x, y)).replace(
        "    # 2. loss", "    breakpoint_here()\n\n    # 2. loss"
    )
    program = Program(changed, "train_step")
    output = io.StringIO()
    debugger = pdb.Pdb(stdin=io.StringIO("list\np h1.shape\ncontinue\n"), stdout=output)
    debugger.use_rawinput = False
    program.function.__globals__["breakpoint_here"] = debugger.set_trace
    model.use_program(program)
    model.train_on_batch(x, y)
    shown = output.getvalue()
    assert "breakpoint_here()" in shown and "-> losses = -take_label(log_softmax(z2), y)" in shown
    assert "(20, 5)" in shown


def test_a_changed_program_is_loaded_and_fit_runs_it(tmp_path):
    x, y = small_data()
    model = small_model()
    path = tmp_path / "step.py"
    model.train_program(x, y).save(path)
    text = path.read_text()
    # Freeze the first layer by hand.
    assert '"dense.kernel": new_dense_kernel,' in text
    path.write_text(
        text.replace('"dense.kernel": new_dense_kernel,', '"dense.kernel": dense.kernel,')
    )
    program = Program.load(path)
    assert program.name == "train_step" and program.filename == str(path)
    before = model.get_weights()
    model.use_program(program)
    model.fit(x, y, epochs=2, verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[2], after[2])
    assert str(model.train_program()) == path.read_text()
    model.use_program(None)
    model.fit(x, y, epochs=1, verbose=0)
    assert not np.array_equal(before[0], model.get_weights()[0])


@pytest.mark.usefixtures("numpy_engine")
def test_unchanged_text_loaded_back_gives_the_same_training(tmp_path):
    x, y = small_data()
    first, second = small_model(), small_model()
    second.train_program(x, y).save(tmp_path / "step.py")
    second.use_program(Program.load(tmp_path / "step.py"))
    histories = []
    for model in (first, second):
        sheer.utils.set_random_seed(5)
        histories.append(model.fit(x, y, epochs=3, batch_size=8, verbose=0).history)
    assert histories[0] == histories[1]


def test_saving_is_all_or_nothing(tmp_path):
    program = Program("def f(x):\n    return x\n", "f")
    path = tmp_path / "p.py"
    program.save(path)
    program.save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["p.py"]
    assert path.read_text() == program.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "defines no function. A program is a file with a function, such as train_step"),
        ("def train_step(x:\n", "line 1: "),
    ],
)
def test_load_errors(tmp_path, text, message):
    path = tmp_path / "p.py"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        Program.load(path)
    assert message in str(caught.value) and str(path) in str(caught.value)


def use_and_train(text):
    model = small_model()
    x, y = small_data()
    model.use_program(Program(text, "train_step", "step.py"))
    before = model.get_weights()
    try:
        model.train_on_batch(x, y)
    finally:
        for a, b in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_program_with_an_unknown_parameter():
    with pytest.raises(ValueError) as caught:
        use_and_train("def train_step(x, y, hidden):\n    return {}, {}\n")
    assert str(caught.value) == (
        "step.py: train_step has the parameter 'hidden', which is neither data nor a part of this "
        "model.\nKnown here: x, y, dense, dense_1, sgd, metrics."
    )


def test_a_program_that_returns_no_state():
    with pytest.raises(ValueError) as caught:
        use_and_train("def train_step(x, y):\n    return {'loss': 0.0}\n")
    assert str(caught.value) == (
        "step.py: train_step must return (output, state), where state is a dictionary such as "
        "{'dense.kernel': new_value}."
    )


def test_a_program_with_a_wrong_shape():
    with pytest.raises(ValueError) as caught:
        use_and_train(
            "def train_step(x, y, dense):\n"
            "    return {'loss': 0.0}, {'dense_1.bias': dense.bias, 'dense.kernel': x}\n"
        )
    message = "the new value of dense_1.bias has the shape (5,), the variable (3,)."
    assert message in str(caught.value)


def test_a_program_with_an_unknown_name():
    with pytest.raises(KeyError) as caught:
        use_and_train("def train_step(x, y):\n    return {'loss': 0.0}, {'dense.weight': x}\n")
    assert "state has the key 'dense.weight'. Known: dense.kernel, dense.bias" in str(caught.value)


def test_use_program_of_another_name():
    with pytest.raises(ValueError) as caught:
        small_model().use_program(Program("def f(x):\n    return x\n", "f"))
    assert str(caught.value) == (
        "use_program: the function must be called train_step, test_step or predict_step. Got 'f'."
    )


def test_an_exception_in_a_step_leaves_the_weights():
    model = small_model()
    x, y = small_data()
    text = str(model.train_program(x, y)).replace("    return logs, state", "    1 / 0")
    model.use_program(Program(text, "train_step"))
    before = model.get_weights()
    with pytest.raises(ZeroDivisionError):
        model.fit(x, y, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_predict_and_test_programs():
    model = small_model()
    x, y = small_data()
    predicted = model.predict(x, verbose=0)
    np.testing.assert_allclose(predicted, model(x).numpy(), rtol=1e-6)
    assert model.predict_program().name == "predict_step"
    assert "backward" not in str(model.test_program(x, y))
    assert "# 2. loss: sparse_categorical_crossentropy" in str(model.test_program(x, y))
    assert repr(model.predict_program()).startswith("<Program predict_step(x, dense, dense_1):")


def test_programs_of_a_model_that_is_not_built():
    model = sheer.Sequential([layers.Dense(3)])
    model.compile("sgd", "mse")
    with pytest.raises(sheer.NotBuiltError) as caught:
        model.train_program()
    assert str(caught.value) == (
        "train_program: model 'sequential' is not built: its input shape is not known yet.\n"
        "Begin it with Input((features,)), call build((None, features)), or call it on data."
    )


def test_names_that_programs_use_themselves():
    """Layers and functions called as a program's own functions, as Python's, or as NumPy."""
    sheer.utils.set_random_seed(3)
    model = sheer.Sequential(
        [
            sheer.Input((4,)),
            layers.Dense(5, "relu", name="one_hot"),
            layers.Dense(4, name="np"),
            layers.Dense(3, "softmax", name="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = small_data()
    model.fit(x, y, verbose=0)
    assert model.train_program().parameters == [
        "x", "y", "one_hot_2", "np_2", "softmax_2", "sgd", "metrics",
    ]  # fmt: skip


def test_a_function_called_as_an_op():
    @sheer.function
    def softmax(softmax):
        r"""The \softmax, "rows" of it:"""
        return sheer.ops.softmax(softmax)

    x = np.array([[0.0, 0.0]], np.float32)
    np.testing.assert_allclose(softmax(x).numpy(), [[0.5, 0.5]])
    assert softmax.program(x).parameters == ["softmax_2"]
    assert softmax.program(x).name == "softmax_program"
    assert """The \\\\softmax, 'rows' of it:""" in str(softmax.program(x))
