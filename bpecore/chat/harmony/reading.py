"""Reads conversations as the package `openai-harmony` has them, as objects or dicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpecore.chat.fields import fields_of, shown, wrong_type
from bpecore.chat.harmony.message import ROLES, HarmonyMessage
from bpecore.chat.harmony.sections import developer_text, namespace_text, system_text, tool_text
from bpecore.chat.strings import listed

HEADER_FIELDS = ("name", "channel", "recipient", "content_type")
SYSTEM_FIELDS = ("model_identity", "knowledge_cutoff", "conversation_start_date")


def read_conversation(conversation: Any) -> list[HarmonyMessage]:
    """Reads a conversation as `render_conversation` takes it, and raises as it does."""
    fields = _as_dict(conversation)
    if isinstance(fields, Mapping):
        fields = fields.get("messages", ())
    messages = listed(fields, "messages")
    read = [_read_message(message, f"messages[{i}]") for i, message in enumerate(messages)]
    with_functions = any(_has_functions(content) for _, contents in read for content in contents)
    return [
        HarmonyMessage(
            fields["role"],
            [
                _text_of(content, fields["role"], with_functions, f"messages[{i}].content[{j}]")
                for j, content in enumerate(contents)
            ],
            *(fields.get(name) for name in HEADER_FIELDS),
        )
        for i, (fields, contents) in enumerate(read)
    ]


def _as_dict(thing: Any) -> Any:
    """Returns what an object of `openai-harmony` is as a dict, and other things as they are."""
    to_dict = None if isinstance(thing, type) else getattr(thing, "to_dict", None)
    return to_dict() if callable(to_dict) else thing


def _read_message(message: Any, place: str) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """Returns a message's fields and the fields of its contents."""
    fields = fields_of(_as_dict(message), place)
    role = fields.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise ValueError(f"{place}.role: must be one of {', '.join(ROLES)}: {shown(role)}")
    for name in HEADER_FIELDS:
        _check_text(fields, name, place)
    if role == "tool" and fields.get("name") is None:
        raise ValueError(f"{place}: has no name, which the header of a tool's message needs")
    content = fields.get("content")
    if isinstance(content, str):
        return fields, [{"type": "text", "text": content}]
    contents = listed(() if content is None else content, f"{place}.content")
    return fields, [
        fields_of(_as_dict(part), f"{place}.content[{i}]") for i, part in enumerate(contents)
    ]


def _has_functions(content: Mapping[str, Any]) -> bool:
    tools = content.get("tools")
    if content.get("type") != "developer_content" or not isinstance(tools, Mapping):
        return False
    functions = tools.get("functions")
    return isinstance(functions, Mapping) and bool(functions.get("tools"))


def _text_of(content: Mapping[str, Any], role: str, with_functions: bool, place: str) -> str:
    kind = content.get("type")
    if kind == "text" and isinstance(content.get("text"), str):
        return str(content["text"])
    if kind == "system_content" and role == "system":
        for name in SYSTEM_FIELDS:
            _check_text(content, name, place)
        if content.get("channel_config") is not None:
            channels = fields_of(content["channel_config"], f"{place}.channel_config")
            names = listed(channels.get("valid_channels") or (), f"{place}.channel_config")
            if not all(isinstance(name, str) for name in names):
                raise wrong_type(f"{place}.channel_config.valid_channels", "strings", names)
        return system_text(content, _namespaces(content.get("tools"), place), with_functions)
    if kind == "developer_content" and role == "developer":
        _check_text(content, "instructions", place)
        return developer_text(content.get("instructions"), _namespaces(content.get("tools"), place))
    raise ValueError(f"{place}: is no content of the role {role}: {shown(content)}")


def _namespaces(tools: Any, place: str) -> dict[str, str]:
    """Returns the texts of namespaces of tools."""
    if tools is None:
        return {}
    texts = {}
    for key, value in fields_of(tools, f"{place}.tools").items():
        inner = f"{place}.tools[{key!r:.80}]"
        namespace = fields_of(value, inner)
        _check_text(namespace, "name", inner, needed=True)
        _check_text(namespace, "description", inner)
        shown_tools = [
            _tool(tool, f"{inner}.tools[{i}]")
            for i, tool in enumerate(listed(namespace.get("tools") or (), f"{inner}.tools"))
        ]
        texts[key] = namespace_text(namespace["name"], namespace.get("description"), shown_tools)
    return texts


def _tool(tool: Any, place: str) -> str:
    fields = fields_of(tool, place)
    _check_text(fields, "name", place, needed=True)
    _check_text(fields, "description", place)
    schema = fields.get("parameters")
    return tool_text(fields["name"], fields.get("description"), schema, f"{place}.parameters")


def _check_text(fields: Mapping[str, Any], name: str, place: str, *, needed: bool = False) -> None:
    """Refuses a field that is no string; it can be missing unless it is needed."""
    value = fields.get(name)
    if value is None and needed:
        raise ValueError(f"{place}: has no {name}: {shown(fields)}")
    if not isinstance(value, (str, type(None))):
        raise wrong_type(f"{place}.{name}", "str", value)
