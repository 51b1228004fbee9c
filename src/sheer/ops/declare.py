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
from typing import Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar

import numpy as np

from sheer.core import config
from sheer.core.dtypes import common_dtype, is_float
from sheer.core.errors import ShapeError
from sheer.core.scope import current_place
from sheer.core.shapes import Dim, show
from sheer.ops import recording
from sheer.ops.operand import OPERATORS, Operand
from sheer.ops.recording import Call
from sheer.ops.symbol import Symbol
from sheer.ops.tensor import Tensor
from sheer.ops.variable import Variable

# The annotation that makes a parameter of an op's body an operand; all others are attributes.
# For a caller: a Tensor, Variable, Symbol, NumPy array or Python number.
Array: TypeAlias = Any

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
        self.slopes: dict[str, Callable[..., Any]] = {}

        signature = inspect.signature(body)
        parameters = list(signature.parameters.values())[1:]
        self.__signature__ = signature.replace(parameters=parameters)
        self.parameters = [p.name for p in parameters]
        self.tensors = [p.name for p in parameters if _is_tensor(p)]
        self.lists = {p.name for p in parameters if str(p.annotation).startswith("list[Array")}
        self.attributes = [p.name for p in parameters if not _is_tensor(p)]
        self.defaults = {p.name: p.default for p in parameters if p.default is not p.empty}

    def __repr__(self) -> str:
        return f"<op {self.name}{self.__signature__}>"

    def slope(self, **rules: Callable[..., Any]) -> None:
        """Say how a gradient passes back, for each operand that has one.

        A rule gets the gradient `g` of the output, the output `y`, the operands, and the attributes
        by name; it answers the gradient of its operand, before broadcasting is undone. For an op
        with several outputs `g` and `y` are lists.
        """
        for name in rules:
            if name not in self.tensors:
                raise TypeError(f"{self.name} has no operand {name!r}; it has {self.tensors}.")
        self.slopes.update(rules)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        given, attrs = self._bind(args, kwargs)
        inputs = self._promoted([operand(value) for value in given])
        call = Call(self, inputs, attrs)
        if any(isinstance(value, Symbol) for value in call.operands()):
            trace = recording.current_trace()
            if trace is None:
                raise TypeError(
                    f"{self.name} is called on a symbolic input outside of a model.\n"
                    "sheer has no functional API yet: use Sequential, or a subclass of Model."
                )
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
        except ShapeError as error:
            raise ShapeError(self._describe(call, str(error))) from None
        shapes = found if isinstance(found, list) else [found]
        return [(shape, self._dtype(call, i)) for i, shape in enumerate(shapes)]

    def _dtype(self, call: Call, output: int = 0) -> str:
        rule = self.dtype_rule
        if isinstance(rule, str):
            return rule
        dtypes = [getattr(value, "dtype", None) for value in call.operands()]
        if rule is None:
            return next((d for d in dtypes if d is not None), config.floatx())
        found = rule(*dtypes, **call.attrs)
        return found[output] if isinstance(found, list) else str(found)

    def _bind(self, args: Any, kwargs: Any) -> tuple[list[Any], dict[str, Any]]:
        values = {**self.defaults, **dict(zip(self.parameters, args, strict=False)), **kwargs}
        if len(args) > len(self.parameters) or values.keys() != set(self.parameters):
            self.__signature__.bind(*args, **kwargs)  # a TypeError in Python's own words
        for name in self.lists:
            values[name] = list(values[name])
        return [values[n] for n in self.tensors], {n: values[n] for n in self.attributes}

    def _promoted(self, inputs: list[Any]) -> list[Any]:
        """The inputs with dtypes that NumPy and Keras treat alike: casts are put in where needed."""
        if self.promote == "no":
            return inputs
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
            elif target == "bool" and any(type(v) is not bool for v in numbers):
                target = "int32"

        def convert(value: Any) -> Any:
            if value is None or (is_number(value) and dtypes):
                return value
            if not isinstance(value, Operand):
                return Tensor(value, target)
            return value if value.dtype == target else OPS["cast"](value, target)

        return inputs[: len(inputs) - len(chosen)] + [_each(convert, value) for value in chosen]

    def _compute(self, call: Call) -> list[Any]:
        arrays = [_each(array_of, value) for value in call.inputs]
        try:
            with np.errstate(all="ignore"):
                found = self.body(np, *self._ordered(arrays, call.attrs))  # type: ignore[call-arg]
        except (ValueError, IndexError, TypeError) as error:
            self.infer(call)  # the rule says it better, where it knows
            raise type(error)(self._describe(call, str(error))) from error
        results = found if isinstance(found, (tuple, list)) else [found]
        return [Tensor(r, self._dtype(call, i)) for i, r in enumerate(results)]

    def _ordered(self, inputs: list[Any], attrs: dict[str, Any]) -> list[Any]:
        values = {**dict(zip(self.tensors, inputs, strict=True)), **attrs}
        return [values[name] for name in self.parameters]

    def _describe(self, call: Call, problem: str) -> str:
        """Where, what disagrees, the values."""
        part = current_place().part
        lines = [self.name + (f" in layer {part!r}" if part else "") + f": {problem}."]
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
) -> Callable[[Callable[Concatenate[Any, P], R]], Op[P, R]]:
    """Declare an op by its body.

    Args:
        shape: the shape of the result from the shapes of the operands and the attributes; a list
            of shapes for several results. It raises ShapeError with one line on what disagrees.
        dtype: that of the result: that of the first operand by default, a name, or a function.
        promote: `"no"`; `"common"`: operands are cast to their common dtype; `"float"`: and
            integers to floats; `"choices"`: all but the first operand to their common dtype.
        sample: arguments for the checks.
        text: how a program says it: an expression over `{operand}`s; or a function's dotted name,
            to be called with the arguments; or a function of the Call that answers one of these.
            By default, the op's own name: its body is then written below the program.
        label: what its value is called in a program, the op's name by default.
        inline: whether its text may stand inside another line, if that is its only use; `"always"`
            however often it is used.
        operator: the Python operator (in `operand.py`) that it is.
    """

    def declare(body: Callable[Concatenate[Any, P], R]) -> Op[P, R]:
        samples = [sample] if isinstance(sample, Sample) else list(sample)
        made = Op(body, shape, dtype, promote, samples, text, label, inline)
        OPS[made.name] = made
        if operator:
            OPERATORS[operator] = made
        return made

    return declare


def operand(value: Any) -> Any:
    """What an op works on: a Tensor, a Symbol, a Python number, None; a list of these."""
    if isinstance(value, (Tensor, Symbol, float, int)) or value is None:
        return value
    if isinstance(value, Variable):
        return value.value
    if isinstance(value, Dim):
        trace = recording.current_trace()
        return trace.size(value) if trace is not None else value._refuse()
    if isinstance(value, list) and any(isinstance(v, (Operand, np.ndarray, Dim)) for v in value):
        return [operand(v) for v in value]
    if isinstance(value, (list, tuple)) and any(isinstance(v, Symbol) for v in value):
        raise TypeError(f"A list of symbols is no tensor; join them with ops.stack. Got {value!r}.")
    return Tensor(value, None if hasattr(value, "dtype") else _literal_dtype(value))


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
    return str(parameter.annotation).startswith(("Array", "list[Array"))


def _literal_dtype(value: Any) -> str | None:
    """Python numbers in lists become int32 and floatx, as in Keras."""
    dtype = np.asarray(value).dtype
    return {"f": config.floatx(), "i": "int32"}.get(dtype.kind)
