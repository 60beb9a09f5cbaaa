"""Counts tokens and words by script, such as Latin or Han.

A token belongs to the script of its letters; if it has letters of several, to the one that is last
in `SCRIPTS`. A token of only blanks, digits, signs or emoji has no script. A word is a run of
letters and marks of one script, apostrophes included; in scripts that put no blanks between words,
it is one letter.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import regex

from bpecore.view.tokens import TokenizedText

NO_SCRIPT = "no script"
OTHER = "other scripts"
SCRIPTS = (
    *(NO_SCRIPT, "Latin", "Greek", "Cyrillic", "Armenian", "Georgian", "Hebrew", "Arabic"),
    *("Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada"),
    *("Malayalam", "Sinhala", "Ethiopic", "Tibetan", "Mongolian", "Hangul", OTHER),
    *("Thai", "Lao", "Khmer", "Myanmar", "Han", "Hiragana", "Katakana"),
)
WITHOUT_BLANKS = ("Thai", "Lao", "Khmer", "Myanmar", "Han", "Hiragana", "Katakana")

APOSTROPHES = "'\u2019"

_NAMED = [name for name in SCRIPTS if name not in (NO_SCRIPT, OTHER)]
_CONTINUES = 255
"""Stands for marks, apostrophes and letters of no script, such as the Japanese ー: they have the
script of the character in front of them."""


class Counts(NamedTuple):
    """What is counted of a text, or of its part in one script.

    Attributes:
        tokens: number of tokens.
        bytes: their bytes.
        words: number of words.
    """

    tokens: int = 0
    bytes: int = 0
    words: int = 0

    def plus(self, other: Counts) -> Counts:
        """Returns the counts of two texts together."""
        return Counts(*(one + more for one, more in zip(self, other)))

    @property
    def bytes_per_token(self) -> float | None:
        return self.bytes / self.tokens if self.tokens else None

    @property
    def fertility(self) -> float | None:
        """Tokens per word."""
        return self.tokens / self.words if self.words else None


def counts_by_script(text: TokenizedText) -> dict[str, Counts]:
    """Returns the counts of each script that occurs, in the order of `SCRIPTS`."""
    if not text.ids:
        return {}
    # Bytes that are not a whole character, if the vocabulary makes such a text, are one each.
    content = b"".join(token.bytes for token in text).decode("utf-8", errors="surrogateescape")
    scripts, letters, sizes = _characters(content)
    sizes_of_tokens = np.array([len(token.bytes) for token in text], dtype=np.int64)
    starts = np.cumsum(sizes_of_tokens) - sizes_of_tokens
    of_tokens = np.maximum.reduceat(np.repeat(scripts, sizes), starts)
    kinds = len(SCRIPTS)
    tokens = np.bincount(of_tokens, minlength=kinds)
    lengths = np.bincount(of_tokens, weights=sizes_of_tokens, minlength=kinds)
    words = _words(scripts, letters)
    return {
        name: Counts(int(tokens[code]), int(lengths[code]), int(words[code]))
        for code, name in enumerate(SCRIPTS)
        if tokens[code] or words[code]
    }


def _words(scripts: npt.NDArray[np.uint8], letters: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Returns the number of words in each script."""
    begins = np.diff(scripts, prepend=np.uint8(0)) != 0
    without_blanks = np.isin(scripts, [SCRIPTS.index(name) for name in WITHOUT_BLANKS])
    words = np.bincount(scripts[np.where(without_blanks, letters, begins)], minlength=len(SCRIPTS))
    words[0] = 0
    return words


def _characters(
    text: str,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Returns each character's script, whether it is a letter, and its size in bytes."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    distinct, places = np.unique(codes, return_inverse=True)
    chars = [chr(code) for code in distinct.tolist()]
    scripts = np.array([_script_of(char) for char in chars], dtype=np.uint8)[places]
    letters = np.array([unicodedata.category(char)[0] == "L" for char in chars])[places]
    sizes = np.array([_size_of(char) for char in chars], dtype=np.int64)[places]
    known = np.where(scripts != _CONTINUES, np.arange(len(scripts)), 0)
    scripts = scripts[np.maximum.accumulate(known)]
    scripts[scripts == _CONTINUES] = 0
    return scripts, letters, sizes


def _size_of(char: str) -> int:
    return 1 if "\ud800" <= char <= "\udfff" else len(char.encode())


def _script_of(char: str) -> int:
    found = _pattern().match(char)
    if found is not None:
        return SCRIPTS.index(found.lastgroup or NO_SCRIPT)
    is_common = regex.match(r"[\p{Script=Common}\p{Script=Inherited}]", char) is not None
    if char in APOSTROPHES or unicodedata.category(char)[0] == "M":
        return _CONTINUES
    if char.isalpha():
        return _CONTINUES if is_common else SCRIPTS.index(OTHER)
    return SCRIPTS.index(NO_SCRIPT)


@functools.cache
def _pattern() -> regex.Pattern[str]:
    return regex.compile("|".join(rf"(?P<{name}>\p{{Script={name}}})" for name in _NAMED))
