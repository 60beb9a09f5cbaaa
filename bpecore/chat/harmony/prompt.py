"""The prompt that gpt-oss gets for a chat: its ids, and what its parts cost. Exact, and linear."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from bpecore.chat.harmony.builtin_tools import TEXT_OF_NAME
from bpecore.chat.harmony.from_chat import (
    developer_message,
    instructions_of,
    system_message,
    turns_of,
)
from bpecore.chat.harmony.message import (
    HarmonyMessage,
    harmony_encoding,
    ids_of,
    pieces_of,
    start_of,
)
from bpecore.chat.harmony.sections import instructions_text
from bpecore.chat.harmony.tools import Tools, read_tools
from bpecore.chat.messages import read_messages
from bpecore.chat.reader import Reader
from bpecore.chat.rules import rules_of
from bpecore.chat.seen import Seen
from bpecore.chat.strings import count
from bpecore.chat.tally import Tally
from bpecore.chat.tools import response_format_text


class HarmonyRequest(NamedTuple):
    """What a chat for gpt-oss has besides messages.

    Attributes:
        tools: the tools.
        reasoning_effort: "low", "medium" or "high"; None means "medium".
        response_format: the text of the section about the reply's format.
        date: the current date; None means today's.
    """

    tools: Tools
    reasoning_effort: str | None = None
    response_format: str = ""
    date: str | None = None


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
        messages: dicts or objects, as for `num_tokens_from_messages`; texts only.
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
    seen = read_messages(Reader("gpt-oss", rules_of("gpt-oss")), messages)
    request = HarmonyRequest(
        read_tools(tools), reasoning_effort, response_format_text(response_format), date
    )
    rendered = (*_preface(request, instructions_of(seen)), *(turn for _, turn in turns_of(seen)))
    ids = ids_of(piece for message in rendered for piece in pieces_of(message))
    return ids + ids_of(start_of("assistant"))


def _preface(request: HarmonyRequest, instructions: str | None) -> Iterator[HarmonyMessage]:
    yield system_message(request.tools, request.reasoning_effort, request.date)
    developer = developer_message(request.tools, instructions, request.response_format)
    if developer is not None:
        yield developer


def tally_of_harmony(request: HarmonyRequest, seen: list[Seen], *, apart: bool) -> Tally:
    """Returns what a chat costs.

    Args:
        request: what the chat has besides messages.
        seen: the messages.
        apart: whether tools and instructions are counted apart from the message that has them. They
            are not encoded by themselves: the tokens that begin in the text of one are its own.
    """
    tally, instructions = Tally(apart), instructions_of(seen)
    system, *developer = _preface(request, instructions)
    parts: list[tuple[str, int, str]] = []
    if apart:
        # A tool that is given twice is shown once.
        firsts = {name: number for number, name in reversed(request.tools.builtin.items())}
        parts = [("tool", firsts[name], TEXT_OF_NAME[name]) for name in sorted(firsts)]
    _tally_parts(tally, system, "system message", parts)
    for message in developer:
        parts = []
        if apart and instructions is not None:
            parts.append(("message", seen[0].position, instructions_text(instructions)))
        if apart:
            parts += [("tool", *function) for function in request.tools.functions.items()]
        _tally_parts(tally, message, "developer message", parts)
    for position, turn in turns_of(seen):
        tally.add("message", position, _header_tokens(turn), turn.texts)
    for each in seen:
        for place, kind, tokens in each.costs:
            tally.add(kind, place, tokens)
    tally.add("frame", "start of the reply", len(start_of("assistant")))
    return tally


def _tally_parts(
    tally: Tally, message: HarmonyMessage, place: str, parts: list[tuple[str, int, str]]
) -> None:
    """Adds a message of one text that has parts of the chat in it, in order."""
    fixed = _header_tokens(message)
    if not parts:
        tally.add("frame", place, fixed, message.texts)
        return
    encoding, (text,), end = harmony_encoding(), message.texts, 0
    starts: Sequence[int] = encoding.decode_with_offsets(encoding.encode_ordinary(text))[1]
    fixed += len(starts)
    for kind, number, part in parts:
        start = text.index(part, end)
        end = start + len(part)
        share = bisect_left(starts, end) - bisect_left(starts, start)
        tally.add(kind, number, share)
        fixed -= share
    tally.add("frame", place, fixed)


def _header_tokens(message: HarmonyMessage) -> int:
    """Returns the tokens of a message besides its texts."""
    role, _, *header = message
    # The names of tools are few and short, but a caller may have others.
    is_short = len(message.name or "") + len(message.recipient or "") < 200
    return (_known_header_tokens if is_short else _count_header)(role, *header)


def _count_header(role: str, *header: str | None) -> int:
    pieces = pieces_of(HarmonyMessage(role, (), *header))
    encoding = harmony_encoding()
    return sum(1 if isinstance(piece, int) else count(encoding, piece) for piece in pieces)


_known_header_tokens = lru_cache(maxsize=512)(_count_header)
