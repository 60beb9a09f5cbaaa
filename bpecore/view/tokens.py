"""`TokenizedText`: the tokens of one text, with what a display needs to know of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bpecore._engine_calls import NONE
from bpecore._plural import counted

if TYPE_CHECKING:
    from typing_extensions import Self

    from bpecore.core import Encoding
    from bpecore.types import Allowed


class Token(NamedTuple):
    """One token of a vocabulary.

    Attributes:
        id: its number.
        bytes: its bytes; for a special token, those of its name.
        special: whether it is a special token, or one that a model's file has added.
    """

    id: int
    bytes: bytes
    special: bool


class TokenizedText:
    """The tokens of a text under one encoding.

    What is displayed is the tokens' own bytes. They differ from the text if the encoding normalizes
    it, or if its split pattern leaves characters out.

    Args:
        encoding: the encoding.
        text: any text.
        allowed_special: the special tokens that are encoded as such, or "all"; the names of others
            are ordinary text.

    Attributes:
        encoding: the encoding.
        ids: the id of each token, in order.
        characters: the length of the text.
        vocabulary: each token that occurs, once, by its id.
    """

    def __init__(self, encoding: Encoding, text: str, allowed_special: Allowed = NONE) -> None:
        ids = encoding.encode(text, allowed_special=allowed_special, disallowed_special=())
        self._take(encoding, ids, len(text))

    @classmethod
    def of_ids(cls, encoding: Encoding, ids: Sequence[int]) -> Self:
        """Makes it of ids, such as those of a chat; raises KeyError if one is unknown."""
        made = cls.__new__(cls)
        made._take(encoding, ids, len(encoding.decode(ids)))
        return made

    def _take(self, encoding: Encoding, ids: Sequence[int], characters: int) -> None:
        self.encoding = encoding
        self.ids = ids
        self.characters = characters
        core = encoding._core_bpe
        marked = {*encoding._special_token_values, *core.special_tokens.added.values()}
        self.vocabulary = {
            id: Token(id, core.decode_single_token_bytes(id), id in marked)
            for id in dict.fromkeys(ids)
        }

    def __iter__(self) -> Iterator[Token]:
        return map(self.vocabulary.__getitem__, self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def byte_count(self) -> int:
        """The number of bytes of all tokens."""
        return sum(len(token.bytes) for token in self)

    def summary(self) -> str:
        """Returns how many tokens, characters and bytes there are, in words."""
        counts = [
            counted(len(self), "token"),
            counted(self.characters, "character"),
            counted(self.byte_count, "byte"),
        ]
        if self.ids:
            counts.append(f"{self.characters / len(self):.2f} characters per token")
        return f"{self.encoding.name}: {', '.join(counts)}"
