"""The socket at which other processes connect to a process of a pool."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from typing import Any

from bpecore.pool.wire.control import Control

BACKLOG = 1024
"""Connections that may wait to be accepted."""

REFUSED_SECONDS = 0.01
"""How long to pause after a connection could not be accepted. It keeps waiting meanwhile."""


class Listener:
    """A socket that listens at a path, and that a selector watches.

    After a connection could not be accepted the socket is not watched for a moment, so that a
    process without descriptors goes on with the connections that it has.

    Args:
        address: the path.
        selector: what watches the socket.
        data: what the selector returns when there is something to accept.

    Raises:
        OSError: no socket can be made there.

    Attributes:
        due: when to call `watch_again`, in seconds of `time.monotonic`; None: no need to.
    """

    due: float | None = None

    def __init__(self, address: str, selector: selectors.BaseSelector, data: Any) -> None:
        self._selector = selector
        self._data = data
        self._socket = _listen(address)
        self._watch()

    def accept(self) -> Control | None:
        """Returns a connection; None: it is gone again, or there is no descriptor for it."""
        try:
            connection, _ = self._socket.accept()
        except OSError:
            self._selector.unregister(self._socket)
            self.due = time.monotonic() + REFUSED_SECONDS
            return None
        connection.setblocking(False)
        return Control(connection)

    def watch_again(self) -> None:
        """Watches the socket again, when it is time."""
        if self.due is not None and self.due <= time.monotonic():
            self.due = None
            self._watch()

    def _watch(self) -> None:
        self._selector.register(self._socket, selectors.EVENT_READ, self._data)

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()


def _listen(address: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise OSError(
            error.errno or errno.ENAMETOOLONG,
            f"no socket can be made at {address!r}, whose path may have 107 bytes on Linux, 103 on "
            f"macOS (TMPDIR sets where): {error.strerror or error}",
        ) from None
    return listener
