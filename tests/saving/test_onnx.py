"""What export writes, run by onnxruntime and compared with predict."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sheer
from sheer import layers, ops
from sheer.activations import ACTIVATIONS
from sheer.layers import LAYERS
from sheer.ops.declare import OPS
from sheer.saving import onnx_ops

pytest.importorskip("onnx", reason="export needs sheer[onnx]")
onnxruntime = pytest.importorskip("onnxruntime", reason="the files are run by onnxruntime")

ARGUMENTS: dict[str, dict[str, Any]] = {
    "Activation": {"activation": "tanh"},
    "AlphaDropout": {"rate": 0.25},
    "CategoryEncoding": {"num_tokens": 9},
    "Dense": {"units": 3, "activation": "relu"},
    "Discretization": {"bin_boundaries": [-0.5, 0.0, 0.5]},
    "Dropout": {"rate": 0.25},
    "EinsumDense": {"equation": "ab,bc->ac", "output_shape": 3, "bias_axes": "c"},
    "Embedding": {"input_dim": 9, "output_dim": 3},
    "GaussianDropout": {"rate": 0.25},
    "GaussianNoise": {"stddev": 0.25},
    "GroupNormalization": {"groups": 3},
    "Permute": {"dims": (2, 1)},
    "Normalization": {"mean": 0.5, "variance": 2.0},
    "RepeatVector": {"n": 2},
    "Rescaling": {"scale": 0.5, "offset": 1.0},
    "Reshape": {"target_shape": (3, -1)},
}
SHAPES = {"Permute": (2, 3), "TimeDistributed": (2, 3), "Masking": (2, 3)}
# Made by functions, or of two inputs, or abstract; or of whole numbers and bits, which ONNX lacks.
OTHERS = {
    "Hashing", "IntegerLookup", "StringLookup", "InputLayer", "Lambda", "Layer", "Model",
    "Sequential", "Functional", "Wrapper", "Dot",
    "TimeDistributed", "Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply",
    "Subtract",
}  # fmt: skip
KNOWN = [c.__name__ for c in LAYERS.classes() if c.__name__ not in OTHERS]


def agree(model: Any, path: Path, *inputs: np.ndarray) -> None:
    """For batches of several sizes."""
    model.export(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [x.name for x in session.get_inputs()]
    for rows in (len(inputs[0]), 1, 2):
        batch = [x[:rows] for x in inputs]
        wanted = model.predict(batch if len(batch) > 1 else batch[0], verbose=0)
        found = session.run(None, dict(zip(names, batch, strict=True)))
        wanted = wanted if isinstance(wanted, list) else [wanted]
        for a, b in zip(found, wanted, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


def rows(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(5, *shape)).astype("float32")


@pytest.mark.filterwarnings("ignore:.* does not support masking")
@pytest.mark.parametrize("name", KNOWN)
def test_layer(name: str, tmp_path: Path) -> None:
    layer = getattr(layers, name)(**ARGUMENTS.get(name, {}))
    x = rows(*SHAPES.get(name, (6,)))
    if name in ("Embedding", "CategoryEncoding"):
        x = np.abs(x * 3).astype("int32")
    model = sheer.Sequential(
        [sheer.Input(x.shape[1:], dtype=x.dtype.name), layer, layers.Flatten()]
    )
    if model.weights:
        model.set_weights([np.abs(w) + 0.1 * np.arange(w.size).reshape(w.shape)
                           for w in model.get_weights()])  # fmt: skip
    agree(model, tmp_path / "m.onnx", x)


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS.entries) - {"threshold", "sparsemax"}))
def test_activation(name: str, tmp_path: Path) -> None:
    model = sheer.Sequential([sheer.Input((6,)), layers.Dense(4), layers.Activation(name)])
    agree(model, tmp_path / "m.onnx", 3 * rows(6))


class Function(sheer.Model):
    """A function as a model."""

    def __init__(self, function: Any):
        super().__init__()
        self.function = function

    def call(self, x: Any) -> Any:
        return self.function(x)


FUNCTIONS = {
    "numbers on both sides": lambda x: 2 - 3 / (x * x + 1) ** 2 + (x + 0.5) % 0.7,
    "whole numbers": lambda x: ops.cast(ops.cast(10 * x, "int32") // 3 + 7 % ops.ones((), "int32"),
                                        "float32"),
    "comparisons": lambda x: ops.where((x > 0) & ~(x >= 1) | (x != x), x, -1.0),
    "the batch's size": lambda x: x / ops.shape(x)[0],
    "slices": lambda x: x[:, 1:4:2] + x[:, None, -1] + x[..., ::-1][:, :2],
    "rows": lambda x: ops.broadcast_to(x[:, :1], ops.shape(x)) + ops.ones_like(x),
    "reductions": lambda x: ops.sum(x, axis=1) * ops.prod(x, -1) + ops.max(x) - ops.min(x),
    "arguments": lambda x: ops.argmax(x, axis=-1) + ops.argmin(x, axis=-1),
    "logic": lambda x: ops.any(x > 1, axis=1) | ops.all(x < 1, axis=1) | ops.isfinite(x[:, 0]),
    "shapes": lambda x: ops.transpose(ops.reshape(x, (-1, 2, 3)), (0, 2, 1)),
    "joined": lambda x: ops.concatenate([x, ops.flip(x, axis=1)], axis=-1),
    "logarithms": lambda x: ops.log1p(x * x) + ops.log2(x * x + 1) + ops.log10(x * x + 1),
    "rounded": lambda x: ops.round(x, 1) + ops.floor(x) + ops.ceil(x) + ops.round(x),
    "clipped": lambda x: ops.clip(x, -0.5, 0.5) + ops.rsqrt(x * x + 1) + ops.expm1(x),
    "one-hot": lambda x: ops.one_hot(ops.argmax(x, axis=1), 6),
    "sums so far": lambda x: ops.cumsum(x, axis=1),
    "products": lambda x: ops.einsum("ij,kj->ik", x, ops.reshape(ops.arange(12.0), (2, 6))),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name: str, tmp_path: Path) -> None:
    model = Function(FUNCTIONS[name])
    x = rows(6)
    model(x)
    agree(model, tmp_path / "m.onnx", x)


def test_outputs(tmp_path: Path) -> None:
    model = Function(lambda x: [x + 1, x[:, 0]])
    x = rows(3)
    model(x)
    agree(model, tmp_path / "m.onnx", x)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    assert [y.name for y in session.get_outputs()] == ["y_pred_0", "y_pred_1"]
    assert [y.shape for y in session.get_outputs()] == [["n", 3], ["n"]]


def test_float64(tmp_path: Path) -> None:
    sheer.config.set_floatx("float64")
    try:
        model = sheer.Sequential([sheer.Input((6,)), layers.Dense(3, "tanh"), layers.Dense(2)])
        agree(model, tmp_path / "m.onnx", rows(6).astype("float64"))
    finally:
        sheer.config.set_floatx("float32")


def test_an_op_without_a_counterpart(tmp_path: Path) -> None:
    model = Function(lambda x: ops.argsort(x, axis=-1))
    model(rows(3))
    with pytest.raises(ValueError) as error:
        model.export(tmp_path / "m.onnx")
    assert str(error.value).startswith(
        "export: the op 'argsort' in the model's own call has no counterpart in ONNX that sheer "
        "knows. Known: _cumsum, "
    )
    with pytest.raises(ValueError, match=r"sheer writes the format 'onnx' only\. Got 'tf_saved"):
        model.export(tmp_path / "m", format="tf_saved_model")
    assert not list(tmp_path.iterdir())


def test_the_table_names_ops() -> None:
    assert set(onnx_ops.OPS) <= set(OPS)
