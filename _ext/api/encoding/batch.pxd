cimport cython
from libc.stdint cimport uint8_t, uint32_t

from engine.base.heap cimport ByteBuffer
from engine.encode.threads cimport Job, Task, ThreadState
from engine.sink.id_buffer cimport IdBuffer
from engine.text.utf8 cimport TextView

cdef enum Results:
    LISTS     # the ids of each text
    COUNTS    # how many they are
    ROW       # the ids of all texts, one text after another


@cython.final
cdef class TextBatch:
    cdef CoreBPE core
    cdef size_t text_count
    cdef object texts          # the views borrow from them
    cdef object allowed        # masks that the job borrows
    cdef object refused
    cdef Job job
    cdef size_t task_count
    cdef size_t task_capacity
    cdef size_t *shares        # owned: [task_capacity + 1]
    cdef size_t open_characters    # of the last share
    cdef ThreadState *threads  # owned: [thread_count]
    cdef uint32_t thread_count
    cdef uint8_t *failed       # owned: one byte per text
    cdef IdBuffer row          # the ids of all texts, in order, for ROW
    cdef ByteBuffer stretch    # of UTF-8, decoded to find a border

    cdef int add_strings(self, list texts) except -1
    cdef int reserve(self, size_t count) noexcept nogil
    cdef int add_text(self, const TextView *view, size_t text) noexcept nogil
    cdef size_t _border(self, const TextView *view, size_t position, size_t limit) noexcept nogil
    cdef int _add_task(self, const TextView *view, size_t text, bint ends_text) noexcept nogil
    cdef void _close_share(self) noexcept nogil
    cdef int run(self, masks, size_t num_threads, Results wanted, size_t memory=*) except -1
    cdef size_t _expected_ids(self) noexcept nogil
    cdef int _make_row(self) except -1
    cdef int _complete_row(self) except -1
    cdef const uint32_t *ids_of(self, const Task *task)
    cdef size_t last_task(self, size_t first)
    cdef size_t _count_of(self, size_t first, size_t last) noexcept
    cdef list lists(self)
    cdef list counts(self)
    cdef bytearray offsets(self)
    cdef bint any_failed(self)
    cdef failures(self)
    cdef int move_ids(self, IdBuffer *ids) except -1
    cdef TokenBuffer take_ids(self)


cdef const uint8_t *mask_data(bytearray mask)
cdef bint mask_names_any(SpecialTokens special_tokens, bytearray mask)
