"""Renders and counts chats for gpt-oss; exact, in linear time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from bpecore.chat.harmony.conversation import (
    HarmonyMessage,
    harmony_encoding,
    ids_of,
    pieces_of,
    start_of,
)
from bpecore.chat.harmony.from_chat import (
    Options,
    Tools,
    preface_of,
    read_tools,
    read_turns,
    split_instructions,
)
from bpecore.chat.harmony.sections import instructions_text, namespace_text, tool_text
from bpecore.chat.strings import count, listed


class HarmonyCount(NamedTuple):
    """Tokens of a chat, and where they are.

    Attributes:
        total: all tokens, the start of the reply included.
        messages: tokens of each message of the caller.
        tools: tokens of each tool of the caller.
        fixed: the other tokens: the system message, the frame of the tools, the format of the
            reply, the start of the reply.
    """

    total: int
    messages: tuple[int, ...]
    tools: tuple[int, ...]
    fixed: int


class _Chat(NamedTuple):
    """A chat in the format: its preface, and turns with the position of their message."""

    given: list[Any]
    tools: Tools
    instructions: str | None
    preface: list[HarmonyMessage]
    turns: list[tuple[int, HarmonyMessage]]


def _read(messages: Iterable[Any], tools: Iterable[Any] | None, options: Options) -> _Chat:
    given = listed(messages, "messages")
    known = read_tools(tools)
    instructions, start = split_instructions(given)
    preface = preface_of(known, instructions, options)
    return _Chat(given, known, instructions, preface, read_turns(given, start))


def render_chat(
    messages: Iterable[Any],
    *,
    tools: Iterable[Any] | None = None,
    reasoning_effort: str | None = None,
    response_format: Any = None,
    date: str | None = None,
) -> list[int]:
    """Renders a chat to the ids that gpt-oss gets, ready for its reply.

    Args:
        messages: dicts or objects as chat completions take them; see `bpecore.chat.harmony`.
        tools: functions and built-in tools, as dicts or objects.
        reasoning_effort: "low", "medium" or "high"; None means "medium".
        response_format: `{"type": "json_schema", …}`, shown as the published format says. Servers
            that only constrain the reply, as vLLM does, show nothing: leave it out for them.
        date: the current date, as "2025-06-28"; None means today's.

    Raises:
        ValueError: something is missing, or gpt-oss has nothing like it.
        TypeError: something has a wrong type.

    Example:
        >>> ids = render_chat([{"role": "user", "content": "Hi"}])
        >>> harmony_encoding().decode(ids[-7:])
        '<|start|>user<|message|>Hi<|end|><|start|>assistant'
    """
    chat = _read(messages, tools, Options(reasoning_effort, response_format, date))
    rendered = (*chat.preface, *(turn for _, turn in chat.turns))
    ids = ids_of(piece for message in rendered for piece in pieces_of(message))
    return ids + ids_of(start_of("assistant"))


def count_chat(
    messages: Iterable[Any],
    *,
    tools: Iterable[Any] | None = None,
    reasoning_effort: str | None = None,
    response_format: Any = None,
    date: str | None = None,
) -> int:
    """Counts the tokens of a chat; takes and raises as `render_chat`, and has its length.

    Example:
        >>> count_chat([{"role": "user", "content": "Hi"}])
        68
    """
    chat = _read(messages, tools, Options(reasoning_effort, response_format, date))
    rendered = (*chat.preface, *(turn for _, turn in chat.turns))
    return sum(map(_tokens_of, rendered)) + len(start_of("assistant"))


def explain_chat(
    messages: Iterable[Any],
    *,
    tools: Iterable[Any] | None = None,
    reasoning_effort: str | None = None,
    response_format: Any = None,
    date: str | None = None,
) -> HarmonyCount:
    """Counts the tokens of each message and tool; takes and raises as `render_chat`.

    A tool is not encoded by itself: the tokens that begin in its text are its own.

    Example:
        >>> explain_chat([{"role": "user", "content": "Hi"}, {"role": "user", "content": "?"}])
        HarmonyCount(total=73, messages=(5, 5), tools=(), fixed=63)
    """
    chat = _read(messages, tools, Options(reasoning_effort, response_format, date))
    system, *developer = chat.preface
    by_message = [0] * len(chat.given)
    for position, turn in chat.turns:
        by_message[position] += _tokens_of(turn)
    by_tool = dict.fromkeys(chat.tools.builtin, 0)  # one that is given twice is shown once
    firsts = {tool["name"]: position for position, tool in reversed(chat.tools.builtin.items())}
    shown = sorted(firsts)
    texts = [namespace_text(chat.tools.builtin[firsts[name]]) for name in shown]
    by_tool.update(zip((firsts[name] for name in shown), _shares(system, texts)))
    fixed = _tokens_of(system) + len(start_of("assistant"))
    if developer:
        texts = [] if chat.instructions is None else [instructions_text(chat.instructions)]
        texts += map(tool_text, chat.tools.functions.values())
        shares = _shares(developer[0], texts)
        fixed += _tokens_of(developer[0])
        if chat.instructions is not None:
            by_message[0] = shares.pop(0)
        by_tool.update(zip(chat.tools.functions, shares))
    fixed -= sum(by_tool.values()) + (by_message[0] if chat.instructions is not None else 0)
    by_position = tuple(by_tool[position] for position in sorted(by_tool))
    total = fixed + sum(by_message) + sum(by_position)
    return HarmonyCount(total, tuple(by_message), by_position, fixed)


def _tokens_of(message: HarmonyMessage) -> int:
    encoding = harmony_encoding()
    return sum(
        1 if isinstance(piece, int) else count(encoding, piece) for piece in pieces_of(message)
    )


def _shares(message: HarmonyMessage, parts: Iterable[str]) -> list[int]:
    """Returns how many tokens of a message's text begin in each of its parts, given in order."""
    encoding = harmony_encoding()
    (text,) = message.texts
    starts: Sequence[int] = ()
    shares, end = [], 0
    for part in parts:
        if not starts:
            _, starts = encoding.decode_with_offsets(encoding.encode_ordinary(text))
        start = text.index(part, end)
        end = start + len(part)
        shares.append(bisect_left(starts, end) - bisect_left(starts, start))
    return shares
