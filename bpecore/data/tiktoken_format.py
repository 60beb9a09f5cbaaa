"""The `.tiktoken` file format: one line per token, its bytes in base64, a space and its rank.

Readers accept empty lines, any line ending and any amount of blank space between and around the
two fields. The empty token, which OpenAI's Whisper has, is written `=`.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable

MAX_RANK = 2**32 - 1
"""The highest rank: ranks and token ids are unsigned 32-bit integers."""

_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")

# The empty token has no base64 text of its own, and a line needs two fields.
_EMPTY_TOKEN = b"="


def written(ranks: Iterable[tuple[bytes, int]]) -> bytes:
    r"""Returns the contents of a file with these tokens and ranks, in their order.

    Example:
        >>> written([(b"!", 0), (b"", 1)])
        b'IQ== 0\n= 1\n'
    """
    lines = [
        b"%s %d\n" % (b2a_base64(token, newline=False) or _EMPTY_TOKEN, rank)
        for token, rank in ranks
    ]
    return b"".join(lines)


def parsed(contents: bytes, source: str, require_all_bytes: bool) -> dict[bytes, int]:
    """Reads a file's contents.

    Args:
        contents: the file's bytes.
        source: where they are from, for errors.
        require_all_bytes: whether each of the 256 single bytes must be a token.

    Returns:
        Each token's bytes and its rank, in the file's order.

    Raises:
        ValueError: the contents are not valid; the message names the source and the line.
    """
    ranks: dict[bytes, int] = {}
    tokens_by_rank: dict[int, bytes] = {}
    line_count = 0
    for line_count, line in enumerate(contents.splitlines(), start=1):
        if not line:
            continue
        token = rank_text = b""
        try:
            try:
                token_text, rank_text = line.split(b" ")
                token = a2b_base64(token_text)
                is_canonical = token != b"" and b2a_base64(token, newline=False) == token_text
            except ValueError:
                is_canonical = False
            if is_canonical and len(rank_text) < 10 and rank_text.isdigit():
                rank = int(rank_text)
            else:
                token, rank = _tolerantly_parsed(line)
            if token in ranks:
                raise ValueError(f"token {quote(token)} occurs twice: rank {ranks[token]} before")
            if rank in tokens_by_rank:
                raise ValueError(
                    f"rank {rank} occurs twice: of token {quote(tokens_by_rank[rank])} before"
                )
        except ValueError as error:
            raise ValueError(f"{source}, line {line_count}: {error}") from None
        ranks[token] = rank
        tokens_by_rank[rank] = token

    if require_all_bytes:
        missing = [byte for byte in range(256) if bytes([byte]) not in ranks]
        if missing:
            raise ValueError(
                f"{source}, line {line_count} (the last): no token so far is the single byte "
                f"0x{missing[0]:02X}; {len(missing)} of the 256 single bytes are missing"
            )
    return ranks


def _tolerantly_parsed(line: bytes) -> tuple[bytes, int]:
    """Returns token and rank of a line that is not in the usual, canonical form."""
    fields = line.split()
    if len(fields) != 2:
        raise ValueError(f"expected a token in base64 and its rank, found {quote(line)}")
    return _parse_base64(fields[0]), _parse_rank(fields[1])


def _parse_base64(text: bytes) -> bytes:
    # Checked here, because the strictness of `binascii` differs between Python versions.
    if text == _EMPTY_TOKEN:
        return b""
    if not _BASE64.fullmatch(text):
        raise ValueError(f"{quote(text)} is not base64")
    return a2b_base64(text)


def _parse_rank(text: bytes) -> int:
    digits = text.lstrip(b"0")
    # The length is checked first, because converting a million digits takes quadratic time.
    if text.isdigit() and len(digits) <= len(str(MAX_RANK)):
        rank = int(digits or b"0")
        if rank <= MAX_RANK:
            return rank
    raise ValueError(f"rank {quote(text)} is not an integer from 0 to {MAX_RANK}")


def quote(text: bytes) -> str:
    """Returns bytes for an error message, shortened if they are long."""
    return repr(text) if len(text) <= 80 else f"{text[:80]!r}…"
