"""Chats for gpt-oss: how messages and tools become the harmony format, and their count."""

from __future__ import annotations

import json
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from harmony_reference import TEXTS, Conversations, Reference

import bpecore
from bpecore.chat.harmony import count_chat, explain_chat, render_chat

DATE = "2025-06-28"
SYSTEM = {
    "type": "system_content",
    "model_identity": "You are ChatGPT, a large language model trained by OpenAI.",
    "reasoning_effort": "Medium",
    "conversation_start_date": DATE,
    "knowledge_cutoff": "2024-06",
    "channel_config": {
        "valid_channels": ["analysis", "commentary", "final"],
        "channel_required": True,
    },
}
HI = {"role": "user", "content": "Hi"}


def text_of(messages: list[Any], **options: Any) -> str:
    """Returns the text after the system message, without what starts the reply."""
    ids = render_chat(messages, date=DATE, **options)
    text = bpecore.get_encoding("o200k_harmony").decode(ids)
    start, end = text.index("<|end|>") + len("<|end|>"), len(text) - len("<|start|>assistant")
    assert text[end:] == "<|start|>assistant"
    return text[start:end]


def function(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **fields}}


def call(name: str, arguments: Any, call_id: str = "c1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_the_published_example() -> None:
    """The prompt with two functions in OpenAI's description of the format."""
    unit = {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"}
    place = {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}
    tools = [
        function("get_location", description="Gets the location of the user."),
        function(
            "get_current_weather",
            description="Gets the current weather in the provided location.",
            parameters={
                "type": "object",
                "properties": {"location": place, "format": unit},
                "required": ["location"],
            },
        ),
    ]
    messages = [{"role": "system", "content": "Use a friendly tone."}, HI]
    ids = render_chat(messages, tools=tools, reasoning_effort="high", date=DATE)
    assert bpecore.get_encoding("o200k_harmony").decode(ids) == (
        """\
<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.
Knowledge cutoff: 2024-06
Current date: 2025-06-28

Reasoning: high

# Valid channels: analysis, commentary, final. Channel must be included for every message.
Calls to these tools must go to the commentary channel: 'functions'.<|end|>\
<|start|>developer<|message|># Instructions

Use a friendly tone.

# Tools

## functions

namespace functions {

// Gets the location of the user.
type get_location = () => any;

// Gets the current weather in the provided location.
type get_current_weather = (_: {
// The city and state, e.g. San Francisco, CA
location: string,
format?: "celsius" | "fahrenheit", // default: celsius
}) => any;

} // namespace functions<|end|>\
<|start|>user<|message|>Hi<|end|><|start|>assistant"""
    )


def test_calls_and_results() -> None:
    messages = [
        HI,
        {
            "role": "assistant",
            "content": "I look.",
            "reasoning_content": "Hm.",
            "tool_calls": [call("f", '{"a":1}'), call("g", {"é": 2}, "c2")],
        },
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "one"}]},
    ]
    assert text_of(messages) == (
        "<|start|>user<|message|>Hi<|end|>"
        "<|start|>assistant<|channel|>commentary<|message|>I look.<|end|>"
        "<|start|>assistant<|channel|>analysis<|message|>Hm.<|end|>"
        '<|start|>assistant to=functions.f<|channel|>commentary json<|message|>{"a":1}<|call|>'
        '<|start|>assistant to=functions.g<|channel|>commentary json<|message|>{"é": 2}<|call|>'
        "<|start|>functions.g to=assistant<|channel|>commentary<|message|>two<|end|>"
        "<|start|>functions.f to=assistant<|channel|>commentary<|message|>one<|end|>"
    )


def test_calls_of_the_older_kind() -> None:
    messages = [
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "one"},
    ]
    assert text_of(messages) == (
        "<|start|>assistant to=functions.f<|channel|>commentary json<|message|>{}<|call|>"
        "<|start|>functions.f to=assistant<|channel|>commentary<|message|>one<|end|>"
    )


def test_reasoning_before_the_last_final_message_is_dropped() -> None:
    thought = {"role": "assistant", "reasoning_content": "Hm."}
    said = {**thought, "content": "So."}
    assert text_of([thought]).count("Hm.") == 1
    assert text_of([said]).count("Hm.") == 0
    assert text_of([said, thought]).count("Hm.") == 1
    assert text_of([said, said, HI]).count("Hm.") == 0
    assert text_of([said, {**said, "tool_calls": [call("f", "{}")]}]).count("Hm.") == 1


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking"])
def test_names_of_reasoning(name: str) -> None:
    assert "analysis<|message|>Hm.<|end|>" in text_of([{"role": "assistant", name: "Hm."}])


def test_instructions() -> None:
    first = "<|start|>developer<|message|># Instructions\n\nBe brief.<|end|>"
    for role in ("system", "developer"):
        brief = {"role": role, "content": "Be brief."}
        assert text_of([brief]) == first
        assert text_of([HI, brief]).endswith(first)
        assert text_of([brief, brief]) == first * 2
        assert text_of([{"role": role, "content": ["Be ", "brief."]}]) == first
        assert text_of([{"role": role, "content": None}]) == ""


def test_what_is_not_shown() -> None:
    bare = [HI, {"role": "assistant", "content": "Hello"}]
    full = [
        {**HI, "name": "Ann", "id": "m1"},
        {"role": "assistant", "content": "Hello", "refusal": None, "id": "m2", "status": "done"},
    ]
    assert text_of(full) == text_of(bare)
    assert text_of([{"role": "assistant", "content": ""}]) == ""
    assert text_of([{"role": "assistant", "content": [{"type": "refusal", "refusal": "No"}]}]) == ""


def test_response_format() -> None:
    schema = {"properties": {"é": {"type": "array"}}, "type": "object"}
    inner = {"name": "list", "description": "Goods", "schema": schema}
    expected = (
        "<|start|>developer<|message|># Response Formats\n\n## list\n\n// Goods\n"
        '{"properties":{"é":{"type":"array"}},"type":"object"}<|end|>'
    )
    for answer in ({"type": "json_schema", "json_schema": inner}, {"type": "json_schema", **inner}):
        assert text_of([], response_format=answer) == expected
    assert text_of([], response_format={"type": "json_object"}) == ""


def test_forms_of_tools() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    expected = text_of([HI], tools=[function("f", description="d", parameters=schema)])
    flat = {"name": "f", "description": "d"}
    assert text_of([HI], tools=[{"type": "function", "parameters": schema, **flat}]) == expected
    assert text_of([HI], tools=[{"input_schema": schema, **flat}]) == expected
    assert text_of([HI], tools=[]) == text_of([HI], tools=None) == text_of([HI])


@pytest.mark.parametrize(
    "names", [["browser"], ["python"], ["browser", "python"], ["python", "browser", "browser"]]
)
def test_builtin_tools(reference: Reference, names: list[str]) -> None:
    package = pytest.importorskip("openai_harmony")
    tools = {name: getattr(package.ToolNamespaceConfig, name)().model_dump() for name in names}
    content = [{**SYSTEM, "tools": tools}]
    expected = reference.render([{"role": "system", "content": content}], "assistant")
    given = [{"type": name} for name in names]
    assert render_chat([], tools=given, date=DATE) == expected
    explained = explain_chat([], tools=given, date=DATE)
    assert explained.tools.count(0) == len(names) - len(set(names))
    assert 0 < explained.fixed - count_chat([], date=DATE) < 5
    assert explained.total == len(expected)


def as_objects(thing: Any) -> Any:
    """Returns dicts with fixed fields as objects; schemas and arguments stay dicts."""
    if isinstance(thing, list):
        return [as_objects(each) for each in thing]
    if not isinstance(thing, dict):
        return thing
    kept = ("parameters", "arguments")
    return SimpleNamespace(**{k: v if k in kept else as_objects(v) for k, v in thing.items()})


class Chats:
    """Random chats, with the conversation of the format that each should become."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.made = Conversations(seed)

    def chat(self) -> tuple[list[Any], list[Any], list[dict[str, Any]]]:
        pick = self.random.choice
        messages: list[Any] = []
        turns: list[dict[str, Any]] = []
        tools = [
            {"type": "function", "function": self.made.tool(i)} for i in range(pick((0, 1, 3)))
        ]
        instructions = pick((None, "Be brief.", *TEXTS))
        if instructions is not None:
            messages.append({"role": pick(("system", "developer")), "content": instructions})
        developer = {"type": "developer_content", "instructions": instructions}
        developer = {k: v for k, v in developer.items() if v is not None}
        if tools:
            described = [tool["function"] for tool in tools]
            developer["tools"] = {"functions": {"name": "functions", "tools": described}}
        turns.append({"role": "system", "content": [SYSTEM]})
        if instructions or tools:
            turns.append({"role": "developer", "content": [developer]})
        for number in range(pick((0, 1, 3, 9))):
            self.turn(number, messages, turns)
        finals = [i for i, turn in enumerate(turns) if turn.get("channel") == "final"]
        last = finals[-1] if finals else -1
        kept = [t for i, t in enumerate(turns) if i > last or t.get("channel") != "analysis"]
        return messages, tools, kept

    def turn(self, number: int, messages: list[Any], turns: list[dict[str, Any]]) -> None:
        def say(channel: str, text: str, **header: str) -> None:
            turns.append({"role": "assistant", "channel": channel, "content": text, **header})

        kind, text, thought = self.random.randrange(3), self.made.text(), self.made.text()
        if kind == 0:
            parts = [{"type": "text", "text": self.made.text()} for _ in range(2)]
            content = self.random.choice((text, parts))
            messages.append({"role": "user", "content": content})
            turns.append({"role": "user", "content": content})
        elif kind == 1:
            messages.append({"role": "assistant", "content": text, "reasoning_content": thought})
            if thought:
                say("analysis", thought)
            if text:
                say("final", text)
        else:
            names = [f"tool_{i}" for i in range(self.random.choice((1, 1, 3)))]
            calls = [call(name, text, f"{number} {name}") for name in names]
            messages.append({"role": "assistant", "content": thought, "tool_calls": calls})
            if thought:
                say("commentary", thought)
            for name in names:
                recipient = f"functions.{name}"
                say("commentary", text, recipient=recipient, content_type="json")
            for name in names:
                result = {"role": "tool", "content": self.made.text()}
                messages.append({**result, "tool_call_id": f"{number} {name}"})
                header = {"name": f"functions.{name}", "recipient": "assistant"}
                turns.append({**result, **header, "channel": "commentary"})


@pytest.mark.parametrize("seed", range(10))
def test_random_chats(reference: Reference, seed: int) -> None:
    chats = Chats(seed)
    for _ in range(30):
        messages, tools, conversation = chats.chat()
        expected = reference.render(conversation, "assistant")
        assert render_chat(messages, tools=tools, date=DATE) == expected
        assert render_chat(as_objects(messages), tools=as_objects(tools), date=DATE) == expected
        assert count_chat(messages, tools=tools, date=DATE) == len(expected)
        explained = explain_chat(messages, tools=tools, date=DATE)
        assert explained.total == len(expected)
        assert len(explained.messages) == len(messages)
        assert len(explained.tools) == len(tools)
        assert min((*explained.messages, *explained.tools, explained.fixed)) >= 0


def test_the_date_does_not_change_the_count() -> None:
    counts = {count_chat([HI], date=date) for date in (None, "2025-06-28", "1999-12-31")}
    assert len(counts) == 1


@pytest.mark.parametrize(
    ("message", "error", "words"),
    [
        ("Hi", TypeError, "message 1 .*str"),
        ({"content": "Hi"}, ValueError, "message 1 has no role"),
        ({"role": "judge"}, ValueError, "message 1 .*'judge'"),
        ({"role": "user", "content": 3}, TypeError, "content of message 1"),
        ({"role": "user", "content": [{"type": "image_url"}]}, ValueError, "message 1 .*image_url"),
        ({"role": "user", "content": [3]}, TypeError, "part of message 1"),
        ({"role": "assistant", "reasoning": 3}, TypeError, "reasoning of message 1"),
        ({"role": "assistant", "tool_calls": 3}, TypeError, "tool_calls of message 1"),
        ({"role": "assistant", "tool_calls": [3]}, TypeError, "call of message 1"),
        ({"role": "assistant", "tool_calls": [{"custom": {}}]}, ValueError, "message 1 .*custom"),
        ({"role": "assistant", "tool_calls": [call("f", 3)]}, TypeError, "call of message 1"),
        ({"role": "assistant", "tool_calls": [{"function": {}}]}, ValueError, "message 1 .*name"),
    ],
)
def test_refused_messages(message: Any, error: type[Exception], words: str) -> None:
    for count in (render_chat, count_chat, explain_chat):
        with pytest.raises(error, match=words):
            count([HI, message])


@pytest.mark.parametrize(
    ("tool", "error", "words"),
    [
        ("f", TypeError, "tool 1 .*str"),
        ({"type": "function"}, ValueError, "tool 1 has no name"),
        ({"type": "container"}, ValueError, "tool 1 .*'container'"),
        ({"type": "custom", "custom": {"name": "f"}}, ValueError, "tool 1 .*'custom'"),
        ({"name": "f", "description": 3}, TypeError, "description of tool 1"),
        ({"name": "f", "parameters": 3}, TypeError, "parameters of tool 1"),
    ],
)
def test_refused_tools(tool: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        count_chat([HI], tools=[function("f"), tool])


@pytest.mark.parametrize("effort", ["none", "max", "", 3])
def test_refused_efforts(effort: Any) -> None:
    with pytest.raises(ValueError, match="reasoning_effort"):
        count_chat([HI], reasoning_effort=effort)


def test_long_chats_take_little_time_and_stack() -> None:
    messages = [HI, {"role": "assistant", "content": "So.", "reasoning_content": "Hm."}] * 20_000
    assert count_chat(messages) - count_chat([]) == 20_000 * (5 + 8)
    assert json.dumps(explain_chat(messages).messages[:2]) == "[5, 8]"
