"""`SlotDecoders`: the state of one client's streams in a worker of a pool."""

cimport cython
from cpython.buffer cimport PyBuffer_Release
from cpython.list cimport PyList_New
from libc.stdint cimport uint32_t
from libc.string cimport memset

from engine.base.heap cimport grow, release
from engine.base.types cimport STATUS_OK

cdef enum:
    SLOT_LIMIT = 1 << 24     # clients number their slots from 0 and reuse them

cdef struct Slot:
    PendingBytes pending
    bint is_open             # whether a stream has the slot


@cython.final
cdef class SlotDecoders(TextOfIds):
    """SlotDecoders(encoding)
--

    Decodes many sequences of ids, each in a slot of its own. The first feed of a slot begins one.

    Each is decoded as by a `StreamDecoder` of its own. But a stream takes 12 bytes here, not an
    object, so the state of all streams stays in the CPU's cache. Not for several threads at once.

    Args:
        encoding: a `bpecore.Encoding`, which is checked by the first feed.
    """

    cdef Slot *slots         # owned: [capacity]
    cdef size_t capacity
    cdef size_t open_slots

    def __cinit__(self, encoding):
        self.encoding = encoding

    def __dealloc__(self):
        release(self.slots)

    def __len__(self) -> int:
        """Returns how many slots have a stream."""
        return self.open_slots

    def clear(self) -> None:
        """Frees all slots."""
        release(self.slots)
        self.slots = NULL
        self.capacity = self.open_slots = 0

    def feed(self, size_t slot, ids) -> str:
        """Takes one or several ids; returns and raises what `StreamDecoder.feed` does."""
        self._begin()
        return self._decode_object(ids, self._open_slot(slot))

    def feed_each(self, numbers):
        """Takes one id for each of several slots.

        Args:
            numbers: all slots, then all ids, `uint32`.

        Returns:
            The texts; None, and no id is taken, if an id is unknown.

        Raises:
            ValueError: a slot is above what clients use.
        """
        cdef Py_buffer buffer
        cdef const uint32_t *slots
        cdef const uint32_t *ids
        cdef list texts
        cdef size_t count, i
        self._begin()
        open_ids(numbers, &buffer)
        try:
            count = <size_t>buffer.len // (2 * sizeof(uint32_t))
            slots = <const uint32_t *>buffer.buf
            ids = slots + count
            for i in range(count):
                if self._bytes_of(ids[i]).data == NULL:
                    return None
                self._open_slot(slots[i])
            texts = PyList_New(<Py_ssize_t>count)
            for i in range(count):
                put(texts, i, self._decode_one(ids[i], &self.slots[slots[i]].pending))
            return texts
        finally:
            PyBuffer_Release(&buffer)

    def end(self, size_t slot) -> str:
        """Frees a slot; returns the rest of its stream's text, empty if it was never fed."""
        cdef Slot *freed
        cdef str rest
        if slot >= self.capacity or not self.slots[slot].is_open:
            return ""
        freed = &self.slots[slot]
        rest = self._decode_rest(&freed.pending)
        memset(freed, 0, sizeof(Slot))
        self.open_slots -= 1
        return rest

    cdef int _begin(self) except -1:
        if self.core is None:
            self._open(self.encoding, "replace")
        return 0

    cdef PendingBytes *_open_slot(self, size_t slot) except NULL:
        """Opens a slot if it is free; returns the pending bytes of its stream."""
        if slot >= self.capacity:
            self._make_room(slot)
        if not self.slots[slot].is_open:
            self.slots[slot].is_open = True
            self.open_slots += 1
        return &self.slots[slot].pending

    cdef int _make_room(self, size_t slot) except -1:
        cdef size_t capacity = max(slot + 1, 2 * self.capacity)
        if slot >= SLOT_LIMIT:
            raise ValueError(f"there is no slot {slot}: {SLOT_LIMIT} at most")
        if grow(<void **>&self.slots, capacity * sizeof(Slot)) != STATUS_OK:
            raise MemoryError(f"no memory for {capacity} streams")
        memset(self.slots + self.capacity, 0, (capacity - self.capacity) * sizeof(Slot))
        self.capacity = capacity
        return 0
