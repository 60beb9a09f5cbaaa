"""Tokens of messages and tools: the published samples, dicts and objects, and refusals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

import bpecore
from bpecore.chat import (
    num_tokens_from_messages,
    num_tokens_from_string,
    truncate_tokens_from_messages,
)

# The samples of OpenAI's cookbook, with the numbers that the server returned.
SAMPLE_MESSAGES = [
    {
        "role": "system",
        "content": "You are a helpful, pattern-following assistant that translates corporate "
        "jargon into plain English.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "New synergies will help drive top-line growth.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Things working well together will increase revenue.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "Let's circle back when we have more bandwidth to touch base on opportunities "
        "for increased leverage.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Let's talk later when we're less busy about how to do better.",
    },
    {
        "role": "user",
        "content": "This late pivot means we don't have time to boil the ocean for the client "
        "deliverable.",
    },
]
WEATHER_MESSAGES = [
    {
        "role": "system",
        "content": "You are a helpful assistant that can answer to questions about the weather.",
    },
    {"role": "user", "content": "What's the weather like in San Francisco?"},
]
WEATHER_FUNCTION = {
    "name": "get_current_weather",
    "description": "Get the current weather in a given location",
    "parameters": {
        "type": "object",
        "properties": {
            "location": {
                "type": "string",
                "description": "The city and state, e.g. San Francisco, CA",
            },
            "unit": {
                "type": "string",
                "description": "The unit of temperature to return",
                "enum": ["celsius", "fahrenheit"],
            },
        },
        "required": ["location"],
    },
}
WEATHER_TOOLS = [{"type": "function", "function": WEATHER_FUNCTION}]


class Turn(NamedTuple):
    role: str
    content: Any
    name: str | None = None


@dataclass(frozen=True)
class Frozen:
    role: str
    content: Any
    name: str | None = None


class Slotted:
    __slots__ = ("content", "name", "role")

    def __init__(self, role: str, content: Any, name: str | None = None) -> None:
        self.role, self.content, self.name = role, content, name


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-4", 129),
        ("gpt-4-0613", 129),
        ("gpt-3.5-turbo", 129),
        ("gpt-4o", 124),
        ("gpt-4o-mini", 124),
        ("gpt-3.5-turbo-0301", 127),
    ],
)
def test_messages_of_the_cookbook(model: str, expected: int) -> None:
    assert num_tokens_from_messages(SAMPLE_MESSAGES, model) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [("gpt-3.5-turbo", 105), ("gpt-4", 105), ("gpt-4o", 101), ("gpt-4o-mini", 101)],
)
def test_tools_of_the_cookbook(model: str, expected: int) -> None:
    count = num_tokens_from_messages(WEATHER_MESSAGES, model, tools=WEATHER_TOOLS)
    assert count == expected
    flat = [{"type": "function", **WEATHER_FUNCTION}]
    assert num_tokens_from_messages(WEATHER_MESSAGES, model, tools=flat) == expected


@pytest.mark.parametrize(("model", "per_function"), [("gpt-4o", 7), ("gpt-4", 10)])
def test_the_constants_of_the_cookbook_give_the_same_for_its_sample(
    model: str, per_function: int
) -> None:
    count = bpecore.encoding_for_model(model).count
    tokens = per_function + count("{name}:{description}".format_map(WEATHER_FUNCTION))
    start_of_properties, per_property, enum, per_item, end = 3, 3, -3, 3, 12
    tokens += start_of_properties + end
    for name, schema in WEATHER_FUNCTION["parameters"]["properties"].items():
        tokens += per_property + count(f"{name}:{schema['type']}:{schema['description']}")
        if "enum" in schema:
            tokens += enum + sum(per_item + count(item) for item in schema["enum"])
    messages = num_tokens_from_messages(WEATHER_MESSAGES, model)
    with_tools = num_tokens_from_messages(WEATHER_MESSAGES, model, tools=WEATHER_TOOLS)
    assert with_tools == messages + tokens


def test_tools_as_objects() -> None:
    function = SimpleNamespace(**WEATHER_FUNCTION)
    tools = [SimpleNamespace(type="function", function=function)]
    assert num_tokens_from_messages(WEATHER_MESSAGES, "gpt-4o", tools=tools) == 101


def test_no_tools_cost_nothing() -> None:
    without = num_tokens_from_messages(WEATHER_MESSAGES, "gpt-4o")
    assert num_tokens_from_messages(WEATHER_MESSAGES, "gpt-4o", tools=[]) == without


@pytest.mark.parametrize("kind", [SimpleNamespace, Turn, Frozen, Slotted])
def test_objects_count_as_dicts_do(kind: Any) -> None:
    objects = [kind(**message) for message in SAMPLE_MESSAGES]
    assert num_tokens_from_messages(objects, "gpt-4") == 129
    assert num_tokens_from_messages(iter(objects), "gpt-4") == 129


def test_parts_calls_and_fields_that_are_no_text() -> None:
    encoding = bpecore.get_encoding("o200k_base")
    parts = [{"type": "text", "text": "hello"}, {"type": "refusal", "refusal": "no"}, "world"]
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": parts, "weight": 1, "cache_control": {"type": "ephemeral"}},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "42", "tool_call_id": "call_1"},
    ]
    texts = ("user", "hello", "no", "world", "assistant", " to=functions.f", "{}", "f", "42")
    expected = 3 + 3 * len(messages) + sum(map(encoding.count, texts))
    assert num_tokens_from_messages(messages, "gpt-4o") == expected


def test_no_messages_are_the_start_of_a_reply() -> None:
    assert num_tokens_from_messages([], "gpt-4o") == 3


def test_special_tokens_spelt_out_are_ordinary_text() -> None:
    text = "a <|endoftext|> b"
    ordinary = len(bpecore.get_encoding("cl100k_base").encode_ordinary(text))
    assert num_tokens_from_string(text, "gpt-4") == ordinary
    messages = [{"role": "user", "content": text}]
    assert num_tokens_from_messages(messages, "gpt-4") == 3 + 3 + 1 + ordinary


def test_unknown_model() -> None:
    for call in (
        lambda **arguments: num_tokens_from_string("hi", "nobody-knows", **arguments),
        lambda **arguments: num_tokens_from_messages([], "nobody-knows", **arguments),
    ):
        with pytest.raises(KeyError, match="nobody-knows"):
            call()
        with pytest.raises(ValueError, match="o300k"):
            call(default="o300k")
        call(default="o200k_base")


@pytest.mark.parametrize(
    "model",
    ["claude-3-5-sonnet", "anthropic/claude-3-5-sonnet", "gemini-1.5-pro", "llama-3", "our-azure"],
)
def test_models_of_others_are_refused_by_name_with_what_to_do(model: str) -> None:
    for call in (num_tokens_from_messages, partial(truncate_tokens_from_messages, max_tokens=9)):
        with pytest.raises(KeyError) as caught:
            call([{"role": "user", "content": "hello"}], model)
        said = str(caught.value)
        assert f"The model '{model}' is not known" in said
        assert "default='o200k_base'" in said
        assert "rules=[Rules(" in said


def test_default_is_for_unknown_models_only() -> None:
    text = "Ich weiß nicht, was soll es bedeuten"
    for model in ("gpt-4o", "someone-elses"):
        count = num_tokens_from_string(text, model, default="r50k_base")
        name = "o200k_base" if model == "gpt-4o" else "r50k_base"
        assert count == bpecore.get_encoding(name).count(text)


def of_user(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


@pytest.mark.parametrize(
    ("messages", "error", "said"),
    [
        ({"role": "user", "content": "hi"}, TypeError, "messages: must be a list, not dict"),
        ("hi", TypeError, "messages: must be a list, not str: 'hi'"),
        (None, TypeError, "messages: must be a list, not NoneType"),
        (["hi"], TypeError, "messages[0]: must be a dict or an object with fields, not str: 'hi'"),
        ([None], TypeError, "messages[0]: must be a dict or an object with fields"),
        ([5], TypeError, "messages[0]: must be a dict or an object with fields, not int: 5"),
        ([{"content": "hi"}], ValueError, "messages[0]: has no role"),
        ([{"role": None, "content": "hi"}], ValueError, "messages[0]: has no role"),
        ([{"role": 5, "content": "hi"}], TypeError, "messages[0].role: must be str, not int"),
        (
            of_user(5),
            TypeError,
            "messages[0].content: must be str, None or a list of parts, not int",
        ),
        (of_user(b"hi"), TypeError, "messages[0].content: must be str, None or a list of parts"),
        ([{"role": "user", "name": 5}], TypeError, "messages[0].name: must be str, not int"),
        (of_user([{"type": "text"}]), ValueError, "messages[0].content[0]: has no text"),
        (of_user([{"type": "text", "text": 5}]), TypeError, "messages[0].content[0].text: must be"),
        (
            of_user(["hi", {"type": "input_audio"}]),
            ValueError,
            "messages[0].content[1]: what 'input_audio' costs is not known",
        ),
        (of_user([{"type": ["text"]}]), ValueError, "messages[0].content[0]: has no type"),
        (of_user([{"type": "image_url"}]), ValueError, "messages[0].content[0]: is an image with"),
        (of_user([{"type": "image_url", "image_url": {"url": 5}}]), ValueError, "without a URL"),
        (of_user([None]), TypeError, "messages[0].content[0]: must be a dict"),
        ([{"role": "user", "tool_calls": {"id": 1}}], TypeError, "messages[0].tool_calls: must be"),
        (
            [{"role": "user", "tool_calls": [{"id": 1}]}],
            ValueError,
            "messages[0].tool_calls[0]: has neither a function nor a custom tool",
        ),
        (
            [{"role": "user", "tool_calls": [{"function": {"name": "f", "arguments": 5}}]}],
            TypeError,
            "messages[0].tool_calls[0].function.arguments: must be str or a dict, not int: 5",
        ),
    ],
)
def test_wrong_messages(messages: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=re.escape(said)):
        num_tokens_from_messages(messages, "gpt-4o")


@pytest.mark.parametrize(
    ("tools", "error", "said"),
    [
        ("f", TypeError, "tools: must be a list"),
        (WEATHER_FUNCTION, TypeError, "tools: must be a list"),
        ([{}], ValueError, "tools[0]: has no name"),
        ([{"function": {"name": 5}}], TypeError, "tools[0].function.name: must be str"),
        (
            [{"name": "f", "parameters": {"properties": ["x"]}}],
            TypeError,
            "tools[0].parameters.properties: must be a dict",
        ),
        (
            [{"name": "f", "parameters": {"properties": {"x": "string"}}}],
            TypeError,
            "tools[0].parameters.properties.x: must be a schema, a dict or a boolean",
        ),
        (
            [{"name": "f", "parameters": {"properties": {"x": {"enum": "ab"}}}}],
            TypeError,
            "tools[0].parameters.properties.x.enum: must be a list",
        ),
        ([{"type": "telepathy"}], ValueError, "tools[0]: what the tool 'telepathy' costs"),
    ],
)
def test_wrong_tools(tools: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=re.escape(said)):
        num_tokens_from_messages([], "gpt-4o", tools=tools)


@pytest.mark.parametrize("wrong", [None, b"hi", 5])
def test_what_is_no_text_and_no_model(wrong: Any) -> None:
    with pytest.raises(TypeError):
        num_tokens_from_string(wrong, "gpt-4")
    with pytest.raises(TypeError):
        num_tokens_from_string("hi", wrong)
