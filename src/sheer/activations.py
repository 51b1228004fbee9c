"""Activation functions, by name: `activations.get("relu")`."""

from collections.abc import Callable
from typing import Any

from sheer.core.registry import Registry
from sheer.core.registry import serialize as described
from sheer.ops import nn
from sheer.ops.arithmetic import (
    abs,
    clip,
    exp,
    expm1,
    maximum,
    minimum,
    sqrt,
    square,
    where,
)
from sheer.ops.declare import operand
from sheer.ops.shaping import split

ACTIVATIONS = Registry("activation")


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Any:
    """max(x, 0), by default; in general x above `threshold`, at most `max_value`, and from it
    down `negative_slope * (x - threshold)`."""
    x = operand(x)
    if threshold == 0 and max_value is None:
        return nn.leaky_relu(x, negative_slope) if negative_slope else nn.relu(x)
    below = negative_slope * (x - threshold) if negative_slope else 0
    y = where(x > threshold, x, below)
    return y if max_value is None else minimum(y, max_value)


def gelu(x: Any, approximate: bool = False) -> Any:
    """x times the normal distribution's probability of being below x."""
    return nn.gelu(x, approximate)


def linear(x: Any) -> Any:
    """x itself."""
    return x


def exponential(x: Any) -> Any:
    """exp(x)."""
    return exp(x)


def mish(x: Any) -> Any:
    """x tanh(softplus(x)) (Misra 2019)."""
    x = operand(x)
    return x * nn.tanh(nn.softplus(x))


def hard_tanh(x: Any) -> Any:
    """x, but not below -1 nor above 1."""
    return maximum(minimum(x, 1), -1)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """x above 0, alpha (exp(x / alpha) - 1) from 0 down (Barron 2017)."""
    x = operand(x)
    return where(x > 0, x, alpha * expm1(minimum(x, 0) / alpha))


def glu(x: Any, axis: int = -1) -> Any:
    """The first half of x, times the sigmoid of the second half (Dauphin et al. 2017)."""
    first, second = split(x, 2, axis)
    return first * nn.sigmoid(second)


def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """x above the threshold, else the default value."""
    x = operand(x)
    return where(x > threshold, x, default_value)


def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x, but 0 within plus or minus the threshold."""
    x = operand(x)
    return where(abs(x) > threshold, x, 0)


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x moved towards 0 by the threshold, at most to 0."""
    x = operand(x)
    return x - clip(x, -threshold, threshold)


def tanh_shrink(x: Any) -> Any:
    """x - tanh(x)."""
    x = operand(x)
    return x - nn.tanh(x)


def squareplus(x: Any, b: float = 4) -> Any:
    """(x + sqrt(x² + b)) / 2 (Barron 2021)."""
    x = operand(x)
    return (x + sqrt(square(x) + b)) / 2


def sparse_plus(x: Any) -> Any:
    """0 up to -1, (x + 1)² / 4 up to 1, x from there on."""
    x = operand(x)
    return where(x <= -1, 0, where(x < 1, square(x + 1) / 4, x))


def sparse_sigmoid(x: Any) -> Any:
    """0 up to -1, (x + 1) / 2 up to 1, 1 from there on."""
    return clip((operand(x) + 1) / 2, 0, 1)


for _function in (
    relu,
    gelu,
    linear,
    exponential,
    mish,
    hard_tanh,
    celu,
    glu,
    threshold,
    hard_shrink,
    soft_shrink,
    tanh_shrink,
    squareplus,
    sparse_plus,
    sparse_sigmoid,
    nn.relu6,
    nn.selu,
    nn.silu,
    nn.hard_sigmoid,
    nn.hard_silu,
    nn.log_sigmoid,
    nn.elu,
    nn.leaky_relu,
    nn.log_softmax,
    nn.sigmoid,
    nn.softmax,
    nn.softplus,
    nn.softsign,
    nn.sparsemax,
    nn.tanh,
):
    ACTIVATIONS.add()(_function)
ACTIVATIONS.entries |= {"swish": nn.silu, "hard_swish": nn.hard_silu}

relu6, selu, silu, swish = nn.relu6, nn.selu, nn.silu, nn.silu
hard_swish = nn.hard_silu
hard_sigmoid, hard_silu, log_sigmoid = nn.hard_sigmoid, nn.hard_silu, nn.log_sigmoid
elu, leaky_relu, log_softmax, sigmoid = nn.elu, nn.leaky_relu, nn.log_softmax, nn.sigmoid
softmax, softplus, softsign, tanh = nn.softmax, nn.softplus, nn.softsign, nn.tanh
sparsemax = nn.sparsemax


def get(identifier: Any) -> Callable[[Any], Any]:
    """The activation meant by a name, a function, or None (linear).

    >>> get("relu")([-1.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """
    found: Callable[[Any], Any] = ACTIVATIONS.get(identifier) or linear
    return found


def serialize(activation: Any) -> Any:
    """The name of an activation function; one of your own is described by its name."""
    return described(activation)


def name_of(activation: Any) -> str:
    """The name of a function; that of its class for another callable."""
    return str(getattr(activation, "__name__", type(activation).__name__))


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The activation of this name; `custom_objects` are functions of your own by name."""
    return ACTIVATIONS.get(config, custom_objects)
