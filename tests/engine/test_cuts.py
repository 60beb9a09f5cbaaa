"""A long piece cut where no token bridges two characters gives the ids of the whole piece.

The oracle is the engine's bare merge, which never cuts. The texts are in scripts whose pieces are
long and have cuts. Generated vocabularies are trained, so that merging reaches every token, and on
bytes, so that tokens begin and end inside characters; for tokens that merging does not reach, see
test_cuts_beside_unreachable_tokens.py.
"""

# ruff: noqa: RUF001 (characters that look like others are the point)

from __future__ import annotations

import random
from typing import Any

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from own import BYTES
from pairs import Pair
from split_families import PATTERNS, available_instructions
from trained import trained_ranks

import bpecore
from bpecore import _core
from bpecore.fuzzing.reference import ReferenceEncoder

ONE_PIECE = r"[\s\S]+"

SCRIPTS = {
    "Han": "的一是不了人我在有他这中文分词龥𠀀𠀁",
    "Hangul": "한국어텍스트가나다라힣ㄱㅏ",
    "kana": "こんにちはカタカナーっゃ゛",
    "Cyrillic": "приветмирёъіїґ",
    "Greek": "αλφαβήταςώΐ",
    "Thai": "สวัสดีครับภาษาไทย",
    "Arabic": "مرحبابكمفيالعالم",
    "Devanagari": "नमस्तेदुनिया",
    "Latin": "naïvestraßeàéîõüſ",
    "ASCII": "thequickbrownfox",
    "high": "𐐨𐐩𐑀𝐚𝐛𠜎",
}
EMOJI = ["😀", "👍🏽", "👩‍👩‍👧", "🇯🇵", "❤️", "\U0001fae8", "☃", "\U000e0067"]
ALPHABETS = {**SCRIPTS, "emoji": "".join(EMOJI), "all": "".join([*SCRIPTS.values(), *EMOJI])}


def uncut(encoding: bpecore.Encoding, piece: str) -> list[int]:
    """Encodes a piece without cutting it: as its own token, or by merging."""
    try:
        return [encoding._core_bpe.encode_single_token(piece.encode())]
    except KeyError:
        return encoding._core_bpe._merge(piece.encode())  # type: ignore[attr-defined,no-any-return,unused-ignore]


def random_piece(source: random.Random, alphabet: str, longest: int) -> str:
    """Returns letters, now and then of another script or in runs."""
    piece = source.choices(alphabet, k=source.randint(1, longest))
    for _ in range(source.randint(0, 3)):
        place = source.randrange(len(piece))
        piece[place] *= source.choice((1, 2, 3, 20))
        piece.insert(place, source.choice(ALPHABETS["all"]))
    return "".join(piece)


@pytest.mark.parametrize("script", ALPHABETS)
def test_pieces_of_every_encoding(pair: Pair, script: str) -> None:
    source = random.Random(script)
    for longest in (6, 8, 20, 80, 300):
        for _ in range(40):
            text = random_piece(source, ALPHABETS[script], longest)
            expected = [
                id for piece in pair.reference.split(text) for id in uncut(pair.ours, piece)
            ]
            assert pair.ours.encode_ordinary(text) == expected, text


@pytest.mark.parametrize("script", ALPHABETS)
def test_texts_of_every_encoding(pair: Pair, script: str) -> None:
    """Several chunks, in which blocks find the cuts before pieces are known."""
    source = random.Random(script)
    words = [random_piece(source, ALPHABETS[script], 30) for _ in range(600)]
    for separator in ("", " ", "。", "a"):
        text = separator.join(words)
        expected = [id for piece in pair.reference.split(text) for id in uncut(pair.ours, piece)]
        assert pair.ours.encode_ordinary(text) == expected


def ranks_of_alphabet(source: random.Random, alphabet: str, count: int) -> dict[bytes, int]:
    """Returns ranks that merging can all reach: bytes, and `count` pairs of parts of texts.

    A pair comes from a text's bytes as merged by the ranks so far, so it may begin and end within
    a character.
    """

    def next_piece() -> bytes:
        return "".join(source.choices(alphabet, k=source.randint(2, 8))).encode()

    return trained_ranks(source, next_piece, count)


def encodings_of(pat_str: str, ranks: dict[bytes, int]) -> list[bpecore.Encoding]:
    """Returns one encoding for each instruction set, and one without vectors."""
    arguments: dict[str, Any] = {"mergeable_ranks": ranks, "special_tokens": {}}
    before = _core.simd
    encodings = []
    for choice in ("automaton", *available_instructions()):
        _core.choose_simd(choice)
        encodings.append(bpecore.Encoding(choice, pat_str=pat_str, **arguments))
    _core.choose_simd(before)
    return encodings


def broken(token: bytes) -> bool:
    """Returns whether a token begins or ends within a character."""
    try:
        token.decode()
    except UnicodeDecodeError:
        return len(token) > 1
    return False


@pytest.mark.parametrize("count", [3, 30, 150])
@pytest.mark.parametrize("script", ALPHABETS)
def test_trained_vocabularies(script: str, count: int) -> None:
    source = random.Random(f"{script} {count}")
    ranks = ranks_of_alphabet(source, ALPHABETS[script], count)
    if count > 3 and script not in ("ASCII", "Latin"):
        assert any(map(broken, ranks))
    for pat_str in (ONE_PIECE, *PATTERNS.values()):
        encodings = encodings_of(pat_str, ranks)
        reference = ReferenceEncoder(pat_str, ranks, {})
        assert encodings[0]._core_bpe.vocabulary.unreachable_count == 0
        for _ in range(25):
            longest = source.choice((8, 40, 200))
            words = source.choice((1, 1, 2, 5))
            text = " ".join(random_piece(source, ALPHABETS[script], longest) for _ in range(words))
            pieces = reference.split(text)
            expected = [id for piece in pieces for id in uncut(encodings[0], piece)]
            for encoding in encodings:
                assert encoding.encode_ordinary(text) == expected, (encoding.name, text)
                assert encoding.count(text) == len(expected)
            if len(text) < 30:
                assert reference.encode_ordinary(text) == expected


def test_a_trained_vocabulary_equals_tiktoken() -> None:
    source = random.Random(12)
    for script, alphabet in ALPHABETS.items():
        ranks = ranks_of_alphabet(source, alphabet, 60)
        for pat_str in (ONE_PIECE, PATTERNS["o200k"]):
            theirs = tiktoken.Encoding(
                script, pat_str=pat_str, mergeable_ranks=ranks, special_tokens={}
            )
            for encoding in encodings_of(pat_str, ranks):
                for _ in range(20):
                    text = " ".join(random_piece(source, alphabet, 40) for _ in range(3))
                    assert encoding.encode_ordinary(text) == theirs.encode_ordinary(text), text


def test_every_border_that_a_token_bridges_in_one_way() -> None:
    """One token at a time, over the borders of characters of two, three and four bytes."""
    characters = ["é", "中", "𠀀", "я", "한"]
    for left in characters:
        for right in characters:
            joined = (left + right).encode()
            for start in range(len(left.encode())):
                for end in range(len(left.encode()) + 1, len(joined) + 1):
                    assert_uncut(joined[start:end], left, right)


def assert_uncut(token: bytes, left: str, right: str) -> None:
    """Compares texts around a border in a vocabulary that leads to one token only."""
    ranks = dict(BYTES)
    for end in range(2, len(token) + 1):
        ranks.setdefault(token[:end], len(ranks))
    reference = ReferenceEncoder(ONE_PIECE, ranks, {})
    filler = "ж文"
    for encoding in encodings_of(PATTERNS["cl100k"], ranks):
        for piece in (6 * (left + right), filler * 8 + left + right + filler * 20):
            expected = reference.encode_piece(piece.encode())
            assert encoding.encode_ordinary(piece) == expected, (encoding.name, token, piece)
            # The last piece of a text is not split by blocks.
            found = encoding.encode_ordinary(f"{piece} {filler * 20} end")
            assert found[: len(expected)] == expected, (encoding.name, token, piece)


def test_a_token_out_of_reach_is_not_cut_off() -> None:
    """A part equal to such a token would be looked up whole, though merging never makes it."""
    ranks = dict(BYTES)
    ranks |= {"中文".encode(): 256, "é".encode(): 257, b"ab": 258}
    text = "日本語中文éé中文日本語ab" * 4 + " end" * 4
    for pat_str in (ONE_PIECE, *PATTERNS.values()):
        theirs = tiktoken.Encoding("t", pat_str=pat_str, mergeable_ranks=ranks, special_tokens={})
        for encoding in encodings_of(pat_str, ranks):
            assert encoding._core_bpe.vocabulary.unreachable_count == 1
            for start in range(12):
                expected = theirs.encode_ordinary(text[start:])
                assert encoding.encode_ordinary(text[start:]) == expected


def test_bytes_that_are_no_text_are_not_cut(pair: Pair) -> None:
    source = random.Random(13)
    for _ in range(300):
        piece = random_piece(source, ALPHABETS["all"], 30).encode()
        piece = piece[source.randint(0, 3) :]
        piece = piece[: len(piece) - source.randint(0, 3)] + bytes(source.choices(range(256), k=2))
        expected = pair.theirs._core_bpe.encode_single_piece(piece)
        assert pair.ours._core_bpe.encode_single_piece(piece) == expected, piece


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.sampled_from(ALPHABETS["all"] + " 。"), max_size=300))
def test_any_text_of_these_scripts(pair: Pair, text: str) -> None:
    expected = [id for piece in pair.reference.split(text) for id in uncut(pair.ours, piece)]
    assert pair.ours.encode_ordinary(text) == expected
