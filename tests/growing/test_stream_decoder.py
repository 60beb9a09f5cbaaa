"""Decoders fed one id after another give what `decode` gives for all of them."""

from __future__ import annotations

import random
import sys
from itertools import product
from typing import Any, Callable

import numpy as np
import pytest
from own import own_encoding
from pairs import Pair
from texts import random_text

import bpecore

ERRORS = [
    *("replace", "ignore", "strict", "backslashreplace"),
    *("surrogateescape", "surrogatepass"),
]
FORMS: list[Callable[[list[int]], Any]] = [
    list,
    tuple,
    lambda ids: np.array(ids, dtype=np.uint32),
    lambda ids: np.array(ids, dtype=np.int64),
    lambda ids: ids[0] if len(ids) == 1 else ids,
    lambda ids: np.uint32(ids[0]) if len(ids) == 1 else ids,
]


def rows_of_ids(source: random.Random, pair: Pair, count: int) -> list[list[int]]:
    """Returns ids of texts, some without their beginning, shuffled, or of arbitrary bytes."""
    rows = []
    for _ in range(count):
        ids = pair.ours.encode(random_text(source, 10), allowed_special="all")
        kind = source.random()
        if kind < 0.3:
            source.shuffle(ids)
        elif kind < 0.5:
            ids = [source.choice(ids) for _ in range(8)] if ids else []
        elif kind < 0.7:
            content = bytes(source.choices(b"a\xc3\xa9\xe4\xb8\xad\xed\xa0\x80\xf0\x9f\xff", k=12))
            ids = [pair.ours.encode_single_token(content[i : i + 1]) for i in range(12)]
        rows.append(ids)
    return rows


def decoded(call: Callable[[], str]) -> str | None:
    """Returns a text, or None if it is refused."""
    try:
        return call()
    except UnicodeDecodeError:
        return None


def parts_of(source: random.Random, ids: list[int]) -> list[list[int]]:
    parts = []
    while ids:
        size = source.randint(0, 3)
        parts.append(ids[:size])
        ids = ids[size:]
    return parts


@pytest.mark.parametrize("errors", ERRORS)
def test_one_sequence(pair: Pair, errors: str) -> None:
    source = random.Random(errors)
    for ids in rows_of_ids(source, pair, 150):
        decoder = bpecore.StreamDecoder(pair.ours, errors)
        parts = [source.choice(FORMS)(part) for part in parts_of(source, ids)]
        found = decoded(lambda: "".join(map(decoder.feed, parts)) + decoder.flush())  # noqa: B023
        assert found == decoded(lambda: pair.ours.decode(ids, errors)), ids  # noqa: B023


@pytest.mark.parametrize("errors", ERRORS)
@pytest.mark.parametrize("length", [*range(45, 53), 100, 5_000])
def test_ascii_of_every_length_leaves_nothing_behind(length: int, errors: str) -> None:
    """CPython 3.11.2 does not report that it has read everything."""
    encoding = bpecore.get_encoding("cl100k_base")
    text = "".join(chr(97 + place % 23) for place in range(length))
    decoder = bpecore.StreamDecoder(encoding, errors)
    for part in (text, "é", text):
        assert decoder.feed(encoding.encode(part)) == part
    assert decoder.flush() == ""


@pytest.mark.parametrize("errors", ["replace", "surrogateescape", "ignore"])
def test_many_sequences(pair: Pair, errors: str) -> None:
    source = random.Random(errors)
    rows = rows_of_ids(source, pair, 30)
    decoder = bpecore.StreamDecoderBatch(pair.ours, len(rows), errors)
    assert len(decoder) == len(rows)
    texts = [""] * len(rows)
    places = [0] * len(rows)
    while any(place < len(row) for place, row in zip(places, rows)):
        form = source.randrange(3)
        parts = []
        for i, row in enumerate(rows):
            size = 1 if form == 0 and places[i] < len(row) else source.randint(0, 3)
            parts.append(row[places[i] : places[i] + size])
            places[i] += size
        if form == 0:
            entries: list[Any] = [source.choice(FORMS)(part) if part else None for part in parts]
            new = decoder.feed(entries)
        elif form == 1:
            new = decoder.feed(parts)
        else:
            offsets = np.cumsum([0, *map(len, parts)])
            ids = np.array([id for part in parts for id in part], dtype=np.uint32)
            new = decoder.feed_ragged(ids, source.choice((offsets, offsets.tolist())))
        texts = [text + more for text, more in zip(texts, new)]
    for i, row in enumerate(rows):
        assert texts[i] + decoder.flush(i) == pair.ours.decode(row, errors)


@pytest.mark.parametrize("form", [list, tuple, np.uint32, np.int64, np.uint16])
def test_one_id_for_each_sequence(form: Any) -> None:
    encoding = bpecore.get_encoding("gpt2")
    rows = [encoding.encode("héllo wörld 😀 "), encoding.encode("😀😀 naïve 中文 text")]
    rows = [row[:8] for row in rows]
    decoder = bpecore.StreamDecoderBatch(encoding, 2)
    texts = ["", ""]
    for ids in zip(*rows):
        array: Any = form(ids) if form in (list, tuple) else np.array(ids, dtype=form)
        texts = [text + new for text, new in zip(texts, decoder.feed(array))]
    expected = [encoding.decode(row) for row in rows]
    assert [text + decoder.flush(i) for i, text in enumerate(texts)] == expected


def test_a_character_comes_when_it_is_complete(cl100k: Pair) -> None:
    decoder = bpecore.StreamDecoder(cl100k.ours)
    ids = [cl100k.ours.encode_single_token(bytes([byte])) for byte in "😀".encode()]
    assert [decoder.feed(id) for id in ids] == ["", "", "", "😀"]
    assert decoder.feed(ids[:2]) == ""
    assert decoder.flush() == "\ufffd"


def byte_strings() -> list[bytes]:
    """Returns all strings of two bytes, and some around every limit of UTF-8, continued or not."""
    leads = [0x61, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEE, 0xEF, 0xF0, 0xF3, 0xF4, 0xF5, 0xFF]
    seconds = [0x61, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0]
    rest = [b"", b"\x7f", b"\x80", b"\xbf", b"\x80\x80", b"\xbf\xbfa", b"\xbf\xc0", b"\x80\xc3\xa9"]
    pairs = [bytes(pair) for pair in product(range(256), repeat=2)]
    return pairs + [bytes(start) + end for *start, end in product(leads, seconds, rest)]


def test_any_bytes() -> None:
    """Short texts are made without CPython's decoder, in the form that it would give them."""
    encoding = own_encoding(r"[\s\S]")
    for content in [*byte_strings(), b"", b"a" * 99, "é中😀".encode() * 20]:
        decoder = bpecore.StreamDecoder(encoding)
        text = decoder.feed(list(content)) + decoder.flush()
        expected = content.decode("utf-8", "replace")
        assert text == expected, content
        assert sys.getsizeof(text) <= sys.getsizeof(expected), content


def test_a_failing_call_takes_nothing(cl100k: Pair) -> None:
    encoding = cl100k.ours
    first, *rest = (encoding.encode_single_token(bytes([byte])) for byte in "é".encode())
    decoder = bpecore.StreamDecoder(encoding, "strict")
    batch = bpecore.StreamDecoderBatch(encoding, 2, "strict")
    assert decoder.feed(first) == ""
    assert batch.feed([first, first]) == ["", ""]
    letter = encoding.encode_single_token("a")
    wrong_ids: list[tuple[Any, type[Exception]]] = [
        (letter, UnicodeDecodeError),
        (10**6, KeyError),
        (-1, OverflowError),
        (2**32, OverflowError),
        ("a", TypeError),
        (1.5, TypeError),
        ([*rest, 10**6], KeyError),
        ([1.5], TypeError),
    ]
    for wrong, error in wrong_ids:
        with pytest.raises(error):
            decoder.feed(wrong)
        with pytest.raises(error):
            batch.feed([rest, wrong])
    with pytest.raises(UnicodeDecodeError):
        decoder.flush()
    with pytest.raises(UnicodeDecodeError):
        batch.flush(1)
    assert decoder.feed(rest) + decoder.flush() == "é"
    assert batch.feed([rest, rest[0]]) == ["é", "é"]


def test_wrong_numbers_of_sequences(cl100k: Pair) -> None:
    batch = bpecore.StreamDecoderBatch(cl100k.ours, 2)
    wrong_rows: list[Any] = [[1], [1, 2, 3], np.array([1], dtype=np.uint32), (), "ab c"]
    for wrong in wrong_rows:
        with pytest.raises((ValueError, TypeError)):
            batch.feed(wrong)
    no_rows: list[Any] = [None, 3, "ab", {1, 2}]
    for wrong in no_rows:
        with pytest.raises(TypeError, match=f"each of 2 sequences, not {type(wrong).__name__}"):
            batch.feed(wrong)
    for offsets in ([0, 2], [0, 1, 1], [1, 1, 2], [0, 3, 2], [0, 1, 2, 2]):
        with pytest.raises(ValueError, match="offsets"):
            batch.feed_ragged([1, 2], offsets)
    for place in (-1, 2):
        with pytest.raises(IndexError, match="no sequence"):
            batch.flush(place)
    with pytest.raises(ValueError, match="-1 sequences"):
        bpecore.StreamDecoderBatch(cl100k.ours, -1)
    assert bpecore.StreamDecoderBatch(cl100k.ours, 0).feed([]) == []


def test_a_flushed_sequence_begins_anew(cl100k: Pair) -> None:
    batch = bpecore.StreamDecoderBatch(cl100k.ours, 1)
    byte = cl100k.ours.encode_single_token(b"\xc3")
    letter = cl100k.ours.encode_single_token("a")
    assert batch.feed([byte]) == [""]
    assert batch.flush(0) == "\ufffd"
    assert batch.flush(0) == ""
    assert batch.feed([letter]) == ["a"]


def test_after_the_flush(cl100k: Pair) -> None:
    decoder = bpecore.StreamDecoder(cl100k.ours)
    assert decoder.flush() == ""
    for call in (lambda: decoder.feed(1), decoder.flush):
        with pytest.raises(ValueError, match="has been flushed"):
            call()


def test_wrong_arguments(cl100k: Pair) -> None:
    wrong: Any = "cl100k_base"
    with pytest.raises(TypeError, match=r"expected a bpecore\.Encoding"):
        bpecore.StreamDecoder(wrong)
    with pytest.raises(LookupError):
        bpecore.StreamDecoder(cl100k.ours, "no such handler")
    number: Any = 3
    with pytest.raises(TypeError, match="errors must be str"):
        bpecore.StreamDecoder(cl100k.ours, number)
