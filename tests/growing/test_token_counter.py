"""`TokenCounter`: always the count of all text so far, at a cost that does not grow."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from growing_texts import (
    ARGUMENTS,
    LONG_PIECES,
    PATTERNS,
    SPECIAL_TOKENS,
    chunks_of,
    random_ranks,
    text_with_special_parts,
)
from own import own_encoding
from pairs import Pair

import bpecore


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=["none", "all"])
@pytest.mark.parametrize("longest", [1, 4, 40, 400])
def test_every_moment(pair: Pair, arguments: dict[str, Any], longest: int) -> None:
    source = random.Random(longest)
    for _ in range(60):
        text = text_with_special_parts(source)
        counter = bpecore.TokenCounter(pair.ours, **arguments)
        so_far = ""
        for chunk in chunks_of(source, text, longest):
            so_far += chunk
            expected = pair.ours.count(so_far, **arguments)
            assert counter.feed(chunk) == expected, (so_far, chunk)
            assert counter.total == expected


@pytest.mark.parametrize("name", LONG_PIECES)
def test_long_pieces(pair: Pair, name: str) -> None:
    text = LONG_PIECES[name] * (6000 // len(LONG_PIECES[name])) + "x"
    counter = bpecore.TokenCounter(pair.ours)
    for place in range(0, len(text), 7):
        total = counter.feed(text[place : place + 7])
        if place % 91 == 0 or place + 7 >= len(text):
            assert total == pair.ours.count(text[: place + 7])


def test_real_texts(pair: Pair, corpora: dict[str, str]) -> None:
    for text in corpora.values():
        text = text[:20_000]
        counter = bpecore.TokenCounter(pair.ours, disallowed_special=())
        for place in range(0, len(text), 4):
            total = counter.feed(text[place : place + 4])
            if place % 1600 == 0:
                assert total == pair.ours.count(text[: place + 4], disallowed_special=())
        assert total == pair.ours.count(text, disallowed_special=())


def test_a_feed_costs_no_more_at_the_end_of_a_million_spaces(cl100k: Pair) -> None:
    """Twenty times the cost at the start would be far more than noise, and far below n."""
    counter = bpecore.TokenCounter(cl100k.ours)

    def best_of(rounds: int) -> float:
        best = 1.0
        for _ in range(rounds):
            start = time.process_time()
            for _ in range(500):
                counter.feed("    ")
            best = min(best, time.process_time() - start)
        return best

    at_start = best_of(5)
    assert counter.feed(" " * 1_000_000) == cl100k.ours.count(" " * 1_010_000)
    assert best_of(5) < 20 * at_start + 0.001


@pytest.mark.parametrize("special_tokens", SPECIAL_TOKENS, ids=["none", "longer", "inside"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_any_vocabulary(pattern: str, special_tokens: dict[str, int]) -> None:
    """Special tokens that begin alike, overlap, or occur inside what may become one."""
    source = random.Random(pattern)
    for _ in range(40):
        alphabet = source.choice(("ab", "abc", "aé中"))
        encoding = own_encoding(pattern, random_ranks(source, alphabet.encode()), special_tokens)
        for arguments in [*ARGUMENTS, {}]:
            text = "".join(source.choices(alphabet * 4 + " X", k=50))
            compare_chunk_by_chunk(source, encoding, text, arguments)


def compare_chunk_by_chunk(
    source: random.Random, encoding: bpecore.Encoding, text: str, arguments: dict[str, Any]
) -> None:
    """Compares totals; a chunk that `count` refuses is refused and changes nothing."""
    counter = bpecore.TokenCounter(encoding, **arguments)
    taken = ""
    for chunk in chunks_of(source, text, source.choice((1, 5, 30))):
        try:
            expected = encoding.count(taken + chunk, **arguments)
        except ValueError:
            before = counter.total
            with pytest.raises(ValueError, match=r"0x62|disallowed special token"):
                counter.feed(chunk)
            assert counter.total == before
            continue
        taken += chunk
        assert counter.feed(chunk) == expected, (taken, chunk)


def test_checkpoints(pair: Pair) -> None:
    source = random.Random(2)
    for _ in range(60):
        text = text_with_special_parts(source) + " " * source.choice((0, 50))
        counter = bpecore.TokenCounter(pair.ours, allowed_special="all")
        places, saved = [], []
        place = 0
        for chunk in chunks_of(source, text, 6):
            counter.feed(chunk)
            place += len(chunk)
            places.append(place)
            saved.append(counter.checkpoint())
        for _ in range(20):
            i = source.randrange(len(places))
            counter.restore(saved[i])
            assert counter.total == pair.ours.count(text[: places[i]], allowed_special="all")
            more = text[places[i] : places[i] + source.randint(0, 20)]
            expected = pair.ours.count(text[: places[i]] + more, allowed_special="all")
            assert counter.feed(more) == expected


def test_a_checkpoint_of_another_counter(cl100k: Pair) -> None:
    counter = bpecore.TokenCounter(cl100k.ours)
    counter.feed("one two")
    other = bpecore.TokenCounter(cl100k.ours)
    other.restore(counter.checkpoint())
    assert other.total == 2
    for stranger in (
        bpecore.TokenCounter(bpecore.get_encoding("o200k_base")),
        bpecore.TokenCounter(cl100k.ours, allowed_special="all"),
    ):
        with pytest.raises(ValueError, match="another encoding"):
            stranger.restore(counter.checkpoint())
    wrong: Any = 3
    with pytest.raises(TypeError, match="expected a checkpoint"):
        counter.restore(wrong)


def test_a_disallowed_special_token_over_chunks(cl100k: Pair) -> None:
    counter = bpecore.TokenCounter(cl100k.ours)
    counter.feed("a <|endo")
    before = counter.total
    with pytest.raises(ValueError, match=r"disallowed special token '<\|endoftext\|>'"):
        counter.feed("ftext|> b")
    assert counter.total == before
    assert counter.feed("f") == cl100k.ours.count("a <|endof")


def test_other_strings_can_be_refused(cl100k: Pair) -> None:
    counter = bpecore.TokenCounter(cl100k.ours, disallowed_special={"secret"})
    counter.feed("a sec<|endoftext|>sec")
    with pytest.raises(ValueError, match="'secret'"):
        counter.feed("ret")
    assert counter.feed("ond") == cl100k.ours.count(
        "a sec<|endoftext|>second", disallowed_special=()
    )


def test_surrogates(pair: Pair) -> None:
    """A high surrogate at a chunk's end waits for its other half."""
    text = "a\ud83d\ude00 \ude00b\ud83d\ud83dc 😀\ud83d\ude00"
    for size in (1, 2, 3):
        counter = bpecore.TokenCounter(pair.ours)
        for place in range(0, len(text), size):
            total = counter.feed(text[place : place + size])
            so_far = text[: place + size]
            if "\ud800" <= so_far[-1] <= "\udbff":
                so_far = so_far[:-1]
            assert total == pair.ours.count(so_far), so_far


@pytest.mark.parametrize("wrong", [None, 3, b"a", ["a"]])
def test_what_is_no_text(cl100k: Pair, wrong: Any) -> None:
    counter = bpecore.TokenCounter(cl100k.ours)
    counter.feed("one two")
    with pytest.raises(TypeError, match="expected str"):
        counter.feed(wrong)
    assert counter.total == 2


def test_what_has_no_automaton() -> None:
    encoding = own_encoding(r"(?<=a)b|\w|\s")
    for make in (bpecore.TokenCounter, bpecore.StreamEncoder):
        with pytest.raises(ValueError, match=r"without look-behind.*\(\?<=a\)"):
            make(encoding)
        wrong: Any = "cl100k_base"
        with pytest.raises(TypeError, match=r"expected a bpecore\.Encoding"):
            make(wrong)
