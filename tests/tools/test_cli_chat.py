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
        ("{", "gpt-4o", 1, "standard input: not a chat: not JSON: Expecting property name"),
        ("[" * 100_000, "gpt-4o", 1, "standard input: not a chat: not JSON: "),
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


def parts(*contents: dict[str, Any]) -> str:
    return json.dumps([{"role": "user", "content": list(contents)}])


URL = "https://example.com/a=b.png"
IMAGE = {"type": "image_url", "image_url": {"url": URL}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}


def test_options_give_what_no_table_knows() -> None:
    expected = num_tokens_from_messages(
        json.loads(parts(IMAGE, AUDIO)),
        "gpt-4o",
        image_sizes={URL: (1024, 512)},
        costs={"input_audio": 12},
    )
    options = ("--image-size", URL, "1024", "512", "--cost", "input_audio", "12")
    result = run("-m", "gpt-4o", *options, stdin=parts(IMAGE, AUDIO))
    assert (result.exit_code, result.output) == (0, f"{expected}\n")


@pytest.mark.parametrize(
    ("chat", "model", "advice"),
    [
        (parts(IMAGE), "gpt-4o", ". --image-size URL WIDTH HEIGHT gives it\n"),
        (parts(AUDIO), "gpt-4o", ": --cost 'input_audio' TOKENS says it\n"),
        (
            json.dumps({"messages": [], "tools": [{"type": "no_tool"}]}),
            "gpt-4o",
            ": --cost 'no_tool' TOKENS says it\n",
        ),
        (
            parts(IMAGE),
            "o1-mini",
            ". --cost TYPE TOKENS says it, the type being that of the image\n",
        ),
        (parts(), "text-embedding-3-small", ": count with bpecore count\n"),
    ],
)
def test_advice_is_about_options(chat: str, model: str, advice: str) -> None:
    result = run("-m", model, stdin=chat)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith(advice)
    assert "=" not in result.stderr.replace(URL, "")


@pytest.mark.parametrize("part", [IMAGE, AUDIO], ids=["image", "audio"])
def test_what_has_no_tokens_is_not_shown(part: dict[str, Any]) -> None:
    result = CliRunner().invoke(main, ["view", "--chat"], input=parts(part))
    assert (result.exit_code, result.stdout) == (1, "")
    place = "Error: standard input: not a chat that can be shown: messages[0].content[0]: what "
    assert result.stderr.startswith(place)
    assert result.stderr.count("\n") == 1
    assert "=" not in result.stderr


def test_an_unknown_model_advises_no_option_that_is_missing() -> None:
    assert "--encoding" not in run("-m", "gpt-9").stderr
    assert "--encoding" in CliRunner().invoke(main, ["count", "-m", "gpt-9"]).stderr
