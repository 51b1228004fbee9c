"""Functions made of ops, against NumPy: computed at once, and as a program; and their gradients."""

import numpy as np
import pytest

import sheer
from sheer import ShapeError, Tensor, TraceError, ops
from sheer.autodiff import check_gradient

A = np.random.default_rng(3).normal(size=(2, 3, 4))
B = np.random.default_rng(4).normal(size=(2, 3, 4))
M = A[0]
V = A[0, 0]
WHOLE = np.array([[3, 1, 2], [0, 5, 4]])

CASES = {
    "split in equal parts": (lambda x: ops.split(x, 2, axis=2), lambda x: np.split(x, 2, 2), A),
    "split at indices": (lambda x: ops.split(x, [1, 3], -1), lambda x: np.split(x, [1, 3], -1), A),
    "split at none": (lambda x: ops.split(x, []), lambda x: np.split(x, []), A),
    "repeat": (lambda x: ops.repeat(x, 2, axis=1), lambda x: np.repeat(x, 2, 1), A),
    "repeat, raveled": (lambda x: ops.repeat(x, 3), lambda x: np.repeat(x, 3), M),
    "repeat, last axis": (lambda x: ops.repeat(x, 2, -1), lambda x: np.repeat(x, 2, -1), M),
    "repeat each": (lambda x: ops.repeat(x, [1, 0, 2], 1), lambda x: np.repeat(x, [1, 0, 2], 1), A),
    "tile": (lambda x: ops.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3)), A),
    "tile, fewer counts": (lambda x: ops.tile(x, 2), lambda x: np.tile(x, 2), M),
    "tile, more counts": (lambda x: ops.tile(x, (2, 2, 1)), lambda x: np.tile(x, (2, 2, 1)), M),
    "stack": (lambda x, y: ops.stack([x, y]), lambda x, y: np.stack([x, y]), A, B),
    "stack, last": (lambda x, y: ops.stack([x, y], -1), lambda x, y: np.stack([x, y], -1), A, B),
    "swapaxes": (lambda x: ops.swapaxes(x, 0, -1), lambda x: np.swapaxes(x, 0, -1), A),
    "moveaxis": (lambda x: ops.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, 0, -1), A),
    "moveaxis, two": (
        lambda x: ops.moveaxis(x, (0, 1), (-1, 0)),
        lambda x: np.moveaxis(x, (0, 1), (-1, 0)),
        A,
    ),
    "transpose, from the end": (
        lambda x: ops.transpose(x, [-1, 0, 1]),
        lambda x: np.transpose(x, (-1, 0, 1)),
        A,
    ),
    "ravel": (ops.ravel, np.ravel, A),
    "slice": (lambda x: ops.slice(x, (0, 1, 2), (2, 1, 2)), lambda x: x[0:2, 1:2, 2:4], A),
    "pad, one width": (lambda x: ops.pad(x, 1), lambda x: np.pad(x, 1), M),
    "pad, a pair": (lambda x: ops.pad(x, (1, 2)), lambda x: np.pad(x, (1, 2)), M),
    "pad, a value": (
        lambda x: ops.pad(x, [[0, 0], [2, 1]], constant_values=7),
        lambda x: np.pad(x, [[0, 0], [2, 1]], constant_values=7),
        M,
    ),
    "var": (lambda x: ops.var(x, axis=(0, 2)), lambda x: np.var(x, (0, 2)), A),
    "var of all": (ops.var, np.var, A),
    "std": (lambda x: ops.std(x, 1, keepdims=True), lambda x: np.std(x, 1, keepdims=True), A),
    "logsumexp": (lambda x: ops.logsumexp(x, 1), lambda x: np.log(np.exp(x).sum(1)), A),
    "cumsum": (lambda x: ops.cumsum(x, 1), lambda x: np.cumsum(x, 1), A),
    "cumsum, raveled": (ops.cumsum, np.cumsum, A),
    "norm": (lambda x: ops.norm(x, axis=-1), lambda x: np.linalg.norm(x, axis=-1), A),
    "norm of two axes": (
        lambda x: ops.norm(x, axis=(0, 1)),
        lambda x: np.linalg.norm(x, axis=(0, 1)),
        A,
    ),
    "squeeze": (lambda x: ops.squeeze(x[None, :, :1]), lambda x: np.squeeze(x[None, :, :1]), M),
    "flip all": (ops.flip, np.flip, A),
    "expand_dims, two": (
        lambda x: ops.expand_dims(x, (0, -1)),
        lambda x: np.expand_dims(x, (0, -1)),
        M,
    ),
    # indexing
    "x[1]": (lambda x: x[1], lambda x: x[1], A),
    "x[-1, ..., 0]": (lambda x: x[-1, ..., 0], lambda x: x[-1, ..., 0], A),
    "x[:, 1:]": (lambda x: x[:, 1:], lambda x: x[:, 1:], A),
    "x[:, ::-1, ::2]": (lambda x: x[:, ::-1, ::2], lambda x: x[:, ::-1, ::2], A),
    "x[..., None]": (lambda x: x[..., None], lambda x: x[..., None], A),
    "x[None]": (lambda x: x[None], lambda x: x[None], A),
    "x[[1, 0, 1]]": (lambda x: x[[1, 0, 1]], lambda x: x[[1, 0, 1]], A),
    "x[np.int64(1)]": (lambda x: x[np.int64(1)], lambda x: x[1], A),
    "take": (lambda x: ops.take(x, [[0, 2], [1, 1]], 1), lambda x: x[:, [[0, 2], [1, 1]]], A),
    "take, raveled": (lambda x: ops.take(x, [5, -1]), lambda x: np.take(x, [5, -1]), A),
    "take, a number": (lambda x: ops.take(x, 1, 2), lambda x: x[:, :, 1], A),
    "take_along_axis": (
        lambda x: ops.take_along_axis(x, np.array([[0, 0], [2, 1]]), 1),
        lambda x: np.take_along_axis(x, np.array([[0, 0], [2, 1]]), 1),
        A[0, :2],
    ),
    "take_along_axis, one row of indices": (
        lambda x: ops.take_along_axis(x, np.array([[2, 2]]), 1),
        lambda x: np.take_along_axis(x, np.array([[2, 2]]), 1),
        M,
    ),
    "take_along_axis, one row": (
        lambda x: ops.take_along_axis(x, np.array([[2, 2], [0, 1], [1, 2]]), -1),
        lambda x: np.take_along_axis(x, np.array([[2, 2], [0, 1], [1, 2]]), -1),
        M[:1],
    ),
    "take_along_axis, raveled": (
        lambda x: ops.take_along_axis(x, np.array([5, 5, 1])),
        lambda x: np.take_along_axis(x, np.array([5, 5, 1]), None),
        A,
    ),
    # products
    "dot, vectors": (ops.dot, np.dot, V, V + 1),
    "dot, matrices": (ops.dot, np.dot, M, M.T),
    "dot, many axes": (ops.dot, np.dot, A, B.transpose(0, 2, 1)),
    "tensordot": (ops.tensordot, np.tensordot, A, B.transpose(1, 2, 0)),
    "tensordot, 0": (lambda x, y: ops.tensordot(x, y, 0), lambda x, y: np.tensordot(x, y, 0), M, V),
    "tensordot, axes": (
        lambda x, y: ops.tensordot(x, y, ([0, -1], [0, 2])),
        lambda x, y: np.tensordot(x, y, ([0, -1], [0, 2])),
        A,
        B,
    ),
    "tensordot, one axis": (
        lambda x, y: ops.tensordot(x, y, (1, 0)),
        lambda x, y: np.tensordot(x, y, (1, 0)),
        M,
        V,
    ),
}
for subscripts, *arrays in [
    ("ij,jk->ik", M, M.T),
    ("ij,jk", M, M.T),
    ("ab", M),
    ("ba", M),
    ("ij->", M),
    ("i,i", V, V),
    ("i,j->ij", V, V[:2]),
    ("bij,bkj->bik", A, B),
    ("...j,kj->...k", A, M),
    ("...ij,...jk->...ik", A, B.transpose(0, 2, 1)),
    ("...i,...i", A, B),
    ("i...->...", A),
    ("b i j, b i j -> b", A, B),
    ("...ij,...ij->...i", A[:1], B),
    ("ij,ij->ij", M[:1], M),
    ("abc,cd,d->ab", A, V[:, None] * V, V),
]:
    CASES[f"einsum {subscripts}"] = (
        lambda *xs, s=subscripts: ops.einsum(s, *xs),
        lambda *xs, s=subscripts: np.einsum(s, *xs),
        *arrays,
    )


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


@pytest.mark.parametrize("name", CASES)
def test_values_are_numpy_s(name):
    function, expected, *arrays = CASES[name]
    wanted = as_list(expected(*arrays))
    at_once = as_list(function(*map(ops.convert_to_tensor, arrays)))
    traced = as_list(sheer.function(function)(*arrays))
    assert len(at_once) == len(traced) == len(wanted)
    for a, b, c in zip(at_once, traced, wanted, strict=True):
        np.testing.assert_allclose(a.numpy(), c, rtol=1e-12, atol=1e-14, strict=True)
        np.testing.assert_allclose(b.numpy(), c, rtol=1e-12, atol=1e-14, strict=True)


@pytest.mark.parametrize("name", CASES)
def test_gradients(name):
    function, _, *arrays = CASES[name]
    check_gradient(function, *arrays)


# Rows are picked that a batch may not have; two rows of indices; one row is broadcast.
NOT_FOR_N = {
    "slice",
    "take_along_axis, one row",
    "take_along_axis",
    "einsum ...ij,...ij->...i",
    "einsum ij,ij->ij",
}


@pytest.mark.parametrize("name", [n for n in CASES if "raveled" not in n])
def test_one_program_serves_every_number_of_rows(name):
    """Where it can be traced for n rows, it gives NumPy's values for 2 and for 6."""
    function, expected, *arrays = CASES[name]
    rows = len(arrays[0])
    shapes = [(None, *a.shape[1:]) if len(a) == rows else a.shape for a in arrays]
    specs = [sheer.InputSpec(shape=s, dtype="float64") for s in shapes]
    traced = sheer.function(function, input_signature=specs)
    for times in (1, 3):
        more = [np.concatenate([a] * times) if len(a) == rows else a for a in arrays]
        try:
            found = as_list(traced(*more))
        except (ShapeError, TraceError):
            assert name in NOT_FOR_N
            return
        for a, b in zip(found, as_list(expected(*more)), strict=True):
            np.testing.assert_allclose(a.numpy(), b, rtol=1e-12, atol=1e-14, strict=True)
    assert name not in NOT_FOR_N


def test_joining_and_cutting_along_the_batch():
    """As contrastive losses do: two batches through one model, then apart again."""

    def apart(x, y):
        n = ops.shape(x)[0]
        with sheer.GradientTape() as tape:
            tape.watch([x, y])
            joined = ops.tanh(ops.concatenate([x, 2 * y]))
            first, second = ops.split(joined, 2)
            total = ops.sum(first * joined[n:] * [1.0, 2.0, 3.0]) + ops.sum(joined[: n + 1][-1])
        return second, total, tape.gradient(total, [x, y])

    signature = [sheer.InputSpec(shape=(None, 3)), sheer.InputSpec(shape=(None, 3))]
    traced = sheer.function(apart, input_signature=signature)
    for rows in (1, 4):
        x, y = np.float32(A[:, 0, :3]), np.float32(B[:, 1, 1:])
        x, y = np.resize(x, (rows, 3)), np.resize(y, (rows, 3))
        second, total, (d_x, d_y) = traced(x, y)
        also, also_total, (by_x, by_y) = apart(Tensor(x), Tensor(y))
        for found, expected in [(second, also), (total, also_total), (d_x, by_x), (d_y, by_y)]:
            np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-5, strict=True)
        np.testing.assert_allclose(second.numpy(), np.tanh(2 * y), rtol=1e-6)
    check_gradient(lambda x, y: apart(x, y)[1], x, y)


def test_indices_are_written_as_python_writes_them():
    def picked(x):
        return x[1:, None, ..., -1], x[..., ::2], x[0]

    text = str(sheer.function(picked).program(A))
    for index in ("x[1:, None, ..., -1]", "x[..., ::2]", "x[0]"):
        assert f" = {index} " in text


def test_squeeze_leaves_n_where_n_is_1():
    signature = [sheer.InputSpec(shape=(None, 1, 3))]
    traced = sheer.function(ops.squeeze, input_signature=signature)
    for rows in (1, 2):
        assert traced(np.ones((rows, 1, 3), np.float32)).shape == (rows, 3)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (lambda: ops.zeros((2, 3)), np.zeros((2, 3), np.float32)),
        (lambda: ops.zeros(3, "int32"), np.zeros(3, np.int32)),
        (lambda: ops.zeros([2], bool), np.zeros(2, bool)),
        (lambda: ops.ones(()), np.ones((), np.float32)),
        (lambda: ops.ones((2,), np.float64), np.ones(2)),
        (lambda: ops.full((2, 2), 7), np.full((2, 2), 7, np.float32)),
        (lambda: ops.full((2, 2), [1, 2], "int64"), np.full((2, 2), [1, 2], np.int64)),
        (lambda: ops.zeros_like(WHOLE), np.zeros_like(WHOLE)),
        (lambda: ops.ones_like(M, "bool"), np.ones_like(M, bool)),
        (lambda: ops.full_like(WHOLE, 4, dtype="float32"), np.full((2, 3), 4, np.float32)),
        (lambda: ops.arange(4), np.arange(4, dtype=np.int32)),
        (lambda: ops.arange(1, 4), np.arange(1, 4, dtype=np.int32)),
        (lambda: ops.arange(1, 2, 0.25), np.arange(1, 2, 0.25, dtype=np.float32)),
        (lambda: ops.arange(np.float32(3)), np.arange(3, dtype=np.float32)),
        (lambda: ops.arange(3, dtype="int64"), np.arange(3)),
        (lambda: ops.arange(3, 0, -1), np.array([3, 2, 1], np.int32)),
        (lambda: ops.eye(2), np.eye(2, dtype=np.float32)),
        (lambda: ops.eye(2, 3, k=1, dtype="int32"), np.eye(2, 3, 1, dtype=np.int32)),
        (lambda: ops.one_hot([0, 2], 3), np.eye(3, dtype=np.float32)[[0, 2]]),
        (lambda: ops.one_hot([[2]], 3, dtype="bool"), np.array([[[False, False, True]]])),
        (lambda: ops.one_hot([5, -1], 2, dtype=np.int32), np.zeros((2, 2), np.int32)),
        (lambda: ops.one_hot([0, 1, 1], 2, axis=0), np.eye(2, dtype=np.float32)[:, [0, 1, 1]]),
        (lambda: ops.cast([1.9, -1.9], "int32"), np.array([1, -1], np.int32)),
        (lambda: ops.cast([0.0, 2.0], bool), np.array([False, True])),
        (lambda: ops.cast([1, 2], np.float64), np.array([1.0, 2.0])),
        (lambda: ops.cast(3, float), np.array(3, np.float32)),
        (lambda: ops.argmax(WHOLE), np.array(4, np.int32)),
        (lambda: ops.argsort(WHOLE), np.argsort(WHOLE).astype(np.int32)),
        (lambda: ops.cumsum(WHOLE, dtype="float32"), np.cumsum(WHOLE).astype(np.float32)),
        (lambda: ops.cumsum([True, True]), np.array([1, 2], np.int32)),
        (lambda: ops.sum(WHOLE, axis=[0, 1]), np.array(15)),
        (lambda: ops.stop_gradient(M), M),
        (lambda: ops.stop_gradient(variable=M), M),
        (lambda: ops.convert_to_tensor([[1], [2]]), np.array([[1], [2]], np.int32)),
        (lambda: ops.convert_to_tensor(2.0), np.array(2, np.float32)),
        (lambda: ops.convert_to_tensor(WHOLE, "float32"), WHOLE.astype(np.float32)),
        (lambda: ops.convert_to_tensor(True), np.array(True)),
        # Tensors in lists are joined.
        (lambda: ops.convert_to_tensor([ops.ones(2), ops.zeros(2)]), np.float32([[1, 1], [0, 0]])),
        (lambda: ops.sum([ops.ones(()), ops.ones(())]), np.array(2, np.float32)),
        (lambda: ops.exp([[ops.zeros(())], [0.0]]), np.ones((2, 1), np.float32)),
    ],
)
def test_values_and_dtypes(found, expected):
    np.testing.assert_array_equal(found().numpy(), expected, strict=True)


def test_convert_to_numpy():
    np.testing.assert_array_equal(
        ops.convert_to_numpy([1, 2]), np.array([1, 2], np.int32), strict=True
    )


def test_gradients_pass_through_a_list_of_tensors():
    check_gradient(lambda x: ops.sum([x[0], 2 * x[1]]), [1.0, 2.0])


def test_the_shape_of_an_array():
    assert ops.shape(np.ones((2, 3))) == (2, 3)
    assert ops.shape(5.0) == ()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: ops.split(np.ones(5), 2),
            ValueError,
            "split: 5 elements on axis 0 cannot be cut into 2 equal parts.",
        ),
        (
            lambda: ops.norm(np.ones((2, 2)), ord=1),
            ValueError,
            "norm: sheer has the Euclidean norm (ord=None, or 2 of vectors). "
            "Got ord=1, axis=None for the shape (2, 2).",
        ),
        (
            # The largest singular value, which is not the root of the sum of squares.
            lambda: ops.norm(np.ones((2, 2)), ord=2),
            ValueError,
            "norm: sheer has the Euclidean norm (ord=None, or 2 of vectors). "
            "Got ord=2, axis=None for the shape (2, 2).",
        ),
        (
            lambda: ops.one_hot([1], 2, sparse=True),
            NotImplementedError,
            "one_hot: sheer has no sparse tensors; leave sparse=False.",
        ),
        (
            lambda: ops.einsum("ij,jk->ik", np.ones((2, 2))),
            ValueError,
            "einsum: 'ij,jk->ik' names 2 operands, 1 were given.",
        ),
        (
            lambda: ops.convert_to_tensor(np.ones(2))[np.array([True, False])],
            TypeError,
            "Indexing with a mask gives a shape that depends on values. Use ops.where.",
        ),
        (
            lambda: ops.convert_to_tensor(np.ones(2))[True],
            TypeError,
            "Indexing with a mask gives a shape that depends on values. Use ops.where.",
        ),
        (
            lambda: ops.convert_to_tensor(np.ones((2, 2)))[[0, 1], :],
            TypeError,
            "Index one axis at a time, with ops.take(x, indices, axis). "
            "Got ([0, 1], slice(None, None, None)).",
        ),
        (
            lambda: ops.convert_to_tensor(np.ones(2))[5],
            IndexError,
            "getitem: index 5 is out of bounds for axis 0 with size 2.\n  x (2,) float64",
        ),
        (
            lambda: ops.cast([1.0], "float8"),
            ValueError,
            "Unknown dtype 'float8'. Did you mean 'float64'?",
        ),
        (
            lambda: ops.convert_to_tensor(["a", "b"]),
            ValueError,
            "Tensors hold numbers, and these are strings (str32). Make numbers of them first, "
            "ahead of the model: layers.StringLookup or layers.Hashing do.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text


def test_gradients_that_are_not_there_say_so():
    with pytest.raises(NotImplementedError) as caught:
        check_gradient(lambda x: ops.einsum("ii->i", x), np.ones((2, 2)))
    assert str(caught.value) == "einsum 'ii->i': no gradient for 'ii', which has an index twice."
    with pytest.raises(NotImplementedError) as caught:
        check_gradient(lambda x: ops.pad(x, 1, mode="reflect"), np.ones(3))
    assert str(caught.value) == "pad: no gradient for mode 'reflect', only for 'constant'."
