"""EinsumDense: a kernel of any shape, by Einstein's notation."""

from __future__ import annotations

import math
import re
from typing import Any

from sheer import activations, constraints, initializers, regularizers
from sheer.core.checks import Check
from sheer.layers.base import LAYERS, Layer
from sheer.ops.linalg import einsum
from sheer.ops.variable import Variable

# Input, kernel, output; `...` before or behind input and output.
EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


def _is_equation(value: Any) -> bool:
    match = EQUATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return False
    front, x, behind, kernel, front_y, y, behind_y = match.groups()
    known = set(x) | set(y)
    return (front, behind) == (front_y, behind_y) and not (front and behind) and (
        set(kernel) <= known and set(y) <= set(x) | set(kernel)
        and all(len(set(term)) == len(term) for term in (x, kernel, y))
    )  # fmt: skip


class _AsMatrix(initializers.RandomInitializer):
    """An initializer that counts inputs and outputs as those of a matrix of another shape."""

    def __init__(self, inner: Any, matrix: tuple[int, int]):
        self.inner, self.matrix = inner, matrix
        self.seed, self.key = inner.seed, inner.key

    def draw(self, shape: Any, dtype: Any) -> tuple[Any, float, float]:
        found: tuple[Any, float, float] = self.inner.draw(self.matrix, dtype)
        return found


@LAYERS.add()
class EinsumDense(Layer):
    """activation(einsum(equation, x, kernel) + bias).

    Args:
        equation: `"ab,bc->ac"` is a Dense layer; its indices are those of the input, of the kernel
            and of the output. `...` in front of, or behind, those of input and output stands for
            further axes.
        output_shape: that of one example's output, without the axes of `...`; None for a size that
            the input decides.
        activation: a name or function; None is linear.
        bias_axes: the output's indices that the bias has, such as `"c"`; None: no bias.
        kernel_initializer, ...: of the weights `kernel` and `bias`, as in Dense.

    Example:

    >>> import sheer
    >>> layer = sheer.layers.EinsumDense("abc,cde->abde", output_shape=(None, 4, 5), bias_axes="de")
    >>> layer(sheer.ops.ones((2, 3, 6))).shape
    (2, 3, 4, 5)
    >>> [w.shape for w in layer.weights]
    [(6, 4, 5), (4, 5)]
    """

    arguments = {
        "equation": Check(
            "an equation such as 'ab,bc->ac', '...a,ab->...b' or 'ab...,bc->ac...'",
            _is_equation,
            ("ab,bc", "ab,bc->ad", "ab,cd->ab", "...a,ab->b", "aab,bc->ac", 3),
        )
    }
    lacks = {
        "lora_rank": None,
        "lora_alpha": None,
        "gptq_unpacked_column_size": None,
        "quantization_config": None,
    }

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.equation = equation
        self.partial_output_shape = (
            (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        )
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None
        self.check_arguments()

    def build(self, input_shape: Any) -> None:
        kernel, bias, _ = self._shapes(input_shape)
        initializer = self.kernel_initializer
        if isinstance(initializer, initializers.VarianceScaling):
            # The kernel's inputs are the axes that the output has not.
            output = self._parts()[-1]
            outputs = math.prod(
                s for s, c in zip(kernel, self._parts()[3], strict=True) if c in output
            )
            initializer = _AsMatrix(initializer, (math.prod(kernel) // outputs, outputs))
        self.kernel = self.add_weight(
            kernel,
            initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        if bias:
            self.bias = self.add_weight(
                bias,
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def call(self, inputs: Any) -> Any:
        product = einsum(self.equation, inputs, self.kernel)
        return self.activation(product if self.bias is None else product + self.bias)

    def _shapes(self, input_shape: Any) -> tuple[Any, Any, Any]:
        """The shapes of kernel, bias and output."""
        front, x, behind, kernel, y = self._parts()
        extra = len(input_shape) - len(x)
        if extra < 0 or (extra and not (front or behind)):
            self._disagree(f"{x!r} are not {len(input_shape)} indices", input_shape)
        hidden = input_shape[:extra] if front else input_shape[len(x) :]
        sizes = dict(zip(x, input_shape[extra:] if front else input_shape, strict=False))
        # The examples are the first axis: of `...`, or of the first index.
        given = (() if front and extra else input_shape[:1]) + self.partial_output_shape
        if len(given) != len(y):
            self._disagree(f"{y!r} are not the indices of {given}", input_shape)
        for index, size in zip(y, given, strict=True):
            if size is not None and sizes.setdefault(index, size) != size:
                self._disagree(f"index {index!r} is {sizes[index]} and {size}", input_shape)
        for index in kernel + (self.bias_axes or ""):
            if sizes.get(index) is None:
                self._disagree(f"the size of index {index!r} is not known", input_shape)
        output = tuple(sizes[c] for c in y)
        output = (*hidden, *output) if front else (*output, *hidden)
        bias = None
        if self.bias_axes:
            first = min(y.index(c) for c in self.bias_axes)
            bias = tuple(sizes[c] if c in self.bias_axes else 1 for c in y[first:])
            bias += (1,) * extra if behind else ()
        return tuple(sizes[c] for c in kernel), bias, output

    def _parts(self) -> list[str]:
        """Of the equation: whether `...` is in front, the input, whether it is behind, the kernel,
        the output."""
        match = EQUATION.fullmatch(self.equation)
        assert match is not None
        return [match[i] or "" for i in (1, 2, 3, 4, 6)]

    def _disagree(self, what: str, input_shape: Any) -> None:
        raise ValueError(
            f"EinsumDense {self.name!r}, {self.equation!r}: {what}.\n"
            f"  input shape  {input_shape}\n"
            f"  output_shape {self.partial_output_shape}"
        )

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(self._shapes(input_shape)[2])

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"output_shape": self.partial_output_shape}

    def formula(self) -> str:
        inner = f"einsum({self.equation!r}, x, kernel)" + (" + bias" if self.bias_axes else "")
        name = activations.name_of(self.activation)
        return inner if name == "linear" else f"{name}({inner})"
