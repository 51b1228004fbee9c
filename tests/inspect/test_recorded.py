"""RecordedStep: its values and figures, its file, and that recording changes nothing."""

import json

import numpy as np
import pytest

import sheer
from sheer import saving
from sheer.inspect import RecordedStep, Statistics
from sheer.inspect.recorded import FORMAT, KINDS
from steps import NAMES, data, model, recorded


def state(made) -> dict:
    """All that a step of training changes."""
    variables = [*made.weights, *made.optimizer.variables]
    variables += [v for metric in made.metrics for v in metric.variables]
    return {v.path + str(i): v.numpy().copy() for i, v in enumerate(variables)}


def assert_equal(one: dict, other: dict) -> None:
    assert one.keys() == other.keys()
    for key, value in one.items():
        np.testing.assert_array_equal(value, other[key], err_msg=key, strict=True)


# Values


def test_values_by_hand():
    model = sheer.Sequential([sheer.Input((2,)), sheer.layers.Dense(1, activation="relu")])
    model.compile("sgd", "mse")
    model.set_weights([np.array([[1.0], [-2.0]]), np.array([0.5])])
    x, y = np.array([[3.0, 1.0], [1.0, 4.0]]), np.array([[1.0], [2.0]])
    step = model.trace_step(x, y)
    np.testing.assert_array_equal(step["x"], x)
    np.testing.assert_array_equal(step["dense.kernel"], [[1], [-2]])
    np.testing.assert_array_equal(step["z1"], [[1.5], [-6.5]])
    np.testing.assert_array_equal(step["y_pred"], [[1.5], [0]])
    np.testing.assert_allclose(step["loss"], (0.5**2 + 2**2) / 2)
    np.testing.assert_allclose(step["d_kernel"], [[1.5], [0.5]])
    np.testing.assert_allclose(step["new_kernel"], [[1 - 0.015], [-2 - 0.005]], rtol=1e-6)
    assert step.logs == {"loss": pytest.approx(2.125)}
    assert step["z1"].dtype == "float32"


def test_figures_by_hand():
    made = model("textbook")
    x, y = data("textbook")
    step = made.trace_step(x, y)
    x[0, 0], x[1, 1] = np.nan, -np.inf
    step.inputs["x"] = x
    found, finite = step.statistics("x"), x[np.isfinite(x)].astype("float64")
    assert found == Statistics(
        shape=(6, 784),
        dtype="float32",
        minimum=float(finite.min()),
        mean=float(finite.mean()),
        maximum=float(finite.max()),
        deviation=float(finite.std()),
        zeros=float((x == 0).mean()),
        nans=1 / x.size,
        infinities=1 / x.size,
    )
    assert step.statistics("x") is found


def test_figures_of_the_largest_floats():
    found = Statistics.of(np.array([1e308, -1e308, 1e308]))
    assert (found.minimum, found.maximum) == (-1e308, 1e308)


def test_names():
    step = recorded("textbook")
    assert "z1" in step and "dense.kernel" in step and "z9" not in step
    assert list(step)[:2] == ["x", "y"] and list(step)[-1] == "new_accuracy_count"
    with pytest.raises(KeyError) as error:
        step["dense.kernl"]
    assert error.value.args[0] == (
        "There is no value 'dense.kernl' in train_step. Did you mean 'dense.kernel'?"
    )
    assert step.row_of("z1").source == "z1 = x @ dense.kernel + dense.bias"
    assert step.row_of("x") is None
    assert repr(step) == "<RecordedStep train_step: 30 rows, 31 values, print() shows them>"


def test_the_first_value_that_is_not_finite():
    made = model("textbook")
    x, y = data("textbook")
    assert made.trace_step(x, y).first_not_finite() is None
    weights = made.get_weights()
    weights[0][:, 7] = 3e38
    made.set_weights(weights)
    found = made.trace_step(x, y).first_not_finite()
    assert (found.name, found.index, found.row.part) == ("z1", (0, 7), "dense")
    x[4, 2] = np.inf
    found = made.trace_step(x, y).first_not_finite()
    assert (found.name, found.index, found.row) == ("x", (4, 2), None)


def test_kinds():
    made = model("textbook")
    x, y = data("textbook")
    step = made.trace_step(x, kind="predict")
    np.testing.assert_allclose(step["y_pred"], made.predict(x, verbose=0), rtol=1e-5)
    assert step.logs == {} and step.name == "predict_step"
    test = made.trace_step(x, y, kind="test")
    loss, accuracy = made.evaluate(x, y, verbose=0)
    assert test.logs["loss"] == pytest.approx(loss, rel=1e-5)
    assert test.logs["accuracy"] == pytest.approx(accuracy)
    assert not any(name.startswith("d_") for name in test.values)
    with pytest.raises(ValueError) as error:
        made.trace_step(x, y, kind="fit")
    assert str(error.value) == ("trace_step: kind must be 'train', 'test' or 'predict'. Got 'fit'.")


# Recording changes nothing


@pytest.mark.parametrize("engine", ["numpy", "native"])
@pytest.mark.parametrize("name", NAMES)
def test_update_is_the_step_of_train_on_batch(name, engine):
    before = sheer.config.engine()
    try:
        sheer.config.set_engine(engine)
    except (ImportError, ValueError, RuntimeError) as error:
        pytest.skip(str(error))
    try:
        x, y = data(name)
        twin = model(name)
        twin.train_on_batch(x, y)
        twin.train_on_batch(x, y)
        made = model(name)
        made.train_on_batch(x, y)
        step = made.trace_step(x, y, update=True)
        variables = [*twin.weights, *twin.optimizer.variables]
        own = [*made.weights, *made.optimizer.variables]
        for one, other in zip(own, variables, strict=True):
            np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)
        for weight in made.trainable_weights:
            new = next(
                t
                for row in step.rows
                for t, of in zip(row.targets, row.of, strict=False)
                if row.phase == "update" and of == weight.path.replace("/", ".")
            )
            np.testing.assert_allclose(step[new], weight.numpy(), rtol=1e-4, atol=1e-6)
    finally:
        sheer.config.set_engine(before)


@pytest.mark.parametrize("kind", ["train", "test", "predict"])
@pytest.mark.parametrize("name", NAMES)
def test_without_update_all_stays_as_it_was(name, kind):
    x, y = data(name)
    made = model(name)
    made.train_on_batch(x, y)
    before = state(made)
    copies = [np.array(a) for a in (x if isinstance(x, list) else [x])]
    made.trace_step(x, None if kind == "predict" else y, kind=kind)
    made.trace_step(x, None if kind == "predict" else y, kind=kind)
    assert_equal(state(made), before)
    for array, copy in zip(x if isinstance(x, list) else [x], copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    made.train_on_batch(x, y)
    twin = model(name)
    twin.train_on_batch(x, y)
    twin.train_on_batch(x, y)
    after, expected = state(made), state(twin)
    assert_equal(
        {str(i): v for i, v in enumerate(after.values())},
        {str(i): v for i, v in enumerate(expected.values())},
    )


def test_the_same_step_twice_drops_the_same_units():
    made = model("regularized")
    x, y = data("regularized")
    one, other = made.trace_step(x, y), made.trace_step(x, y)
    np.testing.assert_array_equal(one["kept"], other["kept"])
    made.train_on_batch(x, y)
    assert (made.trace_step(x, y)["kept"] != one["kept"]).any()


# A program of the user's own


def used(change: dict[str, str], name: str = "regression"):
    made = model(name)
    text = made.train_program().text
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    made.use_program(sheer.Program(text, "train_step"))
    return made, *data(name)


def test_a_program_of_ones_own():
    made, x, y = used({"h1 = np.tanh(z1)": "h1 = np.tanh(z1 / 2)  # mine"})
    step = made.trace_step(x, y)
    np.testing.assert_allclose(step["h1"], np.tanh(step["z1"] / 2), rtol=1e-6)
    assert step.explain("h1", 1, 2).formula == "tanh(z1[1, 2] / 2)"
    assert step.row_of("h1").part == "dense"


def test_loops_and_changes_in_place():
    made, x, y = used(
        {
            "    h1 = np.tanh(z1)": (
                "    h1 = np.tanh(z1)\n"
                "    h1[:, 0] = 7\n"
                "    h1 += 1\n"
                "    for i in range(3):\n"
                "        h1 = h1 * 2\n"
                "    x *= 2\n"
                "    dense.kernel[:] = 0"
            )
        }
    )
    before, x_before = state(made), x.copy()
    step = made.trace_step(x, y)
    assert_equal(state(made), before)
    np.testing.assert_array_equal(x, x_before)
    expected = np.tanh(step["z1"])
    expected[:, 0] = 7
    np.testing.assert_allclose(step["h1"], (expected + 1) * 8, rtol=1e-6)
    # Of several lines that change a value, what is kept is the last; and none has a recipe.
    assert step.explain("h1", 1, 2).formula == ""
    np.testing.assert_allclose(step["x"], 2 * x)
    np.testing.assert_array_equal(step.inputs["x"], x)
    np.testing.assert_array_equal(step.inputs["dense.kernel"], made.get_weights()[0])
    assert [row.targets for row in step.rows[1:7]] == [
        ("h1",),
        ("h1",),
        ("h1",),
        ("i", "h1"),
        ("x",),
        (),
    ]


def test_an_error_in_a_program_has_its_line():
    made, x, y = used({"h1 = np.tanh(z1)": "h1 = np.tanh(zz)"})
    with pytest.raises(NameError, match="zz"):
        made.trace_step(x, y)


# Files


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "step.safetensors"
    recorded("two_outputs").save(path)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_a_file_holds_all(name, tmp_path):
    step, path = recorded(name), tmp_path / "step.safetensors"
    step.place = {"epoch": 2, "batch": 5}
    step.save(path)
    found = RecordedStep.load(path)
    assert (found.text, found.name, found.rows) == (step.text, step.name, step.rows)
    assert (found.seconds, found.place) == (step.seconds, step.place)
    assert found.logs == {k: float(v) for k, v in step.logs.items()}
    assert_equal(found.inputs, step.inputs)
    assert_equal(found.values, step.values)
    assert str(found) == str(step)
    assert sorted(tmp_path.iterdir()) == [path]


def test_nothing_in_a_file_runs(tmp_path):
    step = recorded("regression")
    flag = tmp_path / "ran"
    bad = f"open({str(flag)!r}, 'w').close()\n"
    step.text = bad + step.text.replace("np.tanh(z1)", f"np.tanh(z1, {bad.strip()})")
    step.save(tmp_path / "s.safetensors")
    found = RecordedStep.load(tmp_path / "s.safetensors")
    str(found), found._repr_html_()
    for name in found.values:
        index = (0,) * found[name].ndim
        str(found.explain(name, *index))
    str(found.explain_gradient("dense.kernel", 0, 0))
    assert not flag.exists()


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    saving.write(path, {"a": np.ones(2)}, {"made": "by hand"})
    with pytest.raises(ValueError) as error:
        RecordedStep.load(path)
    assert str(error.value) == (f"{path} holds no recorded step, as RecordedStep.save writes it.")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        RecordedStep.load(tmp_path / "none")


def first_row(**changes):
    def change(described):
        described["rows"][0] |= changes

    return change


def entry(key, value):
    def change(described):
        described[key] = value

    return change


def without(key):
    def change(described):
        del described[key]

    return change


DAMAGE = {
    **{
        f"no {k}": without(k)
        for k in ("text", "name", "inputs", "rows", "seconds", "logs", "place")
    },
    **{
        f"{key} is {value!r}": entry(key, value)
        for key in KINDS
        for value in (None, 3, [1], {"a": "b"}, "x", True)
        if (key, type(value)) != ("place", dict)
    },
    "a program of another name": entry("name", "test_step"),
    "escape in the name": entry("name", "\x1b[2J"),
    "broken text": entry("text", "def train_step(:\n"),
    "deep text": entry("text", "def train_step():\n  x = " + "(" * 50_000),
    "unary text": entry("text", "def train_step():\n  x = " + "-" * 100_000 + "1"),
    "null in the text": entry("text", "def train_step():\n  pass\x00"),
    "an input less": lambda d: d["inputs"].pop(),
    "an input twice": lambda d: d["inputs"].append("left"),
    "a row less": lambda d: d["rows"].pop(),
    "a row of text": entry("rows", ["x"]),
    "a row without targets": lambda d: d["rows"][0].pop("targets"),
    "a row with more": first_row(more=1),
    "first is text": first_row(first="1"),
    "first is true": first_row(first=True),
    "first is 0": first_row(first=0),
    "first after last": first_row(first=14, last=13),
    "huge last": first_row(last=10**30),
    "targets of numbers": first_row(targets=[1]),
    "targets in text": first_row(targets="z1"),
    "escape in a target": first_row(targets=["\x1b[2J"]),
    "escape in a part": first_row(part="\x1b[2J"),
    "newline in a phase": first_row(phase="a\nb"),
    "a long op": first_row(op="x" * 1000),
    "of too long": first_row(of=["", ""]),
    "of what is no name": first_row(of=["a b"]),
    "logs of text": entry("logs", {"loss": "much"}),
    "logs of lists": entry("logs", {"loss": [1]}),
    "logs too large": entry("logs", {"loss": 10**400}),
    "seconds of text": lambda d: d["seconds"].__setitem__(0, "x"),
    "seconds too large": lambda d: d["seconds"].__setitem__(0, 10**400),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_description_is_refused(damage, saved):
    arrays, metadata = saving.read(saved)
    described = json.loads(metadata[FORMAT])
    DAMAGE[damage](described)
    saving.write(saved, arrays, {FORMAT: json.dumps(described)})
    with pytest.raises(ValueError, match="is no sound recorded step: ") as error:
        RecordedStep.load(saved)
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["", "3", "null", "[]", '"x"', "{", "[" * 100_000, '{"a":' * 100_000, "1" * 10_000, "NaN"],
    ids=lambda text: text[:8],
)
def test_a_description_of_another_kind_is_refused(text, saved):
    arrays, _ = saving.read(saved)
    saving.write(saved, arrays, {FORMAT: text})
    with pytest.raises(ValueError, match="is no sound recorded step"):
        RecordedStep.load(saved)


@pytest.mark.parametrize(
    "name", ["x", "other/x", "values/", "values/a b", "inputs/\x1b[2J", "values/z"]
)
def test_an_array_of_a_strange_name_is_refused(name, saved):
    arrays, metadata = saving.read(saved)
    saving.write(saved, arrays | {name: np.ones(2)}, metadata)
    with pytest.raises(ValueError, match=r"an array is called|no line of it has"):
        RecordedStep.load(saved)


def test_every_part_of_a_file_may_be_replaced(saved):
    """Each value of the description by each of other kinds: refused, or shown without an error."""
    arrays, metadata = saving.read(saved)
    text = metadata[FORMAT]
    strange = [None, True, -1, 10**30, "\x1b[2J", "", [], {}, float("nan")]
    shown = 0
    for key in json.loads(text)["rows"][4]:
        for value in strange:
            described = json.loads(text)
            described["rows"][4][key] = value
            saving.write(saved, arrays, {FORMAT: json.dumps(described)})
            try:
                step = RecordedStep.load(saved)
            except ValueError:
                continue
            shown += 1
            everything = str(step) + step._repr_html_() + str(step.explain("z2", 1, 1))
            assert "\x1b" not in everything
    assert shown


def test_a_hostile_source_is_shown_harmless(saved):
    arrays, metadata = saving.read(saved)
    described = json.loads(metadata[FORMAT])
    for row in described["rows"]:
        row["source"] = "\x1b[2J\r\x07 <script>alert(1)</script> z1 = \u202e x"
    described["text"] = described["text"].replace("# 1. forward", "# 1. forward \x1b[31m")
    described["place"] = {"epoch": "\x1b[2J", "batch": [1], "\x1b": {}}
    described["logs"] = {"\x1b[2J": 1.0}
    saving.write(saved, arrays, {FORMAT: json.dumps(described)})
    step = RecordedStep.load(saved)
    html = step._repr_html_()
    for text in (str(step), html, str(step.explain("z1", 1, 1)), repr(step)):
        assert all(c.isprintable() or c == "\n" for c in text)
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "\\x1b[2J\\r\\x07" in step.table(400)


def test_a_step_that_fails_leaves_the_metrics_as_they_were():
    model = sheer.Sequential([sheer.Input((64,)), sheer.layers.Embedding(4, 2)])
    model.compile("sgd", "mse", metrics=["mae"])
    indices = np.zeros((8, 64), "int32")
    targets = np.zeros((8, 64, 2), "float32")
    model.fit(indices, targets, verbose=0)
    before = [v.numpy().copy() for metric in model.metrics for v in metric.variables]
    assert any(value.any() for value in before)
    with pytest.raises(IndexError):
        model.trace_step(indices + 9, targets)
    after = [v.numpy() for metric in model.metrics for v in metric.variables]
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
