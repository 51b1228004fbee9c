"""An elementwise group as lines for the native interpreter: what is loaded, computed, stored.

A line is `(word, first, second, once, d, a, b, c)`:

- `("compute", instruction, lane, ...)`: d = instruction(a, b, c) in a lane (f32, f64 or i64);
- `("pair", (first, second, swapped), lane, ...)`: d = second(first(a, b), c), or, swapped,
  second(c, first(a, b));
- `("load", dtype, lane, ...)` and `("store", lane, dtype, ...)`: d = a, converted;
- `("spread", shape, strides, ..., bytes)`: d = the elements of a view at a, in order.

An operand is a register, a number, or a place in memory with the bytes from one element to the next
(0: one element for all). `once` lines work on one element.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sheer.core.dtypes import DTYPES
from sheer.engines.native.nodes import Array, Node, whole

At = tuple[int, int]  # (buffer, offset in bytes)
Operand = tuple[Any, ...]

LANES = ("f32", "f64", "i64")
# The dtype that a lane's numbers have in memory.
NATURAL = {"f32": "float32", "f64": "float64", "i64": "int64"}
LANE_OF = {"float32": "f32", "float64": "f64"} | {d: "i64" for d in DTYPES if "int" in d}
INSTRUCTIONS = (
    "add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "mod", "floor_divide",
    "equal", "not_equal", "less", "less_equal", "logical_and", "logical_or", "select", "copy",
    "negative", "abs", "sign", "square", "sqrt", "floor", "ceil", "rint", "reciprocal", "exp",
    "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tanh", "sigmoid", "erf",
    "logical_not", "isnan", "isinf", "isfinite",
)  # fmt: skip
# What may be the first and the second of a pair, in a lane of floats: as in kernels.h.
FIRSTS = ("add", "subtract", "multiply")
SECONDS = ("add", "subtract", "multiply", "divide", "sqrt")
# Whole numbers that do not fill their lane are cut to their size after these.
GROWING = {"add", "subtract", "multiply", "negative", "abs", "square"}


class Lines:
    """The lines of one group.

    Args:
        size: how many elements.
        at: the place of an Array in memory.
        kept: whether a node of the group is needed outside of it.
        late: whether a node must be stored when all else has been read.
    """

    def __init__(
        self,
        nodes: list[Node],
        size: int,
        at: Callable[[Array], At],
        kept: Callable[[Node], bool],
        late: Callable[[Node], bool],
    ):
        self.size = size
        self.at = at
        self.lines: list[tuple[Any, ...]] = []
        self.numbers: list[tuple[int, Any]] = []
        self._registers = 0
        self._free: list[int] = []
        self._passing: list[Operand] = []  # registers of the present step alone
        # Where a value of this group, or one loaded for it, is: by node, view and lane.
        self._found: dict[Any, tuple[Operand, str]] = {}
        self._nodes = {node: i for i, node in enumerate(nodes)}
        last_use: dict[Any, int] = {}
        for i, node in enumerate(nodes):
            last_use[node] = i
            for operand in node.operands:
                if isinstance(operand, Array):
                    last_use[self._key(operand)] = i
        late_stores = []
        for i, node in enumerate(nodes):
            target = self._whole(node, at) if kept(node) and not late(node) else None
            place, lane = self._compute(node, target)
            if kept(node) and late(node):
                late_stores.append((node, place, lane))
                last_use[node] = len(nodes)
            self._found[node] = place, lane
            for done in [key for key, last in last_use.items() if last == i]:
                for key in (done, *((done, lane) for lane in LANES)):
                    if key in self._found:
                        self._release(self._found[key][0])
            for register in self._passing:
                self._release(register)
            self._passing = []
        for node, place, lane in late_stores:
            self._store(place, lane, node.dtype, self._whole(node, at))
        self.lines = paired(self.lines)

    # --- steps --------------------------------------------------------------------------------

    def _compute(self, node: Node, target: Operand | None) -> tuple[Operand, str]:
        """Lines for a step; where its value is, and in which lane."""
        instruction, worked = node.attrs["instruction"], node.attrs["worked"]
        if instruction == "cast":
            return self._cast(node, target)
        lane = LANE_OF.get(worked) or self._lane_of_bools(node)
        operands = [self._operand(v, lane) for v in node.operands]
        if self.size > 1:
            operands = self._not_all_numbers(instruction, operands, lane)
        is_natural = node.dtype == NATURAL[lane]
        d = target if target and is_natural else self._register()
        self._line("compute", INSTRUCTIONS.index(instruction), LANES.index(lane), d, operands)
        if node.dtype in LANE_OF and not is_natural and instruction in GROWING:
            self._convert(d, lane, node.dtype, d)
        if target and not is_natural:
            self._store(d, lane, node.dtype, target)
        return d, lane

    def _cast(self, node: Node, target: Operand | None) -> tuple[Operand, str]:
        source = node.operands[0]
        given, wanted = node.attrs["worked"], node.dtype
        lane = LANE_OF.get(given) or self._lane_of_bools(node, LANE_OF.get(wanted))
        x = self._operand(source, lane)
        if wanted == "bool":
            zero = self._number(0, lane)
            d = self._register_for_now() if target else self._register()
            self._line(
                "compute", INSTRUCTIONS.index("not_equal"), LANES.index(lane), d,
                self._not_all_numbers("not_equal", [x, zero], lane),
            )  # fmt: skip
        elif LANE_OF[wanted] == lane and (given == "bool" or wanted == NATURAL[lane]):
            d = x  # the same numbers
        else:
            is_one = _is_number(x)
            d = (
                self._register_for_now()
                if target or (is_one and self.size > 1)
                else self._register()
            )
            self._convert(x, lane, wanted, d, once=is_one)
            lane = LANE_OF[wanted]
            d = (*d, "once") if is_one and self.size > 1 else d
        if target or _is_number(d):
            # A register of its own: the other one may be given free before this value is.
            own = target if target and wanted == NATURAL.get(lane) else self._register()
            self._line("compute", INSTRUCTIONS.index("copy"), LANES.index(lane), own, [d])
            if target and own is not target:
                self._store(own, lane, wanted, target)
            return own, lane
        if d is x and x[0] == "register":
            own = self._register()
            self._line("compute", INSTRUCTIONS.index("copy"), LANES.index(lane), own, [d])
            return own, lane
        return d, lane

    def _lane_of_bools(self, node: Node, wanted: str | None = None) -> str:
        """The lane for a step on booleans: that of an operand of the group, else the one wanted."""
        for operand in node.operands:
            if isinstance(operand, Array) and operand.node in self._found:
                return self._found[operand.node][1]
        return wanted or "f32"

    def _not_all_numbers(
        self, instruction: str, operands: list[Operand], lane: str
    ) -> list[Operand]:
        """The operands with at least one that has an element for each of the group's."""
        first = instruction == "select"
        if instruction != "copy" and (
            _is_number(operands[0]) if first else all(map(_is_number, operands))
        ):
            d = self._register_for_now()
            self._line("compute", INSTRUCTIONS.index("copy"), LANES.index(lane), d, [operands[0]])
            return [d, *operands[1:]]
        return operands

    def _convert(self, x: Operand, lane: str, dtype: str, d: Operand, once: bool = False) -> None:
        """d = x as a number of this dtype, in that dtype's own lane."""
        own = LANE_OF[dtype]
        if dtype == NATURAL[own]:
            self._line("store", LANES.index(lane), DTYPES.index(dtype), d, [x], once)
            return
        between = self._register()
        self._line("store", LANES.index(lane), DTYPES.index(dtype), between, [x], once)
        self._line("load", DTYPES.index(dtype), LANES.index(own), d, [between], once)
        self._release(between)

    def _store(self, place: Operand, lane: str, dtype: str, target: Operand) -> None:
        if dtype == NATURAL[lane]:
            self._line("compute", INSTRUCTIONS.index("copy"), LANES.index(lane), target, [place])
        else:
            self._line("store", LANES.index(lane), DTYPES.index(dtype), target, [place])

    # --- operands -----------------------------------------------------------------------------

    def _operand(self, value: Any, lane: str) -> Operand:
        """A value in this lane: computed here before, loaded, or a number."""
        if not isinstance(value, Array):
            return self._number(value, lane)
        if value.node in self._nodes:
            place, known = self._found[value.node]
            return place if known == lane else self._moved(place, known, lane)
        key = self._key(value), lane
        if key not in self._found:
            self._found[key] = self._loaded(value, lane), lane
        return self._found[key][0]

    def _moved(self, place: Operand, known: str, lane: str) -> Operand:
        """A boolean in another lane."""
        d = self._register_for_now()
        self._line("store", LANES.index(known), DTYPES.index(NATURAL[lane]), d, [place])
        return d

    def _loaded(self, value: Array, lane: str) -> Operand:
        """A value from memory: where it is, if it can be used as it lies."""
        dtype, step = value.node.dtype, np.dtype(value.node.dtype).itemsize
        place = self.at(value)
        is_one = all(
            stride == 0 or size == 1
            for size, stride in zip(value.shape, value.strides, strict=True)
        )
        is_natural = dtype == NATURAL[lane]
        if is_one and self.size > 1:
            if is_natural:
                return ("memory", *place, 0)
            d = self._register()
            self._line(
                "load",
                DTYPES.index(dtype),
                LANES.index(lane),
                d,
                [("memory", *place, 0)],
                once=True,
            )
            return (*d, "once")
        if is_one or value.is_row_by_row():
            source: Operand = ("memory", *place, step)
        else:
            source = self._register() if is_natural else self._register_for_now()
            shape, strides = collapsed(value.shape, value.strides)
            self.lines.append(
                ("spread", shape, strides, False, source, ("memory", *place, step), None, step)
            )
        if is_natural:
            return source
        d = self._register()
        self._line("load", DTYPES.index(dtype), LANES.index(lane), d, [source])
        return d

    def _key(self, value: Array) -> Any:
        """What the value of an operand is known by: its node in this group, or else the view."""
        if value.node in self._nodes:
            return value.node
        return value.node, value.shape, value.strides, value.offset

    def _number(self, value: Any, lane: str) -> Operand:
        number = float(value) if lane != "i64" else int(value)
        entry = (LANES.index(lane), number)
        # By their text: 0.0 and -0.0 are two numbers, NaN and NaN are one.
        known = [repr(one) for one in self.numbers]
        if repr(entry) not in known:
            self.numbers.append(entry)
        return ("number", (*known, repr(entry)).index(repr(entry)))

    def _whole(self, node: Node, at: Callable[[Array], At]) -> Operand:
        return ("memory", *at(whole(node)), np.dtype(node.dtype).itemsize)

    def _line(
        self, word: str, first: int, second: int, d: Operand, operands: list[Operand],
        once: bool = False,
    ) -> None:  # fmt: skip
        padded: list[Any] = [*operands, None, None, None][:3]
        self.lines.append((word, first, second, once, d, *padded))

    def _register(self) -> Operand:
        if self._free:
            return ("register", self._free.pop())
        self._registers += 1
        return ("register", self._registers - 1)

    def _register_for_now(self) -> Operand:
        """A register that is free again after the present step."""
        self._passing.append(self._register())
        return self._passing[-1]

    def _release(self, place: Operand) -> None:
        if place[0] == "register":
            self._free.append(place[1])


def paired(lines: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The lines, with one for each two of which the second alone needs the value of the first."""
    lines = list(lines)
    i = 0
    while i < len(lines):
        j = _second_of(lines, i)
        if j is None:
            i += 1
            continue
        first, lane, value, a, b = lines[i][1], lines[i][2], *lines[i][4:7]
        _, second, _, _, d, x, y, _ = lines[j]
        swapped = y == value and INSTRUCTIONS[second] in ("subtract", "divide")
        c = x if y == value else y
        names = INSTRUCTIONS[first], INSTRUCTIONS[second]
        kind = FIRSTS.index(names[0]), SECONDS.index(names[1]), swapped
        lines[j] = ("pair", kind, lane, False, d, a, b, c)
        del lines[i]
    return lines


def _second_of(lines: list[tuple[Any, ...]], i: int) -> int | None:
    """The line that can be one with the i-th, if there is one."""
    word, first, lane, once, value, *operands = lines[i]
    if word != "compute" or once or lane == LANES.index("i64"):
        return None
    if INSTRUCTIONS[first] not in FIRSTS or value[0] != "register":
        return None
    for j, line in enumerate(lines[i + 1 :], i + 1):
        used = [v for v in line[5:] if _is_same(v, value)] if line[0] != "spread" else []
        if used:
            fits = line[0] == "compute" and line[2] == lane and not line[3] and len(used) == 1
            if not fits or INSTRUCTIONS[line[1]] not in SECONDS or not _is_over(lines, j, value):
                return None
            return j
        if any(_is_same(line[4], v) for v in (value, *operands)):
            return None
    return None


def _is_over(lines: list[tuple[Any, ...]], j: int, value: Operand) -> bool:
    """Whether a register is not read any more behind the j-th line."""
    if _is_same(lines[j][4], value):
        return True
    for line in lines[j + 1 :]:
        if line[0] != "spread" and any(_is_same(v, value) for v in line[5:]):
            return False
        if _is_same(line[4], value):
            return True
    return True


def _is_same(one: Any, other: Any) -> bool:
    """Whether two operands are one register, or begin at one place in memory."""
    if one is None or other is None or one[0] != other[0]:
        return False
    return bool(one[1:3] == other[1:3]) if one[0] == "memory" else bool(one[1] == other[1])


def _is_number(operand: Operand) -> bool:
    """Whether an operand is one number for the whole group."""
    return (
        operand[0] == "number" or (operand[0] == "memory" and operand[3] == 0) or len(operand) == 3
    )


def collapsed(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """A view with as few axes as will do; at least one."""
    sizes: list[int] = []
    steps: list[int] = []
    for size, stride in zip(shape, strides, strict=True):
        if size == 1:
            continue
        if sizes and steps[-1] == stride * size:
            sizes[-1] *= size
            steps[-1] = stride
        else:
            sizes.append(size)
            steps.append(stride)
    return (sizes, steps) if sizes else ([1], [0])
