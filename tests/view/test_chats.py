"""`bpecore view --chat`: a chat with all that the format of gpt-oss adds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from page_parts import data_of

import bpecore
from bpecore.chat.harmony import render_chat
from bpecore.cli import main
from bpecore.view.tokens import TokenizedText

MESSAGES = [{"role": "user", "content": "Hi <|end|>"}]
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
ENCODING = bpecore.get_encoding("o200k_harmony")


def run(chat: Any, *arguments: str) -> Result:
    text = chat if isinstance(chat, str) else json.dumps(chat)
    return CliRunner().invoke(main, ["view", "--chat", *arguments], input=text)


def test_a_list_of_messages() -> None:
    result = run(MESSAGES)
    assert result.exit_code == 0
    assert "⟦<|start|>⟧│user│⟦<|message|>⟧│Hi│ <│|│end│|│>│⟦<|end|>⟧" in result.stdout
    assert f"o200k_harmony: {len(render_chat(MESSAGES))} tokens" in result.stdout


def test_a_request_with_tools_as_a_page(tmp_path: Path) -> None:
    request = {"messages": MESSAGES, "tools": TOOLS, "reasoning_effort": "high"}
    assert run(request, "--html", str(tmp_path / "page.html")).exit_code == 0
    (found,) = data_of((tmp_path / "page.html").read_text("utf-8"))["vocabularies"]
    expected = render_chat(MESSAGES, tools=TOOLS, reasoning_effort="high")
    assert {*found["ids"]} == {*expected}
    assert found["characters"] == len(ENCODING.decode(expected))


@pytest.mark.parametrize(
    "chat", ["", "{", "[" * 100_000, "1", {"messages": 1}, {}, [{"role": "nobody"}], [1]]
)
def test_what_is_no_chat(chat: Any) -> None:
    result = run(chat)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: standard input: not a chat")


def test_other_encodings_are_refused() -> None:
    assert run(MESSAGES, "-e", "o200k_harmony").exit_code == 0
    result = run(MESSAGES, "-e", "cl100k_base")
    assert result.exit_code == 2
    assert "o200k_harmony" in result.stderr


def test_of_ids() -> None:
    ids = ENCODING.encode("hello 漢字")
    tokens = TokenizedText.of_ids(ENCODING, ids)
    assert ([*tokens.ids], tokens.characters) == (ids, 8)
    with pytest.raises(KeyError):
        TokenizedText.of_ids(ENCODING, [10**8])
