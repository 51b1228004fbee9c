"""The rows of a program: what each of its lines computes, for which part of the model."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Row:
    """A line of a program's function that computes something (or several, where it is broken).

    Args:
        first, last: the numbers of its lines in the text, from 1 on.
        source: the statement, without comments.
        targets: the names of the values that it computes.
        phase: under which heading it stands: `"forward"`, `"loss"`, `"backward"`, `"update"`,
            `"metrics"`; empty where there is none.
        part: the layer, or other part of the model, that it belongs to; empty where it is none.
        op: the op that it calls; empty where the text is not the one traced.
        of: for each target the value that it is the gradient of, or the Variable whose new value it
            is; empty where it is neither.
    """

    first: int
    last: int
    source: str
    targets: tuple[str, ...]
    phase: str = ""
    part: str = ""
    op: str = ""
    of: tuple[str, ...] = ()


# A heading of several, and the only one of a program.
NUMBERED = re.compile(r"# \d+\. (forward|loss|backward|update|metrics)\b")
ALONE = re.compile(r"# (forward|loss|backward|update|metrics)$")

# Of a target: the op that computes it, its part, and what it is the gradient or new value of.
Facts = dict[str, tuple[str, str, str]]


def function_of(text: str, name: str) -> ast.FunctionDef:
    """The definition of a program's function."""
    return function_in(ast.parse(text), name)


def function_in(tree: ast.Module, name: str) -> ast.FunctionDef:
    """The definition of the function of this name in a module."""
    return next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)


def text_lines(text: str) -> list[str]:
    """The lines of a text as Python counts them: form feeds and the like end none."""
    return re.split(r"\r\n|[\r\n]", text)


def statements_of(source: str) -> list[ast.stmt]:
    """The statements of a text; none where it is no Python, as a row of several broken lines (`if`,
    `try`) put into one."""
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def rows_of(text: str, name: str, facts: Facts | None = None) -> list[Row]:
    """The rows of a program's function, whoever wrote it: its statements and its headings say most.

    facts: what only the traced graph tells, by target.

    >>> text = '''
    ... def train_step(x, dense):
    ...     # 1. forward
    ...     # dense: x · kernel
    ...     y = x @ dense.kernel   # (n, 1)
    ...     return y
    ... '''
    >>> row, result = rows_of(text, "train_step")
    >>> row.first, row.source, row.targets, row.phase, row.part
    (5, 'y = x @ dense.kernel', ('y',), 'forward', 'dense')
    >>> result.source
    'return y'
    """
    lines = text_lines(text)
    function = function_of(text, name)
    rows = []
    phase = part = ""
    before = function.lineno
    numbered = any(NUMBERED.match(line.strip()) for line in lines)
    for statement in function.body:
        for line in lines[before : statement.lineno - 1]:
            phase, part = _heading(line.strip(), phase, part, numbered)
        before = statement.end_lineno or statement.lineno
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # the docstring
        source = _without_comments("\n".join(lines[statement.lineno - 1 : before]))
        row = Row(statement.lineno, before, source, _targets(statement), phase, part)
        rows.append(_completed(row, facts or {}))
    return rows


def _heading(line: str, phase: str, part: str, numbered: bool) -> tuple[str, str]:
    """The phase and the part after this line, which stands between two statements."""
    if not line:
        return phase, ""
    heading = (NUMBERED if numbered else ALONE).match(line)
    if heading:
        return heading[1], ""
    if line.startswith("# what changes"):
        return "result", ""
    named = re.match(r"# ([\w./-]+): ", line)
    return phase, named[1] if named else part


def _without_comments(source: str) -> str:
    """A statement in one line."""
    lines = text_lines(source)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            number, column = token.start
            lines[number - 1] = lines[number - 1][:column]
    joined = " ".join(line.strip() for line in lines if line.strip())
    return re.sub(r"\(\s+|\s+\)", lambda m: m[0].strip(), joined)


def _targets(statement: ast.stmt) -> tuple[str, ...]:
    """The names that a statement gives a value, or changes in place (`h[0] = 1`, `out=h`)."""
    changed: list[ast.Name] = []
    for node in ast.walk(statement):
        if isinstance(node, (ast.Name, ast.Subscript)) and isinstance(node.ctx, ast.Store):
            changed += _owners(node)
        elif isinstance(node, ast.keyword) and node.arg == "out":
            changed += _owners(node.value)
    changed.sort(key=lambda node: (node.lineno, node.col_offset))
    return tuple(dict.fromkeys(node.id for node in changed))


def _owners(node: ast.expr) -> list[ast.Name]:
    """The name of the array that an expression is a part of."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return [node] if isinstance(node, ast.Name) else []


def _completed(row: Row, facts: Facts) -> Row:
    known = [facts.get(target, ("", "", "")) for target in row.targets]
    if not any(map(any, known)):
        return row
    op, part, _ = known[0]
    return replace(row, op=op, part=row.part or part, of=tuple(of for *_, of in known))


def facts_of(calls: list[Any], names: dict[int, str], news: dict[int, str]) -> Facts:
    """What the traced calls of a program tell about its lines.

    Args:
        calls: of the graph.
        names: by the id() of a value, the name that the program has for it.
        news: by the id() of a value, the name of the Variable whose new value it is.
    """
    facts: Facts = {}
    parts: dict[int, str] = {}
    for call in calls:
        first = call.outputs[0]
        of = [_made_for(y, names, news) for y in call.outputs]
        part = call.place.part or _part_of(call, first, parts, of[0])
        for y, what in zip(call.outputs, of, strict=True):
            parts[id(y)] = part
            if id(y) in names:
                facts[names[id(y)]] = call.op.name.lstrip("_"), part, what
    return facts


def _made_for(value: Any, names: dict[int, str], news: dict[int, str]) -> str:
    if id(value) in news:
        return news[id(value)]
    return names.get(id(value.gradient_of), "") if value.gradient_of is not None else ""


def _part_of(call: Any, value: Any, parts: dict[int, str], of: str) -> str:
    """The part of a line that stands under no part's name: of the value that it is the gradient of,
    of a weight, or else of what it is computed from."""
    if value.gradient_of is not None and parts.get(id(value.gradient_of)):
        return parts[id(value.gradient_of)]
    if "." in of and call.place.section.startswith("backward"):
        return of.partition(".")[0]
    if call.place.section.startswith(("backward", "update")):
        return next((parts[id(x)] for x in call.operands() if parts.get(id(x))), "")
    return ""
