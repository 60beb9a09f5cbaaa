"""The two files that GPT-2's vocabulary was published as: a list of merges and a JSON object.

Tokens are written in *letters*, one character per byte. A byte that is a visible Latin-1 character
is its own letter; the others, in order, have the characters from U+0100 on. Source:
`bytes_to_unicode` in GPT-2's published encoder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from bpecore.data.tiktoken_format import quote


def require_agreement(
    merges: Mapping[bytes, int],
    merges_source: str,
    vocabulary: Mapping[bytes, int],
    vocabulary_source: str,
) -> None:
    """Refuses two files that disagree.

    Raises:
        ValueError: they do; the message names both and a token.
    """
    if merges == vocabulary:
        return
    tokens = [*merges, *(token for token in vocabulary if token not in merges)]
    token = next(token for token in tokens if merges.get(token) != vocabulary.get(token))
    raise ValueError(
        f"{merges_source} and {vocabulary_source} disagree on token {quote(token)}: "
        f"rank {merges.get(token)} in the first, {vocabulary.get(token)} in the second"
    )


def byte_letters() -> dict[str, int]:
    """Returns the byte of each letter, in GPT-2's rank order."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in visible]
    letters = {chr(byte): byte for byte in visible}
    letters.update((chr(0x100 + number), byte) for number, byte in enumerate(others))
    return letters


def merged_ranks(contents: bytes, source: str) -> dict[bytes, int]:
    """Returns the ranks of a merge list: the single bytes, then one merge per line.

    Args:
        contents: the file's bytes.
        source: where they are from, for errors.

    Raises:
        ValueError: the contents are not valid.
    """
    letters = byte_letters()
    ranks = {bytes([byte]): rank for rank, byte in enumerate(letters.values())}
    try:
        lines = contents.decode().split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{source}: {error}") from error
    if lines[-1] == "":
        lines.pop()
    # The first line is the format's version.
    for rank, line in enumerate(lines[1:], start=len(ranks)):
        try:
            first, second = line.split()
            ranks[bytes(letters[letter] for letter in first + second)] = rank
        except (ValueError, KeyError):
            number = rank - 256 + 2
            raise ValueError(
                f"{source}, line {number}: expected two tokens in GPT-2's letters, "
                f"found {quote(line.encode())}"
            ) from None
    return ranks


def vocabulary_ranks(contents: bytes, source: str) -> dict[bytes, int]:
    """Returns the ranks of the JSON object, without its special tokens.

    Args:
        contents: the file's bytes.
        source: where they are from, for errors.

    Raises:
        ValueError: the contents are not valid.
    """
    letters = byte_letters()
    try:
        vocabulary = json.loads(contents)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    if not isinstance(vocabulary, dict):
        raise ValueError(f"{source}: expected a JSON object, found a {type(vocabulary).__name__}")
    ranks = {}
    for token, rank in vocabulary.items():
        if token in ("<|endoftext|>", "<|startoftext|>"):
            continue
        try:
            ranks[bytes(letters[letter] for letter in token)] = rank
        except KeyError:
            raise ValueError(f"{source}: token {token!r} is not in GPT-2's letters") from None
    return ranks
