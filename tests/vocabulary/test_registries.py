"""Batteries over all that is found by name: losses, metrics, optimizers, initializers,
regularizers, constraints, activations, layers."""

import inspect

import numpy as np
import pytest

import sheer
import small
from sheer import (
    activations,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    ops,
    optimizers,
    regularizers,
)
from sheer.activations import ACTIVATIONS
from sheer.constraints import CONSTRAINTS
from sheer.core.registry import serialize
from sheer.initializers import INITIALIZERS
from sheer.layers import LAYERS
from sheer.losses.base import LOSSES
from sheer.metrics.base import METRICS
from sheer.optimizers.base import OPTIMIZERS
from sheer.regularizers import REGULARIZERS

REGISTRIES = {
    registry.kind: registry
    for registry in (
        LOSSES, METRICS, OPTIMIZERS, INITIALIZERS, REGULARIZERS, CONSTRAINTS, LAYERS, ACTIVATIONS
    )
}  # fmt: skip
CLASSES = [cls for registry in REGISTRIES.values() for cls in registry.classes()]
# What a class cannot be made without.
REQUIRED = {
    "Activation": {"activation": "tanh"},
    "AlphaDropout": {"rate": 0.25},
    "CategoryEncoding": {"num_tokens": 4},
    "Dense": {"units": 3},
    "Discretization": {"bin_boundaries": [-1.0, 0.5]},
    "Dot": {"axes": 1},
    "Dropout": {"rate": 0.25},
    "EinsumDense": {"equation": "ab,bc->ac", "output_shape": 3},
    "Embedding": {"input_dim": 9, "output_dim": 3},
    "GaussianDropout": {"rate": 0.25},
    "GaussianNoise": {"stddev": 0.25},
    "GroupNormalization": {"groups": 3},
    "Hashing": {"num_bins": 4},
    "IntegerLookup": {"vocabulary": [1, 0]},
    "Functional": {"inputs": (x := sheer.Input((6,))), "outputs": layers.Dense(2)(x)},
    "InputLayer": {"shape": (6,)},
    "Lambda": {"function": abs},
    "Permute": {"dims": (1,)},
    "RepeatVector": {"n": 2},
    "Rescaling": {"scale": 2.0},
    "Reshape": {"target_shape": (3, -1)},
    "StringLookup": {"vocabulary": ["b", "a"]},
    "TimeDistributed": {"layer": layers.Dense},
    "Wrapper": {"layer": layers.Dense},
    **small.REQUIRED,
}
MODELS = {"Functional", "Model", "Sequential"}


def made(cls, **arguments):
    required = REQUIRED.get(cls.__name__, {})
    # A layer in a layer is another one each time.
    fresh = {k: v(3) if isinstance(v, type) else v for k, v in required.items()}
    return cls(**fresh, **arguments)


def of_kind(kind, but=()):
    return [cls for cls in REGISTRIES[kind].classes() if cls.__name__ not in but]


def by_name(cls):
    return cls.__name__


# --- found by name ----------------------------------------------------------------------------

KERAS_ACTIVATIONS = [
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6",
    "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus",
    "sparse_sigmoid", "sparsemax", "squareplus", "tanh", "tanh_shrink", "threshold",
]  # fmt: skip
# The strings that Keras knows, and what they mean.
STRINGS = [
    (losses, {
        "mse": "mean_squared_error", "MSE": "mean_squared_error",
        "mae": "mean_absolute_error", "MAE": "mean_absolute_error",
        "mape": "mean_absolute_percentage_error", "MAPE": "mean_absolute_percentage_error",
        "msle": "mean_squared_logarithmic_error", "MSLE": "mean_squared_logarithmic_error",
        "bce": "binary_crossentropy", "BCE": "binary_crossentropy",
        "kld": "kl_divergence", "KLD": "kl_divergence",
        "log_cosh": "log_cosh", "huber": "huber", "poisson": "poisson", "hinge": "hinge",
        "binary_crossentropy": "binary_crossentropy",
        "categorical_crossentropy": "categorical_crossentropy",
        "sparse_categorical_crossentropy": "sparse_categorical_crossentropy",
        "squared_hinge": "squared_hinge", "categorical_hinge": "categorical_hinge",
        "cosine_similarity": "cosine_similarity",
        "binary_focal_crossentropy": "binary_focal_crossentropy",
        "categorical_focal_crossentropy": "categorical_focal_crossentropy",
        "dice": "dice", "tversky": "tversky", "circle": "circle", "ctc": "ctc",
        "MeanSquaredError": losses.MeanSquaredError, "LogCosh": losses.LogCosh,
    }),
    (metrics, {
        "mse": metrics.MeanSquaredError, "MSE": metrics.MeanSquaredError,
        "mae": metrics.MeanAbsoluteError, "MAE": metrics.MeanAbsoluteError,
        "mape": metrics.MeanAbsolutePercentageError, "MAPE": metrics.MeanAbsolutePercentageError,
        "msle": metrics.MeanSquaredLogarithmicError, "MSLE": metrics.MeanSquaredLogarithmicError,
        "bce": metrics.BinaryCrossentropy, "BCE": metrics.BinaryCrossentropy,
        "auc": metrics.AUC, "precision": metrics.Precision, "recall": metrics.Recall,
        "binary_accuracy": metrics.BinaryAccuracy,
        "sparse_categorical_accuracy": metrics.SparseCategoricalAccuracy,
        "top_k_categorical_accuracy": metrics.TopKCategoricalAccuracy,
        "kl_divergence": metrics.KLDivergence, "log_cosh_error": metrics.LogCoshError,
        "root_mean_squared_error": metrics.RootMeanSquaredError, "r2_score": metrics.R2Score,
        "f1_score": metrics.F1Score, "f_beta_score": metrics.FBetaScore, "F1Score": metrics.F1Score,
        "pearson_correlation": metrics.PearsonCorrelation, "binary_io_u": metrics.BinaryIoU,
        "concordance_correlation": metrics.ConcordanceCorrelation,
    }),
    (optimizers, {
        "sgd": optimizers.SGD, "SGD": optimizers.SGD, "rmsprop": optimizers.RMSprop,
        "RMSprop": optimizers.RMSprop, "RMSProp": optimizers.RMSprop, "adam": optimizers.Adam,
        "Adam": optimizers.Adam, "ADAM": optimizers.Adam, "adamw": optimizers.AdamW,
        "AdamW": optimizers.AdamW, "adamax": optimizers.Adamax, "nadam": optimizers.Nadam,
        "adagrad": optimizers.Adagrad, "adadelta": optimizers.Adadelta,
        "adafactor": optimizers.Adafactor, "ftrl": optimizers.Ftrl, "lion": optimizers.Lion,
        "lamb": optimizers.Lamb, "muon": optimizers.Muon,
        "scheduleFreeAdamW": optimizers.ScheduleFreeAdamW,
    }),
    (initializers, {
        "zeros": initializers.Zeros, "zero": initializers.Zeros, "Zeros": initializers.Zeros,
        "ones": initializers.Ones, "one": initializers.Ones, "constant": initializers.Constant,
        "identity": initializers.Identity, "IdentityInitializer": initializers.Identity,
        "uniform": initializers.RandomUniform, "random_uniform": initializers.RandomUniform,
        "normal": initializers.RandomNormal, "random_normal": initializers.RandomNormal,
        "truncated_normal": initializers.TruncatedNormal,
        "variance_scaling": initializers.VarianceScaling,
        "glorot_uniform": initializers.GlorotUniform, "glorot_normal": initializers.GlorotNormal,
        "he_uniform": initializers.HeUniform, "he_normal": initializers.HeNormal,
        "lecun_uniform": initializers.LecunUniform, "lecun_normal": initializers.LecunNormal,
        "LecunNormal": initializers.LecunNormal, "orthogonal": initializers.Orthogonal,
        "OrthogonalInitializer": initializers.Orthogonal,
        "stft": initializers.STFT, "STFT": initializers.STFT, "STFTInitializer": initializers.STFT,
    }),
    (regularizers, {
        "l1": regularizers.L1, "L1": regularizers.L1, "l2": regularizers.L2, "L2": regularizers.L2,
        "l1_l2": regularizers.L1L2, "L1L2": regularizers.L1L2,
        "orthogonal_regularizer": regularizers.OrthogonalRegularizer,
    }),
    (constraints, {
        "max_norm": constraints.MaxNorm, "MaxNorm": constraints.MaxNorm,
        "non_neg": constraints.NonNeg, "unit_norm": constraints.UnitNorm,
        "min_max_norm": constraints.MinMaxNorm,
    }),
    (activations, {name: name for name in KERAS_ACTIVATIONS}),
    (activations, {"swish": "silu", "hard_swish": "hard_silu"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "name", "meant"),
    [(module, name, meant) for module, names in STRINGS for name, meant in names.items()],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_strings_of_keras(module, name, meant):
    found = module.get(name)
    if isinstance(meant, type):
        assert type(found) is meant
        assert module.get(meant).get_config().keys() == found.get_config().keys()
    else:
        assert found is getattr(module, meant)
    assert module.get(found) is found
    assert type(module.deserialize(name)) is type(found)


def test_each_class_is_found_by_its_name():
    assert len(CLASSES) > 70
    for registry in REGISTRIES.values():
        for cls in registry.classes():
            assert registry.entries[cls.__name__] is cls


def test_none_and_functions_pass():
    def own(x):
        return x

    for module in (losses, metrics, initializers, regularizers, constraints):
        assert module.get(None) is None
        assert module.get(own) is own
    assert activations.get(None) is activations.linear
    assert activations.get(own) is own


UNKNOWN = [
    (losses, "mes", "Unknown loss 'mes'. Did you mean 'mse'?"),
    (metrics, "acuracy", "Unknown metric 'acuracy'. Did you mean 'accuracy'?"),
    (metrics, "f1_scor", "Unknown metric 'f1_scor'. Did you mean 'f1_score'?"),
    (optimizers, "rmspop", "Unknown optimizer 'rmspop'. Did you mean 'rmsprop'?"),
    (
        optimizers,
        "multioptimizer",
        "Optimizer 'multioptimizer' is in Keras, but not in sheer yet. Known: ",
    ),
    (initializers, "glorot", "Unknown initializer 'glorot'. Did you mean 'glorot_normal'?"),
    (regularizers, "l_1", "Unknown regularizer 'l_1'. Did you mean 'l1'?"),
    (constraints, "nonneg", "Unknown constraint 'nonneg'. Did you mean 'non_neg'?"),
    (activations, "rellu", "Unknown activation 'rellu'. Did you mean 'relu'?"),
    (activations, "zzz", "Unknown activation 'zzz'. Known: celu, elu, exponential, gelu, glu, "),
]


@pytest.mark.parametrize(("module", "name", "text"), UNKNOWN, ids=[u[1] for u in UNKNOWN])
def test_unknown_names(module, name, text):
    with pytest.raises(ValueError) as error:
        module.get(name)
    if text.endswith((": ", ", ")):  # the list of all names follows
        assert str(error.value).startswith(text) and str(error.value).endswith(".")
    else:
        assert str(error.value) == text


@pytest.mark.parametrize("module", [losses, metrics, optimizers, initializers, constraints])
def test_what_is_no_name(module):
    with pytest.raises(TypeError, match="must be a name, a config"):
        module.get(3)
    with pytest.raises(ValueError, match=r"Unknown \w+ class 'Nonsense'\."):
        module.get({"class_name": "Nonsense", "config": {}})


def test_compile_takes_unknown_names_as_errors():
    model = sheer.Sequential([layers.Dense(1)])
    for arguments, text in [
        ({"loss": "mes"}, "Unknown loss 'mes'. Did you mean 'mse'?"),
        ({"optimizer": "rmspop"}, "Unknown optimizer 'rmspop'. Did you mean 'rmsprop'?"),
        ({"metrics": ["mea"]}, "Unknown metric 'mea'. Did you mean 'mean'?"),
    ]:
        with pytest.raises(ValueError) as error:
            model.compile(**arguments)
        assert str(error.value) == text


# --- configs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", CLASSES, ids=by_name)
def test_config_round_trip(cls):
    thing = made(cls)
    config = thing.get_config()
    again = cls.from_config(config)
    assert type(again) is cls
    assert again.get_config() == config


CHANGED = [
    losses.Huber(delta=0.5, reduction="sum", name="h"),
    losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.25),
    losses.SparseCategoricalCrossentropy(ignore_class=-1),
    metrics.AUC(thresholds=[0.3, 0.6], curve="PR"),
    metrics.Precision(thresholds=[0.2, 0.7], class_id=1, name="p"),
    metrics.TopKCategoricalAccuracy(k=2),
    metrics.FBetaScore("macro", beta=2.0, threshold=0.25),
    metrics.BinaryIoU([1], threshold=0.25),
    losses.Tversky(0.25, 0.75, axis=-1),
    optimizers.SGD(0.25, momentum=0.5, nesterov=True, clipnorm=1.0, weight_decay=0.5),
    optimizers.RMSprop(0.5, rho=0.5, momentum=0.25, centered=True),
    optimizers.Adam(0.5, beta_1=0.5, beta_2=0.75, amsgrad=True, global_clipnorm=2.0),
    optimizers.Muon(0.5, exclude_layers=["head"], rms_rate=None, use_ema=True, ema_momentum=0.5),
    optimizers.AdamW(optimizers.schedules.CosineDecay(0.5, 10), 0.5, gradient_accumulation_steps=2),
    initializers.VarianceScaling(2.0, "fan_out", "uniform", seed=3),
    initializers.Constant(2.5),
    initializers.HeNormal(seed=4),
    initializers.STFT("imag", [0.5, 1.0], None, periodic=True),
    regularizers.L1L2(l1=0.5, l2=0.25),
    constraints.MinMaxNorm(0.5, 2.0, rate=0.5, axis=1),
]


@pytest.mark.parametrize("thing", CHANGED, ids=repr)
def test_config_of_what_was_given(thing):
    """Through serialize and get, nothing is lost; and defaults are something else."""
    registry = next(r for r in REGISTRIES.values() if type(thing) in r.classes())
    again = registry.get(serialize(thing))
    assert again is not thing and again.get_config() == thing.get_config()
    assert type(thing)().get_config() != thing.get_config()


def described(module, name, **config):
    """As Keras writes an object."""
    return {
        "module": f"keras.{module}",
        "class_name": name,
        "config": config,
        "registered_name": None,
    }


def test_config_of_a_layer():
    layer = layers.Dense(
        3,
        activation="relu",
        kernel_initializer=initializers.HeNormal(seed=1),
        kernel_regularizer=regularizers.l2(0.5),
        activity_regularizer="l1",
        bias_constraint="non_neg",
        name="one",
    )
    config = layer.get_config()
    assert config == {
        "units": 3,
        "activation": "relu",
        "use_bias": True,
        "kernel_initializer": described(
            "initializers", "HeNormal", seed=1, input_axes=None, output_axes=None
        ),
        "bias_initializer": described("initializers", "Zeros"),
        "kernel_regularizer": described("regularizers", "L2", l2=0.5),
        "bias_regularizer": None,
        "activity_regularizer": described("regularizers", "L1", l1=0.01),
        "kernel_constraint": None,
        "bias_constraint": described("constraints", "NonNeg"),
        "trainable": True,
        "dtype": "float32",
        "name": "one",
    }
    assert LAYERS.get(serialize(layer)).get_config() == config


def test_custom_objects():
    class Cube(losses.Loss):
        def call(self, y_true, y_pred):
            return sheer.ops.mean(sheer.ops.abs(y_true - y_pred) ** 3, axis=-1)

    config = losses.serialize(Cube(name="cube"))
    found = losses.deserialize(config, custom_objects={"Cube": Cube})
    assert type(found) is Cube and found.name == "cube"
    with pytest.raises(ValueError, match=r"The loss 'Cube' of .* is not sheer's"):
        losses.deserialize(config)


# --- arguments --------------------------------------------------------------------------------

CONSTRAINTS_ON = [
    (cls, name, check)
    for cls in CLASSES
    for base in cls.__mro__
    for name, check in vars(base).get("arguments", {}).items()
    # Named initializers have what stands in their recipe.
    if name in cls.parameters()
]


@pytest.mark.parametrize(
    ("cls", "name", "check"),
    CONSTRAINTS_ON,
    ids=[f"{cls.__name__}.{name}" for cls, name, _ in CONSTRAINTS_ON],
)
def test_broken_arguments(cls, name, check):
    """Each constraint of each class, broken in each of its ways: the whole text of the error."""
    assert check.breakers
    arguments = REQUIRED.get(cls.__name__, {})
    for value in check.breakers:
        with pytest.raises(ValueError) as error:
            cls(**{**arguments, name: value})
        assert str(error.value) == f"{cls.__name__}: {name} must be {check.words}. Got {value!r}."


def test_there_are_constraints():
    assert len(CONSTRAINTS_ON) > 90
    with pytest.raises(ValueError) as error:
        optimizers.RMSprop(rho=1.5)
    assert str(error.value) == "RMSprop: rho must be a number in [0, 1). Got 1.5."
    with pytest.raises(ValueError) as error:
        metrics.Recall(thresholds=[0.5, 2])
    assert str(error.value) == (
        "Recall: thresholds must be a number in [0, 1] or a list of numbers in [0, 1] or None. "
        "Got [0.5, 2]."
    )


@pytest.mark.parametrize("cls", of_kind("optimizer"), ids=by_name)
def test_learning_rates(cls):
    for rate in (-0.1, "0.1", True, None, float("nan")):
        with pytest.raises(ValueError) as error:
            cls(learning_rate=rate)
        text = (
            "learning_rate must be a number of 0 or more, a LearningRateSchedule or a function. "
            f"Got {rate!r}."
        )
        assert str(error.value) == f"{cls.__name__}: {text}"
        optimizer = cls()
        with pytest.raises(ValueError) as error:
            optimizer.learning_rate = rate
        assert str(error.value) == text
    with pytest.raises(ValueError) as error:
        cls(clipnorm=1.0, global_clipnorm=1.0)
    assert str(error.value) == f"{cls.__name__}: give only one of clipnorm and global_clipnorm."


# --- one step of training with each -----------------------------------------------------------

ROWS = np.random.default_rng(0)
X = ROWS.normal(size=(8, 6)).astype("float32")
ONE_HOT = np.eye(3, dtype="float32")[ROWS.integers(0, 3, 8)]
LABELS = ONE_HOT.argmax(-1)


def assert_trains(loss="categorical_crossentropy", metric=None, optimizer="sgd", y=ONE_HOT,
                  hidden=None, output="softmax"):  # fmt: skip
    """A step as a program and a step op by op give the same figures and the same weights, and the
    weights have changed."""
    results = []
    for run_eagerly in (False, True):
        sheer.utils.clear_session()
        sheer.utils.set_random_seed(3)
        first = hidden() if hidden else layers.Dense(4, "tanh")
        model = sheer.Sequential([sheer.Input((6,)), first, layers.Dense(3, output)])
        model.compile(
            optimizer() if callable(optimizer) else optimizer,
            loss() if inspect.isclass(loss) else loss,
            metrics=[made(metric)] if metric else None,
            run_eagerly=run_eagerly,
        )
        before = model.get_weights()
        figures = model.train_on_batch(X, y, return_dict=True)
        figures = model.train_on_batch(X, y, return_dict=True)
        weights = model.get_weights()
        assert any((a != b).any() for a, b in zip(weights, before, strict=True))
        assert all(np.isfinite(w).all() for w in weights)
        results.append((figures, weights))
    (figures, weights), (eager_figures, eager_weights) = results
    assert figures.keys() == eager_figures.keys()
    for name, figure in figures.items():
        np.testing.assert_allclose(figure, eager_figures[name], rtol=1e-5, err_msg=name)
    for weight, eager in zip(weights, eager_weights, strict=True):
        np.testing.assert_allclose(weight, eager, rtol=1e-5, atol=1e-7)
    return figures


def targets_for(cls):
    sparse = cls.__name__.startswith("Sparse") or getattr(cls, "integer_targets", False)
    return LABELS if sparse else ONE_HOT


@pytest.mark.parametrize("cls", of_kind("loss"), ids=by_name)
def test_step_with_loss(cls):
    if cls is losses.CTC:  # of two time steps
        assert_trains(
            cls, y=LABELS[:, None], hidden=lambda: layers.Reshape((2, 3)), output="linear"
        )
    else:
        assert_trains(loss=cls, y=targets_for(cls))


@pytest.mark.parametrize("cls", of_kind("metric", but=("Mean", "Sum")), ids=by_name)
def test_step_with_metric(cls):
    """Mean and Sum are of values, not of targets and predictions."""
    sparse = cls.__name__.startswith("Sparse")
    loss = "sparse_categorical_crossentropy" if sparse else "categorical_crossentropy"
    figures = assert_trains(loss=loss, metric=cls, y=targets_for(cls))
    assert len(figures) == 2


@pytest.mark.parametrize("cls", of_kind("optimizer"), ids=by_name)
@pytest.mark.parametrize(
    "options",
    [
        {"weight_decay": 0.01},
        {"clipnorm": 0.01},
        {"clipvalue": 0.01},
        {"global_clipnorm": 0.01},
        {"use_ema": True, "ema_overwrite_frequency": 2},
        {"gradient_accumulation_steps": 2, "loss_scale_factor": 4.0},
        {"learning_rate": optimizers.schedules.CosineDecay(0.01, 10)},
        {"learning_rate": lambda: 0.01},
    ],
    ids=lambda options: " ".join(options),
)
def test_step_with_optimizer(cls, options):
    assert_trains(optimizer=lambda: cls(**options))


OF_MATRICES = ("Identity", "Orthogonal")


@pytest.mark.parametrize("cls", of_kind("initializer", but=(*OF_MATRICES, "STFT")), ids=by_name)
def test_step_with_initializer(cls):
    assert_trains(hidden=lambda: layers.Dense(4, kernel_initializer=cls(), bias_initializer=cls()))


@pytest.mark.parametrize("name", OF_MATRICES)
def test_step_with_initializer_of_matrices(name):
    assert_trains(hidden=lambda: layers.Dense(4, kernel_initializer=name))


def test_step_with_initializer_of_filters():
    """Six steps of time, one channel, two frequencies."""

    def hidden():
        frequencies = layers.EinsumDense("btc,tcf->bf", output_shape=2, kernel_initializer="stft")
        return sheer.Sequential([layers.Reshape((6, 1)), frequencies])

    assert_trains(hidden=hidden)


@pytest.mark.parametrize("cls", of_kind("regularizer"), ids=by_name)
def test_step_with_regularizer(cls):
    def hidden():
        penalty = cls(0.5)
        if cls is regularizers.OrthogonalRegularizer:
            return layers.Dense(4, kernel_regularizer=penalty)
        return layers.Dense(
            4, kernel_regularizer=penalty, bias_regularizer=penalty, activity_regularizer=penalty
        )

    assert assert_trains(hidden=hidden)["loss"] > assert_trains()["loss"]


@pytest.mark.parametrize("cls", of_kind("constraint"), ids=by_name)
def test_step_with_constraint(cls):
    assert_trains(hidden=lambda: layers.Dense(4, kernel_constraint=cls(), bias_constraint=cls()))


# What their layers are called on, in place of rows of six numbers.
AROUND = {
    "Embedding": lambda x, layer: ops.sum(layer(ops.cast(abs(x), "int32")), 1) + x[:, :3],
    "TimeDistributed": lambda x, layer: layer(ops.reshape(x, (-1, 3, 2))),
}
TWO = {"Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"}
AROUND |= dict.fromkeys(TWO, lambda x, layer: layer([x, ops.sin(x)]))
# No gradient passes through these.
STEPS = {"CategoryEncoding", "Discretization", "Hashing", "IntegerLookup"}
AROUND |= dict.fromkeys(STEPS, lambda x, layer: ops.concatenate([x, layer(3 * x)], axis=-1))


class Around(layers.Layer):
    """A layer between two Dense, and its output as rows."""

    def __init__(self, layer, call):
        super().__init__()
        self.before, self.layer, self.rows = layers.Dense(6), layer, layers.Flatten()
        self.apply = call

    def call(self, inputs):
        return self.rows(self.apply(self.before(inputs), self.layer))


# Behind Masking comes a Flatten, where masks end.
MASKS_END = pytest.mark.filterwarnings("ignore:Layer '(flatten|rows)' was called on a value with a")


# There are no strings in a model.
OUTSIDE = MODELS | {"InputLayer", "StringLookup", "Wrapper"}


@MASKS_END
@pytest.mark.parametrize("cls", of_kind("layer", but=OUTSIDE), ids=by_name)
def test_step_with_layer(cls):
    call = AROUND.get(cls.__name__, lambda x, layer: layer(x))
    assert_trains(hidden=lambda: Around(made(cls), call))


@MASKS_END
@pytest.mark.parametrize("suffix", ["safetensors", "keras"])
@pytest.mark.parametrize("cls", of_kind("layer", but=OUTSIDE | TWO | {"Lambda"}), ids=by_name)
def test_save_and_load_a_layer(cls, suffix, tmp_path):
    if suffix == "keras":
        pytest.importorskip("h5py", reason="Keras's files need sheer[h5]")
    x = np.abs(X.reshape(8, 3, 2) if cls.__name__ == "TimeDistributed" else X)
    parts = [made(cls), layers.Flatten(name="rows"), layers.Dense(2, name="out")]
    model = sheer.Sequential([sheer.Input(x.shape[1:]), *parts])
    model.compile("sgd", "mse")
    model.train_on_batch(x, ONE_HOT[:, :2])  # what begins as 0 or 1 is then something else
    model.save(tmp_path / f"m.{suffix}")
    same = sheer.models.load_model(tmp_path / f"m.{suffix}")
    assert same.get_config() == model.get_config()
    np.testing.assert_array_equal(same.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize("name", sorted(ACTIVATIONS.entries))
def test_step_with_activation(name):
    activation = ACTIVATIONS.entries[name]
    if name == "threshold":  # the one with arguments that it cannot do without
        assert_trains(hidden=lambda: layers.Dense(4, lambda x: activation(x, 0.1, 0.0)))
    else:
        assert_trains(hidden=lambda: layers.Dense(4, name))


def test_metrics_of_one_name_are_told_apart():
    model = sheer.Sequential([sheer.Input((6,)), layers.Dense(3)])
    model.compile(
        "sgd",
        "mse",
        metrics=["mae", metrics.MeanAbsoluteError(), metrics.MeanAbsoluteError(), "mae"],
        weighted_metrics=["mae"],
    )
    figures = model.evaluate(X, ONE_HOT, verbose=0, return_dict=True)
    names = "loss mae mae_1 mean_absolute_error mean_absolute_error_1 weighted_mae"
    assert sorted(figures) == names.split()
    assert len({round(v, 6) for k, v in figures.items() if k != "loss"}) == 1
