"""Activation functions as layers: Activation, and those that have arguments or weights."""

from __future__ import annotations

from typing import Any

from sheer import activations, constraints, initializers, regularizers
from sheer.core.checks import axes, nothing, number
from sheer.core.shapes import show
from sheer.layers.base import LAYERS, Layer
from sheer.layers.input import known_size
from sheer.ops.arithmetic import cast, exp, minimum, where
from sheer.ops.declare import Array, op
from sheer.ops.reduction import logsumexp
from sheer.ops.rules import normal, together


class Elementwise(Layer):
    """A layer whose output has the shape of its input."""

    supports_masking = True

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(input_shape)


@LAYERS.add()
class Activation(Elementwise):
    """activation(x), element by element or row by row; the shape stays.

    Example:

    >>> import sheer
    >>> sheer.layers.Activation("relu")([[-1.0, 2.0]]).numpy()
    array([[0., 2.]], dtype=float32)
    """

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)

    def formula(self) -> str:
        return f"{activations.name_of(self.activation)}(x)"


@LAYERS.add()
class ReLU(Elementwise):
    """max(x, 0), by default; in general x above `threshold`, at most `max_value`, and from it down
    negative_slope · (x - threshold).

    Args:
        max_value: None for no limit. negative_slope, threshold: numbers of 0 or more.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.ReLU(max_value=1)(np.array([-1.0, 0.5, 2.0])).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """

    arguments = {
        "max_value": number(0) | nothing(),
        "negative_slope": number(0),
        "threshold": number(0),
    }

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold
        self.check_arguments()

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def formula(self) -> str:
        return "relu(x)"


@LAYERS.add()
class LeakyReLU(Elementwise):
    """x above 0, negative_slope · x below.

    negative_slope: a number of 0 or more.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.LeakyReLU(0.5)(np.array([-1.0, 2.0])).numpy()
    array([-0.5,  2. ], dtype=float32)
    """

    arguments = {"negative_slope": number(0)}

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        super().__init__(**kwargs)
        self.negative_slope = negative_slope
        self.check_arguments()

    def call(self, inputs: Any) -> Any:
        return activations.leaky_relu(inputs, self.negative_slope)

    def formula(self) -> str:
        return f"x above 0, {self.negative_slope:g} · x below"


@LAYERS.add()
class ELU(Elementwise):
    """x above 0, alpha · (exp(x) - 1) below. (Clevert et al. 2015)

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.ELU(0.5)(np.array([-1.0, 2.0])).numpy().round(3)
    array([-0.316,  2.   ], dtype=float32)
    """

    arguments = {"alpha": number()}

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = alpha
        self.check_arguments()

    def call(self, inputs: Any) -> Any:
        return activations.elu(inputs, self.alpha)

    def formula(self) -> str:
        return f"x above 0, {self.alpha:g} · (exp(x) - 1) below"


@op(shape=together, promote="float", sample=normal((3, 4), (4,)), label="h")
def _prelu(xp: Any, x: Array, alpha: Array) -> Array:
    """x above 0, alpha · x below. The slope at 0 is alpha."""
    return xp.where(x > 0, x, alpha * x)


_prelu.slope(
    x=lambda g, y, x, alpha: g * where(x > 0, 1, alpha),
    alpha=lambda g, y, x, alpha: g * minimum(x, 0),
)


@LAYERS.add()
class PReLU(Elementwise):
    """x above 0, alpha · x below, with an alpha for each feature, which is trained.

    (He et al. 2015)

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: of the weight `alpha`, which has the
            shape of one example.
        shared_axes: axes along which one alpha serves all, counted from 1.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.PReLU(alpha_initializer="ones")(np.array([[-1.0, 2.0]])).numpy()
    array([[-1.,  2.]], dtype=float32)
    """

    arguments = {"shared_axes": axes() | nothing()}

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = shared_axes
        self.check_arguments()
        if isinstance(shared_axes, int):
            self.shared_axes = [shared_axes]

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        shared = {axis % rank for axis in self.shared_axes or []}
        self.alpha = self.add_weight(
            tuple(1 if i in shared else known_size(self, input_shape, i) for i in range(1, rank)),
            self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )

    def call(self, inputs: Any) -> Any:
        return _prelu(inputs, self.alpha)

    def formula(self) -> str:
        return "x above 0, alpha · x below"


@LAYERS.add()
class Softmax(Elementwise):
    """exp(x) divided by its sum along an axis, or several: positive, and 1 together.

    A call takes a `mask` that broadcasts to the input: where it is False, the output is 0.

    Example:

    >>> import numpy as np, sheer
    >>> softmax = sheer.layers.Softmax()
    >>> softmax(np.array([[1.0, 1.0, 1.0, 1.0]])).numpy()
    array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
    >>> softmax(np.array([[1.0, 1.0, 9.0]]), mask=np.array([[True, True, False]])).numpy()
    array([[0.5, 0.5, 0. ]], dtype=float32)
    """

    arguments = {"axis": axes()}

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis
        self.check_arguments()

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return self._of(inputs)
        if mask.ndim > inputs.ndim:
            raise ValueError(
                f"Softmax {self.name!r}: the mask does not broadcast to the input.\n"
                f"  mask  {show(mask.shape)}\n  input {show(inputs.shape)}"
            )
        kept = mask if mask.dtype == "bool" else cast(mask, self.dtype) > 0.5
        # -1e9 in place of what is left out, as Keras has it: rows of nothing give 0 too.
        return where(kept, self._of(where(kept, inputs, -1e9)), 0.0)

    def _of(self, x: Any) -> Any:
        axes = (self.axis,) if isinstance(self.axis, int) else tuple(self.axis)
        if len(axes) == 1:
            return activations.softmax(x, axes[0])
        return exp(x - logsumexp(x, axes, keepdims=True))

    def formula(self) -> str:
        return "softmax(x)"
