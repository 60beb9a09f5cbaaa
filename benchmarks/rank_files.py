"""The bundled rank tables in the forms that the other engines read.

All is written into one folder: `NAME.tiktoken` for gigatoken, the cache entry of tiktoken's
`get_encoding`, and `NAME.json` for Hugging Face's tokenizers and for snaptokens.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from bpecore.data.gpt2_format import byte_letters
from bpecore.data.rank_tables import load_ranks, tiktoken_file

RANK_TABLE_OF = {
    "r50k_base": "r50k_base",
    "p50k_base": "p50k_base",
    "p50k_edit": "p50k_base",
    "cl100k_base": "cl100k_base",
    "o200k_base": "o200k_base",
    "o200k_harmony": "o200k_base",
}
"""The file that tiktoken loads for each encoding; gpt2 has none of this form."""

_URL = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"

_CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_LOWER = r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
_UPPER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}"
ONIGURUMA_PATTERNS = {
    "r50k_base": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "cl100k_base": _CONTRACTION
    + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "o200k_base": "|".join(
        [
            rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]*[{_LOWER}]+{_CONTRACTION}?",
            rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]+[{_LOWER}]*{_CONTRACTION}?",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        ]
    ),
}
"""The three split patterns without possessive quantifiers, which Oniguruma reads otherwise.

They split alike: OpenAI published them in this form before it made them possessive.
"""


def write_rank_files(folder: Path, encodings: Sequence[str], for_tokenizers: bool) -> None:
    """Writes what the engines need for these encodings; files that are there stay.

    Args:
        folder: where to; it exists.
        encodings: names; those without a rank file are passed over.
        for_tokenizers: whether to make the files for Hugging Face's tokenizers, which takes some
            seconds.
    """
    for name in encodings:
        table = RANK_TABLE_OF.get(name)
        if table is None:
            continue
        cache_entry = hashlib.sha1(_URL.format(table).encode()).hexdigest()
        for path in (folder / f"{name}.tiktoken", folder / cache_entry):
            if not path.exists():
                path.write_bytes(tiktoken_file(table))
        json_path = folder / f"{name}.json"
        if for_tokenizers and name in ONIGURUMA_PATTERNS and not json_path.exists():
            write_tokenizers_file(json_path, load_ranks(name), ONIGURUMA_PATTERNS[name])


def write_tokenizers_file(path: Path, ranks: dict[bytes, int], pattern: str) -> None:
    """Writes a rank table and a split pattern as a `tokenizer.json`."""
    spelling = byte_spelling()
    spell = {token: "".join(spelling[byte] for byte in token) for token in ranks}
    merges = []
    for token, rank in ranks.items():
        if len(token) > 1:
            left, right = merged_parts(ranks, token, rank)
            merges.append([spell[left], spell[right]])
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {**split, "invert": False},
                {**byte_level, "use_regex": False},
            ],
        },
        "post_processor": None,
        "decoder": {**byte_level, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": True,
            "vocab": {spell[token]: rank for token, rank in ranks.items()},
            "merges": merges,
        },
    }
    path.write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")


def byte_spelling() -> list[str]:
    """Returns the character for each byte in GPT-2's printable spelling."""
    bytes_of = byte_letters()
    return sorted(bytes_of, key=bytes_of.__getitem__)


def merged_parts(ranks: dict[bytes, int], token: bytes, rank: int) -> list[bytes]:
    """Returns the two parts that byte pair encoding merges last to make a token.

    Raises:
        ValueError: the ranks below the token's do not lead to it.
    """
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        pairs = (ranks.get(parts[i] + parts[i + 1], rank) for i in range(len(parts) - 1))
        lowest, at = min((pair_rank, i) for i, pair_rank in enumerate(pairs))
        if lowest >= rank:
            raise ValueError(f"no merges lead to the token {token!r} of rank {rank}")
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts
