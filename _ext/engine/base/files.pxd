# Files: mapping one into memory, and reading at a position.

from libc.stdint cimport uint64_t

cdef extern from *:
    """
    #include <errno.h>
    #include <sys/mman.h>
    #include <unistd.h>
    static void *bpecore_map_file(int descriptor, size_t size) {
        void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, descriptor, 0);
        return memory == MAP_FAILED ? NULL : memory;
    }
    #define bpecore_unmap_file(memory, size) ((void)munmap(memory, size))
    static Py_ssize_t bpecore_read_at(int descriptor, void *out, size_t size, uint64_t offset) {
        size_t done = 0;
        while (done < size) {
            ssize_t got = pread(descriptor, (char *)out + done, size - done,
                                (off_t)(offset + done));
            if (got < 0 && errno != EINTR)
                return -1;
            if (got == 0)
                break;
            if (got > 0)
                done += (size_t)got;
        }
        return (Py_ssize_t)done;
    }
    """
    # Returns the first `size` bytes of a file, read-only and shared by all processes, or NULL.
    void *map_file "bpecore_map_file" (int descriptor, size_t size) noexcept nogil
    void unmap_file "bpecore_unmap_file" (void *memory, size_t size) noexcept nogil
    # Reads at an offset; returns the number of bytes read, fewer at the file's end, or -1.
    Py_ssize_t read_at "bpecore_read_at" (
        int descriptor, void *out, size_t size, uint64_t offset) noexcept nogil
