"""Hold files against the real Keras, both ways: a model of each layer, and one of each optimizer
with two steps of state, is written by one and read by the other.

    python -m venv FOLDER && FOLDER/bin/pip install "keras>=3.15" jax h5py
    python scripts/check_keras_files.py FOLDER/bin/python [NAME ...]

Each reader must predict what the writer predicted, and its next step of training must give the
weights that the writer's gave. The names are those of the registries; what is new needs an entry
below only where it cannot be made without arguments, or wants another input.
"""

import inspect
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 4
# The arguments of layers that cannot do without; "layer" stands for a Dense.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "Activation": {"activation": "tanh"},
    "AlphaDropout": {"rate": 0.25},
    "CategoryEncoding": {"num_tokens": 9},
    "Dense": {"units": 3, "activation": "relu", "kernel_regularizer": "l2"},
    "Discretization": {"bin_boundaries": [-0.5, 0.0, 0.5]},
    "Dot": {"axes": 1},
    "Dropout": {"rate": 0.25},
    "EinsumDense": {"equation": "ab,bc->ac", "output_shape": 3, "bias_axes": "c"},
    "Embedding": {"input_dim": 9, "output_dim": 3},
    "GaussianDropout": {"rate": 0.25},
    "GaussianNoise": {"stddev": 0.25},
    "GroupNormalization": {"groups": 3},
    "IntegerLookup": {"vocabulary": [3, 1, 4]},
    "Hashing": {"num_bins": 5},
    "Normalization": {"mean": 0.5, "variance": 2.0},
    "Permute": {"dims": [2, 1]},
    "RepeatVector": {"n": 2},
    "Rescaling": {"scale": 0.5, "offset": 1.0},
    "Reshape": {"target_shape": [3, 2]},
    "SpectralNormalization": {"layer": 3},
    "TimeDistributed": {"layer": 3},
}
# The shape of an example, (6,) for the others; layers of whole numbers get these.
SHAPES = {"Permute": (2, 3), "TimeDistributed": (2, 3), "Masking": (2, 3), "Flatten": (2, 3)}
OF_NUMBERS = {"Embedding", "CategoryEncoding", "Hashing", "IntegerLookup"}
# Layers that join two inputs.
MERGING = {"Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"}
# Layers without a state or a place in a model of numbers; those whose training draws at random.
LEFT_OUT = {"InputLayer", "Lambda", "Layer", "Model", "Sequential", "Functional", "Wrapper",
            "StringLookup"}  # fmt: skip
AT_RANDOM = {"AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise"}


# Layers that learn from the data, by a name of their own.
ADAPTED: dict[str, tuple[str, dict[str, Any]]] = {
    **{
        f"IntegerLookup {mode}": ("IntegerLookup", {"output_mode": mode})
        for mode in ("int", "one_hot", "multi_hot", "count", "tf_idf")
    },
    "IntegerLookup masked": ("IntegerLookup", {"mask_token": 0, "num_oov_indices": 2}),
    "Discretization adapted": ("Discretization", {"num_bins": 4}),
    "Normalization adapted": ("Normalization", {}),
}


def data(name: str) -> tuple[Any, Any]:
    """An input, or two, and a target."""
    rng = np.random.default_rng(3)
    shape = (ROWS, *SHAPES.get(name, (6,)))
    whole = name.split()[0] in OF_NUMBERS
    x = rng.integers(0, 9, shape).astype("int32") if whole else rng.normal(size=shape)
    x = x if whole else x.astype("float32")
    return ([x, x + 1] if name in MERGING else x), rng.normal(size=(ROWS, 2)).astype("float32")


def model_of(k: Any, kind: str, name: str) -> Any:
    """The model, made with Keras or with sheer: the code is the same."""
    layers = k.layers
    if kind == "model":
        inner = k.Sequential([layers.Input((4,)), layers.Dense(4, "tanh"),
                              layers.BatchNormalization()], name="inner")  # fmt: skip
        part = layers.Input((4,), name="part")
        other = k.Model(part, [layers.Dense(3, "relu")(part), layers.Dense(3)(part)], name="other")
        x = layers.Input((6,), name="x")
        shared = layers.Dense(4, "relu", name="shared")
        y = layers.Add()([inner(shared(x)), inner(shared(2 * x))])
        y = layers.Concatenate()([*other(y), shared(x)])
        model = k.Model(x, layers.Dense(2)(y), name="nested")
        model.compile(k.optimizers.Adam(0.01), k.losses.LogCosh(), metrics=["mae"])
        return model
    if kind == "optimizer":
        inside = [layers.Dense(3, activation="tanh"), layers.Dense(2)]
        model = k.Sequential([layers.Input((6,)), *inside])
        given = {"momentum": 0.5} if name in ("SGD", "RMSprop") else {}
        given |= {"centered": True} if name == "RMSprop" else {}
        given |= {"amsgrad": True} if name in ("Adam", "AdamW") else {}
        rate = 0.01
        if name == "SGD":
            rate = k.optimizers.schedules.ExponentialDecay(0.01, 2, 0.5, staircase=True)
        optimizer = getattr(k.optimizers, name)(learning_rate=rate, **given)
        model.compile(optimizer, "mse", metrics=["mae"])
        return model
    class_name, arguments = ADAPTED.get(name, (name, dict(ARGUMENTS.get(name, {}))))
    if "layer" in arguments:
        arguments["layer"] = layers.Dense(arguments["layer"])
    layer = getattr(layers, class_name)(**arguments)
    x, _ = data(name)
    if name in ADAPTED:
        layer.adapt(x)
    first = x[0] if isinstance(x, list) else x
    if isinstance(x, list):
        inputs = [layers.Input(first.shape[1:], name=n) for n in ("a", "b")]
        model = k.Model(inputs, layers.Dense(2)(layers.Flatten()(layer(inputs))))
    else:
        start = layers.Input(first.shape[1:], dtype=first.dtype.name)
        model = k.Sequential([start, layer, layers.Flatten(), layers.Dense(2)])
    model.compile(k.optimizers.Adam(0.01), "mse")
    return model


def state(model: Any) -> list[np.ndarray]:
    """The weights, and all that the optimizer keeps."""
    return [*model.get_weights(), *(np.array(v) for v in model.optimizer.variables)]


def figures(model: Any, name: str) -> list[np.ndarray]:
    """What it predicts; and all of its state after one more step, where that draws nothing."""
    x, y = data(name)
    found = [np.asarray(model.predict(x, verbose=0))]
    if name not in AT_RANDOM:
        model.train_on_batch(x, y)
        found += state(model)
    return found


def write(k: Any, folder: Path, kind: str, name: str) -> None:
    """A file of each kind, and the figures."""
    model = model_of(k, kind, name)
    x, y = data(name)
    for _ in range(2):
        model.train_on_batch(x, y)
    model.save(folder / f"{name}.keras")
    model.save_weights(folder / f"{name}.weights.h5")
    np.savez(folder / f"{name}.npz", *figures(model, name))


def read(k: Any, folder: Path, kind: str, name: str) -> None:
    """Load each kind, and compare."""
    wanted = list(np.load(folder / f"{name}.npz").values())
    for path in (folder / f"{name}.keras", folder / f"{name}.weights.h5"):
        if path.suffix == ".keras":
            model = k.saving.load_model(path)
        else:
            model = model_of(k, kind, name)
            model.optimizer.build(model.trainable_variables)
            model.load_weights(path)
        found = figures(model, name)
        assert len(found) == len(wanted), f"{path.name}: {len(found)} arrays, not {len(wanted)}"
        for i, (a, b) in enumerate(zip(found, wanted, strict=True)):
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5, err_msg=f"{path.name} {i}")


def work(module: str, task: str, folder: str, names: list[list[str]]) -> None:
    """In the interpreter of one library: do the task for all; print what failed."""
    k: Any = __import__(module)
    failed = {}
    for kind, name in names:
        try:
            (write if task == "write" else read)(k, Path(folder), kind, name)
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}"[:600]
    print("\n" + json.dumps(failed))


def main() -> None:
    """Both directions; the report."""
    import sheer
    from sheer.layers import LAYERS
    from sheer.optimizers.base import OPTIMIZERS

    keras, *chosen = sys.argv[1:]
    layers = [c.__name__ for c in LAYERS.classes() if hasattr(sheer.layers, c.__name__)]
    optimizers = [c.__name__ for c in OPTIMIZERS.classes() if not inspect.isabstract(c)]
    names = [["layer", n] for n in layers if n not in LEFT_OUT and not n.startswith("_")]
    names += [["adapted", n] for n in ADAPTED]
    names += [["optimizer", n] for n in optimizers] + [["model", "Nested"]]
    names = [pair for pair in names if not chosen or pair[1] in chosen]
    # Hashing and the lookups need TensorFlow in Keras: KERAS_BACKEND=tensorflow.
    environment = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", **os.environ}
    failed = 0
    for writer, reader in (("keras", "sheer"), ("sheer", "keras")):
        with tempfile.TemporaryDirectory() as folder:
            left = names
            for task, module in (("write", writer), ("read", reader)):
                python = keras if module == "keras" else sys.executable
                command = [python, __file__, "--work", module, task, folder, json.dumps(left)]
                run = subprocess.run(command, capture_output=True, text=True, env=environment)
                if run.returncode:
                    raise SystemExit(run.stderr)
                wrong = json.loads(run.stdout.splitlines()[-1])
                for name, error in wrong.items():
                    print(f"{module} {task}s {name}: {error}\n")
                failed += len(wrong)
                left = [pair for pair in left if pair[1] not in wrong]
            print(f"{writer} to {reader}: {len(left)} of {len(names)} models the same")
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*sys.argv[2:5], json.loads(sys.argv[5]))  # type: ignore[call-arg]
    else:
        main()
