"""How tiktoken itself splits by a pattern, for the tests of `bpecore._pattern`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from unittest import mock

import pytest
import tiktoken
from scan import split
from tiktoken_ext import openai_public  # type: ignore[import-untyped,unused-ignore]

from bpecore._pattern import UnsupportedPattern, compile_pattern
from bpecore.dropin import TIKTOKEN_VERSION

needs_its_library = pytest.mark.skipif(
    tiktoken.__version__ != TIKTOKEN_VERSION, reason="this tiktoken has another library of patterns"
)
"""For tests of what tiktoken's library accepts, which depends on its version."""

with mock.patch.object(openai_public, "load_tiktoken_bpe", return_value={}):
    OPENAI_PATTERNS = {
        "r50k": openai_public.r50k_base()["pat_str"],
        "cl100k": openai_public.cl100k_base()["pat_str"],
        "o200k": openai_public.o200k_base()["pat_str"],
    }
"""The three split patterns of OpenAI's seven encodings, as the installed tiktoken has them."""

_WORD_AND_SPACE = r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"

OTHER_PATTERNS = {
    "whisper": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "llama3": rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{_WORD_AND_SPACE}",
    "qwen": rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{_WORD_AND_SPACE}".replace(
        "{1,3}", ""
    ),
    "kimi": (
        rf"[\p{{Han}}]+|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_CONTRACTIONS}?"
        rf"|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_CONTRACTIONS}?|{_WORD_AND_SPACE}"
    ),
    "tekken": OPENAI_PATTERNS["o200k"].replace(f"{_CONTRACTIONS}?", "").replace("{1,3}", ""),
    "deepseek_numbers": r"\p{N}{1,3}",
    "deepseek_cjk": "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    "deepseek_words": (
        r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|"""
        r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
        r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
}
"""Split patterns of other vocabularies for which people build tiktoken encodings."""

KNOWN_PATTERNS = {**OPENAI_PATTERNS, **OTHER_PATTERNS}


class PieceOracle:
    """Splits texts into pieces as tiktoken does.

    tiktoken does not show pieces, but a piece that is in the vocabulary is one token: with every
    candidate in the vocabulary the tokens are the pieces.

    Args:
        pattern: The split pattern.
        candidates: Every string that may be a piece.
    """

    def __init__(self, pattern: str, candidates: Iterable[str]) -> None:
        tokens = [bytes([value]) for value in range(256)]
        tokens += (candidate.encode() for candidate in candidates)
        ranks = {token: rank for rank, token in enumerate(dict.fromkeys(tokens))}
        self._encoding = tiktoken.Encoding(
            "oracle", pat_str=pattern, mergeable_ranks=ranks, special_tokens={}
        )
        self._tokens = list(ranks)

    def pieces(self, text: str) -> list[str]:
        """Returns the pieces of a text, all of whose substrings must be candidates."""
        return [self._tokens[token].decode() for token in self._encoding.encode_ordinary(text)]


def assert_cuts_as_tiktoken(pattern: str, texts: Sequence[str]) -> None:
    """Compares the automaton of a pattern with tiktoken; a pattern without one passes."""
    try:
        automaton = compile_pattern(pattern)
    except UnsupportedPattern:
        return
    oracle = PieceOracle(pattern, texts)
    for text in texts:
        assert split(automaton, text) == oracle.pieces(text), (pattern, text)


def substrings(texts: Iterable[str]) -> set[str]:
    """Returns every non-empty substring of every text."""
    return {
        text[start:end]
        for text in texts
        for start, end in itertools.combinations(range(len(text) + 1), 2)
    }


def strings_up_to(alphabet: Sequence[str], length: int) -> list[str]:
    """Returns every non-empty string of at most `length` characters of `alphabet`."""
    return [
        "".join(characters)
        for count in range(1, length + 1)
        for characters in itertools.product(alphabet, repeat=count)
    ]


def matched_by_tiktoken(pattern: str, characters: str) -> str:
    """Returns the characters of a text that some match of a pattern covers.

    tiktoken drops what no match covers.
    """
    ranks = {bytes([value]): value for value in range(256)}
    encoding = tiktoken.Encoding(
        "oracle", pat_str=pattern, mergeable_ranks=ranks, special_tokens={}
    )
    return bytes(encoding.encode_ordinary(characters)).decode()
