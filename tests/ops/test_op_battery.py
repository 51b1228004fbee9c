"""Every op, by its own samples: rules against the body, text against the body, slope against slope.

An op that is added is covered by itself; one without a sample fails here.
"""

import itertools
import warnings

import numpy as np
import pytest

from sheer import GradientTape, ops
from sheer.autodiff import check_gradient
from sheer.core import tree
from sheer.core.errors import ShapeError
from sheer.core.shapes import Dim
from sheer.ops import OPS, Symbol
from sheer.ops.rules import same, together
from sheer.program.program import Program
from sheer.program.write import write
from sheer.trace import trace

# The size of a symbol needs a symbol: see tests/trace.
WITHOUT_SAMPLE = {"batch_size"}
# Floats in, floats out, and no gradient: the slope is 0 everywhere (but at jumps), or that is the
# meaning of the op, or an optimizer changes weights, outside of any tape.
OF_OPTIMIZERS = {
    "adadelta_update",
    "adafactor_matrix_update",
    "adafactor_update",
    "adagrad_update",
    "adam_update",
    "adamax_update",
    "centered_step",
    "ftrl_update",
    "lamb_update",
    "lion_update",
    "nadam_update",
    "orthogonalized",
    "rmsprop_step",
    "schedule_free_update",
}
WITHOUT_SLOPE = OF_OPTIMIZERS | {"ceil", "floor", "floor_divide", "round", "sign", "stop_gradient"}
# Gradients of gradients are refused in words.
WITHOUT_SECOND_SLOPE = {"ctc_loss", "ctc_slope"}
# Shapes that are attributes, or a draw, fix the rows; and no weight is empty.
FIXED_ROWS = {
    "adafactor_matrix_update",
    "adafactor_update",
    "broadcast_to",
    "placed",
    "random_normal",
    "random_permutation",
    "random_truncated_normal",
    "random_uniform",
    "scatter_add_along_axis",
}
SPECIAL = [-np.inf, -1.0, -0.0, 0.0, 1.0, np.inf, np.nan]
LARGE = [-1000.0, 1000.0]  # exp of these is no number of float32

SAMPLES = [
    pytest.param(OPS[name], sample, id=f"{name}-{i}")
    for name in sorted(OPS)
    for i, sample in enumerate(OPS[name].samples)
]


def operands(sample):
    return sample.operands(np.random.default_rng(7))


def is_array(value):
    return isinstance(value, (np.ndarray, np.generic))


def in_float32(value):
    return value.astype(np.float32) if is_array(value) and value.dtype == np.float64 else value


def symbols(values, shapes=None):
    """A symbol for each array; Python numbers as they are."""
    shapes = iter(shapes or [v.shape for v in tree.leaves(values) if is_array(v)])
    return tree.map_tree(
        lambda v: Symbol(next(shapes), v.dtype.name, label="x") if is_array(v) else v, values
    )


def graph_of(op, given, attrs):
    return trace(lambda *values: op(*values, **attrs), tuple(given), "program")


def program_of(graph):
    return Program(write(graph, {}, "one op"), "program")


def listed(found):
    return list(found) if isinstance(found, (tuple, list)) else [found]


def arrays_of(values):
    return [v for v in tree.leaves(values) if is_array(v)]


def is_real(op):
    """Whether, on a sample, the op takes floats and gives floats."""

    def check(sample):
        values = operands(sample)
        floats = any(np.asarray(v).dtype == np.float64 for v in tree.leaves(values))
        results = listed(op(*values, **sample.attrs))
        return floats and all(y.dtype == "float64" for y in results)

    return check


def assert_values(found, expected):
    """Equal up to rounding; the same floats, and whole numbers at least as wide."""
    expected = np.asarray(expected)
    assert np.shape(found) == expected.shape
    dtype = np.asarray(found).dtype
    if expected.dtype.kind == "f":
        assert dtype == expected.dtype
    else:
        assert (dtype.kind == "b") == (expected.dtype.kind == "b") and dtype.kind != "f"
    rtol = 1e-5 if expected.dtype == np.float32 else 1e-11
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)


# --- the lists above are complete -------------------------------------------------------------


def test_every_op_has_a_sample():
    assert {name for name, op in OPS.items() if not op.samples} == WITHOUT_SAMPLE


def test_ops_without_a_slope_are_known():
    found = {op.name for op in OPS.values() if not op.slopes and any(map(is_real(op), op.samples))}
    assert found == WITHOUT_SLOPE


@pytest.mark.parametrize(
    "op",
    [o for o in OPS.values() if o.slopes and o.name != "ctc_slope"],
    ids=lambda o: o.name,
)
def test_each_slope_has_a_smooth_sample(op):
    for name in op.slopes:
        place = op.tensors.index(name)
        values = [operands(s)[place] for s in op.samples if s.smooth]
        assert any(
            np.asarray(v).dtype == np.float64 for value in values for v in tree.leaves(value)
        ), f"no smooth sample with floats for {name}"


# --- rules and text against the body ----------------------------------------------------------


@pytest.mark.parametrize(("op", "sample"), SAMPLES)
@pytest.mark.parametrize("floats", ["float64", "float32"])
def test_rules_and_text_say_what_the_body_does(op, sample, floats):
    values = operands(sample)
    if floats == "float32":
        values = tree.map_tree(in_float32, values)
    given = symbols(values)
    computed = listed(op(*values, **sample.attrs))
    graph = graph_of(op, given, sample.attrs)
    ruled = listed(graph.output)
    assert [y.shape for y in ruled] == [y.shape for y in computed]
    assert [y.dtype for y in ruled] == [y.dtype for y in computed]
    run = listed(program_of(graph)(*arrays_of(values)))
    for found, expected in zip(run, computed, strict=True):
        assert_values(found, expected)


def with_rows(values, rows):
    """The operands whose first axis is n, with so many rows."""
    first = next(v.shape[0] for v in tree.leaves(values) if is_array(v) and v.ndim)

    def resized(value, shape):
        if not is_array(value) or Dim() not in shape:
            return value
        return np.take(value, np.arange(rows) % first, axis=0)

    return resized


def with_n(op, sample):
    """The graph for n rows of all operands that have as many as the first, or of that one alone;
    None where the attributes or the shapes fix the number of rows."""
    if op.name in FIXED_ROWS:
        return None
    values = operands(sample)
    arrays = arrays_of(values)
    rows = next((a.shape[0] for a in arrays if a.ndim), None)
    if rows is None:
        return None
    first = next(i for i, a in enumerate(arrays) if a.ndim)
    alone = [(None, *a.shape[1:]) if i == first else a.shape for i, a in enumerate(arrays)]
    all_of_them = [(None, *a.shape[1:]) if a.shape[:1] == (rows,) else a.shape for a in arrays]
    for shapes in (all_of_them, alone):
        given = symbols(values, shapes)
        try:
            return given, graph_of(op, given, sample.attrs)
        except ShapeError:
            continue
    return None


def test_ops_without_rows_are_known():
    found = {op.name for op in OPS.values() if not any(with_n(op, s) for s in op.samples)}
    assert found == FIXED_ROWS | WITHOUT_SAMPLE


@pytest.mark.parametrize(("op", "sample"), SAMPLES)
def test_one_text_serves_every_number_of_rows(op, sample):
    found = with_n(op, sample)
    if found is None:
        return
    given, graph = found
    program = program_of(graph)
    values = operands(sample)
    by_name = op.name == "squeeze" and sample.attrs.get("axis") is None
    for rows in (0, 2, 5) if by_name else (0, 1, 2, 5):  # n stays, also where it is 1
        resized = with_rows(values, rows)
        flat = [
            resized(v, getattr(s, "shape", ()))
            for v, s in zip(tree.leaves(values), tree.leaves(given), strict=True)
        ]
        some = tree.refill(values, flat)
        with warnings.catch_warnings():
            if rows == 0 and op.name in ("mean", "_standardize"):  # NumPy warns: NaN
                warnings.simplefilter("ignore")
            try:
                computed = listed(op(*some, **sample.attrs))
            except (ValueError, IndexError) as error:
                assert rows < 5, f"{op.name} for {rows} rows: {error}"
                with pytest.raises(type(error)):
                    program(*arrays_of(some))
                continue
            run = listed(program(*arrays_of(some)))
        for y, symbol, result in zip(computed, listed(graph.output), run, strict=True):
            assert y.shape == tuple(
                max(0, s.factor * rows + s.offset) if isinstance(s, Dim) else s
                for s in symbol.shape
            )
            assert y.dtype == symbol.dtype
            assert_values(result, y)


# --- slopes -----------------------------------------------------------------------------------


SMOOTH = [p for p in SAMPLES if p.values[1].smooth and is_real(p.values[0])(p.values[1])]


def function_of(op, sample):
    """The op as a function of its arrays alone, numbers among them, and these arrays."""
    values = operands(sample)
    leaves = [np.asarray(v) if isinstance(v, float) else v for v in tree.leaves(values)]
    return lambda *arrays: op(*tree.refill(values, list(arrays)), **sample.attrs), leaves


@pytest.mark.parametrize(
    ("op", "sample"), [p for p in SMOOTH if p.values[0].name not in OF_OPTIMIZERS]
)
def test_gradient_is_the_slope(op, sample):
    function, arrays = function_of(op, sample)
    check_gradient(function, *arrays)


@pytest.mark.parametrize(
    ("op", "sample"),
    [p for p in SMOOTH if p.values[0].slopes and p.values[0].name not in WITHOUT_SECOND_SLOPE],
)
def test_gradient_of_the_gradient_is_its_slope(op, sample):
    function, arrays = function_of(op, sample)

    def gradient(*tensors):
        floats = [t for t in tensors if t.dtype == "float64"]
        with GradientTape() as tape:
            tape.watch(floats)
            y = function(*tensors)
        # Other weights than those of the checker, which then weighs the gradient again.
        rng = np.random.default_rng(1)
        weights = tree.map_tree(lambda v: rng.uniform(1, 2, v.shape), y)
        return tape.gradient(y, floats, output_gradients=weights, unconnected_gradients="zero")

    check_gradient(gradient, *arrays)


# --- special values ---------------------------------------------------------------------------

# Ops whose result has the shape of the operand, but in which elements meet.
ALONG_AN_AXIS = (
    "_cumsum", "_rms_normalize", "_unit", "flip", "log_softmax", "softmax", "sparsemax"
)  # fmt: skip
ELEMENTWISE = [
    op for op in OPS.values() if op.shape_rule in (same, together) and op.name not in ALONG_AN_AXIS
]


@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda o: o.name)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_special_values(op, dtype):
    """-inf, -1, -0, 0, 1, inf, nan give what the body gives, without warnings; so does the text."""
    grid = np.array(list(itertools.product(SPECIAL + LARGE, repeat=len(op.tensors))), dtype)
    values = [grid[:, i].copy() for i in range(len(op.tensors))]
    for place, value in enumerate(operands(op.samples[0])):
        if np.asarray(value).dtype == bool:
            values[place] = values[place] > 0
    attrs = op.samples[0].attrs
    with np.errstate(all="ignore"):
        expected = np.asarray(op.body(np, *values, *{**op.defaults, **attrs}.values()))
    found = op(*values, **attrs)
    np.testing.assert_array_equal(found.numpy(), expected.astype(found.dtype))
    run = program_of(graph_of(op, symbols(values), attrs))(*values)
    np.testing.assert_allclose(run, found.numpy(), rtol=1e-6)
    assert np.asarray(run).dtype == found.dtype
    zeros = np.asarray(run) == 0
    if found.dtype == dtype:
        np.testing.assert_array_equal(np.signbit(run)[zeros], np.signbit(found.numpy())[zeros])


def test_signs_of_zero_and_nan_by_hand():
    """What the battery holds text and body to, stated once by hand."""
    x = np.array(SPECIAL)
    np.testing.assert_array_equal(ops.relu(x).numpy(), [0, 0, 0, 0, 1, np.inf, np.nan])
    np.testing.assert_array_equal(ops.abs(x).numpy(), [np.inf, 1, 0, 0, 1, np.inf, np.nan])
    np.testing.assert_array_equal(ops.sign(x).numpy(), [-1, -1, 0, 0, 1, 1, np.nan])
    np.testing.assert_allclose(
        ops.sigmoid(x).numpy(), [0, 1 / (1 + np.e), 0.5, 0.5, 1 / (1 + 1 / np.e), 1, np.nan]
    )
    np.testing.assert_array_equal(ops.clip(x, -1, 0.5).numpy(), [-1, -1, 0, 0, 0.5, 0.5, np.nan])
