"""The compiled module, imported here and nowhere else, when it is first needed."""

from __future__ import annotations

import importlib
from typing import Any

_found: dict[str, Any] = {}


def native() -> Any:
    """The compiled module. Raises ImportError where it was not built."""
    if "module" not in _found:
        _found["module"] = importlib.import_module("sheer.engines.native._native")
    return _found["module"]


def why_not() -> str:
    """Why the native engine cannot run here, in one line; empty where it can."""
    if "why" not in _found:
        try:
            native()
            _found["why"] = ""
        except ImportError as error:
            missing = "No module named" in str(error)
            _found["why"] = (
                "it was not built: the install found no C++ compiler" if missing else str(error)
            )
    return str(_found["why"])
