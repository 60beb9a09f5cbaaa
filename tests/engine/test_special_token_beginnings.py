"""Special tokens with several first characters, in texts as long as the blocks of the search."""

from __future__ import annotations

import random
import re

import pytest
from own import own_encoding

BEGINNINGS = "<[|é中\uff5c\U0001f600{@#~$"
BLOCK, WINDOW = 64, 4096
FILLERS = ["a", "ÿ", "丮", "\U0001f4a9"]


def twin(text: str, tokens: dict[str, int]) -> list[int]:
    """Returns the ids of a text whose other characters are bytes."""
    pattern = "|".join(map(re.escape, sorted(tokens, key=len, reverse=True)))
    ids: list[int] = []
    reached = 0
    for found in re.finditer(pattern, text):
        ids += [*text[reached : found.start()].encode(), tokens[found.group()]]
        reached = found.end()
    return [*ids, *text[reached:].encode()]


@pytest.mark.parametrize("count", [1, 2, 3, 8, 9, 12])
def test_tokens_at_every_border_of_the_search(count: int) -> None:
    source = random.Random(count)
    tokens = {f"{first}x>": 300 + number for number, first in enumerate(BEGINNINGS[:count])}
    tokens[f"{BEGINNINGS[0]}x>>"] = 400
    if count == 3:
        tokens[f"{BEGINNINGS[1]}\uffff>"] = 401
    encoding = own_encoding(r"\s+|\S+", special_tokens=tokens)
    names = list(tokens)
    borders = [0, BLOCK, 3 * BLOCK, WINDOW, 2 * WINDOW, 3 * WINDOW]
    for filler in FILLERS:
        for border in borders:
            for place in range(max(border - 3, 0), border + 3):
                name = source.choice(names)
                rest = filler * source.choice([0, 1, 8, BLOCK, WINDOW])
                text = filler * place + name + rest + source.choice([name[:-1], names[-1], ""])
                assert encoding.encode(text, allowed_special="all") == twin(text, tokens)
                allowed = {source.choice(names)}
                known = {one: tokens[one] for one in allowed}
                ids = encoding.encode(text, allowed_special=allowed, disallowed_special=())
                assert ids == twin(text, known)


@pytest.mark.parametrize("count", [2, 9])
def test_random_texts_of_beginnings(count: int) -> None:
    source = random.Random(count)
    firsts = BEGINNINGS[:count]
    tokens = {
        first + "".join(source.choices(firsts + "ab", k=source.randrange(3))): 300 + number
        for number, first in enumerate(firsts * 2)
    }
    encoding = own_encoding(r"\s+|\S+", special_tokens=tokens)
    for _ in range(600):
        pool = source.choice([firsts, firsts + "ab" * 3, "ab" * 40 + firsts])
        text = "".join(source.choices(pool, k=source.randrange(60)))
        assert encoding.encode(text, allowed_special="all") == twin(text, tokens)


def test_long_texts_of_beginnings_that_are_no_tokens() -> None:
    """Of each beginning the next place is known while the others' are tried."""
    source = random.Random(7)
    tokens = {"<x>": 300, "[x]": 301, "{<[": 302, "é": 303}
    encoding = own_encoding(r"\s+|\S+", special_tokens=tokens)
    for rarity in (2, 30, 400):
        for wide in "a中\U0001f4a9":
            pool = ["a"] * rarity + [wide, "<", "[", "{", "{<", "<x"]
            text = "".join(source.choices([*pool, *tokens] if rarity > 2 else pool, k=9_000))
            assert encoding.encode(text, allowed_special="all") == twin(text, tokens)


def test_a_rare_beginning_is_not_searched_for_again_and_again() -> None:
    """The search is linear: this would take minutes if each token led to a search of the rest."""
    encoding = own_encoding(r"\s+|\S+", special_tokens={"<x>": 300, "[x]": 301})
    text = "<x>" * 1_000_000
    assert encoding.count(text, allowed_special="all") == 1_000_000
    assert encoding.count(text + "[x]", allowed_special="all") == 1_000_001
