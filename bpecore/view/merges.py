"""The merges that make a token of its bytes, in the order in which encoding a text does them.

A token's merges do not depend on the text around it: had a merge crossed its edges, it would not
be a token of that text.
"""

from __future__ import annotations

from collections.abc import Mapping

LONGEST = 512
"""Bytes up to which a token's merges are listed, since finding them takes quadratic time."""


def merges_of(token: bytes, ranks: Mapping[bytes, int]) -> list[tuple[int, int]] | None:
    """Returns the merges from single bytes to a token.

    Args:
        token: its bytes.
        ranks: the rank of each token of the vocabulary.

    Returns:
        For each merge, which part is merged with the next one, counted from 0, and the id of what
        they become. If merging ends before the token is whole, a text gets it in another way: a
        piece that is a token is looked up before any merge. None for a token that is too long.
    """
    if len(token) > LONGEST:
        return None
    parts = [token[place : place + 1] for place in range(len(token))]
    merges: list[tuple[int, int]] = []
    while True:
        candidates = [
            (rank, place)
            for place, (left, right) in enumerate(zip(parts, parts[1:]))
            if (rank := ranks.get(left + right)) is not None
        ]
        if not candidates:
            return merges
        rank, place = min(candidates)
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
        merges.append((place, rank))
