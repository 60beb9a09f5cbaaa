"""Streams are encoded while they are read, and options do what they do elsewhere."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from ctypes import pointer
from typing import Any

import pytest
from arrow_data import (
    Array,
    Exported,
    Schema,
    Stream,
    arrays_of,
    dictionary_column,
    pointer_in,
    release,
    rows_of,
    rows_of_stream,
    text_column,
)
from own import own_encoding
from pairs import Pair

import bpecore
from bpecore._core import (
    ArrowResult,
    ArrowResultStream,
    fail_allocation,
    set_thread_sizes,
    watch_allocations,
    watched_allocations,
)

TEXTS = ["one two", None, "three", "naïve 中文", "five"]


@pytest.fixture
def small_batches() -> Iterator[None]:
    set_thread_sizes(batch=9)
    yield
    set_thread_sizes()


def parts(*numbers: int) -> Exported:
    columns = [text_column([f"text {i}" for i in range(number)], "vu") for number in numbers]
    return Exported(*columns, streams=True)


def test_arrays_are_read_one_by_one(cl100k: Pair) -> None:
    source = parts(2, 0, 3, 1)
    found = cl100k.ours.encode_arrow(source)
    assert source.read == 0
    read = [(source.read, len(rows)) for rows in arrays_of(found)]
    assert read == [(1, 2), (3, 3), (4, 1)]
    assert source.owned() == 0


def test_large_arrays_are_made_in_parts(cl100k: Pair, small_batches: None) -> None:
    column = text_column(TEXTS, "u")
    found = cl100k.ours.encode_arrow(Exported(column, column, streams=True))
    expected = rows_of(cl100k.ours.encode_arrow(Exported(column)))
    arrays = list(arrays_of(found))
    assert len(arrays) > 4
    assert [row for rows in arrays for row in rows] == expected * 2
    again = cl100k.ours.encode_arrow(Exported(column, column, streams=True))
    assert rows_of(again) == expected * 2
    repeated = dictionary_column([0, 0, 3, 1, 4] * 3, column)
    found = cl100k.ours.encode_arrow(Exported(repeated, streams=True))
    arrays = list(arrays_of(found))
    assert len(arrays) > 4
    assert [row for rows in arrays for row in rows] == [expected[i] for i in [0, 0, 3, 1, 4] * 3]


def test_nothing_is_read_twice_without_need(cl100k: Pair) -> None:
    source = parts(2, 1)
    found = cl100k.ours.encode_arrow(source)
    assert len(source.made) == 2  # the stream and its schema
    first = rows_of_stream(found)
    assert rows_of_stream(found) == rows_of(found) == first
    assert source.owned() == 0


def test_what_is_not_read_is_released(cl100k: Pair) -> None:
    source = parts(2, 1)
    found = cl100k.ours.encode_arrow(source)
    del found
    assert source.owned() == 0
    for rows in arrays_of(cl100k.ours.encode_arrow(source)):
        assert len(rows) == 2
        break
    gc.collect()
    assert source.owned() == 0


def test_errors_of_a_stream(cl100k: Pair) -> None:
    column = text_column(["one"], "u")
    source = Exported(column, column, streams=True, fails_after=1)
    with pytest.raises(OSError, match="the disk is gone"):
        rows_of(cl100k.ours.encode_arrow(source))
    with pytest.raises(OSError, match=r"OSError: .*the disk is gone"):
        rows_of_stream(cl100k.ours.encode_arrow(source))
    assert source.owned() == 0


@pytest.mark.usefixtures("small_batches")
def test_errors_name_the_row_of_the_whole_stream(cl100k: Pair) -> None:
    for bad, words in (("<|endoftext|>", "disallowed special"), (b"\xff", "not UTF-8")):
        source = Exported(text_column(TEXTS, "u"), text_column(["a", bad], "u"), streams=True)
        with pytest.raises(ValueError, match=f"^at index 6: .*{words}"):
            rows_of(cl100k.ours.encode_arrow(source))
        with pytest.raises(OSError, match=f"ValueError: at index 6: .*{words}"):
            rows_of_stream(cl100k.ours.encode_arrow(source))
        assert source.owned() == 0


def test_special_tokens_and_ids_at_the_end(cl100k: Pair) -> None:
    texts = ["a<|endoftext|>b", None, ""]
    data = Exported(text_column(texts, "u"))
    theirs, ours = cl100k.theirs, cl100k.ours
    for allowed, refused in (("all", "all"), ({"<|endoftext|>"}, "all"), (set(), ())):
        special: dict[str, Any] = {"allowed_special": allowed, "disallowed_special": refused}
        expected = [None if t is None else [*theirs.encode(t, **special), 7] for t in texts]
        assert rows_of(ours.encode_arrow(data, append=7, **special)) == expected
        counts = [None if row is None else len(row) - 1 for row in expected]
        assert rows_of(ours.count_arrow(data, **special)) == counts
    with pytest.raises(ValueError, match="at index 0: "):
        ours.encode_arrow(data)
    with pytest.raises(ValueError, match=r"at index 0: .*'b'"):
        ours.encode_arrow(data, allowed_special="all", disallowed_special={"b"})
    found = ours.encode_arrow(data, allowed_special="all", disallowed_special={"q"})
    assert rows_of(found) == [theirs.encode(texts[0], allowed_special="all"), None, []]


def test_engines_that_are_not_this_package(cl100k: Pair) -> None:
    """A split pattern of the regex library, and methods of a subclass."""

    class Louder(bpecore.Encoding):
        def encode_to_numpy(self, text: str, **options: Any) -> Any:
            return super().encode_to_numpy(text.upper(), **options)

    repeats = own_encoding(r"(\w)\1|\w+?|\W+")
    louder = Louder(
        "louder",
        pat_str=cl100k.ours._pat_str,
        mergeable_ranks=cl100k.ours._mergeable_ranks,
        special_tokens={},
    )
    for encoding in (repeats, louder):
        column = dictionary_column([0, 2, None, 0], text_column(["ab ba", "x", "b"], "u"))
        for data in (text_column(TEXTS, "vu"), column):
            texts = TEXTS if data is not column else ["ab ba", "b", None, "ab ba"]
            found = rows_of(encoding.encode_arrow(Exported(data), append=3))
            expected = [
                None if t is None else [*encoding.encode_to_numpy(t).tolist(), 3] for t in texts
            ]
            assert found == expected
            counts = [None if t is None else encoding.count(t) for t in texts]
            assert rows_of(encoding.count_arrow(Exported(data))) == counts
    with pytest.raises(ValueError, match="at index 1: not UTF-8"):
        repeats.encode_arrow(Exported(text_column(["a", b"\xff"], "u")))


def test_bytes_that_a_vocabulary_lacks() -> None:
    lacking = own_encoding(r"\w+|\W+", {bytes([byte]): byte for byte in range(97, 123)})
    with pytest.raises(ValueError, match=r"at index 2: .*needs the byte 0x20"):
        lacking.encode_arrow(Exported(text_column(["a", None, "b c"], "u")))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"errors": "ignore"}, ValueError),
        ({"name": 1}, TypeError),
        ({"name": "a\0b"}, ValueError),
        ({"append": -1}, ValueError),
        ({"append": 1 << 32}, OverflowError),
        ({"append": "x"}, TypeError),
        ({"num_threads": 0}, ValueError),
        ({"allowed_special": ["x"]}, TypeError),
        ({"disallowed_special": 5}, TypeError),
    ],
)
def test_wrong_options(cl100k: Pair, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        cl100k.ours.encode_arrow(Exported(text_column(TEXTS, "u")), **options)


def test_results_are_made_by_methods_only() -> None:
    for kind in (ArrowResult, ArrowResultStream):
        with pytest.raises(TypeError, match="made by Encoding"):
            kind()


def test_a_stream_outlives_its_result(cl100k: Pair) -> None:
    found = cl100k.ours.encode_arrow(Exported(text_column(["a"], "u")), name="x" * 100)
    capsule = found.__arrow_c_stream__()
    del found
    stream = Stream.from_address(pointer_in(capsule, b"arrow_array_stream"))
    array, schema = Array(), Schema()
    assert stream.get_next(pointer(stream), pointer(array)) == 0
    gc.collect()
    assert stream.get_schema(pointer(stream), pointer(schema)) == 0
    assert schema.children[0].contents.name == b"x" * 100
    release(array)
    release(schema)


def test_threads_share_a_result(cl100k: Pair) -> None:
    found = cl100k.ours.encode_arrow(Exported(text_column(TEXTS, "u")))
    expected = rows_of(found)
    seen: list[bool] = []

    def read() -> None:
        seen.extend(rows_of(found) == rows_of_stream(found) == expected for _ in range(30))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 120


def test_a_failed_allocation_raises(cl100k: Pair) -> None:
    """Each allocation in turn fails; nothing leaks and nothing is released twice."""
    dictionary = dictionary_column([0, 3, 1], text_column([*TEXTS, b"\xff"], "u"))
    for column in (text_column([*TEXTS, b"\xff\xe4" * 40], "u"), dictionary):
        failures, number = 0, 1
        while True:
            source = Exported(column, column, streams=True)
            watch_allocations()
            fail_allocation(number)
            try:
                found = cl100k.ours.encode_arrow(source, errors="replace", name="ids")
                rows_of(found), rows_of_stream(found)
            except MemoryError:
                failures += 1
            except OSError as error:
                failures += "emory" in str(error)
            reached = watched_allocations()[1]
            watch_allocations(False)
            assert source.owned() == 0
            if not reached:
                break
            number += 1
        assert failures > 5
