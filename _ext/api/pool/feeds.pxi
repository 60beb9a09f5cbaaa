"""The ids and texts of many streams in one message: grouped by worker, packed, and cut apart.

This is only the work per stream and step; the rest is in `bpecore/pool/`.
"""

from cpython.array cimport array as IdArray, extend_buffer
from cpython.buffer cimport PyBuffer_Release
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint32_t

cdef extern from "Python.h":
    str PyUnicode_Substring(str text, Py_ssize_t start, Py_ssize_t end)

cdef extern from *:
    # Instead of a length: FAILED of `bpecore/pool/wire/messages.py`.
    const uint32_t NOT_FED "UINT32_MAX"


def closed_among(list streams not None) -> list:
    """Returns the streams that may no longer be fed."""
    cdef list closed = []
    cdef Stream stream
    for stream in streams:
        if not stream.is_open:
            closed.append(stream)
    return closed


def feeds_by_link(list streams not None, list counts, ids) -> dict:
    """Groups the ids for some streams by the workers that hold the streams.

    Args:
        streams: the streams.
        counts: how many ids each gets; None: one.
        ids: the ids of all streams one after the other, `uint32`.

    Returns:
        By worker, its streams, their counts and their ids, which are an `array`.

    Raises:
        ValueError: there are not as many ids as the streams get.
    """
    cdef Py_buffer buffer
    cdef size_t count = 1, start = 0
    cdef dict feeds = {}
    cdef tuple feed
    cdef Stream stream
    cdef Py_ssize_t i
    open_ids(ids, &buffer)
    try:
        for i in range(len(streams)):
            stream = streams[i]
            feed = feeds.get(stream.link)
            if feed is None:
                feed = ([], None if counts is None else [], IdArray("I"))
                feeds[stream.link] = feed
            (<list>feed[0]).append(stream)
            if counts is not None:
                count = counts[i]
                (<list>feed[1]).append(counts[i])
            check_ids(&buffer, start, count)
            extend_buffer(<IdArray>feed[2], <char *>(<uint32_t *>buffer.buf + start),
                          <Py_ssize_t>count)
            start += count
        return feeds
    finally:
        PyBuffer_Release(&buffer)


cdef int check_ids(const Py_buffer *buffer, size_t start, size_t count) except -1:
    """Raises unless a buffer has `count` ids from `start` on."""
    cdef size_t length = <size_t>buffer.len // sizeof(uint32_t)
    if count > length - start:
        raise ValueError(f"there are {length} ids, not those of all streams")
    return 0


def slots_of(list streams not None) -> bytes:
    """Returns the slots of streams as `uint32`."""
    cdef size_t size = <size_t>len(streams) * sizeof(uint32_t)
    cdef bytes packed = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>size)
    cdef uint32_t *slots = <uint32_t *>PyBytes_AS_STRING(packed)
    cdef Stream stream
    for stream in streams:
        slots[0] = stream.slot
        slots += 1
    return packed


cdef int open_lengths(lengths, list streams, Py_buffer *buffer) except -1:
    """Opens a buffer with the lengths of streams' texts; the caller releases it."""
    open_ids(lengths, buffer)
    if <size_t>buffer.len != <size_t>len(streams) * sizeof(uint32_t):
        PyBuffer_Release(buffer)
        raise ValueError(f"there are {buffer.len} bytes of lengths for {len(streams)} streams")
    return 0


def cut_texts(list streams not None, lengths, str joined not None, dict texts not None) -> None:
    """Adds the texts of streams to a dict; streams that were not fed are left out.

    Args:
        streams: the streams.
        lengths: the length of each text in characters, `uint32`.
        joined: the texts one after the other.
        texts: receives the texts by stream.
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
    """Makes streams note the ids that they took.

    Args:
        streams: the streams.
        counts: how many ids each got; None: one.
        ids: the ids of all streams one after the other, `uint32`.
        lengths: as for `cut_texts`; a stream that was not fed took no ids.

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
    """Returns results by stream name, in the order of the streams."""
    cdef dict named = {}
    cdef Stream stream
    for stream in streams:
        result = results.get(stream)
        if result is not None:
            named[stream.name] = result
    return named
