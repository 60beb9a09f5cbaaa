"""`encode_arrow` and `count_arrow`: every layout of texts gives the ids of `encode`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from arrow_data import (
    TEXT_FORMATS,
    Column,
    Exported,
    dictionary_column,
    rows_of,
    rows_of_stream,
    sliced,
    table,
    text_column,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pairs import Pair
from texts import random_texts

TEXTS: list[str | None] = [
    "hello world",
    None,
    "",
    "twelve bytes",
    "thirteen byte",
    *random_texts(seed=3, count=30),
    "naïve 你好 😀",
    None,
    "中文" * 300 + "x" * 500,
]


def ids(pair: Pair, texts: Sequence[str | None]) -> list[Any]:
    """The slow twin."""
    return [None if t is None else pair.theirs.encode(t, disallowed_special=()) for t in texts]


def encoded(pair: Pair, array: Column, **options: Any) -> list[Any]:
    """Returns the rows of a column, read in each way that there is, after comparing them."""
    options = {"disallowed_special": (), **options}
    data = Exported(array)
    result = pair.ours.encode_arrow(data, **options)
    assert data.owned() == 0
    rows = rows_of(result)
    assert (len(result), result.null_count) == (len(rows), rows.count(None))  # type: ignore[arg-type, union-attr]
    assert rows_of_stream(result) == rows == rows_of(result)
    source = Exported(array, streams=True)
    assert rows_of_stream(pair.ours.encode_arrow(source, **options)) == rows
    assert rows_of(pair.ours.encode_arrow(source, **options)) == rows
    assert source.owned() == 0
    counts = [None if row is None else len(row) for row in rows]
    options.pop("large_list", None)
    assert rows_of(pair.ours.count_arrow(data, **options)) == counts
    return rows


@pytest.mark.parametrize("large_list", [False, True])
@pytest.mark.parametrize("format", TEXT_FORMATS)
def test_each_layout(cl100k: Pair, format: str, large_list: bool) -> None:
    column = text_column(TEXTS, format)
    assert encoded(cl100k, column, large_list=large_list) == ids(cl100k, TEXTS)
    for start, stop in ((0, 0), (1, 2), (3, 30), (9, len(TEXTS))):
        part = sliced(column, start, stop)
        assert encoded(cl100k, part, large_list=large_list) == ids(cl100k, TEXTS[start:stop])


def test_rows_of_equal_size(cl100k: Pair) -> None:
    column = Column("w:3", 4, [b"\x0b", b"onetwo\xff\xff\xffsix"], 1)
    texts = ["one", "two", None, "six"]
    assert encoded(cl100k, column, large_list=False) == ids(cl100k, texts)
    assert encoded(cl100k, sliced(column, 1, 4), large_list=False) == ids(cl100k, texts[1:])
    assert encoded(cl100k, Column("w:0", 2, [None, None]), large_list=False) == [[], []]


def test_nothing_but_nulls(cl100k: Pair) -> None:
    assert encoded(cl100k, Column("n", 3, []), large_list=False) == [None] * 3
    assert encoded(cl100k, text_column([], "u"), large_list=False) == []
    empty = Column("u", 0, [None, None, None])
    assert encoded(cl100k, empty, large_list=False) == []


@pytest.mark.parametrize("entries", TEXT_FORMATS)
@pytest.mark.parametrize("indices", "cCsSiIlL")
def test_dictionaries(cl100k: Pair, entries: str, indices: str) -> None:
    words = ["never", "the", None, "中文 text", ""]
    numbers = [1, 3, 3, None, 2, 4, 1] * 3
    column = dictionary_column(numbers, text_column(words, entries), indices)
    expected = ids(cl100k, [None if number is None else words[number] for number in numbers])
    assert encoded(cl100k, column, large_list=False) == expected
    assert encoded(cl100k, sliced(column, 2, 15), large_list=True) == expected[2:15]
    within = dictionary_column([0, 1], sliced(text_column(words, entries), 3, 5), indices)
    assert encoded(cl100k, within, large_list=False) == ids(cl100k, words[3:])


def test_entries_that_no_row_has_are_not_read(cl100k: Pair) -> None:
    entries = text_column([b"\xff", "<|endoftext|>", "used"], "u")
    column = dictionary_column([2, None, 2], entries)
    found = cl100k.ours.encode_arrow(Exported(column))
    assert rows_of(found) == ids(cl100k, ["used", None, "used"])


@pytest.mark.parametrize("format", TEXT_FORMATS)
def test_columns_of_tables(cl100k: Pair, format: str) -> None:
    texts = ["one", None, "three", "four", "five"]
    numbers = Column("l", 5, [None, bytes(40)], name="number")
    columns = [numbers, text_column(texts, format, name="text")]
    whole = table(columns)
    options: dict[str, Any] = {"column": "text", "large_list": False}
    assert encoded(cl100k, whole, **options) == ids(cl100k, texts)
    assert encoded(cl100k, sliced(whole, 1, 4), **options) == ids(cl100k, texts[1:4])
    some = table(columns, valid=[1, 1, None, 1])
    assert encoded(cl100k, some, **options) == ids(cl100k, ["one", None, None, "four"])
    assert encoded(cl100k, sliced(some, 2, 4), **options) == ids(cl100k, [None, "four"])
    only = table([sliced(columns[1], 2, 5)])
    assert encoded(cl100k, only, large_list=False) == ids(cl100k, texts[2:])


def test_results_as_tables(cl100k: Pair) -> None:
    data = Exported(text_column(["one two", None], "u"))
    for name in ("ids", "tokens of ünicode", ""):
        found = cl100k.ours.encode_arrow(data, name=name)
        expected = [{name: row} for row in ids(cl100k, ["one two", None])]
        assert rows_of(found) == rows_of_stream(found) == expected
        assert rows_of(cl100k.ours.count_arrow(data, name=name)) == [{name: 2}, {name: None}]


@settings(deadline=None)
@given(
    texts=st.lists(st.none() | st.text(max_size=60), max_size=20),
    format=st.sampled_from(TEXT_FORMATS),
    bounds=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    append=st.none() | st.integers(0, 9),
)
def test_any_texts(
    cl100k: Pair,
    texts: list[str | None],
    format: str,
    bounds: tuple[int, int],
    append: int | None,
) -> None:
    start, stop = sorted(min(bound, len(texts)) for bound in bounds)
    found = cl100k.ours.encode_arrow(
        Exported(sliced(text_column(texts, format), start, stop)),
        append=append,
        disallowed_special=(),
    )
    end = [] if append is None else [append]
    expected = [None if row is None else row + end for row in ids(cl100k, texts[start:stop])]
    assert rows_of(found) == expected
