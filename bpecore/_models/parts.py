"""What an encoding of a tokenizer.json is made of besides its vocabulary."""

from __future__ import annotations

from bpecore._models.tuples import NamedTuple

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from bpecore._models.kept_models import KeptBytes

MAX_ID = 2**32 - 1
"""The highest id."""


class AddedToken(NamedTuple):
    """One added token.

    Attributes:
        content: how it is spelled.
        id: its id.
        special: whether it counts as a special token.
        normalized: whether it is searched for in normalized text.
        single_word: whether it counts only where no word character touches it.
        lstrip: whether it takes the white space to its left with it.
        rstrip: whether it takes that to its right.
    """

    content: str
    id: int
    special: bool
    normalized: bool
    single_word: bool
    lstrip: bool
    rstrip: bool


class ModelParts(NamedTuple):
    """What an encoding is made of besides its vocabulary.

    Attributes:
        pattern: the split pattern.
        tokens: the added tokens, special ones included.
        normalizer: the member of the file.
        prefix_space: whether a blank is put before a stretch that does not begin with one.
        only_decoded: the id of the bytes of each token that no text is encoded to.
        before: ids that `add_special_tokens` puts before those of a text.
        after: ids that it puts after them.
        details: what was found, in words.
        at_once: whether one search finds all added tokens, see `are_found_at_once`.
        trie: that of the added tokens, see `bpecore._build.special_tokens`.
        names: how the model spells each token that is not its bytes in letters, by id.
        merges: the model's pairs in order, as ids: `uint32[n, 2]`, or what `bytes` makes them of.
        file: the file's other members, and the model's.
        stages: the splits before `pattern`, see `split_chain`; a blank is then put before what
            they leave.
    """

    pattern: str
    tokens: list[AddedToken]
    normalizer: Any
    prefix_space: bool
    only_decoded: dict[bytes, int]
    before: list[int]
    after: list[int]
    details: str
    at_once: bool
    trie: tuple[bytes, bytes, bytes, bytes, bytes, bytes]
    names: dict[int, str]
    merges: bytes | KeptBytes
    file: dict[str, Any]
    stages: Sequence[tuple[str, str]] = ()

    def plain(self) -> tuple[Any, ...]:
        """Returns the parts as plain tuples, lists and dicts."""
        return tuple(self._replace(tokens=[tuple(token) for token in self.tokens]))  # type: ignore[misc]

    @classmethod
    def of_plain(cls, plain: tuple[Any, ...]) -> ModelParts:
        """Returns what `plain` was made from."""
        parts = cls(*plain)
        return parts._replace(tokens=[AddedToken(*token) for token in parts.tokens])


def in_order(tokens: list[AddedToken]) -> list[AddedToken]:
    """Returns added tokens in the order that the engine has them in: special ones first."""
    return sorted(tokens, key=lambda token: not token.special)
