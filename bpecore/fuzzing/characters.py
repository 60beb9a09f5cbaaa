"""Random characters and short strings of every kind that split patterns and UTF-8 distinguish."""

from __future__ import annotations

import functools
import random

from bpecore._pattern.properties import WHITE_SPACE, general_category

CATEGORIES = (
    *("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe"),
    *("Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cn"),
)
"""All general categories except Cs, the surrogates."""

CONTRACTIONS = [
    apostrophe + letters
    for apostrophe in ("'", "\u2019")
    for ending in ("s", "t", "d", "m", "ll", "ve", "re", "\u017f", "l", "v", "r", "x", "ss", "lL")
    for letters in sorted({ending, ending.upper(), ending.title(), ending.title().swapcase()})
]
"""Contractions in every case, and near misses: long s folds to s; a curly apostrophe is not one."""

LINE_ENDS = ["\n", "\r", "\r\n", "\n\n", "\r\r\n", "\n/", "/\n", "\n \n", " \n", "\t\n", "\n//\n"]

BORDER_CODE_POINTS = [
    edge + shift
    for edge in (0x80, 0x800, 0xD800, 0xE000, 0x10000, 0x20000, 0x100000)
    for shift in (-2, -1, 0, 1)
    if not 0xD800 <= edge + shift <= 0xDFFF
] + [0x10FFFF, 0xFFFE, 0xFFFF, 0xFEFF, 0xFFFD]
"""Code points where UTF-8 gets longer, around the surrogates, and noncharacters."""

EMOJI = ["😀", "👍🏽", "👩‍👩‍👧‍👦", "🇯🇵", "1️⃣", "❤️", "☃", "🏴\U000e0067\U000e0062\U000e007f"]


@functools.cache
def ranges_of(category: str) -> list[tuple[int, int]]:
    """Returns the ranges of code points of a general category, first and last."""
    return list(general_category(category).ranges())


def of_category(source: random.Random, category: str) -> str:
    """Returns a character of a general category. Small ranges are as likely as large ones."""
    return chr(source.randint(*source.choice(ranges_of(category))))


def of_any_category(source: random.Random) -> str:
    """Returns a character of a random general category."""
    return of_category(source, source.choice(CATEGORIES))


def of_block(source: random.Random, start: int) -> str:
    """Returns one of the 128 characters from `start` on, assigned or not."""
    return chr(start + source.randrange(128))


def any_block(source: random.Random) -> int:
    """Returns the first code point of a block of 128, but no surrogate; low planes are likelier."""
    while True:
        limit = source.choice((0x1000, 0x3000, 0x10000, 0x20000, 0x110000))
        start = source.randrange(0, limit, 128)
        if not 0xD800 <= start <= 0xDFFF:
            return start


def white_space() -> list[str]:
    """Returns the characters of White_Space, and some that other definitions include."""
    return [*map(chr, WHITE_SPACE.code_points()), *"\x1c\x1f\u180e\u200b\u2060\ufeff"]
