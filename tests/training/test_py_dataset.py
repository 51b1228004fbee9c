"""PyDataset: order, hooks, workers."""

import multiprocessing
import sys
import threading
import time

import numpy as np
import pytest

import sheer
from sheer import layers
from sheer.callbacks import Callback
from sheer.utils import PyDataset
from small import classifier, data, equal

X, Y = data(20)


class Rows(PyDataset):
    """Two rows a batch; it notes what is asked of it."""

    def __init__(self, count=5, **options):
        super().__init__(**options)
        self.count = count
        self.asked = []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.asked.append(index)
        return X[2 * index : 2 * index + 2], Y[2 * index : 2 * index + 2]

    def on_epoch_begin(self):
        self.asked.append("begin")

    def on_epoch_end(self):
        self.asked.append("end")


class Seen(Callback):
    """The batches' numbers, by their first row; the network is the identity."""

    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append([])


def orders(dataset, epochs=3, seed=3, **options):
    """In which order fit trains on the batches, epoch by epoch."""
    sheer.utils.set_random_seed(seed)

    class Watched(sheer.Sequential):
        def train_step(self, data):
            first = data[0].numpy()[0]
            seen.epochs[-1].append(int(np.argmin(np.abs(X - first).sum(1))) // 2)
            return super().train_step(data)

    model = Watched([layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    seen = Seen()
    model.fit(dataset, epochs=epochs, verbose=0, callbacks=[seen], **options)
    return seen.epochs


def test_each_epoch_has_an_order_of_its_own():
    dataset = Rows()
    found = orders(dataset)
    assert [sorted(epoch) for epoch in found] == [list(range(5))] * 3
    assert found[0] != found[1] != found[2] != list(range(5))
    assert orders(Rows()) == found != orders(Rows(), seed=4)
    assert orders(Rows(), shuffle=False) == [list(range(5))] * 3
    # Batch 0 builds the model; it is made once.
    assert [i for i in dataset.asked[:7] if i == 0] == [0]
    assert dataset.asked.count("begin") == dataset.asked.count("end") == 3


def test_hooks():
    dataset = Rows(3)
    classifier().fit(dataset, epochs=2, shuffle=False, verbose=0)
    assert dataset.asked == ["begin", 0, 1, 2, "end"] * 2
    dataset.asked.clear()
    classifier().evaluate(dataset, verbose=0)
    assert dataset.asked == ["begin", 0, 1, 2, "end"]


def test_a_data_set_that_grows():
    class Growing(Rows):
        def on_epoch_end(self):
            self.count += 1

    model = classifier()
    model.fit(Growing(2), epochs=3, verbose=0)
    assert int(model.optimizer.iterations.numpy()) == 2 + 3 + 4


@pytest.mark.parametrize("options", [{"workers": 3}, {"workers": 2, "max_queue_size": 1}])
def test_threads_change_nothing(options):
    models = []
    for given in ({}, options):
        sheer.utils.set_random_seed(1)
        model = classifier(features=None)
        history = model.fit(Rows(**given), epochs=3, verbose=0, validation_data=Rows(3, **given))
        models.append(
            (history.history, model.get_weights(), model.predict(Rows(**given), verbose=0))
        )
    (history, weights, outputs), (other_history, other_weights, other_outputs) = models
    assert history == other_history
    assert equal([*weights, outputs], [*other_weights, other_outputs])
    assert not [t for t in threading.enumerate() if t.name.startswith("sheer data")]


def test_threads_work_ahead_but_not_too_far():
    class Slow(Rows):
        def __getitem__(self, index):
            time.sleep(0.01)
            return super().__getitem__(index)

    ahead = []

    class Late(Callback):
        def on_train_batch_end(self, batch, logs=None):
            time.sleep(0.05)
            made = [i for i in dataset.asked if i != "begin"]
            ahead.append(len(made) - batch - 1)

    dataset = Slow(10, workers=2, max_queue_size=3)
    classifier().fit(dataset, shuffle=False, verbose=0, callbacks=[Late()])
    assert 0 < max(ahead) <= 4


@pytest.mark.parametrize("workers", [1, 2])
def test_one_that_raises(workers):
    class Broken(Rows):
        def __getitem__(self, index):
            if index == 3:
                raise OSError("no file 3")
            return super().__getitem__(index)

    model, same = classifier(), classifier()
    same.set_weights(model.get_weights())
    with pytest.raises(OSError, match="no file 3") as error:
        model.fit(Broken(workers=workers), shuffle=False, verbose=0)
    assert error.value.__notes__ == [
        "fit, epoch 1, batch 4: the Broken raised this. The model is as the batch before left it."
    ]
    same.fit(Rows(3), shuffle=False, verbose=0)
    assert equal(model.get_weights(), same.get_weights())
    assert not [t for t in threading.enumerate() if t.name.startswith("sheer data")]


def test_workers_stop_with_the_training():
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    classifier().fit(Rows(workers=2), verbose=0, callbacks=[Stop()])
    assert not [t for t in threading.enumerate() if t.name.startswith("sheer data")]


class Here(Rows):
    """Which process made a batch; module level, so that processes can have copies."""

    def __getitem__(self, index):
        if index == 7:
            raise OSError("no file 7")
        return np.full((2, 1), multiprocessing.current_process().pid)


@pytest.mark.skipif(sys.platform != "linux", reason="starts processes by fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_processes():
    model = sheer.Sequential([layers.Activation("linear")])
    pids = model.predict(Here(5, workers=2, use_multiprocessing=True), verbose=0)[:, 0]
    here = multiprocessing.current_process().pid
    # Batch 0 builds the model: it is made here.
    assert set(pids[:2]) == {np.float32(here)} or set(pids[:2]) == {here}
    assert here not in set(pids[2:].astype(int))
    with pytest.raises(OSError, match="no file 7") as error:
        model.predict(Here(9, workers=2, use_multiprocessing=True), verbose=0)
    assert "no file 7" in str(error.value.__cause__)  # with the traceback from over there


def test_without_end():
    class Endless(Rows):
        num_batches = None

        def __getitem__(self, index):
            return super().__getitem__(index % 5)

    dataset = Endless()
    model = classifier()
    model.fit(dataset, steps_per_epoch=4, epochs=2, verbose=0)
    assert [i for i in dataset.asked if isinstance(i, int)] == [0, 1, 2, 3, 4, 0, 1, 2]
    assert model.predict(dataset, steps=3, verbose=0).shape == (6, 3)


def test_its_constructor_need_not_be_called():
    class Plain(PyDataset):
        def __init__(self):
            pass

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return X, Y

    model = classifier()
    model.fit(Plain(), verbose=0)
    assert int(model.optimizer.iterations.numpy()) == 2
    assert sheer.utils.Sequence is PyDataset
    assert len(list(Plain())) == 2


@pytest.mark.parametrize(("options", "text"), [
    ({"workers": -1}, "Rows: workers must be a whole number of 0 or more. Got -1."),
    ({"max_queue_size": 0}, "Rows: max_queue_size must be a whole number of 1 or more. Got 0."),
    ({"use_multiprocessing": 1}, "Rows: use_multiprocessing must be True or False. Got 1."),
])  # fmt: skip
def test_bad_arguments(options, text):
    with pytest.raises(ValueError) as error:
        Rows(**options)
    assert str(error.value) == text


def test_what_a_subclass_must_have():
    class Nothing(PyDataset):
        pass

    with pytest.raises(NotImplementedError) as error:
        classifier().fit(Nothing(), verbose=0)
    assert str(error.value) == (
        "Nothing needs a __len__ that says how many batches there are, or a property num_batches: "
        "None where they have no end."
    )
    with pytest.raises(NotImplementedError, match="Nothing needs a __getitem__ that gives a batch"):
        Nothing()[0]
    with pytest.raises(ValueError, match="fit: the data are empty: the Rows gives no batch"):
        classifier().fit(Rows(0), verbose=0)
