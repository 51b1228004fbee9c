"""The pool: the same results, bit for bit, for any number of threads; forks; Python's threads."""

import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import sheer
import small
from planned import ISAS, leaves, needs_native, on_threads, plan_of, run_plan
from sheer import layers, ops
from sheer.ops import OPS

pytestmark = needs_native

COUNTS = [1, 2, 3, 5]
has_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
# Python 3.12 warns of a fork beside threads. That it goes well is what is tested here.
of_forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")


def a_job(rows=700, width=64, seed=3):
    """A model like those for MNIST, large enough for several threads, and its data."""
    x, y = small.data(rows, features=200, classes=10, seed=seed)
    sheer.utils.set_random_seed(seed)
    model = sheer.Sequential(
        [
            sheer.Input((200,)),
            layers.Dense(width, activation="relu"),
            layers.Dense(width, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x, y


def trained(model, x, y, epochs=2):
    """The history and the weights after a fit."""
    history = model.fit(x, y, epochs=epochs, batch_size=128, verbose=0)
    return history.history, [w.numpy().tobytes() for w in model.weights]


# --- the same bits --------------------------------------------------------------------------------

F = np.float32
KERNELS = {
    "product": (lambda a, b: ops.matmul(a, b), (300, 200), (200, 170)),
    "product turned": (lambda a, b: ops.matmul(ops.transpose(a), b), (200, 300), (200, 10)),
    "product of a row": (lambda a, b: ops.matmul(a, b), (1, 2000), (2000, 300)),
    "product of columns": (lambda a, b: ops.matmul(a, ops.transpose(b)), (300, 900), (1, 900)),
    "products": (lambda a, b: ops.matmul(a, b), (40, 30, 50), (40, 50, 20)),
    "affine": (lambda a, b: ops.relu(ops.matmul(a, b) + b[0]), (130, 784), (784, 100)),
    "group": (lambda a, b: ops.tanh(a) * ops.exp(-b * b) + ops.sin(a), (999, 101), (101,)),
    "group of a view": (lambda a, b: ops.transpose(a) * 2 + b, (300, 301), (301, 1)),
    "sum": (lambda a, b: [ops.sum(a), ops.mean(b)], (3, 77_777), (100_001,)),
    "sum of rows": (lambda a, b: [ops.sum(a, 1), ops.sum(a, 0), ops.sum(b, (0, 2))],
                    (900, 333), (30, 40, 50)),
    "largest": (lambda a, b: [ops.max(a), ops.argmax(a, 1), ops.min(b, 0)], (900, 333), (2000, 70)),
    "softmax": (lambda a, b: [ops.softmax(a), ops.log_softmax(b)], (4000, 10), (77, 1000)),
    "copy": (lambda a, b: [ops.concatenate([ops.transpose(a), b]), ops.flip(a)],
             (300, 301), (9, 300)),
    "take": (lambda a, b: ops.take(a, ops.cast(ops.abs(b) * 50, "int32"), 0), (300, 70), (3000,)),
    "scatter": (lambda a, b: OPS["scatter_add"](
        a, ops.cast(ops.abs(b) * 9, "int32"), shape=(50, 300), axis=0), (3000, 300), (3000,)),
    "random": (lambda a, b: OPS["random_normal"](
        ops.cast(ops.abs(a) * 1e6, "uint32"), shape=(99, 999)), (2,), (1,)),
}  # fmt: skip


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", KERNELS)
def test_the_same_bits_for_any_number_of_threads(name, isa):
    function, *shapes = KERNELS[name]
    rng = np.random.default_rng(3)
    arrays = [rng.normal(size=s).clip(-5, 5).astype(F) for s in shapes]
    plan = plan_of(function, *arrays, isa=isa)
    found = []
    for count in (*COUNTS, 1):
        with on_threads(count):
            found.append([y.tobytes() for y in leaves(run_plan(plan, *arrays))])
    assert all(y == found[0] for y in found)


def test_a_fit_gives_the_same_bits_for_any_number_of_threads():
    found = []
    for count in (*COUNTS, 2):
        with on_threads(count):
            found.append(trained(*a_job()))
    assert all(each == found[0] for each in found)


def test_more_threads_than_cores_and_fewer_than_parts():
    with on_threads(40):
        many = trained(*a_job())
    with on_threads(1):
        assert trained(*a_job()) == many


def test_threads_may_change_between_epochs():
    class Changing(sheer.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            sheer.config.set_num_threads(1 + epoch % 3)

    model, x, y = a_job()
    with on_threads(2):
        history = model.fit(
            x, y, epochs=4, batch_size=128, verbose=0, callbacks=[Changing()]
        ).history
    other, x, y = a_job()
    assert other.fit(x, y, epochs=4, batch_size=128, verbose=0).history == history


# --- other processes ------------------------------------------------------------------------------


def in_child(work):
    """Whether a forked child finishes this work with a true answer, within half a minute."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(30)
            code = 0 if work() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@has_fork
@of_forks
def test_a_forked_child_trains_right_after_its_parent():
    with on_threads(2):
        expected = trained(*a_job())
        model, x, y = a_job()
        model.fit(x, y, batch_size=128, verbose=0)
        job = a_job()
        assert in_child(lambda: trained(*job) == expected)
        assert trained(*job) == expected  # and the parent after it
        assert in_child(lambda: in_child(lambda: trained(*a_job()) == expected))


@has_fork
@of_forks
def test_a_child_goes_on_with_what_the_parent_has_trained():
    with on_threads(2):
        model, x, y = a_job()
        trained(model, x, y)
        before = [w.numpy().copy() for w in model.weights]
        assert in_child(lambda: trained(model, x, y) is not None)
        assert small.equal(before, [w.numpy() for w in model.weights])
        trained(model, x, y)
        assert not small.equal(before, [w.numpy() for w in model.weights])


@has_fork
@of_forks
@pytest.mark.parametrize("is_same", [False, True])
def test_a_fork_while_another_thread_trains(is_same):
    """The child may use what that thread was using, such as its model."""
    with on_threads(2):
        expected = trained(*a_job())
        job, finished = a_job(), []
        thread = threading.Thread(target=lambda: finished.append(trained(*job, epochs=40)))

        def work():
            return trained(*job) is not None if is_same else trained(*a_job()) == expected

        thread.start()
        try:
            assert all(in_child(work) for _ in range(5))
        finally:
            thread.join()
        assert len(finished) == 1


def weights_of_a_job(_):
    return trained(*a_job())


@has_fork
@of_forks
def test_workers_of_multiprocessing():
    with on_threads(2):
        expected = trained(*a_job())
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map_async(weights_of_a_job, range(3)).get(timeout=60) == [expected] * 3


SCRIPT = """
import hashlib, sys
sys.path.insert(0, {tests!r})
import importlib.util
spec = importlib.util.spec_from_file_location("test_threads", {this!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
import sheer
history, weights = module.trained(*module.a_job())
print(sheer.config.num_threads(), hashlib.sha256(b"".join(weights)).hexdigest())
"""


@pytest.mark.parametrize(
    ("variables", "threads"),
    [
        ({"SHEER_NUM_THREADS": "1", "OMP_NUM_THREADS": "7"}, 1),
        ({"SHEER_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}, 3),
        ({"SHEER_NUM_THREADS": "nonsense", "OMP_WAIT_POLICY": "active"}, None),
    ],
)
def test_the_environment_changes_no_result(variables, threads):
    _, weights = trained(*a_job())
    here = os.path.abspath(__file__)
    script = SCRIPT.format(tests=os.path.dirname(os.path.dirname(here)), this=here)
    names = ("SHEER_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    env = {k: v for k, v in os.environ.items() if k not in names} | variables
    env["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=env, timeout=120
    )
    assert done.returncode == 0, done.stderr
    count, digest = done.stdout.split()
    assert digest == hashlib.sha256(b"".join(weights)).hexdigest()
    assert int(count) == threads if threads else 1 <= int(count) <= (os.cpu_count() or 1)


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", True])
def test_no_number_of_threads(count):
    with pytest.raises(ValueError, match="set_num_threads: count must be"):
        sheer.config.set_num_threads(count)


# --- threads of Python's --------------------------------------------------------------------------


def fitted(model, x, y):
    """Without shuffling: which of two takes the first key from the global seed is open."""
    model.fit(x, y, epochs=20, batch_size=100, shuffle=False, verbose=0)
    return model.get_weights()


def batch_by_batch(model, x, y):
    for _ in range(3):
        for i in range(0, len(x), 100):
            model.train_on_batch(x[i : i + 100], y[i : i + 100])
    return model.get_weights()


@pytest.mark.parametrize("train", [fitted, batch_by_batch])
def test_models_trained_at_once(train):
    with on_threads(2):
        expected = [train(*a_job(seed=s)) for s in (1, 2, 3)]
        jobs = [a_job(seed=s) for s in (1, 2, 3)]
        threads = [threading.Thread(target=train, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for (model, _, _), weights in zip(jobs, expected, strict=True):
        assert small.equal(model.get_weights(), weights)


def test_one_model_used_by_several_threads():
    """Predictions take turns."""
    model, x, _ = a_job()
    expected = model.predict(x, verbose=0)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(model.predict(x, verbose=0))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for answer in found:
        np.testing.assert_array_equal(answer, expected)


def test_python_goes_on_while_a_thread_trains():
    """The lock of Python's interpreter is free while steps run."""
    model, x, y = a_job(rows=2000)
    model.fit(x, y, epochs=1, batch_size=128, verbose=0)
    thread = threading.Thread(
        target=lambda: model.fit(x, y, epochs=40, batch_size=128, shuffle=False, verbose=0)
    )
    thread.start()
    turns, longest, last = 0, 0.0, time.perf_counter()
    while thread.is_alive():
        sum(range(100))
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
        turns += 1
    thread.join()
    assert turns > 1000
    assert longest < 1


def test_a_keyboard_interrupt_ends_a_fit():
    model, x, y = a_job(rows=2000)
    model.fit(x, y, epochs=1, batch_size=128, verbose=0)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.15)
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, y, epochs=100_000, batch_size=128, verbose=0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    model.fit(x, y, epochs=1, batch_size=128, verbose=0)
