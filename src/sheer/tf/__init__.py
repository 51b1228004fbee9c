"""The TensorFlow names that textbooks use, for sheer's things: `import sheer.tf as tf`.

    tf.Variable, tf.GradientTape, tf.matmul, tf.nn.relu, tf.reduce_mean, tf.keras.Sequential ...

A name that is missing here is an AttributeError that says so; nothing is silently different.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NoReturn

from sheer import GradientTape, Tensor, Variable, function, ops
from sheer import random as _random
from sheer.tf import keras as keras

__all__ = ["GradientTape", "Tensor", "Variable", "function", "keras", "nn", "random"]

bool = "bool"
float32, float64 = "float32", "float64"
int8, int16, int32, int64 = "int8", "int16", "int32", "int64"
uint8, uint16, uint32, uint64 = "uint8", "uint16", "uint32", "uint64"

abs, add, argsort, cast, clip_by_value = ops.abs, ops.add, ops.argsort, ops.cast, ops.clip
cos, divide, einsum, equal, exp, eye, floor = (
    ops.cos, ops.divide, ops.einsum, ops.equal, ops.exp, ops.eye, ops.floor,
)  # fmt: skip
expand_dims, gather, greater, greater_equal = (
    ops.expand_dims, ops.take, ops.greater, ops.greater_equal,
)  # fmt: skip
less, less_equal, logical_and, logical_not, logical_or = (
    ops.less, ops.less_equal, ops.logical_and, ops.logical_not, ops.logical_or,
)  # fmt: skip
matmul, maximum, minimum, multiply, negative, not_equal = (
    ops.matmul, ops.maximum, ops.minimum, ops.multiply, ops.negative, ops.not_equal,
)  # fmt: skip
one_hot, ones, ones_like, pad, pow, repeat, reshape = (
    ops.one_hot, ops.ones, ops.ones_like, ops.pad, ops.power, ops.repeat, ops.reshape,
)  # fmt: skip
round, sign, sin, sqrt, square, squeeze, stack, stop_gradient, subtract = (
    ops.round, ops.sign, ops.sin, ops.sqrt, ops.square, ops.squeeze, ops.stack, ops.stop_gradient,
    ops.subtract,
)  # fmt: skip
tanh, sigmoid, tensordot, tile, where, zeros, zeros_like = (
    ops.tanh, ops.sigmoid, ops.tensordot, ops.tile, ops.where, ops.zeros, ops.zeros_like,
)  # fmt: skip
shape = ops.shape

math = SimpleNamespace(
    abs=ops.abs, add=ops.add, argmax=ops.argmax, cos=ops.cos, cumsum=ops.cumsum, divide=ops.divide,
    equal=ops.equal, exp=ops.exp, is_nan=ops.isnan, log=ops.log, log1p=ops.log1p,
    maximum=ops.maximum, minimum=ops.minimum, multiply=ops.multiply, pow=ops.power,
    reciprocal=ops.reciprocal, rsqrt=ops.rsqrt, sigmoid=ops.sigmoid, sign=ops.sign, sin=ops.sin,
    softplus=ops.softplus, sqrt=ops.sqrt, square=ops.square, subtract=ops.subtract, tanh=ops.tanh,
)  # fmt: skip


def constant(value: Any, dtype: Any = None, shape: Any = None) -> Any:
    """A tensor of these values."""
    tensor = ops.convert_to_tensor(value, dtype)
    if shape is None:
        return tensor
    return ops.full(shape, tensor, tensor.dtype) if tensor.ndim == 0 else ops.reshape(tensor, shape)


def convert_to_tensor(value: Any, dtype: Any = None) -> Any:
    """A tensor of these values."""
    return ops.convert_to_tensor(value, dtype)


def fill(dims: Any, value: Any) -> Any:
    """One value everywhere, in its own dtype."""
    tensor = ops.convert_to_tensor(value)
    return ops.full(dims, tensor, tensor.dtype)


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None) -> Any:
    """Numbers in equal steps."""
    return ops.arange(start, limit, delta, dtype)


def concat(values: Any, axis: int) -> Any:
    """Tensors one after the other along an axis."""
    return ops.concatenate(values, axis)


def split(value: Any, num_or_size_splits: Any, axis: int = 0) -> Any:
    """A tensor in so many equal parts, or in parts of these sizes."""
    sizes = num_or_size_splits
    if isinstance(sizes, (list, tuple)):
        sizes = [sum(sizes[: i + 1]) for i, _ in enumerate(sizes[:-1])]
    return ops.split(value, sizes, axis)


def transpose(a: Any, perm: Any = None) -> Any:
    """The axes in another order, by default in reverse."""
    return ops.transpose(a, perm)


def argmax(input: Any, axis: int = 0) -> Any:
    """The index of the largest element, along the first axis by default; int64."""
    return ops.cast(ops.argmax(input, axis), "int64")


def argmin(input: Any, axis: int = 0) -> Any:
    """The index of the smallest element, along the first axis by default; int64."""
    return ops.cast(ops.argmin(input, axis), "int64")


def _reduction(op: Any) -> Any:
    def reduce(input_tensor: Any, axis: Any = None, keepdims: Any = False) -> Any:
        return op(input_tensor, axis, keepdims)

    reduce.__doc__ = op.__doc__
    return reduce


reduce_sum, reduce_mean, reduce_prod = map(_reduction, (ops.sum, ops.mean, ops.prod))
reduce_max, reduce_min = map(_reduction, (ops.max, ops.min))
reduce_any, reduce_all = map(_reduction, (ops.any, ops.all))
reduce_logsumexp = _reduction(ops.logsumexp)


def _uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", seed: Any = None
) -> Any:
    """Uniform numbers in [minval, maxval); whole numbers where the dtype is one of those."""
    if str(dtype).startswith("int"):
        return _random.randint(shape, minval, maxval, dtype, seed)
    return _random.uniform(shape, minval, 1 if maxval is None else maxval, dtype, seed)


def _normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", seed: Any = None
) -> Any:
    """Normally distributed numbers."""
    return _random.normal(shape, mean, stddev, dtype, seed)


def _truncated(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", seed: Any = None
) -> Any:
    """Normally distributed numbers, none further from the mean than 2 stddev."""
    return _random.truncated_normal(shape, mean, stddev, dtype, seed)


def _set_seed(seed: int) -> None:
    """Make what follows repeatable."""
    from sheer.utils import set_random_seed

    set_random_seed(seed)


def _shuffle(value: Any, seed: Any = None) -> Any:
    """The rows in random order."""
    return _random.shuffle(value, seed=seed)


random = SimpleNamespace(
    uniform=_uniform, normal=_normal, truncated_normal=_truncated, shuffle=_shuffle,
    set_seed=_set_seed,
)  # fmt: skip


def _sparse_cross_entropy(labels: Any, logits: Any) -> Any:
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def _cross_entropy(labels: Any, logits: Any, axis: int = -1) -> Any:
    return ops.categorical_crossentropy(labels, logits, from_logits=True, axis=axis)


def _sigmoid_cross_entropy(labels: Any, logits: Any) -> Any:
    return ops.binary_crossentropy(labels, logits, from_logits=True)


nn = SimpleNamespace(
    relu=ops.relu, relu6=ops.relu6, leaky_relu=ops.leaky_relu, elu=ops.elu, selu=ops.selu,
    gelu=ops.gelu, silu=ops.silu, swish=ops.silu, sigmoid=ops.sigmoid, tanh=ops.tanh,
    softplus=ops.softplus, softsign=ops.softsign, softmax=ops.softmax, log_softmax=ops.log_softmax,
    sparse_softmax_cross_entropy_with_logits=_sparse_cross_entropy,
    softmax_cross_entropy_with_logits=_cross_entropy,
    sigmoid_cross_entropy_with_logits=_sigmoid_cross_entropy,
)  # fmt: skip


def __getattr__(name: str) -> NoReturn:
    from sheer.core.errors import did_you_mean

    known = [n for n in globals() if not n.startswith("_")]
    raise AttributeError(
        f"sheer.tf has no {name!r}; it maps the TensorFlow names that textbooks use."
        f"{did_you_mean(name, known)}"
    )
