"""What users override: steps, losses, metrics, layers, as in Keras's guides."""

import numpy as np
import pytest

import sheer
from sheer import layers, ops
from small import data

X, CLASSES = data(40)
Y = X.sum(axis=1, keepdims=True)

both_ways = pytest.mark.parametrize("run_eagerly", [False, True], ids=["program", "eager"])


class Net(sheer.Model):
    def __init__(self, regularizer=None):
        super().__init__()
        self.hidden = layers.Dense(8, activation="relu", kernel_regularizer=regularizer)
        self.out = layers.Dense(1)

    def call(self, x, training=False):
        return self.out(self.hidden(x))


def trained(cls, *args, run_eagerly=False, weights=None, **kwargs):
    sheer.utils.set_random_seed(4)
    model = cls()
    model.compile(*args, **kwargs, run_eagerly=run_eagerly)
    history = model.fit(X, Y, epochs=3, batch_size=16, verbose=0, sample_weight=weights)
    return model, history.history


def same_figures(history, wanted):
    assert history.keys() == wanted.keys()
    for name, values in history.items():
        assert values == pytest.approx(wanted[name], rel=1e-5), name


class OwnTrainStep(Net):
    """The first one of the guide: the usual step, written out."""

    def train_step(self, data):
        x, y = data
        with sheer.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=ops.shape(x)[0])
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


@both_ways
def test_the_usual_step_written_out(run_eagerly):
    _, history = trained(OwnTrainStep, "adam", "mse", metrics=["mae"], run_eagerly=run_eagerly)
    _, wanted = trained(Net, "adam", "mse", metrics=["mae"])
    same_figures(history, wanted)


class OwnMetrics(Net):
    """Goes without compile's loss and metrics."""

    def __init__(self):
        super().__init__()
        self.loss_tracker = sheer.metrics.Mean(name="loss")
        self.mae_metric = sheer.metrics.MeanAbsoluteError(name="mae")
        self.loss_fn = sheer.losses.MeanSquaredError()

    def train_step(self, data):
        x, y = data
        with sheer.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.loss_fn(y, y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return self.tracked(loss, x, y, y_pred)

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        return self.tracked(self.loss_fn(y, y_pred), x, y, y_pred)

    def tracked(self, loss, x, y, y_pred):
        self.loss_tracker.update_state(loss, sample_weight=x.shape[0])
        self.mae_metric.update_state(y, y_pred)
        return {"loss": self.loss_tracker.result(), "mae": self.mae_metric.result()}

    @property
    def metrics(self):
        return [self.loss_tracker, self.mae_metric]


@both_ways
def test_own_loss_and_metrics(run_eagerly):
    model, history = trained(OwnMetrics, optimizer="adam", run_eagerly=run_eagerly)
    same, wanted = trained(Net, "adam", "mse", metrics=["mae"])
    same_figures(history, wanted)
    # They are reset before each evaluation, and evaluate gives a list in their order.
    for _ in range(2):
        assert model.evaluate(X, Y, verbose=0) == pytest.approx(
            same.evaluate(X, Y, verbose=0), rel=1e-5
        )


class WithWeights(Net):
    def train_step(self, data):
        if len(data) == 3:
            x, y, sample_weight = data
        else:
            sample_weight = None
            x, y = data
        with sheer.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred, sample_weight=sample_weight)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=x.shape[0])
            else:
                metric.update_state(y, y_pred, sample_weight=sample_weight)
        return {metric.name: metric.result() for metric in self.metrics}


@both_ways
@pytest.mark.parametrize("weights", [None, np.linspace(0, 1, 40)], ids=["plain", "weighted"])
def test_a_step_with_sample_weights(run_eagerly, weights):
    options = {"weighted_metrics": ["mae"], "weights": weights}
    _, history = trained(WithWeights, "sgd", "mse", run_eagerly=run_eagerly, **options)
    _, wanted = trained(Net, "sgd", "mse", **options)
    same_figures(history, wanted)


class OwnLoss(Net):
    """compute_loss in place of a compiled loss, and a tracker of its own for it."""

    def __init__(self):
        super().__init__()
        self.loss_tracker = sheer.metrics.Mean(name="loss")
        self.resets = 0

    def compute_loss(self, x, y, y_pred, sample_weight, training=True):
        loss = ops.mean((y_pred - y) ** 2) + 0.01 * ops.sum(self.hidden.kernel**2)
        self.loss_tracker.update_state(loss, sample_weight=x.shape[0])
        return loss

    def reset_metrics(self):
        self.resets += 1
        self.loss_tracker.reset_state()

    @property
    def metrics(self):
        return [self.loss_tracker]


@both_ways
def test_own_compute_loss(run_eagerly):
    model, history = trained(OwnLoss, "sgd", run_eagerly=run_eagerly)
    assert model.resets == 3
    _, wanted = trained(lambda: Net(sheer.regularizers.L2(0.01)), "sgd", "mse")
    same_figures(history, wanted)


class OwnFigures(Net):
    def __init__(self):
        super().__init__()
        self.largest = sheer.metrics.Mean(name="largest")

    def compute_metrics(self, x, y, y_pred, sample_weight):
        self.largest.update_state(ops.max(ops.abs(y - y_pred)))
        figures = super().compute_metrics(x, y, y_pred, sample_weight)
        return {**figures, "twice": 2 * figures["loss"]}


@both_ways
def test_own_compute_metrics(run_eagerly):
    model, history = trained(OwnFigures, "sgd", "mse", run_eagerly=run_eagerly)
    assert list(history) == ["largest", "loss", "twice"]
    assert history["twice"] == pytest.approx([2 * loss for loss in history["loss"]])
    figures = model.evaluate(X, Y, batch_size=40, verbose=0, return_dict=True)
    error = np.abs(model.predict(X, verbose=0) - Y)
    assert figures["largest"] == pytest.approx(error.max(), rel=1e-5)
    # By name in the order of metrics, then what else there is.
    assert model.evaluate(X, Y, batch_size=40, verbose=0) == pytest.approx(
        [figures["loss"], figures["largest"], figures["twice"]]
    )


def test_the_metrics_of_layers_are_the_models():
    class Watched(layers.Layer):
        def __init__(self):
            super().__init__()
            self.seen = sheer.metrics.Mean(name="mean_input")

        def call(self, x):
            self.seen.update_state(x)
            return x

    model = sheer.Sequential([Watched(), layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(X, Y, epochs=2, batch_size=8, verbose=0).history
    assert history["mean_input"] == pytest.approx([X.mean()] * 2, abs=1e-6)


@both_ways
def test_own_predict_step(run_eagerly):
    class Two(Net):
        def predict_step(self, data):
            y = self(data)
            return {"y": y, "parts": [y * 2, (self.hidden(data), y)]}

    model = Two()
    model.compile(run_eagerly=run_eagerly)
    outputs = model.predict(X, batch_size=16, verbose=0)
    y = model(X).numpy()
    np.testing.assert_allclose(outputs["y"], y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(outputs["parts"][0], 2 * y, rtol=1e-5, atol=1e-6)
    assert outputs["parts"][1][0].shape == (40, 8)
    assert type(outputs["parts"][1]) is tuple


class Gan(sheer.Model):
    """Keras's guide: a model without a call, two networks, two optimizers, random numbers."""

    def __init__(self, discriminator, generator, latent_size):
        super().__init__()
        self.discriminator, self.generator = discriminator, generator
        self.latent_size = latent_size
        self.d_loss_tracker = sheer.metrics.Mean(name="d_loss")
        self.g_loss_tracker = sheer.metrics.Mean(name="g_loss")
        self.seed_generator = sheer.random.SeedGenerator(1337)

    @property
    def metrics(self):
        return [self.d_loss_tracker, self.g_loss_tracker]

    def compile(self, d_optimizer, g_optimizer, loss_fn, **kwargs):
        super().compile(**kwargs)
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn

    def train_step(self, real):
        if isinstance(real, tuple):
            real, _ = real
        size = ops.shape(real)[0]
        noise = sheer.random.normal((size, self.latent_size), seed=self.seed_generator)
        both = ops.concatenate([self.generator(noise), real], axis=0)
        labels = ops.concatenate([ops.ones((size, 1)), ops.zeros((size, 1))], axis=0)
        labels += 0.05 * sheer.random.uniform(ops.shape(labels), seed=self.seed_generator)
        with sheer.GradientTape() as tape:
            d_loss = self.loss_fn(labels, self.discriminator(both))
        gradients = tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply(gradients, self.discriminator.trainable_weights)

        noise = sheer.random.normal((size, self.latent_size), seed=self.seed_generator)
        with sheer.GradientTape() as tape:
            verdict = self.discriminator(self.generator(noise))
            g_loss = self.loss_fn(ops.zeros((size, 1)), verdict)
        gradients = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply(gradients, self.generator.trainable_weights)
        self.d_loss_tracker.update_state(d_loss)
        self.g_loss_tracker.update_state(g_loss)
        return {"d_loss": self.d_loss_tracker.result(), "g_loss": self.g_loss_tracker.result()}


def gan(run_eagerly):
    sheer.utils.set_random_seed(3)
    model = Gan(
        sheer.Sequential([layers.Dense(8, "leaky_relu"), layers.Dense(1)], name="discriminator"),
        sheer.Sequential([layers.Dense(8, "leaky_relu"), layers.Dense(4)], name="generator"),
        latent_size=3,
    )
    model.compile(
        sheer.optimizers.Adam(1e-2), sheer.optimizers.Adam(1e-2),
        sheer.losses.BinaryCrossentropy(from_logits=True), run_eagerly=run_eagerly,
    )  # fmt: skip
    return model, model.fit(X, epochs=3, batch_size=16, verbose=0).history


def test_two_networks_two_optimizers():
    (model, history), (eager, eager_history) = gan(False), gan(True)
    same_figures(history, eager_history)
    assert len(model.weights) == 8
    for weight, eager_weight in zip(model.get_weights(), eager.get_weights(), strict=True):
        np.testing.assert_allclose(weight, eager_weight, rtol=1e-4, atol=1e-6)
    steps = 3 * 3
    assert int(model.d_optimizer.iterations.numpy()) == steps
    assert int(model.g_optimizer.iterations.numpy()) == steps
    # Three draws a step.
    assert model.seed_generator.state.numpy().tolist() == [1337, 3 * steps]


# --- Python that runs once, and Python that runs each time ----------------------------------


class Counting(Net):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def call(self, x, training=False):
        self.calls += 1
        return super().call(x)


def test_a_program_runs_python_once_and_an_eager_step_each_time():
    model = Counting()
    model.compile("sgd", "mse")
    model.fit(X, Y, epochs=5, batch_size=8, verbose=0)
    traced = model.calls
    assert traced <= 2  # to build, and to trace
    model.fit(X, Y, epochs=5, batch_size=7, verbose=0)
    assert model.calls == traced
    model.compile("sgd", "mse", run_eagerly=True)
    model.calls = 0
    model.fit(X, Y, epochs=5, batch_size=8, verbose=0)
    assert model.calls == 5 * 5
    model.predict(X, batch_size=8, verbose=0)
    assert model.calls == 5 * 5 + 5


class Branching(Net):
    """Python that no program can hold."""

    def call(self, x, training=False):
        y = super().call(x)
        return -y if float(ops.mean(x)) > 100 else y


def test_what_cannot_be_traced_runs_eagerly():
    model = Branching()
    assert model(X).shape == (40, 1)
    model.compile("adam", "mse", metrics=["mae"])
    with pytest.raises(sheer.TraceError, match=r"test_overrides.py, line .*: return -y if float"):
        model.fit(X, Y, verbose=0)
    _, wanted = trained(Net, "adam", "mse", metrics=["mae"])
    # Also when it was never built, and with errors in the data still found.
    model, history = trained(Branching, "adam", "mse", metrics=["mae"], run_eagerly=True)
    same_figures(history, wanted)
    assert model.predict(X, verbose=0).shape == (40, 1)
    with pytest.raises(ValueError, match="fit: mean_squared_error: targets and outputs"):
        model.fit(X, np.ones((40, 3)), verbose=0)


@both_ways
def test_a_layer_that_makes_layers_when_it_is_built(run_eagerly):
    class Block(layers.Layer):
        def build(self, input_shape):
            self.up = layers.Dense(2 * input_shape[-1], activation="relu")
            self.down = layers.Dense(input_shape[-1])

        def call(self, x):
            return x + self.down(self.up(x))

    sheer.utils.set_random_seed(4)
    model = sheer.Sequential([Block(), {"unused": 0} and Block(), layers.Dense(1)])
    model.compile("adam", "mse", run_eagerly=run_eagerly)
    history = model.fit(X, Y, epochs=5, batch_size=8, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert len(model.weights) == 10
    paths = [w.path for w in model.weights]
    assert len(set(paths)) == 10
    assert paths[:2] == ["block/dense_1/kernel", "block/dense_1/bias"]


def test_a_train_step_that_returns_no_dictionary():
    class Wrong(Net):
        def train_step(self, data):
            return ops.mean(self(data[0]))

    model = Wrong()
    model.compile("sgd", "mse")
    with pytest.raises(TypeError) as caught:
        model.fit(X, Y, verbose=0)
    assert str(caught.value) == (
        "train_step must return a dictionary of figures, such as {'loss': loss}. Got Symbol."
    )


def test_names_that_a_program_has_already():
    """Layers and weights may be called as data, modules, builtins and words of Python are."""

    class Scale(layers.Layer):
        def build(self, input_shape):
            sizes = (input_shape[-1],)
            self.parts_ = [self.add_weight(sizes, "ones") for _ in range(2)]
            self.last = self.add_weight(sizes, "ones", name="lambda")

        def call(self, x):
            return x * self.parts_[0] * self.parts_[1] * self.last

    def history(names):
        sheer.utils.set_random_seed(4)
        model = sheer.Sequential(
            [Scale(name=name) for name in names] + [layers.Dense(1, name=f"z {names[0]}")]
        )
        model.compile("sgd", "mse", metrics=["mae"])
        model.optimizer.learning_rate = 1e-4
        return model.fit(X, Y, epochs=3, batch_size=16, verbose=0).history

    names = ["x", "y", "np", "logs", "state", "len", "class", "metrics", "sgd", "train_step"]
    assert history(names) == history([f"layer_{name}" for name in names])
