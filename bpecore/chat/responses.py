"""Reads items of OpenAI's Responses API as messages.

Calls that follow one another are calls of one message. What a hosted tool was asked for and found
has no published cost: the caller says it, as `costs={"web_search_call": tokens}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpecore.chat.contents import read_content
from bpecore.chat.fields import text_field
from bpecore.chat.json_text import arguments_text
from bpecore.chat.reader import Reader
from bpecore.chat.seen import Call, Seen

# In which field a call has what it is given.
CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
RESULTS = ("function_call_output", "custom_tool_call_output")


def is_item(fields: Mapping[str, Any]) -> bool:
    """Returns whether something is an item, and not a message of chat completions."""
    kind = fields.get("type")
    return isinstance(kind, str) and kind != "message" and fields.get("role") is None


def read_item(
    reader: Reader, seen: list[Seen], fields: Mapping[str, Any], position: int, place: str
) -> None:
    """Adds an item to the messages before it.

    Args:
        reader: prices what is not text.
        seen: the messages before it.
        fields: the item.
        position: its number among the caller's messages.
        place: where it is.

    Raises:
        ValueError: it lacks a field, or is not known and has no cost.
        TypeError: something has a wrong type.
    """
    kind: str = fields["type"]
    if kind in CALLS:
        _read_call(seen, fields, position, place)
    elif kind in RESULTS:
        result = Seen.result(position, fields.get("call_id"))
        output = fields.get("output")
        if isinstance(output, Mapping):
            result.texts.append(arguments_text(output, f"{place}.output"))
        else:
            read_content(reader, result, output, f"{place}.output")
        seen.append(result)
    else:
        message = Seen(position, "assistant")
        message.leads = kind == "reasoning"
        if kind != "reasoning" or not _read_reasoning(reader, message, fields, place):
            reader.add_cost(message, kind, fields, place)
        message.reasoning, message.texts = message.texts, []
        seen.append(message)


def _read_call(seen: list[Seen], fields: Mapping[str, Any], position: int, place: str) -> None:
    name = CALLS[fields["type"]]
    text = arguments_text(fields.get(name), f"{place}.{name}")
    call = Call(fields.get("call_id"), text_field(fields, "name", place), text)
    if not seen or not seen[-1].calls or seen[-1].texts:
        seen.append(Seen(position, "assistant"))
    seen[-1].calls.append(call)


def _read_reasoning(reader: Reader, message: Seen, fields: Mapping[str, Any], place: str) -> bool:
    """Adds reasoning; returns whether what it costs can be read from it.

    Encrypted reasoning cannot be counted. A summary stands for reasoning that is not given.
    """
    if fields.get("content"):
        read_content(reader, message, fields["content"], f"{place}.content")
        return True
    if "reasoning" in reader.costs or fields.get("encrypted_content"):
        return False
    read_content(reader, message, fields.get("summary"), f"{place}.summary")
    return True
