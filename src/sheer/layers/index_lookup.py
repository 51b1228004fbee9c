"""What the two lookups share: a vocabulary, given or learned, and how places are written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np

from sheer.core import config
from sheer.core.checks import boolean, integer, nothing, one_of
from sheer.core.objects import in_file, take_room
from sheer.layers.hashing import SALT, pair_of
from sheer.layers.preprocessing import (
    OUTPUT_MODES,
    Preprocessing,
    batches_of,
    encoded,
    encoded_shape,
    is_array,
)
from sheer.ops.tensor import Tensor


class IdfWeights:
    """The weights of a lookup as files of weights see them: like a Variable."""

    def __init__(self, layer: IndexLookup):
        self.layer = layer
        self.path = f"{layer.path}/idf_weights"
        self.shape = (layer._depth(),)
        self.dtype = config.floatx()

    def numpy(self) -> np.ndarray[Any, Any]:
        """The weights of all places."""
        assert self.layer._idf is not None
        return self.layer._idf

    def assign(self, values: np.ndarray[Any, Any]) -> None:
        """Set them."""
        self.layer._idf = values.astype(self.dtype)
        self.layer.adapted += 1


class IndexLookup(Preprocessing):
    """A layer with a vocabulary.

    A place counts from the mask (0, where there is one and the output is `"int"`), then the places
    for what is not in the vocabulary, then the vocabulary.
    """

    arguments = {
        "max_tokens": integer(2) | nothing(),
        "num_oov_indices": integer(0),
        "invert": boolean(),
        "output_mode": one_of(*OUTPUT_MODES, "tf_idf"),
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
        # Of a vocabulary that a file keeps beside the description and that is yet to be read: how
        # many tokens it has, the special ones counted.
        self._awaited: int | None = None
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

    def _read(self, lines: list[str]) -> list[Any]:
        """The tokens that stand in lines."""
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
        self._tokens, self._awaited = tokens, None
        if idf is not None:
            rest = self._depth() - len(idf)
            take_room(rest * idf.itemsize, f"{self.name}: idf_weights for max_tokens")
            self._idf = np.pad(idf, (0, rest)).astype(config.floatx())
        self.adapted += 1

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens, each at its place; the special ones first, if they are to be included."""
        special = [self.mask_token] * self._first_oov() + [self.oov_token] * self.num_oov_indices
        return [*special, *self._tokens] if include_special_tokens else list(self._tokens)

    def vocabulary_size(self) -> int:
        """How many tokens there are, the special ones counted."""
        return self._first_token() + len(self._tokens) if self._awaited is None else self._awaited

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
        if not self._tokens and self._awaited is None:
            raise ValueError(
                f"{self.name} has no vocabulary yet: give one, or call {self.name}.adapt(data)."
            )

    # --- places ---------------------------------------------------------------------------

    def _encoded(self, places: Any) -> Any:
        """The places as they are, or as rows."""
        if self.output_mode != "tf_idf":
            return encoded(places, self.output_mode, self._depth(), "int64")
        counts = encoded(places, "count", self._depth(), config.floatx())
        if self._idf is None and self._awaited is None:
            raise ValueError(f"{self.name} has no idf_weights yet: load the weights of its file.")
        # A model is put together before the weights are read: any number does.
        return counts * (1.0 if self._idf is None else Tensor(self._idf))

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
        layer = super().from_config(config)
        if in_file() and config.get("vocabulary") is None:
            layer._await(config.get("vocabulary_size"))
        return layer

    # --- files ----------------------------------------------------------------------------

    def _await(self, size: Any) -> None:
        """Be called without a vocabulary: the file in hand has it beside the description."""
        is_size = isinstance(size, int) and not isinstance(size, bool)
        if not is_size or size <= self._first_token():
            return  # it has learned none, and says so when it is called
        take_room(size * 8, f"{self.name}: a vocabulary of {size:,} tokens")
        self._awaited = size

    def awaits_vocabulary(self) -> bool:
        """Whether its file must have a vocabulary that is yet to be read."""
        return self._awaited is not None

    def saved_vocabulary(self) -> bytes | None:
        """What it learned, as the text that a file keeps beside the description; None for what it
        was given."""
        if self._has_input_vocabulary:
            return None
        tokens = [str(token) for token in self.get_vocabulary()]
        broken = [token for token in tokens if "\n" in token or "\r" in token]
        if broken:
            raise ValueError(
                f"{self.name}: a file keeps a token in each line, and {broken[:5]} hold the end of "
                "one. Leave them out of the vocabulary."
            )
        return "\n".join(tokens).encode()

    def load_vocabulary(self, content: bytes) -> None:
        """Take the vocabulary of a file: a token in each line, the special ones first."""
        keeps_size = self._tokens and self.output_mode != "int"
        wanted = self.vocabulary_size() if keeps_size else self._awaited
        count = content.count(b"\n") + 1
        if wanted is not None and count != wanted:
            raise ValueError(f"it has {count:,} tokens, and the layer {wanted:,}")
        lines = content.decode().replace("\r\n", "\n").split("\n")
        special = self.get_vocabulary()[: self._first_token()]
        if lines[: len(special)] != [str(token) for token in special]:
            raise ValueError(f"it does not begin with the special tokens {special}")
        lines = lines[len(special) :]
        if lines in ([], [""]) and not self._tokens:
            return  # it has learned none
        tokens = self._read(lines)
        self._check_tokens(tokens, special)
        self._learn(tokens, None)

    def saved_variables(self) -> dict[str, Any]:
        """The weights of `"tf_idf"`, which files of weights hold too."""
        weighs = self.output_mode == "tf_idf" and self._tokens
        return {"idf_weights": IdfWeights(self)} if weighs else {}

    def formula(self) -> str:
        what = "the token at each place" if self.invert else "the place in the vocabulary"
        return what if self.output_mode == "int" else f"{what}, as {self.output_mode} rows"
