"""Records between separators are found in every range, each once, wherever the ranges are cut."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpecore.corpus import separators
from bpecore.corpus.separators import blocks_of, can_be_cut, first_record

SEPARATORS = [b"\n", b"\n\n", b"ab", b"aaa", b"<|x|>"]


def records_in(data: bytes, start: int, end: int, separator: bytes) -> list[bytes]:
    """Returns the records of a range."""
    file = io.BytesIO(data)
    first = first_record(file, start, separator, len(data))
    last = first_record(file, end, separator, len(data))
    file.seek(first)
    blocks = list(blocks_of(file, last - first, separator))
    assert sum(block.read for block in blocks) == last - first
    return [record for block in blocks for record in block.data.split(separator)]


def all_records(data: bytes, separator: bytes) -> list[bytes]:
    records = data.split(separator)
    return records[:-1] if records[-1] == b"" else records


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(SEPARATORS), st.integers(1, 20))
def test_every_record_once(data: st.DataObject, separator: bytes, block: int) -> None:
    letters = st.sampled_from([separator, separator[:1], b"x", b"a", b"b", b"\n"])
    text = b"".join(data.draw(st.lists(letters, max_size=30)))
    edges = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    edges = [0, *edges, len(text)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(separators, "BLOCK", block)
        found = [
            record
            for start, end in zip(edges, edges[1:])
            for record in records_in(text, start, end, separator)
        ]
    assert found == all_records(text, separator)


@pytest.mark.parametrize("block", [3, 64])
def test_a_record_that_is_too_long_is_passed_over(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(separators, "BLOCK", block)
    monkeypatch.setattr(separators, "LONGEST_RECORD", 10)
    for separator in SEPARATORS:
        for long in (200, 201, 500):
            for end in (separator, b""):
                data = separator.join([b"one", b"L" * long, b"two", b"M" * long]) + end
                blocks = list(blocks_of(io.BytesIO(data), -1, separator))
                found = [b.too_long or record for b in blocks for record in b.data.split(separator)]
                short = [record for record in found if record in (b"one", b"two")]
                assert short == [b"one", b"two"]
                assert sum(b.read for b in blocks) == len(data)
                skipped = [b.too_long for b in blocks if b.too_long]
                whole = [record for record in found if isinstance(record, bytes)]
                kept = [record for record in whole if len(record) == long]
                assert len(skipped) + len(kept) == 2
                assert set(skipped) <= {long}


def test_what_has_been_read_already() -> None:
    for size in range(12):
        data = b"a\n\nbc\nd\nefg"[:size]
        for begun in range(min(3, size) + 1):
            blocks = list(blocks_of(io.BytesIO(data[begun:]), -1, b"\n", data[:begun]))
            found = [record for block in blocks for record in block.data.split(b"\n")]
            assert found == (all_records(data, b"\n") if data else [])
            assert sum(block.read for block in blocks) == len(data)


def test_which_files_can_be_cut() -> None:
    assert [can_be_cut(s) for s in (b"\n", b"\n\n\n", b"ab", b"<|endoftext|>")] == [True] * 4
    assert [can_be_cut(s) for s in (b"aba", b"abab", b"\n--\n")] == [False] * 3
