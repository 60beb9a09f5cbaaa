"""Messages and tools as chat completions take them, as messages of the harmony format.

The mapping is that of vLLM, whose prompts the published format describes:

- A system message of the format comes first: the model's identity, dates, how much it reasons,
  built-in tools, channels.
- A first message of the role system or developer becomes the instructions of a developer message,
  which also has the functions. Later ones become developer messages of their own.
- A reply is a message of the channel `final`, its reasoning one of `analysis` before it, each call
  one of `commentary` with the content type `json`. What is said beside calls is `commentary`.
- A result comes from the function that its call names.
- Reasoning in front of the last final message is left out: models do not see it again.

Names of users, ids, refusals and `tool_choice` are not shown to the model.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bpecore.chat.fields import fields_of
from bpecore.chat.harmony.builtin_tools import NAMESPACE_OF_TYPE
from bpecore.chat.harmony.conversation import HarmonyMessage
from bpecore.chat.harmony.sections import developer_text, system_text
from bpecore.chat.strings import listed

IDENTITY = "You are ChatGPT, a large language model trained by OpenAI."
KNOWLEDGE_CUTOFF = "2024-06"
CHANNELS = ("analysis", "commentary", "final")

INSTRUCTING_ROLES = ("system", "developer")
TEXT_PARTS = ("text", "input_text", "output_text")
REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")


class Tools(NamedTuple):
    """Tools as the format has them, each with its position in the caller's list."""

    functions: dict[int, dict[str, Any]]
    builtin: dict[int, dict[str, Any]]


class Options(NamedTuple):
    """What else a request says, as `render_chat` takes it."""

    reasoning_effort: str | None
    response_format: Any
    date: str | None


class Call(NamedTuple):
    """A call of a function."""

    id: Any
    name: str
    arguments: str


def preface_of(tools: Tools, instructions: str | None, options: Options) -> list[HarmonyMessage]:
    """Returns the system message and, if there is something to say in it, the developer message."""
    effort, date = options.reasoning_effort, options.date
    system = {
        "model_identity": IDENTITY,
        "knowledge_cutoff": KNOWLEDGE_CUTOFF,
        "conversation_start_date": datetime.date.today().isoformat() if date is None else date,
        "reasoning_effort": "medium" if effort is None else effort,
        "tools": {namespace["name"]: namespace for namespace in tools.builtin.values()},
        "channel_config": {"valid_channels": CHANNELS, "channel_required": True},
    }
    messages = [HarmonyMessage("system", [system_text(system, bool(tools.functions))])]
    functions = {"name": "functions", "tools": list(tools.functions.values())}
    answer = read_response_format(options.response_format)
    if instructions or tools.functions or answer:
        developer = {
            "instructions": instructions,
            "tools": {"functions": functions} if tools.functions else None,
            "response_format": answer,
        }
        messages.append(HarmonyMessage("developer", [developer_text(developer)]))
    return messages


def split_instructions(messages: Sequence[Any]) -> tuple[str | None, int]:
    """Returns the instructions that a chat begins with, and how many messages they are."""
    if not messages:
        return None, 0
    fields = fields_of(messages[0], "message 0")
    if fields.get("role") not in INSTRUCTING_ROLES:
        return None, 0
    return _joined_text(fields.get("content"), "message 0"), 1


def read_turns(messages: Sequence[Any], start: int) -> list[tuple[int, HarmonyMessage]]:
    """Returns messages of the format with the position of the message that each comes from.

    Args:
        messages: a whole chat.
        start: the position of the first message to read.
    """
    fields = [fields_of(message, f"message {i}") for i, message in enumerate(messages)]
    names = {
        call.id: call.name
        for i, message in enumerate(fields)
        if message.get("role") == "assistant"
        for call in calls_of(message, f"message {i}")
    }
    turns = [
        (i, turn)
        for i in range(start, len(fields))
        for turn in _turns_of(fields[i], names, f"message {i}")
    ]
    finals = (j for j in range(len(turns) - 1, -1, -1) if turns[j][1].channel == "final")
    last_final = next(finals, -1)
    return [t for j, t in enumerate(turns) if j > last_final or t[1].channel != "analysis"]


def _turns_of(
    fields: Mapping[str, Any], names: Mapping[Any, str], what: str
) -> Iterator[HarmonyMessage]:
    role, content = fields.get("role"), fields.get("content")
    if role == "user":
        yield HarmonyMessage("user", list(_texts(content, what)))
    elif role == "assistant":
        yield from _reply(fields, what)
    elif role in INSTRUCTING_ROLES:
        instructions = _joined_text(content, what)
        if instructions is not None:
            yield HarmonyMessage("developer", [developer_text({"instructions": instructions})])
    elif role in ("tool", "function"):
        name = names.get(fields.get("tool_call_id")) or fields.get("name") or ""
        yield HarmonyMessage(
            "tool",
            [_joined_text(content, what) or ""],
            name=f"functions.{name}",
            channel="commentary",
            recipient="assistant",
        )
    elif role is None:
        raise ValueError(f"{what} has no role: {dict(fields)!r:.80}")
    else:
        raise ValueError(f"{what} has a role that gpt-oss does not know: {role!r:.80}")


def _reply(fields: Mapping[str, Any], what: str) -> Iterator[HarmonyMessage]:
    calls = calls_of(fields, what)
    texts = list(_texts(fields.get("content"), what))
    said = "".join(texts)
    if calls and said:
        yield HarmonyMessage("assistant", [said], channel="commentary")
    reasoning = next((fields[name] for name in REASONING_FIELDS if fields.get(name)), None)
    if isinstance(reasoning, str):
        yield HarmonyMessage("assistant", [reasoning], channel="analysis")
    elif reasoning is not None:
        raise TypeError(f"the reasoning of {what} must be str, not {type(reasoning).__name__}")
    for call in calls:
        yield HarmonyMessage(
            "assistant",
            [call.arguments],
            channel="commentary",
            recipient=f"functions.{call.name}",
            content_type="json",
        )
    if said and not calls:
        yield HarmonyMessage("assistant", texts, channel="final")


def calls_of(fields: Mapping[str, Any], what: str) -> list[Call]:
    """Returns the calls of an assistant's message, `tool_calls` or `function_call`."""
    found = [
        fields_of(call, f"a call of {what}")
        for call in listed(fields.get("tool_calls") or (), f"tool_calls of {what}")
    ]
    if fields.get("function_call") is not None:
        found.append({"function": fields["function_call"]})
    calls = []
    for call in found:
        if call.get("function") is None:
            raise ValueError(f"{what} has a call that is no function's: {dict(call)!r:.80}")
        function = fields_of(call["function"], f"a call of {what}")
        name, arguments = function.get("name"), function.get("arguments")
        if not isinstance(name, str):
            raise ValueError(f"{what} has a call without a name: {dict(call)!r:.80}")
        if isinstance(arguments, Mapping):
            arguments = json.dumps(arguments, ensure_ascii=False)
        elif not isinstance(arguments, (str, type(None))):
            kind = type(arguments).__name__
            raise TypeError(f"the arguments of a call of {what} must be str or dict, not {kind}")
        calls.append(Call(call.get("id"), name, arguments or ""))
    return calls


def _texts(content: Any, what: str) -> Iterator[str]:
    """Yields the texts of a content."""
    if content is None:
        return
    if isinstance(content, str):
        yield content
        return
    for part in listed(content, f"the content of {what}", "str, None or a list of parts"):
        if isinstance(part, str):
            yield part
            continue
        fields = fields_of(part, f"a part of {what}")
        kind, text = fields.get("type"), fields.get("text")
        if kind in TEXT_PARTS and isinstance(text, str):
            yield text
        elif kind != "refusal":
            raise ValueError(f"gpt-oss reads text only; {what} has a part {dict(fields)!r:.80}")


def _joined_text(content: Any, what: str) -> str | None:
    texts = list(_texts(content, what))
    return "".join(texts) if texts else None


def read_tools(tools: Iterable[Any] | None) -> Tools:
    """Returns tools as the format has them.

    Args:
        tools: dicts or objects: functions as chat completions, the Responses API or Anthropic have
            them, or a built-in tool as `{"type": "browser"}`.

    Raises:
        ValueError: a tool has no name, or a type that gpt-oss has no tool for.
        TypeError: something has a wrong type.
    """
    read = Tools({}, {})
    for position, tool in enumerate(() if tools is None else listed(tools, "tools")):
        what = f"tool {position}"
        fields = fields_of(tool, what)
        kind = fields.get("type") or "function"
        if isinstance(kind, str) and kind in NAMESPACE_OF_TYPE:
            read.builtin[position] = NAMESPACE_OF_TYPE[kind]
        elif kind == "function":
            read.functions[position] = _function(fields, what)
        else:
            known = sorted(("function", *NAMESPACE_OF_TYPE))
            raise ValueError(f"{what} has the type {kind!r:.80}; gpt-oss has {known}")
    return read


def _function(fields: Mapping[str, Any], what: str) -> dict[str, Any]:
    if fields.get("function") is not None:
        fields = fields_of(fields["function"], what)
    name, description = fields.get("name"), fields.get("description")
    if not isinstance(name, str):
        raise ValueError(f"{what} has no name: {dict(fields)!r:.80}")
    if not isinstance(description, (str, type(None))):
        kind = type(description).__name__
        raise TypeError(f"the description of {what} must be str, not {kind}")
    schema = fields.get("parameters")
    schema = fields.get("input_schema") if schema is None else schema
    if not isinstance(schema, (Mapping, bool, type(None))):
        kind = type(schema).__name__
        raise TypeError(f"the parameters of {what} must be a dict, not {kind}")
    return {"name": name, "description": description, "parameters": schema}


def read_response_format(response_format: Any) -> dict[str, str] | None:
    """Returns a JSON schema that replies must have, as the format shows it, or None."""
    if response_format is None:
        return None
    what = "response_format"
    fields = fields_of(response_format, what)
    if fields.get("type") != "json_schema":
        return None
    nested = fields.get("json_schema")
    fields = fields if nested is None else fields_of(nested, what)
    name, description = fields.get("name"), fields.get("description")
    schema = json.dumps(fields.get("schema"), ensure_ascii=False, separators=(",", ":"))
    return {"name": str(name), "description": description or "", "schema": schema}
