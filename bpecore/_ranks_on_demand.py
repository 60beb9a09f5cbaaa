"""`Encoding._mergeable_ranks`: a dict that is made of the vocabulary when it is first read."""

from __future__ import annotations

from bpecore._build.locks import ranks_lock
from bpecore._core import Vocabulary, holding


class RanksOnDemand:
    """What `bpecore.core.Encoding` inherits."""

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
