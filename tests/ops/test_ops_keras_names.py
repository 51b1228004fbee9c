"""Parameters and defaults of ops and random functions are Keras's."""

import inspect
import json
from pathlib import Path

import pytest

from sheer import ops, random
from sheer.ops import OPS

FIXTURES = Path(__file__).parents[1] / "fixtures" / "keras"
SIGNATURES = json.loads((FIXTURES / "signatures.json").read_text())["signatures"]

# Parameters that Keras has and sheer has not, with the reason.
LACKING = {
    # There are no sparse or ragged tensors.
    "ops.convert_to_tensor": ["sparse=None", "ragged=None"],
    # For Keras's back ends.
    "ops.einsum": ["**kwargs"],
    # `rms_scaling`, which Keras calls deprecated and wrong.
    "ops.layer_normalization": ["**kwargs"],
    "random.SeedGenerator": ["**kwargs"],
}
# Different on purpose.
DIFFERENT = {
    # With the condition alone, the shape of the result would depend on values.
    "ops.where": ["condition", "x1", "x2"],
    # They are max and min themselves, which have `initial` in Keras too.
    "ops.amax": ["x", "axis=None", "keepdims=False", "initial=None"],
    "ops.amin": ["x", "axis=None", "keepdims=False", "initial=None"],
}
# Public names that keras.ops and keras.random do not have.
OWN = {
    "affine",  # x · kernel + bias: a line of a textbook
    "getitem",  # x[key]
    "named",  # a name for a value in a program
    "op",  # declares an op
    "operand",  # what an op works on: a tensor, a symbol or a number
    "permutation",  # in Keras it is random.shuffle of arange
    "sigmoid_cross_entropy",  # losses as the rewrite rules see them
    "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
    "take_label",
}


def public(module):
    names = getattr(module, "__all__", None) or [n for n in vars(module) if not n.startswith("_")]
    return {
        name
        for name in names
        if inspect.isfunction(getattr(module, name))
        or isinstance(getattr(module, name), ops.Op)
        or name == "SeedGenerator"
    }


def parameters(thing):
    function = thing.__init__ if inspect.isclass(thing) else thing
    found = inspect.signature(function).parameters.values()
    return [str(p.replace(annotation=p.empty)) for p in found if p.name != "self"]


FUNCTIONS = {f"ops.{name}": getattr(ops, name) for name in public(ops)} | {
    f"random.{name}": getattr(random, name) for name in public(random)
}
SHARED = sorted(set(FUNCTIONS) & set(SIGNATURES))


@pytest.mark.parametrize("name", SHARED)
def test_parameters_are_keras_s(name):
    keras = [p for p in SIGNATURES[name] if p not in LACKING.get(name, [])]
    assert parameters(FUNCTIONS[name]) == DIFFERENT.get(name, keras)


def test_the_lists_hold_what_differs_and_no_more():
    for name, lacking in LACKING.items():
        assert set(lacking) <= set(SIGNATURES[name])
        assert not set(lacking) & set(parameters(FUNCTIONS[name]))
    for name, different in DIFFERENT.items():
        assert different != SIGNATURES[name]
    assert {name.split(".")[1] for name in FUNCTIONS if name not in SIGNATURES} == OWN


def test_every_family_publishes_what_it_declares():
    """An op with a public name can be reached as sheer.ops.<name>, but for parts of others."""
    parts = {
        "cross_entropy",
        "hash_bins",
        "keep_where",
        "moving_average",
        "placed",
        "probability_cross_entropy",
        "random_normal",
        "random_permutation",
        "random_truncated_normal",
        "random_uniform",
        "scatter_add",
        "scatter_add_along_axis",
        "sparse_cross_entropy",
    }
    declared = {n for n, op in OPS.items() if op.__module__.startswith("sheer.ops.")}
    hidden = {n for n in declared if n[0] != "_" and getattr(ops, n, None) is not OPS[n]}
    assert hidden == parts


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("absolute", "abs"),
        ("amax", "max"),
        ("amin", "min"),
        ("swish", "silu"),
        ("hard_swish", "hard_silu"),
        ("true_divide", "divide"),
    ],
)
def test_second_names(alias, name):
    assert getattr(ops, alias) is getattr(ops, name)
