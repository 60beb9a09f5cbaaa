"""The caller's own vocabularies and patterns: odd ones equal tiktoken's, impossible ones fail."""

from __future__ import annotations

import random
from typing import Any, ClassVar

import pytest
import tiktoken
from own import BYTES, own_encoding

import bpecore
from bpecore.fuzzing.reference import ReferenceEncoder

LINES = r"[^\n]+|\n+"
ALPHABETS = ["ab", "abc", "aab \n", "aé", "中a", "😀b", "abcdefgh \n", "a"]


def both(
    ranks: dict[bytes, int], pat_str: str = LINES
) -> tuple[bpecore.Encoding, tiktoken.Encoding]:
    arguments: dict[str, Any] = {"pat_str": pat_str, "mergeable_ranks": ranks, "special_tokens": {}}
    return bpecore.Encoding("ours", **arguments), tiktoken.Encoding("theirs", **arguments)


def random_ranks(source: random.Random, alphabet: str) -> dict[bytes, int]:
    """Returns joined tokens, tokens that no merge makes, long ones, gaps, in any order."""
    tokens = [bytes([byte]) for byte in range(256)]
    used = [bytes([byte]) for byte in sorted(set(alphabet.encode()))]
    for _ in range(source.choice((0, 1, 3, 10, 40, 150))):
        kind = source.random()
        if kind < 0.8:
            token = source.choice(used) + source.choice(used)
        elif kind < 0.95:
            letters = source.choices(alphabet, k=source.randint(2, 20))
            token = "".join(letters).encode()
        else:
            token = "".join(source.choices(alphabet, k=source.randint(200, 300))).encode()
        if token not in tokens and len(token) <= 1_500:
            tokens.append(token)
            used.append(token)
    if source.random() < 0.2:
        tokens.append(b"")
    order = source.random()
    if order < 0.3:
        source.shuffle(tokens)
    if order < 0.6:
        return {token: rank for rank, token in enumerate(tokens)}
    largest = source.choice((len(tokens) * 2, 2**16, 2**24, 2**31, 2**32 - 1))
    ranks = source.sample(range(largest), len(tokens)) if largest < 2**31 else []
    while len(ranks) < len(tokens):
        ranks = list(dict.fromkeys([*ranks, source.randint(0, largest)]))
    if source.random() < 0.6:
        ranks.sort()
    return dict(zip(tokens, ranks))


@pytest.mark.parametrize("seed", range(150))
def test_random_rank_tables(seed: int) -> None:
    source = random.Random(seed)
    alphabet = source.choice(ALPHABETS)
    ranks = random_ranks(source, alphabet)
    ours, theirs = both(ranks)
    tokens = list(ranks)
    for length in (0, 1, 2, 3, 5, 8, 13, 15, 16, 17, 33, 64, 65, 129, 257, 600):
        for _ in range(3):
            text = "".join(source.choices(alphabet, k=length))
            expected = theirs.encode_ordinary(text)
            assert ours.encode_ordinary(text) == expected, (seed, text)
            assert ours.encode_to_numpy(text).tolist() == expected, (seed, text)
            assert ours.count(text) == len(expected), (seed, text)
            assert ours.decode_bytes(expected) == text.encode(), (seed, text)
            piece = b"".join(source.choices(tokens, k=source.randint(1, 4))) or b"a"
            expected = theirs._core_bpe.encode_single_piece(piece)
            assert ours._core_bpe.encode_single_piece(piece) == expected, (seed, piece)


@pytest.mark.parametrize(
    "length", [1, 2, 3, 14, 15, 16, 17, 31, 32, 33, 127, 128, 129, 255, 256, 257, 1025]
)
def test_a_long_token_that_no_merge_makes_is_found_as_a_whole_piece(length: int) -> None:
    token = bytes(random.Random(length).choices(b"abcdef", k=length))
    ours, theirs = both({**{k: v for k, v in BYTES.items() if k != token}, token: 1_000})
    for piece in (token, token + b"a", b"a" + token, token + token, token[:-1] or b"z"):
        expected = theirs._core_bpe.encode_single_piece(piece)
        assert ours._core_bpe.encode_single_piece(piece) == expected
        assert ours.encode(piece.decode()) == theirs.encode(piece.decode())
    assert ours.encode(token.decode()) == [1_000]


@pytest.mark.parametrize("length", [2, 15, 16, 17, 255, 256, 257])
def test_tokens_of_every_length_are_reached_by_merging(length: int) -> None:
    """Each token is the previous one and a letter."""
    word = bytes(random.Random(length).choices(b"abcdefgh", k=length))
    ranks = dict(BYTES)
    for end in range(2, length + 1):
        ranks.setdefault(word[:end], 256 + end)
    ours, theirs = both(ranks)
    for text in (word, word + b"x", b"x" + word, word + word, word[:-1] + b"x"):
        assert ours.encode(text.decode()) == theirs.encode(text.decode())


def test_a_token_is_looked_up_by_its_bytes_however_it_was_made() -> None:
    ranks = {**BYTES, b"ab": 300, b"bc": 301, b"abc": 302, b"cd": 299, b"abcd": 303, b"bcd": 298}
    ours, theirs = both(ranks)
    for text in ("abc", "abcd", "xabcd", "abcdabc", "bcd", "aabcdd"):
        assert ours.encode(text) == theirs.encode(text), text


def test_the_largest_rank_never_merges_and_is_still_a_whole_piece() -> None:
    ours, theirs = both({**BYTES, b"ab": 2**32 - 1, b"cd": 2**32 - 2, b"ef": 2**31})
    for text in ("ab", "xab", "cd", "xcd", "xef", "abab"):
        assert ours.encode(text) == theirs.encode(text), text
    assert ours.encode("ab") == [2**32 - 1]
    assert ours.encode("xab") == [120, 97, 98]
    assert ours.decode([2**32 - 1]) == "ab"


def test_an_empty_token_is_accepted_and_decodes() -> None:
    ours, theirs = both({**BYTES, b"": 256})
    assert ours.encode("ab\n") == theirs.encode("ab\n")
    assert ours.decode_bytes([97, 256, 98]) == b"ab"


class TestMissingBytes:
    ranks: ClassVar = {b"a": 0, b"b": 1, b"ab": 2, b"xy": 3, b"aby": 4}

    def test_a_byte_that_must_be_emitted_is_named(self) -> None:
        encoding = own_encoding(LINES, self.ranks)
        for text in ("x", "ax", "abab\nx", "xyx", "aé"):
            for method in (encoding.encode, encoding.encode_to_numpy, encoding.count):
                with pytest.raises(ValueError, match=r"0x78|0xc3|0x0a"):
                    method(text)
        assert encoding.encode("abab") == [2, 2], "an error leaves the encoding usable"

    def test_a_byte_that_merges_away_does_no_harm(self) -> None:
        ours, theirs = both(self.ranks)
        for text in ("xy", "axy", "xyxy", "aby", "abab\n"[:4]):
            assert ours.encode(text) == theirs.encode(text), text


@pytest.mark.parametrize(
    "ranks",
    [
        {},
        {b"a": 1, b"b": 1},
        {b"a": -1},
        {b"a": 2**32},
        {b"a": 2**70},
        {"a": 1},
        {b"a": "1"},
        {b"a": 1.5},
        {b"a": None},
    ],
    ids=repr,
)
def test_impossible_rank_tables(ranks: Any) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        own_encoding(LINES, ranks)


@pytest.mark.parametrize(
    "special_tokens", [{"<x>": -1}, {"<x>": 2**32}, {b"<x>": 300}, {"<x>": "1"}]
)
def test_impossible_special_tokens(special_tokens: Any) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        own_encoding(LINES, special_tokens=special_tokens)


def test_the_number_of_tokens_is_checked_when_given() -> None:
    arguments: dict[str, Any] = {"pat_str": LINES, "mergeable_ranks": BYTES, "special_tokens": {}}
    assert bpecore.Encoding("n", **arguments, explicit_n_vocab=256).n_vocab == 256
    assert bpecore.Encoding("n", **arguments, explicit_n_vocab=0).n_vocab == 256
    for wrong in (255, 257):
        with pytest.raises(AssertionError):
            bpecore.Encoding("n", **arguments, explicit_n_vocab=wrong)


def test_a_rank_wins_over_a_special_token_of_the_same_id() -> None:
    arguments: dict[str, Any] = {
        "pat_str": LINES,
        "mergeable_ranks": BYTES,
        "special_tokens": {"<x>": 97},
    }
    ours, theirs = bpecore.Encoding("n", **arguments), tiktoken.Encoding("n", **arguments)
    assert ours.encode("<x>a", allowed_special="all") == [97, 97]
    assert ours.decode([97]) == theirs.decode([97]) == "a"


class TestPatternsForTheFallback:
    """Patterns that the automaton refuses run on the `regex` library and give tiktoken's ids."""

    @pytest.mark.parametrize(
        "pat_str",
        [
            r"(?<=a)b+|[^b]+|b",
            r"(?=ab)a|[^a]+|a",
            r"(?!abc)\w+|[^\w]+|\w",
            r"\bab\b|[\s\S]",
            r"([ab])\1|.|\s",
            r"(?>a|ab)c|[\s\S]",
            r"(?>a+b?)+|[\s\S]",
            r"\w+|\W+",
        ],
    )
    def test_equals_tiktoken(self, pat_str: str) -> None:
        joined = {"ab": 256, "abc": 257, "aa": 258, "bb": 259, " a": 260, "ac": 261}
        ours, theirs = both({**BYTES, **{k.encode(): v for k, v in joined.items()}}, pat_str)
        source = random.Random(pat_str)
        for _ in range(500):
            text = "".join(source.choices("aabbc é\n中", k=source.randint(0, 12)))
            expected = theirs.encode_ordinary(text)
            assert ours.encode_ordinary(text) == expected, text
            assert ours.encode(text) == expected, text
            assert ours.encode_to_numpy(text).tolist() == expected, text
            assert ours.count(text) == len(expected), text

    def test_special_tokens_and_surrogates_work_with_it_too(self) -> None:
        arguments: dict[str, Any] = {
            "pat_str": r"(?<=a)b+|[^b]+|b",
            "mergeable_ranks": {**BYTES, b"bb": 256},
            "special_tokens": {"<x>": 300},
        }
        ours, theirs = bpecore.Encoding("n", **arguments), tiktoken.Encoding("n", **arguments)
        for text in ("abb<x>bb", "<x>", "a\ud800bb<x>"):
            expected = theirs.encode(text, allowed_special="all")
            assert ours.encode(text, allowed_special="all") == expected
            assert ours.count(text, allowed_special="all") == len(expected)

    @pytest.mark.parametrize("pat_str", ["(", "[", "a**b(", r"\p{Nonsense}", "(?<n", "*"])
    def test_what_is_no_pattern_at_all(self, pat_str: str) -> None:
        with pytest.raises(ValueError, match=r".+"):
            both(BYTES, pat_str)
        with pytest.raises(ValueError, match=r".+"):
            own_encoding(pat_str)

    @pytest.mark.parametrize("pat_str", ["", "a*", "a?", "(?=a)", "a|", r"\b", "(?<=a)"])
    def test_a_pattern_that_matches_nothing_at_all_is_refused(self, pat_str: str) -> None:
        """tiktoken panics; bpecore raises an error, at once or when an empty piece occurs."""
        with pytest.raises(ValueError, match=r"(?i)empty"):
            own_encoding(pat_str).encode("bab")


def test_text_between_matches_is_dropped_as_in_tiktoken() -> None:
    ours, theirs = both(BYTES, r"[a-c]+")
    for text in ("abc", "xabc", "abcx", "a--b", "---", "", "é" * 50 + "a"):
        assert ours.encode(text) == theirs.encode(text), text
        assert ours.count(text) == len(theirs.encode(text))


def test_against_the_naive_reference_with_ranks_of_every_order() -> None:
    source = random.Random(99)
    for _ in range(100):
        alphabet = source.choice(ALPHABETS)
        ranks = random_ranks(source, alphabet)
        reference = ReferenceEncoder(LINES, ranks, {})
        ours = own_encoding(LINES, ranks)
        for _ in range(20):
            text = "".join(source.choices(alphabet, k=source.randint(0, 60)))
            assert ours.encode(text) == reference.encode_ordinary(text), (ranks, text)
