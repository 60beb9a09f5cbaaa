# Files: mapping one into memory, and reading at a position.

from libc.stdint cimport int64_t, uint64_t

cdef extern from "engine/base/platform.h" nogil:
    # Returns the first `size` bytes of a file, read-only and shared by all processes, or NULL.
    void *map_file "bpecore_map_file" (int descriptor, size_t size) noexcept
    void unmap_file "bpecore_unmap_file" (void *memory, size_t size) noexcept
    # Reads at an offset; returns the number of bytes read, fewer at the file's end, or -1.
    int64_t read_at "bpecore_read_at" (
        int descriptor, void *out, size_t size, uint64_t offset) noexcept
