"""sheer.function: traced once, run as a program."""

import inspect
import re

import numpy as np
import pytest

import sheer
from sheer import InputSpec, TraceError, ops

X = np.arange(6, dtype=np.float32).reshape(3, 2)


def rows(n):
    return np.arange(2 * n, dtype=np.float32).reshape(n, 2)


def here(text):
    """`test_function.py, line 12: <source>`, for the line of this file that holds the text."""
    lines = inspect.getsource(inspect.getmodule(here)).splitlines()
    (number,) = [i for i, line in enumerate(lines, 1) if line.strip() == text]
    return f"test_function.py, line {number}: {text}"


def test_python_runs_once_and_the_program_each_time():
    seen = []

    @sheer.function
    def double(x):
        """Twice x."""
        seen.append(type(x).__name__)
        return 2 * x

    for scale in (1, 2, 3):
        y = double(scale * X)
        assert type(y) is sheer.Tensor and y.dtype == "float32"
        assert np.array_equal(y.numpy(), 2 * scale * X)
    assert seen == ["Symbol"]
    assert double.__name__ == "double" and double.__doc__ == "Twice x."
    program = double.program(X)
    assert program.parameters == ["x"]
    assert '"""Twice x: x (3, 2) float32."""' in str(program)
    assert seen == ["Symbol"]


def test_what_is_data():
    @sheer.function
    def total(x):
        return ops.sum(x)

    variable = sheer.Variable([1.0, 2.0])
    for data in (X, ops.convert_to_tensor(X), np.float32(15)):
        assert float(total(data)) == 15
    assert float(total(variable)) == 3
    variable.assign([5.0, 5.0])
    assert float(total(variable)) == 10


def test_other_dtypes_and_ranks_trace_again():
    traced = []

    @sheer.function
    def square(x):
        traced.append((x.dtype, x.shape))
        return x * x

    assert square(X).dtype == "float32"
    assert square(X.astype("float64")).dtype == "float64"
    assert square(X.astype("int64")).dtype == "int64"
    assert square(X[0]).shape == (2,)
    assert square(X[:, :, None]).shape == (3, 2, 1)
    assert square(X[:, :1]).shape == (3, 1)
    for again in (X, X.astype("float64"), X[0]):
        square(again)
    assert len(traced) == 6


def test_a_second_number_of_rows_makes_a_program_for_any():
    traced = []

    @sheer.function
    def centred(x):
        traced.append(x.shape[0])
        return x - ops.sum(x, axis=0) / ops.shape(x)[0]

    for n in (3, 5, 1, 3, 64):
        x = rows(n)
        np.testing.assert_allclose(centred(x).numpy(), x - x.mean(axis=0), rtol=1e-6)
    assert repr(traced) == "[3, n]"
    assert "(n, 2)" in str(centred.program(rows(9)))


def test_two_inputs_of_which_one_has_n_rows():
    traced = []

    @sheer.function
    def weighted(x, w):
        traced.append((x.shape, w.shape))
        return x @ w

    w = np.ones((2, 4), np.float32)
    for n in (2, 3, 5):
        assert weighted(rows(n), w).shape == (n, 4)
    # Both have 2 rows at first; only those that changed became n.
    assert repr(traced) == "[((2, 2), (2, 4)), ((n, 2), (2, 4))]"


def test_two_inputs_with_the_same_rows():
    @sheer.function
    def error(x, y):
        return ops.mean((x - y) ** 2)

    for n in (3, 5, 7):
        assert float(error(rows(n), rows(n) + 2)) == 4
    # Rows that part again are another program.
    assert float(error(rows(4), rows(1))) == pytest.approx(((rows(4) - rows(1)) ** 2).mean())


def test_input_signature():
    traced = []

    @sheer.function(input_signature=[InputSpec(shape=(None, 2)), InputSpec("float64", (2,))])
    def add(x, y):
        traced.append((x.shape, y.shape))
        return x + y

    y = np.ones(2)
    for n in (1, 4, 3):
        assert add(rows(n), y).shape == (n, 2)
    assert repr(traced) == "[((n, 2), (2,))]"
    with pytest.raises(ValueError) as caught:
        add(np.ones((3, 5), np.float32), y)
    assert str(caught.value) == (
        "add: input 1 is not as the input_signature says.\n"
        "  signature (n, 2) float32\n"
        "  input     (3, 5) float32"
    )
    with pytest.raises(ValueError) as caught:
        add(X, y.astype("float32"))
    assert str(caught.value) == (
        "add: input 2 is not as the input_signature says.\n"
        "  signature (2,) float64\n"
        "  input     (2,) float32"
    )
    with pytest.raises(ValueError) as caught:
        add(X, 1.0)
    assert str(caught.value) == ("add: the input_signature has 2 entries. Got 1 arrays or tensors.")


def test_python_arguments_are_part_of_the_program():
    traced = []

    @sheer.function
    def power(x, n, root=False):
        traced.append((n, root))
        return ops.sqrt(x**n) if root else x**n

    assert np.array_equal(power(X, 2).numpy(), X**2)
    assert np.array_equal(power(X, 3).numpy(), X**3)
    assert np.array_equal(power(X, 2).numpy(), X**2)
    np.testing.assert_allclose(power(X, 2, root=True).numpy(), X)
    assert power(X, 2.0).shape == (3, 2)
    assert traced == [(2, False), (3, False), (2, True), (2.0, False)]


def test_structures_in_and_out():
    @sheer.function
    def parts(pair, more):
        a, b = pair
        return {"sum": a + b, "rest": [more["c"] * 2, (None, 3, "text")]}

    result = parts((X, X), {"c": np.float32(4)})
    assert np.array_equal(result["sum"].numpy(), 2 * X)
    assert float(result["rest"][0]) == 8
    assert result["rest"][1] == (None, 3, "text")
    assert list(result) == ["sum", "rest"] and type(result["rest"][1]) is tuple
    assert parts.program((X, X), {"c": np.float32(4)}).parameters == ["pair_1", "pair_2", "more"]


def test_no_arguments_and_no_result():
    counter = sheer.Variable(0)

    @sheer.function
    def tick():
        counter.assign_add(1)

    assert tick() is None
    tick()
    assert int(counter.value) == 2


def test_variables_are_state():
    total = sheer.Variable(np.zeros(2, np.float32), name="total")
    seen = sheer.Variable(0, name="seen")

    @sheer.function
    def add(x):
        total.assign_add(ops.sum(x, axis=0))
        seen.assign(seen + 3)
        return total * 2

    assert add(X).numpy().tolist() == [12, 18]
    assert total.numpy().tolist() == [6, 9] and int(seen.value) == 3
    total.assign([100.0, 100.0])
    assert add(X).numpy().tolist() == [212, 218]
    assert add.program(X).parameters == ["x", "total", "seen"]


def test_a_variable_never_shares_memory_with_the_data():
    kept = sheer.Variable(np.zeros((3, 2), np.float32))
    part = sheer.Variable(np.zeros(2, np.float32))

    @sheer.function
    def keep(x):
        kept.assign(x)
        part.assign(x[0])

    x = X.copy()
    keep(x)
    x[:] = 77
    assert np.array_equal(kept.numpy(), X) and np.array_equal(part.numpy(), X[0])


def test_names_that_a_program_has_already():
    """Variables and arguments may be called as ops, helpers, builtins and modules are."""
    names = ["add", "np", "len", "softmax", "x", "x", "lambda"]
    variables = [sheer.Variable(float(i), name=name) for i, name in enumerate(names, 2)]

    @sheer.function
    def f(x, softmax, np=None):
        y = ops.softmax(x + 1) + softmax
        for variable in variables:
            y = y * variable
        variables[0].assign_add(1)
        return y

    wanted = (np.exp(X) / np.exp(X).sum(axis=1, keepdims=True) + X) * np.prod(range(2, 9))
    np.testing.assert_allclose(f(X, X).numpy(), wanted, rtol=1e-5)
    assert float(variables[0].value) == 3
    parameters = f.program(X, X).parameters
    assert len(set(parameters)) == 9 and "np" not in parameters


def test_closed_over_constants():
    small, large = np.array([1.0, 2.0], np.float32), np.arange(64, dtype=np.float32)

    @sheer.function
    def shifted(x):
        return x + small, ops.sum(x) * large

    first, second = shifted(X)
    assert np.array_equal(first.numpy(), X + small)
    assert np.array_equal(second.numpy(), 15 * large)
    assert "np.array([1.0, 2.0], dtype=np.float32)" in str(shifted.program(X))


def test_a_constant_too_large_for_a_text():
    table = np.zeros((400, 300), np.float32)

    @sheer.function
    def scaled(x):
        return ops.sum(x) * table

    with pytest.raises(TraceError) as caught:
        scaled(X)
    assert str(caught.value) == (
        "A constant of 120000 numbers cannot be written into a program.\n"
        "Keep it in a Variable (trainable=False): programs get those as arguments."
    )
    kept = sheer.Variable(table, trainable=False)

    @sheer.function
    def scaled_variable(x):
        return ops.sum(x) * kept

    assert scaled_variable(X).shape == (400, 300)


def test_functions_call_functions():
    traced = []

    @sheer.function
    def inner(x):
        traced.append("inner")
        return x + 1

    @sheer.function
    def outer(x):
        traced.append("outer")
        return inner(inner(x)) * 2

    assert np.array_equal(outer(X).numpy(), (X + 2) * 2)
    outer(X)
    # Inside of a trace, the inner one is plain Python: one program holds it all.
    assert traced == ["outer", "inner", "inner"]
    assert inner(X).shape == (3, 2) and traced[3:] == ["inner"]


def test_a_tape_sees_through_a_function():
    w = sheer.Variable(2.0)

    @sheer.function
    def cube(x):
        return ops.sum(x * w**3)

    with sheer.GradientTape() as tape:
        y = cube(X)
    assert float(tape.gradient(y, w)) == pytest.approx(15 * 12)

    @sheer.function
    def slope(x):
        with sheer.GradientTape() as tape:
            y = ops.sum(x * w**3)
        return tape.gradient(y, w)

    assert float(slope(X)) == pytest.approx(15 * 12)


def test_a_function_as_a_method():
    class Scale:
        def __init__(self, factor):
            self.factor = factor

        @sheer.function
        def scaled(self, x):
            """x times the factor."""
            return self.factor * x

    assert np.array_equal(Scale(2).scaled(X).numpy(), 2 * X)
    three = Scale(3)
    assert np.array_equal(three.scaled(X).numpy(), 3 * X)
    assert three.scaled.program(X).parameters == ["x"]
    assert three.scaled.__doc__ == "x times the factor."


def test_a_model_in_a_function():
    model = sheer.Sequential([sheer.Input((2,)), sheer.layers.Dense(3)])
    optimizer = sheer.optimizers.SGD(0.1)

    @sheer.function
    def step(x, y):
        with sheer.GradientTape() as tape:
            loss = ops.mean((model(x) - y) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    losses = [float(step(X, np.ones((3, 3), np.float32))) for _ in range(5)]
    assert losses == sorted(losses, reverse=True) and losses[4] < losses[0]
    assert int(optimizer.iterations.value) == 5
    parameters = step.program(X, np.ones((3, 3), np.float32)).parameters
    assert parameters == ["x", "y", "dense", "sgd"]


# --- what cannot be traced ------------------------------------------------------------------

SYMBOLS = "While a program is traced, values are symbols: the numbers come when it runs.\n"
EAGERLY = " Or run without tracing:\ncompile(..., run_eagerly=True), or no sheer.function."


def refused(function, *args):
    with pytest.raises(TraceError) as caught:
        sheer.function(function)(*args)
    return str(caught.value)


def test_a_branch_on_a_value():
    def f(x):
        if ops.sum(x) > 0:
            return x
        return -x

    assert refused(f, X) == (
        f"A branch on a value that is not known yet, at {here('if ops.sum(x) > 0:')}\n"
        "  <Symbol shape=() dtype=bool>\n"
        f"{SYMBOLS}Choose between values with ops.where(condition, a, b).{EAGERLY}"
    )


def test_a_symbol_as_a_number():
    def f(x):
        return x * float(ops.max(x))

    assert refused(f, X) == (
        f"A symbol is used as a number, at {here('return x * float(ops.max(x))')}\n"
        "  <Symbol shape=() dtype=float32>\n"
        f"{SYMBOLS}Compute with sheer.ops instead.{EAGERLY}"
    )

    def g(x):
        return x.numpy() + 1

    assert refused(g, X) == (
        f"The values of a symbol are asked for, at {here('return x.numpy() + 1')}\n"
        "  <Symbol x shape=(3, 2) dtype=float32>\n"
        f"{SYMBOLS}Compute with sheer.ops instead.{EAGERLY}"
    )


def test_n_as_a_number():
    @sheer.function
    def f(x):
        return [x * i for i in range(x.shape[0])]

    assert len(f(X)) == 3
    message = (
        "The batch size 'n' is used as a number, at "
        f"{here('return [x * i for i in range(x.shape[0])]')}\n"
        "A program serves every batch size, so while it is traced the size is a symbol.\n"
        "Use it as an operand of ops (x / ops.shape(x)[0] works), use -1 in a reshape, or run\n"
        "without tracing: compile(..., run_eagerly=True), or no sheer.function."
    )
    with pytest.raises(TraceError) as caught:
        f(rows(5))
    assert str(caught.value) == message
    # What could be traced still runs.
    assert len(f(X)) == 3


def test_numpy_on_a_symbol():
    def f(x):
        return np.exp(x)

    def g(x):
        return np.mean(x)

    way_out = f"{SYMBOLS}Use the function of that name in sheer.ops.{EAGERLY}"
    for function, source in ((f, "return np.exp(x)"), (g, "return np.mean(x)")):
        assert refused(function, X) == (
            f"A symbol is given to NumPy, at {here(source)}\n"
            f"  <Symbol x shape=(3, 2) dtype=float32>\n{way_out}"
        )


def test_random_numbers_without_a_seed():
    def f(x):
        return x + sheer.random.normal((2,))

    assert refused(f, X) == (
        f"A random op without a seed, at {here('return x + sheer.random.normal((2,))')}\n"
        "In a program it would give the same numbers at every step.\n"
        "Give it a seed generator that you keep: random.SeedGenerator(seed)."
    )
    seeds = sheer.random.SeedGenerator(1)

    @sheer.function
    def noisy(x):
        return x + sheer.random.normal((2,), seed=seeds)

    assert not np.array_equal(noisy(X).numpy(), noisy(X).numpy())


def test_a_result_that_is_no_tensor():
    with pytest.raises(TypeError, match="A traced function returns tensors, numbers, or struct"):
        sheer.function(lambda x: object())(X)


def test_a_function_that_fails_leaves_variables_alone():
    kept = sheer.Variable(1.0, name="kept")
    table = sheer.Variable(np.arange(3.0), name="table")

    @sheer.function
    def fails_while_traced(x):
        kept.assign_add(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails_while_traced(X)
    assert float(kept.value) == 1

    @sheer.function
    def fails_while_run(i):
        kept.assign_add(1)
        return ops.take(table, i)

    assert float(fails_while_run(np.int64(2))) == 2
    with pytest.raises(IndexError) as caught:
        fails_while_run(np.int64(9))
    assert float(kept.value) == 2
    # The traceback shows the line of the program.
    frames = [re.sub(r"\d+", "N", str(entry.path)) for entry in caught.traceback]
    assert "<sheer fails_while_run N>" in frames
