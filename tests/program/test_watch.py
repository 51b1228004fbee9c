"""Watching a program run: what is kept of each line, whoever wrote it."""

import numpy as np
import pytest

from sheer.program.program import Program
from sheer.program.rows import rows_of
from sheer.program.watch import watch


def watched(*lines):
    """What is kept of a function of x and h, an array and a state, with these lines."""
    text = "\n    ".join(["import numpy as np\n\n\ndef f(x):", *lines, "return x"]) + "\n"
    program = Program(text, "f")
    return watch(program, rows_of(text, "f"), [np.ones(2)]).values


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("y[0] = 7", [7, 1]),
        ("y[0] += 7", [8, 1]),
        ("y[0], z = 7, 0", [7, 1]),
        ("y *= 3", [3, 3]),
        ("z = np.multiply(y, 3, out=y)", [3, 3]),
        ("y = y * 2; y = y * 2", [4, 4]),
        ("z = (y := y + 1) * 2", [2, 2]),
        ("y = np.array([i * 2 for i in y])", [2, 2]),
        ("for i in range(3): y = y + i", [4, 4]),
        ("while y[0] < 3: y = y + 1", [3, 3]),
        ("if x[0] > 1: y = y * 9", [1, 1]),
        ("(y, *rest) = x + 1, 2, 3", [2, 2]),
    ],
)
def test_a_value_is_kept_as_its_last_line_left_it(line, expected):
    assert watched("y = x + 0", line)["y"].tolist() == expected


def test_each_statement_of_a_line_is_seen():
    values = watched("a = x + 1; b = a + 1", "b[0] = 0")
    assert {k: v.tolist() for k, v in values.items()} == {"a": [2, 2], "b": [0, 3]}


def test_what_is_not_a_number_is_passed_by():
    assert list(watched("a = 'text'", "b, c = x, None", "d = [x]")) == ["b"]
