"""Tensor, Variable and Symbol as a user meets them."""

import copy
import math
import operator
import pickle
from pathlib import Path

import numpy as np
import pytest

import sheer
from sheer import Symbol, Tensor, TraceError, Variable, ops

A = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
B = np.array([[2.0, 3.0], [5.0, 7.0]], np.float32)
THIS = Path(__file__).name

BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "@": operator.matmul,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
NUMBERS = [name for name in BINARY if name != "@"]


# --- operators --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*BINARY, "==", "!="])
def test_operators(name):
    """Between tensors, and with NumPy arrays and lists on either side."""
    function = BINARY.get(name) or {"==": operator.eq, "!=": operator.ne}[name]
    expected = function(A, B)
    pairs = [(Tensor(A), Tensor(B)), (Tensor(A), B), (A, Tensor(B)), (Tensor(A), B.tolist())]
    if name not in ("==", "!="):
        pairs += [(Variable(A), Variable(B)), (Variable(A), B), (A, Variable(B))]
    for a, b in pairs:
        found = function(a, b)
        assert type(found) is Tensor
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, strict=True)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("number", [2, 0.5, np.float32(2), np.float64(0.5), np.int32(3)])
def test_operators_with_numbers(name, number):
    function = BINARY[name]
    for a, b in [(Tensor(A), number), (number, Tensor(A)), (Variable(A), number)]:
        left, right = (
            np.asarray(v) if isinstance(v, (Tensor, Variable)) else float(v) for v in (a, b)
        )
        found = function(a, b)
        assert type(found) is Tensor
        expected = function(left, right)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, strict=True)


def test_operators_of_one():
    x = Tensor([-1.5, 0.0, 2.0])
    assert (-x).numpy().tolist() == [1.5, 0, -2]
    assert abs(x).numpy().tolist() == [1.5, 0, 2]
    flags = Tensor([True, False])
    assert (~flags).numpy().tolist() == [False, True]
    assert (flags & [True, True]).numpy().tolist() == [True, False]
    assert ([False, False] | flags).numpy().tolist() == [True, False]
    assert (False & flags).numpy().tolist() == [False, False]
    assert Tensor(A).T.numpy().tolist() == A.T.tolist()


def test_in_place_operators_make_new_tensors():
    x = before = Tensor(A)
    x += 1
    assert before.numpy().tolist() == A.tolist() and x.numpy().tolist() == (A + 1).tolist()
    array = A.copy()
    array += Tensor(B)
    np.testing.assert_array_equal(array, A + B, strict=True)


def test_numpy_functions_take_tensors():
    x, v = Tensor(A), Variable(A)
    for value in (x, v):
        np.testing.assert_array_equal(np.exp(value), np.exp(A), strict=True)
        np.testing.assert_array_equal(np.sum(value, axis=0), A.sum(0), strict=True)
        np.testing.assert_array_equal(np.argmax(value, axis=1), A.argmax(1), strict=True)
        np.testing.assert_array_equal(np.concatenate([value, A]), np.concatenate([A, A]))
        np.testing.assert_array_equal(np.asarray(value), A, strict=True)
        assert np.mean(value) == A.mean()


# --- Tensor -----------------------------------------------------------------------------------


def test_a_tensor_s_properties():
    x = Tensor(A)
    assert (x.shape, x.dtype, x.ndim, len(x)) == ((2, 2), "float32", 2, 2)
    assert Tensor([1, 2]).dtype == "int32"
    assert Tensor([1, 2], "float64").dtype == "float64"
    assert Tensor(np.arange(3)).dtype == "int64"
    assert Tensor(np.array([1.0], ">f4")).dtype == "float32"
    assert Tensor(x).numpy().tolist() == A.tolist()


def test_numpy_is_no_copy_and_array_is_one_where_asked():
    x = Tensor(A)
    assert x.numpy() is A
    assert np.asarray(x, dtype="float64").dtype == np.float64
    assert not np.shares_memory(np.array(x), A)
    assert np.shares_memory(np.asarray(x), A)


def test_an_integer_too_large_for_its_dtype():
    with pytest.raises(OverflowError):
        Tensor([2**40])
    assert Tensor([2**40], "int64").numpy().tolist() == [2**40]


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (Tensor(1.5), "<Tensor shape=() dtype=float32 1.5>"),
        (Tensor([1, 2]), "<Tensor shape=(2,) dtype=int32 [1 2]>"),
        (Tensor(A), "<Tensor shape=(2, 2) dtype=float32\n[[1. 2.]\n [3. 4.]]>"),
    ],
)
def test_repr(tensor, text):
    assert repr(tensor) == str(tensor) == text


def test_format():
    assert f"{Tensor(1.23456):.2f}" == "1.23"
    assert f"{Tensor(7):03d}" == "007"
    assert f"{Tensor([1.0, 2.0])}" == "[1. 2.]"
    with pytest.raises(TypeError):
        f"{Tensor([1.0, 2.0]):.2f}"


def test_numbers_of_tensors():
    assert float(Tensor(1.5)) == 1.5 and int(Tensor(3)) == 3 and bool(Tensor(0.0)) is False
    assert [10, 20, 30][Tensor(1)] == 20
    assert list(range(Tensor(3))) == [0, 1, 2]
    assert math.sqrt(Tensor(4.0)) == 2
    with pytest.raises(TypeError):
        [1, 2][Tensor(1.0)]
    with pytest.raises(TypeError):
        float(Tensor(A))
    with pytest.raises(ValueError):
        bool(Tensor(A) > 1)


def test_rows():
    rows = list(Tensor(A))
    assert [type(r) for r in rows] == [Tensor, Tensor]
    assert [r.numpy().tolist() for r in rows] == A.tolist()
    _, second = Tensor(A)
    assert second.numpy().tolist() == [3, 4]
    for empty in (list, len):
        with pytest.raises(TypeError):
            empty(Tensor(1.0))


@pytest.mark.parametrize(
    "key",
    [0, -1, slice(1, None), (slice(None), 0), (..., None), None, (1, 1), slice(None, None, -1)],
    ids=str,
)
def test_indexing(key):
    np.testing.assert_array_equal(Tensor(A)[key].numpy(), A[key], strict=True)
    np.testing.assert_array_equal(Variable(A)[key].numpy(), A[key], strict=True)


def test_indexing_with_tensors():
    x, i = Tensor(A), Tensor(1)
    for key in (i, [1, 0], np.array([1, 0]), Tensor([1, 0]), (slice(i, None), 0)):
        plain = (
            tuple(slice(1, None) if isinstance(k, slice) else k for k in key)
            if type(key) is tuple
            else np.asarray(key)
        )
        np.testing.assert_array_equal(x[key].numpy(), A[plain], strict=True)


def test_hash_and_identity():
    x, y = Tensor(1.0), Tensor(1.0)
    assert {x: "a"}[x] == "a" and hash(x) != hash(y)
    assert bool(x == y) and not bool(x != y)


@pytest.mark.parametrize(
    "again", [copy.deepcopy, copy.copy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies(again):
    x = again(Tensor(A))
    np.testing.assert_array_equal(x.numpy(), A, strict=True)
    v = again(Variable(A, name="w", trainable=False))
    np.testing.assert_array_equal(v.numpy(), A, strict=True)
    assert (v.name, v.trainable) == ("w", False)


def test_dlpack():
    np.testing.assert_array_equal(np.from_dlpack(Tensor(A)), A, strict=True)
    assert Tensor(A).__dlpack_device__() == A.__dlpack_device__()


# --- Variable ---------------------------------------------------------------------------------


def test_assignments():
    v = Variable([1.0, 2.0])
    v.assign([3, 4])
    assert v.numpy().tolist() == [3, 4] and v.dtype == "float32"
    v.assign_add([1.0, 1.0])
    v.assign_sub(Tensor([0.5, 0.5]))
    assert v.numpy().tolist() == [3.5, 4.5]
    v.assign_sub(0.5 * v)
    assert v.numpy().tolist() == [1.75, 2.25]
    v.assign(Variable([7.0, 8.0]))
    assert v.numpy().tolist() == [7, 8]
    whole = Variable([1, 2])
    whole.assign([2.9, -2.9])
    assert whole.numpy().tolist() == [2, -2] and whole.dtype == "int32"


def test_a_variable_keeps_its_own_copy():
    array = A.copy()
    v = Variable(array)
    array[0, 0] = 99
    assert v.numpy().tolist() == A.tolist()
    v.assign(array)
    array[0, 0] = -1
    assert v.numpy()[0, 0] == 99
    before = v.value
    v.assign_add(A)
    assert before.numpy()[0, 0] == 99


@pytest.mark.parametrize("wrong", [[1.0], 5.0, [[1.0, 2.0]], Tensor([1.0, 2.0, 3.0])])
def test_a_value_of_another_shape(wrong):
    v = Variable([1.0, 2.0], name="w")
    with pytest.raises(ValueError) as caught:
        v.assign(wrong)
    shape = np.shape(wrong)
    assert str(caught.value) == (
        f"assign to Variable 'w': the shapes differ.\n  variable (2,)\n  value    {shape}"
    )
    assert v.numpy().tolist() == [1, 2]


def test_names_and_paths():
    assert [Variable(0.0).name for _ in range(3)] == ["variable", "variable_1", "variable_2"]
    w = Variable(0.0, name="w")
    assert (w.name, w.path) == ("w", "w")
    layer = sheer.layers.Dense(2, name="head")
    layer.build((None, 3))
    assert [(v.name, v.path) for v in layer.weights] == [
        ("kernel", "head/kernel"),
        ("bias", "head/bias"),
    ]


def test_ways_to_make_a_variable():
    assert Variable(initial_value=[1.0]).numpy().tolist() == [1]
    made = Variable(lambda shape, dtype: np.full(shape, 3, dtype), shape=(2,), dtype="float64")
    assert made.numpy().tolist() == [3, 3] and made.dtype == "float64"
    assert made.initializer is not None and Variable(1.0).initializer is None
    assert Variable([1, 2], dtype="float32").dtype == "float32"
    assert Variable(A.astype("float64")).dtype == "float64"
    assert Variable(Tensor(A)).numpy().tolist() == A.tolist()
    assert Variable(sheer.initializers.Ones(), shape=[2]).numpy().tolist() == [1, 1]
    assert Variable(1.0).trainable and not Variable(1.0, trainable=False).trainable
    for arguments, text in [
        ((), "Variable: give a value, or a function with a shape. Got None."),
        ((np.zeros,), "Variable 'variable': a function as value needs a shape."),
    ]:
        sheer.utils.clear_session()
        with pytest.raises(ValueError) as caught:
            Variable(*arguments)
        assert str(caught.value) == text


def test_a_variable_as_a_value():
    v = Variable(2.5, name="v")
    assert float(v) == 2.5 and int(v) == 2 and bool(v) and f"{v:.2f}" == "2.50"
    assert not Variable(0.0)
    assert [0, 1, 2][Variable(2)] == 2
    assert (v.shape, v.ndim, v.value.dtype) == ((), 0, "float32")
    assert len(Variable(A)) == 2 and [r.numpy().tolist() for r in Variable(A)] == A.tolist()
    assert repr(v) == f"{v}" == "<Variable v shape=() dtype=float32 2.5>"
    assert repr(Variable(A, name="w")).startswith(
        "<Variable w shape=(2, 2) dtype=float32\n[[1. 2.]"
    )
    with pytest.raises(TypeError):
        len(v)


def test_variables_compare_by_identity():
    v, w = Variable(1.0), Variable(1.0)
    assert v == v and v != w and len({v, w}) == 2


# --- Symbol -----------------------------------------------------------------------------------


def symbol():
    return Symbol((None, 3), "float32", label="x")


SYMBOL_AS = {
    "bool": (
        lambda x: bool(x > 0),
        "A branch on a value that is not known yet",
        "<Symbol shape=(n, 3) dtype=bool>",
        "Choose between values with ops.where(condition, a, b).",
    ),
    "a while": (
        lambda x: [1 for _ in range(3) if x],
        "A branch on a value that is not known yet",
        None,
        "Choose between values with ops.where(condition, a, b).",
    ),
    "int": (
        lambda x: int(x[0, 0]),
        "A symbol is used as a number",
        "<Symbol shape=() dtype=float32>",
        "Compute with sheer.ops instead.",
    ),
    "float": (float, "A symbol is used as a number", None, "Compute with sheer.ops instead."),
    "math": (math.sqrt, "A symbol is used as a number", None, "Compute with sheer.ops instead."),
    "an index": (
        lambda x: [1, 2][x],
        "A symbol is used as a number",
        None,
        "Compute with sheer.ops instead.",
    ),
    "the end of a slice": (
        lambda x: ops.zeros((5,))[:x],
        "A symbol is used as a number",
        None,
        "Compute with sheer.ops instead.",
    ),
    "a format": (
        lambda x: f"{x:.3f}",
        "A symbol is used as a number",
        None,
        "Compute with sheer.ops instead.",
    ),
    "numpy()": (
        lambda x: x.numpy(),
        "The values of a symbol are asked for",
        None,
        "Compute with sheer.ops instead.",
    ),
    "np.asarray": (
        np.asarray,
        "A symbol is given to NumPy",
        None,
        "Use the function of that name in sheer.ops.",
    ),
    "np.exp": (
        np.exp,
        "A symbol is given to NumPy",
        None,
        "Use the function of that name in sheer.ops.",
    ),
    "np.sum": (
        np.sum,
        "A symbol is given to NumPy",
        None,
        "Use the function of that name in sheer.ops.",
    ),
    "len": (
        len,
        "len() of a value with n rows",
        None,
        "Use ops.shape(x)[0] as an operand.",
    ),
    "a loop": (
        list,
        "len() of a value with n rows",
        None,
        "Use ops.shape(x)[0] as an operand.",
    ),
}


@pytest.mark.parametrize("name", SYMBOL_AS)
def test_what_a_symbol_refuses(name):
    """Each refusal names the user's line, the symbol, and the way out."""
    use, problem, shown, way_out = SYMBOL_AS[name]

    @sheer.function(input_signature=[sheer.InputSpec(shape=(None, 3))])
    def traced(x):
        return use(x)

    with pytest.raises(TraceError) as caught:
        traced(np.ones((2, 3), np.float32))
    where, what, *rest = str(caught.value).splitlines()
    assert where.startswith(f"{problem}, at {THIS}, line ")
    assert what == "  " + (shown or "<Symbol x shape=(n, 3) dtype=float32>")
    assert rest == [
        "While a program is traced, values are symbols: the numbers come when it runs.",
        f"{way_out} Or run without tracing:",
        "compile(..., run_eagerly=True), or no sheer.function.",
    ]


def test_a_symbol_s_properties():
    x = symbol()
    assert repr(x) == f"{x}" == "<Symbol x shape=(n, 3) dtype=float32>"
    assert (repr(x.shape), x.dtype, x.ndim) == ("(n, 3)", "float32", 2)
    assert len(Symbol((2, 3), "float32")) == 2
    assert {x: 1}[x] == 1


def test_a_symbol_outside_of_a_trace():
    x = symbol()
    y = x + 1
    assert (repr(y), y.node.inputs) == ("<Symbol add shape=(n, 3) dtype=float32>", [x])
    with pytest.raises(TraceError, match=r"^The values of a symbol are asked for, at "):
        Variable([1.0, 2.0, 3.0]).assign(Symbol((3,), "float32"))


def test_rows_of_a_symbol_of_known_size():
    @sheer.function
    def total(x):
        result = 0
        for row in x:
            result = result + row
        return result

    assert total(A).numpy().tolist() == [4, 6]


def test_a_list_of_symbols_is_stacked():
    @sheer.function
    def largest(x, y):
        return ops.max([x, 2 * y], axis=0)

    assert largest(A, B).numpy().tolist() == (2 * B).tolist()


def test_an_index_that_picks_a_number_of_rows_that_depends_on_n():
    @sheer.function(input_signature=[sheer.InputSpec(shape=(None, 3))])
    def first_five(x):
        return ops.mean(x[:5])

    with pytest.raises(TraceError) as caught:
        first_five(np.ones((9, 3), np.float32))
    where, *rest = str(caught.value).splitlines()
    assert where.startswith(f"How many rows this index picks depends on n, at {THIS}, line ")
    assert rest == [
        "  shape (n, 3)",
        "  index :5",
        "A program serves every batch size, and this index fits only some.",
        "Pick by ops.where. Or run without tracing:",
        "compile(..., run_eagerly=True), or no sheer.function.",
    ]


@pytest.mark.parametrize("key", [slice(1, None), slice(None, -2), 0, -1, slice(None, None, -1)])
def test_indices_that_fit_every_number_of_rows(key):
    traced = sheer.function(lambda x: x[key], input_signature=[sheer.InputSpec(shape=(None, 3))])
    for rows in (3, 8):
        x = np.arange(3.0 * rows, dtype=np.float32).reshape(rows, 3)
        np.testing.assert_array_equal(traced(x).numpy(), x[key], strict=True)
