"""`PoolClient`: sends a process's requests to a pool; it can be passed to other processes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bpecore.pool.client.calls import BlockingWaiter, Form, Reply, StatelessCall
from bpecore.pool.client.connection import Connection
from bpecore.pool.client.requests import (
    ARRAY,
    ARRAYS,
    LIST,
    LISTS,
    NUMBER,
    NUMBERS,
    TEXT,
    Decoding,
    decode_call,
    result_of,
    single_text_of,
    text_calls,
    texts_of,
)
from bpecore.pool.client.session import PoolAddress, Session
from bpecore.pool.client.streams import Feeds, names_and_ids
from bpecore.pool.wire.messages import CLOSE, FEED, pack_options

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from bpecore.pool.client.awaitable import AwaitablePoolClient
    from bpecore.types import Allowed, Disallowed, Ids, Unknown


class PoolClient:
    """Asks the workers of a `TokenizerPool`; made by its method `client`.

    A client may be pickled or passed to another process. There it is a separate client, which
    connects at its first use; so does one in a child of a fork. Any number of threads may use one
    client. Streams belong to the client that opened them.

    All methods block; `awaitable` has the same ones for event loops. The first call connects, and
    may raise what `connect` raises.

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
        self._session = Session(address)
        self._awaitable: AwaitablePoolClient | None = None

    def __getstate__(self) -> PoolAddress:
        return self._session.address

    def __setstate__(self, address: PoolAddress) -> None:
        self.__init__(address)  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"<PoolClient, {'connected' if self.is_connected() else 'not connected'}>"

    def __enter__(self) -> PoolClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.disconnect()

    @property
    def awaitable(self) -> AwaitablePoolClient:
        """The same client for event loops, asyncio's and trio's. Needs the extra `aio`."""
        if self._awaitable is None:
            from bpecore.pool.client.awaitable import AwaitablePoolClient

            self._awaitable = AwaitablePoolClient(self._session)
        return self._awaitable

    def connect(self) -> None:
        """Connects now instead of at the first use; that takes some milliseconds.

        Raises:
            PoolClosedError: the pool no longer exists.
            OSError: there is no room for the shared memory.
        """
        self._session.connected()

    def disconnect(self) -> None:
        """Frees the streams and memory of this client; unanswered requests fail.

        A later use connects again.
        """
        self._session.disconnect()

    def is_connected(self) -> bool:
        """Returns whether this process has connected."""
        return self._session.is_connected()

    # ---- texts ------------------------------------------------------------------------------

    def encode(
        self,
        text: str,
        *,
        allowed_special: Allowed = frozenset(),
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
            PoolBusy: there is no room, and the client does not wait for it.
            PoolClosedError: the pool is closed.
        """
        ids: list[int] = self._ask_texts(LIST, [text], allowed_special, disallowed_special)
        return ids

    def encode_batch(
        self,
        texts: Iterable[str],
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> list[list[int]]:
        """Returns the ids of many texts, which all workers encode together.

        The arguments and exceptions are those of `encode`.
        """
        lists: list[list[int]]
        lists = self._ask_texts(LISTS, texts, allowed_special, disallowed_special)
        return lists

    def encode_to_numpy(
        self,
        text: str,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
        dtype: npt.DTypeLike | None = None,
        append: int | None = None,
        out: npt.NDArray[Any] | None = None,
    ) -> npt.NDArray[Any]:
        """Returns the ids of a text in an array.

        The arguments, what is returned and the exceptions are those of `Encoding.encode_to_numpy`,
        and the exceptions also those of `encode`.
        """
        form = self._session.array_form(dtype, append, out)
        special = allowed_special, disallowed_special
        return form.place(self._ask_texts(ARRAY, [text], *special, form.append))

    def encode_batch_to_numpy(
        self,
        texts: Iterable[str],
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
        dtype: npt.DTypeLike | None = None,
        append: int | None = None,
        out: npt.NDArray[Any] | None = None,
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Returns the ids of many texts in one array, which all workers encode together.

        It costs the client's process less than half as much as the lists of `encode_batch`.
        The arguments and exceptions are those of `encode_to_numpy`; `append` follows each text.

        Returns:
            The ids of all texts, one text after the other, `uint32[n]`, read-only unless `dtype` or
            `out` is given; and where each text's begin, `int64[texts + 1]`: text `i` has
            `ids[offsets[i]:offsets[i + 1]]`.

        Example:
            >>> from bpecore.pool import TokenizerPool
            >>> with TokenizerPool("o200k_base", processes=1) as pool, pool.client() as client:
            ...     ids, offsets = client.encode_batch_to_numpy(["hello world", "hello"])
            >>> ids.tolist(), offsets.tolist()
            ([24912, 2375, 24912], [0, 2, 3])
        """
        form = self._session.array_form(dtype, append, out)
        special = allowed_special, disallowed_special
        ids, offsets = self._ask_texts(ARRAYS, texts, *special, form.append)
        return form.place(ids), offsets

    def count(
        self,
        text: str,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> int:
        """Returns how many tokens a text has; arguments and exceptions are those of `encode`."""
        return int(self._ask_texts(NUMBER, [text], allowed_special, disallowed_special))

    def count_batch(
        self,
        texts: Iterable[str],
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> list[int]:
        """Returns how many tokens each of many texts has, which all workers count together.

        The arguments and exceptions are those of `encode`.

        Example:
            >>> from bpecore.pool import TokenizerPool
            >>> with TokenizerPool("o200k_base", processes=1) as pool, pool.client() as client:
            ...     client.count_batch(["hello world", ""])
            [2, 0]
        """
        counts: list[int]
        counts = self._ask_texts(NUMBERS, texts, allowed_special, disallowed_special)
        return counts

    def decode(
        self,
        ids: Ids,
        errors: str = "replace",
        *,
        skip_special: bool = False,
        unknown: Unknown = "raise",
    ) -> str:
        """Returns the text of ids, as `Encoding.decode` does.

        Args:
            ids: any sequence of ids.
            errors: what to do where the bytes are not valid UTF-8, as in `bytes.decode`.
            skip_special: leave special tokens out.
            unknown: what becomes of ids that are not tokens: "raise", "skip" or "replace".

        Raises:
            KeyError: an id is unknown, and `unknown` is "raise".
            UnicodeDecodeError: the bytes are invalid and `errors` is "strict".
            OverflowError: an id is negative or above 2**32 - 1, and both keywords have their
                defaults.
            TypeError: an argument is of another type.
            ValueError: `unknown` is none of the three.
            RequestTooLargeError: the ids do not fit into the ring.
            PoolBusy: there is no room, and the client does not wait for it.
            PoolClosedError: the pool is closed.
        """
        connection = self._session.connected()
        waiter = BlockingWaiter()
        reply = Reply(waiter)
        decoding = Decoding(errors, skip_special, unknown)
        call = decode_call(ids, decoding, connection.largest, reply)
        self._ask([call], connection, reply, waiter)
        return str(result_of(reply, TEXT))

    def _ask_texts(
        self,
        form: Form,
        texts: Iterable[str],
        allowed: Allowed,
        disallowed: Disallowed,
        append: int | None = None,
    ) -> Any:
        connection = self._session.connected()
        waiter = BlockingWaiter()
        reply = Reply(waiter)
        options = pack_options(allowed, disallowed, append)
        calls = text_calls(form, texts, options, connection.largest, reply)
        if calls:
            self._ask(calls, connection, reply, waiter)
        return result_of(reply, form)

    def _ask(
        self,
        calls: list[StatelessCall],
        connection: Connection,
        reply: Reply,
        waiter: BlockingWaiter,
    ) -> None:
        """Sends calls, and waits for all answers."""
        try:
            self._session.send(calls, connection)
            waiter.wait()
        except BaseException:  # Ctrl-C
            connection.send_path.withdraw(reply)
            raise

    # ---- streams ----------------------------------------------------------------------------

    def open_stream(self, request_id: Hashable) -> None:
        """Opens a stream, which turns ids into text as they arrive.

        Args:
            request_id: its name, any hashable object.

        Raises:
            StreamAlreadyOpenError: a stream of that name is open already.
            PoolClosedError: the pool is closed.
        """
        self._session.connected().streams.open(request_id)

    def feed(self, request_id: Hashable, ids: int | Ids) -> str:
        """Takes the next ids of a stream.

        The texts of a stream joined together are `Encoding.decode` of all its ids: an incomplete
        character is held back.

        Args:
            request_id: the stream.
            ids: an id or a sequence of ids.

        Returns:
            The new text, which may be empty.

        Raises:
            StreamNotOpenError: there is no such stream.
            KeyError: an id is unknown; then none is taken.
            OverflowError: an id is negative or above 2**32 - 1.
            TypeError: an id is not an integer.
            RequestTooLargeError: the ids do not fit into the ring.
            PoolBusy: there is no room, and the client does not wait for it.
            PoolClosedError: the pool is closed.
        """
        reply, parts = self._feed({request_id: ids})
        return single_text_of(reply, parts[0].streams[0])

    def feed_many(self, ids: Mapping[Any, int | Ids]) -> dict[Any, str]:
        """Takes the next ids of many streams, with one message per worker.

        Args:
            ids: for each stream an id or a sequence of ids.

        Returns:
            The new text of each stream.

        Raises:
            FeedError: some streams were not fed because an id is unknown; it has the other texts.
            StreamNotOpenError: and others as for `feed`; then no stream is fed.
        """
        return texts_of(*self._feed(ids))

    def close(self, request_id: Hashable) -> str:
        """Ends a stream. It waits for room even in a client that otherwise raises `PoolBusy`.

        Returns:
            U+FFFD for an incomplete character at the end, otherwise an empty string.

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
        connection = self._session.connected()
        parts = connection.streams.closing(request_ids)
        return texts_of(self._send_feeds(connection, CLOSE, parts), parts)

    def _feed(self, ids: Mapping[Any, int | Ids]) -> tuple[Reply, list[Feeds]]:
        connection = self._session.connected()
        parts = connection.streams.feeds_of(*names_and_ids(ids))
        return self._send_feeds(connection, FEED, parts), parts

    def _send_feeds(self, connection: Connection, kind: int, parts: list[Feeds]) -> Reply:
        waiter = BlockingWaiter()
        # One more than the calls, so that it is not complete before all are sent.
        reply = Reply(waiter, 1)
        for place, feeds in enumerate(parts):
            while len(feeds) and not connection.send_path.try_streams(kind, feeds, reply):
                if place == 0 and kind == FEED:
                    self._session.check_full()
                _wait_for_room(connection)
        reply.answered()
        waiter.wait()
        return reply


def _wait_for_room(connection: Connection) -> None:
    waiter = BlockingWaiter()
    connection.send_path.wait_for_room(waiter)
    waiter.wait()
