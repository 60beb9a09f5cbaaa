"""The interned vocabularies of this process: equal rank tables are one object in memory.

A vocabulary is found by a digest of its tokens and ranks and held weakly, so that it is freed
with the last `Encoding` that uses it. A lock guards the making; nothing else waits for it.
"""

from __future__ import annotations

import weakref

from bpecore._core import RankTable, Vocabulary
from bpecore.locks import vocabulary_lock

_vocabularies: weakref.WeakValueDictionary[bytes, Vocabulary] = weakref.WeakValueDictionary()


def intern_vocabulary(mergeable_ranks: dict[bytes, int]) -> Vocabulary:
    """Returns the one vocabulary of this process with these tokens and ranks.

    Args:
        mergeable_ranks: the rank of each token's bytes; ranks are distinct, 0 to 2**32 - 1.

    Returns:
        A vocabulary that is built if no equal one is in use.

    Raises:
        TypeError: a token is not bytes, or a rank is not an int.
        ValueError: the dict is empty or too large, or two tokens have one rank.
        OverflowError: a rank is out of range.

    Example:
        >>> ranks = {bytes([value]): value for value in range(256)}
        >>> intern_vocabulary(ranks) is intern_vocabulary(dict(ranks))
        True
    """
    table = RankTable(mergeable_ranks)
    with vocabulary_lock:
        digest = table.digest()
        vocabulary = _vocabularies.get(digest)
        if vocabulary is None:
            vocabulary = Vocabulary(table)
            _vocabularies[digest] = vocabulary
        return vocabulary


def interned_bytes() -> int:
    """Returns the size in bytes of the tables of all vocabularies in use.

    Example:
        >>> vocabulary = intern_vocabulary({bytes([value]): value for value in range(256)})
        >>> interned_bytes() >= vocabulary.nbytes
        True
    """
    with vocabulary_lock:
        return sum(vocabulary.nbytes for vocabulary in _vocabularies.values())
