"""Cuts the messages of a chat to a budget of tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bpecore._build.checks import check_number
from bpecore.chat.contents import TEXT_FIELDS, read_content
from bpecore.chat.counting import Chat, chat_of, count_chat, explain_chat
from bpecore.chat.fields import fields_of, with_content
from bpecore.chat.groups import Group, groups_of
from bpecore.chat.messages import read_messages
from bpecore.chat.request import Request, Unpack, with_options
from bpecore.chat.seen import Seen
from bpecore.chat.strings import count, listed
from bpecore.core import Encoding

KEPT_ROLES = ("system", "developer")
MAX_CUTS = 4
"""Attempts to cut a text whose end has more tokens by itself than in the text."""


@with_options
def truncate_tokens_from_messages(
    messages: Iterable[Any],
    model: str,
    max_tokens: int,
    **request: Unpack[Request],
) -> list[Any]:
    """Drops and cuts messages, the oldest first, until they fit a budget.

    A first message of the system or developer is kept whole. Of the others, the newest that fit
    are kept, and of the next older one the end of its content. Calls of tools are kept together
    with all their results, and with reasoning in front of them, or not at all; a result whose call
    is not there is dropped, because servers refuse it alone.

    Args:
        messages: as for `num_tokens_from_messages`; none of them is changed.
        model: as for `num_tokens_from_messages`.
        max_tokens: the budget for messages and tools, as `num_tokens_from_messages` counts.
        **request: see `bpecore.chat.Request`; tools are counted, and never dropped.

    Returns:
        The messages kept, in order. They are the objects given, except a message that was cut, or
        whose content is an iterator, which is a copy. `num_tokens_from_messages` of them is at most
        `max_tokens`.

    Raises:
        ValueError: `max_tokens` is negative, or too small for the system message and something of
            the newest one, with the call that it answers if it is a tool's; there are only results
            without calls; or as for `num_tokens_from_messages`.
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
    chat = chat_of(model, request)
    given = [_without_iterators(message) for message in listed(messages, "messages")]
    seen = read_messages(chat.reader, given)
    costs = explain_chat(chat, given)
    groups = groups_of(seen, len(given))
    if costs.total <= max_tokens and sum(len(group.positions) for group in groups) == len(given):
        return given
    head = 1 if seen and _is_instruction(seen[0]) else 0
    del groups[:head]
    fixed = costs.total - sum(costs.messages[head:])
    if fixed > max_tokens:
        raise ValueError(
            f"max_tokens={max_tokens} is too small by {fixed - max_tokens} for the system message, "
            "the tools and the start of a reply"
        )
    kept = _newest(groups, costs.messages, max_tokens - fixed)
    # Costs of messages add up but for a token or two of the frame.
    while kept and count_chat(chat, _messages(given, head, kept)) > max_tokens:
        del kept[0]
    result = _messages(given, head, kept)
    if len(kept) < len(groups) and groups[-len(kept) - 1].is_plain:
        cut = _cut(chat, result, head, given[groups[-len(kept) - 1].positions[0]], max_tokens)
        if cut is not None:
            result.insert(head, cut)
    if len(result) == head and len(given) > head:
        if not groups:
            raise ValueError("messages: there are only results of tools without their calls")
        raise ValueError(
            f"max_tokens={max_tokens} is too small: of the newest message nothing fits, or not "
            "the call that it answers"
        )
    return result


def _without_iterators(message: Any) -> Any:
    """Returns a message whose parts and calls can be read several times."""
    for name in ("content", "tool_calls"):
        is_dict = isinstance(message, Mapping)
        value = message.get(name) if is_dict else getattr(message, name, None)
        if isinstance(value, Iterator):
            message = with_content(message, list(value), name)
    return message


def _is_instruction(message: Seen) -> bool:
    return message.position == 0 and message.role in KEPT_ROLES and not message.calls


def _newest(groups: list[Group], costs: tuple[int, ...], room: int) -> list[Group]:
    """Returns the newest groups that fit."""
    kept: list[Group] = []
    for group in reversed(groups):
        room -= sum(costs[position] for position in group.positions)
        if room < 0:
            break
        kept.append(group)
    return kept[::-1]


def _messages(given: list[Any], head: int, groups: list[Group]) -> list[Any]:
    return given[:head] + [given[position] for group in groups for position in group.positions]


def _cut(chat: Chat, kept: list[Any], head: int, message: Any, max_tokens: int) -> Any | None:
    """Returns the end of a message that fits after the first `head` that are kept, or None."""

    def over(inserted: Any) -> int:
        return count_chat(chat, [*kept[:head], inserted, *kept[head:]]) - max_tokens

    excess = over(message)
    for _ in range(MAX_CUTS):
        cut = _cut_message(chat, message, excess)
        if cut is None:
            return None
        too_many = over(cut)
        if too_many <= 0:
            return cut
        excess += too_many
    return None


def _cut_message(chat: Chat, message: Any, excess: int) -> Any | None:
    """Returns a copy that costs at least `excess` tokens less, or None if nothing would be left."""
    content = fields_of(message, "message").get("content")
    if isinstance(content, str):
        left = _cut_text(chat.encoding, content, excess)
        return with_content(message, left) if left else None
    parts: list[Any] = list(content or ())
    while parts and excess > 0:
        cost = _tokens_of_part(chat, parts[0])
        name, text = _text_of_part(parts[0])
        left = _cut_text(chat.encoding, text, excess) if text and cost > excess else ""
        if not left:
            del parts[0]
            excess -= cost
            continue
        parts[0] = left if name is None else with_content(parts[0], left, name)
        excess = 0
    return with_content(message, parts) if parts and excess <= 0 else None


def _tokens_of_part(chat: Chat, part: Any) -> int:
    seen = Seen(0, "user")
    read_content(chat.reader, seen, [part], "content")
    texts = sum(count(chat.encoding, text) for text in seen.reasoning + seen.texts)
    return texts + sum(cost.tokens for cost in seen.costs)


def _text_of_part(part: Any) -> tuple[str | None, str]:
    """Returns in which field a part has its text, and the text; nothing if it has none."""
    if isinstance(part, str):
        return None, part
    fields = fields_of(part, "content")
    name = TEXT_FIELDS.get(fields.get("type") or "")
    return (name, fields[name]) if name else (None, "")


def _cut_text(encoding: Encoding, text: str, excess: int) -> str:
    """Returns the end of a text, at least `excess` tokens shorter."""
    room = count(encoding, text) - excess
    return encoding.truncate(text, room, side="start", disallowed_special=()) if room > 0 else ""
