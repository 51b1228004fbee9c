"""Each finding of the doctor: on a training that provokes it, and silent on healthy ones."""

import numpy as np
import pytest

import sheer
from sheer import layers
from sheer.inspect.findings import RULES
from sheer.inspect.findings.finding import Finding, percent
from sheer.inspect.findings.labels import neighbours

SPARSE = "sparse_categorical_crossentropy"
SGD, Adam = sheer.optimizers.SGD, sheer.optimizers.Adam
Constant, Normal = sheer.initializers.Constant, sheer.initializers.RandomNormal
RNG = np.random.default_rng(0)
# A regression: 4 features of size 1, and what they give.
FEATURES = RNG.normal(size=(1000, 4)).astype("float32")
NUMBERS = (FEATURES @ [1, 2, -1, 0.5]).astype("float32")


def examined(model, x, y, optimizer, loss=SPARSE, epochs=8, **options):
    """A training with the doctor, and what it found."""
    sheer.utils.set_random_seed(3)
    model.compile(optimizer, loss)
    doctor = sheer.callbacks.Doctor(repro=None, verbose=False)
    history = model.fit(x, y, epochs=epochs, verbose=0, callbacks=[doctor], **options)
    return doctor.findings, history


def net(*units, activation="relu", last="softmax", inside=(), **options):
    """A network for the digits."""
    sheer.utils.set_random_seed(3)
    made = [sheer.Input((64,))]
    for i, n in enumerate(units):
        made.append(layers.Dense(n, activation, name=f"hidden_{i + 1}", **options))
        made += [make() for make in inside]
    return sheer.Sequential([*made, layers.Dense(10, last, name="last")])


def line(*units, features=4):
    """A network that gives a number."""
    sheer.utils.set_random_seed(3)
    hidden = [layers.Dense(n, "relu", name=f"hidden_{i + 1}") for i, n in enumerate(units)]
    return sheer.Sequential([sheer.Input((features,)), *hidden, layers.Dense(1, name="last")])


# --- what provokes each -----------------------------------------------------------------------


def dead_units(x, y):
    return examined(net(32, bias_initializer=Constant(-10)), x, y, "adam")


def saturated_units(x, y):
    model = net(64, activation="tanh", kernel_initializer=Normal(stddev=30.0))
    return examined(model, x, y, "adam")


def alike_units(x, y):
    model = sheer.Sequential(
        [
            sheer.Input((64,)),
            layers.Dense(16, "relu", kernel_initializer=Constant(0.1), name="hidden_1"),
            layers.Dense(10, "softmax", kernel_initializer="zeros"),
        ]
    )
    return examined(model, x, y, "adam", epochs=3)


def vanishing_gradients(x, y):
    return examined(net(*[32] * 8, activation="sigmoid"), x, y, "sgd")


def exploding_gradients(x, y):
    model = net(*[64] * 8, activation="linear", kernel_initializer=Normal(stddev=1.0))
    return examined(model, x, y, SGD(1e-9))


def unscaled_inputs(x, y):
    return examined(net(32), x * 255, y, "adam", epochs=1)


def unscaled_targets(x, y):
    return examined(line(32), FEATURES, NUMBERS * 1e5 + 3e5, "adam", "mse", epochs=1)


def one_target_only(x, y):
    return examined(net(32), x[y == 4], y[y == 4], "adam", epochs=1)


def labels_out_of_step(x, y):
    return examined(net(64), x, RNG.permutation(y), "adam")


def first_loss(x, y):
    return examined(net(32, kernel_initializer=Normal(stddev=5.0)), x, y, "adam", epochs=1)


def stuck_outputs(x, y):
    sheer.utils.set_random_seed(3)
    last = layers.Dense(1, "sigmoid", kernel_initializer=Normal(stddev=50.0))
    model = sheer.Sequential([sheer.Input((64,)), last])
    return examined(model, x, (y > 4).astype("float32"), "sgd", "mse")


def class_never_predicted(x, y):
    weights = {label: float(label != 3) for label in range(10)}
    return examined(net(16), x, y, "adam", epochs=12, class_weight=weights)


def rate_too_large(x, y):
    return examined(net(64), x, y, SGD(20.0))


def rate_too_small(x, y):
    return examined(net(64), x, y, SGD(1e-6), epochs=4)


def overfitting(x, y):
    few = np.arange(100)
    held_out = x[1000:], y[1000:]
    return examined(net(128), x[few], y[few], Adam(0.01), epochs=60, validation_data=held_out)


def loss_oscillates(x, y):
    model = net(64, 32, activation="tanh")
    return examined(model, x, y, SGD(1.0, momentum=0.9), epochs=12, batch_size=256)


PROVOKED = [
    alike_units,
    class_never_predicted,
    dead_units,
    exploding_gradients,
    first_loss,
    labels_out_of_step,
    loss_oscillates,
    one_target_only,
    overfitting,
    rate_too_large,
    rate_too_small,
    saturated_units,
    stuck_outputs,
    unscaled_inputs,
    unscaled_targets,
    vanishing_gradients,
]


def test_each_rule_has_a_case():
    """The first NaN, which no Rule finds, has its own: tests/callbacks/test_doctor.py."""
    assert sorted(rule.name for rule in RULES) == [case.__name__ for case in PROVOKED]


@pytest.mark.parametrize("case", PROVOKED, ids=lambda case: case.__name__)
def test_provoked(case, digits):
    found, _ = case(*digits[0])
    names = [f.name for f in found]
    assert case.__name__ in names
    finding = found[names.index(case.__name__)]
    assert finding.title and ("Try" in finding.text or "Look" in finding.text)
    assert finding.evidence, "the numbers"
    assert all(len(line) <= 80 for line in str(finding).splitlines())
    # Each is told once.
    keys = [(f.name, f.layer) for f in found]
    assert len(keys) == len(set(keys))
    if finding.line is not None:
        assert finding.source and finding.layer


def test_a_model_that_is_worse_on_its_own_rows_does_not_overfit():
    """As after updates that are far too large."""
    rule = next(rule for rule in RULES if rule.name == "overfitting")

    def found(losses):
        watched = rule()
        for epoch, (loss, held_out) in enumerate(losses):
            yield from watched.epoch(epoch, {"loss": loss, "val_loss": held_out})

    assert list(found([(480, 190), (470, 390), (460, 395), (450, 400)])) == []
    assert list(found([(1.0, 1.1), (0.5, 1.5), (0.4, 1.6), (0.3, 1.7)]))


# --- healthy trainings ------------------------------------------------------------------------


def relu_adam(x, y):
    return examined(net(64, 32), x, y, "adam", validation_split=0.2), 0.4


def tanh_momentum(x, y):
    return examined(net(64, activation="tanh"), x, y, SGD(0.05, momentum=0.9)), 0.2


def sigmoid_rmsprop(x, y):
    return examined(net(64, activation="sigmoid"), x, y, "rmsprop", epochs=15), 0.6


def gelu_logits(x, y):
    loss = sheer.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = net(128, 64, activation="gelu", last=None)
    return examined(model, x, y, "adamw", loss, epochs=10, validation_split=0.2), 0.2


def batch_norm_dropout_one_hot(x, y):
    inside = (layers.BatchNormalization, lambda: layers.Dropout(0.3))
    model = net(64, 64, inside=inside)
    one_hot = np.eye(10, dtype="float32")[y]
    return examined(model, x, one_hot, "adam", "categorical_crossentropy"), 0.5


def deep_relu(x, y):
    return examined(net(*[64] * 5, kernel_initializer="he_normal"), x, y, "adam"), 0.2


def regression(x, y):
    target = np.sin(FEATURES[:, 0]) + FEATURES[:, 1] / 2
    model = line(32, 32)
    return examined(model, FEATURES, target, "adam", "mse", 20, validation_split=0.2), 0.1


def prices(x, y):
    """Targets of some dozens, as in the Boston houses."""
    model = line(32)
    return examined(model, FEATURES, NUMBERS * 5 + 22, "rmsprop", "mse", 30, batch_size=8), 100


def binary(x, y):
    target = (FEATURES[:, 0] + FEATURES[:, 1] * FEATURES[:, 2] > 0).astype("float32")
    model = sheer.Sequential([*line(32).layers[:-1], layers.Dense(1, "sigmoid")])
    return examined(model, FEATURES, target, Adam(0.005), "binary_crossentropy", 20), 0.4


def words(x, y):
    """Whole numbers as inputs: large ones are no fault."""
    sheer.utils.set_random_seed(3)
    text = np.random.default_rng(1).integers(0, 500, (1000, 20))
    target = (np.isin(text, np.arange(60)).sum(axis=1) > 2).astype("float32")
    model = sheer.Sequential(
        [
            sheer.Input((20,), dtype="int32"),
            layers.Embedding(500, 16),
            layers.Flatten(),
            layers.Dense(16, "relu"),
            layers.Dense(1, "sigmoid"),
        ]
    )
    return examined(model, text, target, "adam", "binary_crossentropy", 10), 0.3


def two_inputs_two_outputs(x, y):
    sheer.utils.set_random_seed(3)
    image, extra = sheer.Input((64,), name="image"), sheer.Input((4,), name="extra")
    h = layers.Concatenate()([layers.Dense(32, "relu")(image), layers.Dense(8, "tanh")(extra)])
    h = layers.Dense(32, "relu")(h)
    outputs = [layers.Dense(10, "softmax", name="digit")(h), layers.Dense(1, name="ink")(h)]
    ink = x.mean(axis=1)
    ink = (ink - ink.mean()) / ink.std()
    more = np.random.default_rng(1).normal(size=(len(x), 4)).astype("float32")
    model = sheer.Model([image, extra], outputs)
    return examined(model, [x, more], [y, ink], "adam", [SPARSE, "mse"]), 1.2


def zeros_last(x, y):
    """A last layer that begins at 0, as some do: it grows from nothing."""
    model = net(64)
    model.layers[-1].set_weights([np.zeros((64, 10)), np.zeros(10)])
    return examined(model, x, y, "adam"), 0.4


def a_falling_rate(x, y):
    rate = sheer.optimizers.schedules.CosineDecay(0.1, 450)
    return examined(net(64), x, y, SGD(rate), epochs=12), 0.3


HEALTHY = [
    relu_adam,
    tanh_momentum,
    sigmoid_rmsprop,
    gelu_logits,
    batch_norm_dropout_one_hot,
    deep_relu,
    regression,
    prices,
    binary,
    words,
    two_inputs_two_outputs,
    zeros_last,
    a_falling_rate,
]


@pytest.mark.parametrize("case", HEALTHY, ids=lambda case: case.__name__)
def test_healthy(case, digits):
    (found, history), good = case(*digits[0])
    assert [str(f) for f in found] == []
    assert history.history["loss"][-1] < good, "not healthy"


def test_the_textbook_on_mnist(mnist):
    (x, y), (x_test, y_test) = mnist
    sheer.utils.set_random_seed(3)
    model = sheer.Sequential(
        [sheer.Input((784,)), layers.Dense(512, "relu"), layers.Dense(10, "softmax")]
    )
    arguments = {"batch_size": 128, "validation_data": (x_test, y_test)}
    found, history = examined(model, x, y, "rmsprop", epochs=3, **arguments)
    assert [str(f) for f in found] == []
    assert history.history["val_loss"][-1] < 0.1


def test_mnist_as_it_comes(mnist):
    """Pixels from 0 to 255."""
    (x, y), _ = mnist
    sheer.utils.set_random_seed(3)
    model = sheer.Sequential(
        [sheer.Input((784,)), layers.Dense(512, "relu"), layers.Dense(10, "softmax")]
    )
    found, _ = examined(model, x[:6000] * 255, y[:6000], "rmsprop", epochs=1, batch_size=128)
    assert [f.name for f in found][:2] == ["unscaled_inputs", "first_loss"]


# --- more of some of them ---------------------------------------------------------------------


def test_a_shift_is_told_from_a_shuffle(digits):
    (x, y), _ = digits
    order = RNG.permutation(len(x))
    x, y = x[order], y[order]
    for k, text in ((2, "y[2:] belongs to x[:-2]"), (-1, "y[:-1] belongs to x[1:]")):
        moved = (x[k:], y[:-k]) if k > 0 else (x[:k], y[-k:])
        # The label of row i now stands k rows further on.
        (found,), _ = examined(net(64), *moved, "adam")
        assert found.name == "labels_out_of_step"
        assert found.evidence["shift"] == k and text in found.text
    (found,), _ = examined(net(64), x, RNG.permutation(y), "adam")
    assert found.evidence["shift"] == 0 and "shuffled or sorted apart" in found.text
    (found,), _ = examined(line(32), FEATURES[1:], NUMBERS[:-1], "adam", "mse", epochs=12)
    assert (found.name, found.evidence["shift"]) == ("labels_out_of_step", 1)


def test_neighbours_by_hand():
    x = np.repeat(np.arange(4.0), 50)[:, None] + RNG.normal(size=(200, 1)) / 100
    y = np.repeat([0, 1, 0, 1], 50)
    score, chance, _ = neighbours(x, y, "classes")
    assert (score, chance) == (1.0, 0.5)
    score, chance, margin = neighbours(x, RNG.permutation(y), "classes")
    assert score < chance + margin
    explained, _, _ = neighbours(x, x[:, 0], "numbers")
    assert explained > 0.99
    assert neighbours(x, RNG.normal(size=200), "numbers")[0] < 0.1


def test_scales_that_differ():
    (found, *_), _ = examined(line(32), FEATURES * [1, 1, 1, 50_000], NUMBERS, "adam", "mse", 1)
    assert found.title == "The features of x have very different scales"
    assert found.evidence["largest_feature"] == 3


def test_inputs_behind_a_normalization(digits):
    (x, y), _ = digits
    normalization = layers.Normalization()
    normalization.adapt(x * 255)
    model = sheer.Sequential([sheer.Input((64,)), normalization, *net(32).layers])
    assert examined(model, x * 255, y, "adam", epochs=1)[0] == []
    model = sheer.Sequential([sheer.Input((64,)), layers.Rescaling(1 / 255), *net(32).layers])
    assert examined(model, x * 255, y, "adam", epochs=1)[0] == []


def test_frozen_layers(digits):
    """What a frozen layer gives is not what arrives at the first product."""
    (x, y), _ = digits
    model = net(32, 32)
    model.layers[0].set_weights([w * 1000 for w in model.layers[0].get_weights()])
    model.layers[0].trainable = False
    found, _ = examined(model, x, y, "adam", epochs=1)
    assert "unscaled_inputs" not in [f.name for f in found]


def test_a_first_error(digits):
    model = line(features=64)
    model.layers[-1].set_weights([np.full((64, 1), 3.0), np.zeros(1)])
    (found, *_), _ = examined(model, digits[0][0], digits[0][1] / 9, "adam", "mse", epochs=1)
    assert found.title == "The first error of y_pred is far above that of always saying 0"


def test_the_text():
    finding = Finding(
        "dead_units",
        "41 % of the units of dense are dead",
        "210 of the 512 units gave 0 for each of the 512 rows in the last 4 steps looked at. That "
        "is 41 % of all.\n  a row of a table that is set in\nTry: a smaller learning rate.",
        "dense",
        10,
        "h1 = np.maximum(z1, 0)",
        2,
        468,
    )
    assert str(finding) == (
        "41 % of the units of dense are dead (epoch 3, batch 469)\n"
        "  line 10: h1 = np.maximum(z1, 0)\n"
        "  210 of the 512 units gave 0 for each of the 512 rows in the last 4 steps\n"
        "  looked at. That is 41 % of all.\n"
        "    a row of a table that is set in\n"
        "  Try: a smaller learning rate."
    )
    assert [percent(v) for v in (0, 0.0042, 0.125, 1.0)] == ["0 %", "0.42 %", "12 %", "100 %"]


def test_who_names_a_layer_steers_no_terminal():
    finding = Finding(
        "dead_units", "a\x1b[2Jb\u202e", "In layer a\x1b[2Jb.", "a\x1b[2Jb", 1, "\x1b[1m"
    )
    assert str(finding) == (
        "a\\x1b[2Jb\\u202e (epoch 1)\n  line 1: \\x1b[1m\n  In layer a\\x1b[2Jb."
    )
