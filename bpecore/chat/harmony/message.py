"""A message of the harmony format, and the special tokens and texts that it consists of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Union

from bpecore.core import Encoding
from bpecore.registry import get_encoding

RETURN, CONSTRAIN, CHANNEL, START, END, MESSAGE, CALL = (
    200002,
    200003,
    200005,
    200006,
    200007,
    200008,
    200012,
)
CONSTRAIN_TEXT = "<|constrain|>"

ROLES = ("system", "developer", "user", "assistant", "tool")

Piece = Union[int, str]
"""A special token's id, or text to encode."""


class HarmonyMessage(NamedTuple):
    """A message whose contents are texts."""

    role: str
    texts: Sequence[str]
    name: str | None = None
    channel: str | None = None
    recipient: str | None = None
    content_type: str | None = None


def harmony_encoding() -> Encoding:
    """Returns the encoding of gpt-oss."""
    return get_encoding("o200k_harmony")


def pieces_of(message: HarmonyMessage) -> Iterator[Piece]:
    """Yields what a message consists of."""
    yield START
    if message.role != "tool":
        yield message.role
    if message.name is not None:
        yield message.name if message.role == "tool" else f":{message.name}"
    if message.recipient not in (None, "all"):
        yield f" to={message.recipient}"
    if message.channel is not None:
        yield CHANNEL
        yield message.channel
    if message.content_type is not None:
        if message.content_type.startswith(CONSTRAIN_TEXT):
            yield " "
            yield CONSTRAIN
            yield message.content_type[len(CONSTRAIN_TEXT) :]
        else:
            yield f" {message.content_type}"
    yield MESSAGE
    yield from message.texts
    yield CALL if message.role == "assistant" and message.recipient is not None else END


def start_of(role: str) -> tuple[Piece, ...]:
    """Returns the start of the message that a role is about to write."""
    return START, role


def ids_of(pieces: Iterable[Piece]) -> list[int]:
    """Encodes pieces one by one."""
    encode = harmony_encoding().encode_ordinary
    ids: list[int] = []
    for piece in pieces:
        if isinstance(piece, int):
            ids.append(piece)
        else:
            ids += encode(piece)
    return ids
