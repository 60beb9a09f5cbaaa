"""The naive encoder that every fast path is compared with.

It splits with the `regex` library, looks up the whole piece, and otherwise merges the leftmost pair
of lowest rank until none is left. That is quadratic in a piece's length. Nothing is shared with the
engine. Reference: `openai/tiktoken`, `src/lib.rs`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from bpecore._pattern import compile_fallback

NEVER_MERGES = 2**32 - 1


class ReferenceEncoder:
    """Encodes as tiktoken does, in the simplest way.

    Args:
        pat_str: the split pattern.
        mergeable_ranks: the rank of each token's bytes.
        special_tokens: the id of each special token's text.
    """

    def __init__(
        self,
        pat_str: str,
        mergeable_ranks: Mapping[bytes, int],
        special_tokens: Mapping[str, int],
    ) -> None:
        self._pattern = compile_fallback(pat_str)
        self._ranks = mergeable_ranks
        self._special_tokens = special_tokens

    def encode(self, text: str, allowed_special: AbstractSet[str] = frozenset()) -> list[int]:
        """Returns the ids of a text. Of the special tokens allowed at a place, the longest wins."""
        allowed = sorted(allowed_special & self._special_tokens.keys(), key=len, reverse=True)
        if not allowed:
            return self.encode_ordinary(text)
        alternatives = "|".join(map(re.escape, allowed))
        ids = []
        for i, part in enumerate(re.split(f"({alternatives})", text)):
            if i % 2:
                ids.append(self._special_tokens[part])
            else:
                ids.extend(self.encode_ordinary(part))
        return ids

    def encode_ordinary(self, text: str) -> list[int]:
        """Returns the ids of a text, with special tokens as ordinary text."""
        return [id for piece in self.split(text) for id in self.encode_piece(piece.encode())]

    def split(self, text: str) -> list[str]:
        """Splits a text into pieces."""
        return [match.group() for match in self._pattern.finditer(text)]

    def encode_piece(self, piece: bytes) -> list[int]:
        """Returns the ids of one piece."""
        whole = self._ranks.get(piece)
        if whole is not None:
            return [whole]
        parts = [piece[i : i + 1] for i in range(len(piece))]
        pair_ranks = [self._pair_rank(parts, i) for i in range(len(parts) - 1)]
        while pair_ranks and min(pair_ranks) != NEVER_MERGES:
            i = pair_ranks.index(min(pair_ranks))
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
            del pair_ranks[i]
            for neighbour in (i - 1, i):
                if 0 <= neighbour < len(pair_ranks):
                    pair_ranks[neighbour] = self._pair_rank(parts, neighbour)
        return [self._ranks[part] for part in parts]

    def _pair_rank(self, parts: list[bytes], i: int) -> int:
        return self._ranks.get(parts[i] + parts[i + 1], NEVER_MERGES)
