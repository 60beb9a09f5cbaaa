"""`TokenizerPool`: several processes that tokenize for any number of others."""

from __future__ import annotations

import math
import multiprocessing
import os
import weakref
from multiprocessing import util
from typing import Literal

from bpecore._build.checks import check_number
from bpecore._build.threads import available_cpus
from bpecore.core import Encoding
from bpecore.pool.client.blocking import PoolClient
from bpecore.pool.client.session import PoolAddress
from bpecore.pool.metrics import PoolMetrics
from bpecore.pool.owner.supervisor import Supervisor
from bpecore.pool.owner.worker_process import refuse_while_main_is_imported
from bpecore.registry import get_encoding

RING_BYTES = (1 << 14, 1 << 32)
"""The smallest ring, and the largest in which 32 bits can count the items of a message."""

LEAST_STUCK_SECONDS = 1.0
"""Twice the longest time between two signs of life of an idle worker."""

DRAIN_SECONDS = 5.0
"""How long `close` waits for the answers of all clients by default."""


class TokenizerPool:
    """Worker processes that encode, count and decode for clients in any number of processes.

    The processes start at once, and are replaced when they die. As with any use of
    `multiprocessing`, a program makes its pool under `if __name__ == "__main__":`, because the
    processes import the program's main module.

    Args:
        encoding: what the workers work with: an encoding, or the name of one.
        processes: how many; None: one per processor that this process may use.
        max_inflight: messages of one client that may be unanswered.
        when_full: "wait": a client waits while there is no room for its request, or too many of
            its messages are unanswered. "raise": it gets `PoolBusy`.
        ring_bytes: shared memory from each client to each worker, and as much back; 16 KB to
            4 GB. A request may take half of it.
        start_method: how `multiprocessing` starts the processes.
        stuck_after: seconds after which a worker that gets nothing done is killed and replaced like
            one that has died: it is stopped, or asleep in the middle of a request. A busy worker
            may use as much processor time for one request, and a second more per 100,000 bytes of
            it; time spent waiting for a processor does not count. None: never.

    Raises:
        PoolError: a process did not start, or is importing the main module itself.
        OSError: there is no shared memory, process or descriptor.
        TypeError: `encoding` is neither, or a number is not an int.
        ValueError: there is no encoding of that name, a number is too small or too large, or a
            choice is unknown.

    Example:
        >>> with TokenizerPool("o200k_base", processes=1) as pool, pool.client() as client:
        ...     client.encode_batch(["hello world", "hello"])
        [[24912, 2375], [24912]]
    """

    def __init__(
        self,
        encoding: Encoding | str,
        *,
        processes: int | None = None,
        max_inflight: int = 256,
        when_full: Literal["wait", "raise"] = "wait",
        ring_bytes: int = 1 << 21,
        start_method: Literal["spawn", "forkserver"] = "spawn",
        stuck_after: float | None = 5.0,
    ) -> None:
        refuse_while_main_is_imported()
        if isinstance(encoding, str):
            encoding = get_encoding(encoding)
        if not isinstance(encoding, Encoding):
            raise TypeError(f"expected an Encoding or its name, got {type(encoding).__name__}")
        if processes is None:
            processes = available_cpus()
        processes = check_number("processes", processes, 1)
        max_inflight = check_number("max_inflight", max_inflight, 1)
        ring_bytes = check_number("ring_bytes", ring_bytes, *RING_BYTES)
        if start_method not in ("spawn", "forkserver"):
            raise ValueError(f'start_method must be "spawn" or "forkserver", not {start_method!r}')
        _check_seconds(stuck_after)
        self._description = f"TokenizerPool of {encoding!r}, processes={processes}"
        self._highest_id = encoding.max_token_value
        self._raise_if_full = _is_raise(when_full)
        self._max_inflight = max_inflight
        self._ring_bytes = -(-ring_bytes // 8) * 8
        context = multiprocessing.get_context(start_method)
        self._supervisor = Supervisor(encoding, processes, context, stuck_after)
        # At exit `multiprocessing` ends all processes, which would count as deaths. It runs this
        # first, also in its own children, where `atexit` functions do not run.
        self._at_exit = util.Finalize(None, self._supervisor.close, args=(0.0,), exitpriority=100)
        self._finalizer = weakref.finalize(self, _end, self._supervisor, self._at_exit)
        self._finalizer.atexit = False
        _pools.add(self)

    def __repr__(self) -> str:
        return f"<{self._description}{'' if self._finalizer.alive else ', closed'}>"

    def __enter__(self) -> TokenizerPool:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def client(self, *, when_full: Literal["wait", "raise"] | None = None) -> PoolClient:
        """Returns a new client, which may be passed to another process.

        Args:
            when_full: as for the pool; None: the pool's own choice.

        Raises:
            ValueError: `when_full` is neither.
        """
        return PoolClient(
            PoolAddress(
                self._supervisor.folder,
                self._supervisor.token,
                self._ring_bytes,
                self._max_inflight,
                self._raise_if_full if when_full is None else _is_raise(when_full),
                self._highest_id,
            )
        )

    def metrics(self) -> PoolMetrics:
        """Returns what the workers have done, as plain numbers."""
        return self._supervisor.metrics()

    def close(self, timeout: float = DRAIN_SECONDS) -> None:
        """Refuses new requests, waits for the answers to the others, and ends the workers.

        Args:
            timeout: the most seconds to wait for answers. Requests that are unanswered then fail
                with `PoolClosedError`.

        Raises:
            TypeError: `timeout` is not a number.
            ValueError: it is below 0, or no number at all (`nan`).
        """
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
            raise TypeError(f"timeout must be a number, not {type(timeout).__name__}")
        if not timeout >= 0:
            raise ValueError(f"timeout must be at least 0 seconds, not {timeout}")
        self._finalizer.detach()
        self._at_exit.cancel()
        self._supervisor.close(timeout)


def _end(supervisor: Supervisor, at_exit: util.Finalize) -> None:
    at_exit.cancel()
    supervisor.close(0.0)


def _is_raise(when_full: str) -> bool:
    if when_full not in ("wait", "raise"):
        raise ValueError(f'when_full must be "wait" or "raise", not {when_full!r}')
    return when_full == "raise"


def _check_seconds(stuck_after: float | None) -> None:
    if stuck_after is None:
        return
    if isinstance(stuck_after, bool) or not isinstance(stuck_after, (int, float)):
        raise TypeError(f"stuck_after must be a number, not {type(stuck_after).__name__}")
    if not LEAST_STUCK_SECONDS <= stuck_after < math.inf:
        raise ValueError(
            f"stuck_after must be at least {LEAST_STUCK_SECONDS} seconds, or None, "
            f"not {stuck_after}"
        )


_pools: weakref.WeakSet[TokenizerPool] = weakref.WeakSet()


def _forget_pools() -> None:
    for pool in list(_pools):
        pool._finalizer.detach()
        pool._supervisor.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pools)
