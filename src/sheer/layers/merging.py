"""Layers that make one value of several, and their functions: Add and add, ..."""

from __future__ import annotations

from functools import reduce
from typing import Any

from sheer.core.checks import axes, boolean, integer
from sheer.core.shapes import show
from sheer.layers.base import LAYERS, Layer
from sheer.ops import arithmetic, reduction, shaping
from sheer.ops.linalg import einsum
from sheer.ops.normalization import normalize
from sheer.ops.shaping import broadcast_to, expand_dims, ones_like


class Merge(Layer):
    """The base of layers that are called on a list of inputs with equally many examples.

    Inputs of one example's shape, or of shapes that broadcast; one with fewer axes gets axes of 1
    behind the first. A subclass says what `merge` makes of two of them.
    """

    supports_masking = True
    # How many inputs it takes; None: one or more.
    count: int | None = None
    # How its formula joins the inputs.
    sign = ", "

    def merge(self, a: Any, b: Any) -> Any:
        """One value of two."""
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        self._check(inputs)
        rank = max(x.ndim for x in inputs)
        return reduce(self.merge, [_with_axes(x, rank) for x in inputs])

    def _check(self, inputs: Any) -> None:
        found = len(inputs) if isinstance(inputs, (list, tuple)) else 0
        if not found or found != (self.count or found):
            wanted = f"a list of {self.count or 'one or more'} inputs"
            got = f"{found} inputs" if found else repr(inputs)
            raise ValueError(f"{type(self).__name__} {self.name!r} needs {wanted}. Got {got}.")
        if len({x.shape[0] for x in inputs if x.ndim}) > 1:
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: inputs need equally many examples. "
                f"Got the shapes {', '.join(show(x.shape) for x in inputs)}."
            )

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Where one of the masks holds; None if an input has no mask."""
        if previous_mask is None or any(m is None for m in previous_mask):
            return None
        return reduce(arithmetic.logical_or, previous_mask)

    def formula(self) -> str:
        return f"a {self.sign} b"


def _with_axes(x: Any, rank: int) -> Any:
    """x with so many axes: of size 1, behind that of the examples."""
    for _ in range(rank - x.ndim):
        x = expand_dims(x, 1)
    return x


@LAYERS.add()
class Add(Merge):
    """The sum of the inputs, element by element.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.Add()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).numpy()
    array([[11., 22.]], dtype=float32)
    """

    sign = "+"

    def merge(self, a: Any, b: Any) -> Any:
        return a + b


@LAYERS.add()
class Subtract(Merge):
    """The first input minus the second.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.Subtract()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).numpy()
    array([[ -9., -18.]], dtype=float32)
    """

    count = 2
    sign = "-"

    def merge(self, a: Any, b: Any) -> Any:
        return a - b


@LAYERS.add()
class Multiply(Merge):
    """The product of the inputs, element by element.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.Multiply()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).numpy()
    array([[10., 40.]], dtype=float32)
    """

    sign = "·"

    def merge(self, a: Any, b: Any) -> Any:
        return a * b


@LAYERS.add()
class Average(Merge):
    """The mean of the inputs, element by element.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.Average()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).numpy()
    array([[ 5.5, 11. ]], dtype=float32)
    """

    def merge(self, a: Any, b: Any) -> Any:
        return a + b

    def call(self, inputs: Any) -> Any:
        return super().call(inputs) / len(inputs)

    def formula(self) -> str:
        return "the mean of the inputs"


class Extreme(Merge):
    """Maximum and Minimum: where an input's mask says that there is nothing, the others count."""

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        self._check(inputs)
        rank = max(x.ndim for x in inputs)
        pairs = list(zip([_with_axes(x, rank) for x in inputs], mask, strict=True))
        value, known = pairs[0]
        for x, m in pairs[1:]:
            x = _filled(x, m, value)
            value = self.merge(_filled(value, known, x), x)
            known = None if known is None or m is None else arithmetic.logical_or(known, m)
        return value


def _filled(x: Any, mask: Any, other: Any) -> Any:
    """x where its mask holds, and the other one elsewhere."""
    return x if mask is None else arithmetic.where(expand_dims(mask, -1), x, other)


@LAYERS.add()
class Maximum(Extreme):
    """The largest of the inputs, element by element. At ties the slope goes to the first.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.Maximum()([np.array([[1.0, 20.0]]), np.array([[10.0, 2.0]])]).numpy()
    array([[10., 20.]], dtype=float32)
    """

    def merge(self, a: Any, b: Any) -> Any:
        return arithmetic.maximum(a, b)

    def formula(self) -> str:
        return "the largest of the inputs"


@LAYERS.add()
class Minimum(Extreme):
    """The smallest of the inputs, element by element. At ties the slope goes to the first.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.Minimum()([np.array([[1.0, 20.0]]), np.array([[10.0, 2.0]])]).numpy()
    array([[1., 2.]], dtype=float32)
    """

    def merge(self, a: Any, b: Any) -> Any:
        return arithmetic.minimum(a, b)

    def formula(self) -> str:
        return "the smallest of the inputs"


@LAYERS.add()
class Concatenate(Merge):
    """The inputs one after the other along an axis.

    axis: along it sizes may differ; the other axes must be alike.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.Concatenate()([np.array([[1.0, 2.0]]), np.array([[3.0]])]).numpy()
    array([[1., 2., 3.]], dtype=float32)
    """

    arguments = {"axis": integer()}

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis
        self.check_arguments()

    def _check(self, inputs: Any) -> None:
        if self.axis:  # along the axis of the examples, their number may differ
            super()._check(inputs)

    def call(self, inputs: Any) -> Any:
        self._check(inputs)
        return shaping.concatenate(list(inputs), self.axis)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The masks, joined as the inputs are: an example's place is masked if all of it is."""
        if previous_mask is None or all(m is None for m in previous_mask):
            return None
        masks = [
            ones_like(x, "bool")
            if m is None
            else broadcast_to(expand_dims(m, -1), x.shape)
            if m.ndim < x.ndim
            else m
            for x, m in zip(inputs, previous_mask, strict=True)
        ]
        return reduction.any(shaping.concatenate(masks, self.axis), axis=-1)

    def formula(self) -> str:
        return "the inputs side by side"


@LAYERS.add()
class Dot(Merge):
    """Products of the two inputs, summed along an axis of each, example by example.

    Input (n, ..., k) and (n, ..., k), output (n, ...) with all other axes; (n, 1) without any.

    Args:
        axes: the axis of both, or a list of the first's and the second's; 0 is that of the examples
            and cannot be chosen.
        normalize: whether both are divided by their length along that axis first: the cosine.

    Example:

    >>> import numpy as np, sheer
    >>> sheer.layers.Dot(axes=1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).numpy()
    array([[11.]], dtype=float32)
    """

    count = 2
    arguments = {"axes": axes(), "normalize": boolean()}

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.axes = axes
        self.normalize = normalize
        self.check_arguments()
        if not isinstance(axes, int) and len(axes) != 2:
            raise ValueError(f"Dot: axes must be one axis, or one for each input. Got {axes!r}.")

    def call(self, inputs: Any) -> Any:
        self._check(inputs)
        a, b = inputs
        axes = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        i, j = axes[0] % a.ndim, axes[1] % b.ndim
        if i == 0 or j == 0 or a.shape[i] != b.shape[j]:
            raise ValueError(
                f"Dot {self.name!r}: axes {self.axes} must be of equal size, and not those of the "
                f"examples. Got the shapes {show(a.shape)} and {show(b.shape)}."
            )
        if self.normalize:
            a, b = normalize(a, i), normalize(b, j)
        if a.ndim == b.ndim == 2:
            return reduction.sum(a * b, axis=1, keepdims=True)
        letters = iter("abcdefghijklmopqrstuvwxyz")
        left = ["n", *(next(letters) for _ in a.shape[1:])]
        right = ["n", *(next(letters) for _ in b.shape[1:])]
        right[j] = left[i]
        kept = [c for c in left if c != left[i]] + [c for c in right[1:] if c != right[j]]
        return einsum(f"{''.join(left)},{''.join(right)}->{''.join(kept)}", a, b)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """None: the places of the inputs are gone."""
        return None

    def formula(self) -> str:
        return "the cosine of a and b" if self.normalize else "a · b"


def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of a list of inputs: `Add(**kwargs)(inputs)`."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The first of two inputs minus the second: `Subtract(**kwargs)(inputs)`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of a list of inputs: `Multiply(**kwargs)(inputs)`."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of a list of inputs: `Average(**kwargs)(inputs)`."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The largest of a list of inputs, element by element: `Maximum(**kwargs)(inputs)`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The smallest of a list of inputs, element by element: `Minimum(**kwargs)(inputs)`."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """A list of inputs side by side: `Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """Products of two inputs, summed along an axis of each: `Dot(axes, **kwargs)(inputs)`."""
    return Dot(axes, **kwargs)(inputs)
