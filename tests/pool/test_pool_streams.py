"""What a pool's client does per stream of a step: split by worker, cut texts, note ids."""

from __future__ import annotations

from array import array

import pytest

from bpecore._core import Stream, cut_texts, feeds_by_link, names_of, note_ids, slots_of
from bpecore.pool.wire.messages import FAILED


def streams_at(*links: str | None) -> list[Stream]:
    streams = [Stream(f"stream {place}") for place in range(len(links))]
    for slot, (stream, link) in enumerate(zip(streams, links)):
        stream.link, stream.slot = link, slot
    return streams


def test_streams_with_one_id_each_are_parted_in_order() -> None:
    a, b, c = streams = streams_at("x", "y", "x")
    assert feeds_by_link(streams, None, array("I", [1, 2, 3])) == {
        "x": ([a, c], None, array("I", [1, 3])),
        "y": ([b], None, array("I", [2])),
    }


def test_streams_with_several_ids_are_parted_in_order() -> None:
    a, b, c = streams = streams_at("x", None, "x")
    assert feeds_by_link(streams, [2, 0, 1], array("I", [1, 2, 3])) == {
        "x": ([a, c], [2, 1], array("I", [1, 2, 3])),
        None: ([b], [0], array("I")),
    }


def test_no_streams_are_no_parts() -> None:
    assert feeds_by_link([], None, array("I")) == {}


@pytest.mark.parametrize("counts", [None, [2, 2]])
def test_too_few_ids_are_refused(counts: list[int] | None) -> None:
    streams = streams_at("x", "y")
    ids = array("I", [1]) if counts is None else array("I", [1, 2, 3])
    with pytest.raises(ValueError, match=f"there are {len(ids)} ids, not those of all streams"):
        feeds_by_link(streams, counts, ids)
    with pytest.raises(ValueError, match="not those of all streams"):
        note_ids(streams, counts, ids, array("I", [0, 0]))


def test_slots_are_packed() -> None:
    assert slots_of(streams_at("x", "y", "z")) == array("I", [0, 1, 2]).tobytes()


def test_texts_are_cut_by_characters_and_failed_streams_are_left_out() -> None:
    streams = streams_at("x", "x", "x", "x")
    texts: dict[Stream, str] = {}
    cut_texts(streams, array("I", [1, FAILED, 0, 3]), "é\U0001f600b\ud800", texts)
    assert names_of(texts, streams) == {
        "stream 0": "é",
        "stream 2": "",
        "stream 3": "\U0001f600b\ud800",
    }


def test_lengths_of_other_streams_are_refused() -> None:
    streams = streams_at("x", "x")
    with pytest.raises(ValueError, match="there are 4 bytes of lengths for 2 streams"):
        cut_texts(streams, array("I", [1]), "a", {})
    with pytest.raises(ValueError, match="there are 4 bytes of lengths for 2 streams"):
        note_ids(streams, None, array("I", [1, 2]), array("I", [1]))


@pytest.mark.parametrize("sizes", [[1, 1, 1, 1, 1], [2, 2], [5], [0, 1], [2, 0, 1, 3], [7, 1]])
def test_a_stream_notes_its_last_three_ids(sizes: list[int]) -> None:
    (stream,) = streams_at("x")
    fed: list[int] = []
    for size in sizes:
        ids = list(range(len(fed), len(fed) + size))
        fed += ids
        note_ids([stream], [size], array("I", ids), array("I", [0]))
        assert stream.tail == tuple(fed[-3:])


def test_a_stream_that_was_not_fed_notes_nothing() -> None:
    a, b = streams_at("x", "x")
    note_ids([a, b], None, array("I", [1, 2]), array("I", [FAILED, 0]))
    assert a.tail == ()
    assert b.tail == (2,)
