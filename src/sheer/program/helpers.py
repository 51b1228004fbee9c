"""Ops that NumPy has no word for: their bodies, as functions of a program."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any

from sheer.ops.declare import OPS, Op

WIDTH = 100


def helper_name(op: Op[Any, Any]) -> str:
    """The name of an op's function in a program."""
    return op.name.lstrip("_")


def op_called(name: str) -> Op[Any, Any] | None:
    """The op whose function has this name in a program."""
    return OPS.get(name) or OPS.get(f"_{name}")


def is_helper(name: str) -> bool:
    """Whether a program may have a function of this name, for an op that NumPy has no word for."""
    op = op_called(name)
    # A text that is made for each call may be a call of the function.
    return op is not None and (not isinstance(op.text, str) or op.text.startswith(name))


def helper_sources(names: list[str]) -> list[str]:
    """The definitions of these helper functions and of all that they call, callers first."""
    found: dict[str, str] = {}
    waiting: list[Any] = [op.body for name in names if (op := op_called(name)) is not None]
    while waiting:
        function = waiting.pop(0)
        name = function.__name__.lstrip("_")
        if name not in found:
            found[name], needs = _written(function)
            for needed in needs:
                if callable(needed):
                    waiting.append(needed)
                else:
                    found.setdefault(*needed)
    constants = [text for text in found.values() if not text.startswith("def ")]
    return constants + [text for text in found.values() if text.startswith("def ")]


def _written(function: Callable[..., Any]) -> tuple[str, list[Any]]:
    """The function as NumPy code, and the functions and constants that it needs."""
    source = textwrap.dedent(inspect.getsource(function))
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    signature = ast.unparse(_plain_arguments(node.args))
    summary = (ast.get_docstring(node) or "").split("\n\n")[0]
    first = node.body[1 if ast.get_docstring(node) else 0]
    body = "\n".join(source.splitlines()[first.lineno - 1 : node.end_lineno])
    body = re.sub(r"\bxp, ", "", re.sub(r"\bxp\.", "np.", body))
    name = node.name.lstrip("_")
    head = f"def {name}({signature}):"
    if len(head) > WIDTH:
        parameters = textwrap.indent(textwrap.fill(signature, WIDTH - 4), "    ")
        head = f"def {name}(\n{parameters}\n):"
    lines = [head]
    if summary:
        lines.append(textwrap.indent(f'"""{summary}"""', "    "))
    needs: list[Any] = []
    inside = [n for statement in node.body for n in ast.walk(statement)]
    for used in dict.fromkeys(n.id for n in inside if isinstance(n, ast.Name)):
        value = function.__globals__.get(used)
        if inspect.isfunction(value) and next(iter(inspect.signature(value).parameters)) == "xp":
            needs.append(value)
        elif isinstance(value, (list, float, int)):
            needs.append((used, f"{used} = {value!r}"))
    return "\n".join(lines) + "\n" + body, needs


def _plain_arguments(arguments: ast.arguments) -> ast.arguments:
    """Without `xp` and without annotations."""
    arguments.args = arguments.args[1:]
    for argument in arguments.args:
        argument.annotation = None
    return arguments
