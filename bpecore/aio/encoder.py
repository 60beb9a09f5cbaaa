"""`AsyncEncoder`: an encoding for event loops, asyncio's and trio's, that it never blocks for long.

Needs the extra `aio`. docs/services.md says how it decides what runs where.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Hashable
from collections.abc import Set as AbstractSet
from functools import partial
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Literal, TypeVar, Union, cast

from bpecore._build.checks import check_number
from bpecore._build.threads import available_cpus
from bpecore._services.id_buffers import encode_to_buffer, list_in_slices, list_of
from bpecore._services.latency import LatencyHistogram, Metrics
from bpecore._services.loops import Loop
from bpecore.aio.queue import EncoderClosedError, Request, WorkerQueue
from bpecore.aio.text_cache import TextCache
from bpecore.core import Encoding

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from bpecore._services.id_buffers import IdBuffer

from anyio.lowlevel import checkpoint

Result = TypeVar("Result")
Special = Union[Literal["all"], AbstractSet[str]]
Disallowed = Union[Literal["all"], Collection[str]]

# What an answer out of the cache takes of a turn: an eighth of its characters, and these. It
# costs 0.4 times as much as encoding (8.6 and 20.6 microseconds for 8,192 characters), so a turn
# may spend about three times as long on these as on encoding before its tasks let others run.
CHARACTERS_A_HIT = 256


class AsyncEncoder:
    """Encodes, counts and cuts texts for the tasks of event loops.

    A text of fewer than `inline_below` characters is encoded at once, in the loop's thread, as long
    as the texts of one turn of the loop stay below that together. Other texts go to worker threads,
    those of one turn (of one `gather`) together; there the GIL is released. What was asked for
    before is answered from a cache, and callers that ask for equal texts at once share one
    encoding. Answers equal those of the encoding's own methods, and so do errors.

    One encoder may serve any number of event loops and threads. Threads are started when there is
    work for them; make an encoder after a process has forked, not before.

    Args:
        encoding: the encoding.
        workers: threads; None: one less than the processors that the process may use, at least one
            and at most eight.
        cache_entries: texts to remember at most; 0 remembers none.
        cache_max_text: characters; a longer text is neither remembered nor compared with others.
        cache_bytes: bytes that the remembered texts and ids may take, all together.
        queue: texts that wait for a worker thread or are on one, at most.
        when_full: "wait": callers wait for room in the queue. "raise": they get `QueueFullError`.
        inline_below: characters; bounds what is encoded in the loop's thread in one turn of the
            loop. 0: nothing is.

    Raises:
        TypeError: `encoding` is no `Encoding`, or a number no int.
        ValueError: a number is negative, `workers` or `queue` is 0, or `when_full` is neither.

    Example:
        >>> import anyio, bpecore
        >>> async def main():
        ...     async with AsyncEncoder(bpecore.get_encoding("o200k_base")) as encoder:
        ...         print(await encoder.encode("hello world"), await encoder.count("hello"))
        >>> anyio.run(main)
        [24912, 2375] 1
    """

    def __init__(
        self,
        encoding: Encoding,
        *,
        workers: int | None = None,
        cache_entries: int = 1000,
        cache_max_text: int = 65536,
        cache_bytes: int = 1 << 26,
        queue: int = 1024,
        when_full: Literal["wait", "raise"] = "wait",
        inline_below: int = 4096,
    ) -> None:
        if not isinstance(encoding, Encoding):
            raise TypeError(
                f"encoding must be an Encoding, not {type(encoding).__name__}; "
                "bpecore.get_encoding(name) returns one"
            )
        if workers is None:
            workers = min(8, max(1, available_cpus() - 1))
        check_number("workers", workers, 1)
        check_number("cache_entries", cache_entries, 0)
        check_number("cache_max_text", cache_max_text, 0)
        check_number("cache_bytes", cache_bytes, 0)
        check_number("queue", queue, 1)
        check_number("inline_below", inline_below, 0)
        if when_full not in ("wait", "raise"):
            raise ValueError(f'when_full must be "wait" or "raise", not {when_full!r}')
        self.encoding = encoding
        self._cache_max_text = cache_max_text
        self._inline_below = inline_below
        self._cache = TextCache(cache_entries, cache_bytes)
        self._latency = LatencyHistogram()
        self._hits = 0
        self._inline = 0
        self._queue = WorkerQueue(workers, queue, when_full == "wait", self._remember)
        self._lock = self._queue.lock
        self._local = threading.local()  # the loop that ran last in each thread

    def __repr__(self) -> str:
        return f"<AsyncEncoder of {self.encoding!r}>"

    # ---- what it does -----------------------------------------------------------------------

    async def encode(
        self,
        text: str,
        *,
        allowed_special: Special = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> list[int]:
        """Encodes a text, as `Encoding.encode` does.

        Args:
            text: any text. For megabytes `encode_to_numpy` is better: a list of millions of ints
                takes the GIL for milliseconds when it is thrown away.
            allowed_special: as for `Encoding.encode`.
            disallowed_special: as for `Encoding.encode`.

        Returns:
            The ids of its tokens, in a list of the caller's own.

        Raises:
            EncoderClosedError: the encoder is closed.
            QueueFullError: the queue is full, with `when_full="raise"`.
            ValueError: as for `Encoding.encode`.
            TypeError: as for `Encoding.encode`.
        """
        ids = await self._answer(_ids_of, text, allowed_special, disallowed_special)
        # A list has been made on a thread for this caller alone.
        return ids if isinstance(ids, list) else list_of(ids)

    async def count(
        self,
        text: str,
        *,
        allowed_special: Special = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> int:
        """Counts the tokens of a text, as `Encoding.count` does.

        Args:
            text: any text.
            allowed_special: as for `Encoding.encode`.
            disallowed_special: as for `Encoding.encode`.

        Returns:
            The number of tokens.

        Raises:
            EncoderClosedError: the encoder is closed.
            QueueFullError: the queue is full, with `when_full="raise"`.
            ValueError: as for `Encoding.encode`.
            TypeError: as for `Encoding.encode`.
        """
        known = await self._answer(_count_of, text, allowed_special, disallowed_special)
        return known if isinstance(known, int) else len(known)

    async def encode_to_numpy(
        self,
        text: str,
        *,
        allowed_special: Special = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> npt.NDArray[np.uint32]:
        """Encodes a text into a numpy array, as `Encoding.encode_to_numpy` does.

        The way for long texts: no Python object is made for an id. Nothing is remembered.

        Args:
            text: any text without surrogates.
            allowed_special: as for `Encoding.encode`.
            disallowed_special: as for `Encoding.encode`.

        Returns:
            The ids of its tokens, `uint32[n]`, read-only.

        Raises:
            EncoderClosedError: the encoder is closed.
            QueueFullError: the queue is full, with `when_full="raise"`.
            UnicodeEncodeError: the text holds a surrogate.
            ValueError: as for `Encoding.encode`.
            TypeError: as for `Encoding.encode`.
        """
        special = _special_arguments(allowed_special, disallowed_special)
        return await self._do(text, partial(self.encoding.encode_to_numpy, text, **special))

    async def count_up_to(
        self,
        text: str,
        limit: int,
        *,
        allowed_special: Special = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> int | None:
        """Counts the tokens of a text up to a limit, as `Encoding.count_up_to` does.

        Args:
            text: any text.
            limit: tokens.
            allowed_special: as for `Encoding.encode`.
            disallowed_special: as for `Encoding.encode`.

        Returns:
            The number of tokens, or None if it is above `limit`.

        Raises:
            EncoderClosedError: the encoder is closed.
            QueueFullError: the queue is full, with `when_full="raise"`.
            ValueError: as for `Encoding.count_up_to`.
            TypeError: as for `Encoding.count_up_to`.
        """
        special = _special_arguments(allowed_special, disallowed_special)
        return await self._do(text, partial(self.encoding.count_up_to, text, limit, **special))

    async def truncate(
        self,
        text: str,
        max_tokens: int,
        *,
        side: Literal["end", "start", "middle"] = "end",
        allowed_special: Special = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> str:
        """Cuts a text to a number of tokens, as `Encoding.truncate` does.

        Args:
            text: any text.
            max_tokens: tokens.
            side: as for `Encoding.truncate`.
            allowed_special: as for `Encoding.encode`.
            disallowed_special: as for `Encoding.encode`.

        Returns:
            What is left of the text.

        Raises:
            EncoderClosedError: the encoder is closed.
            QueueFullError: the queue is full, with `when_full="raise"`.
            ValueError: as for `Encoding.truncate`.
            TypeError: as for `Encoding.truncate`.
        """
        special = _special_arguments(allowed_special, disallowed_special)
        return await self._do(
            text, partial(self.encoding.truncate, text, max_tokens, side=side, **special)
        )

    async def split(
        self,
        text: str,
        max_tokens: int,
        *,
        overlap: int = 0,
        allowed_special: Special = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> list[str]:
        """Cuts a text into chunks of a number of tokens, as `Encoding.split` does.

        Args:
            text: any text.
            max_tokens: tokens a chunk.
            overlap: tokens, as for `Encoding.split`.
            allowed_special: as for `Encoding.encode`.
            disallowed_special: as for `Encoding.encode`.

        Returns:
            The chunks.

        Raises:
            EncoderClosedError: the encoder is closed.
            QueueFullError: the queue is full, with `when_full="raise"`.
            ValueError: as for `Encoding.split`.
            TypeError: as for `Encoding.split`.
        """
        special = _special_arguments(allowed_special, disallowed_special)
        return await self._do(
            text, partial(self.encoding.split, text, max_tokens, overlap=overlap, **special)
        )

    def metrics(self) -> Metrics:
        """Returns what the encoder did so far, as plain numbers."""
        with self._lock:
            return Metrics(
                hits=self._hits,
                misses=self._inline + self._queue.added,
                joined=self._queue.joined,
                rejected=self._queue.rejected,
                evictions=self._cache.evictions,
                cached_texts=len(self._cache),
                cached_bytes=self._cache.nbytes,
                queue_depth=self._queue.depth,
                waiting_for_queue=self._queue.line_length,
                batches=self._queue.batches,
                latency_counts=tuple(self._latency.counts),
                latency_sum_seconds=self._latency.sum_seconds,
            )

    # ---- the end ----------------------------------------------------------------------------

    def close(self) -> None:
        """Ends the encoder: what waits gets `EncoderClosedError`, as does what comes.

        What is on a thread is finished and reaches its callers. Closing again does nothing.
        """
        self._queue.close()

    async def aclose(self) -> None:
        """Ends the encoder like `close`, and waits until its threads have ended."""
        self.close()
        await self._queue.wait_closed()

    async def __aenter__(self) -> AsyncEncoder:
        Loop.running()  # imports what anyio needs for this loop: 30 ms that no request should pay
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    # ---- how --------------------------------------------------------------------------------

    async def _answer(
        self,
        compute: Callable[[Encoding, str, Special, Disallowed], IdBuffer | list[int] | int],
        text: str,
        allowed_special: Special,
        disallowed_special: Disallowed,
    ) -> Any:
        """Answers from the cache, or computes and remembers."""
        started = perf_counter()
        loop = self._enter(text)
        # Copies: the caller may change its sets while a thread encodes. And a text of a subclass
        # may be equal to others without being the same.
        text = text if type(text) is str else str.__str__(text)
        allowed = _frozen(allowed_special, "allowed_special")
        disallowed = _frozen_disallowed(disallowed_special)
        if len(text) > self._cache_max_text:
            compute = _list_of if compute is _ids_of else compute
            work = partial(compute, self.encoding, text, allowed, disallowed)
            return await self._run(loop, started, Request(None, work, len(text)))
        work = partial(compute, self.encoding, text, allowed, disallowed)
        content = (text, allowed, disallowed)
        with self._lock:
            known = self._cache.get(content)
            if compute is _ids_of and isinstance(known, int):
                known = None
            self._hits += known is not None
        if known is None:
            return await self._run(loop, started, Request((compute, content), work, len(text)))
        if not self._fits(loop, CHARACTERS_A_HIT + len(text) // 8):
            await checkpoint()
        self._observe(started)
        return known

    async def _do(self, text: str, work: Callable[[], Result]) -> Result:
        """Does something that is not remembered."""
        started = perf_counter()
        loop = self._enter(text)
        return cast("Result", await self._run(loop, started, Request(None, work, len(text))))

    async def _run(self, loop: Loop, started: float, request: Request) -> Any:
        """Does a request at once if the loop has room for it, else on a thread."""
        characters = request.characters
        if characters < self._inline_below and self._fits(loop, characters):
            result = request.work()
            request.result = result
            with self._lock:
                self._inline += 1
                self._remember(request)
        else:
            self._end_turn_later(loop)
            result = await self._queue.wait(loop, request)
        self._observe(started)
        return result

    def _enter(self, text: str) -> Loop:
        """Refuses what cannot be done; returns the loop that runs."""
        if not isinstance(text, str):
            raise TypeError(f"expected str, got {type(text).__name__}: {text!r:.80}")
        if self._queue.closed:
            raise EncoderClosedError("the encoder is closed")
        native = Loop.running()
        loop: Loop | None = getattr(self._local, "loop", None)
        if loop is None or loop.native is not native:
            loop = self._local.loop = Loop(native, self._inline_below)
        return loop

    def _fits(self, loop: Loop, characters: int) -> bool:
        """Whether this turn of the loop has room for work of a size; takes the room if it has."""
        self._end_turn_later(loop)
        if characters > loop.room:
            return False
        loop.room -= characters
        return True

    def _end_turn_later(self, loop: Loop) -> None:
        if not loop.turning:
            loop.turning = True
            loop.call_soon(self._end_turn, loop)

    def _end_turn(self, loop: Loop) -> None:
        """Runs when all tasks that were ready have had their turn."""
        loop.turning = False
        loop.room = self._inline_below
        self._queue.start()

    def _remember(self, request: Request) -> None:
        """Keeps a result; the lock is held."""
        if request.key is None:
            return
        _, content = cast("tuple[Hashable, tuple[str, object, object]]", request.key)
        # Ids that have come in the meantime tell more than their number.
        if not (isinstance(request.result, int) and self._cache.get(content) is not None):
            self._cache.put(content, content[0], request.result)

    def _observe(self, started: float) -> None:
        elapsed = perf_counter() - started
        with self._lock:
            self._latency.observe(elapsed)


def _list_of(encoding: Encoding, text: str, allowed: Special, disallowed: Disallowed) -> list[int]:
    return list_in_slices(encode_to_buffer(encoding, text, allowed, disallowed))


def _ids_of(encoding: Encoding, text: str, allowed: Special, disallowed: Disallowed) -> IdBuffer:
    return encode_to_buffer(encoding, text, allowed, disallowed)


def _count_of(encoding: Encoding, text: str, allowed: Special, disallowed: Disallowed) -> int:
    return encoding.count(text, allowed_special=allowed, disallowed_special=disallowed)


def _frozen(strings: Special, name: str) -> Special:
    if isinstance(strings, str):
        if strings == "all":
            return "all"
    elif isinstance(strings, (set, frozenset)):
        return frozenset(strings)
    raise TypeError(f'{name} must be a set or "all", not {type(strings).__name__}: {strings!r:.80}')


def _frozen_disallowed(strings: Disallowed) -> Disallowed:
    if isinstance(strings, str) and strings == "all":
        return "all"
    return frozenset(strings or ())


def _special_arguments(allowed: Special, disallowed: Disallowed) -> dict[str, Any]:
    return {
        "allowed_special": _frozen(allowed, "allowed_special"),
        "disallowed_special": _frozen_disallowed(disallowed),
    }
