"""Embedding: a vector for each whole number."""

from __future__ import annotations

from typing import Any

from sheer import constraints, initializers, regularizers
from sheer.core.checks import boolean, integer
from sheer.core.dtypes import INTEGERS
from sheer.layers.base import LAYERS, Layer
from sheer.ops.arithmetic import cast, not_equal
from sheer.ops.picking import take


@LAYERS.add()
class Embedding(Layer):
    """The row of `embeddings` at each index: whole numbers, any shape, become vectors.

    Input (...) of indices from 0 to input_dim - 1, output (..., output_dim). Floats are cast to
    int32. An index out of range is an IndexError when it is looked up.

    Args:
        input_dim: how many different indices there are.
        output_dim: the length of a vector.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of the weight
            `embeddings` (input_dim, output_dim).
        mask_zero: whether index 0 means that there is nothing: `compute_mask` is then False there.
        weights: the first value of `embeddings`: an array, or a list of that one.

    Example:

    >>> import numpy as np, sheer
    >>> layer = sheer.layers.Embedding(3, 2, weights=np.array([[0, 0], [1, 2], [3, 4]]))
    >>> layer(np.array([[2, 1]])).numpy()
    array([[[3., 4.],
            [1., 2.]]], dtype=float32)
    """

    arguments = {"input_dim": integer(1), "output_dim": integer(1), "mask_zero": boolean()}
    lacks = {"lora_rank": None, "lora_alpha": None, "quantization_config": None}

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.check_arguments()
        if weights is not None:
            self.build(None)
            is_list = isinstance(weights, list) and len(weights) == 1
            self.set_weights(weights if is_list else [weights])

    def build(self, input_shape: Any) -> None:
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            name="embeddings",
        )

    def call(self, inputs: Any) -> Any:
        indices = inputs if inputs.dtype in INTEGERS else cast(inputs, "int32")
        return take(self.embeddings, indices, axis=0)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Where the index is not 0, if `mask_zero`."""
        return not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["weights"]  # a property of the same name: the values themselves are no config
        return config

    def formula(self) -> str:
        return "the row of embeddings at each index"
