"""The figures of a training as text: the whole drawing, and what holds for any."""

import io
import sys

import numpy as np
import pytest

from sheer.callbacks import History

NAN = float("nan")


def made(epochs=None, **figures):
    """A history of these figures, epoch by epoch; None where an epoch has none."""
    history = History()
    for i, epoch in enumerate(epochs or range(max(map(len, figures.values())))):
        values = {name: f[i] for name, f in figures.items() if i < len(f)}
        history.on_epoch_end(epoch, {name: v for name, v in values.items() if v is not None})
    return history


def drawn(history, **options):
    """The drawing, with a line's end before and after it, as a test writes it down."""
    return f"\n{history.plot_text(**{'ascii': False, **options})}\n"


FIVE = {
    "loss": [2.0, 1.2, 0.8, 0.6, 0.5],
    "val_loss": [1.5, 1.0, 0.8, 0.7, 0.75],
    "accuracy": [0.4, 0.7, 0.8, 0.85, 0.9],
    "val_accuracy": [0.6, 0.75, 0.8, 0.82, 0.81],
}


# Whole drawings


def test_five_epochs():
    assert (
        drawn(made(**FIVE), width=72, height=9)
        == """
       ○ loss, mean over the epoch   ● val_loss, at the end of the epoch
  2.0 ┤      ○ ⡀
      │         ⠐ ⠄
  1.5 ┤            ●⠤⢆⣀
      │                ⠉⠓○⠤⣄⣀
  1.0 ┤                     ⠈⠉⠓●⠤⠤⢤⢄⣀⣀⣀⡀
      │                             ⠁○ ⠊⠙⠉⠍●⠒⡒⢒⠒⡒⠒⠤⠤⠤⠤⠤●⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤●
  0.5 ┤                                          ○ ⠁⠈ ⠁⠐ ⠂⠐ ⠂○
      └┬───────────┬───────────┬───────────┬───────────┬───────────┬
epoch  0           1           2           3           4           5

○ accuracy, over the epoch   ● val_accuracy, at the end of the epoch
  1.0 ┤
      │                                            ⡀⢀ ⡀⠠ ⠄⠠ ⠄○
  0.8 ┤                         ⣀⣀⣠⣀⣄○⠤⠦⠴⠤⠦●⠒⠓⠚⠒⠓○⠒⠒⠒⠒⠒●⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒●
      │                 ⣀○⠤⠦⠒⠒⠉●
  0.6 ┤            ●⠒⠖⠙⠉
      │         ⢀ ⠂⠈
  0.4 ┤      ○ ⠁
      └┬───────────┬───────────┬───────────┬───────────┬───────────┬
epoch  0           1           2           3           4           5
"""
    )


def test_in_ascii():
    assert (
        drawn(made(**FIVE), metrics="loss", width=72, height=9, ascii=True)
        == """
       o loss, mean over the epoch   * val_loss, at the end of the epoch
  2.0 +      o.
      |        ....
  1.5 +            *---
      |                ------
  1.0 +                     .--*-------
      |                            ..o.----*-----------*-----------*
  0.5 +                                         .o...........o
      ++-----------+-----------+-----------+-----------+-----------+
epoch  0           1           2           3           4           5
"""
    )


def test_one_epoch():
    assert (
        drawn(made(loss=[2.0], val_loss=[1.5]), width=72, height=6)
        == """
       ○ loss, mean over the epoch   ● val_loss, at the end of the epoch
  2.0 ┤                                ○
  1.9 ┤
  1.8 ┤
  1.7 ┤
  1.6 ┤
  1.5 ┤                                                                ●
      └┬───────────────────────────────────────────────────────────────┬
epoch  0                                                               1
"""
    )


def test_gaps_fewer_held_out_figures_and_a_learning_rate():
    history = made(
        loss=[3, 2, NAN, 1, NAN],
        val_loss=[None, 2.5, None, 1.5, float("inf")],
        learning_rate=[0.1, 0.1, 0.1, 0.01, 0.01],
    )
    assert (
        drawn(history, width=72, height=7)
        == """
       ○ loss, mean over the epoch   ● val_loss, at the end of the epoch
    3 ┤      ○ ⡀
      │         ⠈ ⠄⢀           ⢀
      │              ⠂⠠        ●⠉⠉⠒⠒⠤⠤⣀⣀
    2 ┤                 ⠁○              ⠉⠉⠒⠒⠤⠤⣀⣀
      │                                         ⠉⠉⠒⠒⠤⠤⣀●
      │
    1 ┤                                          ○
      └┬───────────┬───────────┬───────────┬───────────┬───────────┬
epoch  0           1           2           3           4           5

       ─ learning_rate, during the epoch
 0.10 ┤⠐⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⢲
      │                                    ⢸
      │                                    ⢸
 0.05 ┤                                    ⢸
      │                                    ⢸
      │                                    ⢸⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀
 0.00 ┤
      └┬───────────┬───────────┬───────────┬───────────┬───────────┬
epoch  0           1           2           3           4           5

loss has gaps: NaN in epochs 3 and 5.
val_loss has gaps: inf in epoch 5.
"""
    )


def test_a_constant_figure():
    assert (
        drawn(made(loss=[0.5] * 3, val_loss=[0.5] * 3), width=72, height=6)
        == """
       ○ loss, mean over the epoch   ● val_loss, at the end of the epoch
0.550 ┤
0.525 ┤
0.500 ┤          ○ ⠄⠠ ⠄⠠ ⠄⠠●⠤⠤⠤⠤⠤⠤⠤⠤⠤○⠤⠤⠤⠤⠤⠤⠤⠤⠤●⠤⠤⠤⠤⠤⠤⠤⠤⠤○⠤⠤⠤⠤⠤⠤⠤⠤⠤●
0.475 ┤
0.450 ┤
      └┬───────────────────┬───────────────────┬───────────────────┬
epoch  0                   1                   2                   3
"""
    )


def test_no_finite_figure():
    assert (
        drawn(made(loss=[NAN, NAN]), width=50, height=6)
        == """
       ○ loss, mean over the epoch
      │
      └┬───────────────────┬───────────────────┬
epoch  0                   1                   2

loss has gaps: NaN in epochs 1 and 2.
"""
    )


def test_many_epochs():
    epoch = np.arange(200)
    history = made(loss=2 * 0.98**epoch, val_loss=0.5 + 1.5 * 0.97**epoch)
    assert (
        drawn(history, width=72, height=9)
        == """
       ○ loss, mean over the epoch   ● val_loss, at the end of the epoch
  2.0 ┤⠰⣄
      │ ⠈⠳⣄
  1.5 ┤    ○⢦⡀
      │      ⠈⠓●⣀
  1.0 ┤         ⠈⠙⠳○⣤⣀⡀
      │             ⠈⠉⠚●⢗⣒⠢⠤⠤⢤⣀●⣀⣀
  0.5 ┤                   ⠉○⠒⠢⠤⢤⣀⣀⠉⠉⠉⠉⠉●⠉⠓⠒⠒⠒⠒⠒●⠒⠒⠒⠒⠒⠒⠒●⠒⠒⠒⠒⠒⠒⠒●⠒⠒⠒⠒⠒⠒⠒●
      │                           ⠉○⠉⠒⠒⠒⠢⠤⠤○⠤⣄⣀⣀⣀⣀⣀○
  0.0 ┤                                            ⠈⠉⠉⠉⠉⠉⠉⠉○⠉⠉⠑⠒⠒⠒⠒○⠒⠒⠒⠂
      └┬─────┬──────┬─────┬──────┬─────┬─────┬──────┬─────┬──────┬─────┬
epoch  0     20     40    60     80   100   120    140   160    180  200
"""
    )


def test_long_names_and_figures_that_are_arrays():
    history = made(
        range(10, 12),
        sparse_categorical_accuracy=[0.25, 0.5],
        val_sparse_categorical_accuracy=[0.5, 0.75],
        matrix=[np.eye(2), np.eye(2)],
    )
    assert (
        drawn(history, width=60, height=4, ascii=True)
        == """
o sparse_categorical_accuracy, over the epoch
* val_sparse_categorical_accuracy, at the end of the epoch
  0.8 +                                               -----*
  0.6 +                           --------------------
  0.4 +                   .......*............o
  0.2 +             o.....
      ++-------------------------+-------------------------+
epoch  10                        11                       12

matrix is left out: its figures are arrays of the shape (2,
2).
"""
    )


# What holds for any


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize(("width", "height"), [(40, 4), (41, 7), (80, 12), (200, 40)])
@pytest.mark.parametrize("epochs", [1, 2, 9, 72, 150, 1000])
def test_it_keeps_within_its_size(epochs, width, height, ascii):
    x = np.arange(epochs)
    history = made(loss=np.sin(7 * x), val_loss=1.3 * np.cos(x), learning_rate=0.1 / (1 + x))
    text = history.plot_text(width=width, height=height, ascii=ascii)
    assert max(map(len, text.splitlines())) <= width
    panels = text.split("\n\n")
    assert len(panels) == 2
    for panel in panels:
        assert len(panel.splitlines()) <= height + 4  # the legend and the epochs
    assert text.isascii() == ascii


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([1e-9, 3e-9], ["1e-09", "2e-09", "3e-09"]),
        ([1e11, 3e11], ["1e+11", "2e+11", "3e+11"]),
        ([1_000_001, 1_000_003], ["1000001", "1000002", "1000003"]),
        ([20_000, 60_000], ["20,000", "40,000", "60,000"]),
        ([-1, 1], ["-1", "0", "1"]),
        ([-0.5, 0.5], ["-0.5", "0.0", "0.5"]),
        ([3.4e38], ["3e+38", "3.25e+38", "3.5e+38", "3.75e+38"]),
        ([0], ["-1", "0", "1"]),
    ],
)
def test_the_labels_of_the_axis(values, labels):
    lines = made(loss=values).plot_text(height=8).splitlines()
    assert [line.split()[0] for line in lines if "┤" in line] == labels[::-1]


def test_each_point_is_at_its_epoch_and_value():
    """With as many cells as make an epoch 10 of them, and a line 0.1."""
    values = [0.1, 0.7, 0.3, 1.0, 0.0]
    text = made(loss=values, val_loss=values[::-1]).plot_text(width=58, height=11, ascii=True)
    rows = [line.partition("+" if "+" in line else "|")[2] for line in text.splitlines()[2:-2]]
    assert len(rows) == 11
    for sign, xs, ys in (
        ("o", [5, 15, 25, 35, 45], values),
        ("*", range(10, 51, 10), values[::-1]),
    ):
        points = {
            (column, 10 - row)
            for row, line in enumerate(rows)
            for column, found in enumerate(line)
            if found == sign
        }
        assert points == {(x, round(10 * y)) for x, y in zip(xs, ys, strict=True)}


@pytest.mark.parametrize(
    ("encoding", "is_ascii"),
    [("utf-8", False), ("ascii", True), ("cp437", True), ("latin-1", True)],
)
def test_signs_that_stdout_can_show(encoding, is_ascii, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    text = made(**FIVE).plot_text()
    assert text.isascii() == is_ascii
    print(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 39}, "History.plot_text: width must be a whole number of 40 or more. Got 39."),
        (
            {"height": 2.5},
            "History.plot_text: height must be a whole number of 4 or more. Got 2.5.",
        ),
        (
            {"metrics": "lost"},
            "History.plot_text: there is no figure 'lost'. Did you mean 'loss'?",
        ),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError) as error:
        made(**FIVE).plot_text(**options)
    assert str(error.value) == message


def test_before_an_epoch_has_ended():
    with pytest.raises(ValueError) as error:
        History().plot_text()
    assert str(error.value) == (
        "History.plot_text: there is nothing to draw: no epoch of a fit has ended."
    )
