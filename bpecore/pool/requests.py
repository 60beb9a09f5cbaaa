"""From a caller's arguments to calls, and from a reply to what the caller gets."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

from bpecore._core import Characters, Stream, joined_lists, names_of
from bpecore.pool.calls import Reply, StatelessCall
from bpecore.pool.errors import FeedError, RequestTooLargeError
from bpecore.pool.messages import (
    CHARACTERS_A_TOKEN,
    DECODE,
    KIND_NAMES,
    Disallowed,
    Special,
    pack_special,
    padded,
)
from bpecore.pool.ring import Bytes
from bpecore.pool.streams import Feeds

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

BATCH_BYTES = 1 << 17
"""Bytes of a batch that go into one message: enough that messages cost little beside them,
and few enough that workers end at about the same time."""


NUMBERS_A_TEXT = 8
"""Bytes of the length and the width of each text in a message."""


class TextMessage:
    """A message with texts while it is made.

    Attributes:
        lengths: of the texts, in characters.
        size: bytes of the whole.
    """

    def __init__(self) -> None:
        self.lengths = array("I")
        self.size = 0
        self._widths = array("I")
        self._bodies: list[Bytes] = []

    def add(self, data: Characters) -> None:
        """Adds a text."""
        self.lengths.append(len(data.text))
        self._widths.append(data.width)
        self._bodies.append(data)
        padding = padded(len(data)) - len(data)
        if padding:
            self._bodies.append(bytes(padding))
        self.size += len(data) + padding + NUMBERS_A_TEXT

    def call(self, kind: int, special: bytes, reply: Reply, place: int) -> StatelessCall:
        """Returns the call with all texts; the message is not used afterwards."""
        numbers = [memoryview(numbers).cast("B") for numbers in (self.lengths, self._widths)]
        body: list[Bytes] = [*numbers, *self._bodies, special]
        tokens = sum(self.lengths) // CHARACTERS_A_TOKEN + len(self.lengths)
        return StatelessCall(kind, len(self.lengths), tokens, body, len(special), reply, place)


def text_calls(
    kind: int,
    texts: Iterable[str],
    allowed: Special,
    disallowed: Disallowed,
    largest: int,
    reply: Reply,
) -> list[StatelessCall]:
    """Returns the calls that encode or count texts.

    Args:
        kind: ENCODE or COUNT.
        texts: the texts.
        allowed: as for `Encoding.encode`.
        disallowed: as for `Encoding.encode`.
        largest: bytes of the largest request.
        reply: who waits; it is told how many answers there will be.

    Raises:
        RequestTooLargeError: a text does not fit.
        TypeError: a text is no string, or an argument of another type than it may be.
    """
    special = pack_special(allowed, disallowed)
    limit = largest - len(special) - NUMBERS_A_TEXT
    calls: list[StatelessCall] = []
    message = TextMessage()
    for text in texts:
        data = Characters(text)
        if padded(len(data)) > limit:
            raise RequestTooLargeError(
                f"{KIND_NAMES[kind]}: a text of {len(text)} characters takes {len(data)} bytes, "
                f"and at most {limit} fit into the pool's ring"
            )
        if message.lengths and message.size + len(data) > min(BATCH_BYTES, limit):
            calls.append(message.call(kind, special, reply, len(calls)))
            message = TextMessage()
        message.add(data)
    if message.lengths:
        calls.append(message.call(kind, special, reply, len(calls)))
    reply.expect(len(calls))
    return calls


def decode_call(
    ids: Sequence[int] | npt.NDArray[np.integer], errors: str, largest: int, reply: Reply
) -> StatelessCall:
    """Returns the call that decodes ids.

    Raises:
        RequestTooLargeError: they do not fit.
        OverflowError: an id is negative or above 2**32 - 1.
        TypeError: `ids` is no sequence of integers, or `errors` no string.
    """
    if not isinstance(errors, str):
        raise TypeError(f"errors must be str, not {type(errors).__name__}")
    if isinstance(ids, (str, bytes)):
        raise TypeError(f"expected a sequence of ids, got {type(ids).__name__}")
    numbers = memoryview(array("I", ids)).cast("B")
    name = errors.encode("utf-8", "surrogatepass")
    if len(numbers) + len(name) > largest:
        raise RequestTooLargeError(
            f"decode: {len(numbers) // 4} ids, at most {(largest - len(name)) // 4} fit into the "
            f"pool's ring"
        )
    count = len(numbers) // 4
    reply.expect(1)
    return StatelessCall(DECODE, count, count, [numbers, name], len(name), reply)


def lists_of(reply: Reply) -> list[list[int]]:
    """Returns the ids of the texts of encode calls, or raises the first error."""
    if reply.error is not None:
        raise reply.error
    return joined_lists(reply.results[place] for place in sorted(reply.results))


def count_of(reply: Reply) -> int:
    """Returns the count of the only text of a count call, or raises its error."""
    if reply.error is not None:
        raise reply.error
    count: int = reply.results[0][0]
    return count


def text_of(reply: Reply) -> str:
    """Returns the text of a decode call, or raises its error."""
    if reply.error is not None:
        raise reply.error
    text: str = reply.results[0]
    return text


def texts_of(reply: Reply, parts: Iterable[Feeds]) -> dict[Hashable, str]:
    """Returns the texts of streams by their names.

    Raises:
        FeedError: some streams failed.
    """
    streams = [stream for feeds in parts for stream in feeds.streams]
    texts = names_of(reply.texts, streams)
    if reply.errors:
        raise FeedError(texts, names_of(reply.errors, streams))
    return texts


def single_text_of(reply: Reply, stream: Stream) -> str:
    """Returns the text of one stream, or raises its error."""
    if stream in reply.errors:
        raise reply.errors[stream]
    return reply.texts[stream]
