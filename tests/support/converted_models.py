"""Writes rank files as the tokenizer.json that Hugging Face's converter makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpecore.data.gpt2_format import byte_letters

LETTERS = {byte: letter for letter, byte in byte_letters().items()}


def letters(token: bytes) -> str:
    return "".join(LETTERS[byte] for byte in token)


def converted(ranks: Mapping[bytes, int], pattern: str, **changes: Any) -> dict[str, Any]:
    """Returns a tokenizer.json: of each token, all pairs that make it are listed."""
    merges = []
    for token in sorted(ranks, key=ranks.__getitem__):
        cuts = [(token[:cut], token[cut:]) for cut in range(1, len(token))]
        pairs = [pair for pair in cuts if pair[0] in ranks and pair[1] in ranks]
        pairs.sort(key=lambda pair: (ranks[pair[0]], ranks[pair[1]]))
        merges += [[letters(left), letters(right)] for left, right in pairs]
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": True,
        "vocab": {letters(token): rank for token, rank in ranks.items()},
        "merges": merges,
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{**split, "invert": False}, {**byte_level, "use_regex": False}],
        },
        "post_processor": None,
        "decoder": {**byte_level, "use_regex": True},
        "model": model,
        **changes,
    }
