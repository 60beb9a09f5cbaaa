"""Makes the ids of documents, with what is put around them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bpecore.corpus.errors import CorpusError
from bpecore.corpus.options import Options

LONG_DOCUMENT = 1 << 23
"""Characters from which on a document is encoded by all CPUs."""

Ids = npt.NDArray[Any]
Lengths = npt.NDArray[np.int64]


class Encoded(NamedTuple):
    """The ids of documents.

    Attributes:
        ids: those of all documents, one after another.
        lengths: how many each document has.
        kept: which documents these are if some were dropped; otherwise None.
    """

    ids: Ids
    lengths: Lengths
    kept: npt.NDArray[np.bool_] | None


class DocumentEncoder:
    """Makes ids as options say.

    Args:
        options: the options.
        threads: threads for a batch; a long document always has as many as there are CPUs.
    """

    def __init__(self, options: Options, threads: int) -> None:
        encoding = options.encoding.load()
        self._encoding = encoding if options.allow_special else encoding.ordinary
        self._special: dict[str, Any] = {"disallowed_special": ()}
        if options.allow_special:
            self._special["allowed_special"] = "all"
        self._options = options
        self._threads = threads
        self.dropped = self.cut = 0

    def encode(self, texts: list[str]) -> Encoded:
        """Returns the ids of documents."""
        append = self._options.append
        long = self._threads == 1 and any(len(text) >= LONG_DOCUMENT for text in texts)
        ids, offsets = self._encoding.encode_batch_to_numpy(
            texts,
            num_threads=None if long else self._threads,
            append=append[0] if len(append) == 1 else None,
            **self._special,
        )
        lengths = np.diff(offsets)
        if len(append) > 1:
            ids, lengths = _with_ends(ids, lengths, append)
        limit, kept = self._options.max_tokens, None
        if limit is not None:
            limit -= len(self._options.prepend)
            if self._options.over == "drop" and (lengths > limit).any():
                kept = lengths <= limit
                self.dropped += len(kept) - int(np.count_nonzero(kept))
                ids, lengths = ids[np.repeat(kept, lengths)], lengths[kept]
            else:
                ids, lengths = self._cut(ids, lengths, limit)
        if self._options.prepend:
            ids, lengths = _with_starts(ids, lengths, self._options.prepend)
        return Encoded(ids, lengths, kept)

    def _cut(self, ids: Ids, lengths: Lengths, limit: int) -> tuple[Ids, Lengths]:
        """Cuts documents of more ids than a limit; what is appended stays."""
        is_long = lengths > limit
        count = int(np.count_nonzero(is_long))
        if not count:
            return ids, lengths
        self.cut += count
        kept = np.minimum(lengths, limit)
        place = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        result = ids[place < np.repeat(kept, lengths)]
        ends = np.cumsum(kept)[is_long]
        for number, token in enumerate(reversed(self._options.append), 1):
            result[ends - number] = token
        return result, kept


def _with_ends(ids: Ids, lengths: Lengths, tokens: tuple[int, ...]) -> tuple[Ids, Lengths]:
    places = np.repeat(np.cumsum(lengths), len(tokens))
    values = np.tile(np.asarray(tokens, ids.dtype), len(lengths))
    return np.insert(ids, places, values), lengths + len(tokens)


def _with_starts(ids: Ids, lengths: Lengths, tokens: tuple[int, ...]) -> tuple[Ids, Lengths]:
    places = np.repeat(np.cumsum(lengths) - lengths, len(tokens))
    values = np.tile(np.asarray(tokens, ids.dtype), len(lengths))
    return np.insert(ids, places, values), lengths + len(tokens)


def type_of_ids(options: Options) -> np.dtype[Any]:
    """Returns the type of ids in shards, little-endian.

    Raises:
        CorpusError: the format or `dtype` cannot hold the ids of the encoding.
    """
    highest = options.encoding.load().max_token_value
    name = options.format
    if name in ("mds", "parquet", "arrow"):
        kind = "uint32"
    elif name == "megatron":
        kind = "uint16" if highest + 1 < 65_500 else "int32"
    elif name == "litdata":
        kind = "int32"
    elif name == "datatrove":
        kind = "uint16" if highest + 1 <= 65_536 else "uint32"
    elif name == "nanogpt":
        kind = "uint16"
    else:
        kind = "uint16" if highest < 65_536 else "uint32"
    if options.dtype and options.dtype != kind:
        if name in ("megatron", "mds", "litdata", "parquet", "arrow", "datatrove"):
            raise CorpusError(
                f"--dtype {options.dtype}: {name} holds ids of this vocabulary as {kind}"
            )
        kind = options.dtype
    if highest > np.iinfo(kind).max:
        hint = "; --dtype uint32 holds them" if name in ("nanogpt", "npy", "bin", "olmo") else ""
        raise CorpusError(
            f"--format {name} holds ids up to {np.iinfo(kind).max:,} as {kind}, and those of "
            f"{options.encoding.name} go up to {highest:,}{hint}"
        )
    return np.dtype(kind).newbyteorder("<")
