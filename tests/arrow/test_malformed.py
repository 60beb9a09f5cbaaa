"""Malformed structs of Arrow raise, never crash, and are released exactly once."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

import pytest
from arrow_data import (
    Array,
    Column,
    Exported,
    Schema,
    dictionary_column,
    new_capsule,
    rows_of,
    rows_of_stream,
    sliced,
    table,
    text_column,
)
from pairs import Pair

WRONG = b"wrong"  # a capsule borrows its name

TEXTS = ["one", "two, which is longer than a view has room for", "", "four"]

Change = Callable[[Schema, Array], None]


def offsets(*places: int, size: int = 4) -> bytes:
    return b"".join(place.to_bytes(size, "little", signed=True) for place in places)


BAD_OFFSETS = {
    "out of order": Column("u", 2, [None, offsets(0, 5, 3), b"abcdef"]),
    "negative": Column("u", 2, [None, offsets(-4, 1, 3), b"abc"]),
    "after the last": Column("u", 3, [None, offsets(0, 9, 3, 3), b"abc"]),
    "of 64 bits": Column("U", 1, [None, offsets(1 << 62, 3, size=8), b"abc"]),
    "negative, 64 bits": Column("U", 1, [None, offsets(-1 << 63, 3, size=8), b"abc"]),
    "without data": Column("u", 1, [None, offsets(0, 3), None]),
}

VIEW = offsets(20) + b"abcd"
BAD_VIEWS = {
    "negative length": Column("vu", 1, [None, offsets(-1, 0, 0, 0), None]),
    "no buffer": Column("vu", 1, [None, VIEW + offsets(0, 0), None]),
    "negative buffer": Column("vu", 1, [None, VIEW + offsets(-1, 0), b"x" * 20, offsets(20, 0)]),
    "negative place": Column("vu", 1, [None, VIEW + offsets(0, -1), b"x" * 20, offsets(20, 0)]),
    "end of buffer": Column("vu", 1, [None, VIEW + offsets(0, 1), b"x" * 20, offsets(20, 0)]),
    "missing buffer": Column("vu", 1, [None, VIEW + offsets(0, 0), None, offsets(20, 0)]),
    "missing sizes": Column("vu", 1, [None, VIEW + offsets(0, 0), b"x" * 20, None]),
}

ENTRIES = text_column(TEXTS, "u")
BAD_INDICES = {
    "too large": dictionary_column([4], ENTRIES, "c"),
    "negative": dictionary_column([-1], ENTRIES, "s"),
    "before int64": dictionary_column([-1 << 63], ENTRIES, "l"),
    "after int64": dictionary_column([(1 << 64) - 1], ENTRIES, "L"),
    "empty dictionary": dictionary_column([0], text_column([], "u"), "i"),
    "no indices": Column("i", 1, [None, None], dictionary=ENTRIES),
}

BAD_NUMBERS = {
    "length": Column("u", -1, [None, offsets(0), b""]),
    "offset": Column("u", 0, [None, offsets(0), b""], offset=-1),
    "enormous length": Column("u", 1 << 60, [None, offsets(0), b""]),
    "few buffers": Column("u", 1, [None, offsets(0, 1)]),
    "few buffers of views": Column("vu", 1, [None, bytes(16)]),
    "no offsets": Column("u", 1, [None, None, b"a"]),
    "no validity": Column("u", 1, [None, offsets(0, 1), b"a"], 1),
    "short column": table([text_column(TEXTS, "u", name="t")], valid=[1] * 5),
    "no column": Column("+s", 1, [None]),
    "size": Column("w:x", 1, [None, b"abc"]),
    "negative size": Column("w:-1", 1, [None, b"abc"]),
    "enormous size": Column("w:9999999999", 1 << 50, [None, b"abc"]),
}

ALL = [
    pytest.param(column, id=f"{what}: {name}")
    for what, columns in (
        ("offsets", BAD_OFFSETS),
        ("views", BAD_VIEWS),
        ("indices", BAD_INDICES),
        ("numbers", BAD_NUMBERS),
    )
    for name, column in columns.items()
]


@pytest.mark.parametrize("column", ALL)
def test_bad_numbers_raise(cl100k: Pair, column: Column) -> None:
    data = Exported(column)
    for method in (cl100k.ours.encode_arrow, cl100k.ours.count_arrow):
        with pytest.raises(ValueError, match=r"malformed Arrow data|data has 0 columns"):
            method(data)
        assert data.owned() == 0
    source = Exported(column, streams=True)
    with pytest.raises((OSError, ValueError), match=r"malformed Arrow data|data has 0 columns"):
        rows_of_stream(cl100k.ours.encode_arrow(source))
    assert source.owned() == 0


def no_buffers(schema: Schema, array: Array) -> None:
    array.buffers = type(array.buffers)()


def no_children(schema: Schema, array: Array) -> None:
    array.children = type(array.children)()


def no_child(schema: Schema, array: Array) -> None:
    array.children[0] = type(array.children[0])()


def more_children(schema: Schema, array: Array) -> None:
    array.n_children = 2


def released_child(schema: Schema, array: Array) -> None:
    array.children[0].contents.release = None


def no_format(schema: Schema, array: Array) -> None:
    schema.format = None


def no_schemas(schema: Schema, array: Array) -> None:
    schema.children = type(schema.children)()


def no_schema(schema: Schema, array: Array) -> None:
    schema.children[0] = type(schema.children[0])()


def negative_children(schema: Schema, array: Array) -> None:
    schema.n_children = -1


def no_dictionary(schema: Schema, array: Array) -> None:
    array.dictionary = type(array.dictionary)()


def text_indices(schema: Schema, array: Array) -> None:
    schema.format = b"u"


TABLE = table([text_column(TEXTS, "u", name="t")])
BAD_STRUCTS: list[tuple[Column, Change]] = [
    (ENTRIES, no_buffers),
    (ENTRIES, no_format),
    (TABLE, no_buffers),
    (TABLE, no_children),
    (TABLE, no_child),
    (TABLE, more_children),
    (TABLE, released_child),
    (TABLE, no_schemas),
    (TABLE, no_schema),
    (TABLE, negative_children),
    (BAD_INDICES["too large"], no_dictionary),
    (BAD_INDICES["too large"], text_indices),
]


@pytest.mark.parametrize(("column", "change"), BAD_STRUCTS)
def test_bad_structs_raise(cl100k: Pair, column: Column, change: Change) -> None:
    data = Exported(column)
    data.change = change
    with pytest.raises(ValueError, match="malformed Arrow data"):
        cl100k.ours.encode_arrow(data)
    assert data.owned() == 0


def test_what_was_released_before(cl100k: Pair) -> None:
    data = Exported(ENTRIES)
    capsules = data._array()
    taken: Any = type("Taken", (), {"__arrow_c_array__": lambda self: capsules})()
    assert rows_of(cl100k.ours.encode_arrow(taken)) == cl100k.ours.encode_batch(TEXTS)
    for _ in range(2):
        with pytest.raises(ValueError, match="has been released"):
            cl100k.ours.encode_arrow(taken)
    assert data.owned() == 0


@pytest.mark.parametrize(
    "found", [None, (), (1, 2), (new_capsule(1, WRONG, None),) * 2, "capsules"]
)
def test_what_are_no_capsules(cl100k: Pair, found: Any) -> None:
    data: Any = type("Wrong", (), {"__arrow_c_array__": lambda self: found})()
    with pytest.raises((TypeError, IndexError, ValueError)):
        cl100k.ours.encode_arrow(data)
    data = type("Wrong", (), {"__arrow_c_stream__": lambda self: found})()
    with pytest.raises(TypeError):
        cl100k.ours.encode_arrow(data)


@pytest.mark.parametrize("format", ["l", "+l", "tdD", "d:3,2", "?", "", "+r", "w", "uu", "vx"])
def test_types_that_are_not_text(cl100k: Pair, format: str) -> None:
    data = Exported(Column(format, 0, [None, bytes(64)]))
    with pytest.raises(TypeError, match="expected texts"):
        cl100k.ours.encode_arrow(data)
    assert data.owned() == 0


def test_columns_that_are_not_there(cl100k: Pair) -> None:
    columns = [text_column(TEXTS, "u", name=name) for name in ("a", "b", "b")]
    data = Exported(table(columns))
    encode: Any = cl100k.ours.encode_arrow
    for column, words in ((None, "3 columns"), ("c", "no columns named 'c'"), ("b", "2 columns")):
        with pytest.raises(ValueError, match=words):
            encode(data, column=column)
    with pytest.raises(TypeError, match="column must be a str"):
        encode(data, column=1)
    with pytest.raises(TypeError, match="no table or struct"):
        encode(Exported(ENTRIES), column="a")
    nested = dictionary_column([0], dictionary_column([0], ENTRIES))
    with pytest.raises(TypeError, match="dictionary of dictionaries"):
        encode(Exported(nested))
    with pytest.raises(TypeError, match="__arrow_c_stream__"):
        encode(["text"])


def damaged(column: Column, source: random.Random) -> Column:
    """Returns a column with one number or byte changed, no buffer shorter than it should be."""
    copy = Column(**column.__dict__)
    copy.buffers = list(column.buffers)
    kind = source.randrange(4)
    if kind == 0:
        copy.null_count = source.choice([-2, -1, 1, 1 << 40])
    elif kind == 1:
        copy.length = source.randrange(-1, column.length + 1)
    elif kind == 2:
        number = source.randrange(len(copy.buffers))
        copy.buffers[number] = None
    else:
        places = bytearray(copy.buffers[1] or b"\0")
        places[source.randrange(len(places))] = source.randrange(256)
        copy.buffers[1] = bytes(places)
    return copy


def test_random_damage_never_crashes(cl100k: Pair) -> None:
    source = random.Random(5)
    columns = [text_column([*TEXTS, None], format) for format in ("u", "U", "vu")]
    for _ in range(1500):
        column = damaged(source.choice(columns), source)
        if source.randrange(3) == 0:
            entries = column
            column = damaged(dictionary_column([0, 3, None, 1], entries, "c"), source)
        data = Exported(sliced(column, 0, column.length) if source.randrange(2) else column)
        with contextlib.suppress(ValueError):
            rows_of(cl100k.ours.encode_arrow(data, errors="replace"))
        assert data.owned() == 0
