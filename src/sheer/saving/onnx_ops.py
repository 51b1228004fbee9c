"""What each op is in ONNX's operators. (ONNX's operators: https://onnx.ai/onnx/operators.)"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from sheer.core.dtypes import FLOATS, common_dtype
from sheer.core.shapes import Dim, normalize_axes
from sheer.ops.operand import Operand

# Given the writer and the call, the name of the output; or names.
Entry = Callable[[Any, Any], Any]
OPS: dict[str, Entry] = {}


def _entry(*names: str) -> Callable[[Entry], Entry]:
    def enter(function: Entry) -> Entry:
        OPS.update(dict.fromkeys(names, function))
        return function

    return enter


def _alike(w: Any, call: Any, dtype: str | None = None) -> list[str]:
    """The names of the operands, all of the output's dtype."""
    return [w.name(x, dtype or call.outputs[0].dtype) for x in call.inputs if x is not None]


def _operator(kind: str, **attributes: Any) -> Entry:
    """The operator of ONNX that is this op."""
    return lambda w, call: w.node(kind, *_alike(w, call), **attributes)


SAME = {
    "abs": "Abs", "add": "Add", "ceil": "Ceil", "cos": "Cos", "divide": "Div", "erf": "Erf",
    "exp": "Exp", "floor": "Floor", "log": "Log", "maximum": "Max", "minimum": "Min",
    "multiply": "Mul", "negative": "Neg", "power": "Pow", "reciprocal": "Reciprocal",
    "relu": "Relu", "sigmoid": "Sigmoid", "sign": "Sign", "sin": "Sin", "softplus": "Softplus",
    "softsign": "Softsign", "sqrt": "Sqrt", "stop_gradient": "Identity", "subtract": "Sub",
    "tanh": "Tanh", "matmul": "MatMul", "logical_and": "And", "logical_not": "Not",
    "logical_or": "Or",
}  # fmt: skip
for _name, _kind in SAME.items():
    OPS[_name] = _operator(_kind)

COMPARISONS = {
    "equal": "Equal", "greater": "Greater", "greater_equal": "GreaterOrEqual", "less": "Less",
    "less_equal": "LessOrEqual",
}  # fmt: skip


def _compared(w: Any, call: Any, kind: str) -> str:
    """A comparison in the dtype of both operands."""
    tensors = [x.dtype for x in call.inputs if isinstance(x, Operand)]
    return str(w.node(kind, *_alike(w, call, common_dtype(tensors, "float32"))))


for _name, _kind in COMPARISONS.items():
    OPS[_name] = partial(_compared, kind=_kind)
OPS["not_equal"] = lambda w, call: w.node("Not", _compared(w, call, "Equal"))


# --- element by element -----------------------------------------------------------------------


def _number(w: Any, call: Any, value: float) -> str:
    """A constant in the dtype of the output."""
    return str(w.constant(value, call.outputs[0].dtype))


@_entry("cast")
def _cast(w: Any, call: Any) -> str:
    return str(w.cast(w.name(call.inputs[0]), call.outputs[0].dtype))


@_entry("isnan", "isinf")
def _is(w: Any, call: Any) -> str:
    return str(w.node({"isnan": "IsNaN", "isinf": "IsInf"}[call.op.name], w.name(call.inputs[0])))


@_entry("isfinite")
def _isfinite(w: Any, call: Any) -> str:
    x = w.name(call.inputs[0])
    return str(w.node("Not", w.node("Or", w.node("IsNaN", x), w.node("IsInf", x))))


@_entry("where")
def _where(w: Any, call: Any) -> str:
    condition, *choices = call.inputs
    dtype = call.outputs[0].dtype
    return str(w.node("Where", w.name(condition, "bool"), *(w.name(x, dtype) for x in choices)))


@_entry("clip")
def _clip(w: Any, call: Any) -> str:
    x, low, high = _alike(w, call)
    return str(w.node("Min", w.node("Max", x, low), high))


@_entry("square")
def _square(w: Any, call: Any) -> str:
    (x,) = _alike(w, call)
    return str(w.node("Mul", x, x))


@_entry("rsqrt")
def _rsqrt(w: Any, call: Any) -> str:
    return str(w.node("Reciprocal", w.node("Sqrt", *_alike(w, call))))


@_entry("expm1")
def _expm1(w: Any, call: Any) -> str:
    return str(w.node("Sub", w.node("Exp", *_alike(w, call)), _number(w, call, 1)))


@_entry("log1p")
def _log1p(w: Any, call: Any) -> str:
    return str(w.node("Log", w.node("Add", *_alike(w, call), _number(w, call, 1))))


@_entry("log2", "log10")
def _log_to_a_base(w: Any, call: Any) -> str:
    base = math.log({"log2": 2, "log10": 10}[call.op.name])
    return str(w.node("Div", w.node("Log", *_alike(w, call)), _number(w, call, base)))


@_entry("round")
def _round(w: Any, call: Any) -> str:
    (x,), scale = _alike(w, call), 10.0 ** call.attrs["decimals"]
    if scale == 1:
        return str(w.node("Round", x))
    factor = _number(w, call, scale)
    return str(w.node("Div", w.node("Round", w.node("Mul", x, factor)), factor))


@_entry("divide_no_nan")
def _divide_no_nan(w: Any, call: Any) -> str:
    x, y = _alike(w, call)
    zero = _number(w, call, 0)
    is_zero = w.node("Equal", y, zero)
    quotient = w.node("Div", x, w.node("Where", is_zero, _number(w, call, 1), y))
    return str(w.node("Where", is_zero, zero, quotient))


@_entry("floor_divide")
def _floor_divide(w: Any, call: Any) -> str:
    x, y = _alike(w, call)
    if call.outputs[0].dtype in FLOATS:
        return str(w.node("Floor", w.node("Div", x, y)))
    return str(w.node("Div", w.node("Sub", x, w.node("Mod", x, y)), y))


@_entry("mod")
def _mod(w: Any, call: Any) -> str:
    x, y = _alike(w, call)
    if call.outputs[0].dtype in FLOATS:
        return str(w.node("Sub", x, w.node("Mul", w.node("Floor", w.node("Div", x, y)), y)))
    return str(w.node("Mod", x, y))


@_entry("leaky_relu")
def _leaky_relu(w: Any, call: Any) -> str:
    return str(w.node("LeakyRelu", *_alike(w, call), alpha=float(call.attrs["negative_slope"])))


@_entry("elu")
def _elu(w: Any, call: Any) -> str:
    return str(w.node("Elu", *_alike(w, call), alpha=float(call.attrs["alpha"])))


@_entry("_prelu")
def _prelu(w: Any, call: Any) -> str:
    return str(w.node("PRelu", *_alike(w, call)))


@_entry("gelu")
def _gelu(w: Any, call: Any) -> str:
    (x,) = _alike(w, call)
    if call.attrs["approximate"]:
        cube = w.node("Mul", w.node("Mul", x, x), x)
        inner = w.node("Add", x, w.node("Mul", cube, _number(w, call, 0.044715)))
        part = w.node("Tanh", w.node("Mul", inner, _number(w, call, math.sqrt(2 / math.pi))))
    else:
        part = w.node("Erf", w.node("Div", x, _number(w, call, math.sqrt(2))))
    half = w.node("Mul", x, _number(w, call, 0.5))
    return str(w.node("Mul", half, w.node("Add", part, _number(w, call, 1))))


@_entry("softmax", "log_softmax")
def _softmax(w: Any, call: Any) -> str:
    kind = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}[call.op.name]
    return str(w.node(kind, *_alike(w, call), axis=int(call.attrs["axis"])))


# --- products ---------------------------------------------------------------------------------


@_entry("affine")
def _affine(w: Any, call: Any) -> str:
    x, kernel, bias = _alike(w, call)
    if len(call.inputs[0].shape) == 2:
        return str(w.node("Gemm", x, kernel, bias))
    return str(w.node("Add", w.node("MatMul", x, kernel), bias))


@_entry("_einsum")
def _einsum(w: Any, call: Any) -> str:
    operands = [w.name(x, call.outputs[0].dtype) for x in call.inputs[0]]
    return str(w.node("Einsum", *operands, equation=call.attrs["subscripts"]))


# --- shapes -----------------------------------------------------------------------------------


def _reshaped(w: Any, x: str, shape: Any) -> str:
    """In this shape; where one size only depends on the batch, ONNX finds it."""
    unknown = [size for size in shape if isinstance(size, Dim)]
    if len(unknown) == 1 and 0 not in shape:
        shape = [-1 if isinstance(size, Dim) else size for size in shape]
    return str(w.node("Reshape", x, w.shape(shape), allowzero=int(0 in shape)))


@_entry("reshape", "expand_dims", "squeeze")
def _reshape(w: Any, call: Any) -> str:
    return _reshaped(w, w.name(call.inputs[0]), call.outputs[0].shape)


@_entry("transpose")
def _transpose(w: Any, call: Any) -> str:
    (x,), axes = call.inputs, call.attrs["axes"]
    order = range(x.ndim)[::-1] if axes is None else normalize_axes(axes, x.ndim)
    return str(w.node("Transpose", w.name(x), perm=[int(a) for a in order]))


@_entry("broadcast_to")
def _broadcast_to(w: Any, call: Any) -> str:
    return str(w.node("Expand", w.name(call.inputs[0]), w.shape(call.outputs[0].shape)))


@_entry("concatenate")
def _concatenate(w: Any, call: Any) -> str:
    parts = [w.name(x, call.outputs[0].dtype) for x in call.inputs[0]]
    return str(w.node("Concat", *parts, axis=int(call.attrs["axis"])))


@_entry("flip")
def _flip(w: Any, call: Any) -> str:
    (x,), axis = call.inputs, call.attrs["axis"]
    axes = range(x.ndim) if axis is None else normalize_axes(axis, x.ndim)
    return _sliced(w, w.name(x), dict.fromkeys(axes, (-1, -(2**62), -1)))


def _sliced(w: Any, x: str, slices: dict[int, tuple[int, int, int]]) -> str:
    """The slices (start, stop, step) of some axes."""
    starts, stops, steps = zip(*slices.values(), strict=True)
    given = [w.constant(np.array(v, "int64")) for v in (starts, stops, [*slices], steps)]
    return str(w.node("Slice", x, *given))


@_entry("_getitem")
def _getitem(w: Any, call: Any) -> str:
    """Numbers and slices; new and dropped axes are a matter of the shape."""
    (x,), key = call.inputs, call.attrs["key"]
    key = key if isinstance(key, tuple) else (key,)
    rest = x.ndim - sum(k is not None and k is not Ellipsis for k in key)
    full = [k for k in key if k is not None]
    if Ellipsis in full:
        place = full.index(Ellipsis)
        full[place : place + 1] = [slice(None)] * rest
    slices = {}
    for axis, k in enumerate(full):
        if isinstance(k, slice):
            if k == slice(None):
                continue
            step = 1 if k.step is None else int(k.step)
            start = (0 if step > 0 else -1) if k.start is None else int(k.start)
            end = 2**62 if step > 0 else -(2**62)
            slices[axis] = (start, end if k.stop is None else int(k.stop), step)
        elif isinstance(k, (int, np.integer)) and not isinstance(k, bool):
            slices[axis] = (int(k), int(k) + 1 or 2**62, 1)
        else:
            raise ValueError(f"export: the index {k!r} has no counterpart that sheer knows.")
    name = _sliced(w, w.name(x), slices) if slices else w.name(x)
    return _reshaped(w, name, call.outputs[0].shape)


@_entry("take")
def _take(w: Any, call: Any) -> str:
    x, indices = call.inputs
    name, axis = w.name(x), call.attrs["axis"]
    if axis is None:
        name, axis = w.node("Reshape", name, w.constant(np.array([-1], "int64"))), 0
    return str(w.node("Gather", name, w.name(indices, "int64"), axis=int(axis)))


@_entry("take_along_axis")
def _take_along_axis(w: Any, call: Any) -> str:
    x, indices = call.inputs
    axis = int(call.attrs["axis"])
    return str(w.node("GatherElements", w.name(x), w.name(indices, "int64"), axis=axis))


@_entry("_one_hot")
def _one_hot(w: Any, call: Any) -> str:
    count, dtype = call.attrs["num_classes"], call.outputs[0].dtype
    classes = w.constant(np.arange(count, dtype="int64"))
    last = w.node("Unsqueeze", w.name(call.inputs[0], "int64"), w.constant(np.array([-1], "int64")))
    return str(w.cast(w.node("Equal", last, classes), dtype))


@_entry("_places")
def _places(w: Any, call: Any) -> str:
    """How many of the sorted numbers are smaller. NaN is behind all: no number is greater."""
    dtype = common_dtype([x.dtype for x in call.inputs], "float32")
    values, sequence = (w.name(x, dtype) for x in call.inputs)
    each = w.node("Unsqueeze", values, w.constant(np.array([-1], "int64")))
    kind = "Greater" if call.attrs["side"] == "right" else "GreaterOrEqual"
    before = w.cast(w.node("Not", w.node(kind, sequence, each)), call.outputs[0].dtype)
    last = w.constant(np.array([-1], "int64"))
    return str(w.node("ReduceSum", before, last, keepdims=0))


@_entry("batch_size")
def _batch_size(w: Any, call: Any) -> str:
    axis, factor, offset = (call.attrs[k] for k in ("axis", "factor", "offset"))
    size = w.node("Shape", w.name(call.inputs[0]), start=axis, end=axis + 1)
    size = w.node("Mul", size, w.constant(np.array([factor], "int64")))
    size = w.node("Add", size, w.constant(np.array([offset], "int64")))
    return str(w.node("Squeeze", size))


# --- along axes -------------------------------------------------------------------------------


def _axes(w: Any, axis: Any) -> list[str]:
    """Axes as a value; all of them where there is none."""
    if axis is None:
        return []
    axes = (axis,) if isinstance(axis, (int, np.integer)) else axis
    return [w.constant(np.array(axes, "int64"))]


REDUCTIONS = {
    "sum": "ReduceSum", "mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin",
    "_prod": "ReduceProd", "logsumexp": "ReduceLogSumExp",
}  # fmt: skip


@_entry(*REDUCTIONS)
def _reduce(w: Any, call: Any) -> str:
    if call.attrs.get("initial") is not None:
        raise ValueError(f"export: {call.op.name} with an initial value has no counterpart.")
    (x,), keep = _alike(w, call), int(call.attrs["keepdims"])
    return str(w.node(REDUCTIONS[call.op.name], x, *_axes(w, call.attrs["axis"]), keepdims=keep))


@_entry("any", "all")
def _any(w: Any, call: Any) -> str:
    kind = {"any": "ReduceMax", "all": "ReduceMin"}[call.op.name]
    x = w.cast(w.name(call.inputs[0], "bool"), "int32")
    axes, keep = _axes(w, call.attrs["axis"]), int(call.attrs["keepdims"])
    return str(w.cast(w.node(kind, x, *axes, keepdims=keep), "bool"))


@_entry("argmax", "argmin")
def _argmax(w: Any, call: Any) -> str:
    (x,), axis = call.inputs, call.attrs["axis"]
    kind = {"argmax": "ArgMax", "argmin": "ArgMin"}[call.op.name]
    name, keep = w.name(x), int(call.attrs["keepdims"])
    if axis is None:
        name, axis = w.node("Reshape", name, w.constant(np.array([-1], "int64"))), 0
    index = w.node(kind, name, axis=int(axis), keepdims=keep)
    return str(w.cast(index, call.outputs[0].dtype))


@_entry("_cumsum")
def _cumsum(w: Any, call: Any) -> str:
    (x,), axis = _alike(w, call), call.attrs["axis"]
    return str(w.node("CumSum", x, w.constant(np.array(axis, "int64"))))


@_entry("_standardize")
def _standardize(w: Any, call: Any) -> list[str]:
    (x,), axes = _alike(w, call), _axes(w, call.attrs["axis"])
    keep = int(call.attrs["keepdims"])
    mean = w.node("ReduceMean", x, *axes, keepdims=keep)
    off = w.node("Sub", x, mean)
    variance = w.node("ReduceMean", w.node("Mul", off, off), *axes, keepdims=keep)
    epsilon = _number(w, call, call.attrs["epsilon"])
    deviation = w.node("Sqrt", w.node("Add", variance, epsilon))
    return [w.node("Div", off, deviation), mean, variance]


@_entry("_rms_normalize")
def _rms_normalize(w: Any, call: Any) -> str:
    (x,), axes = _alike(w, call), _axes(w, call.attrs["axis"])
    mean = w.node("ReduceMean", w.node("Mul", x, x), *axes, keepdims=1)
    epsilon = _number(w, call, call.attrs["epsilon"])
    return str(w.node("Div", x, w.node("Sqrt", w.node("Add", mean, epsilon))))


@_entry("_unit")
def _unit(w: Any, call: Any) -> str:
    (x,), axes = _alike(w, call), _axes(w, call.attrs["axis"])
    length = w.node("Sqrt", w.node("ReduceSum", w.node("Mul", x, x), *axes, keepdims=1))
    return str(w.node("Div", x, w.node("Max", length, _number(w, call, call.attrs["epsilon"]))))
