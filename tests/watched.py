"""Trainings that a page watches, and what asks their server as a page does."""

import json
import threading
import time
import urllib.error
import urllib.request

import numpy as np

import sheer
from sheer import layers
from sheer.callbacks import View
from small import classifier, data


def two_by_two():
    """A model of two inputs and two outputs, compiled, with data and targets by name."""
    words, price = sheer.Input((40,), name="words"), sheer.Input((1,), name="price")
    h = layers.Dense(16, activation="relu")(words)
    h = layers.Concatenate()([h, layers.Dense(4, activation="tanh")(price)])
    h = layers.Dropout(0.2)(h)
    kind = layers.Dense(3, activation="softmax", name="kind")(h)
    rating = layers.Dense(1, name="rating")(h)
    model = sheer.Model({"words": words, "price": price}, {"kind": kind, "rating": rating})
    model.compile(
        optimizer="adam",
        loss={"kind": "sparse_categorical_crossentropy", "rating": "mse"},
        metrics={"kind": ["accuracy"]},
    )
    rng = np.random.default_rng(0)
    x = {"words": rng.random((96, 40), "float32"), "price": rng.random((96, 1), "float32")}
    y = {"kind": rng.integers(0, 3, 96), "rating": rng.random((96, 1), "float32")}
    return model, x, y


def until(view, *states):
    """Wait until a training is in one of these states; the status."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        state = view.session.state()
        status = state["status"]
        if status["state"] in states and state["title"]:
            return status
        time.sleep(0.005)
    raise AssertionError(f"{status} never became {states}")


def step(view, name, **arguments):
    """A command that ends in a pause; the status there."""
    view.session.command(name, arguments)
    return until(view, "paused", "done", "failed")


class Rivals(sheer.Model):
    """Two networks that are trained against each other: no call, and optimizers of its own."""

    def __init__(self):
        super().__init__()
        self.maker, self.judge = layers.Dense(4), layers.Dense(1)
        self.rates = [sheer.optimizers.SGD(0.01, name=f"sgd_{i}") for i in range(2)]
        for layer in (self.maker, self.judge):
            layer.build((None, 4))

    def train_step(self, x):
        with sheer.GradientTape(persistent=True) as tape:
            made = self.maker(x)
            judge_loss = sheer.ops.mean(self.judge(made) ** 2)
            maker_loss = sheer.ops.mean((self.judge(made) - 1) ** 2)
        for layer, loss, optimizer in zip(
            (self.judge, self.maker), (judge_loss, maker_loss), self.rates, strict=True
        ):
            weights = layer.trainable_variables
            optimizer.apply(tape.gradient(loss, weights), weights)
        return {"judge": judge_loss, "maker": maker_loss}


def rivals():
    """Such a model, compiled, with data."""
    model = Rivals()
    model.compile()
    return model, data(96)[0], None


class Fit:
    """A `fit` in a thread, watched; leave the block and it runs to its end.

    Args:
        model, x, y: what is trained; by default a small classifier on 200 rows.
        view: the View.
        options: for `fit`.
    """

    def __init__(self, view, model=None, x=None, y=None, **options):
        self.view, self.model = view, model or classifier()
        if x is None:
            x, y = data(200)
        self.x, self.y = x, y
        options = {"epochs": 3, "batch_size": 20, "verbose": 0, **options}
        self.error = None

        def fit():
            try:
                callbacks = [*options.pop("callbacks", []), view]
                self.model.fit(x, y, callbacks=callbacks, **options)
            except Exception as error:
                self.error = error

        self.thread = threading.Thread(target=fit)

    def __enter__(self):
        self.thread.start()
        self.until("paused", "done", "failed") if self.view.paused else None
        return self

    def __exit__(self, *_):
        try:
            if self.view.session.turns.is_running:
                self.view.session.command("run", {})
        except ValueError:
            pass  # it ended meanwhile
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.view.close()

    def until(self, *states):
        return until(self.view, *states)

    def command(self, name, **arguments):
        return self.view.session.command(name, arguments)

    def step(self, name, **arguments):
        return step(self.view, name, **arguments)


class Page:
    """Asks a server as its page does."""

    def __init__(self, url):
        self.url = url
        self.base, _, self.token = url.partition("/?token=")

    def ask(self, path, data=None, token=True, method=None, **headers):
        """Status, headers and body of an answer. Words in headers are joined by underscores."""
        sent = {"X-Sheer-Token": self.token} if token else {}
        sent |= {"Content-Type": "application/json"} if data is not None else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.base + path, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def json(self, path):
        status, _, body = self.ask(path)
        assert status == 200, body
        return json.loads(body)

    def command(self, name, **arguments):
        """The status and the answer of a command."""
        body = json.dumps({"name": name, "arguments": arguments}).encode()
        status, _, answer = self.ask("/api/command", body)
        return status, json.loads(answer)

    def events(self, **headers):
        """The stream of changes, opened."""
        request = urllib.request.Request(
            f"{self.base}/api/events?token={self.token}",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        return urllib.request.urlopen(request, timeout=10)


def paused(**options):
    """A View with a page, that waits before the first batch."""
    return View(paused=True, open_browser=False, **options)


def unseen(**options):
    """A View without a page."""
    return View(port=None, **options)
