"""The two settings that Keras has: the default float type and the fuzz factor."""

from sheer.core.dtypes import standardize_dtype

_settings: dict[str, object] = {"floatx": "float32", "epsilon": 1e-7}


def floatx() -> str:
    """The dtype of weights and of float data where none is given: `"float32"` by default.

    >>> floatx()
    'float32'
    """
    return str(_settings["floatx"])


def set_floatx(value: str) -> None:
    """Set the default float dtype, `"float32"` or `"float64"`."""
    value = standardize_dtype(value)
    if value not in ("float32", "float64"):
        raise ValueError(f"floatx must be 'float32' or 'float64'. Got {value!r}.")
    _settings["floatx"] = value


def epsilon() -> float:
    """The small number that keeps logarithms and divisions finite: 1e-7 by default.

    >>> epsilon()
    1e-07
    """
    return float(_settings["epsilon"])  # type: ignore[arg-type]


def set_epsilon(value: float) -> None:
    """Set the fuzz factor, a positive number."""
    if not value > 0:
        raise ValueError(f"epsilon must be a positive number. Got {value!r}.")
    _settings["epsilon"] = float(value)
