"""Where a model's state stands in Keras's files: which path belongs to which layer.

A path is made of attributes, `layers/dense/vars/0`, `encoder/blocks/dense_1/vars/0`. In a list, a
thing goes by its class; the layers of a Sequential or Functional are such a list. (Keras 3,
keras/src/saving/saving_lib.py.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sheer.core.registry import Configurable, snake_case

# Methods of Keras's layers for files of their own form.
HOOKS = ("save_own_variables", "load_own_variables", "save_assets", "load_assets")


def stateful(model: Any) -> dict[int, tuple[Any, list[str]]]:
    """By its id(), each layer or optimizer in the order in which Keras visits it, and its paths.

    Keras writes its state under the first one.
    """
    found: dict[int, tuple[Any, list[str]]] = {}
    _visit(model, "", found)
    for thing, _ in found.values():
        is_optimizer = hasattr(thing, "update_step")
        own = [hook for hook in HOOKS if not is_optimizer and hasattr(thing, hook)]
        if own:
            raise NotImplementedError(
                f"{thing.name!r} has {own[0]}(), which Keras calls for its files, and sheer does "
                "not yet. Keep what it stores as weights, of add_weight, or as arguments, of "
                "get_config."
            )
    return found


def _visit(thing: Any, path: str, found: dict[int, tuple[Any, list[str]]]) -> None:
    if id(thing) in found:
        found[id(thing)][1].append(path)
        return
    found[id(thing)] = (thing, [path])
    for name, value in _attributes(thing):
        where = f"{path}/{name}" if path else name
        if hasattr(value, "saved_variables"):
            _visit(value, where, found)
        elif isinstance(value, (list, tuple, dict)):
            _visit_container(value, where, found, set())


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    """The attributes in Keras's order: by name, those that begin with _ last."""
    attributes = dict(vars(thing))
    layers = getattr(thing, "layers", None)
    if isinstance(layers, list):
        attributes["layers"] = layers
        if thing.layers_first:
            yield "layers", attributes.pop("layers")
    for name in sorted(attributes, key=lambda n: f"~{n}" if n.startswith("_") else n):
        yield name, attributes[name]


def _visit_container(
    container: Any, path: str, found: dict[int, tuple[Any, list[str]]], seen: set[int]
) -> None:
    if id(container) in seen:
        return
    seen.add(id(container))
    counts: dict[str, int] = {}
    for value in container.values() if isinstance(container, dict) else container:
        if isinstance(value, Configurable):
            where = f"{path}/{_numbered(snake_case(type(value).__name__), counts)}"
            if hasattr(value, "saved_variables"):
                _visit(value, where, found)
        elif isinstance(value, (list, tuple, dict)):
            _visit_container(value, f"{path}/{_numbered('container', counts)}", found, seen)


def _numbered(name: str, counts: dict[str, int]) -> str:
    """`dense`, `dense_1`, `dense_2`."""
    count = counts.get(name, 0)
    counts[name] = count + 1
    return f"{name}_{count}" if count else name
