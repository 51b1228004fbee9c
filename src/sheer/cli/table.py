"""Reading a CSV file for `sheer train`: from text to arrays, saying what was done to each column.

    read_table   the file as numbers, with NaN where a cell was empty
    prepare      split into training and test rows, fill, standardize

What is learnt from the data (medians, means, scales) is learnt in `prepare`, from the training rows
alone: a test row must not help to prepare its own test.
"""

import csv
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Task = Literal["classification", "regression"]
Numbers = NDArray[np.float64]
Targets = NDArray[np.int64] | NDArray[np.float32]

MOST_CLASSES = 20
ROWS_PER_CLASS = 5
RULE = (
    f"The rule: text, or at most {MOST_CLASSES} different whole numbers with {ROWS_PER_CLASS} rows "
    "or more each on average, are classes; other numbers are a quantity."
)
MOST_CATEGORIES = 20
LARGEST = float(np.finfo(np.float32).max)

# What stands for "no value" in a column of numbers. In a column of text only an empty cell does.
MISSING = {"", "NA", "na", "N/A", "n/a", "NaN", "nan", "NAN", "NULL", "null", "None", "none", "?"}


@dataclass(frozen=True)
class Table:
    """A CSV file as arrays, not yet split, filled or standardized: `prepare` does that.

    Attributes:
        x: (rows, features) float64, NaN where a cell was empty. Not float32: a time in seconds or
            a large id would lose digits before `prepare` has subtracted the mean.
        y: (rows,) int64, places in `classes`; for a regression float32.
        task: "classification" or "regression".
        classes: the labels as they stand in the file, sorted; None for a regression.
        target: the name of the target column.
        feature_names: one for each column of `x`; `"colour=red"` where text was one-hot encoded.
        report: lines in plain English that say what was done with each column.
    """

    x: Numbers
    y: Targets
    task: Task
    classes: list[str] | None
    target: str
    feature_names: list[str]
    report: list[str]


@dataclass(frozen=True)
class Prepared:
    """A table ready to train on.

    Attributes:
        x_train, x_test: (rows, features) float32, without NaN.
        y_train, y_test: (rows,) as in `Table`.
        fill: (features,) float64, the medians that stand where cells were empty.
        mean, scale: (features,) float64; a new row is prepared as `(row - mean) / scale`.
        report: one line more for the reader: how the rows were split.
    """

    x_train: NDArray[np.float32]
    y_train: Targets
    x_test: NDArray[np.float32]
    y_test: Targets
    fill: Numbers
    mean: Numbers
    scale: Numbers
    report: list[str]


# Preparing


def prepare(table: Table, test_fraction: float = 0.2, seed: int = 0) -> Prepared:
    """Split, fill empty cells, standardize; medians, means and scales from the training rows alone.

    The targets of a regression are left as they are; where they are large, train on
    `standardize(y_train[:, None], y_test[:, None])`.

    Args:
        table: from `read_table`.
        test_fraction, seed: as for `split`.
    """
    train, test = split(table, test_fraction, seed)
    x_train, x_test = table.x[train], table.x[test]
    known = [column[~np.isnan(column)] for column in x_train.T]
    fill = np.array([np.median(column) if column.size else 0.0 for column in known])
    filled = (np.where(np.isnan(x), fill, x) for x in (x_train, x_test))
    (x_train_32, x_test_32), mean, scale = standardize(*filled)
    how = "each class by its share" if table.classes else "at random"
    report = [
        f"{len(train)} rows to train with, {len(test)} to test with, drawn {how} (seed {seed})."
    ]
    return Prepared(x_train_32, table.y[train], x_test_32, table.y[test], fill, mean, scale, report)


def split(
    table: Table, test_fraction: float = 0.2, seed: int = 0
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows to train with and rows to test with, shuffled, the same for the same seed.

    In a classification each class has its share in both parts, but for a row or so, and always a
    row to train with.

    Args:
        table: from `read_table`.
        test_fraction: the part to test with, above 0 and below 1. Default: 0.2.
        seed: a whole number of 0 or more. Default: 0.

    Raises:
        ValueError: `test_fraction` is out of range, or there are too few rows for two parts.
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction must be above 0 and below 1. Got {test_fraction!r}.")
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(table.y))
    pool = order
    if table.classes:
        pool = order[np.argsort(table.y[order], kind="stable")]
        first_of_class = np.unique(table.y[pool], return_index=True)[1]
        pool = np.delete(pool, first_of_class)  # these stay in the training part
    count = min(max(1, round(len(order) * test_fraction)), len(pool))
    if count == 0 or count == len(order):
        raise ValueError(
            f"{len(order)} rows are too few to split into rows to train with and rows to test with."
        )
    # Evenly spaced places in rows sorted by class: each class comes up as often as it is large.
    every = (np.arange(count) + 0.5) * len(pool) / count
    in_test = np.zeros(len(order), bool)
    in_test[pool[every.astype(np.intp)]] = True
    return order[~in_test[order]], order[in_test[order]]


def standardize(
    train_x: NDArray[np.floating], *others: NDArray[np.floating]
) -> tuple[tuple[NDArray[np.float32], ...], Numbers, Numbers]:
    """Each column minus its mean, divided by its standard deviation, both of `train_x` alone.

    A column of zeros and ones in `train_x`, such as one-hot gives, stays as it is (mean 0, scale
    1): a category of one row in a thousand would become 31 there. A constant column becomes 0.

    Args:
        train_x: (rows, features), at least one row, no NaN.
        *others: (any, features), changed in the same way.

    Returns:
        `(train_x, *others), mean, scale`: float32 arrays; float64 (features,) each.

    Raises:
        ValueError: `train_x` has no rows, or holds NaN.

    Example:
        >>> (train, test), mean, scale = standardize(np.array([[1.0], [3.0]]), np.array([[4.0]]))
        >>> train.tolist(), test.tolist(), mean.tolist(), scale.tolist()
        ([[-1.0], [1.0]], [[2.0]], [2.0], [1.0])
    """
    values = np.asarray(train_x, np.float64)
    if len(values) == 0:
        raise ValueError(
            f"standardize: train_x has no rows, so there is no mean. Got shape {values.shape}."
        )
    if np.isnan(values).any():
        raise ValueError("standardize: train_x holds NaN. Fill empty cells first, as prepare does.")
    mean, scale = values.mean(axis=0), values.std(axis=0)
    constant = values.min(axis=0) == values.max(axis=0)  # std may be 1e-17 there
    mean[constant], scale[constant] = values[0, constant], 1.0
    zero_or_one = np.all((values == 0) | (values == 1), axis=0)
    mean[zero_or_one], scale[zero_or_one] = 0.0, 1.0
    arrays = (np.asarray((x - mean) / scale, np.float32) for x in (values, *others))
    return tuple(arrays), mean, scale


# Reading


def read_table(path: str | os.PathLike[str], target: str | int, task: Task | None = None) -> Table:
    """Read a CSV file: a first line with the columns' names, then a row to a line.

    Columns of numbers are used as they are. Text of at most 20 different values is one-hot
    encoded, with empty as a value of its own; other text, constant columns and row numbers are
    dropped. Rows without a target are left out. `report` says all of it.

    Args:
        path: the file, UTF-8, separated by commas, semicolons or tabs.
        target: the name of the column to predict, or its place: 0 is the first, -1 the last. Text
            such as `"-1"` is a place if no column has that name.
        task: "classification" or "regression"; None decides: text, or at most 20 different whole
            numbers with 5 rows or more each on average, are classes; other numbers are a quantity.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not such a table, or cannot be learnt from; says where and why.
    """
    if task not in (None, "classification", "regression"):
        raise ValueError(f"task must be 'classification', 'regression' or None. Got {task!r}.")
    names, rows, lines, report = _read_rows(Path(path))
    place = _place(names, target, Path(path).name)
    name = names[place]
    has_target = _filled([row[place] for row in rows])
    if not any(has_target):
        raise ValueError(f"{path}: the target {name!r} is empty in every row.")
    columns = list(zip(*compress(rows, has_target), strict=True))
    lines = list(compress(lines, has_target))
    y, task, classes, why = _target(name, columns[place], lines, task)
    report.append(f"Target {name!r}: {why}")
    if left_out := has_target.count(False):
        report.append(f"{_count(left_out, 'row')} without a target left out.")

    x: list[Numbers] = []
    feature_names: list[str] = []
    for i, feature in enumerate(names):
        if i != place:
            parts, said = _feature(feature, columns[i], lines)
            x += parts.values()
            feature_names += parts
            report.append(f"{feature!r}: {said}.")
    if not x:
        raise ValueError(f"{path}: no column is left to learn from.\n" + "\n".join(report))
    return Table(np.stack(x, axis=1), y, task, classes, name, feature_names, report)


def _read_rows(path: Path) -> tuple[list[str], list[list[str]], list[int], list[str]]:
    """Names, rows of stripped cells, the line where each row ends, the report's first line."""
    if not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r} (looked from {Path.cwd()}).")
    rows, lines = [], []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            separator = max(",;\t", key=first.count)  # of equals the first: the comma
            file.seek(0)
            reader = csv.reader(file, delimiter=separator, skipinitialspace=True, strict=True)
            try:
                for row in reader:
                    if row:  # a blank line is no row
                        rows.append(list(map(str.strip, row)))
                        lines.append(reader.line_num)
            except csv.Error as error:
                raise ValueError(
                    f"{path}, line {reader.line_num}: {error}. Is a double quote missing, or one "
                    "too many?"
                ) from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error}). Save it as UTF-8.") from error
    if not rows:
        raise ValueError(f"{path} is empty. The first line must name the columns.")
    names = _names(rows.pop(0), path)
    lines.pop(0)
    if not rows:
        raise ValueError(f"{path} names {_count(len(names), 'column')}, and has no rows below.")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(names):
            raise ValueError(
                f"{path}, line {line}: {_count(len(row), 'field')}, but the first line names "
                f"{_count(len(names), 'column')}: {_some(names)}. A field that holds the separator "
                f"{separator!r} must stand in double quotes."
            )
    separated = {",": "", ";": ", separated by semicolons", "\t": ", separated by tabs"}[separator]
    size = f"{_count(len(rows), 'row')} and {_count(len(names), 'column')}"
    return names, rows, lines, [f"{path.name}: {size}{separated}."]


def _names(header: list[str], path: Path) -> list[str]:
    """The columns' names; one without a name is called by its place, `column 1`."""
    numbered = header == [str(i) for i in range(len(header))]  # as pandas names columns by itself
    if _numbers(header) is not None and not numbered:
        raise ValueError(
            f"{path}, line 1: {_some(header)} are numbers, so this looks like a row of data. "
            "Add a first line with the columns' names."
        )
    names = [name or f"column {i}" for i, name in enumerate(header, start=1)]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"{path}, line 1: two columns or more are named {_some(twice)}.")
    return names


def _place(names: list[str], target: str | int, file: str) -> int:
    """The target's place among the columns."""
    if target in names:
        return names.index(str(target))
    try:
        place = int(target)
    except ValueError:
        import difflib

        near = difflib.get_close_matches(str(target), names, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Its columns: {_some(names)}."
        raise ValueError(f"{file} has no column {target!r}. {hint}") from None
    if not -len(names) <= place < len(names):
        raise ValueError(
            f"{file} has no column {place}: it has {_count(len(names), 'column')}, "
            f"0 to {len(names) - 1}, or from the end -1 to {-len(names)}: {_some(names)}."
        )
    return place % len(names)


# The target


def _target(
    name: str, cells: Sequence[str], lines: list[int], task: Task | None
) -> tuple[Targets, Task, list[str] | None, str]:
    """y, task, classes, and a sentence that says why this task."""
    numbers = _numbers(cells)
    if numbers is not None:
        _refuse_infinite(name, numbers, lines)
    decided, why = _decide(numbers)
    why = f"{task}, as asked for." if task else f"{decided}, for it holds {why}. {RULE}"
    task = task or decided
    if task == "regression":
        if numbers is None:
            i = _first_text(cells)
            raise ValueError(
                f"The target {name!r} is not a number in line {lines[i]}: {cells[i]!r}. "
                "Text can be learnt as classes: --task classification."
            )
        if (numbers == numbers[0]).all():
            raise ValueError(f"The target {name!r} is always {cells[0]}: nothing to learn.")
        return numbers.astype(np.float32), task, None, why

    if numbers is None:
        classes = sorted(set(cells))
        code = {label: i for i, label in enumerate(classes)}
        y = np.array([code[cell] for cell in cells], np.int64)
    else:
        _, first, y = np.unique(numbers, return_index=True, return_inverse=True)
        classes = [cells[i] for i in first]
    if len(classes) == 1:
        raise ValueError(
            f"The target {name!r} has only one class, {classes[0]!r}: nothing to learn."
        )
    if len(classes) == len(cells):
        raise ValueError(
            f"The target {name!r} differs in each of the {len(cells)} rows, so that no class has "
            "two rows to learn from. Is it the right column?"
        )
    return y.astype(np.int64), task, classes, f"{why} {len(classes)} classes: {_some(classes)}."


def _decide(numbers: Numbers | None) -> tuple[Task, str]:
    """The task, and what in the target's cells speaks for it."""
    if numbers is None:
        return "classification", "text"
    distinct = len(np.unique(numbers))
    if not (numbers == np.floor(numbers)).all():
        return "regression", "numbers with fractions"
    if distinct > MOST_CLASSES:
        return "regression", f"{distinct} different whole numbers"
    each = len(numbers) / distinct
    said = f"{_count(distinct, 'different whole number')}, {each:,.1f} rows each on average"
    return "classification" if each >= ROWS_PER_CLASS else "regression", said


# The features


def _feature(name: str, cells: Sequence[str], lines: list[int]) -> tuple[dict[str, Numbers], str]:
    """What a column gives (name -> values; nothing if it is dropped), and words about it."""
    numbers = _numbers(cells)
    if numbers is None:
        return _text_feature(name, cells, lines)
    _refuse_infinite(name, numbers, lines)
    empty = np.isnan(numbers)
    known = numbers[~empty]
    if not known.size:
        return {}, "dropped, empty in every row"
    if (known == known[0]).all():
        return {}, f"dropped, always {known[0]:g}" + (" or empty" if empty.any() else "")
    if _counts_rows(name, known):
        return {}, "dropped, whole numbers that only go up: an id"
    said = "used as a number"
    if empty.any():
        said += f"; {_count(int(empty.sum()), 'empty cell')} filled with the training rows' median"
    return {name: numbers}, said


def _text_feature(
    name: str, cells: Sequence[str], lines: list[int]
) -> tuple[dict[str, Numbers], str]:
    """One-hot columns for text of few different values; nothing for other text."""
    values = sorted(set(cells))
    i = _first_text(cells)
    if len(values) == 1:
        return {}, f"dropped, always {values[0]!r}"
    if len(values) == len(cells):
        return {}, f"dropped, text that differs in every row, like an id ({cells[i]!r})"
    if len(values) > MOST_CATEGORIES:
        return {}, (
            f"dropped, text of {len(values)} different values (up to {MOST_CATEGORIES} are one-hot "
            f"encoded), the first {cells[i]!r} in line {lines[i]}"
        )
    array = np.array(cells)
    parts = {f"{name}={v or '(empty)'}": (array == v).astype(np.float64) for v in values}
    said = f"one-hot encoded, {len(values)} different values: "
    return parts, said + _some([value or "(empty)" for value in values])


def _counts_rows(name: str, numbers: Numbers) -> bool:
    """Whether a column is named like an index, and is whole numbers that only go up."""
    named_so = name.lower() in ("id", "index", "column 1", "unnamed: 0")
    named_so = named_so or name.endswith(("Id", "ID", "_id"))
    return named_so and bool((np.diff(numbers) > 0).all() and (numbers == np.floor(numbers)).all())


# Cells


def _numbers(cells: Sequence[str]) -> Numbers | None:
    """The cells as numbers, NaN where one is missing; None if some cell is text."""
    if "_" in "".join(cells):  # float("1_000") is 1000, but an id such as 12_34 is text
        return None
    try:
        return np.array([math.nan if cell in MISSING else float(cell) for cell in cells])
    except ValueError:
        return None


def _filled(cells: Sequence[str]) -> list[bool]:
    """Which cells hold a value."""
    numbers = _numbers(cells)
    return [cell != "" if numbers is None else cell not in MISSING for cell in cells]


def _first_text(cells: Sequence[str]) -> int:
    """The place of the first cell that is no number: often the one typing error in a column."""
    return next(i for i, cell in enumerate(cells) if _numbers([cell]) is None)


def _refuse_infinite(name: str, numbers: Numbers, lines: list[int]) -> None:
    """Infinity has no mean to subtract; nor can float32 hold larger numbers than LARGEST."""
    too_large = np.flatnonzero(np.abs(numbers) > LARGEST)
    if too_large.size:
        i = too_large[0]
        raise ValueError(
            f"Column {name!r}, line {lines[i]}: {numbers[i]:g} is not a number that can be learnt "
            f"from (at most {LARGEST:.2g}). Leave the cell empty where the value is not known."
        )


def _count(n: int, what: str) -> str:
    """`1 row`, `2 rows`, `10,000 rows`."""
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def _some(names: Sequence[str], most: int = 8) -> str:
    """The first few names, and how many there are beyond."""
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(names[:most]) + more
