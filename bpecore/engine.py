"""Makes the engine of an encoding from what a user gives: ranks, special tokens, split pattern."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from bpecore._core import CoreBPE, SplitPattern
from bpecore.special_tokens import build_trie
from bpecore.vocabularies import intern_vocabulary

if TYPE_CHECKING:
    import regex


@functools.lru_cache(maxsize=32)
def compile_split_pattern(pat_str: str) -> SplitPattern | regex.Pattern[str]:
    """Compiles a split pattern, once for the encodings that share it.

    Args:
        pat_str: a regular expression; every match is a piece.

    Returns:
        An automaton where the pattern can be one, else a pattern of the `regex` library.

    Raises:
        ValueError: the pattern is no valid regular expression, or can match the empty string.

    Example:
        >>> compile_split_pattern("a+|[^a]+").__class__.__name__
        'SplitPattern'
    """
    from bpecore.pattern import UnsupportedPattern, compile_fallback, compile_pattern

    try:
        return SplitPattern(compile_pattern(pat_str))
    except UnsupportedPattern:
        return compile_fallback(pat_str)


def make_engine(
    mergeable_ranks: dict[bytes, int], special_tokens: dict[str, int], pat_str: str
) -> CoreBPE:
    """Makes the engine of an encoding.

    Args:
        mergeable_ranks: the rank of each token's bytes.
        special_tokens: the id of each special token.
        pat_str: the split pattern.

    Returns:
        An engine on the process's one vocabulary with these ranks.

    Raises:
        TypeError: a token is not bytes, a special token not str, or a rank not an int.
        ValueError: the ranks, the special tokens or the pattern are not acceptable.
        OverflowError: a rank or id is negative or above 2**32 - 1.

    Example:
        >>> ranks = {bytes([value]): value for value in range(256)}
        >>> make_engine({**ranks, b"ab": 256}, {}, r"[\\s\\S]+").encode_ordinary("abc")
        [256, 99]
    """
    pattern = compile_split_pattern(pat_str)
    trie = build_trie(list(special_tokens))
    return CoreBPE(intern_vocabulary(mergeable_ranks), special_tokens, trie, pattern)
