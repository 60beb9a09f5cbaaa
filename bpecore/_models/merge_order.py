"""Ranks for a list of pairs that is not in the order of ids.

Two neighbouring parts that are together token t are always the same pair, the one that merging t
alone leaves last (see `merges`). So each token has one pair that counts, and ranks in the order of
these pairs merge as the list does; ids are then only numbers. Which pair it is depends on the
shorter tokens alone. So ranks are guessed, a vocabulary is built, and the tokens whose pair is
another one are corrected, until there are none: after each round, the shortest of the tokens that
were wrong are right. Tokens of real models need two or three rounds.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bpecore._core import RankTable, Vocabulary
from bpecore._models.errors import refusal

if TYPE_CHECKING:
    from bpecore._models.listed_pairs import Flags, Indices, ListedPairs

NO_PART = (1 << 21) - 1
"""The part of a token that no merge makes."""
_NEVER = 1 << 62
_BYTE = -1


class Order(NamedTuple):
    """How tokens are merged, in the order of their ids.

    Attributes:
        times: when each is made: where in the list the pair is that makes it, `_BYTE` or `_NEVER`.
        left: the left part of each.
    """

    times: Indices
    left: Indices

    def ranks(self) -> tuple[bytes, int]:
        """Returns the last arguments of `RankTable`."""
        ranks = np.empty(len(self.times), dtype=np.uint32)
        ranks[_sequence(self.times)] = np.arange(len(self.times))
        return ranks.tobytes(), int(np.count_nonzero(self.times != _NEVER))

    def of(self, kept: Flags) -> Order:
        """Returns the order of some of the tokens."""
        return Order(self.times[kept], self.left[kept])


def order_of_merges(tokens: list[bytes], pairs: ListedPairs, source: str) -> Order:
    """Finds out when each token is made.

    Args:
        tokens: in the order of their ids.
        pairs: the list.
        source: the file, for errors.

    Raises:
        ValueError: a token has a byte that is no token.
    """
    times = np.full(len(tokens), _NEVER, dtype=np.int64)
    times[[len(token) == 1 for token in tokens]] = _BYTE
    # The first pair of each token is as good a guess as any.
    np.minimum.at(times, pairs.merged, np.arange(len(pairs.merged)))
    is_decided = np.zeros(len(tokens), dtype=bool)
    ids = dict(zip(tokens, range(len(tokens))))
    alone: _Alone | None = None
    while True:
        vocabulary = Vocabulary(RankTable(ids, *Order(times, times).ranks()))
        left, right = parts_of_tokens(vocabulary, source, _sequence(times))
        places = pairs.places(left, right)
        wrong = np.flatnonzero((left != NO_PART) & (places != times) & ~is_decided)
        if not len(wrong):
            return Order(times, left)
        times[wrong] = places[wrong]
        unlisted = wrong[places[wrong] < 0]
        if len(unlisted):
            alone = alone or _Alone(tokens, pairs)
            times[unlisted] = [alone.time_of(index) for index in unlisted.tolist()]
            is_decided[unlisted] = True


def parts_of_tokens(
    vocabulary: Vocabulary, source: str, sequence: Indices | None = None
) -> tuple[Indices, Indices]:
    """Returns the left and the right parts of all tokens, in the order of ids; or `NO_PART`.

    Args:
        vocabulary: the tokens.
        source: the file, for errors.
        sequence: the tokens in the order of ranks; None if that is the order of ids.

    Raises:
        ValueError: a token has a byte that is no token.
    """
    left, right = (
        np.frombuffer(side, dtype=np.uint32).astype(np.int64) for side in vocabulary.token_pairs()
    )
    count = len(left)
    if np.any((left != NO_PART) & ((left >= count) | (right >= count))):
        raise refusal(source, "a token has a byte that is no token itself")
    if sequence is None:
        return left, right
    numbers = np.append(sequence, NO_PART)
    found = np.empty((2, count), dtype=np.int64)
    found[:, sequence] = numbers[np.minimum((left, right), count)]
    return found[0], found[1]


def _sequence(times: Indices) -> Indices:
    """Returns the tokens in the order in which they are made."""
    return np.argsort(times, kind="stable")


class _Alone:
    """Merges single tokens by the list, as `models/bpe/word.rs` of tokenizers 0.23 does."""

    def __init__(self, tokens: list[bytes], pairs: ListedPairs) -> None:
        self._tokens = tokens
        self._bytes = {token[0]: index for index, token in enumerate(tokens) if len(token) == 1}
        self._merged = pairs.as_dict()

    def time_of(self, index: int) -> int:
        """Returns the place in the list of the pair that makes a token; n log n."""
        token = self._tokens[index]
        parts = [self._bytes[byte] for byte in token]
        before = [*range(-1, len(parts) - 1)]
        after = [*range(1, len(parts) + 1)]
        waiting: list[tuple[int, int, int, int, int]] = []

        def offer(place: int) -> None:
            if place < 0 or after[place] == len(parts):
                return
            pair = parts[place], parts[after[place]]
            if pair in self._merged:
                time, merged = self._merged[pair]
                heapq.heappush(waiting, (time, place, merged, *pair))

        for place in range(len(parts) - 1):
            offer(place)
        while waiting:
            time, place, merged, *pair = heapq.heappop(waiting)
            right = after[place]
            if right == len(parts) or [parts[place], parts[right]] != pair:
                continue
            if merged == index:
                return time
            parts[place], parts[right] = merged, -1
            after[place] = after[right]
            if after[place] < len(parts):
                before[after[place]] = place
            offer(place)
            offer(before[place])
        return _NEVER
