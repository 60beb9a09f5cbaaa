"""Chats for gpt-oss: how messages and tools become the harmony format, and their count."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from harmony_reference import TEXTS, Conversations, Reference

import bpecore
from bpecore.chat import Rules, num_tokens_from_messages
from bpecore.chat.harmony import render_chat

MODEL = "gpt-oss-120b"

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
            "tool_calls": [call("f", '{"a":1}'), call("g", {"b": 2}, "c2")],
        },
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "one"}]},
    ]
    assert text_of(messages) == (
        "<|start|>user<|message|>Hi<|end|>"
        "<|start|>assistant<|channel|>commentary<|message|>I look.<|end|>"
        "<|start|>assistant<|channel|>analysis<|message|>Hm.<|end|>"
        '<|start|>assistant to=functions.f<|channel|>commentary json<|message|>{"a":1}<|call|>'
        '<|start|>assistant to=functions.g<|channel|>commentary json<|message|>{"b": 2}<|call|>'
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


def test_a_refusal_is_what_the_assistant_said() -> None:
    expected = text_of([{"role": "assistant", "content": "No"}])
    assert text_of([{"role": "assistant", "content": None, "refusal": "No"}]) == expected
    part = {"type": "refusal", "refusal": "No"}
    assert text_of([{"role": "assistant", "content": [part]}]) == expected


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
    explained = num_tokens_from_messages([], MODEL, tools=given, explain=True)
    assert explained.tools.count(0) == len(names) - len(set(names))
    fixed = explained.total - sum(explained.tools)
    assert 0 < fixed - num_tokens_from_messages([], MODEL) < 5
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
        assert num_tokens_from_messages(messages, MODEL, tools=tools) == len(expected)
        explained = num_tokens_from_messages(messages, MODEL, tools=tools, explain=True)
        assert explained.total == len(expected)
        assert len(explained.messages) == len(messages)
        assert len(explained.tools) == len(tools)
        assert sum(part.tokens for part in explained.parts) == explained.total
        assert min(part.tokens for part in explained.parts) >= 0


def test_other_models_with_the_format() -> None:
    expected = num_tokens_from_messages([HI], MODEL)
    ours = Rules("our-*", "our model's card", "2026-11", format="harmony")
    assert num_tokens_from_messages([HI], "our-oss", rules=[ours]) == expected
    assert num_tokens_from_messages([HI], "our-oss", default=MODEL) == expected
    for name in ("gpt-oss:20b", "openai/gpt-oss-20b", "openai.gpt-oss-120b-1:0"):
        assert num_tokens_from_messages([HI], name) == expected


def test_the_date_does_not_change_the_count() -> None:
    counts = {len(render_chat([HI], date=date)) for date in (None, "2025-06-28", "1999-12-31")}
    assert len(counts) == 1


@pytest.mark.parametrize(
    ("message", "error", "words"),
    [
        ("Hi", TypeError, r"messages\[1\]: .*str"),
        ({"content": "Hi"}, ValueError, r"messages\[1\]: has no role"),
        ({"role": "judge"}, ValueError, r"messages\[1\]\.role: .*'judge'"),
        ({"role": "user", "content": 3}, TypeError, r"messages\[1\]\.content: "),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": "http://i"}]},
            KeyError,
            "gpt-oss",
        ),
        (
            {"role": "user", "content": [{"type": "file"}]},
            ValueError,
            r"messages\[1\]\.content\[0\]",
        ),
        ({"role": "assistant", "tool_calls": 3}, TypeError, r"messages\[1\]\.tool_calls: "),
        ({"role": "assistant", "tool_calls": [call("f", 3)]}, TypeError, r"tool_calls\[0\]\.func"),
        ({"role": "assistant", "tool_calls": [{"function": {}}]}, ValueError, r"tool_calls\[0\]"),
    ],
)
def test_refused_messages(message: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        render_chat([HI, message])
    with pytest.raises(error, match=words):
        num_tokens_from_messages([HI, message], MODEL)


@pytest.mark.parametrize(
    ("tool", "error", "words"),
    [
        ("f", TypeError, r"tools\[1\]: .*str"),
        ({"type": "function"}, ValueError, r"tools\[1\]: .*name"),
        ({"type": "container"}, ValueError, r"tools\[1\]\.type: .*'container'"),
        ({"type": "custom", "custom": {"name": "f"}}, ValueError, r"tools\[1\]\.type: .*'custom'"),
        ({"name": "f", "description": 3}, TypeError, r"tools\[1\]\.description: "),
        ({"name": "f", "parameters": 3}, TypeError, r"tools\[1\]\.parameters: "),
    ],
)
def test_refused_tools(tool: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        num_tokens_from_messages([HI], MODEL, tools=[function("f"), tool])


@pytest.mark.parametrize("effort", ["none", "max", "", 3])
def test_refused_efforts(effort: Any) -> None:
    with pytest.raises(ValueError, match="reasoning_effort"):
        num_tokens_from_messages([HI], MODEL, reasoning_effort=effort)


def test_long_chats_take_little_time_and_stack() -> None:
    messages = [HI, {"role": "assistant", "content": "So.", "reasoning_content": "Hm."}] * 20_000
    explained = num_tokens_from_messages(messages, MODEL, explain=True)
    assert explained.messages == (5, 8) * 20_000
    assert num_tokens_from_messages(messages, MODEL) == explained.total
