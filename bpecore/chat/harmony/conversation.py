"""Renders conversations in the harmony format, the prompt format of gpt-oss, to ids.

    <|start|>{role} to={recipient}<|channel|>{channel} {content type}<|message|>{content}<|end|>

Everything between the special tokens is encoded as ordinary text, piece by piece: special tokens
that are spelled out in a content stay text. The format is OpenAI's, "Harmony response format"; the
reference is the package `openai-harmony` 0.0.8. Linear in time and memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bpecore.chat.harmony.message import (
    RETURN,
    ROLES,
    HarmonyMessage,
    ids_of,
    pieces_of,
    start_of,
)
from bpecore.chat.harmony.reading import read_conversation


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
        >>> import bpecore
        >>> ids = render_conversation([{"role": "user", "content": "Hi"}], next_role="assistant")
        >>> bpecore.get_encoding("o200k_harmony").decode(ids)
        '<|start|>user<|message|>Hi<|end|><|start|>assistant'
    """
    messages = read_conversation(conversation)
    kept = without_early_analysis(messages) if drop_analysis else messages
    ids = ids_of(piece for message in kept for piece in pieces_of(message))
    if training and ids and messages[-1].role == "assistant" and messages[-1].channel == "final":
        ids[-1] = RETURN
    if next_role is not None:
        if next_role not in ROLES:
            raise ValueError(f"next_role must be one of {', '.join(ROLES)}, not {next_role!r:.80}")
        ids += ids_of(start_of(next_role))
    return ids


def without_early_analysis(messages: Sequence[HarmonyMessage]) -> list[HarmonyMessage]:
    """Drops analysis before the first final message, if the assistant's last message is final."""
    last = next((message for message in reversed(messages) if message.role == "assistant"), None)
    if last is None or last.channel != "final":
        return list(messages)
    first = next(i for i, message in enumerate(messages) if message.channel == "final")
    return [m for i, m in enumerate(messages) if i >= first or m.channel != "analysis"]
