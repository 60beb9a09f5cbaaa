"""Arrow arrays made and read by hand, so that tests need no library of Arrow.

`Column` describes an array; `Exported` hands it out as a library would, and counts how often each
struct is released. `rows_of` and `rows_of_stream` read results.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterable, Sequence
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p, pointer
from dataclasses import dataclass, field
from typing import Any, Callable

TEXT_FORMATS = ("u", "U", "vu", "z", "Z", "vz")
"""Types of texts, without dictionaries and those of equal size."""

INLINE = 12


class Schema(Structure):
    pass


class Array(Structure):
    pass


class Stream(Structure):
    pass


Release = CFUNCTYPE(None, c_void_p)
Schema._fields_ = [
    ("format", c_char_p),
    ("name", c_char_p),
    ("metadata", c_char_p),
    ("flags", c_int64),
    ("n_children", c_int64),
    ("children", POINTER(POINTER(Schema))),
    ("dictionary", POINTER(Schema)),
    ("release", c_void_p),
    ("private_data", c_void_p),
]
Array._fields_ = [
    ("length", c_int64),
    ("null_count", c_int64),
    ("offset", c_int64),
    ("n_buffers", c_int64),
    ("n_children", c_int64),
    ("buffers", POINTER(c_void_p)),
    ("children", POINTER(POINTER(Array))),
    ("dictionary", POINTER(Array)),
    ("release", c_void_p),
    ("private_data", c_void_p),
]
GetSchema = CFUNCTYPE(c_int, POINTER(Stream), POINTER(Schema))
GetNext = CFUNCTYPE(c_int, POINTER(Stream), POINTER(Array))
GetError = CFUNCTYPE(c_void_p, POINTER(Stream))
Stream._fields_ = [
    ("get_schema", GetSchema),
    ("get_next", GetNext),
    ("get_last_error", GetError),
    ("release", c_void_p),
    ("private_data", c_void_p),
]

new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype, new_capsule.argtypes = ctypes.py_object, [c_void_p, c_char_p, c_void_p]
pointer_in = ctypes.pythonapi.PyCapsule_GetPointer
pointer_in.restype, pointer_in.argtypes = c_void_p, [ctypes.py_object, c_char_p]


@dataclass
class Column:
    """An array: its type, its numbers, and its buffers."""

    format: str
    length: int
    buffers: list[bytes | None]
    null_count: int = 0
    offset: int = 0
    name: str = ""
    children: list[Column] = field(default_factory=list)
    dictionary: Column | None = None


def bits_of(values: Sequence[Any]) -> bytes:
    bits = bytearray(len(values) // 8 + 1)
    for i, value in enumerate(values):
        bits[i >> 3] |= (value is not None) << (i & 7)
    return bytes(bits)


def text_column(texts: Sequence[str | bytes | None], format: str, **rest: Any) -> Column:
    """Returns a column of one of TEXT_FORMATS, with garbage in the rows that are null."""
    raw = [text.encode() if isinstance(text, str) else text for text in texts]
    nulls = raw.count(None)
    valid = bits_of(raw) if nulls else None
    data, places = b"", b""
    if format[0] == "v":
        buffers = [b"", b"", b"unused"]
        for i, text in enumerate(b"\xff" * 99 if text is None else text for text in raw):
            place = struct.pack("<i", len(text))
            if len(text) <= INLINE:
                place += text.ljust(INLINE, b"\0")
            else:
                number = i % 2
                place += struct.pack("<4sii", text[:4], number, len(buffers[number]))
                buffers[number] += text
            places += place
        sizes = struct.pack("<3q", *map(len, buffers))
        return Column(format, len(raw), [valid, places, *buffers, sizes], nulls, **rest)
    size = "<i" if format in "uz" else "<q"
    places = struct.pack(size, 0)
    for text in raw:
        data += b"\xff\xff" if text is None else text
        places += struct.pack(size, len(data))
    return Column(format, len(raw), [valid, places, data], nulls, **rest)


def dictionary_column(
    indices: Sequence[int | None], entries: Column, format: str = "i", **rest: Any
) -> Column:
    """Returns a column of a dictionary's entries."""
    codes = {"c": "b", "C": "B", "s": "h", "S": "H", "i": "i", "I": "I", "l": "q", "L": "Q"}
    data = b"".join(struct.pack("<" + codes[format], index or 0) for index in indices)
    nulls = list(indices).count(None)
    valid = bits_of(indices) if nulls else None
    return Column(format, len(indices), [valid, data], nulls, dictionary=entries, **rest)


def table(columns: list[Column], valid: Sequence[Any] | None = None, **rest: Any) -> Column:
    """Returns a struct of columns; `valid` has None for the rows that are null."""
    length = len(valid) if valid is not None else columns[0].length
    nulls = 0 if valid is None else list(valid).count(None)
    bits = bits_of(valid) if valid is not None else None
    return Column("+s", length, [bits], nulls, children=columns, **rest)


def sliced(column: Column, start: int, stop: int) -> Column:
    """Returns some rows of a column, in the same buffers."""
    whole = column.__dict__ | {"offset": column.offset + start, "length": stop - start}
    return Column(**{**whole, "null_count": -1 if column.null_count else 0})


class Exported:
    """Arrays of one type, as a library hands them out.

    Args:
        columns: the arrays.
        streams: whether they are a stream; otherwise there is one array.
        fails_after: the stream reports an error after so many arrays.
    """

    def __init__(
        self, *columns: Column, streams: bool = False, fails_after: int | None = None
    ) -> None:
        self.columns = columns
        self.fails_after = fails_after
        self.read = 0
        self.made: list[Schema | Array | Stream] = []
        self.released: list[int] = []
        self.kept: list[Any] = []
        self.change: Callable[[Schema, Array], None] = lambda schema, array: None
        if streams:
            self.__arrow_c_stream__ = self._stream
        else:
            self.__arrow_c_array__ = self._array

    def owned(self) -> int:
        """Returns how many structs were handed out and not released; each at most once."""
        assert len(self.released) == len(set(self.released))
        return len(self.made) - len(self.released)

    def _release(self, made: Any) -> int:
        """Returns a callback that notes the release of a struct that may have been moved."""
        number = len(self.made)
        self.made.append(made)

        def release(place: int) -> None:
            self.released.append(number)
            type(made).from_address(place).release = None

        callback = Release(release)
        self.kept.append(callback)
        return ctypes.cast(callback, c_void_p).value or 0

    def schema(self, column: Column, top: bool = True) -> Schema:
        made = Schema(column.format.encode(), column.name.encode(), None, 2)
        made.n_children = len(column.children)
        children = [pointer(self.schema(child, False)) for child in column.children]
        made.children = (POINTER(Schema) * len(children))(*children)
        if column.dictionary is not None:
            made.dictionary = pointer(self.schema(column.dictionary, False))
        made.release = self._release(made) if top else 1
        self.kept.append((made, children))
        return made

    def array(self, column: Column, top: bool = True) -> Array:
        made = Array(column.length, column.null_count, column.offset)
        memory = [None if b is None else ctypes.create_string_buffer(b) for b in column.buffers]
        places = [None if b is None else ctypes.addressof(b) for b in memory]
        made.n_buffers = len(places)
        made.buffers = (c_void_p * len(places))(*places)
        made.n_children = len(column.children)
        children = [pointer(self.array(child, False)) for child in column.children]
        made.children = (POINTER(Array) * len(children))(*children)
        if column.dictionary is not None:
            made.dictionary = pointer(self.array(column.dictionary, False))
        made.release = self._release(made) if top else 1
        self.kept.append((made, memory, children))
        return made

    def _array(self, requested_schema: object = None) -> tuple[object, object]:
        schema, array = self.schema(self.columns[0]), self.array(self.columns[0])
        self.change(schema, array)
        return (
            new_capsule(ctypes.addressof(schema), b"arrow_schema", None),
            new_capsule(ctypes.addressof(array), b"arrow_array", None),
        )

    def _stream(self, requested_schema: object = None) -> object:
        self.read = 0

        def get_schema(_: Any, out: Any) -> int:
            ctypes.memmove(out, pointer(self.schema(self.columns[0])), ctypes.sizeof(Schema))
            return 0

        def get_next(_: Any, out: Any) -> int:
            if self.read == self.fails_after:
                return 5
            if self.read == len(self.columns):
                ctypes.memset(out, 0, ctypes.sizeof(Array))
                return 0
            array = self.array(self.columns[self.read])
            self.change(Schema(), array)
            ctypes.memmove(out, pointer(array), ctypes.sizeof(Array))
            self.read += 1
            return 0

        message = ctypes.create_string_buffer(b"the disk is gone")
        made = Stream(
            GetSchema(get_schema), GetNext(get_next), GetError(lambda _: ctypes.addressof(message))
        )
        made.release = self._release(made)
        self.kept.append((made, message))
        return new_capsule(ctypes.addressof(made), b"arrow_array_stream", None)


def release(made: Schema | Array | Stream) -> None:
    Release(made.release)(ctypes.addressof(made))
    assert made.release is None


def values_of(schema: Schema, array: Array) -> list[Any]:
    """Returns the rows of a result as Python objects."""
    assert array.offset == 0
    valid = None if array.buffers[0] is None else ctypes.string_at(
        array.buffers[0], (array.length + 7) // 8
    )  # fmt: skip
    rows: list[Any]
    if schema.format == b"+s":
        assert (array.n_buffers, array.n_children) == (1, 1)
        name = schema.children[0].contents.name.decode()
        column = values_of(schema.children[0].contents, array.children[0].contents)
        return [{name: value} for value in column]
    assert array.n_buffers == 2
    size, code = (8, "q") if schema.format in (b"+L", b"l") else (4, "i")
    if schema.format == b"l":
        found = ctypes.string_at(array.buffers[1], 8 * array.length) if array.length else b""
        rows = list(struct.unpack(f"<{array.length}q", found))
    else:
        assert schema.format in (b"+l", b"+L")
        item, ids = schema.children[0].contents, array.children[0].contents
        assert (item.format, item.name, ids.offset) == (b"I", b"item", 0)
        found = ctypes.string_at(array.buffers[1], size * (array.length + 1))
        places = struct.unpack(f"<{array.length + 1}{code}", found)
        assert (places[0], places[-1]) == (0, ids.length)
        data = struct.unpack(f"<{ids.length}I", ctypes.string_at(ids.buffers[1], 4 * ids.length))
        rows = [list(data[a:b]) for a, b in zip(places, places[1:])]
    nulls = [i for i in range(array.length) if valid and not valid[i >> 3] >> (i & 7) & 1]
    assert len(nulls) == array.null_count
    for i in nulls:
        assert rows[i] in ([], 0)
        rows[i] = None
    return rows


def rows_of(result: Any) -> list[Any]:
    """Returns the rows of a result, by its array."""
    capsules = result.__arrow_c_array__()
    schema = Schema.from_address(pointer_in(capsules[0], b"arrow_schema"))
    array = Array.from_address(pointer_in(capsules[1], b"arrow_array"))
    return values_of(schema, array)


def arrays_of(result: Any) -> Iterable[list[Any]]:
    """Yields the rows of each array of a result's stream; OSError with what it reports."""
    capsule = result.__arrow_c_stream__()
    stream = Stream.from_address(pointer_in(capsule, b"arrow_array_stream"))
    schema = Schema()
    code = stream.get_schema(pointer(stream), pointer(schema))
    if code:
        raise OSError(code, "no memory for a schema")
    while True:
        array = Array()
        code = stream.get_next(pointer(stream), pointer(array))
        if code:
            message = ctypes.string_at(stream.get_last_error(pointer(stream))).decode()
            release(schema)
            raise OSError(code, message)
        if array.release is None:
            release(schema)
            return
        yield values_of(schema, array)
        release(array)


def rows_of_stream(result: Any) -> list[Any]:
    """Returns the rows of a result, by its stream."""
    return [row for rows in arrays_of(result) for row in rows]
