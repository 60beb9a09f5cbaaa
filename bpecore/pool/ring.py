"""A ring of messages in shared memory, with one process that writes and one that reads.

    data:  │ length │ message … │ length │ message … │ wrap │ unused │
    words:   head = bytes that were read, tail = bytes that were written; both only grow

No lock: a process that is killed cannot leave one held. Each word has one writer.

Memory ordering. The writer copies a message into the ring and then stores the tail, which releases
it; the reader's load of the tail acquires it. So a reader that sees a tail sees all bytes before
it. The reader stores the head when it is done with a message; the writer loads it before it uses
the room again. So the reader's last look at a message comes before the writer's first byte over it.
Nothing else is shared. `SharedWords` has the atomic loads and stores. What is stale is stale to the
safe side: an old tail hides a message for a moment, an old head hides room.

A writer that dies in the middle of a message has not stored the tail: nobody sees it.

Who wakes whom. The reader looks at the tail again whenever it has given room back, and sleeps only
if nothing is there. So the writer need not wake a reader that has not given back all that stands
before a message: each stores its own word and then loads the other's, in one order for both, so at
least one of the two sees what the other has stored (`must_wake`). A batch costs few system calls
then.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Union

from bpecore._core import PackedTexts, SharedWords

Bytes = Union[bytes, bytearray, memoryview]
Part = Union[Bytes, PackedTexts]

LENGTH = struct.Struct("<q")
WRAP = -1
"""In the place of a length: the next message stands at the beginning of the ring."""


def _space_of(length: int) -> int:
    """Returns what a message takes: its length before it, and padded to 8 bytes."""
    return LENGTH.size + (length + 7 & ~7)


class RingWriter:
    """The end that writes.

    Args:
        words: the words of the segment.
        head: the place of the word that the reader writes.
        tail: the place of the word that this end writes.
        data: the ring's memory, a multiple of 8 bytes.

    Attributes:
        largest: bytes of the largest message that fits whatever stands in the ring before it.
    """

    def __init__(self, words: SharedWords, head: int, tail: int, data: memoryview) -> None:
        self._words = words
        self._head_place = head
        self._tail_place = tail
        self._data = data
        self._size = len(data)
        self._head = words.load(head)
        self._tail = words.load(tail)
        self._first_untold: int | None = None
        self.largest = self._size // 2 - LENGTH.size

    def has_room(self, length: int) -> bool:
        """Returns whether a message of so many bytes can be written now."""
        return self._skip(_space_of(length)) >= 0

    def _skip(self, space: int) -> int:
        """Returns how many bytes to leave unused for a message to stand in one piece; -1: full."""
        to_end = self._size - self._tail % self._size
        skip = 0 if space <= to_end else to_end
        end = self._tail + skip + space
        if end - self._head > self._size:
            self._head = self._words.load(self._head_place)
            if end - self._head > self._size:
                return -1
        return skip

    def write(self, parts: Sequence[Part], length: int) -> bool:
        """Writes a message.

        Args:
            parts: its bytes, in pieces.
            length: of all of them, at most `largest`.

        Returns:
            Whether there was room.
        """
        space = _space_of(length)
        skip = self._skip(space)
        if skip < 0:
            return False
        data = self._data
        place = self._tail % self._size
        if skip:
            LENGTH.pack_into(data, place, WRAP)
            place = 0
        LENGTH.pack_into(data, place, length)
        place += LENGTH.size
        for part in parts:
            end = place + len(part)
            if isinstance(part, PackedTexts):
                part.copy_to(data, place)
            else:
                data[place:end] = part
            place = end
        if self._first_untold is None:
            self._first_untold = self._tail
        self._tail += skip + space
        self._words.store(self._tail_place, self._tail)
        return True

    def must_wake(self) -> bool:
        """Returns whether the reader may sleep without having seen what was written.

        A second time, with nothing written in between, it is False.
        """
        first, self._first_untold = self._first_untold, None
        return first is not None and self._words.load(self._head_place) >= first


class RingReader:
    """The end that reads; the arguments are those of `RingWriter`, from the other side.

    Attributes:
        cursor: bytes that stand before the next message, since the ring exists.
    """

    def __init__(self, words: SharedWords, head: int, tail: int, data: memoryview) -> None:
        self._words = words
        self._head_place = head
        self._tail_place = tail
        self._data = data
        self._size = len(data)
        self._head = words.load(head)
        self._tail = words.load(tail)
        self.cursor = self._head

    def read(self) -> memoryview | None:
        """Returns the next message, None if there is none.

        It stands in the ring until `release` gives its room back; then the view must not be used
        any more.
        """
        if self.cursor == self._tail:
            self._tail = self._words.load(self._tail_place)
            if self.cursor == self._tail:
                return None
        place = self.cursor % self._size
        (length,) = LENGTH.unpack_from(self._data, place)
        skip = 0
        if length == WRAP:
            skip = self._size - place
            place = 0
            (length,) = LENGTH.unpack_from(self._data, place)
        self.cursor += skip + _space_of(length)
        place += LENGTH.size
        return self._data[place : place + length]

    def release(self, end: int) -> None:
        """Gives room back to the writer.

        Args:
            end: a value that `cursor` had; the messages before it are done with.
        """
        if end != self._head:
            self._head = end
            self._words.store(self._head_place, end)
