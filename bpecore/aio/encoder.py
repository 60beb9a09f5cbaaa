"""`AsyncEncoder`: an encoding for asyncio and trio that never blocks the event loop for long.

Needs the extra `aio`. docs/services.md says how it decides what runs where.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Hashable
from contextlib import suppress
from functools import partial
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Literal, TypeVar, cast

from bpecore._build.checks import check_number
from bpecore._build.threads import available_cpus
from bpecore._core import disallowed_strings, locked
from bpecore._services.id_buffers import encode_to_buffer, list_in_slices, list_of
from bpecore._services.latency import LatencyHistogram
from bpecore._services.loops import Loop, import_backends
from bpecore.aio.metrics import Metrics
from bpecore.aio.queue import EncoderClosedError, Request, WorkQueue
from bpecore.aio.text_cache import TextCache
from bpecore.core import Encoding

if TYPE_CHECKING:
    import numpy.typing as npt

    from bpecore._services.id_buffers import IdBuffer
    from bpecore.types import Allowed, Boundary, Disallowed

from anyio.lowlevel import checkpoint

Result = TypeVar("Result")

# An answer from the cache counts as this many characters of a turn, plus an eighth of its length.
# It costs 0.4 times as much as encoding (8.6 against 20.6 microseconds for 8,192 characters), so a
# turn can spend about three times as long on cached answers as on encoding before others run.
CHARACTERS_PER_HIT = 256


class AsyncEncoder:
    """Encodes, counts, truncates and splits texts for the tasks of event loops.

    A text shorter than `inline_below` is encoded at once, in the loop's thread, as long as the
    texts of one turn of the loop stay below that together. Other texts go to threads, those of one
    turn (of one `gather`) together; there the GIL is released. Repeated texts are answered from a
    cache, and concurrent callers with equal texts share one encoding.

    Each method takes the arguments of the encoding's method of the same name, returns the same and
    raises the same errors, and also `EncoderClosedError` if the encoder is closed and
    `QueueFullError` if the queue is full and `when_full` is "raise".

    One encoder can serve any number of event loops and threads. Its threads start when it is made,
    and in a forked child when there is work for them: a child has what the cache holds, but not the
    requests of its parent.

    Args:
        encoding: the encoding.
        workers: number of threads. None: one less than the processors the process may use, at
            least one and at most eight.
        cache_entries: maximum number of texts in the cache; 0 turns the cache off.
        cache_max_text: characters; a longer text is neither cached nor compared with others.
        cache_bytes: maximum memory of the cached texts and ids together, in bytes.
        queue: maximum number of texts waiting for a thread or on one.
        when_full: "wait": callers wait for room in the queue. "raise": they get `QueueFullError`.
        inline_below: characters encoded in the loop's thread in one turn of the loop stay below
            this. 0: none are.

    Raises:
        TypeError: `encoding` is not an `Encoding`, or a number is not an int.
        ValueError: a number is negative, `workers` or `queue` is 0, or `when_full` is neither
            "wait" nor "raise".

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
        workers = check_number("workers", workers, 1)
        cache_entries = check_number("cache_entries", cache_entries, 0)
        cache_max_text = check_number("cache_max_text", cache_max_text, 0)
        cache_bytes = check_number("cache_bytes", cache_bytes, 0)
        queue = check_number("queue", queue, 1)
        inline_below = check_number("inline_below", inline_below, 0)
        if when_full not in ("wait", "raise"):
            raise ValueError(f'when_full must be "wait" or "raise", not {when_full!r}')
        self.encoding = encoding
        self._cache_max_text = cache_max_text
        self._inline_below = inline_below
        self._cache = TextCache(cache_entries, cache_bytes)
        self._latency = LatencyHistogram()
        self._hits = 0
        self._inline = 0
        self._queue = WorkQueue(workers, queue, when_full == "wait", self._remember)
        self._lock = self._queue.lock
        self._local = threading.local()  # the last loop of each thread
        _encoders.add(self)
        _prepare(encoding)

    def _restart_in_child(self) -> None:
        """Makes a forked child's copy work: the parent's threads and loops are not there."""
        if (
            self._lock.locked()
        ):  # by another thread of the parent, perhaps in the middle of a change
            self._cache = TextCache(self._cache.max_entries, self._cache.max_bytes)
        self._queue.restart_in_child()
        self._local = threading.local()

    def __repr__(self) -> str:
        return f"<AsyncEncoder of {self.encoding!r}>"

    async def encode(
        self,
        text: str,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> list[int]:
        """Encodes a text into a list that belongs to the caller.

        For megabytes use `encode_to_numpy`: discarding a list of millions of ints holds the GIL for
        milliseconds.
        """
        ids = await self._answer(_ids_of, text, allowed_special, disallowed_special)
        # A list was made on a thread, for this caller alone.
        return ids if isinstance(ids, list) else list_of(ids)

    async def count(
        self,
        text: str,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> int:
        """Counts the tokens of a text."""
        known = await self._answer(_count_of, text, allowed_special, disallowed_special)
        return known if isinstance(known, int) else len(known)

    async def encode_to_numpy(
        self,
        text: str,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
        dtype: npt.DTypeLike | None = None,
        append: int | None = None,
        out: npt.NDArray[Any] | None = None,
    ) -> npt.NDArray[Any]:
        """Encodes a text into an array. Nothing is cached.

        This is the way for long texts: no Python object is made per id. If the call is cancelled,
        a thread may still write to `out`.
        """
        form: dict[str, Any] = {"dtype": dtype, "append": append, "out": out}
        special = _special_arguments(allowed_special, disallowed_special)
        return await self._do(text, partial(self.encoding.encode_to_numpy, text, **special, **form))

    async def count_up_to(
        self,
        text: str,
        limit: int,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> int | None:
        """Counts the tokens of a text; None if there are more than `limit`."""
        special = _special_arguments(allowed_special, disallowed_special)
        return await self._do(text, partial(self.encoding.count_up_to, text, limit, **special))

    async def truncate(
        self,
        text: str,
        max_tokens: int,
        *,
        side: Literal["end", "start", "middle"] = "end",
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> str:
        """Truncates a text to a number of tokens."""
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
        boundary: Boundary = "character",
        whole_graphemes: bool = False,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> list[str]:
        """Splits a text into chunks of at most `max_tokens` tokens, as `Encoding.split` does."""
        split = partial(
            self.encoding.split,
            text,
            max_tokens,
            overlap=overlap,
            boundary=boundary,
            whole_graphemes=whole_graphemes,
            **_special_arguments(allowed_special, disallowed_special),
        )
        return await self._do(text, split)

    @locked
    def metrics(self) -> Metrics:
        """Returns what the encoder has done so far, as plain numbers."""
        return Metrics(
            hits=self._hits,
            misses=self._inline + self._queue.added,
            joined=self._queue.joined,
            rejected=self._queue.rejected,
            evictions=self._cache.evictions,
            cached_texts=len(self._cache),
            cached_bytes=self._cache.nbytes,
            queue_depth=self._queue.depth,
            waiting_for_queue=self._queue.waiting_for_slot,
            batches=self._queue.batches,
            latency_counts=tuple(self._latency.counts),
            latency_sum_seconds=self._latency.sum_seconds,
        )

    def close(self) -> None:
        """Closes the encoder: waiting and later callers get `EncoderClosedError`.

        Work on a thread is finished and answered. Closing again does nothing.
        """
        self._queue.close()

    async def aclose(self) -> None:
        """Closes the encoder, and waits until its threads have ended."""
        self.close()
        await self._queue.wait_closed()

    async def __aenter__(self) -> AsyncEncoder:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _answer(
        self,
        compute: Callable[[Encoding, str, Allowed, Disallowed], IdBuffer | list[int] | int],
        text: str,
        allowed_special: Allowed,
        disallowed_special: Disallowed,
    ) -> Any:
        """Answers from the cache, or computes and caches."""
        started = perf_counter()
        loop = self._enter(text)
        # Copies, because the caller may change its sets while a thread encodes, and because a text
        # of a subclass may compare equal to a different one.
        text = text if type(text) is str else str.__str__(text)
        allowed = _frozen(allowed_special, "allowed_special")
        disallowed = _frozen_disallowed(disallowed_special)
        is_long = len(text) > self._cache_max_text
        if is_long and compute is _ids_of:
            compute = _list_of
        work = partial(compute, self.encoding, text, allowed, disallowed)
        if is_long:
            return await self._run(loop, started, Request(None, work, len(text)))
        content = (text, allowed, disallowed)
        known = self._look_up(content, compute is _ids_of)
        if known is None:
            return await self._run(loop, started, Request((compute, content), work, len(text)))
        if not self._fits(loop, CHARACTERS_PER_HIT + len(text) // 8):
            await checkpoint()
        self._observe(started)
        return known

    @locked
    def _look_up(self, content: tuple[str, object, object], need_ids: bool) -> Any:
        known = self._cache.get(content)
        if need_ids and isinstance(known, int):
            known = None
        self._hits += known is not None
        return known

    async def _do(self, text: str, work: Callable[[], Result]) -> Result:
        """Does work whose result is not cached."""
        started = perf_counter()
        loop = self._enter(text)
        return cast("Result", await self._run(loop, started, Request(None, work, len(text))))

    async def _run(self, loop: Loop, started: float, request: Request) -> Any:
        """Does a request at once if the loop has room for it, otherwise on a thread."""
        characters = request.characters
        if characters < self._inline_below and self._fits(loop, characters):
            result = request.work()
            request.result = result
            self._count_inline(request)
        else:
            self._end_turn_later(loop)
            result = await self._queue.wait(loop, request)
        self._observe(started)
        return result

    def _enter(self, text: str) -> Loop:
        """Checks that a call is possible; returns the running loop."""
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
        """Takes room for characters in this turn of the loop; returns whether there was enough."""
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
        """Runs after all tasks that were ready."""
        loop.turning = False
        loop.room = self._inline_below
        self._queue.start()

    @locked
    def _count_inline(self, request: Request) -> None:
        self._inline += 1
        self._remember(request)

    def _remember(self, request: Request) -> None:
        """Caches a result. Precondition: the lock is held."""
        if request.key is None:
            return
        _, content = cast("tuple[Hashable, tuple[str, object, object]]", request.key)
        # A count does not replace ids that arrived in the meantime.
        if not (isinstance(request.result, int) and self._cache.get(content) is not None):
            self._cache.put(content, content[0], request.result)

    @locked
    def _observe(self, started: float) -> None:
        self._latency.observe(perf_counter() - started)


def _prepare(encoding: Encoding) -> None:
    """Imports and allocates now what the first call of each method would."""
    import_backends()
    for call in (
        partial(Encoding.count, encoding),
        partial(Encoding.encode_to_numpy, encoding),
        partial(Encoding.count_up_to, encoding, limit=1),
        partial(Encoding.truncate, encoding, max_tokens=1),
        partial(Encoding.split, encoding, max_tokens=100),
    ):
        with suppress(Exception):  # the vocabulary may lack a byte of the text
            call("one two three")


_encoders: weakref.WeakSet[AsyncEncoder] = weakref.WeakSet()


def _restart_in_child() -> None:
    for encoder in list(_encoders):
        encoder._restart_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_in_child)


def _list_of(encoding: Encoding, text: str, allowed: Allowed, disallowed: Disallowed) -> list[int]:
    return list_in_slices(encode_to_buffer(encoding, text, allowed, disallowed))


def _ids_of(encoding: Encoding, text: str, allowed: Allowed, disallowed: Disallowed) -> IdBuffer:
    return encode_to_buffer(encoding, text, allowed, disallowed)


def _count_of(encoding: Encoding, text: str, allowed: Allowed, disallowed: Disallowed) -> int:
    return encoding.count(text, allowed_special=allowed, disallowed_special=disallowed)


def _frozen(strings: Allowed, name: str) -> Allowed:
    if isinstance(strings, str):
        if strings == "all":
            return "all"
    elif isinstance(strings, (set, frozenset)):
        return frozenset(strings)
    raise TypeError(f'{name} must be a set or "all", not {type(strings).__name__}: {strings!r:.80}')


def _frozen_disallowed(strings: Disallowed) -> Disallowed:
    if isinstance(strings, str) and strings == "all":
        return "all"
    return disallowed_strings(strings or ())


def _special_arguments(allowed: Allowed, disallowed: Disallowed) -> dict[str, Any]:
    return {
        "allowed_special": _frozen(allowed, "allowed_special"),
        "disallowed_special": _frozen_disallowed(disallowed),
    }
