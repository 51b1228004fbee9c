"""A whole training as one script that needs NumPy alone."""

from __future__ import annotations

import ast
import os
import textwrap
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from sheer.core import random
from sheer.core.dtypes import is_float
from sheer.core.files import replacing, write_text
from sheer.initializers import Constant, Ones, RandomInitializer, Zeros
from sheer.ops.operand import Operand
from sheer.ops.variable import Variable
from sheer.program.helpers import helper_name, helper_sources
from sheer.program.write import dtype_text, in_docstring
from sheer.training.data import Data
from sheer.training.loop import BATCH_SIZE
from sheer.training.step import Step

TEMPLATE = '''"""{title}

Written by sheer. It needs NumPy only:

    python {file} [DATA.npz]

The data file holds the arrays x_train and y_train, and x_test and y_test for the evaluation; images
of bytes become numbers from 0 to 1. By default it is {data}, beside this script.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

EPOCHS = {epochs}
BATCH_SIZE = {batch_size}
SHUFFLE_KEY = {key}  # (seed, counter): the counter grows by one each epoch
{constants}

def main():
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("{data}")
    x_train, y_train, x_test, y_test = load_data(path)
    state = initial_state()
    for epoch in range(EPOCHS):
        reset_metrics(state)
        order = {order}
        for start in range(0, len(x_train), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            logs, new = train_step(
{train_arguments}
            )
            assign(state, new)
        print(f"Epoch {{epoch + 1}}/{{EPOCHS}}{{figures(logs)}}", flush=True)

    if x_test is None:
        print("No x_test and y_test in the data: no evaluation.")
        return
    reset_metrics(state)
    for start in range(0, len(x_test), BATCH_SIZE):
        rows = slice(start, start + BATCH_SIZE)
        logs, new = test_step(
{test_arguments}
        )
        assign(state, new)
    print(f"Evaluation{{figures(logs)}}")


def load_data(path):
    """x_train, y_train, x_test, y_test; None for what the file lacks."""
    if not path.exists():
        sys.exit(f"{{path}} is not there. Give the data file: python {file} DATA.npz")
    with np.load(path) as file:
        data = {{name: file[name] for name in file.files}}
    if "x_train" not in data or "y_train" not in data:
        sys.exit(f"{{path}} lacks x_train or y_train. Give another: python {file} DATA.npz")
    for name in ("x_train", "x_test"):
        if name in data:
            data[name] = prepared(data[name])
    for name in ("y_train", "y_test"):
        if name in data:
            data[name] = {targets}
    return [data.get(name) for name in ("x_train", "y_train", "x_test", "y_test")]


def prepared(x):
    """Each example in the shape {example}."""
    x = x.reshape(len(x){sizes})
{scaling}

def initial_state():
    """The first value of every weight, and of what the optimizer and the metrics keep."""
{state}


def reset_metrics(state):
    """Begin to count anew."""
    for name in vars(state["metrics"]):
        setattr(state["metrics"], name, np.zeros_like(getattr(state["metrics"], name)))


def assign(state, new):
    """Put new values in place of the old ones."""
    for name, value in new.items():
        space, attribute = name.split(".")
        setattr(state[space], attribute, value)


def figures(logs):
    """The logs as text."""
    return "".join(f" - {{name}}: {{float(value):.6f}}" for name, value in logs.items())


{functions}


if __name__ == "__main__":
    main()
'''


def write_script(
    model: Any,
    path: str | os.PathLike[str],
    x: Any,
    y: Any,
    validation_data: Any,
    given: dict[str, Any],
) -> None:
    """Write the script, and beside it its data: see `Model.write_program`."""
    path = Path(path)
    last = getattr(model, "last_fit", None)
    if x is None and last is not None and last.settings.steps is not None:
        raise ValueError(
            "write_program: a script goes through all the data in each epoch; the last fit had "
            f"steps_per_epoch={last.settings.steps}. Give x and y, or fit without it."
        )
    if x is None and last is not None:
        _check_first_values(model)
    train, test = _data(last, x, y, validation_data)
    if train is not None:
        train_step: Step = model._steps.step("train_step", train)
        test_step: Step = model._steps.step("test_step", train)
    else:
        train_step, test_step = model._steps.step("train_step"), model._steps.step("test_step")
    if train_step.data != ["x", "y"]:
        raise ValueError(
            "write_program: a script can be written for one array x, one array y and no sample "
            f"weights. This model was trained on {', '.join(train_step.data)}."
        )
    stored = _Stored()
    if train is not None:
        stored.arrays |= {"x_train": _compact(train.arrays[0]), "y_train": train.arrays[1]}
    if test is not None:
        stored.arrays |= {"x_test": _compact(test.arrays[0]), "y_test": test.arrays[1]}
    text = _text(model, path, train_step, test_step, stored, _settings(last, given))
    write_text(path, text)
    if stored.arrays:
        with replacing(path.with_suffix(".npz")) as file:
            np.savez(file, **stored.arrays)  # type: ignore[arg-type]


def _check_first_values(model: Any) -> None:
    """Raise where weights cannot begin as they began in the last fit."""
    lost = [v.path for v in model.weights if not _is_known(v.initializer)]
    if lost:
        raise ValueError(
            f"write_program: the first value of {', '.join(lost)} is not known any more: it was "
            "set by hand, or made by a function of yours, and fit has changed it.\n"
            "Write the script before fit; or give x and y, to begin with the weights as they are."
        )


def _data(last: Any, x: Any, y: Any, validation: Any) -> tuple[Data | None, Data | None]:
    """The data given, or those of the last fit as far as they are still there."""
    test = Data(validation[0], validation[1], None, "write_program") if validation else None
    if x is not None:
        return Data(x, y, caller="write_program"), test
    if last is None:
        return None, None
    arrays = [reference() for reference in last.data]
    if len(arrays) != 2:
        return None, None
    if any(array is None for array in arrays):
        warnings.warn(
            "write_program: the data of the last fit are no longer in memory, so the script comes "
            "without; give x and y to store them beside it.",
            stacklevel=4,
        )
        return None, None
    held_out = [reference() for reference in last.validation]
    is_there = len(held_out) == 2 and all(array is not None for array in held_out)
    if test is None and is_there:
        test = Data(held_out[0], held_out[1], None, "write_program")
    return Data(arrays[0], arrays[1], None, "write_program"), test


def _settings(last: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Epochs, batch size, shuffling and the key of the first shuffle."""
    known = last.settings if last is not None else None
    settings = {
        "epochs": known.epochs - known.initial_epoch if known else 5,
        "batch_size": (known.batch_size if known else None) or BATCH_SIZE,
        "shuffle": known.shuffle if known else True,
    }
    settings |= {name: value for name, value in given.items() if value is not None}
    settings["key"] = last.first_key if last is not None else random.peek_key()
    return settings


class _Stored:
    """The arrays that go into the file beside the script."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}


def _compact(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Images as bytes, where that loses nothing: a quarter of the size."""
    if x.dtype != np.float32 or x.size == 0 or x.min() < 0 or x.max() > 1:
        return x
    levels = np.rint(x * np.float32(255)).astype(np.uint8)
    same = np.array_equal(levels.astype(np.float32) / np.float32(255), x)
    return levels if same else x


def _text(
    model: Any, path: Path, train: Step, test: Step, stored: _Stored, settings: dict[str, Any]
) -> str:
    x, y = train.graph.inputs
    example = tuple(x.shape[1:])
    state, helpers = _state(model, train, test, stored)
    if settings["shuffle"]:
        order = "random_permutation((SHUFFLE_KEY[0], SHUFFLE_KEY[1] + epoch), len(x_train))"
        helpers.append("random_permutation")
    else:
        order = "np.arange(len(x_train))"
    functions, constants = _functions([train.program.text, test.program.text], helpers)
    scaling = f"    return x.astype({dtype_text(x.dtype)})\n"
    if is_float(x.dtype):
        kind = dtype_text(x.dtype)
        scaling = f"    x_is_bytes = x.dtype == np.uint8\n    x = x.astype({kind})\n"
        scaling += f"    return x / {kind}(255) if x_is_bytes else x\n"
    targets = f"data[name].astype({dtype_text(y.dtype)})"
    if len(y.shape) > 1:
        targets += f".reshape(-1{''.join(f', {size}' for size in y.shape[1:])})"
    return TEMPLATE.format(
        title=in_docstring(f"Train the model {model.name!r}: {_layers(model)}."),
        file=path.name,
        data=path.with_suffix(".npz").name,
        epochs=settings["epochs"],
        batch_size=settings["batch_size"],
        key=tuple(settings["key"]),
        constants="".join(f"{line}\n" for line in constants),
        order=order,
        train_arguments=_arguments(train, "train", " " * 16),
        test_arguments=_arguments(test, "test", " " * 12),
        targets=targets,
        example=example,
        sizes="".join(f", {size}" for size in example),
        scaling=scaling,
        state=state,
        functions="\n\n\n".join(functions),
    )


def _layers(model: Any) -> str:
    return ", ".join(f"{v.name} ({type(v).__name__})" for v in model.layers)


def _arguments(step: Step, part: str, indent: str) -> str:
    """The arguments of a step, over as many lines as they need."""
    spaces = [p for p in step.program.parameters if p not in step.data]
    names = [f"x_{part}[rows]", f"y_{part}[rows]", *(f'state["{space}"]' for space in spaces)]
    text = textwrap.fill(", ".join(names), 96 - len(indent), break_long_words=False)
    return textwrap.indent(text + ",", indent)


def _functions(texts: list[str], helpers: list[str]) -> tuple[list[str], list[str]]:
    """The functions of the programs and the helpers, each once; and the constants they use."""
    functions: dict[str, str] = {}
    constants: dict[str, str] = {}
    for text in [*texts, "\n\n\n".join(helper_sources(list(dict.fromkeys(helpers))))]:
        lines = text.splitlines()
        for node in ast.parse(text).body:
            source = "\n".join(lines[node.lineno - 1 : node.end_lineno])
            if isinstance(node, ast.FunctionDef):
                functions.setdefault(node.name, source)
            elif isinstance(node, ast.Assign):
                constants.setdefault(source, source)
    return list(functions.values()), list(constants.values())


# --- the initial state ----------------------------------------------------------------------


def _state(model: Any, train: Step, test: Step, stored: _Stored) -> tuple[str, list[str]]:
    """The body of `initial_state`, and the helper functions that it calls."""
    weights = {id(v) for v in model.weights}
    by_hand = any(v.initializer is None for v in model.weights)
    places = {**train.places, **test.places}
    spaces: dict[str, list[str]] = {}
    helpers: list[str] = []
    for variable, (space, attribute) in places.items():
        if not space:
            raise ValueError(
                f"write_program: the variable {variable.path!r} belongs to no layer. Make it with "
                "the add_weight of a layer or of the model."
            )
        is_weight = id(variable) in weights
        if not is_weight and variable.initializer is None:
            value = _fresh(variable)
        elif not is_weight and not _is_known(variable.initializer):
            # The state of a seed generator, which knows its first key.
            name = f"{space}.{attribute}"
            first = variable.initializer(variable.shape, dtype=variable.dtype)
            stored.arrays[name] = np.asarray(first)
            value = f'stored["{name}"]'
        elif is_weight and (by_hand or not _is_known(variable.initializer)):
            name = f"{space}.{attribute}"
            stored.arrays[name] = variable.numpy()
            value = f'stored["{name}"]'
        else:
            value, needed = _initial(variable)
            helpers += needed
        spaces.setdefault(space, []).append(f"            {attribute}={value},")
    lines = ["    with np.load(Path(__file__).with_suffix('.npz')) as file:",
             "        stored = {name: file[name] for name in file.files if '.' in name}"] \
        if any("." in name for name in stored.arrays) else []  # fmt: skip
    lines.append("    return {")
    for space, members in spaces.items():
        lines += [f'        "{space}": SimpleNamespace(', *members, "        ),"]
    if "metrics" not in spaces:
        lines.append('        "metrics": SimpleNamespace(),')
    return "\n".join([*lines, "    }"]), helpers


def _fresh(variable: Variable) -> str:
    """Optimizers and metrics begin at 0, but for a setting such as the learning rate."""
    dtype = dtype_text(variable.dtype)
    if variable.shape == ():
        is_setting = variable.path.endswith("learning_rate")
        return f"{dtype}({variable.numpy()[()]!s})" if is_setting else f"{dtype}(0)"
    return f"np.zeros({variable.shape}, {dtype})"


def _is_known(initializer: Any) -> bool:
    if isinstance(initializer, RandomInitializer):
        return type(initializer).__call__ is RandomInitializer.__call__
    return isinstance(initializer, (Zeros, Ones)) or (
        isinstance(initializer, Constant) and not isinstance(initializer.value, (Operand, list))
    )


def _initial(variable: Variable) -> tuple[str, list[str]]:
    """How the initializer makes the first value, and the helper functions for it."""
    initializer, shape = variable.initializer, variable.shape
    dtype = dtype_text(variable.dtype)
    if isinstance(initializer, Zeros):
        return f"np.zeros({shape}, {dtype})", []
    if isinstance(initializer, Ones):
        return f"np.ones({shape}, {dtype})", []
    if isinstance(initializer, Constant):
        return f"np.full({shape}, {initializer.value!r}, {dtype})", []
    draw, scale, offset = initializer.draw(shape, variable.dtype)
    kind = "" if variable.dtype == "float32" else f", {variable.dtype!r}"
    text = f"{helper_name(draw)}({initializer.key}, {shape}{kind}) * {scale!r}"
    if offset:
        text += f" {'+' if offset > 0 else '-'} {abs(offset)!r}"
    return text, [helper_name(draw)]
