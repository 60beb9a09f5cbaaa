"""How large piece caches may be in this process: the environment variable BPECORE_CACHE_MB."""

import os

from engine.cache.cache cimport size_within

cdef enum:
    KEPT_MEMORY = 8_000_000       # bytes of a thread's cache, usually
    LARGE_MEMORY = 32_000_000     # in a call that has much to do


cdef int read_cache_limits() except -1:
    """Reads the variable.

    Raises:
        ValueError: it is not a whole number of MB, 1 or more.
    """
    value = os.environ.get("BPECORE_CACHE_MB") or None
    cache_limits.kept = size_within(KEPT_MEMORY)
    cache_limits.large = size_within(LARGE_MEMORY)
    if value is not None:
        if not (value.isascii() and value.isdigit()) or int(value) == 0:
            raise ValueError(
                f"BPECORE_CACHE_MB must be a whole number of MB, 1 or more, not {value!r:.80}")
        cache_limits.kept = size_within(min(int(value), 1_000_000) * 1_000_000)
        cache_limits.large = cache_limits.kept
    return 0


read_cache_limits()
