"""Recipes: how the lines of a program compute their values, as trees of JSON.

A recipe is one of these:

    {"name": "dense.kernel"}                   an input or a value of the step
    {"number": 0.5}                            also "nan", "inf", "-inf"
    {"op": "+", "of": [recipe, ...], "attributes": {"axis": -1, ...}}

The ops are Python's operators (`+ - * / ** // % @ == != < <= > >=`), `negative`, `T`, `len`,
NumPy's functions by their names (`maximum`, `mean`, `where`, ...), and sheer's own by the names
that they have in programs (`softmax`, `take_label`, ...). Some have a form of their own:

    cast       the operand in the `dtype`                reshape    of the array, then of the sizes
    slice      `key`: for each axis a number, null (a new axis), "..." or {"start", "stop", "step"}
    array      no operands; its `values` and `dtype`     output     the result `number` of several
"""

from __future__ import annotations

import ast
import math
from collections.abc import Container, Sequence
from typing import Any

from sheer.program.helpers import helper_sources, op_called
from sheer.program.rows import Row, statements_of

Recipe = dict[str, Any]

OPERATORS: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.MatMult: "@",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
# NumPy's functions of one element each, by the number of their operands.
ELEMENTWISE = {
    1: "exp expm1 log log1p log2 log10 sqrt tanh sinh cosh sin cos abs sign floor ceil square "
    "isnan isinf isfinite logical_not",
    2: "maximum minimum logaddexp logical_and logical_or floor_divide mod power",
    3: "where clip",
}
OPERANDS = {name: n for n, names in ELEMENTWISE.items() for name in names.split()}
# Those along axes, and those that move elements: what follows the operands.
OVER_AXES = ("sum", "mean", "max", "min", "argmax", "argmin", "any", "all", "prod")
MOVING = {
    **dict.fromkeys((*OVER_AXES, "flip", "cumsum", "expand_dims", "squeeze"), ("axis",)),
    "transpose": ("axes",),
    "broadcast_to": ("shape",),
}
# Ops of sheer's that every reader of recipes knows; the others are taken apart, where they can be.
KNOWN = ("softmax", "log_softmax", "take_label", "one_hot", "divide_no_nan")
DTYPES = {"bool_", "float16", "float32", "float64"}
DTYPES |= {f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
MOST_PARTS, MOST_DEPTH = 2_000, 60


class NotUnderstood(Exception):
    """A part of a line that no recipe can say."""


def recipes_of(
    rows: Sequence[Row], text: str = "", names: Container[str] | None = None
) -> list[dict[str, Recipe | None]]:
    """For each row the recipes of its targets; None where a part of it is not understood.

    Args:
        rows: of the program.
        text: the program's, for its constants and the functions that it calls. Without it those
            count as sheer's own.
        names: those that have a value: a line that reads another is not understood.

    A recipe speaks of values as they are at the end: there is none for a line that reads a name
    before it gets another value.

    >>> row = Row(1, 1, "h1 = np.maximum(x @ dense.kernel, 0)", ("h1",))
    >>> recipes_of([row])[0]["h1"]["of"][0]
    {'op': '@', 'of': [{'name': 'x'}, {'name': 'dense.kernel'}]}
    """
    reader = _Reader(text)
    last = {target: i for i, row in enumerate(rows) for target in row.targets}
    found: list[dict[str, Recipe | None]] = []
    for i, row in enumerate(rows):
        recipes = reader.row(row)
        for target, recipe in recipes.items():
            read = names_in(recipe) if recipe else []
            first = {name.partition(".")[0] for name in read}
            is_early = any(last.get(name, -1) >= i for name in first - _earlier(row, target))
            is_known = names is None or all(name in names for name in read)
            if last[target] != i or is_early or not is_known:
                recipes[target] = None
        found.append(recipes)
    return found


def names_in(recipe: Recipe) -> list[str]:
    """The names of the values that a recipe reads, in their order.

    >>> names_in({"op": "+", "of": [{"name": "x"}, {"number": 1}]})
    ['x']
    """
    if "name" in recipe:
        return [recipe["name"]]
    inner = [*recipe.get("of", ()), *recipe.get("attributes", {}).values()]
    flat = [v for value in inner for v in (value if isinstance(value, list) else [value])]
    return list(dict.fromkeys(n for v in flat if isinstance(v, dict) for n in names_in(v)))


def _earlier(row: Row, target: str) -> set[str]:
    """The results of one call may be told by those beside them: see `_standardized`."""
    return set(row.targets) - {target} if "standardize(" in row.source else set()


def call(name: str, *of: Recipe, **attributes: Any) -> Recipe:
    """The recipe of an op."""
    return {"op": name, "of": list(of)} | ({"attributes": attributes} if attributes else {})


class _Reader:
    """Reads the lines of one program."""

    def __init__(self, text: str):
        self.functions: dict[str, ast.FunctionDef] = {}
        self.constants: dict[str, ast.expr] = {}
        self.parts = 0
        for node in statements_of(text):
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.constants[node.targets[0].id] = node.value

    def row(self, row: Row) -> dict[str, Recipe | None]:
        nothing: dict[str, Recipe | None] = dict.fromkeys(row.targets)
        body = statements_of(row.source)
        if len(body) != 1 or not isinstance(body[0], ast.Assign) or len(body[0].targets) != 1:
            return nothing
        target, value = body[0].targets[0], body[0].value
        self.parts = 0
        try:
            if isinstance(target, ast.Name):
                return {target.id: self.read(value, {})}
            if isinstance(target, ast.Tuple) and all(isinstance(t, ast.Name) for t in target.elts):
                names = [t.id for t in target.elts if isinstance(t, ast.Name)]
                return dict(zip(names, self.several(value, names), strict=True))
        except (NotUnderstood, ValueError, RecursionError):
            pass
        return nothing

    def several(self, value: ast.expr, names: list[str]) -> list[Recipe]:
        """The recipes of the results of a line with several."""
        if isinstance(value, ast.Tuple):
            return [self.read(element, {}) for element in value.elts]
        if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Name):
            raise NotUnderstood
        if value.func.id == "standardize" and self._is_own("standardize"):
            return _standardized(self._called("standardize", value, {}), names)
        function = self.functions.get(value.func.id)
        if function is not None:
            try:
                inside = self._inside(function, value, {}, 0)
                if isinstance(inside, list):
                    return inside
            except NotUnderstood:
                pass
        whole = self._called(value.func.id, value, {})
        return [call("output", whole, number=i) for i in range(len(names))]

    # --- expressions ----------------------------------------------------------------------

    def read(self, node: ast.expr, known: dict[str, Any], depth: int = 0) -> Recipe:
        """The recipe of an expression; known: recipes of names, inside a function."""
        self.parts += 1
        if self.parts > MOST_PARTS or depth > MOST_DEPTH:
            raise NotUnderstood
        reading = getattr(self, f"_read_{type(node).__name__.lower()}", None)
        if reading is None:
            raise NotUnderstood
        recipe: Recipe = reading(node, known, depth + 1)
        return recipe

    def _read_constant(self, node: ast.Constant, known: Any, depth: int) -> Recipe:
        if not isinstance(node.value, (int, float)):
            raise NotUnderstood
        return _number(node.value)

    def _read_name(self, node: ast.Name, known: dict[str, Any], depth: int) -> Recipe:
        if node.id in known:
            if not isinstance(known[node.id], dict):
                raise NotUnderstood
            recipe: Recipe = known[node.id]
            return recipe
        if node.id in self.constants:
            return self.read(self.constants[node.id], {}, depth)
        if known or node.id == "np":  # a function reads nothing but its arguments
            raise NotUnderstood
        return {"name": node.id}

    def _read_attribute(self, node: ast.Attribute, known: dict[str, Any], depth: int) -> Recipe:
        if node.attr == "T":
            return call("T", self.read(node.value, known, depth))
        if isinstance(node.value, ast.Name) and not known:
            if node.value.id != "np" and node.attr not in ("shape", "dtype", "ndim", "size"):
                return {"name": f"{node.value.id}.{node.attr}"}
            if node.value.id == "np" and node.attr in ("inf", "pi", "e"):
                return _number(getattr(math, node.attr))
        raise NotUnderstood

    def _read_unaryop(self, node: ast.UnaryOp, known: dict[str, Any], depth: int) -> Recipe:
        inside = self.read(node.operand, known, depth)
        if isinstance(node.op, ast.USub):
            return _number(-inside["number"]) if "number" in inside else call("negative", inside)
        raise NotUnderstood

    def _read_binop(self, node: ast.BinOp, known: dict[str, Any], depth: int) -> Recipe:
        if type(node.op) not in OPERATORS:
            raise NotUnderstood
        of = [self.read(side, known, depth) for side in (node.left, node.right)]
        return call(OPERATORS[type(node.op)], *of)

    def _read_compare(self, node: ast.Compare, known: dict[str, Any], depth: int) -> Recipe:
        if len(node.ops) != 1 or type(node.ops[0]) not in OPERATORS:
            raise NotUnderstood
        of = [self.read(side, known, depth) for side in (node.left, node.comparators[0])]
        return call(OPERATORS[type(node.ops[0])], *of)

    def _read_subscript(self, node: ast.Subscript, known: dict[str, Any], depth: int) -> Recipe:
        keys = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        key = [self._key(k, known) for k in keys]
        return call("slice", self.read(node.value, known, depth), key=key)

    def _key(self, node: ast.expr, known: dict[str, Any]) -> Any:
        if isinstance(node, ast.Slice):
            ends = {"start": node.lower, "stop": node.upper, "step": node.step}
            return {k: self._whole(v, known) if v else None for k, v in ends.items()}
        value = self._literal(node, known)
        return value if value is None or value == "..." else self._whole(node, known)

    def _whole(self, node: ast.expr, known: dict[str, Any]) -> int:
        """A whole number of a key."""
        value = self._literal(node, known)
        if type(value) is not int:
            raise NotUnderstood
        return value

    def _read_call(self, node: ast.Call, known: dict[str, Any], depth: int) -> Recipe:
        function = node.func
        if isinstance(function, ast.Attribute):
            if isinstance(function.value, ast.Name) and function.value.id == "np":
                return self._numpy(function.attr, node, known, depth)
            return self._method(function, node, known, depth)
        if not isinstance(function, ast.Name):
            raise NotUnderstood
        name = function.id
        if name == "len" and len(node.args) == 1:
            return call("len", self.read(node.args[0], known, depth))
        if name == "float" and len(node.args) == 1:
            return _number(float(str(self._literal(node.args[0], known))))
        own = self.functions.get(name)
        if own is not None and not (name in KNOWN and self._is_own(name)):
            try:
                inside = self._inside(own, node, known, depth)
                if isinstance(inside, dict):
                    return inside
            except NotUnderstood:
                pass
        return self._called(name, node, known)

    # --- calls ----------------------------------------------------------------------------

    def _numpy(self, name: str, node: ast.Call, known: dict[str, Any], depth: int) -> Recipe:
        arguments, named = list(node.args), {k.arg: k.value for k in node.keywords}
        if name in DTYPES and len(arguments) == 1:
            inside = self.read(arguments[0], known, depth)
            if "number" in inside:
                return inside
            return call("cast", inside, dtype=name.rstrip("_"))
        if name == "asarray" and len(arguments) == 1 and not named:
            return self.read(arguments[0], known, depth)
        if name == "array" and len(arguments) == 1 and set(named) == {"dtype"}:
            values = self._literal(arguments[0], known)
            return call("array", values=values, dtype=self._literal(named["dtype"], known))
        if name in OPERANDS and len(arguments) == OPERANDS[name] and not named:
            return call(name, *[self.read(a, known, depth) for a in arguments])
        if name in MOVING and 0 < len(arguments) <= 1 + len(MOVING[name]):
            operand, *rest = arguments
            named |= dict(zip(MOVING[name], rest, strict=False))
            return self._along(name, [self.read(operand, known, depth)], named, known)
        if name in ("concatenate", "stack") and isinstance(arguments[0], (ast.List, ast.Tuple)):
            of = [self.read(a, known, depth) for a in arguments[0].elts]
            return self._along(name, of, named, known)
        if name in ("take", "take_along_axis") and len(arguments) >= 2:
            named |= dict(zip(("axis",), arguments[2:], strict=False))
            of = [self.read(a, known, depth) for a in arguments[:2]]
            return self._along(name, of, named, known)
        if name == "einsum" and not named:
            of = [self.read(a, known, depth) for a in arguments[1:]]
            return call(name, *of, subscripts=self._literal(arguments[0], known))
        raise NotUnderstood

    def _along(self, name: str, of: list[Recipe], named: dict[Any, Any], known: Any) -> Recipe:
        """A call with attributes."""
        allowed = {"axis", "axes", "shape", "keepdims", "dtype"}
        if not allowed.issuperset(named):
            raise NotUnderstood
        return call(name, *of, **{k: self._literal(v, known) for k, v in named.items()})

    def _method(self, f: ast.Attribute, node: ast.Call, known: Any, depth: int) -> Recipe:
        array = self.read(f.value, known, depth)
        named = {k.arg: k.value for k in node.keywords}
        if f.attr == "astype" and len(node.args) == 1 and not named:
            return call("cast", array, dtype=self._literal(node.args[0], known))
        if f.attr == "reshape" and node.args and not named:
            first = node.args[0]
            sizes = first.elts if isinstance(first, (ast.Tuple, ast.List)) else node.args
            return call("reshape", array, *[self.read(s, known, depth) for s in sizes])
        if f.attr in OVER_AXES and len(node.args) <= 1:
            named |= dict(zip(("axis",), node.args, strict=False))
            return self._along(f.attr, [array], named, known)
        raise NotUnderstood

    def _called(self, name: str, node: ast.Call, known: dict[str, Any]) -> Recipe:
        """A call of one of sheer's ops by its name."""
        op = op_called(name)
        if op is None or not self._is_own(name) or len(node.args) > len(op.parameters):
            raise NotUnderstood
        given: dict[Any, ast.expr] = dict(zip(op.parameters, node.args, strict=False))
        given |= {k.arg: k.value for k in node.keywords}
        if not set(op.parameters).issuperset(given) or op.lists:
            raise NotUnderstood
        of = [self.read(given[p], known) for p in op.tensors if p in given]
        if [p for p in op.tensors if p in given] != op.tensors[: len(of)]:
            raise NotUnderstood
        attributes = {p: v for p, v in op.defaults.items() if p in op.attributes and _is_plain(v)}
        for p in op.attributes:
            if p in given:
                attributes[p] = self._literal(given[p], known)
        return call(name, *of, **attributes)

    def _is_own(self, name: str) -> bool:
        """Whether the text's function of this name is sheer's, and not one that was changed."""
        if name not in self.functions:
            return True
        for source in helper_sources([name]):
            body = statements_of(source)
            if isinstance(body[0], ast.FunctionDef) and body[0].name == name:
                return ast.dump(body[0]) == ast.dump(self.functions[name])
        return False

    def _inside(self, function: ast.FunctionDef, node: ast.Call, known: Any, depth: int) -> Any:
        """A call of a function of the text, by what stands inside: a recipe, or a list of them."""
        given = self._arguments(function, node, known, depth)
        for statement in function.body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue
            if isinstance(statement, ast.Return) and statement.value is not None:
                if isinstance(statement.value, ast.Tuple):
                    return [self.read(v, given, depth) for v in statement.value.elts]
                return self.read(statement.value, given, depth)
            if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
                raise NotUnderstood
            target = statement.targets[0]
            if not isinstance(target, ast.Name):
                raise NotUnderstood
            given[target.id] = self.read(statement.value, given, depth)
        raise NotUnderstood

    def _arguments(self, f: ast.FunctionDef, node: ast.Call, known: Any, depth: int) -> Any:
        parameters = [a.arg for a in f.args.args]
        defaults = parameters[len(parameters) - len(f.args.defaults) :]
        given: dict[Any, ast.expr] = dict(zip(parameters, node.args, strict=False))
        given |= {k.arg: k.value for k in node.keywords}
        if len(node.args) > len(parameters) or not set(parameters).issuperset(given):
            raise NotUnderstood
        values: dict[str, Any] = {}
        for name, default in zip(defaults, f.args.defaults, strict=True):
            if name not in given:
                values[name] = self._argument(default, {}, depth)
        for name, expression in given.items():
            values[name] = self._argument(expression, known, depth)
        if set(values) != set(parameters):
            raise NotUnderstood
        return values

    def _argument(self, node: ast.expr, known: dict[str, Any], depth: int) -> Any:
        try:
            return self.read(node, known, depth)
        except NotUnderstood:
            return self._literal(node, known)

    def _literal(self, node: ast.expr, known: dict[str, Any]) -> Any:
        """An attribute: a plain value, a list of them; sizes may be recipes."""
        if isinstance(node, ast.Constant):
            if node.value is Ellipsis:
                return "..."
            if node.value is None or isinstance(node.value, (str, bool)):
                return node.value
        if isinstance(node, (ast.Tuple, ast.List)):
            return [self._literal(element, known) for element in node.elts]
        if isinstance(node, ast.Attribute) and node.attr in DTYPES:
            return node.attr.rstrip("_")
        if isinstance(node, ast.Name) and not isinstance(known.get(node.id, {}), dict):
            return known[node.id]
        recipe = self.read(node, known)
        return recipe.get("number", recipe)


def _standardized(whole: Recipe, names: list[str]) -> list[Recipe]:
    """What `standardize` computes, each of the three by the others."""
    (x,), attributes = whole["of"], whole["attributes"]
    _, mean, variance = ({"name": name} for name in names)
    over = {"axis": attributes["axis"], "keepdims": attributes.get("keepdims", True)}
    apart = call("-", x, mean)
    deviation = call("sqrt", call("+", variance, _number(attributes["epsilon"])))
    return [
        call("/", apart, deviation),
        call("mean", x, **over),
        call("mean", call("square", apart), **over),
    ]


def _number(value: float) -> Recipe:
    value = value if isinstance(value, (int, float)) else float(value)
    return {"number": value if math.isfinite(value) else str(value)}


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, bool, int, float))
