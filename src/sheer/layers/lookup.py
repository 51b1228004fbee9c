"""StringLookup and IntegerLookup: values as their places in a vocabulary, and back."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np

from sheer.core import config
from sheer.core.checks import boolean, integer, nothing, one_of
from sheer.core.dtypes import is_float
from sheer.layers.base import LAYERS
from sheer.layers.hashing import SALT, pair_of
from sheer.layers.preprocessing import (
    OUTPUT_MODES,
    Preprocessing,
    as_texts,
    batches_of,
    encoded,
    encoded_shape,
    is_array,
)
from sheer.ops.arithmetic import cast, mod
from sheer.ops.declare import Array, Sample, op
from sheer.ops.hashing import bins_of_texts, hash_bins
from sheer.ops.operand import Operand
from sheer.ops.tensor import Tensor

# Places in no row: of what is masked, and of what is to be hashed.
MASKED, MISSING = -1, -2
TF_IDF = (*OUTPUT_MODES, "tf_idf")


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


class IndexLookup(Preprocessing):
    """What the two lookups share: a vocabulary, given or learned, and how places are written.

    A place counts from the mask (0, where there is one and the output is `"int"`), then the places
    for what is not in the vocabulary, then the vocabulary.
    """

    arguments = {
        "max_tokens": integer(2) | nothing(),
        "num_oov_indices": integer(0),
        "invert": boolean(),
        "output_mode": one_of(*TF_IDF),
        "pad_to_max_tokens": boolean(),
        "oov_method": one_of("floormod", "farmhash"),
        "salt": SALT | nothing(),
    }
    lacks = {"sparse": False}

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        pad_to_max_tokens: bool,
        salt: Any,
        oov_method: str = "floormod",
        **kwargs: Any,
    ):
        # Stands in Keras's configs; it follows from the vocabulary.
        kwargs.pop("vocabulary_size", None)
        is_given = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        super().__init__(**kwargs)
        self.max_tokens = max_tokens
        self.num_oov_indices = num_oov_indices
        self.mask_token = mask_token
        self.oov_token = oov_token
        self.invert = invert
        self.output_mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(output_mode, output_mode)
        self.pad_to_max_tokens = pad_to_max_tokens
        self.oov_method = oov_method
        self.salt = salt
        self.check_arguments()
        self.salt = pair_of(salt)
        self._check_together(idf_weights)
        self._tokens: list[Any] = []
        self._idf: np.ndarray[Any, Any] | None = None
        self._has_input_vocabulary = is_given
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def _check_together(self, idf_weights: Any) -> None:
        wrong = (
            "pad_to_max_tokens needs max_tokens"
            if self.pad_to_max_tokens and self.max_tokens is None
            else "invert needs output_mode='int'"
            if self.invert and self.output_mode != "int"
            else "idf_weights are for output_mode='tf_idf'"
            if idf_weights is not None and self.output_mode != "tf_idf"
            else "a salt is for oov_method='farmhash'"
            if self.salt is not None and not self._hashes()
            else ""
        )
        if wrong:
            raise ValueError(
                f"{type(self).__name__}: {wrong}. Got output_mode={self.output_mode!r}, "
                f"max_tokens={self.max_tokens!r}, oov_method={self.oov_method!r}."
            )

    def _hashes(self) -> bool:
        """Whether a hash chooses the place of what is not in the vocabulary."""
        return True

    # --- the vocabulary -------------------------------------------------------------------

    def _plain(self, values: Any) -> list[Any]:
        """The values as a flat list of Python's own strings or numbers."""
        raise NotImplementedError

    def _parsed(self, text: str) -> list[Any]:
        """The tokens in a text, one in each line."""
        raise NotImplementedError

    def _lines(self, path: str) -> list[Any]:
        with open(path, encoding=getattr(self, "encoding", "utf-8")) as file:
            return self._parsed(file.read())

    def _first_oov(self) -> int:
        return int(self.mask_token is not None and self.output_mode == "int")

    def _first_token(self) -> int:
        return self._first_oov() + self.num_oov_indices

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the vocabulary.

        vocabulary: a list or array of tokens, or the path of a text file with one in each line; the
        special tokens may stand before them. idf_weights: for `"tf_idf"`, the weight of each.
        """
        is_tf_idf = self.output_mode == "tf_idf"
        is_file = isinstance(vocabulary, (str, os.PathLike))
        if is_tf_idf != (idf_weights is not None) or (is_file and is_tf_idf):
            raise ValueError(
                f"{type(self).__name__}: idf_weights are for output_mode='tf_idf', which needs "
                "them beside a list of tokens. "
                f"Got output_mode={self.output_mode!r} and idf_weights={idf_weights!r}."
            )
        tokens = self._lines(os.fspath(vocabulary)) if is_file else self._plain(vocabulary)
        special = [self.mask_token] * self._first_oov() + [self.oov_token] * self.num_oov_indices
        is_whole = not is_file and tokens[: len(special)] == special
        tokens = tokens[len(special) :] if is_whole else tokens
        self._check_tokens(tokens, special)
        idf = None
        if is_tf_idf:
            idf = np.asarray(idf_weights, np.float64).reshape(-1)
            if len(idf) != len(tokens) + len(special) * is_whole:
                raise ValueError(
                    f"{type(self).__name__}: {len(idf)} idf_weights for a vocabulary of "
                    f"{len(tokens) + len(special) * is_whole}."
                )
            if not is_whole:
                idf = np.concatenate([np.full(len(special), idf.mean()), idf])
        self._learn(tokens, idf)

    def _check_tokens(self, tokens: list[Any], special: list[Any]) -> None:
        who = type(self).__name__
        if not tokens:
            raise ValueError(f"{who}: the vocabulary is empty.")
        twice = [token for token, count in Counter(tokens).items() if count > 1]
        if twice:
            raise ValueError(f"{who}: tokens stand twice in the vocabulary: {twice[:5]}.")
        for name in ("mask_token", "oov_token"):
            token = getattr(self, name)
            if token is not None and token in tokens and (name == "mask_token" or self.invert):
                raise ValueError(
                    f"{who}: the {name} {token!r} stands in the vocabulary. Leave the special "
                    f"tokens away, or let them all stand before the others: {special}."
                )
        size = self._first_token() + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"{who}: the vocabulary has {size} tokens, special ones counted, and max_tokens is "
                f"{self.max_tokens}."
            )

    def _learn(self, tokens: list[Any], idf: np.ndarray[Any, Any] | None) -> None:
        """Take a vocabulary, and the weights of all its places."""
        self._tokens = tokens
        if idf is not None:
            rest = self.max_tokens - len(idf) if self.pad_to_max_tokens and self.max_tokens else 0
            self._idf = np.pad(idf, (0, rest)).astype(config.floatx())
        self.adapted += 1

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens, each at its place; the special ones first, if they are to be included."""
        special = [self.mask_token] * self._first_oov() + [self.oov_token] * self.num_oov_indices
        return [*special, *self._tokens] if include_special_tokens else list(self._tokens)

    def vocabulary_size(self) -> int:
        """How many tokens there are, the special ones counted."""
        return self._first_token() + len(self._tokens)

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn a vocabulary: the most frequent tokens of the data first, of equally frequent ones
        the larger first. For `"tf_idf"`, the weights too: log(1 + documents / (1 + documents that
        hold the token)).

        data: an array or a list, whose rows are documents, or an iterable of batches, of which the
        first `steps` are taken.
        """
        if self._has_input_vocabulary:
            raise ValueError(
                f"{self.name}.adapt: the layer was given its vocabulary. Make one without."
            )
        counts: Counter[Any] = Counter()
        documents_with: Counter[Any] = Counter()
        documents = 0
        for document in self._documents(data, steps):
            counts.update(document)
            documents_with.update(set(document))
            documents += 1
        for special in (self.mask_token, self.oov_token):
            counts.pop(special, None)
        if not counts:
            raise ValueError(f"{self.name}.adapt: the data hold no tokens.")
        tokens = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        if self.max_tokens is not None:
            tokens = tokens[: self.max_tokens - self._first_token()]
        idf = None
        if self.output_mode == "tf_idf":
            idf = np.log(1 + documents / (1 + np.array([documents_with[t] for t in tokens])))
            idf = np.concatenate([np.full(self._first_token(), idf.mean()), idf])
        self._learn(tokens, idf)

    def _documents(self, data: Any, steps: int | None) -> Iterator[list[Any]]:
        is_whole = is_array(data) or isinstance(data, (list, tuple))
        batches: Iterable[Any] = [data] if is_whole else batches_of(data, steps)
        for batch in batches:
            shape = np.shape(batch)
            tokens = self._plain(batch)
            # A flat array holds a document in each place; a flat batch is one document.
            width = 1 if is_whole and len(shape) == 1 else int(np.prod(shape[1:] or shape))
            for first in range(0, len(tokens), max(width, 1)):
                yield tokens[first : first + width]

    def _check_vocabulary(self) -> None:
        if not self._tokens:
            raise ValueError(
                f"{self.name} has no vocabulary yet: give one, or call {self.name}.adapt(data)."
            )

    # --- places ---------------------------------------------------------------------------

    def _encoded(self, places: Any) -> Any:
        """The places as they are, or as rows."""
        if self.output_mode != "tf_idf":
            return encoded(places, self.output_mode, self._depth(), "int64")
        counts = encoded(places, "count", self._depth(), config.floatx())
        return counts * Tensor(self._idf)

    def _depth(self) -> int:
        size = self.max_tokens if self.pad_to_max_tokens else None
        return self.vocabulary_size() if size is None else size

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return encoded_shape(input_shape, self.output_mode, self._depth())

    def get_config(self) -> dict[str, Any]:
        found = {**super().get_config(), "vocabulary": None, "idf_weights": None}
        if self._tokens:
            # With weights of their own, the special tokens must stand there too.
            found["vocabulary"] = self.get_vocabulary(self._idf is not None)
        if self._idf is not None:
            found["idf_weights"] = self._idf[: self.vocabulary_size()].tolist()
        if self._tokens and not self._has_input_vocabulary:
            found["has_input_vocabulary"] = False
        return found

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A config holds its vocabulary: the path of a file in it is refused."""
        if isinstance(config.get("vocabulary"), (str, os.PathLike)):
            raise ValueError(
                f"{cls.__name__}: a config may not name a file to read, such as "
                f"{config['vocabulary']!r}. Make the layer without, and call set_vocabulary(path)."
            )
        return super().from_config(config)

    def formula(self) -> str:
        what = "the token at each place" if self.invert else "the place in the vocabulary"
        return what if self.output_mode == "int" else f"{what}, as {self.output_mode} rows"


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
        places = np.arange(self._first_token(), self.vocabulary_size())
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
        return [int(line) for line in text.split()]
