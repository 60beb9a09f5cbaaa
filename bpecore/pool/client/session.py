"""What a pool's client keeps, whether its methods block or are awaited: address and connection."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from bpecore._core import locked
from bpecore.pool.client.calls import StatelessCall
from bpecore.pool.client.connection import Connection
from bpecore.pool.errors import PoolBusy

if TYPE_CHECKING:
    import numpy.typing as npt

    from bpecore._arrays import ArrayForm

FULL = "the pool is busy: there is no room for the request"


class PoolAddress(NamedTuple):
    """Where a pool is, and how its clients behave; a client is pickled as this.

    Attributes:
        folder: where the pool's sockets are.
        token: the pool's secret.
        ring_bytes: the size of each ring.
        max_inflight: messages of one client that may be unanswered.
        raise_if_full: whether a client that finds no room raises `PoolBusy` instead of waiting.
        highest_id: the highest id of the pool's encoding.
    """

    folder: str
    token: str
    ring_bytes: int
    max_inflight: int
    raise_if_full: bool
    highest_id: int


class Session:
    """Connects at the first use, and again after a fork or a `disconnect`.

    Args:
        address: the pool's.
    """

    def __init__(self, address: PoolAddress) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._finalizer: Any = None
        _sessions.add(self)

    def is_connected(self) -> bool:
        """Returns whether this process has connected."""
        return self._connection is not None and self._connection.is_usable

    def connected(self) -> Connection:
        """Returns the connection; connects if there is none.

        Raises:
            PoolClosedError: the pool no longer exists.
            OSError: there is no room for the shared memory.
        """
        connection = self._connection
        return connection if connection is not None and connection.is_usable else self._connect()

    @locked
    def _connect(self) -> Connection:
        if self._connection is not None and self._connection.is_usable:
            return self._connection
        connection = Connection(*self.address[:4])
        # First: after a fork in between the child frees what it finds here.
        self._finalizer = weakref.finalize(self, connection.close)
        self._connection = connection
        return connection

    @locked
    def disconnect(self) -> None:
        """Closes the connection. If a signal handler raises meanwhile, it may be repeated."""
        if self._connection is not None:
            self._connection.close()
            self._finalizer.detach()
            self._connection = None

    def send(self, calls: list[StatelessCall], connection: Connection) -> None:
        """Sends calls, or raises `PoolBusy`."""
        if not connection.send_path.ask(calls, not self.address.raise_if_full):
            raise PoolBusy(FULL)

    def array_form(
        self, dtype: npt.DTypeLike | None, append: int | None, out: npt.NDArray[Any] | None
    ) -> ArrayForm:
        """Checks the arguments of a method that encodes to arrays; imports numpy."""
        from bpecore._arrays import ArrayForm

        return ArrayForm(self.address.highest_id, dtype, append, out)

    def check_full(self) -> None:
        """Raises `PoolBusy`, unless the client waits for room."""
        if self.address.raise_if_full:
            raise PoolBusy(FULL)

    def forget(self) -> None:
        """In a child of a fork: closes the copies of the parent's descriptors."""
        self._lock = threading.Lock()
        if self._connection is not None:
            self._finalizer.detach()
            self._connection.forget()
            self._connection = None


_sessions: weakref.WeakSet[Session] = weakref.WeakSet()


def _forget_connections() -> None:
    for session in list(_sessions):
        session.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)
