"""Variable: a value that can be assigned. All state of sheer is held in these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sheer.core import config, naming, shapes
from sheer.core.dtypes import standardize_dtype
from sheer.ops import recording
from sheer.ops.operand import Operand
from sheer.ops.symbol import Symbol
from sheer.ops.tensor import Tensor


class Variable(Operand):
    """A tensor that can be assigned: a weight, a slot of an optimizer, the total of a metric.

    Args:
        initializer: the first value (array, number, Tensor), or a function of `(shape, dtype)`.
        shape: with a function only.
        dtype: that of the value by default; Python numbers become int32 or `config.floatx()`.
        trainable: whether gradient tapes watch it by themselves.
        name: `"variable"`, `"variable_1"`, ... by default.

    `initial_value=` is accepted in place of `initializer`, as in TensorFlow. A Variable used as an
    operand gives its present value. Programs read it and assign it by its `path`.

    Example:

    >>> import sheer
    >>> w = sheer.Variable([1.0, 2.0], name="w")
    >>> w.assign_sub([0.5, 0.5])
    >>> w
    <Variable w shape=(2,) dtype=float32 [0.5 1.5]>
    """

    __slots__ = (
        "__weakref__",
        "_tensor",
        "constraint",
        "initializer",
        "name",
        "path",
        "regularizer",
        "trainable",
    )

    def __init__(
        self,
        initializer: Any = None,
        shape: Any = None,
        dtype: str | None = None,
        trainable: bool = True,
        name: str | None = None,
        *,
        initial_value: Any = None,
    ):
        value = initializer if initial_value is None else initial_value
        if value is None:
            raise ValueError("Variable: give a value, or a function with a shape. Got None.")
        self.name = name or naming.auto_name("variable")
        self.path = self.name
        self.trainable = trainable
        self.regularizer: Callable[[Any], Any] | None = None
        self.constraint: Callable[[Any], Any] | None = None
        # How the first value was made, for scripts that make it again; None if it was just given.
        self.initializer: Any = None
        if callable(value) and not isinstance(value, (Operand, np.ndarray)):
            if shape is None:
                raise ValueError(f"Variable {self.name!r}: a function as value needs a shape.")
            dtype = standardize_dtype(dtype or config.floatx())
            self.initializer = value
            value = value(tuple(shape), dtype=dtype)
        # A copy: nobody else may change a variable's value through an array of their own.
        self._tensor = Tensor(np.array(Tensor(value, dtype)))

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes; they never change."""
        return self._tensor.shape

    @property
    def dtype(self) -> str:
        """The name of the dtype; it never changes."""
        return self._tensor.dtype

    @property
    def value(self) -> Any:
        """The present value: a Tensor, or a Symbol while a program is traced."""
        trace = recording.current_trace()
        value = self._tensor if trace is None else trace.read(self)
        for tape in recording.open_tapes():
            tape.variable_read(self, value)
        return value

    def assign(self, value: Any) -> None:
        """Set a new value of the same shape; it is cast to the variable's dtype."""
        if isinstance(value, Variable):
            value = value.value
        if tuple(getattr(value, "shape", np.shape(value))) != self.shape:
            raise ValueError(
                f"assign to Variable {self.path!r}: the shapes differ.\n"
                f"  variable {shapes.show(self.shape)}\n"
                f"  value    {shapes.show(getattr(value, 'shape', np.shape(value)))}"
            )
        trace = recording.current_trace()
        if trace is not None:
            trace.assign(self, value)
        elif isinstance(value, Symbol):
            value.numpy()
        else:
            self._tensor = Tensor(np.array(value, dtype=self.dtype))  # a copy, as at first

    def assign_add(self, value: Any) -> None:
        """Add to the value."""
        self.assign(self.value + value)

    def assign_sub(self, value: Any) -> None:
        """Subtract from the value: `w.assign_sub(learning_rate * gradient)`."""
        self.assign(self.value - value)

    def store(self, array: np.ndarray[Any, Any]) -> None:
        """Take an array that a program computed as the new value, without a copy or a check: it has
        the variable's shape and dtype."""
        self._tensor = Tensor.of(array)

    def unshare(self) -> None:
        """Hold the value in an array of its own, in one piece: an engine is about to write into it,
        and who has the present one keeps it as it is."""
        self._tensor = Tensor.of(np.array(self._tensor._array, order="C"))

    def stored(self) -> np.ndarray[Any, Any]:
        """The present value for a program, unseen by any trace or tape."""
        return self._tensor._array

    def numpy(self) -> np.ndarray[Any, Any]:
        """The present value as a NumPy array, without a copy: do not write into it."""
        array: np.ndarray[Any, Any] = self.value.numpy()
        return array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __index__(self) -> int:
        index: int = self.value.__index__()
        return index

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else str(self)

    def __repr__(self) -> str:
        separator = "\n" if self.ndim > 1 else " "
        values = self._tensor.numpy()
        return f"<Variable {self.path} shape={self.shape} dtype={self.dtype}{separator}{values}>"
