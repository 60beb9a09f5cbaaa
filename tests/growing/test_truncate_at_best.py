"""`truncate` leaves as many tokens as the best cut, found by counting every part of the text."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import COMBINING_MARKS, EMOJI, WHITE_SPACE, WORDS

import bpecore

ENCODINGS = ["r50k_base", "p50k_base", "cl100k_base", "o200k_base"]
WITHIN_REACH = 33  # characters: all other cuts are at most 32 away from any of them

PARTS = st.one_of(
    st.sampled_from([*EMOJI, *WORDS, *COMBINING_MARKS, *WHITE_SPACE]),
    st.sampled_from(["𓀀", "的一是不", "ﷺ", "🇩🇪🇫🇷", "internationalization", "    ", "\U0010ffff"]),
    st.text(max_size=3, alphabet=st.characters(exclude_categories=("Cs",))),
)
TEXTS = st.lists(PARTS, max_size=8).map(lambda parts: "".join(parts)[:WITHIN_REACH])
SHARES = st.floats(0, 1)


def counted(encoding: bpecore.Encoding, text: str) -> int:
    return encoding.count(text, disallowed_special=())


@pytest.mark.parametrize("name", ENCODINGS)
@given(text=TEXTS, share=SHARES)
@settings(deadline=None, max_examples=150, derandomize=True)
def test_no_beginning_or_end_is_better(name: str, text: str, share: float) -> None:
    encoding = bpecore.get_encoding(name)
    limit = int(share * counted(encoding, text))
    for side, parts in (
        ("end", [text[:place] for place in range(len(text) + 1)]),
        ("start", [text[place:] for place in range(len(text) + 1)]),
    ):
        result = encoding.truncate(text, limit, side=side, disallowed_special=())  # type: ignore[arg-type]
        assert result in parts
        found = counted(encoding, result)
        best = max(count for count in (counted(encoding, part) for part in parts) if count <= limit)
        assert min(best, limit - 1) <= found <= limit, (side, limit, result)


@pytest.mark.parametrize("name", ENCODINGS)
@given(text=TEXTS, share=SHARES)
@settings(deadline=None, max_examples=50, derandomize=True)
def test_no_cut_near_the_middle_is_better(name: str, text: str, share: float) -> None:
    """Compares beginnings of up to eight characters more or fewer than half of the limit."""
    encoding = bpecore.get_encoding(name)
    text = text[:16]
    whole = counted(encoding, text)
    limit = int(share * whole)
    result = encoding.truncate(text, limit, side="middle", disallowed_special=())
    found = counted(encoding, result)
    parts = [text[:end] + text[start:] for end, start in combinations(range(len(text) + 1), 2)]
    assert result == text if limit == whole else result in parts
    assert found <= limit
    if found < limit - 1:
        middle = encoding.truncate(text, (limit + 1) // 2, disallowed_special=())
        near = [
            text[:end] + text[start:]
            for end in range(max(0, len(middle) - 8), min(len(text), len(middle) + 8) + 1)
            for start in range(end, len(text) + 1)
        ]
        counts = [counted(encoding, part) for part in near]
        assert limit - 1 not in counts
        assert limit not in counts


@pytest.mark.parametrize("name", ENCODINGS)
def test_characters_of_many_tokens_are_kept_or_not(name: str) -> None:
    """A limit between two multiples of a character's tokens is missed by less than that number."""
    encoding = bpecore.get_encoding(name)
    size = encoding.count("𓀀")
    assert size > 2
    for limit in range(5 * size):
        for side in ("end", "start", "middle"):
            result = encoding.truncate("𓀀" * 5, limit, side=side)  # type: ignore[arg-type]
            assert result == "𓀀" * (limit // size)
