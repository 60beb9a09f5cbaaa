"""Ten thousand chats, right and wrong: a count or one clear error, and budgets that hold."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest
from generated import chat

from bpecore.chat import num_tokens_from_messages, truncate_tokens_from_messages

CHATS = 500
MODELS = ("gpt-4o", "gpt-4", "gpt-3.5-turbo", "gpt-5-mini", "gpt-oss-120b")
# Errors begin with the place of what is wrong.
PLACE = re.compile(r"[\"']?(messages|tools|tool_choice|response_format)\b")


FEW, MORE = range(4), range(4, 20)


def outcome_of(call: Any, *arguments: Any, **options: Any) -> Any:
    """Returns what a call returns, or its error."""
    try:
        return call(*arguments, **options)
    except (KeyError, TypeError, ValueError) as error:
        return error


@pytest.mark.parametrize(
    "seed", [*FEW, *(pytest.param(seed, marks=pytest.mark.slow) for seed in MORE)]
)
def test_generated_chats(seed: int) -> None:
    chance = Random(seed)
    counted = 0
    for _ in range(CHATS):
        messages, options = chat(chance)
        model = chance.choice(MODELS)
        tokens = outcome_of(num_tokens_from_messages, messages, model, **options)
        if isinstance(tokens, Exception):
            assert PLACE.match(str(tokens)), tokens
            assert len(str(tokens)) < 2000
            with pytest.raises(type(tokens)):
                truncate_tokens_from_messages(messages, model, 100, **options)
            continue
        counted += 1
        explanation = num_tokens_from_messages(messages, model, explain=True, **options)
        assert explanation.total == tokens
        assert sum(part.tokens for part in explanation.parts) == tokens
        assert len(explanation.messages) == len(messages)
        for budget in (tokens, chance.randrange(tokens + 1), tokens // 2):
            check_budget(messages, model, budget, options)
    assert counted > CHATS // 3


def check_budget(messages: list[Any], model: str, budget: int, options: dict[str, Any]) -> None:
    kept = outcome_of(truncate_tokens_from_messages, messages, model, budget, **options)
    if isinstance(kept, Exception):
        assert re.match(r"max_tokens=\d+ is too small|messages: there are only", str(kept)), kept
        return
    assert num_tokens_from_messages(kept, model, **options) <= budget
    uncut = [message for message in kept if any(message is given for given in messages)]
    assert len(uncut) >= len(kept) - 1
    calls, results = ids_of(kept)
    assert results <= calls
    # What was given with results is kept with all of them.
    assert calls & ids_of(messages)[1] == results


def ids_of(messages: list[Any]) -> tuple[set[str], set[str]]:
    """Returns the ids of calls, and those of results that follow them."""
    calls: set[str] = set()
    results: set[str] = set()
    for message in messages:
        if not isinstance(message, dict):
            continue
        content = message.get("content")
        blocks = content if isinstance(content, list) else []
        for each in (message, *blocks, *(message.get("tool_calls") or ())):
            if not isinstance(each, dict):
                continue
            kind = each.get("type")
            if kind in ("function", "function_call", "tool_use", "tool_call"):
                calls.add(each.get("call_id") or each.get("id"))
            for name in ("tool_call_id", "tool_use_id"):
                if name in each:
                    results.add(each[name])
            if kind == "function_call_output":
                results.add(each["call_id"])
    return calls, results
