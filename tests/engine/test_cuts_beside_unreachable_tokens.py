"""Pieces are cut exactly in vocabularies some of whose tokens no merge produces.

Such a token is a piece as a whole, never a part of one; the cache and the tables know both by their
bytes. Texts here consist mostly of these tokens: as pieces, at the beginnings and ends of pieces,
next to cuts, and repeated. The oracle never cuts.
"""

from __future__ import annotations

import random
import time

import pytest
import tiktoken
from own import own_encoding
from split_families import PATTERNS
from test_cuts import ALPHABETS, ONE_PIECE, encodings_of, random_piece, ranks_of_alphabet

import bpecore
from bpecore.fuzzing.reference import ReferenceEncoder


def with_unreachable(
    source: random.Random, ranks: dict[bytes, int], alphabet: str, count: int
) -> tuple[dict[bytes, int], list[str]]:
    """Returns ranks with holes and `count` more tokens that merging does not make, and these."""
    ranks = {token: rank + rank // 50 for token, rank in ranks.items()}
    unreachable = []
    while len(unreachable) < count:
        token = "".join(source.choices(alphabet, k=source.choice((1, 1, 2, 2, 3, 6, 30))))
        extended = {**ranks, token.encode(): max(ranks.values()) + source.randint(1, 3)}
        reference = ReferenceEncoder(".+", {**ranks}, {})
        if len(token.encode()) > 1 and len(reference.encode_piece(token.encode())) > 2:
            ranks = extended
            unreachable.append(token)
    return ranks, unreachable


def dense_text(source: random.Random, tokens: list[str], alphabet: str) -> str:
    """Returns pieces that are tokens, or have them at some place."""
    parts = []
    for _ in range(source.randint(1, 12)):
        parts += source.choices(tokens, k=source.choice((0, 1, 1, 2, 40)))
        if source.random() < 0.7:
            parts.append(random_piece(source, alphabet, source.choice((1, 3, 30))))
        parts.append(source.choice(("", " ", "。", "\n", "a")))
    return "".join(parts)


def test_a_token_made_by_no_merge_in_every_place() -> None:
    token, filler = "中文語", "日本"
    ranks = {bytes([byte]): byte for byte in range(256)}
    ranks |= {"中".encode()[:2]: 256, "中".encode(): 257, token.encode(): 300}
    theirs = tiktoken.Encoding("t", pat_str=ONE_PIECE, mergeable_ranks=ranks, special_tokens={})
    texts = [token, token + filler, filler + token, filler + token + filler, token * 2, token * 300]
    texts += [token[:2] + token, token + token[1:], token[:2], token[1:], f"a{token}", f"{token}a"]
    for encoding in encodings_of(ONE_PIECE, ranks):
        assert encoding._core_bpe.vocabulary.unreachable_count == 1
        for text in texts + texts[::-1]:
            assert encoding.encode_ordinary(text) == theirs.encode_ordinary(text), text
            assert encoding.count(text, disallowed_special=()) == len(theirs.encode_ordinary(text))


@pytest.mark.parametrize("script", ALPHABETS)
def test_texts_full_of_such_tokens(script: str) -> None:
    source = random.Random(script)
    alphabet = ALPHABETS[script]
    for count in (2, 40):
        ranks = ranks_of_alphabet(source, alphabet, 60)
        ranks, unreachable = with_unreachable(source, ranks, alphabet, count)
        for pat_str in (ONE_PIECE, PATTERNS["o200k"], PATTERNS["cl100k"]):
            theirs = tiktoken.Encoding(
                script, pat_str=pat_str, mergeable_ranks=ranks, special_tokens={}
            )
            encodings = encodings_of(pat_str, ranks)
            assert encodings[0]._core_bpe.vocabulary.unreachable_count >= count
            for _ in range(15):
                text = dense_text(source, unreachable, alphabet)
                expected = theirs.encode_ordinary(text)
                for encoding in encodings:
                    assert encoding.encode_ordinary(text) == expected, (encoding.name, text)
                    assert encoding.count(text) == len(expected)
                assert_chunks_agree(source, encodings[-1], text, expected)


def assert_chunks_agree(
    source: random.Random, encoding: bpecore.Encoding, text: str, expected: list[int]
) -> None:
    """Compares a text in chunks, and one cut by its tokens, which look for sure cuts."""
    encoder = bpecore.StreamEncoder(encoding)
    ids: list[int] = []
    start = 0
    while start < len(text):
        stop = start + source.choice((1, 2, 5, 200))
        ids += encoder.feed(text[start:stop])
        start = stop
    assert ids + encoder.flush() == expected
    limit = source.randint(1, len(expected) + 1)
    assert (encoding.count_up_to(text, limit) is None) == (len(expected) > limit)
    for chunk in encoding.split(text, max(limit, 40)):
        assert len(encoding.encode_ordinary(chunk)) <= max(limit, 40)
    assert "".join(encoding.split(text, max(limit, 40))) == text


def test_cuts_remain_where_no_such_token_is_near() -> None:
    """A model's vocabulary has hundreds of such tokens; its long pieces are still cut.

    Cut ones take a tenth of the time here.
    """
    source = random.Random(1)
    letters = [chr(point) for point in range(0x4E00, 0x4E80)]
    text = "。".join("".join(source.choices(letters, k=40)) for _ in range(3_000))
    seconds = []
    for tokens in (["中文"], letters):
        ranks = {bytes([byte]): byte for byte in range(256)}
        ranks |= {token.encode(): 256 + number for number, token in enumerate(tokens)}
        encoding = own_encoding(PATTERNS["o200k"], ranks)
        assert encoding._core_bpe.vocabulary.unreachable_count == len(tokens)
        seconds.append(min(cpu_seconds(encoding, text) for _ in range(5)))
    assert seconds[0] < seconds[1] / 3


def cpu_seconds(encoding: bpecore.Encoding, text: str) -> float:
    start = time.process_time()
    encoding.count(text)
    return time.process_time() - start
