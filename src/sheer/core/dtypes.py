"""Names of dtypes, and what dtype two operands give: the rules of `keras.ops`."""

from typing import Any

import numpy as np

from sheer.core.errors import did_you_mean

BOOLS = ("bool",)
INTEGERS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
FLOATS = ("float32", "float64")
DTYPES = BOOLS + INTEGERS + FLOATS
# NumPy works its own name for a dtype out anew at each question.
NAMES = {np.dtype(name): name for name in DTYPES}


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype given as a string, a NumPy dtype or a Python type.

    >>> standardize_dtype(np.float32), standardize_dtype("int64"), standardize_dtype(bool)
    ('float32', 'int64', 'bool')
    """
    if isinstance(dtype, str) and dtype in DTYPES:
        return dtype
    by_type = {bool: "bool", int: "int32", float: "float32"}
    if isinstance(dtype, type) and dtype in by_type:
        return by_type[dtype]
    try:
        name = str(np.dtype(dtype).name)
    except TypeError:
        name = str(dtype)
    if name.startswith(("str", "bytes", "Str")):
        raise ValueError(
            f"Tensors hold numbers, and these are strings ({name}). Make numbers of them first, "
            "ahead of the model: layers.StringLookup or layers.Hashing do."
        )
    if name not in DTYPES:
        raise ValueError(f"Unknown dtype {name!r}.{did_you_mean(name, DTYPES)}")
    return name


def is_float(dtype: str) -> bool:
    """Whether the dtype is a floating-point one."""
    return dtype in FLOATS


def common_dtype(dtypes: list[str], float_dtype: str) -> str:
    """The dtype of an operation on arrays of these dtypes, as in `keras.ops`.

    Floats win over integers without growing (int64 with float32 is float32), unlike in NumPy.
    `uint64` with a signed integer is `float_dtype`.

    >>> common_dtype(["int64", "float32"], "float32"), common_dtype(["uint8", "int8"], "float32")
    ('float32', 'int16')
    """
    floats = [d for d in dtypes if d in FLOATS]
    if floats:
        return "float64" if "float64" in floats else "float32"
    result = dtypes[0]
    for dtype in dtypes[1:]:
        result = np.promote_types(result, dtype).name
        if result in FLOATS:
            return float_dtype
    return result
