"""Where tokens come from: a text, a template, padding. What is known of them is found on demand."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bpecore._models.encoding import ModelEncoding
    from bpecore.hf.names import ModelNames

    Offsets = list[tuple[int, int]]


class Engine(NamedTuple):
    """What encodes texts.

    Attributes:
        encoding: the encoding.
        names: how its model spells tokens.
        added: how its added tokens are spelled in the text that they are looked for in, by id.
    """

    encoding: ModelEncoding
    names: ModelNames
    added: dict[int, str]


class Columns:
    """Tokens, and what is known of them; what all have in common is a number.

    Attributes:
        ids: their ids.
        special: 1 where they are of no text.
        attention: 0 where they are padding.
    """

    ids: list[int]
    special: int = 0
    attention: int = 1

    @functools.cached_property
    def tokens(self) -> list[str]:
        """How each is spelled."""
        raise NotImplementedError

    @functools.cached_property
    def offsets(self) -> Offsets:
        """Where each begins and ends in the text, in characters."""
        raise NotImplementedError

    @functools.cached_property
    def words(self) -> list[int | None]:
        """The piece of the text that each is in."""
        raise NotImplementedError

    @functools.cached_property
    def blanks(self) -> list[tuple[int, int]]:
        """How many blanks each begins and ends with."""
        return [_blanks_of(token) for token in self.tokens]


@functools.lru_cache(maxsize=1 << 16)
def _blanks_of(token: str) -> tuple[int, int]:
    spelled = token.replace("Ġ", " ")
    return len(spelled) - len(spelled.lstrip()), len(spelled) - len(spelled.rstrip())


class FixedColumns(Columns):
    """Tokens whose columns are all given.

    Args:
        ids: their ids.
        tokens: how they are spelled.
        special: see `Columns`.
        attention: see `Columns`.
        places: offsets and words; None if they are of no text.
    """

    def __init__(
        self,
        ids: list[int],
        tokens: list[str],
        special: int,
        attention: int = 1,
        places: tuple[Offsets, list[int | None]] | None = None,
    ) -> None:
        self.ids = ids
        self.tokens = tokens
        self.special = special
        self.attention = attention
        self.offsets, self.words = places or ([(0, 0)] * len(ids), [None] * len(ids))


class TextColumns(Columns):
    """The tokens of a text.

    Args:
        engine: what has encoded it.
        text: the text.
        ids: the ids.
        splits_special: whether special tokens are ordinary text.
        word: the number of the text among words that were given apart; None if it is not one.
    """

    def __init__(
        self,
        engine: Engine,
        text: str,
        ids: list[int],
        splits_special: bool,
        word: int | None,
    ) -> None:
        self.ids = ids
        self._encoding, self._names, self._added = engine
        self._text = text
        self._splits_special = splits_special
        self._word = word

    @functools.cached_property
    def tokens(self) -> list[str]:
        """See `Columns`."""
        if not self._is_plain:
            return self._walked[0]
        added, name = self._added.get, self._names.name
        return [added(number) or name(number) or "" for number in self.ids]

    @functools.cached_property
    def offsets(self) -> Offsets:
        """See `Columns`."""
        if self._is_plain and self._encoding._has_places:
            special: dict[str, Any] = (
                {"disallowed_special": ()} if self._splits_special else {"allowed_special": "all"}
            )
            places = self._encoding.token_offsets(self._text, **special)
            return list(zip(*places.T.tolist())) if len(places) else []
        return self._walked[1]

    @functools.cached_property
    def words(self) -> list[int | None]:
        """See `Columns`."""
        if self._word is not None:
            return [self._word] * len(self.ids)
        return self._walked[2]

    @property
    def _is_plain(self) -> bool:
        return self._encoding._rules is None or self._encoding._is_plain(self._text)

    @functools.cached_property
    def _walked(self) -> tuple[list[str], Offsets, list[int | None]]:
        """Tokens, offsets and words, found piece by piece."""
        from bpecore.hf.pieces import pieces_of

        tokens: list[str] = []
        offsets: Offsets = []
        words: list[int | None] = []
        ids = iter(self.ids)
        pieces = pieces_of(self._encoding, self._text, self._splits_special)
        for word, (piece, is_token) in enumerate(pieces):
            if is_token:
                next(ids)
                tokens.append(piece.text)
                offsets.append((piece.starts[0], piece.ends[-1]))
                words.append(word)
                continue
            for start, stop, number in self._tokens_of(piece.text, ids):
                tokens.append(self._names.name(number) or "")
                offsets.append((piece.starts[start], piece.ends[stop - 1]))
                words.append(word)
        if len(tokens) != len(self.ids):
            raise AssertionError(f"{len(tokens)} tokens are in pieces, of {len(self.ids)}")
        return tokens, offsets, words

    def _tokens_of(self, piece: str, ids: Iterator[int]) -> Iterator[tuple[int, int, int]]:
        """Yields where each token of a piece begins and ends, in characters, and its id."""
        character_of: Any = range(len(piece))
        if not piece.isascii():
            character_of = [
                place for place, character in enumerate(piece) for _ in character.encode()
            ]
        bytes_of = self._encoding._engine_without_tokens.decode_single_token_bytes
        reached = 0
        while reached < len(character_of):
            number = next(ids)
            end = reached + len(bytes_of(number))
            yield character_of[reached], character_of[end - 1] + 1, number
            reached = end
