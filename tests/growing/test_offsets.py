"""`decode_with_offsets` gives what tiktoken gives; `token_offsets` beside a sum over the tokens."""

from __future__ import annotations

import random
from typing import Any

import pytest
from own import BYTES, own_encoding
from pairs import Pair
from texts import random_text

import bpecore

SPECIAL: list[dict[str, Any]] = [{"disallowed_special": ()}, {"allowed_special": "all"}]


def test_offsets_of_decoding_are_tiktokens(pair: Pair) -> None:
    source = random.Random(1)
    for _ in range(300):
        ids = pair.theirs.encode(random_text(source, 20), allowed_special="all")
        if source.random() < 0.3 and ids:
            ids = ids[source.randint(0, len(ids) - 1) :]
        try:
            expected = pair.theirs.decode_with_offsets(ids)
        except UnicodeDecodeError:
            with pytest.raises(UnicodeDecodeError):
                pair.ours.decode_with_offsets(ids)
            continue
        assert pair.ours.decode_with_offsets(ids) == expected
        assert pair.ours.decode_with_offsets(iter(ids)) == expected  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="4294967295"):
        pair.ours.decode_with_offsets([2**32 - 1])
    assert pair.ours.decode_with_offsets([]) == ("", [])


def check_offsets(ours: bpecore.Encoding, text: str, special: dict[str, Any]) -> None:
    """Compares the offsets of a text with a sum over its tokens."""
    ids = ours.encode(text, **special)
    place = 0
    in_bytes, in_characters = [], []
    # For each byte, the character it is in.
    owners = [i for i, c in enumerate(text) for _ in c.encode()]
    for token in ours.decode_tokens_bytes(ids):
        in_bytes.append([place, place + len(token)])
        place += len(token)
        in_characters.append([owners[in_bytes[-1][0]], owners[place - 1] + 1])
    assert ours.token_offsets(text, unit="bytes", **special).tolist() == in_bytes
    assert ours.token_offsets(text, **special).tolist() == in_characters
    assert ours.decode_with_offsets(ids) == (text, [start for start, _ in in_characters])


@pytest.mark.parametrize("special", SPECIAL)
def test_offsets_of_a_text(pair: Pair, special: dict[str, Any]) -> None:
    source = random.Random(2)
    for _ in range(200):
        text = random_text(source, 20) + source.choice(("", "<|endoftext|>é"))
        check_offsets(pair.ours, text, special)


def test_many_tokens_have_the_offsets_of_few() -> None:
    """From a quarter of the vocabulary on, lengths are in a table, which a later short text uses
    too; tokens of 127 characters or more and special ones are not in it."""
    long_ones = {b" " * 126: 300, b" " * 127: 301, b"-" * 128: 302, "é".encode() * 100: 303}
    ranks = {**BYTES, "é".encode(): 304, "中".encode()[1:]: 305, **long_ones}
    ours = own_encoding(r" +|-+|\w+|[^\w]", ranks, {"<|end|>": 400})
    few = "aé 中<|end|>"
    many = (few + "".join(token.decode() + "|" for token in long_ones)) * 30
    for text in (few, many, few, many):
        check_offsets(ours, text, {"allowed_special": "all"})


def test_offsets_in_a_text_with_surrogates(cl100k: Pair) -> None:
    text = "a\ud83d\ude00 b\ud83d c"
    places = cl100k.ours.token_offsets(text).tolist()
    ids = cl100k.ours.encode(text)
    assert len(places) == len(ids)
    assert places[-1] == [len(text) - 2, len(text)]
    assert [1, 3] in places


def test_texts_without_offsets(cl100k: Pair) -> None:
    assert cl100k.ours.token_offsets("").shape == (0, 2)
    with pytest.raises(ValueError, match="unit must be"):
        cl100k.ours.token_offsets("a", unit="words")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="disallowed special token"):
        cl100k.ours.token_offsets("<|endoftext|>")
    letters = own_encoding(r"\w+", BYTES)
    assert letters.token_offsets("ab").tolist() == [[0, 1], [1, 2]]
    with pytest.raises(ValueError, match="leaves characters of the text out"):
        letters.token_offsets("a b")
    behind = own_encoding(r"(?<=a)b|[\s\S]", BYTES)
    assert behind.token_offsets("abé").tolist() == [[0, 1], [1, 2], [2, 3], [2, 3]]
