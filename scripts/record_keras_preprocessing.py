"""Record the figures of Keras's preprocessing layers that sheer's tests compare with.

    pip install keras tensorflow     # in a scratch environment: the lookups and Hashing need both
    python scripts/record_keras_preprocessing.py

It writes tests/fixtures/keras/preprocessing.json, which names the versions it was recorded with:

    cases    a layer, its arguments, what it was adapted to, what it was called on, what it gave
    farm     hashes of texts of 0 to 200 bytes, and of whole numbers, by FarmHash64 modulo 2^63 - 1
    sip      the same by SipHash64 with a salt
    configs  the configs of layers, some adapted

An answer that Keras refuses to give stands as {"error": "<exception>"}.
"""

import json
import os
from pathlib import Path
from typing import Any

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
os.environ |= {"CUDA_VISIBLE_DEVICES": "-1"}

import numpy as np
import tensorflow as tf

import keras

FILE = Path(__file__).parents[1] / "tests" / "fixtures" / "keras" / "preprocessing.json"
VERSIONS = {"keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__}
Json = dict[str, Any]
RNG = np.random.default_rng(0)
FLOATS = np.round(RNG.normal(size=(6, 3)) * 4, 2).tolist()
MANY = np.round(RNG.normal(size=250), 3).tolist()
GRID = np.round(RNG.normal(size=(2, 3, 4)), 2).tolist()
WORDS = [["a", "c", "d"], ["d", "z", "b"], ["a", "a", "é"]]
INTS = [[12, 36, 1138], [42, 12, 12], [7, -1, 0]]
COLUMN = [[12], [36], [0], [-5]]
SMALL = [[0, 1, 3], [3, 3, 2], [1, 0, 0]]

# Layer, its arguments, what it is adapted to (None: nothing), what it is called on.
# {"batches": [...]} is adapted to as an iterable of arrays.
CASES: list[tuple[str, Json, Any, Any]] = [
    ("Rescaling", {"scale": 1 / 255}, None, [[0, 128, 255]]),
    ("Rescaling", {"scale": 1 / 127.5, "offset": -1}, None, FLOATS),
    ("Rescaling", {"scale": [1.0, 2.0, 0.5], "offset": [0.0, 1.0, -1.0]}, None, FLOATS),
    ("Normalization", {}, FLOATS, FLOATS),
    ("Normalization", {"axis": None}, FLOATS, FLOATS),
    ("Normalization", {"axis": 1}, GRID, GRID),
    ("Normalization", {"axis": [1, 2]}, GRID, GRID),
    ("Normalization", {"axis": [-1, 1]}, GRID, GRID),
    ("Normalization", {"invert": True}, FLOATS, FLOATS),
    ("Normalization", {}, None, FLOATS),
    ("Normalization", {}, INTS, INTS),
    ("Normalization", {}, [[1.0, 2.0], [1.0, 4.0]], [[1.0, 3.0], [2.0, 3.0]]),
    ("Normalization", {}, {"batches": [FLOATS[:4], FLOATS[4:]]}, FLOATS),
    ("Normalization", {"axis": None}, {"batches": [FLOATS[:1], FLOATS[1:]]}, FLOATS),
    ("Normalization", {"mean": 3.0, "variance": 2.0}, None, [[1.0], [2.0], [3.0]]),
    ("Normalization", {"axis": None, "mean": 3.0, "variance": 2.0}, None, FLOATS),
    ("Normalization", {"mean": [1.0, 2.0, 3.0], "variance": [1.0, 4.0, 0.25]}, None, FLOATS),
    (
        "Normalization",
        {"axis": [1, 2], "mean": [1.0, 2.0, 0.0, -1.0], "variance": [1.0, 4.0, 0.25, 1.0]},
        None,
        GRID,
    ),
    (
        "Normalization",
        {"axis": 1, "mean": [1.0, 2.0, 0.0], "variance": [1.0, 4.0, 0.25], "invert": True},
        None,
        GRID,
    ),
    *(
        ("Discretization", {"bin_boundaries": [0.0, 1.0, 2.0], "output_mode": mode}, None, x)
        for mode in ("int", "one_hot", "multi_hot", "count")
        for x in ([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]], [[0.5], [2.0]], [0.5, 7.0], GRID)
    ),
    ("Discretization", {"bin_boundaries": [0.0, 1.5, 2.0]}, None, [[-1, 0, 1, 2, 3]]),
    ("Discretization", {"num_bins": 4}, [[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]], [MANY]),
    ("Discretization", {"num_bins": 3}, MANY, [MANY]),
    ("Discretization", {"num_bins": 7, "epsilon": 0.1}, {"batches": [MANY[:90], MANY[90:]]},
     [MANY]),
    ("Discretization", {"num_bins": 3, "output_mode": "one_hot"}, FLOATS, FLOATS),
    ("Discretization", {"num_bins": 5, "output_mode": "count"}, FLOATS, FLOATS),
    *(
        ("CategoryEncoding", {"num_tokens": 4, "output_mode": mode}, None, x)
        for mode in ("one_hot", "multi_hot", "count")
        for x in (SMALL, [[3], [0]], [3, 2, 0, 1], [[5, -1, 1]], [SMALL, SMALL])
    ),
    ("CategoryEncoding", {"num_tokens": 4}, None, 2),
    *(
        (name, {"vocabulary": vocabulary, "output_mode": mode, **more}, None, x)
        for name, vocabulary, xs, extra in (
            ("StringLookup", ["a", "b", "c", "d"], (WORDS, [["a"], ["zz"]], ["a", "q", "c"]),
             ({}, {"num_oov_indices": 2}, {"mask_token": "z"}, {"max_tokens": 9})),
            ("IntegerLookup", [12, 36, 1138, 42], (INTS, COLUMN, [36, 5, 42]),
             ({}, {"num_oov_indices": 2}, {"mask_token": 0}, {"max_tokens": 9})),
        )
        for mode in ("int", "one_hot", "multi_hot", "count")
        for more in extra
        for x in xs
    ),
    ("StringLookup", {}, WORDS, WORDS),
    ("StringLookup", {}, ["b", "a", "a", "[UNK]"], WORDS),
    ("StringLookup", {"max_tokens": 4}, WORDS, WORDS),
    ("StringLookup", {"mask_token": "", "max_tokens": 5}, [["", "b", "b", "a"]], [["", "a", "b"]]),
    ("StringLookup", {}, {"batches": WORDS}, WORDS),
    ("StringLookup", {"output_mode": "count", "max_tokens": 8, "pad_to_max_tokens": True}, WORDS,
     WORDS),
    ("StringLookup", {"output_mode": "tf_idf"}, WORDS, WORDS),
    ("StringLookup", {"output_mode": "tf_idf"}, ["a", "b", "a"], WORDS),
    ("StringLookup", {"output_mode": "tf_idf", "max_tokens": 9, "pad_to_max_tokens": True}, WORDS,
     WORDS),
    ("StringLookup", {"output_mode": "tf_idf", "vocabulary": ["a", "b"], "idf_weights": [0.25, 1]},
     None, WORDS),
    ("StringLookup", {"output_mode": "tf_idf", "vocabulary": ["[UNK]", "a", "b"],
                      "idf_weights": [2.0, 0.25, 1]}, None, WORDS),
    ("StringLookup", {"vocabulary": ["[UNK]", "a", "b"]}, None, WORDS),
    ("StringLookup", {"vocabulary": ["", "[UNK]", "a"], "mask_token": ""}, None, [["", "a", "b"]]),
    ("StringLookup", {"vocabulary": ["a", "b"], "num_oov_indices": 0}, None, [["a", "b"]]),
    ("StringLookup", {"vocabulary": ["a", "b"], "num_oov_indices": 0}, None, [["a", "q"]]),
    ("StringLookup", {"vocabulary": ["a", "b"], "num_oov_indices": 5, "salt": 7}, None, WORDS),
    ("StringLookup", {"vocabulary": ["a", "b"]}, None, "b"),
    ("StringLookup", {"vocabulary": ["a", "b", "c"], "invert": True}, None, [[0, 1, 3, 4, -1]]),
    ("StringLookup", {"vocabulary": ["a", "b"], "invert": True, "mask_token": "m",
                      "num_oov_indices": 2}, None, [[0, 1, 2, 3, 4, 5]]),
    ("IntegerLookup", {}, INTS, INTS),
    ("IntegerLookup", {"max_tokens": 3}, INTS, INTS),
    ("IntegerLookup", {"mask_token": 12, "max_tokens": 5}, INTS, INTS),
    ("IntegerLookup", {}, {"batches": INTS}, INTS),
    ("IntegerLookup", {"output_mode": "tf_idf"}, INTS, INTS),
    ("IntegerLookup", {"output_mode": "tf_idf", "num_oov_indices": 2}, INTS, [[12, 36], [99, 98]]),
    ("IntegerLookup", {"vocabulary": [1, 2], "num_oov_indices": 0}, None, [[2, 1]]),
    ("IntegerLookup", {"vocabulary": [1, 2], "num_oov_indices": 0}, None, [[2, 3]]),
    ("IntegerLookup", {"vocabulary": [12, 36], "num_oov_indices": 3, "oov_method": "farmhash"},
     None, INTS),
    ("IntegerLookup", {"vocabulary": [12, 36], "num_oov_indices": 3, "oov_method": "farmhash",
                       "salt": [3, 4]}, None, INTS),
    ("IntegerLookup", {"vocabulary": [12, 36, 42], "invert": True}, None, [[0, 1, 3, 4, -1]]),
    ("IntegerLookup", {"vocabulary": [12, 36], "invert": True, "mask_token": 0,
                       "num_oov_indices": 2}, None, [[0, 1, 2, 3, 4, 5]]),
    ("IntegerLookup", {"vocabulary": [12, 36]}, None, [[12.0, 36.7]]),
    *(
        ("Hashing", {"num_bins": 5, **more, "output_mode": mode}, None, x)
        for mode in ("int", "one_hot", "multi_hot", "count")
        for more, x in (
            ({}, WORDS), ({}, INTS), ({"salt": 133}, WORDS), ({"salt": [133, 137]}, INTS),
            ({"mask_value": "a"}, WORDS), ({"mask_value": 12}, INTS), ({}, COLUMN),
            ({}, ["x", "y"]),
        )
    ),
    ("Hashing", {"num_bins": 3}, None, [["A"], ["B"], ["C"], ["D"], ["E"]]),
    ("Hashing", {"num_bins": 1, "mask_value": ""}, None, [["A"], [""]]),
    ("Hashing", {"num_bins": 100}, None, [[1.7, -2.3]]),
    ("Hashing", {"num_bins": 100}, None, "scalar"),
]  # fmt: skip


def array(value: Any) -> Any:
    """Lists of floats as float32, of whole numbers as int64, of strings as they are."""
    found = np.array(value)
    return found.astype("float32") if found.dtype.kind == "f" else found


def answer(name: str, kwargs: Json, adapted: Any, x: Any) -> Json:
    """What the layer gives, and what it knows then."""
    try:
        layer = getattr(keras.layers, name)(**kwargs)
        if isinstance(adapted, dict):
            # Not a list: the lookups would take one for the data.
            layer.adapt(array(batch) for batch in adapted["batches"])
        elif adapted is not None:
            layer.adapt(array(adapted))
        y = np.asarray(layer(array(x)))
    except Exception as error:
        return {"error": type(error).__name__}
    if y.dtype == object:
        y = np.vectorize(lambda text: text.decode())(y)
    found: Json = {
        "outputs": y.tolist(),
        "dtype": "string" if y.dtype.kind == "U" else y.dtype.name,
    }
    if name.endswith("Lookup"):
        tokens = layer.get_vocabulary()
        found["vocabulary"] = [t if isinstance(t, str) else int(t) for t in tokens]
        found["size"] = int(layer.vocabulary_size())
    if name == "Discretization":
        found["bin_boundaries"] = layer.bin_boundaries
    if name == "Normalization":
        found["mean"] = np.asarray(layer.mean).tolist()
        found["variance"] = np.asarray(layer.variance).tolist()
        found["weights"] = [[w.name, list(w.shape), w.dtype] for w in layer.weights]
    return found


def hashes() -> Json:
    """Full hashes, as far as whole numbers below 2^63 - 1 show them."""
    most = 2**63 - 1
    texts = ["".join(chr(97 + (7 * i + n) % 26) for i in range(n)) for n in range(201)]
    texts += ["é", "日本語", "a\x00b", "\x00"]
    numbers = [0, 1, -1, 7, 42, 123, 9999, 12345678, -2147483648, 10**15, 2**63 - 1, -(2**63)]
    as_text = [str(n) for n in numbers]
    strings = tf.strings

    def strong(values: list[str], key: list[int]) -> Any:
        return strings.to_hash_bucket_strong(values, most, key).numpy().tolist()

    return {
        "texts": texts,
        "numbers": numbers,
        "farm": strings.to_hash_bucket_fast(texts, most).numpy().tolist(),
        "farm_numbers": strings.to_hash_bucket_fast(as_text, most).numpy().tolist(),
        "sip": strong(texts, [133, 137]),
        "sip_numbers": strong(as_text, [1, 2**60]),
    }


def configs() -> Json:
    """Configs as Keras writes them."""
    found = {}
    for name, kwargs in (
        ("Rescaling", {"scale": 0.5}),
        ("Normalization", {}),
        ("Normalization", {"mean": [1.0, 2.0], "variance": [3.0, 4.0], "name": "given"}),
        ("Discretization", {"num_bins": 3}),
        ("Discretization", {"bin_boundaries": [0.0, 1.0], "name": "given"}),
        ("CategoryEncoding", {"num_tokens": 4}),
        ("StringLookup", {"vocabulary": ["a", "b"]}),
        ("IntegerLookup", {"vocabulary": [3, 4], "mask_token": 0}),
        ("Hashing", {"num_bins": 4, "salt": 3}),
    ):
        layer = getattr(keras.layers, name)(**kwargs)
        if kwargs.get("num_bins") == 3:
            layer.adapt(np.array(FLOATS, "float32"))
        found[name + (" " + kwargs["name"] if "name" in kwargs else "")] = layer.get_config()
    return found


def main() -> None:
    cases = [
        {"layer": name, "kwargs": kwargs, "adapt": adapted, "inputs": x}
        | answer(name, kwargs, adapted, x)
        for name, kwargs, adapted, x in CASES
    ]
    content = {"versions": VERSIONS, "hashes": hashes(), "configs": configs()}
    parts = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in content.items()]
    lines = ",\n".join(json.dumps(case) for case in cases)
    FILE.write_text("{\n" + ",\n".join(parts) + ',\n"cases": [\n' + lines + "\n]\n}\n")


if __name__ == "__main__":
    main()
