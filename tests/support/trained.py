"""Rank tables as training makes them."""

from __future__ import annotations

import random
from typing import Callable

from bpecore.fuzzing.reference import ReferenceEncoder


def trained_ranks(
    source: random.Random, next_piece: Callable[[], bytes], count: int
) -> dict[bytes, int]:
    """Returns all bytes, and `count` tokens made of two that are adjacent in pieces.

    Merging can reach all of them: pairs come from pieces as merged by the ranks so far.
    """
    ranks = {bytes([value]): value for value in range(256)}
    reference = ReferenceEncoder(".+", ranks, {})
    while len(ranks) < 256 + count:
        tokens = list(ranks)
        parts = [tokens[rank] for rank in reference.encode_piece(next_piece())]
        if len(parts) > 1:
            place = source.randrange(len(parts) - 1)
            ranks[parts[place] + parts[place + 1]] = len(ranks)
    return ranks
