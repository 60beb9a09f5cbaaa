"""`bpecore.hf.Tokenizer` and `tokenizers.Tokenizer` of one file, and where their results differ."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bpecore.hf import Tokenizer

COLUMNS = (
    "ids",
    "type_ids",
    "tokens",
    "offsets",
    "attention_mask",
    "special_tokens_mask",
    "word_ids",
    "sequence_ids",
    "n_sequences",
)


def pair_of(file: dict[str, Any]) -> tuple[Tokenizer, Any]:
    """Returns our tokenizer of a file, and theirs."""
    tokenizers = pytest.importorskip("tokenizers", reason='pip install "bpecore[models-test]"')
    text = json.dumps(file)
    return Tokenizer.from_str(text), tokenizers.Tokenizer.from_str(text)


def outcome(call: Any, *arguments: Any, **options: Any) -> Any:
    """Returns what a call returns, or the kind of error that it raises."""
    try:
        return call(*arguments, **options)
    except Exception as error:
        return type(error).__name__
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return "PanicException"


def columns(encoding: Any) -> list[Any]:
    """Returns everything that an encoding has, and what overflows."""
    if isinstance(encoding, str):
        return [encoding]
    return [
        *(getattr(encoding, name) for name in COLUMNS),
        [columns(part) for part in encoding.overflowing],
    ]


def lookups(encoding: Any, characters: int) -> list[Any]:
    """Returns what the methods of an encoding answer about its places."""
    found: list[Any] = []
    for place in range(len(encoding) + 1):
        found += [
            encoding.token_to_chars(place),
            encoding.token_to_sequence(place),
            encoding.token_to_word(place),
        ]
    for sequence in range(2):
        for place in range(characters):
            found += [
                encoding.char_to_token(place, sequence),
                encoding.char_to_word(place, sequence),
                encoding.word_to_tokens(place, sequence),
                encoding.word_to_chars(place, sequence),
            ]
    return found
