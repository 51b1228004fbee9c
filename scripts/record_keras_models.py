"""Record how the real Keras puts models together and trains them: tests/fixtures/keras/models.json.

    python scripts/record_keras_models.py        # needs Keras and JAX, as record_keras.py does

The models are those of tests/built.py: layers and ops in Keras's order, graphs as configs have
them, what summary() prints, and the figures of three epochs in float64.
"""

import sys
from pathlib import Path

import keras
from record_keras import VERSIONS, precision, printed, write_json

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from built import CASES, structure, train


def main() -> None:
    precision("float64", keep_64_bits=True)
    cases = {}
    for name, build in CASES.items():
        keras.utils.clear_session()
        model = build(keras)[0]
        cases[name] = {
            "layers": [layer.name for layer in model.layers],
            "operations": [operation.name for operation in model.operations],
            "input_names": [x.name for x in model.inputs],
            "output_names": model.output_names,
            "shapes": [list(w.shape) for w in model.weights],
            "structure": structure(model),
            "summary": printed(model.summary),
            "expanded": printed(
                lambda model=model: model.summary(
                    line_length=100, expand_nested=True, show_trainable=True
                )
            ),
            **train(keras, name),
        }
    write_json("models.json", {"versions": VERSIONS, "cases": cases})


if __name__ == "__main__":
    main()
