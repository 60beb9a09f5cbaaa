"""`PoolClient`: what a process asks a pool with; it can be passed to other processes."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Hashable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from bpecore.pool.client.calls import BlockingWaiter, Form, Reply, StatelessCall
from bpecore.pool.client.connection import Connection
from bpecore.pool.client.requests import (
    ARRAYS,
    COUNTS,
    LISTS,
    arrays_of,
    count_of,
    decode_call,
    lists_of,
    single_text_of,
    text_calls,
    text_of,
    texts_of,
)
from bpecore.pool.client.streams import Feeds
from bpecore.pool.errors import PoolBusy
from bpecore.pool.wire.messages import CLOSE, FEED, Disallowed, Special

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from bpecore.pool.client.awaitable import AwaitablePoolClient

    Ids = Union[Sequence[int], npt.NDArray[np.integer]]


FULL = "the pool is busy: there is no room for the request"


class PoolAddress(NamedTuple):
    """Where a pool is, and how its clients behave; what a client is pickled as.

    Attributes:
        folder: where the pool's sockets are.
        token: the pool's secret.
        ring_bytes: the size of each ring.
        max_inflight: messages of one client that may be unanswered.
        raise_if_full: whether a client that finds no room raises `PoolBusy` instead of waiting.
    """

    folder: str
    token: str
    ring_bytes: int
    max_inflight: int
    raise_if_full: bool


class PoolClient:
    """Asks the workers of a `TokenizerPool`; made by its method `client`.

    A client may be pickled, or passed to another process: what comes out there is a client of its
    own, connected at its first use. In a child of a fork it connects anew as well. Any number of
    threads may use one client. Streams belong to the client that opened them.

    All methods block; `awaitable` has the same for event loops. The first call connects, and may
    raise what `connect` does.

    Example:
        >>> from bpecore.pool import TokenizerPool
        >>> with TokenizerPool("o200k_base", processes=1) as pool, pool.client() as client:
        ...     client.encode("hello world"), client.count("hello"), client.decode([24912])
        ...     client.open_stream("request 1")
        ...     client.feed("request 1", 24912), client.feed("request 1", [2375])
        ...     client.close("request 1")
        ([24912, 2375], 1, 'hello')
        ('hello', ' world')
        ''
    """

    def __init__(self, address: PoolAddress) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._finalizer: Any = None
        self._awaitable: AwaitablePoolClient | None = None
        _clients.add(self)

    def __getstate__(self) -> PoolAddress:
        return self._address

    def __setstate__(self, address: PoolAddress) -> None:
        self.__init__(address)  # type: ignore[misc]

    def __enter__(self) -> PoolClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.disconnect()

    @property
    def awaitable(self) -> AwaitablePoolClient:
        """The same client for event loops, asyncio's and trio's. Needs the extra `aio`."""
        if self._awaitable is None:
            from bpecore.pool.client.awaitable import AwaitablePoolClient

            self._awaitable = AwaitablePoolClient(self)
        return self._awaitable

    def connect(self) -> None:
        """Connects now, not at the first use: that takes some milliseconds.

        Raises:
            PoolClosedError: there is no pool any more.
            OSError: there is no room for the shared memory.
        """
        self._connected()

    def disconnect(self) -> None:
        """Frees the streams and memory of this client; what is unanswered fails.

        A later use connects anew.
        """
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            self._finalizer.detach()
            connection.close()

    def is_connected(self) -> bool:
        """Returns whether this process has connected."""
        connection = self._connection
        return connection is not None and connection.process == os.getpid()

    def _connected(self) -> Connection:
        connection = self._connection
        if connection is not None and connection.process == os.getpid():
            return connection
        with self._lock:
            if self._connection is None or self._connection.process != os.getpid():
                address = self._address
                connection = Connection(
                    address.folder, address.token, address.ring_bytes, address.max_inflight
                )
                # First: after a fork in between the child frees what it finds here.
                self._finalizer = weakref.finalize(self, connection.close)
                self._connection = connection
            return self._connection

    # ---- texts ------------------------------------------------------------------------------

    def encode(
        self,
        text: str,
        *,
        allowed_special: Special = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> list[int]:
        """Returns the ids of a text, as `Encoding.encode` does.

        Args:
            text: any text.
            allowed_special: special tokens that become their ids; "all" or a set.
            disallowed_special: special tokens that the text may not hold; "all" or a collection.

        Raises:
            ValueError: the text holds a disallowed special token.
            TypeError: an argument is of another type.
            RequestTooLargeError: the text does not fit into the ring.
            PoolBusy: there is no room, and the client is to say so.
            PoolClosedError: the pool is closed.
        """
        return self.encode_batch(
            [text], allowed_special=allowed_special, disallowed_special=disallowed_special
        )[0]

    def encode_batch(
        self,
        texts: Iterable[str],
        *,
        allowed_special: Special = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> list[list[int]]:
        """Returns the ids of many texts, which all workers encode together.

        The arguments and exceptions are those of `encode`.
        """
        reply = self._ask_texts(LISTS, texts, allowed_special, disallowed_special)
        return lists_of(reply)

    def encode_to_numpy(
        self,
        text: str,
        *,
        allowed_special: Special = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> npt.NDArray[np.uint32]:
        """Returns the ids of a text, `uint32[n]`, read-only, as `Encoding.encode_to_numpy` does.

        The arguments and exceptions are those of `encode`; and:

        Raises:
            UnicodeEncodeError: the text holds a surrogate.
        """
        return self.encode_batch_to_numpy(
            [text], allowed_special=allowed_special, disallowed_special=disallowed_special
        )[0]

    def encode_batch_to_numpy(
        self,
        texts: Iterable[str],
        *,
        allowed_special: Special = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Returns the ids of many texts in one array, which all workers encode together.

        This asks less than half as much of the client's process as the lists of `encode_batch`.
        The arguments and exceptions are those of `encode_to_numpy`.

        Returns:
            The ids of all texts behind each other, `uint32[n]`, read-only; and where those of each
            text begin, `int64[texts + 1]`: text `i` has `ids[offsets[i]:offsets[i + 1]]`.

        Example:
            >>> from bpecore.pool import TokenizerPool
            >>> with TokenizerPool("o200k_base", processes=1) as pool, pool.client() as client:
            ...     ids, offsets = client.encode_batch_to_numpy(["hello world", "hello"])
            >>> ids.tolist(), offsets.tolist()
            ([24912, 2375, 24912], [0, 2, 3])
        """
        import numpy  # noqa: F401  # before the thread that reads the answers would

        reply = self._ask_texts(ARRAYS, texts, allowed_special, disallowed_special)
        return arrays_of(reply)

    def count(
        self,
        text: str,
        *,
        allowed_special: Special = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> int:
        """Returns how many tokens a text has; arguments and exceptions are those of `encode`."""
        reply = self._ask_texts(COUNTS, [text], allowed_special, disallowed_special)
        return count_of(reply)

    def decode(self, ids: Ids, errors: str = "replace") -> str:
        """Returns the text of ids, as `Encoding.decode` does.

        Args:
            ids: any sequence of ids.
            errors: what to do where the bytes are no valid UTF-8, as in `bytes.decode`.

        Raises:
            KeyError: an id is unknown.
            UnicodeDecodeError: the bytes are invalid and `errors` is "strict".
            OverflowError: an id is negative or above 2**32 - 1.
            TypeError: an argument is of another type.
            RequestTooLargeError: the ids do not fit into the ring.
            PoolBusy: there is no room, and the client is to say so.
            PoolClosedError: the pool is closed.
        """
        connection = self._connected()
        waiter = BlockingWaiter()
        reply = Reply(waiter)
        self._ask([decode_call(ids, errors, connection.largest, reply)], connection, reply, waiter)
        return text_of(reply)

    def _ask_texts(
        self, form: Form, texts: Iterable[str], allowed: Special, disallowed: Disallowed
    ) -> Reply:
        connection = self._connected()
        waiter = BlockingWaiter()
        reply = Reply(waiter)
        calls = text_calls(form, texts, allowed, disallowed, connection.largest, reply)
        if calls:
            self._ask(calls, connection, reply, waiter)
        return reply

    def _ask(
        self,
        calls: list[StatelessCall],
        connection: Connection,
        reply: Reply,
        waiter: BlockingWaiter,
    ) -> None:
        """Has calls sent, and waits for all answers."""
        try:
            self.send(calls, connection)
            waiter.wait()
        except BaseException:  # Ctrl-C
            connection.give_up(reply)
            raise

    def send(self, calls: list[StatelessCall], connection: Connection) -> None:
        """Has calls sent, or raises `PoolBusy`; for the awaitable form."""
        if not connection.ask(calls, is_patient=not self._address.raise_if_full):
            raise PoolBusy(FULL)

    def check_full(self) -> None:
        """Raises `PoolBusy`, unless the client is to wait for room."""
        if self._address.raise_if_full:
            raise PoolBusy(FULL)

    # ---- streams ----------------------------------------------------------------------------

    def open_stream(self, request_id: Hashable) -> None:
        """Opens a stream: ids that come one after the other and become text.

        Args:
            request_id: its name, of the caller's choice.

        Raises:
            StreamNotOpenError: there is an open stream of that name already.
            PoolClosedError: the pool is closed.
        """
        self._connected().open_stream(request_id)

    def feed(self, request_id: Hashable, ids: int | Ids) -> str:
        """Takes the next ids of a stream.

        All texts of a stream are together `Encoding.decode` of all its ids: a character that is
        not complete is held back.

        Args:
            request_id: the stream.
            ids: an id or a sequence of ids.

        Returns:
            The new text, which may be empty.

        Raises:
            StreamNotOpenError: there is no such stream.
            KeyError: an id is unknown; none is taken then.
            OverflowError: an id is negative or above 2**32 - 1.
            TypeError: an id is no integer.
            RequestTooLargeError: the ids do not fit into the ring.
            PoolBusy: there is no room, and the client is to say so.
            PoolClosedError: the pool is closed.
        """
        reply, parts = self._feed({request_id: ids})
        return single_text_of(reply, parts[0].streams[0])

    def feed_many(self, ids: Mapping[Any, int | Ids]) -> dict[Any, str]:
        """Takes the next ids of many streams, with one message to each worker.

        Args:
            ids: for each stream an id or a sequence of ids.

        Returns:
            The new text of each stream.

        Raises:
            FeedError: some streams were not fed, an id being unknown; it has the other texts.
            StreamNotOpenError: and the others as for `feed`; then no stream is fed.
        """
        return texts_of(*self._feed(ids))

    def close(self, request_id: Hashable) -> str:
        """Ends a stream. This waits for room even in a client that else raises `PoolBusy`.

        Returns:
            What is left: U+FFFD for an incomplete character at the end, else nothing.

        Raises:
            StreamNotOpenError: there is no such stream.
            PoolClosedError: the pool is closed.
        """
        return self.close_many([request_id])[request_id]

    def close_many(self, request_ids: Iterable[Any]) -> dict[Any, str]:
        """Ends many streams, as `close` does one.

        Returns:
            What is left of each stream.
        """
        connection = self._connected()
        parts = connection.closing(request_ids)
        return texts_of(self._send_feeds(connection, CLOSE, parts), parts)

    def _feed(self, ids: Mapping[Any, int | Ids]) -> tuple[Reply, list[Feeds]]:
        connection = self._connected()
        parts = connection.feeds_of(ids.keys(), ids.values())
        return self._send_feeds(connection, FEED, parts), parts

    def _send_feeds(self, connection: Connection, kind: int, parts: list[Feeds]) -> Reply:
        waiter = BlockingWaiter()
        # One more than the calls, so that it does not end before all are sent.
        reply = Reply(waiter, 1)
        for place, feeds in enumerate(parts):
            while len(feeds) and not connection.try_streams(kind, feeds, reply):
                if place == 0 and kind == FEED:
                    self.check_full()
                _wait_for_room(connection)
        reply.answered()
        waiter.wait()
        return reply


def _wait_for_room(connection: Connection) -> None:
    waiter = BlockingWaiter()
    connection.wait_for_room(waiter)
    waiter.wait()


_clients: weakref.WeakSet[PoolClient] = weakref.WeakSet()


def _forget_connections() -> None:
    for client in list(_clients):
        client._lock = threading.Lock()
        if client._connection is not None:
            client._finalizer.detach()
            client._connection.forget()
            client._connection = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)
