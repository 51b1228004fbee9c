"""Structures of values: nested lists, tuples and dicts, taken apart and put together."""

from collections.abc import Callable, Iterator
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """The values of a structure, left to right; dicts in their own order.

    >>> leaves({"a": 1, "b": [2, (3, None)]})
    [1, 2, 3, None]
    """
    if not isinstance(tree, (dict, list, tuple)):
        return [tree]
    values = tree.values() if isinstance(tree, dict) else tree
    return [leaf for value in values for leaf in leaves(value)]


def map_tree(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same structure with each value replaced by `function(value)`.

    >>> map_tree(lambda v: v + 1, {"a": 1, "b": (2, 3)})
    {'a': 2, 'b': (3, 4)}
    """
    if isinstance(tree, dict):
        return {key: map_tree(function, value) for key, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(map_tree(function, value) for value in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(map_tree(function, value) for value in tree)
    return function(tree)


def refill(tree: Any, values: list[Any]) -> Any:
    """The same structure holding `values`, one for each leaf, left to right."""
    iterator: Iterator[Any] = iter(values)
    return map_tree(lambda _: next(iterator), tree)
