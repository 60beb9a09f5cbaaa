"""Rare, small messages between the processes of a pool: lines of JSON over Unix sockets."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress
from typing import Any

Message = dict[str, Any]

NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
"""A flag of `send`: if the other end is gone, `send` raises instead of causing a SIGPIPE."""

LONGEST_MESSAGE = 1 << 20
"""The most bytes of a message; a process that sends more is not part of a pool."""


class Control:
    """One end of a connection.

    Args:
        connection: a connected socket; closed with this.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._rest = b""

    @classmethod
    def connect(cls, address: str, timeout: float) -> Control:
        """Connects to a listening socket.

        Args:
            address: its path.
            timeout: seconds, for this and for each later call.

        Raises:
            OSError: nothing listens there.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            _connect(connection, address, time.monotonic() + timeout)
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    def fileno(self) -> int:
        """Returns the socket's descriptor, for a selector."""
        return self._connection.fileno()

    def send(self, **message: Any) -> None:
        """Sends a message; if the other end is gone, `receive` will say so."""
        with suppress(OSError):
            self._connection.sendall(json.dumps(message).encode() + b"\n", NO_SIGNAL)

    def receive(self) -> list[Message] | None:
        """Waits for bytes, and returns the messages that are complete; None: the connection has
        ended, or what came is not a message."""
        try:
            data = self._connection.recv(65536)
        except BlockingIOError:
            return []
        except OSError:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data or len(self._rest) > LONGEST_MESSAGE:
            return None
        try:
            messages = [json.loads(line) for line in lines]
        except ValueError:
            return None
        return messages if all(isinstance(message, dict) for message in messages) else None

    def detach(self) -> socket.socket:
        """Returns the socket, which then belongs to the caller."""
        return self._connection

    def close(self) -> None:
        """Closes the socket."""
        self._connection.close()


def _connect(connection: socket.socket, address: str, deadline: float) -> None:
    """Connects, once the listener's queue has room."""
    while True:
        try:
            connection.connect(address)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.002)
        else:
            return


def is_dead(address: str) -> bool:
    """Returns whether there is a socket at a path that nobody listens at any more."""
    try:
        Control.connect(address, 1.0).close()
    except ConnectionRefusedError:
        return True
    except OSError:  # it is starting or ending, or is another user's
        return False
    return False
