"""EarlyStopping in a real fit. (tests/keras compares when it stops, and what it restores, with
Keras's record.)"""

import numpy as np
import pytest

import sheer
from sheer.callbacks import Callback, EarlyStopping
from small import classifier, data, equal

X, Y = data(20)


class Script(Callback):
    """Writes given values into the logs, and keeps the weights of each epoch."""

    def __init__(self, values, name="val_loss"):
        super().__init__()
        self.values, self.name, self.weights = values, name, []

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]
        self.weights.append(self.model.get_weights())


def fitted(values, name="val_loss", **options):
    script, stopping = Script(values, name), EarlyStopping(name, **options)
    model = classifier()
    history = model.fit(X, Y, epochs=len(values), verbose=0, callbacks=[script, stopping])
    return model, history, script, stopping


def test_it_stops_when_nothing_improves():
    model, history, script, stopping = fitted([3, 2, 2.5, 2.4, 1], patience=2)
    assert history.epoch == [0, 1, 2, 3] and stopping.stopped_epoch == 3
    assert equal(model.get_weights(), script.weights[3])


def test_it_restores_the_best_weights():
    model, _, script, stopping = fitted([3, 2, 2.5, 2.4, 1], patience=2, restore_best_weights=True)
    assert stopping.best_epoch == 1 and stopping.best == 2
    assert equal(model.get_weights(), script.weights[1])
    # Also when it never had to stop.
    model, history, script, _ = fitted([3, 1, 2], patience=5, restore_best_weights=True)
    assert history.epoch == [0, 1, 2]
    assert equal(model.get_weights(), script.weights[1])


def test_baseline():
    _, history, _, _ = fitted([3, 2.9, 2.8, 2.7, 2.6], patience=2, baseline=1.0)
    assert history.epoch == [0, 1, 2, 3, 4]  # as in Keras: an improvement is one, baseline or not
    _, history, _, _ = fitted([3, 3.1, 3.2, 2.7, 2.6], patience=2, baseline=1.0)
    assert history.epoch == [0, 1]


def test_start_from_epoch():
    _, history, _, stopping = fitted([1, 2, 3, 4, 5, 6], patience=1, start_from_epoch=3)
    assert history.epoch == [0, 1, 2, 3, 4] and stopping.best == 4


@pytest.mark.parametrize(
    ("name", "mode", "stops"),
    [
        ("val_loss", "auto", True), ("val_accuracy", "auto", False), ("acc", "auto", False),
        ("val_auc_2", "auto", False), ("precision_1", "auto", False), ("mae", "auto", True),
        ("val_mean_squared_error", "auto", True), ("anything", "max", False),
        ("anything", "min", True), ("val_accuracy", "min", True),
    ],
)  # fmt: skip
def test_mode(name, mode, stops):
    _, history, _, _ = fitted([1, 2, 3], name, mode=mode)
    assert history.epoch == ([0, 1] if stops else [0, 1, 2])


def test_a_name_that_says_nothing():
    model = classifier()
    weights = model.get_weights()
    with pytest.raises(ValueError) as caught:
        model.fit(X, Y, verbose=0, callbacks=[EarlyStopping("goodness")])
    assert str(caught.value) == (
        "EarlyStopping: the name 'goodness' does not say whether larger or smaller is better. Give "
        "mode='max' or mode='min'."
    )
    assert equal(model.get_weights(), weights)
    with pytest.raises(ValueError) as caught:
        EarlyStopping(mode="up")
    assert str(caught.value) == "EarlyStopping: mode must be 'auto', 'min' or 'max'. Got 'up'."


def test_a_figure_that_is_not_there():
    text = "EarlyStopping watches 'val_loss', which is not there. Known: accuracy, loss."
    with pytest.warns(UserWarning, match=text):
        history = classifier().fit(X, Y, epochs=2, verbose=0, callbacks=[EarlyStopping()])
    assert history.epoch == [0, 1]


def test_one_for_several_fits():
    stopping = EarlyStopping("loss", restore_best_weights=True)
    for _ in range(2):
        model = classifier()
        model.fit(X, Y, epochs=3, verbose=0, callbacks=[stopping])
        assert stopping.best_epoch == 2


def test_what_it_prints(capsys):
    fitted([3, 2, 2.5], verbose=1)
    assert (
        capsys.readouterr().out == "Stopped after epoch 3: val_loss was best, 2.0000, in epoch 2.\n"
    )
    fitted([3, 2, 1], verbose=1)
    assert capsys.readouterr().out == ""


def test_with_real_validation():
    """A step too long for the data: the loss goes up, and the best epoch's weights come back."""
    sheer.utils.set_random_seed(1)
    model = classifier(optimizer=sheer.optimizers.SGD(0.05))
    stopping = EarlyStopping(patience=3, restore_best_weights=True)
    history = model.fit(X, 2 - Y, epochs=200, validation_data=(X, Y), verbose=0, callbacks=stopping)
    losses = history.history["val_loss"]
    best = int(np.argmin(losses))
    assert len(losses) == best + 4 < 200
    assert model.evaluate(X, Y, verbose=0)[0] == pytest.approx(losses[best], rel=1e-6)
