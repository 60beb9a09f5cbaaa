"""Estimates the tokens of a list of tools. Source: OpenAI's cookbook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bpecore.chat.fields import fields_of
from bpecore.chat.strings import count, listed
from bpecore.core import Encoding


class ToolConstants(NamedTuple):
    """Tokens of a list of tools besides those of its strings."""

    function_start: int
    properties_start: int = 3
    property_key: int = 3
    enum_start: int = -3
    enum_item: int = 3
    functions_end: int = 12


TOOL_CONSTANTS = ToolConstants(function_start=7)
TOOL_CONSTANTS_OF_ENCODING = {"cl100k_base": ToolConstants(function_start=10)}


def count_tools(encoding: Encoding, tools: Iterable[Any] | None) -> int:
    """Returns the estimated tokens of tools, as `num_tokens_from_messages` takes them."""
    if tools is None:
        return 0
    constants = TOOL_CONSTANTS_OF_ENCODING.get(encoding.name, TOOL_CONSTANTS)
    total = 0
    given = listed(tools, "tools")
    for position, tool in enumerate(given):
        what = f"tool {position}"
        fields = fields_of(tool, what)
        if fields.get("function") is not None:
            fields = fields_of(fields["function"], what)
        if not isinstance(fields.get("name"), str):
            raise ValueError(f"{what} has no name: {tool!r:.80}")
        total += constants.function_start + _count_line(
            encoding, fields["name"], fields.get("description")
        )
        total += _count_properties(encoding, constants, fields.get("parameters"), what)
    return total + constants.functions_end if given else 0


def _count_properties(
    encoding: Encoding, constants: ToolConstants, parameters: Any, what: str
) -> int:
    schema = fields_of(parameters, f"the parameters of {what}") if parameters else {}
    properties = schema.get("properties") or {}
    if not isinstance(properties, Mapping):
        raise TypeError(f"the properties of {what} must be a dict, not {type(properties).__name__}")
    total = constants.properties_start if properties else 0
    for name, value in properties.items():
        fields = fields_of(value, f"property {name!r} of {what}")
        total += constants.property_key
        if "enum" in fields:
            items = listed(fields["enum"], f"the enum of {name!r} of {what}")
            total += constants.enum_start + constants.enum_item * len(items)
            total += sum(count(encoding, str(item)) for item in items)
        kind = fields.get("type", "")
        if isinstance(kind, Sequence) and not isinstance(kind, str):
            kind = "|".join(map(str, kind))
        total += _count_line(encoding, f"{name}:{kind}", fields.get("description"))
    return total


def _count_line(encoding: Encoding, start: str, description: Any) -> int:
    """Counts `start:description` without a final period, as servers are thought to write it."""
    text = "" if description is None else str(description)
    if text.endswith("."):
        text = text[:-1]
    return count(encoding, f"{start}:{text}")
