"""A program's graph as an ONNX file, which other engines run: for prediction.

The `onnx` package writes it: `pip install sheer[onnx]`. What each op becomes stands in
`onnx_ops.py`.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from sheer.core import tree
from sheer.core.files import replacing
from sheer.core.shapes import Dim
from sheer.ops.operand import Operand
from sheer.ops.symbol import Symbol

# The version of ONNX's operators, and that of the file's format that goes with it.
OPSET, IR_VERSION = 18, 8


def _onnx() -> Any:
    """The module that knows the format."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError("export needs the onnx package: pip install sheer[onnx].") from error
    return onnx


def write(graph: Any, path: str | os.PathLike[str], names: list[str]) -> None:
    """Write a graph to an ONNX file, whole or not at all; the batch may have any size.

    graph: of a prediction, which assigns nothing. names: of its outputs.

    Raises:
        ValueError: an op has no counterpart; says which, and in which layer.
    """
    from sheer.saving.onnx_ops import OPS

    onnx = _onnx()
    if graph.writes:
        raise ValueError(
            "export: an ONNX file computes and keeps nothing, and this prediction assigns "
            f"{', '.join(sorted(v.path for v in graph.writes))}."
        )
    writer = Writer(onnx, graph)
    for call in graph.calls:
        if call.op.name not in OPS:
            part = call.place.part
            where = f"layer {part!r}" if part else "the model's own call"
            raise ValueError(
                f"export: the op {call.op.name!r} in {where} has no counterpart in ONNX that sheer "
                f"knows. Known: {', '.join(sorted(OPS))}."
            )
        writer.enter(call, OPS[call.op.name](writer, call))
    outputs = tree.leaves(graph.output)
    for name, value in zip(names, outputs, strict=True):
        writer.nodes.append(onnx.helper.make_node("Identity", [writer.name(value)], [name]))
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            writer.nodes,
            graph.name,
            [writer.described(x.label, x) for x in graph.inputs],
            [writer.described(name, x) for name, x in zip(names, outputs, strict=True)],
            writer.constants,
        ),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="sheer",
    )
    onnx.checker.check_model(model)
    with replacing(path) as file:
        file.write(model.SerializeToString())


class Writer:
    """The nodes of a file, as they are made; values go by names."""

    def __init__(self, onnx: Any, graph: Any):
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._names: dict[int, str] = {}
        self._known: dict[Any, str] = {}
        sizes = [(x, axis, size) for x in graph.inputs for axis, size in enumerate(x.shape)]
        self._batch = [(x, axis) for x, axis, size in sizes if size == Dim()]
        for x in graph.inputs:
            self._names[id(x)] = x.label
        for variable, symbol in graph.reads.items():
            self._names[id(symbol)] = self._constant(variable.stored(), variable.path)

    def node(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """A node of ONNX's operator `kind`: the name of its output, or names."""
        made = [f"{kind.lower()}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(self._onnx.helper.make_node(kind, list(inputs), made, **attributes))
        return made[0] if outputs == 1 else made

    def enter(self, call: Any, made: Any) -> None:
        """The names of what a call gave."""
        names = made if isinstance(made, list) else [made]
        for symbol, name in zip(call.outputs, names, strict=True):
            self._names[id(symbol)] = name

    def name(self, value: Any, dtype: str | None = None) -> str:
        """The name of a value, cast where it is of another dtype; a number takes that dtype."""
        if isinstance(value, Symbol):
            name = self._names[id(value)]
            return name if dtype in (None, value.dtype) else self.cast(name, str(dtype))
        if isinstance(value, Operand):
            value = np.asarray(value)
        return self.constant(value, dtype)

    def constant(self, value: Any, dtype: str | None = None) -> str:
        """The name of a constant; equal ones are one."""
        array = np.asarray(value, dtype)
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._known:
            self._known[key] = self._constant(array, f"constant_{len(self.constants)}")
        return self._known[key]

    def _constant(self, array: Any, name: str) -> str:
        self.constants.append(self._onnx.numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def cast(self, name: str, dtype: str) -> str:
        """A value in this dtype."""
        return str(self.node("Cast", name, to=self.type_of(dtype)))

    def type_of(self, dtype: str) -> int:
        """ONNX's number for a dtype."""
        return int(self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def shape(self, sizes: Any) -> str:
        """A shape as a value: numbers, and sizes that depend on the batch."""
        if not any(isinstance(size, Dim) for size in sizes):
            return self.constant(np.array(sizes, "int64"))
        parts = [
            self.size(s) if isinstance(s, Dim) else self.constant(np.array([s], "int64"))
            for s in sizes
        ]
        return str(self.node("Concat", *parts, axis=0))

    def size(self, dim: Dim) -> str:
        """A size that depends on the batch, as a value of shape (1,)."""
        x, axis = self._batch[0]
        size = self.node("Shape", self.name(x), start=axis, end=axis + 1)
        for kind, number, neutral in (("Mul", dim.factor, 1), ("Add", dim.offset, 0)):
            if number != neutral:
                size = self.node(kind, size, self.constant(np.array([number], "int64")))
        return str(size)

    def described(self, name: str, value: Any) -> Any:
        """An input or an output: name, dtype, shape with `n` for the batch."""
        sizes = [str(s) if isinstance(s, Dim) else s for s in value.shape]
        return self._onnx.helper.make_tensor_value_info(name, self.type_of(value.dtype), sizes)
