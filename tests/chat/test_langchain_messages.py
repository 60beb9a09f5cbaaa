"""Messages of LangChain: objects and dicts with a type in place of a role."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bpecore.chat import num_tokens_from_messages, truncate_tokens_from_messages

CALL = {"name": "f", "args": {"x": 1}, "id": "c1", "type": "tool_call"}
USE = {"type": "tool_use", "id": "c1", "name": "f", "input": {"x": 1}}
MESSAGES: list[dict[str, Any]] = [
    {"type": "system", "content": "Be brief."},
    {"type": "human", "content": "hello", "id": "m1", "response_metadata": {}},
    {"type": "ai", "content": "", "tool_calls": [CALL], "invalid_tool_calls": []},
    {"type": "tool", "content": "42", "tool_call_id": "c1", "name": None, "status": "success"},
    {"type": "ai", "content": [{"type": "text", "text": "done"}], "tool_calls": []},
]
FUNCTION = {"name": "f", "arguments": '{"x": 1}'}
EQUAL = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "hello"},
    {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": FUNCTION}]},
    {"role": "tool", "content": "42", "tool_call_id": "c1"},
    {"role": "assistant", "content": "done"},
]


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-oss-20b"])
def test_they_cost_what_those_of_chat_completions_cost(model: str) -> None:
    expected = num_tokens_from_messages(EQUAL, model)
    assert num_tokens_from_messages(MESSAGES, model) == expected
    objects = [SimpleNamespace(**message) for message in MESSAGES]
    assert num_tokens_from_messages(objects, model) == expected
    # A default for what has no cost does not make them cost that.
    assert num_tokens_from_messages(MESSAGES, model, costs={"*": 0}) == expected


def test_a_call_that_the_content_has_too_is_counted_once() -> None:
    both = {**MESSAGES[2], "content": [USE]}
    assert num_tokens_from_messages([*MESSAGES[:2], both, *MESSAGES[3:]], "gpt-4o") == (
        num_tokens_from_messages(EQUAL, "gpt-4o")
    )


def test_calls_are_kept_with_their_results() -> None:
    total = num_tokens_from_messages(MESSAGES, "gpt-4o")
    for budget in range(20, total + 1):
        kept = truncate_tokens_from_messages(MESSAGES, "gpt-4o", budget)
        assert num_tokens_from_messages(kept, "gpt-4o") <= budget
        assert (MESSAGES[2] in kept) == (MESSAGES[3] in kept)


def test_types_that_langchain_lacks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"messages\[0\]: what 'robot' costs is not known"):
        num_tokens_from_messages([{"type": "robot", "content": "hi"}], "gpt-4o")


@pytest.mark.parametrize("name", ["parts", "images"])
def test_contents_in_fields_of_other_apis_are_not_overlooked(name: str) -> None:
    """Gemini's messages have `parts` and Ollama's `images`."""
    message = {"role": "user", "content": "hello", name: [{"text": "more"}]}
    with pytest.raises(ValueError, match=rf"messages\[0\]\.{name}: what '{name}' costs"):
        num_tokens_from_messages([message], "gpt-4o")
    assert num_tokens_from_messages([message], "gpt-4o", costs={name: 5}) == 8 + 5
    assert num_tokens_from_messages([{**message, name: []}], "gpt-4o") == 8
