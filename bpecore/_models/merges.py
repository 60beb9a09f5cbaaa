"""Shows that merging by ranks, as this package does, is merging by a file's list of pairs.

`tokenizers` joins the two neighbouring parts whose pair is earliest in the list. This package joins
those whose concatenation has the lowest id, leftmost first. Proof that both do the same on every
text, if what is checked here holds: let both be at the same parts, and let the lowest id be that of
token t, made at joint j from the pair P that merging t alone leaves last (it is the only pair that
ever makes t, see `engine/vocab/tables.pxd`). P is listed. All listed pairs of higher tokens come
later than P, so the earliest pair of the list makes t too. If P is the earliest pair listed for t,
that is joint j. If an earlier pair Q of t were at another joint, it is right of j. It does not
share the right part of P, which is checked. So, as every token has a higher id than its parts, it
would still be there when all joints of lower ids are gone, and t would be made from Q, which cannot
be.

Tokens that no pair makes are only found as whole pieces: where the file says `ignore_merges`.
"""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bpecore._build.vocabularies import intern_vocabulary
from bpecore._core import Vocabulary
from bpecore._models.errors import refusal

Ids = npt.NDArray[np.int64]
_NONE = (1 << 21) - 1


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
        ValueError: merging by ids is not the same; the message names a token.
    """
    made = {*merges.merged.tolist()}
    used = [
        (token, number)
        for token, number in tokens.items()
        if ignore_merges or len(token) == 1 or number in made
    ]
    used.sort(key=itemgetter(1))
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
        ids = np.fromiter((number for _, number in tokens), dtype=np.int64, count=count)
        left, right = (np.frombuffer(part, dtype=np.uint32) for part in vocabulary.token_pairs())
        self._has_pair = left != _NONE
        if np.any(self._has_pair & ((left >= count) | (right >= count))):
            raise refusal(source, "a token has a byte that is no token itself")
        self._is_byte = np.fromiter((len(token) == 1 for token, _ in tokens), bool, count=count)
        # Indices in order of ids from here on.
        self._left = np.where(self._has_pair, left, 0).astype(np.int64)
        self._right = np.where(self._has_pair, right, 0).astype(np.int64)
        # A part that is not here is a token that nothing makes, so its pairs never occur.
        occurring = np.flatnonzero(np.isin(merges.left, ids) & np.isin(merges.right, ids))
        places = [np.searchsorted(ids, part[occurring]) for part in merges]
        order = np.arange(len(occurring))
        # A pair that is listed twice counts where it is last; one with a part that nothing makes
        # never occurs.
        keys, last = np.unique((places[0] * count + places[1])[::-1], return_index=True)
        order = order[::-1][last]
        can_be = self._has_pair | self._is_byte
        occurs = can_be[places[0][order]] & can_be[places[1][order]]
        self._keys, self._order = keys[occurs], order[occurs]
        self._makes = places[2][self._order]
        self._count = count
        self.unmade = {*ids[~self._has_pair & ~self._is_byte].tolist()}
        """The ids of tokens of several bytes that no merge makes."""

    def check(self) -> None:
        """Raises ValueError unless merging by ids is merging by the list."""
        merging = np.flatnonzero(self._has_pair)
        keys = self._left[merging] * self._count + self._right[merging]
        at = np.searchsorted(self._keys, keys)
        at[at == len(self._keys)] = 0
        listed = self._keys[at] == keys if len(self._keys) else np.zeros(len(keys), dtype=bool)
        if not listed.all():
            self._refuse(merging[~listed][0], "is made by a pair that is not in merges")
        own = self._order[at]
        first = np.full(self._count, np.iinfo(np.int64).max)
        np.minimum.at(first, self._makes, self._order)
        later = np.minimum.accumulate(first[::-1])[::-1]
        after = np.append(later[1:], np.iinfo(np.int64).max)[merging]
        if np.any(own >= after):
            self._refuse(
                merging[own >= after][0], "has a lower id than a token of an earlier merge"
            )
        several = own != first[merging]
        if several.any():
            self._check_earlier_pairs(merging[several], own[several])

    def _check_earlier_pairs(self, tokens: Ids, own: Ids) -> None:
        """Checks tokens that have a pair listed before the one that makes them."""
        early = (self._left >= np.arange(self._count)) & ~self._is_byte[self._left]
        early |= (self._right >= np.arange(self._count)) & ~self._is_byte[self._right]
        early &= self._has_pair
        if early.any():
            self._refuse(np.flatnonzero(early)[0], "has a lower id than one of its parts")
        limit = np.full(self._count, -1)
        limit[tokens] = own
        before = np.flatnonzero(self._order < limit[self._makes])
        shares = self._keys[before] // self._count == self._right[self._makes[before]]
        if shares.any():
            self._refuse(self._makes[before[shares]][0], "overlaps itself with an earlier pair")

    def _refuse(self, index: int, what: str) -> None:
        token, _ = self._tokens[int(index)]
        raise refusal(
            self._source,
            f"the token {token!r:.60} {what}, so merging by ids is not merging by the list",
        )
