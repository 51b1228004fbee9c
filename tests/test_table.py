"""Reading a CSV file: what is made of each column, what the report says, and every error."""

import csv
import doctest
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sheer.cli import table as module
from sheer.cli.table import MISSING, RULE, Table, prepare, read_table, split, standardize


def write(folder: Path, text: str, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def column(name: str, cells: list[Any], folder: Path, task: Any = None) -> Table:
    """A table with this feature, a plain feature `x`, and a target of two classes."""
    lines = [f"{name},x,y"] + [f"{cell},{i / 10},{i % 2}" for i, cell in enumerate(cells)]
    return read_table(write(folder, "\n".join(lines) + "\n"), "y", task)


def target(cells: list[Any], folder: Path, task: Any = None) -> Table:
    """A table with one plain feature and this target."""
    lines = ["x,y"] + [f"{i / 10},{cell}" for i, cell in enumerate(cells)]
    return read_table(write(folder, "\n".join(lines) + "\n"), "y", task)


def made(y: list[int] | np.ndarray[Any, Any], x: Any = None) -> Table:
    """A classification table with these classes."""
    y = np.asarray(y, np.int64)
    x = np.arange(len(y), dtype=np.float64)[:, None] if x is None else np.asarray(x, np.float64)
    return Table(x, y, "classification", [str(i) for i in range(y.max() + 1)], "y", ["x"], [])


# Columns


def test_numbers(tmp_path: Path) -> None:
    table = column("a", ["1", " 2.5", "-3e2", "4 "] * 3, tmp_path)
    assert table.feature_names == ["a", "x"]
    assert table.x.dtype == np.float64
    assert table.x[:4, 0].tolist() == [1, 2.5, -300, 4]
    assert table.report[2:] == ["'a': used as a number.", "'x': used as a number."]


def test_empty_cells_stay_nan_until_they_are_prepared(tmp_path: Path) -> None:
    cells = [*sorted(MISSING), *range(12)]
    table = column("a", cells, tmp_path)
    assert np.isnan(table.x[:, 0]).tolist() == [True] * len(MISSING) + [False] * 12
    filled = f"'a': used as a number; {len(MISSING)} empty cells filled with the training rows' me"
    assert table.report[2].startswith(filled)
    assert not np.isnan(prepare(table).x_train).any()
    assert not np.isnan(prepare(table).x_test).any()


def test_text_of_few_values_is_one_hot_encoded(tmp_path: Path) -> None:
    table = column("colour", ["red", "blue", "", "red"] * 5, tmp_path)
    assert table.feature_names == ["colour=(empty)", "colour=blue", "colour=red", "x"]
    assert table.x[:4, :3].tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert table.report[2] == "'colour': one-hot encoded, 3 different values: (empty), blue, red."


@pytest.mark.parametrize(
    ("name", "cells", "report"),
    [
        ("a", ["3"] * 20, "'a': dropped, always 3."),
        ("a", ["3", ""] * 10, "'a': dropped, always 3 or empty."),
        ("a", ["same"] * 20, "'a': dropped, always 'same'."),
        ("a", ["", "NA"] * 10, "'a': dropped, empty in every row."),
        (
            "a",
            [f"p{i}" for i in range(20)],
            "'a': dropped, text that differs in every row, like an",
        ),
        (
            "a",
            [f"1_{i}" for i in range(20)],
            "'a': dropped, text that differs in every row, like a",
        ),
        ("id", range(7, 27), "'id': dropped, whole numbers that only go up: an id."),
        ("PassengerId", range(20), "'PassengerId': dropped, whole numbers that only go up: an id."),
        ("", range(20), "'column 1': dropped, whole numbers that only go up: an id."),
        (
            "a",
            [*range(25), "1o", *range(25)],
            "'a': dropped, text of 26 different values (up to 20 are one-hot encoded), the first "
            "'1o' in line 27.",
        ),
    ],
)
def test_dropped(tmp_path: Path, name: str, cells: list[Any], report: str) -> None:
    table = column(name, cells, tmp_path)
    assert table.feature_names == ["x"]
    assert table.report[2].startswith(report)


@pytest.mark.parametrize(
    ("name", "cells"),
    [("year", range(20)), ("id", [3, 1] * 10), ("humid", range(20)), ("id", np.arange(20) + 0.5)],
)
def test_numbers_that_are_no_id(tmp_path: Path, name: str, cells: Any) -> None:
    assert column(name, list(cells), tmp_path).feature_names == [name, "x"]


def test_rows_without_a_target_are_left_out(tmp_path: Path) -> None:
    table = target(["a", "b", "", "a", " ", "b"], tmp_path)
    assert table.x[:, 0].tolist() == [0, 0.1, 0.3, 0.5]
    assert table.y.tolist() == [0, 1, 0, 1]
    assert "2 rows without a target left out." in table.report
    assert len(target([1.5, "NA", 2.5], tmp_path).y) == 2


def test_the_whole_report(tmp_path: Path) -> None:
    rows = "".join(f"n{i},{i % 7},red,{'' if i == 3 else i % 3},{i % 2}\n" for i in range(20))
    table = read_table(write(tmp_path, "name,age,colour,visits,bought\n" + rows), "bought")
    assert table.report == [
        "data.csv: 20 rows and 5 columns.",
        "Target 'bought': classification, for it holds 2 different whole numbers, 10.0 rows each "
        f"on average. {RULE} 2 classes: 0, 1.",
        "'name': dropped, text that differs in every row, like an id ('n0').",
        "'age': used as a number.",
        "'colour': dropped, always 'red'.",
        "'visits': used as a number; 1 empty cell filled with the training rows' median.",
    ]
    assert prepare(table).report == [
        "16 rows to train with, 4 to test with, drawn each class by its share (seed 0)."
    ]


# The file


@pytest.mark.parametrize(("separator", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_other_separators(tmp_path: Path, separator: str, word: str) -> None:
    rows = "".join(f"{i}{separator}{i % 2}\n" for i in range(20))
    table = read_table(write(tmp_path, f"a{separator}b\n{rows}"), "b")
    assert table.feature_names == ["a"]
    assert table.report[0] == f"data.csv: 20 rows and 2 columns, separated by {word}."


def test_quotes_blank_lines_byte_order_mark_and_spaces(tmp_path: Path) -> None:
    text = '\ufeff"a, b", y \r\n\r\n1,"no,\nnever"\r\n 2 ,yes\r\n3, "yes"\r\n4,"no,\nnever"\r\n'
    table = read_table(write(tmp_path, text), "y")
    assert table.feature_names == ["a, b"]
    assert table.classes == ["no,\nnever", "yes"]
    assert table.y.tolist() == [0, 1, 1, 0]


def test_columns_named_by_number(tmp_path: Path) -> None:
    """As pandas writes an array: `0,1,2`."""
    table = read_table(write(tmp_path, "0,1,2\n" + "1.5,2,a\n2.5,3,b\n" * 5), -1)
    assert (table.feature_names, table.target) == (["0", "1"], "2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty. The first line must name the columns."),
        ("\n\n", "is empty. The first line must name the columns."),
        ("a,y\n", "names 2 columns, and has no rows below."),
        (
            "5.1,3.5,0\n4.9,3.0,0\n",
            "line 1: 5.1, 3.5, 0 are numbers, so this looks like a row of d",
        ),
        ("a,y,a\n1,2,3\n", "line 1: two columns or more are named a."),
        ("a,y\n1,2\n\n1,2,3\n", "line 4: 3 fields, but the first line names 2 columns: a, y."),
        ("a,y\n1\n", "line 2: 1 field, but the first line names 2 columns: a, y."),
        (
            'a,y\n1,2\n3,"4\n5,6\n',
            "line 4: unexpected end of data. Is a double quote missing, or one too many?",
        ),
        ("a,y\n1,\n2,\n", "the target 'y' is empty in every row."),
        ("a,y\n1,0.5\n1,1\n", "no column is left to learn from.\ndata.csv: 2 rows and 2 columns."),
    ],
)
def test_files_that_are_no_table(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ValueError) as caught:
        read_table(path, "y")
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"There is no file '.*no\.csv' \(looked from "):
        read_table(tmp_path / "no.csv", "y")


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("café,y\n1,2\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.csv is not UTF-8 text .* Save it as UTF-8\."):
        read_table(tmp_path / "latin.csv", "y")


@pytest.mark.parametrize("cell", ["inf", "-inf", "1e39"])
def test_numbers_too_large(tmp_path: Path, cell: str) -> None:
    with pytest.raises(ValueError, match=r"Column 'a', line 3: .* Leave the cell empty"):
        column("a", [1, cell, 3, 4], tmp_path)
    with pytest.raises(ValueError, match=r"Column 'y', line 3: .* Leave the cell empty"):
        target([1, cell, 3, 4], tmp_path)


# The target


@pytest.mark.parametrize("place", ["price", 1, "1", -2, "-2"])
def test_target_by_name_or_place(tmp_path: Path, place: str | int) -> None:
    path = write(tmp_path, "size,price,rooms\n1,2.5,3\n2,3.5,4\n3,1.5,3\n")
    table = read_table(path, place)
    assert table.target == "price"
    assert table.feature_names == ["size", "rooms"]
    assert table.y.tolist() == [2.5, 3.5, 1.5]


def test_a_name_comes_before_a_place(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "1,0,a\n1,2,1.5\n2,3,2.5\n"), "1").target == "1"


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("prize", "data.csv has no column 'prize'. Did you mean 'price'?"),
        ("zzz", "data.csv has no column 'zzz'. Its columns: size, price."),
        (2, "data.csv has no column 2: it has 2 columns, 0 to 1, or from the end -1 to -2: size, "),
    ],
)
def test_unknown_target(tmp_path: Path, place: str | int, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_table(write(tmp_path, "size,price\n1,2\n"), place)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("cells", "task", "why"),
    [
        (["a", "b"] * 3, "classification", "for it holds text"),
        ([0, 1] * 5, "classification", "for it holds 2 different whole numbers, 5.0 rows each"),
        (list(range(20)) * 5, "classification", "for it holds 20 different whole numbers, 5.0"),
        ([0, 1] * 4 + [0], "regression", "for it holds 2 different whole numbers, 4.5 rows each"),
        (list(range(21)) * 9, "regression", "for it holds 21 different whole numbers"),
        ([0.5, 1] * 50, "regression", "for it holds numbers with fractions"),
    ],
)
def test_the_rule_for_the_task(tmp_path: Path, cells: list[Any], task: str, why: str) -> None:
    table = target(cells, tmp_path)
    assert table.task == task
    assert table.report[1].startswith(f"Target 'y': {task}, {why}")
    assert RULE in table.report[1]
    assert table.y.dtype == ("int64" if task == "classification" else "float32")
    assert (table.classes is None) == (task == "regression")


def test_classes_are_sorted_and_keep_their_spelling(tmp_path: Path) -> None:
    assert target(["b", "a", "b"], tmp_path).classes == ["a", "b"]
    table = target(["10", "9.0", "10", "9"] * 5, tmp_path)
    assert table.classes == ["9.0", "10"]
    assert table.y[:4].tolist() == [1, 0, 1, 0]


def test_a_task_can_be_asked_for(tmp_path: Path) -> None:
    table = target([0, 1] * 5, tmp_path, "regression")
    assert table.y.dtype == np.float32
    assert table.report[1] == "Target 'y': regression, as asked for."
    table = target([0.5, 1.5, 0.5], tmp_path, "classification")
    assert table.classes == ["0.5", "1.5"]
    assert table.report[1] == "Target 'y': classification, as asked for. 2 classes: 0.5, 1.5."


@pytest.mark.parametrize(
    ("cells", "task", "message"),
    [
        (["a"] * 9, None, "The target 'y' has only one class, 'a': nothing to learn."),
        ([1] * 9, None, "The target 'y' has only one class, '1': nothing to learn."),
        ([1.5] * 9, None, "The target 'y' is always 1.5: nothing to learn."),
        (
            ["a", "b", "c"],
            None,
            "The target 'y' differs in each of the 3 rows, so that no class ha",
        ),
        (
            [1, "?", "x"],
            "regression",
            "The target 'y' is not a number in line 4: 'x'. Text can be l",
        ),
        (
            [1, 2],
            "clustering",
            "task must be 'classification', 'regression' or None. Got 'clusteri",
        ),
    ],
)
def test_targets_that_cannot_be_learnt(
    tmp_path: Path, cells: list[Any], task: Any, message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        target(cells, tmp_path, task)
    assert str(caught.value).startswith(message)


# Splitting and preparing


def test_split_has_every_row_once() -> None:
    train, test = split(made([0, 1] * 50), 0.3)
    assert (len(train), len(test)) == (70, 30)
    assert sorted([*train, *test]) == list(range(100))
    assert train.tolist() != sorted(train)  # shuffled: a file is often sorted by class


@pytest.mark.parametrize("seed", range(5))
def test_split_gives_each_class_its_share(seed: int) -> None:
    y = np.repeat([0, 1, 2], [500, 90, 10])
    _, test = split(made(y), 0.2, seed)
    assert len(test) == 120
    assert (np.abs(np.bincount(y[test]) - [100, 18, 2]) <= 1).all()


@pytest.mark.parametrize("seed", range(20))
def test_split_leaves_every_class_a_row_to_train_with(seed: int) -> None:
    y = np.array([0] * 9 + [1, 2, 3])
    train, test = split(made(y), 0.5, seed)
    assert set(y[train]) == {0, 1, 2, 3}
    assert len(test) == 6


def test_split_depends_on_its_seed_alone() -> None:
    table = made([0, 1] * 50)
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    np.testing.assert_array_equal(split(table, seed=1)[0], split(table, seed=1)[0])
    assert split(table, seed=1)[0].tolist() != split(table, seed=2)[0].tolist()
    assert np.random.random() == expected  # NumPy's global generator was left alone


@pytest.mark.parametrize("fraction", [0, 1, -1, float("nan")])
def test_split_fraction(fraction: float) -> None:
    with pytest.raises(ValueError, match=r"test_fraction must be above 0 and below 1\. Got"):
        split(made([0, 1]), fraction)


def test_split_of_too_few_rows(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 rows are too few to split"):
        split(made([0, 1]))
    train, test = split(target([1.5, 2.5], tmp_path))
    assert (len(train), len(test)) == (1, 1)


def test_standardize_by_hand() -> None:
    train = np.array([[1.0, 0.1, 0, 5], [3.0, 0.1, 1, 5]])
    test = np.array([[4.0, 0.2, 1, 5]])
    (a, b), mean, scale = standardize(train, test)
    assert a.dtype == b.dtype == np.float32
    assert (mean.tolist(), scale.tolist()) == ([2, 0.1, 0, 5], [1, 1, 1, 1])
    assert a.tolist() == [[-1, 0, 0, 0], [1, 0, 1, 0]]
    np.testing.assert_allclose(b, [[2, 0.1, 1, 0]], rtol=1e-6)


def test_standardize_keeps_the_digits_of_large_numbers() -> None:
    """In float32 a time in seconds since 1970 is good to two minutes only."""
    seconds = 1.7e9 + np.arange(4.0)[:, None]
    (scaled,), _, _ = standardize(seconds)
    assert len(np.unique(scaled)) == 4


def test_standardize_refuses_nan_and_nothing() -> None:
    with pytest.raises(ValueError, match=r"train_x holds NaN\. Fill empty cells first"):
        standardize(np.array([[1.0], [np.nan]]))
    with pytest.raises(ValueError, match=r"train_x has no rows.*\(0, 2\)"):
        standardize(np.zeros((0, 2)))


def test_what_is_learnt_is_learnt_from_the_training_rows() -> None:
    """Test rows may hold anything: it changes no median, no mean, no scale, no training row."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3))
    x[rng.random(x.shape) < 0.2] = np.nan
    y = np.arange(100) % 2
    train, test = split(made(y, x))
    before = prepare(made(y, x))
    known = x[train, 0][~np.isnan(x[train, 0])]
    assert before.fill[0] == np.median(known)

    other = x.copy()
    other[test] = 1e6
    after = prepare(made(y, other))
    for name in ("x_train", "y_train", "y_test", "fill", "mean", "scale"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    np.testing.assert_allclose(before.x_train.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(before.x_train.std(axis=0), 1, atol=1e-6)


def test_a_column_that_is_empty_in_all_training_rows() -> None:
    y = np.arange(20) % 2
    _, test = split(made(y))
    x = np.full((20, 1), np.nan)
    x[test[0]] = 7
    assert prepare(made(y, x)).x_train.tolist() == [[0]] * 16


def test_prepared_rows_belong_to_their_targets(tmp_path: Path) -> None:
    table = target([i * 1.5 for i in range(30)], tmp_path)
    ready = prepare(table, 0.25, seed=3)
    assert (ready.x_train.shape, ready.x_test.shape) == ((22, 1), (8, 1))
    for x, y in ((ready.x_train, ready.y_train), (ready.x_test, ready.y_test)):
        np.testing.assert_allclose(
            (x * ready.scale + ready.mean)[:, 0] * 15, y, rtol=1e-5, atol=1e-5
        )


def test_a_large_file_is_read_quickly(tmp_path: Path) -> None:
    """20,000 rows of 20 numbers take a fifth of a second; the limit leaves room for a busy CPU."""
    values = np.random.default_rng(0).normal(size=(20_000, 20)).round(6)
    with open(tmp_path / "large.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"f{i}" for i in range(20)] + ["y"])
        writer.writerows([*row, int(row[0] > 0)] for row in values.tolist())
    start = time.perf_counter()
    table = read_table(tmp_path / "large.csv", "y")
    assert time.perf_counter() - start < 2
    np.testing.assert_array_equal(table.x, values)


def test_the_docstrings_examples() -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
