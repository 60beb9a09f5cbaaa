"""Memory that a virtual machine gave back to its host, fetched again before something is timed.

A guest with "free page reporting" hands free blocks of memory to its host after some seconds. The
next process that is given such a block waits for the host: up to 2 ms for each 2 MB on the machine
of the record, where the same first call took 13 or 31 ms by chance, and that of an engine which
takes 100 MB 15 or 50 ms. Where nothing is handed back this costs 50 ms and changes nothing.
"""

from __future__ import annotations

import mmap
import sys

FETCHED_BYTES = 512 << 20
"""More than any engine takes for one call."""


def fetch_host_memory() -> None:
    """Writes to each page of new memory and frees it: what was freed last is given out first."""
    if sys.platform != "linux":
        return
    with mmap.mmap(-1, FETCHED_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.madvise(mmap.MADV_HUGEPAGE)
        for place in range(0, FETCHED_BYTES, mmap.PAGESIZE):
            memory[place] = 1
