"""Models in several threads at once, with callbacks: each as if it were alone."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import sheer
from planned import ISAS, on_engine
from sheer import layers
from sheer.callbacks import BackupAndRestore, Callback, EarlyStopping, LambdaCallback
from small import classifier, data, equal

ENGINES = ["numpy", *(["native"] if ISAS else [])]
X, Y = data(300)


def noisy():
    """A model with seeds of its own, and one that is traced anew in each thread."""

    class Noise(layers.Layer):
        def __init__(self):
            super().__init__()
            self.seeds = sheer.random.SeedGenerator(3)

        def call(self, x, training=False):
            noise = sheer.random.normal(x.shape, stddev=0.1, seed=self.seeds)
            return x + noise if training else x

    model = sheer.Sequential([sheer.Input((4,)), Noise(), layers.Dense(3, activation="softmax")])
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("run_eagerly", [False, True], ids=["program", "eager"])
@pytest.mark.parametrize("engine", ENGINES)
def test_trainings_do_not_disturb_each_other(engine, run_eagerly, tmp_path):
    def worked(model, number, weights):
        model.set_weights(weights)
        rows = slice(20 * number, None)
        epochs = 2 if run_eagerly else 8
        history = model.fit(
            X[rows], Y[rows], epochs=epochs, batch_size=16, shuffle=False, verbose=0,
            validation_data=(X, Y),
            callbacks=[EarlyStopping(patience=3, restore_best_weights=True),
                       BackupAndRestore(tmp_path / str(threading.get_ident()), 7)],
        )  # fmt: skip
        figures = model.evaluate(X, Y, verbose=0)
        found = [model.predict(X[i : i + 9], verbose=0) for i in range(0, 100, 9)]
        assert not history.interrupted
        return [*model.get_weights(), *found, np.array(figures), *history.history.values()]

    def made():
        models = [classifier(optimizer="adam"), noisy(), classifier(metrics=[]), noisy()]
        for model in models:
            model.run_eagerly = run_eagerly
        return models

    with on_engine(engine):
        weights = [model.get_weights() for model in made()]
        alone = [worked(m, i, w) for i, (m, w) in enumerate(zip(made(), weights, strict=True))]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(worked, made(), range(4), weights))
    for wanted, found in zip(alone, together, strict=True):
        assert equal(found, wanted)


@pytest.mark.parametrize("engine", ENGINES)
def test_predictions_of_one_model_in_several_threads(engine):
    with on_engine(engine):
        model = classifier()
        wanted = [model.predict(X[i:], verbose=0) for i in range(8)]
        with ThreadPoolExecutor(8) as pool:
            for _ in range(5):
                found = list(pool.map(lambda i: model.predict(X[i:], verbose=0), range(8)))
                assert equal(found, wanted)


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
@pytest.mark.parametrize("engine", ENGINES)
def test_one_model_is_trained_in_one_thread(engine, call):
    """Another one is told so, and may predict."""
    model, begun, go_on = classifier(), threading.Event(), threading.Event()

    class Wait(Callback):
        def on_train_batch_end(self, batch, logs=None):
            begun.set()
            assert go_on.wait(60)

    quiet = {"verbose": 0} if call in ("fit", "evaluate") else {}
    with on_engine(engine), ThreadPoolExecutor(1) as pool:
        training = pool.submit(model.fit, X, Y, verbose=0, callbacks=[Wait()])
        assert begun.wait(60)
        try:
            with pytest.raises(RuntimeError) as caught:
                getattr(model, call)(X, Y, **quiet)
            assert model.predict(X, verbose=0).shape == (300, 3)
        finally:
            go_on.set()
        assert training.result(60).epoch == [0]
        getattr(model, call)(X, Y, **quiet)
    assert str(caught.value) == (
        f"{call}: another thread trains or evaluates this model. Wait for it "
        "(model.stop_training = True ends a fit), or give each thread a model of its own. "
        "predict() may be called at any time."
    )


def test_within_a_fit_the_same_thread_may_evaluate_and_train():
    model, other = classifier(), classifier()
    figures = []
    check = LambdaCallback(
        on_epoch_end=lambda e, logs: figures.append(model.evaluate(X, Y, verbose=0))
    )
    inner = LambdaCallback(on_epoch_end=lambda e, logs: other.fit(X, Y, verbose=0))
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[check, inner])
    assert len(figures) == 2 and other.history.epoch == [0]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_fit_does_not_keep_other_threads_waiting(engine):
    ticks = []

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    done = threading.Event()
    with on_engine(engine):
        model = classifier()
        thread = threading.Thread(target=tick)
        thread.start()
        model.fit(X, Y, epochs=200, batch_size=4, verbose=0)
        done.set()
        thread.join()
    assert len(ticks) > 3
