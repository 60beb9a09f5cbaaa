"""Cut chats have no result of a tool without its call, whatever API they are written for."""

from __future__ import annotations

from typing import Any

import pytest

from bpecore.chat import num_tokens_from_messages, truncate_tokens_from_messages

MODELS = ["gpt-4o", "gpt-oss-120b"]

USER = {"role": "user", "content": "What is the weather in Paris and in London? " * 5}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "Sunny. " * 5}
USE = {
    "role": "assistant",
    "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {"city": "Paris"}}],
}
FOUND = {"type": "tool_result", "tool_use_id": "c1", "content": "Sunny. " * 5}
ASKED = {"type": "text", "text": "And tomorrow?"}
FOUND_AND_ASKED = {"role": "user", "content": [FOUND, ASKED]}
ITEM_CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
ITEM_RESULT = {"type": "function_call_output", "call_id": "c1", "output": "Sunny. " * 5}
REASONING = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm. " * 5}]}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("call", "result"),
    [([CALL], RESULT), ([USE], FOUND_AND_ASKED), ([REASONING, ITEM_CALL], ITEM_RESULT)],
)
def test_every_budget(model: str, call: list[Any], result: Any) -> None:
    chat = [USER, *call, result, {"role": "assistant", "content": "It is sunny."}]
    whole = num_tokens_from_messages(chat, model)
    kept: list[Any] = []
    for budget in range(whole + 1):
        try:
            kept = truncate_tokens_from_messages(chat, model, budget)
        except ValueError:
            assert not kept
            continue
        assert num_tokens_from_messages(kept, model) <= budget
        together = [any(each is message for each in kept) for message in (*call, result)]
        assert all(together) or not any(together)
    assert kept == chat


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("result", [RESULT, FOUND_AND_ASKED, ITEM_RESULT])
@pytest.mark.parametrize("first", [[], [USER], [REASONING]])
def test_results_without_calls_are_dropped(model: str, result: Any, first: list[Any]) -> None:
    kept = truncate_tokens_from_messages([*first, result, USER], model, 10_000)
    assert kept == [*(first if first != [REASONING] else []), USER]


def test_only_results_without_calls() -> None:
    with pytest.raises(ValueError, match="results of tools without their calls"):
        truncate_tokens_from_messages([RESULT, RESULT], "gpt-4o", 10_000)
