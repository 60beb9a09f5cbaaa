"""Where the tokens of a chat go: by message, tool and image."""

from __future__ import annotations

from typing import Any

import pytest

from bpecore.chat import Explanation, Rules, num_tokens_from_messages

URL = "data:image/gif;base64,R0lGODlhAgABAAAAADs="
TOOLS = [
    {"name": "look_up", "description": "Looks up a river.", "parameters": {}},
    {"type": "web_search"},
    {"name": "now"},
]
MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "You know rivers."},
    {
        "role": "user",
        "content": ["What is on it?", {"type": "image_url", "image_url": {"url": URL}}],
    },
    {
        "role": "assistant",
        "tool_calls": [
            {"id": name, "function": {"name": "look_up", "arguments": "{}"}} for name in "ab"
        ],
    },
    {"role": "tool", "tool_call_id": "a", "content": "one"},
    {"role": "tool", "tool_call_id": "b", "content": "two"},
]


def explain(model: str = "gpt-4o", **options: Any) -> Explanation:
    return num_tokens_from_messages(MESSAGES, model, explain=True, **options)


def test_the_parts_add_up() -> None:
    options: dict[str, Any] = {
        "tools": TOOLS,
        "tool_choice": {"type": "function", "name": "now"},
        "response_format": {"type": "json_schema", "name": "n", "schema": {}},
    }
    explanation = explain(**options)
    assert explanation.total == int(explanation) == sum(part.tokens for part in explanation.parts)
    assert explanation.total == num_tokens_from_messages(MESSAGES, "gpt-4o", **options)
    frame = sum(part.tokens for part in explanation.parts if part.kind == "frame")
    assert explanation.total == sum(explanation.messages) + sum(explanation.tools) + frame
    assert explanation.images == (255,)
    assert explanation.tools[1] == 400
    assert explanation.tools[0] > explanation.tools[2] > 0
    assert len(explanation.messages) == len(MESSAGES)
    assert explanation.messages[1] > 255


def test_results_of_several_calls_are_one_message() -> None:
    """The model sees them as one, which is given for the first."""
    messages = explain().messages
    assert messages[3] > 0
    assert messages[4] == 0


def test_places() -> None:
    places = {part.place: part.kind for part in explain(tools=TOOLS).parts}
    assert places["messages[1]"] == "message"
    assert places["messages[1].content[1]"] == "image"
    assert places["tools[0] look_up"] == places["tools[1]"] == "tool"
    assert places["start of the reply"] == "frame"


def test_the_rules_are_named() -> None:
    explanation = explain()
    assert (explanation.model, explanation.date) == ("gpt-4o", "2025-11")
    assert "OpenAI's guide" in explanation.source
    ours = Rules("gpt-4o", "our bills", "2026-11", per_message=5, image=None)
    with pytest.raises(KeyError):
        explain(rules=[ours])
    plain = num_tokens_from_messages(MESSAGES[:1], "gpt-4o")
    assert num_tokens_from_messages(MESSAGES[:1], "gpt-4o", rules=[ours]) == plain + 2


def test_a_table_of_it() -> None:
    explanation = explain(tools=TOOLS)
    *parts, total, source = str(explanation).splitlines()
    assert total.split()[:3] == [str(explanation.total), "in", "total,"]
    assert total.endswith("by the rules for gpt-4o (2025-11)")
    assert source.strip() == explanation.source
    assert [int(line.split()[0]) for line in parts] == [part.tokens for part in explanation.parts]


def test_models_that_no_table_knows() -> None:
    hello = [{"role": "user", "content": "hello"}]
    with pytest.raises(KeyError, match=r"our-model.* is not known"):
        num_tokens_from_messages(hello, "our-model")
    ours = Rules("our-*", "our bills", "2026-11", encoding="o200k_base", per_message=10)
    assert num_tokens_from_messages(hello, "Our-Model", rules=[ours]) == 8 + 7
    for default in ("o200k_base", "gpt-4o"):
        assert num_tokens_from_messages(hello, "our-model", default=default) == 8
    image = [{"role": "user", "content": [{"type": "image_url", "image_url": URL}]}]
    assert num_tokens_from_messages(image, "our-model", default="gpt-4o") == 7 + 255
    with pytest.raises(KeyError, match="images cost is not known for the model 'our-model'"):
        num_tokens_from_messages(image, "our-model", default="o200k_base")


def test_options_that_do_not_exist() -> None:
    with pytest.raises(TypeError, match="there is no option 'tool'; there are tools, "):
        num_tokens_from_messages([], "gpt-4o", tool=[])  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["costs", "image_sizes", "rules", "default"])
@pytest.mark.parametrize("wrong", [5, "x", ["x"]])
def test_options_of_a_wrong_type(name: str, wrong: Any) -> None:
    if name == "default" and isinstance(wrong, str):
        return
    with pytest.raises(TypeError, match=rf"{name}.*: must be"):
        num_tokens_from_messages([], "gpt-4o", **{name: wrong})
