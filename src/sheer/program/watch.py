"""Running a program while each of its lines is watched."""

from __future__ import annotations

import ast
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from sheer.engines.native import eager
from sheer.ops.linalg import matmul
from sheer.program.program import Program
from sheer.program.rows import Row, function_in

SEEN, PRODUCT = "__seen__", "__product__"


@dataclass
class Watched:
    """What was seen of one run of a program.

    `values` has a copy of each value that a line computed, by its name there; `seconds` for each
    row how long NumPy took; `result` is what the function returned.
    """

    values: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    result: Any = None


def watch(program: Program, rows: Sequence[Row], arguments: Sequence[Any]) -> Watched:
    """Run a program on NumPy, and keep the values that its lines compute.

    The text is compiled once more, with a call behind each statement that looks at what there is.
    Large matrix products are left to the engine: NumPy's own threads would go on spinning behind
    each, and hold up a training that is watched. The statements are the same but for that. An error
    has the program's line in its traceback, as without.

    >>> from sheer.program.rows import rows_of
    >>> double = Program("def double(x):\\n    y = x + x\\n    return y\\n", "double")
    >>> watch(double, rows_of(double.text, "double"), [np.ones(2)]).values
    {'y': array([2., 2.])}
    """
    watched = Watched(seconds=[0.0] * len(rows))
    last = 0.0

    def seen(number: int, names: dict[str, Any]) -> None:
        nonlocal last
        watched.seconds[number] = time.perf_counter() - last
        for target in rows[number].targets:
            array = _as_array(names.get(target))
            if array is not None:
                watched.values[target] = array
        last = time.perf_counter()

    function = compiled(program, rows, seen)
    last = time.perf_counter()
    with np.errstate(all="ignore"):
        watched.result = function(*arguments)
    return watched


def compiled(
    program: Program, rows: Sequence[Row], seen: Callable[[int, dict[str, Any]], None]
) -> Callable[..., Any]:
    """The program's function, which calls `seen` after each row that computes something, with the
    row's number and its names, with their values."""
    module: dict[str, Any] = {"__name__": f"sheer_{program.name}", SEEN: seen, PRODUCT: _product}
    exec(_code(program.text, program.name, program.filename, tuple(rows)), module)
    function: Callable[..., Any] = module[program.name]
    return function


@lru_cache(8)
def _code(text: str, name: str, filename: str, rows: tuple[Row, ...]) -> CodeType:
    """The text compiled, with the calls of `SEEN`."""
    tree = ast.parse(text)
    function = function_in(tree, name)
    waiting = deque(enumerate(rows))  # a line may hold several statements
    body: list[ast.stmt] = []
    for statement in function.body:
        body.append(statement)
        if not waiting or waiting[0][1].first != statement.lineno:
            continue
        number, row = waiting.popleft()
        if row.targets:
            look = ast.parse(f"{SEEN}({number}, {_names(statement, row.targets)})").body[0]
            body.append(ast.fix_missing_locations(_at(look, statement)))
    function.body = body
    return compile(ast.fix_missing_locations(_Products().visit(tree)), filename, "exec")


class _Products(ast.NodeTransformer):
    """Puts `__product__(a, b)` in place of `a @ b`."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.op, ast.MatMult):
            return node
        call = ast.Call(ast.Name(PRODUCT, ast.Load()), [node.left, node.right], [])
        return ast.copy_location(call, node)


def _product(a: Any, b: Any) -> Any:
    """a @ b, on the engine where it takes that."""
    is_plain = type(a) is type(b) is np.ndarray and a.ndim == b.ndim == 2 and a.dtype == b.dtype
    if is_plain and a.shape[1] == len(b):
        found = eager.compute(matmul, [np.ascontiguousarray(a), np.ascontiguousarray(b)], {})
        if found is not None:
            return found[0]
    return a @ b


def _names(statement: ast.stmt, targets: tuple[str, ...]) -> str:
    """An expression for the names that there are behind a statement, with their values: its targets
    where it assigns just these, or all that there are, since it may have passed some by."""
    assigned = statement.targets if isinstance(statement, ast.Assign) else []
    inside = (node for target in assigned for node in ast.walk(target))
    names = {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    if names != set(targets):
        return "locals()"
    return f"{{{', '.join(f'{name!r}: {name}' for name in targets)}}}"


def _at(node: ast.stmt, statement: ast.stmt) -> ast.stmt:
    """The node, at the line of a statement."""
    for inner in ast.walk(node):
        if hasattr(inner, "lineno"):
            ast.copy_location(inner, statement)
    return node


def _as_array(value: Any) -> np.ndarray[Any, Any] | None:
    """A copy of a value of numbers; None for what has no one shape."""
    if isinstance(value, (np.ndarray, np.generic, int, float)):
        array = np.array(value)
        return array if array.dtype.kind in "biuf" else None
    return None
