"""Masks: which entries of a value count, carried from layer to layer as Keras does.

A mask is True where an entry counts. It stands at the value itself, as `_keras_mask`.
"""

from __future__ import annotations

import inspect
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from sheer.core import tree
from sheer.ops.operand import Operand
from sheer.ops.symbol import named

if TYPE_CHECKING:
    from sheer.layers.base import Layer


def masks_of(values: Any) -> Any:
    """The masks of a structure of values, None for those without."""
    return tree.map_tree(lambda value: getattr(value, "_keras_mask", None), values)


@cache
def _parameters(layer: type) -> tuple[str, ...]:
    """The parameters of `call`, where one of them takes a mask."""
    names = tuple(inspect.signature(layer.call).parameters)[1:]  # type: ignore[attr-defined]
    return names if any(n == "mask" or n.endswith("_mask") for n in names) else ()


def with_masks(layer: Layer, args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments with the masks of the inputs, where `call` takes such and none was
    given: `mask` for a single input, `query_mask` for an input `query` among several."""
    names = _parameters(type(layer))  # type: ignore[arg-type]
    if not names:
        return kwargs
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    inputs = {
        name: value
        for name, value in given.items()
        if value is not None
        and not name.endswith("mask")
        and all(isinstance(v, Operand) for v in tree.leaves(value))
    }
    found = dict(kwargs)
    for name, value in inputs.items():
        wanted = "mask" if len(inputs) == 1 else f"{name}_mask"
        if wanted in names and given.get(wanted) is None:
            found[wanted] = masks_of(value)
    return found


def carry_masks(layer: Layer, inputs: Any, given: Any, outputs: Any) -> None:
    """Put the masks of the outputs at them: those that `compute_mask` finds from the inputs and
    their masks, by default these."""
    previous = masks_of(inputs) if given is None else given
    if not layer.supports_masking:
        if any(mask is not None for mask in tree.leaves(previous)) and not hasattr(layer, "layers"):
            warnings.warn(
                f"Layer {layer.name!r} was called on a value with a mask, and does not support "
                "masking: the mask ends here. Set supports_masking = True in its __init__ to carry "
                "it on.",
                stacklevel=4,
            )
        return
    leaves = tree.leaves(outputs)
    if all(getattr(output, "_keras_mask", None) is not None for output in leaves):
        return
    masks = layer.compute_mask(inputs, previous)
    if masks is None:
        return
    for output, mask in zip(leaves, tree.leaves(masks), strict=False):
        if mask is not None and getattr(output, "_keras_mask", mask) is None:
            output._keras_mask = named("mask", mask)
