"""Chats of objects that OpenAI's and Anthropic's packages return cost what the same dicts cost."""

from __future__ import annotations

import json
from typing import Any

import anthropic.types
import openai
import openai.types.chat
import openai.types.responses
import pydantic
import pytest

from bpecore.chat import num_tokens_from_messages, truncate_tokens_from_messages

MODELS = ["gpt-4o", "gpt-4", "gpt-oss-120b"]

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
COMPLETION = {
    "role": "assistant",
    "content": "I look.",
    "refusal": None,
    "annotations": [],
    "tool_calls": [CALL],
    "reasoning_content": "Hm.",  # of other servers; OpenAI's class does not know it
}
CUSTOM = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "custom", "custom": {"name": "f", "input": "x"}}],
}
OUTPUT = [
    {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "Hm."}]},
    {"type": "function_call", "id": "i", "call_id": "c1", "name": "f", "arguments": "{}"},
    {
        "type": "message",
        "id": "m",
        "role": "assistant",
        "status": "completed",
        "content": [
            {"type": "output_text", "text": "Hi", "annotations": []},
            {"type": "refusal", "refusal": "No"},
        ],
    },
]
BLOCKS = [
    {"type": "thinking", "thinking": "Hm.", "signature": "s" * 300},
    {"type": "text", "text": "Hi", "citations": None},
    {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
]


def response() -> Any:
    fields = {"id": "r", "created_at": 0, "model": "gpt-4o", "object": "response", "tools": []}
    rest = {"parallel_tool_calls": True, "tool_choice": "auto", "output": OUTPUT}
    return openai.types.responses.Response.model_validate({**fields, **rest})


def message() -> Any:
    fields = {"id": "m", "type": "message", "role": "assistant", "model": "claude"}
    usage = {"usage": {"input_tokens": 1, "output_tokens": 1}}
    rest = {"stop_reason": "tool_use", "stop_sequence": None, "content": BLOCKS, **usage}
    return anthropic.types.Message.model_validate({**fields, **rest})


def completion(fields: dict[str, Any]) -> Any:
    return openai.types.chat.ChatCompletionMessage.model_validate(fields)


CHATS = {
    "completion": ([completion(COMPLETION)], [COMPLETION]),
    "custom": ([completion(CUSTOM)], [CUSTOM]),
    "items": (list(response().output), OUTPUT),
    "message": ([message()], [{"role": "assistant", "content": BLOCKS}]),
    "blocks": (
        [{"role": "assistant", "content": message().content}],
        [{"role": "assistant", "content": BLOCKS}],
    ),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", CHATS)
def test_objects_cost_what_dicts_cost(name: str, model: str) -> None:
    objects, dicts = CHATS[name]
    expected = num_tokens_from_messages(dicts, model)
    assert num_tokens_from_messages(objects, model) == expected
    dumped = [
        each if isinstance(each, dict) else each.model_dump(exclude_unset=True) for each in objects
    ]
    assert num_tokens_from_messages(dumped, model) == expected


@pytest.mark.parametrize("model", MODELS)
def test_tools(model: str) -> None:
    class Weather(pydantic.BaseModel):
        """The weather of some days."""

        city: str
        days: list[int] | None = None

    helper = openai.pydantic_function_tool(Weather)
    plain = json.loads(json.dumps(helper))
    expected = num_tokens_from_messages([], model, tools=[plain])
    assert num_tokens_from_messages([], model, tools=[helper]) == expected
    flat = {"type": "function", **plain["function"]}
    tool = openai.types.responses.FunctionTool.model_validate(flat)
    assert num_tokens_from_messages([], model, tools=[tool]) == expected


@pytest.mark.parametrize("model", MODELS)
def test_objects_are_cut(model: str) -> None:
    said = completion({"role": "assistant", "content": "word " * 100})
    budget = num_tokens_from_messages([], model) + 40
    (cut,) = truncate_tokens_from_messages([said], model, budget)
    assert type(cut) is type(said)
    assert said.content.endswith(cut.content)
    assert num_tokens_from_messages([cut], model) <= budget
    assert said.content == "word " * 100


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(ValueError, match=r"messages\[0\]: has no role"):
        num_tokens_from_messages([response()], "gpt-4o")
