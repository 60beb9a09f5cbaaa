# Words of 64 bits shared by two processes, each written by one of them.
#
# A reader also sees everything that the writer wrote before the word, such as a message in a ring.
# Python alone cannot guarantee this: the interpreter's stores are plain ones, which a processor may
# delay or reorder.
#
# `store_word` and `load_word` besides happen in one order: if two processes each store a word and
# then load the other's, at least one sees what the other stored. What only informs is written and
# read by `publish_word` and `read_word`, without this.

from libc.stdint cimport uint64_t

cdef extern from "engine/base/platform.h" nogil:
    uint64_t load_word "bpecore_load_ordered" (const uint64_t *place) noexcept
    void store_word "bpecore_store_ordered" (uint64_t *place, uint64_t value) noexcept
    uint64_t read_word "bpecore_load_acquire" (const uint64_t *place) noexcept
    void publish_word "bpecore_store_release" (uint64_t *place, uint64_t value) noexcept
