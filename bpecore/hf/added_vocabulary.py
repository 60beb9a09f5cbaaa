"""The added tokens of a tokenizer, which can be changed.

Reference: `tokenizer/added_vocabulary.rs` of tokenizers 0.23. A token that is added again replaces
what is known of it, but stays special if it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bpecore._models.normalizers import normalized, read_normalizers
from bpecore._models.parts import AddedToken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bpecore.hf.names import ModelNames

_OPTIONS = ("single_word", "lstrip", "rstrip", "normalized", "special")


class AddedVocabulary:
    """Added tokens.

    Args:
        names: the model's tokens.
        tokens: those of a file, in its order.

    Attributes:
        names: the model's tokens.
        ids: the id of each.
        by_id: what is known of each.
        special: those that were ever special.
        normalized: how those were last spelled in normalized text that were ever looked for there.
    """

    def __init__(self, names: ModelNames, tokens: Iterable[AddedToken] = ()) -> None:
        self.names = names
        self.ids: dict[str, int] = {}
        self.by_id: dict[int, AddedToken] = {}
        self.special: set[str] = set()
        self.normalized: dict[int, str] = {}
        self.add(tokens)

    def add(self, tokens: Iterable[AddedToken]) -> int:
        """Adds tokens; returns how many were not there just so.

        Raises:
            ValueError: a new token would have the id of another, as a model's ids have gaps.
        """
        tokens = list(tokens)
        for token in tokens:
            if token.special and token.content:
                self.special.add(token.content)
        added = 0
        following = max(len(self.names), max(self.ids.values(), default=-1) + 1)
        for token in tokens:
            number = self.ids.get(token.content)
            if not token.content or (
                number is not None and self.by_id[number]._replace(id=0) == token._replace(id=0)
            ):
                continue
            if number is None:
                number = self.names.id(token.content)
            if number is None:
                number, following = following, following + 1
                named = self.names.name(number)
                if named is not None:
                    raise ValueError(
                        f"cannot add {token.content!r:.60}: its id would be {number}, as that of "
                        f"the model's {named!r:.60}"
                    )
            self.ids[token.content] = number
            self.by_id[number] = token._replace(id=number)
            added += 1
        return added

    def searched(self) -> list[AddedToken]:
        """Returns the tokens as a text is searched for them."""
        return [
            token._replace(special=token.content in self.special) for token in self.by_id.values()
        ]

    def normalize(self, normalizer: Any) -> None:
        """Notes how tokens are spelled in normalized text.

        Args:
            normalizer: the member of a file.
        """
        steps = read_normalizers(normalizer, "the tokenizer")
        for number, token in self.by_id.items():
            if token.normalized:
                self.normalized[number] = normalized(steps, token.content)

    def spelled(self) -> dict[int, str]:
        """Returns by id how tokens are spelled where their names are asked for."""
        contents = {number: token.content for number, token in self.by_id.items()}
        return {**contents, **self.normalized}

    def __copy__(self) -> AddedVocabulary:
        made = AddedVocabulary(self.names)
        made.ids = dict(self.ids)
        made.by_id = dict(self.by_id)
        made.special = set(self.special)
        made.normalized = dict(self.normalized)
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "names"}

    def entries(self) -> list[dict[str, Any]]:
        """Returns the member `added_tokens` of a file."""
        return [
            {"id": number, "content": token.content}
            | {name: getattr(token, name) for name in _OPTIONS}
            for number, token in sorted(self.by_id.items())
        ]


def added_token(given: Any, special: bool) -> AddedToken:
    """Returns a token that a caller adds.

    Args:
        given: a string, or an object with the attributes of `tokenizers.AddedToken`.
        special: whether it is added as a special token.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(given, str):
        return AddedToken(given, 0, special, not special, False, False, False)
    try:
        if special:
            given.special = True  # as there; it may change what `normalized` is
        content, *options = (getattr(given, name) for name in ("content", *_OPTIONS))
    except AttributeError:
        raise TypeError("Input must be a List[Union[str, AddedToken]]") from None
    single_word, lstrip, rstrip, normalized, is_special = map(bool, options)
    return AddedToken(
        str(content), 0, special or is_special, normalized, single_word, lstrip, rstrip
    )
