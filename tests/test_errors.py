"""What a user can do wrong: the whole text of each error, and that nothing has changed by it."""

import numpy as np
import pytest

import sheer
from sheer import layers
from small import classifier, data, state

X, Y = data(20)
MISSING = X.copy()
MISSING[3, 1] = MISSING[7, 0] = np.nan
GAPS = np.where(np.arange(20) == 5, np.nan, 1.0)
TEXTS = X.astype(str)


def fresh():
    return classifier(features=None, optimizer="adam")


def built():
    return classifier(optimizer="adam")


def eager():
    return classifier(features=None, optimizer="adam", run_eagerly=True)


def trained():
    model = built()
    model.fit(X, Y, verbose=0, batch_size=8)
    return model


def raised(call, model):
    """The error of the call; all state is as it was before."""
    before = state(model)
    with pytest.raises((ValueError, TypeError)) as caught:
        call(model)
    assert state(model) == before
    return f"{caught.type.__name__}: {caught.value}"


def fit(*args, **options):
    return lambda model: model.fit(*args, verbose=0, **options)


NUMBER_CLASSES = "Number the classes from 0, or give the last layer more units."
FILL = "Fill or drop these rows first, for example with np.nan_to_num."
ARRAY = "must be an array, or a list of arrays, each with one row per example."
CASES = {
    # labels
    "label too large": (fit(X, Y + 1), "ValueError: fit: sparse_categorical_crossentropy: labels "
        "must be 0 to 2, as the model has 3 outputs. Got values from 1 to 3; label 3 stands in row "
        f"{np.argmax(Y == 2)}.\n{NUMBER_CLASSES}"),
    "label too small": (fit(X, np.where(np.arange(20) == 4, -1, Y)), "ValueError: fit: "
        "sparse_categorical_crossentropy: labels must be 0 to 2, as the model has 3 outputs. Got "
        f"values from -1 to 2; label -1 stands in row 4.\n{NUMBER_CLASSES}"),
    "label in the validation data": (fit(X, Y, validation_data=(X, Y + 1)), "ValueError: fit, "
        "validation_data: sparse_categorical_crossentropy: labels must be 0 to 2, as the model has "
        f"3 outputs. Got values from 1 to 3; label 3 stands in row {np.argmax(Y == 2)}.\n"
        f"{NUMBER_CLASSES}"),
    "labels between whole numbers": (fit(X, Y + 0.5), "ValueError: fit: "
        "sparse_categorical_crossentropy: targets must be whole numbers. Got float64 values such "
        f"as {Y[0] + 0.5}."),
    "one-hot labels": (fit(X, np.eye(3)[Y]), "ValueError: fit: sparse_categorical_crossentropy: "
        "targets need one class index for each row of the outputs.\n"
        "  targets (20, 3)\n  outputs (n, 3)\nFor one-hot targets use categorical_crossentropy."),
    # what is no array of numbers
    "strings": (fit(TEXTS, Y), "TypeError: fit: x must hold real numbers. Got an array of dtype "
        f"{TEXTS.dtype}, such as {TEXTS[0, 0].item()!r}.\n"
        "Convert it first: x.astype('float32'), or number its categories."),
    "objects": (fit(X, np.array([None] * 20)), "TypeError: fit: y must hold real numbers. Got an "
        "array of dtype object, such as None.\n"
        "Convert it first: y.astype('float32'), or number its categories."),
    "complex numbers": (fit(X * 1j, Y), "TypeError: fit: x must hold real numbers. Got an array "
        f"of dtype complex64, such as {(X * 1j)[0, 0].item()!r}.\nConvert it first: "
        "x.astype('float32'), or number its categories."),
    "lists of numbers": (fit(X, [1, 2]), f"TypeError: fit: y {ARRAY} Got 1.\n"
        "Make lists of numbers an array first: np.array(y)."),
    "a string": (fit("data.csv", Y), f"TypeError: fit: x {ARRAY} Got 'data.csv'.\n"
        "Make lists of numbers an array first: np.array(x)."),
    "a file": (fit(X, open), "TypeError: fit: y must be an array, a list of arrays, or an iterable "
        "of batches, such as a generator or a PyDataset. Got builtin_function_or_method.\nIs it a "
        "function that gives batches? Call it: y()."),
    "a masked array": (fit(np.ma.masked_less(X, 0), Y), "TypeError: fit: x is a masked array, and "
        "sheer knows no missing values. Fill them first: x.filled(0.0)."),
    "a number": (fit(np.float32(3), Y), "ValueError: fit: x needs one row per example. Got the "
        "single number 3.0."),
    "several sample weights": (fit(X, Y, sample_weight=[GAPS, GAPS]), "TypeError: fit: "
        "sample_weight must be one array, with a number per example; or one for each target, in "
        "the form of y.\n  y             an array\n  sample_weight a list of 2"),
    # what is missing
    "no x": (fit(), "ValueError: fit: x is missing. Got None. Give an array of examples."),
    "no y": (fit(X), "ValueError: fit: y is missing: the loss sparse_categorical_crossentropy "
        "compares the outputs with it. Give x and y."),
    "no y for evaluate": (lambda model: model.evaluate(X, verbose=0), "ValueError: evaluate: y is "
        "missing: the loss sparse_categorical_crossentropy compares the outputs with it. Give x "
        "and y."),
    "no rows": (fit(X[:0], Y[:0]), "ValueError: fit: the data are empty: x has the shape (0, 4). "
        "Give at least one row."),
    "no arrays": (fit([], Y), "ValueError: fit: x holds no array. Got []."),
    "NaN in x": (fit(MISSING, Y), "ValueError: fit: x contains NaN: 2 of 80 values, the first in "
        f"row 3, at (3, 1).\n{FILL}"),
    "NaN in y": (fit(X, GAPS), "ValueError: fit: y contains NaN: 1 of 20 values, the first in row "
        f"5.\n{FILL}"),
    "NaN in sample_weight": (fit(X, Y, sample_weight=GAPS), "ValueError: fit: sample_weight "
        f"contains NaN: 1 of 20 values, the first in row 5.\n{FILL}"),
    "NaN in the validation data": (fit(X, Y, validation_data=(MISSING, Y)), "ValueError: fit, "
        f"validation_data: x contains NaN: 2 of 80 values, the first in row 3, at (3, 1).\n{FILL}"),
    "NaN on a batch": (lambda model: model.train_on_batch(MISSING, Y), "ValueError: "
        "train_on_batch: x contains NaN: 2 of 80 values, the first in row 3, at (3, 1).\n"
        f"{FILL}"),
    # lengths and shapes
    "fewer targets": (fit(X, Y[:5]), "ValueError: fit: the numbers of rows differ.\n"
        "  x             (20, 4)\n  y             (5,)\nEach array needs one row per example."),
    "inputs of two lengths": (fit([X, X[:3]], Y, sample_weight=GAPS[:7]), "ValueError: fit: the "
        "numbers of rows differ.\n  x             (20, 4), (3, 4)\n  y             (20,)\n"
        "  sample_weight (7,)\nEach array needs one row per example."),
    "sample weights of each feature": (fit(X, Y, sample_weight=X), "ValueError: fit: sample_weight "
        "must have the shape (n,), one number per example. Got (20, 4)."),
    "two targets for one output": (fit(X, [Y, Y]), "ValueError: fit: y is a list of 2, and the "
        "model has 1 output: sparse_categorical_crossentropy takes one array."),
    "targets by name for one output": (fit(X, {"a": Y, "b": Y}), "ValueError: fit: y is a dict of "
        "2, and the model has 1 output: sparse_categorical_crossentropy takes one array."),
    # settings
    "class_weight by text": (fit(X, Y, class_weight={"a": 1}), "ValueError: fit: class_weight must "
        "be a dictionary with a number for each class, such as {0: 1.0, 1: 2.5}. Got {'a': 1}."),
    "class_weight as a list": (fit(X, Y, class_weight=[1, 2, 3]), "ValueError: fit: class_weight "
        "must be a dictionary with a number for each class, such as {0: 1.0, 1: 2.5}. Got "
        "[1, 2, 3]."),
    "class_weight of text": (fit(X, Y, class_weight={0: "a"}), "ValueError: fit: class_weight must "
        "be a dictionary with a number for each class, such as {0: 1.0, 1: 2.5}. Got {0: 'a'}."),
    "validation_data without y": (fit(X, Y, validation_data=X), "ValueError: fit: validation_data "
        "must be (x, y), (x, y, sample_weight), or an iterable of batches. Got ndarray."),
    "validation_data of one": (fit(X, Y, validation_data=(X,)), "ValueError: fit: validation_data "
        "must be (x, y), (x, y, sample_weight), or an iterable of batches. Got tuple of 1."),
    "validation_data of two lengths": (fit(X, Y, validation_data=(X, Y[:5])), "ValueError: fit, "
        "validation_data: the numbers of rows differ.\n  x             (20, 4)\n"
        "  y             (5,)\nEach array needs one row per example."),
    "all for validation": (fit(X, Y, validation_split=1.0), "ValueError: fit: validation_split "
        "must be a number in (0, 1). Got 1.0."),
    "nothing left for training": (fit(X[:1], Y[:1], validation_split=0.5), "ValueError: fit: "
        "validation_split=0.5 leaves 0 of 1 rows for training and 1 for validation."),
    "a callback's class": (fit(X, Y, callbacks=[sheer.callbacks.History]), "TypeError: callbacks "
        "must be instances of sheer.callbacks.Callback. Got <class "
        "'sheer.callbacks.history.History'>: write () behind the class."),
    "verbose": (lambda model: model.fit(X, Y, verbose=7), "ValueError: fit: verbose must be 0, 1, "
        "2 or 'auto'. Got 7."),
    "validation_freq": (fit(X, Y, validation_freq=0.5), "ValueError: fit: validation_freq must be "
        "a whole number of 1 or more, or a list of epochs. Got 0.5."),
}  # fmt: skip


@pytest.mark.parametrize("make", [fresh, built, trained, eager], ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", CASES)
def test_fit(name, make):
    call, text = CASES[name]
    assert raised(call, make()) == text


@pytest.mark.parametrize("name", ["batch_size", "steps_per_epoch", "validation_steps",
                                  "validation_batch_size"])  # fmt: skip
@pytest.mark.parametrize("value", [0, -1, 2.5, "32", True])
def test_counts(name, value):
    assert raised(fit(X, Y, **{name: value}), fresh()) == (
        f"ValueError: fit: {name} must be a whole number of 1 or more. Got {value!r}."
    )


@pytest.mark.parametrize("name", ["epochs", "initial_epoch"])
@pytest.mark.parametrize("value", [-1, 2.5, "3", True, None])
def test_epochs(name, value):
    assert raised(fit(X, Y, **{name: value}), fresh()) == (
        f"ValueError: fit: {name} must be a whole number of 0 or more. Got {value!r}."
    )


def test_settings_of_evaluate_and_predict():
    for call in ("evaluate", "predict"):
        for name in ("batch_size", "steps"):
            model = built()
            assert raised(lambda m: getattr(m, call)(X, verbose=0, **{name: 0}), model) == (  # noqa: B023
                f"ValueError: {call}: {name} must be a whole number of 1 or more. Got 0."
            )


# --- shapes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [built, trained], ids=lambda make: make.__name__)
@pytest.mark.parametrize(
    ("who", "call"),
    [
        ("fit", fit(X[:, :3], Y)),
        ("fit, validation_data", fit(X, Y, validation_data=(X[:, :3], Y))),
        ("evaluate", lambda model: model.evaluate(X[:, :3], Y, verbose=0)),
        ("predict", lambda model: model.predict(X[:, :3], verbose=0)),
        ("train_on_batch", lambda model: model.train_on_batch(X[:, :3], Y)),
        ("predict_on_batch", lambda model: model.predict_on_batch(X[:, :3])),
    ],
)
def test_wrong_features_for_the_first_layer(who, call, make):
    assert raised(call, make()) == (
        f"ShapeError: {who}: affine in layer 'dense': x has 3 features, kernel expects 4.\n"
        "  x      (n, 3) float32\n"
        "  kernel (4, 5) float32\n"
        "  bias   (5,) float32\n"
        "The model was built for x of the shape (n, 4); here it is (n, 3). Give it such data, or "
        "make it anew for these."
    )


def test_wrong_features_for_a_later_layer():
    """One that was built for another model."""
    head = layers.Dense(3, activation="softmax", name="head")
    head.build((None, 512))
    model = sheer.Sequential([layers.Dense(8, name="body"), head])
    model.compile("adam", "sparse_categorical_crossentropy")
    text = (
        "ShapeError: {}affine in layer 'head': x has 8 features, kernel expects 512.\n"
        "  x      ({}, 8) float32\n"
        "  kernel (512, 3) float32\n"
        "  bias   (3,) float32"
    )
    assert raised(fit(X, Y), model) == text.format("fit: ", "n")
    assert raised(lambda model: model(X), model) == text.format("", "n")
    assert not model.layers[0].built


@pytest.mark.parametrize(
    ("loss", "y", "text"),
    [
        ("mse", X, "mean_squared_error: targets and outputs need the same shape.\n"
         "  targets (20, 4)\n  outputs (n, 3)\n"
         "Give the last layer as many units as there are targets."),
        ("mae", Y, "mean_absolute_error: targets and outputs need the same shape.\n"
         "  targets (20,)\n  outputs (n, 3)\n"
         "Give the last layer as many units as there are targets."),
        ("categorical_crossentropy", Y, "categorical_crossentropy: targets and outputs need the "
         "same shape.\n  targets (20,)\n  outputs (n, 3)\n"
         "For class indices use sparse_categorical_crossentropy, or ops.one_hot."),
        ("binary_crossentropy", np.eye(3)[Y] * 2, "binary_crossentropy: targets must lie in "
         "[0, 1]. Got values from 0.0 to 2.0.\n"
         "For more than two classes use sparse_categorical_crossentropy."),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)  # fmt: skip
def test_targets_that_do_not_fit_the_outputs(loss, y, text):
    for make in (fresh, built):
        model = make()
        model.compile("adam", loss)
        assert raised(fit(X, y), model) == f"ValueError: fit: {text}"


def test_data_of_one_axis():
    assert raised(fit(X[:, 0], Y), fresh()) == (
        "ValueError: Dense layer 'dense' needs an input (n, features), with at least two axes and "
        "a known number of features. Got shape (None,).\n"
        "For one feature, give x[:, None]."
    )


# --- compile, build, names ------------------------------------------------------------------


def test_not_compiled():
    model = sheer.Sequential([sheer.Input((4,)), layers.Dense(3)])
    for name, call in {
        "fit": lambda: model.fit(X, Y),
        "evaluate": lambda: model.evaluate(X, Y),
        "train_on_batch": lambda: model.train_on_batch(X, Y),
        "test_on_batch": lambda: model.test_on_batch(X, Y),
        "train_program": model.train_program,
        "test_program": model.test_program,
        "write_program": lambda: model.write_program("train.py"),
    }.items():
        with pytest.raises(ValueError) as caught:
            call()
        assert str(caught.value) == (
            f"{name}: the model is not compiled. Call compile(optimizer, loss, metrics=[...]) "
            "first."
        )


def test_compiled_without_a_loss():
    model = fresh()
    model.compile("adam")
    text = (
        "ValueError: There is no loss to compute. Give compile() a loss, such as "
        "loss='mean_squared_error', or call add_loss in a layer."
    )
    assert raised(fit(X, Y), model) == text
    assert raised(lambda model: model.evaluate(X, Y, verbose=0), model) == text


def test_not_built():
    model = fresh()
    for name in ("train_program", "test_program", "predict_program"):
        with pytest.raises(sheer.NotBuiltError) as caught:
            getattr(model, name)()
        assert str(caught.value) == (
            f"{name}: model 'sequential' is not built: its input shape is not known yet.\n"
            "Begin it with Input((features,)), call build((None, features)), or call it on data."
        )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"loss": "mean_sqared_error"},
         "Unknown loss 'mean_sqared_error'. Did you mean 'mean_squared_error'?"),
        ({"loss": "MeanSqaredError"},
         "Unknown loss 'MeanSqaredError'. Did you mean 'MeanSquaredError'?"),
        ({"optimizer": "adamm"}, "Unknown optimizer 'adamm'. Did you mean 'adam'?"),
        ({"metrics": ["accurracy"]}, "Unknown metric 'accurracy'. Did you mean 'accuracy'?"),
        ({"weighted_metrics": ["maee"]}, "Unknown metric 'maee'. Did you mean 'mae'?"),
        ({"loss": {"a": "mes"}}, "Unknown loss 'mes'. Did you mean 'mse'?"),
        ({"metrics": {"a": ["mes"]}}, "Unknown metric 'mes'. Did you mean 'mse'?"),
        ({"loss_weights": [1, "2"]}, "compile: loss_weights must be a number, or a list or "
         "dictionary of numbers, one for each output. Got '2'."),
        ({"loss": 3}, "loss must be a name, a config dictionary or a callable. Got 3."),
        ({"optimizer": None}, "optimizer must be a name, a config or an Optimizer. Got None."),
    ],
    ids=str,
)  # fmt: skip
def test_compile(arguments, text):
    model = built()
    optimizer, loss = model.optimizer, model.loss
    before = state(model)
    with pytest.raises((ValueError, TypeError)) as caught:
        model.compile(**{"optimizer": "sgd", "loss": "mse", **arguments})
    assert str(caught.value) == text
    # What was compiled before still stands.
    assert (model.optimizer, model.loss) == (optimizer, loss) and state(model) == before
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Dense(3, activation="rellu"),
         "Unknown activation 'rellu'. Did you mean 'relu'?"),
        (lambda: layers.Dense(3, kernel_initializer="glorot_unifrom"),
         "Unknown initializer 'glorot_unifrom'. Did you mean 'glorot_uniform'?"),
        (lambda: layers.Dense(3, bias_regularizer="l3"),
         "Unknown regularizer 'l3'. Known: l1, l1_l2, l1l2, l2, orthogonal_regularizer."),
        (lambda: layers.Dense(3, kernel_constraint="nonneg"),
         "Unknown constraint 'nonneg'. Did you mean 'non_neg'?"),
        (lambda: layers.Dense(0), "Dense: units must be a whole number of 1 or more. Got 0."),
        (lambda: layers.Dense("3"), "Dense: units must be a whole number of 1 or more. Got '3'."),
    ],
)  # fmt: skip
def test_layers(make, text):
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == text
