"""Every encoding beside tiktoken's with the same ranks, and beside the naive reference."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import tiktoken

import bpecore
from bpecore.encodings import ENCODING_CONSTRUCTORS
from bpecore.fuzzing.reference import ReferenceEncoder

ENCODING_NAMES = (
    "gpt2",
    "r50k_base",
    "p50k_base",
    "p50k_edit",
    "cl100k_base",
    "o200k_base",
    "o200k_harmony",
)


class Pair(NamedTuple):
    """One encoding in both engines, and in the naive reference."""

    name: str
    ours: bpecore.Encoding
    theirs: tiktoken.Encoding
    reference: ReferenceEncoder


@functools.cache
def load_pair(name: str) -> Pair:
    definition: dict[str, Any] = ENCODING_CONSTRUCTORS[name]()
    reference = ReferenceEncoder(
        definition["pat_str"], definition["mergeable_ranks"], definition["special_tokens"]
    )
    return Pair(name, bpecore.get_encoding(name), tiktoken.Encoding(**definition), reference)
