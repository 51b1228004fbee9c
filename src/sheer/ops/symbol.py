"""Symbol: a value that a program will compute; known are its shape, dtype and origin."""

from __future__ import annotations

from typing import Any, NoReturn

from sheer.core.errors import TraceError, user_line
from sheer.core.shapes import Shape, show, symbolic
from sheer.ops.operand import Comparable


class Symbol(Comparable):
    """A value without numbers, as `sheer.Input` makes and as model code sees while it is traced.

    `source` is the node of the graph that computes it, None for an input. `number` says that it is
    a Python number at run time (the batch size), which takes on the dtype of what it meets.
    `label` is the name that it wants in the program, `gradient_of` the value it is a gradient of,
    `output_of` the layer whose output it is. `node` is the call that made it outside of any
    program, where models are put together; `_keras_mask` says which of its entries count.
    """

    __slots__ = (
        "_dtype",
        "_keras_mask",
        "_shape",
        "gradient_of",
        "label",
        "node",
        "number",
        "output_of",
        "source",
    )

    def __init__(
        self,
        shape: Any,
        dtype: str,
        source: Any = None,
        label: str = "",
        number: bool = False,
    ):
        self._shape = symbolic(shape)
        self._dtype = dtype
        self.source = source
        self.label = label
        self.number = number
        self.gradient_of: Any = None
        self.output_of = ""
        self.node: Any = None
        self._keras_mask: Any = None

    @property
    def shape(self) -> Shape:
        """The sizes of the axes; the batch size is `n`."""
        return self._shape

    @property
    def dtype(self) -> str:
        """The name of the dtype."""
        return self._dtype

    def __repr__(self) -> str:
        name = f" {self.label}" if self.label else ""
        return f"<Symbol{name} shape={show(self.shape)} dtype={self.dtype}>"

    def _refuse(self, wanted: str, way_out: str) -> NoReturn:
        raise TraceError(
            f"{wanted}, at {user_line()}\n"
            f"  {self!r}\n"
            "While a program is traced, values are symbols: the numbers come when it runs.\n"
            f"{way_out} Or run without tracing:\n"
            "compile(..., run_eagerly=True), or no sheer.function."
        )

    def __bool__(self) -> bool:
        self._refuse(
            "A branch on a value that is not known yet",
            "Choose between values with ops.where(condition, a, b).",
        )

    def _as_number(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse("A symbol is used as a number", "Compute with sheer.ops instead.")

    __int__ = __float__ = __index__ = _as_number

    def numpy(self) -> NoReturn:
        """Refused: a symbol has no values."""
        self._refuse("The values of a symbol are asked for", "Compute with sheer.ops instead.")

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse("A symbol is given to NumPy", "Use the function of that name in sheer.ops.")

    def __len__(self) -> int:
        if not self.shape or not isinstance(self.shape[0], int):
            self._refuse("len() of a value with n rows", "Use ops.shape(x)[0] as an operand.")
        return self.shape[0]

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec else repr(self)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))


def named(name: str, value: Any) -> Any:
    """The value itself; while a program is traced, it asks for this name there."""
    made = value
    # What is read from a Variable that was assigned stands for what it was assigned.
    while isinstance(made, Symbol) and made.source and made.source.op.name == "stop_gradient":
        made = made.source.inputs[0]
    if isinstance(made, Symbol) and not made.label:
        made.label = name
    return value
