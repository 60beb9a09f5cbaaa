"""What a worker answers: one method per kind of request, from bytes to bytes."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from typing import Any, cast

from bpecore._core import SlotDecoders, encode_batch_to_buffer, unpack_texts
from bpecore._engine_calls import do_at_index
from bpecore._services.id_buffers import encode_to_buffer, list_of
from bpecore.core import Encoding
from bpecore.pool.wire.messages import (
    CLOSE,
    FAILED,
    ONE_EACH,
    RESTORE,
    Bytes,
    Options,
    RequestHeader,
    describe_error,
    unpack_options,
)

OPTIONS_LIMIT = 256
"""How many combinations of options are remembered."""


class Answer:
    """An answer to be sent.

    Attributes:
        fragments: its bytes, in order.
        extra: for its header.
    """

    __slots__ = ("extra", "fragments")

    def __init__(self, *fragments: Bytes, extra: int = 0) -> None:
        self.fragments = fragments
        self.extra = extra


class Answerer:
    """Answers requests with an encoding.

    Args:
        encoding: the encoding.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._options: dict[bytes, Options] = {}

    # ---- streams ----------------------------------------------------------------------------

    def feed(self, header: RequestHeader, body: memoryview, decoders: SlotDecoders) -> Answer:
        """Answers FEED, CLOSE and RESTORE."""
        numbers = body.cast("I")
        slots = numbers[: header.items]
        if header.flags & ONE_EACH:
            found = decoders.feed_each(numbers)
            if found is not None:
                return _pack_texts(found)
            # An id is unknown: each stream is fed by itself, to find whose.
            ids = numbers[header.items :]
            counts = [1] * header.items
        else:
            counts = numbers[header.items : 2 * header.items].tolist()
            ids = numbers[2 * header.items :]
        if header.kind == CLOSE:
            return _pack_texts([decoders.end(slot) for slot in slots])
        texts = []
        errors: list[Any] = []
        for slot, end, count in zip(slots, accumulate(counts), counts):
            try:
                texts.append(decoders.feed(slot, ids[end - count : end]))
            except Exception as error:  # raised in the caller, for this stream alone
                errors.append([len(texts), describe_error(error)])
                texts.append("")
        if header.kind == RESTORE:
            return Answer()
        return _pack_texts(texts, errors)

    # ---- requests without a state ----------------------------------------------------------

    def encode(self, header: RequestHeader, body: memoryview) -> Answer:
        """Answers ENCODE."""
        encoding = self._encoding
        texts, (allowed, disallowed, append) = self._texts(header, body)
        if encoding._is_own("encode"):
            special_tokens = encoding.special_tokens_set
            buffers = encode_batch_to_buffer(
                encoding._core_bpe, texts, allowed, disallowed, special_tokens, 1, append
            )
            if buffers is not None:
                ids, offsets = buffers
                return Answer(offsets, memoryview(ids).cast("B"))
        # A text has surrogates or a disallowed string, or the engine is not ours.
        encode = partial(encode_to_buffer, encoding)
        found = [do_at_index(i, encode, text, allowed, disallowed) for i, text in enumerate(texts)]
        if append is not None:
            found = [array("I", [*list_of(ids), append]) for ids in found]
        places = array("q", accumulate(map(len, found), initial=0))
        return Answer(memoryview(places).cast("B"), *(memoryview(ids).cast("B") for ids in found))

    def count(self, header: RequestHeader, body: memoryview) -> Answer:
        """Answers COUNT."""
        texts, (allowed, disallowed, _) = self._texts(header, body)
        counts = self._encoding.count_batch(
            texts, allowed_special=allowed, disallowed_special=disallowed, num_threads=1
        )
        return Answer(memoryview(array("Q", counts)).cast("B"))

    def decode(self, header: RequestHeader, body: memoryview) -> Answer:
        """Answers DECODE."""
        end = len(body) - header.extra
        errors, *others = str(body[end:], "utf-8", "surrogatepass").split("\0")
        if others:
            skip_special, unknown = others
            text = self._encoding.decode(
                body[:end].cast("q"),
                errors,
                skip_special=skip_special == "1",
                unknown=cast("Any", unknown),
            )
        else:
            text = self._encoding.decode(body[:end].cast("I"), errors)
        return Answer(text.encode("utf-8", "surrogatepass"))

    def _texts(self, header: RequestHeader, body: memoryview) -> tuple[list[str], Options]:
        texts, end = unpack_texts(body, header.items)
        packed = bytes(body[end:])
        options = self._options.get(packed)
        if options is None:
            if len(self._options) == OPTIONS_LIMIT:
                self._options.clear()
            options = self._options[packed] = unpack_options(packed)
        return texts, options


def _pack_texts(texts: list[str], errors: Sequence[Any] = ()) -> Answer:
    """Packs texts, and errors in place of some."""
    lengths = array("I", map(len, texts))
    for place, _ in errors:
        lengths[place] = FAILED
    described = json.dumps(errors).encode() if errors else b""
    joined = "".join(texts).encode("utf-8", "surrogatepass")
    return Answer(memoryview(lengths).cast("B"), joined, described, extra=len(described))
