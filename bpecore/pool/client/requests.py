"""Turns what callers pass into calls, and replies into what callers get."""

from __future__ import annotations

import re
from array import array
from collections.abc import Hashable, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from bpecore._core import PackedTexts, Stream, hidden_lists_of_ids, joined_lists, names_of
from bpecore._engine_calls import texts_of_batch
from bpecore.pool.client.calls import Form, Reply, StatelessCall
from bpecore.pool.client.streams import Feeds
from bpecore.pool.errors import FeedError, RequestTooLargeError
from bpecore.pool.wire.messages import (
    CHARACTERS_PER_TOKEN,
    COUNT,
    DECODE,
    ENCODE,
    KIND_NAMES,
    Fragment,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from bpecore.types import Unknown

    Arrays = tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]

AT_INDEX = re.compile(r"at index (\d+): (.*)", re.DOTALL)
"""The message of a worker's error about one text of its share of a batch."""

BATCH_BYTES = 1 << 17
"""Bytes of a batch per message: enough that the cost per message hardly matters, and few enough
that all workers finish at about the same time."""


def _read_arrays(body: memoryview, count: int) -> Arrays:
    """Returns the ids of all texts, and how many each text has."""
    import numpy as np

    space = 8 * (count + 1)
    places = np.frombuffer(body[:space], np.int64)
    return np.frombuffer(body[space:], np.uint32).copy(), places[1:] - places[:-1]


def _read_counts(body: memoryview, count: int) -> list[int]:
    return body.cast("Q").tolist()


def _read_text(body: memoryview, count: int) -> str:
    return str(body, "utf-8", "surrogatepass")


def _join_arrays(found: list[Arrays]) -> Arrays:
    """Returns the ids of all texts, and the offset of each text's."""
    import numpy as np

    ids = np.concatenate([np.empty(0, np.uint32), *(ids for ids, _ in found)])
    lengths = np.concatenate([np.zeros(1, np.int64), *(lengths for _, lengths in found)])
    ids.setflags(write=False)
    return ids, np.cumsum(lengths)


LIST = Form(ENCODE, True, hidden_lists_of_ids, lambda found: joined_lists(found)[0])
LISTS = Form(ENCODE, False, hidden_lists_of_ids, joined_lists)
ARRAY = Form(ENCODE, True, _read_arrays, lambda found: _join_arrays(found)[0])
ARRAYS = Form(ENCODE, False, _read_arrays, _join_arrays)
NUMBER = Form(COUNT, True, _read_counts, lambda found: found[0][0])
NUMBERS = Form(COUNT, False, _read_counts, lambda found: [*chain.from_iterable(found)])
TEXT = Form(DECODE, True, _read_text, lambda found: found[0])


def text_calls(
    form: Form,
    texts: Iterable[str],
    options: bytes,
    largest: int,
    reply: Reply,
) -> list[StatelessCall]:
    """Returns the calls that encode or count texts.

    Args:
        form: LISTS, ARRAYS or NUMBERS; for one text LIST, ARRAY or NUMBER.
        texts: the texts.
        options: how, as `pack_options` returns it.
        largest: bytes of the largest request.
        reply: what the caller waits for; it then expects as many answers.

    Raises:
        RequestTooLargeError: a text does not fit.
        TypeError: a text is not a string, `texts` is one, or an argument has a wrong type.
    """
    limit = largest - len(options)
    if limit < 0:
        raise RequestTooLargeError(
            f"{KIND_NAMES[form.kind]}: the special-token arguments take {len(options)} bytes, "
            f"and at most {largest} fit into the pool's ring"
        )
    texts = texts_of_batch(texts)
    calls: list[StatelessCall] = []
    first = 0
    while first < len(texts):
        try:
            packed = PackedTexts(texts, first, min(BATCH_BYTES, limit))
        except TypeError as error:
            place = next(i for i, text in enumerate(texts) if not isinstance(text, str))
            raise TypeError(f"{_place(form, place)}{error}") from None
        if len(packed) > limit:
            raise RequestTooLargeError(
                f"{_place(form, first)}{KIND_NAMES[form.kind]}: a text of {packed.characters} "
                f"characters takes {len(packed)} bytes with its length, and at most {limit} fit "
                "into the pool's ring"
            )
        tokens = packed.characters // CHARACTERS_PER_TOKEN + packed.count
        body: list[Fragment] = [packed, options]
        goes_on = first + packed.count < len(texts)
        calls.append(StatelessCall(form, packed.count, tokens, body, reply, first, goes_on))
        first += packed.count
    reply.expect(len(calls))
    return calls


def _place(form: Form, index: int) -> str:
    """Returns what an error about a text of a batch begins with; "" if it is the only one."""
    return "" if form.single else f"at index {index}: "


class Decoding(NamedTuple):
    """How ids become text, as `Encoding.decode` takes it."""

    errors: str = "replace"
    skip_special: bool = False
    unknown: Unknown = "raise"

    def packed(self) -> tuple[bytes, str]:
        """Returns these as bytes, and the type code of the ids that follow them in a request.

        Raises:
            TypeError: `errors` is not a string.
        """
        if not isinstance(self.errors, str):
            raise TypeError(f"errors must be str, not {type(self.errors).__name__}")
        name = self.errors.encode("utf-8", "surrogatepass")
        if not self.skip_special and self.unknown == "raise":
            return name, "I"
        # Ids that are not tokens may be negative.
        return b"%s\0%d\0%s" % (name, bool(self.skip_special), str(self.unknown).encode()), "q"


def decode_call(
    ids: Sequence[int] | npt.NDArray[np.integer], decoding: Decoding, largest: int, reply: Reply
) -> StatelessCall:
    """Returns the call that decodes ids.

    Raises:
        RequestTooLargeError: they do not fit.
        OverflowError: an id is negative or above 2**32 - 1; with options for ids that are not
            tokens, it does not fit into 64 bits.
        TypeError: `ids` is not a sequence of integers, or `errors` not a string.
    """
    options, code = decoding.packed()
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        raise TypeError(f"expected a sequence of ids, got {type(ids).__name__}")
    # `array` would copy bytes as its memory; here, as for `Encoding.decode`, each byte is an id.
    try:
        numbers = array(code, iter(ids))
    except OverflowError:
        wrong = next(token for token in ids if not 0 <= token < 1 << 32)
        raise OverflowError(f"{wrong} is out of the range of ids, 0 to 2**32 - 1") from None
    size = numbers.itemsize
    if len(numbers) * size + len(options) > largest:
        raise RequestTooLargeError(
            f"decode: {len(numbers)} ids, at most {(largest - len(options)) // size} fit into the "
            f"pool's ring"
        )
    reply.expect(1)
    body: list[Fragment] = [memoryview(numbers).cast("B"), options]
    return StatelessCall(TEXT, len(numbers), len(numbers), body, reply)


def result_of(reply: Reply, form: Form) -> Any:
    """Returns what the caller of stateless calls gets, or raises the first error."""
    error = reply.error
    if error is not None:
        found = AT_INDEX.match(str(error.args[0])) if error.args else None
        if found:
            error.args = (_place(form, reply.error_place + int(found[1])) + found[2],)
        raise error
    return form.join([reply.results[place] for place in sorted(reply.results)])


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
