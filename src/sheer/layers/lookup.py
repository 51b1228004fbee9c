"""StringLookup and IntegerLookup: values as their places in a vocabulary, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheer.core.checks import one_of
from sheer.core.dtypes import is_float
from sheer.layers.base import LAYERS
from sheer.layers.index_lookup import IndexLookup
from sheer.layers.preprocessing import as_texts, is_array
from sheer.ops.arithmetic import cast, mod
from sheer.ops.declare import Array, Sample, op
from sheer.ops.hashing import bins_of_texts, hash_bins
from sheer.ops.operand import Operand
from sheer.ops.tensor import Tensor

# Places in no row: of what is masked, and of what is to be hashed.
MASKED, MISSING = -1, -2


def _pairs(rng: np.random.Generator) -> list[Any]:
    return [rng.integers(0, 9, (4, 2)), np.array([1, 4, 7]), np.array([5, 3, 8])]


@op(
    shape=lambda x, *_: x,
    dtype=lambda x, keys, values, *_: values,
    sample=Sample(lambda rng: [*_pairs(rng), -1], {}, False),
    label="place",
)
def look_up(xp: Any, x: Array, keys: Array, values: Array, default: Array) -> Array:
    """The value that belongs to each key, keys sorted; the default for what is none of them."""
    places = xp.minimum(xp.searchsorted(keys, x), keys.shape[0] - 1)
    return xp.where(xp.take(keys, places) == x, xp.take(values, places), default)


@op(
    shape=lambda x, *_: x,
    dtype=lambda x, keys, values: values,
    sample=Sample(lambda rng: [np.array([[1, 1], [1, 7]]), *_pairs(rng)[1:]], {}, False),
    label="place",
)
def look_up_known(xp: Any, x: Array, keys: Array, values: Array) -> Array:
    """The value that belongs to each key, keys sorted; what is none of them is an error."""
    places = xp.minimum(xp.searchsorted(keys, x), keys.shape[0] - 1)
    unknown = xp.take(keys, places) != x
    if xp.any(unknown):
        raise ValueError(f"{np.unique(x[unknown])[:5].tolist()} are not in the vocabulary")
    return xp.take(values, places)


@LAYERS.add()
class StringLookup(IndexLookup):
    """Strings as their places in a vocabulary, and with `invert` back.

    Strings live in arrays and lists, never in a model: call it ahead of the model, and give the
    model what it returns. Any shape; the answer is a Tensor, int64, or with `invert` a NumPy array
    of strings.

    Args:
        max_tokens: the largest vocabulary, special tokens counted; None for no limit.
        num_oov_indices: how many places there are for strings that are not in the vocabulary. With
            more than one, their hash decides; with none, such a string is an error.
        mask_token: a string that means "nothing": place 0 of `"int"`, no place in rows.
        oov_token: what `invert` gives for such places.
        vocabulary: a list or array, or the path of a text file with a token in each line.
        idf_weights: for `"tf_idf"`: the weight of each token of the vocabulary.
        invert: places in, strings out.
        output_mode: `"int"`, the places; `"one_hot"`, `"multi_hot"`, `"count"`, rows as of
            `CategoryEncoding`; `"tf_idf"`, counts times weights.
        pad_to_max_tokens: rows of `max_tokens` numbers, however many tokens there are.
        encoding: of bytes.
        salt: for the hash, as in `Hashing`.

    Example:

    >>> import sheer
    >>> layer = sheer.layers.StringLookup(vocabulary=["a", "b", "c"])
    >>> layer([["a", "c"], ["z", "b"]]).numpy()
    array([[1, 3],
           [0, 2]])
    >>> layer = sheer.layers.StringLookup(output_mode="multi_hot")
    >>> layer.adapt([["a", "b"], ["b", "b"]])
    >>> layer.get_vocabulary()
    ['[UNK]', 'b', 'a']
    >>> layer([["a", "z"]]).numpy()
    array([[1, 0, 1]])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ):
        self.encoding = encoding
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert,
            output_mode, pad_to_max_tokens, salt, name=name, **kwargs,
        )  # fmt: skip

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The places of strings; with `invert`, the strings at places."""
        return self.call(inputs)

    def call(self, inputs: Any) -> Any:
        self._check_vocabulary()
        if self.invert:
            return self._strings(inputs)
        texts = as_texts(inputs, self.name, self.encoding)
        known = {token: i for i, token in enumerate(self._tokens, self._first_token())}
        if self.mask_token is not None:
            known[self.mask_token] = 0 if self.output_mode == "int" else MASKED
        flat = texts.reshape(-1).tolist()
        places = np.fromiter((known.get(text, MISSING) for text in flat), np.int64, len(flat))
        missing = np.flatnonzero(places == MISSING)
        if len(missing):
            places[missing] = self._oov_places([flat[i] for i in missing])
        return self._encoded(Tensor(places.reshape(texts.shape)))

    def _oov_places(self, texts: list[str]) -> Any:
        if not self.num_oov_indices:
            unknown = list(dict.fromkeys(texts))[:5]
            raise ValueError(
                f"{self.name}: {unknown} are not in the vocabulary, and num_oov_indices=0 leaves "
                "no place for them."
            )
        bins = bins_of_texts([t.encode() for t in texts], self.num_oov_indices, self.salt)
        return self._first_oov() + bins

    def _strings(self, inputs: Any) -> np.ndarray[Any, Any]:
        places = np.asarray(inputs)
        tokens = np.array([*self.get_vocabulary(), self.oov_token])
        is_place = (places >= 0) & (places < len(tokens) - 1)
        return np.asarray(tokens[np.where(is_place, places, -1)])

    def _plain(self, values: Any) -> list[str]:
        texts: list[str] = as_texts(values, self.name, self.encoding).reshape(-1).tolist()
        return texts

    def _parsed(self, text: str) -> list[str]:
        return text.removesuffix("\n").split("\n") if text else []

    def _read(self, lines: list[str]) -> list[str]:
        return lines


@LAYERS.add()
class IntegerLookup(IndexLookup):
    """Whole numbers as their places in a vocabulary, and with `invert` back; in models too.

    Any shape; the answer is int64, or float for `"tf_idf"`. A model's program has the vocabulary in
    its text, so there it may have up to 100,000 tokens.

    Args:
        oov_token: what `invert` gives for places of no token.
        oov_method: `"floormod"`: a number that is not in the vocabulary has the place that it
            leaves as a remainder; `"farmhash"`: its hash decides, as in `Hashing`, with the `salt`.

    All others as of `StringLookup`.

    Example:

    >>> import sheer
    >>> layer = sheer.layers.IntegerLookup(vocabulary=[12, 36, 1138, 42])
    >>> layer([[12, 1138, 42], [42, 1000, 36]]).numpy()
    array([[1, 3, 4],
           [4, 0, 2]])
    """

    arguments = {"vocabulary_dtype": one_of("int64")}

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        self.vocabulary_dtype = vocabulary_dtype
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert,
            output_mode, pad_to_max_tokens, salt, oov_method, name=name, **kwargs,
        )  # fmt: skip

    def call(self, inputs: Any) -> Any:
        self._check_vocabulary()
        x = cast(inputs, "int64") if is_float(inputs.dtype) else inputs
        keys, values = self._table()
        if self.invert:
            return look_up(x, keys, values, self.oov_token)
        if not self.num_oov_indices:
            return self._encoded(look_up_known(x, keys, values))
        return self._encoded(look_up(x, keys, values, self._oov_places(x)))

    def _hashes(self) -> bool:
        return self.oov_method == "farmhash"

    def _oov_places(self, x: Any) -> Any:
        first = self._first_oov()
        if self.num_oov_indices == 1:
            return first
        if self._hashes():
            places = hash_bins(x, self.num_oov_indices, self.salt)
        else:
            places = mod(x, self.num_oov_indices)
        return places + first if first else places

    def _table(self) -> tuple[Tensor, Tensor]:
        """What is looked up, sorted, and what belongs to it."""
        places = np.arange(len(self._tokens)) + self._first_token()
        tokens = np.array(self._tokens, np.int64)
        keys, values = (places, tokens) if self.invert else (tokens, places)
        if self.mask_token is not None:
            place = 0 if self.output_mode == "int" else MASKED
            pair = (place, self.mask_token) if self.invert else (self.mask_token, place)
            keys, values = np.append(keys, pair[0]), np.append(values, pair[1])
        order = np.argsort(keys)
        return Tensor(keys[order]), Tensor(values[order])

    def _plain(self, values: Any) -> list[int]:
        array = np.asarray(values if isinstance(values, Operand) or is_array(values) else [*values])
        numbers: list[int] = array.astype(np.int64).reshape(-1).tolist()
        return numbers

    def _parsed(self, text: str) -> list[int]:
        return self._read(text.split())

    def _read(self, lines: list[str]) -> list[int]:
        numbers: list[int] = np.array([int(line) for line in lines], np.int64).tolist()
        return numbers
