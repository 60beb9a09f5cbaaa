"""For tests: divides batches for threads as if they were long."""

from engine.encode.threads cimport SECTION_CHARACTERS, SHARE_CHARACTERS, THREAD_CHARACTERS

cdef enum:
    STREAM_BATCH = 1 << 25    # so that results are a few times the size of the processor's caches


def set_thread_sizes(size_t section=SECTION_CHARACTERS, size_t share=SHARE_CHARACTERS,
                     size_t thread=THREAD_CHARACTERS, size_t batch=STREAM_BATCH):
    """Sets how batches are divided from now on, in all threads; by default, as usual.

    Args:
        section: characters of the sections that a text of more than two of them is cut into.
        share: characters that a thread takes at a time, at least.
        thread: characters per thread that is started.
        batch: bytes of text in an array of a stream of Arrow arrays, about.

    Raises:
        ValueError: one of them is 0.
    """
    global thread_sizes
    if not (section and share and thread and batch):
        raise ValueError("sizes of no characters")
    thread_sizes = ThreadSizes(section, share, thread, batch)


set_thread_sizes()
