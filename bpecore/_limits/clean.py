"""Texts as the engine can read them: instances of `str` itself, without surrogates."""

from __future__ import annotations

import re
from bisect import bisect_left

from bpecore._core import has_surrogate, without_surrogates


def exact_str(text: str) -> str:
    """Returns the characters of an instance of a subclass of `str`; anything else as it is."""
    if type(text) is str or not isinstance(text, str):
        return text
    return str.__getitem__(text, slice(None))


class Clean:
    """A text without surrogates, and the places of its characters in the original.

    Args:
        text: any text.
        is_clean: whether it is known to have no surrogates.
    """

    def __init__(self, text: str, is_clean: bool = False) -> None:
        self.text = text
        self._pairs: list[int] = []
        if not is_clean and has_surrogate(text):
            self.text = without_surrogates(text)
            found = re.finditer("[\ud800-\udbff][\udc00-\udfff]", text)
            self._pairs = [pair.start() - i for i, pair in enumerate(found)]

    def original(self, position: int) -> int:
        """Returns where a character of the clean text begins in the original."""
        return position + bisect_left(self._pairs, position)
