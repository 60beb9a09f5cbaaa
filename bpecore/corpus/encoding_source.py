"""Where the encoding of a corpus comes from, in a form that other processes can use."""

from __future__ import annotations

import functools
import hashlib
import pickle
from dataclasses import dataclass, field

from bpecore._core import RankTable, Vocabulary
from bpecore.core import Encoding
from bpecore.corpus.errors import CorpusError
from bpecore.registry import get_encoding


@dataclass(frozen=True)
class EncodingSource:
    """Where an encoding comes from.

    Attributes:
        name: the encoding's name.
        vocabulary: a model's file or folder; None for a registered encoding.
        pattern: as for `Encoding.from_file`.
        special_tokens: as for `Encoding.from_file`.
        digest: SHA-256 of the tokens, the special tokens and the split pattern.
        pickled: the encoding itself, if it is neither registered nor in a file.
    """

    name: str
    vocabulary: str | None
    pattern: str | None
    special_tokens: str | None
    digest: str
    pickled: bytes | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, encoding: str | Encoding) -> EncodingSource:
        """Returns the source of an encoding, or of a registered one's name."""
        found = get_encoding(encoding) if isinstance(encoding, str) else encoding
        pickled = pickle.dumps(found)
        is_registered = pickle.loads(pickled).__dict__ is found.__dict__
        kept = None if is_registered else pickled
        return cls(found.name, None, None, None, digest_of(found), kept)

    @classmethod
    def of_file(
        cls, path: str, pattern: str | None = None, special_tokens: str | None = None
    ) -> EncodingSource:
        """Returns the source of the vocabulary in a model's file or folder.

        Raises:
            ValueError: it is damaged, or lacks something.
            OSError: it cannot be read.
        """
        encoding = Encoding.from_file(path, pattern=pattern, special_tokens=special_tokens)
        return cls(encoding.name, path, pattern, special_tokens, digest_of(encoding))

    def load(self) -> Encoding:
        """Returns the encoding, the same object each time.

        Raises:
            CorpusError: it is not the one that the plan was made with.
        """
        return _load(self)


@functools.lru_cache(maxsize=4)
def _load(source: EncodingSource) -> Encoding:
    if source.pickled is not None:
        encoding: Encoding = pickle.loads(source.pickled)
    elif source.vocabulary is not None:
        encoding = Encoding.from_file(
            source.vocabulary, pattern=source.pattern, special_tokens=source.special_tokens
        )
    else:
        encoding = get_encoding(source.name)
    found = digest_of(encoding)
    if found != source.digest:
        raise CorpusError(
            f"the encoding {source.name!r} is not the one that the plan was made with: its digest "
            f"is {found:.12}…, not {source.digest:.12}…"
        )
    return encoding


def digest_of(encoding: Encoding) -> str:
    """Returns SHA-256, in hexadecimal, of what decides the ids of an encoding."""
    whole = hashlib.sha256()
    ranks = vars(encoding)["_mergeable_ranks"]
    whole.update((ranks if isinstance(ranks, Vocabulary) else RankTable(ranks)).digest)
    whole.update(repr(sorted(encoding._special_tokens.items())).encode())
    whole.update(repr(encoding._pat_str).encode())
    return whole.hexdigest()
