"""InputSpec: what a layer, or a traced function, wants its inputs to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sheer.core import tree
from sheer.core.dtypes import standardize_dtype
from sheer.core.shapes import Dim, show
from sheer.ops.operand import Operand


@dataclass
class InputSpec:
    """What an input must be like; None leaves open.

    A layer that has one in `input_spec`, or a structure of them, checks its first argument at each
    call. `sheer.function` takes a list of them, with shape and dtype, as its `input_signature`.

    Args:
        dtype, shape: of the input, None for the batch size and for other open sizes.
        ndim, max_ndim, min_ndim: how many axes; with a shape, as many as that has.
        axes: sizes by axis.
        allow_last_axis_squeeze: whether a last axis of 1 may be missing, or be there besides.
        name: the key of the input where inputs come as a dictionary.
        optional: whether it may be None.

    >>> InputSpec(shape=(None, 3)).ndim
    2
    """

    dtype: str | None = None
    shape: Any = None
    ndim: int | None = None
    max_ndim: int | None = None
    min_ndim: int | None = None
    axes: dict[int, int] | None = field(default=None)
    allow_last_axis_squeeze: bool = False
    name: str | None = None
    optional: bool = False

    def __post_init__(self) -> None:
        self.dtype = None if self.dtype is None else standardize_dtype(self.dtype)
        self.axes = {int(axis): size for axis, size in (self.axes or {}).items()}
        if self.shape is not None:
            self.shape = tuple(self.shape)
            self.ndim = len(self.shape)
        most = self.ndim if self.ndim is not None else self.max_ndim
        if self.axes and most is not None and max(self.axes) >= most:
            raise ValueError(
                f"InputSpec: axis {max(self.axes)} does not exist in {most} dimensions. "
                f"Got axes={self.axes}."
            )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        config = vars(self).copy()
        for name in ("name", "allow_last_axis_squeeze"):  # these are not in Keras's
            del config[name]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """One made from `get_config()`'s answer."""
        return cls(**config)

    def mismatches(self, x: Any) -> list[str]:
        """What of an input is otherwise, in words."""
        shape, rank = x.shape, len(x.shape)
        found = []
        if self.ndim is not None and rank != self.ndim and not self.allow_last_axis_squeeze:
            found.append(f"{self.ndim} axes")
        if self.max_ndim is not None and rank > self.max_ndim:
            found.append(f"at most {self.max_ndim} axes")
        if self.min_ndim is not None and rank < self.min_ndim:
            found.append(f"at least {self.min_ndim} axes")
        if self.dtype is not None and x.dtype != self.dtype:
            found.append(f"dtype {self.dtype}")
        for axis, size in (self.axes or {}).items():
            is_there = -rank <= axis < rank
            if size is not None and not (is_there and _fits(shape[axis], size)):
                found.append(f"size {size} on axis {axis}")
        if self.shape is not None and not found:
            wanted, given = self.shape, shape
            if self.allow_last_axis_squeeze:
                wanted, given = _squeezed(wanted), _squeezed(given)
            if len(wanted) != len(given) or not all(map(_fits, given, wanted)):
                found.append(f"shape {show(self.shape)}")
        return found


def _fits(size: Any, wanted: Any) -> bool:
    return wanted is None or isinstance(size, Dim) or bool(size == wanted)


def _squeezed(shape: Any) -> Any:
    return shape[:-1] if shape and shape[-1] == 1 else shape


def check_inputs(layer: Any, inputs: Any) -> None:
    """Raise where the inputs of a layer are not as its `input_spec` wants them."""
    specs = tree.leaves(layer.input_spec)
    if isinstance(inputs, dict) and all(spec.name for spec in specs):
        missing = [spec.name for spec in specs if spec.name not in inputs]
        if missing:
            raise ValueError(
                f"Layer {layer.name!r}: no data for the input {missing[0]!r}. Given are "
                f"{', '.join(map(repr, inputs))}."
            )
        inputs = [inputs[spec.name] for spec in specs]
    given = tree.leaves(inputs)
    if len(given) != len(specs):
        raise ValueError(
            f"Layer {layer.name!r} takes {len(specs)} inputs; {len(given)} were given."
        )
    for place, (x, spec) in enumerate(zip(given, specs, strict=True)):
        if spec is None or (x is None and spec.optional):
            continue
        if not isinstance(x, Operand):
            raise ValueError(f"Layer {layer.name!r}: input {place} must be a tensor. Got {x!r}.")
        wrong = spec.mismatches(x)
        if wrong:
            raise ValueError(
                f"Layer {layer.name!r}: input {place} must have {', '.join(wrong)}. "
                f"Got {show(x.shape)} {x.dtype}."
            )
