"""Writing a graph as Python text. Nothing else in sheer writes Python."""

from __future__ import annotations

import ast
import textwrap
from collections import Counter
from typing import Any

import numpy as np

from sheer.core import tree
from sheer.core.errors import TraceError
from sheer.core.shapes import Dim, show
from sheer.core.text import without_controls
from sheer.ops.recording import Call
from sheer.ops.symbol import Symbol
from sheer.ops.tensor import Tensor
from sheer.ops.variable import Variable
from sheer.program.helpers import WIDTH, helper_name, helper_sources, op_called
from sheer.program.names import Names
from sheer.program.rows import Facts, facts_of
from sheer.trace.graph import Graph
from sheer.trace.rewrites import batch_size

COMMENT_COLUMN = 60
INLINE_WIDTH = 50
OUTPUT_WIDTH = 75
SMALL_CONSTANT = 8
LARGE_CONSTANT = 100_000


def write(graph: Graph, places: dict[Variable, tuple[str, str]], summary: str) -> str:
    """The text of a module with one function that does what the graph says.

    Args:
        places: for each Variable, the parameter and the attribute by which the function knows it.
        summary: the first line of the function's docstring.
    """
    return _Writer(graph, places, summary).text()


def lines_of_calls(
    graph: Graph, places: dict[Variable, tuple[str, str]], summary: str
) -> list[tuple[str, list[Call]]]:
    """The lines of the program that compute something, each with the calls that stand in it."""
    writer = _Writer(graph, places, summary)
    writer.text()
    found: dict[int, tuple[str, list[Call]]] = {}
    for call in reversed(graph.calls):
        line = writer.lines.get(id(call))
        if line is not None:
            found[id(call)] = line, [call]
            continue
        # Put inside another line: that of the call that uses its value, or of the results.
        users = (c for c in graph.calls if any(x is y for x in c.operands() for y in call.outputs))
        user = next(users, None)
        home = found.get(id(user)) if user is not None else None
        found[id(call)] = home or found.setdefault(0, ("return", []))
        found[id(call)][1].insert(0, call)
    unique = {id(entry): entry for call in graph.calls if (entry := found[id(call)])}
    return list(unique.values())


def facts(graph: Graph, places: dict[Variable, tuple[str, str]], summary: str) -> Facts:
    """What the graph tells about the lines of its program, see `rows.rows_of`."""
    writer = _Writer(graph, places, summary)
    writer.text()
    keys = {v: ".".join(p for p in places[v] if p) for v in [*graph.reads, *graph.writes]}
    names = dict(writer.names.names) | {id(s): keys[v] for v, s in graph.reads.items()}
    return facts_of(graph.calls, names, {id(y): keys[v] for v, y in graph.writes.items()})


def named_values(
    graph: Graph, places: dict[Variable, tuple[str, str]], summary: str
) -> dict[str, Symbol]:
    """What the calls of a graph compute, by the names that its program has for it; what stands
    inside another line has none."""
    writer = _Writer(graph, places, summary)
    writer.text()
    names = writer.names.names
    made = (value for call in graph.calls for value in call.outputs)
    return {names[id(value)]: value for value in made if id(value) in names}


class _Writer:
    def __init__(self, graph: Graph, places: dict[Variable, tuple[str, str]], summary: str):
        self.graph = graph
        self.summary = in_docstring(summary)
        self.templates = {id(call): _template(call) for call in graph.calls}
        self.helpers = self._helpers()
        self.names = Names(places, {graph.name, *self.helpers})
        # What stands for a value in an expression: a name, or a whole expression put inside.
        self.expressions: dict[int, ast.expr] = {}
        self.constants: list[str] = []
        # By the id() of a call: the line that computes it.
        self.lines: dict[int, str] = {}
        self.uses = Counter(id(x) for call in graph.calls for x in call.operands())
        self.uses.update(id(v) for v in [*tree.leaves(graph.output), *graph.writes.values()])
        self.new_values = {id(value): v for v, value in graph.writes.items()}
        self.section_of_use: dict[int, str] = {}
        for call in graph.calls:
            for x in call.operands():
                self.section_of_use.setdefault(id(x), call.place.section)

    def text(self) -> str:
        for symbol in self.graph.inputs:
            self._known(symbol, self.names.claim(symbol, symbol.label or "x"))
        parameters = [self.names.of(symbol) for symbol in self.graph.inputs]
        for variable in {**self.graph.reads, **self.graph.writes}:
            space, attribute = self.names.places[variable]
            parameters.append(space or attribute)
            if variable in self.graph.reads:
                name = f"{space}.{attribute}" if space else attribute
                self._known(self.graph.reads[variable], name)
                self.names.names[id(self.graph.reads[variable])] = self.names.short(variable)
        lines = self._body()
        lines += self._result()
        name = self.graph.name
        head = f"def {name}({', '.join(dict.fromkeys(parameters))}):"
        if len(head) > WIDTH:
            inside = textwrap.fill(head[len(name) + 5 : -2], WIDTH - 8, break_long_words=False)
            head = f"def {name}(\n{textwrap.indent(inside, '        ')}):"
        blocks = [self._preamble(), head + "\n" + textwrap.indent(self._docstring(lines), "    ")]
        return "\n\n\n".join(blocks + helper_sources(self.helpers)) + "\n"

    def _preamble(self) -> str:
        return "\n".join(["import numpy as np", *(["", *self.constants] if self.constants else [])])

    def _docstring(self, lines: list[str]) -> str:
        data = ", ".join(f"{self.names.of(s)} {show(s.shape)} {s.dtype}" for s in self.graph.inputs)
        text = f'"""{self.summary}: {data}."""' if data else f'"""{self.summary}."""'
        if len(text) > WIDTH - 4:
            text = f'"""{self.summary}.\n\n{textwrap.fill(data, WIDTH - 4)}\n"""'
        return "\n".join([text, *lines])

    def _helpers(self) -> list[str]:
        """The ops whose functions the templates call, in the order of their first use."""
        found: dict[str, None] = {}
        for template in self.templates.values():
            for node in ast.walk(template):
                is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
                if is_call and op_called(node.func.id):  # type: ignore[attr-defined]
                    found[node.func.id] = None  # type: ignore[attr-defined]
        return list(found)

    # --- lines ----------------------------------------------------------------------------

    def _body(self) -> list[str]:
        lines: list[str] = []
        section = part = None
        sections = list(dict.fromkeys(c.place.section for c in self.graph.calls if c.place.section))
        for call in self.graph.calls:
            line = self._line(call)
            if line is None:
                continue
            if call.place.section != section:
                section, part = call.place.section, None
                number = f"{sections.index(section) + 1}. " if section and len(sections) > 1 else ""
                lines += ["", _comment(f"{number}{section}")] if section else [""]
            if call.place.part != part:
                if call.place.part and call.place.formula:
                    lines.append(_comment(f"{call.place.part}: {call.place.formula}"))
                elif part:
                    lines.append("")  # what follows is of the model itself
                part = call.place.part
            lines.append(line)
        return lines

    def _line(self, call: Call) -> str | None:
        """The line that computes a call; None where its expression stands inside other lines."""
        expression = self._expression(call)
        value = call.outputs[0]
        if self._goes_inside(call, expression):
            self.expressions[id(value)] = expression
            return None
        written = [
            self.names.claim(y, self.names.wanted(call, y, self.new_values.get(id(y))))
            for y in call.outputs
        ]
        for y, name in zip(call.outputs, written, strict=True):
            self.expressions[id(y)] = ast.Name(name)
        line = f"{', '.join(written)} = {ast.unparse(expression)}"
        self.lines[id(call)] = line
        shapes = ", ".join(dict.fromkeys(show(y.shape) for y in call.outputs))
        if len(line) > WIDTH - 4:
            return _wrapped(line)
        commented = f"{line:<{COMMENT_COLUMN - 6}}  # {shapes}"
        return commented if len(commented) <= WIDTH - 4 else line

    def _goes_inside(self, call: Call, expression: ast.expr) -> bool:
        value = call.outputs[0]
        if call.op.inline == "always" and id(value) not in self.new_values:
            return True
        return (
            bool(call.op.inline or call.place.section.startswith("backward"))
            and self.uses[id(value)] == 1
            and not value.label
            and value.gradient_of is None
            and id(value) not in self.new_values
            and (isinstance(self.graph.output, dict) or not self._is_output(value))
            and len(ast.unparse(expression))
            <= (OUTPUT_WIDTH if self._is_output(value) else INLINE_WIDTH)
            and self.section_of_use.get(id(value), call.place.section) == call.place.section
        )

    def _is_output(self, value: Any) -> bool:
        return any(value is v for v in tree.leaves(self.graph.output))

    # --- expressions ----------------------------------------------------------------------

    def _known(self, value: Any, text: str) -> None:
        self.expressions[id(value)] = ast.parse(text, mode="eval").body

    def _expression(self, call: Call) -> ast.expr:
        """The template with the operands and attributes put in."""
        filled: dict[str, ast.expr] = {}
        for name, value in zip(call.op.tensors, call.inputs, strict=True):
            filled[name] = self._operand(value)
            if isinstance(value, list):
                for i, one in enumerate(value):
                    filled[f"{name}[{i}]"] = self._operand(one)
        for name, value in call.attrs.items():
            filled[name] = self._attribute(value)

        class Fill(ast.NodeTransformer):
            def visit_Name(self, node: ast.Name) -> ast.expr:
                return filled[_slot_of(node.id)] if node.id.startswith(SLOT) else node

        template = ast.parse(ast.unparse(self.templates[id(call)]), mode="eval").body
        result: ast.expr = Fill().visit(template)
        return result

    def _operand(self, value: Any) -> ast.expr:
        if isinstance(value, list):
            return ast.List([self._operand(v) for v in value])
        if isinstance(value, Symbol):
            return self.expressions[id(value)]
        if isinstance(value, Tensor):
            return self._constant(value)
        return _literal(value)

    def _attribute(self, value: Any) -> ast.expr:
        if value is Ellipsis:
            return ast.Constant(value)
        if isinstance(value, tuple):
            return ast.Tuple([self._attribute(v) for v in value])
        if isinstance(value, Dim):
            return self._size(value)
        if isinstance(value, slice):
            ends = (value.start, value.stop, value.step)
            return ast.Slice(*(None if end is None else self._attribute(end) for end in ends))
        return _literal(value)

    def _size(self, dim: Dim) -> ast.expr:
        for x in self.graph.inputs:
            for axis, size in enumerate(x.shape):
                if size == Dim():
                    attrs = {"axis": axis, "factor": dim.factor, "offset": dim.offset}
                    call = Call(batch_size, [x], attrs)
                    self.templates[id(call)] = _template(call)
                    return self._expression(call)
        raise AssertionError(f"no input has the size of {dim!r}")

    def _constant(self, tensor: Tensor) -> ast.expr:
        array = tensor.numpy()
        known = self.expressions.get(id(tensor))
        if known is not None:
            return known
        dtype = dtype_text(tensor.dtype)
        if array.ndim == 0:
            value = array.item()
            exact = isinstance(value, float) and np.isfinite(value)
            text = f"{dtype}({array[()]!s})" if exact else f"{dtype}({_number(value)})"
        elif array.size <= SMALL_CONSTANT:
            text = f"np.array({_numbers(array.tolist())}, dtype={dtype})"
        else:
            if array.size > LARGE_CONSTANT:
                raise TraceError(
                    f"A constant of {array.size} numbers cannot be written into a program.\n"
                    "Keep it in a Variable (trainable=False): programs get those as arguments."
                )
            name = self.names.claim(tensor, "constant")
            self.constants.append(f"{name} = np.array({_numbers(array.tolist())}, dtype={dtype})")
            text = name
        expression = ast.parse(text, mode="eval").body
        if array.ndim:
            self.expressions[id(tensor)] = expression
        return expression

    # --- the result -----------------------------------------------------------------------

    def _result(self) -> list[str]:
        output = self._output(self.graph.output)
        lines = [""]
        if not self.graph.writes:
            return [*lines, f"return {output}"]
        lines += ["# what changes", "state = {", *self._state(), "}"]
        if isinstance(self.graph.output, dict):
            entries = [
                f"    {_quoted(k)}: {self._output(v)}," for k, v in self.graph.output.items()
            ]
            lines += ["logs = {", *entries, "}"]
            output = "logs"
        return [*lines, f"return {output}, state"]

    def _state(self) -> list[str]:
        """The new value of each Variable, by namespace."""
        spaces = list(dict.fromkeys(space for space, _ in self.names.places.values()))
        ordered = sorted(
            self.graph.writes.items(), key=lambda item: spaces.index(self.names.places[item[0]][0])
        )
        return [
            f'    "{".".join(p for p in self.names.places[v] if p)}": '
            f"{ast.unparse(self._operand(value))},"
            for v, value in ordered
        ]

    def _output(self, value: Any) -> str:
        if isinstance(value, dict):
            return (
                "{" + ", ".join(f"{_quoted(k)}: {self._output(v)}" for k, v in value.items()) + "}"
            )
        if isinstance(value, list):
            return "[" + ", ".join(map(self._output, value)) + "]"
        if isinstance(value, tuple):
            return "(" + "".join(self._output(v) + ", " for v in value).rstrip() + ")"
        return ast.unparse(self._operand(value))


# --- names that anyone may have chosen --------------------------------------------------------
#
# Layers, losses and metrics are called as a user likes, or as a file says that somebody made: their
# names must never become lines of a program.


def _comment(text: str) -> str:
    return f"# {without_controls(text)}"


def _quoted(text: Any) -> str:
    """A text in double quotes, as Python reads it."""
    inside = repr(f'"{text}')[2:-1].replace('"', '\\"')
    return f'"{inside}"'


def in_docstring(text: str) -> str:
    """A text as it can stand inside a docstring."""
    return without_controls(text).replace("\\", "\\\\").replace('"', "'")


# --- templates ------------------------------------------------------------------------------

SLOT = "slot__"


def _slot_of(name: str) -> str:
    return name[len(SLOT) :].replace("__of__", "[").replace("__end__", "]")


def _template(call: Call) -> ast.expr:
    """How the op says itself, as an expression with a slot for each operand and attribute."""
    text = call.op.text(call) if callable(call.op.text) else call.op.text
    text = text or helper_name(call.op)
    if "{" not in text and "[" not in text and "(" not in text:
        text = f"{text}({', '.join(_arguments(call))})"
    return ast.parse(_slots(text), mode="eval").body


def _arguments(call: Call) -> list[str]:
    """Operands, then attributes; those with their default value are left out."""
    arguments = []
    for name, value in zip(call.op.tensors, call.inputs, strict=True):
        if value is not None or name not in call.op.defaults:
            arguments.append(f"{{{name}}}")
    for name in call.op.attributes:
        if name not in call.op.defaults:
            arguments.append(f"{{{name}}}")
        elif call.attrs[name] != call.op.defaults[name]:
            arguments.append(f"{name}={{{name}}}")
    return arguments


def _slots(text: str) -> str:
    """`{x} @ {kernel}` as Python that can be parsed."""
    pieces = text.split("{")
    result = pieces[0]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}")
        result += SLOT + name.replace("[", "__of__").replace("]", "__end__") + rest
    return result


def dtype_text(dtype: str) -> str:
    """A dtype as NumPy's name for it."""
    return "np.bool_" if dtype == "bool" else f"np.{dtype}"


def _literal(value: Any) -> ast.expr:
    return ast.parse(_number(value) if isinstance(value, float) else repr(value), mode="eval").body


def _number(value: Any) -> str:
    if isinstance(value, float) and not np.isfinite(value):
        return f"float('{value}')"
    return repr(value)


def _numbers(values: Any) -> str:
    if isinstance(values, list):
        return "[" + ", ".join(map(_numbers, values)) + "]"
    return _number(values)


def _wrapped(line: str) -> str:
    """A line too long for the page, broken inside its last call or in parentheses."""
    target, _, expression = line.partition(" = ")
    if len(target) + len(expression.partition("(")[0]) > WIDTH - 8:
        inside = textwrap.fill(target, WIDTH - 12, break_long_words=False)
        target = f"(\n{textwrap.indent(inside, '    ')}\n)"
    if expression.endswith(")") and "(" in expression and _is_call(expression):
        function, _, arguments = expression.partition("(")
        inside = textwrap.fill(arguments[:-1], WIDTH - 12, break_long_words=False)
        return f"{target} = {function}(\n{textwrap.indent(inside, '    ')}\n)"
    inside = textwrap.fill(expression, WIDTH - 12, break_long_words=False)
    return f"{target} = (\n{textwrap.indent(inside, '    ')}\n)"


def _is_call(expression: str) -> bool:
    node = ast.parse(expression, mode="eval").body
    return isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute))
