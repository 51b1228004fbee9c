"""Names that a reader of a program understands."""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter
from typing import Any

from sheer.ops.recording import Call
from sheer.ops.variable import Variable
from sheer.program.helpers import is_helper

# Names that mean something in every program.
RESERVED = set(dir(builtins)) | set(keyword.kwlist) | {"np", "logs", "state"}


def is_reserved(name: str) -> bool:
    """Whether a parameter or a program of this name would hide something that programs use."""
    return name in RESERVED or is_helper(name)


def identifier(name: str) -> str:
    """The name as Python can have it."""
    name = re.sub(r"\W+", "_", name).strip("_") or "value"
    name = f"_{name}" if name[0].isdigit() else name
    return f"{name}_" if keyword.iskeyword(name) else name


class Names:
    """Gives each value of a graph one name, never the same name twice.

    `places` says for each Variable by which (namespace, attribute) the program knows it; one
    without a namespace is a parameter by itself.
    """

    def __init__(self, places: dict[Variable, tuple[str, str]], taken: set[str]):
        self.taken = RESERVED | taken | {space or attribute for space, attribute in places.values()}
        self.names: dict[int, str] = {}
        self.parts: list[str] = []
        self.places = places
        self._attributes = Counter(attribute for _, attribute in places.values())

    def claim(self, value: Any, wanted: str) -> str:
        """This name for the value, with a number behind it where it is taken."""
        name = wanted = identifier(wanted)
        count = 2
        while name in self.taken:
            name = f"{wanted}_{count}"
            count += 1
        self.taken.add(name)
        self.names[id(value)] = name
        return name

    def short(self, variable: Variable) -> str:
        """A Variable's name as part of another: its attribute, with the namespace where several
        have that attribute."""
        space, attribute = self.places[variable]
        return (
            attribute if self._attributes[attribute] == 1 or not space else f"{space}_{attribute}"
        )

    def of(self, value: Any) -> str:
        """The value's name, as part of another: `dense.kernel` is `dense_kernel`."""
        return identifier(self.names.get(id(value), ""))

    def wanted(self, call: Call, value: Any, new_value_of: Variable | None) -> str:
        """What a value should be called: its own label; the new value of a Variable; the gradient
        of a value; a layer's `z` or `h` with the layer's number; else what the op is called."""
        if value.label:
            return str(value.label)
        if new_value_of is not None:
            return f"new_{self.short(new_value_of)}"
        if value.gradient_of is not None and id(value.gradient_of) in self.names:
            return "d_" + self.of(value.gradient_of)
        label = str(call.op.label or call.op.name.lstrip("_"))
        part = call.place.part if call.place else ""
        if call.op.label and part and call.place.section == "forward":
            if part not in self.parts:
                self.parts.append(part)
            return f"{label}{self.parts.index(part) + 1}"
        if value.output_of and not call.op.label:
            return f"{value.output_of}_out"
        return label
