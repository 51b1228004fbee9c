"""Record the figures of the real Keras for CTC and for kernels of short-time Fourier transforms.

    python scripts/record_keras_ctc_stft.py            # in an environment with Keras and JAX

They go to tests/fixtures/keras, one file each:

    ctc.json     the function per example; its slope; the class per reduction and sample weight
    stft.json    the initializer's values

Figures are float64.
"""

import itertools
import warnings

import jax
import numpy as np

import keras
from record_keras import PER_ROW, Array, Json, loss_case, precision, write_json

rng = np.random.default_rng(0)


def targets(text: str) -> Array:
    """Rows of labels: '120 110' for (1, 2, 0) and (1, 1, 0)."""
    return np.array([list(map(int, row)) for row in text.split()])


# Of four rows, like the sample weights: alike, none, as many as there is time for, and too many; a
# zero between labels; one label.
TARGETS = [(targets("120 110 000 123"), 4), (targets("111 222 102 010"), 4)]
TARGETS += [
    (targets("1 2 3 0"), 1),
    (targets("12 11 30 22"), 2),
    (targets("1231 2211 3000 1111"), 9),
]


def ctc() -> None:
    cases = []
    for scale, (y_true, time) in itertools.product((1.0, 20.0), TARGETS):
        y_pred = (scale * rng.normal(size=(4, time, 4))).round(3)
        case = loss_case("CTC", {}, (y_true, y_pred, PER_ROW))
        slope = jax.grad(lambda p, y=y_true: keras.ops.sum(keras.losses.ctc(y, p)))(y_pred)
        cases.append(case | {"slope": slope})
    write_json("ctc.json", {"cases": cases})


def stft() -> None:
    windows = ["hann", "hamming", "blackman", "bartlett", [0.5, -1.0, 2.0, 1.0, 0.0], None]
    scalings = ["density", "spectrum", None]
    cases = []
    for side, window, periodic in itertools.product(("real", "imag"), windows, (False, True)):
        for shape, scaling in zip([(5, 1, 3), (5, 1, 2), (5, 1, 4)], scalings, strict=True):
            given: Json = {"window": window, "scaling": scaling, "periodic": periodic}
            values = keras.initializers.STFT(side, **given)(shape, "float64")
            cases.append({"shape": shape, "given": {"side": side, **given}, "values": values})
    # Windows of an even size, and of one number.
    for name, shape in itertools.product(windows[:4], [(4, 1, 3), (1, 1, 2)]):
        given = {"side": "real", "window": name, "scaling": "density", "periodic": True}
        values = keras.initializers.STFT(**given)(shape, "float64")
        cases.append({"shape": shape, "given": given, "values": values})
    write_json("stft.json", {"cases": cases})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    precision("float64", keep_64_bits=True)
    ctc()
    stft()
