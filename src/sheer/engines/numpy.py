"""The NumPy engine: the text of a program is what runs."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable
from typing import Any

_numbers = itertools.count(1)


def new_filename(name: str) -> str:
    """A name for text that is in no file."""
    return f"<sheer {name} {next(_numbers)}>"


def load(text: str, name: str, filename: str) -> Callable[..., Any]:
    """The function `name` that the text defines.

    The text is entered where tracebacks and debuggers look for source lines, so they show it as if
    it were a file.
    """
    code = compile(text, filename, "exec")
    if filename.startswith("<"):
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    module: dict[str, Any] = {"__name__": f"sheer_{name}"}
    exec(code, module)
    function: Callable[..., Any] = module[name]
    return function
