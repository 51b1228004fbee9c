"""Program: the readable text of a computation, and its function."""

from __future__ import annotations

import ast
import inspect
import os
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from sheer.core.files import write_text
from sheer.engines import numpy as numpy_engine

NAMES = ("train_step", "test_step", "predict_step")


class Program:
    """A program as text, and as a function of arrays that runs it.

    `str(program)` is the text; calling the program calls its function. Debuggers and tracebacks
    show its lines. `save` writes it to a file to be read or changed, `load` takes it back.

    >>> program = Program("def double(x):\\n    return x + x\\n", "double")
    >>> program(21)
    42
    >>> program.parameters
    ['x']
    """

    def __init__(self, text: str, name: str, filename: str | None = None):
        self.text = text
        self.name = name
        self.filename = filename or numpy_engine.new_filename(name)
        self.function: Callable[..., Any] = numpy_engine.load(text, name, self.filename)
        # Says how an engine runs it; for the program of a traced function.
        self.explainer: Callable[[int], str] | None = None

    def __reduce__(self) -> Any:
        return Program, (self.text, self.name)

    @property
    def parameters(self) -> list[str]:
        """The names of the function's parameters: the data, then the state."""
        return list(inspect.signature(self.function).parameters)

    def __call__(self, *arguments: Any) -> Any:
        # Infinities and NaN are values like others here, as on every other engine.
        with np.errstate(all="ignore"):
            return self.function(*arguments)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        lines = self.text.count("\n")
        return (
            f"<Program {self.name}({', '.join(self.parameters)}): {lines} lines, print() shows it>"
        )

    def explain(self, n: int = 32) -> str:
        """What runs each line on the native engine for batches of n rows: the kernels, what was put
        together with what, and why a line is left to NumPy, where one is.

        >>> print(Program("def double(x):\\n    return x + x\\n", "double", "mine.py").explain())
        NumPy runs mine.py: it is a text of its own, not a model's program.
        <BLANKLINE>
        """
        if self.explainer is None:
            return f"NumPy runs {self.filename}: it is a text of its own, not a model's program.\n"
        return self.explainer(n)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the text to a file, all of it or nothing."""
        write_text(path, self.text)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The program in a file: Python code, which runs now as an import would. Load only what you
        trust.

        The function is the one called train_step, test_step or predict_step; else the first one.
        """
        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            functions = [n.name for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)]
        except SyntaxError as error:
            raise ValueError(f"{path}, line {error.lineno}: {error.msg}.") from error
        if not functions:
            raise ValueError(
                f"{path} defines no function. A program is a file with a function, such as "
                "train_step, as Program.save writes it."
            )
        name = next((n for n in functions if n in NAMES), functions[0])
        return cls(text, name, str(path))
