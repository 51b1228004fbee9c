"""The calls of a model as boxes and arrows: those that it was made of, or those of a trace."""

from __future__ import annotations

from typing import Any

from sheer.core import tree
from sheer.core.errors import TraceError
from sheer.core.shapes import with_none
from sheer.inspect.picture.boxes import Arrow, Box, Diagram
from sheer.inspect.picture.describe import Describe
from sheer.ops.node import Operation
from sheer.ops.symbol import Symbol
from sheer.trace import trace
from sheer.trace.graph import Graph


class Flow:
    """Draws the values of a model from box to box.

    `made` knows by the id() of a symbol the box that makes it, and the pin by which it leaves.
    """

    def __init__(self, describe: Describe):
        self.describe = describe
        self.diagram = Diagram()
        self.made: dict[int, tuple[Box, Box | None]] = {}

    def join(self, values: list[Any], box: Box, pins: dict[int, Box] | None = None) -> None:
        """Arrows to a box from those that make these values."""
        seen = set()
        for value in values:
            source, out_of = self.made.get(id(value), (None, None))
            into = (pins or {}).get(id(value))
            if source is not None and (source, out_of, into) not in seen:
                seen.add((source, out_of, into))
                self.diagram.arrows.append(Arrow(source, box, "forward", out_of, into))

    def put(self, box: Box, inputs: list[Any], outputs: list[Any], inside: Any = None) -> None:
        """One more box, with arrows from what makes its inputs.

        inside: where it is a frame, the Flow in it, and the values that enter and leave it, there.
        """
        self.diagram.add(box)
        if inside is None:
            self.join(inputs, box)
            self.made |= {id(y): (box, None) for y in outputs}
            return
        flow, entering, leaving = inside
        box.inner = flow.diagram
        for part in flow.diagram.boxes:
            part.is_updated = False  # one arrow to the frame says it
        pins = {id(x): flow.made[id(y)][0] for x, y in zip(inputs, entering, strict=True)}
        self.join(inputs, box, pins)
        for y, inner in zip(outputs, leaving, strict=True):
            pin = Box("pin", "")
            flow.diagram.add(pin)
            flow.join([inner], pin)
            self.made[id(y)] = box, pin

    def enter(self, values: list[Any]) -> None:
        """Pins by which these values come in."""
        for value in values:
            self.made[id(value)] = self.diagram.add(Box("pin", "")), None


def flow_of(model: Any, describe: Describe) -> tuple[Flow, list[Any]]:
    """The flow from a model's inputs to its outputs, and the symbols of the outputs."""
    flow = Flow(describe)
    if model._graph is not None:
        graph = model._graph
        labels = [x.label for x in tree.leaves(model.input_symbols)]
        by_place = {id(x): label for x, label in
                    zip(tree.leaves(graph.inputs_structure), labels, strict=True)}  # fmt: skip
        for x in graph.inputs:
            name = x.node.operation.name
            name = by_place[id(x)] if name.startswith("input_layer") else name
            flow.put(describe.data(name, x), [], [x])
        _fill_from_graph(flow, graph)
        return flow, tree.leaves(graph.outputs_structure)
    try:
        found = _trace_of(model, lambda x: model(x, training=True), (model.input_symbols,))
    except TraceError as error:
        raise TraceError(
            f"picture: there is no way to follow through model {model.name!r}, whose call() cannot "
            f"be traced; summary() lists its layers.\n{error}"
        ) from None
    for x in found.inputs:
        flow.put(describe.data(x.label or "x", x), [], [x])
    _fill_from_calls(flow, model, found, 0)
    return flow, tree.leaves(found.output)


# --- models made of inputs and outputs ------------------------------------------------------


def _fill_from_graph(flow: Flow, graph: Any) -> None:
    nodes = [node for node in graph.nodes if node.inputs]
    total: dict[int, int] = {}
    for node in nodes:
        total[id(node.operation)] = total.get(id(node.operation), 0) + 1
    seen: dict[int, int] = {}
    for node in nodes:
        one = node.operation
        call = seen[id(one)] = seen.get(id(one), 0) + 1
        if isinstance(one, Operation):
            box = flow.describe.op(one.class_name, one.name, node.outputs)
            flow.put(box, node.inputs, node.outputs)
            continue
        # Each value once, also where it is given twice.
        inputs = list({id(x): x for x in node.inputs}.values())
        inside = _inside(flow.describe, one, inputs, node)
        calls = (call, total[id(one)])
        box = flow.describe.layer(one, node.outputs, calls, is_frame=inside is not None)
        flow.put(box, inputs, node.outputs, inside)


def _inside(describe: Describe, layer: Any, inputs: list[Any], node: Any) -> Any:
    """The flow inside of a model or layer that has layers in it, where it is to be drawn and can
    be followed."""
    if not describe.show.nested or len(layer._flatten_layers()) < 2:
        return None
    flow, graph = Flow(describe), getattr(layer, "_graph", None)
    if graph is not None:
        entering, leaving = graph.inputs, tree.leaves(graph.outputs_structure)
        flow.enter(entering)
        _fill_from_graph(flow, graph)
    else:
        fresh = {id(x): Symbol(with_none(x.shape), x.dtype) for x in inputs}
        args = tree.map_tree(lambda leaf: fresh.get(id(leaf), leaf), (node.args, node.kwargs))
        try:
            found = _trace_of(layer, lambda a, k: layer(*a, **{**k, "training": True}), args)
        except TraceError:
            return None
        entering, leaving = list(fresh.values()), tree.leaves(found.output)
        flow.enter(entering)
        # A model of its own is no part of the paths.
        _fill_from_calls(flow, layer, found, int(layer.in_path))
    fits = len(entering) == len(inputs) and len(leaving) == len(node.outputs)
    return (flow, entering, leaving) if fits else None


# --- models whose call is Python -------------------------------------------------------------


def _trace_of(layer: Any, function: Any, arguments: Any) -> Graph:
    """What a call does that trains. The layer stays as it is."""
    kept = [(one, one._added_losses, one.output_shape) for one in layer._flatten_layers()]
    try:
        found = trace(function, arguments)
    finally:
        for one, losses, shape in kept:
            one._added_losses, one.output_shape = losses, shape
    found.calls = [call for call in found.calls if call.op.name != "batch_size"]
    return found


def _segments(calls: list[Any], depth: int) -> list[tuple[str, list[Any]]]:
    """Calls that follow one another within one call of a part of the model, by its name at this
    depth; ops of the model itself stand alone, without a name."""
    found: list[tuple[str, list[Any]]] = []
    is_open = False
    for call in calls:
        path = call.place.part.split("/") if call.place and call.place.part else []
        name = path[depth] if len(path) > depth else ""
        if not (is_open and name and found[-1][0] == name):
            found.append((name, []))
        found[-1][1].append(call)
        # The last op of a layer has its name.
        is_open = not any(getattr(y, "output_of", "") == name for y in call.outputs)
    return found


def _fill_from_calls(flow: Flow, owner: Any, found: Graph, depth: int) -> None:
    """The parts of a layer, one after the other, as its ops say it: those whose place begins with
    so many names, its own, belong to it."""
    layers = {layer.name: layer for layer in owner._flatten_layers()[:0:-1]}
    layers |= {part.name: part for part in owner.parts() if hasattr(part, "_flatten_layers")}
    own = set(map(id, owner.weights))
    reads = {id(x): weight for weight, x in found.reads.items() if id(weight) in own}
    segments = _segments(found.calls, depth)
    names = [name for name, _ in segments]
    for i, (name, calls) in enumerate(segments):
        others = [call for j, (_, some) in enumerate(segments) if j != i for call in some]
        used = {id(x) for call in others for x in call.operands()}
        used |= set(map(id, tree.leaves(found.output)))
        made = {id(y): y for call in calls for y in call.outputs}
        read = {id(x): x for call in calls for x in call.operands()}
        inputs = [x for key, x in read.items() if key in flow.made and key not in made]
        outputs = [y for key, y in made.items() if key in used]
        layer = layers.get(name)
        if layer is None:
            weights = [reads[key] for key in read if key in reads]
            op = calls[-1].op.name
            flow.put(flow.describe.op(_class_name(op), op, outputs, weights), inputs, outputs)
            continue
        inside = None
        if flow.describe.show.nested and len(layer._flatten_layers()) > 1:
            inner = Flow(flow.describe)
            inner.enter(inputs)
            part = Graph(name, inputs, calls, found.reads, {}, outputs)
            _fill_from_calls(inner, layer, part, depth + 1)
            inside = inner, inputs, outputs
        call_of = (names[: i + 1].count(name), names.count(name))
        box = flow.describe.layer(layer, outputs, call_of, is_frame=inside is not None)
        flow.put(box, inputs, outputs, inside)


def _class_name(op: str) -> str:
    return "".join(map(str.capitalize, op.strip("_").split("_")))


def unused(model: Any, diagram: Diagram) -> list[str]:
    """The names of the layers that no box stands for: a traced call does nothing with them."""
    if model._graph is not None:
        return []
    drawn = {box.name for box in diagram.boxes}
    return [layer.name for layer in model.layers if layer.name not in drawn]
