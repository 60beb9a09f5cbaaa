"""Estimates the tokens that a chat costs as a prompt.

A server turns messages and tools into one text, in a format that is not published. What is known of
it comes from OpenAI's cookbook and from counts that users of the API measured, so all counts of a
chat except those of strings, and of chats for gpt-oss, are estimates of what a server bills.
docs/chat.md says which of them are known to be right. Counting needs no network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, overload

from bpecore.chat.chat_format import TOKENS_PER_REPLY, tally_messages
from bpecore.chat.explanation import Explanation, Part
from bpecore.chat.fields import wrong_type
from bpecore.chat.harmony.message import harmony_encoding
from bpecore.chat.harmony.prompt import HarmonyRequest, tally_of_harmony
from bpecore.chat.harmony.tools import read_tools as read_harmony_tools
from bpecore.chat.messages import read_messages
from bpecore.chat.reader import Reader
from bpecore.chat.request import Request, Unpack, with_options
from bpecore.chat.rules import Rules, checked_rules, rules_of
from bpecore.chat.seen import Seen
from bpecore.chat.strings import count, encoding_of, listed
from bpecore.chat.tally import Entry, Tally
from bpecore.chat.tools import (
    TOKENS_OF_FRAME,
    TOKENS_OF_OWN_MESSAGE,
    Tools,
    read_choice,
    read_tools,
    response_format_text,
)
from bpecore.chat.typescript import STYLES, Style, function_text, namespace_text
from bpecore.core import Encoding
from bpecore.registry import get_encoding


@overload
def num_tokens_from_messages(
    messages: Iterable[Any],
    model: str,
    *,
    explain: Literal[False] = False,
    **request: Unpack[Request],
) -> int: ...
@overload
def num_tokens_from_messages(
    messages: Iterable[Any],
    model: str,
    *,
    explain: Literal[True],
    **request: Unpack[Request],
) -> Explanation: ...
@with_options
def num_tokens_from_messages(
    messages: Iterable[Any],
    model: str,
    *,
    explain: bool = False,
    **request: Unpack[Request],
) -> int | Explanation:
    """Estimates the tokens that a chat costs as a prompt; for gpt-oss the number is exact.

    Args:
        messages: the messages, as dicts or as objects with the same fields: `role`, `content` (a
            string, a list of parts, or None), `name`, `tool_calls` … Items of the Responses API and
            blocks of Anthropic's API and messages of LangChain are understood too.
        model: the model's name, as for `bpecore.encoding_for_model`.
        explain: whether to return the tokens of each message, tool and image.
        **request: see `bpecore.chat.Request`: `tools`, `tool_choice`, `functions`, `function_call`,
            `response_format` and `reasoning_effort` as the API takes them; `default`, a known
            encoding or model for an unknown one; `rules`, `costs` and `image_sizes` for what is not
            known otherwise.

    Returns:
        The number of tokens, including those that start the reply; or an explanation.

    Raises:
        KeyError: the model is unknown, and there is no `default`; or it is not known what its
            images cost.
        ValueError: the model takes plain text only, or `default` names nothing known; something
            lacks a field, has an unknown type and no cost, or is nested too deep. Then the error
            begins with its place: "messages[3].content".
        TypeError: something has a wrong type, or there is no such option.

    Example:
        >>> num_tokens_from_messages([{"role": "user", "content": "hello world"}], "gpt-4o")
        9
        >>> explanation = num_tokens_from_messages(
        ...     [{"role": "user", "content": "hello world"}], "gpt-4o", explain=True
        ... )
        >>> explanation.messages
        (6,)
    """
    chat = chat_of(model, request)
    return explain_chat(chat, messages) if explain else count_chat(chat, messages)


class Chat(NamedTuple):
    """A chat without its messages.

    Attributes:
        encoding: the model's encoding.
        reader: what the model's messages are read with.
        style: how tools are written.
        tools: the tools.
        choice: fixed tokens and texts of the choice of a tool.
        response_format: how the format of the reply is written.
        harmony: all that but the encoding and the reader, for gpt-oss.
    """

    encoding: Encoding
    reader: Reader
    style: Style
    tools: Tools
    choice: tuple[int, list[str]]
    response_format: str
    harmony: HarmonyRequest | None = None


def chat_of(model: str, request: Mapping[str, Any]) -> Chat:
    """Returns a chat with what `num_tokens_from_messages` takes; raises as it does."""
    for name in request:
        if name not in Request.__annotations__:
            raise TypeError(
                f"there is no option {name!r}; there are {', '.join(Request.__annotations__)}"
            )
    encoding, rules = _rules_for(model, request)
    reader = Reader(model, rules, _mapping(request, "costs"), _mapping(request, "image_sizes"))
    functions = request.get("functions")
    response_format = response_format_text(request.get("response_format"))
    style = STYLES["indented" if functions is not None else rules.tools]
    if rules.format == "harmony":
        effort = request.get("reasoning_effort")
        known = read_harmony_tools(request.get("tools"), functions)
        harmony = HarmonyRequest(known, effort, response_format)
        return Chat(encoding, reader, style, Tools({}, {}), (0, []), "", harmony)
    tools = read_tools(reader, request.get("tools"))
    choice = read_choice(request.get("tool_choice"), style, "tool_choice")
    if functions is not None:
        read = read_tools(reader, functions, "functions").functions.values()
        first = 1 + max((*tools.functions, *tools.builtin), default=-1)
        tools.functions.update(zip(range(first, first + len(read)), read))
    if request.get("function_call") is not None:
        choice = read_choice(request["function_call"], style, "function_call")
    return Chat(encoding, reader, style, tools, choice, response_format)


def _mapping(request: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = request.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise wrong_type(name, "a dict", value)
    return value or {}


def _rules_for(model: str, request: Mapping[str, Any]) -> tuple[Encoding, Rules]:
    """Returns a model's encoding and rules, or those of the default if the model is unknown."""
    further = checked_rules(request.get("rules"))
    default = request.get("default")
    if default is not None and not isinstance(default, str):
        raise wrong_type("default", "str", default)
    if isinstance(model, str):
        rules = rules_of(model, further)
        if rules.format == "harmony":
            return harmony_encoding(), rules
        if rules.encoding is not None:
            return get_encoding(rules.encoding), rules
    encoding = encoding_of(model, default)
    if default is not None and rules.models == "*":
        rules = rules_of(default, further)
    return encoding, rules


def count_chat(chat: Chat, messages: Iterable[Any]) -> int:
    """Returns the tokens of a chat with some messages."""
    seen = read_messages(chat.reader, messages)
    return tally_of(chat, seen, apart=False).total(chat.encoding)


def explain_chat(chat: Chat, messages: Iterable[Any]) -> Explanation:
    """Returns where the tokens of a chat with some messages go."""
    given = listed(messages, "messages")
    seen = read_messages(chat.reader, given)
    return _explanation(chat, seen, len(given), tally_of(chat, seen, apart=True))


def tally_of(chat: Chat, seen: list[Seen], *, apart: bool) -> Tally:
    """Returns what a chat costs, with its parts kept apart if they are to be explained."""
    if chat.harmony is not None:
        return tally_of_harmony(chat.harmony, seen, apart=apart)
    tally = Tally(apart)
    functions, builtin = chat.tools
    rules = chat.reader.rules
    in_system = bool(functions or chat.response_format)
    has_system = tally_messages(tally, seen, rules, with_tools=in_system)
    if in_system:
        frame = TOKENS_OF_FRAME if functions else TOKENS_OF_OWN_MESSAGE
        if has_system:
            frame -= TOKENS_OF_OWN_MESSAGE
        texts = [namespace_text(functions.values(), chat.style)] if functions else []
        tally.add("frame", "frame of the tools", frame, texts)
    if chat.response_format:
        tally.add("frame", "response_format", 0, [chat.response_format])
    for number, tokens in builtin.items():
        tally.add("tool", number, tokens)
    if chat.choice != (0, []):
        tally.add("frame", "tool_choice", *chat.choice)
    tally.add("frame", "start of the reply", TOKENS_PER_REPLY)
    return tally


def _explanation(
    chat: Chat, seen: list[Seen], number_of_messages: int, tally: Tally
) -> Explanation:
    messages = [0] * number_of_messages
    known = chat.harmony.tools if chat.harmony is not None else chat.tools
    tools = dict.fromkeys((*known.functions, *known.builtin), 0)
    by_place = {cost.place: message.position for message in seen for cost in message.costs}
    parts: list[Part] = []
    images: list[int] = []
    total = 0
    for entry, cost in tally.parts(chat.encoding):
        total += cost
        if entry.kind == "frame" and entry.key == "frame of the tools":
            cost -= _add_tools(chat, tools, parts)
        elif entry.kind == "message":
            messages[int(entry.key)] += cost
        elif entry.kind == "tool":
            tools[int(entry.key)] = cost
        elif entry.key in by_place:
            messages[by_place[str(entry.key)]] += cost
        if entry.kind == "image":
            images.append(cost)
        parts.append(Part(_place(entry), entry.kind, cost))
    rules = chat.reader.rules
    return Explanation(
        total=total,
        parts=tuple(parts),
        messages=tuple(messages),
        tools=tuple(tools[number] for number in sorted(tools)),
        images=tuple(images),
        model=chat.reader.model,
        source=rules.source,
        date=rules.date,
    )


def _add_tools(chat: Chat, tools: dict[int, int], parts: list[Part]) -> int:
    """Adds what each tool of the namespace costs by itself; returns the sum."""
    for number, function in chat.tools.functions.items():
        tools[number] = count(chat.encoding, function_text(function, chat.style) + "\n\n")
        parts.append(Part(f"tools[{number}] {function.name}", "tool", tools[number]))
    return sum(tools[number] for number in chat.tools.functions)


def _place(entry: Entry) -> str:
    if isinstance(entry.key, str):
        return entry.key
    return f"{entry.kind}s[{entry.key}]"
