"""Shows that merging by ranks, as this package does, is merging by a file's list of pairs.

`tokenizers` joins the two neighbouring parts whose pair is earliest in the list. This package joins
those whose concatenation has the lowest id, leftmost first. Two neighbouring parts that are
together token t are always the same pair P, the one that merging t alone leaves last: no merge has
crossed their outer borders, so inside, merges were made as in t alone, which passes through one
state of two parts only (see `engine/vocab/tables.pxd`). Any other pair that is listed for t never
occurs. So both do the same on every text if the pairs P of all tokens are listed, in the order of
the tokens' ids.

Tokens that no pair makes are only found as whole pieces, where the file says `ignore_merges`.
"""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bpecore._build.vocabularies import intern_vocabulary
from bpecore._core import Vocabulary
from bpecore._models.errors import refusal

Ids = npt.NDArray[np.uint32]
Indices = npt.NDArray[np.int64]
_NONE = (1 << 21) - 1
_FEW_IDS = 1 << 20


class OtherOrderError(ValueError):
    """Merging by ids is not merging by the list."""


class Merges(NamedTuple):
    """The list of pairs of a file, as ids.

    Attributes:
        left: the id of each pair's left part.
        right: the id of its right part.
        merged: the id of the token that it makes.
    """

    left: Ids
    right: Ids
    merged: Ids


class Places:
    """Finds ids among some others; these may have any holes.

    Args:
        ids: the others, ascending.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        size = int(ids[-1]) + 2 if len(ids) else 1
        self._table = None
        if size <= 16 * len(ids) + _FEW_IDS:
            self._table = np.full(size, -1, dtype=np.int64)
            self._table[ids] = np.arange(len(ids))

    def of(self, ids: Ids) -> Indices:
        """Returns where each id is, -1 for those that are not there."""
        if self._table is not None:
            found: Indices = self._table[np.minimum(ids, len(self._table) - 1)]
            return found
        at = np.searchsorted(self._ids, ids)
        at[at == len(self._ids)] = 0
        return np.where(self._ids[at] == ids, at, -1)


def proven_vocabulary(
    tokens: dict[bytes, int], merges: Merges, ignore_merges: bool, source: str
) -> tuple[Vocabulary, dict[bytes, int]]:
    """Returns the vocabulary that merges as a file says.

    Args:
        tokens: the id of each token's bytes.
        merges: the file's pairs; all ids are those of `tokens`.
        ignore_merges: whether a piece that is a token is that token, even if no merge makes it.
        source: the file, for errors.

    Returns:
        The vocabulary, and the tokens that no text is encoded to.

    Raises:
        OtherOrderError: merging by ids is not the same; the message names a token.
        ValueError: a token has a byte that is no token.
    """
    used = sorted(tokens.items(), key=itemgetter(1))
    if not ignore_merges:
        made = {*merges.merged.tolist()}
        used = [item for item in used if len(item[0]) == 1 or item[1] in made]
    vocabulary = intern_vocabulary(dict(used))
    proof = _Proof(vocabulary, used, merges, source)
    proof.check()
    if not ignore_merges and proof.unmade:
        used = [item for item in used if item[1] not in proof.unmade]
        vocabulary = intern_vocabulary(dict(used))
    if len(used) == len(tokens):
        return vocabulary, {}
    kept = dict(used)
    return vocabulary, {token: number for token, number in tokens.items() if token not in kept}


class _Proof:
    def __init__(
        self,
        vocabulary: Vocabulary,
        tokens: list[tuple[bytes, int]],
        merges: Merges,
        source: str,
    ) -> None:
        self._tokens = tokens
        self._source = source
        count = len(tokens)
        ids = np.fromiter(map(itemgetter(1), tokens), dtype=np.uint32, count=count)
        # Indices in order of ids from here on.
        left, right = (np.frombuffer(part, dtype=np.uint32) for part in vocabulary.token_pairs())
        has_pair = left != _NONE
        if np.any(has_pair & ((left >= count) | (right >= count))):
            raise refusal(source, "a token has a byte that is no token itself")
        lengths = np.fromiter(map(len, map(itemgetter(0), tokens)), np.int64, count=count)
        self.unmade = {*ids[~has_pair & (lengths != 1)].tolist()}
        """The ids of tokens of several bytes that no merge makes."""
        self._merging = np.flatnonzero(has_pair)
        # A part that is not here is a token that nothing makes, so its pairs never occur.
        places = Places(ids)
        at = places.of(merges.merged)
        listed = np.flatnonzero(
            (at >= 0)
            & (places.of(merges.left) == left[at])
            & (places.of(merges.right) == right[at])
        )
        # A pair that is listed twice counts where it is last.
        self._order = np.full(count, -1, dtype=np.int64)
        self._order[at[listed]] = listed

    def check(self) -> None:
        """Raises OtherOrderError unless merging by ids is merging by the list."""
        order = self._order[self._merging]
        absent = np.flatnonzero(order < 0)
        if len(absent):
            self._refuse(int(self._merging[absent[0]]), "is made by a pair that is not in merges")
        early = np.flatnonzero(np.diff(order) < 0)
        if len(early):
            token = int(self._merging[early[0]])
            self._refuse(token, "has a lower id than a token of an earlier merge")

    def _refuse(self, index: int, what: str) -> None:
        token, _ = self._tokens[index]
        raise OtherOrderError(
            f"{self._source}: the token {token!r:.60} {what}, so merging by ids is not merging by "
            "the list"
        )
