cdef struct ThreadSizes:
    size_t section    # characters of the sections of a long text
    size_t share      # characters that a thread takes at a time, at least
    size_t thread     # characters per thread that is started
    size_t batch      # bytes of text in an array of a stream, about

cdef ThreadSizes thread_sizes    # how batches are divided from now on
