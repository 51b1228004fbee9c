"""The rows of programs: line numbers, sources, phases, parts, ops, and what a value is made for."""

import ast

import pytest

from program import golden_cases
from sheer.program.rows import rows_of
from steps import NAMES, data, model, recorded

PHASES = ("forward", "loss", "backward", "update", "metrics", "result")


@pytest.fixture(scope="module")
def programs():
    return dict(golden_cases.programs())


GOLDEN = [f"{name}_train" for name in NAMES]
GOLDEN += ["textbook_test", "textbook_predict", "regularized_predict"]


@pytest.mark.parametrize("name", GOLDEN)
def test_every_statement_is_a_row(programs, name):
    program = programs[name]
    lines = program.text.splitlines()
    function = next(n for n in ast.parse(program.text).body if isinstance(n, ast.FunctionDef))
    statements = function.body[1:]  # without the docstring
    rows = rows_of(program.text, program.name)
    assert [(r.first, r.last) for r in rows] == [(s.lineno, s.end_lineno) for s in statements]
    for row, statement in zip(rows, statements, strict=True):
        if not isinstance(statement, ast.Return):
            assert ast.dump(ast.parse(row.source).body[0]) == ast.dump(statement)
        assert "#" not in row.source and "\n" not in row.source
        own = getattr(statement, "targets", [])
        names = [n.id for t in own for n in ast.walk(t) if isinstance(n, ast.Name)]
        assert list(row.targets) == names
        assert row.phase in PHASES or len(rows) == row.first
        assert lines[row.first - 1].strip().startswith(row.source[:8])


@pytest.mark.parametrize("name", GOLDEN)
def test_phases_follow_their_headings(programs, name):
    program = programs[name]
    rows = rows_of(program.text, program.name)
    order = [PHASES.index(r.phase) for r in rows if r.phase]
    assert order == sorted(order) or "test" in name
    assert rows[0].phase == "forward"
    assert rows[-1].source.startswith("return ")


def facts(step):
    return {
        target: (row.phase, row.part, row.op, row.of[i] if row.of else "")
        for row in step.rows
        for i, target in enumerate(row.targets)
    }


def test_the_textbook_program():
    found = facts(recorded("textbook"))
    main = {k: v for k, v in found.items() if v[0] in PHASES[:3]}
    assert main == {
        "z1": ("forward", "dense", "affine", ""),
        "h1": ("forward", "dense", "relu", ""),
        "z2": ("forward", "dense_1", "affine", ""),
        "y_pred": ("forward", "dense_1", "softmax", ""),
        "losses": ("loss", "", "sparse_softmax_cross_entropy", ""),
        "loss": ("loss", "", "mean", ""),
        "d_z2": ("backward", "dense_1", "divide", "z2"),
        "d_h1": ("backward", "dense", "matmul", "h1"),
        "d_dense_1_kernel": ("backward", "dense_1", "matmul", "dense_1.kernel"),
        "d_dense_1_bias": ("backward", "dense_1", "sum", "dense_1.bias"),
        "d_z1": ("backward", "dense", "keep_where", "z1"),
        "d_dense_kernel": ("backward", "dense", "matmul", "dense.kernel"),
        "d_dense_bias": ("backward", "dense", "sum", "dense.bias"),
    }
    assert found["new_dense_kernel"] == ("update", "dense", "subtract", "dense.kernel")
    assert found["new_iterations"][3] == "rmsprop.iterations"
    assert found["right"][:2] == ("metrics", "accuracy")


@pytest.mark.parametrize("name", NAMES)
def test_every_trainable_weight_has_its_gradient_and_its_new_value(name):
    made = model(name)
    x, y = data(name)
    found = facts(made.trace_step(x, y))
    for weight in made.trainable_weights:
        path = weight.path.replace("/", ".")
        gradients = [t for t, f in found.items() if f[0] == "backward" and f[3] == path]
        news = [t for t, f in found.items() if f[0] == "update" and f[3] == path]
        assert len(gradients) == len(news) == 1
        assert gradients[0].startswith("d_") and news[0].startswith("new_")
        assert found[gradients[0]][1] == path.partition(".")[0]


@pytest.mark.parametrize("name", NAMES)
def test_parts_are_those_of_the_model(name):
    made = model(name)
    x, y = data(name)
    step = made.trace_step(x, y)
    layers = {layer.name for layer in made.layers}
    for row in step.rows:
        if row.phase in ("forward", "backward") and row.part:
            assert row.part in layers, row
        if row.phase in ("forward", "loss", "backward", "update", "metrics"):
            assert row.op, row


def test_changes_in_place_are_targets():
    text = """
def f(h, dense):
    h[0] = 1
    h[1][2] += 2
    a, (b, c) = h
    np.add(h, 1, out=b)
    np.add(h, 1, out=c[0])
    for i in range(3):
        h = h + i
    dense.kernel[:] = 0
    print(h)
    return h
"""
    assert [row.targets for row in rows_of(text, "f")] == [
        ("h",),
        ("h",),
        ("a", "b", "c"),
        ("b",),
        ("c",),
        ("i", "h"),
        (),
        (),
        (),
    ]


def test_broken_lines_are_one_row():
    text = '''
def f(x):
    """Doc."""
    # 1. forward
    # dense: what
    y = longer(  # here
        x, 1  # and "there"
    )
    z = "# no comment"  # one
    # 2. loss
    loss = y
    return loss
'''
    rows = rows_of(text, "f")
    assert [(r.first, r.last, r.source, r.phase, r.part) for r in rows] == [
        (6, 8, "y = longer(x, 1)", "forward", "dense"),
        (9, 9, 'z = "# no comment"', "forward", "dense"),
        (11, 11, "loss = y", "loss", ""),
        (12, 12, "return loss", "loss", ""),
    ]
