"""Long pieces that repeat a character end where the pattern says, though the automaton skips."""

from __future__ import annotations

import random

import pytest
from own import BYTES, own_encoding
from pattern_oracles import KNOWN_PATTERNS
from scan import split

from bpecore._pattern import compile_pattern
from fuzz.engine_constants import constant

COMPARED = constant("COMPARED_BYTES")
PATTERNS = {
    **KNOWN_PATTERNS,
    "all of one kind, or one": r"a*b|a|[^ab]+",
    "even numbers": r"(?:aa)+|(?:——)+|.",
    "up to a hundred": r"a{1,100}|\s{70,130}|[^a\s]+|\s",
    "at the end only": r"\s+$|—+$|[\s\S]",
}
CHARACTERS = "ab \n-0é—中😀"
LENGTHS = [1, 2, 3, COMPARED - 1, COMPARED, COMPARED + 1, 2 * COMPARED + 2, 200, 1_000]


@pytest.mark.parametrize("name", PATTERNS)
def test_runs_of_every_length(name: str) -> None:
    """Each piece is a token, so the ids are those of the pieces."""
    source = random.Random(name)
    pattern = PATTERNS[name]
    automaton = compile_pattern(pattern)
    for _ in range(60):
        text = "".join(
            source.choice(CHARACTERS) * (source.choice(LENGTHS) + source.randint(0, 2))
            for _ in range(source.randint(1, 5))
        )
        pieces = split(automaton, text)
        ranks = dict(BYTES)
        for piece in pieces:
            ranks.setdefault(piece.encode(), len(ranks))
        encoding = own_encoding(pattern, ranks)
        expected = [ranks[piece.encode()] for piece in pieces]
        assert encoding.encode_ordinary(text) == expected, (name, text[:50])
