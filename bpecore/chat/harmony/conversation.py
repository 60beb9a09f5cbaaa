"""Renders conversations in the harmony format, the prompt format of gpt-oss, to ids.

    <|start|>{role} to={recipient}<|channel|>{channel} {content type}<|message|>{content}<|end|>

Everything between the special tokens is encoded as ordinary text, piece by piece: special tokens
that are spelled out in a content stay text. The format is OpenAI's, "Harmony response format"; the
reference is the package `openai-harmony` 0.0.8. Linear in time and memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Union

from bpecore.chat.fields import fields_of
from bpecore.chat.harmony.sections import developer_text, system_text
from bpecore.chat.strings import listed
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


def render_conversation(
    conversation: Any,
    *,
    next_role: str | None = None,
    training: bool = False,
    drop_analysis: bool = True,
) -> list[int]:
    """Renders a conversation to ids, exactly as `openai-harmony` does.

    Args:
        conversation: a `Conversation` of `openai-harmony`, its messages, or what `to_dict` returns
            for either: `{"messages": [{"role": "user", "content": "Hi"}, …]}`. A content is a
            string or a list of `{"type": "text", "text": …}`, `{"type": "system_content", …}` and
            `{"type": "developer_content", …}`.
        next_role: the role whose message is to be sampled; its start is rendered too.
        training: whether a final message at the end ends in `<|return|>`.
        drop_analysis: whether, if the last message of the assistant is in the channel `final`, the
            messages of the channel `analysis` before the first `final` one are dropped.

    Raises:
        ValueError: a message has an unknown role or content, or a tool's message no name.
        TypeError: something has a wrong type.

    Example:
        >>> ids = render_conversation([{"role": "user", "content": "Hi"}], next_role="assistant")
        >>> get_encoding("o200k_harmony").decode(ids)
        '<|start|>user<|message|>Hi<|end|><|start|>assistant'
    """
    messages = read_messages(conversation)
    kept = without_early_analysis(messages) if drop_analysis else messages
    ids = ids_of(piece for message in kept for piece in pieces_of(message))
    if training and ids and messages[-1].role == "assistant" and messages[-1].channel == "final":
        ids[-1] = RETURN
    if next_role is not None:
        ids += ids_of(start_of(next_role))
    return ids


def harmony_encoding() -> Encoding:
    """Returns the encoding of gpt-oss."""
    return get_encoding("o200k_harmony")


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
    """Returns the start of the message that a role is about to write.

    Raises:
        ValueError: the role is unknown.
    """
    if role not in ROLES:
        raise ValueError(f"the harmony format has the roles {ROLES}, not {role!r:.80}")
    return START, role


def without_early_analysis(messages: Sequence[HarmonyMessage]) -> list[HarmonyMessage]:
    """Drops analysis before the first final message, if the assistant's last message is final."""
    last = next((message for message in reversed(messages) if message.role == "assistant"), None)
    if last is None or last.channel != "final":
        return list(messages)
    first = next(i for i, message in enumerate(messages) if message.channel == "final")
    return [m for i, m in enumerate(messages) if i >= first or m.channel != "analysis"]


def read_messages(conversation: Any) -> list[HarmonyMessage]:
    """Reads a conversation as `render_conversation` takes it."""
    fields = _as_dict(conversation)
    if isinstance(fields, Mapping):
        fields = fields.get("messages", ())
    read = [_read(message, f"message {i}") for i, message in enumerate(listed(fields, "messages"))]
    with_functions = any(
        ((content.get("tools") or {}).get("functions") or {}).get("tools")
        for _, contents in read
        for content in contents
        if content.get("type") == "developer_content"
    )
    return [
        HarmonyMessage(
            fields["role"],
            [_content_text(c, fields["role"], with_functions, f"message {i}") for c in contents],
            *(fields.get(name) for name in ("name", "channel", "recipient", "content_type")),
        )
        for i, (fields, contents) in enumerate(read)
    ]


def _as_dict(thing: Any) -> Any:
    """Returns what an object of `openai-harmony` is as a dict, and other things as they are."""
    to_dict = None if isinstance(thing, type) else getattr(thing, "to_dict", None)
    return to_dict() if callable(to_dict) else thing


def _read(message: Any, what: str) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """Returns a message's fields and the fields of its contents."""
    fields = fields_of(_as_dict(message), what)
    if fields.get("role") not in ROLES:
        raise ValueError(f"{what} has no role of the harmony format: {fields.get('role')!r:.80}")
    for name in ("name", "channel", "recipient", "content_type"):
        if not isinstance(fields.get(name), (str, type(None))):
            raise TypeError(f"the {name} of {what} must be str, not {type(fields[name]).__name__}")
    if fields["role"] == "tool" and fields.get("name") is None:
        raise ValueError(f"{what} is a tool's and has no name, which its header needs")
    content = fields.get("content")
    if isinstance(content, str):
        return fields, [{"type": "text", "text": content}]
    contents = listed(content or (), f"the content of {what}")
    return fields, [fields_of(_as_dict(part), f"a content of {what}") for part in contents]


def _content_text(content: Mapping[str, Any], role: str, with_functions: bool, what: str) -> str:
    kind = content.get("type")
    if kind == "text" and isinstance(content.get("text"), str):
        return str(content["text"])
    if kind == "system_content" and role == "system":
        return system_text(content, with_functions)
    if kind == "developer_content" and role == "developer":
        return developer_text(content)
    raise ValueError(f"{what}, of the role {role}, has a content of another type: {content!r:.80}")
