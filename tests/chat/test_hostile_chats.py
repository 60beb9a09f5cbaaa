"""Random chats with much that is wrong: a count or an error that names the place; budgets hold."""

from __future__ import annotations

from typing import Any

import pytest
from hostile_chats import HostileChats, counted_or_refused

from bpecore.chat import num_tokens_from_messages, truncate_tokens_from_messages
from bpecore.chat.messages import read_messages
from bpecore.chat.reader import Reader
from bpecore.chat.rules import rules_of

CHATS = 150


@pytest.mark.parametrize(
    "seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 70))]
)
def test_random_chats(seed: int) -> None:
    made = HostileChats(seed)
    for _ in range(CHATS):
        messages, model, request = made.chat()
        before = repr(messages)
        total = counted_or_refused(messages, model, request)
        if total is not None:
            check_explanation(messages, model, request, total)
            for budget in {0, total // 3, total // 2, total - 1, total, total + 5}:
                check_budget(messages, model, request, budget)
        assert repr(messages) == before


def check_explanation(messages: Any, model: str, request: dict[str, Any], total: int) -> None:
    explained = num_tokens_from_messages(messages, model, explain=True, **request)
    assert explained.total == total == sum(part.tokens for part in explained.parts)
    assert min(part.tokens for part in explained.parts) >= 0
    assert len(explained.messages) == len(messages)
    assert sum(explained.messages) + sum(explained.tools) <= total
    assert f"{total}  in total" in str(explained)


def check_budget(messages: Any, model: str, request: dict[str, Any], budget: int) -> None:
    try:
        kept = truncate_tokens_from_messages(messages, model, budget, **request)
    except ValueError as error:
        if str(error).startswith(("max_tokens=", "messages: there are only results")):
            return
        raise
    assert num_tokens_from_messages(kept, model, **request) <= budget
    position = 0
    copies = 0
    for message in kept:
        while position < len(messages) and messages[position] is not message:
            position += 1
        if position == len(messages):
            copies, position = copies + 1, 0
    assert copies <= 1  # the one that was cut
    seen = read_messages(Reader(model, rules_of(model), request.get("costs") or {}), kept)
    for number, message in enumerate(seen):
        assert not message.is_result or any(before.calls for before in seen[:number])
