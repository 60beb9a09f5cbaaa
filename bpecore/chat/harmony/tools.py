"""Reads tools and the format of a reply for the harmony format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bpecore.chat.fields import fields_of, shown, text_field, wrong_type
from bpecore.chat.harmony.builtin_tools import NAME_OF_TYPE
from bpecore.chat.harmony.sections import tool_text
from bpecore.chat.strings import listed


class Tools(NamedTuple):
    """Tools as the format has them.

    Attributes:
        functions: the texts of functions, by number in the caller's list.
        builtin: the names of built-in tools, by number.
    """

    functions: dict[int, str]
    builtin: dict[int, str]


def read_tools(tools: Iterable[Any] | None, functions: Iterable[Any] | None = None) -> Tools:
    """Returns tools as the format has them.

    Args:
        tools: dicts or objects: functions as chat completions, the Responses API or Anthropic have
            them, or a built-in tool as `{"type": "browser"}`.
        functions: deprecated: more functions, numbered after the tools.

    Raises:
        ValueError: a tool has no name, too deep a schema, or a type that gpt-oss has no tool for.
        TypeError: something has a wrong type.
    """
    read = Tools({}, {})
    for number, tool in enumerate(() if tools is None else listed(tools, "tools")):
        inner = f"tools[{number}]"
        fields = fields_of(tool, inner)
        kind = fields.get("type")
        if kind is None or kind == "function":
            read.functions[number] = _function(fields, inner)
        elif isinstance(kind, str) and kind in NAME_OF_TYPE:
            read.builtin[number] = NAME_OF_TYPE[kind]
        else:
            known = ", ".join(sorted(("function", *NAME_OF_TYPE)))
            raise ValueError(f"{inner}.type: must be one of {known} for gpt-oss: {shown(kind)}")
    first = len(read.functions) + len(read.builtin)
    for number, function in enumerate(() if functions is None else listed(functions, "functions")):
        inner = f"functions[{number}]"
        read.functions[first + number] = _function(fields_of(function, inner), inner)
    return read


def _function(fields: Mapping[str, Any], place: str) -> str:
    if fields.get("function") is not None:
        place = f"{place}.function"
        fields = fields_of(fields["function"], place)
    name, description = text_field(fields, "name", place), fields.get("description")
    if not isinstance(description, (str, type(None))):
        raise wrong_type(f"{place}.description", "str", description)
    key = "input_schema" if fields.get("parameters") is None else "parameters"
    schema = fields.get(key)
    if schema is not None and not isinstance(schema, (dict, Mapping, bool)):
        raise wrong_type(f"{place}.{key}", "a schema, a dict or a boolean", schema)
    return tool_text(name, description, schema, f"{place}.{key}")
