"""Texts in chunks, and vocabularies to encode them with."""

from __future__ import annotations

import random
from typing import Any

from texts import random_text

SPECIAL_PARTS = ["<|endoftext|>", "<|endof", "<|", "<", "<|im_start|>", "|>", "<|endofprompt|>"]


ARGUMENTS: list[dict[str, Any]] = [{"disallowed_special": ()}, {"allowed_special": "all"}]


LONG_PIECES = {
    "spaces": " ",
    "letters": "a",
    "brackets": "<",
    "digits": "7",
    "line and spaces": "\n" + " " * 500,
    "Chinese": "的一是不了人我在有他这中文",
}


def text_with_special_parts(source: random.Random) -> str:
    parts = [random_text(source, 6) for _ in range(source.randint(1, 5))]
    for _ in range(source.randint(0, 3)):
        parts.insert(source.randint(0, len(parts)), source.choice(SPECIAL_PARTS))
    return "".join(parts)


def chunks_of(source: random.Random, text: str, longest: int) -> list[str]:
    chunks = []
    while text:
        size = source.randint(0, longest)
        chunks.append(text[:size])
        text = text[size:]
    return chunks


def random_ranks(source: random.Random, alphabet: bytes) -> dict[bytes, int]:
    """Returns tokens in random order: parts rank after wholes, and some cannot be reached."""
    tokens = {bytes([value]) for value in range(256)}
    if source.random() < 0.2:
        tokens.remove(b"b")
    for _ in range(source.randint(1, 25)):
        length = source.randint(2, source.choice((3, 5, 9, 80)))
        tokens.add(bytes(source.choices(alphabet, k=length)))
    shuffled = sorted(tokens)
    source.shuffle(shuffled)
    return {token: rank for rank, token in enumerate(shuffled)}


PATTERNS = [
    r"[\s\S]+",
    r"a+|[^a]+",
    r"a*b|a|[\s\S]",
    r"\w+|\s+(?!\S)|\s",
    r"ab|b",
    r"a(bc)*$|a|b|c|[^abc]",
]


SPECIAL_TOKENS: list[dict[str, int]] = [
    {},
    {"aab": 1000, "aabb": 1001, "ba": 1002},
    {"abcX": 1000, "bc": 1001},
]
