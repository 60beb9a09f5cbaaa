"""Reads messages as chat completions, Anthropic's API and LangChain write them.

Only what a model sees is read: the role, the name, the content, reasoning that is text, and of
calls the names and arguments. Ids, types, status and other bookkeeping cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bpecore.chat.contents import read_content
from bpecore.chat.fields import fields_of, shown, text_field, wrong_type
from bpecore.chat.json_text import arguments_text
from bpecore.chat.reader import Reader
from bpecore.chat.responses import is_item, read_item
from bpecore.chat.seen import Call, Seen
from bpecore.chat.strings import listed

# What servers call the reasoning beside a content; some have it under two names.
REASONING = ("reasoning_content", "reasoning", "thinking")
RESULT_ROLES = ("tool", "function")
# Who speaks in messages of LangChain, by their type; they have no role.
ROLES_OF_TYPES = {
    "human": "user",
    "ai": "assistant",
    "system": "system",
    "tool": "tool",
    "function": "function",
    "HumanMessageChunk": "user",
    "AIMessageChunk": "assistant",
}
# Where other APIs have what a model sees: Gemini's `parts`, Ollama's `images`.
ELSEWHERE = ("parts", "images")


def read_messages(reader: Reader, messages: Iterable[Any]) -> list[Seen]:
    """Returns messages, and items of the Responses API, as a model sees them.

    Args:
        reader: prices what is not text.
        messages: dicts or objects.

    Raises:
        ValueError: something lacks a field, or is not known and has no cost.
        TypeError: something has a wrong type.
    """
    seen: list[Seen] = []
    for position, message in enumerate(listed(messages, "messages")):
        place = f"messages[{position}]"
        fields = fields_of(message, place)
        role, content = fields.get("role"), fields.get("content")
        if len(fields) == 2 and type(role) is str and type(content) is str:  # most messages
            seen.append(Seen(position, role))
            seen[-1].texts.append(content)
            seen[-1].is_result = role in RESULT_ROLES
        elif role is None and is_of_langchain(fields):
            role = ROLES_OF_TYPES[fields["type"]]
            _read_message(reader, seen, fields, role, position, place)
        elif is_item(fields):
            read_item(reader, seen, fields, position, place)
        else:
            _read_message(reader, seen, fields, role, position, place)
    return seen


def is_of_langchain(fields: Mapping[str, Any]) -> bool:
    """Returns whether a message without a role is one of LangChain."""
    kind = fields.get("type")
    return isinstance(kind, str) and kind in ROLES_OF_TYPES and fields.get("content") is not None


def _read_message(
    reader: Reader,
    seen: list[Seen],
    fields: Mapping[str, Any],
    role: Any,
    position: int,
    place: str,
) -> None:
    if not isinstance(role, str):
        if role is None:
            raise ValueError(f"{place}: has no role: {shown(dict(fields))}")
        raise wrong_type(f"{place}.role", "str", role)
    name = fields.get("name")
    if name is not None and not isinstance(name, str):
        raise wrong_type(f"{place}.name", "str", name)
    message = Seen(position, role, name)
    if role in RESULT_ROLES:
        message.is_result, message.call_id = True, fields.get("tool_call_id")
    results: list[Seen] = []
    content = fields.get("content")
    if isinstance(content, str):
        message.texts.append(content)
    elif content is not None:
        results = read_content(reader, message, content, f"{place}.content")
    refusal = fields.get("refusal")
    if isinstance(refusal, str):
        message.texts.append(refusal)
    for reasoning in REASONING:
        text = fields.get(reasoning)
        if text and isinstance(text, str):
            message.reasoning.append(text)
            break
    calls = fields.get("tool_calls")
    if calls is not None:
        _read_calls(message, calls, f"{place}.tool_calls")
    for elsewhere in ELSEWHERE:
        if fields.get(elsewhere):
            reader.add_cost(message, elsewhere, fields[elsewhere], f"{place}.{elsewhere}")
    call = fields.get("function_call")
    if call is not None:
        message.calls.append(_function_call(None, call, f"{place}.function_call"))
    if fields.get("audio") is not None:
        reader.add_cost(message, "audio", fields["audio"], f"{place}.audio")
    # Anthropic's results come in a message of the user, which can say something after them.
    seen.extend(results)
    said = message.texts or message.reasoning or message.costs or message.calls
    if said or not results:
        seen.append(message)


def _read_calls(message: Seen, calls: Any, place: str) -> None:
    known = {call.id for call in message.calls if isinstance(call.id, str)}
    for number, call in enumerate(listed(calls, place)):
        inner = f"{place}[{number}]"
        fields = fields_of(call, inner)
        custom = fields.get("custom")
        if custom is not None:
            message.calls.append(_custom_call(fields.get("id"), custom, f"{inner}.custom"))
        elif fields.get("function") is not None:
            function = fields["function"]
            message.calls.append(_function_call(fields.get("id"), function, f"{inner}.function"))
        elif fields.get("name") is not None and "args" in fields:  # as LangChain writes it
            call_id = fields.get("id")
            if isinstance(call_id, str) and call_id in known:
                continue  # the content has it too
            text = arguments_text(fields["args"], f"{inner}.args")
            message.calls.append(Call(call_id, text_field(fields, "name", inner), text))
        else:
            raise ValueError(f"{inner}: has neither a function nor a custom tool: {shown(call)}")


def _function_call(call_id: Any, function: Any, place: str) -> Call:
    fields = fields_of(function, place)
    arguments = arguments_text(fields.get("arguments"), f"{place}.arguments")
    return Call(call_id, text_field(fields, "name", place), arguments)


def _custom_call(call_id: Any, custom: Any, place: str) -> Call:
    fields = fields_of(custom, place)
    text = arguments_text(fields.get("input"), f"{place}.input")
    return Call(call_id, text_field(fields, "name", place), text)
