"""The errors that a pool's callers may get."""

from __future__ import annotations

from collections.abc import Hashable


class PoolError(RuntimeError):
    """The pool could not carry out a request."""


class PoolBusy(PoolError):  # noqa: N818 (a public name)
    """There is no room for a request now, and the client raises this instead of waiting."""


class PoolClosedError(PoolError):
    """The pool is closed, or its process has ended."""


class WorkerDiedError(PoolError):
    """Every worker that was given a request died with it."""


class RequestTooLargeError(PoolError, ValueError):
    """A request does not fit into the memory that client and worker share."""


class StreamNotOpenError(PoolError, ValueError):
    """No stream of that name is open."""


class StreamAlreadyOpenError(StreamNotOpenError):
    """A stream of that name is open already, so it cannot be opened.

    A subclass of `StreamNotOpenError`, so that code which catches that handles both.
    """


class FeedError(PoolError):
    """Some streams of a `feed_many` or `close_many` failed; the others were fed.

    Attributes:
        texts: the new text of each stream that was fed.
        errors: why each of the others was not; its ids were not taken.
    """

    def __init__(self, texts: dict[Hashable, str], errors: dict[Hashable, Exception]) -> None:
        names = ", ".join(f"{name!r}: {error!r}" for name, error in errors.items())
        super().__init__(
            f"{len(errors)} of {len(errors) + len(texts)} streams failed: {names:.500}"
        )
        self.texts = texts
        self.errors = errors
