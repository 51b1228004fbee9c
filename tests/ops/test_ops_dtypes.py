"""Which dtype comes of which: the rules of Keras with floatx float32, recorded from Keras itself.

Keras on JAX makes 32 bits of 64; sheer keeps 64 where they are given, as Keras on TensorFlow does.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import sheer
from sheer import ops, random
from sheer.core.dtypes import FLOATS, common_dtype
from sheer.ops import Symbol
from sheer.program.program import Program
from sheer.program.write import write
from sheer.trace import trace

FIXTURE = Path(__file__).parents[1] / "fixtures" / "keras" / "dtypes.json"
RECORDED = json.loads(FIXTURE.read_text())
TABLES = RECORDED["x32"]
DTYPES = ("bool", "uint8", "int32", "int64", "float32", "float64")
VALUES = {name: np.ones((2, 2), name) for name in DTYPES} | {"Python int": 1, "Python float": 1.0}
FUNCTIONS = {
    "where": lambda a, b: ops.where(VALUES["bool"], a, b),
    "concatenate": lambda a, b: ops.concatenate([a, b]),
}
# Indices are int32 whatever they point into.
INDICES = {"argmax", "argsort"}
# Keras refuses these (on JAX, by chance); sheer computes with numbers.
KERAS_REFUSES = {
    ("rsqrt", "bool"): "float32",
    ("rsqrt", "uint8"): "float32",
    ("rsqrt", "int32"): "float32",
    ("rsqrt", "int64"): "float32",
    ("round", "bool"): "int32",
    ("sigmoid", "bool"): "float32",
    ("sigmoid", "uint8"): "float32",
    ("sigmoid", "int32"): "float32",
    ("sigmoid", "int64"): "float32",
    ("softmax", "bool"): "float32",
}
# Not in sheer.
ABSENT = {"sort"}


def expected(name, recorded, *operands):
    """What Keras gives, with 64 bits kept."""
    if (name, *operands) in KERAS_REFUSES:
        assert recorded.endswith("Error")
        return KERAS_REFUSES[name, *operands]
    if recorded == "float32" and "float64" in operands:
        return "float64"
    if recorded == "int32" and "int64" in operands and name not in INDICES:
        return "int64"
    return recorded


def cases():
    for name, table in TABLES.items():
        if name in ABSENT or name in ("convert_to_tensor", "calls"):
            continue
        for a, row in table.items():
            if isinstance(row, dict):
                for b, dtype in row.items():
                    yield pytest.param(
                        name, (a, b), expected(name, dtype, a, b), id=f"{name}-{a}-{b}"
                    )
            else:
                yield pytest.param(name, (a,), expected(name, row, a), id=f"{name}-{a}")


@pytest.mark.parametrize(("name", "operands", "dtype"), list(cases()))
def test_the_dtype_is_keras_s(name, operands, dtype):
    function = FUNCTIONS.get(name) or getattr(ops, name)
    values = [VALUES[operand] for operand in operands]
    if dtype == "TypeError":
        with pytest.raises(TypeError):
            function(*values)
        return
    result = function(*values)
    assert result.dtype == dtype
    # In a program: the rule says the same, and NumPy, which has rules of its own, computes in it.
    symbols = [Symbol(v.shape, v.dtype.name) if hasattr(v, "dtype") else v for v in values]
    graph = trace(function, symbols, "program")
    assert graph.output.dtype == dtype
    program = Program(write(graph, {}, "one op"), "program")
    found = np.asarray(program(*(v for v in values if hasattr(v, "dtype"))))
    if dtype in FLOATS or dtype == "bool":
        assert found.dtype == dtype
    else:
        assert found.dtype.kind in "iu"
    np.testing.assert_array_equal(found, result.numpy())


@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", DTYPES)
def test_two_dtypes(first, second):
    assert (
        common_dtype([first, second], "float32")
        == RECORDED["result_type, 64 bits kept"][first][second]
    )


@pytest.mark.parametrize(
    ("value", "name"),
    [(True, "True"), (1, "1"), (1.0, "1.0"), ([1], "[1]"), ([1.0], "[1.0]")],
)
def test_python_numbers_alone(value, name):
    wanted = TABLES["convert_to_tensor"][name]
    assert ops.convert_to_tensor(value).dtype == wanted
    assert sheer.Tensor(value).dtype == wanted
    assert sheer.Variable(value).dtype == wanted


@pytest.mark.parametrize("dtype", [*DTYPES, "int8", "int16", "uint16", "uint32", "uint64"])
def test_arrays_keep_their_dtype(dtype):
    array = np.ones(2, dtype)
    for made in (ops.convert_to_tensor(array), sheer.Tensor(array), sheer.Variable(array)):
        assert made.dtype == dtype


CALLS = {
    "one_hot(int32)": lambda: ops.one_hot(np.ones(2, "int32"), 3),
    "arange(3)": lambda: ops.arange(3),
    "arange(3.0)": lambda: ops.arange(3.0),
    "zeros(2)": lambda: ops.zeros((2,)),
    "full(2, 1)": lambda: ops.full((2,), 1),
    "full(2, 1.0)": lambda: ops.full((2,), 1.0),
    "eye(2)": lambda: ops.eye(2),
    "random.uniform": lambda: random.uniform((2,)),
    "random.normal": lambda: random.normal((2,)),
    "random.randint": lambda: random.randint((2,), 0, 3),
}


def test_every_recorded_call_is_made_but_for_ops_that_are_absent():
    assert TABLES["calls"].keys() - CALLS.keys() == {"top_k(float32)[1]"}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_made_of_nothing(name):
    assert CALLS[name]().dtype == TABLES["calls"][name]


def test_floatx_is_what_floats_become():
    sheer.config.set_floatx("float64")
    for made in (
        ops.zeros(2),
        ops.arange(2.0),
        ops.exp([1, 2]),
        ops.mean([1, 2]),
        random.normal(2),
    ):
        assert made.dtype == "float64"
    assert sheer.Variable([1.0]).dtype == "float64"
    assert (ops.convert_to_tensor([1]) * 0.5).dtype == "float64"


@pytest.mark.parametrize("number", [np.float64(0.5), np.sqrt(0.25)])
def test_a_float64_scalar_of_numpy_is_a_python_float(number):
    """np.sqrt(2.0) * x would otherwise double the work of all that follows."""
    x = ops.convert_to_tensor([2.0])
    for result in (x * number, number * x, ops.multiply(number, x), ops.maximum(x, number)):
        assert result.dtype == "float32"
    np.testing.assert_array_equal((number * x).numpy(), np.float32([1]), strict=True)
    text = str(sheer.function(lambda x: number * x).program(x))
    assert "= 0.5 * x " in text


def test_the_number_of_rows_takes_on_the_dtype_of_what_it_meets():
    def scaled(x):
        n = ops.shape(x)[0]
        return n * x, x / n, ops.where(x > 0, n, x), ops.multiply(n, 0.5), ops.cast(n, "float32")

    program = sheer.function(scaled, input_signature=[sheer.InputSpec(shape=(None,))])
    found = program(np.float32([1, -2]))
    assert [y.dtype for y in found] == ["float32"] * 5
    for y, values in zip(found, [[2, -4], [0.5, -1], [2, -2], 1, 2], strict=True):
        np.testing.assert_array_equal(y.numpy(), np.float32(values), strict=True)
