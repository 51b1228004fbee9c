"""CategoryEncoding: numbers of categories as rows of ones and zeros."""

from __future__ import annotations

from typing import Any

from sheer.core.checks import integer, one_of
from sheer.layers.base import LAYERS
from sheer.layers.preprocessing import Preprocessing, as_numbers, encoded, encoded_shape
from sheer.ops.arithmetic import as_float


@LAYERS.add()
class CategoryEncoding(Preprocessing):
    """Whole numbers 0 to num_tokens - 1 as rows of `num_tokens` numbers. Others are in no row.

    Args:
        num_tokens: how many categories there are.
        output_mode: `"multi_hot"`: one row for each example, 1 for each category in it;
            `"count"`: how often each is in it; `"one_hot"`: a row for each number. An axis of size
            1 at the end becomes the row.

    Called with `count_weights`, of the inputs' shape, `"count"` adds these up in place of ones.

    Example:

    >>> import sheer
    >>> sheer.layers.CategoryEncoding(4)([[0, 1], [0, 0], [1, 2]]).numpy()
    array([[1., 1., 0., 0.],
           [1., 0., 0., 0.],
           [0., 1., 1., 0.]], dtype=float32)
    >>> layer = sheer.layers.CategoryEncoding(4, output_mode="count")
    >>> layer([[0, 1], [3, 3]], count_weights=[[0.5, 1.0], [2.0, 3.0]]).numpy()
    array([[0.5, 1. , 0. , 0. ],
           [0. , 0. , 0. , 5. ]], dtype=float32)
    """

    arguments = {"num_tokens": integer(1), "output_mode": one_of("one_hot", "multi_hot", "count")}
    lacks = {"sparse": False}

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.num_tokens = num_tokens
        # An older spelling.
        self.output_mode = "multi_hot" if output_mode == "binary" else output_mode
        self.check_arguments()

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is not None:
            if self.output_mode != "count":
                raise ValueError(
                    f"{self.name}: count_weights are for output_mode='count'. The layer has "
                    f"output_mode={self.output_mode!r}."
                )
            count_weights = as_float(as_numbers(count_weights), self.dtype)
        return encoded(inputs, self.output_mode, self._depth(), self.dtype, count_weights)

    def _depth(self) -> int:
        assert self.num_tokens is not None
        return self.num_tokens

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return encoded_shape(input_shape, self.output_mode, self._depth())

    def formula(self) -> str:
        return f"{self.output_mode} rows of {self.num_tokens}"
