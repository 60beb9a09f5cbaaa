"""For tests: divides batches for threads as if they were long."""

from engine.encode.threads cimport SECTION_CHARACTERS, SHARE_CHARACTERS, THREAD_CHARACTERS


def set_thread_sizes(size_t section=SECTION_CHARACTERS, size_t share=SHARE_CHARACTERS,
                     size_t thread=THREAD_CHARACTERS):
    """Sets how batches are divided from now on, in all threads; by default, as usual.

    Args:
        section: characters of the sections that a text of more than two of them is cut into.
        share: characters that a thread takes at a time, at least.
        thread: characters per thread that is started.

    Raises:
        ValueError: one of them is 0.
    """
    global thread_sizes
    if not (section and share and thread):
        raise ValueError("sizes of no characters")
    thread_sizes = ThreadSizes(section, share, thread)


set_thread_sizes()
