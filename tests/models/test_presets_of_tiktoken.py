"""Presets of patterns, and ranks out of a tokenizer.json: what tiktoken gives for the same."""

from __future__ import annotations

import json

import pytest
import tiktoken
from model_files import DEEPSEEK, model_file
from pairs import load_pair
from texts import random_texts

from bpecore import Encoding
from bpecore._models.byte_letters import bytes_of_letters
from bpecore._models.presets import PATTERNS, pattern_preset

NAMES = {preset.pattern: name for name, preset in PATTERNS.items()}
"""One name for each pattern."""

CHARACTERS = [
    *range(0x3100),
    *range(0x3100, 0xD800, 37),
    *range(0xE000, 0x30000, 29),
    *range(0x30000, 0x110000, 997),
]
"""All characters of most alphabets, and some of every other block."""


@pytest.mark.parametrize("name", NAMES.values())
def test_characters_beside_others(name: str) -> None:
    ranks = load_pair("cl100k_base").theirs._mergeable_ranks
    pattern = PATTERNS[name].pattern
    ours = Encoding("ours", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    theirs = tiktoken.Encoding("theirs", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    for start in range(0, len(CHARACTERS), 1000):
        some = [chr(point) for point in CHARACTERS[start : start + 1000]]
        text = "".join(f"x{one}x {one}1{one}'{one}S/{one}\n{one} " for one in some)
        assert ours.encode_ordinary(text) == theirs.encode_ordinary(text), ascii(some[0])


def test_ranks_of_a_tokenizer_json(corpora: dict[str, str]) -> None:
    file = model_file(DEEPSEEK)
    members = json.loads(file.read_bytes())
    added = {token["content"]: token["id"] for token in members["added_tokens"]}
    vocab = members["model"]["vocab"]
    ranks = {
        token: vocab[name]
        for name, token in zip(vocab, bytes_of_letters(vocab))
        if token and name not in added
    }
    theirs = tiktoken.Encoding(
        "theirs",
        pat_str=pattern_preset("deepseek_v3").pattern,
        mergeable_ranks=ranks,
        special_tokens=added,
    )
    ours = Encoding.from_file(file)
    tokens = [*added][:: max(1, len(added) // 200)]
    texts = [*random_texts(5, 300), *(text[:20_000] for text in corpora.values()), " ".join(tokens)]
    for text in texts:
        ids = ours.encode(text, allowed_special="all")
        assert ids == theirs.encode(text, allowed_special="all")
