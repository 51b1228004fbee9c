"""The figures of a training: which belong to which epochs, and how matplotlib draws them."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import sheer
from sheer.callbacks import BackupAndRestore, History, LearningRateScheduler
from small import classifier, data

X, Y = data(40)
NAN, INF = float("nan"), float("inf")


def made(**figures):
    """A history of these figures, epoch by epoch; None where an epoch has none."""
    history = History()
    for epoch in range(max(map(len, figures.values()))):
        values = {name: list(f)[epoch] for name, f in figures.items() if epoch < len(f)}
        history.on_epoch_end(epoch, {name: v for name, v in values.items() if v is not None})
    return history


def fitted(model=None, **options):
    options = {"epochs": 3, "validation_data": (X, Y), "verbose": 0, **options}
    return (model or classifier()).fit(X, Y, **options)


def figure(history, *arguments, **options):
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    return history.plot(*arguments, **options)


def lines(axes):
    """x and y of each line, by its words in the legend."""
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines
    }


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def note(figure):
    return figure.get_supxlabel()


# What the history knows


def test_the_history_knows_the_epochs_of_its_figures():
    history = fitted(epochs=7, initial_epoch=2, validation_freq=3)
    assert history.epoch == history.epochs_of["loss"] == [2, 3, 4, 5, 6]
    assert history.epochs_of["val_loss"] == history.epochs_of["val_accuracy"] == [2, 5]
    assert list(map(len, history.history.values())) == [5, 5, 2, 2]


def test_a_training_that_goes_on_from_a_backup_knows_them_as_well(tmp_path):
    def backup():
        return BackupAndRestore(tmp_path / "b", delete_checkpoint=False)

    fitted(epochs=3, validation_freq=2, callbacks=[backup()])
    sheer.utils.clear_session()
    history = fitted(epochs=6, validation_freq=2, callbacks=[backup()])
    assert history.epoch == history.epochs_of["loss"] == [0, 1, 2, 3, 4, 5]
    assert history.epochs_of["val_loss"] == [1, 3, 5]


# Lines


def test_a_mean_over_an_epoch_stands_at_its_middle_and_what_is_measured_after_it_at_its_end():
    history = fitted()
    loss, accuracy = figure(history).axes
    figures = history.history
    assert lines(loss) == {
        "loss, mean over the epoch": ([0.5, 1.5, 2.5], figures["loss"]),
        "val_loss, at the end of the epoch": ([1, 2, 3], figures["val_loss"]),
    }
    assert lines(accuracy) == {
        "accuracy, over the epoch": ([0.5, 1.5, 2.5], figures["accuracy"]),
        "val_accuracy, at the end of the epoch": ([1, 2, 3], figures["val_accuracy"]),
    }
    for axes in (loss, accuracy):
        assert legend(axes) == list(lines(axes))
        first, second = axes.lines
        assert first.get_marker() != second.get_marker() and first.get_color() != second.get_color()
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")
    assert (loss.get_xlabel(), accuracy.get_xlabel()) == ("", "epoch")


@pytest.mark.parametrize("epochs", [1, 2, 5, 200])
def test_the_ticks_are_whole_epochs_from_the_beginning_to_the_end(epochs):
    shown = figure(made(loss=np.linspace(2, 1, epochs), val_loss=np.linspace(2, 1, epochs)))
    shown.canvas.draw()
    axes = shown.axes[0]
    low, high = axes.get_xlim()
    assert -0.05 * epochs < low < 0 and epochs < high < 1.05 * epochs
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks[0] == 0 and ticks[-1] == epochs
    assert all(tick == int(tick) for tick in ticks)


def test_held_out_figures_of_some_epochs_only():
    axes = figure(fitted(epochs=7, initial_epoch=2, validation_freq=3)).axes[0]
    assert [x for x, _ in lines(axes).values()] == [[2.5, 3.5, 4.5, 5.5, 6.5], [3, 6]]
    assert axes.get_xlim()[0] == pytest.approx(2, abs=0.2)


def test_a_learning_rate_holds_through_its_epoch_and_comes_last():
    halve = LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    shown = figure(fitted(classifier(optimizer=sheer.optimizers.SGD(0.5)), callbacks=[halve]))
    assert [axes.get_ylabel() for axes in shown.axes] == ["loss", "accuracy", "learning_rate"]
    axes = shown.axes[-1]
    assert lines(axes) == {
        "learning_rate, during the epoch": ([0, 1, 2, 3], [0.5, 0.5, 0.25, 0.125])
    }
    assert axes.lines[0].get_drawstyle() == "steps-pre"


def test_many_quantities_stand_in_two_columns_above_an_axis_each():
    figures = {f"{name}_of_a_long_name": [1.0, 2.0] for name in "abcde"}
    shown = figure(made(loss=[1.0, 2.0], val_loss=[1.0, 2.0], **figures))
    shown.canvas.draw()
    assert len(shown.axes) == 6
    assert [axes.get_xlabel() for axes in shown.axes] == ["", "", "", "", "epoch", "epoch"]
    assert shown.axes[1].get_ylabel() == "a_of_a_long_name"
    boxes = [axes.get_tightbbox() for axes in shown.axes]
    assert all(box.x0 >= 0 and box.x1 <= shown.bbox.x1 for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_some_marks_of_many_points_and_all_that_stand_alone():
    y = np.linspace(2, 1, 200)
    y[[11, 13, 40]] = NAN
    line = figure(made(loss=y)).axes[0].lines[0]
    marked = line.get_markevery()
    assert 12 in marked and len(marked) == 21


# What is not drawn, and said


def test_gaps_are_marked_in_words():
    shown = figure(made(loss=[3, NAN, 2, 1, NAN, NAN, NAN], val_loss=[3, INF, -INF, 1, 1, 1, 1]))
    axes = shown.axes[0]
    loss, held_out = (np.array(y) for _, y in lines(axes).values())
    np.testing.assert_array_equal(np.isnan(loss), [0, 1, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(np.isnan(held_out), [0, 1, 1, 0, 0, 0, 0])
    marks = [(text.get_text(), text.xy[0]) for text in axes.texts]
    assert marks == [("NaN", 1.5), ("NaN", 5.5), ("inf", 2.0), ("-inf", 3.0)]
    assert note(shown) == (
        "loss has gaps: NaN in epochs 2 and 5 to 7.\n"
        "val_loss has gaps: inf in epoch 2, -inf in epoch 3."
    )
    assert np.isfinite(axes.get_ylim()).all()


def test_nothing_finite_at_all():
    shown = figure(made(loss=[NAN, NAN], accuracy=[0.1, 0.1]), log="loss")
    shown.canvas.draw()
    assert note(shown) == "loss has gaps: NaN in epochs 1 and 2."
    assert list(shown.axes[0].get_yticks()) == []


def test_figures_that_are_arrays_are_left_out():
    model = classifier(metrics=["accuracy", sheer.metrics.ConfusionMatrix(num_classes=3)])
    shown = figure(fitted(model))
    assert [axes.get_ylabel() for axes in shown.axes] == ["loss", "accuracy"]
    assert note(shown) == (
        "confusion_matrix is left out: its figures are arrays of the shape (3, 3)."
    )


def test_an_interrupted_training_and_one_of_several_fits():
    history = made(loss=[3, 2], val_loss=[3, 2])
    history.interrupted = True
    assert note(figure(history)) == "Interrupted after epoch 2."
    history.on_train_begin()
    for epoch in range(2):
        history.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 1.0})
    shown = figure(history)
    x, y = lines(shown.axes[0])["loss, mean over the epoch"]
    np.testing.assert_array_equal(x, [0.5, 1.5, NAN, 0.5, 1.5])
    np.testing.assert_array_equal(y, [3, 2, NAN, 1, 1])
    assert note(shown) == "There were several fits, each with its own count of epochs."


def test_figures_put_in_by_hand():
    history = made(loss=[3, 2])
    history.history.update(other=[1.0, 2.0], odd=[1.0], text=["a", "b"])
    shown = figure(history)
    assert lines(shown.axes[1]) == {"other, over the epoch": ([0.5, 1.5], [1, 2])}
    assert note(shown) == (
        "odd is left out: it has 1 figures, and nothing tells of which epochs.\n"
        "text is left out: its figures are no numbers."
    )


# Arguments


@pytest.mark.parametrize("metrics", ["accuracy", ["accuracy"], ("val_accuracy",)])
def test_chosen_quantities(metrics):
    shown = figure(fitted(), metrics)
    assert [legend(axes) for axes in shown.axes] == [
        ["accuracy, over the epoch", "val_accuracy, at the end of the epoch"]
    ]


def test_a_logarithmic_axis_and_a_size():
    shown = figure(made(loss=[10, 1, 0.01], accuracy=[0.1, 0.2, 0.3]), log="loss", figsize=(5, 4))
    assert [axes.get_yscale() for axes in shown.axes] == ["log", "linear"]
    assert list(shown.get_size_inches()) == [5, 4]
    shown.canvas.draw()
    texts = [text.get_text() for text in shown.axes[0].get_yticklabels()]
    assert {"0.01", "0.1", "1", "10"} <= set(texts)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"metrics": ["acuracy"]},
            "History.plot: there is no figure 'acuracy'. Did you mean 'accuracy'?",
        ),
        ({"log": "lost"}, "History.plot: there is no figure 'lost'. Did you mean 'loss'?"),
        (
            {"log": ["loss", "accuracy"]},
            "History.plot: accuracy goes down to 0, and a logarithmic axis shows numbers above 0 "
            "only. Leave 'accuracy' out of log.",
        ),
        (
            {"metrics": "matrix"},
            "History.plot: there is nothing to draw. matrix is left out: its figures are arrays of "
            "the shape (2, 2).",
        ),
    ],
)
def test_errors(options, message):
    history = made(loss=[2, 1], accuracy=[0, 0.5], matrix=[np.eye(2), np.eye(2)])
    with pytest.raises(ValueError) as error:
        figure(history, **options)
    assert str(error.value) == message


def test_before_an_epoch_has_ended():
    with pytest.raises(ValueError) as error:
        figure(History())
    assert str(error.value) == (
        "History.plot: there is nothing to draw: no epoch of a fit has ended."
    )


# matplotlib


def test_it_is_a_figure_that_a_notebook_shows_and_that_can_be_kept(tmp_path):
    shown = figure(fitted())
    content, size = shown._repr_png_()
    assert content.startswith(b"\x89PNG")
    assert size == {"width": 680, "height": 560}
    assert int.from_bytes(content[16:20], "big") == 2 * 680
    formatters = pytest.importorskip("IPython.core.formatters", reason="needs IPython")
    found, about = formatters.DisplayFormatter().format(shown)
    assert found["image/png"] and about["image/png"] == size
    shown.savefig(tmp_path / "training.svg")
    assert "mean over the epoch" in (tmp_path / "training.svg").read_text()
    assert len(pickle.loads(pickle.dumps(shown)).axes) == 2


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


START = """
import sys, sheer
history = sheer.callbacks.History()
history.on_epoch_end(0, {"loss": 1.0})
"""


def test_neither_sheer_nor_a_plot_as_text_imports_matplotlib():
    assert run(START + "history.plot_text(); print('matplotlib' in sys.modules)") == "False\n"


def test_no_screen_and_no_pyplot_are_needed():
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    code = START + "history.plot()._repr_png_(); print('matplotlib.pyplot' in sys.modules)"
    assert run(code, MPLBACKEND="", DISPLAY="") == "False\n"


def test_without_matplotlib():
    code = """
sys.modules["matplotlib"] = None
try:
    history.plot()
except ImportError as error:
    print(error)
"""
    assert run(START + code) == (
        "History.plot: the package matplotlib is not there, which draws the figure. Install it: "
        'pip install "sheer[plot]". History.plot_text() needs nothing more.\n'
    )
