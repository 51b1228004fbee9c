"""Record what the real Keras does with weights and learning rates, for sheer's tests.

    python scripts/record_keras_optimizers.py    # in the environment of record_keras.py

The files go to tests/fixtures/keras, in float64:

    optimizers.json    optimizers with options, and the names and shapes of their variables in order
    optimizers.npz     the first weights and the gradients of 24 steps; per case of the former, the
                       weights after the first and the last step and after fit, and all state
    schedules.json     learning rates at some steps
    small_words.json   initializers, regularizers and constraints of fixed values
"""

import itertools
import sys
from typing import Any

import numpy as np

from record_keras import FOLDER, Array, Json, keras, precision, write_json

STEPS = 24
# A matrix, a tall one that is an embedding by its name, a vector, a number of filters.
SHAPES = {
    "dense/kernel": (3, 4),
    "embedding/embeddings": (5, 2),
    "dense/bias": (4,),
    "conv/kernel": (2, 3, 2),
}
SCHEDULE: Json = {
    "class_name": "ExponentialDecay",
    "config": {"initial_learning_rate": 0.05, "decay_steps": 5, "decay_rate": 0.7},
}
OWN: list[tuple[str, Json]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.5, "centered": True}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "beta_2": 0.6}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.2, "amsgrad": True}),
    ("Adamax", {}),
    ("Adamax", {"beta_1": 0.7, "beta_2": 0.8, "epsilon": 1e-3}),
    ("Nadam", {}),
    ("Nadam", {"beta_1": 0.7, "beta_2": 0.8, "epsilon": 1e-3}),
    ("Adagrad", {}),
    ("Adagrad", {"initial_accumulator_value": 0.5, "epsilon": 0.01}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adadelta", {"learning_rate": 1.0, "rho": 0.7, "epsilon": 1e-3}),
    ("Adafactor", {"learning_rate": 0.3}),
    ("Adafactor", {"learning_rate": 0.05, "beta_2_decay": -0.5, "clip_threshold": 0.5}),
    ("Adafactor", {"epsilon_1": 1e-3, "epsilon_2": 2.0, "relative_step": False}),
    ("Ftrl", {"learning_rate": 0.1}),
    (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "learning_rate_power": -0.7,
            "initial_accumulator_value": 0.3,
            "l1_regularization_strength": 0.4,
            "l2_regularization_strength": 0.2,
            "l2_shrinkage_regularization_strength": 0.1,
            "beta": 0.5,
        },
    ),
    ("Lion", {}),
    ("Lion", {"beta_1": 0.6, "beta_2": 0.8}),
    ("Lamb", {}),
    ("Lamb", {"beta_1": 0.7, "beta_2": 0.8, "epsilon": 1e-3}),
    ("Muon", {}),
    (
        "Muon",
        {
            "exclude_layers": ["dense/k"],
            "exclude_embeddings": False,
            "adam_lr_ratio": 0.5,
            "adam_weight_decay": None,
            "weight_decay": 0.3,
            "nesterov": False,
            "ns_steps": 3,
            "rms_rate": None,
            "momentum": 0.6,
        },
    ),
    ("ScheduleFreeAdamW", {}),
    ("ScheduleFreeAdamW", {"warmup_steps": 7, "beta_1": 0.7, "weight_decay": 0.2}),
]
EMA: Json = {"use_ema": True, "ema_momentum": 0.8}
SHARED: list[Json] = [
    {"weight_decay": 0.2},
    {"clipnorm": 1.0},
    {"clipvalue": 0.3},
    {"global_clipnorm": 1.5},
    {"loss_scale_factor": 8.0},
    {"learning_rate": SCHEDULE},
    EMA,
    EMA | {"ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3},
    EMA | {"gradient_accumulation_steps": 4, "ema_overwrite_frequency": 2, "clipnorm": 1.0},
    {"gradient_accumulation_steps": 2, "learning_rate": SCHEDULE, "weight_decay": 0.2},
]
SHARED_BY = ["SGD", "Nadam", "Muon"]


def made(name: str, kwargs: Json) -> Any:
    rate = kwargs.get("learning_rate")
    if isinstance(rate, dict):
        rate = getattr(keras.optimizers.schedules, rate["class_name"])(**rate["config"])
        kwargs = kwargs | {"learning_rate": rate}
    return getattr(keras.optimizers, name)(**{"learning_rate": 0.05} | kwargs)


def flat(arrays: list[Any]) -> Array:
    """All their elements in a row."""
    return np.concatenate([np.asarray(a).ravel() for a in arrays])


def run(name: str, kwargs: Json, excluded: list[str], data: Json) -> tuple[Json, list[Array]]:
    """The case, and weights and state."""
    keras.utils.clear_session()
    optimizer = made(name, kwargs)
    variables = []
    for path, first in data["first"].items():
        with keras.name_scope(path.split("/")[0]):
            variables.append(keras.Variable(first, name=path.split("/")[1], dtype="float64"))
    variables[0].constraint = keras.constraints.MaxNorm(2.5)
    if excluded:
        optimizer.exclude_from_weight_decay(var_list=variables[:1], var_names=excluded)
    for step in range(STEPS):
        optimizer.apply([keras.ops.array(g[step]) for g in data["gradients"].values()], variables)
        if step == 0:
            first = flat(variables)
    last = flat(variables)
    optimizer.finalize_variable_values(variables)
    case = {
        "optimizer": name,
        "kwargs": kwargs,
        "excluded": excluded,
        "iterations": int(optimizer.iterations),
        # Names without that of the optimizer.
        "variables": [[v.path.rsplit("/", 1)[-1], list(v.shape)] for v in optimizer.variables],
    }
    return case, [first, last, flat(variables), flat(optimizer.variables)]


def optimizers() -> None:
    precision("float64", keep_64_bits=True)
    rng = np.random.default_rng(5)
    data: Json = {
        "first": {k: rng.normal(size=s).round(2) for k, s in SHAPES.items()},
        "gradients": {k: rng.normal(size=(STEPS, *s)).round(2) for k, s in SHAPES.items()},
    }
    arrays = {f"{kind}/{k}": v for kind, by in data.items() for k, v in by.items()}
    cases = [(name, kwargs, []) for name, kwargs in OWN]
    cases += [(name, kwargs, []) for name, kwargs in itertools.product(SHARED_BY, SHARED)]
    cases += [(name, {"weight_decay": 0.2}, ["bias", "conv"]) for name in ("AdamW", "Muon")]
    # The state of averages that Keras makes before all slots.
    cases += [("RMSprop", EMA | {"momentum": 0.5, "gradient_accumulation_steps": 2}, [])]
    runs = [run(*case, data) for case in cases]
    for i, figure in enumerate(("after_first", "after_last", "after_fit")):
        arrays[figure] = np.array([figures[i] for _, figures in runs])
    arrays["state"] = flat([figures[3] for _, figures in runs])
    np.savez_compressed(FOLDER / "optimizers.npz", **arrays)
    write_json("optimizers.json", {"steps": STEPS, "cases": [case for case, _ in runs]})


# schedules --------------------------------------------------------------------------------------

RATE: Json = {"initial_learning_rate": 0.3}
SCHEDULES: list[tuple[str, Json]] = [
    ("ExponentialDecay", RATE | {"decay_steps": 7, "decay_rate": 0.6}),
    ("ExponentialDecay", RATE | {"decay_steps": 7, "decay_rate": 0.6, "staircase": True}),
    ("InverseTimeDecay", RATE | {"decay_steps": 7, "decay_rate": 0.6}),
    ("InverseTimeDecay", RATE | {"decay_steps": 7, "decay_rate": 0.6, "staircase": True}),
    ("PiecewiseConstantDecay", {"boundaries": [5, 12, 13], "values": [0.3, 0.2, 0.1, 0.05]}),
    ("PiecewiseConstantDecay", {"boundaries": [7], "values": [0.3, 0.7]}),
    ("PolynomialDecay", RATE | {"decay_steps": 7}),
    ("PolynomialDecay", RATE | {"decay_steps": 7, "end_learning_rate": 0.1, "power": 2.5}),
    ("PolynomialDecay", RATE | {"decay_steps": 7, "power": 0.5, "cycle": True}),
    ("CosineDecay", RATE | {"decay_steps": 7}),
    ("CosineDecay", RATE | {"decay_steps": 20, "alpha": 0.2}),
    ("CosineDecay", RATE | {"decay_steps": 9, "warmup_target": 0.7, "warmup_steps": 5}),
    ("CosineDecay", RATE | {"decay_steps": 9, "warmup_target": 0.7, "alpha": 0.1}),
    ("CosineDecayRestarts", RATE | {"first_decay_steps": 5}),
    ("CosineDecayRestarts", RATE | {"first_decay_steps": 5, "t_mul": 1.0, "m_mul": 0.8}),
    (
        "CosineDecayRestarts",
        RATE | {"first_decay_steps": 4, "t_mul": 1.5, "m_mul": 0.8, "alpha": 0.1},
    ),
]
# Not at the very steps of a restart, where rounding decides on which side they are.
AT = [0, 1, 2, 3, 6, 8, 11, 13, 14, 17, 21, 27, 40]


def schedules() -> None:
    precision("float64", keep_64_bits=True)
    cases = []
    for name, kwargs in SCHEDULES:
        schedule = getattr(keras.optimizers.schedules, name)(**kwargs)
        case = {"schedule": name, "kwargs": kwargs, "config": schedule.get_config()}
        cases.append(case | {"rates": [float(schedule(step)) for step in AT]})
    write_json("schedules.json", {"steps": AT, "cases": cases})


# small words ------------------------------------------------------------------------------------

W = np.array([[0.5, -2.0, 1.0], [1.5, 0.25, -0.75], [3.0, 0.0, -1.0], [-0.5, 1.0, 2.0]])
WORDS: list[tuple[str, str, Json]] = [
    ("regularizers", "L1", {"l1": 0.3}),
    ("regularizers", "L2", {"l2": 0.3}),
    ("regularizers", "L1L2", {"l1": 0.3, "l2": 0.2}),
    ("regularizers", "OrthogonalRegularizer", {}),
    ("regularizers", "OrthogonalRegularizer", {"factor": 0.3, "mode": "columns"}),
    ("constraints", "NonNeg", {}),
    ("constraints", "UnitNorm", {}),
    ("constraints", "UnitNorm", {"axis": 1}),
    ("constraints", "MaxNorm", {"max_value": 1.5}),
    ("constraints", "MaxNorm", {"max_value": 1.5, "axis": [0, 1]}),
    ("constraints", "MinMaxNorm", {"min_value": 1.0, "max_value": 1.5, "rate": 0.7}),
]
SHAPED: list[tuple[str, Json, tuple[int, ...]]] = [
    ("Identity", {"gain": 0.5}, (2, 3)),
]


def small_words() -> None:
    precision("float64", keep_64_bits=True)
    w = keras.ops.array(W)
    cases = []
    for module, name, kwargs in WORDS:
        value = getattr(getattr(keras, module), name)(**kwargs)(w)
        cases.append({"module": module, "name": name, "kwargs": kwargs, "value": value})
    shaped = []
    for name, kwargs, shape in SHAPED:
        value = getattr(keras.initializers, name)(**kwargs)(shape)
        shaped.append({"name": name, "kwargs": kwargs, "shape": shape, "value": value})
    write_json("small_words.json", {"w": W, "cases": cases, "initializers": shaped})


def main(names: list[str]) -> None:
    for recorder in (optimizers, schedules, small_words):
        if not names or recorder.__name__ in names:
            print(recorder.__name__, flush=True)
            recorder()


if __name__ == "__main__":
    main(sys.argv[1:])
