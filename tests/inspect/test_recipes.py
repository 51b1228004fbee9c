"""Recipes: each that is understood gives the value that its line computed."""

import json

import numpy as np
import pytest

import sheer
from sheer.inspect.evaluate import evaluate
from sheer.inspect.recipes import names_in, recipes_of
from sheer.losses.base import LOSSES
from sheer.optimizers.base import OPTIMIZERS
from sheer.program.rows import Row, rows_of
from steps import NAMES, recorded

CASES = [(name, "train") for name in NAMES]
CASES += [("textbook", "test"), ("textbook", "predict"), ("regularized", "predict")]


def lacking(step, explained=0):
    """The values without a recipe; each recipe is held against what its line computed. Of each,
    `explained` elements are also explained by themselves."""
    rng = np.random.default_rng(0)
    recipes = recipes_of(step.rows, step.text, step)
    assert json.loads(json.dumps(recipes)) == recipes
    found = []
    for row, of in zip(step.rows, recipes, strict=True):
        assert set(of) == set(row.targets)
        for target in row.targets:
            if of[target] is None:
                found += [target] if target in step else []
                continue
            assert set(names_in(of[target])) <= set(step), target
            value, computed = step[target], evaluate(of[target], step.__getitem__)
            assert np.shape(computed) == value.shape, target
            np.testing.assert_allclose(
                computed, value, rtol=2e-4, atol=1e-6, err_msg=f"{target}: {row.source}"
            )
            for _ in range(explained if value.size else 0):
                index = [int(rng.integers(size)) for size in value.shape]
                explanation = step.explain(target, *index)
                assert explanation.formula and explanation.is_same, str(explanation)
    return found


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_recipe_gives_the_value_of_its_line(name, kind):
    assert lacking(recorded(name, kind)) == []


def step_of(model, x, y):
    model.train_on_batch(x, y)
    return model.trace_step(x, y)


X = np.random.default_rng(3).normal(size=(7, 5)).astype("float32")
Y = np.random.default_rng(4).uniform(0.1, 0.9, size=(7, 3)).astype("float32")


def dense(optimizer="sgd", loss="mse", activation=None):
    layers = sheer.layers
    model = sheer.Sequential(
        [sheer.Input((5,)), layers.Dense(4, activation=activation), layers.Dense(3, "sigmoid")]
    )
    model.compile(optimizer, loss)
    return model


# All that need no arguments.
ACTIVATIONS = sorted(set(sheer.activations.ACTIVATIONS.entries) - {"threshold"})


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation):
    # What puts a slice back into its place has no recipe.
    expected = ["d_z1"] if activation == "glu" else []
    assert lacking(step_of(dense(activation=activation), X, Y), explained=2) == expected


@pytest.mark.parametrize("optimizer", sorted(c.__name__ for c in OPTIMIZERS.classes()))
def test_optimizers(optimizer):
    assert lacking(step_of(dense(optimizer), X, Y), explained=2) == []


@pytest.mark.parametrize("loss", sorted(c.__name__ for c in LOSSES.classes()))
def test_losses(loss):
    try:
        step = step_of(dense(loss=loss), X, Y)
    except (TypeError, ValueError) as error:
        pytest.skip(str(error)[:60])
    assert lacking(step, explained=2) == []


def one(source, text="", **targets):
    """The recipe of a line's last target."""
    name = source.partition(" =")[0].rpartition(", ")[2]
    row = Row(1, 1, source, tuple(source.partition(" =")[0].split(", ")))
    return recipes_of([row], text)[0][name]


ARRAYS = {
    "a": np.array([[1.5, -2.0, 0.5], [0.25, 3.0, -1.0]]),
    "b": np.array([[2.0, 1.0, -0.5], [4.0, 0.5, 8.0]]),
    "v": np.array([0.5, -1.5, 2.5]),
    "k": np.array([1, 0]),
    "s.w": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
}

UNDERSTOOD = [
    "a + b * v - -b / 2",
    "a ** 2 @ s.w",
    "s.w.T",
    "(a > b).astype(np.float32) * np.float32(0.5)",
    "np.where(a > 0, a, np.exp(a) - 1)",
    "np.sum(a * b, axis=0) / len(a)",
    "np.mean(a, axis=(0, 1), keepdims=True)",
    "a.sum(axis=1) + a.mean() - a.max(0)[0]",
    "np.concatenate([a, b], axis=-1)",
    "np.take(a, k, axis=0)",
    "np.take_along_axis(a, k[:, None], -1)[..., 0]",
    "a[:, 0:2]",
    "a[..., None, ::-1]",
    "a[-1]",
    "a.reshape((len(a), 3, 1))",
    "a.reshape(-1)",
    "np.transpose(a.reshape((1, 2, 3)), (2, 0, 1))",
    "np.broadcast_to(v, (len(a), 3))",
    "np.expand_dims(v, 0) != np.squeeze(np.expand_dims(v, 1), axis=1)",
    "np.einsum('ij,jk->ik', a, s.w)",
    "np.clip(a, -1, 1)",
    "np.logaddexp(a, 0)",
    "np.array([1, 2, 3], dtype=np.float32) * a",
    "np.maximum(a, float('-inf'))",
    "np.cumsum(a, axis=1) + np.flip(a, axis=0)",
    "np.argmax(a, axis=-1) == k",
    "np.asarray(a) * np.pi + np.inf * 0",
    "np.logical_and(a > 0, b > 0)",
    "np.stack([a, b], axis=1)",
]


@pytest.mark.parametrize("expression", UNDERSTOOD)
def test_expressions(expression):
    recipe = one(f"y = {expression}")
    assert recipe is not None
    assert json.loads(json.dumps(recipe)) == recipe
    space = type("Space", (), {"w": ARRAYS["s.w"]})
    with np.errstate(all="ignore"):
        expected = eval(expression, {"np": np, **ARRAYS, "s": space})
    found = evaluate(recipe, ARRAYS.__getitem__)
    np.testing.assert_allclose(found, expected)
    assert np.shape(found) == np.shape(expected)


NOT_UNDERSTOOD = [
    "y = print(x)",
    "y = [v for v in x]",
    "y = x if x else z",
    "y = lambda: x",
    "y = x < z < w",
    "y = x and z",
    "y = x[z]",
    "y = x[i:]",
    "y = np.load('secret')",
    "y = np.sum(x, out=z)",
    "y = np.random.random(3)",
    "y = x.tofile('f')",
    "y = open('f')",
    "y = __import__('os').system('ls')",
    "y = f(x)(z)",
    "y = x.shape",
    "y = 'text'",
    "y = softmax(x, 1, 2, 3)",
    "y = softmax(x, axes=2)",
    "y = z = x",
    "y = x; z = x",
    "y +=",
    "y = " + "(" * 300 + "x" + ")" * 300,
    "y = " + "+".join(["x"] * 5000),
    "y = " + "-" * 3000 + "x",
]


@pytest.mark.parametrize("source", NOT_UNDERSTOOD, ids=lambda s: s[:20])
def test_what_is_not_understood_has_no_recipe(source):
    rows = [Row(1, 1, source, ("y",))]
    assert recipes_of(rows) == [{"y": None}]


def test_a_name_that_changes_has_no_recipe_before():
    text = """
def f(x, z):
    y = x + 1
    w = z + 1
    x = x * 2
    v = x + z
    u = v + 1
    u[0] = 3
    return u
"""
    rows = rows_of(text, "f")
    found = {
        t: r
        for row, of in zip(rows, recipes_of(rows, text), strict=True)
        for t, r in of.items()
        if row.targets
    }
    assert {name for name, recipe in found.items() if recipe} == {"w", "v"}


PROGRAM = """
import numpy as np

constant = np.array([1.0, 2.0, 3.0], dtype=np.float64)


def f(a, v):
    y = scaled(a, v, by=3) + constant
    p = softmax(a)
    q, r = both(a, v)
    g = gelu(a)
    return y, p, q, r


def scaled(x, factor, by=2):
    \"\"\"x by both.\"\"\"
    t = x * factor
    return t * by


def both(x, z):
    t = x + z
    return t * t, -t


def softmax(x, axis=-1):
    return x * 0 + 1


def gelu(x):
    while True:
        return x
"""


def test_functions_are_read_where_they_stand():
    rows = rows_of(PROGRAM, "f")
    recipes = {t: r for of in recipes_of(rows, PROGRAM) for t, r in of.items()}
    a, v = ARRAYS["a"], ARRAYS["v"]
    values = {t: evaluate(recipes[t], ARRAYS.__getitem__) for t in "ypqr"}
    np.testing.assert_allclose(values["y"], a * v * 3 + [1, 2, 3])
    # A function that was changed is what its text says, not what sheer's of that name is.
    np.testing.assert_allclose(values["p"], np.ones_like(a))
    np.testing.assert_allclose(values["q"], (a + v) ** 2)
    np.testing.assert_allclose(values["r"], -(a + v))
    assert recipes["g"] is None


def test_sheers_own_functions_by_their_names():
    step = recorded("textbook")
    recipes = {t: r for of in recipes_of(step.rows, step.text) for t, r in of.items()}
    assert recipes["y_pred"] == {
        "op": "softmax",
        "of": [{"name": "z2"}],
        "attributes": {"axis": -1},
    }
    assert recipes["losses"]["of"][0]["op"] == "take_label"
    assert "rmsprop_step" not in json.dumps(recipes["dense_kernel_step"])


BAD = [
    {},
    {"op": "exp"},
    {"op": "system", "of": [{"name": "a"}]},
    {"op": "exp", "of": [{"name": "zz"}]},
    {"op": "reshape", "of": [{"name": "a"}, {"number": 7}]},
    {"op": "load", "of": [], "attributes": {"file": "secret"}},
    {"op": "broadcast_to", "of": [{"name": "v"}], "attributes": {"shape": [10**12, 3]}},
    {"op": "one_hot", "of": [{"name": "k"}], "attributes": {"num_classes": 10**12}},
    {"op": "random_uniform", "of": [{"name": "k"}], "attributes": {"shape": [10**10]}},
    {"op": "exp", "of": [{"name": "a"}], "attributes": {"out": 3}},
    {"number": "many"},
]


@pytest.mark.parametrize("recipe", BAD, ids=str)
def test_a_recipe_that_does_not_fit_is_refused(recipe):
    with pytest.raises(ValueError):
        evaluate(recipe, ARRAYS.__getitem__)


def test_large_powers_of_numbers_end():
    recipe = one("y = 9 ** 9 ** 9 ** 9")
    assert evaluate(recipe, ARRAYS.__getitem__) == np.inf
