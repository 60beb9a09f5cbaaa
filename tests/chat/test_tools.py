"""Tools as models see them: nested schemas, references, unions, other APIs' tools, choices."""

from __future__ import annotations

import json
from typing import Any

import pytest

import bpecore
from bpecore.chat import num_tokens_from_messages
from bpecore.chat.reader import Reader
from bpecore.chat.rules import rules_of
from bpecore.chat.tools import read_tools
from bpecore.chat.typescript import STYLES, namespace_text

MODEL = "gpt-4o"
HELLO = [{"role": "user", "content": "hello"}]
count = bpecore.get_encoding("o200k_base").count


def written(*tools: Any, style: str = "compact") -> str:
    """Returns what is between the first and last lines of the namespace."""
    read = read_tools(Reader(MODEL, rules_of(MODEL)), tools).functions.values()
    text = namespace_text(read, STYLES[style])
    start, end = "namespace functions {\n\n", "\n\n} // namespace functions"
    assert text.startswith(start)
    assert text.endswith(end)
    return text[len(start) : -len(end)]


def tool(schema: Any, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": schema, **more}}


def of(schema: Any, **more: Any) -> dict[str, Any]:
    return tool({"type": "object", "properties": {"x": schema}, **more})


def type_of(schema: Any, **more: Any) -> str:
    text = written(of(schema, **more))
    start, end = "type f = (_: { x?: ", " }) => any;"
    assert text.startswith(start)
    return text[len(start) : -len(end)]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "string"),
        ({"type": "integer", "minimum": 1}, "number"),
        ({"type": "null"}, "null"),
        ({"type": "array"}, "any[]"),
        ({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, "number[][]"),
        ({"items": {"type": "string"}}, "string[]"),
        ({"type": "object"}, "object"),
        ({"type": "object", "properties": {}}, "object"),
        ({"properties": {"y": {"type": "string"}}}, "{ y?: string }"),
        ({"enum": ["a", 1, None, True, [2]]}, '"a" | 1 | null | true | [2]'),
        ({"enum": []}, "never"),
        ({"const": "a"}, '"a"'),
        ({"type": "string", "const": "a"}, "string"),  # as measured
        ({"type": ["string", "null"]}, "string | null"),
        ({"type": ["array", "null"], "items": {"type": "string"}}, "string[] | null"),
        ({"anyOf": [{"type": "string"}, {"type": "number"}]}, "string | number"),
        ({"oneOf": [{"type": "string"}, {"type": "number"}]}, "string | number"),
        (
            {"allOf": [{"properties": {"a": True}}, {"properties": {"b": False}}]},
            "{ a?: any } & { b?: never }",
        ),
        ({"anyOf": []}, "any"),
        ({}, "any"),
        (True, "any"),
        (False, "never"),
        ({"type": "strange"}, "any"),
        ({"type": "array", "items": {"$ref": "#/$defs/n"}}, "number[]"),
        ({"$ref": "#/definitions/deep/0"}, "boolean"),
        ({"$ref": "#/$defs/a~1b%20c"}, "null"),
    ],
)
def test_types(schema: Any, expected: str) -> None:
    definitions = {
        "$defs": {"n": {"type": "integer"}, "a/b c": {"type": "null"}},
        "definitions": {"deep": [{"type": "boolean"}]},
    }
    assert type_of(schema, **definitions) == expected


def test_descriptions_by_level() -> None:
    inner = {"type": "string", "description": "third"}
    middle = {"type": "object", "properties": {"z": inner}, "description": "second"}
    outer = {"type": "object", "properties": {"y": middle}, "description": "first"}
    assert written(tool({"properties": {"x": outer}}, description="What it does")) == (
        "// What it does\n"
        "type f = (_: {\n// first\nx?: {\n// second\ny?: { z?: string },\n},\n}) => any;"
    )
    assert written(tool({"properties": {"x": outer}}), style="indented") == (
        "type f = (_: {\n// first\nx?: {\n  y?: {\n    z?: string,\n},\n},\n}) => any;"
    )


def test_every_nested_field_costs() -> None:
    """Forty fields inside an object cost as many fields do, and not as one object does."""
    fields = {f"field_{number}": {"type": "string"} for number in range(40)}
    nested = num_tokens_from_messages(HELLO, MODEL, tools=[of({"properties": fields})])
    flat = num_tokens_from_messages(HELLO, MODEL, tools=[tool({"properties": fields})])
    assert flat < nested < flat + 10
    one = num_tokens_from_messages(HELLO, MODEL, tools=[of({"type": "object"})])
    assert nested > one + 40 * 5


def test_forty_described_fields_of_an_object() -> None:
    """By the cookbook's constants, for the first level only, this chat would cost 39 tokens.

    The function's JSON has 872. Neither is what the model sees: a line with the description and one
    with the name and type, of 12 tokens together, for each field.
    """
    fields = {
        f"field_{number}": {"type": "string", "description": f"The field number {number}"}
        for number in range(40)
    }
    parameters = {"type": "object", "properties": {"x": {"type": "object", "properties": fields}}}
    function = {"name": "f", "parameters": parameters}
    start_of_functions, start_of_properties, per_property, end = 7, 3, 3, 12
    first_level = count("f:") + per_property + count("x:object:")
    assert 8 + start_of_functions + start_of_properties + first_level + end == 39
    assert count(json.dumps(function)) == 872
    lines = "// The field number 10\nfield_10?: string,\n"
    per_field = count(lines * 2) - count(lines)  # one token is ",\n//"
    tokens = num_tokens_from_messages(
        HELLO, MODEL, tools=[{"type": "function", "function": function}]
    )
    assert tokens == 38 + 40 * per_field == 518


def test_a_tool_without_parameters() -> None:
    for schema in (None, {}, {"type": "object"}, {"type": "object", "properties": {}}, True):
        assert written(tool(schema)) == "type f = () => any;"
    assert written({"name": "f"}, {"name": "g"}) == "type f = () => any;\n\ntype g = () => any;"


def test_cyclic_references_end() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    definitions = {"$defs": {"node": node, "loop": {"$ref": "#/$defs/loop"}}}
    assert type_of({"$ref": "#/$defs/node"}, **definitions) == "{ next?: any }"
    assert type_of({"$ref": "#/$defs/loop"}, **definitions) == "any"
    assert type_of({"$ref": "#"}, **definitions) == "{ x?: any }"
    own: dict[str, Any] = {"type": "object"}
    own["properties"] = {"x": own}
    with pytest.raises(ValueError, match=r"parameters\.properties\.x.*: is nested deeper than 100"):
        written(tool(own))


def test_references_that_double_at_each_step_are_refused() -> None:
    definitions = {
        f"d{number}": {"properties": {key: {"$ref": f"#/$defs/d{number + 1}"} for key in "ab"}}
        for number in range(40)
    }
    definitions["d40"] = {"type": "string"}  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="the schemas have more than 100,000 types"):
        written(of({"$ref": "#/$defs/d0"}, **{"$defs": definitions}))


@pytest.mark.parametrize("reference", ["#/$defs/none", "other.json", "https://x.org/#/a", "#/x/9"])
def test_references_to_nothing(reference: str) -> None:
    with pytest.raises(ValueError, match=r"tools\[0\].function.parameters.properties.x.\$ref: "):
        written(of({"$ref": reference}))


def test_tools_of_other_apis() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
    expected = "// D\ntype f = (_: { x: string }) => any;"
    flat = {"name": "f", "description": "D"}
    for each in (
        tool(schema, description="D"),
        {"type": "function", **flat, "parameters": schema, "strict": True},
        {**flat, "input_schema": schema, "cache_control": {"type": "ephemeral"}},
        {"type": "custom", **flat, "input_schema": schema},
    ):
        assert written(each) == expected


def test_custom_tools() -> None:
    grammar = {"syntax": "lark", "definition": 'start: "a"+'}
    expected = '// D\n// lark:\nstart: "a"+\ntype f = (FREEFORM) => any;'
    custom = {"name": "f", "description": "D", "format": {"type": "grammar", "grammar": grammar}}
    assert written({"type": "custom", "custom": custom}) == expected
    flat = {**custom, "type": "custom", "format": {"type": "grammar", **grammar}}
    assert written(flat) == expected
    assert written({"type": "custom", "name": "f"}) == "type f = (FREEFORM) => any;"
    text = {"type": "custom", "name": "f", "format": {"type": "text"}}
    assert written(text) == "type f = (FREEFORM) => any;"


def test_built_in_tools_cost_an_allowance_or_what_the_caller_says() -> None:
    plain = num_tokens_from_messages(HELLO, MODEL)

    def cost(kind: str, **options: Any) -> int:
        tools = [{"type": kind, "name": "it"}]
        return num_tokens_from_messages(HELLO, MODEL, tools=tools, **options) - plain

    assert cost("web_search") == cost("web_search_preview") == 400
    assert cost("bash_20250124") == 245
    assert cost("web_search", costs={"web_search": 7}) == 7
    assert cost("telepathy", costs={"*": 0}) == 0
    with pytest.raises(ValueError, match=r"tools\[0\]: what the tool 'telepathy' costs"):
        cost("telepathy")


def test_the_frame_of_tools() -> None:
    text = "namespace functions {\n\ntype f = () => any;\n\n} // namespace functions"
    tools = [{"name": "f"}]

    def cost(messages: list[dict[str, str]], **options: Any) -> int:
        plain = num_tokens_from_messages(messages, MODEL)
        return num_tokens_from_messages(messages, MODEL, tools=tools, **options) - plain

    assert cost(HELLO) == count(text) + 9
    for role in ("system", "developer"):
        # With a full stop before it, the line end is no token of its own.
        assert cost([{"role": role, "content": "Be kind."}, *HELLO]) == count(text) + 5
        assert cost([{"role": role, "content": "Be kind"}, *HELLO]) == count(text) + 6
    assert cost(HELLO, tool_choice="auto") == cost(HELLO, tool_choice="required") == cost(HELLO)
    assert cost(HELLO, tool_choice="none") == cost(HELLO) + 1
    for choice in (
        {"type": "function", "function": {"name": "f"}},
        {"type": "function", "name": "f"},
        {"type": "tool", "name": "f"},
    ):
        assert cost(HELLO, tool_choice=choice) == cost(HELLO) + 7 + count("f")
    for choice, error in (("sometimes", ValueError), (5, TypeError)):
        with pytest.raises(error, match="tool_choice: must be"):
            cost(HELLO, tool_choice=choice)


def test_no_tools_cost_nothing() -> None:
    plain = num_tokens_from_messages(HELLO, MODEL)
    for nothing in (None, [], ()):
        assert num_tokens_from_messages(HELLO, MODEL, tools=nothing) == plain


def test_the_format_of_a_reply() -> None:
    plain = num_tokens_from_messages(HELLO, MODEL)

    def cost(response_format: Any) -> int:
        counted = num_tokens_from_messages(HELLO, MODEL, response_format=response_format)
        return counted - plain

    assert cost({"type": "text"}) == cost({"type": "json_object"}) == cost(None) == 0
    schema = {"type": "object", "properties": {"città": {"type": "string"}}}
    text = '{"type":"object","properties":{"città":{"type":"string"}}}'
    named = {"name": "place", "schema": schema, "strict": True}
    expected = count(f"# Response Formats\n\n## place\n\n{text}") + 4
    assert cost({"type": "json_schema", "json_schema": named}) == expected
    assert cost({"type": "json_schema", **named}) == expected
    with pytest.raises(ValueError, match=r"response_format\.json_schema: has no schema"):
        cost({"type": "json_schema", "json_schema": {"name": "place"}})
    deep: dict[str, Any] = {}
    deep["x"] = deep
    with pytest.raises(ValueError, match=r"json_schema\.schema: is nested deeper than 100 levels"):
        cost({"type": "json_schema", "json_schema": {"name": "place", "schema": deep}})
