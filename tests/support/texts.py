"""Hostile alphabets and a seeded generator of texts over them."""

# ruff: noqa: RUF001 (characters that look like others are the point)

from __future__ import annotations

import random

WHITE_SPACE = [
    *map(chr, range(0x09, 0x0E)),
    *" \x85\xa0\u1680",
    *map(chr, range(0x2000, 0x200B)),
    *"\u2028\u2029\u202f\u205f\u3000",
]
"""The 25 characters of the Unicode property White_Space."""

LOOKS_LIKE_WHITE_SPACE = [*"\x1c\x1d\x1e\x1f\u180e\u200b\u200c\u200d\u2060\ufeff\x00\x7f"]
"""Characters that some `\\s` holds and White_Space does not."""

CONTRACTIONS = [
    apostrophe + letters
    for apostrophe in ("'", "\u2019")
    for ending in ("s", "t", "d", "m", "ll", "ve", "re", "\u017f", "l", "v", "r", "x", "ss")
    for letters in sorted({ending, ending.upper(), ending.title(), ending.title().swapcase()})
]
"""Contractions in every case, and near misses: ſ folds to s; a curly apostrophe does not count."""

WORDS = [
    *("the", "a", "I", "Hello", "WORLD", "camelCase", "XMLHttpRequest", "iPhone", "don", "can"),
    *("naïve", "Straße", "ÉCOLE", "Ελληνικά", "ΑΣ", "привет", "МИР", "Ǆ", "ǅ", "ǆ", "ʰ", "ª", "º"),
    *("return", "def", "__init__", "self.x", "==", "!=", "->", "=>", "//", "/*", "*/", "#", "..."),
    *("---", "???", "!!!", "~~~", "<|endoftext|>", "<|", "|>", "שלום", "مرحبا", "नमस्ते", "สวัสดี"),
    *("こんにちは", "カタカナ", "漢字", "中文分词", "안녕하세요"),
]

DIGITS = [
    *"0123456789",
    *"٠٤٩",
    *"०९",
    *"０９",
    *"²³¹½¾",
    *"ⅠⅫↈ",
    *"〇一五",
    "\U0001d7d8",
    "\U0001f100",
]

COMBINING_MARKS = [
    *"\u0300\u0301\u0308\u0327\u0345\u0483\u05b0\u064b\u0901\u093e\u0e31\u20dd\u3099"
]
COMBINING_MARKS += ["\ufe0f", "\U0001d165", "\U000e0100"]

EMOJI = [
    "😀",
    "👍🏽",
    "👩‍👩‍👧‍👦",
    "🇯🇵",
    "1️⃣",
    "🏴\U000e0067\U000e0062\U000e007f",
    "❤️",
    "☃",
    "🫨",
    "\U0001f3fb",
]

UNASSIGNED = [
    *"\u0378\u0380\u0530\u058b\u2065\ufdd0\uffff\ufffe",
    *map(chr, (0x1FFFE, 0x2FE20, 0x40000, 0xE0FFF, 0x10FFFF)),
    *map(chr, (0x16EA0, 0x11DB0, 0x323B0, 0x088F, 0x0C5C, 0xA7CE)),
]
"""Never assigned, noncharacters, and (the last six) letters only of Unicode 17."""

PRIVATE_AND_FORMAT = [
    "\ue000",
    "\U000f0000",
    "\U00100000",
    "\u00ad",
    "\u0600",
    "\u202e",
    "\ufff9",
    "\ufffd",
]

CASE_ODDITIES = [*"ſKÅİıßẞŉǰΐﬁﬅ", "𝐀", "𝐚", "Ⓐ", "ⓐ", "Ა", "ა", "Ꭰ", "ꭰ"]

PUNCTUATION = [*"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", *"«»—…。、！？・「」", *"€$£¢₿", *"∀∑≠⟂"]

LINE_ENDS = [
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\r\r\n",
    "\n/",
    "/\n",
    "\n \n",
    " \n",
    "\t\n",
    "\x0b",
    "\x0c",
    "\u2028",
]

ALPHABETS: list[list[str]] = [
    WHITE_SPACE,
    LOOKS_LIKE_WHITE_SPACE,
    CONTRACTIONS,
    WORDS,
    DIGITS,
    COMBINING_MARKS,
    EMOJI,
    UNASSIGNED,
    PRIVATE_AND_FORMAT,
    CASE_ODDITIES,
    PUNCTUATION,
    LINE_ENDS,
    [" "],
    ["  ", "   ", "    ", "\t\t"],
    [*"abcdefghijklmnopqrstuvwxyz"],
    [*"ABCXYZ"],
    [*"的一是不了人我在有他"],
    [*"한국어텍스트"],
]


def random_text(source: random.Random, longest: int = 24) -> str:
    """Returns up to `longest` elements of two to five alphabets, some of them as runs.

    Args:
        source: The source of randomness; the same state gives the same text.
        longest: The maximum number of elements; each is a character, a word or a run.

    Returns:
        A text without lone surrogates.
    """
    alphabets = source.sample(ALPHABETS, source.randint(2, 5))
    elements = []
    for _ in range(source.randint(1, longest)):
        element = source.choice(source.choice(alphabets))
        if source.random() < 0.05:
            element *= source.choice((2, 3, 4, 7, 15, 16, 17, 33, 65))
        elif source.random() < 0.02:
            element = chr_of_any_kind(source)
        elements.append(element)
    return "".join(elements)


def chr_of_any_kind(source: random.Random) -> str:
    """Returns one Unicode scalar value; the first ones of each plane are likelier."""
    while True:
        code_point = source.randrange(
            source.choice((0x80, 0x800, 0x3000, 0x10000, 0x20000, 0x110000))
        )
        if not 0xD800 <= code_point <= 0xDFFF:
            return chr(code_point)


def random_texts(seed: int, count: int) -> list[str]:
    """Returns `count` texts of `random_text`, always the same for a seed."""
    source = random.Random(seed)
    return [random_text(source) for _ in range(count)]
