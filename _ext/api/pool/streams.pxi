"""The streams of a pool's client: parted by worker before a message, and given its texts after it.

Only what is done for each stream of each step is here; `bpecore/pool/` has the rest, and the lock
under which streams change.
"""

cimport cython
from cpython.array cimport array as IdArray, extend_buffer
from cpython.buffer cimport PyBuffer_Release
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memmove

cdef extern from "Python.h":
    str PyUnicode_Substring(str text, Py_ssize_t start, Py_ssize_t end)

cdef enum:
    TAIL_IDS = 3             # `bpecore/pool/client/streams.py` says why three

    NOT_FED = 0xFFFFFFFF     # FAILED of `bpecore/pool/wire/messages.py`, in the place of a length


@cython.final
cdef class Stream:
    """One sequence of ids that becomes text, as its client sees it.

    Attributes:
        name: what its user calls it.
        link: the worker that holds its state; None: none does now.
        slot: its number there.
        tail: the last ids that were taken, at most three.
        is_open: whether it may be fed; not from the moment on when it is to be closed.
    """

    cdef readonly object name
    cdef public object link
    cdef public uint32_t slot
    cdef public bint is_open
    cdef uint32_t[TAIL_IDS] last   # the tail: [count]
    cdef size_t count

    def __cinit__(self, name):
        self.name = name
        self.is_open = True

    @property
    def tail(self) -> tuple:
        return tuple([self.last[i] for i in range(self.count)])

    cdef int note(self, const uint32_t *ids, size_t count) except -1:
        """Notes ids that were taken."""
        cdef size_t new = min(count, <size_t>TAIL_IDS)
        cdef size_t kept = min(self.count, TAIL_IDS - new)
        memmove(self.last, self.last + self.count - kept, kept * sizeof(uint32_t))
        memcpy(self.last + kept, ids + count - new, new * sizeof(uint32_t))
        self.count = kept + new
        return 0


def closed_among(list streams not None) -> list:
    """Returns those streams that may not be fed any more."""
    cdef list closed = []
    cdef Stream stream
    for stream in streams:
        if not stream.is_open:
            closed.append(stream)
    return closed


def part_by_link(list streams not None, list counts, ids) -> dict:
    """Parts what streams are to be fed by the workers that hold them.

    Args:
        streams: the streams.
        counts: how many ids each gets; None: one.
        ids: those of all streams behind each other, `uint32`.

    Returns:
        For each worker the same three of its streams, the ids as an `array`.

    Raises:
        ValueError: there are not as many ids as the streams get.
    """
    cdef Py_buffer buffer
    cdef size_t count = 1, start = 0
    cdef dict parts = {}
    cdef tuple part
    cdef Stream stream
    cdef Py_ssize_t i
    open_ids(ids, &buffer)
    try:
        for i in range(len(streams)):
            stream = streams[i]
            part = parts.get(stream.link)
            if part is None:
                part = ([], None if counts is None else [], IdArray("I"))
                parts[stream.link] = part
            (<list>part[0]).append(stream)
            if counts is not None:
                count = counts[i]
                (<list>part[1]).append(counts[i])
            check_ids(&buffer, start, count)
            extend_buffer(<IdArray>part[2], <char *>(<uint32_t *>buffer.buf + start),
                          <Py_ssize_t>count)
            start += count
        return parts
    finally:
        PyBuffer_Release(&buffer)


cdef int check_ids(const Py_buffer *buffer, size_t start, size_t count) except -1:
    """Raises unless a buffer of ids has so many behind a place in it."""
    cdef size_t length = <size_t>buffer.len // sizeof(uint32_t)
    if count > length - start:
        raise ValueError(f"there are {length} ids, not those of all streams")
    return 0


def slots_of(list streams not None) -> bytes:
    """Returns the slots of streams, `uint32`."""
    cdef size_t size = <size_t>len(streams) * sizeof(uint32_t)
    cdef bytes packed = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>size)
    cdef uint32_t *slots = <uint32_t *>PyBytes_AS_STRING(packed)
    cdef Stream stream
    for stream in streams:
        slots[0] = stream.slot
        slots += 1
    return packed


cdef int open_lengths(lengths, list streams, Py_buffer *buffer) except -1:
    """Opens the lengths of streams' texts; the caller releases them."""
    open_ids(lengths, buffer)
    if <size_t>buffer.len != <size_t>len(streams) * sizeof(uint32_t):
        PyBuffer_Release(buffer)
        raise ValueError(f"there are {buffer.len} bytes of lengths for {len(streams)} streams")
    return 0


def cut_texts(list streams not None, lengths, str joined not None, dict texts not None) -> None:
    """Adds the texts of streams to a dict; streams that were not fed are left out.

    Args:
        streams: the streams.
        lengths: those of their texts, in characters, `uint32`.
        joined: the texts behind each other.
        texts: what it is added to.
    """
    cdef Py_buffer buffer
    cdef const uint32_t *length
    cdef Py_ssize_t start = 0
    open_lengths(lengths, streams, &buffer)
    try:
        length = <const uint32_t *>buffer.buf
        for stream in streams:
            if length[0] != NOT_FED:
                texts[stream] = PyUnicode_Substring(joined, start, start + length[0])
                start += length[0]
            length += 1
    finally:
        PyBuffer_Release(&buffer)


def note_ids(list streams not None, list counts, ids, lengths) -> None:
    """Has streams note the ids that they took.

    Args:
        streams: the streams.
        counts: how many ids each got; None: one.
        ids: those of all streams behind each other, `uint32`.
        lengths: as for `cut_texts`: a stream that was not fed took none.

    Raises:
        ValueError: there are not as many ids as the streams got.
    """
    cdef Py_buffer id_buffer, length_buffer
    cdef const uint32_t *length
    cdef size_t count = 1, start = 0
    cdef Stream stream
    cdef Py_ssize_t i
    open_ids(ids, &id_buffer)
    try:
        open_lengths(lengths, streams, &length_buffer)
        try:
            length = <const uint32_t *>length_buffer.buf
            for i in range(len(streams)):
                stream = streams[i]
                if counts is not None:
                    count = counts[i]
                check_ids(&id_buffer, start, count)
                if length[i] != NOT_FED:
                    stream.note(<const uint32_t *>id_buffer.buf + start, count)
                start += count
        finally:
            PyBuffer_Release(&length_buffer)
    finally:
        PyBuffer_Release(&id_buffer)


def names_of(dict results not None, list streams not None) -> dict:
    """Returns results by the names of their streams, in the order of the streams."""
    cdef dict named = {}
    cdef Stream stream
    for stream in streams:
        result = results.get(stream)
        if result is not None:
            named[stream.name] = result
    return named
