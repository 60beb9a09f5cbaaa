"""The layout of requests and answers: flat arrays of numbers and characters, in the byte order of
the machine. Lone surrogates pass unchanged. Texts to encode are as in Python's memory, with 1, 2 or
4 bytes per character; texts of streams are UTF-8, because they are short.

| Kind | After the request's header | After the answer's |
|---|---|---|
| FEED, CLOSE, RESTORE | slots u32[items]; unless ONE_EACH, the number of ids of each u32[items]; \
ids u32[] | lengths u32[items], in characters; UTF-8 of all texts; `extra` bytes of JSON: errors \
of streams whose length is FAILED |
| ENCODE | lengths u32[items], in characters; bytes per character u32[items]; each text, padded \
to 4 bytes; `extra` bytes of JSON: special tokens, and for ENCODE an id to append to each text \
| places i64[items + 1]; ids u32[] |
| COUNT | the same | u64[items] |
| DECODE | ids u32[items]; `extra` bytes: name of the error handler | UTF-8 |

The answer to RESTORE is empty. An answer of the kind ERROR is JSON. A long answer comes as several
messages; all but the last are of the kind PARTIAL.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from bpecore._core import PackedTexts
from bpecore.pool.errors import PoolError

if TYPE_CHECKING:
    from bpecore.types import Allowed, Disallowed

Bytes = Union[bytes, bytearray, memoryview]
Fragment = Union[Bytes, PackedTexts]
"""What a message is written from: one or several of these, one after the other."""


class Options(NamedTuple):
    """How texts are encoded or counted.

    Attributes:
        allowed: special tokens that become their ids.
        disallowed: special tokens that a text may not hold.
        append: an id that follows those of each text; None: nothing does.
    """

    allowed: Allowed
    disallowed: Disallowed
    append: int | None


FEED, CLOSE, RESTORE, ENCODE, COUNT, DECODE = range(1, 7)
ANSWER, PARTIAL, ERROR = range(1, 4)

STATELESS = frozenset((ENCODE, COUNT, DECODE))
"""Requests that any worker can answer; the others belong to streams."""

ONE_EACH = 1
"""A flag of FEED: each stream gets one id, and the counts are left out."""

GOES_ON = 2
"""A flag of ENCODE and COUNT: the caller also waits for later messages of the same batch."""

FAILED = 0xFFFFFFFF
"""In place of a text's length: the stream was not fed."""

KIND_NAMES = {
    FEED: "feed",
    CLOSE: "close",
    RESTORE: "restore",
    ENCODE: "encode",
    COUNT: "count",
    DECODE: "decode",
}


class RequestHeader(NamedTuple):
    """The first 40 bytes of a request.

    Attributes:
        kind: FEED … DECODE.
        flags: ONE_EACH, GOES_ON or 0.
        items: streams, texts or ids.
        number: the client's number of the request, which the answer repeats.
        sent_ns: when it was written, by `time.monotonic_ns`, which all processes share.
        tokens: the work in tokens; for texts an estimate.
        extra: bytes of the extra part at the end.
    """

    kind: int
    flags: int
    items: int
    number: int
    sent_ns: int
    tokens: int
    extra: int


REQUEST = struct.Struct("=HHIQQQQ")

ANSWER_HEADER = struct.Struct("=IIQ")
"""The first bytes of an answer: its kind, extra and number, as in `RequestHeader`."""

CHARACTERS_PER_TOKEN = 4
"""Estimates the work in texts before their tokens are known."""


def pack_options(allowed: Allowed, disallowed: Disallowed, append: int | None) -> bytes:
    """Returns the arguments for special tokens, and what follows each text, as bytes; no bytes for
    the defaults.

    Raises:
        TypeError: an argument has another type.
    """
    is_default = disallowed == "all" and isinstance(allowed, (set, frozenset)) and not allowed
    if is_default and append is None:
        return b""
    special = _list_of(allowed, "allowed_special"), _list_of(disallowed, "disallowed_special")
    return json.dumps([*special, append]).encode()


def _list_of(strings: Allowed | Disallowed, name: str) -> list[str] | str:
    if isinstance(strings, str):
        if strings == "all":
            return "all"
    elif isinstance(strings, AbstractSet) or (
        name != "allowed_special" and isinstance(strings, Collection)
    ):
        found = list(strings)
        if all(isinstance(string, str) for string in found):
            return sorted(found)
    raise TypeError(f'{name} must be a set of str or "all", not {strings!r:.80}')


def unpack_options(data: bytes) -> Options:
    """Returns what `pack_options` packed."""
    if not data:
        return Options(frozenset(), "all", None)
    allowed, disallowed, append = json.loads(data)
    return Options(
        "all" if allowed == "all" else frozenset(allowed),
        "all" if disallowed == "all" else frozenset(disallowed),
        append,
    )


# The exceptions that the engine's methods raise for bad arguments.
_ERRORS = {
    error.__name__: error
    for error in (KeyError, LookupError, MemoryError, OverflowError, TypeError, ValueError)
}


def describe_error(error: Exception) -> Any:
    """Returns a description of an exception that JSON can hold."""
    if isinstance(error, UnicodeDecodeError):
        found, rest = bytes(error.object).hex(), [error.start, error.end, error.reason]
        return ["UnicodeDecodeError", error.encoding, found, *rest]
    if isinstance(error, UnicodeEncodeError):
        # JSON would join two surrogates into one character.
        found = error.object.encode("utf-8", "surrogatepass").hex()
        return ["UnicodeEncodeError", error.encoding, found, error.start, error.end, error.reason]
    for kind in type(error).__mro__:
        if kind.__name__ in _ERRORS:
            return [kind.__name__, str(error.args[0]) if error.args else ""]
    return [type(error).__name__, str(error)]


def rebuild_error(described: Any) -> Exception:
    """Returns the exception described; one of an unknown kind becomes a `PoolError`."""
    name, *arguments = described
    if name == "UnicodeDecodeError":
        encoding, found, start, end, reason = arguments
        return UnicodeDecodeError(encoding, bytes.fromhex(found), start, end, reason)
    if name == "UnicodeEncodeError":
        encoding, found, *rest = arguments
        text = bytes.fromhex(found).decode("utf-8", "surrogatepass")
        return UnicodeEncodeError(encoding, text, *rest)
    if name in _ERRORS:
        return _ERRORS[name](*arguments)
    return PoolError(f"{name} in a worker: {arguments[0]}")
