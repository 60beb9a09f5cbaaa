"""Mistral's tekken JSON: tokens in base64 by rank, the split pattern, and special tokens.

Ids of special tokens come first: a token's id is its rank plus the number of special tokens. A file
lists more tokens than its model uses. Until version v7 the special tokens are not in the file.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import Any

from bpecore._build.assemble import compile_split_pattern
from bpecore._models.errors import clipped
from bpecore._models.json_files import member

_NAMES_UNTIL_V7 = (
    "<unk> <s> </s> [INST] [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] "
    "[/TOOL_RESULTS] [TOOL_CALLS] [IMG] <pad> [IMG_BREAK] [IMG_END] [PREFIX] [MIDDLE] [SUFFIX] "
    "[SYSTEM_PROMPT] [/SYSTEM_PROMPT] [TOOL_CONTENT]"
)

_VERSIONS_UNTIL_V7 = frozenset(f"v{number}" for number in range(8))
_SPECIAL_LIMIT = 1 << 20  # published files have 1,000 and fewer


def is_tekken(file: dict[str, Any]) -> bool:
    """Returns whether a JSON object is a tekken file."""
    return isinstance(file.get("vocab"), list) or isinstance(file.get("config"), dict)


def read_tekken(file: dict[str, Any], source: str) -> tuple[str, dict[bytes, int], dict[str, int]]:
    """Reads a tekken file.

    Args:
        file: its contents.
        source: where they are from, for errors.

    Returns:
        The split pattern, the id of each token's bytes, and those of the special tokens.

    Raises:
        ValueError: it is not valid.
    """
    config = member(file, "config", dict, source)
    member(config, "config.version", str, source, default="")
    pattern = member(config, "config.pattern", str, source)
    size = member(config, "config.default_vocab_size", int, source)
    special_count = member(config, "config.default_num_special_tokens", int, source)
    if not 0 <= special_count <= _SPECIAL_LIMIT:
        raise ValueError(
            f"{source}: config.default_num_special_tokens must be from 0 to {_SPECIAL_LIMIT:,}, "
            f"found {special_count!r:.60}"
        )
    special_tokens = _special_tokens(file, config, special_count, source)
    _check_pattern(pattern, source)
    entries = member(file, "vocab", list, source)
    count = size - special_count
    if not 0 < count <= len(entries):
        raise ValueError(
            f"{source}: config.default_vocab_size asks for {count:,} tokens beside the special "
            f"ones, and vocab has {len(entries):,}"
        )
    ranks: dict[bytes, int] = {}
    for rank in range(count):
        token = _token(entries[rank], rank, source)
        if token in ranks:
            raise ValueError(f"{source}: vocab[{rank}] repeats the token {token!r:.80}")
        ranks[token] = rank + special_count
    missing = [byte for byte in range(256) if bytes([byte]) not in ranks]
    if missing:
        raise ValueError(f"{source}: no token in vocab is the single byte 0x{missing[0]:02X}")
    return pattern, ranks, special_tokens


def _check_pattern(pattern: str, source: str) -> None:
    try:
        compile_split_pattern(pattern)
    except ValueError as error:
        raise ValueError(f"{source}: config.pattern: {clipped(str(error))}") from None


def _token(entry: Any, rank: int, source: str) -> bytes:
    place = f"vocab[{rank}]"
    if not isinstance(entry, dict):
        raise ValueError(f"{source}: {place} must be a JSON object, found {entry!r:.60}")
    if member(entry, f"{place}.rank", int, source) != rank:
        raise ValueError(f"{source}: {place}.rank must be {rank}, found {entry['rank']!r:.60}")
    written = member(entry, f"{place}.token_bytes", str, source)
    try:
        token = a2b_base64(written)
    except ValueError:
        token = b""
    if not token or b2a_base64(token, newline=False).decode() != written:
        raise ValueError(
            f"{source}: {place}.token_bytes must be one byte or more in base64, found "
            f"{written!r:.60}"
        )
    return token


def _special_tokens(
    file: dict[str, Any], config: dict[str, Any], count: int, source: str
) -> dict[str, int]:
    entries = member(file, "special_tokens", list, source, default=None)
    if entries is None:
        version = member(config, "config.version", str, source)
        if version not in _VERSIONS_UNTIL_V7:
            raise ValueError(
                f"{source}: a tekken file of version {version!r:.60} must list its special_tokens"
            )
        names = _NAMES_UNTIL_V7.split()
        entries = [{"rank": rank, "token_str": name} for rank, name in enumerate(names)]
    special_tokens = {}
    for place, entry in enumerate(entries):
        path = f"special_tokens[{place}]"
        if not isinstance(entry, dict):
            raise ValueError(f"{source}: {path} must be a JSON object, found {entry!r:.60}")
        name = member(entry, f"{path}.token_str", str, source)
        if not name or name in special_tokens:
            fault = f"repeats {name!r:.60}" if name else "is empty"
            raise ValueError(f"{source}: {path}.token_str {fault}")
        special_tokens[name] = member(entry, f"{path}.rank", int, source)
    for rank in range(len(special_tokens), count):
        special_tokens[f"<SPECIAL_{rank}>"] = rank
    if len(special_tokens) != count or {*special_tokens.values()} != {*range(count)}:
        raise ValueError(
            f"{source}: special_tokens must have the ranks 0 to {count - 1}, each once"
        )
    return special_tokens
