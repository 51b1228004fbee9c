"""How an op is declared, and what happens when it is called.

An op is declared once: its body is array code over `xp` (NumPy, or `jax.numpy`), its shape rule,
its text in a program and samples for its checks stand in the decorator, its derivative follows.
See CONTRIBUTING.md for a worked example.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import Annotated, Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar

import numpy as np

from sheer.core import config
from sheer.core.dtypes import common_dtype, is_float, standardize_dtype
from sheer.core.errors import ShapeError
from sheer.core.scope import current_place
from sheer.core.shapes import Dim, show
from sheer.ops import recording
from sheer.ops.node import Operation
from sheer.ops.operand import OPERATORS, Operand
from sheer.ops.recording import Call
from sheer.ops.symbol import Symbol
from sheer.ops.tensor import Tensor
from sheer.ops.variable import Variable

# The annotation that makes a parameter of an op's body an operand; all others are attributes.
# For a caller: a Tensor, Variable, Symbol, NumPy array or Python number.
Array: TypeAlias = Annotated[Any, "array"]

P = ParamSpec("P")
R = TypeVar("R")

OPS: dict[str, Op[Any, Any]] = {}


@dataclass(frozen=True)
class Sample:
    """Arguments on which an op is checked: its shape rule, its text, its slope.

    `operands` makes them from a random generator; `smooth` is False where the op has no slope at
    these values (ties, integers).
    """

    operands: Callable[[np.random.Generator], list[Any]]
    attrs: dict[str, Any] = field(default_factory=dict)
    smooth: bool = True


class Op(Generic[P, R]):
    """An op: call it with tensors, and it computes, or is written down, or both."""

    def __init__(
        self,
        body: Callable[Concatenate[Any, P], R],
        shape: Callable[..., Any],
        dtype: str | Callable[..., Any] | None,
        promote: str,
        samples: Sequence[Sample],
        text: str | Callable[[Call], str] | None,
        label: str,
        inline: bool | str,
        lazy: bool,
        strict: bool,
    ):
        update_wrapper(self, body)
        self.name = body.__name__
        self.body = body
        self.shape_rule = shape
        self.dtype_rule = dtype
        self.promote = promote
        self.samples = samples
        self.text = text
        self.label = label
        self.inline = inline
        self.lazy = lazy
        self.strict = strict
        self.slopes: dict[str, Callable[..., Any]] = {}
        # An engine that computes this op faster, where there is one: a function of the op, the
        # arrays and the attributes, which answers None where the body is to be used.
        self.accelerated: Callable[..., list[Any] | None] | None = None

        signature = inspect.signature(body)
        parameters = list(signature.parameters.values())[1:]
        self.__signature__ = signature.replace(parameters=parameters)
        self.parameters = [p.name for p in parameters]
        self.tensors = [p.name for p in parameters if _is_tensor(p)]
        self.lists = {p.name for p in parameters if _plain(p).startswith("list[Array")}
        self.attributes = [p.name for p in parameters if not _is_tensor(p)]
        self.defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        if self.parameters != self.tensors + self.attributes:
            raise TypeError(f"{self.name}: operands come before attributes. Got {self.parameters}.")

    def __repr__(self) -> str:
        return f"<op {self.name}{self.__signature__}>"

    def slope(self, **rules: Callable[..., Any]) -> None:
        """Say how a gradient passes back, for each operand that has one.

        A rule gets the gradient `g` of the output, the output `y`, the operands, and the attributes
        by name; it answers the gradient of its operand, before broadcasting is undone. For an op
        with several outputs `g` and `y` are lists; the gradient of one without effect is the
        number 0.
        """
        for name in rules:
            if name not in self.tensors:
                raise TypeError(f"{self.name} has no operand {name!r}; it has {self.tensors}.")
        self.slopes.update(rules)

    def __reduce__(self) -> str:
        # A copy of an op is that op; `pickle` finds it by its name.
        return self.name

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        given, attrs = self._bind(args, kwargs)
        inputs = [
            [operand(v) for v in value] if name in self.lists else operand(value)
            for name, value in zip(self.tensors, given, strict=True)
        ]
        call = Call(self, inputs, attrs)
        trace = recording.current_trace()
        symbolic = any(isinstance(value, Symbol) for value in call.operands())
        if symbolic and trace is None:
            return Operation(self)(*args, **kwargs)  # type: ignore[no-any-return]
        if not self._agree(inputs):
            call.inputs = self._promoted(inputs)
        if trace is not None and (symbolic or self.lazy):
            with recording.pausing_for(call):
                simpler = trace.simplify(call)
            if any(simpler is value for value in call.operands()):
                return simpler  # type: ignore[no-any-return]
            if simpler is not None:
                call.outputs, call.rewritten = [simpler], True
            else:
                call = trace.record(call)
        else:
            call.outputs = self._compute(call)
        for tape in recording.open_tapes():
            tape.record(call)
        return call.outputs[0] if len(call.outputs) == 1 else tuple(call.outputs)  # type: ignore[return-value]

    def infer(self, call: Call) -> list[tuple[Any, str]]:
        """Shape and dtype of each output, without computing."""
        shapes = [_each(shape_of, value) for value in call.inputs]
        try:
            found = self.shape_rule(*shapes, **call.attrs)
        except (ShapeError, IndexError) as error:
            raise type(error)(self._describe(call, str(error))) from None
        shapes = found if isinstance(found, list) else [found]
        return [(shape, self._dtype(call, i)) for i, shape in enumerate(shapes)]

    def _dtype(self, call: Call, output: int = 0) -> str:
        rule = self.dtype_rule
        if isinstance(rule, str):
            return rule
        if rule is None and type(call.inputs[0]) is Tensor:
            return call.inputs[0].dtype
        operands = call.operands()
        # A number takes on the dtype of what it meets; alone, it has its own.
        dtypes = [None if is_number(value) else value.dtype for value in operands]
        if not any(dtypes):
            dtypes = [getattr(value, "dtype", None) for value in operands]
        if rule is None:
            return next((d for d in dtypes if d is not None), config.floatx())
        found = rule(*dtypes, **call.attrs)
        return found[output] if isinstance(found, list) else str(found)

    def _bind(self, args: Any, kwargs: Any) -> tuple[Sequence[Any], dict[str, Any]]:
        """The operands and the attributes, in the order in which they are declared."""
        if not self.attributes and not kwargs and len(args) == len(self.tensors):
            return args, {}
        values = {**self.defaults, **dict(zip(self.parameters, args, strict=False)), **kwargs}
        if len(args) > len(self.parameters) or values.keys() != set(self.parameters):
            self.__signature__.bind(*args, **kwargs)  # a TypeError in Python's own words
        attrs = {n: self._attribute(n, values[n]) for n in self.attributes}
        return [values[n] for n in self.tensors], attrs

    def _attribute(self, name: str, value: Any) -> Any:
        """A plain value, of which a program can have the text: lists become tuples."""
        if value is None or isinstance(value, (str, int)):
            return standardize_dtype(value) if name == "dtype" and value is not None else value
        if name == "dtype":
            return standardize_dtype(value)
        if isinstance(value, (list, tuple)):
            return tuple(self._attribute(name, v) for v in value)
        if isinstance(value, (np.ndarray, np.generic)):
            return self._attribute(name, value.tolist())
        if isinstance(value, Operand):
            raise TypeError(
                f"{self.name}: {name} is part of the computation itself, so it is a Python value, "
                f"not a tensor. Got {value!r}."
            )
        return value

    def _agree(self, inputs: list[Any]) -> bool:
        """Whether the inputs are Tensors of one dtype that the op can work with as it is."""
        if self.promote == "no":
            return True
        first = inputs[-1]
        if type(first) is not Tensor or (self.promote == "float" and not is_float(first.dtype)):
            return False
        if self.promote == "number" and first.dtype == "bool":
            return False
        dtype = first.numpy().dtype
        chosen = inputs[1:] if self.promote == "choices" else inputs
        for value in chosen:
            if type(value) is not Tensor or value.numpy().dtype is not dtype:
                return False
        return True

    def _promoted(self, inputs: list[Any]) -> list[Any]:
        """The inputs in dtypes that NumPy and Keras treat alike: casts are put in where needed."""
        chosen = inputs[1:] if self.promote == "choices" else inputs
        flat = [v for value in chosen for v in (value if isinstance(value, list) else [value])]
        flat = [v for v in flat if v is not None]
        dtypes = [v.dtype for v in flat if isinstance(v, Operand) and not is_number(v)]
        numbers = [v for v in flat if is_number(v)]
        is_real = any(isinstance(v, float) for v in numbers)
        target = common_dtype(dtypes, config.floatx()) if dtypes else "bool"
        if not is_float(target):
            if is_real or self.promote == "float":
                target = config.floatx()
            elif target == "bool" and (
                self.promote == "number" or any(type(v) is not bool for v in numbers)
            ):
                target = "int32"

        def convert(value: Any) -> Any:
            if value is None or (is_number(value) and dtypes):
                return value
            if not isinstance(value, Operand):
                return Tensor(value, target)
            return value if value.dtype == target else OPS["cast"](value, target)

        return inputs[: len(inputs) - len(chosen)] + [_each(convert, value) for value in chosen]

    def _compute(self, call: Call) -> list[Any]:
        if self.strict:
            self.infer(call)
        arrays = [_each(array_of, value) for value in call.inputs]
        try:
            found: Any = None
            if self.accelerated is not None:
                found = self.accelerated(self, arrays, call.attrs)
            if found is None:
                with np.errstate(all="ignore"):
                    found = self.body(np, *arrays, *call.attrs.values())  # type: ignore[call-arg]
        except (ValueError, IndexError, TypeError) as error:
            self.infer(call)  # the rule says it better, where it knows
            # NumPy's own subclasses of these cannot be made from a text.
            kind = next(k for k in (IndexError, ValueError, TypeError) if isinstance(error, k))
            raise kind(self._describe(call, str(error))) from error
        results = found if isinstance(found, (tuple, list)) else [found]
        return [Tensor(r, self._dtype(call, i)) for i, r in enumerate(results)]

    def _describe(self, call: Call, problem: str) -> str:
        """Where, what disagrees, the values."""
        part = current_place().part
        name = self.name.lstrip("_")  # that of the function that the user called
        lines = [name + (f" in layer {part!r}" if part else "") + f": {problem}."]
        width = max(map(len, self.tensors))
        for name, value in zip(self.tensors, call.inputs, strict=True):
            for one in value if isinstance(value, list) else [value]:
                if one is not None:
                    dtype = getattr(one, "dtype", "")
                    lines.append(f"  {name:<{width}} {show(shape_of(one))} {dtype}".rstrip())
        return "\n".join(lines)


def op(
    *,
    shape: Callable[..., Any],
    dtype: str | Callable[..., Any] | None = None,
    promote: str = "no",
    sample: Sample | Sequence[Sample] = (),
    text: str | Callable[[Call], str] | None = None,
    label: str = "",
    inline: bool | str = False,
    operator: str = "",
    lazy: bool = False,
    strict: bool = False,
) -> Callable[[Callable[Concatenate[Any, P], R]], Op[P, R]]:
    """Declare an op by its body.

    Args:
        shape: the shape of the result from the shapes of the operands and the attributes; a list
            of shapes for several results. It raises ShapeError with one line on what disagrees.
        dtype: that of the result: that of the first operand by default, a name, or a function.
        promote: `"no"`; `"common"`: operands are cast to their common dtype; `"number"`: and
            booleans to int32; `"float"`: and integers to floats; `"choices"`: all but the first
            operand to their common dtype.
        sample: arguments for the checks.
        text: how a program says it: an expression over `{operand}`s; or a function's dotted name,
            to be called with the arguments; or a function of the Call that answers one of these.
            By default, the op's own name: its body is then written below the program.
        label: what its value is called in a program, the op's name by default.
        inline: whether its text may stand inside another line, if that is its only use; `"always"`
            however often it is used.
        operator: the Python operator (in `operand.py`) that it is.
        lazy: whether it is written into a program even for constants: it makes much of little.
        strict: whether the shape rule refuses what the body would broadcast.
    """

    def declare(body: Callable[Concatenate[Any, P], R]) -> Op[P, R]:
        samples = [sample] if isinstance(sample, Sample) else list(sample)
        made = Op(body, shape, dtype, promote, samples, text, label, inline, lazy, strict)
        OPS[made.name] = made
        if operator:
            OPERATORS[operator] = made
        return made

    return declare


def operand(value: Any) -> Any:
    """What an op works on: a Tensor, a Symbol, a Python number, None."""
    if isinstance(value, (Tensor, Symbol, float, int)) or value is None:
        # A float64 of NumPy's that stands alone is a Python float too, and counts as one.
        return float(value) if type(value) is np.float64 else value
    if isinstance(value, Variable):
        return value.value
    if isinstance(value, Dim):
        trace = recording.current_trace()
        return trace.size(value) if trace is not None else value._refuse()
    if isinstance(value, (list, tuple)) and _holds_operands(value):
        return OPERATORS["stack"](value)
    return Tensor(value)


def is_number(value: Any) -> bool:
    """Whether the operand is a Python number when it is computed with: it takes on any dtype."""
    return isinstance(value, (int, float)) or (isinstance(value, Symbol) and value.number)


def shape_of(value: Any) -> Any:
    """The shape of an operand; () for a number."""
    return getattr(value, "shape", ())


def array_of(value: Any) -> Any:
    """The values of an operand."""
    return value.numpy() if isinstance(value, Tensor) else value


def _each(function: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, list):
        return [function(v) for v in value]
    return None if value is None else function(value)


def _is_tensor(parameter: inspect.Parameter) -> bool:
    return _plain(parameter).startswith(("Array", "list[Array"))


def _plain(parameter: inspect.Parameter) -> str:
    """The annotation as it stands in the source."""
    text = str(parameter.annotation).replace(str(Array), "Array")
    return text.removeprefix("typing.Optional[")


def _holds_operands(values: Any) -> bool:
    """Whether tensors stand among the elements of a list, or of a list in it."""
    return any(
        _holds_operands(v) if isinstance(v, (list, tuple)) else isinstance(v, (Operand, Dim))
        for v in values
    )
