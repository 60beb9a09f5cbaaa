"""`truncate`, `split` and `count_up_to`; the oracle is a count of every part of the text."""

from __future__ import annotations

import random
import time
from typing import Any

import numpy as np
import pytest
from own import BYTES, own_encoding
from pairs import Pair
from texts import random_text

import bpecore

SIDES = ("end", "start", "middle")
NOTHING_REFUSED: dict[str, Any] = {"disallowed_special": ()}
ALL_ALLOWED: dict[str, Any] = {"allowed_special": "all"}


def texts(seed: int, count: int, longest: int) -> list[str]:
    source = random.Random(seed)
    found = []
    for _ in range(count):
        text = random_text(source, longest)
        if source.random() < 0.3:
            place = source.randint(0, len(text))
            text = text[:place] + "<|endoftext|>" + text[place:]
        if source.random() < 0.1:
            place = source.randint(0, len(text))
            text = text[:place] + source.choice(("\ud83d", "\ude00", "\ud83d\ude00")) + text[place:]
        found.append(text)
    return found


def assert_tight(
    encoding: bpecore.Encoding, text: str, limit: int, side: str, **keywords: Any
) -> None:
    """The result fits; it is at most one token short, or one more character does not fit."""

    def count(part: str) -> int:
        return encoding.count(part, **keywords)

    result = encoding.truncate(text, limit, side=side, **keywords)  # type: ignore[arg-type]
    found = count(result)
    assert found <= limit, (text, limit, side, result)
    if result == text or found >= limit - 1:
        assert result == text or count(text) > limit
        return
    size = len(result)
    if side == "end":
        assert text.startswith(result)
        longer = {text[: size + 1], text[: size + 2]}
    elif side == "start":
        assert text.endswith(result)
        longer = {text[len(text) - size - 1 :], text[max(0, len(text) - size - 2) :]}
    else:
        longer = {
            result[:i] + text[len(text) - (size - i) - 1 :]
            for i in range(size + 1)
            if text.startswith(result[:i]) and text.endswith(result[i:])
        }
    assert max(map(count, longer)) > limit, (text, limit, side, result)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("keywords", [NOTHING_REFUSED, ALL_ALLOWED], ids=["none", "all"])
def test_what_is_left_fits_tightly(pair: Pair, side: str, keywords: dict[str, Any]) -> None:
    source = random.Random(side)
    for text in texts(seed=3, count=120, longest=20):
        whole = pair.ours.count(text, **keywords)
        for limit in {0, 1, 2, source.randint(0, whole + 1), max(0, whole - 1), whole}:
            assert_tight(pair.ours, text, limit, side, **keywords)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("text", ["a" * 3000, " " * 3000, "<" * 2000, "7" * 900, "ab c" * 500])
def test_long_pieces(cl100k: Pair, side: str, text: str) -> None:
    for limit in (1, 2, 17, 50):
        assert_tight(cl100k.ours, text, limit, side)
        result = cl100k.ours.truncate(text, limit, side=side)  # type: ignore[arg-type]
        assert cl100k.ours.count(result) >= min(limit - 1, cl100k.ours.count(text))


def test_a_text_that_fits_is_itself(cl100k: Pair) -> None:
    text = "hello world"
    for side in SIDES:
        assert cl100k.ours.truncate(text, 2, side=side) is text  # type: ignore[arg-type]
        assert cl100k.ours.truncate(text, 0, side=side) == ""  # type: ignore[arg-type]
        assert cl100k.ours.truncate("", 0, side=side) == ""  # type: ignore[arg-type]


def test_ends_that_meet_make_no_special_token(cl100k: Pair) -> None:
    """`count` would refuse such a text cut in its middle."""
    text = "<|endof" + "x" * 50 + "text|>"
    for limit in range(12):
        result = cl100k.ours.truncate(text, limit, side="middle")
        assert cl100k.ours.count(result) <= limit


@pytest.mark.parametrize("lows", ["\udc00", "\udfff\udc00", "\udfff" * 5])
def test_halves_of_a_surrogate_pair_that_meet_count_as_one_character(pair: Pair, lows: str) -> None:
    """Counted separately they fit; drop a low surrogate, and the next may meet the high one."""
    text = f"\udbff\x80 {lows}\udbff "
    for limit in range(pair.ours.count(text)):
        assert pair.ours.count(pair.ours.truncate(text, limit, side="middle")) <= limit


@pytest.mark.parametrize("keywords", [NOTHING_REFUSED, ALL_ALLOWED], ids=["none", "all"])
def test_chunks_fit_and_make_up_the_text(pair: Pair, keywords: dict[str, Any]) -> None:
    source = random.Random(4)
    for text in texts(seed=5, count=150, longest=40):
        limit = source.choice((6, 7, 10, 30))
        if max((pair.ours.count(character) for character in text), default=0) > limit:
            continue
        chunks = pair.ours.split(text, limit, **keywords)
        assert "".join(chunks) == text
        for chunk, following in zip(chunks, [*chunks[1:], ""]):
            found = pair.ours.count(chunk, **keywords)
            assert found <= limit
            more = pair.ours.count(chunk + following[:2], **keywords)
            assert not following or found >= limit - 1 or more > limit


def test_chunks_that_overlap(pair: Pair) -> None:
    source = random.Random(6)
    for text in texts(seed=7, count=60, longest=60):
        limit = source.choice((12, 20))
        overlap = source.choice((1, 4, 8))
        chunks = pair.ours.split(text, limit, overlap=overlap, disallowed_special=())
        end = 0
        for chunk in chunks:
            assert pair.ours.count(chunk, disallowed_special=()) <= limit
            # The part of the text so far that both can share.
            shared = next(
                size
                for size in range(min(end, len(chunk)), -1, -1)
                if text.startswith(chunk, end - size)
                and pair.ours.count(chunk[:size], disallowed_special=()) <= overlap
            )
            assert len(chunk) > shared
            end += len(chunk) - shared
        assert end >= len(text)


def test_a_character_that_does_not_fit_is_named(cl100k: Pair) -> None:
    assert cl100k.ours.count("𓀀") > 2
    with pytest.raises(ValueError, match=r"'𓀀' at 6 takes more than max_tokens=2"):
        cl100k.ours.split("hello 𓀀", 2)
    assert cl100k.ours.truncate("𓀀", 2) == ""


@pytest.mark.parametrize("keywords", [NOTHING_REFUSED, ALL_ALLOWED], ids=["none", "all"])
def test_counting_up_to_a_limit(pair: Pair, keywords: dict[str, Any]) -> None:
    for text in [*texts(seed=8, count=150, longest=40), "a " * 3000, " " * 40_000, "\ud83d" * 900]:
        count = pair.ours.count(text, **keywords)
        for limit in {0, 1, count // 2, max(0, count - 1), count, count + 1, 10**9}:
            expected = count if count <= limit else None
            assert pair.ours.count_up_to(text, limit, **keywords) == expected


@pytest.mark.parametrize("text", ["a", " ", "\n", "the ", "的", "<", "7"])
def test_counting_stops_at_the_limit(pair: Pair, text: str) -> None:
    """0.01 s is many times what it takes, and a tenth of what reading the text takes."""
    text *= 10_000_000 // len(text)
    taken = []
    for _ in range(10):
        start = time.process_time()
        assert pair.ours.count_up_to(text, 1000) is None
        taken.append(time.process_time() - start)
        if taken[-1] < 0.01:
            return
    pytest.fail(f"it takes {taken} s")


def test_special_tokens_after_the_stop_are_not_looked_for(cl100k: Pair) -> None:
    text = "word " * 100_000 + "<|endoftext|>"
    assert cl100k.ours.count_up_to(text, 10) is None
    assert cl100k.ours.truncate(text, 10) == ("word " * 10).rstrip()
    with pytest.raises(ValueError, match="disallowed special token"):
        cl100k.ours.count_up_to(text, 10**6)
    with pytest.raises(ValueError, match="disallowed special token"):
        cl100k.ours.count_up_to("<|endoftext|>" + text, 10)


@pytest.mark.parametrize("pattern", [r"(?<=a)b|\w|\s|[^\w\s]", r"\w+", r"\d+|[a-z]"])
def test_other_patterns(pattern: str) -> None:
    """A pattern without an automaton, and some whose pieces omit characters."""
    encoding = own_encoding(pattern, {**BYTES, b"ab": 256, b"12": 257}, {"<end>": 258})
    source = random.Random(9)
    for _ in range(30):
        text = "".join(source.choices(["ab", "a", "1", "12", " ", "!", "<end>"], k=16))
        count = encoding.count(text, allowed_special="all")
        for limit in range(0, count + 2, 3):
            expected = count if count <= limit else None
            assert encoding.count_up_to(text, limit, allowed_special="all") == expected
            for side in SIDES:
                assert_tight(encoding, text, limit, side, allowed_special="all")
        assert "".join(encoding.split(text, 6, allowed_special="all")) == text
    assert encoding.count_up_to("!" * 100_000, 5) == encoding.count("!" * 100_000) or (
        encoding.count("!" * 100_000) > 5
    )


def test_a_limit_above_all_sizes(cl100k: Pair) -> None:
    text = "one two three"
    for limit in (2**63, 10**30):
        assert cl100k.ours.count_up_to(text, limit) == 3
        assert cl100k.ours.split(text, limit) == [text]
        for side in SIDES:
            assert cl100k.ours.truncate(text, limit, side=side) == text  # type: ignore[arg-type]


def test_wrong_numbers(cl100k: Pair) -> None:
    encoding: Any = cl100k.ours
    for call in (
        lambda number: encoding.count_up_to("a", number),
        lambda number: encoding.truncate("a", number),
        lambda number: encoding.split("a", number),
    ):
        with pytest.raises(ValueError, match="not -1"):
            call(-1)
        for wrong in (1.5, "1", None, True):
            with pytest.raises(TypeError, match="must be an integer"):
                call(wrong)
        assert call(np.int64(2)) == call(2)
    with pytest.raises(ValueError, match="max_tokens must be 1 or more, not 0"):
        encoding.split("a", 0)
    for overlap in (-1, 3, 4):
        with pytest.raises(ValueError, match="overlap must be"):
            encoding.split("a", 3, overlap=overlap)
    with pytest.raises(ValueError, match="side must be one of"):
        encoding.truncate("a", 3, side="top")


@pytest.mark.parametrize("wrong", [None, 3, b"a", ["a"]])
def test_what_is_no_text(cl100k: Pair, wrong: Any) -> None:
    for call in ("count_up_to", "truncate", "split"):
        with pytest.raises(TypeError):
            getattr(cl100k.ours, call)(wrong, 3)


def test_disallowed_special_tokens_are_refused(cl100k: Pair) -> None:
    for call in ("count_up_to", "truncate", "split"):
        with pytest.raises(ValueError, match="disallowed special token"):
            getattr(cl100k.ours, call)("a <|endoftext|> b", 3)


@pytest.mark.parametrize("side", SIDES)
def test_special_tokens_that_are_cut_off_are_not_refused(pair: Pair, side: Any) -> None:
    words, special = "word " * 2000, "<|endoftext|>"
    texts = {
        "end": (special + words + words, words + words + special),
        "start": (words + words + special, special + words + words),
        "middle": (special + words + words + special, words + special + words),
    }
    kept, cut_off = texts[side]
    with pytest.raises(ValueError, match="disallowed special token"):
        pair.ours.truncate(kept, 20, side=side)
    assert "<" not in pair.ours.truncate(cut_off, 20, side=side)
    for text in (kept, cut_off):  # they fit
        with pytest.raises(ValueError, match="disallowed special token"):
            pair.ours.truncate(text, 10**6, side=side)
    with pytest.raises(ValueError, match="disallowed special token"):
        pair.ours.truncate(cut_off, 20, side=side, disallowed_special={"word"})
