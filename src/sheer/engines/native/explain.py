"""What a plan does for each line of a program, in words."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sheer.engines.native.native import native
from sheer.engines.native.nodes import Array
from sheer.engines.native.plan import Plan
from sheer.engines.native.schedule import Kernel
from sheer.ops.recording import Call

WIDTH = 58  # of a program's line on the left


def explained(plan: Plan, lines: list[tuple[str, list[Call]]]) -> str:
    """A table: the lines of a program, each with the kernels that compute it."""
    numbers = {id(call): i for i, call in enumerate(plan.graph.calls)}
    by_call = _kernels_by_call(plan)
    head = (
        f"{plan.graph.name} on the native engine: batches of {plan.n} rows, {native().isa()}, "
        f"up to {native().threads()} threads"
    )
    rows = [head, ""]
    left = 0
    for line, calls in lines:
        words: list[str] = []
        for call in calls:
            reason = plan.lowered.reasons.get(numbers[id(call)])
            if reason is not None:
                words.append(f"NumPy: {reason}")
            words += by_call.get(numbers[id(call)], [])
        left += any(word.startswith("NumPy") for word in words)
        shown = line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."
        rows.append(f"{shown:<{WIDTH}}  {', '.join(dict.fromkeys(words)) or 'a view'}")
    count = len(plan.schedule.kernels)
    rows += ["", f"{count} kernel calls; {plan.arena_bytes:,} bytes of working memory; "
                 f"{left or 'no'} lines left to NumPy"]  # fmt: skip
    return "\n".join(rows) + "\n"


def _kernels_by_call(plan: Plan) -> dict[int, list[str]]:
    """The kernels that do something for each call of the graph."""
    found: dict[int, list[str]] = defaultdict(list)
    for number, kernel in enumerate(plan.schedule.kernels):
        if kernel.kind == "function":
            continue
        words = _words(kernel)
        for node in kernel.nodes:
            for call in [node.call, *node.attrs.get("also", [])]:
                found[call].append(f"{number + 1} {words}")
    return found


def _words(kernel: Kernel) -> str:
    node = kernel.nodes[0]
    if kernel.kind == "group":
        shape = "×".join(map(str, kernel.shape)) or "1"
        return f"group of {len(kernel.nodes)} for {shape}"
    if kernel.kind == "product":
        a, b = node.operands[:2]
        extra = [word for word, is_there in (
            ("bias", node.attrs["bias"] is not None),
            (node.attrs["activation"], node.attrs["activation"] != "none"),
            ("sum", node.attrs["onto"] is not None),
        ) if is_there]  # fmt: skip
        return " + ".join([f"product {_shape(a)} · {_shape(b)}", *extra])
    if kernel.kind == "reduce":
        return f"{node.attrs['reduction']} of {_shape(node.operands[0])}"
    return kernel.kind.replace("_", " ")


def _shape(array: Any) -> str:
    return "×".join(map(str, array.shape)) if isinstance(array, Array) else "1"
