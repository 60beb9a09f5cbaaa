"""`bpecore chat`: what a chat in a file costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bpecore.chat import num_tokens_from_messages
from bpecore.cli import main

MESSAGES = [
    {"role": "system", "content": "You know rivers."},
    {"role": "user", "content": "How long is the Danube?"},
]
TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]


def run(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["chat", *arguments], input=stdin.encode())


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4", "gpt-oss-120b"])
@pytest.mark.parametrize("further", [{}, {"tools": TOOLS, "tool_choice": "required"}])
def test_counts_a_request(model: str, further: dict[str, Any], tmp_path: Path) -> None:
    expected = num_tokens_from_messages(MESSAGES, model, **further)  # type: ignore[arg-type]
    request = {"model": "another", "messages": MESSAGES, "temperature": 1, **further}
    (tmp_path / "chat.json").write_text(json.dumps(request))
    result = run("-m", model, str(tmp_path / "chat.json"))
    assert (result.exit_code, result.output) == (0, f"{expected}\n")


def test_explains_a_list_of_messages() -> None:
    result = run("-m", "gpt-4o", "--explain", stdin=json.dumps(MESSAGES))
    explanation = num_tokens_from_messages(MESSAGES, "gpt-4o", explain=True)
    assert (result.exit_code, result.output) == (0, f"{explanation}\n")


@pytest.mark.parametrize(
    ("text", "model", "exit_code", "message"),
    [
        ("{", "gpt-4o", 1, "standard input: not a chat: Expecting property name"),
        ("[" * 100_000, "gpt-4o", 1, "standard input: not a chat: "),
        ('{"a": 1}', "gpt-4o", 1, "neither a list of messages nor an object with messages"),
        ("[1]", "gpt-4o", 1, "standard input: messages[0]: must be a dict"),
        ('{"messages": 3}', "gpt-4o", 1, "standard input: messages: must be a list, not int: 3"),
        ("[]", "text-embedding-3-small", 1, "takes plain text and no chats"),
        ("[]", "gpt4o", 2, "unknown model 'gpt4o'; did you mean gpt-4o"),
    ],
)
def test_what_is_no_chat(text: str, model: str, exit_code: int, message: str) -> None:
    result = run("-m", model, stdin=text)
    assert result.exit_code == exit_code
    assert message in result.output
