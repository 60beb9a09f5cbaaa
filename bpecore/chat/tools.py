"""Reads tools, the choice of a tool, and the format of a reply; and what they cost.

Tools are read as chat completions, the Responses API and Anthropic's API write them. They are
written, in the style of the model, into the first system message, or one of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bpecore.chat.fields import fields_of, shown, text_field, wrong_type
from bpecore.chat.json_text import json_text
from bpecore.chat.reader import Reader
from bpecore.chat.schemas import SchemaReader
from bpecore.chat.strings import listed
from bpecore.chat.typescript import Function, Style

TOKENS_OF_FRAME = 9
"""Tokens of a message of the system with tools, besides the namespace."""

TOKENS_OF_OWN_MESSAGE = 4
"""How many of them there are not if the tools are in another message."""

TOKENS_OF_NO_CHOICE = 1
"""Tokens of `tool_choice="none"`."""

# What the texts of built-in tools cost. For Anthropic's the numbers are those of its documentation
# (2025-11). OpenAI publishes none; the numbers for its tools are an allowance, not a measurement:
# as much as a namespace with three to five described functions. `costs` overrides them.
ALLOWANCES = {
    "bash": 245,
    "text_editor": 700,
    "computer": 735,
    "web_search": 400,
    "web_fetch": 400,
    "file_search": 400,
    "code_interpreter": 400,
    "code_execution": 400,
    "image_generation": 400,
    "local_shell": 400,
    "shell": 400,
    "apply_patch": 400,
    "memory": 400,
}


class Tools(NamedTuple):
    """The tools of a chat.

    Attributes:
        functions: those in the namespace, with their numbers in the caller's list.
        builtin: tokens of the others, by number.
    """

    functions: dict[int, Function]
    builtin: dict[int, int]


def read_tools(reader: Reader, tools: Iterable[Any] | None, place: str = "tools") -> Tools:
    """Returns the tools of a chat.

    Args:
        reader: prices tools for which nothing is published.
        tools: dicts or objects.
        place: their name in errors.

    Raises:
        ValueError: a tool lacks something, has a wrong schema, or is not known and has no cost.
        TypeError: something has a wrong type.
    """
    functions: dict[int, Function] = {}
    builtin: dict[int, int] = {}
    schemas = SchemaReader()
    for number, tool in enumerate(() if tools is None else listed(tools, place)):
        inner = f"{place}[{number}]"
        fields = fields_of(tool, inner)
        kind = fields.get("type")
        if kind not in (None, "function", "custom") and not _has_schema(fields):
            builtin[number] = _allowance(reader, fields, inner)
            continue
        for nested in ("function", "custom"):
            if fields.get(nested) is not None:
                inner = f"{inner}.{nested}"
                fields = fields_of(fields[nested], inner)
                kind = kind or nested
        functions[number] = _function(
            schemas, fields, kind == "custom" and not _has_schema(fields), inner
        )
    return Tools(functions, builtin)


def _has_schema(fields: Mapping[str, Any]) -> bool:
    names = ("function", "custom", "parameters", "input_schema")
    return any(fields.get(name) is not None for name in names)


def _function(
    schemas: SchemaReader, fields: Mapping[str, Any], is_custom: bool, place: str
) -> Function:
    name = text_field(fields, "name", place)
    description = fields.get("description")
    if description is not None and not isinstance(description, str):
        raise wrong_type(f"{place}.description", "str", description)
    if is_custom:
        return Function(name, description, None, _grammar(fields.get("format"), f"{place}.format"))
    for key in ("parameters", "input_schema"):
        if fields.get(key) is not None:
            return Function(name, description, schemas.properties(fields[key], f"{place}.{key}"))
    return Function(name, description, [])


def _grammar(format_: Any, place: str) -> str | None:
    """Returns the grammar of a custom tool's input."""
    if format_ is None:
        return None
    fields = fields_of(format_, place)
    if fields.get("type") == "text":
        return None
    nested = fields.get("grammar")
    if nested is not None:
        place = f"{place}.grammar"
        fields = fields_of(nested, place)
    return f"{fields.get('syntax') or 'grammar'}:\n{text_field(fields, 'definition', place)}"


def _allowance(reader: Reader, fields: Mapping[str, Any], place: str) -> int:
    """Returns what a built-in tool costs: "web_search", or dated as "bash_20250124"."""
    kind = fields.get("type")
    if not isinstance(kind, str):
        raise wrong_type(f"{place}.type", "str", kind)
    cost = reader.cost_of(kind, fields)
    if cost is not None:
        return cost
    for name, allowance in ALLOWANCES.items():
        if kind == name or kind.startswith(f"{name}_"):
            return allowance
    raise ValueError(
        f"{place}: what the tool {kind!r} costs is not known: pass costs={{{kind!r}: tokens}}"
    )


def read_choice(choice: Any, style: Style, place: str) -> tuple[int, list[str]]:
    """Returns what the choice of a tool costs: fixed tokens, and texts.

    Args:
        choice: None, a word, or a dict or object that names a tool.
        style: how the model's tools are written.
        place: its name in errors.

    Raises:
        ValueError: it is an unknown word.
        TypeError: it is neither.
    """
    if choice is None or choice in ("auto", "required", "any"):
        return 0, []
    if choice == "none":
        return TOKENS_OF_NO_CHOICE, []
    if isinstance(choice, str):
        raise ValueError(f"{place}: must be auto, none, required or a tool, not {shown(choice)}")
    fields = fields_of(choice, place)
    if fields.get("type") in ("none", "auto", "required", "any"):
        return read_choice(fields["type"], style, place)
    for nested in ("function", "custom"):
        if fields.get(nested) is not None:
            place = f"{place}.{nested}"
            fields = fields_of(fields[nested], place)
    name = fields.get("name")
    if name is None:  # allowed tools, or a built-in tool
        return 0, []
    return style.per_choice, [text_field(fields, "name", place)]


def response_format_text(response_format: Any, place: str = "response_format") -> str:
    """Returns how the JSON schema of a reply is written; nothing if the format has none.

    The source is the published format of gpt-oss; for other models it is a guess.

    Raises:
        ValueError: the schema is missing, too deep or too large.
        TypeError: something has a wrong type.
    """
    if response_format is None:
        return ""
    fields = fields_of(response_format, place)
    if fields.get("type") != "json_schema":
        return ""
    if fields.get("json_schema") is not None:
        place = f"{place}.json_schema"
        fields = fields_of(fields["json_schema"], place)
    name = text_field(fields, "name", place)
    description = fields.get("description")
    if description is not None and not isinstance(description, str):
        raise wrong_type(f"{place}.description", "str", description)
    schema = fields.get("schema")
    if schema is None:
        raise ValueError(f"{place}: has no schema")
    comment = f"// {description}\n" if description else ""
    text = json_text(schema, f"{place}.schema", compact=True)
    return f"# Response Formats\n\n## {name}\n\n{comment}{text}"
