"""How a model spells its tokens: a letter per byte, mostly."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from bpecore._models.byte_letters import bytes_of_letters, letters_of

if TYPE_CHECKING:
    from bpecore._models.encoding import ModelEncoding


class ModelNames:
    """The tokens of a model, without added ones.

    Args:
        encoding: the model.
    """

    def __init__(self, encoding: ModelEncoding) -> None:
        parts = encoding._parts
        self._engine = encoding._engine_without_tokens
        self._special = parts.names
        self._others = {
            number: token
            for token, number in parts.only_decoded.items()
            if number not in parts.names
        }
        self._known: dict[int, str] = {}

    def name(self, number: int) -> str | None:
        """Returns how a token is spelled; None if the model has no such id."""
        if number in self._known:
            return self._known[number]
        found = self._special.get(number)
        if found is None:
            token = self._others.get(number)
            if token is None:
                try:
                    token = self._engine.decode_single_token_bytes(number)
                except KeyError:
                    return None
            found = letters_of(token)
        self._known[number] = found
        return found

    def id(self, name: str) -> int | None:
        """Returns the id of a token; None if the model does not have it."""
        number = self._ids_of_others.get(name)
        if number is not None:
            return number
        token = bytes_of_letters([name])[0]
        if not token:
            return None
        try:
            return self._engine.encode_single_token(token)
        except KeyError:
            return None

    @functools.cached_property
    def _ids_of_others(self) -> dict[str, int]:
        found = {name: number for number, name in self._special.items()}
        found.update((letters_of(token), number) for number, token in self._others.items())
        return found

    def vocab(self) -> dict[str, int]:
        """Returns the id of each token, in the order of ids."""
        ranks = self._engine.vocabulary.mergeable_ranks()
        joined = letters_of(b"".join(ranks))
        found: dict[str, int] = dict(self._ids_of_others)
        start = 0
        for token, number in ranks.items():
            found[joined[start : start + len(token)]] = number
            start += len(token)
        return dict(sorted(found.items(), key=lambda item: item[1]))

    def __len__(self) -> int:
        return len(self._engine.vocabulary) + len(self._ids_of_others)
