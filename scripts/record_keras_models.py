"""Record how the real Keras puts models together and trains them.

    python scripts/record_keras_models.py        # needs Keras and JAX, as record_keras.py does

The models are those of tests/built.py: models.json has layers and ops in Keras's order, graphs as
configs have them, and the figures of three epochs in float64; models.txt has what summary() prints.
"""

import os
import sys
from pathlib import Path
from typing import Any

from record_keras import FOLDER, VERSIONS, keras, precision, printed, write_json

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from built import CASES, structure, train


def main() -> None:
    precision("float64", keep_64_bits=True)
    os.environ["COLUMNS"] = "130"
    cases, summaries = {}, []
    for name, build in CASES.items():
        keras.utils.clear_session()
        model = build(keras)[0]
        options: dict[str, Any]
        for options in ({}, {"expand_nested": True, "show_trainable": True}):
            text = printed(lambda: model.summary(**options))  # noqa: B023
            summaries.append(f"# {name}, {len(options)} options\n{text}")
        cases[name] = {
            "layers": [layer.name for layer in model.layers],
            "operations": [operation.name for operation in model.operations],
            "input_names": [x.name for x in model.inputs],
            "output_names": model.output_names,
            "shapes": [list(w.shape) for w in model.weights],
            "structure": structure(model),
            **train(keras, name),
        }
    write_json("models.json", {"versions": VERSIONS, "cases": cases})
    (FOLDER / "models.txt").write_text("".join(summaries))


if __name__ == "__main__":
    main()
