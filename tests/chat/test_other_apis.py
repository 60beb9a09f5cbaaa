"""Messages of the Responses API and of Anthropic's API, and objects of SDKs: only what is seen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import bpecore
from bpecore.chat import num_tokens_from_messages

MODEL = "gpt-4o"
count = bpecore.get_encoding("o200k_base").count
ESCAPED = '{"city": "\\u0141\\u00f3d\\u017a"}'


def counted(*messages: Any, **options: Any) -> int:
    return num_tokens_from_messages(messages, MODEL, **options)


def says(role: str, *texts: str) -> int:
    """Returns what a message costs besides the start of the reply."""
    return 3 + count(role) + sum(map(count, texts))


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "found"}
CHAT = [
    {"role": "user", "content": "hello"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    RESULT,
]
RESPONSES = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]},
    {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "c1",
        "name": "f",
        "arguments": '{"x": 1}',
        "status": "completed",
    },
    {"type": "function_call_output", "call_id": "c1", "output": "found"},
]
ANTHROPIC = [
    {"role": "user", "content": [{"type": "text", "text": "hello"}]},
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {"x": 1}}],
    },
    {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "found"}],
    },
]
EXPECTED = 3 + says("user", "hello") + says("assistant", " to=functions.f", '{"x": 1}') + says("f")


@pytest.mark.parametrize("messages", [CHAT, RESPONSES, ANTHROPIC])
def test_a_call_and_its_result_cost_the_same_in_each_api(messages: list[Any]) -> None:
    assert counted(*messages) == EXPECTED + count("found")


def several(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns a chat with two calls at once, in the API of a chat with one."""
    user, call, result = messages
    if "tool_calls" in call:
        calls = [{**CALL, "id": name} for name in ("c1", "c2")]
        results = [{**result, "tool_call_id": name} for name in ("c1", "c2")]
        return [user, {**call, "tool_calls": calls}, *results]
    if call["role" if "role" in call else "type"] == "assistant":
        uses = [{**call["content"][0], "id": name} for name in ("c1", "c2")]
        found = [{**result["content"][0], "tool_use_id": name} for name in ("c1", "c2")]
        return [user, {**call, "content": uses}, {**result, "content": found}]
    calls = [{**call, "call_id": name} for name in ("c1", "c2")]
    return [user, *calls, *({**result, "call_id": name} for name in ("c1", "c2"))]


def test_several_calls_cost_the_same_in_each_api() -> None:
    uses = '{"recipient_name": "f", "parameters": {"x": 1}}'
    arguments = f'{{"tool_uses": [{uses}, {uses}]}}'
    expected = (
        3
        + says("user", "hello")
        + says("assistant", " to=multi_tool_use.parallel", arguments)
        + says("multi_tool_use.parallel", '["found", "found"]')
    )
    for messages in (CHAT, RESPONSES, ANTHROPIC):
        assert counted(*several(messages)) == expected


def test_bookkeeping_costs_nothing() -> None:
    plain = {"role": "assistant", "content": "hi"}
    more = {
        "id": "msg_1",
        "type": "message",
        "object": "chat.completion",
        "status": "completed",
        "created_at": 1_700_000_000,
        "model": "gpt-4o",
        "annotations": [],
        "logprobs": None,
        "weight": 1,
        "cache_control": {"type": "ephemeral"},
        "function_call": None,
        "tool_calls": None,
        "audio": None,
        "refusal": None,
    }
    assert counted({**plain, **more}) == counted(plain) == 3 + says("assistant", "hi")
    assert counted(SimpleNamespace(**plain, **more)) == counted(plain)


def test_arguments_as_dicts() -> None:
    def call(arguments: Any) -> dict[str, Any]:
        function = {"name": "f", "arguments": arguments}
        return {"role": "assistant", "tool_calls": [{"function": function}]}

    assert counted(call({"city": "Łódź"})) == counted(call(ESCAPED))
    assert counted(call(None)) == counted(call(""))


def test_custom_tools() -> None:
    custom = {"id": "c1", "type": "custom", "custom": {"name": "f", "input": "print(1)"}}
    calls = {"role": "assistant", "tool_calls": [custom]}
    item = {"type": "custom_tool_call", "call_id": "c1", "name": "f", "input": "print(1)"}
    expected = 3 + says("assistant", " to=functions.f", "print(1)")
    assert counted(calls) == counted(item) == expected
    output = {"type": "custom_tool_call_output", "call_id": "c1", "output": "1"}
    assert counted(item, output) == counted(calls, {**RESULT, "content": "1"})


def test_reasoning() -> None:
    plain = {"role": "assistant", "content": "hi"}
    for name in ("reasoning_content", "reasoning", "thinking"):
        thought = {**plain, name: "hm"}
        assert counted(thought) == counted(SimpleNamespace(**thought)) == counted(plain) + 1
    blocks = [{"type": "thinking", "thinking": "hm", "signature": "x" * 99}, "hi"]
    assert counted({**plain, "content": blocks}) == counted(plain) + 1
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    assert counted(thought) == 3 + says("assistant")
    text = {"type": "reasoning_text", "text": "hm hm"}
    assert counted({**thought, "content": [text]}) == 3 + says("assistant", "hm hm")
    summary = {"type": "summary_text", "text": "hm"}
    assert counted({**thought, "summary": [summary]}) == 3 + says("assistant", "hm")
    assert counted({**thought, "summary": [summary]}, costs={"*": 99}) == 3 + says(
        "assistant", "hm"
    )
    encrypted = {**thought, "encrypted_content": "gAAAA"}
    with pytest.raises(ValueError, match=r"messages\[0\]: what 'reasoning' costs is not known"):
        counted(encrypted)
    assert counted(encrypted, costs={"reasoning": 99}) == 3 + says("assistant") + 99


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}, "input_audio"),
        ({"type": "file", "file": {"file_id": "file-1"}}, "file"),
        ({"type": "input_file", "file_id": "file-1"}, "input_file"),
        ({"type": "document", "source": {"type": "base64", "data": "AA"}}, "document"),
        ({"type": "redacted_thinking", "data": "AA"}, "redacted_thinking"),
        ({"type": "from_the_future"}, "from_the_future"),
    ],
)
def test_what_has_no_published_cost(part: dict[str, Any], kind: str) -> None:
    message = {"role": "user", "content": ["hello", part]}
    with pytest.raises(ValueError, match=rf"messages\[0\]\.content\[1\]: what '{kind}' costs"):
        counted(message)
    plain = counted({"role": "user", "content": "hello"})
    assert counted(message, costs={kind: 50}) == plain + 50
    assert counted(message, costs={"*": 7}) == plain + 7
    assert counted(message, costs={"*": 7, kind: 0}) == plain
    assert counted(message, costs={kind: lambda part: len(part)}) == plain + len(part)
    for cost, error in ((-1, ValueError), (1.5, TypeError), (True, TypeError), ("1", TypeError)):
        with pytest.raises(error, match=rf"costs\['{kind}'\]: must"):
            counted(message, costs={kind: cost})  # type: ignore[dict-item]


@pytest.mark.parametrize("kind", ["web_search_call", "computer_call", "item_reference", "mcp_call"])
def test_items_of_hosted_tools(kind: str) -> None:
    with pytest.raises(ValueError, match=rf"messages\[0\]: what '{kind}' costs is not known"):
        counted({"type": kind, "id": "x"})
    assert counted({"type": kind, "id": "x"}, costs={kind: 9}) == 3 + says("assistant") + 9


def test_audio_of_an_answer() -> None:
    message = {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}
    with pytest.raises(ValueError, match=r"messages\[0\]\.audio: what 'audio' costs"):
        counted(message)
    assert counted(message, costs={"audio": 30}) == 3 + says("assistant") + 30


def test_documents() -> None:
    def document(source: Any, **more: Any) -> dict[str, Any]:
        return {"role": "user", "content": [{"type": "document", "source": source, **more}]}

    text = {"type": "text", "media_type": "text/plain", "data": "hello"}
    assert counted(document(text)) == 3 + says("user", "hello")
    named = document(text, title="A title", context="Context")
    assert counted(named) == 3 + says("user", "A title", "Context", "hello")
    blocks = {"type": "content", "content": [{"type": "text", "text": "hello"}]}
    assert counted(document(blocks)) == 3 + says("user", "hello")
    nested = {"type": "content", "content": document(text)["content"]}
    with pytest.raises(ValueError, match=r"source\.content\[0\]: a document has only texts and"):
        counted(document(nested))


def test_results_with_blocks() -> None:
    found = [{"type": "text", "text": "found"}]
    result = {"type": "tool_result", "tool_use_id": "c1", "content": found, "is_error": False}
    messages = [*ANTHROPIC[:2], {"role": "user", "content": [result]}]
    assert counted(*messages) == counted(*CHAT)
    more = {"role": "user", "content": [result, {"type": "text", "text": "go on"}]}
    assert counted(*ANTHROPIC[:2], more) == counted(*CHAT) + says("user", "go on")
    inner = {**result, "content": [result]}
    with pytest.raises(ValueError, match="there is no tool_result in a tool_result"):
        counted({"role": "user", "content": [inner]})


class Sdk:
    """An object like those of SDKs: its fields are in slots, and some are computed."""

    __slots__ = ("_fields",)

    def __init__(self, **fields: Any) -> None:
        self._fields = fields

    def __getattr__(self, name: str) -> Any:
        try:
            return self._fields[name]
        except KeyError:
            raise AttributeError(name) from None


def as_objects(value: Any, kind: Any) -> Any:
    if isinstance(value, list):
        return [as_objects(each, kind) for each in value]
    if isinstance(value, dict):
        return kind(**{name: as_objects(each, kind) for name, each in value.items()})
    return value


@pytest.mark.parametrize("kind", [SimpleNamespace, Sdk])
@pytest.mark.parametrize("messages", [CHAT, RESPONSES])
def test_objects_of_sdks(kind: Any, messages: Any) -> None:
    assert counted(*as_objects(messages, kind)) == EXPECTED + count("found")
    several_of = as_objects(several(messages), kind)
    assert counted(*several_of) == counted(*several(messages))
