"""Makes a vocabulary that merges as a file's list of pairs says.

`tokenizers` joins the two neighbouring parts whose pair is earliest in the list. This package joins
those whose concatenation has the lowest rank, leftmost first. Two neighbouring parts that are
together token t are always the same pair P, the one that merging t alone leaves last: no merge has
crossed their outer borders, so inside, merges were made as in t alone, which passes through one
state of two parts only (see `engine/vocab/tables.pxd`). Any other pair that is listed for t never
occurs. So both do the same on every text if the pairs P of all tokens are listed, in the order of
the tokens' ranks.

With ids as ranks, that is so for all models that were examined. For others, `merge_order` finds the
ranks.

Tokens that no pair makes are only found as whole pieces, where the file says `ignore_merges`.
"""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple

import numpy as np

from bpecore._build.vocabularies import intern_vocabulary
from bpecore._core import Vocabulary
from bpecore._models.listed_pairs import Indices, ListedPairs, Merges
from bpecore._models.merge_order import NO_PART, order_of_merges, parts_of_tokens

_NO_RANK = 2**32 - 1


class ProvenVocabulary(NamedTuple):
    """A vocabulary that merges as a file says.

    Attributes:
        vocabulary: the tokens that texts are encoded to.
        only_decoded: the id of each other token.
        listed: whether the list is not in the order of ids.
    """

    vocabulary: Vocabulary
    only_decoded: dict[bytes, int]
    listed: bool


def proven_vocabulary(
    tokens: dict[bytes, int], merges: Merges, ignore_merges: bool, source: str
) -> ProvenVocabulary:
    """Returns the vocabulary that merges as a file says.

    Args:
        tokens: the id of each token's bytes.
        merges: the file's pairs; all ids are those of `tokens`.
        ignore_merges: whether a piece that is a token is that token, even if no merge makes it.
        source: the file, for errors.

    Raises:
        ValueError: a token has a byte that is no token.
    """
    used = sorted(tokens.items(), key=itemgetter(1))
    if not ignore_merges:
        made = {*merges.merged.tolist()}
        used = [item for item in used if len(item[0]) == 1 or item[1] in made]
    ids = np.fromiter(map(itemgetter(1), used), dtype=np.uint32, count=len(used))
    pairs = ListedPairs(merges, ids)
    vocabulary = intern_vocabulary(dict(used))
    left, right = parts_of_tokens(vocabulary, source)
    # The engine, as tiktoken, never merges into the token of rank 2**32 - 1.
    order = None
    if ids[-1] == _NO_RANK or not _are_in_order(pairs.places(left, right), left):
        order = order_of_merges([token for token, _ in used], pairs, source)
        left = order.left
    if not ignore_merges:
        lengths = np.fromiter((len(token) for token, _ in used), np.int64, count=len(used))
        kept = (left != NO_PART) | (lengths == 1)
        if not kept.all():
            used = [item for item, is_kept in zip(used, kept.tolist()) if is_kept]
            order = order.of(kept) if order else None
            vocabulary = intern_vocabulary(dict(used))
    if order:
        vocabulary = intern_vocabulary(dict(used), *order.ranks())
    if len(used) == len(tokens):
        return ProvenVocabulary(vocabulary, {}, order is not None)
    known = dict(used)
    others = {token: number for token, number in tokens.items() if token not in known}
    return ProvenVocabulary(vocabulary, others, order is not None)


def _are_in_order(places: Indices, left: Indices) -> bool:
    """Returns whether the pairs that make tokens are listed, in the order of the tokens' ids."""
    found = places[left != NO_PART]
    return not np.any(found < 0) and not np.any(np.diff(found) < 0)
