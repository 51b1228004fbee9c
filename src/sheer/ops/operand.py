"""What a Tensor, a Variable and a Symbol have in common: operators and indexing, each an op."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sheer.core.shapes import Shape

if TYPE_CHECKING:
    from collections.abc import Callable

# The ops behind the operators, entered by the modules that declare them.
OPERATORS: dict[str, Callable[..., Any]] = {}


def _unary(name: str) -> Any:
    def method(self: Any) -> Any:
        return OPERATORS[name](self)

    return method


def _binary(name: str) -> Any:
    def method(self: Any, other: Any) -> Any:
        return OPERATORS[name](self, other)

    return method


def _reflected(name: str) -> Any:
    def method(self: Any, other: Any) -> Any:
        return OPERATORS[name](other, self)

    return method


class Operand:
    """Anything with a shape and a dtype that ops accept."""

    # NumPy arrays on the left of an operator leave the work to us.
    __array_priority__ = 100
    __slots__ = ()

    @property
    def shape(self) -> Shape:
        """The sizes of the axes."""
        raise NotImplementedError

    @property
    def dtype(self) -> str:
        """The name of the dtype, as in Keras: `"float32"`."""
        raise NotImplementedError

    @property
    def ndim(self) -> int:
        """How many axes."""
        return len(self.shape)

    __add__, __radd__ = _binary("add"), _reflected("add")
    __sub__, __rsub__ = _binary("subtract"), _reflected("subtract")
    __mul__, __rmul__ = _binary("multiply"), _reflected("multiply")
    __truediv__, __rtruediv__ = _binary("divide"), _reflected("divide")
    __floordiv__, __rfloordiv__ = _binary("floor_divide"), _reflected("floor_divide")
    __mod__, __rmod__ = _binary("mod"), _reflected("mod")
    __pow__, __rpow__ = _binary("power"), _reflected("power")
    __matmul__, __rmatmul__ = _binary("matmul"), _reflected("matmul")
    __and__, __rand__ = _binary("logical_and"), _reflected("logical_and")
    __or__, __ror__ = _binary("logical_or"), _reflected("logical_or")
    __neg__, __abs__, __invert__ = _unary("negative"), _unary("abs"), _unary("logical_not")
    __lt__, __le__ = _binary("less"), _binary("less_equal")
    __gt__, __ge__ = _binary("greater"), _binary("greater_equal")
    __getitem__ = _binary("getitem")

    @property
    def T(self) -> Any:
        """The transpose: axes in reverse order."""
        return OPERATORS["transpose"](self)


class Comparable(Operand):
    """An operand that `==` compares element by element. (Variables compare by identity.)"""

    __slots__ = ()
    __eq__ = _binary("equal")
    __ne__ = _binary("not_equal")
    __hash__ = object.__hash__
