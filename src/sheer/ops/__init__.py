"""What can be computed: the vocabulary of `keras.ops`, and the values it works on.

Each family of ops lists its public names in its own `__all__`.
"""

from sheer.ops.arithmetic import *
from sheer.ops.arithmetic import abs, cast, divide
from sheer.ops.declare import OPS as OPS
from sheer.ops.declare import Array, operand
from sheer.ops.declare import Op as Op
from sheer.ops.declare import op as op
from sheer.ops.linalg import *
from sheer.ops.nn import *
from sheer.ops.nn import hard_silu, silu
from sheer.ops.normalization import *
from sheer.ops.picking import *
from sheer.ops.reduction import *
from sheer.ops.reduction import max, min
from sheer.ops.searching import *
from sheer.ops.shaping import *
from sheer.ops.symbol import Symbol as Symbol
from sheer.ops.symbol import named as named
from sheer.ops.tensor import Tensor as Tensor
from sheer.ops.variable import Variable as Variable

absolute = abs
amax, amin = max, min
swish = silu
hard_swish = hard_silu
true_divide = divide


def convert_to_tensor(x: Array, dtype: str | None = None) -> Array:
    """x as a Tensor; numbers in lists become int32, or `config.floatx()`.

    >>> convert_to_tensor([1.0, 2.0])
    <Tensor shape=(2,) dtype=float32 [1. 2.]>
    """
    x = operand(x)
    if isinstance(x, (int, float)):
        x = operand([x])[0]
    return x if dtype is None or x.dtype == dtype else cast(x, dtype)


def convert_to_numpy(x: Array) -> Array:
    """x as a NumPy array."""
    return convert_to_tensor(x).numpy()
