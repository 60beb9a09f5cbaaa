"""Several tokenizer processes for any number of others; docs/pool.md explains how they work.

>>> from bpecore.pool import TokenizerPool
>>> with TokenizerPool("o200k_base", processes=2) as pool, pool.client() as client:
...     client.encode("hello world")
[24912, 2375]
"""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

if importlib.util.find_spec("_posixshmem") is None:
    raise ImportError(
        "bpecore.pool needs POSIX shared memory and Unix sockets, as on Linux and macOS, which "
        f"this Python on {sys.platform} does not have; bpecore.aio encodes with threads anywhere",
        name=__name__,
    )

from bpecore.pool.client.blocking import PoolClient
from bpecore.pool.errors import (
    FeedError,
    PoolBusy,
    PoolClosedError,
    PoolError,
    RequestTooLargeError,
    StreamAlreadyOpenError,
    StreamNotOpenError,
    WorkerDiedError,
)
from bpecore.pool.metrics import PoolMetrics, WorkerMetrics
from bpecore.pool.owner.pool import TokenizerPool

if TYPE_CHECKING:
    from bpecore.pool.client.awaitable import AwaitablePoolClient as AwaitablePoolClient

__all__ = [
    "FeedError",
    "PoolBusy",
    "PoolClient",
    "PoolClosedError",
    "PoolError",
    "PoolMetrics",
    "RequestTooLargeError",
    "StreamAlreadyOpenError",
    "StreamNotOpenError",
    "TokenizerPool",
    "WorkerDiedError",
    "WorkerMetrics",
]
