"""Cuts the messages of a chat to a budget of tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bpecore._build.checks import check_number
from bpecore.chat.fields import fields_of, with_content
from bpecore.chat.messages import (
    TOKENS_PER_REPLY,
    count_message,
    count_part,
    role_of,
    text_of_part,
)
from bpecore.chat.strings import count, encoding_of, listed
from bpecore.chat.tools import count_tools
from bpecore.core import Encoding

KEPT_ROLES = ("system", "developer")


def truncate_tokens_from_messages(
    messages: Iterable[Any],
    model: str,
    max_tokens: int,
    *,
    tools: Iterable[Any] | None = None,
    default: str | None = None,
) -> list[Any]:
    """Drops and cuts messages, the oldest first, until they fit a budget.

    A first message of the system or developer is kept whole. Of the others, the newest that fit
    are kept, and of the next older one the end of its content. The answer of a tool is dropped
    together with the call that it answers, because servers refuse it alone.

    Args:
        messages: as for `num_tokens_from_messages`; none of them is changed.
        model: as for `num_tokens_from_messages`.
        max_tokens: the budget for messages and tools, as `num_tokens_from_messages` counts.
        tools: as for `num_tokens_from_messages`; they are counted, and never dropped.
        default: as for `num_tokens_from_messages`.

    Returns:
        The messages kept, in order. They are the objects given, except a message that was cut,
        which is a copy. `num_tokens_from_messages` of them is at most `max_tokens`.

    Raises:
        ValueError: `max_tokens` is negative, or too small for the system message and something of
            the newest one, with the call that it answers if it is a tool's; or as for
            `num_tokens_from_messages`.
        TypeError: `max_tokens` is not an int; or as for `num_tokens_from_messages`.
        KeyError: as for `num_tokens_from_messages`.

    Example:
        >>> messages = [
        ...     {"role": "system", "content": "Be brief."},
        ...     {"role": "user", "content": "Tell me about all the rivers of Europe."},
        ...     {"role": "assistant", "content": "There are many."},
        ...     {"role": "user", "content": "Name one."},
        ... ]
        >>> kept = truncate_tokens_from_messages(messages, "gpt-4o", 32)
        >>> [message["content"] for message in kept]
        ['Be brief.', ' of Europe.', 'There are many.', 'Name one.']
    """
    max_tokens = check_number("max_tokens", max_tokens, 0)
    encoding = encoding_of(model, default)
    given = listed(messages, "messages")
    roles = [role_of(message, f"message {i}") for i, message in enumerate(given)]
    oldest = 1 if roles and roles[0] in KEPT_ROLES else 0
    fixed = TOKENS_PER_REPLY + count_tools(encoding, tools)
    if oldest:
        fixed += count_message(encoding, model, given[0], "message 0")
    if fixed > max_tokens:
        raise ValueError(
            f"max_tokens={max_tokens} is too small by {fixed - max_tokens} for the system message, "
            "the tools and the start of a reply"
        )
    kept = _newest(encoding, model, given, oldest, max_tokens - fixed)
    if len(kept) < len(given) - oldest:
        while kept and roles[len(given) - len(kept)] in ("tool", "function"):
            del kept[0]
    if not kept and len(given) > oldest:
        raise ValueError(
            f"max_tokens={max_tokens} is too small: of the newest message nothing fits, or not "
            "the call that it answers"
        )
    return given[:oldest] + kept


def _newest(
    encoding: Encoding, model: str, messages: list[Any], oldest: int, budget: int
) -> list[Any]:
    """Returns the newest messages that fit a budget, none before `oldest`, and a cut one."""
    kept: list[Any] = []
    for position in range(len(messages) - 1, oldest - 1, -1):
        message = messages[position]
        cost = count_message(encoding, model, message, f"message {position}")
        if cost > budget:
            cut = _cut_message(encoding, message, cost - budget)
            if cut is not None:
                kept.append(cut)
            break
        kept.append(message)
        budget -= cost
    return kept[::-1]


def _cut_message(encoding: Encoding, message: Any, excess: int) -> Any | None:
    """Returns a copy that costs at least `excess` tokens less, or None if nothing would be left."""
    content = fields_of(message, "a message").get("content")
    if isinstance(content, str):
        left = _cut_text(encoding, content, excess)
        return with_content(message, left) if left else None
    parts: list[Any] = list(content or ())
    while parts and excess > 0:
        cost = count_part(encoding, parts[0], "a message")
        text = parts[0] if isinstance(parts[0], str) else text_of_part(parts[0], "a message")
        left = _cut_text(encoding, text, excess) if text is not None and cost > excess else ""
        if not left:
            del parts[0]
            excess -= cost
            continue
        if isinstance(parts[0], str):
            parts[0] = left
        else:
            name = "refusal" if fields_of(parts[0], "a part").get("type") == "refusal" else "text"
            parts[0] = with_content(parts[0], left, name)
        excess = 0
    return with_content(message, parts) if parts and excess <= 0 else None


def _cut_text(encoding: Encoding, text: str, excess: int) -> str:
    """Returns the end of a text, at least `excess` tokens shorter."""
    room = count(encoding, text) - excess
    return encoding.truncate(text, room, side="start", disallowed_special=()) if room > 0 else ""
