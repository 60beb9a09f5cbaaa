"""Messages cut to a budget: what is kept, in which order, and what is refused."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from bpecore.chat import num_tokens_from_messages, truncate_tokens_from_messages

MODEL = "gpt-4o"
CHAT = [
    {"role": "system", "content": "You answer in one sentence."},
    {"role": "user", "content": "Which rivers flow through Vienna, and where do they end? " * 3},
    {"role": "assistant", "content": "The Danube and the Wien; in the Black Sea, in the end. 🌊🌊"},
    {"role": "user", "name": "anna", "content": "And through Ljubljana? Please name them all."},
]


class Turn(NamedTuple):
    role: str
    content: Any


@dataclass(frozen=True)
class Frozen:
    role: str
    content: Any


def test_every_budget() -> None:
    """What is kept fits the budget and is a suffix, and a larger budget never keeps less."""
    whole = num_tokens_from_messages(CHAT, MODEL)
    frame = num_tokens_from_messages(CHAT[:1], MODEL) + 3 + 1 + 1 + 1
    least = None
    kept_before = 0
    for budget in range(whole + 3):
        try:
            kept = truncate_tokens_from_messages(CHAT, MODEL, budget)
        except ValueError:
            assert least is None
            continue
        if least is None:
            least = budget
        cost = num_tokens_from_messages(kept, MODEL)
        assert cost <= budget
        assert kept[0] is CHAT[0]
        rest = kept[1:]
        given = CHAT[-len(rest) :]
        assert all(ours is theirs for ours, theirs in zip(rest[1:], given[1:]))
        assert given[0]["content"].endswith(rest[0]["content"])
        assert rest[0]["content"]
        characters = sum(len(message["content"]) for message in kept)
        assert characters >= kept_before
        kept_before = characters
        if budget >= whole:
            assert all(ours is theirs for ours, theirs in zip(kept, CHAT))
            assert len(kept) == len(CHAT)
    assert least == frame + 1


def test_what_is_given_stays_as_it_was() -> None:
    given = copy.deepcopy(CHAT)
    kept = truncate_tokens_from_messages(given, MODEL, 30)
    assert num_tokens_from_messages(kept, MODEL) <= 30
    assert given == CHAT


def test_tools_count_into_the_budget() -> None:
    tools = [{"name": "look_up", "description": "Looks up a river in an atlas."}]
    kept = truncate_tokens_from_messages(CHAT, MODEL, 60, tools=tools)
    assert num_tokens_from_messages(kept, MODEL, tools=tools) <= 60
    assert len(kept) < len(truncate_tokens_from_messages(CHAT, MODEL, 60)) or kept != CHAT


def test_a_developer_message_is_kept_and_others_are_not() -> None:
    messages = [{"role": "developer", "content": "Be kind."}, *CHAT[1:]]
    assert truncate_tokens_from_messages(messages, MODEL, 30)[0] is messages[0]
    kept = truncate_tokens_from_messages(CHAT[1:], MODEL, 30)
    assert [message["role"] for message in kept] == ["assistant", "user"]


@pytest.mark.parametrize("kind", [SimpleNamespace, Turn, Frozen])
def test_objects(kind: Any) -> None:
    words = "one two three four five six seven eight nine ten"
    old, new = kind(role="user", content=words), kind(role="user", content="eleven twelve")
    kept = truncate_tokens_from_messages([old, new], MODEL, 18)
    assert type(kept[0]) is kind
    assert kept[0].content == " seven eight nine ten"
    assert kept[1] is new
    assert old.content == words


def test_parts_are_dropped_and_cut_from_the_first() -> None:
    parts = [
        {"type": "text", "text": "one two three"},
        {"type": "image_url", "image_url": {"url": "https://example.com/x", "detail": "low"}},
        {"type": "text", "text": "four five six"},
    ]
    message = {"role": "user", "content": parts}
    whole = num_tokens_from_messages([message], MODEL)

    def kept(less: int) -> list[Any]:
        (cut,) = truncate_tokens_from_messages([message], MODEL, whole - less)
        assert num_tokens_from_messages([cut], MODEL) <= whole - less
        content: list[Any] = cut["content"]
        return content

    assert kept(0) == parts
    assert kept(1) == [{"type": "text", "text": " two three"}, *parts[1:]]
    assert kept(3) == parts[1:]
    assert kept(4) == parts[2:]
    assert kept(89) == [{"type": "text", "text": " five six"}]
    assert kept(90) == [{"type": "text", "text": " six"}]
    assert message["content"] is parts
    assert len(parts) == 3


def test_an_answer_does_not_outlive_its_call() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}" * 50}}
    messages = [
        {"role": "user", "content": "Look it up."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "found", "tool_call_id": "c"},
        {"role": "tool", "content": "found too", "tool_call_id": "c"},
        {"role": "assistant", "content": "It is there."},
    ]
    kept = truncate_tokens_from_messages(messages, MODEL, 40)
    assert kept == messages[-1:]
    with pytest.raises(ValueError, match="too small: of the newest message"):
        truncate_tokens_from_messages(messages[:3], MODEL, 20)
    enough = num_tokens_from_messages(messages[1:3], MODEL)
    assert truncate_tokens_from_messages(messages[:3], MODEL, enough) == messages[1:3]


def test_an_old_message_that_cannot_be_cut_is_dropped() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/x"}}
    sizes = {"https://example.com/x": (2048, 2048)}
    messages = [
        {"role": "user", "content": [image]},
        {"role": "user", "content": "What is on it?"},
    ]
    kept = truncate_tokens_from_messages(messages, MODEL, 700, image_sizes=sizes)
    assert kept == messages[1:]


def test_special_tokens_spelt_out_are_ordinary_text() -> None:
    messages = [{"role": "user", "content": "one two <|endoftext|> three four five"}]
    kept = truncate_tokens_from_messages(messages, MODEL, 12)
    assert num_tokens_from_messages(kept, MODEL) <= 12
    assert kept[0]["content"].endswith(" three four five")


def test_system_message_alone_and_none_at_all() -> None:
    assert truncate_tokens_from_messages([], MODEL, 3) == []
    assert truncate_tokens_from_messages(CHAT[:1], MODEL, 30) == CHAT[:1]
    with pytest.raises(ValueError, match="max_tokens=2"):
        truncate_tokens_from_messages([], MODEL, 2)


@pytest.mark.parametrize("budget", [-1, -(10**30)])
def test_negative_budget(budget: int) -> None:
    with pytest.raises(ValueError, match="max_tokens must be 0 or more"):
        truncate_tokens_from_messages(CHAT, MODEL, budget)


@pytest.mark.parametrize("budget", [None, 5.0, "5", True])
def test_budget_that_is_no_int(budget: Any) -> None:
    with pytest.raises(TypeError, match="max_tokens"):
        truncate_tokens_from_messages(CHAT, MODEL, budget)


def test_wrong_messages_are_refused_even_where_they_would_be_dropped() -> None:
    with pytest.raises(ValueError, match=r"messages\[0\]: has no role"):
        truncate_tokens_from_messages([{"content": "x"}, *CHAT[1:]], MODEL, 30)


def test_unknown_model() -> None:
    with pytest.raises(KeyError):
        truncate_tokens_from_messages(CHAT, "nobody-knows", 30)
    kept = truncate_tokens_from_messages(CHAT, "nobody-knows", 30, default="o200k_base")
    assert kept == truncate_tokens_from_messages(CHAT, MODEL, 30)


def test_contents_that_can_be_read_only_once_are_not_lost() -> None:
    """Pydantic makes iterators of fields that are annotated as iterables."""
    call = {"id": "c", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": iter(["hello"] * 30)},
        {"role": "assistant", "tool_calls": iter([call])},
        {"role": "tool", "tool_call_id": "c", "content": iter([{"type": "text", "text": "42"}])},
    ]
    kept = truncate_tokens_from_messages(messages, "gpt-4o", 40)
    assert num_tokens_from_messages(kept, "gpt-4o") == 40
    assert set(kept[0]["content"]) == {"hello"}
    assert kept[1]["tool_calls"] == [call]
    assert kept[2]["content"] == [{"type": "text", "text": "42"}]
