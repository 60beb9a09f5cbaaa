"""The vocabularies of this process: one for equal ranks, and turned back into ranks when read.

A vocabulary is found by a digest of its tokens and ranks, and then compared. It is held weakly, so
that it is freed with the last `Encoding` that uses it. Only threads that make vocabularies wait for
the lock.
"""

from __future__ import annotations

import weakref

from bpecore._build.frozen_files import (
    keep_vocabulary,
    kept_tables_path,
    map_bundled_vocabulary,
    map_kept_vocabulary,
    map_tables,
)
from bpecore._build.locks import ranks_lock, vocabulary_lock
from bpecore._core import RankTable, Vocabulary, holding

_vocabularies: weakref.WeakValueDictionary[bytes, Vocabulary] = weakref.WeakValueDictionary()
_bundled: weakref.WeakValueDictionary[str, Vocabulary] = weakref.WeakValueDictionary()


def intern_vocabulary(
    mergeable_ranks: dict[bytes, int], order: bytes | None = None, merging_count: int = 2**32 - 1
) -> Vocabulary:
    """Returns the one vocabulary of this process with these tokens and ranks.

    Args:
        mergeable_ranks: the rank of each token's bytes; ranks are distinct, 0 to 2**32 - 1.
        order: see `RankTable`.
        merging_count: see `RankTable`.

    Returns:
        A vocabulary that is built if no equal one is in use. If the user has named a folder for
        tables (see `bpecore._build.frozen_files`), it is mapped from there, or built and kept.

    Raises:
        TypeError: a token is not bytes, or a rank is not an int.
        ValueError: the dict is empty or too large, or two tokens share a rank.
        OverflowError: a rank is out of range.

    Example:
        >>> ranks = {bytes([value]): value for value in range(256)}
        >>> intern_vocabulary(ranks) is intern_vocabulary(dict(ranks))
        True
    """
    return _intern_table(RankTable(mergeable_ranks, order, merging_count))


@holding(vocabulary_lock)
def _intern_table(table: RankTable) -> Vocabulary:
    known = _vocabularies.get(table.digest)
    if known is not None and known.has_ranks_of(table):
        return known
    vocabulary = _map_or_build(table)
    if known is None:
        _vocabularies[vocabulary.digest] = vocabulary
    return vocabulary


def _map_or_build(table: RankTable) -> Vocabulary:
    path = kept_tables_path(table)
    if path is None:
        return Vocabulary(table)
    vocabulary = map_kept_vocabulary(path, table)
    if vocabulary is None:
        vocabulary = Vocabulary(table)
        keep_vocabulary(path, vocabulary)
    return vocabulary


def bundled_vocabulary(name: str) -> Vocabulary:
    """Returns the one vocabulary of this process with the ranks of a bundled table.

    Args:
        name: the name of the table, one of `bpecore.data.RANK_TABLE_NAMES`.

    Returns:
        A vocabulary that is mapped from the package if no equal one is in use; built in memory
        where the package has no sound file of its tables.

    Raises:
        ValueError: the name is unknown, or the package is damaged.
        OSError: the package cannot be read.

    Example:
        >>> bundled_vocabulary("r50k_base") is bundled_vocabulary("r50k_base")
        True
    """
    vocabulary = _map_bundled(name)
    if vocabulary is None:
        from bpecore.data.rank_tables import load_ranks

        vocabulary = intern_vocabulary(load_ranks(name))
    return vocabulary


@holding(vocabulary_lock)
def _map_bundled(name: str) -> Vocabulary | None:
    vocabulary = _bundled.get(name)
    if vocabulary is None:
        vocabulary = map_bundled_vocabulary(name)
        if vocabulary is not None:
            vocabulary = _bundled[name] = _intern_mapped(vocabulary)
    return vocabulary


@holding(vocabulary_lock)
def kept_vocabulary(path: str, digest: bytes) -> Vocabulary | None:
    """Returns the one vocabulary of this process with the tables of a file.

    Args:
        path: a file that an earlier process has kept, see `bpecore._build.frozen_files`.
        digest: that of the vocabulary which it should hold.

    Returns:
        The vocabulary; None if there is no such file, or one that cannot be used.

    Warns:
        RuntimeWarning: the file is there and cannot be used.
    """
    vocabulary = map_tables(path)
    if vocabulary is None or vocabulary.digest != digest:
        return None
    return _intern_mapped(vocabulary)


def _intern_mapped(vocabulary: Vocabulary) -> Vocabulary:
    """Returns an equal vocabulary that is in use, or this one, which is from now on."""
    known = _vocabularies.get(vocabulary.digest)
    if known is None:
        _vocabularies[vocabulary.digest] = vocabulary
    elif known.has_ranks_of(vocabulary):
        return known
    return vocabulary


class RanksOnDemand:
    """An encoding's ranks, made of its vocabulary when they are first read; see `core.Encoding`."""

    @property
    def _mergeable_ranks(self) -> dict[bytes, int]:
        """The id of each token's bytes; made when first read if a vocabulary was given."""
        try:
            ranks: dict[bytes, int] | Vocabulary = self.__dict__["_mergeable_ranks"]
        except KeyError:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute '_mergeable_ranks'"
            ) from None
        if not isinstance(ranks, Vocabulary):
            return ranks
        return self._make_mergeable_ranks()

    @_mergeable_ranks.setter
    def _mergeable_ranks(self, ranks: dict[bytes, int] | Vocabulary) -> None:
        self.__dict__["_mergeable_ranks"] = ranks

    @_mergeable_ranks.deleter
    def _mergeable_ranks(self) -> None:
        del self.__dict__["_mergeable_ranks"]

    @holding(ranks_lock)
    def _make_mergeable_ranks(self) -> dict[bytes, int]:
        ranks: dict[bytes, int] | Vocabulary = self.__dict__["_mergeable_ranks"]
        if isinstance(ranks, Vocabulary):
            ranks = self.__dict__["_mergeable_ranks"] = ranks.mergeable_ranks()
        return ranks
