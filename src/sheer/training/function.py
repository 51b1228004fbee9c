"""`sheer.function`: any function of tensors, traced into a program."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

import numpy as np

from sheer.core import config, tree
from sheer.core.shapes import Dim, N, Shape, show, symbolic
from sheer.ops.declare import operand
from sheer.ops.operand import Operand
from sheer.ops.recording import current_trace, open_tapes
from sheer.ops.symbol import Symbol
from sheer.ops.tensor import Tensor
from sheer.ops.variable import Variable
from sheer.program.program import Program
from sheer.training.step import Step


class Function:
    """A function that runs as a program; made by `sheer.function`."""

    def __init__(self, function: Callable[..., Any], input_signature: Sequence[Any] | None = None):
        self.__name__ = "function"
        update_wrapper(self, function)
        self._function = function
        self._signature = None if input_signature is None else list(input_signature)
        self._steps: dict[Any, Step] = {}
        # Other arguments go by identity; kept here, so that no other object can get their id().
        self._kept: dict[int, Any] = {}
        # By all that distinguishes calls but the number of rows: the rows seen last.
        self._rows: dict[Any, tuple[Any, ...]] = {}

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """In a class: a method, with the instance as its first argument."""
        return self if instance is None else _Method(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program for these arguments; trace it first where there is none."""
        # A trace writes the function's ops down, a tape follows them: both need to see them.
        if current_trace() is not None or open_tapes():
            return self._function(*args, **kwargs)
        step, data = self._step(args, kwargs)
        return step.tensors([_array(value) for value in data])

    def program(self, *args: Any, **kwargs: Any) -> Program:
        """The program that a call with these arguments runs."""
        return self._step(args, kwargs)[0].program

    def _step(self, args: Any, kwargs: Any) -> tuple[Step, list[Any]]:
        arguments = (list(args), kwargs)
        data = [operand(leaf) for leaf in tree.leaves(arguments) if _is_data(leaf)]
        statics = [leaf for leaf in tree.leaves(arguments) if not _is_data(leaf)]
        structure = repr(tree.map_tree(lambda leaf: "*" if _is_data(leaf) else "=", arguments))
        key = (
            structure,
            *map(self._static_key, statics),
            *((x.dtype, x.shape[1:], x.ndim) for x in data),
        )
        shapes = self._shapes(key, data)
        step = self._steps.get((key, shapes))
        if step is None:
            step = self._steps[key, shapes] = self._trace(arguments, data, shapes)
        # Only now: where a program for n rows cannot be traced, those for fixed sizes still run.
        self._rows[key] = tuple(shape[:1] for shape in shapes)
        return step, data

    def _static_key(self, value: Any) -> Any:
        if isinstance(value, (int, float, str, bytes, type(None))):
            return type(value), value
        self._kept[id(value)] = value
        return id(value)

    def _shapes(self, key: Any, data: list[Any]) -> tuple[Shape, ...]:
        """The shapes to trace with: as they are at first; when only numbers of rows differ from the
        last call, those that differ become n."""
        if self._signature is not None:
            if len(data) != len(self._signature):
                raise ValueError(
                    f"{self.__name__}: the input_signature has {len(self._signature)} entries. "
                    f"Got {len(data)} arrays or tensors."
                )
            pairs = zip(data, self._signature, strict=True)
            return tuple(_checked(self.__name__, i, x, spec) for i, (x, spec) in enumerate(pairs))
        rows = tuple(x.shape[:1] for x in data)
        before = self._rows.get(key, rows)
        if before != rows:
            changed = {(old, new) for old, new in zip(before, rows, strict=True) if old != new}
            symbols = tuple(
                (N,) if old == (N,) or (len(changed) == 1 and old != new) else new
                for old, new in zip(before, rows, strict=True)
            )
            sizes = {new for s, new in zip(symbols, rows, strict=True) if s == (N,)}
            rows = symbols if len(sizes) == 1 else rows
        return tuple((*row, *x.shape[1:]) for row, x in zip(rows, data, strict=True))

    def _trace(self, arguments: Any, data: list[Any], shapes: tuple[Shape, ...]) -> Step:
        names = iter(_names(self._function, arguments))
        pairs = iter(zip(data, shapes, strict=True))

        def symbol(leaf: Any) -> Any:
            name = next(names)
            if not _is_data(leaf):
                return leaf
            x, shape = next(pairs)
            return Symbol(shape, x.dtype, label=name)

        symbols = tree.map_tree(symbol, arguments)
        name = getattr(self._function, "__name__", "program")
        name = name if name.isidentifier() else "program"  # a lambda
        summary = (self._function.__doc__ or f"{name}, traced").strip().splitlines()[0].rstrip(".")
        return Step(lambda args, kwargs: self._function(*args, **kwargs), symbols, name, summary)


class _Method:
    """A Function as the method of an object."""

    def __init__(self, function: Function, instance: Any):
        update_wrapper(self, function)
        self._function, self._instance = function, instance

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(self._instance, *args, **kwargs)

    def program(self, *args: Any, **kwargs: Any) -> Program:
        """The program that a call with these arguments runs."""
        return self._function.program(self._instance, *args, **kwargs)


def function(
    func: Callable[..., Any] | None = None, *, input_signature: Sequence[Any] | None = None
) -> Any:
    """Make a function run as a program: it is traced once, then its NumPy text runs.

    Tensors and arrays among the arguments are the program's inputs; everything else (numbers,
    strings, models) is part of the program, and another value means another program. Variables that
    the function reads or assigns are the program's state. Python side effects happen while it is
    traced, once. Inside of another traced function, and while a GradientTape is open, it runs as
    plain Python.

    Shapes are fixed at first; when a later call differs only in the number of rows, a program for
    any number `n` takes over. `input_signature`, a list of `InputSpec`s with None for `n`, asks for
    that from the start.

    >>> import sheer
    >>> @sheer.function
    ... def scale(x):
    ...     return 2 * x
    >>> scale(sheer.ops.ones((2,)))
    <Tensor shape=(2,) dtype=float32 [2. 2.]>
    >>> print(scale.program(sheer.ops.ones((2,))))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def scale(x):
        \"\"\"scale, traced: x (2,) float32.\"\"\"
    <BLANKLINE>
        multiply = 2 * x                                        # (2,)
    <BLANKLINE>
        return multiply
    <BLANKLINE>
    """
    if func is None:
        return lambda f: Function(f, input_signature)
    return Function(func, input_signature)


def _is_data(leaf: Any) -> bool:
    is_array = isinstance(leaf, (np.ndarray, np.generic, Operand))
    return is_array and not isinstance(leaf, Variable)


def _array(value: Any) -> Any:
    return value.numpy() if isinstance(value, Tensor) else value


def _checked(name: str, place: int, x: Any, spec: Any) -> Shape:
    """The shape to trace with, where the input is as the signature says."""
    wanted = symbolic(spec.shape)
    fits = len(wanted) == x.ndim and all(
        isinstance(a, Dim) or a == b for a, b in zip(wanted, x.shape, strict=True)
    )
    dtype = spec.dtype or config.floatx()
    if not fits or x.dtype != dtype:
        raise ValueError(
            f"{name}: input {place + 1} is not as the input_signature says.\n"
            f"  signature {show(wanted)} {dtype}\n"
            f"  input     {show(x.shape)} {x.dtype}"
        )
    return wanted


def _names(function: Callable[..., Any], arguments: Any) -> list[str]:
    """A name for each leaf: the parameter's, with the place inside a structure behind it."""
    args, kwargs = arguments
    try:
        bound = inspect.signature(function).bind_partial(*args, **kwargs).arguments
        positional = list(bound)[: len(args)]
    except (TypeError, ValueError):
        positional = []
    positional += [f"x{i + 1}" for i in range(len(positional), len(args))]
    result = []
    for name, value in [*zip(positional, args, strict=True), *kwargs.items()]:
        count = len(tree.leaves(value))
        result += [name] if count == 1 else [f"{name}_{i + 1}" for i in range(count)]
    return result
