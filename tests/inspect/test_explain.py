"""explain and explain_gradient: against sums by hand in float64, and slopes by differences."""

import itertools
import re
from html import escape

import numpy as np
import pytest

import sheer
from sheer import layers
from sheer.inspect.cells import Cells, Number
from sheer.inspect.recipes import recipes_of
from steps import NAMES, data, model, recorded


@pytest.fixture(scope="module")
def textbook():
    return recorded("textbook")


def f64(step, *names):
    return [step[name].astype("float64") for name in names]


def test_a_sum_by_hand(textbook):
    x, kernel, bias = f64(textbook, "x", "dense.kernel", "dense.bias")
    found = textbook.explain("z1", 3, 17)
    assert found.formula == "sum over i of x[3, i] · dense.kernel[i, 17] + dense.bias[17]"
    products = x[3] * kernel[:, 17]
    np.testing.assert_allclose(found.total, products.sum() + bias[17], rtol=1e-12)
    assert found.value == textbook["z1"][3, 17] and found.is_same
    assert len(found.terms) == 785
    by_hand = sorted([*products, bias[17]], key=lambda v: -abs(v))
    np.testing.assert_allclose([t.value for t in found.terms], by_hand, rtol=1e-12)
    first = int(np.abs(products).argmax())
    assert found.terms[0].words == f"x[3, {first}] · dense.kernel[{first}, 17]"
    numbers = f"{x[3, first]:.4g} · {kernel[first, 17]:.4g}"
    assert found.terms[0].numbers == numbers


def test_the_text_of_a_sum(textbook):
    lines = str(textbook.explain("z1", 3, 17, most=3)).splitlines()
    value = f"{textbook['z1'][3, 17]:.4g}"
    row = textbook.row_of("z1")
    assert lines[0] == (
        f"z1[3, 17] = {value}    (line {row.first}: z1 = x @ dense.kernel + dense.bias)"
    )
    assert lines[1] == "  = sum over i of x[3, i] · dense.kernel[i, 17] + dense.bias[17]"
    assert [line.strip().startswith("x[3, ") for line in lines[2:5]] == [True] * 3
    zeros = int((textbook["x"][3] == 0).sum())
    assert lines[5].strip().startswith(f"and 782 more, {zeros} of them 0")
    terms = textbook.explain("z1", 3, 17).terms
    assert float(lines[5].split("=")[1]) == pytest.approx(
        sum(t.value for t in list(terms)[3:]), rel=1e-3
    )
    assert lines[6].split() == ["together,", "as", "recorded", "=", value]
    assert len(lines) == 7


def test_a_layer_explains_its_output_and_what_was_before_it(textbook):
    found = textbook.explain("dense", 3, 17)
    assert (found.name, found.formula) == ("h1", "max(z1[3, 17], 0)")
    assert [under.name for under in found.under] == ["z1"]
    z = textbook["z1"][3, 17]
    assert f"\n  = max({z:.4g}, 0)\n  = {max(z, 0):.4g}, as recorded\n" in str(found)
    assert str(textbook.explain("z1", 3, 17)).splitlines()[1] in str(found)
    assert textbook.explain("h1", 3, 17).under == []


def test_a_probability_and_its_loss(textbook):
    (z,) = f64(textbook, "z2")
    powers = np.exp(z[2])
    found = textbook.explain("y_pred", 2, 4)
    assert found.formula == "exp(z2[2, 4]) / (sum over i of exp(z2[2, i]))"
    np.testing.assert_allclose(found.total, powers[4] / powers.sum(), rtol=1e-12)
    np.testing.assert_allclose([t.value for t in found.terms], sorted(powers)[::-1], rtol=1e-12)
    loss = textbook.explain("losses", 2)
    assert loss.formula == "-(z2[2, y[2]] - log(sum over i of exp(z2[2, i])))"
    label = int(textbook["y"][2])
    np.testing.assert_allclose(loss.total, np.log(powers.sum()) - z[2, label], rtol=1e-12)
    mean = textbook.explain("loss")
    np.testing.assert_allclose(mean.total, textbook["losses"].astype("float64").mean())
    assert "mean over r of losses[r]" in mean.formula
    assert "together, to be divided by 6" in str(mean)


def test_large_logits_do_not_overflow():
    made = model("textbook")
    x, y = data("textbook")
    made.set_weights([w * 3000 for w in made.get_weights()])
    step = made.trace_step(x, y)
    assert np.abs(step["z2"]).max() > 1000
    for row in range(len(x)):
        for name, index in (("y_pred", (row, 3)), ("losses", (row,))):
            found = step.explain(name, *index)
            assert np.isfinite(found.total) and found.is_same


def test_what_went_in(textbook):
    found = textbook.explain("x", 3, 5)
    assert str(found) == f"x[3, 5] = {textbook['x'][3, 5]:.4g}    (it went into the step)\n"


def test_a_negative_index_counts_from_the_end(textbook):
    assert textbook.explain("z1", -1, -1).index == (5, 511)


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_the_values_of_their_recipes(name):
    """Of every understood line: three elements, by their formula, are what was recorded."""
    step = recorded(name)
    rng = np.random.default_rng(0)
    for row in step.rows:
        for target in row.targets:
            if target not in step or not step[target].size:
                continue
            shape = step[target].shape
            for _ in range(3):
                index = tuple(int(rng.integers(size)) for size in shape)
                found = step.explain(target, *index)
                assert found.formula, target
                assert found.is_same, str(found)
                assert str(found).splitlines()[0].startswith(f"{target}")


def test_a_difference_is_said(textbook):
    step = recorded("textbook")
    step.values["z1"] = step["z1"].copy()
    step.values["z1"][3, 17] += 0.25
    found = step.explain("z1", 3, 17)
    assert not found.is_same
    assert str(found).splitlines()[-1] == (
        f"  Recorded is {found.value:.8g}, and the formula gives {found.total:.8g}: more than "
        "rounding explains."
    )
    assert found.value - found.total == pytest.approx(0.25, abs=1e-5)


# Other models


def test_batch_normalization_is_explained_down_to_its_input():
    step = recorded("regularized")
    found = step.explain("batch_normalization", 2, 3)
    assert found.formula == (
        "x_hat[2, 3] · batch_normalization.gamma[3] + batch_normalization.beta[3]"
    )
    (x_hat,) = found.under
    assert x_hat.formula == "(z1[2, 3] - mean[3]) / sqrt(variance[3] + 0.001)"
    assert [under.name for under in x_hat.under] == ["mean", "variance"]
    (z,) = f64(step, "z1")
    np.testing.assert_allclose(x_hat.under[0].total, z[:, 3].mean())
    np.testing.assert_allclose(x_hat.under[1].total, z[:, 3].var(), rtol=1e-5)


def test_dropout_says_what_it_kept():
    step = recorded("regularized")
    for index in ((0, 0), (2, 3), (4, 5)):
        found = step.explain("dropout", *index)
        kept = bool(step["kept"][index])
        assert found.total == pytest.approx(step["h2"][index] / 0.8 if kept else 0, rel=1e-6)
        assert f"if {kept} else 0" in str(found)


def test_a_layer_called_twice():
    step = recorded("two_outputs")
    found = str(step.explain("shared", 2, 3))
    assert found.startswith(
        "shared is called 2 times: this is the first; see also explain('h1_2', ...).\nh1[2, 3] = "
    )
    assert "right[2, " in str(step.explain("z1_2", 2, 3))


def test_a_joined_value_is_found_in_its_part():
    step = recorded("two_outputs")
    assert step.explain("concatenate", 2, 9).formula == "h1_2[2, 1]"
    assert step.explain("d_h1_2", 2, 3).formula == "d_concatenate[2, 11]"


def test_an_embedding_is_looked_up():
    step = recorded("words")
    found = step.explain("embedding", 2, 3, 1)
    assert found.formula == "embedding.embeddings[x[2, 3], 1]"
    assert found.total == pytest.approx(step["embedding.embeddings"][step["x"][2, 3], 1])
    word = int(step["x"][0, 0])
    gradient = step.explain_gradient("embedding.embeddings", word, 3)
    assert gradient.formula == f"sum over r, k of d_embedding_out[r, k, 3] · (x[r, k] = {word})"


# Gradients


def slope(made, x, y, number, index, by=1e-3):
    """The slope of the loss by one weight, by differences in float64."""
    weights = made.get_weights()
    losses = []
    for sign in (1, -1):
        moved = [w.copy() for w in weights]
        moved[number][index] += sign * by
        made.set_weights(moved)
        losses.append(float(made.trace_step(x, y)["loss"]))
    made.set_weights(weights)
    return (losses[0] - losses[1]) / (2 * by)


GRADIENTS = [
    ("textbook", "dense.kernel", (152, 17)),
    ("textbook", "dense_1.bias", (3,)),
    ("regression", "dense.kernel", (2, 30)),
    ("binary", "dense.kernel", (1, 1)),
    ("own_layer", "gate.direction", (2, 0)),
    ("regularized", "dense.kernel", (2, 3)),
    ("regularized", "batch_normalization.gamma", (5,)),
    ("two_outputs", "shared.kernel", (2, 3)),
    ("two_outputs", "kind.kernel", (9, 1)),
    ("words", "embedding.embeddings", (47, 3)),
    ("words", "layer_normalization.beta", (7,)),
    ("masked", "dense.kernel", (1, 1)),
]


@pytest.mark.parametrize(("name", "weight", "index"), GRADIENTS)
def test_a_gradient_is_the_slope_of_the_loss(name, weight, index):
    sheer.config.set_floatx("float64")
    made = model(name)
    x, y = data(name)
    step = made.trace_step(x, y)
    found = step.explain_gradient(weight, *index)
    own = [f"{v.path.replace('/', '.')}" for v in made.weights]
    expected = slope(made, x, y, own.index(weight), index)
    assert found.total == pytest.approx(expected, rel=2e-3, abs=1e-6)
    assert found.is_same
    assert "the loss of this batch" in str(found).splitlines()[0]
    chain = [found]
    while chain[-1].under:
        chain.append(chain[-1].under[0])
    assert all(link.is_same for link in chain)
    if found.value:
        assert "Here the chain begins: this line is how the loss itself changes with" in str(found)


def test_the_chain_by_hand(textbook):
    x, d_z1, d_h1, d_z2, z1, kernel = f64(
        textbook, "x", "d_z1", "d_h1", "d_z2", "z1", "dense_1.kernel"
    )
    found = textbook.explain_gradient("dense.kernel", 152, 17)
    assert found.name == "d_dense_kernel"
    assert found.formula == "sum over r of x[r, 152] · d_z1[r, 17]"
    row = int(np.abs(x[:, 152] * d_z1[:, 17]).argmax())
    by_z1 = found.under[0]
    assert (by_z1.name, by_z1.index) == ("d_z1", (row, 17))
    assert by_z1.formula == f"d_h1[{row}, 17] · (z1[{row}, 17] > 0)"
    assert by_z1.total == d_h1[row, 17] * (z1[row, 17] > 0)
    by_h1 = by_z1.under[0]
    assert by_h1.formula == f"sum over i of d_z2[{row}, i] · dense_1.kernel[17, i]"
    np.testing.assert_allclose(by_h1.total, d_z2[row] @ kernel[17], rtol=1e-12)
    unit = int(np.abs(d_z2[row] * kernel[17]).argmax())
    by_z2 = by_h1.under[0]
    assert by_z2.formula == f"(y_pred[{row}, {unit}] - (y[{row}] = {unit})) / len(x)"
    assert by_z2.under == []
    lines = str(found).splitlines()
    assert f"  how the loss changes with z1[{row}, 17]:" in lines
    assert lines[-1] == (
        "        Here the chain begins: this line is how the loss itself changes with "
        f"z2[{row}, {unit}]."
    )


def test_names_for_a_gradient(textbook):
    one = textbook.explain_gradient("dense.kernel", 1, 2)
    for name in ("d_dense_kernel", "dense.kernel"):
        assert textbook.explain_gradient(name, 1, 2).name == one.name
    assert textbook.explain_gradient("dense", 1, 2).name == "d_h1"
    assert textbook.explain_gradient("z2", 1, 2).name == "d_z2"


def test_a_gradient_of_zero_says_so():
    made = model("textbook")
    x, y = data("textbook")
    x[:, 9] = 0
    step = made.trace_step(x, y)
    lines = str(step.explain_gradient("dense.kernel", 9, 17)).splitlines()
    assert lines[:3] == [
        "The loss of this batch does not change with dense.kernel[9, 17].",
        "d_dense_kernel[9, 17] = 0    (line 25: d_dense_kernel = x.T @ d_z1)",
        "  = sum over r of x[r, 9] · d_z1[r, 17]",
    ]
    assert re.fullmatch(r" +and 5 more, all 0 += 0", lines[4])
    assert lines[-1] == "  It is 0, so the chain ends here."


# Errors


def test_unknown_names(textbook):
    with pytest.raises(KeyError, match=r"no value or layer 'dens'\. Did you mean 'dense'"):
        textbook.explain("dens", 0, 0)
    with pytest.raises(KeyError, match=r"value or weight 'dens.kernel'\. Did you mean 'dense.ker"):
        textbook.explain_gradient("dens.kernel", 0, 0)


def test_a_layer_of_another_number():
    """In a notebook the second model has dense_2 where the first one had dense."""
    made = sheer.Sequential(
        [sheer.Input((3,)), layers.Dense(4, name="dense_2"), layers.Dense(1, name="dense_3")]
    )
    made.compile("sgd", "mse")
    step = made.trace_step(np.ones((2, 3)), np.ones((2, 1)))
    with pytest.raises(KeyError) as error:
        step.explain("dense", 0, 0)
    assert error.value.args[0] == (
        "explain: there is no value or layer 'dense'. The layers here: dense_2, dense_3."
    )


def test_a_notebook_shows_the_text(textbook):
    found = textbook.explain("dense", 0, 0)
    html = found._repr_html_()
    assert html.startswith("<pre") and escape(str(found)) in html


def test_no_gradient(textbook):
    with pytest.raises(KeyError) as error:
        textbook.explain_gradient("x", 0, 0)
    assert error.value.args[0] == (
        "explain_gradient: 'x' has no gradient in train_step. These have one: z2, h1, "
        "dense_1.kernel, dense_1.bias, z1, dense.kernel, dense.bias."
    )
    with pytest.raises(KeyError, match=r"'z1' has no gradient in predict_step\. .* one: none\."):
        recorded("textbook", "predict").explain_gradient("z1", 0, 0)


def test_wrong_indices(textbook):
    with pytest.raises(IndexError) as error:
        textbook.explain("z1", 3, 512)
    assert str(error.value) == "z1 has shape (6, 512): axis 1 goes from 0 to 511. Got 512."
    with pytest.raises(IndexError) as error:
        textbook.explain("z1", 3)
    assert str(error.value) == (
        "z1 has shape (6, 512), so one number of it has 2 indices. Got 1: [3]."
    )
    with pytest.raises(IndexError) as error:
        textbook.explain("loss", 0)
    assert str(error.value) == "loss has shape (), so one number of it has 0 indices. Got 1: [0]."
    with pytest.raises(TypeError, match=r"An index of z1 is a whole number\. Got 1\.5\."):
        textbook.explain("z1", 1.5, 0)


def test_a_line_that_is_not_understood(textbook):
    made = model("regression")
    x, y = data("regression")
    text = made.train_program().text.replace(
        "h1 = np.tanh(z1)", "h1 = np.array([[np.tanh(v) for v in row] for row in z1])"
    )
    made.use_program(sheer.Program(text, "train_step"))
    step = made.trace_step(x, y)
    found = step.explain("h1", 1, 2)
    assert found.formula == "" and not found.terms
    assert str(found).splitlines()[1] == (
        "  A part of this line is not understood: no more is known."
    )


def test_shapes_of_cells_are_those_of_their_values():
    """The shape that is found without the value is the value's."""
    for name in NAMES:
        step = recorded(name)
        cells = Cells(step.__getitem__, 6)
        for recipes in recipes_of(step.rows, step.text):
            for recipe in filter(None, recipes.values()):
                waiting = [recipe]
                while waiting:
                    part = waiting.pop()
                    waiting += part.get("of", [])
                    assert cells.shape(part) == np.shape(cells.whole(part))


def test_every_cell_of_a_moved_array():
    """Moves of elements, at every index."""
    arrays = {"a": np.arange(24.0).reshape(2, 3, 4), "b": np.arange(12.0).reshape(3, 4)}
    cells = Cells(arrays.__getitem__, 2)
    a, b = {"name": "a"}, {"name": "b"}

    def slices(*key):
        return {"op": "slice", "of": [a], "attributes": {"key": list(key)}}

    def sized(*sizes):
        return {"op": "reshape", "of": [a, *({"number": s} for s in sizes)]}

    step = {"start": 2, "stop": None, "step": -2}
    part = {"start": 1, "stop": 3, "step": None}
    for recipe in (
        {"op": "T", "of": [a]},
        slices(1),
        slices("...", -1),
        slices(None, "...", part),
        slices(0, step, None),
        sized(6, 4),
        sized(-1),
        sized(2, 12),
        sized(4, 3, 2),
        sized(2, 1, 3, 4),
        {"op": "concatenate", "of": [a, a, a], "attributes": {"axis": 1}},
        {"op": "+", "of": [a, b]},
        {"op": "@", "of": [a, {"op": "T", "of": [b]}]},
        {"op": "sum", "of": [a], "attributes": {"axis": [0, 2], "keepdims": True}},
        {"op": "mean", "of": [a], "attributes": {"axis": -2}},
        {"op": "argmax", "of": [a], "attributes": {"axis": 1}},
        {"op": "flip", "of": [a], "attributes": {"axis": 1}},
    ):
        whole = cells.whole(recipe)
        assert cells.shape(recipe) == whole.shape
        for index in itertools.product(*map(range, whole.shape)):
            cell = cells.cell(recipe, tuple(map(Number, index)))
            assert cells.value(cell) == whole[index], (recipe, index)


def test_a_global_that_is_not_recorded():
    made = model("regression")
    x, y = data("regression")
    text = made.train_program().text.replace("np.tanh(z1)", "np.tanh(z1) * scale")
    text = text.replace(
        "import numpy as np\n", "import numpy as np\nfrom math import pi as scale\n"
    )
    made.use_program(sheer.Program(text, "train_step"))
    assert made.trace_step(x, y).explain("h1", 1, 2).formula == ""


@pytest.mark.parametrize("name", ["textbook", "words", "two_outputs", "regularized"])
def test_arrays_that_do_not_fit_the_program(name):
    """As in a file that someone changed: an explanation says so, and raises nothing."""
    rng = np.random.default_rng(0)
    step, shapes = recorded(name), [(), (0,), (1,), (3,), (2, 5), (0, 4), (2, 3, 4)]
    said = 0
    for store in (step.inputs, step.values):
        for key in store:
            shape = shapes[rng.integers(len(shapes))]
            store[key] = rng.normal(size=shape).astype(rng.choice(["float32", "int64", "bool"]))
    for key in step.values:
        if step[key].size:
            text = str(step.explain(key, *(0,) * step[key].ndim))
            said += "does not fit what was recorded" in text
    assert said > 5
    assert str(step)
