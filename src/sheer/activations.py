"""Activation functions, by name: `activations.get("relu")`."""

from collections.abc import Callable
from typing import Any

from sheer.core.registry import Registry
from sheer.ops import nn
from sheer.ops.arithmetic import exp, maximum, minimum, where
from sheer.ops.declare import operand

ACTIVATIONS = Registry("activation")


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Any:
    """max(x, 0), by default; in general x from `threshold` up, at most `max_value`, and below it
    `negative_slope * (x - threshold)`."""
    x = operand(x)
    if threshold == 0 and max_value is None:
        return nn.leaky_relu(x, negative_slope) if negative_slope else nn.relu(x)
    below = negative_slope * (x - threshold) if negative_slope else 0
    y = where(x >= threshold if threshold else x > 0, x, below)
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


for _function in (
    relu,
    gelu,
    linear,
    exponential,
    mish,
    hard_tanh,
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
    nn.tanh,
):
    ACTIVATIONS.add()(_function)
ACTIVATIONS.entries |= {"swish": nn.silu, "hard_swish": nn.hard_silu}

relu6, selu, silu = nn.relu6, nn.selu, nn.silu
hard_sigmoid, hard_silu, log_sigmoid = nn.hard_sigmoid, nn.hard_silu, nn.log_sigmoid
elu, leaky_relu, log_softmax, sigmoid = nn.elu, nn.leaky_relu, nn.log_softmax, nn.sigmoid
softmax, softplus, softsign, tanh = nn.softmax, nn.softplus, nn.softsign, nn.tanh


def get(identifier: Any) -> Callable[[Any], Any]:
    """The activation meant by a name, a function, or None (linear).

    >>> get("relu")([-1.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """
    found: Callable[[Any], Any] = ACTIVATIONS.get(identifier) or linear
    return found


def serialize(activation: Any) -> Any:
    """The name of an activation function."""
    return activation.__name__
