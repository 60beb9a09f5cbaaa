"""Rare and small messages between processes of a pool: JSON, a line each, over Unix sockets."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import Any

Message = dict[str, Any]


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
            timeout: seconds, of this and of each later call.

        Raises:
            OSError: nobody listens there.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.connect(address)
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    def fileno(self) -> int:
        """Returns the socket's descriptor, for a selector."""
        return self._connection.fileno()

    def send(self, **message: Any) -> None:
        """Sends a message; if the other end is gone, `receive` will tell."""
        with suppress(OSError):
            self._connection.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> list[Message] | None:
        """Waits for bytes, and returns the messages that are complete; None: the end."""
        try:
            data = self._connection.recv(65536)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def receive_one(self) -> Message | None:
        """Waits for one message; None: the end, or it took too long."""
        messages: list[Message] | None = []
        while messages == []:
            messages = self.receive()
        return messages[0] if messages else None

    def detach(self) -> socket.socket:
        """Returns the socket, which from now on belongs to the caller."""
        return self._connection

    def close(self) -> None:
        """Closes the socket."""
        self._connection.close()


def listen(address: str) -> socket.socket:
    """Returns a socket that listens at a path, and does not block."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(address)
        listener.listen(128)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener
