"""Merges by a file's list of pairs, where that is not merging by ids.

Plain and in Python: of the models that are published none needs it. Time: n log n for a piece of n
bytes; pieces that were seen are looked up.

Reference: `models/bpe/word.rs` of tokenizers 0.23.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from bpecore._models.pieces import spans_of_pieces
from bpecore._models.piecewise_encoding import PiecewiseEncoding

if TYPE_CHECKING:
    from bpecore._models.text_rules import TextRules

_KEPT_PIECES = 1 << 16
_KEPT_BYTES = 64
_GONE = -1  # a part that is merged into the one before it


class ListedMerges:
    """A list of pairs.

    Args:
        tokens: the id of each token's bytes.
        pairs: the ids of each pair, in order: `uint32[n, 2]`.
        ignore_merges: whether a piece that is a token is that token, even if no merge makes it.
    """

    def __init__(self, tokens: dict[bytes, int], pairs: bytes, ignore_merges: bool) -> None:
        spelled = {number: token for token, number in tokens.items()}
        self._tokens = tokens
        self._ignore_merges = ignore_merges
        # A pair that is listed twice counts where it is last.
        self._merged: dict[tuple[int, int], tuple[int, int]] = {
            (left, right): (order, tokens[spelled[left] + spelled[right]])
            for order, (left, right) in enumerate(
                np.frombuffer(pairs, dtype="<u4").reshape(-1, 2).tolist()
            )
            if left in spelled and right in spelled
        }
        self._known: dict[bytes, list[int]] = {}

    def ids(self, piece: bytes) -> list[int]:
        """Returns the ids of a piece.

        Raises:
            ValueError: a byte of it is no token.
        """
        found = self._known.get(piece)
        if found is None:
            found = self._ids(piece)
            if len(piece) <= _KEPT_BYTES:
                if len(self._known) >= _KEPT_PIECES:
                    self._known.clear()
                self._known[piece] = found
        return found

    def _ids(self, piece: bytes) -> list[int]:
        if self._ignore_merges and piece in self._tokens:
            return [self._tokens[piece]]
        try:
            parts = [self._tokens[piece[i : i + 1]] for i in range(len(piece))]
        except KeyError as error:
            raise ValueError(f"no token is the byte {error}, which the text needs") from None
        before = list(range(-1, len(parts) - 1))
        after = list(range(1, len(parts) + 1))
        waiting: list[tuple[int, int, int, int, int]] = []

        def offer(place: int) -> None:
            """Puts the pair of a part and the next one in the queue, if it is listed."""
            right = after[place]
            if place < 0 or right == len(parts):
                return
            pair = parts[place], parts[right]
            if pair in self._merged:
                order, number = self._merged[pair]
                heapq.heappush(waiting, (order, place, number, *pair))

        for place in range(len(parts) - 1):
            offer(place)
        while waiting:
            _, place, number, *pair = heapq.heappop(waiting)
            right = after[place]
            if right == len(parts) or [parts[place], parts[right]] != pair:
                continue
            parts[place], parts[right] = number, _GONE
            after[place] = after[right]
            if after[place] < len(parts):
                before[after[place]] = place
            offer(place)
            offer(before[place])
        return [part for part in parts if part != _GONE]


class ListedEncoding(PiecewiseEncoding):
    """The encoding of a tokenizer.json whose pairs are merged in the order of its list."""

    _lacks = "merges by ids"
    _has = "merges by a list"

    def _made_of_parts(self, rules: TextRules) -> None:
        super()._made_of_parts(rules)
        tokens = self._core_bpe.vocabulary.mergeable_ranks()
        model = self._parts.file["model"]
        pairs = bytes(self._parts.merges)
        self._merges = ListedMerges(tokens, pairs, bool(model.get("ignore_merges")))

    def _encode_stretch(self, text: str) -> list[int]:
        ids: list[int] = []
        for start, stop in spans_of_pieces(self._core_bpe, text):
            ids += self._merges.ids(text[start:stop].encode())
        return ids
