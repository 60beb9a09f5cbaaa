"""Schemas of the harmony format: their limits, and time linear in their size."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harmony_reference import Reference

from bpecore.chat.harmony import render_chat
from bpecore.chat.harmony.json_text import json_text
from bpecore.chat.harmony.schema import MAX_DEPTH, MAX_PARTS, check_schema


def with_schema(schema: Any) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": "f", "parameters": schema}}]


def nested(depth: int) -> dict[str, Any]:
    """Returns a schema of so many dicts inside one another."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth - 1):
        schema = {"type": "array", "items": schema}
    return schema


def test_the_depth_is_that_of_the_reference(reference: Reference) -> None:
    def conversation(depth: int) -> list[dict[str, Any]]:
        tool = {"name": "f", "description": "", "parameters": nested(depth)}
        tools = {"functions": {"name": "functions", "tools": [tool]}}
        return [{"role": "developer", "content": [{"type": "developer_content", "tools": tools}]}]

    reference.render(conversation(MAX_DEPTH))
    with pytest.raises(ValueError, match="recursion limit"):
        reference.render(conversation(MAX_DEPTH + 1))


def test_deeper_schemas_are_refused() -> None:
    assert render_chat([], tools=with_schema(nested(MAX_DEPTH)))
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(ValueError, match=rf"tools\[0\]\.function\.parameters: .* {MAX_DEPTH} "):
            render_chat([], tools=with_schema(nested(depth)))


def test_a_schema_that_contains_itself_is_refused() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    schema["properties"]["again"] = schema
    with pytest.raises(ValueError, match=r"tools\[0\]\.function\.parameters: .* deeper"):
        render_chat([], tools=with_schema(schema))
    schema["properties"]["and again"] = schema
    with pytest.raises(ValueError, match=r"tools\[0\]\.function\.parameters: .* more"):
        render_chat([], tools=with_schema(schema))


def test_the_number_of_values_is_limited() -> None:
    check_schema({"enum": [1] * (MAX_PARTS - 1)}, "it")
    with pytest.raises(ValueError, match="it: has more than 1,000,000 values"):
        check_schema({"enum": [1] * MAX_PARTS}, "it")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, -(10**309)])
def test_numbers_that_the_format_lacks(value: float) -> None:
    with pytest.raises(ValueError, match=r"JSON has no number|too large"):
        json_text(value)


@pytest.mark.parametrize("value", [object(), {(1, 2): 3}, b"bytes", {1, 2}])
def test_values_that_json_lacks(value: Any) -> None:
    with pytest.raises(TypeError):
        json_text(value)


def test_keys_become_strings_as_in_json() -> None:
    value = {1: 2, None: 3, False: 4, 1.5: 5}
    assert json.loads(json_text(value)) == json.loads(json.dumps(value))
