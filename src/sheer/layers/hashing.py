"""Hashing: values in a fixed number of bins, without a vocabulary."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheer.core import config
from sheer.core.checks import Check, integer, nothing, one_of
from sheer.core.dtypes import is_float
from sheer.layers.base import LAYERS
from sheer.layers.preprocessing import (
    OUTPUT_MODES,
    Preprocessing,
    as_texts,
    encoded,
    encoded_shape,
    holds_texts,
)
from sheer.ops.arithmetic import cast, equal, where
from sheer.ops.hashing import bins_of_texts, hash_bins
from sheer.ops.tensor import Tensor


def _is_salt(value: Any) -> bool:
    whole = integer(0).accepts
    is_pair = isinstance(value, (list, tuple)) and len(value) == 2
    return whole(value) or (is_pair and all(map(whole, value)))


SALT = Check("a whole number of 0 or more, or two of them", _is_salt, (0.5, "x", [1], [1, 2, 3]))


def pair_of(salt: Any) -> list[int] | None:
    """A salt as the two numbers that SipHash takes."""
    return None if salt is None else [salt, salt] if isinstance(salt, int) else list(salt)


@LAYERS.add()
class Hashing(Preprocessing):
    """The bin of each value, by the hash of a string, or of the decimal digits of a whole number.

    Any shape. The numbers are Keras's: FarmHash64, or with a salt SipHash64, modulo the number of
    bins. Strings are hashed on arrays and lists only, ahead of a model; numbers in models too.

    Args:
        num_bins: how many bins, that of the mask counted.
        mask_value: a value that has bin 0 to itself; None for no such bin.
        salt: one whole number or two, which other people cannot guess.
        output_mode: `"int"`: the bins, int64; `"one_hot"`, `"multi_hot"`, `"count"`: rows as of
            `CategoryEncoding`.

    Example:

    >>> import sheer
    >>> sheer.layers.Hashing(3)([["A"], ["B"], ["C"], ["D"], ["E"]]).numpy().tolist()
    [[1], [0], [1], [1], [2]]
    >>> sheer.layers.Hashing(3, output_mode="count")([[10, 20], [31, 31]]).numpy().tolist()
    [[0.0, 0.0, 2.0], [0.0, 2.0, 0.0]]
    """

    arguments = {
        "num_bins": integer(1),
        "salt": SALT | nothing(),
        "output_mode": one_of(*OUTPUT_MODES),
    }
    lacks = {"sparse": False}

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        **kwargs: Any,
    ):
        dtype = kwargs.pop("dtype", None) or ("int64" if output_mode == "int" else config.floatx())
        super().__init__(dtype=dtype, **kwargs)
        self.num_bins = num_bins
        self.mask_value = mask_value
        self.salt = salt
        self.output_mode = output_mode
        self.check_arguments()
        self.salt = pair_of(salt)
        if output_mode == "int" and self.dtype not in ("int32", "int64"):
            raise ValueError(
                "Hashing: with output_mode='int', dtype must be 'int32' or 'int64'. "
                f"Got {self.dtype!r}."
            )

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The bins, or rows of them."""
        if not holds_texts(inputs):
            return super().__call__(inputs, *args, **kwargs)
        texts = as_texts(inputs, self.name)
        is_mask = self._is_mask(texts, str)
        bins = bins_of_texts([t.encode() for t in texts.reshape(-1)], self._free_bins(), self.salt)
        bins = bins.reshape(texts.shape)
        return self._encoded(Tensor(bins if is_mask is None else np.where(is_mask, 0, bins + 1)))

    def call(self, inputs: Any) -> Any:
        if inputs.dtype == "bool":
            raise TypeError(f"{self.name} takes whole numbers or strings, not booleans.")
        is_mask = self._is_mask(inputs, (int, float))
        x = cast(inputs, "int64") if is_float(inputs.dtype) else inputs
        bins = hash_bins(x, self._free_bins(), self.salt)
        return self._encoded(bins if is_mask is None else where(is_mask, 0, bins + 1))

    def _is_mask(self, values: Any, kind: Any) -> Any:
        if self.mask_value is None or self.num_bins == 1:
            return None
        if not isinstance(self.mask_value, kind):
            what = "strings" if kind is str else "numbers"
            raise TypeError(
                f"{self.name}: the values are {what}, and mask_value is {self.mask_value!r}."
            )
        return values == self.mask_value if kind is str else equal(values, self.mask_value)

    def _free_bins(self) -> int:
        """How many bins there are besides that of the mask."""
        return self.num_bins - (self.mask_value is not None and self.num_bins > 1)

    def _encoded(self, bins: Any) -> Any:
        return encoded(bins, self.output_mode, self.num_bins, self.dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return encoded_shape(input_shape, self.output_mode, self.num_bins)

    def formula(self) -> str:
        bins = "the bin of 0 to " + str(self.num_bins - 1)
        return bins if self.output_mode == "int" else f"{bins}, as a row"
