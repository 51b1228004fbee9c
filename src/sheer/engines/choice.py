"""Which engine runs programs: the native one where it is built, or NumPy."""

from __future__ import annotations

import os

from sheer.core.errors import did_you_mean
from sheer.engines.native.native import why_not

ENGINES = ("native", "numpy")

_chosen: dict[str, str] = {}


def engine() -> str:
    """What runs programs: `"native"` or `"numpy"`.

    By default what SHEER_ENGINE says, else the native engine where it is built.

    >>> engine() in ("native", "numpy")
    True
    """
    if "engine" not in _chosen:
        wanted = os.environ.get("SHEER_ENGINE", "")
        _chosen["engine"] = _checked(wanted) if wanted else "numpy" if why_not() else "native"
    return _chosen["engine"]


def set_engine(name: str) -> None:
    """Choose the engine, `"native"` or `"numpy"`, for all that runs from now on."""
    _chosen["engine"] = _checked(name)


def _checked(name: str) -> str:
    if name not in ENGINES:
        raise ValueError(f"Unknown engine {name!r}.{did_you_mean(name, ENGINES)}")
    if name == "native" and why_not():
        raise RuntimeError(
            f"The native engine is not there: {why_not()}.\n"
            "Install sheer from a wheel, or where there is a C++ compiler; or choose 'numpy'."
        )
    return name
